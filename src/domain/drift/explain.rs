//! Which decisions explain a deviation: those that name what it is about.

use super::super::log::{Entry, EntryKind};

/// The ids of the decisions whose text or body has one of `names` as a word of its own.
pub(super) fn by(entries: &[Entry], names: &[String]) -> Vec<String> {
    let decided = entries.iter().filter(|entry| entry.kind == EntryKind::Decision);
    let says = |entry: &&Entry| {
        let body = entry.body.as_deref().unwrap_or_default();
        names.iter().any(|name| mentions(&entry.text, name) || mentions(body, name))
    };
    decided.filter(says).map(|entry| entry.id.clone()).collect()
}

/// The names of a changed file: its path and, with a slash at the end, each folder that it is in.
pub(super) fn of_path(path: &str) -> Vec<String> {
    let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..=at));
    std::iter::once(path).chain(folders).map(str::to_owned).collect()
}

/// Whether `text` has `name` and nothing before or behind that would make it another name. `src/` is no part of
/// `src/auth/`, and `AC-1` none of `AC-12`.
fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    if name.is_empty() {
        return false;
    }
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
    text.match_indices(&name).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let mut after = text.get(at + found.len()..).unwrap_or_default().chars();
        let (next, second) = (after.next(), after.next());
        // A full stop ends a sentence, but `a.rs` goes on.
        let ends = match next {
            None => true,
            Some('.') => second.is_none_or(|second| !second.is_alphanumeric()),
            Some(next) => !goes_on(next),
        };
        ends && before.is_none_or(|before| !goes_on(before) && before != '.')
    })
}

#[cfg(test)]
mod tests {
    use super::{mentions, of_path};

    #[test]
    fn a_name_is_mentioned_where_it_stands_by_itself() {
        for (text, name, is) in [
            ("AC-1 is no use", "AC-1", true),
            ("drop ac-1.", "AC-1", true),
            ("AC-12 is no use", "AC-1", false),
            ("touch `src/a.rs`, sorry", "src/a.rs", true),
            ("touch src/a.rs.bak", "src/a.rs", false),
            ("all of src/auth/ has to go", "src/auth/", true),
            ("all of src/auth/ has to go", "src/", false),
            ("lib/src/auth", "src/", false),
            ("anything", "", false),
        ] {
            assert_eq!(mentions(text, name), is, "{text} / {name}");
        }
        assert_eq!(of_path("src/auth/a.rs"), ["src/auth/a.rs", "src/", "src/auth/"]);
    }
}
