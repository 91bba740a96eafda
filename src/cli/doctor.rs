//! `doctor`: what is not as it should be.

mod remote;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::engine::doctor::{Diagnosis, Finding, Mend, Severity};

/// Look for broken invariants, half-states of older scripts, left-over checkouts; exit 8 on errors
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  git session doctor\n  git session doctor --fix          mend what is safe to mend; it destroys nothing\n  git session doctor remote         is this remote honest, open and fast?\n  git session doctor remote -n      what that would do there"
)]
pub(super) struct Arguments {
    /// Mend what is safe to mend
    #[arg(long)]
    fix: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    Remote(remote::Arguments),
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        if let Some(What::Remote(arguments)) = &self.what {
            return arguments.run(context);
        }
        let mut engine = context.engine()?;
        let diagnosis = if self.fix { engine.doctor_and_mend()? } else { engine.doctor()? };
        let errors = diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let data = json!({
            "findings": diagnosis.findings.iter().map(row).collect::<Vec<_>>(),
            "checked": { "sessions": diagnosis.sessions, "claims_here": diagnosis.holdings },
            "mended": diagnosis.mended,
        });
        Ok(Answer { status: if errors == 0 { 0 } else { 8 }, ..Answer::new(text(&diagnosis), data) })
    }
}

/// A finding for programs.
pub(super) fn row(finding: &Finding) -> serde_json::Value {
    let (fix, safe) = match &finding.mend {
        Some(Mend::ByHand(text)) => (Some(text), false),
        Some(Mend::Safe(text, _)) => (Some(text), true),
        None => (None, false),
    };
    json!({
        "code": finding.code, "severity": finding.severity.as_str(), "id": finding.id.as_ref().map(ToString::to_string),
        "path": finding.path, "message": finding.message, "fix": fix, "safe": safe,
    })
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for line in &diagnosis.mended {
        text.push_str(&format!("mended: {}\n", safe(line)));
    }
    text.push_str(&listed(&diagnosis.findings));
    if diagnosis.findings.is_empty() {
        text.push_str(&format!(
            "{} sessions and {} claims of this repository: all is well\n",
            diagnosis.sessions, diagnosis.holdings
        ));
    }
    text
}

/// The findings for people.
fn listed(findings: &[Finding]) -> String {
    findings.iter().map(told).collect()
}

/// A finding for people: what, where, and what to do.
pub(super) fn told(finding: &Finding) -> String {
    let id = finding.id.as_ref().map_or_else(String::new, |id| format!("session `{id}` "));
    let mut text = format!("{} {}: {id}{}\n", finding.severity.as_str(), finding.code, safe(&finding.message));
    if let Some(path) = &finding.path {
        text.push_str(&format!("    at {}\n", safe(path)));
    }
    match &finding.mend {
        Some(Mend::ByHand(what)) => text.push_str(&format!("    do: {}\n", safe(what))),
        Some(Mend::Safe(what, _)) => text.push_str(&format!("    `doctor --fix` would {}\n", safe(what))),
        None => {}
    }
    text
}
