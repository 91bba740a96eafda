//! Disks that are full or may not be written, on the server and here. What could not be written is said, and the same
//! command ends right as soon as there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::network::thorough;
use crate::support::script;
use crate::truth::{Walk, verified};
use crate::world::{Agent, Told, World, copy, id};

/// Says what is not tried here. Whoever is not root cannot mount, and that is no fault.
#[expect(clippy::print_stderr, reason = "the one line that says what was not tested")]
fn skip(what: &str) {
    eprintln!("skipped: {what}: no file systems can be mounted here");
}

/// A small file system at the place of a folder, with its content; gone when dropped.
struct Small {
    at: PathBuf,
}

impl Small {
    /// None where this process may not mount.
    fn at(folder: &Path) -> Option<Self> {
        let beside = folder.with_extension("moved");
        fs::rename(folder, &beside).unwrap();
        fs::create_dir(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs"]).arg(folder).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        let small = mounted.then(|| Self { at: folder.to_owned() });
        for entry in fs::read_dir(&beside).unwrap() {
            copy(&entry.unwrap().path(), folder);
        }
        fs::remove_dir_all(beside).unwrap();
        small
    }

    /// Leaves so many pages free and no more.
    fn leave(&self, pages: usize) {
        self.clear();
        let ballast = self.at.join("ballast");
        // What is written into nothing but the last pages fails where they end, which is what is wanted.
        let fill = Command::new("dd")
            .arg("if=/dev/zero")
            .arg(format!("of={}", ballast.display()))
            .arg("bs=4096")
            .stderr(Stdio::null())
            .status();
        assert!(!fill.unwrap().success(), "the folder was filled");
        let file = fs::OpenOptions::new().write(true).open(&ballast).unwrap();
        let full = file.metadata().unwrap().len();
        file.set_len(full - 4096 * pages as u64).unwrap();
    }

    fn clear(&self) {
        let _ = fs::remove_file(self.at.join("ballast"));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// While there is no room, which may not change before the deadline.
const SHORT: &str = "20s";

/// When there is room again, however busy the machine is.
const LONG: &str = "5m";

/// `auth`, claimed and given back in turn; what was said of each is held against what is so.
struct Scene {
    world: World,
    one: Agent,
    held: bool,
    moves: usize,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        world.plan("auth");
        let one = world.agent("one");
        one.run(&["list"]).done();
        Self { world, one, held: false, moves: 0 }
    }

    /// The next move with so much patience.
    fn words(&self, patience: &'static str) -> Vec<&'static str> {
        if self.held {
            vec!["release", "auth", "--reason", "enough", "--timeout", patience]
        } else {
            vec!["claim", "auth", "--timeout", patience]
        }
    }

    fn times(&self) -> usize {
        let event = if self.held { "Release session" } else { "Claim session" };
        self.world.times("main", &format!("[{}] {event}", id("auth")))
    }

    #[track_caller]
    fn moves(&mut self, what: &str, narrow: impl FnOnce(&Agent, &[&str]) -> Told, widen: impl FnOnce()) -> Told {
        let before = self.times();
        let told = narrow(&self.one, &self.words(SHORT));
        widen();
        self.judge(what, before, &told);
        told
    }

    /// Holds what was told against the history, then does the same again, where nothing is in the way.
    #[track_caller]
    fn judge(&mut self, what: &str, before: usize, told: &Told) {
        let words = self.words(LONG);
        let landed = self.times() - before;
        let said = format!("{what}: {}, landed {landed} times: {}{}", told.status, told.out, told.err);
        match (told.status, told.json["error"]["code"].as_str()) {
            (0, None) | (1, Some("unfinished")) => assert_eq!(landed, 1, "{said}"),
            (1, Some("internal")) | (6 | 7 | 9 | 10, Some(_)) => assert_eq!(landed, 0, "{said}"),
            (124, Some("undecided")) => assert!(landed <= 1, "{said}"),
            _ => panic!("{said}"),
        }
        let again = self.one.run(&words);
        assert_eq!(again.status, 0, "{what}, again after {}: {}{}{}", told.status, told.out, again.out, again.err);
        assert_eq!(self.times() - before, 1, "{what}, again: {}{}", again.out, again.err);
        self.held = !self.held;
        self.moves += 1;
    }

    #[track_caller]
    fn audit(&self) {
        assert_eq!(Walk::of(&self.world).ever[&id("auth")].len(), self.moves.div_ceil(2));
        verified(&self.one);
    }
}

fn pages() -> impl Iterator<Item = usize> {
    (0..28).step_by(if thorough() { 1 } else { 2 })
}

#[test]
fn a_server_with_so_many_pages_left_takes_a_push_whole_or_refuses_it() {
    let mut scene = Scene::new();
    let Some(small) = Small::at(&scene.world.root.join("origin.git")) else { return skip("a server's full disk") };
    let mut refused = 0;
    for pages in pages() {
        small.leave(pages);
        let told = scene.moves(&format!("{pages} pages"), |one, words| one.run(words), || small.clear());
        refused += usize::from(told.status == 7);
    }
    assert!(refused > 0, "some were too few");
    scene.audit();
}

#[test]
fn who_has_so_many_pages_left_for_its_own_notes_is_told_and_finishes_when_there_is_room() {
    let mut scene = Scene::new();
    let Some(small) = Small::at(&scene.one.dir.join(".git/git-session")) else { return skip("a full disk here") };
    let mut failed = 0;
    for pages in pages() {
        small.leave(pages);
        let told = scene.moves(&format!("{pages} pages"), |one, words| one.run(words), || small.clear());
        failed += usize::from(told.status != 0);
    }
    assert!(failed > 0, "some were too few");
    scene.audit();
}

/// Moves that land; what they say in the history, and how often they may.
const MOVES: [(&[&str], &str, usize); 6] = [
    (&["publish", "auth"], "Publish session", 2),
    (&["renew", "auth"], "Renew session", 2),
    (&["release", "auth", "--reason", "no time"], "Release session", 1),
    (&["complete", "auth"], "Complete session", 1),
    (&["abandon", "auth", "--reason", "no"], "Abandon session", 1),
    (&["takeover", "auth", "--reason", "gone", "--force", "--as", "heir"], "Take over session", 1),
];

/// What lands although nothing can be written here once it has, is said to have landed, and finished later.
#[track_caller]
fn landed_all_the_same(world: &World, one: &Agent, words: &[&str], event: &str, times: usize, widen: impl FnOnce()) {
    let told = one.run(words);
    let landed = || world.times("main", &format!("[{}] {event}", id("auth")));
    let said = format!("{words:?}: {}: {}{}", told.status, told.out, told.err);
    assert_eq!(landed(), 1, "{said}");
    match told.status {
        0 => {}
        1 => assert_eq!(told.json["error"]["code"], "unfinished", "{said}"),
        _ => panic!("{said}"),
    }
    widen();
    let again = one.run(words);
    assert_eq!(again.status, 0, "{said}, again: {}{}", again.out, again.err);
    assert!((1..=times).contains(&landed()), "{said}, again: {}{}", again.out, again.err);
    Walk::of(world);
    verified(one);
}

fn at_work(moves: &str) -> (World, Agent) {
    let world = World::new();
    world.plan("auth");
    let one = world.clone_at("one");
    one.named("one").run(&["list"]).done();
    if moves != "claim" {
        let checkout = one.named("one").take("auth");
        checkout.write("src/new.txt", "new\n");
        checkout.commit("new");
        one.named("one").meet("auth");
    }
    let named = if moves == "takeover" { one } else { one.named("one") };
    (world, named)
}

#[test]
fn a_disk_that_fills_up_behind_a_push_does_not_take_back_what_landed() {
    for (words, event, times) in MOVES.into_iter().chain([(&["claim", "auth"][..], "Claim session", 1)]) {
        let (world, one) = at_work(words[0]);
        let private = one.dir.join(".git/git-session");
        let Some(small) = Small::at(&private) else { return skip("a disk that fills up") };
        let ballast = private.join("ballast");
        let hook = world.root.join("origin.git/hooks/post-receive");
        script(&hook, &format!("dd if=/dev/zero of='{}' bs=4096 2>/dev/null", ballast.display()));
        landed_all_the_same(&world, &one, words, event, times, || {
            assert!(ballast.exists(), "it was filled");
            fs::remove_file(&hook).unwrap();
            small.clear();
        });
    }
}

#[test]
fn a_note_that_only_saves_time_and_cannot_be_written_spoils_nothing_that_landed() {
    for (words, event, times) in MOVES.into_iter().chain([(&["claim", "auth"][..], "Claim session", 1)]) {
        let (world, one) = at_work(words[0]);
        let note = one.dir.join(".git/git-session/tip.json");
        assert!(note.is_file());
        let hook = world.root.join("origin.git/hooks/post-receive");
        script(&hook, &format!("rm '{0}' && mkdir '{0}' && : > '{0}/in-the-way'", note.display()));
        landed_all_the_same(&world, &one, words, event, times, || {
            fs::remove_file(&hook).unwrap();
            fs::remove_dir_all(&note).unwrap();
        });
    }
}

/// The program where no file of its own may grow beyond so many blocks; the server's may.
fn limited(world: &World, one: &Agent, blocks: usize) -> PathBuf {
    let server = world.root.join("unlimited");
    script(&server, "ulimit -S -f unlimited\nexec git receive-pack \"$@\"");
    one.git(&["config", "remote.origin.receivepack", &server.display().to_string()]);
    let program = world.root.join("limited");
    let tool = env!("CARGO_BIN_EXE_git-session");
    script(&program, &format!("trap '' XFSZ\nulimit -S -f {blocks}\nexec '{tool}' --json --as one \"$@\""));
    program
}

#[test]
fn who_may_write_no_file_beyond_a_length_is_told_and_finishes_when_it_may() {
    let mut scene = Scene::new();
    let mut failed = 0;
    for blocks in 0..if thorough() { 64 } else { 8 } {
        let program = limited(&scene.world, &scene.one, blocks);
        let narrow = |one: &Agent, words: &[&str]| one.start_script(&program, words).wait();
        let told = scene.moves(&format!("{blocks} blocks"), narrow, || {});
        failed += usize::from(told.status != 0);
    }
    assert!(failed > 0, "some were too few");
    scene.audit();
}

/// Runs the program where `folder` cannot be written: on a view of it that is read only, or, for whoever is not root,
/// without the permission.
fn read_only(world: &World, folder: &Path, one: &Agent, words: &[&str]) -> Option<Told> {
    let tool = env!("CARGO_BIN_EXE_git-session");
    let run = format!("exec '{tool}' --json --as one \"$@\"");
    let program = world.root.join("read-only");
    let shown = folder.display();
    if !rustix::process::geteuid().is_root() {
        script(
            &program,
            &format!(
                "chmod -R a-w '{shown}'\n'{tool}' --json --as one \"$@\"\nstatus=$?\nchmod -R u+w '{shown}'\nexit $status"
            ),
        );
    } else {
        let bind = format!("mount --bind '{shown}' '{shown}' && mount -o remount,ro,bind '{shown}'");
        let may = Command::new("unshare").args(["-m", "sh", "-c", &bind]).stderr(Stdio::null()).status();
        if !may.is_ok_and(|status| status.success()) {
            return None;
        }
        script(
            &program,
            &format!(
                "exec unshare -m sh -c '{} || exit 77\ncd \"$PWD\"\n{}' sh \"$@\"",
                bind.replace('\'', "\""),
                run.replace('\'', "\"")
            ),
        );
    }
    Some(one.start_script(&program, words).wait())
}

#[test]
fn where_nothing_may_be_written_that_is_said_and_the_same_command_finishes_when_it_may() {
    for folder in ["one", "one/.git", "one/.git/git-session", "one/.worktrees", "one/.git/worktrees", "origin.git"] {
        let mut scene = Scene::new();
        let path = scene.world.root.join(folder);
        fs::create_dir_all(&path).unwrap();
        let before = scene.times();
        let Some(told) = read_only(&scene.world, &path, &scene.one, &scene.words(SHORT)) else {
            return skip("read-only folders");
        };
        assert!(![0, 77].contains(&told.status), "{folder} is needed: {}{}", told.out, told.err);
        scene.judge(folder, before, &told);
        scene.audit();
    }
}

#[test]
fn reading_needs_nothing_that_can_be_written() {
    let scene = Scene::new();
    let Some(told) = read_only(&scene.world, &scene.world.root.join("one"), &scene.one, &["list"]) else {
        return skip("read-only folders");
    };
    let data: Value = told.done();
    assert_eq!(data["sessions"].as_array().map(Vec::len), Some(1));
}
