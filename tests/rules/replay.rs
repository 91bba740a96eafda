//! Whatever the rules allow, the judge of histories finds legal; and what they refuse, it does not.

use std::collections::BTreeSet;
use std::rc::Rc;

use git_session::domain::change::{Change, Edit, Event};
use git_session::domain::id::SessionId;
use git_session::domain::lockfile::LockFile;
use git_session::domain::moves::{Unmet, WorkFiles};
use git_session::domain::record::Record;
use git_session::domain::replay::{
    ArchiveLine, Flaw, Lines, Observed, Order, Place, Recorded, Replay, Root, Said, Touched, Verdict, Words,
};
use git_session::domain::severity::Severity;
use git_session::domain::state::State;

use crate::shelf::{MapShelf, blob};
use crate::world::{Agent, Move, NEIGHBOUR, ONE, Said as Answer, TWIN, TWO, World, bequest, id, nonce, plan, time};

/// Somebody who has watched the board from its beginning.
#[derive(Default)]
pub(crate) struct Witness {
    replay: Replay,
    shelf: MapShelf,
    commits: u128,
}

impl Witness {
    /// Sees the board after a commit; `change` is the move that it says it is.
    pub(crate) fn sees(&mut self, after: &MapShelf, change: Option<&Change>) -> Vec<Verdict> {
        self.commits += 1;
        let observed = observed(&self.shelf, after, change, self.commits);
        self.shelf = after.clone();
        self.replay.judge(&observed)
    }

    /// The same, where nothing may be an error.
    #[track_caller]
    pub(crate) fn approves(&mut self, after: &MapShelf, change: Option<&Change>) {
        let verdicts = self.sees(after, change);
        assert!(verdicts.iter().all(|one| one.flaw.severity() != Severity::Error), "{verdicts:?}\n{change:?}");
    }
}

fn lines(shelf: &MapShelf) -> Lines {
    let parsed = LockFile::parse(&shelf.lock).and_then(|lock| {
        let old = shelf.old_lock.as_deref().map(LockFile::parse).transpose()?;
        let order = if lock.print().as_bytes() == shelf.lock { Order::Sorted } else { Order::Appended };
        Ok(Lines::Read { lock, old, order })
    });
    parsed.unwrap_or_else(|error| Lines::Broken(error.to_string()))
}

fn places(shelf: &MapShelf, id: &SessionId) -> Vec<Place> {
    let place = |state: &State| {
        let folder = shelf.folders.get(&(*state, id.clone()))?;
        let record = match folder.get("session.yaml").map(|bytes| Record::parse(bytes)) {
            None => Recorded::Missing,
            Some(Ok(record)) => Recorded::Here(Rc::new(record)),
            Some(Err(error)) => Recorded::Broken(blob(&folder["session.yaml"]), error.to_string()),
        };
        let patch = folder.get(&format!("{id}.patch")).filter(|_| *state == State::Completed);
        Some(Place {
            state: *state,
            plan: folder.get("SESSION.md").map(|bytes| blob(bytes)),
            record,
            patch_bytes: patch.map(|bytes| bytes.len() as u64),
        })
    };
    State::ALL.iter().filter_map(place).collect()
}

fn changed(before: &MapShelf, after: &MapShelf, id: &SessionId) -> Vec<String> {
    let mut paths = Vec::new();
    for state in State::ALL {
        let key = (state, id.clone());
        let (Some(old), Some(new)) = (before.folders.get(&key), after.folders.get(&key)) else { continue };
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        paths.extend(names.into_iter().filter(|name| old.get(*name) != new.get(*name)).cloned());
    }
    paths
}

