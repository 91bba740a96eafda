//! What lands is computed beside everybody's working tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use git_session::checkout::CheckoutError;
use git_session::checkout::landing::{
    Committer, Landing, LandingKind, LandingRequest, code_changes, land, root_changes,
};
use git2::{Oid, Repository};

use crate::world::{ID, ROOT, World, commit, fixed, picture, run, soon, write};

/// A world with a session branch beside `main`, both to be written on in the hub's working tree.
struct Story {
    world: World,
}

impl Story {
    fn new() -> Self {
        let world = World::new();
        run(&world.top, &["branch", "session/x"]);
        Self { world }
    }

    /// Goes to a branch, lets `work` change files, commits.
    fn on(&self, branch: &str, work: impl FnOnce(&Path)) -> Oid {
        run(&self.world.top, &["checkout", "--quiet", branch]);
        work(&self.world.top);
        commit(&self.world.top, &format!("on {branch}"))
    }

    fn land(&self, kind: LandingKind) -> Result<Landing, CheckoutError> {
        let request = LandingRequest {
            user_common_dir: &self.world.hub.common_dir,
            engine_dir: &self.world.engine,
            base: self.world.tip("main"),
            head: self.world.tip("session/x"),
            root: ROOT,
            kind,
            committer: Committer { name: "Session <x>".into(), email: "x@agents.local".into(), unix: 1_800_000_000 },
            signing: None,
        };
        let before = picture(&self.world.top);
        let landing = land(&request, soon());
        assert_eq!(picture(&self.world.top), before, "nobody's files, refs or index change");
        landing
    }

    #[track_caller]
    fn clean(&self, kind: LandingKind) -> (Oid, Vec<Oid>) {
        match self.land(kind).unwrap() {
            Landing::Clean { code_tree, commits } => (code_tree, commits),
            Landing::Conflicts(paths) => panic!("conflicts in {paths:?}"),
        }
    }

    #[track_caller]
    fn conflicts(&self, kind: LandingKind) -> Vec<String> {
        match self.land(kind).unwrap() {
            Landing::Conflicts(paths) => paths,
            Landing::Clean { code_tree, .. } => panic!("clean: {code_tree}"),
        }
    }

    /// The engine's view of an object: `<tree>:path` as text.
    fn show(&self, what: &str) -> String {
        run(&self.world.engine, &["show", what])
    }

    fn names(&self, tree: Oid) -> Vec<String> {
        let listed = run(&self.world.engine, &["ls-tree", "-r", "--name-only", &tree.to_string()]);
        listed.lines().map(str::to_owned).collect()
    }
}

fn both() -> Story {
    let story = Story::new();
    story.on("session/x", |top| {
        write(top, "src/lib.rs", "ONE\ntwo\nthree\n");
        write(top, &format!("{ROOT}/active/{ID}/worklog.md"), "log\n");
        write(top, &format!("{ROOT}/sessions.lock"), "stale\n");
    });
    story.on("main", |top| {
        write(top, "src/lib.rs", "one\ntwo\nTHREE\n");
        write(top, &format!("{ROOT}/sessions.lock"), "moved on\n");
        fs::remove_dir_all(top.join(ROOT).join("active")).unwrap();
    });
    story
}

#[test]
fn both_sides_land_and_the_root_is_the_bases_whatever_happened_to_it() {
    for kind in [LandingKind::Squash, LandingKind::Merge, LandingKind::Rebase] {
        let story = both();
        let (tree, commits) = story.clean(kind);
        assert_eq!(story.show(&format!("{tree}:src/lib.rs")), "ONE\ntwo\nTHREE");
        let root = |tree: &str| run(&story.world.engine, &["rev-parse", &format!("{tree}:{ROOT}")]);
        assert_eq!(root(&tree.to_string()), root(&story.world.tip("main").to_string()));
        assert_eq!(commits.len(), usize::from(kind == LandingKind::Rebase));
    }
}

