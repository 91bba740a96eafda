//! The parts that actors play: workers, planners, shell scripts, people who push code.

use std::sync::Arc;

use git_session::domain::id::SessionId;
use git_session::domain::moves::Alive;
use git_session::domain::refusal::Code;
use git_session::engine::Free;
use git_session::remote::RefUpdate;
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository, Signature, Time};

use crate::agent::{Agent, Told, Wish};
use crate::ground::{Where, id};
use crate::server::{Verdict, repository};
use crate::stage::{ActorId, Stage};

/// The process number of who is no process of ours.
pub(crate) const STRANGER: usize = usize::MAX;

impl Agent {
    fn dice(&self, sides: usize) -> usize {
        self.stage.play().dice.usize(..sides)
    }

    fn pauses(&self) {
        let pause = self.stage.play().dice.u64(1..2_000_000);
        self.stage.rest(self.me, pause);
    }

    /// Says nothing for so long that others may take it for dead, now and then.
    fn falls_silent(&self) {
        let minutes = match self.dice(16) {
            0..=11 => return,
            12 | 13 => 15,
            14 => 60,
            _ => 300,
        };
        let pause = self.stage.play().dice.u64(1..minutes * 60_000_000);
        self.stage.rest(self.me, pause);
    }

    /// Claims or takes over, works, ends; as often as told.
    pub(crate) fn works(&self, rounds: usize, sessions: usize) {
        for _ in 0..rounds {
            let first = self.dice(sessions);
            let told = match self.dice(8) {
                0..=3 => self.insists(&Wish::Next),
                4 => self.insists(&Wish::Claim(vec![id(first)])),
                5 => self.insists(&Wish::Claim(vec![id(first), id((first + 1) % sessions)])),
                _ => self.takes_over(id(first)),
            };
            if let Told::Claimed(held) = told {
                for one in held {
                    self.works_on(&one.id);
                }
            } else if self.dice(4) == 0 {
                // Whether it has it or not: somebody else's claim is nobody's to renew or to end.
                self.works_on(&id(self.dice(sessions)));
            }
            self.pauses();
        }
    }

    /// Takes a session over: by force, as `claim --force`, or when its holder has been silent for long enough.
    fn takes_over(&self, id: SessionId) -> Told {
        let (alive, free) = match self.dice(6) {
            0 | 1 => (Alive::Overridden, Free::Refused),
            2 => (Alive::Overridden, Free::Claimed),
            _ => (Alive::Respected, Free::Refused),
        };
        let wish = Wish::Takeover(id, alive, free);
        match self.insists(&wish) {
            Told::Refused(refusal) if refusal.code == Code::Held && self.dice(4) != 0 => {
                let minutes = if self.dice(2) == 0 { 12..25 } else { 30..300 };
                let pause = self.stage.play().dice.u64(minutes) * 60_000_000;
                self.stage.rest(self.me, pause);
                self.insists(&wish)
            }
            told => told,
        }
    }

    fn works_on(&self, id: &SessionId) {
        for _ in 0..self.dice(3) {
            self.falls_silent();
            let wish = if self.dice(2) == 0 { Wish::Renew(id.clone()) } else { Wish::Publish(id.clone()) };
            self.insists(&wish);
            self.pauses();
        }
        self.falls_silent();
        let wish = match self.dice(5) {
            0 | 1 => Wish::Release(id.clone()),
            2 => Wish::Complete(id.clone()),
            3 => Wish::Abandon(id.clone()),
            _ => return,
        };
        self.insists(&wish);
    }

    /// Plans: makes new sessions, takes planned ones back and makes them ready again.
    pub(crate) fn plans(&self, rounds: usize, sessions: usize) {
        for round in 0..rounds {
            match self.dice(3) {
                0 => {
                    self.insists(&Wish::New(id(sessions + round)));
                }
                _ => {
                    let id = id(self.dice(sessions));
                    if let Told::Done(_) = self.insists(&Wish::Unready(id.clone())) {
                        self.insists(&Wish::Ready(id));
                    }
                }
            }
            self.pauses();
        }
    }
}

/// Somebody with nothing but git.
pub(crate) struct Stranger {
    pub(crate) stage: Arc<Stage>,
    pub(crate) me: ActorId,
    pub(crate) place: Where,
}

/// What a script does with its lock line when it moves the folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    Kept,
    Given,
}

const ROOT: &str = "_AGENTS/sessions";

