//! What all probes need: throw-away refs with commits to put there, connections of their own, and what a push came to.

use std::time::{Duration, Instant};

use git2::Oid;

use super::{Allowed, Error, Gate, Tried};
use crate::domain::nonce::Nonce;
use crate::engine::{Core, Tip};
use crate::process::Interrupt;
use crate::remote::{self, DeniedKind, PackSource, Purpose, PushOutcome, RefName, RefUpdate, Remote, SyncError};

/// How often a push with no clear answer is sent again, and how long between.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

/// The two places where throw-away refs are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// `refs/heads/git-session-probe/`.
    Branches,
    /// `refs/git-session/probe/`.
    Own,
}

/// The names of the throw-away refs of one probe: nobody else's, by its nonce.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) nonce: Nonce,
    all: Vec<(Space, &'static str, RefName)>,
}

/// What each ref is for.
const PARTS: [&str; 3] = ["swap", "pair", "beside"];

impl Names {
    pub(super) fn of(nonce: &Nonce) -> Result<Self, Error> {
        let mut all = Vec::new();
        for (space, folder) in
            [(Space::Branches, "refs/heads/git-session-probe"), (Space::Own, "refs/git-session/probe")]
        {
            for part in PARTS {
                let name = format!("{folder}/{nonce}-{part}").parse();
                all.push((space, part, name.map_err(|_| Error::environment("a probe's name is no ref"))?));
            }
        }
        Ok(Self { nonce: nonce.clone(), all })
    }

    pub(super) fn get(&self, space: Space, part: &str) -> RefName {
        let found = self.all.iter().find(|(of, name, _)| *of == space && *name == part);
        found.map(|(_, _, name)| name.clone()).expect("each part has a name in each space")
    }

    pub(super) fn all(&self) -> Vec<RefName> {
        self.all.iter().map(|(_, _, name)| name.clone()).collect()
    }

    /// What a rehearsal says.
    pub(super) fn plan(&self, url: &str, board: &str, rounds: u32) -> Vec<String> {
        let swap = self.get(Space::Branches, "swap");
        let pair = self.get(Space::Branches, "pair");
        vec![
            format!("create and delete `{swap}` and `{}` on {url}", self.get(Space::Own, "swap")),
            format!("race two pushes for `{swap}` {rounds} times, and push once with a stale old value"),
            format!("move `{swap}` and `{pair}` as one {rounds} times, with one of them stale"),
            format!("ask whether a push to `{board}` is let through, in a way that cannot move it"),
            format!("time {rounds} advertisements, fetches and pushes"),
            "delete every ref that it made".to_owned(),
        ]
    }
}

/// One push as the answer to "did it land?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Landing {
    Landed,
    Refused(String),
    /// The ref is not where it was thought to be.
    Elsewhere,
    Unanswered,
}

/// One run of all probes.
pub(super) struct Probe<'e> {
    pub(super) core: &'e mut Core,
    pub(super) names: Names,
    /// Where refs were found to be allowed.
    pub(super) space: Space,
    /// The board branch.
    pub(super) board: RefName,
    /// What the first commits are built on; none where the remote is empty.
    pub(super) base: Option<Oid>,
    /// Two rivals and a judge, each with connections of its own.
    pub(super) one: Box<dyn Remote>,
    pub(super) two: Box<dyn Remote>,
    pub(super) judge: Box<dyn Remote>,
    pub(super) interrupt: Interrupt,
    /// Held as long as this process lives: what is noted under it is nobody else's to take away.
    pub(super) lock: Option<crate::disk::lock::Lock>,
    made: u32,
}

impl<'e> Probe<'e> {
    pub(super) fn open(core: &'e mut Core, tip: &Tip, names: Names, interrupt: Interrupt) -> Result<Self, Error> {
        let open = || Ok::<_, Error>(remote::open(&core.remote_settings(core.store.path())?)?);
        let (one, two, judge) = (open()?, open()?, open()?);
        let base = [tip.board, tip.base].into_iter().find(|oid| !oid.is_zero());
        let board = tip.whereabouts.board.clone();
        let space = Space::Branches;
        Ok(Self { core, names, space, board, base, one, two, judge, interrupt, lock: None, made: 0 })
    }

    /// Every probe, in an order in which each can rely on what was found before.
    pub(super) fn try_all(&mut self, rounds: u32) -> Result<Tried, Error> {
        let allowed: Allowed = self.try_spaces()?;
        let swap = self.try_swap(rounds)?;
        let atomic = self.try_atomic(&allowed, rounds)?;
        let gate: Gate = self.try_gate(&allowed, &swap)?;
        let latency = self.try_latency(rounds)?;
        Ok(Tried { swap, atomic, allowed, gate, latency })
    }

