//! Streams from strangers: whatever comes, reading it ends, with an error or without, and never proves too much.

use proptest::prelude::*;

use super::advertisement::Advertisement;
use super::packet::{Packet, Reader, SideBand, write_flush, write_packet};
use super::refs::{RefName, RefUpdate};
use super::report::{Report, Verdict};

fn updates(names: &[&str]) -> Vec<RefUpdate> {
    names.iter().map(|name| RefUpdate { name: name.parse().unwrap(), old: None, new: None }).collect()
}

fn verdict(stream: &[u8], names: &[&str]) -> Verdict {
    let mut report = Report::default();
    // What was heard before an error counts.
    let _ = report.hear(&mut Reader::new(stream));
    report.verdict(&updates(names))
}

fn lines(lines: &[&str]) -> Vec<u8> {
    let mut stream = Vec::new();
    for line in lines {
        write_packet(&mut stream, line.as_bytes());
    }
    stream
}

#[test]
fn only_an_ok_for_every_ref_is_a_landing() {
    let (a, b) = ("refs/heads/a", "refs/heads/b");
    let refused = |reason: &str| Verdict::Refused(reason.to_owned());
    for (said, names, wanted) in [
        (&["unpack ok\n", "ok refs/heads/a\n"][..], &[a][..], Verdict::Moved),
        // Whatever follows an ok.
        (&["unpack ok\n", "ok refs/heads/a\n", "nonsense"], &[a], Verdict::Moved),
        (&["unpack ok\n"], &[a], Verdict::Silent),
        (&[], &[a], Verdict::Silent),
        (&["unpack ok\n", "ok refs/heads/b\n"], &[a], Verdict::Silent),
        (&["unpack ok\n", "ok refs/heads/a\n"], &[a, b], Verdict::Silent),
        (&["ok refs/heads/a\n", "ng refs/heads/b failed\n"], &[a, b], Verdict::Silent),
        (&["unpack ok\n", "ng refs/heads/a hook declined\n"], &[a], refused("refs/heads/a: hook declined")),
        (&["unpack disk full", "ng refs/heads/a x"], &[a], refused("refs/heads/a: x; unpack: disk full")),
        (&["ng refs/heads/a"], &[a], refused("refs/heads/a: refused")),
    ] {
        assert_eq!(verdict(&lines(said), names), wanted, "{said:?}");
    }
}

#[test]
fn an_ok_before_the_stream_breaks_is_heard() {
    let mut stream = lines(&["unpack ok\n", "ok refs/heads/a\n"]);
    stream.extend_from_slice(b"00zz");
    assert_eq!(verdict(&stream, &["refs/heads/a"]), Verdict::Moved);
}

#[test]
fn a_report_is_found_among_what_is_for_people() {
    let inner = {
        let mut inner = lines(&["unpack ok\n", "ok refs/heads/a\n"]);
        write_flush(&mut inner);
        inner
    };
    let (head, tail) = inner.split_at(7);
    let mut stream = Vec::new();
    for (band, content) in [(2, &b"hello\n"[..]), (1, head), (1, b""), (2, b"more\n"), (1, tail)] {
        write_packet(&mut stream, &[&[band], content].concat());
    }
    write_flush(&mut stream);
    let mut text = Vec::new();
    let mut packets = Reader::new(&stream[..]);
    let mut report = Report::default();
    report.hear(&mut Reader::new(SideBand::new(&mut packets, &mut text))).unwrap();
    assert_eq!(report.verdict(&updates(&["refs/heads/a"])), Verdict::Moved);
    assert_eq!(text, b"hello\nmore\n");
}

#[test]
fn an_advertisement_is_read_with_what_the_server_can_do() {
    let oid = "1".repeat(40);
    let mut stream = lines(&[
        &format!("{oid} HEAD\0report-status symref=HEAD:refs/heads/main object-format=sha1 agent=git/2\n"),
        &format!("{oid} refs/heads/main\n"),
        &format!("{oid} .have\n"),
        &format!("{oid} refs/tags/v1^{{}}\n"),
        &format!("shallow {oid}\n"),
    ]);
    write_flush(&mut stream);
    let read = Advertisement::read(&mut Reader::new(&stream[..])).unwrap();
    let main = RefName::branch("main").unwrap();
    let there = read.of(std::slice::from_ref(&main));
    assert_eq!(there.refs.len(), 1);
    assert_eq!(there.head, Some(main));
    assert!(read.can("report-status") && !read.can("atomic"));
    assert_eq!(read.value("agent"), Some("git/2"));
    assert_eq!(read.objects().count(), 3);
}

proptest! {
    #[test]
    fn no_stream_of_bytes_makes_a_reader_panic(stream in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut packets = Reader::new(&stream[..]);
        while let Ok(Some(_)) = packets.read() {}
        let _ = Advertisement::read(&mut Reader::new(&stream[..]));
        let mut text = Vec::new();
        let mut outer = Reader::new(&stream[..]);
        let mut report = Report::default();
        let _ = report.hear(&mut Reader::new(SideBand::new(&mut outer, &mut text)));
        prop_assert_eq!(verdict(&stream, &["refs/heads/a"]), Verdict::Silent);
    }

    #[test]
    fn no_line_makes_a_reader_panic(said in prop::collection::vec("\\PC{0,80}", 0..8)) {
        let borrowed: Vec<&str> = said.iter().map(String::as_str).collect();
        let mut stream = lines(&borrowed);
        write_flush(&mut stream);
        let _ = Advertisement::read(&mut Reader::new(&stream[..]));
        let _ = verdict(&stream, &["refs/heads/a"]);
    }

    #[test]
    fn a_stream_that_is_cut_says_no_more_than_the_whole(cut in 0usize..80) {
        let mut whole = lines(&["unpack ok\n", "ok refs/heads/a\n", "ng refs/heads/b no\n"]);
        write_flush(&mut whole);
        let heard = verdict(&whole[..cut.min(whole.len())], &["refs/heads/a"]);
        prop_assert!(matches!(heard, Verdict::Moved | Verdict::Silent));
    }

    #[test]
    fn packets_survive_any_split(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6)) {
        let mut stream = Vec::new();
        for content in &contents {
            write_packet(&mut stream, content);
        }
        let mut reader = Reader::new(&stream[..]);
        for content in contents {
            prop_assert_eq!(reader.read().unwrap(), Some(Packet::Data(content)));
        }
        prop_assert_eq!(reader.read().unwrap(), None);
    }
}
