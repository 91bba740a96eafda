//! A claim is made beside the person's own work, never in it: HEAD, index and working tree are what they were.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::world::{Agent, ROOT, World, bare_command, files, id};

/// Everything of a person's repository that a claim has no business with, byte for byte.
fn person(agent: &Agent) -> BTreeMap<String, Vec<u8>> {
    let mut seen = files(&agent.dir, &|path| path == ".git" || path == ".worktrees");
    let git_dir = PathBuf::from(agent.git(&["rev-parse", "--absolute-git-dir"]));
    for name in ["HEAD", "index", "logs/HEAD", "logs/refs/stash", "MERGE_HEAD", "ORIG_HEAD"] {
        seen.insert(format!(".git/{name}"), fs::read(git_dir.join(name)).unwrap_or_default());
    }
    let branches =
        agent.git(&["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/stash", "refs/tags"]);
    let branches: Vec<&str> = branches.lines().filter(|line| !line.starts_with("refs/heads/session/")).collect();
    seen.insert("branches".to_owned(), branches.join("\n").into_bytes());
    seen
}

/// Claims, and fails if anything of the person's is another than before.
#[track_caller]
fn claim_beside(agent: &Agent) -> Agent {
    let before = person(agent);
    let won = agent.named("one").claim("auth").won();
    let after = person(agent);
    for key in before.keys().chain(after.keys()) {
        let text =
            |seen: &BTreeMap<String, Vec<u8>>| seen.get(key).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert_eq!(text(&after), text(&before), "{key}");
    }
    assert!(won.checkout.join(".git").exists() && won.env_file.is_file() && won.plan_file.is_file());
    agent.nameless().inside(won.checkout)
}

/// A clone with a board and `auth` planned, whose hub may be brought up to date only when that is asked for.
fn clone(world: &World) -> Agent {
    world.plan("auth");
    let hub = world.clone_at("hub");
    hub.git(&["config", "session.refresh", "never"]);
    hub
}

#[test]
fn from_a_dirty_tree() {
    let world = World::new();
    let hub = clone(&world);
    hub.write("src/lib.txt", "unsaved\n");
    hub.write("notes.txt", "untracked\n");
    hub.write("x.secret", "ignored\n");
    claim_beside(&hub);
}

#[test]
fn from_another_branch() {
    let world = World::new();
    let hub = clone(&world);
    hub.git(&["checkout", "--quiet", "-b", "feature"]);
    hub.write("src/feature.txt", "feature\n");
    hub.commit("feature");
    let checkout = claim_beside(&hub);
    assert!(!checkout.exists("src/feature.txt"), "the session starts from the base");
}

#[test]
fn from_a_detached_head() {
    let world = World::new();
    let hub = clone(&world);
    hub.git(&["checkout", "--quiet", "--detach", "HEAD~1"]);
    claim_beside(&hub);
}

#[test]
fn from_a_branch_with_commits_that_nobody_pushed() {
    let world = World::new();
    let hub = clone(&world);
    hub.write("src/lib.txt", "mine\n");
    hub.commit("not pushed");
    let checkout = claim_beside(&hub);
    assert_eq!(checkout.read("src/lib.txt"), "one\ntwo\nthree\n");
}

#[test]
fn from_a_subdirectory() {
    let world = World::new();
    let hub = clone(&world);
    let before = person(&hub);
    let won = hub.inside("src").named("one").claim("auth").won();
    assert_eq!(person(&hub), before);
    assert_eq!(won.checkout, hub.dir.join(".worktrees/2026-11-20-auth"));
}

#[test]
fn with_staged_changes_and_a_stash() {
    let world = World::new();
    let hub = clone(&world);
    hub.write("src/lib.txt", "stashed\n");
    hub.git(&["stash", "push", "--quiet"]);
    hub.write("src/other.txt", "staged\n");
    hub.git(&["add", "src/other.txt"]);
    hub.write("src/other.txt", "staged, then changed\n");
    hub.git(&["rm", "--quiet", "--cached", ".gitignore"]);
    claim_beside(&hub);
}

#[test]
fn in_the_middle_of_a_merge() {
    let world = World::new();
    let hub = clone(&world);
    hub.git(&["checkout", "--quiet", "-b", "feature"]);
    hub.write("src/lib.txt", "feature\n");
    hub.commit("feature");
    hub.git(&["checkout", "--quiet", "main"]);
    hub.write("src/lib.txt", "main\n");
    hub.commit("main");
    assert!(!hub.sh("git merge feature").status.success());
    claim_beside(&hub);
}

