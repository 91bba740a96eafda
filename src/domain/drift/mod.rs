//! Drift: what was planned at the claim, held against what was done. Every figure is explained in `docs/drift.md`.
//!
//! Deliberately not here: where plans, logs and changes are read from, and how a comparison is shown.

mod criteria;
mod explain;
mod findings;
mod plan;
mod scope;
mod subsessions;
mod total;

use std::collections::BTreeMap;

use super::agent::AgentName;
use super::id::SessionId;
use super::log::{Entry, EntryKind};
use super::oid::ObjectId;
use super::plan::Plan;
use super::record::{Override, Record};
use super::state::State;
use super::time::{Span, Timestamp};
use super::worktime::work_time;

pub use criteria::{Criteria, CriterionRow};
pub use findings::{Finding, Kind};
pub use plan::{PlanDrift, claimed_plan};
pub use scope::{GlobRow, ScopeDrift};
pub use subsessions::{Standing, SubsessionRow, Subsessions};
pub use total::{Line, Total};

/// Everything that a comparison is made from.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// Where the session stands.
    pub state: State,
    /// Until when an unfinished session has been worked on.
    pub now: Timestamp,
    /// Its record, with the newest log entries folded in.
    pub record: &'a Record,
    /// The plan that was claimed; `None` where this repository does not have it.
    pub claimed: Option<PlanText<'a>>,
    /// The plan that the claim is bound to, after any override; `None` where this repository does not have it.
    pub bound: Option<PlanText<'a>>,
    /// The plan that stands there now; `None` where there is none.
    pub current: Option<PlanText<'a>>,
    /// Where the plan was changed without an override, a sentence each.
    pub tampering: &'a [String],
    /// Its log.
    pub entries: &'a [Entry],
    /// `subsessions.md`.
    pub page: &'a str,
    /// What was changed, outside the root; `None` where that is not known.
    pub changes: Option<&'a [FileChange]>,
    /// The folder of the session's own learnings, which no scope has to name: it ends with `/`.
    pub learnings: &'a str,
    /// The paths of the base that was claimed on; `None` where nobody asked.
    pub base_paths: Option<&'a [String]>,
    /// Where other sessions stand; what is not in it is on no board.
    pub places: &'a BTreeMap<SessionId, State>,
}

/// A plan with the text it was read from.
#[derive(Debug, Clone, Copy)]
pub struct PlanText<'a> {
    /// The blob.
    pub blob: &'a ObjectId,
    /// The text.
    pub text: &'a str,
    /// What it says; `None` where it cannot be read.
    pub plan: Option<&'a Plan>,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path from the top.
    pub path: String,
    /// Lines that are new; 0 for a binary file.
    pub added: u64,
    /// Lines that are gone; 0 for a binary file.
    pub removed: u64,
    /// Whether it has lines.
    pub content: Content,
}

/// What a changed file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// It has lines.
    Text,
    /// It has none that could be counted.
    Binary,
}

/// Where something that was to be done comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The plan that was claimed.
    Planned,
    /// A later text of the plan.
    Overridden,
    /// The holder, while it worked.
    Added,
}

impl Origin {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Overridden => "overridden",
            Self::Added => "added",
        }
    }
}

/// How large the change is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Changed files.
    pub files: usize,
    /// Those without lines.
    pub binary: usize,
    /// New lines.
    pub lines_added: u64,
    /// Lines that are gone.
    pub lines_removed: u64,
}

/// One dependency and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The session.
    pub id: SessionId,
    /// Whether it was declared at the claim.
    pub origin: Origin,
    /// Whether the plan still declares it.
    pub declared: bool,
    /// Where it stands; `None` where no board has it.
    pub state: Option<State>,
}

/// How long it was to take and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// What the plan says.
    pub estimate: Option<Span>,
    /// Held and at work.
    pub worked_seconds: u64,
    /// Held, and paused, blocked or handed over.
    pub paused_seconds: u64,
    /// The work in percent of the estimate.
    pub percent: Option<u64>,
}

/// A decision of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The entry's id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub agent: AgentName,
    /// What was decided.
    pub text: String,
}

/// By how much the scope grew: criteria and subsessions that came, in percent of those that were planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Growth {
    /// Criteria and subsessions of the claimed plan.
    pub planned: usize,
    /// Those that came.
    pub added: usize,
    /// Those of the claimed plan that were dropped.
    pub dropped: usize,
    /// `added` in percent of `planned`; `None` where nothing was planned and something came.
    pub percent: Option<i64>,
    /// `added - dropped` in percent of `planned`.
    pub net_percent: Option<i64>,
}