fn observed(before: &MapShelf, after: &MapShelf, change: Option<&Change>, commit: u128) -> Observed {
    let mut ids: BTreeSet<SessionId> = change.and_then(|change| change.id.clone()).into_iter().collect();
    for (key, folder) in before.folders.iter().chain(&after.folders) {
        if before.folders.get(key) != Some(folder) || after.folders.get(key) != Some(folder) {
            ids.insert(key.1.clone());
        }
    }
    let moved = (&before.lock, &before.old_lock) != (&after.lock, &after.old_lock);
    if moved {
        for shelf in [before, after] {
            if let Lines::Read { lock, old, .. } = lines(shelf) {
                ids.extend(lock.iter().map(|(id, _)| id.clone()));
                ids.extend(old.iter().flat_map(|old| old.iter()).map(|(id, _)| id.clone()));
            }
        }
    }
    let touched = |id: SessionId| Touched {
        before: places(before, &id),
        after: places(after, &id),
        left: changed(before, after, &id)
            .into_iter()
            .filter(|path| State::ALL.iter().any(|state| after.file(*state, &id, path).is_some()))
            .collect(),
        changed: changed(before, after, &id),
        folder: None,
        archived: ArchiveLine::default(),
        id,
    };
    Observed {
        commit: blob(&commit.to_be_bytes()),
        said: change.map_or(Said::Nothing, |change| {
            Said::Move(Words {
                id: change.id.clone(),
                event: change.event.as_str().to_owned(),
                agent: change.agent.to_string(),
                epoch: change.epoch,
                nonce: change.nonce.clone(),
            })
        }),
        root: Root::Stayed,
        touched: ids.into_iter().map(touched).collect(),
        lines: moved.then(|| lines(after)),
        archive_broken: None,
    }
}

/// A world with one session in each standing, and its witness.
fn standings() -> (World, Witness, Vec<SessionId>) {
    let mut world = World::default();
    let mut witness = Witness::default();
    let mut ids = Vec::new();
    let steps: [(&str, &[Move]); 6] = [
        ("absent", &[]),
        ("draft", &[Move::Create(plan(""))]),
        ("planned", &[Move::ReadyOwn(plan(""))]),
        ("active", &[Move::ReadyOwn(plan("")), Move::Claim]),
        ("done", &[Move::ReadyOwn(plan("")), Move::Claim, Move::Complete(WorkFiles::default(), Unmet::Recorded, None)]),
        ("gone", &[Move::ReadyOwn(plan("")), Move::Abandon(WorkFiles::default())]),
    ];
    for (name, moves) in steps {
        let id = id(name);
        for what in moves {
            let change = world.does(ONE, &id, what.clone()).won();
            witness.approves(&world.shelf, Some(&change));
        }
        ids.push(id);
    }
    let half = id("half");
    let change = world.does(ONE, &half, Move::ReadyOwn(plan(""))).won();
    witness.approves(&world.shelf, Some(&change));
    world.shelf.append_line(&half, world.now().unix());
    let verdicts = witness.sees(&world.shelf, None);
    assert_eq!(verdicts.iter().map(|one| one.flaw).collect::<Vec<_>>(), [Flaw::HalfClaimed]);
    ids.push(half);
    (world, witness, ids)
}

/// Every move from every standing: the judge says what the rules say. What the rules refuse is forged from the change
/// that they would have made of a session that stands right.
#[test]
fn the_judge_and_the_rules_agree_on_every_move_from_every_standing() {
    let moves = [
        Move::Create(plan("")),
        Move::ReadyOwn(plan("")),
        Move::Unready,
        Move::Claim,
        Move::Renew,
        Move::Publish(WorkFiles::default()),
        Move::Checkpoint(WorkFiles::default()),
        Move::Fork(id("planned")),
        Move::Pause(None, WorkFiles::default()),
        Move::HandOver(bequest("half of it"), WorkFiles::default()),
        Move::Release(WorkFiles::default()),
        Move::Complete(WorkFiles::default(), Unmet::Recorded, None),
        Move::AwaitLanding(WorkFiles::default()),
        Move::Abandon(WorkFiles::default()),
        Move::Override(plan("").replace("It is shown", "It is fast")),
    ];
    let (mut allowed, mut refused) = (0, 0);
    for what in moves {
        let (model, _, ids) = standings();
        let fitting = ids.iter().find_map(|id| {
            let mut world = model.clone();
            match world.does(ONE, id, what.clone()) {
                Answer::Change(change) => Some(*change),
                Answer::Already(_) | Answer::No(_) => None,
            }
        });
        let fitting = fitting.unwrap();
        for id in &ids {
            let (mut world, mut witness, _) = standings();
            match world.does(ONE, id, what.clone()) {
                Answer::Change(change) => {
                    allowed += 1;
                    witness.approves(&world.shelf, Some(&change));
                }
                Answer::Already(_) | Answer::No(_) => {
                    refused += 1;
                    let forged = forged(&world, &fitting, id);
                    let verdicts = witness.sees(&forged.0, Some(&forged.1));
                    // By its course or its holder: other things are wrong with a forgery too.
                    let courses = [Flaw::IllegalMove, Flaw::EndedChanged, Flaw::LandedTwice, Flaw::NotHolder];
                    let told = verdicts.iter().any(|one| courses.contains(&one.flaw));
                    assert!(told, "{:?} of {id} went through: {verdicts:?}", fitting.event);
                }
            }
        }
    }
    assert_eq!((allowed, refused), (19, 86));
}

