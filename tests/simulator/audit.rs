//! The judge: reads the board's history from the server alone and compares it with what everybody was told.

use std::collections::{BTreeMap, BTreeSet};

use git_session::domain::board::{Board, Shelf};
use git_session::domain::id::SessionId;
use git_session::domain::layout::Layout;
use git_session::domain::record::{Claim, Record};
use git_session::domain::state::State;
use git_session::store::{self, CommitNote, CommitShelf};
use git2::{Oid, Repository};

use crate::agent::{Process, Told, Wish};
use crate::ground::Where;
use crate::server::{Server, repository};

/// One session on one commit of the board.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    state: State,
    line: Option<i64>,
    claim: Option<Claim>,
    plan: Option<String>,
}

/// A transition that is on the board.
#[derive(Debug)]
struct Happened {
    note: CommitNote,
    process: usize,
}

/// What is active now, with its claim's nonce; what shell scripts have is left out.
pub(crate) fn held_on(server: &Server) -> Vec<(SessionId, String)> {
    let repository = repository(&server.odb);
    let shelf = CommitShelf::open(&repository, &Layout::default(), board_tip(server), None).unwrap();
    let nonce = |id: &SessionId| Some(shelf.record(State::Active, id).ok()??.claim?.nonce.to_string());
    shelf.ids(State::Active).unwrap().into_iter().filter_map(|id| Some((id.clone(), nonce(&id)?))).collect()
}

/// The nonce of the newest transition of `id`, if that was its holder's.
pub(crate) fn last_of_holder(server: &Server, id: &SessionId) -> Option<String> {
    let repository = repository(&server.odb);
    let notes = store::notes_since(&repository, board_tip(server), None, usize::MAX).unwrap();
    let last = notes.into_iter().find(|note| note.id.as_ref() == Some(id))?;
    let standing = |commit: Oid| {
        let shelf = CommitShelf::open(&repository, &Layout::default(), commit, None).unwrap();
        Board::read(&shelf).unwrap().standing(id).unwrap()
    };
    // A shell script that came afterwards left no note.
    (standing(last.commit) == standing(board_tip(server))).then(|| last.epoch.and(last.nonce))?
}

fn board_tip(server: &Server) -> Oid {
    let place = if server.refs.contains_key(&Where::Apart.branch()) { Where::Apart } else { Where::Base };
    server.refs[&place.branch()]
}

/// What is wrong with the schedule; nothing if nothing is.
pub(crate) fn judge(server: &Server, log: &[Process]) -> Result<(), String> {
    let repository = repository(&server.odb);
    let mut commits = Vec::new();
    let mut next = Some(board_tip(server));
    while let Some(oid) = next {
        commits.push(oid);
        next = repository.find_commit(oid).unwrap().parent_ids().next();
    }
    commits.reverse();
    let history = replay(&repository, server, &commits)?;
    compare(&repository, &commits, &history, log)
}

/// Every commit keeps every invariant, and every step from one to the next is a legal move.
fn replay(repository: &Repository, server: &Server, commits: &[Oid]) -> Result<Vec<Happened>, String> {
    let mut game = Game::default();
    let senders: BTreeMap<Oid, usize> = server
        .swaps
        .iter()
        .flat_map(|swap| swap.updates.iter().filter_map(|update| Some((update.new?, swap.process))))
        .collect();
    let mut history: Vec<Happened> = Vec::new();
    for (number, oid) in commits.iter().enumerate() {
        let at = |what: String| format!("commit {number} ({oid}): {what}");
        let seen = game.read(repository, *oid).map_err(at)?;
        let note = store::note(repository, *oid).unwrap();
        if number > 0 {
            game.step(&note, &seen).map_err(at)?;
        }
        game.before = seen;
        if number > 0 && note.nonce.is_some() {
            history.push(Happened { note, process: usize::MAX });
        }
    }
    // A batch is several commits of one push: its sender is the newest one's.
    let mut sender = usize::MAX;
    for happened in history.iter_mut().rev() {
        sender = senders.get(&happened.note.commit).copied().unwrap_or(sender);
        happened.process = sender;
    }
    Ok(history)
}

/// The game as the history tells it.
#[derive(Default)]
struct Game {
    before: BTreeMap<SessionId, Seen>,
    epochs: BTreeMap<SessionId, u32>,
    nonces: BTreeSet<String>,
    /// Sessions that a shell script has locked.
    scripted: BTreeSet<SessionId>,
    records: BTreeMap<Oid, Option<Claim>>,
}

