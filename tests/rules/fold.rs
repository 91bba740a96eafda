//! The log on its way into the record: each entry once, in order, and no old copy undoes what came after.

use git_session::domain::log::{Entry, EntryKind, entry_id};
use git_session::domain::moves::{Unmet, WorkFiles, fold};
use git_session::domain::record::{Criterion, CriterionStatus, Override, Record};
use git_session::domain::run::{Outcome, RUNS_MAX, Said, next_name};
use git_session::domain::state::State;
use git_session::domain::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::shelf::blob;
use crate::world::{Move, NOON, ONE, World, agent, criterion, entry, file, id, time};

fn record() -> Record {
    let mut record = Record::new(id("auth"), "Auth".to_owned(), time(NOON), String::new());
    record.criteria = ["AC-1", "AC-2"].map(open).into();
    record
}

fn open(name: &str) -> Criterion {
    Criterion {
        id: name.to_owned(),
        text: format!("{name} holds"),
        status: CriterionStatus::Open,
        evidence: None,
        at: None,
    }
}

fn statuses(record: &Record) -> Vec<(&str, &'static str, Option<&str>)> {
    let criteria = record.criteria.iter();
    criteria.map(|one| (one.id.as_str(), one.status.as_str(), one.evidence.as_deref())).collect()
}

/// Entries as a holder writes them, a second apart.
fn log(entries: &[(&str, CriterionStatus)]) -> Vec<Entry> {
    let entries = entries.iter().enumerate();
    entries.map(|(at, (name, status))| criterion(&written(at), name, *status)).collect()
}

fn written(at: usize) -> String {
    entry_id(time(NOON + i64::try_from(at).unwrap()), [7; 10])
}

#[test]
fn entries_are_applied_in_the_order_of_the_log() {
    let mut record = record();
    fold(
        &mut record,
        &log(&[("AC-1", CriterionStatus::Met), ("AC-2", CriterionStatus::Met), ("AC-1", CriterionStatus::Unmet)]),
    );
    let (second, third) = (written(1), written(2));
    assert_eq!(statuses(&record), [("AC-1", "unmet", Some(third.as_str())), ("AC-2", "met", Some(second.as_str()))]);
    assert_eq!(record.applied.as_deref(), Some(third.as_str()));
    assert_eq!(record.criteria[0].at, Some(time(NOON)));
    assert_eq!(record.criteria[0].text, "AC-1 holds");
}

#[test]
fn the_same_log_again_changes_nothing_and_a_longer_one_adds_its_end() {
    let all =
        log(&[("AC-1", CriterionStatus::Met), ("AC-1", CriterionStatus::Unmet), ("AC-2", CriterionStatus::Dropped)]);
    let mut record = record();
    fold(&mut record, &all[..2]);
    // Somebody set it otherwise on the tip meanwhile; what was applied once is not applied again.
    record.criteria[0].status = CriterionStatus::Met;
    let before = record.clone();
    fold(&mut record, &all[..2]);
    assert_eq!(record, before);
    fold(&mut record, &all);
    assert_eq!(record.criteria[0], before.criteria[0]);
    assert_eq!(record.criteria[1].status, CriterionStatus::Dropped);
}

#[test]
fn an_older_copy_of_the_log_undoes_nothing() {
    let all = log(&[("AC-1", CriterionStatus::Unmet), ("AC-1", CriterionStatus::Met), ("AC-2", CriterionStatus::Met)]);
    let mut record = record();
    fold(&mut record, &all);
    let before = record.clone();
    for known in 0..all.len() {
        fold(&mut record, &all[..known]);
        assert_eq!(record, before, "a copy with {known} of three entries");
    }
}

#[test]
fn a_log_that_was_begun_anew_counts_from_where_the_old_one_ended() {
    let all = log(&[("AC-1", CriterionStatus::Unmet), ("AC-1", CriterionStatus::Met), ("AC-2", CriterionStatus::Met)]);
    let mut record = record();
    fold(&mut record, &all[..2]);
    fold(&mut record, &all[2..]);
    let statuses: Vec<&str> = record.criteria.iter().map(|one| one.status.as_str()).collect();
    assert_eq!(statuses, ["met", "met"]);
}

