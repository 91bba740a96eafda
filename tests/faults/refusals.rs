//! Servers that refuse, in the words of the servers that people use. The words are passed on and decide nothing.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::script;
use crate::truth::{Walk, verified};
use crate::world::{Agent, World, id};

fn hook(world: &World, name: &str, body: &str) {
    script(&world.root.join("origin.git/hooks").join(name), body);
}

/// What well-known servers print on standard error when a hook of theirs refuses.
const TEXTS: [(&str, &str); 12] = [
    (
        "github branch",
        "error: GH006: Protected branch update failed for refs/heads/main.\nerror: Changes must be made through a pull request. Required status check \"ci\" is expected.",
    ),
    (
        "github rules",
        "error: GH013: Repository rule violations found for refs/heads/main.\nReview all repository rules at https://github.com/o/r/rules?ref=refs%2Fheads%2Fmain\n\n- Changes must be made through a pull request.",
    ),
    (
        "github size",
        "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.",
    ),
    ("gitlab branch", "GitLab: You are not allowed to push code to protected branches on this project."),
    ("gitlab hook", "GitLab: pre-receive hook declined: commit message does not follow the pattern '^[A-Z]+-[0-9]+'"),
    ("gitea", "Gitea: Not allowed to push to protected branch main"),
    ("forgejo", "Forgejo: branch main is protected from force push"),
    (
        "bitbucket",
        "Branch refs/heads/main can only be modified through pull requests.\nCheck your branch permissions configuration with the project administrator.",
    ),
    (
        "azure",
        "VS403654: The push was rejected.\nTF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
    ),
    (
        "gerrit",
        "branch refs/heads/main:\nPush to refs/for/main to create a review, or get 'Push' rights to update the branch.\n(prohibited by Gerrit: not permitted: update)",
    ),
    (
        "quota",
        "error: insufficient permission for adding an object: Disk quota exceeded\nfatal: failed to write object",
    ),
    ("memory", "fatal: Out of memory, malloc failed (tried to allocate 4194304 bytes)"),
];

/// Texts that git itself prints for something else, which would lead astray whoever believed them.
const MISLEADING: [&str; 8] = [
    "error: cannot lock ref 'refs/heads/main': Unable to create 'main.lock': File exists.",
    "error: failed to update ref",
    "! [rejected] main -> main (non-fast-forward)",
    "! [rejected] main -> main (fetch first)",
    "error: shallow update not allowed",
    "unpack ok\nok refs/heads/main",
    "Everything up-to-date\nremote: Resolving deltas: 100%",
    "ssh: connect to host board port 22: Connection timed out",
];

fn planned() -> (World, Agent) {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    (world, one)
}

/// Refuses in these words; gives what was said. Nothing may land.
#[track_caller]
fn refused(world: &World, one: &Agent, hook_name: &str, text: &str) -> String {
    fs::write(world.root.join("text"), text).unwrap();
    hook(world, hook_name, &format!("cat '{}' >&2\nexit 1", world.root.join("text").display()));
    let before = world.refs();
    let said = one.run(&["claim", "auth", "--isolation", "none", "--timeout", "5m"]).refused("denied", 7);
    assert_eq!(world.refs(), before, "{text}");
    fs::remove_file(world.root.join("origin.git/hooks").join(hook_name)).unwrap();
    said
}

#[test]
fn what_a_server_says_when_it_refuses_is_passed_on_and_nothing_landed() {
    let (world, one) = planned();
    for (number, (server, text)) in TEXTS.into_iter().enumerate() {
        let said = refused(&world, &one, ["pre-receive", "update"][number % 2], text);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            assert!(said.contains(line.trim()), "{server}: `{line}` is not in: {said}");
        }
    }
    one.claim("auth").won();
    assert_eq!(Walk::of(&world).ever[&id("auth")].len(), 1);
    verified(&one);
}

#[test]
fn no_words_of_a_server_decide_anything() {
    let (world, one) = planned();
    let seed = fastrand::u64(..);
    let mut dice = fastrand::Rng::with_seed(seed);
    let noise: String = (0..200).map(|_| dice.char('!'..='~')).collect();
    let texts = MISLEADING.into_iter().chain(["", noise.as_str()]);
    for (number, text) in texts.enumerate() {
        refused(&world, &one, ["update", "pre-receive"][number % 2], text);
    }
    // The same words from a server that takes what is pushed.
    let mut words: Vec<&str> = TEXTS.iter().map(|(_, text)| *text).chain(MISLEADING).collect();
    words.push(&noise);
    fs::write(world.root.join("text"), words.join("\n")).unwrap();
    let shout = format!("cat '{0}' >&2; cat '{0}'", world.root.join("text").display());
    for name in ["pre-receive", "update", "post-receive", "post-update"] {
        hook(&world, name, &shout);
    }
    one.claim("auth").won();
    assert_eq!(Walk::of(&world).ever[&id("auth")].len(), 1, "seed {seed}");
}

#[test]
fn a_hook_that_dies_after_the_change_does_not_undo_it() {
    let (world, one) = planned();
    hook(&world, "post-receive", "echo 'fatal: Out of memory, malloc failed' >&2; kill -9 $$");
    one.claim("auth").won();
    assert_eq!(world.times("main", &format!("[{}] Claim session", id("auth"))), 1);
}