impl Game {
    /// The board of one commit, with every invariant of an active session checked.
    fn read(&mut self, repository: &Repository, commit: Oid) -> Result<BTreeMap<SessionId, Seen>, String> {
        let shelf = CommitShelf::open(repository, &Layout::default(), commit, None).unwrap();
        let board = Board::read(&shelf).map_err(|broken| broken.to_string())?;
        let mut seen = BTreeMap::new();
        for state in State::ALL {
            for id in shelf.ids(state).map_err(|broken| broken.to_string())? {
                let (mut plan, mut claim) = (None, None);
                for (path, _, blob) in shelf.files(state, &id).map_err(|broken| broken.to_string())? {
                    match path.as_str() {
                        "SESSION.md" => plan = Some(blob.to_string()),
                        "session.yaml" => claim = self.claim(repository, blob)?,
                        _ => {}
                    }
                }
                let line = board.line(&id);
                if seen.insert(id.clone(), Seen { state, line, claim, plan }).is_some() {
                    return Err(format!("`{id}` is placed twice"));
                }
            }
        }
        for (id, one) in &seen {
            self.check(id, one)?;
        }
        if let Some((id, _)) = board.lock().iter().find(|(id, _)| !seen.contains_key(id)) {
            return Err(format!("a lock line for `{id}`, which is nowhere"));
        }
        Ok(seen)
    }

    fn claim(&mut self, repository: &Repository, blob: Oid) -> Result<Option<Claim>, String> {
        if let Some(known) = self.records.get(&blob) {
            return Ok(known.clone());
        }
        let record = Record::parse(repository.find_blob(blob).unwrap().content()).map_err(|error| error.to_string())?;
        self.records.insert(blob, record.claim.clone());
        Ok(record.claim)
    }

    fn check(&self, id: &SessionId, seen: &Seen) -> Result<(), String> {
        let Seen { state, line, claim, plan } = seen;
        match state {
            State::Active if line.is_none() => Err(format!("`{id}` is active without a line")),
            State::Active if claim.is_none() && !self.scripted.contains(id) => {
                Err(format!("`{id}` is active without a claim"))
            }
            State::Active if claim.as_ref().is_some_and(|claim| Some(claim.plan.as_str()) != plan.as_deref()) => {
                Err(format!("the plan of `{id}` has changed under its claim"))
            }
            State::Planned if line.is_some() != self.scripted.contains(id) && self.before.contains_key(id) => {
                // A script's line comes and goes by its own commits, which are told below.
                let changes = self.before[id].line != *line;
                if changes { Ok(()) } else { Err(format!("`{id}` is planned with a line of nobody's")) }
            }
            State::Planned | State::Drafting if claim.is_some() => Err(format!("`{id}` is {state} with a claim")),
            State::Drafting | State::Completed | State::Abandoned if line.is_some() => {
                Err(format!("`{id}` is {state} with a line"))
            }
            State::Active | State::Planned | State::Drafting | State::Completed | State::Abandoned => Ok(()),
        }
    }

    /// One commit: what it changes is what it says, and allowed.
    fn step(&mut self, note: &CommitNote, now: &BTreeMap<SessionId, Seen>) -> Result<(), String> {
        let ids: BTreeSet<&SessionId> = self.before.keys().chain(now.keys()).collect();
        let changed: Vec<SessionId> =
            ids.into_iter().filter(|id| self.before.get(id) != now.get(id)).cloned().collect();
        let (Some(event), Some(id)) = (&note.event, &note.id) else {
            for id in changed {
                let line = now.get(&id).and_then(|seen| seen.line);
                if line.is_some() {
                    self.scripted.insert(id)
                } else {
                    self.scripted.remove(&id)
                };
            }
            return Ok(());
        };
        let nonce = note.nonce.clone().ok_or("a transition without a nonce")?;
        if !self.nonces.insert(nonce.clone()) {
            return Err(format!("`{id}` is {event} a second time with nonce {nonce}"));
        }
        if let Some(other) = changed.iter().find(|other| *other != id) {
            return Err(format!("`{id}` is {event}, and that changes `{other}`"));
        }
        let (before, now) = (self.before.get(id), now.get(id).ok_or_else(|| format!("`{id}` is gone"))?);
        let from = before.map(|seen| seen.state);
        let free = before.is_none_or(|seen| seen.line.is_none());
        let claim_before = before.and_then(|seen| seen.claim.as_ref());
        let held = |claim: Option<&Claim>| {
            claim.is_some_and(|claim| {
                Some(claim.epoch) == note.epoch && Some(claim.agent.as_str()) == note.agent.as_deref()
            })
        };
        let legal = match event.as_str() {
            "created" => from.is_none() && now.state == State::Drafting,
            "ready" => matches!(from, None | Some(State::Drafting)) && now.state == State::Planned,
            "unready" => from == Some(State::Planned) && free && now.state == State::Drafting,
            "claimed" => {
                let newest = self.epochs.get(id).copied().unwrap_or(0);
                let claim = now.claim.as_ref().ok_or("a claim without a claim")?;
                self.epochs.insert(id.clone(), claim.epoch);
                let own = claim.nonce.as_str() == nonce && held(Some(claim)) && claim.epoch == newest + 1;
                from == Some(State::Planned) && free && now.state == State::Active && own
            }
            "renewed" | "published" => {
                let same = |claim: &Claim| Some(&claim.nonce) == now.claim.as_ref().map(|claim| &claim.nonce);
                let stays = from == Some(State::Active) && now.state == State::Active;
                stays && held(claim_before) && held(now.claim.as_ref()) && claim_before.is_some_and(same)
            }
            "released" => from == Some(State::Active) && now.state == State::Planned && held(claim_before),
            "completed" => from == Some(State::Active) && now.state == State::Completed && held(claim_before),
            "abandoned" => {
                let free = matches!(from, Some(State::Planned | State::Drafting)) && free;
                (free || from == Some(State::Active) && held(claim_before)) && now.state == State::Abandoned
            }
            _ => false,
        };
        let line = now.state == State::Active;
        if !legal || now.line.is_some() != line {
            return Err(format!("`{id}` is {event} by {:?}: from {before:?} to {now:?}", note.agent));
        }
        Ok(())
    }
}

