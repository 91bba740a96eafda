//! Holds every JSON document of these stories against the schema that `git session schema` prints of it.
//!
//! It knows the few words of JSON Schema that those use, and refuses others. That it agrees with a full validator is shown
//! in `schema.rs`.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use regex::Regex;
use serde_json::{Map, Value};

/// The schema of a verb's document, asked once of the program; nothing for verbs without one.
pub(crate) fn schema(verb: &str) -> Option<Value> {
    static KNOWN: OnceLock<Mutex<BTreeMap<String, Option<Value>>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let schema = known.entry(verb.to_owned()).or_insert_with(|| {
        let told = Command::new(env!("CARGO_BIN_EXE_git-session")).args(["schema", verb]).output().unwrap();
        told.status.success().then(|| serde_json::from_slice(&told.stdout).unwrap())
    });
    schema.clone()
}

/// Panics where a document is not as its schema says.
#[track_caller]
pub(crate) fn check(document: &Value) {
    let Some(command) = document["command"].as_str().filter(|_| document["schema_version"] == 1) else { return };
    let Some(schema) = schema(command) else { return };
    if let Err(why) = holds(&schema, document, &schema, "") {
        panic!("the document of `{command}` is not as its schema says: {why}\n{document}");
    }
}

/// Whether a value is as a schema says; what is not so otherwise, with its place.
pub(crate) fn holds(schema: &Value, value: &Value, root: &Value, at: &str) -> Result<(), String> {
    let keys = schema.as_object().ok_or_else(|| format!("{at}: the schema is no object"))?;
    keys.iter().try_for_each(|(word, says)| one(word, says, keys, value, root, at))
}

fn one(
    word: &str,
    says: &Value,
    keys: &Map<String, Value>,
    value: &Value,
    root: &Value,
    at: &str,
) -> Result<(), String> {
    let wrong = |what: String| Err(format!("{at}: {what}"));
    match word {
        "$schema" | "title" | "$defs" => Ok(()),
        "$ref" => {
            let name = says.as_str().and_then(|name| name.strip_prefix("#/$defs/")).expect("a local reference");
            let there = root["$defs"].get(name).unwrap_or_else(|| panic!("{name} is defined"));
            holds(there, value, root, at)
        }
        "type" => {
            let types = says.as_array().cloned().unwrap_or_else(|| vec![says.clone()]);
            match types.iter().any(|name| is_of(name.as_str().unwrap(), value)) {
                true => Ok(()),
                false => wrong(format!("no {says}: {value}")),
            }
        }
        "const" if says == value => Ok(()),
        "enum" if says.as_array().unwrap().contains(value) => Ok(()),
        "const" | "enum" => wrong(format!("not {says}: {value}")),
        "pattern" => match value.as_str() {
            Some(text) if !Regex::new(says.as_str().unwrap()).unwrap().is_match(text) => {
                wrong(format!("no {says}: {text}"))
            }
            _ => Ok(()),
        },
        "required" => {
            let Some(object) = value.as_object() else { return Ok(()) };
            let missing = says.as_array().unwrap().iter().find(|key| !object.contains_key(key.as_str().unwrap()));
            missing.map_or(Ok(()), |key| wrong(format!("{key} is missing")))
        }
        "properties" => says.as_object().unwrap().iter().try_for_each(|(key, schema)| match value.get(key) {
            Some(value) => holds(schema, value, root, &format!("{at}/{key}")),
            None => Ok(()),
        }),
        "additionalProperties" => {
            assert!(!keys.contains_key("properties"), "maps have no keys of their own here");
            let object = value.as_object().into_iter().flatten();
            object.into_iter().try_for_each(|(key, value)| holds(says, value, root, &format!("{at}/{key}")))
        }
        "items" => {
            let items = value.as_array().into_iter().flatten().enumerate();
            items.into_iter().try_for_each(|(number, item)| holds(says, item, root, &format!("{at}/{number}")))
        }
        "anyOf" => {
            let tried: Vec<_> = says.as_array().unwrap().iter().map(|schema| holds(schema, value, root, at)).collect();
            if tried.iter().any(Result::is_ok) {
                return Ok(());
            }
            Err(tried.into_iter().filter_map(Result::err).collect::<Vec<_>>().join("; or "))
        }
        other => panic!("`{other}` is not known here"),
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("`{other}` is no type"),
    }
}
