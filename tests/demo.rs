//! The demo: it runs anywhere, it cleans up after itself, it never writes where it must not, and its audit sees faults.
#![allow(clippy::disallowed_methods, reason = "tests start programs, ask the time and read the environment")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "demo/left.rs"]
mod left;
#[path = "demo/machine.rs"]
mod machine;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use git_session::demo::WorkPlan;
use rustix::process::{Pid, Signal, kill_process_group};

use left::{Commit, LOCK, Left, codes, edited, first};
use machine::{Machine, git, numbers, running, told};

#[test]
fn it_runs_outside_a_repository_with_an_empty_home_and_leaves_nothing() {
    let machine = Machine::new();
    let (exit, document) = machine.demo(&["--agents", "16", "--sessions", "12"]);
    assert_eq!(exit, 0, "{document}");
    let data = &document["data"];
    let counts = ["agents", "sessions", "claims", "completed", "double_winners", "lost"];
    assert_eq!(numbers(data, &counts), [16, 12, 12, 12, 0, 0]);
    let pushes = numbers(data, &["pushes", "retries", "attempts"]);
    assert_eq!(pushes[0], 24 + pushes[1], "every claim and landing is one push that won");
    assert!(pushes[2] >= pushes[0] && pushes[1] < 24, "sixteen agents of one machine take turns: {pushes:?}");
    let times = numbers(&data["claim_ms"], &["median", "p95", "max"]);
    assert!(0 < times[0] && times[0] <= times[1] && times[1] <= times[2], "{times:?}");
    assert!(data["seconds"].as_f64().unwrap() > 0.0 && data["kept"] == false, "{data}");
    assert_eq!((document["ok"].as_bool(), document["command"].as_str()), (Some(true), Some("demo")));
    assert_eq!(machine.left_over(), Vec::<PathBuf>::new());
}

#[test]
fn nobodys_settings_leak_in_and_people_see_each_step() {
    let machine = Machine::new();
    let hooks = machine.path("hooks");
    fs::create_dir(&hooks).unwrap();
    for hook in ["pre-commit", "commit-msg", "post-checkout", "pre-receive"] {
        script(&hooks.join(hook), "exit 1");
    }
    let config = format!(
        "[user]\n\tname = Eve\n[commit]\n\tgpgSign = true\n[core]\n\thooksPath = {0}\n\tautocrlf = true\n[init]\n\ttemplateDir = {0}\n\tdefaultBranch = trunk\n[url \"nowhere://\"]\n\tinsteadOf = /\n[session]\n\tisolation = none\n",
        hooks.display()
    );
    fs::write(machine.path("home/.gitconfig"), config).unwrap();
    let mut command = machine.command(&["--agents", "2", "--sessions", "2", "--keep", "--seed", "5"]);
    command.env("GIT_DIR", "/nowhere").env("GIT_AUTHOR_NAME", "Eve").env("GIT_COMMITTER_DATE", "@0 +0000");
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "user.name").env("GIT_CONFIG_VALUE_0", "Eve");
    command.env("SESSION_ID", "2026-11-20-other").env("GIT_SESSION_ROOT", "elsewhere").env("CLAUDECODE", "1");
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("one winner each, one landing each, every patch applies, no lock line left"), "{stdout}");
    assert!(stdout.contains("(seed 5)") && stdout.contains("2 of 2, 0 lost"), "{stdout}");
    assert_eq!(stderr.matches(" landed 2").count(), 2, "{stderr}");
    let kept = machine.left_over().into_iter().find(|path| path.starts_with(machine.path("tmp dir"))).unwrap();
    assert!(stdout.contains(&format!("kept in {}\n", kept.display())), "{stdout}");
    let people = git(&kept.join("remote.git"), &["log", "--format=%an|%ae|%cn", "--all"]);
    assert!(!people.contains("Eve") && people.contains("agent-0") && people.contains("via Demo"), "{people}");
    let worked = git(&kept.join("remote.git"), &["for-each-ref", "refs/git-session/archive", "--format=%(authorname)"]);
    assert!(worked.lines().all(|name| name.starts_with("agent-0")), "work is committed by the session: {worked}");
}

#[test]
fn the_same_seed_plans_the_same_work() {
    let machine = Machine::new();
    let plan = |seed| machine.demo(&["--dry-run", "--sessions", "20", "--seed", seed]).1["data"]["plan"].clone();
    assert_eq!(plan("3").as_array().unwrap().len(), 20);
    assert_eq!(plan("3"), plan("3"));
    assert_ne!(plan("3"), plan("4"));
    for bad in [["--agents", "0"], ["--agents", "65"], ["--sessions", "0"], ["--sessions", "1001"]] {
        assert_eq!(machine.demo(&bad).0, 2, "{bad:?}");
    }
}

