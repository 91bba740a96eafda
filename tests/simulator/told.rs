//! What everybody was told, held against what the history says.

use std::collections::BTreeMap;

use git_session::domain::id::SessionId;
use git_session::domain::layout::Layout;
use git_session::domain::lease::Life;
use git_session::domain::moves::Alive;
use git_session::domain::state::State;
use git_session::domain::time::Timestamp;
use git_session::store::CommitShelf;
use git2::{Oid, Repository};

use crate::agent::{Process, Told, Wish};
use crate::audit::Happened;

/// What everybody was told is so.
pub(crate) fn compare(
    repository: &Repository,
    commits: &[Oid],
    history: &[Happened],
    log: &[Process],
) -> Result<(), String> {
    fenced(history, log)?;
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
                            && matches!(note.event.as_deref(), Some("claimed" | "taken_over"))
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

/// Every holder's move is made by whose the claim was then, and nobody's by whom it was taken from; and a takeover that
/// was to respect the living took from nobody who was alive by its maker's clock.
fn fenced(history: &[Happened], log: &[Process]) -> Result<(), String> {
    let mut makers: BTreeMap<String, (usize, &str, usize)> = BTreeMap::new();
    for (number, process) in log.iter().enumerate() {
        for nonce in process.drawn.lock().unwrap().iter() {
            makers.insert(nonce.clone(), (number, &process.agent, process.home));
        }
    }
    for happened in history {
        let Happened { note, at, before, .. } = happened;
        let claim = before.as_ref().and_then(|before| before.claim.as_ref());
        let maker = note.nonce.as_ref().and_then(|nonce| makers.get(nonce));
        let (Some(&(number, agent, home)), Some(claim)) = (maker, claim) else { continue };
        let what = |what: String| format!("process {number} ({agent}), commit {}: {what}", note.commit);
        if note.event.as_deref() == Some("taken_over") {
            let respectful = matches!(log[number].wish, Wish::Takeover(_, Alive::Respected, _));
            let life = Life::of(claim, Timestamp::from_unix(*at).unwrap());
            if respectful && life != Life::Expired {
                return Err(what(format!("took over from {claim:?}, who was {life:?}")));
            }
            continue;
        }
        let Some(&(_, holder, there)) = makers.get(claim.nonce.as_str()) else {
            return Err(what(format!("nobody has drawn the nonce of {claim:?}")));
        };
        if (holder, there) != (agent, home) {
            return Err(what(format!("{:?} on the claim of {holder}, {claim:?}", note.event)));
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
        Wish::Next | Wish::Claim(_) | Wish::Takeover(..) => return Ok(()),
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
