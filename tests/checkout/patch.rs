//! The patch of a landing brings back every byte.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use git_session::checkout::landing::patch;
use git2::Oid;
use proptest::prelude::*;

use crate::world::{ID, ROOT, World, commit, fixed, run, soon, write};

fn tree(world: &World, name: &str) -> Oid {
    Oid::from_str(&run(&world.top, &["rev-parse", &format!("{name}^{{tree}}")])).unwrap()
}

/// Applies the patch between two trees onto the first, where nobody has the objects of the second, and gives the tree
/// that comes out and the one that should.
#[track_caller]
fn applied(world: &World, from: &str, to: &str) -> (String, String) {
    let bytes = patch(&world.engine, tree(world, from), tree(world, to), ROOT, soon()).unwrap();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let on = |args: &[&str], input: Vec<u8>| fixed(elsewhere.path()).args(args).stdin(input).succeed().unwrap().text();
    on(&["init", "--quiet", "--bare"], Vec::new());
    on(&["fetch", "--quiet", "--depth=1", &format!("file://{}", world.top.display()), from], Vec::new());
    on(&["read-tree", "FETCH_HEAD"], Vec::new());
    if !bytes.is_empty() {
        on(&["apply", "--cached", "--whitespace=nowarn"], bytes);
    }
    (on(&["write-tree"], Vec::new()), tree(world, to).to_string())
}

#[test]
fn a_patch_brings_back_every_byte_whatever_the_settings_are() {
    let world = World::new();
    let top = &world.top;
    for (key, value) in [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.renames", "copies"),
        ("diff.external", "false"),
        ("core.quotePath", "false"),
        ("color.ui", "always"),
        ("diff.context", "0"),
        ("diff.algorithm", "patience"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.upper.textconv", "tr a-z A-Z <"),
        ("core.autocrlf", "true"),
    ] {
        run(top, &["config", key, value]);
        run(&world.engine, &["config", key, value]);
    }
    write(top, ".gitattributes", "*.txt diff=upper\n*.bin -diff\n*.force diff\n");
    write(top, "no newline.txt", "a\nb");
    write(top, "crlf", "a\r\nb\r\n");
    write(top, "gone.txt", "gone\n");
    write(top, "becomes a folder", "file\n");
    write(top, "becomes a link", "file\n");
    write(top, "moved.txt", "some text that moves\n");
    fs::write(top.join("x.bin"), [0, 1, 2]).unwrap();
    fs::write(top.join("x.force"), b"a\0b\nc\n").unwrap();
    run(top, &["config", "core.autocrlf", "false"]);
    commit(top, "before");
    run(top, &["tag", "before"]);

    write(top, "no newline.txt", "a\nb\n");
    write(top, "crlf", "a\r\nB\r\n\r\n");
    for gone in ["gone.txt", "becomes a folder", "becomes a link"] {
        fs::remove_file(top.join(gone)).unwrap();
    }
    write(top, "becomes a folder/file", "inner\n");
    symlink("../elsewhere\nline", top.join("becomes a link")).unwrap();
    fs::rename(top.join("moved.txt"), top.join("moved to.txt")).unwrap();
    fs::write(top.join("x.bin"), [0, 1, 3, 255, 254]).unwrap();
    fs::write(top.join("x.force"), b"a\0b\nd").unwrap();
    for odd in ["tab\tname", "line\nbreak", "quote\"name", "back\\slash", "ümlaut", " lead", "trail ", "a b"] {
        write(top, odd, "odd\n");
    }
    write(top, "empty", "");
    write(top, "script.sh", "#!/bin/sh\n");
    fs::set_permissions(top.join("script.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(top.join("src/lib.rs"), fs::Permissions::from_mode(0o755)).unwrap();
    write(top, &format!("{ROOT}/sessions.lock"), &format!("{ID}:1\n"));
    let gitlink = format!("160000,{},sub", world.tip("main"));
    run(top, &["add", "--all"]);
    run(top, &["update-index", "--add", "--cacheinfo", &gitlink]);
    run(top, &["commit", "--quiet", "-m", "after"]);
    run(top, &["tag", "after"]);

    for (from, to) in [("before", "after"), ("after", "before")] {
        let (result, wanted) = applied(&world, from, to);
        assert_eq!(result, wanted, "{from} to {to}");
    }
}

#[test]
fn a_patch_has_nothing_of_the_root() {
    let world = World::new();
    run(&world.top, &["tag", "before"]);
    write(&world.top, "src/lib.rs", "changed\n");
    write(&world.top, &format!("{ROOT}/sessions.lock"), "changed\n");
    commit(&world.top, "both");
    let bytes = patch(&world.engine, tree(&world, "before"), tree(&world, "main"), ROOT, soon()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("src/lib.rs") && !text.contains("_AGENTS"), "{text}");
}

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(&b"ab\n\r\0\xff "[..]), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_between_any_files_brings_back_every_byte(
        files in proptest::collection::vec((some_bytes(), some_bytes()), 12),
    ) {
        let world = World::new();
        for name in ["before", "after"] {
            for (number, (before, after)) in files.iter().enumerate() {
                let bytes = if name == "before" { before } else { after };
                fs::write(world.top.join(format!("file {number}")), bytes).unwrap();
            }
            commit(&world.top, name);
            run(&world.top, &["tag", name]);
        }
        let (result, wanted) = applied(&world, "before", "after");
        prop_assert_eq!(result, wanted);
    }
}
