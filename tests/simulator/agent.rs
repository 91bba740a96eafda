//! An agent: it wishes something, asks the real engine again and again until it is told, and remembers what it was told.

use std::any::Any;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use git_session::domain::id::SessionId;
use git_session::domain::moves::{Alive, Unmet};
use git_session::domain::refusal::{Code, Refusal};
use git_session::domain::time::Span;
use git_session::engine::options::Options;
use git_session::engine::{
    AbandonRequest, ClaimAnswer, ClaimRequest, Clock, CompleteRequest, Engine, Error, Free, NewRequest, Pick,
    PlanAnswer, Private, ReleaseRequest, Secrets, Taken, TakeoverRequest, Until, Wip, chain,
};
use git_session::store::EngineRepository;
use git_session::template::PlanDraft;
use git2::Oid;

use crate::ground::Hub;
use crate::network::Network;
use crate::server::repository;
use crate::stage::{ActorId, Killed, Stage, StageClock};

/// A command may meet rivals until its deadline; not so many in a row.
const CALM_TRIES_MAX: u32 = 4;

/// What an agent may wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    Next,
    Claim(Vec<SessionId>),
    Takeover(SessionId, Alive, Free),
    Renew(SessionId),
    Publish(SessionId),
    Release(SessionId),
    Complete(SessionId),
    Abandon(SessionId),
    New(SessionId),
    Ready(SessionId),
    Unready(SessionId),
}

impl Wish {
    /// The session of a move that only its holder may make.
    pub(crate) fn of_holder(&self) -> Option<&SessionId> {
        match self {
            Self::Renew(id) | Self::Publish(id) | Self::Release(id) | Self::Complete(id) => Some(id),
            Self::Next | Self::Claim(_) | Self::Takeover(..) => None,
            // What nobody holds may be abandoned by anybody.
            Self::Abandon(_) | Self::New(_) | Self::Ready(_) | Self::Unready(_) => None,
        }
    }
}

/// A claim as its agent was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) id: SessionId,
    pub(crate) epoch: u32,
    pub(crate) nonce: String,
}

/// What a command came to, as its caller was told.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// These are the caller's now.
    Claimed(Vec<Held>),
    /// It is done, and this commit has it.
    Done(Option<Oid>),
    Refused(Box<Refusal>),
    /// Exit 6, 7 or 10: nothing of it landed.
    Nothing(u8),
    /// Exit 124.
    Undecided,
    /// Exit 1: it landed, and something is left to do.
    Unfinished,
    /// Nobody was told anything.
    Killed,
}

impl Told {
    /// The answer to `wish` in a word, for counting.
    pub(crate) fn word(&self, wish: &Wish) -> String {
        match self {
            Self::Claimed(_) if matches!(wish, Wish::Takeover(..)) => "taken over".to_owned(),
            Self::Refused(refusal) if is_fenced(refusal) => "fenced".to_owned(),
            Self::Claimed(_) => "claimed".to_owned(),
            Self::Done(_) => "done".to_owned(),
            Self::Refused(refusal) => refusal.code.as_str().to_owned(),
            Self::Nothing(exit) => format!("exit {exit}"),
            Self::Undecided => "exit 124".to_owned(),
            Self::Unfinished => "unfinished".to_owned(),
            Self::Killed => "killed".to_owned(),
        }
    }
}

/// Whether somebody who once held the session is told that another does.
pub(crate) fn is_fenced(refusal: &Refusal) -> bool {
    refusal.code == Code::NotHolder && refusal.message.contains("was taken over")
}

/// One command from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) agent: String,
    /// Its clone: two agents of one name in two clones are two agents.
    pub(crate) home: usize,
    pub(crate) wish: Wish,
    pub(crate) drawn: Arc<Mutex<Vec<String>>>,
    pub(crate) told: Option<Told>,
    /// A line that the agent wrote into its work log before, and wants published.
    pub(crate) line: Option<(SessionId, String)>,
}

/// Every command of a schedule, in order.
pub(crate) type Log = Arc<Mutex<Vec<Process>>>;

/// An agent in a clone.
pub(crate) struct Agent {
    pub(crate) stage: Arc<Stage>,
    pub(crate) log: Log,
    pub(crate) me: ActorId,
    pub(crate) name: String,
    pub(crate) hub: Arc<Hub>,
    pub(crate) options: Options,
}