/// What a program without rules would do: the same move with another session's name in it.
fn forged(world: &World, change: &Change, id: &SessionId) -> (MapShelf, Change) {
    let mut shelf = world.shelf.clone();
    let mut change = change.clone();
    let mut to = State::Drafting;
    for edit in &change.edits {
        if let Edit::Write { state, .. } = edit {
            to = *state;
        }
    }
    let from = world.place(id);
    let old = change.id.replace(id.clone()).unwrap();
    if let Some(from) = from {
        shelf.shell_move(id, from, to);
    }
    for edit in &change.edits {
        if let Edit::Write { state, path, bytes, .. } = edit {
            let path = path.replace(old.as_str(), id.as_str());
            let text = String::from_utf8(bytes.clone()).unwrap().replace(old.as_str(), id.as_str());
            shelf.put(*state, id, &path, text.as_bytes());
        }
    }
    let mut lock = LockFile::parse(&shelf.lock).unwrap();
    lock.remove(id);
    let claim = shelf.file(to, id, "session.yaml").and_then(|bytes| Record::parse(bytes).ok()?.claim);
    if let (State::Active, Some(claim)) = (to, claim) {
        lock.insert(id.clone(), claim.claimed_at.unix());
    }
    shelf.lock = lock.print().into_bytes();
    (shelf, change)
}

/// What each flaw is called when a claimed session is tampered with in one way.
#[test]
fn each_way_to_tamper_with_a_held_session_has_its_name() {
    type Tamper = fn(&mut MapShelf, &mut Change, &mut Record);
    let ways: &[(&str, &[Flaw], Tamper)] = &[
        ("nothing", &[], |_, _, _| {}),
        ("another agent", &[Flaw::NotHolder], |_, change, _| change.agent = "claude-2".parse().unwrap()),
        ("another epoch", &[Flaw::NotHolder], |_, change, _| change.epoch = Some(2)),
        ("no epoch", &[Flaw::NotHolder], |_, change, _| change.epoch = None),
        ("another nonce in the claim", &[Flaw::ClaimChanged], |_, _, record| {
            record.claim.as_mut().unwrap().nonce = nonce(77);
        }),
        ("a lease that gets older", &[Flaw::ClaimChanged], |_, _, record| {
            record.claim.as_mut().unwrap().renewed_at = time(1);
        }),
        ("history rewritten", &[Flaw::RecordEdited], |_, _, record| {
            record.history.remove(0);
        }),
        ("another plan", &[Flaw::PlanChanged], |shelf, _, _| {
            shelf.put(State::Active, &id("auth"), "SESSION.md", b"# other\n");
        }),
        ("another's line", &[Flaw::LineDisagrees, Flaw::HalfClaimed], |shelf, _, _| {
            let mut lock = LockFile::parse(&shelf.lock).unwrap();
            lock.insert(id("docs"), 5);
            shelf.lock = lock.print().into_bytes();
        }),
        ("another session's plan", &[Flaw::StrangeChange], |shelf, _, _| {
            shelf.put(State::Planned, &id("docs"), "SESSION.md", b"# other\n");
        }),
        ("its own line", &[Flaw::LineDisagrees], |shelf, _, _| {
            let mut lock = LockFile::parse(&shelf.lock).unwrap();
            lock.insert(id("auth"), 5);
            shelf.lock = lock.print().into_bytes();
        }),
        ("no line", &[Flaw::LockMissing], |shelf, _, _| shelf.lock.clear()),
        ("two lines", &[Flaw::BadLock], |shelf, _, _| shelf.lock.extend(shelf.lock.clone())),
        ("an unsorted line", &[Flaw::LockUnsorted], |shelf, _, _| shelf.lock.insert(0, b'\n')),
    ];
    for (name, flaws, tamper) in ways {
        let mut world = World::default();
        let mut witness = Witness::default();
        for (who, session, what) in [
            (ONE, "auth", Move::ReadyOwn(plan(""))),
            (ONE, "docs", Move::ReadyOwn(plan(""))),
            (ONE, "auth", Move::Claim),
        ] {
            let change = world.does(who, &id(session), what).won();
            witness.approves(&world.shelf, Some(&change));
        }
        let mut change = world.does(ONE, &id("auth"), Move::Renew).won();
        let mut record = world.record(&id("auth")).unwrap();
        tamper(&mut world.shelf, &mut change, &mut record);
        world.shelf.put(State::Active, &id("auth"), "session.yaml", record.print().as_bytes());
        let found: Vec<Flaw> = witness.sees(&world.shelf, Some(&change)).into_iter().map(|one| one.flaw).collect();
        assert_eq!(&found, flaws, "{name}");
    }
}

