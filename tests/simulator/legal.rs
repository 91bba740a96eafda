//! The rules of the game as its history has to keep them, told once more and independently of the engine.

use std::collections::{BTreeMap, BTreeSet};

use git_session::domain::board::{Board, Shelf};
use git_session::domain::id::SessionId;
use git_session::domain::layout::Layout;
use git_session::domain::record::{Claim, Record};
use git_session::domain::state::State;
use git_session::store::{CommitNote, CommitShelf};
use git2::{Oid, Repository};

/// One session on one commit of the board.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) line: Option<i64>,
    pub(crate) claim: Option<Claim>,
    plan: Option<String>,
}

/// The game as the history tells it.
#[derive(Default)]
pub(crate) struct Game {
    pub(crate) before: BTreeMap<SessionId, Seen>,
    epochs: BTreeMap<SessionId, u32>,
    nonces: BTreeSet<String>,
    /// Sessions that a shell script has locked.
    scripted: BTreeSet<SessionId>,
    records: BTreeMap<Oid, Option<Claim>>,
}

impl Game {
    /// The board of one commit, with every invariant of an active session checked.
    pub(crate) fn read(&mut self, repository: &Repository, commit: Oid) -> Result<BTreeMap<SessionId, Seen>, String> {
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
    pub(crate) fn step(&mut self, note: &CommitNote, now: &BTreeMap<SessionId, Seen>) -> Result<(), String> {
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
        let (before, now) = (self.before.get(id).cloned(), now.get(id).ok_or_else(|| format!("`{id}` is gone"))?);
        let before = before.as_ref();
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
            "taken_over" => self.taken_over(id, &nonce, now, held(now.claim.as_ref()))?,
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
        if now.state == State::Active && now.claim.is_some() {
            // Whatever a shell script had of it is the claim's now.
            self.scripted.remove(id);
        }
        let line = now.state == State::Active;
        if !legal || now.line.is_some() != line {
            return Err(format!("`{id}` is {event} by {:?}: from {before:?} to {now:?}", note.agent));
        }
        Ok(())
    }

    /// From one holder to another, who has the next epoch, a nonce of its own and the plan that the former one had. A
    /// shell script has no claim, and knows by its line alone that it has the session no more.
    fn taken_over(&mut self, id: &SessionId, nonce: &str, now: &Seen, own: bool) -> Result<bool, String> {
        let newest = self.epochs.get(id).copied().unwrap_or(0);
        let claim = now.claim.as_ref().ok_or("a takeover without a claim")?;
        self.epochs.insert(id.clone(), claim.epoch);
        let own = own && claim.nonce.as_str() == nonce && claim.epoch == newest + 1;
        let Some(before) = self.before.get(id) else { return Ok(false) };
        let taken = match &before.claim {
            Some(former) => before.state == State::Active && former.nonce != claim.nonce && former.plan == claim.plan,
            None => {
                let scripted = matches!(before.state, State::Active | State::Planned) && self.scripted.contains(id);
                scripted && before.line.is_some() && before.line != now.line
            }
        };
        Ok(own && taken && now.state == State::Active)
    }
}
