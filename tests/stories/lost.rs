//! Nothing that somebody wrote is thrown away: it is landed, archived, kept where it is, or the move is refused.

use crate::world::{Agent, Told, World, id};

fn worked(world: &World) -> (Agent, Agent) {
    worked_in(world, "worktree")
}

fn worked_in(world: &World, isolation: &str) -> (Agent, Agent) {
    world.plan("auth");
    let one = world.agent("one");
    let won = one.run(&["claim", "auth", "--isolation", isolation]).won();
    let checkout = one.nameless().inside(won.checkout);
    checkout.write("src/new.txt", "new\n");
    checkout.commit("new");
    one.meet("auth");
    (one, checkout)
}

fn complete(one: &Agent) -> Told {
    one.complete("auth")
}

fn abandon(one: &Agent) -> Told {
    one.run(&["abandon", "auth", "--reason", "superseded"])
}

fn release(one: &Agent) -> Told {
    one.run(&["release", "auth", "--reason", "no time"])
}

const ENDINGS: [fn(&Agent) -> Told; 3] = [complete, abandon, release];

#[test]
fn uncommitted_work_is_refused_with_the_list() {
    for end in ENDINGS {
        let world = World::new();
        let (one, checkout) = worked(&world);
        checkout.write("src/lib.txt", "unsaved\n");
        checkout.write("src/untracked.txt", "never added\n");
        checkout.write("src/staged.txt", "staged\n");
        checkout.git(&["add", "src/staged.txt"]);
        let before = world.refs();
        let told = end(&one);
        assert_eq!(told.details("paths"), ["src/lib.txt", "src/staged.txt", "src/untracked.txt"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(told.refused("dirty", 5), @r"
            the checkout of session `2026-11-20-auth` is not clean: uncommitted work in `src/lib.txt`, `src/staged.txt`, `src/untracked.txt`
            hint: git -C /WORLD/one/.worktrees/2026-11-20-auth status
            ");
        }
        assert_eq!(world.refs(), before);
        assert_eq!(checkout.read("src/lib.txt"), "unsaved\n");
        assert_eq!(checkout.read("src/untracked.txt"), "never added\n");
        assert_eq!(world.state(&id("auth")), "active");
    }
}

#[test]
fn an_agent_of_the_same_clone_that_does_not_hold_a_session_touches_nothing_of_who_does() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    release(&one).done();
    let two = one.named("two");
    two.claim("auth").won();
    checkout.write("src/lib.txt", "two is at it\n");
    checkout.write("src/untracked.txt", "so it is\n");
    let head = two.git(&["rev-parse", "session/2026-11-20-auth"]);
    // What `one` asks again was done long ago, and it has no part in what came after.
    one.run(&["release", "auth", "--reason", "no time", "--wip"]).done();
    one.run(&["abandon", "auth", "--reason", "no", "--wip"]).refused("not_holder", 3);
    one.run(&["publish", "auth"]).refused("not_holder", 3);
    one.named("three").run(&["release", "auth", "--reason", "no", "--wip"]).refused("not_holder", 3);
    assert_eq!(two.git(&["rev-parse", "session/2026-11-20-auth"]), head);
    assert_eq!(checkout.read("src/lib.txt"), "two is at it\n");
    assert_eq!(checkout.read("src/untracked.txt"), "so it is\n");
    assert_eq!(world.state(&id("auth")), "active");
}

#[test]
fn commits_that_were_never_pushed_are_kept_on_the_remote() {
    for (end, branch) in [
        (ENDINGS[0], "refs/git-session/archive/2026-11-20-auth"),
        (ENDINGS[1], "refs/git-session/archive/2026-11-20-auth"),
        (ENDINGS[2], "refs/heads/session/2026-11-20-auth"),
    ] {
        let world = World::new();
        let (one, checkout) = worked(&world);
        let head = checkout.git(&["rev-parse", "HEAD"]);
        end(&one).done();
        assert_eq!(world.refs().get(branch), Some(&head));
        assert!(!one.exists(".worktrees/2026-11-20-auth"));
    }
}

#[test]
fn a_stash_in_the_checkout_is_refused_or_kept() {
    for end in ENDINGS {
        let world = World::new();
        let (one, checkout) = worked(&world);
        checkout.write("src/lib.txt", "stashed\n");
        checkout.git(&["stash", "push", "--quiet"]);
        let told = end(&one);
        assert!(told.status == 5 || told.status == 0, "{}", told.out);
        assert_eq!(one.git(&["stash", "list"]).lines().count(), 1, "{}", told.out);
        assert_eq!(one.git(&["show", "stash@{0}:src/lib.txt"]), "stashed");
    }
}

/// The ways of an agent to commit where the session's branch does not see it, with what a refusal says of each.
const ASTRAY: [(&str, &str); 3] = [
    ("git checkout --quiet --detach", "a detached HEAD, which its branch `session/2026-11-20-auth` does not have"),
    ("git checkout --quiet -b mine", "branch `mine`, which its branch `session/2026-11-20-auth` does not have"),
    ("git branch -m mine", "branch `mine`, and its branch `session/2026-11-20-auth` is not there"),
];

/// `one` has committed `src/astray.txt` in such a way.
fn astray(world: &World, isolation: &str, way: &str) -> (Agent, Agent, String) {
    let (one, checkout) = worked_in(world, isolation);
    assert!(checkout.sh(way).status.success(), "{way}");
    checkout.write("src/astray.txt", "astray\n");
    let commit = checkout.commit("astray");
    (one, checkout, commit)
}

#[test]
fn commits_on_another_branch_or_on_none_are_refused_until_the_hint_has_brought_them_back() {
    for (end, kept) in [
        (ENDINGS[0], "refs/git-session/archive/2026-11-20-auth"),
        (ENDINGS[1], "refs/git-session/archive/2026-11-20-auth"),
        (ENDINGS[2], "refs/heads/session/2026-11-20-auth"),
    ] {
        for ((way, words), isolation) in ASTRAY.into_iter().flat_map(|way| [(way, "worktree"), (way, "clone")]) {
            let world = if isolation == "clone" { World::apart() } else { World::new() };
            let (one, checkout, commit) = astray(&world, isolation, way);
            let before = world.refs();
            let told = end(&one);
            let hint = told.json["error"]["hint"].as_str().unwrap().to_owned();
            // Of a branch that was renamed, all is told that the base does not have.
            let count = if way.contains(" -m ") { "2 commits" } else { "1 commit" };
            assert_eq!(told.json["error"]["message"], format!("session `2026-11-20-auth` has {count} on {words}"));
            assert_eq!(told.details("commits")[0], commit);
            told.refused("dirty", 5);
            assert_eq!(world.refs(), before);
            assert!(one.sh(&hint).status.success(), "{hint}");
            assert_eq!(checkout.git(&["symbolic-ref", "HEAD"]), "refs/heads/session/2026-11-20-auth");
            end(&one).done();
            assert_eq!(world.refs().get(kept), Some(&commit), "{way} {isolation}");
        }
    }
}

#[test]
fn work_in_progress_is_committed_to_the_sessions_branch_or_nowhere() {
    for verb in ["release", "abandon"] {
        for (way, _) in ASTRAY {
            for committed in [false, true] {
                let world = World::new();
                let (one, checkout) = worked(&world);
                assert!(checkout.sh(way).status.success());
                if committed {
                    checkout.write("src/astray.txt", "astray\n");
                    checkout.commit("astray");
                }
                checkout.write("src/wip.txt", "wip\n");
                let (refs, head) = (world.refs(), checkout.git(&["rev-parse", "HEAD"]));
                let words = [verb, "auth", "--reason", "no time", "--wip"];
                let told = one.run(&words);
                let hint = told.json["error"]["hint"].as_str().unwrap().to_owned();
                told.refused("dirty", 5);
                assert_eq!((world.refs(), checkout.git(&["rev-parse", "HEAD"])), (refs, head), "{verb} {way}");
                assert!(one.sh(&hint).status.success(), "{hint}");
                one.run(&words).done();
                let kept = if verb == "release" { "refs/heads/session" } else { "refs/git-session/archive" };
                let kept = format!("{kept}/2026-11-20-auth");
                assert_eq!(world.on(&kept, "src/wip.txt").as_deref(), Some("wip\n"), "{verb} {way}");
                assert_eq!(world.on(&kept, "src/new.txt").as_deref(), Some("new\n"));
                assert_eq!(world.on(&kept, "src/astray.txt").is_some(), committed, "{verb} {way}");
            }
        }
    }
}

#[test]
fn commits_beside_a_branch_that_went_on_are_merged_by_the_hint() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    checkout.git(&["checkout", "--quiet", "-b", "mine", "HEAD^"]);
    checkout.write("src/astray.txt", "astray\n");
    checkout.commit("astray");
    let told = release(&one);
    let hint = told.json["error"]["hint"].as_str().unwrap().to_owned();
    told.refused("dirty", 5);
    assert!(one.sh(&hint).status.success(), "{hint}");
    release(&one).done();
    let heir = world.agent("two").take("auth");
    assert_eq!((heir.read("src/astray.txt"), heir.read("src/new.txt")), ("astray\n".to_owned(), "new\n".to_owned()));
}

