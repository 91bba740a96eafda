//! Every format against a file of every version and of every way to be wrong, and against anything at all.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the functions that the lint leaves alone")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use git_session::domain::format::{FormatError, FormatKind};
use git_session::domain::lockfile::LockFile;
use git_session::domain::log::{self, Entry};
use git_session::domain::plan::Plan;
use git_session::domain::record::Record;
use proptest::prelude::*;

#[path = "formats/drafts.rs"]
mod drafts;
#[path = "formats/strategies.rs"]
mod strategies;
#[path = "formats/table.rs"]
mod table;

/// Reads a file as its format and gives what it prints again; a plan and a log print nothing.
fn read(format: &str, bytes: &[u8]) -> Result<Option<String>, FormatError> {
    match format {
        "lock" => LockFile::parse(bytes).map(|lock| Some(lock.print())),
        "plan" => Plan::parse(bytes).map(|_| None),
        "record" => Record::parse(bytes).map(|record| Some(record.print())),
        "log" => match log::parse_log(bytes) {
            (_, errors) if !errors.is_empty() => Err(errors.into_iter().next().unwrap()),
            (entries, _) => Ok(Some(entries.iter().map(|entry| entry.print_line() + "\n").collect())),
        },
        other => panic!("no format {other}"),
    }
}

fn fixtures(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files = BTreeMap::new();
    for format in ["lock", "plan", "record", "log"] {
        for entry in fs::read_dir(root.join(format).join(folder)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = format!("{format}/{}", path.file_name().unwrap().to_str().unwrap());
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

fn format_of(name: &str) -> &str {
    name.split_once('/').unwrap().0
}

/// What a message may never show of the input, whatever that is.
fn assert_harmless(error: &FormatError) {
    let message = error.to_string();
    assert!(!message.contains(|c: char| c.is_control()), "{message:?}");
    assert!(message.chars().count() < 500 && !error.message.ends_with('.') && !error.message.is_empty(), "{message}");
}

#[test]
fn every_good_file_is_read_and_what_it_prints_is_read_the_same() {
    for (name, bytes) in fixtures("good") {
        let printed = read(format_of(&name), &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(printed) = printed {
            let again = read(format_of(&name), printed.as_bytes());
            assert_eq!(again, Ok(Some(printed)), "{name}");
        }
    }
}

#[test]
fn files_in_the_tools_own_form_are_printed_as_they_are() {
    let good = fixtures("good");
    for name in [
        "lock/written-by-the-tool.lock",
        "record/schema-1-every-key.yaml",
        "record/schema-1-unknown-keys.yaml",
        "record/schema-1-ended.yaml",
    ] {
        let text = String::from_utf8(good[name].clone()).unwrap();
        assert_eq!(read(format_of(name), text.as_bytes()), Ok(Some(text)), "{name}");
    }
}

#[test]
fn every_bad_file_is_refused_for_what_is_wrong_with_its_line() {
    let files = fixtures("bad");
    let mut found: Vec<(String, FormatKind, Option<usize>, String)> = Vec::new();
    for (name, bytes) in &files {
        let error = read(format_of(name), bytes).expect_err(name);
        assert_harmless(&error);
        found.push((name.clone(), error.kind, error.line, error.message));
    }
    let named: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
    let mut listed: Vec<&str> = table::BAD.iter().map(|(name, ..)| *name).collect();
    listed.sort_unstable();
    assert_eq!(named, listed, "the table and the folders differ");
    for (name, kind, line, says) in table::BAD {
        let (_, found_kind, found_line, message) = found.iter().find(|(found, ..)| found == name).unwrap();
        assert_eq!((found_kind, found_line), (kind, line), "{name}: {message}");
        assert!(message.contains(says), "{name}: {message}");
    }
}

#[test]
fn what_is_over_the_limit_is_refused_before_it_is_looked_at() {
    // Not UTF-8 and not of any format: had it been looked at, the error would be another one.
    for (format, bytes_max) in [
        ("lock", LockFile::BYTES_MAX),
        ("plan", Plan::BYTES_MAX),
        ("record", Record::BYTES_MAX),
        ("log", log::LOG_BYTES_MAX),
    ] {
        let error = read(format, &vec![0xff; bytes_max + 1]).unwrap_err();
        assert_eq!((error.kind, error.line), (FormatKind::TooLarge, None), "{format}");
        let error = read(format, &vec![0xff; bytes_max]).unwrap_err();
        assert_ne!((error.kind, error.line), (FormatKind::TooLarge, None), "{format}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_lock_file_reads_what_it_prints(lines in prop::collection::btree_map(strategies::id(), strategies::seconds(), 0..20)) {
        let mut lock = LockFile::default();
        for (id, seconds) in &lines {
            lock.insert(id.clone(), *seconds);
        }
        prop_assert_eq!(LockFile::parse(lock.print().as_bytes()), Ok(lock));
    }

    #[test]
    fn a_record_reads_what_it_prints(record in strategies::record()) {
        let printed = record.print();
        match Record::parse(printed.as_bytes()) {
            Ok(read) => prop_assert_eq!(read, record),
            Err(error) => prop_assert!(false, "{}\n{}", error, printed),
        }
    }

    #[test]
    fn a_record_has_no_line_that_a_text_could_forge(record in strategies::record()) {
        // One line for each scalar: nothing that stands in a text begins a line of its own.
        let printed = record.print();
        prop_assert!(!printed.contains(|c: char| c.is_control() && c != '\n'));
        for line in printed.lines() {
            prop_assert!(!line.starts_with("<<<<<<<") && line != "=======" && line != "---" && line != "...");
        }
    }

    #[test]
    fn an_entry_reads_what_it_prints(entry in strategies::entry()) {
        let line = entry.print_line();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(Entry::parse_line(&line), Ok(entry.clone()));
        prop_assert_eq!(log::parse_log(format!("{line}\n").as_bytes()).0, vec![entry]);
    }

    #[test]
    fn a_plan_says_what_its_draft_said(draft in drafts::draft()) {
        let text = git_session::template::render_plan(&draft, None).unwrap();
        let plan = Plan::parse(text.as_bytes()).unwrap();
        drafts::assert_same(&plan, &draft);
    }

    #[test]
    fn anything_at_all_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in ["lock", "plan", "record", "log"] {
            if let Err(error) = read(format, &bytes) {
                assert_harmless(&error);
            }
        }
    }

    #[test]
    fn any_text_of_yaml_is_read_or_refused(text in "[-a-c:&*!|>'\"{}\\[\\],#?% \n\t~0-9.\\\\]{0,80}") {
        for file in [format!("---\n{text}\n---\n"), text.clone(), format!("schema: 1\n{text}")] {
            for format in ["plan", "record"] {
                if let Err(error) = read(format, file.as_bytes()) {
                    assert_harmless(&error);
                }
            }
        }
    }

    #[test]
    fn a_good_file_with_bytes_changed_is_read_or_refused(
        choice in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
    ) {
        let good: Vec<_> = fixtures("good").into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect();
        let (name, bytes) = choice.get(&good);
        let mut bytes = bytes.clone();
        for (at, byte, change) in changes {
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => _ = bytes.remove(at),
                _ => bytes.truncate(at.max(1)),
            }
        }
        match read(format_of(name), &bytes) {
            Err(error) => assert_harmless(&error),
            Ok(None) => {}
            // What was understood is understood again.
            Ok(Some(printed)) => prop_assert_eq!(read(format_of(name), printed.as_bytes()), Ok(Some(printed))),
        }
    }
}
