//! Values of every format, hostile ones among them.

use std::collections::BTreeMap;

use git_session::domain::agent::AgentName;
use git_session::domain::id::{Kind, SessionId, Slug};
use git_session::domain::log::{Entry, EntryKind, entry_id};
use git_session::domain::nonce::Nonce;
use git_session::domain::oid::ObjectId;
use git_session::domain::record::{
    CheckoutKind, Checkpoint, Claim, Criterion, CriterionStatus, Ending, Event, Handoff, Lifetime, Outcome, Override,
    Record, Run, Status,
};
use git_session::domain::time::{Span, Timestamp};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

pub(crate) fn id() -> impl Strategy<Value = SessionId> {
    let parts = (any::<bool>(), 2000_i32..2100, 1_u32..13, 1_u32..29, "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}");
    parts.prop_map(|(knowledge, year, month, day, slug)| {
        let kind = if knowledge { Kind::Knowledge } else { Kind::Work };
        let date = chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap();
        SessionId::new(kind, date, &slug.parse::<Slug>().unwrap())
    })
}

pub(crate) fn seconds() -> impl Strategy<Value = i64> {
    0_i64..253_402_300_800
}

fn time() -> impl Strategy<Value = Timestamp> {
    seconds().prop_map(|seconds| Timestamp::from_unix(seconds).unwrap())
}

pub(crate) fn span() -> impl Strategy<Value = Span> {
    (1_u32..300_000_000).prop_map(|seconds| Span::from_seconds(seconds).unwrap())
}

