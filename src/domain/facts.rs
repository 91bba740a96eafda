//! Facts that a session keeps at hand (`context`): JSON values by name, merged as RFC 7396 has it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::agent::unprintable;

/// Most characters of a fact's name.
pub const NAME_CHARS_MAX: usize = 100;

/// Whether facts may have this name: something that can be printed, without space around it.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(unprintable)
}

/// Merges `patch` into `facts`: null takes a fact away, objects are merged member by member, all else replaces.
pub fn merge(facts: &mut BTreeMap<String, Value>, patch: &BTreeMap<String, Value>) {
    for (name, value) in patch {
        if value.is_null() {
            facts.remove(name);
        } else {
            merge_value(facts.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

fn merge_value(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            merge_value(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{is_name, merge};

    #[test]
    fn facts_are_merged_as_the_rfc_says() {
        let facts = |value: Value| serde_json::from_value::<BTreeMap<String, Value>>(value).unwrap();
        for (before, patch, after) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": {"b": 1}}), json!({"a": {"c": 2}}), json!({"a": {"b": 1, "c": 2}})),
            (json!({"a": 1}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
            (json!({}), json!({"a": null}), json!({})),
        ] {
            let mut merged = facts(before.clone());
            merge(&mut merged, &facts(patch.clone()));
            assert_eq!(merged, facts(after), "{before} with {patch}");
        }
    }

    #[test]
    fn a_name_can_be_printed() {
        assert!(is_name("port") && is_name("a b.c") && is_name(&"ü".repeat(100)));
        for bad in ["", " a", "a\n", "a\u{1b}b", &"a".repeat(101)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
