//! The deviations, one by one: what each is called, how bad it is, and what explains it.

use super::super::record::CriterionStatus;
use super::super::severity::Severity;
use super::super::state::State;
use super::super::time::Span;
use super::subsessions::Standing;
use super::{Drift, Inputs, Origin, explain};

/// Declares the kinds once: variant, code, severity.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $code:literal $severity:ident,)*) => {
        /// What kind of deviation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code; `docs/drift.md` says what it means.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// How bad it is, unless something explains it.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

kinds! {
    /// The plan is another, and no override says so.
    PlanChanged "plan_changed" Error,
    /// A session ended with a criterion that is not met.
    CriterionUnmet "criterion_unmet" Error,
    /// A file was changed that the scope does not have.
    OutsideScope "outside_scope" Error,
    /// The plan was changed on the record.
    Overridden "overridden" Warning,
    /// A criterion is said not to be met, and the work goes on.
    CriterionFailing "criterion_failing" Warning,
    /// A criterion no longer has to be met.
    CriterionDropped "criterion_dropped" Warning,
    /// A criterion came.
    CriterionAdded "criterion_added" Warning,
    /// A subsession came.
    SubsessionAdded "subsession_added" Warning,
    /// The plan has a subsession no more.
    SubsessionDropped "subsession_dropped" Warning,
    /// A file was changed that only the overridden scope has.
    ScopeWidened "scope_widened" Warning,
    /// A session that this one depends on is not completed.
    DependencyOpen "dependency_open" Warning,
    /// A dependency came.
    DependencyAdded "dependency_added" Warning,
    /// A dependency is declared no more.
    DependencyDropped "dependency_dropped" Warning,
    /// It took longer than estimated.
    OverEstimate "over_estimate" Warning,
    /// A session ended, and nothing says that a subsession is done.
    SubsessionOpen "subsession_open" Note,
    /// A session ended, and a part of its scope was not changed.
    ScopeUntouched "scope_untouched" Note,
}

/// One deviation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// How bad it is: what is outside the scope and explained by a decision is a warning.
    pub severity: Severity,
    /// What it is about: a criterion's id, a title, a path, a glob, a session's id; `None` for the plan or the time.
    pub subject: Option<String>,
    /// What is so.
    pub message: String,
    /// The decisions that name it, by the ids of their log entries.
    pub explained_by: Vec<String>,
    /// Why the plan was overridden, where that is what it comes from.
    pub reason: Option<String>,
}

impl Drift {
    /// How many deviations there are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether anything is not as it was planned; notes are no deviation.
    pub fn deviates(&self) -> bool {
        self.count(Severity::Error) + self.count(Severity::Warning) > 0
    }
}

/// Gathers findings, and what explains them.
struct Found<'a> {
    inputs: &'a Inputs<'a>,
    /// The reasons of all overrides.
    reasons: Option<String>,
    all: Vec<Finding>,
}

impl Found<'_> {
    fn add(&mut self, kind: Kind, subject: Option<&str>, names: &[String], message: String) {
        let explained_by = explain::by(self.inputs.entries, names);
        let subject = subject.map(str::to_owned);
        self.all.push(Finding { kind, severity: kind.severity(), subject, message, explained_by, reason: None });
    }

    /// The same for what an override did.
    fn overridden(&mut self, kind: Kind, subject: &str, names: &[String], message: String) {
        self.add(kind, Some(subject), names, message);
        if let Some(last) = self.all.last_mut() {
            last.reason.clone_from(&self.reasons);
        }
    }
}

pub(super) fn find(drift: &Drift, inputs: &Inputs<'_>) -> Vec<Finding> {
    let reasons: Vec<&str> = drift.overrides.iter().map(|one| one.reason.as_str()).collect();
    let reasons = Some(reasons.join("; ")).filter(|reasons| !reasons.is_empty());
    let mut found = Found { inputs, reasons, all: Vec::new() };
    for message in &drift.plan.tampering {
        found.add(Kind::PlanChanged, None, &[], message.clone());
    }
    for one in &drift.overrides {
        let message = format!("the plan was overridden by `{}` at {}: {}", one.by, one.at, one.reason);
        found.add(Kind::Overridden, None, &[], message);
        if let Some(last) = found.all.last_mut() {
            last.reason = Some(one.reason.clone());
        }
    }
    criteria(drift, &mut found);
    subsessions(drift, &mut found);
    scope(drift, &mut found);
    dependencies(drift, &mut found);
    if let (Some(estimate), worked) = (drift.time.estimate, drift.time.worked_seconds)
        && worked > u64::from(estimate.seconds())
    {
        let worked = u32::try_from(worked).ok().and_then(Span::from_seconds);
        let worked = worked.map_or_else(|| "more than ten years".to_owned(), |worked| worked.to_string());
        found.add(Kind::OverEstimate, None, &[], format!("took {worked}, and was estimated at {estimate}"));
    }
    let mut all = found.all;
    all.sort_by_key(|finding| (finding.severity, finding.kind));
    all
}