/// What everybody was told is so.
fn compare(repository: &Repository, commits: &[Oid], history: &[Happened], log: &[Process]) -> Result<(), String> {
    let shelf = CommitShelf::open(repository, &Layout::default(), *commits.last().unwrap(), None).unwrap();
    let mut holders: BTreeMap<(&SessionId, u32), (&str, usize, &str)> = BTreeMap::new();
    for (number, process) in log.iter().enumerate() {
        let told = |what: &str| format!("process {number} ({}, {:?}): {what}", process.agent, process.wish);
        let drawn = process.drawn.lock().unwrap();
        let own = |happened: &&Happened| happened.note.nonce.as_ref().is_some_and(|nonce| drawn.contains(nonce));
        let landed: Vec<&Happened> = history.iter().filter(own).collect();
        match process.told.as_ref().ok_or_else(|| told("never came to an end"))? {
            Told::Claimed(held) => {
                for one in held {
                    let is_it = |happened: &&Happened| {
                        let note = &happened.note;
                        note.id.as_ref() == Some(&one.id)
                            && note.nonce.as_deref() == Some(&one.nonce)
                            && note.event.as_deref() == Some("claimed")
                    };
                    if history.iter().filter(is_it).count() != 1 {
                        return Err(told(&format!("was told that it has {one:?}, which is not on the board")));
                    }
                    let holder = (process.agent.as_str(), process.home, one.nonce.as_str());
                    let known = *holders.entry((&one.id, one.epoch)).or_insert(holder);
                    if known != holder {
                        return Err(told(&format!("two holders of {one:?}: {known:?} and {holder:?}")));
                    }
                }
            }
            Told::Done(commit) => {
                if let Some(commit) = commit.filter(|commit| !commits.contains(commit)) {
                    return Err(told(&format!("was told of {commit}, which is not on the board")));
                }
                done(process, &landed, history).map_err(|what| told(&what))?;
                published(process, repository, &shelf).map_err(|what| told(&what))?;
            }
            Told::Refused(_) | Told::Nothing(_) => {
                // What a later process of the same wish has sent again is that one's.
                if let Some(landed) = landed.iter().find(|landed| landed.process == number) {
                    return Err(told(&format!("was told no, and {} has it", landed.note.commit)));
                }
            }
            Told::Undecided | Told::Unfinished | Told::Killed => {}
        }
    }
    Ok(())
}

/// A move that is done is on the board: by this process, or by an earlier one of the same wish.
fn done(process: &Process, landed: &[&Happened], history: &[Happened]) -> Result<(), String> {
    let (event, id) = match &process.wish {
        Wish::Renew(id) => ("renewed", id),
        Wish::Publish(id) => ("published", id),
        Wish::Release(id) => ("released", id),
        Wish::Complete(id) => ("completed", id),
        Wish::Abandon(id) => ("abandoned", id),
        Wish::New(id) | Wish::Ready(id) => ("ready", id),
        Wish::Unready(id) => ("unready", id),
        Wish::Next | Wish::Claim(_) => return Ok(()),
    };
    let is_it =
        |happened: &&Happened| happened.note.event.as_deref() == Some(event) && happened.note.id.as_ref() == Some(id);
    let again = matches!(process.wish, Wish::Release(_) | Wish::Complete(_) | Wish::Abandon(_) | Wish::Ready(_));
    let by_us = |happened: &&Happened| {
        is_it(happened)
            && (happened.note.agent.as_deref() == Some(&process.agent) || matches!(process.wish, Wish::Ready(_)))
    };
    let found = landed.iter().any(is_it) || again && history.iter().any(|one| by_us(&one));
    if found { Ok(()) } else { Err(format!("was told that it is done, and `{id}` was never {event}")) }
}

/// What was published is still there.
fn published(process: &Process, repository: &Repository, shelf: &CommitShelf<'_>) -> Result<(), String> {
    let Some((id, line)) = &process.line else { return Ok(()) };
    for state in State::ALL {
        for (path, _, blob) in shelf.files(state, id).map_err(|broken| broken.to_string())? {
            let has = |text: &[u8]| String::from_utf8_lossy(text).contains(line);
            if path == "worklog.md" && has(repository.find_blob(blob).unwrap().content()) {
                return Ok(());
            }
        }
    }
    Err(format!("published {line:?}, which is gone"))
}
