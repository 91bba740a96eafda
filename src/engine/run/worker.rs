//! `work`: claim the next session, run an agent in it, complete it, and again. What did not succeed is handed over with
//! the reason, so that the same loop does not take it again and somebody else can.
//!
//! Deliberately not here: which session is next (`claim`), how an agent is launched (`run`), what a completion asks for.
//! Each step opens an engine of its own: a run may take hours, and a command is patient for half a minute.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use super::super::options::Options;
use super::super::poll::{Hope, Waited, Waiting};
use super::super::private::key;
use super::super::{ClaimRequest, CompleteRequest, Engine, Error, Pick, ReleaseRequest, Secrets, Wip, chain};
use super::{End, Finished, Progress, RunAnswer, RunRequest, Stopped, Which, Worked};
use crate::agents::{Adapter, Said};
use crate::disk::lock::Lock;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::moves::{Bequest, Unmet};
use crate::domain::record::Status;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::run::Outcome;
use crate::domain::settings::Isolation;
use crate::domain::state::State;
use crate::domain::time::Span;
use crate::process::Interrupt;

/// After so many sessions in a row that did not succeed, the agent is taken for broken: the loop must not hand over the
/// whole board.
const FAILURES_MAX: u32 = 3;
/// How often a completion is tried again where the remote is busy or away.
const TRIES_MAX: u32 = 20;
/// The longest pause between two of them.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A wish to work.
#[derive(Debug, Clone)]
pub struct WorkRequest {
    /// Which agent.
    pub agent: &'static dyn Adapter,
    /// What it can do.
    pub can: BTreeSet<String>,
    /// Breaks ties between equally good sessions.
    pub seed: u64,
    /// After how many sessions to stop.
    pub max: Option<u32>,
    /// After how long without a session to stop; `None` for never.
    pub idle_exit: Option<Duration>,
    /// The lease of each claim.
    pub lease: Option<Span>,
    /// Where the work is done.
    pub isolation: Option<Isolation>,
    /// The model, in the agent's own words.
    pub model: Option<String>,
    /// What it is to do.
    pub prompt: String,
    /// How long one run may take.
    pub limit: Option<Duration>,
    /// How long it may be silent.
    pub silence: Duration,
    /// More arguments for it.
    pub more: Vec<OsString>,
}

/// Makes what an agent has to know of a session before it begins.
pub type Briefing<'a> = &'a dyn Fn(&mut Engine, &IdQuery) -> Result<String, Error>;

struct Worker<'a> {
    options: &'a Options,
    request: &'a WorkRequest,
    interrupt: &'a Interrupt,
    briefing: Briefing<'a>,
    tell: &'a mut dyn FnMut(&Progress<'_>),
}

