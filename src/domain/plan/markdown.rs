//! The part of Markdown that a plan's meaning hangs on: headings, code fences, checkbox items.
//!
//! Deliberately not here: the rest of Markdown. Headings that are underlined, or inside an HTML comment, are no
//! exception to the rules below.

use super::super::agent::unprintable;
use super::super::format::{Markers, without_markers};
use super::{PlanCriterion, Section};

/// What a plan's body says.
pub(super) struct Document {
    pub(super) heading: Option<String>,
    pub(super) sections: Vec<Section>,
    pub(super) criteria: Vec<PlanCriterion>,
}

/// Reads the body of a plan that stands `lines_before` lines down in its file.
pub(super) fn parse(body: &str, lines_before: usize) -> Document {
    let mut heading = None;
    let mut sections: Vec<Open<'_>> = Vec::new();
    let mut fence = Fence::default();
    for (at, line) in body.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let number = lines_before + at + 1;
        let code = fence.holds(line);
        match (code, heading_of(line)) {
            (Code::No, Some((1, text))) if heading.is_none() => heading = Some(text.to_owned()),
            (Code::No, Some((_, text))) => sections.push(Open { name: text, line: number, lines: Vec::new() }),
            (Code::Yes, _) | (Code::No, None) => {
                if let Some(open) = sections.last_mut() {
                    open.lines.push((number, line, code));
                }
            }
        }
    }
    let criteria = sections
        .iter()
        .find(|section| section.name.eq_ignore_ascii_case("Acceptance Criteria"))
        .map(|section| criteria(&section.lines))
        .unwrap_or_default();
    Document { heading, sections: sections.into_iter().map(Open::close).collect(), criteria }
}

/// Whether a text is empty, "Not applicable", a comment or a place to fill in.
pub(in super::super) fn says_nothing(text: &str) -> bool {
    let text = without_comments(text);
    let text = text.trim().trim_matches(['*', '_', '.', '`']).trim();
    let placeholder = [("<", ">"), ("{{", "}}"), ("[", "]")].iter().any(|(open, close)| {
        let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        inner.is_some_and(|inner| !inner.contains(['<', '>', '{', '}', '[', ']', '\n']))
    });
    let words = ["", "-", "…", "not applicable", "n/a", "na", "none", "tbd", "todo"];
    placeholder || words.contains(&text.to_lowercase().as_str())
}

/// `text` as the text of a section that it cannot break out of: no heading of ours, no mark of a merge, no block of
/// code left open, no control characters. Such lines get a backslash, which Markdown does not show.
pub fn neutral_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut fence = Fence::default();
    let mut neutral = String::with_capacity(text.len());
    for line in text.trim_matches(['\n', ' ']).split('\n') {
        let line: String = line.chars().map(|c| if c != '\t' && unprintable(c) { ' ' } else { c }).collect();
        let heading = fence.holds(&line) == Code::No && heading_of(&line).is_some();
        if heading || without_markers(&line, Markers::All).is_err() {
            neutral.push('\\');
        }
        neutral.push_str(&line);
        neutral.push('\n');
    }
    if let Some(closing) = fence.closing() {
        neutral.push_str(&closing);
    }
    neutral.trim_end().to_owned()
}

/// A section whose end has not been seen.
struct Open<'a> {
    name: &'a str,
    line: usize,
    lines: Vec<(usize, &'a str, Code)>,
}

impl Open<'_> {
    fn close(self) -> Section {
        let lines: Vec<&str> = self.lines.iter().map(|(_, line, _)| *line).collect();
        let first = lines.iter().position(|line| !line.trim().is_empty()).unwrap_or(lines.len());
        let text = lines.get(first..).unwrap_or_default().join("\n");
        Section { name: self.name.to_owned(), text: text.trim_end().to_owned(), line: self.line }
    }
}

/// Whether a line belongs to a fenced block of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Yes,
    No,
}

/// Follows fenced blocks of code, line by line (CommonMark 0.31, section 4.5; any indentation, for lists).
#[derive(Debug, Default)]
struct Fence {
    open: Option<(char, usize)>,
}

impl Fence {
    /// Takes the next line; the fences themselves belong to the block.
    fn holds(&mut self, line: &str) -> Code {
        let line = line.trim();
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| line.chars().take_while(|c| *c == mark).count());
        match (self.open, mark) {
            (None, Some(mark)) if length >= 3 => {
                let info = line.get(length..).unwrap_or_default();
                if mark == '`' && info.contains('`') {
                    return Code::No;
                }
                self.open = Some((mark, length));
                Code::Yes
            }
            (None, _) => Code::No,
            (Some((open, open_length)), mark) => {
                if mark == Some(open) && length >= open_length && length == line.len() {
                    self.open = None;
                }
                Code::Yes
            }
        }
    }

    /// The line that would end the block which is open.
    fn closing(&self) -> Option<String> {
        self.open.map(|(mark, length)| mark.to_string().repeat(length))
    }
}

/// The level and text of a heading that begins or ends a section: `# ` or `## `.
fn heading_of(line: &str) -> Option<(usize, &str)> {
    // Up to three spaces may stand before it, as CommonMark has it; four make it code.
    let rest = line.trim_start_matches(' ');
    if line.len() - rest.len() > 3 {
        return None;
    }
    let text = rest.trim_start_matches('#');
    let level = rest.len() - text.len();
    if !(1..=2).contains(&level) || !(text.is_empty() || text.starts_with([' ', '\t'])) {
        return None;
    }
    let text = text.trim();
    let open = text.trim_end_matches('#');
    // A closing run of `#` stands after a space; `C#` keeps its own.
    Some((level, if open.is_empty() || open.ends_with([' ', '\t']) { open.trim_end() } else { text }))
}

fn criteria(lines: &[(usize, &str, Code)]) -> Vec<PlanCriterion> {
    let mut items: Vec<(usize, String)> = Vec::new();
    let mut may_continue = false;
    for (number, line, code) in lines {
        if *code == Code::Yes {
            may_continue = false;
        } else if let Some(text) = checkbox(line) {
            may_continue = true;
            items.push((*number, text.to_owned()));
        } else if let (true, true, Some((_, text))) = (may_continue, continues(line), items.last_mut()) {
            text.push(' ');
            text.push_str(line.trim());
        } else {
            may_continue = false;
        }
    }
    items
        .into_iter()
        .filter(|(_, text)| !says_nothing(text))
        .enumerate()
        .map(|(at, (line, text))| PlanCriterion { id: format!("AC-{}", at + 1), text, line })
        .collect()
}

/// The text of `- [ ] text`, `* [x] text`, `+ [X] text`, at any depth.
fn checkbox(line: &str) -> Option<&str> {
    let item = line.trim_start().strip_prefix(['-', '*', '+'])?.strip_prefix([' ', '\t'])?.trim_start();
    let rest = item.strip_prefix('[')?.strip_prefix([' ', 'x', 'X'])?.strip_prefix(']')?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then(|| rest.trim())
}

/// Whether a line after an item goes on with its text: indented, not blank, no list item of its own.
fn continues(line: &str) -> bool {
    let text = line.trim_start();
    line.starts_with([' ', '\t']) && !text.is_empty() && !["- ", "* ", "+ "].iter().any(|mark| text.starts_with(mark))
}

fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        kept.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}
