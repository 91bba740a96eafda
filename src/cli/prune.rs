//! `prune`: what closed sessions have left, told first and taken away when asked.

use std::collections::BTreeSet;
use std::str::FromStr;

use clap::Args;
use serde_json::{Value, json};

use super::output::{Answer, safe};
use super::{Context, Failure, view};
use crate::domain::id::SessionId;
use crate::domain::moves::Retention;
use crate::domain::record::Lifetime;
use crate::domain::state::State;
use crate::engine::{Fate, Folders, Leaving, LeavingKind, Mode, Prunable, PruneAnswer, PruneRequest, Transcripts};

/// Tell what closed sessions have left, and take it away
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session prune                             what completed and abandoned sessions have left, nothing changes\n  git session prune --keep-days 90 --state abandoned\n\nIt changes nothing without --apply. With it, working memory leaves the board in one commit: log, checkpoints,\ndecisions, assumptions, validation notes, runs and active plan. Plan, record, patch, report and work log stay.\nRefs with unfinished work go from the remote, and checkouts here go when everything in them is landed, archived\nor committed to what is; whatever else is in one keeps it. What runs of agents printed goes\nfrom this clone. A session that has not ended is never touched.\n--archive takes the whole folder: a line in archive/<year>.jsonl stays, `show` reads the rest from the history.\nEphemeral sessions go first, whatever --keep-days says."
)]
pub(super) struct Arguments {
    /// Only what ended at least so many days ago
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    keep_days: u32,
    /// Only these: completed, abandoned (also done, dropped)
    #[arg(long, visible_alias = "status", value_name = "STATE", value_delimiter = ',', default_values = ["completed", "abandoned"], hide_default_value = true)]
    state: Vec<ClosedState>,
    /// Take whole folders off the board; the history keeps them
    #[arg(long)]
    archive: bool,
    /// Do it
    #[arg(long)]
    apply: bool,
}

/// A state that can be pruned; also by the words of other tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClosedState(State);

impl FromStr for ClosedState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "completed" | "done" => Ok(Self(State::Completed)),
            "abandoned" | "dropped" => Ok(Self(State::Abandoned)),
            _ if word.parse::<State>().is_ok() => {
                Err(format!("`{word}` sessions are never pruned: only completed and abandoned ones are"))
            }
            _ => Err(format!("`{}` is neither completed nor abandoned", word.escape_debug())),
        }
    }
}

impl Arguments {
    pub(super) fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
        let mut engine = context.engine()?;
        let states: BTreeSet<State> = self.state.iter().map(|closed| closed.0).collect();
        let answer = engine.prune(&PruneRequest {
            retention: Retention { keep_days: self.keep_days, states },
            folders: if self.archive { Folders::Archived } else { Folders::Stay },
            mode: if self.apply { Mode::Applied } else { Mode::Told },
        })?;
        let text = text(&answer);
        let data = self.data(&answer);
        Ok(Answer::new(text, data).with_notes(answer.warnings))
    }

    fn data(&self, answer: &PruneAnswer) -> Value {
        let total = |size: fn(&Prunable) -> u64| answer.sessions.iter().map(size).sum::<u64>();
        let states: BTreeSet<&str> = self.state.iter().map(|closed| closed.0.folder()).collect();
        json!({
            "dry_run": answer.mode == Mode::Told,
            "archive": self.archive,
            "keep_days": self.keep_days,
            "states": states,
            "sessions": answer.sessions.iter().map(|one| session(one, answer)).collect::<Vec<_>>(),
            "undated": answer.undated.iter().map(SessionId::as_str).collect::<Vec<_>>(),
            "total": {
                "sessions": answer.sessions.len(),
                "bytes": total(Prunable::bytes),
                "refs": total(|one| (one.refs.len() + one.refs_here.len()) as u64),
                "checkout_bytes": total(freed),
                "transcript_bytes": total(forgotten),
            },
            "commit": answer.commit.map(|commit| commit.to_string()),
        })
    }
}

/// How many bytes of checkouts go.
fn freed(one: &Prunable) -> u64 {
    one.checkouts.iter().filter(|leaving| !matches!(leaving.fate, Fate::Stays(_))).map(|leaving| leaving.bytes).sum()
}

/// How many bytes of transcripts go.
fn forgotten(one: &Prunable) -> u64 {
    one.transcripts.as_ref().filter(|found| !matches!(found.fate, Fate::Stays(_))).map_or(0, |found| found.bytes)
}

