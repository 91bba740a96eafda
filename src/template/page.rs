//! The pages that `init` writes.

use minijinja::Value;

use super::{Source, TemplateError, printable};

const README: &str = include_str!("../../templates/README.md.j2");
const AGENTS: &str = include_str!("../../templates/AGENTS.md.j2");

/// The protocol in one page, for the root of a board.
///
/// # Errors
/// A name with a control character.
pub fn render_readme(board_branch: &str, base_branch: &str, knowledge: &str) -> Result<String, TemplateError> {
    let source = Source { name: "README.md.j2", text: README };
    source.render(vec![
        named("BOARD_BRANCH", board_branch)?,
        named("BASE_BRANCH", base_branch)?,
        named("KNOWLEDGE", knowledge)?,
    ])
}

/// The marked block for AGENTS.md that tells an agent how to work; `root` is the board's folder.
///
/// # Errors
/// A name with a control character.
pub fn render_agents(root: &str) -> Result<String, TemplateError> {
    Source { name: "AGENTS.md.j2", text: AGENTS }.render(vec![named("ROOT", root)?])
}

pub(super) fn named(variable: &'static str, value: &str) -> Result<(&'static str, Value), TemplateError> {
    match printable(value) {
        Ok(value) => Ok((variable, Value::from(value))),
        Err(source) => Err(TemplateError::Value { variable, source }),
    }
}
