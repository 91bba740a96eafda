//! What came of a validation command: an entry of the log, and what it says of the commit that is there now.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::agent::{AgentName, unprintable};
use super::log::{Entry, EntryKind};
use super::time::Timestamp;

/// One run of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The command line, as the plan or the setting has it.
    pub command: String,
    /// Its exit status.
    pub exit_code: i32,
    /// How long it took.
    pub milliseconds: u64,
    /// The session branch's commit that it ran on; none without a checkout.
    pub commit: Option<String>,
    /// Whether the checkout had nothing beside that commit.
    pub tree: Tree,
    /// The end of what it printed.
    pub output: String,
}

/// What a command ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    /// The commit and nothing else.
    Clean,
    /// The commit with changes that are in none.
    Changed,
}

/// A run as the log tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What came of it.
    pub run: Run,
    /// When.
    pub at: Timestamp,
    /// Who had it run.
    pub agent: AgentName,
}

/// What is known of a command now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It succeeded on this commit.
    Passed,
    /// It failed on this commit.
    Failed,
    /// It ran on another commit, or with changes that no commit has.
    Stale,
    /// It has never run.
    Never,
}

impl Standing {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Never => "never",
        }
    }
}

impl Run {
    /// Whether it succeeded.
    pub const fn succeeded(&self) -> bool {
        self.exit_code == 0
    }

    /// The kind and the text of its entry.
    pub fn entry(&self) -> (EntryKind, String) {
        let command = shown(self.command.lines().next().unwrap_or_default());
        if self.succeeded() {
            (EntryKind::Success, format!("`{command}` passed"))
        } else {
            (EntryKind::Error, format!("`{command}` failed with exit status {}", self.exit_code))
        }
    }

    /// The data of its entry, under one key.
    pub fn data(&self) -> BTreeMap<String, Value> {
        let run = json!({
            "command": self.command,
            "exit_code": self.exit_code,
            "milliseconds": self.milliseconds,
            "commit": self.commit,
            "clean": self.tree == Tree::Clean,
            "output": self.output,
        });
        [("validation".to_owned(), run)].into()
    }

    /// The paragraph of `validation.md`. What was printed is indented, so that no line of it is a heading or a marker.
    pub fn paragraph(&self, at: Timestamp) -> String {
        let word = if self.succeeded() { "passed" } else { "failed" };
        let command: Vec<String> = self.command.lines().map(|line| format!("    {}\n", shown(line))).collect();
        let seconds = self.milliseconds as f64 / 1000.0;
        let commit = self.commit.as_deref().unwrap_or("no commit");
        let tree = match self.tree {
            Tree::Clean => "",
            Tree::Changed => ", with uncommitted changes",
        };
        let output: String = self.output.lines().map(|line| format!("    {}\n", shown(line))).collect();
        let output = if output.is_empty() { output } else { format!("\nIt printed:\n\n{output}") };
        format!(
            "\n## [{}] {word}\n\n{}\nExit status {} after {seconds:.1} s, on {commit}{tree}.\n{output}",
            at.minute(),
            command.concat(),
            self.exit_code,
        )
    }
}

/// A text in which nothing is left that a terminal would obey; tabs and line ends stay.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if unprintable(c) && !matches!(c, '\n' | '\t') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The run that an entry tells of, if it does.
pub fn evidence(entry: &Entry) -> Option<Evidence> {
    let run = entry.data.get("validation")?;
    let word = |key: &str| run.get(key).and_then(Value::as_str);
    Some(Evidence {
        run: Run {
            command: word("command")?.to_owned(),
            exit_code: run.get("exit_code")?.as_i64()?.try_into().ok()?,
            milliseconds: run.get("milliseconds").and_then(Value::as_u64).unwrap_or_default(),
            commit: word("commit").map(str::to_owned),
            tree: if run.get("clean")?.as_bool()? { Tree::Clean } else { Tree::Changed },
            output: word("output").unwrap_or_default().to_owned(),
        },
        at: entry.at,
        agent: entry.agent.clone(),
    })
}

/// The newest run of a command, and what it says of the commit `head`.
pub fn standing(entries: &[Entry], command: &str, head: Option<&str>) -> (Standing, Option<Evidence>) {
    let newest = entries.iter().rev().filter_map(evidence).find(|evidence| evidence.run.command == command);
    let standing = match &newest {
        None => Standing::Never,
        Some(Evidence { run, .. }) if run.commit.as_deref() != head || run.tree == Tree::Changed => Standing::Stale,
        Some(Evidence { run, .. }) if run.succeeded() => Standing::Passed,
        Some(_) => Standing::Failed,
    };
    (standing, newest)
}

#[cfg(test)]
mod tests {
    use super::{Run, Standing, Tree, standing};
    use crate::domain::log::{Entry, entry_id};

    fn entry(seed: u8, run: &Run) -> Entry {
        let at = "2026-11-20T03:22:26Z".parse().unwrap();
        let (kind, text) = run.entry();
        let id = entry_id(at, [seed; 10]);
        let whole = Entry { id, at, agent: "one".parse().unwrap(), kind, text, body: None, data: run.data() };
        Entry::parse_line(&whole.print_line()).unwrap()
    }

    #[test]
    fn evidence_is_of_one_commit_and_the_newest_counts() {
        let run = |exit_code, commit: Option<&str>, tree| Run {
            command: "make test".to_owned(),
            exit_code,
            milliseconds: 1200,
            commit: commit.map(str::to_owned),
            tree,
            output: "\u{1b}[31mred\n# not a heading\n<<<<<<< x".to_owned(),
        };
        let (good, bad) = (run(0, Some("a"), Tree::Clean), run(1, Some("a"), Tree::Clean));
        for (runs, command, head, wanted) in [
            (vec![], "make test", Some("a"), Standing::Never),
            (vec![&good], "make", Some("a"), Standing::Never),
            (vec![&bad, &good], "make test", Some("a"), Standing::Passed),
            (vec![&good, &bad], "make test", Some("a"), Standing::Failed),
            (vec![&good], "make test", Some("b"), Standing::Stale),
            (vec![&good], "make test", None, Standing::Stale),
            (vec![&run(0, Some("a"), Tree::Changed)], "make test", Some("a"), Standing::Stale),
            (vec![&run(0, None, Tree::Clean)], "make test", None, Standing::Passed),
        ] {
            let entries: Vec<Entry> = runs.iter().enumerate().map(|(at, run)| entry(at as u8, run)).collect();
            assert_eq!(standing(&entries, command, head).0, wanted);
        }
        let paragraph = bad.paragraph("2026-11-20T03:22:26Z".parse().unwrap());
        assert!(paragraph.contains("    \\u{1b}[31mred\n    # not a heading\n    <<<<<<< x\n"), "{paragraph}");
        assert_eq!(paragraph.lines().filter(|line| line.starts_with('#')).count(), 1);
    }
}