#[test]
fn beside_a_bare_repository_with_worktrees() {
    let world = World::new();
    world.plan("auth");
    let project = world.at("project");
    project.git(&["clone", "--quiet", "--bare", &world.url, "repo.git"]);
    let bare = project.inside("repo.git");
    bare.git(&["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"]);
    bare.git(&["worktree", "add", "--quiet", "-b", "feature", "../feature", "main"]);
    let feature = project.inside("feature");
    feature.write("src/lib.txt", "unsaved\n");
    let before = person(&feature);
    let won = feature.named("one").claim("auth").won();
    assert_eq!(person(&feature), before);
    assert_eq!(won.checkout, project.dir.join(".worktrees/2026-11-20-auth"));
    let checkout = feature.nameless().inside(&won.checkout);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    checkout.run(&["criteria", "met", "AC-1"]).done();
    checkout.run(&["complete"]).done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    assert_eq!(person(&feature), before);
    // From the bare repository itself, too.
    world.plan("next");
    bare.named("one").claim("next").won();
}

#[test]
fn with_git_dir_set() {
    let world = World::new();
    let hub = clone(&world);
    let before = person(&hub);
    let elsewhere = world.at("elsewhere").named("one").with("GIT_DIR", &hub.dir.join(".git").display().to_string());
    let won = elsewhere.claim("auth").won();
    assert_eq!(person(&hub), before);
    assert_eq!(won.checkout, hub.dir.join(".worktrees/2026-11-20-auth"));
    assert_eq!(fs::read_dir(world.root.join("elsewhere")).unwrap().count(), 0);
}

#[test]
fn with_the_variables_of_a_hook_of_another_repository() {
    let world = World::new();
    let hub = clone(&world);
    world.git(&world.root, &["clone", "--quiet", &world.url, "another"]);
    let another = world.at("another");
    let before = person(&another);
    let index = another.dir.join(".git/index").display().to_string();
    claim_beside(&hub.with("GIT_INDEX_FILE", &index).with("GIT_PREFIX", "src/"));
    assert_eq!(person(&another), before);
}

#[test]
fn in_a_submodule() {
    let world = World::new();
    world.plan("auth");
    let outer = world.at("outer");
    outer.git(&["init", "--quiet"]);
    outer.git(&["submodule", "--quiet", "add", &world.url, "inner"]);
    outer.git(&["commit", "--quiet", "-m", "inner"]);
    let inner = outer.inside("inner");
    inner.git(&["config", "session.refresh", "never"]);
    inner.write("src/lib.txt", "unsaved\n");
    let before = outer.git(&["status", "--porcelain"]);
    claim_beside(&inner);
    assert_eq!(outer.git(&["status", "--porcelain"]), before);
}

#[test]
fn in_a_sparse_clone() {
    let world = World::new();
    world.planner().land_by_hand("docs/guide.txt", "guide\n");
    let hub = clone(&world);
    hub.git(&["sparse-checkout", "set", "--cone", "docs"]);
    assert!(!hub.exists("src"));
    let checkout = claim_beside(&hub);
    assert_eq!(hub.git(&["sparse-checkout", "list"]), "docs");
    assert!(checkout.exists(&format!("{ROOT}/active/2026-11-20-auth/SESSION.md")));
    assert_eq!(checkout.git(&["status", "--porcelain"]), "");
}

#[test]
fn in_a_shallow_clone() {
    let world = World::new();
    for number in 0..5 {
        world.planner().land_by_hand("src/lib.txt", &format!("{number}\n"));
    }
    world.plan("auth");
    world.git(&world.root, &["clone", "--quiet", "--depth", "1", &format!("file://{}", world.url), "hub"]);
    let hub = world.at("hub");
    hub.git(&["config", "session.refresh", "never"]);
    let checkout = claim_beside(&hub);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    checkout.run(&["criteria", "met", "AC-1"]).done();
    world.planner().land_by_hand("src/meanwhile.txt", "meanwhile\n");
    checkout.run(&["complete"]).done();
    assert_eq!(world.on("main", "src/new.txt").as_deref(), Some("new\n"));
    assert_eq!(world.on("main", "src/meanwhile.txt").as_deref(), Some("meanwhile\n"));
}