#[test]
fn a_criterion_that_the_plan_did_not_have_is_added_once() {
    let mut record = record();
    let data = [("id", "AC-3"), ("status", "open"), ("text", "Nobody waits")];
    let added = entry(&written(0), time(NOON), EntryKind::Criterion, &data);
    let met = criterion(&written(1), "AC-3", CriterionStatus::Met);
    fold(&mut record, &[added, met]);
    let names: Vec<_> = record.criteria.iter().map(|one| (one.id.as_str(), one.text.as_str())).collect();
    assert_eq!(names, [("AC-1", "AC-1 holds"), ("AC-2", "AC-2 holds"), ("AC-3", "Nobody waits")]);
    assert_eq!(record.criteria[2].status, CriterionStatus::Met);
    assert_eq!(Record::parse(record.print().as_bytes()), Ok(record));
}

#[test]
fn entries_that_say_no_status_are_passed_over_and_count_as_applied() {
    let bad: [&[(&str, &str)]; 4] =
        [&[], &[("id", "AC-1")], &[("id", "AC-1"), ("status", "perhaps")], &[("status", "met")]];
    for (at, data) in bad.into_iter().enumerate() {
        let mut found = record();
        fold(&mut found, &[entry(&written(at), time(NOON), EntryKind::Criterion, data)]);
        assert_eq!((&found.criteria, found.applied), (&record().criteria, Some(written(at))));
    }
}

#[test]
fn facts_are_set_by_name_and_other_entries_say_nothing_to_the_record() {
    let mut found = record();
    fold(&mut found, &[entry(&written(0), time(NOON), EntryKind::Context, &[("port", "1"), ("host", "a")])]);
    fold(&mut found, &[entry(&written(1), time(NOON), EntryKind::Context, &[("port", "2")])]);
    let facts = [("host".to_owned(), Value::from("a")), ("port".to_owned(), Value::from("2"))];
    assert_eq!(found.context, facts.into());
    for kind in EntryKind::ALL {
        if !matches!(kind, EntryKind::Context | EntryKind::Criterion) {
            let mut found = record();
            fold(&mut found, &[entry(&written(0), time(NOON), *kind, &[("id", "AC-1"), ("status", "met")])]);
            let mut expected = record();
            expected.applied = Some(written(0));
            assert_eq!(found, expected);
        }
    }
}

fn work(entries: &[Entry]) -> WorkFiles {
    let text: String = entries.iter().map(|entry| entry.print_line() + "\n").collect();
    WorkFiles { files: vec![file("log.jsonl", &text)], entries: entries.to_vec() }
}

#[test]
fn a_stale_copy_of_the_record_or_plan_never_gets_onto_the_board() {
    let auth = id("auth");
    let mut world = World::default();
    world.planned(&auth, "");
    world.does(ONE, &auth, Move::Claim).won();
    let stale = world.record(&auth).unwrap();
    world.does(ONE, &auth, Move::Renew).won();
    let mut tip = world.record(&auth).unwrap();
    tip.overrides.push(Override {
        at: time(NOON - 9),
        by: agent("ada"),
        reason: "scope".to_owned(),
        old: blob(b"a"),
        new: blob(b"b"),
    });
    world.shelf.put(State::Active, &auth, "session.yaml", tip.print().as_bytes());
    let frozen = world.shelf.file(State::Active, &auth, "SESSION.md").map(<[u8]>::to_vec);
    let mut copy = work(&[]);
    for name in ["session.yaml", "Session.YAML", "SESSION.md", "session.md", ".session-env", ".session-env.local"] {
        copy.files.push(file(name, &stale.print()));
    }
    for what in [
        Move::Publish(copy.clone()),
        Move::AwaitLanding(copy.clone()),
        Move::Release(copy.clone()),
        Move::Complete(copy.clone(), Unmet::Recorded, None),
        Move::Abandon(copy.clone()),
    ] {
        let mut world = world.clone();
        world.does(ONE, &auth, what).won();
        let state = world.place(&auth).unwrap();
        let found = world.record(&auth).unwrap();
        assert_eq!(found.overrides, tip.overrides);
        assert!(found.history.starts_with(&tip.history));
        let plan = world.shelf.file(state, &auth, "SESSION.md").map(<[u8]>::to_vec);
        assert_eq!(plan, frozen);
        let names: Vec<&String> = world.shelf.folders[&(state, auth.clone())].keys().collect();
        assert!(!names.iter().any(|name| name.starts_with(".session-env") || *name == "session.md"), "{names:?}");
    }
}

