//! Which files of a closed session are working memory: of use while the work goes on, and the first to go afterwards.
//!
//! Everything else stays: the plan, the record, the patch, the report of the end, the work log, what was added to the
//! scope, and whatever people put there under a name that is not known here.

/// Working memory, as names in a session's folder; folders with everything in them.
const FILES: [&str; 5] = ["log.jsonl", "active-plan.md", "decisions.md", "assumptions.md", "validation.md"];
const FOLDERS: [&str; 2] = ["checkpoints", "runs"];

/// Whether a file of a session's folder, by its path in it, is working memory.
pub fn is_prunable(path: &str) -> bool {
    match path.split_once('/') {
        Some((folder, _)) => FOLDERS.contains(&folder),
        None => FILES.contains(&path),
    }
}

#[cfg(test)]
mod tests {
    use super::is_prunable;

    #[test]
    fn what_tells_what_was_planned_and_done_stays() {
        for path in ["log.jsonl", "decisions.md", "checkpoints/index.md", "checkpoints/001-a.md", "runs/run-1.txt"] {
            assert!(is_prunable(path), "{path}");
        }
        for path in [
            "SESSION.md",
            "session.yaml",
            "2026-11-20-auth.patch",
            "completion.md",
            "worklog.md",
            "subsessions.md",
            "sources/2026-11-20-auth.md",
            "notes.md",
            "imported/decisions.md",
            "decisions.md/x",
            "checkpoints",
        ] {
            assert!(!is_prunable(path), "{path}");
        }
    }
}
