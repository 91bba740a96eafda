//! Watching: one event for each change of the board, in the order of its commits, each exactly once for whoever goes on
//! from the last cursor it was given.
//!
//! What changed is read from the trees, as `verify-log` does it, so that commits of shell scripts count; what the
//! commit says of itself gives the words. An expired lease changes no commit: it is told when it is seen, once.

mod cursor;

pub use cursor::{BadCursor, Cursor, Mark};

use std::collections::BTreeSet;
use std::time::Duration;

use super::poll::Pace;
use super::verify::log::first_parents;
use super::{Engine, Error, Tip};
use crate::domain::board::{Board, Shelf};
use crate::domain::change::Event;
use crate::domain::id::SessionId;
use crate::domain::lease;
use crate::domain::replay::{Observed, Place, Recorded, Said, Touched, Words};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::store::Observer;

/// One change of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `planned`, `claimed`, `released`, `taken_over`, `published`, `completed`, `abandoned`, `expired` …
    pub event: String,
    /// The session.
    pub id: SessionId,
    /// Its title, where its record can be read.
    pub title: Option<String>,
    /// Where it is now; `None` when it is gone.
    pub state: Option<State>,
    /// Who made the change, or whose lease expired; `None` for commits of others.
    pub agent: Option<String>,
    /// The epoch of the claim that it was made under.
    pub epoch: Option<u32>,
    /// When: of an expired lease, the moment at which it did.
    pub at: Timestamp,
    /// The board's commit that has it.
    pub commit: git2::Oid,
    /// Where to go on.
    pub cursor: Cursor,
}

/// What is watched for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only sessions that are now in one of these; empty for all.
    pub states: Vec<State>,
    /// Only sessions that ask for nothing beyond this.
    pub can: Option<BTreeSet<String>>,
}

/// Somebody who watches.
#[derive(Debug)]
pub struct Watch {
    cursor: Option<Cursor>,
    filter: Filter,
    pace: Pace,
}

impl Watch {
    /// Begins after `since`, or with what happens from now on.
    pub fn after(since: Option<Cursor>, filter: Filter) -> Self {
        Self { cursor: since, filter, pace: Pace::new() }
    }
}

impl Engine {
    /// Looks once, and gives what has changed since the last time: oldest first. An unreachable remote has changed
    /// nothing; the second value says why it is so.
    ///
    /// # Errors
    /// Those of looking; [`Error::Environment`] when the cursor's commit is not in the board's history.
    pub fn changes(&mut self, watch: &mut Watch) -> Result<(Vec<Change>, Option<String>), Error> {
        self.core.clock.begin_again(self.core.options.timeout);
        let tip = self.look_to_read()?;
        let repository = self.core.store.repository();
        let time_of =
            |commit: git2::Oid| -> Result<i64, Error> { Ok(repository.find_commit(commit)?.time().seconds()) };
        let Some(from) = watch.cursor.clone() else {
            watch.cursor = Some(Cursor { commit: tip.board, told: None, expired: Some(Mark::before(tip.now.unix())) });
            return Ok((Vec::new(), tip.stale));
        };
        // What is left of a commit of which only a part was told is told from the one before it.
        let begin = match from.told {
            Some(_) => repository.find_commit(from.commit)?.parent_ids().next(),
            None => Some(from.commit),
        };
        let line = first_parents(repository, tip.board, begin)?;
        let mark = match &from.expired {
            Some(mark) => mark.clone(),
            None => Mark::before(time_of(from.commit)?),
        };
        let mut changes = Vec::new();
        // Every cursor that is given says up to where leases were told: a later commit's time would leave some out.
        let mut at = Cursor { expired: Some(mark.clone()), ..from.clone() };
        let mut observer = Observer::after(repository, &tip.whereabouts.layout, line.before)?;
        for commit in line.commits {
            let found = self.core.changes_of(&observer.observe(commit)?, commit)?;
            let skipped = if commit == from.commit { from.told.unwrap_or(0) } else { 0 };
            let count = found.len();
            for (number, mut change) in found.into_iter().enumerate().skip(skipped) {
                let told = (number + 1 < count).then_some(number + 1);
                at = Cursor { commit, told, ..at };
                change.cursor = at.clone();
                if self.core.is_wanted(&tip, &change, &watch.filter)? {
                    changes.push(change);
                }
            }
            at = Cursor { commit, told: None, ..at };
        }
        let expired = self.core.expired(&tip, &mark)?;
        let followers: Vec<Option<Timestamp>> =
            expired.iter().skip(1).map(|change| Some(change.at)).chain([None]).collect();
        for (mut change, follower) in expired.into_iter().zip(followers) {
            // Of several that expired in the same second, all but the last say which were told.
            let id = (follower == Some(change.at)).then(|| change.id.clone());
            at.expired = Some(Mark { second: change.at.unix(), id });
            change.cursor = at.clone();
            if self.core.is_wanted(&tip, &change, &watch.filter)? {
                changes.push(change);
            }
        }
        watch.cursor = Some(at);
        if !changes.is_empty() {
            watch.pace.busy();
        }
        Ok((changes, tip.stale))
    }

