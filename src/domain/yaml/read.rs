//! Reading: the checks that no derived reader makes, then the derived reader.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::super::format::{FormatError, escaped, shown};
use super::anchor::anchor_line;

/// Deepest nesting that is read; the deepest format of ours has four levels, the rest is for free values.
const DEPTH_MAX: usize = 64;

/// Reads `text` into the type that lists a format's keys. Call [`tree`] first: it bounds what this one costs.
pub(in super::super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, FormatError> {
    serde_yaml::from_str(text).map_err(|error| malformed(&error))
}

/// Reads `text` as a mapping, refusing duplicate keys, anchors, aliases, tags and deep nesting.
///
/// A file without aliases has at most one value a byte. More than that is only reached by repeating an alias, so
/// counting bounds the work even where [`anchor_line`] is deceived.
pub(in super::super) fn tree(text: &str) -> Result<Map<String, Value>, FormatError> {
    if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Map::new());
    }
    if let Some(line) = anchor_line(text) {
        let message = "an anchor or alias (`&` or `*`), which is not read here; quote the value if it is a text";
        return Err(FormatError::malformed(line, message));
    }
    let budget = Cell::new(text.len().saturating_mul(4) + 64);
    let tree = Tree { depth: 0, budget: &budget };
    let value = tree.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| malformed(&error))?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(FormatError::malformed(1, "not a mapping of keys to values"))
        }
    }
}

fn malformed(error: &serde_yaml::Error) -> FormatError {
    let location = error.location();
    let mut message = error.to_string();
    if let Some(location) = &location {
        let place = format!(" at line {} column {}", location.line(), location.column());
        message = message.replace(&place, "");
    }
    FormatError::malformed(location.map(|location| location.line()), escaped(&middle_cut(&message), 400))
}

/// A long message begins with the path of a value and ends with what is wrong: both ends are kept.
fn middle_cut(message: &str) -> String {
    const CHARS_MAX: usize = 300;
    let count = message.chars().count();
    if count <= CHARS_MAX {
        return message.to_owned();
    }
    let head = message.chars().take(CHARS_MAX / 3);
    head.chain(['…']).chain(message.chars().skip(count - CHARS_MAX / 2)).collect()
}

/// One value of the tree and what may still be spent on values and texts.
#[derive(Clone, Copy)]
struct Tree<'a> {
    depth: usize,
    budget: &'a Cell<usize>,
}

impl Tree<'_> {
    fn spend<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.budget.get().checked_sub(bytes + 1).ok_or_else(|| E::custom("aliases repeat too much"))?;
        self.budget.set(left);
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom(format_args!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(Self { depth: self.depth + 1, budget: self.budget })
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value without a tag")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.spend(0).map(|()| Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.spend(0).map(|()| Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.spend(0).map(|()| Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.spend(0).map(|()| Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.spend(0)?;
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.spend(value.len()).map(|()| Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(A::Error::custom("a tag (`!`), which is not read here; quote the value if it is a text"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let inner = self.deeper()?;
        let mut seen = HashSet::new();
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(Key { seen: &mut seen, tree: self })? {
            map.insert(key, access.next_value_seed(inner)?);
        }
        Ok(Value::Object(map))
    }
}

/// A key that its mapping does not have yet. Checked here and not in the mapping, so that the error has the key's line.
struct Key<'a, 'b> {
    seen: &'a mut HashSet<String>,
    tree: Tree<'b>,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        self.tree.spend::<E>(key.len())?;
        if !self.seen.insert(key.to_owned()) {
            return Err(E::custom(format_args!("the key `{}` occurs twice", shown(key))));
        }
        Ok(key.to_owned())
    }
}

/// A text that a domain type parses, so that its error gets the line.
pub(in super::super) struct Parsed<T>(pub(in super::super) T);

impl<'de, T: FromStr<Err: fmt::Display>> serde::Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
            type Value = Parsed<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map(Parsed).map_err(|error: T::Err| E::custom(error))
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::{anchor_line, tree};

    #[test]
    fn a_bomb_ends_at_once_even_where_the_anchors_are_not_seen() {
        // The second line is read as an open quote by the scan, but continues an unquoted text for YAML.
        let mut bomb = "t: it\n  'is\na: &a [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for level in 0..9 {
            let (name, refers) = (char::from(b'b' + level), char::from(b'a' + level));
            let aliases = vec![format!("*{refers}"); 10].join(",");
            bomb.push_str(&format!("{name}: &{name} [{aliases}]\n"));
        }
        assert_eq!(anchor_line(&bomb), None);
        assert!(tree(&bomb).unwrap_err().message.contains("aliases repeat too much"));
    }

    #[test]
    fn what_is_not_strict_is_refused_with_its_line() {
        for (text, line) in [
            ("a: 1\nb: 2\na: 3", Some(3)),
            ("a:\n  b: 1\n  b: 2", Some(3)),
            ("a: !x 1", Some(1)),
            ("a: .nan", Some(1)),
            ("a: 1\n\tb: 2", Some(2)),
            ("- a", Some(1)),
            ("a: [", Some(2)),
            ("a: 1\n---\nb: 1", None),
        ] {
            let error = tree(text).unwrap_err();
            if line.is_some() {
                assert_eq!(error.line, line, "{text}: {error}");
            }
        }
        assert!(tree(&format!("a: {}", "[".repeat(100))).is_err());
    }
}
