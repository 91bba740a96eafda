//! The resources: the board, and what there is to know of each session.

use rmcp::model::{Resource, ResourceTemplate};

use super::Form;

/// The board, as `list --json` has it.
pub(super) const BOARD: &str = "session://board";
/// A session's brief, as `brief` prints it.
const BRIEF: &str = "session://{id}/brief";

const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

/// A resource that can be read: the command line that has its content.
pub(super) struct Content {
    pub(super) words: Vec<String>,
    pub(super) form: Form,
    pub(super) mime: &'static str,
}

/// What an address means; `None` for none of ours.
pub(super) fn content(uri: &str) -> Option<Content> {
    if uri == BOARD {
        return Some(Content { words: vec!["list".to_owned()], form: Form::Data, mime: JSON });
    }
    let id = uri.strip_prefix("session://")?.strip_suffix("/brief")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.starts_with('-') || !id.chars().all(is_plain) {
        return None;
    }
    Some(Content { words: vec!["brief".to_owned(), id.to_owned()], form: Form::Text, mime: MARKDOWN })
}

/// The board's own entry.
pub(super) fn board() -> Resource {
    Resource::new(BOARD, "board")
        .with_title("The board")
        .with_description("Active, planned and drafting sessions, with who holds each and whether it is ready")
        .with_mime_type(JSON)
}

/// The entry of one session's brief.
pub(super) fn brief(id: &str, title: &str) -> Resource {
    Resource::new(BRIEF.replace("{id}", id), id).with_title(format!("Brief: {title}")).with_mime_type(MARKDOWN)
}

/// Where the brief of any session is.
pub(super) fn template() -> ResourceTemplate {
    ResourceTemplate::new(BRIEF, "brief")
        .with_title("What there is to know of a session")
        .with_description(
            "Plan, criteria, decisions, blockers, next steps and what happened last, in about 2,000 tokens",
        )
        .with_mime_type(MARKDOWN)
}

#[cfg(test)]
mod tests {
    use super::content;

    #[test]
    fn an_address_is_one_command_line_or_none() {
        assert_eq!(content("session://board").unwrap().words, ["list"]);
        assert_eq!(content("session://2026-11-20-a/brief").unwrap().words, ["brief", "2026-11-20-a"]);
        let none = [
            "session://",
            "session:///brief",
            "session://--full/brief",
            "session://a/b/brief",
            "session://a",
            "file:///x",
        ];
        for uri in none {
            assert!(content(uri).is_none(), "{uri}");
        }
    }
}
