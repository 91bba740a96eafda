//! A process is killed at every step. Whoever runs the same command again ends where an undisturbed run ends, the
//! remote has it once, and the person's own files have not been touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::world::{Agent, World, copy, files, folder, id, masked, refs};

const KILLED: i32 = 128 + 9;

/// A world in which something is about to be done, and the copy that it is taken back to.
struct Scene {
    world: World,
    /// The clone in which it happens.
    hub: Agent,
    /// Who does it, and where.
    one: Agent,
    /// Somebody else in another clone.
    two: Agent,
    words: Vec<String>,
    /// Says in the remote's history that it has happened.
    subject: String,
    /// How often it may say so. Some moves may be made twice.
    times: usize,
    /// How many of the last points are not tried.
    spared: usize,
    /// Each of two sides tries every so manyth point: 2 for all of them.
    stride: usize,
    saved: TempDir,
}

impl Scene {
    /// `auth` is planned, `one` has changes of a person in its clone, and nothing has happened yet.
    fn new(words: &[&str], subject: &str, prepare: impl FnOnce(&World, &Agent) -> Agent) -> Self {
        let world = World::new();
        world.plan("auth");
        let hub = world.agent("one");
        let two = world.agent("two");
        hub.write("src/other.txt", "a person's unsaved thought\n");
        hub.write("notes.txt", "an untracked file\n");
        hub.write("src/staged.txt", "staged, not committed\n");
        hub.git(&["add", "src/staged.txt"]);
        let one = prepare(&world, &hub);
        fs::remove_dir_all(world.root.join("planner")).unwrap();
        let saved = folder();
        copy(&world.root, &saved.path().join("world"));
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            world,
            hub,
            one,
            two,
            words,
            subject: format!("[{}] {subject}", id("auth")),
            times: 1,
            spared: 0,
            stride: 2,
            saved,
        }
    }

    fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }

    /// Everything as it was saved, at the very same place: worktrees know where they are.
    fn restore(&self) {
        for entry in fs::read_dir(&self.world.root).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        for entry in fs::read_dir(self.saved.path().join("world")).unwrap() {
            copy(&entry.unwrap().path(), &self.world.root);
        }
    }

    fn points(&self) -> usize {
        let list = self.world.root.join("points");
        let told = self.one.with("GIT_SESSION_STEPS", &list.display().to_string()).run(&self.words());
        told.done();
        let points = fs::read_to_string(&list).unwrap().lines().count();
        fs::remove_file(list).unwrap();
        points
    }

    fn landed(&self) -> bool {
        self.world.times("main", &self.subject) > 0
    }

    fn kill(&self, point: usize) {
        let told = self.one.killed_at(point, &self.words()).exits(KILLED);
        assert_eq!(told.out, "");
        self.assert_own_files_kept();
    }

    /// Also half-way through bringing the hub up to date: what the person wrote and staged is what it was.
    #[track_caller]
    fn assert_own_files_kept(&self) {
        assert_eq!(self.hub.read("src/other.txt"), "a person's unsaved thought\n");
        assert_eq!(self.hub.read("notes.txt"), "an untracked file\n");
        assert_eq!(self.hub.read("src/staged.txt"), "staged, not committed\n");
        assert_eq!(self.hub.git(&["cat-file", "blob", ":src/staged.txt"]), "staged, not committed");
        assert_eq!(self.hub.git(&["cat-file", "blob", ":src/other.txt"]), "alpha\nbeta");
        assert_eq!(self.hub.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    }

    #[track_caller]
    fn assert_own_files_untouched(&self) {
        self.assert_own_files_kept();
        assert_eq!(self.hub.git(&["diff", "--cached", "--name-only"]), "src/staged.txt");
        assert_eq!(self.hub.git(&["diff", "--name-only"]), "src/other.txt");
    }

    /// Everything that a run leaves behind, with what differs from run to run masked.
    fn state(&self) -> BTreeMap<String, String> {
        let mut state: BTreeMap<String, String> = BTreeMap::new();
        let mut note = |key: &str, text: String| {
            // What is named by a nonce may be there more than once.
            // Git's record of a checkout that is made again has a number while that of the former one is there, and of one
            // that a kill left unfinished the name is not used again at once.
            let record = format!(".git/worktrees/{}", id("auth"));
            let text = text.replace(&format!("{record}1"), &record).replace(&format!("{record}2"), &record);
            let mut every = [state.remove(&masked(key)).unwrap_or_default(), steady(&text)];
            every.sort();
            state.insert(masked(key), every.concat());
        };
        let names = |text: &str| refs(text).into_keys().collect::<Vec<_>>().join("\n");
        note("remote refs", names(&self.world.remote(&["for-each-ref", "--format=%(refname) %(objectname)"])));
        let mut subjects = self.world.subjects("main");
        if self.times > 1 {
            subjects.dedup();
        }
        note("remote history", subjects.join("\n"));
        let paths = self.world.remote(&["ls-tree", "-r", "--name-only", "main"]);
        let blobs: Vec<String> = paths.lines().map(|path| format!("main:{path}")).collect();
        let words: Vec<&str> = std::iter::once("show").chain(blobs.iter().map(String::as_str)).collect();
        note("remote files", self.world.remote(&words));
        note("remote paths", paths);
        note("hub refs", names(&self.hub.git(&["for-each-ref", "--format=%(refname) %(objectname)"])));
        note("hub status", self.hub.git(&["status", "--porcelain=v2", "--branch", "--untracked-files=all"]));
        note("hub worktrees", self.hub.git(&["worktree", "list", "--porcelain"]));
        note("hub stash", self.hub.git(&["stash", "list"]));
        note("hub config", self.hub.read(".git/config"));
        note("hub exclude", self.hub.read(".git/info/exclude"));
        let private = files(&self.hub.dir.join(".git/git-session"), &|path| {
            // What the journal has besides packs is settled by the swap that comes next.
            ["engine", "locks", "trash", "index-", ".tmp", "tip.json"].iter().any(|prefix| path.starts_with(prefix))
                || path.contains("/.tmp")
                || (path.starts_with("journal/") && path.ends_with(".json"))
        });
        for (path, content) in private {
            note(&format!("private {path}"), String::from_utf8_lossy(&content).into_owned());
        }
        // A kill may leave the half-written twin of an environment file, which nothing reads and nobody commits.
        let half = |line: &str| line.contains(".session-env.");
        for (path, content) in files(&self.hub.dir, &|path| path == ".git" || half(path)) {
            note(&format!("file {path}"), String::from_utf8_lossy(&content).into_owned());
        }
        let checkout = self.hub.dir.join(format!(".worktrees/{}", id("auth")));
        if checkout.join(".git").exists() {
            let checkout = self.hub.inside(&checkout);
            let status = checkout.git(&["status", "--porcelain=v2", "--branch", "--ignored"]);
            note("checkout status", status.lines().filter(|line| !half(line)).collect::<Vec<_>>().join("\n"));
            note("checkout history", checkout.git(&["log", "--format=%an %s"]));
            let git_dir = PathBuf::from(checkout.git(&["rev-parse", "--absolute-git-dir"]));
            for name in ["config.worktree", "git-session/claim.json"] {
                note(&format!("checkout's {name}"), fs::read_to_string(git_dir.join(name)).unwrap());
            }
        }
        state
    }

    #[track_caller]
    fn assert_state(&self, want: &BTreeMap<String, String>, point: usize) {
        let own = format!("active/{}/.session-env.writing-", id("auth"));
        let halves: Vec<String> = files(&self.hub.dir, &|path| path == ".git").into_keys().collect();
        let halves: Vec<&String> = halves.iter().filter(|path| path.contains(&own)).collect();
        assert!(halves.is_empty(), "killed at {point}: {halves:?}");
        let have = self.state();
        let keys = want.keys().chain(have.keys()).collect::<std::collections::BTreeSet<_>>();
        for key in keys {
            let (want, have) = (want.get(key), have.get(key));
            assert!(want == have, "killed at {point}, `{key}`: {have:#?} instead of {want:#?}");
        }
        assert!((1..=self.times).contains(&self.world.times("main", &self.subject)), "killed at {point}");
    }
}

