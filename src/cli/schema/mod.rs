//! `schema`: the JSON document of each verb, as JSON Schema 2020-12.
//!
//! The shapes are written down short, in `shapes.json`: a text is a type (`id`, `oid`, `time` …; `?` behind it: or null),
//! `=a|b` one of these words, `@name` a shape of its own, `@a or @b` either; `["x"]` is a list, `{"*": x}` a map; a key
//! that ends in ` -` may be missing, and `"+"` takes over the keys of another shape. More keys may always come.

use clap::{Args, CommandFactory};
use serde_json::{Map, Value, json};

use super::output::{Answer, Raw, safe};
use super::{Cli, Context, Failure};

const SHAPES: &str = include_str!("shapes.json");

/// Print the JSON Schema of what a verb answers with `--json`; without a verb, name those that have one
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session schema\n  git session schema claim > claim.schema.json\n\nJSON Schema 2020-12, of the whole document: an answer, what `-n` would do, or an error. Keys stay; more may come.\nOf `watch` it is the schema of each line."
)]
pub(super) struct Arguments {
    /// The verb
    verb: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, _context: &mut Context) -> Result<Answer, Failure> {
        let Some(verb) = &self.verb else {
            let names = names()?;
            return Ok(Answer::new(names.join("\n") + "\n", json!({ "schemas": names })));
        };
        let schema = schema(verb)?.ok_or_else(|| Failure::Usage {
            message: format!("no verb `{}` that has a JSON document", safe(verb)),
            hint: Some("git session schema".to_owned()),
        })?;
        let text = serde_json::to_string_pretty(&schema).map_err(anyhow::Error::from)? + "\n";
        Ok(Answer { raw: Raw::Verbatim, ..Answer::new(text, json!({ "schema": schema })) })
    }
}

/// The verbs of this program that have a JSON document, in the order of its help.
fn names() -> Result<Vec<String>, Failure> {
    let shapes = Shapes::read()?;
    let whole = Cli::command();
    let names = whole.get_subcommands().map(|verb| verb.get_name().to_owned());
    Ok(names.filter(|name| shapes.verbs.get(name).is_some_and(|shape| !shape.is_null())).collect())
}

/// The schema of a verb's document; `None` for a verb that has none, and for what is no verb.
fn schema(verb: &str) -> Result<Option<Value>, Failure> {
    let shapes = Shapes::read()?;
    if Cli::command().find_subcommand(verb).is_none() {
        return Ok(None);
    }
    let Some(shape) = shapes.verbs.get(verb).filter(|shape| !shape.is_null()) else { return Ok(None) };
    let data = shapes.schema(shape);
    let mut schema = match verb {
        "watch" => data,
        _ => document(verb, &data),
    };
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(format!("git session {verb} --json"));
    let mut used = Map::new();
    shapes.collect(&schema, &mut used);
    if !used.is_empty() {
        schema["$defs"] = Value::Object(used);
    }
    Ok(Some(schema))
}

/// One document: what was done, what would be, findings, or an error.
fn document(verb: &str, data: &Value) -> Value {
    let dry = json!({ "type": "object", "required": ["dry_run", "would"], "properties": {
        "dry_run": { "const": true }, "would": { "type": "array", "items": { "type": "string" } } } });
    let error = json!({ "type": "object", "required": ["code", "exit", "message", "hint", "details"], "properties": {
        "code": { "type": "string" }, "exit": { "type": "integer" }, "message": { "type": "string" },
        "hint": { "type": ["string", "null"] }, "details": { "type": "object" } } });
    json!({
        "type": "object",
        "required": ["schema_version", "ok", "command"],
        "properties": { "schema_version": { "const": 1 }, "ok": { "type": "boolean" }, "command": { "const": verb } },
        "anyOf": [
            { "required": ["data"], "properties": { "data": { "anyOf": [data, dry] } } },
            { "required": ["error"], "properties": { "ok": { "const": false }, "error": error } },
        ],
    })
}

/// What `shapes.json` says.
struct Shapes {
    types: Map<String, Value>,
    verbs: Map<String, Value>,
}

