//! Lists of other people's words, made to fit: each line marked, each list given its share of the room.

use crate::domain::agent::unprintable;

/// What stands before every line that is not this program's own, and nowhere else.
const MARK: &str = "> ";

/// Room for the line that says how much was left out.
const NOTICE_BYTES: usize = 32;

/// A list of which some may have to be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Each with the lines that it takes.
    items: Vec<Vec<String>>,
    keep: Keep,
    /// A line in words of this program before the list.
    lead: String,
    /// How much of the room is its own, in thousandths.
    pub(super) share: usize,
}

/// Which end of a list is worth more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    First,
    Last,
}

impl Part {
    /// A list whose beginning is worth most; each item takes at most `bytes_max`.
    pub(super) fn first(items: impl IntoIterator<Item = String>, bytes_max: usize) -> Self {
        let items = items.into_iter().map(|item| lines(&item, bytes_max)).collect();
        Self { items, keep: Keep::First, lead: String::new(), share: 0 }
    }

    /// The same of one whose end is: the newest comes last.
    pub(super) fn last(items: impl IntoIterator<Item = String>, bytes_max: usize) -> Self {
        Self { keep: Keep::Last, ..Self::first(items, bytes_max) }
    }

    /// The same with its share of the room, in thousandths.
    pub(super) fn with_share(self, share: usize) -> Self {
        Self { share, ..self }
    }

    /// The same with a line in words of this program before it.
    pub(super) fn led_by(self, lead: &str) -> Self {
        Self { lead: format!("{lead}\n"), ..self }
    }

    /// What stands for it while the room for all is measured: something where it is shown at all.
    pub(super) fn stub(&self) -> String {
        if self.items.is_empty() { self.lead.clone() } else { format!("{}\n", self.lead) }
    }

    fn bytes(&self) -> usize {
        self.items.iter().map(|item| size(item)).sum()
    }
}

/// The text of each part, all within `room`: each gets its share, and what some leave of theirs goes to the others in
/// order.
pub(super) fn fit<const N: usize>(parts: [&mut Part; N], room: usize) -> [String; N] {
    let wanted = parts.each_ref().map(|part| part.bytes());
    let mut given = parts.each_ref().map(|part| part.bytes().min(room * part.share / 1000));
    let mut left = room.saturating_sub(given.iter().sum());
    for (given, wanted) in given.iter_mut().zip(wanted) {
        let more = left.min(wanted - *given);
        *given += more;
        left -= more;
    }
    let mut given = given.into_iter();
    parts.map(|part| quoted(part, given.next().unwrap_or_default()))
}

/// A list as lines of data in at most `room` bytes, its lead not counted; with how many items were left out.
pub(super) fn quoted(part: &mut Part, room: usize) -> String {
    let all = part.items.len();
    if part.bytes() > room {
        let room = room.saturating_sub(NOTICE_BYTES);
        if part.keep == Keep::Last {
            part.items.reverse();
        }
        let mut used = 0;
        let fits = part.items.iter().take_while(|item| {
            used += size(item);
            used <= room
        });
        let count = fits.count();
        part.items.truncate(count.max(1));
        if count == 0 {
            part.items.iter_mut().for_each(|item| shorten(item, room));
        }
        if part.keep == Keep::Last {
            part.items.reverse();
        }
    }
    let left_out = all - part.items.len();
    let mut text = part.lead.clone();
    if left_out > 0 && part.keep == Keep::Last {
        text.push_str(&format!("({left_out} earlier left out)\n"));
    }
    for line in part.items.iter().flatten() {
        text.push_str(format!("{MARK}{line}").trim_end());
        text.push('\n');
    }
    if left_out > 0 && part.keep == Keep::First {
        text.push_str(&format!("({left_out} more left out)\n"));
    }
    text
}

fn size(item: &[String]) -> usize {
    item.iter().map(|line| MARK.len() + line.len() + 1).sum()
}

/// A text as the lines that it may be shown as, cut to `bytes_max`. Whatever a reader could take for the end of a line
/// either is one here or is escaped; so is what a terminal would obey, and what nobody sees.
fn lines(text: &str, bytes_max: usize) -> Vec<String> {
    let text = text.trim();
    let mut shown = String::with_capacity(text.len().min(bytes_max));
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if shown.len() > bytes_max {
            break;
        }
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => shown.push('\n'),
            '\t' => shown.push_str("    "),
            c if unprintable(c) || invisible(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    let mut item: Vec<String> = shown.split('\n').map(|line| line.trim_end().to_owned()).collect();
    item.dedup_by(|next, line| next.is_empty() && line.is_empty());
    if size(&item) > bytes_max {
        shorten(&mut item, bytes_max);
    }
    item
}

/// Cuts an item so that it takes at most `room`, with a sign that it was cut.
fn shorten(item: &mut Vec<String>, room: usize) {
    let mut left = room.saturating_sub("…".len());
    let mut kept = Vec::new();
    for line in item.iter() {
        let Some(most) = left.checked_sub(MARK.len() + 1) else { break };
        if line.len() > most {
            let end = (0..=most).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
            kept.push(line.get(..end).unwrap_or_default().to_owned());
            break;
        }
        left = most - line.len();
        kept.push(line.clone());
    }
    match kept.last_mut() {
        Some(last) => last.push('…'),
        None => kept.push("…".to_owned()),
    }
    *item = kept;
}

/// Characters that take no place and are no part of a word: somebody could write with them what nobody sees.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