#[test]
fn a_remote_that_somebody_needs_is_refused_and_left_as_it_is() {
    let machine = Machine::new();
    let url = machine.bare("somebody's.git");
    let clone = machine.path("clone");
    git(&machine.path("here"), &["clone", "-q", &url.display().to_string(), &clone.display().to_string()]);
    let commit = ["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "real work"];
    git(&clone, &commit);
    git(&clone, &["push", "-q", "origin", "HEAD"]);
    let refs = || git(&url, &["for-each-ref"]);
    let before = refs();
    let remote = url.display().to_string();
    let (exit, document) = machine.demo(&["--remote", &remote]);
    assert_eq!((exit, document["error"]["code"].as_str()), (3, Some("taken")), "{document}");
    // Somebody's tag of that name alone makes nothing the demo's.
    git(&clone, &commit);
    git(&clone, &["tag", "git-session-demo"]);
    git(&clone, &["push", "-q", "origin", "HEAD", "git-session-demo"]);
    let (exit, document) = machine.demo(&["--remote", &remote]);
    assert_eq!((exit, document["error"]["code"].as_str()), (3, Some("taken")), "{document}");
    git(&clone, &["push", "-q", "--force", "origin", "HEAD~1:main", ":refs/tags/git-session-demo"]);
    assert_eq!(refs(), before);
    let (exit, document) = machine.demo(&["--remote", &machine.path("nowhere.git").display().to_string()]);
    assert_eq!((exit, document["error"]["code"].as_str()), (10, Some("unreachable")), "{document}");
    assert_eq!(machine.left_over(), Vec::<PathBuf>::new());
}

#[test]
fn an_empty_remote_takes_one_demo_after_the_other_but_not_one_in_another() {
    let machine = Machine::new();
    let url = machine.bare("scratch.git");
    let remote = url.display().to_string();
    let arguments = ["--remote", &remote, "--agents", "2", "--sessions", "2", "--seed", "1"];
    for _ in 0..2 {
        let output = machine.command(&arguments).arg("--json").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("this writes to `{remote}`")));
        let (exit, document) = told(&output);
        assert_eq!(exit, 0, "{document}");
        assert_eq!(numbers(&document["data"], &["sessions", "claims", "completed", "lost"]), [2, 2, 2, 0]);
    }
    // A demo that was cut off before its first landing.
    let tip = git(&url, &["rev-parse", "main"]);
    let open = git(&url, &["log", "-1", "--format=%H", "--grep=Session-Event: claimed", "main"]);
    git(&url, &["update-ref", "refs/heads/main", &open, &tip]);
    let (exit, document) = machine.demo(&arguments);
    assert_eq!((exit, document["error"]["code"].as_str()), (3, Some("taken")), "{document}");
    assert_eq!(git(&url, &["rev-parse", "main"]), open);
    assert_eq!(machine.left_over(), Vec::<PathBuf>::new());
}