/// Works until there is a reason to stop. Sessions that this name holds here already come first.
///
/// # Errors
/// `held` while another loop of the same name goes on here; [`Error::Environment`] where the agent is not installed, before
/// anything is claimed; those of claiming that do not pass by themselves.
pub fn work(
    options: &Options,
    request: &WorkRequest,
    interrupt: &Interrupt,
    briefing: Briefing<'_>,
    tell: &mut dyn FnMut(&Progress<'_>),
) -> Result<Worked, Error> {
    let mut worker = Worker { options, request, interrupt, briefing, tell };
    let mut engine = worker.engine()?;
    engine.installed(request.agent)?;
    engine.rehearse(format!("claim the next session, run `{}` in it, and complete it", request.agent.name()))?;
    let _only = worker.only(&engine)?;
    let mut own = engine.own_sessions()?;
    own.reverse();
    drop(engine);
    let mut finished: Vec<Finished> = Vec::new();
    let mut failures = 0;
    let stopped = loop {
        if interrupt.is_asked() {
            break Stopped::Interrupted;
        }
        if request.max.is_some_and(|max| finished.len() >= max as usize) {
            break Stopped::Max;
        }
        let (id, which) = match own.pop() {
            Some(id) => (id, Which::Again(None)),
            None => match worker.next()? {
                Ok(id) => (id, Which::Fresh),
                Err(stopped) => break stopped,
            },
        };
        let one = worker.session(id, which)?;
        failures = if matches!(one.end, End::Completed(_)) { 0 } else { failures + 1 };
        (worker.tell)(&Progress::Over(&one));
        finished.push(one);
        if interrupt.is_asked() {
            break Stopped::Interrupted;
        }
        if failures >= FAILURES_MAX {
            break Stopped::Failing;
        }
    };
    Ok(Worked { finished, stopped })
}

impl Worker<'_> {
    fn engine(&self) -> Result<Engine, Error> {
        let mut engine = Engine::open(self.options.clone())?;
        engine.add_capabilities(self.request.can.iter().cloned());
        Ok(engine)
    }

    /// Two loops of one name would take each other's sessions for their own.
    fn only(&self, engine: &Engine) -> Result<Lock, Error> {
        let name = &self.options.agent.name;
        engine.core.private.try_lock(&format!("work.{}", key(name.as_str())))?.ok_or_else(|| {
            Refusal::new(Code::Held, format!("`{name}` is working in this repository already"))
                .text("agent", name.as_str())
                .hint("git session list --state active")
                .into()
        })
    }

    /// The next session, or why there is none to be waited for.
    fn next(&mut self) -> Result<Result<SessionId, Stopped>, Error> {
        let mut engine = self.engine()?;
        let pick = Pick::Next { can: engine.options().can.clone(), seed: self.request.seed };
        let request = ClaimRequest { pick, lease: self.request.lease, isolation: self.request.isolation };
        let (most, interrupt) = (self.request.idle_exit, self.interrupt);
        let mut wait = |waiting: &Waiting| (self.tell)(&Progress::Waiting(&waiting.why));
        let answer = match engine.wait_and_claim(&request, most, &hope, &|| interrupt.is_asked(), &mut wait)? {
            Waited::Won(answer) => answer,
            Waited::OutOfTime(_) => return Ok(Err(Stopped::Idle)),
            Waited::Stopped => return Ok(Err(Stopped::Interrupted)),
        };
        let claim = answer.claims.first().ok_or_else(|| Error::environment("a claim came without a session"))?;
        (self.tell)(&Progress::Claimed(claim));
        let id = claim.id.clone();
        answer.receipt.told();
        Ok(Ok(id))
    }

    /// Everything between a claim and its end.
    fn session(&mut self, id: SessionId, which: Which) -> Result<Finished, Error> {
        let finished = |end, run: Option<String>| Finished { id: id.clone(), end, run };
        if self.interrupt.is_asked() {
            return Ok(finished(self.give_back(&id, "it was interrupted before it began"), None));
        }
        let ran = match self.run(&id, which) {
            Ok(ran) => ran,
            Err(error @ Error::Environment { .. }) => {
                // Nothing is wrong with the session, and no other would fare better.
                let end = self.give_back(&id, &chain(&error));
                (self.tell)(&Progress::Over(&finished(end, None)));
                return Err(error);
            }
            Err(error) if is_gone(&error) => return Ok(finished(End::GivenAway(chain(&error)), None)),
            Err(error) => {
                let end = self.hand_over(&id, &chain(&error));
                return Ok(finished(end, None));
            }
        };
        (self.tell)(&Progress::Ran(&ran));
        let run = Some(ran.run.clone());
        let name = self.request.agent.name();
        if ran.outcome != Outcome::Completed {
            let why = ran.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            let reason = format!("{} of `{name}` is {}{why}", ran.run, ran.outcome.as_str().replace('_', " "));
            let stopped = ran.outcome == Outcome::Interrupted && self.interrupt.is_asked();
            let end = if stopped { self.give_back(&id, &reason) } else { self.hand_over(&id, &reason) };
            return Ok(finished(end, run));
        }
        let end = match self.complete(&id, &format!("done by `{name}` ({})", ran.run)) {
            Ok(landed) => End::Completed(landed),
            Err(error) if is_gone(&error) => End::GivenAway(chain(&error)),
            Err(error) => self.hand_over(&id, &format!("{} of `{name}` is done, but {}", ran.run, chain(&error))),
        };
        Ok(finished(end, run))
    }

    fn run(&mut self, id: &SessionId, which: Which) -> Result<RunAnswer, Error> {
        let mut engine = self.engine()?;
        let query = query(id)?;
        let brief = (self.briefing)(&mut engine, &query)?;
        let request = self.request;
        let mut run = RunRequest {
            query,
            agent: request.agent,
            which,
            model: request.model.clone(),
            prompt: request.prompt.clone(),
            brief,
            limit: request.limit,
            silence: request.silence,
            more: request.more.clone(),
        };
        let tell = &mut *self.tell;
        let mut hear = |said: &Said| tell(&Progress::Said(said));
        match engine.run(&run, self.interrupt, &mut hear) {
            Err(Error::Refused(Refusal { code: Code::NoConversation, .. })) if run.which == Which::Again(None) => {
                run.which = Which::Fresh;
                engine.run(&run, self.interrupt, &mut hear)
            }
            told => told,
        }
    }

    /// Completes; what only the remote's mood is against is tried again.
    fn complete(&mut self, id: &SessionId, summary: &str) -> Result<Option<String>, Error> {
        let mut pause = Duration::from_millis(200);
        for tries in 1.. {
            let mut engine = self.engine()?;
            let request = CompleteRequest {
                query: query(id)?,
                summary: Some(summary.to_owned()),
                land: None,
                unmet: Unmet::Refused,
                secrets: Secrets::Refused,
                knowledge: Some(State::Drafting),
            };
            match engine.complete(&request) {
                Ok(answer) => {
                    for warning in answer.warnings {
                        (self.tell)(&Progress::Note(warning));
                    }
                    return Ok(answer.landed.map(|landed| landed.to_string()));
                }
                Err(error) if is_mood(&error) && tries < TRIES_MAX && !self.interrupt.is_asked() => {
                    (self.tell)(&Progress::Note(chain(&error)));
                    engine.core.clock.pass(engine.core.clock.between_zero_and(pause));
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::environment("a completion was never tried"))
    }

    /// Leaves the session to whoever takes over.
    fn hand_over(&mut self, id: &SessionId, reason: &str) -> End {
        match self.try_hand_over(id, reason) {
            Ok(()) => End::HandedOver(reason.to_owned()),
            Err(error) if is_gone(&error) => End::GivenAway(chain(&error)),
            Err(error) => End::Kept(format!("{reason}; it could not be handed over: {}", chain(&error))),
        }
    }

    fn try_hand_over(&mut self, id: &SessionId, reason: &str) -> Result<(), Error> {
        let bequest = Bequest {
            summary: format!("`{}` did not finish: {reason}", self.request.agent.name()),
            next_steps: vec![format!("git session runs {id}")],
            blockers: vec![reason.to_owned()],
            ..Bequest::default()
        };
        let answer = self.engine()?.hand_over(&query(id)?, &bequest)?;
        for warning in answer.warnings {
            (self.tell)(&Progress::Note(warning));
        }
        Ok(())
    }

    /// Gives back a session that nothing is wrong with, uncommitted work on its branch; what cannot be released is
    /// handed over.
    fn give_back(&mut self, id: &SessionId, reason: &str) -> End {
        let release = || -> Result<(), Error> {
            let request = ReleaseRequest { query: query(id)?, reason: reason.to_owned(), wip: Wip::Committed };
            self.engine()?.release(&request).map(|_| ())
        };
        match release() {
            Ok(()) => End::Released(reason.to_owned()),
            Err(error) if is_gone(&error) => End::GivenAway(chain(&error)),
            Err(error) => {
                (self.tell)(&Progress::Note(chain(&error)));
                self.hand_over(id, reason)
            }
        }
    }
}

impl Engine {
    /// Sessions that the acting agent works on here: a loop that was killed has left them.
    fn own_sessions(&mut self) -> Result<Vec<SessionId>, Error> {
        let name = self.core.options.agent.name.clone();
        let mut own = Vec::new();
        self.list(&[State::Active], &mut |_, listed| {
            let record = listed.record.as_ref().filter(|record| record.status == Status::Working);
            let claim = record.and_then(|record| record.claim.as_ref());
            if claim.is_some_and(|claim| claim.agent == name) {
                own.push(listed.id);
            }
        })?;
        own.retain(|id| matches!(self.core.workplace(id), Ok(Some(_))) && self.core.refuse_stranger(id).is_ok());
        Ok(own)
    }
}

fn query(id: &SessionId) -> Result<IdQuery, Error> {
    id.as_str().parse().map_err(|error: crate::domain::id::BadId| Refusal::new(Code::BadId, error.to_string()).into())
}

/// What waiting may do about a claim that failed: also about a limit, and about what is left of a claim that has landed.
fn hope(error: &Error) -> Hope {
    if matches!(error, Error::Refused(Refusal { code: Code::Limit, .. })) {
        Hope::Change
    } else if matches!(error, Error::Unfinished { .. }) {
        Hope::Again
    } else {
        Hope::of(error)
    }
}

/// Whether the same again may come to something else: also what is left of a move that has landed.
fn is_mood(error: &Error) -> bool {
    matches!(
        error,
        Error::Unreachable { .. } | Error::Contended { .. } | Error::Undecided { .. } | Error::Unfinished { .. }
    )
}

/// Whether the session is not ours any more.
fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Refused(Refusal { code: Code::NotHolder | Code::NoSession | Code::NotPlanned, .. }))
}
