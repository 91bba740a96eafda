//! Whether a holder is alive, as people and programs are shown it.

use serde_json::{Value, json};

use super::output::safe;
use super::view;
use crate::engine::{Evidence, Here};

/// For people, a line for each thing that can be seen.
pub(super) fn lines(evidence: &Evidence) -> Vec<String> {
    let now = evidence.now;
    let holder = match &evidence.claim {
        Some(claim) => format!("`{}` on {} holds epoch {}", claim.agent, claim.host, claim.epoch),
        None => "an unknown holder has the lock line".to_owned(),
    };
    let status = evidence.status.map_or("half-claimed", |status| status.as_str());
    let published = evidence
        .published
        .map_or_else(|| "never published".to_owned(), |at| format!("published {}", view::ago(at, now)));
    let published = if evidence.claim.is_some() { format!(", {published}") } else { String::new() };
    let mut lines = vec![safe(&format!(
        "{holder} of session `{}` since {} ({status}); last sign of life {}{published}; the lease of {} is {}",
        evidence.id,
        view::ago(evidence.since, now),
        view::ago(evidence.sign, now),
        evidence.lease,
        evidence.life.as_str(),
    ))];
    lines.extend(evidence.ahead_seconds.map(|ahead| skewed("the last sign of life", ahead)));
    lines.push(match &evidence.branch {
        Some(branch) => {
            let ahead =
                branch.ahead.map_or_else(String::new, |ahead| format!(" is {ahead} ahead of `{}`", evidence.base));
            let subject = safe(&branch.subject);
            format!("`{}` on the remote{ahead}; newest commit {}: {subject}", branch.name, view::ago(branch.at, now))
        }
        None => "no branch of the session on the remote".to_owned(),
    });
    lines.push(match &evidence.here {
        Some(Here { path, holds: Ok(loss) }) if loss.is_empty() => {
            format!("the checkout {} holds nothing that is not on the remote", view::shell(path))
        }
        Some(Here { path, holds: Ok(loss) }) => {
            format!("the checkout {} holds work that is nowhere else: {loss}", view::shell(path))
        }
        Some(Here { path, holds: Err(error) }) => {
            safe(&format!("the checkout {} cannot be read: {error}", view::shell(path)))
        }
        None => "no checkout of it in this repository".to_owned(),
    });
    lines.extend(evidence.landed.map(|landed| format!("its work is on `{}` already, as {landed}", evidence.base)));
    lines
}

/// The same for programs.
pub(super) fn json(evidence: &Evidence) -> Value {
    let claim = evidence.claim.as_ref();
    json!({
        "id": evidence.id.as_str(),
        "agent": claim.map(|claim| claim.agent.as_str()),
        "user": claim.map(|claim| claim.user.as_str()),
        "host": claim.map(|claim| claim.host.as_str()),
        "epoch": claim.map(|claim| claim.epoch),
        "status": evidence.status.map(|status| status.as_str()),
        "claimed_at": evidence.since.to_string(),
        "renewed_at": evidence.sign.to_string(),
        "silent_seconds": evidence.now.since(evidence.sign).max(0),
        "published_at": evidence.published.map(|at| at.to_string()),
        "lease_seconds": evidence.lease.seconds(),
        "lease": evidence.life.as_str(),
        "skew_seconds": evidence.ahead_seconds,
        "branch": evidence.branch.as_ref().map(|branch| json!({
            "name": branch.name,
            "commit": branch.commit.to_string(),
            "subject": branch.subject,
            "committed_at": branch.at.to_string(),
            "ahead": branch.ahead,
        })),
        "checkout": evidence.here.as_ref().map(here),
        "landed": evidence.landed.map(|commit| commit.to_string()),
    })
}

/// What a checkout holds.
pub(super) fn here(here: &Here) -> Value {
    let mut shown = json!({ "path": here.path.display().to_string() });
    let more = match &here.holds {
        Ok(loss) => json!({
            "clean": loss.is_empty(),
            "changed": loss.dirty,
            "untracked": loss.untracked,
            "unmerged": loss.unmerged,
            "stashes": loss.stashes,
            "unpushed": loss.commits.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "operation": loss.operation,
        }),
        Err(error) => json!({ "error": error }),
    };
    for (key, value) in more.as_object().into_iter().flatten() {
        shown[key] = value.clone();
    }
    shown
}

/// A clock that is ahead of ours, or ours behind it.
pub(super) fn skewed(what: &str, ahead_seconds: i64) -> String {
    let ahead = match ahead_seconds {
        ..=7199 => format!("{} min", ahead_seconds / 60),
        _ => format!("{} h", ahead_seconds / 3600),
    };
    format!("{what} is {ahead} in the future: one of the clocks is wrong")
}
