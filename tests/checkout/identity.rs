//! Commits are by the session's own names, sourced or not.

use std::fs;
use std::path::Path;

use git_session::checkout::identity::{Configured, Identity, User, configure, verify};
use git_session::checkout::worktree::create;
use git_session::checkout::{CheckoutError, env, exclude, own_folder};

use crate::world::{ID, ROOT, World, commit, id, picture, read, run, soon, write};

fn identity() -> Identity {
    let user = User { name: "Sam \"the\" Doe".to_owned(), email: "sam@example.org".to_owned() };
    Identity::new(&"claude-1".parse().unwrap(), &id(), &user, "agents.local")
}

fn by(checkout: &Path) -> String {
    commit(checkout, "work");
    run(checkout, &["log", "-1", "--format=%an <%ae> %cn <%ce>"])
}

const WANTED: &str = "claude-1 (via Sam \"the\" Doe) <sam+2026-11-20-auth@agents.local> \
                      Session-2026-11-20-auth (via Sam \"the\" Doe) <sam+2026-11-20-auth@agents.local>";

#[test]
fn a_commit_in_the_checkout_is_by_the_session_and_elsewhere_by_the_user() {
    let world = World::new();
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    assert!(matches!(verify(&path, &identity(), soon()), Err(CheckoutError::Attribution { .. })));
    assert_eq!(configure(&world.hub.common_dir, &path, &identity(), soon()).unwrap(), Configured::Changed);
    assert_eq!(by(&path), WANTED);
    assert!(by(&world.top).starts_with("Sam Doe <sam@example.org> Sam Doe"));
    let before = picture(&world.top);
    assert_eq!(configure(&world.hub.common_dir, &path, &identity(), soon()).unwrap(), Configured::Same);
    assert_eq!(picture(&world.top), before);
}

#[test]
fn a_bare_repository_stays_bare_and_its_worktrees_do_not_become_it() {
    let world = World::bare();
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    for expected in [Configured::Changed, Configured::Same] {
        assert_eq!(configure(&world.hub.common_dir, &path, &identity(), soon()).unwrap(), expected);
    }
    assert_eq!(run(&world.hub.common_dir, &["rev-parse", "--is-bare-repository"]), "true");
    assert_eq!(run(&path, &["rev-parse", "--is-bare-repository"]), "false");
    assert_eq!(run(&path, &["config", "--file", "../../repo.git/config.worktree", "core.bare"]), "true");
    assert!(!read(&world.hub.common_dir, "config").contains("bare"));
    assert_eq!(by(&path), WANTED);
}

#[test]
fn a_repository_that_names_its_working_tree_keeps_it_to_itself() {
    let world = World::new();
    run(&world.top, &["config", "core.worktree", world.top.to_str().unwrap()]);
    // Somebody turned the extension on by hand and forgot the rest.
    run(&world.top, &["config", "extensions.worktreeConfig", "true"]);
    write(&world.top, "src/lib.rs", "not committed\n");
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    assert_eq!(read(&world.top, "src/lib.rs"), "not committed\n", "the files of the hub are not the checkout's");
    assert_eq!(read(&path, "src/lib.rs"), "one\ntwo\nthree\n");
    configure(&world.hub.common_dir, &path, &identity(), soon()).unwrap();
    assert_eq!(run(&path, &["rev-parse", "--show-toplevel"]), path.to_str().unwrap());
    assert_eq!(run(&world.top, &["rev-parse", "--show-toplevel"]), world.top.to_str().unwrap());
    assert!(!read(&world.hub.common_dir, "config").contains("worktree = "));
}

