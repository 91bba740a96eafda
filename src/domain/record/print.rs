//! Printing a record: every key of the schema, in the order of the contract.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::Value;

use super::super::yaml::{flow, key, quoted, scalar};
use super::unknown::Part;
use super::{Claim, Handoff, Lifetime, Outcome, Record};

pub(super) fn print(record: &Record) -> String {
    let mut page = Page::default();
    let top = Keys::top();
    page.plain(&top, "schema", Record::SCHEMA);
    page.plain(&top, "id", &record.id);
    page.text(&top, "title", &record.title);
    page.plain(&top, "created_at", record.created_at);
    page.text(&top, "created_by", &record.created_by);
    page.text_or_null(&top, "task", record.task.as_deref());
    page.plain_or_null(&top, "parent", record.parent.as_ref());
    page.plain_or_null(&top, "forked_from", record.forked_from.as_ref());
    match record.lifetime {
        Lifetime::Ephemeral => page.plain(&top, "ephemeral", true),
        Lifetime::Kept => {}
    }
    page.plain(&top, "status", record.status);
    match &record.claim {
        Some(claim) => page.claim(claim, record),
        None => page.plain(&top, "claim", "null"),
    }
    page.criteria(record);
    page.checkpoints(record);
    page.context(&top, "context", &record.context);
    match &record.handoff {
        Some(handoff) => page.handoff(handoff, record),
        None => page.plain(&top, "handoff", "null"),
    }
    page.runs(record);
    page.overrides(record);
    page.history(record);
    page.text_or_null(&top, "applied", record.applied.as_deref());
    match &record.result {
        Some(outcome) => page.result(outcome, record),
        None => page.plain(&top, "result", "null"),
    }
    page.unknown(&top, record, &Part::Top);
    page.text
}

/// How far in the keys of a part stand, and what stands before the first of a list entry.
struct Keys {
    indent: &'static str,
    first: std::cell::Cell<&'static str>,
}

impl Keys {
    fn top() -> Self {
        Self { indent: "", first: "".into() }
    }

    fn inner() -> Self {
        Self { indent: "  ", first: "  ".into() }
    }

    fn entry() -> Self {
        Self { indent: "  ", first: "- ".into() }
    }

    /// The indentation of the next key: `- ` once in a list entry.
    fn next(&self) -> &'static str {
        self.first.replace(self.indent)
    }
}