#[test]
fn without_a_remote_at_all() {
    let world = World::without_board();
    let hub = world.clone_at("hub");
    hub.git(&["remote", "remove", "origin"]);
    hub.git(&["checkout", "--quiet", "-b", "feature"]);
    hub.git(&["branch", "--quiet", "--force", "main"]);
    hub.git(&["config", "session.base", "main"]);
    hub.run(&["init"]).done();
    hub.run(&["new", "auth", "--id", &id("auth"), "--ready", "--context", "why", "--criterion", "it works"]).done();
    hub.write("src/lib.txt", "unsaved\n");
    let before = person(&hub);
    let won = hub.named("one").claim("auth").won();
    let after = person(&hub);
    for (key, bytes) in &before {
        assert!(key == "branches" || after.get(key) == Some(bytes), "{key}");
    }
    let checkout = hub.nameless().inside(&won.checkout);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    checkout.run(&["criteria", "met", "AC-1"]).done();
    checkout.run(&["complete"]).done();
    assert_eq!(hub.git(&["show", "main:src/new.txt"]), "new");
    assert_eq!(hub.read("src/lib.txt"), "unsaved\n");
}

#[test]
fn of_eight_in_one_clone_without_a_remote_one_wins() {
    let world = World::without_board();
    let hub = world.clone_at("hub");
    hub.git(&["remote", "remove", "origin"]);
    hub.run(&["init"]).done();
    hub.run(&["new", "auth", "--id", &id("auth"), "--ready", "--context", "why", "--criterion", "it works"]).done();
    let agents: Vec<Agent> = (0..8).map(|number| hub.named(&format!("agent-{number}"))).collect();
    let running: Vec<_> = agents.iter().map(|agent| agent.start(&["claim", "auth"])).collect();
    let told: Vec<_> = running.into_iter().map(crate::world::Running::wait).collect();
    assert_eq!(told.iter().filter(|told| told.status == 0).count(), 1);
    assert_eq!(told.iter().filter(|told| told.status == 3).count(), 7);
}

#[test]
fn with_a_remote_whose_head_leads_nowhere() {
    let world = World::new();
    let hub = clone(&world);
    world.remote(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
    claim_beside(&hub);
}

#[test]
fn the_hub_follows_only_where_nothing_of_the_persons_is_in_the_way() {
    let world = World::new();
    world.plan("auth");
    let hub = world.agent("one");
    hub.write("src/lib.txt", "unsaved\n");
    hub.write("src/staged.txt", "staged\n");
    hub.git(&["add", "src/staged.txt"]);
    world.plan("next");
    hub.claim("auth").won();
    // Forwarded: the person's files are not what the board changed.
    assert_eq!(hub.git(&["rev-parse", "HEAD"]), world.remote(&["rev-parse", "main"]));
    assert_eq!(hub.git(&["status", "--porcelain"]), "M  src/lib.txt\nA  src/staged.txt".replace("M  ", " M "));
    assert!(hub.exists(&format!("{ROOT}/active/2026-11-20-auth/.session-env")));
    // Left alone, with a word: the person has changed what the base changes.
    world.planner().land_by_hand("src/lib.txt", "theirs\n");
    let before = person(&hub);
    let told = hub.claim("next");
    assert!(told.err.contains("the hub was left as it is"), "{}", told.err);
    told.won();
    let mut after = person(&hub);
    after.retain(|key, _| before.contains_key(key));
    assert_eq!(after, before);
}

#[test]
fn a_claim_in_one_worktree_of_a_clone_does_not_touch_another() {
    let world = World::new();
    let hub = clone(&world);
    hub.git(&["worktree", "add", "--quiet", "-b", "feature", "../feature"]);
    let feature = world.at("feature");
    feature.write("src/lib.txt", "unsaved\n");
    let before = (person(&hub), person(&feature));
    let won = feature.named("one").claim("auth").won();
    assert_eq!((person(&hub), person(&feature)), before);
    assert_eq!(won.checkout, hub.dir.join(".worktrees/2026-11-20-auth"), "never nested in another checkout");
    let output = bare_command("git", &world.root, &won.checkout).args(["config", "user.name"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "one (via Ada)");
    assert_eq!(feature.git(&["config", "user.name"]), "Ada");
}
