//! How an error is told: its code and exit status, what it says, and the command that helps.

use serde_json::{Value, json};

use super::super::Failure;
use super::super::exit::{self, Fault};
use crate::config::ConfigError;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::{Code, Detail, Refusal};
use crate::engine::{CheckoutError, Error, chain};

/// An error as it is told.
pub(super) struct Told {
    code: &'static str,
    pub(super) status: u8,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    details: Value,
    /// What can be seen that bears on it, a line each; for programs it is in the details.
    pub(super) seen: Vec<String>,
}

impl Told {
    pub(super) fn json(&self) -> Value {
        json!({
            "code": self.code, "exit": self.status, "message": self.message, "hint": self.hint, "details": self.details,
        })
    }

    /// `again` is the very command that failed, for those that finish when they run again.
    pub(super) fn of(failure: &Failure, again: &str) -> Self {
        match failure {
            Failure::Usage { message, hint } => Self::fault(Fault::Usage, message.clone(), hint.clone(), json!({})),
            Failure::Config(error) => {
                let hint = if let ConfigError::Elsewhere { there, .. } = error {
                    Some(format!("cd {}", quote_sh_if_needed(&there.display().to_string())))
                } else {
                    None
                };
                Self::fault(Fault::Environment, chain(error), hint, json!({}))
            }
            Failure::Agent(agent) => {
                Self::fault(agent.fault, agent.message.clone(), agent.hint.clone(), agent.details.clone())
            }
            Failure::Other(error) => Self::fault(Fault::Internal, format!("{error:#}"), None, json!({})),
            Failure::Engine(error) => Self::of_engine(error, again),
        }
    }

    fn of_engine(error: &Error, again: &str) -> Self {
        let message = chain(error);
        match error {
            // The id that was named is part of the command that helps.
            Error::Refused(refusal)
                if refusal.code == Code::NoReason && refusal.hint.is_some() && !again.contains("--reason") =>
            {
                Self { hint: Some(format!("{again} --reason 'why'")), ..Self::of_refusal(refusal) }
            }
            Error::Refused(refusal) => Self::of_refusal(refusal),
            Error::Held { refusal, evidence } => {
                let mut told = Self::of_refusal(refusal);
                told.details["evidence"] = super::super::evidence::json(evidence);
                told.seen = super::super::evidence::lines(evidence);
                told
            }
            // Nothing is wrong with the board: this clone lacks an object, as partial clones do.
            Error::Broken(broken) if broken.code == "unreadable" => Self::fault(
                Fault::Environment,
                format!("this repository lacks an object of the board: {broken}"),
                Some("git fetch --refetch --no-filter".to_owned()),
                json!({ "finding": broken.code, "path": broken.path }),
            ),
            Error::Broken(broken) => Self::fault(
                Fault::Broken,
                message,
                Some("git session doctor".to_owned()),
                json!({ "finding": broken.code, "path": broken.path, "line": broken.line,
                        "id": broken.session.as_ref().map(ToString::to_string) }),
            ),
            Error::Contended { seconds, pushes } => Self::fault(
                Fault::Contended,
                message,
                Some(again.to_owned()),
                json!({ "seconds": seconds, "pushes": pushes }),
            ),
            Error::Waited { path, .. } => Self::fault(
                Fault::Contended,
                message,
                Some(format!("fuser -v {}", quote_sh_if_needed(&path.display().to_string()))),
                json!({ "lock": path }),
            ),
            Error::Denied { branch, reason } => Self::fault(
                Fault::Denied,
                message,
                // A protected main is the usual reason, and a board of its own the way around it.
                (!branch.contains('/') && !again.contains(" init")).then(|| "git session init --branch".to_owned()),
                json!({ "branch": branch, "reason": reason }),
            ),
            Error::Unreachable { url, reason } => {
                Self::fault(Fault::Unreachable, message, None, json!({ "url": url, "reason": reason }))
            }
            Error::Unauthorized { url, reason } => {
                Self::fault(Fault::Unauthorized, message, None, json!({ "url": url, "reason": reason }))
            }
            Error::Undecided { url, reason } => {
                Self::fault(Fault::Undecided, message, Some(again.to_owned()), json!({ "url": url, "reason": reason }))
            }
            Error::Interrupted { .. } => Self::fault(Fault::Interrupted, message, Some(again.to_owned()), json!({})),
            Error::Unfinished { detail, ids, .. } => {
                let mut details = json!({ "ids": ids });
                if let Some(object) = details.as_object_mut() {
                    object.insert((*detail).to_owned(), Value::Bool(true));
                }
                Self::fault(Fault::Unfinished, message, Some(again.to_owned()), details)
            }
            Error::Usage { hint, .. } => Self::fault(Fault::Usage, message, hint.clone(), json!({})),
            Error::Unpublished { id, entry, source } => {
                let mut told = Self::of_engine(source, again);
                told.details["entry"] = json!(entry);
                Self { message, hint: Some(format!("git session publish {id}")), ..told }
            }
            Error::Environment { hint, .. } => Self::fault(Fault::Environment, message, hint.clone(), json!({})),
            Error::Setting(_) => Self::fault(Fault::Config, message, Some("git session config".to_owned()), json!({})),
            Error::Checkout(
                CheckoutError::Link { .. } | CheckoutError::Outside { .. } | CheckoutError::Nested { .. },
            ) => Self::fault(Fault::Environment, message, None, json!({})),
            Error::Store(_)
            | Error::Checkout(_)
            | Error::Process(_)
            | Error::Template(_)
            | Error::Git(_)
            | Error::File { .. }
            | Error::Random(_)
            | Error::Remote(_)
            | Error::Dry { .. } => Self::fault(Fault::Internal, message, None, json!({})),
        }
    }

    fn of_refusal(refusal: &Refusal) -> Self {
        let details: serde_json::Map<String, Value> = refusal
            .details
            .iter()
            .map(|(key, detail)| {
                let value = match detail {
                    Detail::Text(text) => json!(text),
                    Detail::List(texts) => json!(texts),
                    Detail::Number(number) => json!(number),
                    Detail::Flag(flag) => json!(flag),
                };
                ((*key).to_owned(), value)
            })
            .collect();
        Self {
            code: refusal.code.as_str(),
            status: exit::of_refusal(refusal.code),
            message: refusal.message.clone(),
            hint: refusal.hint.clone(),
            details: Value::Object(details),
            seen: Vec::new(),
        }
    }

    fn fault(fault: Fault, message: String, hint: Option<String>, details: Value) -> Self {
        let (code, status) = fault.code();
        Self { code, status, message, hint, details, seen: Vec::new() }
    }
}
