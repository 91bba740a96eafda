//! What a holder leaves in its checkout when it stops: told by `pause`, taken along by `handoff`.
//!
//! Deliberately not here: stashes and ignored files, which no checkpoint has.

use super::astray::Astray;
use super::options::Rehearsal;
use super::work::{Workplace, uncommitted};
use super::{CheckpointRequest, Engine, Error, Secrets, wip};
use crate::checkout::wip::without_root;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::quote::quote_sh_if_needed;
use crate::remote::Purpose;
use crate::store;

/// Work that the session's branch does not have.
struct Left {
    /// Where it is, for a shell.
    place: String,
    /// A few words each: paths, what is not finished, commits.
    what: Vec<String>,
    is_unfinished: bool,
    astray: Option<Astray>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// For people.
    pub(super) notes: Vec<String>,
    /// What a rehearsal would have done with it.
    pub(super) would: Option<String>,
}

impl Left {
    /// As the beginning of a note.
    fn words(&self) -> String {
        let what = if self.astray.is_some() { "work that its branch does not have" } else { "uncommitted work" };
        format!("{what} is in {}: {}", self.place, self.what.join(", "))
    }

    /// As the end of one.
    fn way_back(&self) -> String {
        let told = self.astray.as_ref().map(|astray| format!("; `{}` puts it there", astray.way_back()));
        told.unwrap_or_default()
    }
}

impl Engine {
    /// A note on what only the checkout has, for who goes away from it.
    pub(super) fn tell_of_left(&mut self, id: &SessionId) -> Result<Option<String>, Error> {
        let Some(place) = self.own_workplace(id)? else { return Ok(None) };
        let left = match self.left_in(id, &place) {
            Ok(Some(left)) => left,
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(cannot_be_told(&place, &error))),
        };
        // Where that cannot be told, nothing is claimed of checkpoints.
        if !left.is_unfinished && self.is_checkpointed(id, &place).unwrap_or(false) {
            return Ok(None);
        }
        let (words, way_back) = (left.words(), left.way_back());
        Ok(Some(format!(
            "{words}; `git session checkpoint 'what is reached' --session {id}` keeps on the remote what no checkpoint \
             has{way_back}"
        )))
    }

    /// Makes a checkpoint of what the session's branch does not have, so that whoever takes over gets it back from
    /// wherever. What cannot be taken along is told, and hinders nobody from handing over.
    pub(super) fn take_left(&mut self, id: &SessionId, summary: &str) -> Result<Taken, Error> {
        let mut taken = Taken::default();
        let Some(place) = self.own_workplace(id)? else { return Ok(taken) };
        let left = match self.left_in(id, &place) {
            Ok(Some(left)) => left,
            Ok(None) => return Ok(taken),
            Err(error) => {
                taken.notes.push(cannot_be_told(&place, &error));
                return Ok(taken);
            }
        };
        if self.is_checkpointed(id, &place).unwrap_or(false) {
            return Ok(taken);
        }
        if self.core.options.rehearsal == Rehearsal::Dry {
            let [name, _] = wip::names(id)?;
            taken.would = Some(format!("{name}: a snapshot with {}", left.what.join(", ")));
            return Ok(taken);
        }
        let query: IdQuery = id.as_str().parse().map_err(|_| Error::environment("a session's id is none"))?;
        let request = CheckpointRequest { query, title: title(summary), body: None, secrets: Secrets::Refused };
        match self.checkpoint(&request) {
            Ok(answer) => {
                let name = answer.wip.unwrap_or_default();
                let (number, what, way_back) = (answer.checkpoint, left.what.join(", "), left.way_back());
                taken.notes.push(format!(
                    "what its branch does not have went along as checkpoint {number}, in `{name}`: {what}{way_back}"
                ));
                taken.notes.extend(answer.session.warnings);
                self.core.clock.extend(self.core.options.timeout);
            }
            Err(error) => {
                let (words, way_back) = (left.words(), left.way_back());
                taken.notes.push(format!("{words}; it did not go along: {}{way_back}", super::chain(&error)));
            }
        }
        Ok(taken)
    }

    /// Another agent's checkout is not even looked at.
    fn own_workplace(&self, id: &SessionId) -> Result<Option<Workplace>, Error> {
        if self.core.refuse_stranger(id).is_err() {
            return Ok(None);
        }
        Ok(self.core.workplace(id)?.filter(|place| place.checkout.is_some()))
    }

    fn left_in(&self, id: &SessionId, place: &Workplace) -> Result<Option<Left>, Error> {
        let loss = self.core.unlanded(id, place)?;
        let astray = self.core.astray(id, place, &loss)?.filter(|astray| !astray.commits.is_empty());
        let paths = uncommitted(&loss);
        let mut what: Vec<String> = paths.iter().take(5).map(|path| format!("`{}`", path.escape_debug())).collect();
        let more = paths.len().saturating_sub(what.len());
        what.extend((more > 0).then(|| format!("{more} more")));
        what.extend(loss.operation.iter().map(|operation| format!("a {operation} that is not finished")));
        what.extend(astray.iter().map(Astray::words));
        if what.is_empty() {
            return Ok(None);
        }
        Ok(Some(Left { place: shown(place), what, is_unfinished: loss.operation.is_some(), astray }))
    }

    /// Whether the newest checkpoint on the remote has everything that is in the checkout, the session's own files aside.
    fn is_checkpointed(&mut self, id: &SessionId, place: &Workplace) -> Result<bool, Error> {
        let there = self.advertised(&wip::names(id)?, Purpose::Read)?;
        let Some((_, newest)) = self.core.newest_snapshot(id, &there)? else { return Ok(false) };
        let Some(picture) = self.core.picture(place)?.filter(|picture| picture.missed.is_empty()) else {
            return Ok(false);
        };
        let repository = self.core.store.repository();
        // The same files may have been committed since, where nothing on the remote has the commits.
        let keeps = |tip| store::contains(repository, tip, picture.head).unwrap_or(false);
        if !place.head.into_iter().chain([newest.commit]).any(keeps) {
            return Ok(false);
        }
        let layout = self.core.layout_at_hand()?;
        let code = |tree| without_root(repository, tree, layout.root());
        Ok(code(repository.find_commit(newest.commit)?.tree_id())? == code(picture.tree)?)
    }
}

fn shown(place: &Workplace) -> String {
    let checkout = place.checkout.as_ref().map(|checkout| checkout.display().to_string());
    quote_sh_if_needed(&checkout.unwrap_or_default())
}

fn cannot_be_told(place: &Workplace, error: &Error) -> String {
    format!("what is in {} cannot be told: {}", shown(place), super::chain(error))
}

/// The title of such a checkpoint.
fn title(summary: &str) -> String {
    let words: String = summary.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut title = format!("handed over: {}", words.split_whitespace().collect::<Vec<_>>().join(" "));
    let most = CheckpointRequest::TITLE_BYTES_MAX;
    while title.len() > most {
        title.pop();
    }
    title
}