#[test]
fn what_git_itself_refuses_is_refused_and_said() {
    for (key, value, part) in [
        ("receive.maxInputSize", "10", "exceeds maximum allowed size"),
        ("core.bigFileThreshold", "bad", "bad numeric config value"),
        ("receive.denyCurrentBranch", "refuse", "denied"),
    ] {
        let (world, one) = planned();
        if key.ends_with("Branch") {
            world.remote(&["config", "core.bare", "false"]);
        }
        let before = world.refs();
        let config = world.root.join("origin.git/config");
        let (kept, (section, key)) = (fs::read_to_string(&config).unwrap(), key.split_once('.').unwrap());
        fs::write(&config, format!("{kept}\n[{section}]\n\t{key} = {value}\n")).unwrap();
        let told = one.run_until(&["claim", "auth", "--isolation", "none"], |told| told.out.contains(part));
        assert!([7, 10].contains(&told.status), "{key}: {}{}", told.out, told.err);
        fs::write(&config, kept).unwrap();
        assert_eq!(world.refs(), before, "{key}");
    }
}

#[test]
fn a_lock_that_a_dead_server_left_is_waited_for_and_who_waits_wins_when_it_goes() {
    let (world, one) = planned();
    let lock = world.root.join("origin.git/refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let words = ["claim", "auth", "--isolation", "none"];
    let before = world.refs();
    let began = Instant::now();
    let said = one.run(&words).refused("denied", 7);
    // A held lock and a policy look the same; it gives the lock its second before it says so.
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(said.contains("main"), "{said}");
    assert_eq!(world.refs(), before);
    // The lock goes when the push has been refused once: a hook notes that.
    let seen = world.root.join("seen");
    hook(&world, "pre-receive", &format!(": > '{}'\nexit 0", seen.display()));
    let waiting = one.start(&words);
    crate::support::wait_until("a refused push", || seen.exists());
    fs::remove_file(&lock).unwrap();
    let told = waiting.wait();
    assert!(told.json["data"]["pushes"].as_u64().unwrap_or_default() >= 1, "{}", told.out);
    told.won();
    assert_eq!(Walk::of(&world).ever[&id("auth")].len(), 1);
    verified(&one);
}

#[test]
fn a_server_whose_disk_is_full_refuses_and_takes_the_same_when_there_is_room() {
    let (world, one) = planned();
    // No file that the server writes may grow beyond nothing: what a full disk comes to, without one.
    let program = world.root.join("full");
    script(&program, "trap '' XFSZ\nulimit -f 0\nexec git receive-pack \"$@\"");
    one.git(&["config", "remote.origin.receivepack", &program.display().to_string()]);
    let before = world.refs();
    let told = one.run(&["claim", "auth", "--isolation", "none", "--timeout", "5m"]);
    let said = told.refused("denied", 7);
    assert!(said.contains("unpack") || said.contains("write"), "{said}");
    assert_eq!(world.refs(), before);
    one.git(&["config", "--unset", "remote.origin.receivepack"]);
    one.claim("auth").won();
    assert_eq!(Walk::of(&world).ever[&id("auth")].len(), 1);
    verified(&one);
}

/// A hook that does `body` to pushes of archives alone, with the number of such pushes so far in `$n`.
fn archive_hook(world: &World, body: &str) {
    let count = world.root.join("count").display().to_string();
    let body = format!(
        "grep -q ' refs/git-session/archive/' || exit 0\necho push >> '{count}'\nn=$(wc -l < '{count}')\n\
         lock=refs/git-session/archive/{}.lock\n{body}\nexit 0",
        id("auth")
    );
    hook(world, "pre-receive", &body);
}

/// Abandons a session with a commit of its own; gives what was said and the names under which the remote keeps it.
fn abandoned(body: &str, words: &[&str]) -> (crate::world::Told, Vec<String>) {
    let (world, one) = planned();
    let checkout = one.take("auth");
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    archive_hook(&world, body);
    let told = one.run(&[&["abandon", "auth", "--reason", "no"], words].concat());
    (told, world.refs().into_keys().filter(|name| name.contains("archive")).collect())
}

#[test]
fn a_moments_lock_or_a_lost_reply_makes_no_branch_of_an_archive() {
    let archive = format!("refs/git-session/archive/{}", id("auth"));
    let lock = "mkdir -p refs/git-session/archive; if [ $n = 1 ]; then : > $lock; else rm -f $lock; fi";
    // As a server that dies: nothing moves, and no reply comes.
    for body in [lock, "[ $n -gt 5 ] || kill -9 $PPID"] {
        let (told, kept) = abandoned(body, &[]);
        told.done();
        assert_eq!(kept, [archive.as_str()], "{body}");
    }
}

#[test]
fn an_archive_whose_replies_are_all_lost_is_said_to_be_undecided_and_only_a_refused_namespace_gives_a_branch() {
    let (told, kept) = abandoned("kill -9 $PPID", &["--timeout", "3s"]);
    let said = told.refused("unfinished", 1);
    assert!(said.contains("no answer from"), "{said}");
    assert_eq!(kept, [""; 0]);
    let (told, kept) = abandoned("echo 'branches only' >&2; exit 1", &[]);
    let branch = format!("refs/heads/session-archive/{}", id("auth"));
    told.done();
    assert_eq!(kept, [branch]);
}
