//! Files that only grow, whoever else is at them.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::mpsc::channel;

use git_session::checkout::CheckoutError;
use git_session::checkout::grow::Growing;

use crate::world::soon;

#[test]
fn what_takes_the_place_of_a_file_while_somebody_waits_for_it_is_what_grows() {
    let folder = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(folder.path()).unwrap();
    let mut first = Growing::open(&top, "own/log", soon()).unwrap();
    first.add(b"one\n").unwrap();
    let (begin, began) = channel();
    let waiting = std::thread::spawn({
        let top = top.clone();
        move || {
            begin.send(()).unwrap();
            Growing::open(&top, "own/log", soon()).unwrap().add(b"two\n").unwrap();
        }
    });
    began.recv().unwrap();
    // As git does when it brings another version.
    fs::write(top.join("own/other"), "theirs\n").unwrap();
    // Until the other thread stands at the lock, or has not come that far: either way it must find the new file.
    fs::rename(top.join("own/other"), top.join("own/log")).unwrap();
    drop(first);
    waiting.join().unwrap();
    assert_eq!(fs::read_to_string(top.join("own/log")).unwrap(), "theirs\ntwo\n");
}

#[test]
fn many_at_once_add_their_pieces_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let top = &top;
            scope.spawn(move || {
                for _ in 0..50 {
                    let mut file = Growing::open(top, "log", soon()).unwrap();
                    // Its length is what nobody else changes while it is open.
                    let before = file.bytes();
                    let piece = name.repeat(usize::try_from(before % 7).unwrap() + 1) + "\n";
                    file.add(piece.as_bytes()).unwrap();
                    assert_eq!(file.bytes(), fs::metadata(file.path()).unwrap().len());
                }
            });
        }
    });
    assert_eq!(fs::read_to_string(top.join("log")).unwrap().lines().count(), 200);
}

#[test]
fn neither_links_nor_pipes_nor_folders_grow() {
    let folder = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(folder.path()).unwrap();
    fs::write(top.join("victim"), "").unwrap();
    symlink("victim", top.join("link")).unwrap();
    symlink("/tmp", top.join("away")).unwrap();
    fs::create_dir(top.join("folder")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, top.join("pipe"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    for path in ["link", "away/log", "folder", "pipe"] {
        let error = Growing::open(&top, path, soon()).unwrap_err();
        assert!(matches!(error, CheckoutError::Link { .. }), "{path}: {error}");
    }
    assert!(matches!(Growing::open(&top, "../log", soon()), Err(CheckoutError::Outside { .. })));
    assert_eq!(fs::read(top.join("victim")).unwrap(), b"");
}

#[test]
fn the_end_can_be_read_and_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(folder.path()).unwrap();
    fs::write(top.join("log"), "one\ntwo\nthr").unwrap();
    let mut file = Growing::open(&top, "log", soon()).unwrap();
    assert_eq!(file.tail(5).unwrap(), b"o\nthr");
    assert_eq!(file.tail(500).unwrap().len(), 11);
    file.cut(3).unwrap();
    file.add(b"three\n").unwrap();
    assert_eq!(fs::read_to_string(top.join("log")).unwrap(), "one\ntwo\nthree\n");
}
