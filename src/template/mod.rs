//! The texts that this program writes from templates: plans, environment files, the pages of a board.
//!
//! Pure: an override comes in as text, the result goes out as text. Deliberately not here: where overrides lie, who
//! trusts them, and files. A template cannot read another one.

mod brief;
mod completion;
mod drift;
mod env;
mod page;
mod plan;
mod prime;
mod subset;

use std::collections::BTreeMap;
use std::io;

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig};

use crate::domain::format::{FormatError, shown};
use crate::domain::quote::Unprintable;

pub use crate::domain::quote::{printable, quote_fish, quote_powershell, quote_sh};
pub use brief::{BriefPage, Extent, length, render_brief};
pub use completion::render_completion;
pub use drift::{counted, figures, percent, render_drift, render_drift_of_all, totals, verdict};
pub use env::{EnvValues, exported_names, render_env};
pub use page::{render_agents, render_readme};
pub use plan::{KB_PLAN, KbDraft, PLAN, PlanDraft, render_kb_plan, render_plan};
pub use prime::{PrimePage, render_prime, render_skill};

/// Most bytes of a template.
pub const TEMPLATE_BYTES_MAX: usize = 256 << 10;

/// Most bytes that a template may print; the most that is read of a plan.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// Steps until a template has to be at its end. The longest of ours takes a few for each list item.
const FUEL: u64 = 200_000;

/// Why a template gives no text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The template itself is wrong: it does not compile, names an unknown variable, does not end …
    #[error("template `{template}`{}: {message}", place(*line))]
    Template {
        /// The template's file name.
        template: &'static str,
        /// The line in the template, from 1, where it is known.
        line: Option<usize>,
        /// What is so.
        message: String,
    },
    /// A value cannot be written.
    #[error("the value of {variable} is refused: {source}")]
    Value {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with it.
        source: Unprintable,
    },
    /// What the template printed is no plan.
    #[error("template `{template}` printed what is no plan: {source}")]
    Unusable {
        /// The template's file name.
        template: &'static str,
        /// What is wrong with it; lines are those of the printed text.
        source: FormatError,
    },
}

fn place(line: Option<usize>) -> String {
    line.map(|line| format!(" line {line}")).unwrap_or_default()
}

/// A template by name: the built-in text, or the text that takes its place.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'static str,
    text: &'a str,
}

impl Source<'_> {
    fn error(&self, line: Option<usize>, message: impl Into<String>) -> TemplateError {
        TemplateError::Template { template: self.name, line, message: message.into() }
    }

    /// Prints the template with these variables, which are all it may name.
    fn render(&self, variables: Vec<(&'static str, Value)>) -> Result<String, TemplateError> {
        if self.text.len() > TEMPLATE_BYTES_MAX {
            return Err(self.error(None, "larger than 256 KiB, the most that is read"));
        }
        if let Some((line, message)) = subset::violation(self.text) {
            return Err(self.error(Some(line), message));
        }
        let environment = environment();
        let template = environment.template_from_named_str(self.name, self.text).map_err(|error| self.fault(&error))?;
        let undeclared = template.undeclared_variables(false);
        let mut unknown: Vec<_> =
            undeclared.iter().filter(|name| variables.iter().all(|(known, _)| known != name)).collect();
        unknown.sort();
        if let Some(name) = unknown.first() {
            let known: Vec<_> = variables.iter().map(|(known, _)| *known).collect();
            let message = format!("unknown variable `{}`; it knows {}", shown(name), known.join(", "));
            return Err(self.error(line_of(self.text, name), message));
        }
        let mut output = Bounded(Vec::new());
        let context = Value::from(variables.into_iter().collect::<BTreeMap<_, _>>());
        template.render_captured_to(context, &mut output).map_err(|error| self.fault(&error))?;
        String::from_utf8(output.0).map_err(|_| self.error(None, "printed what is not UTF-8"))
    }

    fn fault(&self, error: &minijinja::Error) -> TemplateError {
        let kind = error.kind();
        let message = if kind == ErrorKind::OutOfFuel {
            "does not come to its end".to_owned()
        } else if kind == ErrorKind::WriteFailure {
            "prints more than 1 MiB".to_owned()
        } else {
            error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {}", shown(detail)))
        };
        self.error(error.line(), message)
    }
}

/// No loader, no globals, nothing that builds a value bigger than its input.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false);
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("only the default delimiters are used"));
    environment.add_filter("lower", |text: Value| filtered(&text, |text| text.to_lowercase()));
    environment.add_filter("upper", |text: Value| filtered(&text, |text| text.to_uppercase()));
    environment.add_filter("trim", |text: Value| filtered(&text, |text| text.trim().to_owned()));
    environment.add_filter("length", minijinja::filters::length);
    environment.add_filter("first", minijinja::filters::first);
    environment.add_filter("last", minijinja::filters::last);
    environment.add_filter("join", join);
    environment
}

/// A filter for texts alone: turned into a text, a list could be of any size.
fn filtered(value: &Value, filter: fn(&str) -> String) -> Result<String, minijinja::Error> {
    match value.as_str() {
        Some(text) => Ok(filter(text)),
        None => Err(minijinja::Error::new(ErrorKind::InvalidOperation, "this filter takes a text")),
    }
}

fn join(list: Value, between: Option<String>) -> Result<String, minijinja::Error> {
    let bad = |message: &'static str| minijinja::Error::new(ErrorKind::InvalidOperation, message);
    let mut joined = String::new();
    for (at, item) in list.try_iter()?.enumerate() {
        if at > 0 {
            joined.push_str(between.as_deref().unwrap_or_default());
        }
        joined.push_str(item.as_str().ok_or_else(|| bad("join takes a list of texts"))?);
        if joined.len() > OUTPUT_BYTES_MAX {
            return Err(bad("join makes more than 1 MiB"));
        }
    }
    Ok(joined)
}

/// The first line of a template that has `name` as a word of its own.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.lines().position(|line| line.split(|c| !word(c)).any(|found| found == name)).map(|at| at + 1)
}

/// Takes what a template prints, up to [`OUTPUT_BYTES_MAX`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
