//! `schema`: what a program may rely on, in the words of JSON Schema. Every document of every story is held against it
//! (`shape.rs`); here are the schemas themselves, and whether a full validator says the same.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::world::shape::{holds, schema};
use crate::world::{World, id};

fn verbs(world: &World) -> Vec<String> {
    let listed = world.planner().run(&["schema"]).done();
    listed["schemas"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_verb_that_has_a_document_has_its_schema() {
    let world = World::without_board();
    let verbs = verbs(&world);
    for verb in ["list", "show", "next", "claim", "complete", "brief", "doctor", "log", "watch", "conflicts", "prime"] {
        assert!(verbs.iter().any(|known| known == verb), "{verb}: {verbs:?}");
    }
    for verb in &verbs {
        let schema = schema(verb).unwrap_or_else(|| panic!("{verb}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let told = world.planner().run(&["schema", verb]).done();
        assert_eq!(told["schema"], schema, "the same inside the document");
    }
    let refused = world.planner().run(&["schema", "nonsense"]).exits(2);
    assert_eq!(refused.json["error"]["hint"], "git session schema");
}

#[test]
fn what_is_not_so_is_told_with_its_place() {
    let claim = schema("claim").unwrap();
    let wrong = |document: Value| holds(&claim, &document, &claim, "").unwrap_err();
    let good = json!({ "schema_version": 1, "ok": true, "command": "claim", "data": { "claims": [], "attempts": 1, "pushes": 1 } });
    holds(&claim, &good, &claim, "").unwrap();
    let with = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    assert!(wrong(with("/command", json!("release"))).contains("/command: not \"claim\""));
    assert!(wrong(with("/data/attempts", json!("one"))).contains("/data/attempts: no \"integer\""));
    assert!(wrong(with("/data/claims", json!([{}]))).contains("/data/claims/0: \"id\" is missing"));
    assert!(wrong(with("/data", json!({}))).contains("/data: \"claims\" is missing"));
    let error = json!({ "schema_version": 1, "ok": true, "command": "claim", "error": {} });
    assert!(wrong(error).contains("/ok: not false"));
    // Additions are no breach, at any depth.
    holds(&claim, &with("/data/claims", json!([])), &claim, "").unwrap();
    let mut more = good.clone();
    more["data"]["new"] = json!(1);
    holds(&claim, &more, &claim, "").unwrap();
}

#[test]
fn a_full_validator_says_the_same_of_a_whole_life() {
    let python = || {
        let mut python = Command::new("python3");
        python.args(["-W", "ignore", "-c"]);
        python
    };
    if !python().arg("from jsonschema import Draft202012Validator").output().is_ok_and(|told| told.status.success()) {
        eprintln!("skipped: python3 has no jsonschema");
        return;
    }
    let world = World::new();
    let one = world.agent("one");
    let start = world.remote(&["rev-parse", "main"]);
    let session = id("auth");
    let steps: &[&[&str]] = &[
        &["prime"],
        &[
            "new",
            "auth",
            "--id",
            &session,
            "--ready",
            "--context",
            "why",
            "--criterion",
            "it works",
            "--scope",
            "src/**",
        ],
        &["list"],
        &["next"],
        &["claim", "--next", "-n"],
        &["claim", &session],
        &["claim", "nonsense"],
        &["log", "seen", "--session", &session],
        &["log", "--session", &session],
        &["decision", "this", "--session", &session],
        &["checkpoint", "a point", "--session", &session],
        &["pause", &session, "--reason", "lunch"],
        &["brief", &session],
        &["resume", &session],
        &["show", &session],
        &["conflicts"],
        &["complete", &session],
        &["criteria", "met", "AC-1", "--session", &session],
        &["complete", &session],
        &["list", "--all"],
        &["show", &session],
        &["doctor"],
        &["verify-log"],
        &["whoami"],
        &["config"],
    ];
    let mut documents: Vec<Value> = steps.iter().map(|words| one.run(words).json).collect();
    assert!(documents.iter().all(Value::is_object), "{documents:?}");
    let events = one.command(&["watch", "--json", "--once", "--since", &start]).output().unwrap();
    let events = String::from_utf8(events.stdout).unwrap();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!events.is_empty());
    let line = schema("watch").unwrap();
    events.iter().for_each(|event| holds(&line, event, &line, "").unwrap());
    documents.extend(events.into_iter().map(|event| json!({ "command": "watch", "event": event })));
    let schemas: serde_json::Map<String, Value> =
        verbs(&world).into_iter().map(|verb| (verb.clone(), schema(&verb).unwrap())).collect();
    let file = world.root.join("documents.json");
    fs::write(&file, json!({ "schemas": schemas, "documents": documents }).to_string()).unwrap();
    let told = python()
        .arg(
            "import json, sys\nfrom jsonschema import Draft202012Validator as V\nall = json.load(open(sys.argv[1]))\n\
             for schema in all['schemas'].values(): V.check_schema(schema)\n\
             for one in all['documents']:\n    V(all['schemas'][one['command']]).validate(one.get('event', one))\n\
             print(len(all['documents']))",
        )
        .arg(&file)
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let count: usize = String::from_utf8(told.stdout).unwrap().trim().parse().unwrap();
    assert!(count > steps.len());
}