/// Kills at every point, in two worlds side by side. `refused` is what a rival comes to when the move has landed;
/// `instead` is what happens when it has not, and a rival comes first.
fn at_every_point(make: fn() -> Scene, refused: fn(&Scene), instead: fn(&Scene)) {
    let side = |first: usize| {
        let scene = make();
        let points = scene.points() - scene.spared;
        let want = scene.state();
        assert!(points > 5, "there is something to be killed");
        let mut landed_at = Vec::new();
        // From the end, so that the last points are always among them.
        for point in (0..points).rev().skip(first).step_by(scene.stride) {
            scene.restore();
            scene.kill(point);
            let landed = scene.landed();
            if landed {
                landed_at.push(point);
                refused(&scene);
            }
            let told = scene.one.run(&scene.words());
            assert_eq!(told.status, 0, "killed at {point}, run again: {}{}", told.out, told.err);
            scene.assert_own_files_untouched();
            scene.assert_state(&want, point);
            if !landed {
                scene.restore();
                scene.kill(point);
                instead(&scene);
                scene.assert_own_files_untouched();
            }
        }
        assert!(
            !landed_at.is_empty() && landed_at.len() < points.div_ceil(scene.stride),
            "some before it landed, some after"
        );
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| side(1));
        side(0);
        if let Err(panic) = other.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// The same text for the same thing: how long the work took differs, and a nonce that YAML would take for a number is
/// quoted.
fn steady(text: &str) -> String {
    let text = masked(text).replace("nonce: \"NONCE\"", "nonce: NONCE");
    let line = |line: &str| if line.starts_with("| time | ") { "| time |".to_owned() } else { line.to_owned() };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn claim_scene() -> Scene {
    Scene::new(&["claim", "auth"], "Claim session", |_, hub| hub.clone())
}

fn two_is_told_that_one_holds_it(scene: &Scene) {
    let said = scene.two.claim("auth").refused("held", 3);
    assert_eq!(said, "session `2026-11-20-auth` is held by `one` since TIME\nhint: git session next");
}

#[test]
fn a_claim_that_is_killed_anywhere_is_finished_by_the_same_command() {
    at_every_point(claim_scene, two_is_told_that_one_holds_it, |scene| {
        scene.two.claim("auth").won();
        let said = scene.one.run(&scene.words()).refused("held", 3);
        assert_eq!(said, "session `2026-11-20-auth` is held by `two` since TIME\nhint: git session next");
        assert_eq!(scene.world.times("main", &scene.subject), 1);
        assert!(!scene.hub.exists(".worktrees/2026-11-20-auth"), "no checkout for who does not hold it");
    });
}

#[test]
fn a_claim_of_whatever_is_next_that_is_killed_gives_the_same_session_again() {
    let make = || {
        let mut scene = Scene::new(&["claim", "--next"], "Claim session", |world, hub| {
            world.plan_with("later", &["--priority", "-1"]);
            hub.clone()
        });
        // At the very last point the answer has been printed, and that is noted.
        scene.spared = 1;
        scene.stride = 2;
        scene
    };
    at_every_point(make, two_is_told_that_one_holds_it, |scene| {
        assert_eq!(scene.two.run(&["claim", "--next"]).won().id, id("auth"));
        assert_eq!(scene.one.run(&scene.words()).won().id, id("later"));
    });
}

/// `one` has claimed, worked, committed, and met what was asked for.
fn worked(hub: &Agent) -> Agent {
    let checkout = hub.take("auth");
    checkout.write("src/lib.txt", "one\ntwo\nthree\nfour\n");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("four");
    hub.meet("auth");
    checkout
}

fn nobody_else_completes_it(scene: &Scene) {
    scene.two.complete("auth").refused("not_holder", 3);
    scene.two.claim("auth").refused("not_planned", 3);
}

#[test]
fn a_completion_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let make = || {
        Scene::new(&["complete", "auth", "--summary", "four"], "Complete session", |_, hub| {
            worked(hub);
            hub.clone()
        })
    };
    at_every_point(make, nobody_else_completes_it, |scene| {
        scene.two.complete("auth").refused("not_holder", 3);
        two_is_told_that_one_holds_it(scene);
        scene.two.land_by_hand("src/third.txt", "somebody else's\n");
        scene.one.run(&scene.words()).done();
        assert_eq!(scene.world.times("main", &scene.subject), 1);
        assert_eq!(scene.world.on("main", "src/third.txt").as_deref(), Some("somebody else's\n"));
        assert_eq!(scene.world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    });
}

#[test]
fn a_completion_from_inside_the_checkout_that_is_killed_is_finished_from_the_hub() {
    let make = || Scene::new(&["complete", "auth"], "Complete session", |_, hub| worked(hub));
    let scene = make();
    let points = scene.points();
    for point in (0..points).step_by(5) {
        scene.restore();
        scene.kill(point);
        scene.hub.run(&["complete", "auth"]).done();
        scene.assert_own_files_untouched();
        assert_eq!(scene.world.times("main", &scene.subject), 1, "killed at {point}");
        assert_eq!(scene.world.on("main", "src/new.txt").as_deref(), Some("new\n"));
        assert!(!scene.hub.exists(".worktrees/2026-11-20-auth/src"), "killed at {point}");
    }
}

#[test]
fn a_publication_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let make = || {
        let mut scene = Scene::new(&["publish", "auth"], "Publish session", |_, hub| {
            worked(hub);
            hub.clone()
        });
        // Publishing the same twice is no harm.
        scene.times = 2;
        scene
    };
    at_every_point(make, two_is_told_that_one_holds_it, two_is_told_that_one_holds_it);
}

/// `one` has worked, and some of it is not committed.
fn checkpoint_scene() -> Scene {
    let words = ["checkpoint", "auth", "--title", "the form posts once"];
    let mut scene = Scene::new(&words, "Checkpoint session", |_, hub| {
        let checkout = worked(hub);
        checkout.write("src/lib.txt", "never committed\n");
        checkout.write("src/untracked.txt", "never added\n");
        hub.clone()
    });
    scene.stride = 4;
    scene
}

fn assert_one_checkpoint(scene: &Scene, words: &str) {
    let record = scene.world.record("active", &id("auth"));
    assert_eq!(record.matches("title: the form posts once").count(), 1, "{words}: {record}");
    let wip = format!("refs/git-session/wip/{}", id("auth"));
    assert_eq!(scene.world.on(&wip, "src/untracked.txt").as_deref(), Some("never added\n"), "{words}");
    let checkout = scene.hub.in_checkout("auth");
    assert_eq!(checkout.read("src/lib.txt"), "never committed\n");
    assert_eq!(checkout.git(&["rev-parse", "HEAD"]), scene.world.refs()["refs/heads/session/2026-11-20-auth"]);
}

#[test]
fn a_checkpoint_that_is_killed_anywhere_is_finished_by_the_same_command_and_there_is_one() {
    at_every_point(checkpoint_scene, two_is_told_that_one_holds_it, |scene| {
        two_is_told_that_one_holds_it(scene);
        // Somebody else's move comes first, and the holder has gone on.
        scene.world.planner().land_by_hand("src/third.txt", "somebody else's\n");
        scene.one.run(&scene.words()).done();
        assert_one_checkpoint(scene, "after another's move");
        scene.one.run(&["checkpoint", "auth", "--title", "another"]).done();
        assert!(scene.world.record("active", &id("auth")).contains("title: another"));
    });
}

#[test]
fn a_release_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let make = || {
        let mut scene = Scene::new(&["release", "auth", "--reason", "no time"], "Release session", |_, hub| {
            worked(hub);
            hub.clone()
        });
        // Every other point: the steps are those of a completion.
        scene.stride = 4;
        scene
    };
    at_every_point(
        make,
        |scene| scene.two.run(&["release", "auth", "--reason", "mine"]).refused("not_holder", 3).truncate(0),
        two_is_told_that_one_holds_it,
    );
}

