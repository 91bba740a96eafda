//! How acceptance criteria stand: shown, marked, added. The plan is frozen, so this is in the log and the record.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Engine, Error};
use super::{Spread, refuse_bulk};
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::log::{Entry, EntryKind};
use crate::domain::moves;
use crate::domain::record::{Criterion, CriterionStatus, Record};
use crate::domain::refusal::{Code, Refusal};

impl Engine {
    /// The session's criteria: the board's, with what the log here adds to them.
    ///
    /// # Errors
    /// `no_session`, `not_holder` where it is not active here.
    pub fn criteria(&mut self, query: &IdQuery) -> Result<Vec<Criterion>, Error> {
        let id = self.held_id(query)?;
        Ok(self.record_here(&id)?.criteria)
    }

    /// Says how criteria stand.
    ///
    /// # Errors
    /// `bad_id` for a criterion that there is not, `secret`; those of [`Engine::criteria`].
    pub fn mark_criteria(
        &mut self,
        query: &IdQuery,
        ids: &[String],
        status: CriterionStatus,
        evidence: Option<&str>,
        spread: Spread,
    ) -> Result<Vec<Criterion>, Error> {
        let id = self.held_id(query)?;
        let mut record = self.record_here(&id)?;
        self.core.workplace_or_refuse(&id)?;
        let before = record.print().len();
        for wanted in ids {
            if !record.criteria.iter().any(|criterion| criterion.id == *wanted) {
                let known: Vec<&str> = record.criteria.iter().map(|criterion| criterion.id.as_str()).collect();
                return Err(Refusal::new(
                    Code::BadId,
                    format!("session `{id}` has no criterion `{}`; it has {}", wanted.escape_debug(), known.join(", ")),
                )
                .hint("git session criteria")
                .into());
            }
            for criterion in record.criteria.iter_mut().filter(|criterion| criterion.id == *wanted) {
                criterion.evidence = evidence.map(str::to_owned);
            }
        }
        refuse_bulk(&record, before)?;
        self.rehearse(format!("note {} in the log of session `{id}`", ids.join(", ")))?;
        let mut last = None;
        for wanted in ids {
            let data = [
                ("id".to_owned(), Value::from(wanted.clone())),
                ("status".to_owned(), Value::from(status.as_str())),
                ("evidence".to_owned(), evidence.map_or(Value::Null, Value::from)),
            ];
            let text = format!("{wanted} {}", status.as_str());
            last = Some(self.core.append(&id, EntryKind::Criterion, &text, None, data.into_iter().collect())?);
        }
        self.spread_criteria(&id, last.as_ref(), spread)
    }

    /// Adds a criterion that the plan did not have.
    ///
    /// # Errors
    /// Those of [`Engine::mark_criteria`].
    pub fn add_criterion(&mut self, query: &IdQuery, text: &str, spread: Spread) -> Result<Vec<Criterion>, Error> {
        let id = self.held_id(query)?;
        let mut record = self.record_here(&id)?;
        self.core.workplace_or_refuse(&id)?;
        if text.trim().is_empty() {
            return Err(Error::Usage { message: "a criterion says what must hold".to_owned(), hint: None });
        }
        self.rehearse(format!("note a criterion in the log of session `{id}`"))?;
        // Numbered while nobody else adds one: two at once are two.
        let mut log = self.core.open_log(&id)?;
        moves::fold(&mut record, &log.entries()?);
        let before = record.print().len();
        let criterion = Criterion {
            id: next_id(&record),
            text: text.to_owned(),
            status: CriterionStatus::Open,
            evidence: None,
            at: None,
        };
        let data: BTreeMap<String, Value> = [
            ("id".to_owned(), Value::from(criterion.id.as_str())),
            ("status".to_owned(), Value::from(criterion.status.as_str())),
            ("text".to_owned(), Value::from(text)),
        ]
        .into();
        record.criteria.push(criterion);
        refuse_bulk(&record, before)?;
        let entry = log.add(EntryKind::Criterion, text, None, data)?;
        drop(log);
        self.spread_criteria(&id, Some(&entry), spread)
    }

    fn spread_criteria(
        &mut self,
        id: &SessionId,
        entry: Option<&Entry>,
        spread: Spread,
    ) -> Result<Vec<Criterion>, Error> {
        if let Some(entry) = entry {
            self.spread(id, entry, spread)?;
        }
        Ok(self.record_here(id)?.criteria)
    }
}

fn next_id(record: &Record) -> String {
    let last = record.criteria.iter().filter_map(|one| one.id.strip_prefix("AC-")?.parse::<u32>().ok()).max();
    format!("AC-{}", last.unwrap_or(0) + 1)
}
