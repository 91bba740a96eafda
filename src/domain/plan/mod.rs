//! SESSION.md: the plan of a session, as people write it.
//!
//! Deliberately not here: printing a plan (that is `template`) and the status of its criteria. The plan is frozen
//! while the work goes on, so what became of it stands in the record.

mod front;
mod land;
mod markdown;

use super::format::{FormatError, Markers, text, without_markers};
use super::id::SessionId;
use super::time::Span;

pub use land::{Land, UnknownLand};
pub use markdown::neutral_text;
pub(super) use markdown::says_nothing;

/// A plan: the keys of its front matter, its sections and its acceptance criteria.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The title, when the front matter has one.
    pub title: Option<String>,
    /// Higher is offered first; 0 unless given.
    pub priority: i64,
    /// What an agent must be able to do.
    pub requires: Vec<String>,
    /// Sessions that must be completed first.
    pub depends_on: Vec<SessionId>,
    /// Globs of the paths that the work will touch.
    pub scope: Vec<String>,
    /// Free words to find it by.
    pub labels: Vec<String>,
    /// How long the work is thought to take.
    pub estimate: Option<Span>,
    /// How long a claim counts as alive without a sign of life.
    pub lease: Option<Span>,
    /// Shell commands that must succeed before it completes.
    pub validation: Vec<String>,
    /// An external task, by id or URL.
    pub task: Option<String>,
    /// The session that it was split off from.
    pub parent: Option<SessionId>,
    /// How the work lands; never [`Land::None`].
    pub land: Option<Land>,
    /// The text of the first `# ` line.
    pub heading: Option<String>,
    /// The parts under each further heading, in order.
    pub sections: Vec<Section>,
    /// The checkbox items of "Acceptance Criteria", in order.
    pub criteria: Vec<PlanCriterion>,
}

/// A part of the plan, from its heading to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading's text.
    pub name: String,
    /// What stands under it, without the blank lines around.
    pub text: String,
    /// The heading's line in the file, from 1.
    pub line: usize,
}

/// One acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanCriterion {
    /// `AC-1`, `AC-2` …, by order.
    pub id: String,
    /// What must be so; one line.
    pub text: String,
    /// Its line in the file, from 1.
    pub line: usize,
}

impl Plan {
    /// Most bytes that are read.
    pub const BYTES_MAX: usize = 1 << 20;

    /// Reads a plan.
    ///
    /// # Errors
    /// What is too big, not UTF-8, holds marks of a merge, or has front matter that is not strictly what it may be:
    /// an unknown or repeated key, a wrong type, an id or glob that is none; with the line where it is known.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let text = text(bytes, Self::BYTES_MAX, "1 MiB")?;
        without_markers(text, Markers::Named)?;
        let (front, body, lines_before) = front::split(text)?;
        let mut plan = front.map(front::parse).transpose()?.unwrap_or_default();
        let document = markdown::parse(body, lines_before);
        plan.heading = document.heading;
        plan.sections = document.sections;
        plan.criteria = document.criteria;
        Ok(plan)
    }

    /// What keeps it from being ready, one sentence each; empty when nothing does.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        match self.section("Context") {
            None => gaps.push("There is no section \"## Context\".".to_owned()),
            Some(text) if markdown::says_nothing(text) => {
                gaps.push("The section \"Context\" is empty: say what a newcomer has to know.".to_owned());
            }
            Some(_) => {}
        }
        if self.criteria.is_empty() {
            gaps.push(
                "The section \"Acceptance Criteria\" has no criterion: add items such as \"- [ ] It works.\"."
                    .to_owned(),
            );
        }
        gaps
    }

    /// What stands under the first heading of that name; upper and lower case are the same.
    pub fn section(&self, name: &str) -> Option<&str> {
        let lower = name.to_lowercase();
        self.sections.iter().find(|section| section.name.to_lowercase() == lower).map(|section| section.text.as_str())
    }

    /// The title, else what the heading says beyond the id, else the words of the id's slug.
    pub fn title_or(&self, id: &SessionId) -> String {
        if let Some(title) = self.title.as_deref().filter(|title| !title.trim().is_empty()) {
            return title.to_owned();
        }
        let heading = self.heading.as_deref().unwrap_or_default();
        let said = heading.strip_prefix("Session:").unwrap_or(heading).trim();
        if !markdown::says_nothing(said) && said != id.as_str() && said != id.slug() {
            return said.to_owned();
        }
        words(id.slug())
    }
}

/// `auth-system` as `Auth system`.
fn words(slug: &str) -> String {
    let mut chars = slug.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars.map(|c| if c == '-' { ' ' } else { c })).collect()
}

#[cfg(test)]
mod tests;
