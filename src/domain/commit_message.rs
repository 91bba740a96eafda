//! The form of commits on a session's branch: `[<id>] type: description`.
//!
//! Deliberately not here: the commits of moves, which have trailers, and those whose words are git's own.

use super::id::SessionId;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It stays as it is.
    Kept,
    /// It gets the session's id in front.
    Changed(Vec<u8>),
    /// It cannot be a commit of this session; why not.
    Refused(String),
}

/// Beginnings of messages that git makes and reads itself: an autosquash finds its commit by the very words.
const OWN: [&str; 7] = ["Merge ", "Revert \"", "Reapply \"", "fixup! ", "squash! ", "amend! ", "Squashed commit"];

/// Judges a message as git hands it to `commit-msg`, comment lines included.
pub fn judged(message: &[u8], id: &SessionId) -> Judged {
    let trailer = |line: &[u8]| line.to_ascii_lowercase().starts_with(b"session-event:");
    if message.split(|byte| *byte == b'\n').any(trailer) {
        return Judged::Kept;
    }
    let Some((at, subject)) = subject(message) else { return Judged::Kept };
    if OWN.iter().any(|own| subject.starts_with(own)) {
        return Judged::Kept;
    }
    let prefix = format!("[{id}] ");
    match subject.strip_prefix(&prefix) {
        Some(rest) if has_type(rest) => Judged::Kept,
        None if has_type(&subject) => {
            let (before, after) = message.split_at(at);
            Judged::Changed([before, prefix.as_bytes(), after].concat())
        }
        None if subject.starts_with('[') => {
            Judged::Refused(format!("`{}` names another session than `{id}`", subject.escape_debug()))
        }
        Some(_) | None => Judged::Refused(format!(
            "`{}` is not of the form `[{id}] type: description`, such as `[{id}] fix: the login form`",
            subject.escape_debug()
        )),
    }
}

/// The first line that is neither empty nor a comment, and where it begins.
fn subject(message: &[u8]) -> Option<(usize, String)> {
    let mut at = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text.starts_with('#') && text.contains(">8") {
            return None;
        }
        if !text.trim().is_empty() && !text.starts_with('#') {
            let indent = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            return Some((at + indent, text.trim_start().to_owned()));
        }
        at += line.len();
    }
    None
}

/// `type: description` or `type(scope)!: description`.
fn has_type(subject: &str) -> bool {
    let Some((head, description)) = subject.split_once(": ") else { return false };
    let head = head.strip_suffix('!').unwrap_or(head);
    let word = match head.split_once('(') {
        Some((word, scope)) => match scope.strip_suffix(')') {
            Some(scope) if !scope.is_empty() && !scope.contains(['(', ')']) => word,
            Some(_) | None => return false,
        },
        None => head,
    };
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(letters) && !description.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Judged, judged};

    #[test]
    fn messages_get_their_session_or_are_sent_back() {
        let id = "2026-11-20-auth".parse().unwrap();
        for (message, wanted) in [
            ("feat: login\n\nbody\n", Some("[2026-11-20-auth] feat: login\n\nbody\n")),
            (
                "\n# comment\n  fix(ui)!: button\n# more",
                Some("\n# comment\n  [2026-11-20-auth] fix(ui)!: button\n# more"),
            ),
            ("[2026-11-20-auth] feat: login", None),
            ("Merge branch 'main' into session/x", None),
            ("fixup! [2026-11-20-auth] feat: login", None),
            ("squash! feat: login\n\nmore", None),
            ("Revert \"feat: login\"\n\nThis reverts", None),
            ("whatever\n\nSession-Event: published\n", None),
            ("", None),
            ("# only\n# comments\n", None),
            ("# ------------------------ >8 ------------------------\ndiff --git", None),
        ] {
            let wanted = wanted.map_or(Judged::Kept, |text| Judged::Changed(text.as_bytes().to_vec()));
            assert_eq!(judged(message.as_bytes(), &id), wanted, "{message}");
        }
        for message in [
            "login",
            "[2026-11-20-auth] login",
            "[2026-11-20-auth]feat: login",
            "[2026-11-20-other] feat: login",
            "Feat: login",
            "feat:login",
            "feat: ",
            "feat(: login",
            "fix login: it works",
            "\u{1b}[31m: x",
        ] {
            assert!(matches!(judged(message.as_bytes(), &id), Judged::Refused(_)), "{message}");
        }
        // What is no UTF-8 stays as it is behind what is put in front.
        let Judged::Changed(bytes) = judged(b"feat: caf\xe9\n", &id) else { panic!("it has a type") };
        assert_eq!(bytes, b"[2026-11-20-auth] feat: caf\xe9\n");
    }
}
