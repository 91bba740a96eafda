//! The declared scope against the files that were really changed.

use super::super::plan::Plan;
use super::super::scope::Scope;
use super::{Inputs, percent};

/// The declared scope and the files that were changed. Learnings of the session's own are in no scope and outside none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeDrift {
    /// The globs of the claimed plan.
    pub claimed: Vec<String>,
    /// The globs of the plan that holds now, with what each matched.
    pub globs: Vec<GlobRow>,
    /// Changed paths that both plans' globs match; all, where none was declared.
    pub inside: Vec<String>,
    /// Changed paths that only the later plan's globs match.
    pub widened: Vec<String>,
    /// Changed paths that no glob of the plan that holds now matches; none, where none was declared.
    pub outside: Vec<String>,
    /// `outside` and `widened` in percent of the changed paths; `None` without a scope or a change.
    pub outside_percent: Option<i64>,
}

/// One glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobRow {
    /// The glob.
    pub glob: String,
    /// How many changed paths it matches.
    pub changed: usize,
    /// How many paths of the base it matched; `None` where nobody looked.
    pub base: Option<usize>,
}

impl ScopeDrift {
    /// The globs that no changed path matches.
    pub fn untouched(&self) -> impl Iterator<Item = &str> {
        self.globs.iter().filter(|row| row.changed == 0).map(|row| row.glob.as_str())
    }
}

pub(super) fn compare(before: &Plan, after: &Plan, inputs: &Inputs<'_>) -> ScopeDrift {
    let mut drift = ScopeDrift { claimed: before.scope.clone(), ..ScopeDrift::default() };
    let all: Vec<&str> = inputs.changes.iter().flat_map(|all| all.iter()).map(|change| change.path.as_str()).collect();
    let changed = || all.iter().filter(|path| !path.starts_with(inputs.learnings));
    // What a plan says was parsed with it; an empty scope asks for nothing.
    let (Ok(then), Ok(now)) = (Scope::parse(&before.scope), Scope::parse(&after.scope)) else { return drift };
    for glob in &after.scope {
        let Ok(one) = Scope::parse(std::slice::from_ref(glob)) else { continue };
        let base = inputs.base_paths.map(|paths| paths.iter().filter(|path| one.matches(path)).count());
        let changed = changed().filter(|path| one.matches(path)).count();
        drift.globs.push(GlobRow { glob: glob.clone(), changed, base });
    }
    for path in changed() {
        let within = |scope: &Scope| scope.is_empty() || scope.matches(path);
        let list = match (within(&then), within(&now)) {
            (true, true) => &mut drift.inside,
            (false, true) => &mut drift.widened,
            (_, false) => &mut drift.outside,
        };
        list.push((*path).to_owned());
    }
    let count = changed().count();
    if count > 0 && !(then.is_empty() && now.is_empty()) {
        drift.outside_percent = percent(drift.outside.len() + drift.widened.len(), 0, count);
    }
    drift
}