impl Stranger {
    /// A shell script's way: the bare line first, the folder in a second push, the end in a third.
    pub(crate) fn scripts(&self, sessions: usize) {
        let id = id(self.stage.play().dice.usize(..sessions));
        let line = format!("{id}:{}\n", self.stage.unix(0));
        let locked = self.pushes(self.place, "lock", |repository, tree, edit| {
            let lock = lock(repository, tree);
            let planned = has(repository, tree, &format!("{ROOT}/planned/{id}"));
            if lock.contains(&format!("{id}:")) || !planned {
                return false;
            }
            put_lock(repository, edit, &format!("{lock}{line}"));
            true
        });
        if !locked {
            return;
        }
        let fate = self.stage.play().dice.u8(..6);
        match fate {
            // It dies before it moves the folder.
            0 => return,
            // It gives up before that.
            1 | 2 => {
                self.pushes(self.place, "unlock", |repository, tree, edit| {
                    let lock = lock(repository, tree);
                    put_lock(repository, edit, &lock.replace(&line, ""));
                    lock.contains(&line)
                });
                return;
            }
            _ => {}
        }
        if self.moves(&id, ("planned", "active"), &line, Lock::Kept) && self.stage.play().dice.bool() {
            self.moves(&id, ("active", "completed"), &line, Lock::Given);
        }
    }

    /// Moves the folder while the line is the script's own: whoever takes over puts another in its place. `false` when
    /// it is not.
    fn moves(&self, id: &SessionId, (from, to): (&str, &str), line: &str, after: Lock) -> bool {
        self.pushes(self.place, to, |repository, tree, edit| {
            let lock = lock(repository, tree);
            if !lock.contains(line) {
                return false;
            }
            let path = format!("{ROOT}/{from}/{id}");
            let folder = repository.find_tree(tree).unwrap().get_path(path.as_ref()).unwrap().id();
            edit.remove(path.as_str());
            edit.upsert(format!("{ROOT}/{to}/{id}"), folder, FileMode::Tree);
            if after == Lock::Given {
                put_lock(repository, edit, &lock.replace(line, ""));
            }
            true
        })
    }

    /// Pushes code to the base branch, which moves the board's tip where the board is there.
    pub(crate) fn codes(&self, rounds: usize) {
        for round in 0..rounds {
            self.pushes(Where::Base, "code", |repository, _, edit| {
                let blob = repository.blob(format!("{round}\n").as_bytes()).unwrap();
                edit.upsert("code", blob, FileMode::Blob);
                true
            });
        }
    }

    /// Reads, edits, pushes; again when a rival was first. `false` when there was nothing to do.
    fn pushes(
        &self,
        place: Where,
        what: &str,
        edit: impl Fn(&Repository, Oid, &mut TreeUpdateBuilder) -> bool,
    ) -> bool {
        let pause = || {
            let mut play = self.stage.play();
            let most = play.weather.way * 4;
            play.dice.u64(1..=most)
        };
        self.stage.rest(self.me, pause() * 10);
        loop {
            let built = {
                let play = self.stage.play();
                let repository = repository(&play.server.odb);
                let old = play.server.refs[&place.branch()];
                let parent = repository.find_commit(old).unwrap();
                let tree = parent.tree().unwrap();
                let mut builder = TreeUpdateBuilder::new();
                if !edit(&repository, tree.id(), &mut builder) {
                    return false;
                }
                let tree = repository.find_tree(builder.create_updated(&repository, &tree).unwrap()).unwrap();
                let time = Time::new(1_795_176_000 + i64::try_from(play.now / 1_000_000).unwrap(), 0);
                let who = Signature::new(&format!("stranger {}", self.me), "s@example.org", &time).unwrap();
                let message = format!("{what} {}", play.now);
                let new = repository.commit(None, &who, &who, &message, &tree, &[&parent]).unwrap();
                RefUpdate { name: place.branch(), old: Some(old), new: Some(new) }
            };
            self.stage.rest(self.me, pause());
            let verdict = {
                let mut play = self.stage.play();
                play.tell(self.me, || format!("a stranger pushes: {what}"));
                play.server.apply(STRANGER, &[built])
            };
            if verdict == Verdict::Moved {
                return true;
            }
            self.stage.rest(self.me, pause());
        }
    }
}

fn has(repository: &Repository, tree: Oid, path: &str) -> bool {
    repository.find_tree(tree).unwrap().get_path(path.as_ref()).is_ok()
}

fn lock(repository: &Repository, tree: Oid) -> String {
    let tree = repository.find_tree(tree).unwrap();
    let entry = tree.get_path(format!("{ROOT}/sessions.lock").as_ref()).unwrap();
    String::from_utf8(repository.find_blob(entry.id()).unwrap().content().to_vec()).unwrap()
}

fn put_lock(repository: &Repository, edit: &mut TreeUpdateBuilder, text: &str) {
    let blob = repository.blob(text.as_bytes()).unwrap();
    edit.upsert(format!("{ROOT}/sessions.lock"), blob, FileMode::Blob);
}
