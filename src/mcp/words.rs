//! What a client says about a tool's parameters, as the words of a command line; and the schema that tells it how.
//!
//! A value never becomes an option: it follows its option's `=`, or stands behind `--` where it begins like one.

use serde_json::{Map, Value, json};

/// One parameter of a tool.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) need: Need,
}

/// What its value is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of these.
    SomeOf(&'static [&'static str]),
    /// Texts by name.
    Pairs,
    /// True or false.
    Flag,
}

/// Where it stands on the command line.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A word of its own.
    Argument,
    /// Behind this option.
    Option(&'static str),
}

/// Whether it can be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// The JSON schema of a tool's arguments.
pub(super) fn schema(parameters: &[Parameter]) -> Map<String, Value> {
    let properties: Map<String, Value> =
        parameters.iter().map(|parameter| (parameter.name.to_owned(), property(parameter))).collect();
    let required: Vec<&str> = parameters.iter().filter(|one| one.need == Need::Required).map(|one| one.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn property(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::SomeOf(words) => json!({ "type": "array", "items": { "type": "string", "enum": words } }),
        Kind::Pairs => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Flag => json!({ "type": "boolean" }),
    };
    schema["description"] = json!(parameter.about);
    schema
}

/// The command line of `verb` with these arguments.
///
/// # Errors
/// What is wrong with them, in a sentence.
pub(super) fn words(
    verb: &str,
    parameters: &[Parameter],
    arguments: &Map<String, Value>,
) -> Result<Vec<String>, String> {
    if let Some(name) = arguments.keys().find(|name| parameters.iter().all(|one| one.name != **name)) {
        let known: Vec<String> = parameters.iter().map(|one| format!("`{}`", one.name)).collect();
        return Err(format!("there is no parameter `{name}`; there are {}", known.join(", ")));
    }
    let (mut plain, mut options) = (Vec::new(), Vec::new());
    for parameter in parameters {
        let value = arguments.get(parameter.name).filter(|value| !value.is_null());
        let Some(value) = value else {
            if parameter.need == Need::Required {
                return Err(format!("the parameter `{}` is missing", parameter.name));
            }
            continue;
        };
        let texts = texts(parameter.kind, value)
            .ok_or_else(|| format!("the parameter `{}` has to be {}", parameter.name, wanted(parameter.kind)))?;
        match (parameter.kind, parameter.place) {
            (Kind::Flag, Place::Option(option)) => options.extend(texts.iter().map(|_| option.to_owned())),
            (_, Place::Option(option)) => options.extend(texts.iter().map(|text| format!("{option}={text}"))),
            (_, Place::Argument) => plain.extend(texts),
        }
    }
    let mut words = vec![verb.to_owned()];
    if plain.iter().any(|word| word.starts_with('-')) {
        words.extend(options);
        words.push("--".to_owned());
        words.extend(plain);
    } else {
        words.extend(plain);
        words.extend(options);
    }
    Ok(words)
}

/// The texts of a value of this kind; for a flag that is raised, one.
fn texts(kind: Kind, value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let one_of = |words: &[&str], value: &Value| text(value).filter(|text| words.contains(&text.as_str()));
    match kind {
        Kind::Text => text(value).map(|text| vec![text]),
        Kind::OneOf(words) => one_of(words, value).map(|text| vec![text]),
        Kind::Texts => value.as_array()?.iter().map(text).collect(),
        Kind::SomeOf(words) => value.as_array()?.iter().map(|one| one_of(words, one)).collect(),
        Kind::Pairs => {
            let pair = |(key, value): (&String, &Value)| {
                // What is behind the first `=` is the value.
                (!key.contains('=')).then(|| value.as_str().map(|value| format!("{key}={value}"))).flatten()
            };
            value.as_object()?.iter().map(pair).collect()
        }
        Kind::Flag => value.as_bool().map(|raised| if raised { vec![String::new()] } else { Vec::new() }),
    }
}

fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Text => "a text".to_owned(),
        Kind::OneOf(words) => format!("one of {}", words.join(", ")),
        Kind::Texts => "a list of texts".to_owned(),
        Kind::SomeOf(words) => format!("a list of some of {}", words.join(", ")),
        Kind::Pairs => "an object whose values are texts and whose names have no `=`".to_owned(),
        Kind::Flag => "true or false".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, Need, Parameter, Place, words};

    const PARAMETERS: [Parameter; 5] = [
        Parameter { name: "id", about: "", kind: Kind::Text, place: Place::Argument, need: Need::Required },
        Parameter { name: "why", about: "", kind: Kind::Text, place: Place::Option("--why"), need: Need::Optional },
        Parameter { name: "all", about: "", kind: Kind::Flag, place: Place::Option("--all"), need: Need::Optional },
        Parameter {
            name: "some",
            about: "",
            kind: Kind::SomeOf(&["a", "b"]),
            place: Place::Option("--some"),
            need: Need::Optional,
        },
        Parameter { name: "by", about: "", kind: Kind::Pairs, place: Place::Option("--by"), need: Need::Optional },
    ];

    fn line(arguments: serde_json::Value) -> Result<String, String> {
        words("do", &PARAMETERS, arguments.as_object().unwrap()).map(|words| words.join(" "))
    }

    #[test]
    fn arguments_become_words() {
        let all = json!({ "id": "x", "why": "--force", "all": true, "some": ["a", "b"], "by": { "k": "v=w" } });
        assert_eq!(line(all).unwrap(), "do x --why=--force --all --some=a --some=b --by=k=v=w");
        assert_eq!(line(json!({ "id": "x", "why": null, "all": false, "some": [] })).unwrap(), "do x");
        assert_eq!(line(json!({ "id": "--force", "why": "y" })).unwrap(), "do --why=y -- --force");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(line(json!({})).unwrap_err(), "the parameter `id` is missing");
        assert_eq!(line(json!({ "id": 3 })).unwrap_err(), "the parameter `id` has to be a text");
        assert_eq!(
            line(json!({ "id": "x", "some": ["c"] })).unwrap_err(),
            "the parameter `some` has to be a list of some of a, b"
        );
        assert!(line(json!({ "id": "x", "by": { "k=": "v" } })).unwrap_err().contains("names have no `=`"));
        assert!(line(json!({ "id": "x", "force": true })).unwrap_err().starts_with("there is no parameter `force`"));
    }
}