/// The plan held against what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The session.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// The plan's text, then and now.
    pub plan: PlanDrift,
    /// Its changes on the record.
    pub overrides: Vec<Override>,
    /// What became of the criteria.
    pub criteria: Criteria,
    /// What became of the subsessions.
    pub subsessions: Subsessions,
    /// The declared scope and the files that were changed.
    pub scope: ScopeDrift,
    /// The paths that were changed, sorted; `None` where that is not known.
    pub files: Option<Vec<String>>,
    /// How large the change is; `None` where that is not known.
    pub size: Option<Size>,
    /// Sessions that it depends on.
    pub dependencies: Vec<Dependency>,
    /// How long it took.
    pub time: Time,
    /// What was decided on the way.
    pub decisions: Vec<Decision>,
    /// By how much the scope grew.
    pub growth: Growth,
    /// Every deviation, the worst first.
    pub findings: Vec<Finding>,
}

/// Compares.
pub fn compare(inputs: &Inputs<'_>) -> Drift {
    let read = |text: &Option<PlanText<'_>>| text.as_ref().and_then(|text| text.plan).cloned();
    // What somebody wrote over it without an override binds nobody: it is told as text alone.
    let (claimed, bound, current) = (read(&inputs.claimed), read(&inputs.bound), read(&inputs.current));
    let first = |plans: [&'_ Option<Plan>; 3]| plans.into_iter().flatten().next().cloned().unwrap_or_default();
    let before = &first([&claimed, &bound, &current]);
    let after = &first([&bound, &claimed, &current]);
    let criteria = criteria::compare(before, after, inputs.record);
    let subsessions = subsessions::compare(before, after, inputs);
    let mut drift = Drift {
        id: inputs.record.id.clone(),
        title: inputs.record.title.clone(),
        state: inputs.state,
        plan: plan::compare(inputs),
        overrides: since_claim(inputs.record),
        scope: scope::compare(before, after, inputs),
        files: inputs.changes.map(|changes| changes.iter().map(|change| change.path.clone()).collect()),
        size: inputs.changes.map(size),
        dependencies: dependencies(before, after, inputs.places),
        time: time(before, after, inputs),
        decisions: decisions(inputs.entries),
        growth: growth(&criteria, &subsessions),
        criteria,
        subsessions,
        findings: Vec::new(),
    };
    drift.findings = findings::find(&drift, inputs);
    drift
}

/// The overrides that led from the claimed plan to the one that the claim is bound to now.
fn since_claim(record: &Record) -> Vec<Override> {
    plan::chain(record).to_vec()
}

fn size(changes: &[FileChange]) -> Size {
    Size {
        files: changes.len(),
        binary: changes.iter().filter(|change| change.content == Content::Binary).count(),
        lines_added: changes.iter().map(|change| change.added).sum(),
        lines_removed: changes.iter().map(|change| change.removed).sum(),
    }
}

fn dependencies(before: &Plan, after: &Plan, places: &BTreeMap<SessionId, State>) -> Vec<Dependency> {
    let new = after.depends_on.iter().filter(|id| !before.depends_on.contains(id)).map(|id| (id, Origin::Overridden));
    let declared = before.depends_on.iter().map(|id| (id, Origin::Planned)).chain(new);
    declared
        .map(|(id, origin)| Dependency {
            id: id.clone(),
            origin,
            declared: after.depends_on.contains(id),
            state: places.get(id).copied(),
        })
        .collect()
}

fn time(before: &Plan, after: &Plan, inputs: &Inputs<'_>) -> Time {
    let spent = work_time(inputs.record, inputs.now);
    let estimate = before.estimate.or(after.estimate);
    let percent = estimate.map(|estimate| {
        let whole = u64::from(estimate.seconds());
        (spent.worked_seconds.saturating_mul(200) + whole) / (2 * whole)
    });
    Time { estimate, worked_seconds: spent.worked_seconds, paused_seconds: spent.paused_seconds, percent }
}

fn decisions(entries: &[Entry]) -> Vec<Decision> {
    let decided = entries.iter().filter(|entry| entry.kind == EntryKind::Decision);
    decided
        .map(|entry| Decision {
            id: entry.id.clone(),
            at: entry.at,
            agent: entry.agent.clone(),
            text: entry.text.clone(),
        })
        .collect()
}

fn growth(criteria: &Criteria, subsessions: &Subsessions) -> Growth {
    let planned = criteria.planned + subsessions.planned;
    let added = criteria.added + subsessions.added;
    let dropped = criteria.dropped_of_plan + subsessions.dropped;
    Growth {
        planned,
        added,
        dropped,
        percent: percent(added, 0, planned),
        net_percent: percent(added, dropped, planned),
    }
}

/// `more - less` in percent of `whole`, rounded, halves away from zero; of nothing only nothing is a part.
fn percent(more: usize, less: usize, whole: usize) -> Option<i64> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX / 400);
    let (part, whole) = (number(more) - number(less), number(whole));
    match (part, whole) {
        (0, _) => Some(0),
        (_, 0) => None,
        (part, whole) => Some((part * 200 + whole * part.signum()) / (2 * whole)),
    }
}
