//! A process's way to the server: everything that can happen to a request, drawn from the seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use git_session::remote::{
    Advertised, DeniedKind, PackSource, Purpose, PushOutcome, RefName, RefUpdate, Remote, SyncError,
};
use git2::{Odb, Oid};

use crate::server::{Verdict, copy};
use crate::stage::{ActorId, Play, Stage};

/// A way this long, in microseconds, leaves the shortest patience time for all the others.
const WAY_HARMLESS_MAX: u64 = 300_000;

/// The remote as one process sees it.
pub(crate) struct Network {
    pub(crate) stage: Arc<Stage>,
    pub(crate) me: ActorId,
    /// The process, for the server's log.
    pub(crate) process: usize,
    /// The objects of the clone that it works in.
    pub(crate) odb: Arc<Odb<'static>>,
}

/// What becomes of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Offline,
    Unauthorized,
    Denied,
    Busy(&'static str),
    Arrives,
    Twice,
    ReplyLost,
    Lost,
    Late,
}

impl Play {
    /// A way to the server or back. One that may outlast a command's patience is a misfortune as any other.
    fn way(&mut self) -> u64 {
        let way = self.dice.u64(1..=self.weather.way);
        if self.dice.u8(..64) != 0 {
            return way;
        }
        let long = way * 30;
        if long > WAY_HARMLESS_MAX {
            if self.weather.misfortunes == 0 {
                return way;
            }
            self.weather.misfortunes -= 1;
        }
        long
    }

    /// Spells of bad weather begin when somebody asks something of the server.
    fn spells(&mut self) {
        if self.strikes(|weather| weather.offline) {
            self.server.offline_until = self.now + self.dice.u64(1..25_000_000);
        }
        if self.strikes(|weather| weather.unauthorized) {
            self.server.unauthorized_until = self.now + self.dice.u64(1..20_000_000);
        }
    }

    fn fate(&mut self) -> Fate {
        self.spells();
        if self.strikes(|weather| weather.busy) {
            self.server.busy_until = self.now + self.dice.u64(1..6_000_000);
        }
        if self.strikes(|weather| weather.denied) {
            self.server.denied_until = self.now + self.dice.u64(1..20_000_000);
        }
        if self.now < self.server.offline_until {
            return Fate::Offline;
        }
        if self.now < self.server.unauthorized_until {
            return Fate::Unauthorized;
        }
        if self.now < self.server.denied_until {
            return Fate::Denied;
        }
        if self.now < self.server.busy_until {
            return Fate::Busy(if self.dice.u8(..4) == 0 { "pre-receive hook declined" } else { "cannot lock ref" });
        }
        if self.strikes(|weather| weather.late) {
            Fate::Late
        } else if self.strikes(|weather| weather.reply_lost) {
            Fate::ReplyLost
        } else if self.strikes(|weather| weather.lost) {
            Fate::Lost
        } else if self.strikes(|weather| weather.twice) {
            Fate::Twice
        } else {
            Fate::Arrives
        }
    }
}

impl Network {
    /// Waits for what takes so long; `false` when the deadline came first.
    fn takes(&self, micros: u64, deadline: Instant) -> bool {
        self.stage.point(self.me, "network");
        let left = self.stage.left(deadline);
        self.stage.rest(self.me, micros.min(left));
        micros <= left
    }

    /// The way there of a request that only looks.
    fn reach(&self, deadline: Instant) -> Result<(), SyncError> {
        let way = {
            let mut play = self.stage.play();
            play.spells();
            play.way()
        };
        let arrived = self.takes(way, deadline);
        let play = self.stage.play();
        if play.now < play.server.unauthorized_until {
            return Err(SyncError::Denied { reason: "who are you?".to_owned() });
        }
        if !arrived || play.now < play.server.offline_until {
            return Err(SyncError::Offline { reason: "no route".to_owned() });
        }
        Ok(())
    }

    fn back(&self, deadline: Instant) -> Result<(), SyncError> {
        let way = self.stage.play().way();
        match self.takes(way, deadline) {
            true => Ok(()),
            false => Err(SyncError::Offline { reason: "timed out".to_owned() }),
        }
    }

    fn fate(&self) -> (Fate, u64, u64) {
        let mut play = self.stage.play();
        let fate = play.fate();
        play.tell(self.me, || format!("push will be {fate:?}"));
        (fate, play.way(), play.way())
    }

    /// A refusal by the server: with refs that have moved it is a race, whatever the server says.
    fn refused(&self, updates: &[RefUpdate], otherwise: PushOutcome) -> PushOutcome {
        let play = self.stage.play();
        match play.server.standing(updates) {
            Verdict::Moved => otherwise,
            Verdict::Done => PushOutcome::Landed,
            Verdict::Refused => PushOutcome::Raced { tips: tips(&play, updates) },
        }
    }

