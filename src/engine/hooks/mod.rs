//! Lifecycle hooks: what the board and the user have run around each move, at the stages of 02 §8.
//!
//! They hang around the loop, once for all moves. The first time a decision is yes and there are hooks, the loop is
//! left (so no turn, no lead, no batch and no lock is held while they run), those of the stages before the swap run,
//! and the loop begins anew on a fresh board. What they were run for is not asked again, however many rounds it takes.
//!
//! Deliberately not here: which stages there are (`domain::lifecycle`), and what a hook is trusted by (`trust`).

mod find;
mod run;
mod tell;

use git2::Oid;

use super::options::Rehearsal;
use super::proposal::{Decide, Proposal, Step, Won};
use super::tip::Ground;
use super::{Core, Engine, Error, Tip, Wish};
use crate::domain::id::SessionId;
use crate::domain::lifecycle;
use crate::domain::nonce::Nonce;
use crate::remote::RefName;
use crate::store;
pub(super) use find::Hook;
pub use find::LifecycleHook;

/// One session's way through the stages of one command.
#[derive(Debug, Clone)]
pub(super) struct Course {
    /// The session.
    id: SessionId,
    /// What is done with it.
    moves: Vec<String>,
    /// The event that its commit says; `created` for a draft in the hub.
    event: String,
    /// Everything that will run, in order; only what is trusted.
    hooks: Vec<Hook>,
}

impl Course {
    /// Its hooks of the stages before the swap.
    fn before(&self) -> Vec<&Hook> {
        self.of(&lifecycle::before(&self.moves))
    }

    fn of(&self, stages: &[String]) -> Vec<&Hook> {
        stages.iter().flat_map(|stage| self.hooks.iter().filter(move |hook| hook.stage == *stage)).collect()
    }

    fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.moves == other.moves
    }
}

/// Where a move stands when its hooks are told of it.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// The board that it was decided on.
    tip: Tip,
    /// The board's commit with it; none for a draft in the hub.
    commit: Option<Oid>,
    /// Whether that has landed.
    landed: bool,
}

/// What stands between a decision and its swap.
#[derive(Default)]
struct Gate {
    /// Those whose hooks have run.
    passed: Vec<Course>,
    /// Those of the last decision.
    now: Vec<Course>,
    /// Those whose hooks have to run before the loop goes on.
    asks: Option<(Vec<Course>, Moment)>,
    /// What a rehearsal would have run.
    would: Vec<String>,
}

impl Gate {
    /// Lets a decision go on whose hooks have run; otherwise the loop is left with an error that nobody is shown.
    fn pass<A>(&mut self, core: &Core, tip: &Tip, wish: &Wish, proposal: &Proposal<A>) -> Result<(), Error> {
        let Some(commit) = proposal.updates.first().and_then(|update| update.new) else { return Ok(()) };
        if !core.has_hooks(tip)? {
            self.now.clear();
            return Ok(());
        }
        let courses = core.courses(tip, wish, proposal, commit)?;
        let fresh: Vec<Course> =
            courses.iter().filter(|one| !self.passed.iter().any(|passed| passed.is(one))).cloned().collect();
        self.now = courses;
        if core.options.rehearsal == Rehearsal::Dry {
            let lines = fresh.iter().flat_map(|course| course.before().into_iter().map(move |hook| (course, hook)));
            self.would = lines.map(|(course, hook)| format!("run {} for session `{}`", hook.name, course.id)).collect();
            return Ok(());
        }
        if fresh.iter().all(|course| course.before().is_empty()) {
            return Ok(());
        }
        self.asks = Some((fresh, Moment { tip: tip.clone(), commit: Some(commit), landed: false }));
        Err(Error::Interrupted { what: "hooks run first".to_owned() })
    }
}

