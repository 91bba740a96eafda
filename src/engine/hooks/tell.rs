//! What a hook is told: a JSON document of its move, the session's variables, and where it stands.

use std::path::PathBuf;

use serde_json::json;

use super::{Course, Hook, Moment};
use crate::checkout::identity::Identity;
use crate::domain::board::Shelf;
use crate::domain::plan::Plan;
use crate::domain::record::{Claim, Record};
use crate::domain::state::State;
use crate::engine::{Core, Error};

/// A session on one board.
#[derive(Debug, Default)]
struct Seen {
    state: Option<State>,
    record: Option<Record>,
    plan: Option<Plan>,
}

impl Core {
    /// The document, with a line end. Keys are only ever added.
    pub(super) fn document(&self, course: &Course, hook: &Hook, moment: &Moment) -> Result<Vec<u8>, Error> {
        let (was, is) = self.seen(course, moment)?;
        let record = is.record.as_ref().or(was.record.as_ref());
        let claim = is.claim().or(was.claim());
        let time = |time: Option<crate::domain::time::Timestamp>| time.map(|time| time.to_string());
        let title = record.map(|record| record.title.clone());
        let title = title.or_else(|| Some(is.plan.as_ref()?.title_or(&course.id)));
        let last = record.and_then(|record| record.history.last());
        let tip = &moment.tip;
        let document = json!({
            "schema_version": 1,
            "stage": hook.stage,
            "move": stage_move(course, &hook.stage),
            "event": course.event,
            "hook": hook.name,
            "origin": hook.source.as_str(),
            "session": {
                "id": course.id.as_str(),
                "slug": course.id.slug(),
                "title": title.unwrap_or_else(|| course.id.slug().to_owned()),
                "from": was.state.map(State::folder),
                "state": is.state.map(State::folder),
                "status": is.record.as_ref().filter(|_| is.state == Some(State::Active)).map(|record| record.status.as_str()),
                "task": record.and_then(|record| record.task.clone()),
                "parent": record.and_then(|record| record.parent.as_ref()).map(ToString::to_string),
                "branch": claim.map(|claim| claim.branch.clone()),
                "plan": claim.map(|claim| claim.plan.as_str()),
                "epoch": claim.map(|claim| claim.epoch),
                "holder": claim.map(|claim| claim.agent.as_str()),
                "reason": last.and_then(|last| last.reason.clone()),
            },
            "agent": self.options.agent.name.as_str(),
            "user": self.options.user.signed(),
            "host": self.options.host,
            "times": {
                "now": self.clock.now().to_string(),
                "created_at": time(record.map(|record| record.created_at)),
                "claimed_at": time(claim.map(|claim| claim.claimed_at)),
                "renewed_at": time(claim.map(|claim| claim.renewed_at)),
                "lease_seconds": claim.map(|claim| claim.lease.seconds()),
            },
            "board": {
                "branch": tip.board_branch(),
                "root": tip.whereabouts.layout.root(),
                "tip": tip.board.to_string(),
                "commit": moment.commit.filter(|_| moment.landed).map(|commit| commit.to_string()),
            },
            "base": { "branch": tip.base_branch(), "tip": tip.base.to_string() },
            "hub": self.options.place.hub_folder().display().to_string(),
        });
        Ok(format!("{document}\n").into_bytes())
    }

    /// Where a hook runs (the session's checkout if it is there, else the hub) and the session's variables. What is not
    /// there yet, such as the checkout before a claim, has no variable.
    pub(super) fn surroundings(
        &self,
        course: &Course,
        moment: &Moment,
    ) -> Result<(PathBuf, Vec<(String, String)>), Error> {
        let (was, is) = self.seen(course, moment)?;
        let id = &course.id;
        let place = self.workplace(id)?;
        let env_domain = &moment.tip.settings.env_domain;
        let mut variables = match is.claim().or(was.claim()) {
            Some(claim) => crate::engine::environment::pairs(&self.env_values(claim, id, env_domain)?),
            None => {
                let agent = &self.options.agent.name;
                let identity = Identity::new(agent, id, &self.user(), env_domain);
                [
                    ("GIT_AUTHOR_NAME", identity.author_name),
                    ("GIT_AUTHOR_EMAIL", identity.author_email),
                    ("GIT_COMMITTER_NAME", identity.committer_name),
                    ("GIT_COMMITTER_EMAIL", identity.committer_email),
                    ("SESSION_ID", id.to_string()),
                    ("SESSION_SLUG", id.slug().to_owned()),
                    ("BASE_BRANCH", moment.tip.base_branch().to_owned()),
                    ("SESSION_AGENT", agent.to_string()),
                ]
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec()
            }
        };
        if place.as_ref().is_none_or(|place| !place.folder.is_dir()) {
            variables.retain(|(name, _)| !matches!(name.as_str(), "SESSION_DIR" | "SESSION_CHECKOUT"));
        }
        let checkout = place.and_then(|place| place.checkout).filter(|checkout| checkout.is_dir());
        Ok((checkout.unwrap_or_else(|| self.options.place.hub_folder()), variables))
    }

    /// The session before the move and with it.
    fn seen(&self, course: &Course, moment: &Moment) -> Result<(Seen, Seen), Error> {
        let was = self.seen_on(course, moment, moment.tip.board)?;
        let is = match moment.commit {
            Some(commit) => self.seen_on(course, moment, commit)?,
            None => Seen { state: Some(State::Drafting), ..Seen::default() },
        };
        Ok((was, is))
    }

    fn seen_on(&self, course: &Course, moment: &Moment, commit: git2::Oid) -> Result<Seen, Error> {
        let shelf = self.shelf(&moment.tip, commit)?;
        for state in State::ALL {
            if shelf.holds(state, &course.id)? {
                let plan = shelf.plan(state, &course.id).ok().flatten().map(|file| file.plan);
                return Ok(Seen { state: Some(state), record: shelf.record(state, &course.id)?, plan });
            }
        }
        Ok(Seen::default())
    }
}

impl Seen {
    fn claim(&self) -> Option<&Claim> {
        self.record.as_ref().and_then(|record| record.claim.as_ref())
    }
}

/// The move that a stage is of: of a session that is created and made ready at once each stage has its own.
fn stage_move<'a>(course: &'a Course, stage: &str) -> &'a str {
    let own = course.moves.iter().find(|one| stage.ends_with(&format!("_{one}")));
    own.or(course.moves.last()).map_or("", String::as_str)
}