#[test]
fn an_abandonment_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let make = || {
        let mut scene = Scene::new(&["abandon", "auth", "--reason", "superseded"], "Abandon session", |_, hub| {
            worked(hub);
            hub.clone()
        });
        // Every other point: the steps are those of a completion.
        scene.stride = 4;
        scene
    };
    at_every_point(
        make,
        |scene| scene.two.claim("auth").refused("not_planned", 3).truncate(0),
        two_is_told_that_one_holds_it,
    );
}

#[test]
fn what_a_kill_left_half_written_is_swept_away_by_the_next_command() {
    let scene = claim_scene();
    let halves = |agent: &Agent| {
        let all = files(&agent.dir, &|path| path == ".git/objects" || path.starts_with(".git/git-session/engine.git"));
        all.into_keys().filter(|path| path.contains(".session-env.writing-")).count()
    };
    let list = scene.world.root.join("points");
    scene.one.with("GIT_SESSION_STEPS", &list.display().to_string()).run(&scene.words()).done();
    let points = fs::read_to_string(&list).unwrap();
    fs::remove_file(list).unwrap();
    let mut left = 0;
    for point in points.lines().enumerate().filter(|(_, line)| line.ends_with("write")).map(|(point, _)| point) {
        for words in [vec!["claim", "auth"], vec!["doctor", "--fix"]] {
            scene.restore();
            scene.kill(point);
            let before = halves(&scene.hub);
            scene.one.run(&words).exits(0);
            left += before;
            let own = halves(&scene.hub.inside("_AGENTS")) + halves(&scene.hub.inside(".worktrees"));
            assert_eq!(own, 0, "killed at {point}, {words:?}");
        }
    }
    assert!(left > 0, "some kill leaves something");
}

