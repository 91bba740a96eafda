//! Keys and tokens that would be committed, found by the forms that their makers gave them.
//!
//! Deliberately not here: entropy alone as a sign. A hash, a lock file or a test vector is as random as a key, and a
//! check that cries wolf is turned off.

mod rules;

use rules::{RULES, may_match};

/// A key or token in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its line, from 1: of the text, or of the file as the patch leaves it.
    pub line: usize,
    /// The rule that found it: `github-token`, `private-key` …
    pub rule: &'static str,
    /// Its first four characters and `…`.
    pub masked: String,
}

/// The text with each line that has a key or token in it, and the whole of a private key, replaced by a word about it.
pub fn masked(text: &str) -> String {
    let mut found = scan(text.as_bytes()).into_iter().peekable();
    let mut shown = String::with_capacity(text.len());
    let mut in_key = false;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let finding = found.next_if(|finding| finding.line == at + 1);
        in_key |= finding.as_ref().is_some_and(|finding| finding.rule == "private-key");
        match finding {
            Some(Finding { rule, masked, .. }) => {
                shown.push_str(&format!("({rule} {masked}, not shown)"));
                shown.push_str(if line.ends_with('\n') { "\n" } else { "" });
            }
            None if in_key => {}
            None => shown.push_str(line),
        }
        in_key &= !line.contains("-----END");
    }
    shown
}

/// A key or token in an added line of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchFinding {
    /// The commit that added it, where the patch is one of a history.
    pub commit: Option<String>,
    /// The file, as the patch names it; `its message` for a commit's own.
    pub path: String,
    /// Where in it, and what.
    pub finding: Finding,
}

/// The secrets in `text`, in order; at most one a line and rule. Linear in the text's length.
pub fn scan(text: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        scan_line(line, at + 1, &mut findings);
    }
    findings
}

/// The secrets in the added lines of a unified diff, or of a history of them: `commit <id>`, the message indented by
/// four, then its diff.
pub fn scan_patch(patch: &[u8]) -> Vec<PatchFinding> {
    let mut found = Vec::new();
    let mut at = Place::default();
    let mut hunk = Hunk::default();
    for line in patch.split(|byte| *byte == b'\n') {
        // Inside a hunk, whose header says how long it is, a line that looks like a header is text.
        if let Some(added) = hunk.take(line) {
            if let Added::Line(number, text) = added {
                at.scan(text, number, &mut found);
            }
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            at.path = named(name);
        } else if let Some(header) = line.strip_prefix(b"@@ ") {
            hunk = Hunk::of(header);
        } else if let Some(commit) = line.strip_prefix(b"commit ") {
            at = Place {
                commit: Some(String::from_utf8_lossy(commit).into_owned()),
                path: "its message".to_owned(),
                lines: 0,
            };
        } else if let Some(text) = line.strip_prefix(b"    ")
            && at.commit.is_some()
        {
            at.lines += 1;
            at.scan(text, at.lines, &mut found);
        }
    }
    found
}

/// Where in a history a line is.
#[derive(Default)]
struct Place {
    commit: Option<String>,
    path: String,
    /// How many lines of the message were seen.
    lines: usize,
}

impl Place {
    fn scan(&self, text: &[u8], number: usize, found: &mut Vec<PatchFinding>) {
        let mut findings = Vec::new();
        scan_line(text, number, &mut findings);
        let (commit, path) = (&self.commit, &self.path);
        found.extend(findings.into_iter().map(|finding| PatchFinding {
            commit: commit.clone(),
            path: path.clone(),
            finding,
        }));
    }
}

fn scan_line(line: &[u8], number: usize, findings: &mut Vec<Finding>) {
    if !may_match(line) {
        return;
    }
    for rule in RULES.candidates(line) {
        if let Some(secret) = RULES.secret(rule, line) {
            let masked: String = String::from_utf8_lossy(secret).chars().take(4).collect::<String>() + "…";
            findings.push(Finding { line: number, rule: RULES.name(rule), masked });
            // A token in an assignment is one secret, not two.
            return;
        }
    }
}

/// What is left of a hunk.
#[derive(Default)]
struct Hunk {
    old_left: usize,
    new_left: usize,
    new_line: usize,
}

enum Added<'a> {
    Line(usize, &'a [u8]),
    Nothing,
}

impl Hunk {
    /// Reads `-1,2 +3,4 @@ …`.
    fn of(header: &[u8]) -> Self {
        let header = String::from_utf8_lossy(header);
        let mut ranges = header.split(' ').map(|range| {
            let mut numbers = range.trim_start_matches(['-', '+']).split(',').map(|number| number.parse().unwrap_or(0));
            let start: usize = numbers.next().unwrap_or(0);
            (start, numbers.next().unwrap_or(1))
        });
        let (_, old_left) = ranges.next().unwrap_or_default();
        let (new_line, new_left) = ranges.next().unwrap_or_default();
        Self { old_left, new_left, new_line }
    }

    /// Takes a line that belongs to the hunk; `None` when the hunk is over.
    fn take<'a>(&mut self, line: &'a [u8]) -> Option<Added<'a>> {
        if self.old_left == 0 && self.new_left == 0 {
            return None;
        }
        match line.first() {
            Some(b'+') => {
                let number = self.new_line;
                self.new_line += 1;
                self.new_left = self.new_left.saturating_sub(1);
                Some(Added::Line(number, line.get(1..).unwrap_or_default()))
            }
            Some(b'-') => {
                self.old_left = self.old_left.saturating_sub(1);
                Some(Added::Nothing)
            }
            Some(b'\\') => Some(Added::Nothing),
            Some(_) | None => {
                self.old_left = self.old_left.saturating_sub(1);
                self.new_left = self.new_left.saturating_sub(1);
                self.new_line += 1;
                Some(Added::Nothing)
            }
        }
    }
}

/// `b/src/lib.rs`, perhaps quoted as git quotes, as `src/lib.rs`.
fn named(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let name = name.trim_end_matches(['\r', '\t']).trim_matches('"');
    name.strip_prefix("b/").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests;