fn criteria(drift: &Drift, found: &mut Found<'_>) {
    for row in &drift.criteria.rows {
        let names = [row.id.clone(), row.text.clone()];
        let text = &row.text;
        if row.origin == Origin::Overridden {
            found.overridden(Kind::CriterionAdded, &row.id, &names, format!("{} came by an override: {text}", row.id));
        } else if row.origin == Origin::Added {
            found.add(Kind::CriterionAdded, Some(&row.id), &names, format!("{} was added: {text}", row.id));
        }
        match row.status {
            CriterionStatus::Dropped if row.origin == Origin::Planned && !row.in_plan => {
                let message = format!("{} was dropped by an override: {text}", row.id);
                found.overridden(Kind::CriterionDropped, &row.id, &names, message);
            }
            CriterionStatus::Dropped => {
                found.add(Kind::CriterionDropped, Some(&row.id), &names, format!("{} was dropped: {text}", row.id));
            }
            CriterionStatus::Open | CriterionStatus::Unmet if drift.state.closed() => {
                found.add(Kind::CriterionUnmet, Some(&row.id), &names, format!("{} is not met: {text}", row.id));
            }
            CriterionStatus::Unmet => {
                found.add(Kind::CriterionFailing, Some(&row.id), &names, format!("{} is not met yet: {text}", row.id));
            }
            CriterionStatus::Open | CriterionStatus::Met => {}
        }
    }
}

fn subsessions(drift: &Drift, found: &mut Found<'_>) {
    for row in &drift.subsessions.rows {
        let (title, names) = (row.title.as_str(), [row.title.clone()]);
        match row.origin {
            Origin::Planned => {}
            Origin::Overridden => {
                let message = format!("the subsession `{title}` came by an override");
                found.overridden(Kind::SubsessionAdded, title, &names, message);
            }
            Origin::Added => {
                let spawned = row.spawned.as_ref().map_or_else(String::new, |id| format!(", as session `{id}`"));
                let message = format!("the subsession `{title}` was added{spawned}");
                found.add(Kind::SubsessionAdded, Some(title), &names, message);
            }
        }
        match row.standing {
            Standing::Dropped => {
                let message = format!("the subsession `{title}` was dropped by an override");
                found.overridden(Kind::SubsessionDropped, title, &names, message);
            }
            Standing::Kept if drift.state.closed() && !row.done => {
                let message = format!("nothing says that the subsession `{title}` is done");
                found.add(Kind::SubsessionOpen, Some(title), &names, message);
            }
            Standing::Kept => {}
        }
    }
}

fn scope(drift: &Drift, found: &mut Found<'_>) {
    for path in &drift.scope.outside {
        let message = format!("`{path}` is outside the scope");
        found.add(Kind::OutsideScope, Some(path), &explain::of_path(path), message);
        if let Some(last) = found.all.last_mut().filter(|last| !last.explained_by.is_empty()) {
            last.severity = Severity::Warning;
        }
    }
    for path in &drift.scope.widened {
        let message = format!("`{path}` was outside the scope until an override");
        found.overridden(Kind::ScopeWidened, path, &explain::of_path(path), message);
    }
    if drift.state.closed() && drift.files.is_some() {
        for glob in drift.scope.untouched() {
            let message = format!("nothing in `{glob}` was changed");
            found.add(Kind::ScopeUntouched, Some(glob), &[glob.to_owned()], message);
        }
    }
}

fn dependencies(drift: &Drift, found: &mut Found<'_>) {
    for one in &drift.dependencies {
        let (id, names) = (one.id.as_str(), [one.id.to_string()]);
        if one.origin != Origin::Planned {
            let message = format!("the dependency on `{id}` came by an override");
            found.overridden(Kind::DependencyAdded, id, &names, message);
        }
        if !one.declared {
            let message = format!("the dependency on `{id}` was dropped by an override");
            found.overridden(Kind::DependencyDropped, id, &names, message);
        } else if one.state != Some(State::Completed) {
            let how = one.state.map_or("on no board", State::folder);
            found.add(Kind::DependencyOpen, Some(id), &names, format!("the dependency `{id}` is {how}"));
        }
    }
}
