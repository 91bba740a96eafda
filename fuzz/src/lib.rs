//! What is fuzzed: each function takes any bytes, and panics where a promise of a format does not hold.
//!
//! `cargo +nightly fuzz run <target>` runs one of them for as long as one likes; `tests/fuzz_smoke.rs` runs all of them
//! on stable, with a counted number of seeded mutations of the fixtures.

use git_session::domain::agent::AgentName;
use git_session::domain::format::FormatError;
use git_session::domain::id::{IdQuery, SessionId, Slug};
use git_session::domain::layout::component_fits;
use git_session::domain::lockfile::LockFile;
use git_session::domain::log::{Entry, parse_log, torn};
use git_session::domain::plan::Plan;
use git_session::domain::record::Record;
use git_session::domain::settings::{Board, Layers};
use git_session::remote::packet::{PACKET_MAX, Packet, Reader, SideBand, Source, write_flush, write_packet};

/// A fuzzed function.
pub type Body = fn(&[u8]);

/// All of them, by the names of their targets.
pub const TARGETS: [(&str, Body); 10] = [
    ("plan", plan),
    ("front_matter", front_matter),
    ("record", record),
    ("lock", lock),
    ("log", log),
    ("log_stream", log_stream),
    ("packets", packets),
    ("side_band", side_band),
    ("settings", settings),
    ("ids", ids),
];

/// What is said of a file goes to terminals.
fn assert_printable(error: &FormatError) {
    let text = error.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() < 4_000, "{} bytes of message", text.len());
}

/// `SESSION.md`: read without panicking; nothing in the plan is longer than the file.
pub fn plan(bytes: &[u8]) {
    match Plan::parse(bytes) {
        Ok(plan) => {
            let lists = [&plan.requires, &plan.labels, &plan.validation];
            let texts: usize = lists.iter().flat_map(|list| list.iter()).map(String::len).sum();
            assert!(texts <= bytes.len(), "more comes out than went in");
            assert!(!plan.title_or(&SessionId::placeholder()).is_empty());
            let _ = plan.gaps();
            assert_eq!(Plan::parse(bytes).as_ref(), Ok(&plan), "read twice, it says the same");
        }
        Err(error) => assert_printable(&error),
    }
}

/// The same with the bytes as front matter of a plan that is otherwise right.
pub fn front_matter(bytes: &[u8]) {
    let body = b"---\n# Session: 2026-11-20-x\n\n## Context\n\nwhy\n\n## Acceptance Criteria\n\n- [ ] it works\n";
    plan(&[b"---\n", bytes, b"\n", body.as_slice()].concat());
}

/// `session.yaml`: what is printed is read as the same record, and printed as the same text.
pub fn record(bytes: &[u8]) {
    match Record::parse(bytes) {
        Ok(record) => {
            let printed = record.print();
            let again = Record::parse(printed.as_bytes());
            // Printing may be longer than what was read, so it may be more than is read.
            if printed.len() <= Record::BYTES_MAX {
                let again = again.unwrap_or_else(|error| panic!("what was printed is not read: {error}\n{printed}"));
                assert_eq!(again, record);
                assert_eq!(again.print(), printed);
            }
        }
        Err(error) => assert_printable(&error),
    }
}

/// `sessions.lock`: sorted when printed, and read as the same.
pub fn lock(bytes: &[u8]) {
    match LockFile::parse(bytes) {
        Ok(lock) => {
            let printed = lock.print();
            assert_eq!(LockFile::parse(printed.as_bytes()).as_ref(), Ok(&lock));
            assert_eq!(printed.lines().count(), lock.len());
            assert!(printed.lines().is_sorted_by_key(|line| line.split(':').next()));
        }
        Err(error) => assert_printable(&error),
    }
}

/// `log.jsonl`: each entry that is read is printed as a line that is read as the same.
pub fn log(bytes: &[u8]) {
    let (entries, errors) = parse_log(bytes);
    assert!(entries.len() + errors.len() <= bytes.len() + 1);
    for entry in &entries {
        let line = entry.print_line();
        assert!(!line.trim_end_matches('\n').contains('\n'), "one line");
        assert_eq!(Entry::parse_line(line.trim_end_matches('\n')).as_ref(), Ok(entry));
    }
    errors.iter().for_each(assert_printable);
    assert!(torn(bytes).is_none_or(|at| at <= bytes.len() + 1));
}

/// A log that grows: what was read of its whole lines stays as it is read when more is appended.
pub fn log_stream(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let (all, errors) = parse_log(bytes);
    if !errors.is_empty() {
        return;
    }
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let kept = lines.len() * usize::from(*cut) / 255;
    let (before, errors) = parse_log(&lines.get(..kept).unwrap_or_default().concat());
    assert!(errors.is_empty(), "{errors:?}");
    assert!(all.starts_with(&before));
}

/// A stream of packets: read to its end or its first mistake; what was read is what was there.
pub fn packets(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let mut again = Vec::new();
    // Each packet takes four bytes at least.
    for _ in 0..=bytes.len() / 4 {
        match reader.read() {
            Ok(Some(Packet::Flush)) => write_flush(&mut again),
            Ok(Some(Packet::Data(content))) => write_packet(&mut again, &content),
            Ok(None) => {
                assert_eq!(again.len(), bytes.len());
                return;
            }
            Err(_) => {
                assert!(bytes.len() >= again.len());
                return;
            }
        }
    }
    panic!("more packets than bytes");
}

/// Packets with a band each: what is for the program comes through, what is for people is kept within bounds.
pub fn side_band(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let mut text = Vec::new();
    let mut band = SideBand::new(&mut reader, &mut text);
    let (mut buffer, mut total) = ([0; 4096], 0);
    while let Ok(count @ 1..) = band.receive(&mut buffer) {
        total += count;
        assert!(total <= bytes.len());
    }
    assert!(text.len() <= bytes.len() && text.len() <= PACKET_MAX * 2);
}

/// `config.yaml`: what is taken holds together with the built-in settings.
pub fn settings(bytes: &[u8]) {
    if let Ok(board) = Board::parse(bytes) {
        let held = Layers::default().over(&board).expect("what was taken can be used");
        assert!(held.knowledge.split('/').all(component_fits), "{}", held.knowledge);
    }
}

/// Ids, queries, slugs and names: what is taken is safe as a component of a path and of a branch.
pub fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(id) = text.parse::<SessionId>() {
        assert_eq!(id.to_string(), text);
        assert!(component_fits(id.as_str()) && id.as_str().len() <= SessionId::BYTES_MAX);
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        assert_eq!(id.branch(), format!("session/{id}"));
        for count in [2, 9_999] {
            assert!(id.numbered(count).as_str().parse::<SessionId>().is_ok());
        }
    }
    if let Ok(query) = text.parse::<IdQuery>() {
        assert!(component_fits(query.as_str()));
        let _ = query.resolve(&[SessionId::placeholder()]);
    }
    if let Some(slug) = Slug::of_title(&text) {
        assert!(component_fits(slug.as_str()));
    }
    if let Ok(name) = text.parse::<AgentName>() {
        assert!(!name.as_str().chars().any(char::is_control));
    }
}