/// Texts that some reader of YAML or Markdown takes for something else, and any others.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        " ",
        "no",
        "Yes",
        "null",
        "~",
        "0x10",
        "1e5",
        "010",
        "1:30",
        "2026-11-20",
        "2026-11-20T03:22:26Z",
        ".nan",
        "---",
        "...",
        "- a",
        "? a",
        "a: b",
        "a #b",
        "*a",
        "&a",
        "!a",
        "{{ a }}",
        "{% if %}",
        "<<<<<<< HEAD",
        "=======",
        "# a",
        "## Context",
        "a\n## Notes\n- [ ] b",
        "```\n",
        "~~~ x\n## a",
        "<!-- a",
        "-->",
        "\u{feff}a",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{1b}[2J",
        "a\r\nb",
        "'",
        "\"",
        "\\",
        "\t",
        "\0",
        "\u{ffff}",
        "\u{10ffff}",
        "[x] a",
        "---\n---\n",
    ]);
    prop_oneof![2 => known.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[ a-z:#\"'\n-]{0,40}"]
}

fn agent() -> impl Strategy<Value = AgentName> {
    let known = select(vec!["no", "claude-1", "a: b", "Eve \"x\" 'y'", "#", "&a", "日本"]);
    prop_oneof![known.prop_map(str::to_owned), "[ -~]{1,20}"].prop_filter_map("no name", |name| name.parse().ok())
}

fn oid() -> impl Strategy<Value = ObjectId> {
    let bytes = prop_oneof![any::<[u8; 20]>(), select(vec![[0x12_u8; 20], [0x0e; 20], [0x0b; 20], [0; 20]])];
    bytes.prop_map(ObjectId::from_bytes)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn context() -> impl Strategy<Value = BTreeMap<String, Value>> {
    prop::collection::btree_map(text(), value(), 0..4)
}

fn claim() -> impl Strategy<Value = Claim> {
    let who = (agent(), text(), text(), any::<[u8; 16]>(), 1_u32..);
    let when = (time(), time(), span());
    let what = (text(), oid(), text(), oid(), select(CheckoutKind::ALL));
    (who, when, what).prop_map(|((agent, user, host, nonce, epoch), (claimed_at, renewed_at, lease), what)| {
        let (base_branch, base_commit, branch, plan, checkout) = what;
        let nonce = Nonce::from_bytes(nonce);
        Claim {
            agent,
            user,
            host,
            nonce,
            epoch,
            claimed_at,
            renewed_at,
            lease,
            base_branch,
            base_commit,
            branch,
            plan,
            checkout,
        }
    })
}

fn criterion() -> impl Strategy<Value = Criterion> {
    (text(), select(CriterionStatus::ALL), option::of(text()), option::of(time()))
        .prop_map(|(text, status, evidence, at)| Criterion { id: String::new(), text, status, evidence, at })
}

fn handoff() -> impl Strategy<Value = Handoff> {
    let texts = || prop::collection::vec(text(), 0..3);
    (text(), texts(), texts(), context(), agent(), time()).prop_map(
        |(summary, next_steps, blockers, context_for_next, by, at)| Handoff {
            summary,
            next_steps,
            blockers,
            context_for_next,
            by,
            at,
        },
    )
}

fn run() -> impl Strategy<Value = Run> {
    let ended = (option::of(time()), option::of(any::<i32>()), option::of(text()), option::of(any::<u32>()));
    (text(), option::of(text()), text(), time(), ended).prop_map(
        |(agent, conversation, cwd, started_at, (ended_at, exit_code, outcome, turns))| Run {
            run: String::new(),
            agent,
            conversation,
            cwd,
            started_at,
            ended_at,
            exit_code,
            outcome,
            turns,
        },
    )
}

fn replaced() -> impl Strategy<Value = Override> {
    (time(), agent(), text(), oid(), oid()).prop_map(|(at, by, reason, old, new)| Override { at, by, reason, old, new })
}

fn event() -> impl Strategy<Value = Event> {
    (text(), option::of(agent()), option::of(any::<u32>()), time(), option::of(text()))
        .prop_map(|(event, agent, epoch, at, reason)| Event { event, agent, epoch, at, reason })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let ending = select(Ending::ALL);
    (ending, option::of(text()), option::of(text()), option::of(oid()), option::of(any::<u64>()), time()).prop_map(
        |(outcome, summary, reason, landed, patch_bytes, ended_at)| Outcome {
            outcome,
            summary,
            reason,
            landed,
            patch_bytes,
            ended_at,
        },
    )
}

pub(crate) fn record() -> impl Strategy<Value = Record> {
    let head = (id(), text(), time(), text(), option::of(text()), option::of(id()), option::of(id()), any::<bool>());
    let state = (select(Status::ALL), option::of(claim()), context(), option::of(handoff()), option::of(text()));
    let checkpoints = prop::collection::vec((text(), time()), 0..3);
    let lists = (prop::collection::vec(criterion(), 0..3), checkpoints, prop::collection::vec(run(), 0..3));
    let past = (prop::collection::vec(replaced(), 0..3), prop::collection::vec(event(), 0..3), option::of(outcome()));
    (head, state, lists, past).prop_map(|(head, state, (criteria, checkpoints, runs), past)| {
        let mut record = Record::new(head.0, head.1, head.2, head.3);
        (record.task, record.parent, record.forked_from) = (head.4, head.5, head.6);
        record.lifetime = if head.7 { Lifetime::Ephemeral } else { Lifetime::Kept };
        (record.status, record.claim, record.context, record.handoff, record.applied) = state;
        let ids = |prefix: &'static str| (1..).map(move |count| format!("{prefix}{count}"));
        record.criteria = ids("AC-").zip(criteria).map(|(id, one)| Criterion { id, ..one }).collect();
        record.checkpoints = ids("00").zip(checkpoints).map(|(id, (title, at))| Checkpoint { id, title, at }).collect();
        record.runs = ids("run-").zip(runs).map(|(run, one)| Run { run, ..one }).collect();
        (record.overrides, record.history, record.result) = past;
        record
    })
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    (time(), any::<[u8; 10]>(), agent(), select(EntryKind::ALL), text(), option::of(text()), context()).prop_map(
        |(at, random, agent, kind, text, body, data)| Entry {
            id: entry_id(at, random),
            at,
            agent,
            kind,
            text,
            body,
            data,
        },
    )
}
