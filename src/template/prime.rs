//! What an agent is told that knows nothing yet: `prime`, and the skill.

use minijinja::Value;

use super::page::named;
use super::{Source, TemplateError};

const PRIME: &str = include_str!("../../templates/prime.md.j2");
const SKILL: &str = include_str!("../../templates/SKILL.md.j2");

/// What `prime` says, by where its reader stands. Texts that do not hold there may be empty.
#[derive(Debug, Clone, Default)]
pub struct PrimePage {
    /// `no_board`, `free`, `holder` or `former`.
    pub place: &'static str,
    /// The board's folder.
    pub root: String,
    /// The board branch.
    pub board: String,
    /// How many sessions there are, in words.
    pub counts: String,
    /// Who is acting.
    pub agent: String,
    /// Whether others may have the same name.
    pub is_shared: bool,
    /// What the reader holds: ids, and their folders quoted for a shell.
    pub held: Vec<(String, String)>,
    /// The session that this is a checkout of.
    pub id: String,
    /// The epoch of the reader's claim.
    pub epoch: String,
    /// Its status.
    pub status: String,
    /// Whether it has to be resumed first.
    pub is_paused: bool,
    /// How many criteria are met, in words.
    pub criteria: String,
    /// The checkout's folder, quoted for a shell.
    pub checkout: String,
    /// Where a session is now that the reader does not hold any more.
    pub now: String,
    /// The command that keeps what was done.
    pub keep: String,
    /// The hub, quoted for a shell.
    pub hub: String,
}

/// What an agent must know: at most about 1,500 tokens of four bytes.
///
/// # Errors
/// A name with a control character.
pub fn render_prime(page: &PrimePage) -> Result<String, TemplateError> {
    let held = page.held.iter().map(|(id, checkout)| {
        let one = [named("id", id)?, named("checkout", checkout)?];
        Ok(one.into_iter().collect::<std::collections::BTreeMap<_, _>>().into())
    });
    let held = held.collect::<Result<Vec<Value>, TemplateError>>()?;
    Source { name: "prime.md.j2", text: PRIME }.render(vec![
        ("PLACE", Value::from(page.place)),
        named("ROOT", &page.root)?,
        named("BOARD", &page.board)?,
        named("COUNTS", &page.counts)?,
        named("AGENT", &page.agent)?,
        ("SHARED", Value::from(page.is_shared)),
        ("HELD", Value::from(held)),
        named("ID", &page.id)?,
        named("EPOCH", &page.epoch)?,
        named("STATUS", &page.status)?,
        ("PAUSED", Value::from(page.is_paused)),
        named("CRITERIA", &page.criteria)?,
        named("CHECKOUT", &page.checkout)?,
        named("NOW", &page.now)?,
        named("KEEP", &page.keep)?,
        named("HUB", &page.hub)?,
    ])
}

/// SKILL.md in the layout that agent command lines read: front matter with name and description, then the text.
///
/// # Errors
/// A name with a control character.
pub fn render_skill(root: &str) -> Result<String, TemplateError> {
    Source { name: "SKILL.md.j2", text: SKILL }.render(vec![named("ROOT", root)?])
}