fn age_days(one: &Prunable, answer: &PruneAnswer) -> i64 {
    answer.now.since(one.ended_at).max(0) / 86_400
}

fn session(one: &Prunable, answer: &PruneAnswer) -> Value {
    json!({
        "id": one.id.as_str(),
        "state": one.state.folder(),
        "ended_at": one.ended_at.to_string(),
        "age_days": age_days(one, answer),
        "ephemeral": one.lifetime == Lifetime::Ephemeral,
        "bytes": one.bytes(),
        "files": one.files.iter().map(|(path, bytes)| json!({ "path": path, "bytes": bytes })).collect::<Vec<_>>(),
        "refs": one.refs.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        "refs_here": one.refs_here,
        "checkouts": one.checkouts.iter().map(checkout).collect::<Vec<_>>(),
        "transcripts": one.transcripts.as_ref().map(transcripts),
    })
}

fn transcripts(found: &Transcripts) -> Value {
    json!({
        "path": found.folder.display().to_string(),
        "files": found.files,
        "bytes": found.bytes,
        "goes": !matches!(found.fate, Fate::Stays(_)),
        "why": why(&found.fate),
    })
}

fn why(fate: &Fate) -> Option<&str> {
    match fate {
        Fate::Stays(why) => Some(why),
        Fate::Goes | Fate::Gone => None,
    }
}

fn checkout(leaving: &Leaving) -> Value {
    json!({
        "path": leaving.path.display().to_string(),
        "kind": kind(leaving.kind),
        "bytes": leaving.bytes,
        "goes": !matches!(leaving.fate, Fate::Stays(_)),
        "why": why(&leaving.fate),
    })
}

fn kind(kind: LeavingKind) -> &'static str {
    match kind {
        LeavingKind::Checkout => "checkout",
        LeavingKind::Link => "link",
        LeavingKind::Files => "files",
    }
}

fn text(answer: &PruneAnswer) -> String {
    let mut text = String::new();
    for one in &answer.sessions {
        let ephemeral = if one.lifetime == Lifetime::Ephemeral { ", ephemeral" } else { "" };
        let when = view::ago(one.ended_at, answer.now);
        let mut parts = Vec::new();
        if !one.files.is_empty() {
            let what = if one.folder == Folders::Archived { "its folder" } else { "working memory" };
            parts.push(format!("{what} ({}, {})", counted(one.files.len(), "file"), size(one.bytes())));
        }
        let refs = one.refs.len() + one.refs_here.len();
        if refs > 0 {
            parts.push(counted(refs, "ref"));
        }
        let going = one.checkouts.iter().filter(|leaving| !matches!(leaving.fate, Fate::Stays(_))).count();
        if going > 0 {
            parts.push(format!("{} ({})", counted(going, "checkout"), size(freed(one))));
        }
        if let Some(found) = one.transcripts.as_ref().filter(|found| why(&found.fate).is_none()) {
            parts.push(format!("{} ({})", counted(found.files, "transcript"), size(found.bytes)));
        }
        let parts = if parts.is_empty() { "nothing goes".to_owned() } else { parts.join(", ") };
        text.push_str(&format!("{}  {} {when}{ephemeral}: {parts}\n", one.id, one.state));
        let checkouts = one.checkouts.iter().map(|leaving| (&leaving.path, &leaving.fate));
        for (path, fate) in checkouts.chain(one.transcripts.iter().map(|found| (&found.folder, &found.fate))) {
            if let Some(why) = why(fate) {
                text.push_str(&format!("  stays: {} ({})\n", view::shell(path), safe(why)));
            }
        }
    }
    for id in &answer.undated {
        text.push_str(&format!("{id}  stays: nothing says when it ended\n"));
    }
    let bytes: u64 = answer.sessions.iter().map(|one| one.bytes() + freed(one) + forgotten(one)).sum();
    let count = counted(answer.sessions.len(), "session");
    match answer.mode {
        _ if answer.sessions.is_empty() => text.push_str("nothing to prune\n"),
        Mode::Told => text.push_str(&format!("{count}, {}; nothing was changed: that is for `--apply`\n", size(bytes))),
        Mode::Applied => text.push_str(&format!("{count}, {}, gone but for what stays\n", size(bytes))),
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
