//! Commits made as the engine makes them: in a bare repository that borrows the user's objects.

use std::path::Path;

use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};

/// A commit and every object that came with it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) commit: Oid,
    pub(crate) objects: Vec<Oid>,
}

/// A repository whose HEAD is on `main`.
pub(crate) fn init(path: &Path, bare: bool) -> Repository {
    let mut options = RepositoryInitOptions::new();
    options.bare(bare).initial_head("main").external_template(false);
    Repository::init_opts(path, &options).unwrap()
}

/// The engine repository of the user's repository at `user`.
pub(crate) fn engine_for(user: &Path, engine: &Path) {
    init(engine, true);
    std::fs::create_dir_all(engine.join("objects/info")).unwrap();
    let objects = user.join("objects");
    std::fs::write(engine.join("objects/info/alternates"), format!("{}\n", objects.display())).unwrap();
}

/// A commit on `parent` whose one file says `text`.
pub(crate) fn commit(repository: &Repository, parent: Option<Oid>, text: &str) -> Made {
    let blob = repository.blob(text.as_bytes()).unwrap();
    let mut builder = repository.treebuilder(None).unwrap();
    builder.insert("file", blob, 0o100_644).unwrap();
    let tree = builder.write().unwrap();
    let who = Signature::new("Tester", "tester@example.org", &Time::new(1_795_000_000, 0)).unwrap();
    let parent = parent.map(|oid| repository.find_commit(oid).unwrap());
    let parents: Vec<_> = parent.iter().collect();
    let tree_object = repository.find_tree(tree).unwrap();
    let commit = repository.commit(None, &who, &who, text, &tree_object, &parents).unwrap();
    Made { commit, objects: vec![blob, tree, commit] }
}

/// What the one file of `commit` says.
pub(crate) fn text(repository: &Repository, commit: Oid) -> String {
    let tree = repository.find_commit(commit).unwrap().tree().unwrap();
    let entry = tree.get_name("file").unwrap();
    let blob = repository.find_blob(entry.id()).unwrap();
    String::from_utf8(blob.content().to_vec()).unwrap()
}
