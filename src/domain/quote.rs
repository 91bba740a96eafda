//! Texts as literal words of a shell: nothing in them is expanded, run or taken for an option's end.
//!
//! Deliberately not here: cmd.exe, which has no such quoting.

use super::agent::unprintable;
use super::format::shown;

/// `text` as one word of sh, dash, bash and zsh: `'it'\''s'`. A NUL, which no shell can hold, is left out.
pub fn quote_sh(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', r"'\''"))
}

/// `text` as one word of a POSIX shell, quoted only where that is needed.
pub fn quote_sh_if_needed(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quote_sh(text) }
}

/// `text` as one word of fish, where a backslash counts even between single quotes.
pub fn quote_fish(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\\', r"\\").replace('\'', r"\'"))
}

/// `text` as a literal string of PowerShell, which takes four curly quotes for the straight one.
pub fn quote_powershell(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars().filter(|c| *c != '\0') {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

/// A value that is refused because of a control character or the like; it is kept escaped and cut, safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has a control character")]
pub struct Unprintable(String);

/// Refuses values with control characters, line breaks and marks that turn text around.
///
/// # Errors
/// Names the value.
pub fn printable(text: &str) -> Result<&str, Unprintable> {
    if text.contains(unprintable) { Err(Unprintable(shown(text))) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::{printable, quote_fish, quote_powershell, quote_sh};

    #[test]
    fn quotes_stay_inside() {
        assert_eq!(quote_sh("it's $(x)"), r"'it'\''s $(x)'");
        assert_eq!(quote_sh(""), "''");
        assert_eq!(quote_fish(r"it's \"), r"'it\'s \\'");
        assert_eq!(quote_powershell("it's \u{2019}"), "'it''s \u{2019}\u{2019}'");
        for bad in ["a\nb", "a\u{1b}[2J", "a\0", "\u{202e}"] {
            assert!(printable(bad).is_err());
        }
        assert_eq!(printable("Eve \"'$(id)"), Ok("Eve \"'$(id)"));
    }
}