#[test]
fn a_completion_that_was_checked_on_an_older_board_keeps_what_happened_since() {
    use git_session::domain::moves::{Completion, complete, held_by_caller};

    let auth = id("auth");
    let mut world = World::default();
    world.planned(&auth, "");
    world.does(ONE, &auth, Move::Claim).won();
    let caller = world.caller(ONE, &auth);
    let stale = held_by_caller(&world.shelf.board(), &auth, &caller, world.now()).unwrap();
    world.does(ONE, &auth, Move::AwaitLanding(WorkFiles::default())).won();
    let tip = world.record(&auth).unwrap();
    let completion = Completion {
        record: stale,
        summary: None,
        landed: None,
        files: Vec::new(),
        patch: Vec::new(),
        report: String::new(),
        knowledge: None,
    };
    let change = complete(&world.shelf.board(), &completion, &caller, &crate::world::nonce(9), world.now()).unwrap();
    world.shelf.apply(&change);
    let found = world.record(&auth).unwrap();
    assert_eq!(found.history[..tip.history.len()], tip.history);
    assert_eq!(found.history.len(), tip.history.len() + 1);
    assert!(complete(&world.shelf.board(), &completion, &caller, &crate::world::nonce(9), world.now()).is_err());
}

#[test]
fn publishing_the_same_files_again_changes_nothing() {
    let auth = id("auth");
    let mut world = World::default();
    world.planned(&auth, "");
    world.does(ONE, &auth, Move::Claim).won();
    let wish = world.wish(ONE, &auth, Move::Publish(work(&log(&[("AC-1", CriterionStatus::Met)]))));
    world.shelf.apply(&wish.decide(&world.shelf, world.now()).won());
    let once = world.shelf.clone();
    world.shelf.apply(&wish.decide(&world.shelf, world.now()).won());
    assert_eq!(world.shelf, once);
    // A clock that runs behind never makes a lease older.
    world.seconds -= 600;
    world.shelf.apply(&wish.decide(&world.shelf, world.now()).won());
    assert_eq!(world.shelf, once);
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let one = (select(vec!["AC-1", "AC-2", "AC-3", "port", "nothing"]), select(CriterionStatus::ALL));
    prop::collection::vec(one, 1..12).prop_map(|all| {
        let at = |number: usize| -> Timestamp { time(NOON + i64::try_from(number).unwrap()) };
        let all = all.into_iter().enumerate();
        all.map(|(number, (name, status))| match name {
            "port" => entry(&written(number), at(number), EntryKind::Context, &[("port", status.as_str())]),
            "nothing" => entry(&written(number), at(number), EntryKind::Progress, &[]),
            name => criterion(&written(number), name, status),
        })
        .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_a_log_is_published_it_comes_to_the_same(
        all in entries(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut at_once = record();
        fold(&mut at_once, &all);
        let mut by_parts = record();
        // Any copies, older ones among them, and the whole of it last.
        for cut in cuts {
            fold(&mut by_parts, &all[..=cut.index(all.len())]);
        }
        fold(&mut by_parts, &all);
        prop_assert_eq!(&by_parts, &at_once);
        prop_assert_eq!(Record::parse(at_once.print().as_bytes()), Ok(at_once));
    }
}

#[test]
fn a_checkpoint_is_in_the_record_once_and_its_number_is_given_once() {
    let checkpoint = |at: usize, number: &str, title: &str| {
        let entry = entry(&written(at), time(NOON), EntryKind::Checkpoint, &[("checkpoint", number)]);
        Entry { text: title.to_owned(), ..entry }
    };
    let mut record = record();
    let log = [checkpoint(0, "001", "first"), checkpoint(1, "002", "second")];
    fold(&mut record, &log[..1]);
    fold(&mut record, &log);
    fold(&mut record, &log);
    // Whoever counts anew, and whoever counts in words.
    fold(&mut record, &[checkpoint(2, "001", "another"), checkpoint(3, "one", "a word"), checkpoint(4, "", "none")]);
    let found: Vec<_> = record.checkpoints.iter().map(|one| (one.id.as_str(), one.title.as_str())).collect();
    assert_eq!(found, [("001", "first"), ("002", "second")]);
    assert_eq!(Record::parse(record.print().as_bytes()).unwrap(), record);
}

/// What the log says of `run-1`, second by second.
fn said(at: usize, said: &Said) -> Entry {
    let (text, data) = said.entry("run-1");
    Entry { text, data, ..entry(&written(at), time(NOON + i64::try_from(at).unwrap()), EntryKind::Run, &[]) }
}

#[test]
fn runs_of_agents_reach_the_record_step_by_step_and_once() {
    let started = Said::Started {
        agent: "claude".to_owned(),
        version: Some("2.1.197".to_owned()),
        cwd: "/w".to_owned(),
        start: "fresh",
        from: None,
    };
    let ended = Said::Ended {
        outcome: Outcome::TimedOut,
        why: Some("it took longer than it was given".to_owned()),
        exit_code: None,
        turns: Some(2),
        lost: None,
    };
    let log = [said(0, &started), said(1, &Said::Conversation("abc".to_owned())), said(5, &ended)];
    let mut record = record();
    fold(&mut record, &log[..1]);
    assert_eq!(record.runs.len(), 1);
    assert_eq!((record.runs[0].conversation.as_deref(), record.runs[0].ended_at), (None, None));
    assert_eq!(next_name(&record), "run-2");
    fold(&mut record, &log);
    fold(&mut record, &log);
    let run = &record.runs[0];
    assert_eq!((run.run.as_str(), run.agent.as_str(), run.cwd.as_str()), ("run-1", "claude", "/w"));
    assert_eq!(run.conversation.as_deref(), Some("abc"));
    assert_eq!((run.started_at, run.ended_at), (time(NOON), Some(time(NOON + 5))));
    assert_eq!((run.outcome.as_deref(), run.exit_code, run.turns), (Some("timed_out"), None, Some(2)));
    assert_eq!(record.runs.len(), 1);
}

#[test]
fn what_is_no_run_leaves_the_record_alone_and_old_runs_stay_in_the_log() {
    let mut record = record();
    let data = |pairs: &[(&str, &str)]| entry(&written(1), time(NOON), EntryKind::Run, pairs);
    fold(&mut record, &[data(&[("event", "start"), ("run", "x"), ("agent", "a"), ("cwd", "/")])]);
    fold(&mut record, &[Entry { id: written(2), ..data(&[("event", "end"), ("run", "run-9")]) }]);
    assert_eq!(record.runs, []);
    for at in 3..RUNS_MAX + 10 {
        let name = format!("run-{at}");
        let start = data(&[("event", "start"), ("run", &name), ("agent", "a"), ("cwd", "/")]);
        fold(&mut record, &[Entry { id: written(at), ..start }]);
    }
    assert_eq!(record.runs.len(), RUNS_MAX);
    assert_eq!(next_name(&record), format!("run-{}", RUNS_MAX + 10));
}
