//! `show`: one session, whole.

use clap::Args;
use serde_json::json;

use super::output::{Answer, safe};
use super::{Context, Failure, evidence, view};
use crate::engine::Shown;

/// Show one session: its plan, its record, its files
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  git session show auth-system\n  git session show auth-system --json")]
pub(super) struct Arguments {
    /// The session: its id, slug or a part of it
    id: Option<String>,
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let query = context.query(&engine, self.id.as_deref())?;
        let (shown, tip) = engine.show(&query)?;
        let listed = view::listed(&shown.listed);
        let mut session = shown.listed.record.as_ref().map_or_else(|| json!({}), view::record);
        if let Some(object) = session.as_object_mut() {
            // What `list` says of it, but never over what the record itself says.
            for (key, value) in listed.as_object().into_iter().flatten() {
                object.entry(key.clone()).or_insert_with(|| value.clone());
            }
            if let Some(line) = &shown.listed.archived {
                let (folder, commit) = (line.folder.as_str(), line.commit.as_str());
                object.insert("archived".to_owned(), json!({ "folder": folder, "commit": commit }));
            }
            object.insert("state".to_owned(), json!(shown.listed.state.folder()));
            object.insert("ready".to_owned(), json!(shown.listed.ready));
            object.insert("files".to_owned(), json!(shown.files));
            object.insert(
                "plan".to_owned(),
                json!({
                    "blob": shown.plan_blob, "frozen": shown.frozen.is_some(),
                    "changed": !shown.tampering.is_empty(),
                    "changes": shown.tampering.iter().map(view::tampering).collect::<Vec<_>>(),
                }),
            );
        }
        let data = json!({ "session": session, "tip": tip.board.to_string(), "stale": tip.stale.is_some(),
            "tip_skew_seconds": engine.tip_ahead(&tip) });
        let mut notes: Vec<String> =
            tip.stale.iter().map(|why| format!("this is the last known board: {why}")).collect();
        notes.extend(engine.tip_ahead(&tip).map(|ahead| evidence::skewed("the board's newest commit", ahead)));
        notes.extend(view::skew(&shown.listed));
        Ok(Answer::new(text(&shown, tip.now), data).with_notes(notes))
    }
}

fn text(shown: &Shown, now: crate::domain::time::Timestamp) -> String {
    let listed = &shown.listed;
    let mut text = format!("{}  {}\n{}\n", listed.id, listed.state, safe(&listed.title()));
    if let Some(claim) = listed.claim() {
        let who = if listed.state.closed() {
            format!("was held by {}", safe(claim.agent.as_str()))
        } else {
            format!("held by {}", safe(&view::holder(listed, now)))
        };
        text.push_str(&format!("{who}, epoch {}, on `{}`\n", claim.epoch, claim.branch));
        if listed.life.is_some() {
            text.push_str(&format!("last sign of life {}, lease {}\n", view::ago(claim.renewed_at, now), claim.lease));
        }
    }
    if let Some(line) = &listed.archived {
        text.push_str(&format!("archived: the history has its folder, in {} as {}\n", line.commit, line.folder));
    }
    if let Some(broken) = &listed.broken {
        text.push_str(&format!("broken: {}\n", safe(&broken.to_string())));
    }
    for why in &listed.why {
        text.push_str(&format!("not ready: {}\n", safe(&why.message)));
    }
    for tampering in &shown.tampering {
        text.push_str(&format!("plan changed: {}\n", safe(&tampering.to_string())));
    }
    for criterion in listed.record.iter().flat_map(|record| &record.criteria) {
        let evidence = criterion.evidence.as_ref().map_or_else(String::new, |evidence| format!(" ({evidence})"));
        text.push_str(&format!(
            "{} {}: {}{}\n",
            criterion.id,
            criterion.status.as_str(),
            safe(&criterion.text),
            safe(&evidence)
        ));
    }
    if let Some(result) = listed.record.as_ref().and_then(|record| record.result.as_ref()) {
        let words =
            result.summary.as_ref().or(result.reason.as_ref()).map_or_else(String::new, |words| format!(": {words}"));
        text.push_str(&format!("{} {}{}\n", result.outcome.as_str(), view::ago(result.ended_at, now), safe(&words)));
    }
    text.push_str(&format!("files: {}\n", safe(&shown.files.join(", "))));
    if let Some(plan) = &shown.plan_text {
        text.push_str(&format!("\n{plan}"));
    }
    text
}
