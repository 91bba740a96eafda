use super::{CheckoutKind, Claim, Record, Status};
use crate::domain::format::FormatKind;
use crate::domain::nonce::Nonce;
use crate::domain::oid::ObjectId;
use crate::domain::time::Span;

fn new() -> Record {
    let id = "2026-11-20-auth-system".parse().unwrap();
    let at = "2026-11-20T03:22:26Z".parse().unwrap();
    Record::new(id, "Auth system".to_owned(), at, "Eve <eve@example.org>".to_owned())
}

fn claim() -> Claim {
    let at = "2026-11-20T03:22:26Z".parse().unwrap();
    Claim {
        agent: "no".parse().unwrap(),
        user: "Eve <eve@example.org>".to_owned(),
        host: "build-7".to_owned(),
        nonce: Nonce::from_bytes([1; 16]),
        epoch: 1,
        claimed_at: at,
        renewed_at: at,
        lease: Span::from_seconds(14_400).unwrap(),
        base_branch: "main".to_owned(),
        base_commit: ObjectId::from_bytes([0xc2; 20]),
        branch: "session/2026-11-20-auth-system".to_owned(),
        plan: ObjectId::from_bytes([3; 20]),
        checkout: CheckoutKind::Worktree,
    }
}

#[test]
fn a_record_prints_every_key_of_the_schema_in_order() {
    let record = Record { claim: Some(claim()), ..new() };
    insta::assert_snapshot!(record.print(), @r#"
    schema: 1
    id: 2026-11-20-auth-system
    title: Auth system
    created_at: 2026-11-20T03:22:26Z
    created_by: "Eve <eve@example.org>"
    task: null
    parent: null
    forked_from: null
    status: working
    claim:
      agent: "no"
      user: "Eve <eve@example.org>"
      host: build-7
      nonce: "01010101010101010101010101010101"
      epoch: 1
      claimed_at: 2026-11-20T03:22:26Z
      renewed_at: 2026-11-20T03:22:26Z
      lease_seconds: 14400
      base_branch: main
      base_commit: c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2
      branch: session/2026-11-20-auth-system
      plan: "0303030303030303030303030303030303030303"
      checkout: worktree
    criteria: []
    checkpoints: []
    context: {}
    handoff: null
    runs: []
    overrides: []
    history: []
    applied: null
    result: null
    "#);
    assert_eq!(Record::parse(record.print().as_bytes()), Ok(record));
}

#[test]
fn keys_of_a_newer_program_survive_a_rewrite() {
    let text = format!(
        "{}mood: {{a: [1, no]}}\n? {}\n: 1\n",
        Record { claim: Some(claim()), ..new() }
            .print()
            .replace("  agent: \"no\"", "  agent: \"no\"\n  gpu: yes")
            .replace("history: []", "history:\n- {event: created, at: 2026-11-20T03:22:26Z, why: because}"),
        "k".repeat(2000)
    );
    let mut record = Record::parse(text.as_bytes()).unwrap();
    record.status = Status::Paused;
    let printed = record.print();
    for kept in ["\n  gpu: \"yes\"\n", "\n  why: \"because\"\n", "\nmood: {\"a\": [1, \"no\"]}\n", "\n: 1\n"] {
        assert!(printed.contains(kept), "{kept} in {printed}");
    }
    assert_eq!(Record::parse(printed.as_bytes()), Ok(record.clone()));
    record.claim = Some(Claim { nonce: Nonce::from_bytes([9; 16]), ..claim() });
    assert!(!record.print().contains("gpu"), "a new claim has no keys of the old one");
}

#[test]
fn a_newer_schema_is_refused_whatever_else_it_has() {
    for (schema, kind) in [
        ("2", FormatKind::NewerSchema),
        ("99", FormatKind::NewerSchema),
        ("0", FormatKind::Malformed),
        ("-1", FormatKind::Malformed),
        ("\"1\"", FormatKind::Malformed),
        ("1.0", FormatKind::Malformed),
    ] {
        let text = format!("# note\nschema: {schema}\nid: [what]\n");
        let error = Record::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.kind, error.line), (kind, Some(2)), "{schema}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let good = Record { claim: Some(claim()), ..new() }.print();
    for (from, to, line) in [
        ("id: 2026-11-20-auth-system", "id: auth", Some(2)),
        ("status: working", "status: sleeping", Some(9)),
        ("epoch: 1", "epoch: one", Some(15)),
        ("epoch: 1", "epoch: 0", None),
        ("epoch: 1", "epoch: -1", Some(15)),
        ("lease_seconds: 14400", "lease_seconds: 0", None),
        ("checkout: worktree", "checkout: tent", Some(23)),
        ("title: Auth system", "id: 2026-11-20-b", Some(3)),
        ("title: Auth system", "title: [a]", Some(3)),
        ("created_at: 2026-11-20T03:22:26Z", "created_at: 2026-11-20", Some(4)),
        ("host: build-7", "host: *h", Some(13)),
        ("host: build-7\n", "", None),
        ("criteria: []", "criteria: {}", Some(24)),
        ("task: null", "task: null\n=======", Some(7)),
        ("schema: 1\n", "", None),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        let error = Record::parse(bad.as_bytes()).unwrap_err();
        if line.is_some() {
            assert_eq!(error.line, line, "{to}: {error}");
        }
    }
}

#[test]
fn the_size_is_checked_before_anything_else() {
    let bytes = vec![0xff; Record::BYTES_MAX + 1];
    assert_eq!(Record::parse(&bytes).unwrap_err().kind, FormatKind::TooLarge);
}
