//! Which refs may be made and deleted, and whether the board branch may be pushed to.

use super::probe::{Landing, Probe, Space, to};
use super::{Error, Swap};
use crate::remote::{Knock, PackSource};

/// Which refs a server takes. What it said is for people: nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// What it said when a branch was made; `None` where that is allowed.
    pub branches: Option<String>,
    /// The same for `refs/git-session/`.
    pub own: Option<String>,
    /// The same for a deletion.
    pub deletions: Option<String>,
}

/// Whether a push to the board branch gets past the hook that sees a push first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// It does. A rule that is looked up branch by branch afterwards (an `update` hook) may still refuse it.
    Open,
    /// It does not.
    Closed,
    /// That is not known without moving the branch; why not.
    Unknown(String),
}

impl Probe<'_> {
    /// Makes a ref in each space and deletes it. The first space that allows it is where the other probes are run.
    pub(super) fn try_spaces(&mut self) -> Result<Allowed, Error> {
        let mut allowed = Allowed::default();
        allowed.branches = self.try_space(Space::Branches, &mut allowed.deletions)?;
        if allowed.branches.is_some() {
            self.space = Space::Own;
        }
        // What cannot be deleted is not made: one ref that stays is enough.
        if allowed.deletions.is_none() {
            allowed.own = self.try_space(Space::Own, &mut allowed.deletions)?;
        }
        match (&allowed.branches, &allowed.own) {
            (Some(reason), Some(_)) => Err(Error::Denied {
                branch: self.names.get(Space::Branches, "swap").to_string(),
                reason: reason.clone(),
            }),
            _ => Ok(allowed),
        }
    }

    fn try_space(&mut self, space: Space, deletions: &mut Option<String>) -> Result<Option<String>, Error> {
        self.step()?;
        let name = self.names.get(space, "swap");
        let (commit, pack) = self.make(self.base)?;
        let unclear = || "the server gives no clear answer".to_owned();
        match self.settle(&to(&name, None, Some(commit)), &pack)? {
            Landing::Landed => {}
            Landing::Refused(reason) => return Ok(Some(reason)),
            Landing::Elsewhere | Landing::Unanswered => return Ok(Some(unclear())),
        }
        // One that was acknowledged and is not there is for the races to find.
        let there = self.look(std::slice::from_ref(&name))?[0];
        if there.is_some() {
            match self.settle(&to(&name, there, None), &PackSource::Nothing)? {
                Landing::Landed | Landing::Elsewhere => {}
                Landing::Refused(reason) => *deletions = Some(reason),
                Landing::Unanswered => *deletions = Some(unclear()),
            }
        }
        Ok(None)
    }

    /// Pushes to the board branch what it already is, from what it was before: wherever a server compares, it refuses
    /// that, and where it did not, nothing would change. Beside it goes a throw-away ref that is not bound to it. A
    /// hook that refuses the push as a whole (`pre-receive`, as protected branches are made) runs before anything is
    /// compared, and keeps that ref from appearing. So the answer is in the refs, not in words.
    pub(super) fn try_gate(&mut self, allowed: &Allowed, swap: &Swap) -> Result<Gate, Error> {
        let unknown = |why: &str| Ok(Gate::Unknown(why.to_owned()));
        if !swap.is_honest() {
            return unknown("not tried on a server whose swap is not proven");
        }
        if allowed.deletions.is_some() {
            return unknown("it takes a ref that would stay there for good");
        }
        let beside = self.names.get(self.space, "beside");
        let board = self.board.clone();
        let Some(now) = self.look(std::slice::from_ref(&board))?[0] else { return unknown("it does not exist yet") };
        let deadline = self.step()?;
        self.judge.fetch(std::slice::from_ref(&board), deadline).map_err(|error| self.fault(error))?;
        let Ok(before) = self.core.store.repository().find_commit(now).and_then(|commit| commit.parent_id(0)) else {
            return unknown("it has a single commit");
        };
        // Alone first: what keeps it from appearing then has nothing to do with the board.
        for updates in [vec![], vec![to(&board, Some(before), Some(now))]] {
            let with_board = !updates.is_empty();
            let (commit, pack) = self.make(Some(now))?;
            let updates = [updates, vec![to(&beside, None, Some(commit))]].concat();
            let deadline = self.step()?;
            match self.judge.knock(&updates, &pack, deadline) {
                Knock::Answered => {}
                Knock::Impossible => return unknown("over this transport it cannot be asked without moving it"),
                Knock::Unanswered { .. } => return unknown("there was no answer"),
            }
            let appeared = self.look_for(std::slice::from_ref(&beside), |there| there[0].is_some())?[0];
            match (appeared, with_board) {
                (Some(_), true) => return Ok(Gate::Open),
                (None, true) => return Ok(Gate::Closed),
                (Some(there), false) => {
                    self.settle(&to(&beside, Some(there), None), &PackSource::Nothing)?;
                }
                (None, false) => return unknown("the server does not take two separate moves in one push"),
            }
        }
        unknown("the server gives no clear answer")
    }
}