#[test]
fn a_head_that_is_elsewhere_and_has_nothing_of_its_own_is_in_nobodys_way() {
    for end in ENDINGS {
        let world = World::new();
        let (one, checkout) = worked(&world);
        checkout.git(&["checkout", "--quiet", "--detach", "origin/main"]);
        end(&one).done();
    }
}

#[test]
fn a_merge_that_is_not_finished_is_refused() {
    for end in ENDINGS {
        let world = World::new();
        let (one, checkout) = worked(&world);
        world.planner().land_by_hand("src/new.txt", "other\n");
        checkout.git(&["fetch", "--quiet", "origin"]);
        let merge = checkout.sh("git merge origin/main");
        assert!(!merge.status.success());
        let before = world.refs();
        end(&one).refused("dirty", 5);
        assert_eq!(world.refs(), before);
        assert!(checkout.read("src/new.txt").contains("<<<<<<<"));
    }
}

#[test]
fn a_repository_inside_the_checkout_is_refused_or_kept() {
    for end in ENDINGS {
        let world = World::new();
        let (one, checkout) = worked(&world);
        checkout.git(&["init", "--quiet", "target/vendored"]);
        checkout.inside("target/vendored").write("work.txt", "work\n");
        checkout.inside("target/vendored").commit("work");
        end(&one);
        assert_eq!(checkout.read("target/vendored/work.txt"), "work\n", "it is ignored, and not ours to delete");
    }
}

