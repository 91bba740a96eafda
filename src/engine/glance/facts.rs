//! What a list needs of a plan and of a record, as bytes and back.
//!
//! Deliberately not here: everything else that a plan or record says. What comes back is not fit for a decision.

use super::bytes::{Reader, Writer};
use crate::domain::board::PlanFile;
use crate::domain::id::SessionId;
use crate::domain::plan::Plan;
use crate::domain::record::{Claim, Record};
use crate::domain::time::{Span, Timestamp};

/// A plan's title, front matter and blob, without its sections and criteria; empty for a session without a plan.
pub(super) fn of_plan(id: &SessionId, file: Option<&PlanFile>) -> Vec<u8> {
    let mut writer = Writer::default();
    if let Some(PlanFile { blob, plan }) = file {
        writer.text(blob.as_str());
        // As it is shown: it may come from the heading, or from the id.
        writer.text(&plan.title_or(id));
        writer.number(plan.priority);
        writer.texts(&plan.requires);
        writer.texts(&plan.depends_on);
        writer.texts(&plan.scope);
        writer.texts(&plan.labels);
    }
    writer.0
}

/// What [`of_plan`] wrote; `None` where that is not what these bytes are.
pub(super) fn plan(bytes: &[u8]) -> Option<Option<PlanFile>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let mut reader = Reader(bytes);
    let blob = reader.parsed()?;
    let plan = Plan {
        title: Some(reader.text()?.to_owned()),
        priority: reader.number()?,
        requires: reader.texts()?,
        depends_on: reader.texts()?,
        scope: reader.texts()?,
        labels: reader.texts()?,
        ..Plan::default()
    };
    reader.0.is_empty().then_some(Some(PlanFile { blob, plan }))
}

/// A record's title, age, status and claim, without its lists; empty for a session without a record.
pub(super) fn of_record(record: Option<&Record>) -> Vec<u8> {
    let mut writer = Writer::default();
    if let Some(record) = record {
        writer.text(record.id.as_str());
        writer.text(&record.title);
        writer.number(record.created_at.unix());
        writer.text(record.status.as_str());
        if let Some(claim) = &record.claim {
            of_claim(&mut writer, claim);
        }
    }
    writer.0
}

/// What [`of_record`] wrote; `None` where that is not what these bytes are.
pub(super) fn record(bytes: &[u8]) -> Option<Option<Record>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let mut reader = Reader(bytes);
    let (id, title) = (reader.parsed()?, reader.text()?.to_owned());
    let mut record = Record::new(id, title, Timestamp::from_unix(reader.number()?)?, String::new());
    record.status = reader.parsed()?;
    if !reader.0.is_empty() {
        record.claim = Some(claim(&mut reader)?);
    }
    reader.0.is_empty().then_some(Some(record))
}

fn of_claim(writer: &mut Writer, claim: &Claim) {
    writer.text(claim.agent.as_str());
    writer.text(&claim.user);
    writer.text(&claim.host);
    writer.text(claim.nonce.as_str());
    writer.number(claim.epoch.into());
    writer.number(claim.claimed_at.unix());
    writer.number(claim.renewed_at.unix());
    writer.number(claim.lease.seconds().into());
    writer.text(&claim.base_branch);
    writer.text(claim.base_commit.as_str());
    writer.text(&claim.branch);
    writer.text(claim.plan.as_str());
    writer.text(claim.checkout.as_str());
}

fn claim(reader: &mut Reader<'_>) -> Option<Claim> {
    Some(Claim {
        agent: reader.parsed()?,
        user: reader.text()?.to_owned(),
        host: reader.text()?.to_owned(),
        nonce: reader.parsed()?,
        epoch: u32::try_from(reader.number()?).ok()?,
        claimed_at: Timestamp::from_unix(reader.number()?)?,
        renewed_at: Timestamp::from_unix(reader.number()?)?,
        lease: Span::from_seconds(u32::try_from(reader.number()?).ok()?)?,
        base_branch: reader.text()?.to_owned(),
        base_commit: reader.parsed()?,
        branch: reader.text()?.to_owned(),
        plan: reader.parsed()?,
        checkout: reader.parsed()?,
    })
}
