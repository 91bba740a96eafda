//! Where anchors and aliases stand, found without a reader: no reader of ours says that it met one.

/// The first line where an anchor or alias may stand; counts lines from 1.
///
/// It follows quotes, comments and block texts well enough for files that people write. It may take the second line
/// of an unquoted text for the start of a value; such a text has to be quoted then.
pub(super) fn anchor_line(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut block_column = None;
    for (at, line) in text.split('\n').enumerate() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(column) = block_column {
            if indent > column || line.trim_end().is_empty() {
                continue;
            }
            block_column = None;
        }
        match scan_line(line, &mut quote) {
            Scan::Anchor => return Some(at + 1),
            Scan::Block(column) => block_column = Some(column),
            Scan::Plain => {}
        }
    }
    None
}

enum Scan {
    Plain,
    Anchor,
    /// A block text begins; what is indented deeper than this column belongs to it.
    Block(usize),
}

fn scan_line(line: &str, quote: &mut Option<char>) -> Scan {
    let mut value_may_start = true;
    let mut key_column = None;
    let mut before = ' ';
    let mut chars = line.char_indices().peekable();
    while let Some((column, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        if let Some(open) = *quote {
            match c {
                '\\' if open == '"' => _ = chars.next(),
                '\'' if open == '\'' && next == '\'' => _ = chars.next(),
                c if c == open => *quote = None,
                _ => {}
            }
            before = c;
            continue;
        }
        let blank = next.is_whitespace();
        match c {
            '#' if before.is_whitespace() => return Scan::Plain,
            '&' | '*' if value_may_start && !blank => return Scan::Anchor,
            '|' | '>' if value_may_start => return Scan::Block(key_column.unwrap_or(0)),
            '\'' | '"' if value_may_start => {
                key_column = key_column.or(Some(column));
                *quote = Some(c);
                value_may_start = false;
            }
            '-' | '?' if value_may_start && blank => {}
            ':' if blank => value_may_start = true,
            '[' | '{' | ',' => value_may_start = true,
            ':' if matches!(before, '"' | '\'' | ']' | '}') => value_may_start = true,
            c if c.is_whitespace() => {}
            _ => {
                key_column = key_column.or(Some(column));
                value_may_start = false;
            }
        }
        before = c;
    }
    Scan::Plain
}

#[cfg(test)]
mod tests {
    use super::anchor_line;

    #[test]
    fn anchors_and_aliases_are_found_where_they_stand() {
        for (text, line) in [
            ("a: &x 1", Some(1)),
            ("a: 1\nb: *x", Some(2)),
            ("- &x [1]", Some(1)),
            ("a: [*x, 1]", Some(1)),
            ("{\"a\":*x}", Some(1)),
            ("a: 'x' \nb: &y", Some(2)),
            ("a: |\n  &x\nb: &y 1", Some(3)),
            ("- a: |\n   &x\n  b: &y 1", Some(3)),
            ("a: it's\nb: &y 1", Some(2)),
            ("a: '&x'", None),
            ("a: \"\\\" *x\"", None),
            ("a: R&D * 2", None),
            ("a: 2 * 3 # &x *y", None),
            ("a: |\n  *x\n  &y\n", None),
            ("a: >-\n\n  *x\n", None),
        ] {
            assert_eq!(anchor_line(text), line, "{text}");
        }
    }
}