    /// How long to wait before the next look.
    pub fn pause_before_next(&self, watch: &mut Watch) -> Duration {
        watch.pace.next(&self.core.clock)
    }

    /// How long the command has been at it.
    pub fn elapsed(&self) -> Duration {
        self.core.clock.elapsed()
    }

    /// Waits for `pause`, whatever the deadline of a single move is.
    pub fn pass(&self, pause: Duration) {
        self.core.clock.pass(pause);
    }
}

impl super::Core {
    /// The changes of one commit, by session.
    fn changes_of(&self, observed: &Observed, commit: git2::Oid) -> Result<Vec<Change>, Error> {
        let time = self.store.repository().find_commit(commit)?.time().seconds();
        let at = Timestamp::from_unix(time).unwrap_or_else(|| self.clock.now());
        let words = match &observed.said {
            Said::Move(words) => Some(words),
            Said::Nothing | Said::Garbled => None,
        };
        let changes = observed.touched.iter().filter_map(|touched| {
            let own = words.filter(|words| words.id.as_ref() == Some(&touched.id));
            let event = event_of(touched, own)?;
            let record = touched.after.first().or(touched.before.first()).and_then(record);
            let claim = record.and_then(|record| record.claim.as_ref());
            Some(Change {
                event: event.to_owned(),
                id: touched.id.clone(),
                title: record.map(|record| record.title.clone()),
                state: touched.after.first().map(|place| place.state),
                agent: own.map(|own| own.agent.clone()).or_else(|| claim.map(|claim| claim.agent.to_string())),
                epoch: own.and_then(|own| own.epoch).or_else(|| claim.map(|claim| claim.epoch)),
                at,
                commit,
                cursor: Cursor { commit, told: None, expired: None },
            })
        });
        Ok(changes.collect())
    }

    /// The leases that have expired after `mark`, oldest first, those of one second by id.
    fn expired(&self, tip: &Tip, mark: &Mark) -> Result<Vec<Change>, Error> {
        let shelf = self.shelf(tip, tip.board)?;
        // A board that cannot be read has nothing to tell here; `doctor` has.
        let Ok(board) = Board::read(&shelf) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for id in shelf.ids(State::Active)? {
            let Ok(record) = board.record(State::Active, &id, tip.now) else { continue };
            let Some(claim) = &record.claim else { continue };
            let Some(at) = lease::expires(claim.renewed_at, claim.lease) else { continue };
            if at < tip.now && !mark.has(at.unix(), &id) {
                found.push(Change {
                    event: "expired".to_owned(),
                    id,
                    title: Some(record.title.clone()),
                    state: Some(State::Active),
                    agent: Some(claim.agent.to_string()),
                    epoch: Some(claim.epoch),
                    at,
                    commit: tip.board,
                    cursor: Cursor { commit: tip.board, told: None, expired: None },
                });
            }
        }
        found.sort_by(|left, right| (left.at, &left.id).cmp(&(right.at, &right.id)));
        Ok(found)
    }

    /// Whether a change is one that is watched for.
    fn is_wanted(&self, tip: &Tip, change: &Change, filter: &Filter) -> Result<bool, Error> {
        if !filter.states.is_empty() && !change.state.is_some_and(|state| filter.states.contains(&state)) {
            return Ok(false);
        }
        let (Some(can), Some(state)) = (&filter.can, change.state) else { return Ok(true) };
        // Who cannot read what a session asks for is told of it.
        let plan = self.shelf(tip, change.commit)?.plan(state, &change.id).ok().flatten();
        Ok(plan.is_none_or(|file| file.plan.requires.iter().all(|word| can.contains(word))))
    }
}

fn record(place: &Place) -> Option<&crate::domain::record::Record> {
    match &place.record {
        Recorded::Here(record) => Some(record),
        Recorded::Missing | Recorded::Broken(..) => None,
    }
}

/// The word for what became of a session; `None` where a commit of somebody's changed only its files.
fn event_of<'a>(touched: &Touched, own: Option<&'a Words>) -> Option<&'a str> {
    let state = |places: &[Place]| places.first().map(|place| place.state);
    let (before, after) = (state(&touched.before), state(&touched.after));
    if before == after {
        return own.map(|own| own.event.as_str());
    }
    Some(match (before, after) {
        (_, None) => "removed",
        (Some(State::Active), Some(State::Planned)) => Event::Released.as_str(),
        (_, Some(State::Planned)) => "planned",
        (Some(State::Planned), Some(State::Drafting)) => Event::Unready.as_str(),
        (_, Some(State::Drafting)) => Event::Created.as_str(),
        (_, Some(State::Active)) if own.is_some_and(|own| own.event == Event::TakenOver.as_str()) => {
            Event::TakenOver.as_str()
        }
        (_, Some(State::Active)) => Event::Claimed.as_str(),
        (_, Some(State::Completed)) => Event::Completed.as_str(),
        (_, Some(State::Abandoned)) => Event::Abandoned.as_str(),
    })
}