#[test]
fn what_is_half_written_in_private_state_goes_when_it_is_old() {
    let scene = claim_scene();
    let private = ".git/git-session";
    scene.one.run(&["list"]).done();
    let names = [
        ".tmpAbCdEf",
        "index-AbCdEf",
        "claims/2026-11-20-auth/.tmpAbCdEf",
        "journal/.tmpAbCdEf",
        "engine-AbCdEf",
        "engine-old-AbCdEf",
        "hooks/new-AbCdEf",
        "engine.git/incoming-AbCdEf",
    ]
    .map(|name| format!("{private}/{name}"));
    let (kept, is_folder) =
        (format!("{private}/hooks/lasting"), |name: &str| !name.contains(".tmp") && !name.contains("index-"));
    let lay = || {
        scene.hub.write(&kept, "another's");
        for name in &names {
            scene.hub.write(&if is_folder(name) { format!("{name}/deep/er") } else { name.clone() }, "half");
        }
    };
    let there = || names.iter().filter(|name| scene.hub.exists(name)).count();
    let age = || {
        for name in &names {
            let touched = scene
                .hub
                .sh(&format!("[ ! -e '{name}' ] || find '{name}' '{kept}' -exec touch -t 202001010000 {{}} +"));
            assert!(touched.status.success());
        }
    };
    lay();
    scene.one.run(&["claim", "auth"]).won();
    scene.one.run(&["doctor", "--fix"]).exits(0);
    assert_eq!(there(), names.len(), "somebody may be writing them");
    age();
    let growing = format!("{}/deep/er", names[7]);
    scene.hub.write(&growing, "grows");
    scene.one.run(&["claim", "auth"]).won();
    assert_eq!(there(), 1, "somebody writes in a folder that is old");
    age();
    scene.one.run(&["claim", "auth"]).won();
    assert_eq!(there(), 0);
    assert!(scene.hub.exists(&kept), "what has another name is let be");
    lay();
    age();
    let told = scene.one.run(&["doctor"]).exits(0);
    assert_eq!(told.out.matches("half_written").count(), names.len(), "{}", told.out);
    scene.one.run(&["doctor", "--fix"]).exits(0);
    assert_eq!(there(), 0);
}