#[test]
fn work_in_progress_is_committed_when_that_is_asked_for() {
    for verb in ["abandon", "release"] {
        let world = World::new();
        let (one, checkout) = worked(&world);
        checkout.write("src/untracked.txt", "half done\n");
        one.run(&[verb, "auth", "--reason", "no time", "--wip"]).done();
        let kept = match verb {
            "abandon" => "refs/git-session/archive/2026-11-20-auth",
            _ => "refs/heads/session/2026-11-20-auth",
        };
        assert_eq!(world.on(kept, "src/untracked.txt").as_deref(), Some("half done\n"));
    }
}

#[test]
fn the_next_holder_starts_where_the_last_one_left() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    let head = checkout.git(&["rev-parse", "HEAD"]);
    release(&one).done();
    let two = world.agent("two");
    let won = two.claim("auth").won();
    assert_eq!(won.epoch, 2);
    assert_eq!(two.inside(won.checkout).git(&["rev-parse", "HEAD"]), head);
    one.run(&["publish", "auth"]).refused("not_holder", 3);
    complete(&one).refused("not_holder", 3);
}

#[test]
fn commits_that_somebody_else_pushed_to_the_session_branch_are_not_overwritten() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    one.run(&["publish", "auth"]).done();
    let other = world.clone_at("other");
    other.git(&["checkout", "--quiet", "session/2026-11-20-auth"]);
    other.write("src/help.txt", "help\n");
    let help = other.commit("help");
    other.git(&["push", "--quiet", "origin", "HEAD"]);
    checkout.write("src/more.txt", "more\n");
    checkout.commit("more");
    let told = complete(&one);
    let refs = world.remote(&["for-each-ref", "--contains", &help]);
    assert!(!refs.is_empty(), "{}{}", told.out, told.err);
}

#[test]
fn publishing_does_not_throw_away_what_somebody_else_pushed_to_the_session_branch() {
    for publish in [|one: &Agent| one.run(&["publish", "auth"]), release] {
        let world = World::new();
        let (one, checkout) = worked(&world);
        one.run(&["publish", "auth"]).done();
        let other = world.clone_at("other");
        other.git(&["checkout", "--quiet", "session/2026-11-20-auth"]);
        other.write("src/help.txt", "help\n");
        other.commit("help");
        other.git(&["push", "--quiet", "origin", "HEAD"]);
        checkout.write("src/more.txt", "more\n");
        checkout.commit("more");
        // Having fetched it is not having it.
        one.git(&["fetch", "--quiet", "origin"]);
        let before = world.refs();
        insta::allow_duplicates! {
            insta::assert_snapshot!(publish(&one).refused("conflict", 5), @r"
            `session/2026-11-20-auth` on the remote has commits that the branch here does not have
            hint: git session sync 2026-11-20-auth
            ");
        }
        assert_eq!(world.refs(), before);
        checkout.git(&["pull", "--quiet", "--no-rebase", "--no-edit", "origin", "session/2026-11-20-auth"]);
        publish(&one).done();
    }
}

#[test]
fn a_holder_may_rewrite_its_own_branch() {
    let world = World::new();
    let (one, checkout) = worked(&world);
    one.run(&["publish", "auth"]).done();
    checkout.git(&["commit", "--quiet", "--amend", "-m", "newer"]);
    one.run(&["publish", "auth"]).done();
    let head = checkout.git(&["rev-parse", "HEAD"]);
    assert_eq!(world.refs()["refs/heads/session/2026-11-20-auth"], head);
}