/// A takeover as 02 §5 has it; the move itself is somebody else's business.
#[test]
fn a_takeover_is_the_next_epoch_with_a_nonce_of_its_own_and_a_reason() {
    type Tamper = fn(&mut Change, &mut Record);
    let ways: &[(&[Flaw], Tamper)] = &[
        (&[], |_, _| {}),
        (&[Flaw::Epoch], |change, record| {
            change.epoch = Some(3);
            record.claim.as_mut().unwrap().epoch = 3;
            record.history.last_mut().unwrap().epoch = Some(3);
        }),
        (&[Flaw::RecordDisagrees], |_, record| record.history.last_mut().unwrap().reason = None),
        (&[Flaw::RecordDisagrees], |_, record| record.claim.as_mut().unwrap().agent = "claude-3".parse().unwrap()),
        (&[Flaw::RecordDisagrees, Flaw::NonceReused], |_, record| record.claim.as_mut().unwrap().nonce = nonce(2)),
        (&[Flaw::NonceReused, Flaw::NonceReused], |change, record| {
            change.nonce = nonce(2);
            record.claim.as_mut().unwrap().nonce = nonce(2);
        }),
    ];
    for (flaws, tamper) in ways {
        let mut world = World::default();
        let mut witness = Witness::default();
        let auth = id("auth");
        for what in [Move::ReadyOwn(plan("")), Move::Claim] {
            let change = world.does(ONE, &auth, what).won();
            witness.approves(&world.shelf, Some(&change));
        }
        let mut change = world.does(ONE, &auth, Move::Renew).won();
        let mut record = world.record(&auth).unwrap();
        change.event = Event::TakenOver;
        change.agent = "claude-2".parse().unwrap();
        change.epoch = Some(2);
        let claim = record.claim.as_mut().unwrap();
        (claim.agent, claim.epoch, claim.nonce) = (change.agent.clone(), 2, change.nonce.clone());
        let mut event = record.history.last().unwrap().clone();
        (event.event, event.agent, event.epoch) = ("taken_over".to_owned(), Some(change.agent.clone()), Some(2));
        event.reason = Some("silent since noon".to_owned());
        record.history.push(event);
        tamper(&mut change, &mut record);
        world.shelf.put(State::Active, &auth, "session.yaml", record.print().as_bytes());
        let found: Vec<Flaw> = witness.sees(&world.shelf, Some(&change)).into_iter().map(|one| one.flaw).collect();
        assert_eq!(&found, flaws);
    }
}

/// The holder that the judge knows is the one that the rules know: name and clone.
#[test]
fn only_the_holder_s_moves_are_the_holder_s() {
    let crowd: [Agent; 4] = [ONE, TWO, NEIGHBOUR, TWIN];
    for who in crowd {
        let mut world = World::default();
        let mut witness = Witness::default();
        let auth = id("auth");
        for what in [Move::ReadyOwn(plan("")), Move::Claim] {
            let change = world.does(ONE, &auth, what).won();
            witness.approves(&world.shelf, Some(&change));
        }
        let mut change = world.does(ONE, &auth, Move::Publish(WorkFiles::default())).won();
        change.agent = who.name.parse().unwrap();
        let verdicts = witness.sees(&world.shelf, Some(&change));
        assert_eq!(verdicts.is_empty(), who.name == ONE.name, "{}: {verdicts:?}", who.name);
    }
}
