//! Slugs: the part of an id that people choose, or that is made of a title.

use std::str::FromStr;

use super::id::{BadId, SessionId};

/// The part of an id that people choose: `[a-z0-9]+(-[a-z0-9]+)*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

impl Slug {
    /// Makes a slug of a title: lower case, every other run of characters one `-`, at most 60 bytes.
    /// `None` when nothing of it is left.
    pub fn of_title(title: &str) -> Option<Self> {
        let mut slug = String::with_capacity(title.len());
        for c in title.chars().flat_map(char::to_lowercase) {
            match fold(c) {
                Some(letter) => slug.push(letter),
                None if !slug.ends_with('-') => slug.push('-'),
                None => {}
            }
        }
        let slug = cut_at_word(slug.trim_matches('-'), 60).to_owned();
        is_slug(&slug).then_some(Self(slug))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() <= SessionId::BYTES_MAX && is_slug(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(BadId::form(text))
    }
}

/// Whether that is `[a-z0-9]+(-[a-z0-9]+)*`.
pub(super) fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// The letters that titles commonly have beyond ASCII, as their base letter; anything else separates words.
fn fold(c: char) -> Option<char> {
    Some(match c {
        'a'..='z' | '0'..='9' => c,
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'ß' => 's',
        _ => return None,
    })
}

/// At most `bytes_max` bytes of `text`, cut at a `-` where there is one in the last part.
pub(super) fn cut_at_word(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let cut = text.get(..bytes_max).unwrap_or(text);
    let word_end = cut.rfind('-').filter(|at| *at > bytes_max / 2).unwrap_or(bytes_max);
    cut.get(..word_end).unwrap_or(cut).trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::Slug;

    #[test]
    fn titles_become_slugs() {
        for (title, slug) in [
            ("Auth System", Some("auth-system")),
            ("  Größe & Maß!  ", Some("grose-mas")),
            ("../../etc/passwd", Some("etc-passwd")),
            ("$(touch x)", Some("touch-x")),
            ("日本", None),
            ("---", None),
        ] {
            assert_eq!(Slug::of_title(title).as_ref().map(Slug::as_str), slug, "{title}");
        }
    }
}
