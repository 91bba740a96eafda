//! What each part of a brief says, before anything is left out.

use super::fit::Part;
use super::{BriefPage, Extent};
use crate::domain::log::Entry;
use crate::domain::record::Criterion;
use crate::domain::story::{Origin, Story, section};

/// The parts with their names in the template, in the order of their claim to room that others leave.
pub(super) fn all(page: &BriefPage<'_>, extent: Extent) -> [(&'static str, Part); 12] {
    let (story, most) = (page.story, extent.item_bytes_max());
    let handoff = page.record.handoff.as_ref();
    let long = most * 3;
    let left = handoff.map(|left| format!("{} by {}:\n{}", left.at.minute(), left.by, left.summary));
    let point = story.checkpoints.last().map(|last| {
        let body = last.body.as_deref().map_or_else(String::new, |body| format!("\n{body}"));
        format!("{} {} {}{body}", last.id, last.at.minute(), last.title)
    });
    let blockers = handoff.map(|left| left.blockers.clone()).unwrap_or_default();
    let next = handoff.map(|left| left.next_steps.clone()).unwrap_or_default();
    let entry = |entry: &Entry| full(entry, extent);
    [
        ("HANDOFF", Part::first(left, long).with_share(100)),
        ("BLOCKERS", Part::first(blockers, most).with_share(60)),
        ("NEXT", Part::first(next, most).with_share(70)),
        ("CRITERIA", Part::first(story.criteria.iter().map(criterion), most).with_share(120)),
        ("PLAN", plan(page, extent).with_share(170)),
        ("CHECKPOINT", Part::first(point, long).with_share(60)),
        ("DECISIONS", Part::last(story.decisions.iter().map(entry), most).with_share(110)),
        ("RECENT", Part::last(recent(story, extent), most).with_share(150)),
        ("ERRORS", Part::last(story.errors.iter().map(entry), most).with_share(60)),
        ("ARTIFACTS", Part::first(artifacts(story), most).with_share(40)),
        ("CONTEXT", Part::first(context(page), most).with_share(30)),
        ("HOLDS", holds(page, most).with_share(30)),
    ]
}

/// In short: why and what, and the titles of the steps. In full: all of it.
fn plan(page: &BriefPage<'_>, extent: Extent) -> Part {
    let Some(plan) = page.plan else { return Part::first(None, 0) };
    if extent == Extent::Whole {
        return Part::first(page.plan_text.lines().map(str::to_owned), extent.item_bytes_max());
    }
    let texts = ["Problem Statement", "Context"].into_iter().filter_map(|name| section(plan, name));
    let texts = texts.map(|section| format!("{}: {}", section.name, section.text));
    let steps = page.story.subsessions.iter().map(|one| match &one.origin {
        Origin::Planned => format!("step: {}", one.title),
        Origin::Added => format!("added step: {}", one.title),
        Origin::Spawned(id) => format!("added step: {} (session {id})", one.title),
    });
    Part::first(texts.chain(steps), extent.item_bytes_max() * 3 / 2)
}

fn criterion(one: &Criterion) -> String {
    let evidence = one.evidence.as_ref().map_or_else(String::new, |evidence| format!(" ({evidence})"));
    format!("{} {}: {}{evidence}", one.id, one.status, one.text)
}

fn recent(story: &Story, extent: Extent) -> impl Iterator<Item = String> {
    story.recent.iter().map(move |entry| match extent {
        // One line each: there are twenty.
        Extent::Short => {
            let text = entry.text.split(['\n', '\r']).next().unwrap_or_default();
            let cut: String = text.chars().take(160).collect();
            let sign = if cut.len() < entry.text.len() { "…" } else { "" };
            format!("{} {}, {}: {cut}{sign}", entry.at.minute(), entry.kind, entry.agent)
        }
        Extent::Whole => format!("{} {}, {}", entry.at.minute(), entry.kind, words(entry)),
    })
}

fn full(entry: &Entry, extent: Extent) -> String {
    match extent {
        Extent::Short => format!("{} {}", entry.at.minute(), words(entry)),
        Extent::Whole => format!("{} {}", entry.at, words(entry)),
    }
}

fn words(entry: &Entry) -> String {
    let body = entry.body.as_deref().map_or_else(String::new, |body| format!("\n{body}"));
    format!("{}: {}{body}", entry.agent, entry.text)
}

fn artifacts(story: &Story) -> impl Iterator<Item = String> {
    let one_by_one = |(action, artifacts): (&String, &Vec<crate::domain::story::Artifact>)| {
        let paths: Vec<&str> = artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
        format!("{action}: {}", paths.join(", "))
    };
    story.artifacts.iter().map(one_by_one)
}

/// What the last holder named for the next one comes before what the session knows.
fn context<'a>(page: &BriefPage<'a>) -> impl Iterator<Item = String> + use<'a> {
    let left = page.record.handoff.iter().flat_map(|left| &left.context_for_next);
    left.chain(&page.record.context).map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{key}: {value}")
    })
}

fn holds(page: &BriefPage<'_>, most: usize) -> Part {
    match page.holds {
        Some((lead, paths)) => Part::first(paths.iter().cloned(), most).led_by(lead),
        None => Part::first(None, most),
    }
}