impl Engine {
    /// Makes `wish` come true (see [`Engine::rounds`]), with the lifecycle hooks around it.
    ///
    /// # Errors
    /// Those of [`Engine::rounds`]; `untrusted` before anything is changed, `checks_failed` when a hook says no.
    pub(super) fn update_on<A>(
        &mut self,
        ground: Ground,
        wish: &Wish,
        extra: &[RefName],
        decide: &mut Decide<'_, A>,
    ) -> Result<Won<A>, Error> {
        let passed = self.lifecycle.passed.take().filter(|(nonce, _)| *nonce == wish.nonce);
        let mut gate = Gate { passed: passed.map(|(_, courses)| courses).unwrap_or_default(), ..Gate::default() };
        loop {
            let won = self.rounds(ground, wish, extra, &mut |core, tip| {
                gate.asks = None;
                let step = decide(core, tip)?;
                match &step {
                    Step::Swap(proposal) if ground == Ground::Board => gate.pass(core, tip, wish, proposal)?,
                    Step::Swap(_) | Step::Settled(_) => {}
                }
                Ok(step)
            });
            match (won, gate.asks.take()) {
                (Err(_), Some((courses, moment))) => {
                    self.run_before(&courses, &moment)?;
                    gate.passed.extend(courses);
                    self.lifecycle.passed = Some((wish.nonce.clone(), gate.passed.clone()));
                }
                (Err(Error::Dry { changes }), None) => {
                    return Err(Error::Dry { changes: gate.would.into_iter().chain(changes).collect() });
                }
                (won, _) => {
                    let won = won?;
                    if let Some(commit) = won.commit {
                        let moment = Moment { tip: won.tip.clone(), commit: Some(commit), landed: true };
                        self.follow(gate.now, moment);
                    }
                    return Ok(won);
                }
            }
        }
    }

    /// The same around a draft that is written into the hub, which no commit has yet.
    ///
    /// # Errors
    /// As [`Engine::update_on`], and those of `write`.
    pub(super) fn create_with_hooks(
        &mut self,
        tip: &Tip,
        id: &SessionId,
        write: &mut dyn FnMut(&Core) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !self.core.has_hooks(tip)? {
            return write(&self.core);
        }
        let courses = vec![self.core.course(tip, id, "created", "new")?];
        let mut moment = Moment { tip: tip.clone(), commit: None, landed: false };
        self.run_before(&courses, &moment)?;
        write(&self.core)?;
        moment.landed = true;
        self.follow(courses, moment);
        Ok(())
    }

    /// What follows a swap that is won. What is to run after a claim waits for its checkout.
    fn follow(&mut self, courses: Vec<Course>, moment: Moment) {
        let claims = courses.iter().any(|course| matches!(course.event.as_str(), "claimed" | "taken_over"));
        self.run_after(&courses, &moment, "after_save");
        if claims {
            self.lifecycle.after_claims = Some((courses, Box::new(moment)));
        } else {
            self.run_after_moves(&courses, &moment);
        }
    }

    /// The hooks after a claim, once everything is in its place.
    pub(super) fn follow_claims(&mut self) {
        if let Some((courses, moment)) = self.lifecycle.after_claims.take() {
            self.run_after_moves(&courses, &moment);
        }
    }

    fn run_after_moves(&mut self, courses: &[Course], moment: &Moment) {
        let mut stages: Vec<String> = courses.iter().flat_map(|course| lifecycle::after(&course.moves)).collect();
        stages.retain(|stage| stage != "after_save");
        stages.dedup();
        for stage in stages {
            self.run_after(courses, moment, &stage);
        }
    }
}

/// What the hooks of a command have come to, beyond one call of the loop.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    /// What is left to run when a claim's local effects are made.
    after_claims: Option<(Vec<Course>, Box<Moment>)>,
    /// What was passed for the last wish: one that is pushed to another place is not asked again.
    passed: Option<(Nonce, Vec<Course>)>,
}

impl Core {
    /// What the sessions of a proposal go through.
    fn courses<A>(&self, tip: &Tip, wish: &Wish, proposal: &Proposal<A>, commit: Oid) -> Result<Vec<Course>, Error> {
        let Some(event) = store::note(self.store.repository(), commit)?.event else { return Ok(Vec::new()) };
        // `claim --next` names none, and of several some may be held already.
        let claimed = proposal.claims.iter().map(|claim| claim.id.clone());
        let ids: Vec<SessionId> = if proposal.claims.is_empty() { wish.ids.clone() } else { claimed.collect() };
        ids.iter().map(|id| self.course(tip, id, &event, &wish.verb)).collect()
    }

    fn course(&self, tip: &Tip, id: &SessionId, event: &str, verb: &str) -> Result<Course, Error> {
        let moves = lifecycle::moves_of(event, verb);
        let stages: Vec<String> = match moves.is_empty() {
            true => Vec::new(),
            false => [lifecycle::before(&moves), lifecycle::after(&moves)].concat(),
        };
        let hooks = self.hooks_of(tip, id, &stages)?;
        if let Some(hook) = hooks.iter().find(|hook| self.options.inside.contains(&hook.stage)) {
            // Each would start the next, and the deadline of the first would end none of the others.
            return Err(Error::environment(format!(
                "a hook of `{}` makes a move that runs the hooks of `{}` again",
                hook.stage, hook.stage
            )));
        }
        Ok(Course { id: id.clone(), moves, event: event.to_owned(), hooks })
    }
}