    pub(super) fn url(&self) -> &str {
        self.judge.url()
    }

    /// The next step's own deadline; none is begun after somebody has asked to stop.
    pub(super) fn step(&mut self) -> Result<Instant, Error> {
        if self.interrupt.is_asked() {
            return Err(Error::Interrupted { what: "the remote was not tried to the end".to_owned() });
        }
        Ok(self.deadline())
    }

    /// The same for what has to be done even then.
    pub(super) fn deadline(&mut self) -> Instant {
        self.core.clock.extend(self.core.options.timeout);
        self.core.clock.deadline()
    }

    /// A commit on `parent` that nobody has made before, with the parent's tree.
    pub(super) fn make(&mut self, parent: Option<Oid>) -> Result<(Oid, PackSource), Error> {
        self.made += 1;
        let message = format!("git-session probe {}\n\nNumber {} of a throw-away ref\n", self.names.nonce, self.made);
        let core = &*self.core;
        let who = core.signatures(None, &core.options.agent.name, "");
        let time = git2::Time::new(core.clock.now().unix(), 0);
        let author = git2::Signature::new(&who.author.0, &who.author.1, &time)?;
        let committer = git2::Signature::new(&who.committer.0, &who.committer.1, &time)?;
        let repository = core.store.repository();
        let parent = parent.map(|oid| repository.find_commit(oid)).transpose()?;
        let (tree, mut objects) = match &parent {
            Some(parent) => (parent.tree()?, Vec::new()),
            None => {
                let tree = repository.treebuilder(None)?.write()?;
                (repository.find_tree(tree)?, vec![tree])
            }
        };
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let commit = repository.commit(None, &author, &committer, &message, &tree, &parents)?;
        objects.push(commit);
        Ok((commit, PackSource::Objects(objects)))
    }

    /// Where `names` are now.
    pub(super) fn look(&mut self, names: &[RefName]) -> Result<Vec<Option<Oid>>, Error> {
        let deadline = self.deadline();
        let there = self.judge.sync(names, Purpose::Write, deadline).map_err(|error| self.fault(error))?;
        Ok(names.iter().map(|name| there.tip(name)).collect())
    }

    /// The same, and patiently: a host may answer a look from a copy that is a moment behind.
    pub(super) fn look_for(
        &mut self,
        names: &[RefName],
        wanted: impl Fn(&[Option<Oid>]) -> bool,
    ) -> Result<Vec<Option<Oid>>, Error> {
        for _ in 1..TRIES {
            let there = self.look(names)?;
            if wanted(&there) {
                return Ok(there);
            }
            self.core.clock.wait(PAUSE);
        }
        self.look(names)
    }

    /// One push by the judge, sent again while its outcome is not clear: refs locked for a moment, lost replies.
    pub(super) fn settle(&mut self, update: &RefUpdate, pack: &PackSource) -> Result<Landing, Error> {
        let mut last = Landing::Unanswered;
        for _ in 0..TRIES {
            let deadline = self.deadline();
            match self.judge.push(std::slice::from_ref(update), pack, deadline) {
                PushOutcome::Landed => return Ok(Landing::Landed),
                // Another try of ours may have deleted it.
                PushOutcome::Raced { tips } if update.new.is_none() && tips.tip(&update.name).is_none() => {
                    return Ok(Landing::Landed);
                }
                PushOutcome::Raced { .. } => return Ok(Landing::Elsewhere),
                PushOutcome::Denied { reason, kind: DeniedKind::Policy } => return Ok(Landing::Refused(reason)),
                PushOutcome::Denied { reason, kind: DeniedKind::Authentication } => {
                    return Err(Error::Unauthorized { url: self.url().to_owned(), reason });
                }
                PushOutcome::Offline { reason } => {
                    return Err(Error::Unreachable { url: self.url().to_owned(), reason });
                }
                PushOutcome::Busy { reason } => last = Landing::Refused(reason),
                PushOutcome::Unknown { .. } => last = Landing::Unanswered,
            }
            self.core.clock.wait(PAUSE);
        }
        Ok(last)
    }

    pub(super) fn fault(&self, error: SyncError) -> Error {
        let url = self.url().to_owned();
        match error {
            SyncError::Offline { reason } => Error::Unreachable { url, reason },
            SyncError::Denied { reason } => Error::Unauthorized { url, reason },
            SyncError::Fault(fault) => fault.into(),
        }
    }
}

/// A move of one ref.
pub(super) fn to(name: &RefName, old: Option<Oid>, new: Option<Oid>) -> RefUpdate {
    RefUpdate { name: name.clone(), old, new }
}
