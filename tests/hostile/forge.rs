//! Trees and commits that git's own porcelain refuses to make, written object by object into the remote.

use git2::{ObjectType, Oid, Repository};

use crate::world::World;

/// A regular file.
pub(crate) const FILE: u32 = 0o100_644;
/// A program.
pub(crate) const PROGRAM: u32 = 0o100_755;
/// A symbolic link.
pub(crate) const LINK: u32 = 0o120_000;
/// A submodule.
pub(crate) const SUBMODULE: u32 = 0o160_000;
/// A folder.
pub(crate) const FOLDER: u32 = 0o040_000;

/// Somebody with push rights and no manners.
pub(crate) struct Forge {
    repository: Repository,
    branch: String,
}

impl Forge {
    /// Works on the remote's `main`.
    pub(crate) fn on(world: &World) -> Self {
        Self::on_branch(world, "main")
    }

    /// Works on another branch of the remote.
    pub(crate) fn on_branch(world: &World, branch: &str) -> Self {
        let repository = Repository::open_bare(world.root.join("origin.git")).unwrap();
        Self { repository, branch: format!("refs/heads/{branch}") }
    }

    pub(crate) fn blob(&self, bytes: impl AsRef<[u8]>) -> Oid {
        self.repository.odb().unwrap().write(ObjectType::Blob, bytes.as_ref()).unwrap()
    }

    /// A tree of these entries, in git's order, whatever they are called.
    pub(crate) fn tree(&self, entries: &[(u32, &[u8], Oid)]) -> Oid {
        let mut entries: Vec<_> = entries.to_vec();
        let key = |(mode, name, _): &(u32, &[u8], Oid)| {
            let mut key = name.to_vec();
            key.extend((*mode == FOLDER).then_some(b'/'));
            key
        };
        entries.sort_by_key(key);
        let mut bytes = Vec::new();
        for (mode, name, oid) in entries {
            bytes.extend_from_slice(format!("{mode:o} ").as_bytes());
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(oid.as_bytes());
        }
        self.repository.odb().unwrap().write(ObjectType::Tree, &bytes).unwrap()
    }

    /// Puts an entry at `path` of the branch's tree and commits that; what is in the way goes.
    pub(crate) fn put(&self, path: &str, mode: u32, oid: Oid) -> &Self {
        let names: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
        self.put_raw(&names, mode, oid)
    }

    /// The same for names that are no text.
    pub(crate) fn put_raw(&self, names: &[&[u8]], mode: u32, oid: Oid) -> &Self {
        let head = self.repository.find_reference(&self.branch).unwrap().target().unwrap();
        let tree = self.repository.find_commit(head).unwrap().tree_id();
        let tree = self.grafted(Some(tree), names, (mode, oid));
        self.commit(tree, "tampered")
    }

    pub(crate) fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        self.put(path, FILE, self.blob(bytes))
    }

    /// A commit on the branch with this tree.
    pub(crate) fn commit(&self, tree: Oid, message: &str) -> &Self {
        let mut reference = self.repository.find_reference(&self.branch).unwrap();
        let head = reference.target().unwrap();
        let who = "Eve <eve@example.org> 1795150000 +0000";
        let text = format!("tree {tree}\nparent {head}\nauthor {who}\ncommitter {who}\n\n{message}\n");
        let commit = self.repository.odb().unwrap().write(ObjectType::Commit, text.as_bytes()).unwrap();
        reference = reference.set_target(commit, "tampered").unwrap();
        drop(reference);
        self
    }

    fn grafted(&self, tree: Option<Oid>, names: &[&[u8]], entry: (u32, Oid)) -> Oid {
        let (name, deeper) = names.split_first().unwrap();
        let tree = tree.and_then(|tree| self.repository.find_tree(tree).ok());
        let mut entries: Vec<(u32, Vec<u8>, Oid)> = tree
            .iter()
            .flat_map(|tree| tree.iter())
            .map(|entry| (u32::try_from(entry.filemode_raw()).unwrap(), entry.name_bytes().to_vec(), entry.id()))
            .collect();
        let there = entries.iter().position(|(_, known, _)| known == name).map(|at| entries.remove(at));
        let (mode, oid) = if deeper.is_empty() {
            entry
        } else {
            let folder = there.filter(|(mode, ..)| *mode == FOLDER).map(|(.., oid)| oid);
            (FOLDER, self.grafted(folder, deeper, entry))
        };
        entries.push((mode, name.to_vec(), oid));
        let entries: Vec<(u32, &[u8], Oid)> =
            entries.iter().map(|(mode, name, oid)| (*mode, name.as_slice(), *oid)).collect();
        self.tree(&entries)
    }
}