    /// Sends it, so that it acts in `after` microseconds, whatever becomes of this process.
    fn send(&self, updates: &[RefUpdate], pack: &PackSource, after: u64) -> u64 {
        if let PackSource::File(path) = pack {
            check_pack(path);
        }
        let mut play = self.stage.play();
        for new in updates.iter().filter_map(|update| update.new) {
            copy(&self.odb, &play.server.odb, new);
        }
        let at = play.now + after;
        play.server.send(at, self.process, updates)
    }
}

/// The journal's pack: its objects are in the clone's store too, from where they are taken.
fn check_pack(path: &Path) {
    let pack = std::fs::read(path).unwrap();
    assert!(pack.starts_with(b"PACK\0\0\0\x02") && pack.len() > 32, "{} is no pack", path.display());
}

fn tips(play: &Play, updates: &[RefUpdate]) -> Advertised {
    let names: Vec<RefName> = updates.iter().map(|update| update.name.clone()).collect();
    play.server.advertised(&names)
}

impl Remote for Network {
    fn url(&self) -> &str {
        "memory:board"
    }

    fn sync(&mut self, names: &[RefName], purpose: Purpose, deadline: Instant) -> Result<Advertised, SyncError> {
        self.reach(deadline)?;
        let mut seen = self.stage.play().server.advertised(names);
        if purpose == Purpose::Read {
            seen.head = Some(RefName::branch("main").unwrap());
        }
        self.back(deadline)?;
        Ok(seen)
    }

    fn under(&mut self, prefixes: &[&str], deadline: Instant) -> Result<BTreeMap<RefName, Oid>, SyncError> {
        self.reach(deadline)?;
        let mut seen = self.stage.play().server.advertised(&[RefName::branch("main").unwrap()]).refs;
        seen.retain(|name, _| prefixes.iter().any(|prefix| name.as_str().starts_with(prefix)));
        Ok(seen)
    }

    fn fetch(&mut self, names: &[RefName], deadline: Instant) -> Result<Advertised, SyncError> {
        self.reach(deadline)?;
        let seen = {
            let play = self.stage.play();
            let seen = play.server.advertised(names);
            for oid in seen.refs.values() {
                copy(&play.server.odb, &self.odb, *oid);
            }
            seen
        };
        self.back(deadline)?;
        Ok(seen)
    }

    fn push(&mut self, updates: &[RefUpdate], pack: &PackSource, deadline: Instant) -> PushOutcome {
        if updates.is_empty() {
            return PushOutcome::Landed;
        }
        let unknown = |reason: &str| PushOutcome::Unknown { reason: reason.to_owned() };
        let (fate, there, back) = self.fate();
        match fate {
            Fate::Offline => {
                self.takes(there, deadline);
                PushOutcome::Offline { reason: "no route".to_owned() }
            }
            Fate::Unauthorized => {
                self.takes(there, deadline);
                PushOutcome::Denied { reason: "who are you?".to_owned(), kind: DeniedKind::Authentication }
            }
            Fate::Denied => {
                self.takes(there, deadline);
                let denied = PushOutcome::Denied { reason: "protected".to_owned(), kind: DeniedKind::Policy };
                self.refused(updates, denied)
            }
            Fate::Busy(reason) => {
                self.takes(there, deadline);
                self.refused(updates, PushOutcome::Busy { reason: reason.to_owned() })
            }
            Fate::Lost => {
                self.takes(there, deadline);
                unknown("hung up")
            }
            Fate::Late => {
                let after = self.stage.play().dice.u64(1..90_000_000);
                self.send(updates, pack, there + after);
                self.takes(there, deadline);
                unknown("hung up")
            }
            Fate::Arrives | Fate::Twice | Fate::ReplyLost => {
                let number = self.send(updates, pack, there);
                if fate == Fate::Twice {
                    let after = self.stage.play().dice.u64(1..90_000_000);
                    self.send(updates, pack, there + after);
                }
                let arrived = self.takes(there, deadline);
                let replied = self.takes(back, deadline);
                let play = self.stage.play();
                match play.server.verdict(number) {
                    Some(verdict) if arrived && replied && fate != Fate::ReplyLost => match verdict {
                        Verdict::Moved | Verdict::Done => PushOutcome::Landed,
                        Verdict::Refused => PushOutcome::Raced { tips: tips(&play, updates) },
                    },
                    Some(_) | None => unknown("the reply was lost"),
                }
            }
        }
    }
}