impl Agent {
    /// Asks until it is told; what it is told in the end. Sometimes it gives up before. When nothing has gone wrong
    /// for so many commands in a row, there is no excuse left for not being answered.
    pub(crate) fn insists(&self, wish: &Wish) -> Told {
        let mut calm = 0;
        while calm < CALM_TRIES_MAX {
            let before = self.stage.play().misfortune();
            let told = self.command(wish);
            match told {
                Told::Claimed(_) | Told::Done(_) | Told::Refused(_) => return told,
                Told::Nothing(_) | Told::Undecided | Told::Unfinished | Told::Killed => {}
            }
            let (gives_up, pause) = {
                let mut play = self.stage.play();
                // Who takes a session from a process that is stopped while it makes its checkout waits for that one.
                let waits = matches!(told, Told::Unfinished) && play.somebody_is_frozen();
                let calm_now = before.is_some() && play.misfortune() == before && !waits;
                calm = if calm_now { calm + 1 } else { 0 };
                // Who was told that the server is away waits a while.
                let most = if matches!(told, Told::Nothing(7 | 10)) { 20_000_000 } else { 3_000_000 };
                (play.dice.u8(..12) == 0, play.dice.u64(1..most))
            };
            self.stage.rest(self.me, pause);
            if gives_up {
                return told;
            }
        }
        self.stage.play().fail(format!("{} asked for {wish:?} in calm weather and got no answer", self.name));
        self.stage.rest(self.me, 1);
        Told::Killed
    }

    /// One command, in a process of its own.
    pub(crate) fn command(&self, wish: &Wish) -> Told {
        let line = self.writes(wish);
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let number = {
            let mut log = self.log.lock().unwrap();
            let (agent, home, wish) = (self.name.clone(), self.hub.number, wish.clone());
            log.push(Process { agent, home, wish, drawn: drawn.clone(), told: None, line });
            log.len() - 1
        };
        let untold = self.untold();
        self.stage.play().tell(self.me, || format!("process {number}, {}: {wish:?}", self.name));
        let told = catch_unwind(AssertUnwindSafe(|| {
            self.stage.point(self.me, "begin");
            let told = self.perform(&mut self.engine(number, drawn), wish);
            self.stage.point(self.me, "end");
            told
        }));
        let told = match told {
            Ok(Ok(told)) => told,
            Ok(Err(error)) => self.told_of(wish, error),
            Err(payload) if payload.is::<Killed>() => Told::Killed,
            Err(payload) => {
                self.stage.play().fail(format!("{} panicked in {wish:?}: {}", self.name, words(&*payload)));
                Told::Killed
            }
        };
        self.stage.play().tell(self.me, || format!("process {number} told: {told:?}"));
        self.log.lock().unwrap()[number].told = Some(told.clone());
        if *wish == Wish::Next {
            self.check_next(&untold, &told);
        }
        told
    }

    fn engine(&self, process: usize, drawn: Arc<Mutex<Vec<String>>>) -> Engine {
        let (stage, me) = (self.stage.clone(), self.me);
        let private = Private::at(self.options.place.private());
        let path = private.folder().join("engine.git");
        let store = EngineRepository::of(repository(&self.hub.odb), path);
        let clock = StageClock { stage: stage.clone(), me, skew_seconds: self.hub.skew_seconds, drawn };
        let clock = Clock::of(Box::new(clock), self.options.timeout);
        let network = Network { stage, me, process, odb: self.hub.odb.clone() };
        Engine::assemble(self.options.clone(), private, store, clock, Box::new(network))
    }

