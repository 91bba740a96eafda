//! The plan of work: which sessions there are and what each of them writes. Pure: the same seed makes the same work,
//! so that the audit can tell from the seed alone what must have landed.
//!
//! Every session adds files of its own and changes its own entry of a catalog that all share, so that each landing
//! is a real merge, and none is a conflict.

use fastrand::Rng;

/// The work of one demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkPlan {
    /// What it was made from.
    pub seed: u64,
    /// The folder that all of it is in, from the top.
    pub folder: String,
    /// One task for each session.
    pub tasks: Vec<Task>,
}

/// What one session does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// From 1.
    pub number: usize,
    /// The session's title.
    pub title: String,
    /// The files that it adds: paths from the top, and contents.
    pub files: Vec<(String, String)>,
}

const VERBS: [&str; 10] =
    ["Add tests for", "Cache", "Document", "Harden", "Log", "Measure", "Simplify", "Speed up", "Split", "Translate"];
const NOUNS: [&str; 10] =
    ["billing", "export", "imports", "login", "mailer", "parser", "reports", "router", "scheduler", "search"];
const WORDS: [&str; 16] = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "jade", "kelp", "lotus", "maple",
    "north", "opal", "pine",
];

/// Most files of one session, and most lines of one file.
const FILES_MAX: usize = 3;
const LINES_MAX: usize = 30;

impl WorkPlan {
    /// The work of `sessions` sessions below `folder`.
    pub fn new(seed: u64, sessions: usize, folder: &str) -> Self {
        let mut dice = Rng::with_seed(seed);
        let mut pairs: Vec<(&str, &str)> =
            VERBS.iter().flat_map(|verb| NOUNS.iter().map(|noun| (*verb, *noun))).collect();
        dice.shuffle(&mut pairs);
        let tasks = (1..=sessions)
            .zip(pairs.iter().cycle())
            .map(|(number, (verb, noun))| {
                let round = (number - 1) / pairs.len();
                let part = if round == 0 { String::new() } else { format!(" part {}", round + 1) };
                let title = format!("{verb} {noun}{part}");
                let files = (1..=dice.usize(1..=FILES_MAX))
                    .map(|file| (format!("{folder}/{noun}/{number:04}-{file}.txt"), content(&mut dice, &title)))
                    .collect();
                Task { number, title, files }
            })
            .collect();
        Self { seed, folder: folder.to_owned(), tasks }
    }

    /// The path of the catalog that every session changes.
    pub fn catalog_path(&self) -> String {
        format!("{}/catalog.md", self.folder)
    }

    /// The catalog before any work.
    pub fn catalog(&self) -> String {
        let entries = self.tasks.iter().map(|task| {
            // Entries are far enough apart that changes of neighbours never touch.
            format!("\n## {:04} {}\n\n{}\n\nOne of {}.\n", task.number, task.title, task.open(), self.tasks.len())
        });
        std::iter::once("# Catalog\n".to_owned()).chain(entries).collect()
    }

    /// The task of a session, by what its plan names.
    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| self.task_name(task) == name)
    }

    /// What the plan of a task's session names as its task.
    pub fn task_name(&self, task: &Task) -> String {
        format!("{}/{:04}", self.folder, task.number)
    }
}

impl Task {
    /// Its line in the catalog before the work.
    pub fn open(&self) -> String {
        format!("status of {:04}: open", self.number)
    }

    /// Its lines in the catalog after the work; some entries grow, so that those below move.
    pub fn done(&self) -> String {
        let files: Vec<&str> = self.files.iter().map(|(path, _)| path.as_str()).collect();
        let separator = if self.number.is_multiple_of(2) { ", " } else { ",\n" };
        format!("status of {:04}: done in {}", self.number, files.join(separator))
    }
}

fn content(dice: &mut Rng, title: &str) -> String {
    let mut text = format!("{title}\n\n");
    for _ in 0..dice.usize(3..=LINES_MAX) {
        let words: Vec<&str> = (0..dice.usize(2..=8)).filter_map(|_| dice.choice(WORDS)).collect();
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::WorkPlan;

    #[test]
    fn the_same_seed_makes_the_same_work_and_another_seed_makes_other_work() {
        let plan = WorkPlan::new(7, 250, "demo");
        assert_eq!(plan, WorkPlan::new(7, 250, "demo"));
        assert_ne!(plan.tasks, WorkPlan::new(8, 250, "demo").tasks);
        assert_eq!(plan.tasks.get(..12), Some(WorkPlan::new(7, 12, "demo").tasks.as_slice()), "more is only more");
    }

    #[test]
    fn every_title_file_and_line_of_the_catalog_is_there_once() {
        let plan = WorkPlan::new(1, 1000, "demo");
        let titles: std::collections::HashSet<_> = plan.tasks.iter().map(|task| &task.title).collect();
        let files: std::collections::HashSet<_> = plan.tasks.iter().flat_map(|task| &task.files).collect();
        assert_eq!(titles.len(), 1000);
        assert_eq!(files.len(), plan.tasks.iter().map(|task| task.files.len()).sum::<usize>());
        let catalog = plan.catalog();
        for task in &plan.tasks {
            assert_eq!(catalog.matches(&task.open()).count(), 1);
            assert_eq!(plan.task(&plan.task_name(task)), Some(task));
        }
    }
}