#[test]
fn a_rebase_keeps_authors_dates_and_messages_and_drops_what_is_empty() {
    let story = Story::new();
    let author = |top: &Path, message: &str| {
        run(top, &["add", "--all"]);
        fixed(top)
            .env("GIT_AUTHOR_NAME", "Äda Ünicode")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", "2020-01-02T03:04:05+0530")
            .args(["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-m", message])
            .succeed()
            .unwrap();
    };
    run(&story.world.top, &["checkout", "--quiet", "session/x"]);
    write(&story.world.top, "a.txt", "a\n");
    author(&story.world.top, "first\n\n\n  body with  spaces\n\n");
    author(&story.world.top, "empty from the start");
    write(&story.world.top, &format!("{ROOT}/active/{ID}/worklog.md"), "log\n");
    author(&story.world.top, "only the root");
    write(&story.world.top, "same.txt", "same\n");
    author(&story.world.top, "already on main");
    write(&story.world.top, "b.txt", "b\n");
    author(&story.world.top, "last");
    story.on("main", |top| write(top, "same.txt", "same\n"));

    let (tree, commits) = story.clean(LandingKind::Rebase);
    assert_eq!(commits.len(), 2);
    let format = "--format=%an|%ae|%ad|%cn|%ce|%ct|%P";
    assert_eq!(
        run(&story.world.engine, &["show", "--no-patch", "--date=iso", format, &commits[0].to_string()]),
        format!(
            "Äda Ünicode|ada@example.org|2020-01-02 03:04:05 +0530|Session x|x@agents.local|1800000000|{}",
            story.world.tip("main")
        )
    );
    let engine = Repository::open_bare(&story.world.engine).unwrap();
    assert_eq!(engine.find_commit(commits[0]).unwrap().message_raw().unwrap(), "first\n\n\n  body with  spaces\n\n");
    assert_eq!(engine.find_commit(commits[1]).unwrap().parent_id(0).unwrap(), commits[0]);
    assert_eq!(engine.find_commit(commits[1]).unwrap().tree_id(), tree);
    run(&story.world.engine, &["fsck", "--no-dangling", &commits[1].to_string()]);
}

#[test]
fn conflicts_are_listed_by_path() {
    for kind in [LandingKind::Squash, LandingKind::Merge, LandingKind::Rebase] {
        let story = Story::new();
        story.on("session/x", |top| {
            write(top, "src/lib.rs", "mine\n");
            write(top, "both sides\n.txt", "mine\n");
        });
        story.on("main", |top| {
            write(top, "src/lib.rs", "theirs\n");
            write(top, "both sides\n.txt", "theirs\n");
        });
        assert_eq!(story.conflicts(kind), ["both sides\n.txt", "src/lib.rs"]);
    }
}

#[test]
fn renames_modes_links_binaries_and_submodules_merge_as_git_merges_them() {
    for kind in [LandingKind::Squash, LandingKind::Rebase] {
        let story = Story::new();
        let long: String = (1..40).map(|n| format!("line {n}\n")).collect();
        story.on("main", |top| {
            write(top, "old/name.txt", &long);
            fs::write(top.join("image.bin"), [0, 1, 2, 255]).unwrap();
        });
        run(&story.world.top, &["branch", "--force", "session/x", "main"]);
        story.on("session/x", |top| {
            fs::create_dir(top.join("new")).unwrap();
            fs::rename(top.join("old/name.txt"), top.join("new/name.txt")).unwrap();
            fs::set_permissions(top.join("src/lib.rs"), fs::Permissions::from_mode(0o755)).unwrap();
            symlink("src/lib.rs", top.join("link")).unwrap();
            fs::write(top.join("image.bin"), [0, 9, 9, 255]).unwrap();
        });
        story.on("main", |top| write(top, "old/name.txt", &long.replace("line 20", "LINE 20")));
        let (tree, _) = story.clean(kind);
        let listed = run(&story.world.engine, &["ls-tree", "-r", &tree.to_string()]);
        assert!(listed.contains("100755 blob") && listed.contains("120000 blob"), "{listed}");
        assert!(story.show(&format!("{tree}:new/name.txt")).contains("LINE 20"));
        assert!(!story.names(tree).contains(&"old/name.txt".to_owned()));
    }
}

#[test]
fn a_session_folder_that_moved_is_never_taken_for_a_rename_of_code() {
    let story = Story::new();
    let long: String = (1..40).map(|n| format!("line {n}\n")).collect();
    story.on("main", |top| write(top, &format!("{ROOT}/active/{ID}/notes.md"), &long));
    run(&story.world.top, &["branch", "--force", "session/x", "main"]);
    // On one side the root's file goes away and the same text turns up as code; on the other it is edited.
    story.on("session/x", |top| {
        fs::remove_file(top.join(ROOT).join(format!("active/{ID}/notes.md"))).unwrap();
        write(top, "docs/notes.md", &long);
    });
    story.on("main", |top| {
        write(top, &format!("{ROOT}/active/{ID}/notes.md"), &long.replace("line 3\n", "LINE 3\n"));
    });
    let (tree, _) = story.clean(LandingKind::Squash);
    assert!(story.show(&format!("{tree}:docs/notes.md")).contains("line 3\n"));
    assert!(story.show(&format!("{tree}:{ROOT}/active/{ID}/notes.md")).contains("LINE 3\n"));
}