    fn perform(&self, engine: &mut Engine, wish: &Wish) -> Result<Told, Error> {
        let query = |id: &SessionId| id.as_str().parse().unwrap();
        let done = |answer: PlanAnswer| Told::Done(answer.commit);
        Ok(match wish {
            Wish::Next => {
                let seed = self.stage.play().dice.u64(..);
                self.claimed(engine, Pick::Next { can: Default::default(), seed })?
            }
            Wish::Claim(ids) => self.claimed(engine, Pick::Named(ids.iter().map(query).collect()))?,
            Wish::Takeover(id, alive, free) => {
                let reason = "nobody there".to_owned();
                let (alive, free, lease) = (*alive, *free, self.lease());
                let request = TakeoverRequest { query: query(id), reason, alive, free, lease, isolation: None };
                match engine.takeover(&request)?.taken {
                    Taken::Done(answer) => self.held(answer),
                    Taken::Rehearsed(_) => panic!("nobody asked for a rehearsal"),
                }
            }
            Wish::Renew(id) => done(engine.renew(&query(id))?),
            Wish::Publish(id) => done(engine.publish(&query(id))?),
            Wish::Release(id) => {
                let reason = "tired".to_owned();
                done(engine.release(&ReleaseRequest { query: query(id), reason, wip: Wip::Refused })?)
            }
            Wish::Complete(id) => {
                let request = CompleteRequest {
                    query: query(id),
                    summary: None,
                    land: None,
                    unmet: Unmet::Recorded,
                    secrets: Secrets::Refused,
                    knowledge: None,
                };
                Told::Done(Some(engine.complete(&request)?.commit))
            }
            Wish::Abandon(id) => {
                let reason = "no use".to_owned();
                done(engine.abandon(&AbandonRequest { query: query(id), reason, wip: Wip::Refused })?)
            }
            Wish::New(id) => {
                let plan = PlanDraft {
                    context: "Why.".to_owned(),
                    acceptance_criteria: vec!["It works".to_owned()],
                    ..PlanDraft::new(id.clone())
                };
                let (id, depends_on) = (Some(id.clone()), Vec::new());
                let request = NewRequest { title: "New".to_owned(), plan, id, depends_on, until: Until::Ready };
                done(engine.create(&request)?)
            }
            Wish::Ready(id) => done(engine.make_ready(&query(id))?),
            Wish::Unready(id) => done(engine.unready(&query(id))?),
        })
    }

    fn claimed(&self, engine: &mut Engine, pick: Pick) -> Result<Told, Error> {
        let answer = engine.claim(&ClaimRequest { pick, lease: self.lease(), isolation: None })?;
        Ok(self.held(answer))
    }

    /// Some claim for minutes, most for as long as the board says.
    fn lease(&self) -> Option<Span> {
        let lease = [None, None, Some(60), Some(600)][self.stage.play().dice.usize(..4)];
        lease.map(|seconds| Span::from_seconds(seconds).unwrap())
    }

    fn held(&self, answer: ClaimAnswer) -> Told {
        let held = answer.claims.into_iter().map(|view| {
            assert_eq!(view.agent.as_str(), self.name, "a claim of `{}` is somebody else's", view.id);
            Held { id: view.id, epoch: view.epoch, nonce: view.nonce.to_string() }
        });
        Told::Claimed(held.collect())
    }

    /// What an error says to the caller; anything that is no answer to the wish is a defect.
    fn told_of(&self, wish: &Wish, error: Error) -> Told {
        match error {
            Error::Refused(refusal) => {
                self.check_refusal(wish, &refusal);
                Told::Refused(Box::new(refusal))
            }
            Error::Held { refusal, .. } => {
                self.check_refusal(wish, &refusal);
                Told::Refused(Box::new(refusal))
            }
            Error::Contended { .. } | Error::Waited { .. } => Told::Nothing(6),
            Error::Denied { .. } => Told::Nothing(7),
            Error::Unreachable { .. } | Error::Unauthorized { .. } => Told::Nothing(10),
            Error::Undecided { .. } => Told::Undecided,
            error @ Error::Unfinished { .. } => {
                self.stage.play().tell(self.me, || chain(&error));
                Told::Unfinished
            }
            error => {
                self.stage.play().fail(format!("{} was told of {wish:?}: {}", self.name, chain(&error)));
                Told::Killed
            }
        }
    }

    /// What is published was written before: a line of its own for each publication.
    fn writes(&self, wish: &Wish) -> Option<(SessionId, String)> {
        let Wish::Publish(id) = wish else { return None };
        let folder = self.options.place.private().join("work").join(id.as_str());
        if !folder.is_dir() {
            // Nobody has told it that it has the session, so it has nowhere to write.
            return None;
        }
        let line = format!("{} wrote {:016x}", self.name, self.stage.play().dice.u64(..));
        let mut file = OpenOptions::new().create(true).append(true).open(folder.join("worklog.md")).unwrap();
        writeln!(file, "{line}").unwrap();
        Some((id.clone(), line))
    }
}

/// How long a command may take.
pub(crate) fn timeout(dice: &mut fastrand::Rng) -> Duration {
    Duration::from_secs([3, 10, 30][dice.usize(..3)])
}

/// What a panic said.
pub(crate) fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned()
}