/// `one` has worked, and was then heard of no more; `heir` takes over in the same clone.
fn takeover_scene() -> Scene {
    let words = ["takeover", "auth", "--reason", "gone"];
    Scene::new(&words, "Take over session", |world, hub| {
        let checkout = worked(hub);
        hub.run(&["publish", "auth"]).done();
        checkout.write("src/later.txt", "committed, never published\n");
        checkout.commit("later");
        checkout.write("src/lib.txt", "never committed\n");
        checkout.write("src/untracked.txt", "never added\n");
        world.age(&id("auth"), 5 * 3600);
        fs::remove_dir_all(world.root.join("clerk")).unwrap();
        hub.named("heir")
    })
}

#[test]
fn a_takeover_that_is_killed_anywhere_is_finished_by_the_same_command_and_nothing_is_lost() {
    at_every_point(
        takeover_scene,
        |scene| {
            let said = scene.two.run(&scene.words()).refused("held", 3);
            assert!(said.starts_with("session `2026-11-20-auth` is held by `heir` since TIME"), "{said}");
            scene.hub.run(&["publish", "auth"]).refused("not_holder", 3);
        },
        |scene| {
            scene.two.run(&scene.words()).won();
            let said = scene.one.run(&scene.words()).refused("held", 3);
            assert!(said.starts_with("session `2026-11-20-auth` is held by `two` since TIME"), "{said}");
            assert_eq!(scene.world.times("main", &scene.subject), 1);
            let checkout = scene.hub.in_checkout("auth");
            assert_eq!(checkout.read("src/lib.txt"), "never committed\n");
            assert_eq!(checkout.read("src/untracked.txt"), "never added\n");
            assert_eq!(checkout.git(&["symbolic-ref", "HEAD"]), "refs/heads/session/2026-11-20-auth");
        },
    );
}

