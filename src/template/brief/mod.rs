//! `brief` for people and agents: Markdown in which every line of somebody else's words is marked as data.
//!
//! Deliberately not here: gathering it, and JSON.

mod fit;
mod parts;

use minijinja::Value;

use super::{Source, TemplateError};
use crate::domain::id::SessionId;
use crate::domain::lease::Life;
use crate::domain::plan::Plan;
use crate::domain::record::Record;
use crate::domain::state::State;
use crate::domain::story::Story;
use crate::domain::worktime::WorkTime;
use fit::{Part, fit, quoted};

const BRIEF: &str = include_str!("../../../templates/brief.md.j2");

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What an agent can read at the beginning of a conversation: about 2,000 tokens, counted as four bytes each.
    Short,
    /// Nearly everything (`--full`).
    Whole,
}

impl Extent {
    /// Most bytes of the whole text.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Short => 8_000,
            Self::Whole => 256 << 10,
        }
    }

    /// How many of the newest log entries are shown.
    pub const fn recent(self) -> usize {
        match self {
            Self::Short => 20,
            Self::Whole => 200,
        }
    }

    /// Most bytes of one entry of a list.
    const fn item_bytes_max(self) -> usize {
        match self {
            Self::Short => 400,
            Self::Whole => 16 << 10,
        }
    }
}

/// What a brief is made of.
#[derive(Debug, Clone, Copy)]
pub struct BriefPage<'a> {
    /// The session.
    pub id: &'a SessionId,
    /// Its state.
    pub state: State,
    /// Its record.
    pub record: &'a Record,
    /// Its plan, where it can be read.
    pub plan: Option<&'a Plan>,
    /// SESSION.md as text.
    pub plan_text: &'a str,
    /// What became of it.
    pub story: &'a Story,
    /// Whether its holder shows signs of life.
    pub life: Option<Life>,
    /// What is so of the session and should not be, in words of this program alone.
    pub warnings: &'a [String],
    /// What a checkout holds that is nowhere else: first a line in words of this program, then paths.
    pub holds: Option<(&'a str, &'a [String])>,
}

/// The brief, in at most [`Extent::bytes_max`] bytes.
///
/// Every line that is not this program's own begins with `>`; a line is what any reader could take for one, so nothing
/// breaks out. What is left out is counted.
///
/// # Errors
/// None that a page could bring about.
pub fn render_brief(page: &BriefPage<'_>, extent: Extent) -> Result<String, TemplateError> {
    let mut parts = parts::all(page, extent);
    let frame = render(page, extent, &parts.each_ref().map(|(name, part)| (*name, part.stub())))?.len();
    let texts = fit(parts.each_mut().map(|(_, part)| part), extent.bytes_max().saturating_sub(frame));
    let names = parts.each_ref().map(|(name, _)| *name);
    let mut named = names.into_iter().zip(texts);
    let texts = names.map(|name| (name, named.next().map(|(_, text)| text).unwrap_or_default()));
    render(page, extent, &texts)
}

fn render(page: &BriefPage<'_>, extent: Extent, texts: &[(&'static str, String)]) -> Result<String, TemplateError> {
    let more = match extent {
        Extent::Short => format!("More of it: `git session brief {0} --full`, or `--json`.", page.id),
        Extent::Whole => format!("Everything: `git session brief {} --json --full`.", page.id),
    };
    let warnings: Vec<Value> = page.warnings.iter().map(|warning| Value::from(warning.as_str())).collect();
    let mut variables = vec![
        ("ID", Value::from(page.id.as_str())),
        ("STANDING", Value::from(standing(page))),
        ("WORKED", Value::from(worked(page.story.time))),
        ("PROGRESS", Value::from(page.story.progress_summary())),
        ("WARNINGS", Value::from(warnings)),
        ("WHO", Value::from(who(page))),
        ("MORE", Value::from(more)),
    ];
    variables.extend(texts.iter().map(|(name, text)| (*name, Value::from(text.as_str()))));
    Source { name: "brief.md.j2", text: BRIEF }.render(variables)
}

/// `active, paused, epoch 2, lease alive`.
fn standing(page: &BriefPage<'_>) -> String {
    let mut words = vec![page.state.folder().to_owned()];
    if page.state == State::Active {
        words.push(page.record.status.as_str().replace('_', " "));
    }
    words.extend(page.record.claim.as_ref().map(|claim| format!("epoch {}", claim.epoch)));
    words.extend(page.life.map(|life| format!("lease {}", life.as_str())));
    words.join(", ")
}

fn worked(time: WorkTime) -> String {
    let paused = match time.paused_seconds {
        0 => String::new(),
        seconds => format!(", and paused for {}", length(seconds)),
    };
    format!("worked on for {}{paused}", length(time.worked_seconds))
}

/// `1h30m`, to the minute where it is longer than that.
pub fn length(seconds: u64) -> String {
    let whole = if seconds >= 60 { seconds / 60 * 60 } else { seconds };
    let span = u32::try_from(whole).ok().and_then(crate::domain::time::Span::from_seconds);
    span.map_or_else(|| format!("{seconds}s"), |span| span.to_string())
}

/// Names and titles are free text too.
fn who(page: &BriefPage<'_>) -> String {
    let mut lines = vec![format!("title: {}", page.record.title)];
    if let Some(claim) = &page.record.claim {
        let how = if page.state == State::Active { "held by" } else { "was held by" };
        lines.push(format!("{how} {} for {} on {}", claim.agent, claim.user, claim.host));
        lines.push(format!("branch {}, from {}", claim.branch, claim.base_branch));
    }
    let mut part = Part::first(lines, Extent::Short.item_bytes_max());
    quoted(&mut part, 1_200)
}

#[cfg(test)]
mod tests;