#[test]
fn a_board_on_which_somebody_meddles_while_agents_race_ends_in_findings() {
    let machine = Machine::new();
    let url = machine.bare("meddled.git");
    // After the first landing, the server itself lets a rival claim what is completed.
    let hook = r#"
[ -e planted ] && exit 0
git log -1 --format=%B main | grep -q '^Session-Event: completed' || exit 0
: > planted
message=$(git log -1 --format=%B main | sed -e 's/Event: completed/Event: claimed/' -e 's/Agent: .*/Agent: rival/')
commit=$(printf '%s\n' "$message" | git -c user.name=R -c user.email=r@e.org commit-tree -p main 'main^{tree}')
git update-ref refs/heads/main "$commit"
"#;
    let file = url.join("hooks/post-receive");
    fs::create_dir_all(url.join("hooks")).unwrap();
    script(&file, hook);
    let (exit, document) = machine.demo(&["--remote", &url.display().to_string(), "--agents", "2", "--sessions", "2"]);
    assert_eq!(exit, 8, "{document}");
    let data = &document["data"];
    assert_eq!(numbers(data, &["claims", "completed", "double_winners"]), [3, 2, 1], "{data}");
    assert!(data["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "second_claim"), "{data}");
    assert_eq!(document["ok"], false);
    assert_eq!(machine.left_over(), Vec::<PathBuf>::new());
}

#[test]
fn a_demo_that_is_interrupted_or_killed_takes_its_agents_and_its_folder_along() {
    // TERM for Ctrl-C: the demo handles neither, and what is started in a shell's background is deaf to INT.
    for signal in [Signal::TERM, Signal::KILL] {
        let machine = Machine::new();
        let mut command = machine.command(&["--agents", "4", "--sessions", "10"]);
        let mut demo: Child = command.stderr(Stdio::piped()).stdout(Stdio::null()).process_group(0).spawn().unwrap();
        let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("  has 2")), "an agent has a session");
        let group = Pid::from_raw(i32::try_from(demo.id()).unwrap()).unwrap();
        kill_process_group(group, signal).unwrap();
        assert_eq!(demo.wait().unwrap().signal(), Some(signal.as_raw()));
        let give_up = Instant::now() + Duration::from_secs(300);
        while !machine.left_over().is_empty() || !running(&machine.path("tmp dir")).is_empty() {
            let left = (machine.left_over(), running(&machine.path("tmp dir")));
            assert!(Instant::now() < give_up, "still there: {left:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn the_audit_sees_every_fault_that_is_planted_in_a_remote() {
    let mut left = Left::new();
    let sound = left.planted(|_, commits| commits);
    assert_eq!((sound.findings, sound.claims.len(), sound.completed, sound.lost), (Vec::new(), 4, 4, 0));
    assert_eq!(sound.plan, WorkPlan::new(11, 4, "demo"), "the plan is found in the remote");

    let second = left.planted(|_, mut commits| {
        let at = first(&commits, "claimed");
        let rival = commits[at].with("Session-Agent", "rival").with("Session-Nonce", &"0".repeat(32));
        commits.insert(at + 1, rival);
        commits
    });
    assert!(codes(&second).contains(&"second_claim"), "{:?}", second.findings);
    assert_eq!((second.double_winners, second.claims.len()), (1, 5));

    let late = left.planted(|_, mut commits| {
        let claim = commits[first(&commits, "claimed")].with("Session-Agent", "rival").with("Session-Epoch", "2");
        let tree = commits.last().unwrap().tree;
        commits.push(Commit { tree, ..claim });
        commits
    });
    assert_eq!((codes(&late), late.double_winners), (vec!["lock_line", "not_active", "record", "second_claim"], 1));

    let unlocked = left.planted(|repository, mut commits| {
        let at = first(&commits, "claimed");
        commits[at].tree = edited(repository, commits[at].tree, LOCK, Some(b""));
        commits
    });
    assert_eq!(codes(&unlocked), ["lock_line"]);

    let locked = left.planted(|repository, mut commits| {
        let line = format!("{}:1\n", commits[first(&commits, "claimed")].id());
        let last = commits.last_mut().unwrap();
        last.tree = edited(repository, last.tree, LOCK, Some(line.as_bytes()));
        commits
    });
    assert_eq!(codes(&locked), ["lock_line"]);

    let (file, _) = WorkPlan::new(11, 4, "demo").tasks[0].files[0].clone();
    let missing = left.planted(|repository, mut commits| {
        for commit in &mut commits {
            if repository.find_tree(commit.tree).unwrap().get_path(file.as_ref()).is_ok() {
                commit.tree = edited(repository, commit.tree, &file, None);
            }
        }
        commits
    });
    assert_eq!((codes(&missing), missing.lost), (vec!["landings", "lost_work", "no_landing", "patch"], 1));

    let undone = left.planted(|repository, mut commits| {
        let tree = edited(repository, commits.last().unwrap().tree, &file, None);
        commits.push(Commit { message: "Tidy up\n".to_owned(), tree });
        commits
    });
    assert_eq!((codes(&undone), undone.lost), (vec!["landings", "lost_work", "stranger", "stray_change"], 1));

    let tampered = left.planted(|repository, mut commits| {
        let at = first(&commits, "completed");
        let id = commits[at].id();
        let path = format!("_AGENTS/sessions/completed/{id}/{id}.patch");
        let tree = repository.find_tree(commits[at].tree).unwrap();
        let blob = repository.find_blob(tree.get_path(path.as_ref()).unwrap().id()).unwrap();
        let patch = String::from_utf8(blob.content().to_vec()).unwrap().replacen(": done", ": gone", 1);
        for commit in &mut commits[at..] {
            commit.tree = edited(repository, commit.tree, &path, Some(patch.as_bytes()));
        }
        commits
    });
    assert_eq!(codes(&tampered), ["landings", "patch"]);

    let twice = left.planted(|_, mut commits| {
        let at = first(&commits, "completed");
        commits.insert(at + 1, commits[at].clone());
        commits
    });
    assert_eq!(codes(&twice), ["completed_twice", "no_landing", "patch"]);

    let unclaimed = left.planted(|_, mut commits| {
        commits.remove(first(&commits, "claimed"));
        commits
    });
    assert!(codes(&unclaimed).contains(&"not_holder"), "{:?}", unclaimed.findings);
    assert_eq!(unclaimed.claims.len(), 3);

    let unarchived = left.planted(|repository, commits| {
        let mut archives = repository.references_glob("refs/git-session/archive/*").unwrap();
        archives.next().unwrap().unwrap().delete().unwrap();
        commits
    });
    assert_eq!(codes(&unarchived), ["landings", "no_archive"]);
}

fn script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