#[test]
fn first_claims_at_the_same_time_all_get_their_identity() {
    let world = World::new();
    let checkouts: Vec<_> = (0..6)
        .map(|n| {
            let mut plan = world.plan();
            plan.id = format!("2026-11-20-number-{n}").parse().unwrap();
            plan.branch = plan.id.branch();
            plan.path = world.hub.worktrees.join(plan.id.as_str());
            plan
        })
        .collect();
    let ready = std::sync::Barrier::new(checkouts.len());
    std::thread::scope(|scope| {
        for plan in &checkouts {
            scope.spawn(|| {
                let path = create(&world.hub, plan, soon()).unwrap().path;
                ready.wait();
                configure(&world.hub.common_dir, &path, &identity(), soon()).unwrap();
                env::ignore(&world.hub.common_dir, soon()).unwrap();
            });
        }
    });
    let excluded = read(&world.hub.common_dir, "info/exclude");
    for line in ["/.worktrees/", ".session-env"] {
        assert_eq!(excluded.lines().filter(|found| *found == line).count(), 1, "{line}");
    }
}

#[test]
fn lines_that_are_added_at_the_same_time_are_all_there() {
    let world = World::new();
    let lines: Vec<String> = (0..80).map(|n| format!("/line-{n}/")).collect();
    std::thread::scope(|scope| {
        for some in lines.chunks(10) {
            let world = &world;
            scope.spawn(move || {
                for line in some {
                    exclude::ensure(&world.hub.common_dir, std::slice::from_ref(line), soon()).unwrap();
                }
            });
        }
    });
    let excluded = read(&world.hub.common_dir, "info/exclude");
    assert_eq!(excluded.lines().filter(|line| line.starts_with("/line-")).count(), 80);
}

#[test]
fn the_environment_file_lies_in_the_sessions_folder_unseen_by_git() {
    let world = World::new();
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    env::ignore(&world.hub.common_dir, soon()).unwrap();
    let file = env::write(&path, &own_folder(ROOT, &id()), "export A='b'\n").unwrap();
    assert_eq!(file, path.join(ROOT).join("active").join(ID).join(".session-env"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "export A='b'\n");
    assert!(picture(&path).iter().any(|line| line.contains(".session-env 100600")));
    assert_eq!(run(&path, &["status", "--porcelain"]), "");
    assert!(env::write(&path, &own_folder(ROOT, &id()), "a\r\n").is_err());
}

#[test]
fn the_environment_file_follows_no_link_that_a_repository_brought() {
    let world = World::new();
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    let outside = world.top.parent().unwrap().join("outside");
    write(&outside, "precious", "x\n");
    let folder = path.join(ROOT).join("active").join(ID);
    std::os::unix::fs::symlink(outside.join("precious"), folder.join(".session-env")).unwrap();
    env::write(&path, &own_folder(ROOT, &id()), "ours\n").unwrap();
    fs::remove_dir_all(path.join("_AGENTS")).unwrap();
    std::os::unix::fs::symlink(&outside, path.join("_AGENTS")).unwrap();
    assert!(matches!(env::write(&path, &own_folder(ROOT, &id()), "ours\n"), Err(CheckoutError::Link { .. })));
    assert_eq!(picture(&outside).len(), 1);
    assert_eq!(read(&outside, "precious"), "x\n");
}

#[test]
fn a_setting_that_is_stronger_than_the_checkouts_own_is_noticed() {
    let world = World::new();
    let path = create(&world.hub, &world.plan(), soon()).unwrap().path;
    configure(&world.hub.common_dir, &path, &identity(), soon()).unwrap();
    let own = world.hub.common_dir.join("worktrees").join(ID).join("config.worktree");
    // Two lines that look as if git had said them, and what really counts.
    let feint = "x\\nGIT_COMMITTER_IDENT=Eve <e@x> 0\\nGIT_AUTHOR_IDENT=Eve <e@x> 0\\n";
    let text = fs::read_to_string(&own).unwrap();
    fs::write(&own, format!("{text}[alias]\n\tx = \"{feint}\"\n")).unwrap();
    verify(&path, &identity(), soon()).unwrap();
    write(&world.top, ".git/stronger", "[author]\n\tname = Operator\n");
    fs::write(&own, format!("{text}[include]\n\tpath = ../../stronger\n")).unwrap();
    let refused = verify(&path, &identity(), soon());
    assert!(matches!(refused, Err(CheckoutError::Attribution { found, .. }) if found.starts_with("Operator <")));
}
