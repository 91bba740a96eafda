//! How the loop answers: won, decided without a swap, denied, out of time, or nobody knows.

use super::options::Rehearsal;
use super::patience::Tries;
use super::proposal::{Proposal, Sent, Won};
use super::seat::Company;
use super::settle::Lock;
use super::update::{Course, Earlier};
use super::{Engine, Error, Tip};
use crate::domain::id::SessionId;
use crate::remote::RefUpdate;
use git2::Oid;

impl Engine {
    /// What follows from a swap that is won: `head` is the newest commit that landed with it.
    pub(super) fn win<A>(&mut self, course: &Course<'_, A>, sent: Sent<A>, head: Oid) -> Result<Won<A>, Error> {
        let Company { journal, wish, .. } = course.company;
        let Sent { proposal, tip, .. } = sent;
        // Only what is noted may be forgotten: until then the journal is the one proof that the claim is ours.
        let noted = self.note_claims(wish, &proposal.claims, Lock::Taken);
        noted.and_then(|()| self.note_endings(&proposal.endings)).map_err(|error| Error::Unfinished {
            what: "the change".to_owned(),
            left: format!("it could not be noted here: {}", super::chain(&error)),
            detail: if proposal.claims.is_empty() { "landed" } else { "claimed" },
            ids: wish.ids.iter().map(SessionId::to_string).collect(),
        })?;
        journal.forget(&wish.nonce);
        // These save the next one time. What landed is not undone by a note that cannot be written.
        let _ = self.forget_beaten(journal, &proposal.updates, head);
        let _ = self.core.remember(&tip.after(Some(head)));
        let commit = proposal.updates.first().and_then(|update| update.new);
        let (attempts, pushes) = (course.tries.attempts, course.tries.pushes);
        Ok(Won { answer: proposal.answer, tip, commit, attempts, pushes })
    }

    /// A decision that changes nothing.
    pub(super) fn decided<A>(&self, course: &Course<'_, A>, answer: A, tip: Tip) -> Result<Won<A>, Error> {
        course.company.journal.forget(&course.company.wish.nonce);
        let (attempts, pushes) = (course.tries.attempts, course.tries.pushes);
        Ok(Won { answer, tip, commit: None, attempts, pushes })
    }

    /// A rehearsal ends here: with what would have been swapped.
    pub(super) fn refuse_rehearsal<A>(&self, proposal: Proposal<A>) -> Result<Proposal<A>, Error> {
        match self.core.options.rehearsal {
            Rehearsal::Real => Ok(proposal),
            Rehearsal::Dry => {
                let repository = self.core.store.repository();
                let subject = |update: &RefUpdate| {
                    let commit = repository.find_commit(update.new?).ok()?;
                    Some(format!("{}: {}", update.name, commit.summary().ok()??))
                };
                Err(Error::Dry { changes: proposal.updates.iter().filter_map(subject).collect() })
            }
        }
    }

    /// The remote's no. When the very same push was sent before and its reply was lost, this one's no does not tell
    /// what became of that: the journal stays, and the next command finds out.
    pub(super) fn denied<A>(&self, course: &Course<'_, A>, tip: &Tip, reason: String, earlier: Earlier) -> Error {
        match earlier {
            Earlier::Undecided => Error::Undecided { url: self.remote.url().to_owned(), reason },
            Earlier::None => {
                course.company.journal.forget(&course.company.wish.nonce);
                Error::Denied { branch: tip.board_branch().to_owned(), reason }
            }
        }
    }

    /// What went wrong while it was not known whether our push had landed. "Nothing of ours landed" would be more than
    /// anybody knows, so the journal stays and the next command finds out.
    pub(super) fn undecided(&self, error: Error) -> Error {
        if matches!(error, Error::Undecided { .. } | Error::Unfinished { .. } | Error::Interrupted { .. }) {
            return error;
        }
        if let Error::Unauthorized { url, reason } = error {
            return Error::Undecided { url, reason };
        }
        Error::Undecided { url: self.remote.url().to_owned(), reason: super::chain(&error) }
    }

    /// The deadline has come.
    pub(super) fn out_of_time(&self, tries: &Tries, undecided: bool) -> Error {
        let url = self.remote.url().to_owned();
        if undecided {
            return Error::Undecided { url, reason: tries.last_reason.clone() };
        }
        if tries.unreachable {
            return Error::Unreachable { url, reason: tries.last_reason.clone() };
        }
        if tries.attempts == 0 {
            return Error::Unreachable { url, reason: "no time was left to ask it".to_owned() };
        }
        Error::Contended { seconds: self.core.clock.elapsed().as_secs(), pushes: tries.pushes }
    }
}
