//! `doctor`: what is not as it should be.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure};
use crate::engine::doctor::{Diagnosis, Finding, Mend, Severity};

/// Look for broken invariants, half-states of older scripts, left-over checkouts; exit 8 on errors
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session doctor\n  git session doctor --fix          mend what is safe to mend; it destroys nothing"
)]
pub(super) struct Arguments {
    /// Mend what is safe to mend
    #[arg(long)]
    fix: bool,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
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

fn row(finding: &Finding) -> serde_json::Value {
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
    for finding in &diagnosis.findings {
        let id = finding.id.as_ref().map_or_else(String::new, |id| format!("session `{id}` "));
        text.push_str(&format!("{} {}: {id}{}\n", finding.severity.as_str(), finding.code, safe(&finding.message)));
        if let Some(path) = &finding.path {
            text.push_str(&format!("    at {}\n", safe(path)));
        }
        match &finding.mend {
            Some(Mend::ByHand(what)) => text.push_str(&format!("    do: {}\n", safe(what))),
            Some(Mend::Safe(what, _)) => text.push_str(&format!("    `doctor --fix` would {}\n", safe(what))),
            None => {}
        }
    }
    if diagnosis.findings.is_empty() {
        text.push_str(&format!(
            "{} sessions and {} claims of this repository: all is well\n",
            diagnosis.sessions, diagnosis.holdings
        ));
    }
    text
}