#[test]
fn a_criss_cross_history_lands_with_the_bases_root() {
    let story = Story::new();
    story.on("session/x", |top| {
        write(top, "mine.txt", "1\n");
        write(top, &format!("{ROOT}/sessions.lock"), "mine\n");
    });
    story.on("main", |top| {
        write(top, "theirs.txt", "1\n");
        write(top, &format!("{ROOT}/sessions.lock"), "theirs\n");
    });
    let (mine, theirs) = (story.world.tip("session/x"), story.world.tip("main"));
    for (branch, other) in [("session/x", theirs), ("main", mine)] {
        run(&story.world.top, &["checkout", "--quiet", branch]);
        run(&story.world.top, &["merge", "--quiet", "--no-ff", "-X", "ours", "-m", "merge", &other.to_string()]);
    }
    story.on("session/x", |top| write(top, "mine.txt", "2\n"));
    for kind in [LandingKind::Squash, LandingKind::Merge, LandingKind::Rebase] {
        let (tree, _) = story.clean(kind);
        assert_eq!(story.show(&format!("{tree}:mine.txt")), "2");
        assert_eq!(story.show(&format!("{tree}:{ROOT}/sessions.lock")), "theirs");
    }
}

#[test]
fn work_that_only_a_merge_commit_holds_is_not_dropped_by_a_rebase() {
    let story = Story::new();
    story.on("main", |top| write(top, "theirs.txt", "1\n"));
    run(&story.world.top, &["checkout", "--quiet", "session/x"]);
    write(&story.world.top, "mine.txt", "1\n");
    commit(&story.world.top, "mine");
    run(&story.world.top, &["merge", "--quiet", "--no-commit", "--no-ff", "main"]);
    write(&story.world.top, "only in the merge.txt", "1\n");
    commit(&story.world.top, "an evil merge");
    assert_eq!(story.conflicts(LandingKind::Rebase), ["only in the merge.txt"]);
    let (tree, _) = story.clean(LandingKind::Squash);
    assert!(story.names(tree).contains(&"only in the merge.txt".to_owned()));
}

#[test]
fn a_board_of_its_own_leaves_no_root_behind_and_a_file_in_the_roots_way_conflicts() {
    let story = Story::new();
    story.on("main", |top| fs::remove_dir_all(top.join("_AGENTS")).unwrap());
    story.on("session/x", |top| write(top, "code.txt", "1\n"));
    let (tree, _) = story.clean(LandingKind::Squash);
    assert_eq!(story.names(tree), [".gitignore", "code.txt", "src/lib.rs"]);

    let story = Story::new();
    story.on("session/x", |top| {
        fs::remove_dir_all(top.join("_AGENTS")).unwrap();
        write(top, "_AGENTS", "a file\n");
    });
    assert_eq!(story.conflicts(LandingKind::Squash), ["_AGENTS"]);
}

#[test]
fn branches_without_common_history_are_refused() {
    let story = Story::new();
    run(&story.world.top, &["checkout", "--quiet", "--orphan", "new"]);
    commit(&story.world.top, "from nothing");
    run(&story.world.top, &["branch", "--force", "session/x"]);
    assert!(matches!(story.land(LandingKind::Squash), Err(CheckoutError::Unrelated { .. })));
}

#[test]
fn the_users_own_merge_driver_is_used_and_leaves_no_files_about() {
    let story = Story::new();
    story.on("main", |top| write(top, ".gitattributes", "*.lock merge=theirs\n"));
    run(&story.world.top, &["branch", "--force", "session/x", "main"]);
    run(&story.world.top, &["config", "merge.theirs.driver", "cp %B %A"]);
    story.on("session/x", |top| write(top, "Cargo.lock", "mine\n"));
    story.on("main", |top| write(top, "Cargo.lock", "theirs\n"));
    let version = git_session::git::version(crate::world::soon()).unwrap().unwrap();
    if version < (2, 41) {
        // An older git has no attributes without a working tree: the person is asked, nothing is merged wrongly.
        assert_eq!(story.conflicts(LandingKind::Squash), ["Cargo.lock"]);
        return;
    }
    let (tree, _) = story.clean(LandingKind::Squash);
    assert_eq!(story.show(&format!("{tree}:Cargo.lock")), "mine");
    let left = fs::read_dir(&story.world.engine).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.map(|name| name.to_string_lossy().into_owned()).any(|name| name.starts_with("merge-")));
}

#[test]
fn changes_are_told_apart_by_the_root() {
    let story = both();
    story.on("session/x", |top| write(top, &format!("{ROOT}/planned/other/SESSION.md"), "theirs\n"));
    let engine = Repository::open_bare(&story.world.engine).unwrap();
    let (base, head) = (story.world.tip("main"), story.world.tip("session/x"));
    let own = format!("{ROOT}/active/{ID}");
    assert_eq!(
        root_changes(&engine, base, head, ROOT, &own).unwrap(),
        [format!("{ROOT}/planned/other/SESSION.md"), format!("{ROOT}/sessions.lock")]
    );
    assert_eq!(code_changes(&engine, base, head, ROOT).unwrap(), ["src/lib.rs"]);
}
