//! The tables: what was measured, against what, and whether a target was reached.

use std::fmt::Write as _;

/// One line of a table. What was not measured has none.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) against: String,
    pub(crate) ratio: String,
    pub(crate) target: String,
    pub(crate) reached: Option<bool>,
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), measured: measured.into(), ..Self::default() }
    }

    pub(crate) fn against(mut self, against: impl Into<String>) -> Self {
        self.against = against.into();
        self
    }

    pub(crate) fn ratio(mut self, ratio: impl Into<String>) -> Self {
        self.ratio = ratio.into();
        self
    }

    /// Without a target, where this row is none of those that have one.
    pub(crate) fn target(mut self, target: Option<(String, bool)>) -> Self {
        if let Some((target, reached)) = target {
            (self.target, self.reached) = (target, Some(reached));
        }
        self
    }

    /// At most `bound`, of what is shown as `shown`.
    pub(crate) fn at_most(self, value: f64, bound: f64, shown: &str) -> Self {
        self.target(Some((format!("≤ {shown}"), value <= bound)))
    }

    /// At least `bound`, of what is shown as `shown`.
    pub(crate) fn at_least(self, value: f64, bound: f64, shown: &str) -> Self {
        self.target(Some((format!("≥ {shown}"), value >= bound)))
    }

    fn text(&self) -> String {
        let reached = self.reached.map_or("", |reached| if reached { "yes" } else { "**no**" });
        let Self { what, measured, against, ratio, target, .. } = self;
        format!("| {what} | {measured} | {against} | {ratio} | {target} | {reached} |")
    }
}

/// The page as it grows; every line is printed as soon as it is known.
#[derive(Default)]
pub(crate) struct Page(String);

impl Page {
    #[expect(clippy::print_stdout, reason = "a benchmark prints")]
    fn line(&mut self, line: &str) {
        println!("{line}");
        let _ = writeln!(self.0, "{line}");
    }

    pub(crate) fn section(&mut self, title: &str, how: &str) {
        let head = "| what | measured | against | ratio | target | reached |\n|---|---|---|---|---|---|";
        self.line(&format!("\n## {title}\n\n{how}\n\n{head}"));
    }

    pub(crate) fn row(&mut self, row: Row) {
        self.line(&row.text());
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}