/// The text so far.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, keys: &Keys, name: &str, value: &str) {
        let line = format!("{}{} {value}\n", keys.next(), key(name, keys.indent));
        self.text.push_str(&line);
    }

    fn plain(&mut self, keys: &Keys, name: &str, value: impl Display) {
        self.line(keys, name, &value.to_string());
    }

    fn plain_or_null(&mut self, keys: &Keys, name: &str, value: Option<impl Display>) {
        self.line(keys, name, &value.map_or_else(|| "null".to_owned(), |value| value.to_string()));
    }

    fn text(&mut self, keys: &Keys, name: &str, value: &str) {
        self.line(keys, name, &scalar(value));
    }

    fn text_or_null(&mut self, keys: &Keys, name: &str, value: Option<&str>) {
        self.line(keys, name, &value.map_or_else(|| "null".to_owned(), scalar));
    }

    /// Hexadecimal digits. A few have the form of a number (`12e4`, `0b10`), all of those without a, c, d and f.
    fn hex(&mut self, keys: &Keys, name: &str, value: impl Display) {
        let digits = value.to_string();
        let text = digits.contains(['a', 'c', 'd', 'f']);
        self.line(keys, name, &if text { digits } else { quoted(&digits) });
    }

    fn heading(&mut self, name: &str, empty: bool) {
        self.text.push_str(&if empty { format!("{name}: []\n") } else { format!("{name}:\n") });
    }

    fn unknown(&mut self, keys: &Keys, record: &Record, part: &Part) {
        for (name, value) in record.unknown.of_part(part) {
            self.line(keys, name, &flow(value));
        }
    }

    fn context(&mut self, keys: &Keys, name: &str, context: &BTreeMap<String, Value>) {
        if context.is_empty() {
            return self.plain(keys, name, "{}");
        }
        let indent = format!("{}  ", keys.indent);
        self.text.push_str(&format!("{}{name}:\n", keys.next()));
        for (fact, value) in context {
            let value = if let Value::String(text) = value { scalar(text) } else { flow(value) };
            self.text.push_str(&format!("{indent}{} {value}\n", key(fact, &indent)));
        }
    }

    fn texts(&mut self, keys: &Keys, name: &str, values: &[String]) {
        if values.is_empty() {
            return self.plain(keys, name, "[]");
        }
        self.text.push_str(&format!("{}{name}:\n", keys.next()));
        for value in values {
            self.text.push_str(&format!("{}- {}\n", keys.indent, scalar(value)));
        }
    }

    fn claim(&mut self, claim: &Claim, record: &Record) {
        let keys = Keys::inner();
        self.heading("claim", false);
        self.text(&keys, "agent", claim.agent.as_str());
        self.text(&keys, "user", &claim.user);
        self.text(&keys, "host", &claim.host);
        self.hex(&keys, "nonce", &claim.nonce);
        self.plain(&keys, "epoch", claim.epoch);
        self.plain(&keys, "claimed_at", claim.claimed_at);
        self.plain(&keys, "renewed_at", claim.renewed_at);
        self.plain(&keys, "lease_seconds", claim.lease.seconds());
        self.text(&keys, "base_branch", &claim.base_branch);
        self.hex(&keys, "base_commit", &claim.base_commit);
        self.text(&keys, "branch", &claim.branch);
        self.hex(&keys, "plan", &claim.plan);
        self.plain(&keys, "checkout", claim.checkout);
        self.unknown(&keys, record, &Part::Claim(claim.nonce.to_string()));
    }

    fn criteria(&mut self, record: &Record) {
        self.heading("criteria", record.criteria.is_empty());
        for one in &record.criteria {
            let keys = Keys::entry();
            self.text(&keys, "id", &one.id);
            self.text(&keys, "text", &one.text);
            self.plain(&keys, "status", one.status);
            self.text_or_null(&keys, "evidence", one.evidence.as_deref());
            self.plain_or_null(&keys, "at", one.at);
            self.unknown(&keys, record, &Part::Entry("criteria", one.id.clone()));
        }
    }

    fn checkpoints(&mut self, record: &Record) {
        self.heading("checkpoints", record.checkpoints.is_empty());
        for one in &record.checkpoints {
            let keys = Keys::entry();
            self.text(&keys, "id", &one.id);
            self.text(&keys, "title", &one.title);
            self.plain(&keys, "at", one.at);
            self.unknown(&keys, record, &Part::Entry("checkpoints", one.id.clone()));
        }
    }

    fn handoff(&mut self, handoff: &Handoff, record: &Record) {
        let keys = Keys::inner();
        self.heading("handoff", false);
        self.text(&keys, "summary", &handoff.summary);
        self.texts(&keys, "next_steps", &handoff.next_steps);
        self.texts(&keys, "blockers", &handoff.blockers);
        self.context(&keys, "context_for_next", &handoff.context_for_next);
        self.text(&keys, "by", handoff.by.as_str());
        self.plain(&keys, "at", handoff.at);
        self.unknown(&keys, record, &Part::Handoff(handoff.at.to_string()));
    }

    fn runs(&mut self, record: &Record) {
        self.heading("runs", record.runs.is_empty());
        for one in &record.runs {
            let keys = Keys::entry();
            self.text(&keys, "run", &one.run);
            self.text(&keys, "agent", &one.agent);
            self.text_or_null(&keys, "conversation", one.conversation.as_deref());
            self.text(&keys, "cwd", &one.cwd);
            self.plain(&keys, "started_at", one.started_at);
            self.plain_or_null(&keys, "ended_at", one.ended_at);
            self.plain_or_null(&keys, "exit_code", one.exit_code);
            self.text_or_null(&keys, "outcome", one.outcome.as_deref());
            self.plain_or_null(&keys, "turns", one.turns);
            self.unknown(&keys, record, &Part::Entry("runs", one.run.clone()));
        }
    }

    fn overrides(&mut self, record: &Record) {
        self.heading("overrides", record.overrides.is_empty());
        for (at, one) in record.overrides.iter().enumerate() {
            let keys = Keys::entry();
            self.plain(&keys, "at", one.at);
            self.text(&keys, "by", one.by.as_str());
            self.text(&keys, "reason", &one.reason);
            self.hex(&keys, "old", &one.old);
            self.hex(&keys, "new", &one.new);
            self.unknown(&keys, record, &Part::Entry("overrides", at.to_string()));
        }
    }

    fn history(&mut self, record: &Record) {
        self.heading("history", record.history.is_empty());
        for (at, one) in record.history.iter().enumerate() {
            let keys = Keys::entry();
            self.text(&keys, "event", &one.event);
            self.text_or_null(&keys, "agent", one.agent.as_ref().map(|agent| agent.as_str()));
            self.plain_or_null(&keys, "epoch", one.epoch);
            self.plain(&keys, "at", one.at);
            self.text_or_null(&keys, "reason", one.reason.as_deref());
            self.unknown(&keys, record, &Part::Entry("history", at.to_string()));
        }
    }

    fn result(&mut self, outcome: &Outcome, record: &Record) {
        let keys = Keys::inner();
        self.heading("result", false);
        self.plain(&keys, "outcome", outcome.outcome);
        self.text_or_null(&keys, "summary", outcome.summary.as_deref());
        self.text_or_null(&keys, "reason", outcome.reason.as_deref());
        match &outcome.landed {
            Some(landed) => self.hex(&keys, "landed", landed),
            None => self.plain(&keys, "landed", "null"),
        }
        self.plain_or_null(&keys, "patch_bytes", outcome.patch_bytes);
        self.plain(&keys, "ended_at", outcome.ended_at);
        self.unknown(&keys, record, &Part::Result);
    }
}
