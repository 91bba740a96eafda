//! A clone that is used for weeks: what every fetch and every claim leaves in the engine repository is gathered beside the
//! commands, nothing of it is lost, and nobody waits for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use git2::{Oid, Repository};

use crate::support::{script, wait_until};
use crate::world::{Agent, World, copy, folder, id};

/// Enough packs for an upkeep to be due.
const MANY: usize = 30;

fn private(hub: &Agent) -> PathBuf {
    hub.dir.join(".git/git-session")
}

fn engine(hub: &Agent) -> PathBuf {
    private(hub).join("engine.git")
}

fn packs(hub: &Agent) -> usize {
    let names = fs::read_dir(engine(hub).join("objects/pack")).unwrap();
    names.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".pack")).count()
}

fn loose(hub: &Agent) -> usize {
    let counted = hub.git(&["--git-dir", engine(hub).to_str().unwrap(), "count-objects"]);
    counted.split_whitespace().next().unwrap().parse().unwrap()
}

/// Every object that is in the engine repository itself, whatever reaches it.
fn objects(hub: &Agent) -> BTreeSet<String> {
    let objects = engine(hub).join("objects");
    let script = format!(
        "set -e; cd '{}'; for idx in pack/*.idx; do [ ! -e \"$idx\" ] || git show-index <\"$idx\" | cut -d' ' -f2; done
         for file in [0-9a-f][0-9a-f]/*; do [ ! -e \"$file\" ] || printf '%s\\n' \"$file\" | tr -d /; done",
        objects.display()
    );
    let output = hub.sh(&script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Puts objects that nothing reaches into the engine repository: so many packs of one each, and as many loose ones.
fn crowd(hub: &Agent, packed: usize, loose: usize) {
    let engine = engine(hub).display().to_string();
    let script = format!(
        "set -e; export GIT_DIR='{engine}'
         for i in $(seq {packed}); do
           echo \"packed $i\" | git hash-object -w --stdin | git pack-objects -q '{engine}/objects/pack/pack' >/dev/null
         done
         git prune-packed
         for i in $(seq {loose}); do echo \"loose $i\" | git hash-object -w --stdin >/dev/null; done"
    );
    let output = hub.sh(&script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn upkeep(hub: &Agent) -> crate::world::Told {
    hub.says(&["upkeep", "--private", private(hub).to_str().unwrap()])
}

/// The repository is whole: every object is readable, and what the refs need is there.
fn is_sound(hub: &Agent) {
    hub.git(&["--git-dir", engine(hub).to_str().unwrap(), "fsck", "--full", "--no-dangling", "--no-progress"]);
}

#[test]
fn however_often_a_rival_pushes_the_packs_of_a_clone_stay_few() {
    let world = World::new();
    world.plan("auth");
    let (hub, rival) = (world.agent("one"), world.agent("two"));
    // Every fetch by the executable leaves a pack.
    hub.git(&["config", "session.transport", "git"]);
    let mut most = 0;
    for round in 0..2 * MANY {
        rival.land_by_hand("src/other.txt", &format!("{round}\n"));
        hub.run(&["list"]).done();
        most = most.max(packs(&hub));
        if round % MANY == MANY - 1 {
            wait_until("the upkeep is through", || packs(&hub) <= 20 && !private(&hub).join("upkeep").exists());
        }
    }
    assert!(most > 20, "the fetches left no packs, so this shows nothing");
    is_sound(&hub);
    hub.claim("auth").won();
    assert_eq!(hub.run(&["doctor"]).done()["findings"].as_array().unwrap().len(), 0);
}

#[test]
fn four_agents_claim_while_their_engine_repository_is_gathered_again_and_again() {
    let world = World::new();
    let slugs: Vec<String> = (0..4).map(|agent| format!("s{agent}")).collect();
    for slug in &slugs {
        world.plan(slug);
    }
    let (hub, rival) = (world.agent("one"), world.agent("two"));
    hub.git(&["config", "session.transport", "git"]);
    hub.run(&["list"]).done();
    crowd(&hub, 3, 40);
    let before = objects(&hub);
    let over = std::sync::atomic::AtomicUsize::new(0);
    let count = |over: &std::sync::atomic::AtomicUsize| over.load(std::sync::atomic::Ordering::SeqCst);
    std::thread::scope(|scope| {
        for (agent, slug) in slugs.iter().enumerate() {
            let (hub, over) = (hub.named(&format!("agent-{agent}")), &over);
            scope.spawn(move || {
                for _ in 0..4 {
                    let claimed = hub.run(&["claim", &id(slug), "--isolation", "none"]).won();
                    assert!(!claimed.already_held);
                    hub.run(&["release", &id(slug), "--reason", "again"]).done();
                }
                over.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            });
        }
        let (hub, rival, over) = (&hub, &rival, &over);
        scope.spawn(move || {
            let mut round = 0;
            while count(over) < 4 {
                round += 1;
                rival.sh(&format!(
                    "git fetch -q origin && git checkout -q --detach origin/main && echo {round} >src/other.txt \
                     && git commit -qam {round} && git push -q origin HEAD:main"
                ));
            }
        });
        let mut rounds = 0;
        while count(over) < 4 {
            upkeep(hub).exits(0);
            rounds += 1;
        }
        assert!(rounds > 3, "it was hardly ever gathered");
    });
    upkeep(&hub).exits(0);
    assert!(packs(&hub) <= 10, "{}", packs(&hub));
    let after = objects(&hub);
    assert!(before.is_subset(&after), "lost {:?}", before.difference(&after).collect::<Vec<_>>());
    is_sound(&hub);
    for slug in &slugs {
        assert_eq!(world.times("main", &format!("[{}] Claim session", id(slug))), 4, "{slug}");
    }
    hub.run(&["verify-log"]).done();
}

#[test]
fn an_upkeep_that_is_killed_anywhere_loses_no_object_and_the_next_one_finishes() {
    let world = World::new();
    world.plan("auth");
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    crowd(&hub, 5, 20);
    let want = objects(&hub);
    let saved = folder();
    copy(&engine(&hub), saved.path());
    let points = || {
        let list = world.root.join("points");
        let _ = fs::remove_file(&list);
        let told = hub.with("GIT_SESSION_STEPS", list.to_str().unwrap());
        upkeep(&told).exits(0);
        fs::read_to_string(list).unwrap().lines().count()
    };
    let restore = || {
        fs::remove_dir_all(engine(&hub)).unwrap();
        copy(&saved.path().join("engine.git"), &private(&hub));
    };
    let points = points();
    assert!(points > 6, "{points} points are too few to be killed at");
    assert_eq!((packs(&hub), loose(&hub)), (1, 0));
    let mut left_behind = 0;
    for point in 0..points {
        restore();
        upkeep(&hub.with("GIT_SESSION_KILL_AT", &point.to_string())).exits(128 + 9);
        assert_eq!(objects(&hub), want, "killed at {point}");
        is_sound(&hub);
        let halves = halves(&hub);
        left_behind += halves.len();
        hub.run(&["list"]).done();
        upkeep(&hub).exits(0);
        assert_eq!(objects(&hub), want, "killed at {point}");
        assert_eq!((packs(&hub), loose(&hub)), (1, 0), "killed at {point}");
        // What is young may be somebody's who is at it.
        assert_eq!(self::halves(&hub), halves);
        for half in &halves {
            age(half);
        }
        upkeep(&hub).exits(0);
        assert_eq!(self::halves(&hub), Vec::<PathBuf>::new());
    }
    assert!(left_behind > 0, "nothing was ever left behind");
    hub.claim("auth").won();
}

/// The folders in which packs were made.
fn halves(hub: &Agent) -> Vec<PathBuf> {
    let entries = fs::read_dir(engine(hub)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("upkeep-")).collect()
}

fn age(path: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 3600);
    fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
}

#[test]
fn what_killed_fetches_left_goes_when_it_is_old_and_a_pack_that_is_kept_stays() {
    let world = World::new();
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    crowd(&hub, 2, 0);
    let place = engine(&hub).join("objects/pack");
    let kept = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "idx"));
    let keep = kept.unwrap().with_extension("keep");
    fs::write(&keep, "fetch-pack 1 on here\n").unwrap();
    for name in ["tmp_pack_old", "tmp_idx_new"] {
        fs::write(place.join(name), "half").unwrap();
    }
    age(&place.join("tmp_pack_old"));
    let want = objects(&hub);
    upkeep(&hub).exits(0);
    assert!(!place.join("tmp_pack_old").exists() && place.join("tmp_idx_new").exists());
    assert!(keep.with_extension("pack").exists(), "somebody is fetching this pack");
    assert_eq!((packs(&hub), loose(&hub)), (2, 0));
    age(&keep);
    upkeep(&hub).exits(0);
    assert!(!keep.exists());
    assert_eq!((packs(&hub), objects(&hub)), (1, want));
}

#[test]
fn a_pack_that_comes_out_as_it_went_in_stays() {
    let world = World::new();
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    let engine = engine(&hub).display().to_string();
    // All that the second pack has is in the first.
    let script = format!(
        "set -e; export GIT_DIR='{engine}'
         for i in 1 2 3; do echo $i | git hash-object -w --stdin; done >all
         git pack-objects -q '{engine}/objects/pack/pack' <all; head -n 2 all | git pack-objects -q '{engine}/objects/pack/pack'
         git prune-packed"
    );
    assert!(hub.sh(&script).status.success());
    let want = objects(&hub);
    assert_eq!((packs(&hub), want.len()), (2, 3));
    upkeep(&hub).exits(0);
    assert_eq!((packs(&hub), objects(&hub)), (1, want));
}

#[test]
fn what_the_users_own_repository_has_too_stays_in_the_engines() {
    let world = World::new();
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    crowd(&hub, 2, 2);
    let want = objects(&hub);
    // The person fetches the very same, and may throw it away again.
    let own = hub.dir.join(".git/objects/pack/pack").display().to_string();
    let script = format!(
        "set -e; for text in 'packed 1' 'packed 2' 'loose 1' 'loose 2'; do echo \"$text\" | git hash-object -w --stdin; done \
         | git pack-objects -q '{own}'"
    );
    assert!(hub.sh(&script).status.success());
    upkeep(&hub).exits(0);
    assert_eq!((packs(&hub), loose(&hub), objects(&hub)), (1, 0, want));
}

#[test]
fn who_has_the_engine_repository_open_reads_on_when_its_packs_are_replaced() {
    let world = World::new();
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    crowd(&hub, 12, 12);
    let want = objects(&hub);
    let reader = Repository::open_bare(engine(&hub)).unwrap();
    // It knows of the packs now and has opened none but the one that it has read from.
    let one = Oid::from_str(want.first().unwrap()).unwrap();
    reader.odb().unwrap().read(one).unwrap();
    upkeep(&hub).exits(0);
    assert_eq!(packs(&hub), 1);
    for name in &want {
        let oid = Oid::from_str(name).unwrap();
        assert!(reader.odb().unwrap().exists(oid), "{name}");
        reader.odb().unwrap().read(oid).unwrap();
    }
}

/// A `git` that waits at a door before it packs.
fn waiting_git(world: &World) -> String {
    let bin = world.root.join("bin");
    fs::create_dir(&bin).unwrap();
    let root = world.root.display();
    let path = std::env::var("PATH").unwrap();
    script(
        &bin.join("git"),
        &format!(
            "case \"$*\" in *--stdin-packs*) : >'{root}/knocked'; while [ ! -e '{root}/open' ]; do sleep 0.01; done;; esac\n\
             PATH='{path}' exec git \"$@\""
        ),
    );
    format!("{}:{path}", bin.display())
}

#[test]
fn nobody_waits_for_the_upkeep_and_only_one_process_does_it() {
    let world = World::new();
    world.plan("auth");
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    crowd(&hub, MANY, 0);
    let slow = hub.with("PATH", &waiting_git(&world));
    // It is begun, and its pack is not made before the door opens: the answer is there all the same.
    slow.run(&["list"]).done();
    wait_until("somebody is at the door", || world.root.join("knocked").exists());
    assert_eq!(packs(&hub), MANY);
    assert_eq!(upkeep(&hub).exits(0).out, "another process is at it\n");
    hub.claim("auth").won();
    fs::write(world.root.join("open"), "").unwrap();
    wait_until("the packs are gathered", || packs(&hub) == 1);
    wait_until("the upkeep is through", || !private(&hub).join("upkeep").exists());
    is_sound(&hub);
}

#[test]
fn offline_and_in_a_rehearsal_nothing_is_gathered_and_no_failure_is_tried_after_every_command() {
    let world = World::new();
    world.plan("auth");
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    let starts = |words: &[&str]| {
        let list = world.root.join("points");
        let _ = fs::remove_file(&list);
        hub.with("GIT_SESSION_STEPS", list.to_str().unwrap()).run(words).exits(0);
        fs::read_to_string(&list).unwrap_or_default().contains("upkeep")
    };
    assert!(!starts(&["list"]), "there is nothing to be gathered");
    crowd(&hub, MANY, 0);
    assert!(!starts(&["list", "--offline"]));
    assert!(!starts(&["claim", &id("auth"), "--dry-run"]));
    // As one leaves it that did not come to its end.
    fs::write(private(&hub).join("upkeep"), format!("{MANY} 0\n")).unwrap();
    assert!(!starts(&["list"]), "it would be tried after every command");
    fs::remove_file(private(&hub).join("upkeep")).unwrap();
    assert!(starts(&["list"]));
    wait_until("the packs are gathered", || packs(&hub) == 1);
}

#[test]
fn doctor_tells_of_an_engine_repository_that_nobody_has_gathered_and_mends_it() {
    let world = World::new();
    let hub = world.agent("one");
    hub.run(&["list"]).done();
    crowd(&hub, 2 * MANY, 0);
    let want = objects(&hub);
    fs::write(private(&hub).join("upkeep"), format!("{} 0\n", 2 * MANY)).unwrap();
    let found = hub.run(&["doctor"]).done()["findings"].clone();
    assert_eq!((&found[0]["code"], &found[0]["safe"]), (&"engine_crowded".into(), &true.into()), "{found}");
    let mended = hub.run(&["doctor", "--fix"]).done();
    assert_eq!(mended["findings"].as_array().unwrap().len(), 0, "{mended}");
    assert_eq!(
        mended["mended"][0],
        "gathered the engine repository's objects: 60 packs and about 0 loose objects, now 1 packs and about 0 loose objects"
    );
    assert_eq!((packs(&hub), objects(&hub)), (1, want));
}
