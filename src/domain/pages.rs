//! The Markdown beside the log: which page an entry is told on, and how, for people.
//!
//! Deliberately not here: writing, and reading back. People may edit these pages; what is known is what the log says.

use super::log::{Entry, EntryKind};
use super::plan::neutral_text;

/// A page of a session's folder that grows with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Page {
    /// `worklog.md`: what happened.
    Worklog,
    /// `decisions.md`: which ways were chosen.
    Decisions,
    /// `assumptions.md`: what was taken for true.
    Assumptions,
}

/// Most bytes of a page that still grows, and of any file but the log that is published.
pub const PAGE_BYTES_MAX: u64 = 8 << 20;

impl Page {
    /// The page that entries of a kind are told on; none for what programs note for each other.
    pub const fn of(kind: EntryKind) -> Option<Self> {
        match kind {
            EntryKind::Decision => Some(Self::Decisions),
            EntryKind::Assumption => Some(Self::Assumptions),
            EntryKind::Info
            | EntryKind::Progress
            | EntryKind::Artifact
            | EntryKind::Warning
            | EntryKind::Error
            | EntryKind::Success
            | EntryKind::Checkpoint
            | EntryKind::Handoff
            | EntryKind::Override => Some(Self::Worklog),
            EntryKind::Criterion | EntryKind::Context | EntryKind::Run | EntryKind::Learning => None,
        }
    }

    /// Its name in the session's folder.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Worklog => "worklog.md",
            Self::Decisions => "decisions.md",
            Self::Assumptions => "assumptions.md",
        }
    }

    /// A page's paragraph for an entry: `## [YYYY-MM-DD HH:MM] title`, then its text. On a page of one kind the kind is
    /// not said.
    pub fn paragraph(self, entry: &Entry) -> String {
        let kind = match self {
            Self::Worklog if entry.kind != EntryKind::Info => format!("{}: ", entry.kind.as_str()),
            Self::Worklog | Self::Decisions | Self::Assumptions => String::new(),
        };
        let body = entry.body.as_deref().map(neutral_text).filter(|body| !body.is_empty());
        let body = body.map_or_else(String::new, |body| format!("\n{body}\n"));
        format!("## [{}] {kind}{}\n{body}", entry.at.minute(), one_line(&entry.text))
    }
}

/// An item of a list, a line of its own and the further ones below it; nothing in it begins something else.
pub fn item(mark: &str, text: &str) -> String {
    let mut lines = neutral_text(text).lines().map(str::trim_end).collect::<Vec<_>>().join("\n  ");
    lines = lines.replace("\n  \n", "\n\n");
    format!("{mark} {lines}\n")
}

/// What a heading or an item can say: one line, nothing that a terminal would obey.
pub fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if super::agent::unprintable(c) { ' ' } else { c }).collect();
    neutral_text(&spaced.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The board's copy of a page and after it what another copy adds: for who wrote on a copy without having seen the board's.
/// What both have, whole lines at the end of the one and the beginning of the other, is there once.
pub fn joined(board: &[u8], copy: &[u8]) -> Vec<u8> {
    if copy.starts_with(board) {
        return copy.to_vec();
    }
    let ends = copy.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let known = ends.rev().find(|end| copy.get(..*end).is_some_and(|head| board.ends_with(head))).unwrap_or_default();
    let mut whole = board.to_vec();
    if known == 0 && whole.last().is_some_and(|byte| *byte != b'\n') {
        whole.push(b'\n');
    }
    whole.extend_from_slice(copy.get(known..).unwrap_or_default());
    whole
}

#[cfg(test)]
mod tests {
    use super::super::log::{Entry, EntryKind};
    use super::{Page, item};

    fn entry(kind: EntryKind, text: &str, body: Option<&str>) -> Entry {
        Entry {
            id: "0".to_owned(),
            at: "2026-11-20T03:22:26Z".parse().unwrap(),
            agent: "one".parse().unwrap(),
            kind,
            text: text.to_owned(),
            body: body.map(str::to_owned),
            data: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn what_the_board_has_is_never_replaced_and_what_both_have_is_there_once() {
        for (board, copy, whole) in [
            ("a\nb\n", "c\n", "a\nb\nc\n"),
            ("a\nb\n", "a\nb\nc\n", "a\nb\nc\n"),
            ("a\nb\n", "b\nc\n", "a\nb\nc\n"),
            ("a\nb\n", "b\n", "a\nb\n"),
            ("a", "b\n", "a\nb\n"),
            ("a\n", "", "a\n"),
            ("", "b\n", "b\n"),
        ] {
            assert_eq!(super::joined(board.as_bytes(), copy.as_bytes()), whole.as_bytes(), "{board:?} {copy:?}");
        }
    }

    #[test]
    fn an_entry_is_told_on_the_page_of_its_kind() {
        let told = |kind, text, body| {
            let page = Page::of(kind).unwrap();
            format!("{}\n{}", page.file(), page.paragraph(&entry(kind, text, body)))
        };
        assert_eq!(told(EntryKind::Info, "begun", None), "worklog.md\n## [2026-11-20 03:22] begun\n");
        assert_eq!(
            told(EntryKind::Warning, "slow\nand steady", Some("# not a heading\n\n\u{1b}[2J")),
            "worklog.md\n## [2026-11-20 03:22] warning: slow and steady\n\n\\# not a heading\n\n [2J\n"
        );
        assert_eq!(
            told(EntryKind::Decision, "keep it", Some("why")),
            "decisions.md\n## [2026-11-20 03:22] keep it\n\nwhy\n"
        );
        assert_eq!(told(EntryKind::Assumption, "one zone", None), "assumptions.md\n## [2026-11-20 03:22] one zone\n");
        assert_eq!(Page::of(EntryKind::Criterion), None);
    }

    #[test]
    fn an_item_stays_one_item() {
        assert_eq!(item("-", "a\n# b\n\n- c"), "- a\n  \\# b\n\n  - c\n");
    }
}
