//! What was learned: what a merge of it is called, and who may change what.
//!
//! Deliberately not here: the learnings' text, and which paths changed. Both are arguments.

use chrono::NaiveDate;

use super::id::{Kind, SessionId, Slug};

/// What learnings are about: the words of their first heading; `learnings` where there is none.
///
/// A heading may be of any content, `../../x` for one. Only letters and digits of it get into the slug.
pub fn topic(learnings_markdown: &str) -> Slug {
    let heading = learnings_markdown.lines().find_map(|line| {
        let text = line.trim_start().trim_start_matches('#');
        let heading = line.trim_start().starts_with('#') && (text.is_empty() || text.starts_with([' ', '\t']));
        heading.then(|| Slug::of_title(text)).flatten()
    });
    heading.unwrap_or_else(|| "learnings".parse().expect("the word is a slug"))
}

/// The id of the session that merges learnings about `topic`: `kb-<date>-merge-<topic>`. Learnings of one topic and
/// day share one.
pub fn kb_id(date: NaiveDate, topic: &Slug) -> SessionId {
    let slug = Slug::of_title(&format!("merge {}", topic.as_str())).expect("`merge` is left in any case");
    SessionId::new(Kind::Knowledge, date, &slug)
}

/// How a changed path breaks the rules for knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Canonical knowledge, which `kb-` sessions alone may change.
    Canonical,
    /// The learnings of another session.
    OtherSession,
}

/// Whether session `id` may not change `path`, and why; `None` when it may.
///
/// `knowledge_root` and `path` are `/`-separated from the top of the repository. A `kb-` session may change
/// everything; the others may change `<root>/sessions/<their id>/` and nothing else of it. The comparison ignores
/// case, because `_AGENTS/Knowledge` is the same folder on some machines.
pub fn violation(path: &str, knowledge_root: &str, id: &SessionId) -> Option<Violation> {
    let root: Vec<&str> = knowledge_root.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    let inside = !root.is_empty() && root.iter().all(|part| parts.next().is_some_and(|own| same(own, part)));
    if !inside || id.kind() == Kind::Knowledge {
        return None;
    }
    if path.split('/').any(|part| part == "..") {
        return Some(Violation::Canonical);
    }
    match (parts.next(), parts.next(), parts.next()) {
        // `sessions/<id>` itself would be a file in the place of the folder.
        (Some(sessions), Some(owner), Some(_)) if same(sessions, "sessions") => {
            if owner == id.as_str() {
                None
            } else {
                Some(Violation::OtherSession)
            }
        }
        (Some(_) | None, _, _) => Some(Violation::Canonical),
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Violation, kb_id, topic, violation};

    #[test]
    fn any_heading_gives_a_safe_topic() {
        for (learnings, slug) in [
            ("# Auth patterns\n\ntext", "auth-patterns"),
            ("text\n## ../../etc/passwd\n", "etc-passwd"),
            ("# 日本\n# second", "second"),
            ("#no heading\n", "learnings"),
            ("", "learnings"),
            ("# $(touch x)`;\n", "touch-x"),
            ("# ---\n", "learnings"),
        ] {
            assert_eq!(topic(learnings).as_str(), slug, "{learnings}");
        }
    }

    #[test]
    fn a_merge_is_named_by_day_and_topic() {
        let date = "2026-11-20".parse().unwrap();
        assert_eq!(kb_id(date, &topic("# Auth patterns")).as_str(), "kb-2026-11-20-merge-auth-patterns");
        let long = kb_id(date, &topic(&format!("# {}", "long words ".repeat(30))));
        assert_eq!(long.as_str().parse(), Ok(long));
    }

    #[test]
    fn only_knowledge_sessions_touch_canonical_knowledge() {
        let work = "2026-11-20-auth".parse().unwrap();
        let merge = "kb-2026-11-20-merge-auth".parse().unwrap();
        for (path, found) in [
            ("_AGENTS/knowledge/auth.md", Some(Violation::Canonical)),
            ("_agents/Knowledge/auth.md", Some(Violation::Canonical)),
            ("_AGENTS/knowledge", Some(Violation::Canonical)),
            ("_AGENTS/knowledge/sessions/2026-11-20-auth/learnings.md", None),
            ("_AGENTS/knowledge/sessions/2026-11-20-auth", Some(Violation::Canonical)),
            ("_AGENTS/knowledge/sessions/2026-11-20-auth/../x/y", Some(Violation::Canonical)),
            ("_AGENTS/knowledge/sessions/2026-11-20-auth-2/learnings.md", Some(Violation::OtherSession)),
            ("_AGENTS/knowledge2/x", None),
            ("src/lib.rs", None),
        ] {
            assert_eq!(violation(path, "_AGENTS/knowledge/", &work), found, "{path}");
            assert_eq!(violation(path, "_AGENTS/knowledge", &merge), None, "{path}");
        }
    }
}
