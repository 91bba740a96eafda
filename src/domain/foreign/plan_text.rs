//! What a plan of another tool says, by the headings of its scaffold. The whole text is kept beside it, so what is not
//! recognised is not lost.

use super::super::plan::Plan;

/// The parts of a plan that have a place in ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanText {
    /// What it is called, where that says something.
    pub title: Option<String>,
    /// What it is for.
    pub goal: String,
    /// What must hold at the end.
    pub done_when: Vec<String>,
    /// What must be respected, and what was to be done next.
    pub notes: Vec<String>,
}

impl PlanText {
    /// Reads a `plan.md`.
    pub fn read(text: &str) -> Self {
        // The same headings, fences and limits as in a plan of ours; marks of a merge make it no plan at all.
        let Ok(plan) = Plan::parse(without_front(text).as_bytes()) else { return Self::default() };
        let section = |name: &str| plan.section(name).map(said).unwrap_or_default();
        let heading = plan.heading.as_deref().unwrap_or_default();
        let title = heading.strip_prefix("Plan:").unwrap_or(heading).trim();
        let mut notes = Vec::new();
        for (name, word) in [
            ("Constraints", "Constraint"),
            ("Current checkpoint", "Current checkpoint"),
            ("Next action", "Next action"),
        ] {
            notes.extend(items(&section(name)).into_iter().map(|item| format!("{word}: {item}")));
        }
        Self {
            title: Some(title.to_owned()).filter(|title| !title.is_empty()),
            goal: section("Goal"),
            done_when: items(&section("Done when")),
            notes,
        }
    }
}

/// A rule at the top would be front matter to us, and is a rule.
fn without_front(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_start_matches(['\n', '\r', '-'])
}

/// What was written under a heading, without the scaffold's own words: whole lines in `*…*`.
fn said(text: &str) -> String {
    let kept = text.lines().filter(|line| !is_scaffold(line));
    kept.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn is_scaffold(line: &str) -> bool {
    let line = line.trim().trim_start_matches(['-', ' ']);
    let inner = line.strip_prefix('*').and_then(|rest| rest.strip_suffix('*'));
    inner.is_some_and(|inner| !inner.is_empty() && !inner.contains('*'))
}

/// The items of a list, each on one line; of a text without a list its paragraphs.
fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim();
        let bullet = ["- [ ] ", "- [x] ", "- [X] ", "- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark));
        match bullet {
            Some(item) => items.push(item.trim().to_owned()),
            None if line.is_empty() => {}
            None if open => {
                if let Some(last) = items.last_mut() {
                    last.push(' ');
                    last.push_str(line);
                }
            }
            None => items.push(line.to_owned()),
        }
        open = !line.is_empty();
    }
    items.retain(|item| !item.is_empty());
    items
}

#[cfg(test)]
mod tests {
    use super::PlanText;

    #[test]
    fn what_was_written_is_taken_and_the_scaffold_is_not() {
        let text = "# Plan: task.002\n\n## Goal\n\n*What durable intent does this session serve?*\n\n## Done when\n\n- *the observable conditions*\n";
        assert_eq!(PlanText::read(text), PlanText { title: Some("task.002".to_owned()), ..PlanText::default() });
        let text = "# Plan: Remove access\n\n## Goal\n\nNo more access.\n\n```\n## Done when\n```\n\n## Next action\n\nWrite the test\nfirst.\n\n## Constraints\n\n- one module\n  only\n\n## Done when\n\n- [x] tests pass\n- nobody has access\n";
        let plan = PlanText::read(text);
        assert_eq!(plan.goal, "No more access.\n\n```\n## Done when\n```");
        assert_eq!(plan.done_when, ["tests pass", "nobody has access"]);
        assert_eq!(plan.notes, ["Constraint: one module only", "Next action: Write the test first."]);
    }
}
