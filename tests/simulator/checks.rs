//! What an agent checks at once of what it is told: that its own is not kept from it.

use std::fs::{self, File};

use git_session::domain::id::SessionId;
use git_session::domain::refusal::{Code, Refusal};
use git_session::engine::{Private, Stage};

use crate::agent::{Agent, Process, Told, Wish};

impl Agent {
    /// The sessions that this agent has claimed, nobody has told it so, and whose local effects were cut off.
    pub(crate) fn untold(&self) -> Vec<SessionId> {
        let private = Private::at(self.options.place.private());
        let play = self.stage.play();
        let log = self.log.lock().unwrap();
        let ours: Vec<&Process> =
            log.iter().filter(|process| process.agent == self.name && process.home == self.hub.number).collect();
        let was_told = |nonce: &str| {
            ours.iter().any(|process| match &process.told {
                Some(Told::Claimed(held)) => held.iter().any(|one| one.nonce == nonce),
                _ => false,
            })
        };
        let held = crate::audit::held_on(&play.server).into_iter().filter(|(id, nonce)| {
            let drawn = ours.iter().any(|process| process.drawn.lock().unwrap().contains(nonce));
            let ready = private
                .holding(id)
                .unwrap()
                .is_some_and(|holding| holding.stage == Stage::Ready && holding.nonce.as_str() == nonce);
            // While another process has its files, or is just noting what became of its push, nobody can finish it:
            // somebody whom it was taken from, or who came across it, and who is stopped.
            let locks = private.folder().join("locks");
            let is_locked = |name: String| File::open(locks.join(name)).is_ok_and(|lock| lock.try_lock().is_err());
            let taken = is_locked(format!("{id}.local")) || sent(&private, nonce).into_iter().any(is_locked);
            drawn && !ready && !taken && !was_told(nonce)
        });
        held.map(|(id, _)| id).collect()
    }

    /// What this agent has on the board, by the nonces that it drew.
    fn held_by_us(&self) -> Vec<(SessionId, String)> {
        let mut held = crate::audit::held_on(&self.stage.play().server);
        let log = self.log.lock().unwrap();
        let ours = |process: &&Process| process.agent == self.name && process.home == self.hub.number;
        let drawn: Vec<_> = log.iter().filter(ours).map(|process| process.drawn.lock().unwrap().clone()).collect();
        held.retain(|(_, nonce)| drawn.iter().any(|drawn| drawn.contains(nonce)));
        held
    }

    /// `claim --next` gives what was claimed and not finished first, or a killed call leaves work that nobody does.
    /// What was taken over meanwhile is another's to do.
    pub(crate) fn check_next(&self, untold: &[SessionId], told: &Told) {
        let held: Vec<SessionId> = self.held_by_us().into_iter().map(|(id, _)| id).collect();
        let untold: Vec<&SessionId> = untold.iter().filter(|id| held.contains(id)).collect();
        let forgotten = match told {
            Told::Claimed(held) => !untold.is_empty() && !held.iter().any(|one| untold.contains(&&one.id)),
            Told::Refused(_) => !untold.is_empty(),
            Told::Done(_) | Told::Nothing(_) | Told::Undecided | Told::Unfinished | Told::Killed => false,
        };
        if forgotten {
            let what = format!("{} has {untold:?}, was never told so, and `claim --next` said {told:?}", self.name);
            self.stage.play().fail(what);
        }
    }

    /// A no that is not so: the claim is the caller's, and it is told otherwise.
    pub(crate) fn check_refusal(&self, wish: &Wish, refusal: &Refusal) {
        let ids = match wish {
            Wish::Renew(id) | Wish::Publish(id) | Wish::Release(id) | Wish::Complete(id) | Wish::Abandon(id) => {
                std::slice::from_ref(id)
            }
            Wish::Takeover(id, ..) => std::slice::from_ref(id),
            Wish::Claim(ids) => ids,
            Wish::Next | Wish::New(_) | Wish::Ready(_) | Wish::Unready(_) => return,
        };
        let unfinished = refusal.hint.as_deref().is_some_and(|hint| hint.starts_with("git session claim"));
        if refusal.code == Code::PlanChanged && !unfinished {
            // Nobody edits a plan here.
            self.stage.play().fail(format!("{} was told of {wish:?}: {refusal}", self.name));
        }
        // A shell script says of itself nothing but that it has the session.
        let of_script = refusal.code == Code::Held && refusal.message.contains("no record of the claim");
        let fenced = matches!(refusal.code, Code::NotHolder | Code::PlanChanged);
        if wish.of_holder().is_some() && !fenced && !of_script {
            self.stage.play().fail(format!("{} has no such claim, and was told of {wish:?}: {refusal}", self.name));
        }
        if let Wish::Release(id) | Wish::Complete(id) | Wish::Abandon(id) = wish {
            let mut play = self.stage.play();
            let last = crate::audit::last_of_holder(&play.server, id);
            let log = self.log.lock().unwrap();
            let ours = |process: &&Process| process.agent == self.name && process.home == self.hub.number;
            let same = log.iter().filter(ours).filter(|process| process.wish == *wish);
            let mut drawn = same.flat_map(|process| process.drawn.lock().unwrap().clone());
            if drawn.any(|nonce| Some(nonce) == last) {
                play.fail(format!("{} has done {wish:?} before, and was told: {refusal}", self.name));
            }
        }
        if !matches!(refusal.code, Code::NotHolder | Code::Held) {
            return;
        }
        for (id, nonce) in self.held_by_us() {
            if ids.contains(&id) && refusal.message.contains(id.as_str()) {
                let what = format!("{} holds `{id}` with nonce {nonce} and was told: {refusal}", self.name);
                self.stage.play().fail(what);
            }
        }
    }
}

/// The locks of the journal's entries that have a claim with this nonce.
fn sent(private: &Private, nonce: &str) -> Vec<String> {
    let entries = fs::read_dir(private.folder().join("journal")).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(nonce)));
    entries.filter_map(|entry| Some(format!("{}.owner", entry.path().file_stem()?.to_str()?))).collect()
}
