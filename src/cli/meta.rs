//! `man`, and the reference: what the program says of itself.

use clap::{Args, CommandFactory};
use serde_json::json;

use super::output::{Answer, Raw};
use super::{Cli, Context, Failure};

/// Print the manual page of a verb, or of the whole
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  git session man claim | man -l -")]
pub(super) struct Man {
    /// The verb
    verb: Option<String>,
}

impl Man {
    pub(super) fn run(&self, _context: &mut Context) -> Result<Answer, Failure> {
        let mut whole = Cli::command();
        // A verb may refer to the global options, which it has only then.
        whole.build();
        let command = match &self.verb {
            None => whole,
            Some(verb) => {
                let found = whole.find_subcommand(verb).cloned().ok_or_else(|| Failure::Usage {
                    message: format!("no verb `{}`", super::output::safe(verb)),
                    hint: Some("git session -h".to_owned()),
                })?;
                found.display_name(format!("git session {verb}"))
            }
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(anyhow::Error::from)?;
        verbatim(page)
    }
}

fn verbatim(bytes: Vec<u8>) -> Result<Answer, Failure> {
    let text = String::from_utf8(bytes).map_err(anyhow::Error::from)?;
    Ok(Answer { raw: Raw::Verbatim, ..Answer::new(text.clone(), json!({ "text": text })) })
}

/// `docs/commands.md`: every verb with its help, as the program prints it.
#[cfg_attr(not(test), expect(dead_code, reason = "the page is written and compared by its test"))]
fn reference() -> String {
    let mut page = String::from(
        "# Commands\n\nGenerated from the program itself (`git session <verb> -h`). Every verb also has the global options below.\n",
    );
    let mut whole = Cli::command();
    whole.build();
    let globals = whole.clone().disable_help_subcommand(true).render_help().to_string();
    page.push_str(&format!("\n```text\n{}\n```\n", plain(&globals)));
    for verb in whole.get_subcommands_mut().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
        let name = verb.get_name().to_owned();
        page.push_str(&format!("\n## {name}\n{}", section(verb)));
        // Those that are more than a word in their verb's own help.
        for inner in verb.get_subcommands_mut().filter(|inner| inner.get_after_help().is_some()) {
            page.push_str(&format!("\n### {name} {}\n{}", inner.get_name().to_owned(), section(inner)));
        }
    }
    page
}

/// What a verb is for, and its help without the global options.
fn section(verb: &mut clap::Command) -> String {
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    for option in verb.clone().get_arguments().filter(|argument| argument.is_global_set()) {
        let id = option.get_id().clone();
        *verb = verb.clone().mut_arg(id, |argument| argument.hide(true));
    }
    format!("\n{about}.\n\n```text\n{}\n```\n", plain(&verb.render_help().to_string()))
}

fn plain(help: &str) -> String {
    help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
    fn the_reference_is_what_the_program_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        if stored != reference() && std::env::var_os("UPDATE_PAGES").is_some() {
            std::fs::write(path, reference()).unwrap();
            return;
        }
        assert_eq!(stored, reference(), "run the tests once with UPDATE_PAGES=1");
    }
}
