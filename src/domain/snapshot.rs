//! What the commit of a snapshot says of itself: whose work it has, and at which checkpoint.
//!
//! Deliberately not here: its tree and parents. The first parent is the session's branch as it was; one of the others,
//! where there is one, is the snapshot before.

use super::agent::AgentName;
use super::id::SessionId;

/// The words of a snapshot's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotNote {
    /// The session.
    pub id: SessionId,
    /// The checkpoint, `001`.
    pub checkpoint: String,
    /// The checkpoint's entry in the log: the same snapshot taken again is told by it.
    pub entry: String,
    /// What was reached.
    pub title: String,
    /// Who took it.
    pub agent: AgentName,
    /// Where its work came from, for one that a fork begins with: a session, and `@` with the checkpoint.
    pub from: Option<String>,
}

impl SnapshotNote {
    /// The commit's message.
    pub fn message(&self) -> String {
        let Self { id, checkpoint, entry, title, agent, from } = self;
        let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut message = format!(
            "wip: session {id}, checkpoint {checkpoint}: {title}\n\nSnapshot-Session: {id}\nSnapshot-Checkpoint: {checkpoint}\n\
             Snapshot-Entry: {entry}\nSnapshot-Agent: {agent}\nSnapshot-Title: {title}\n"
        );
        if let Some(from) = from {
            message.push_str(&format!("Snapshot-From: {from}\n"));
        }
        message
    }

    /// Reads a message; `None` for any other commit's.
    pub fn parse(message: &str) -> Option<Self> {
        let last = message.trim_end().rsplit("\n\n").next()?;
        let word = |key: &str| last.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        Some(Self {
            id: word("Snapshot-Session")?.parse().ok()?,
            checkpoint: word("Snapshot-Checkpoint").filter(|text| number(text).is_some())?.to_owned(),
            entry: word("Snapshot-Entry")?.to_owned(),
            title: word("Snapshot-Title")?.to_owned(),
            agent: word("Snapshot-Agent")?.parse().ok()?,
            from: word("Snapshot-From").map(str::to_owned),
        })
    }
}

/// The number of a checkpoint, as people and files write it: `1`, `001`.
pub fn number(checkpoint: &str) -> Option<u32> {
    let digits = (1..=6).contains(&checkpoint.len()) && checkpoint.bytes().all(|byte| byte.is_ascii_digit());
    checkpoint.parse().ok().filter(|number| digits && *number > 0)
}

#[cfg(test)]
mod tests {
    use super::{SnapshotNote, number};

    fn note(title: &str) -> SnapshotNote {
        SnapshotNote {
            id: "2026-11-20-auth".parse().unwrap(),
            checkpoint: "001".to_owned(),
            entry: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            title: title.to_owned(),
            agent: "claude-1".parse().unwrap(),
            from: None,
        }
    }

    #[test]
    fn a_note_comes_back_and_other_messages_are_none() {
        assert_eq!(SnapshotNote::parse(&note("the form works").message()), Some(note("the form works")));
        let forked = SnapshotNote { from: Some("2026-11-20-old@001".to_owned()), ..note("x") };
        assert_eq!(SnapshotNote::parse(&forked.message()), Some(forked));
        for other in ["", "wip", "wip: session 2026-11-20-auth, checkpoint 001: x\n\nSnapshot-Session: nobody\n"] {
            assert_eq!(SnapshotNote::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_title_cannot_smuggle_a_line_in() {
        let parsed = SnapshotNote::parse(&note("x\n\nSnapshot-Checkpoint: 009").message()).unwrap();
        assert_eq!(parsed.checkpoint, "001");
    }

    #[test]
    fn checkpoints_are_counted_from_one() {
        for (text, found) in [("1", Some(1)), ("001", Some(1)), ("012", Some(12)), ("1000", Some(1000))] {
            assert_eq!(number(text), found, "{text}");
        }
        for text in ["", "0", "000", "-1", "+1", " 1", "1a", "9999999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