#[test]
fn a_takeover_that_is_killed_is_what_claim_next_gives_back_first() {
    let scene = takeover_scene();
    let points = scene.points();
    for point in (0..points - 1).rev().step_by(7) {
        scene.restore();
        scene.kill(point);
        if !scene.landed() {
            break;
        }
        assert_eq!(scene.one.run(&["claim", "--next"]).won().epoch, 2, "killed at {point}");
        assert_eq!(scene.hub.read(".worktrees/2026-11-20-auth.epoch-1/src/untracked.txt"), "never added\n");
        assert!(!scene.hub.exists(".worktrees/2026-11-20-auth/src/untracked.txt"), "killed at {point}");
    }
}

#[test]
fn a_handoff_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let make = || {
        let words = ["handoff", "auth", "--summary", "half of it", "--next", "the other half"];
        Scene::new(&words, "Hand over session", |_, hub| {
            worked(hub);
            hub.clone()
        })
    };
    let two_need_not_wait = |scene: &Scene| {
        let said = scene.two.claim("auth").refused("held", 3);
        assert!(said.ends_with("hint: git session takeover 2026-11-20-auth --reason 'why'"), "{said}");
    };
    at_every_point(make, two_need_not_wait, two_is_told_that_one_holds_it);
}

#[test]
fn a_resumption_without_its_checkout_that_is_killed_anywhere_is_finished_by_the_same_command() {
    let make = || {
        let mut scene = Scene::new(&["resume", "auth"], "Resume session", |_, hub| {
            let checkout = worked(hub);
            hub.run(&["pause", "auth"]).done();
            fs::remove_dir_all(&checkout.dir).unwrap();
            hub.clone()
        });
        scene.stride = 6;
        scene
    };
    at_every_point(make, two_is_told_that_one_holds_it, |scene| {
        scene.two.run(&["resume", "auth"]).refused("not_holder", 3);
    });
}