impl Shapes {
    fn read() -> Result<Self, Failure> {
        let whole: Value = serde_json::from_str(SHAPES).map_err(anyhow::Error::from)?;
        let part = |name: &str| whole.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Self { types: part("types"), verbs: part("verbs") })
    }

    fn schema(&self, shape: &Value) -> Value {
        match shape {
            Value::String(word) => leaf(word),
            Value::Array(items) => {
                json!({ "type": "array", "items": items.first().map_or(json!({}), |item| self.schema(item)) })
            }
            Value::Object(keys) => self.object(keys),
            Value::Null | Value::Bool(_) | Value::Number(_) => json!({}),
        }
    }

    fn object(&self, keys: &Map<String, Value>) -> Value {
        if let Some(item) = keys.get("*") {
            return json!({ "type": "object", "additionalProperties": self.schema(item) });
        }
        let (mut required, mut properties) = (Vec::new(), Map::new());
        self.add(keys, &mut required, &mut properties);
        json!({ "type": "object", "required": required, "properties": properties })
    }

    fn add(&self, keys: &Map<String, Value>, required: &mut Vec<String>, properties: &mut Map<String, Value>) {
        for (key, shape) in keys {
            let other = || shape.as_str().and_then(|name| self.types.get(name.trim_start_matches('@')));
            match (key.as_str(), key.strip_suffix(" -")) {
                ("+", _) => {
                    if let Some(Value::Object(other)) = other() {
                        self.add(other, required, properties);
                    }
                }
                (_, Some(name)) => _ = properties.insert(name.to_owned(), self.schema(shape)),
                (name, None) => {
                    required.push(name.to_owned());
                    properties.insert(name.to_owned(), self.schema(shape));
                }
            }
        }
    }

    /// Gathers the shapes that a schema refers to, and those that they refer to.
    fn collect(&self, schema: &Value, used: &mut Map<String, Value>) {
        match schema {
            Value::Object(keys) => {
                let name = keys.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
                if let Some(name) = name
                    && !used.contains_key(name)
                    && let Some(shape) = self.types.get(name)
                {
                    let schema = self.schema(shape);
                    used.insert(name.to_owned(), schema.clone());
                    self.collect(&schema, used);
                }
                keys.values().for_each(|value| self.collect(value, used));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, used)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn leaf(word: &str) -> Value {
    if let Some((one, other)) = word.split_once(" or ") {
        return json!({ "anyOf": [leaf(one), leaf(other)] });
    }
    let (word, nullable) = word.strip_suffix('?').map_or((word, false), |word| (word, true));
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let schema = match word {
        "any" => json!({}),
        "id" => text("^(kb-)?[0-9]{4}-[0-9]{2}-[0-9]{2}-[a-z0-9]+(-[a-z0-9]+)*$"),
        "oid" => text("^[0-9a-f]{40}$"),
        "time" => text("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
        "state" => one_of("drafting|planned|active|completed|abandoned"),
        "status" => one_of("working|blocked|paused|handed_off|landing"),
        "lease" => one_of("alive|quiet|expired"),
        word => match (word.strip_prefix('@'), word.strip_prefix('=')) {
            (Some(name), _) => json!({ "$ref": format!("#/$defs/{name}") }),
            (_, Some(words)) => one_of(words),
            (None, None) => json!({ "type": word }),
        },
    };
    if nullable { json!({ "anyOf": [schema, { "type": "null" }] }) } else { schema }
}

fn one_of(words: &str) -> Value {
    json!({ "enum": words.split('|').collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::{Cli, CommandFactory, Shapes, Value, schema};

    #[test]
    fn each_verb_has_its_shape_and_each_shape_is_there() {
        let shapes = Shapes::read().unwrap();
        for verb in Cli::command().get_subcommands().map(clap::Command::get_name) {
            assert!(shapes.verbs.contains_key(verb), "`{verb}` has no shape in shapes.json: add it, or null for none");
            for (at, _) in super::SHAPES.match_indices('@') {
                let rest = super::SHAPES.get(at + 1..).unwrap();
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                assert!(shapes.types.contains_key(&name), "@{name}");
            }
            let Some(Value::Object(schema)) = schema(verb).unwrap() else { continue };
            let text = Value::Object(schema).to_string();
            for word in ["\"type\":\"@", "\"type\":\"=", "string?"] {
                assert!(!text.contains(word), "{verb}: {text}");
            }
        }
    }
}
