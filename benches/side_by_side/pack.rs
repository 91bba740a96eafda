//! Objects by the hundred thousand: a pack written straight away, for worlds that `git add` would take minutes to make.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{ObjectType, Oid};
use sha1::{Digest as _, Sha1};

/// A pack in the making; every object is whole.
pub(crate) struct Pack {
    count: u32,
    body: Vec<u8>,
}

/// One entry of a tree.
pub(crate) struct Entry {
    pub(crate) mode: &'static str,
    pub(crate) name: String,
    pub(crate) oid: Oid,
}

impl Entry {
    pub(crate) fn file(name: impl Into<String>, oid: Oid) -> Self {
        Self { mode: "100644", name: name.into(), oid }
    }

    pub(crate) fn folder(name: impl Into<String>, oid: Oid) -> Self {
        Self { mode: "40000", name: name.into(), oid }
    }

    /// git sorts a folder as if its name ended with a slash.
    fn key(&self) -> String {
        if self.mode == "40000" { format!("{}/", self.name) } else { self.name.clone() }
    }
}

impl Pack {
    pub(crate) fn new() -> Self {
        Self { count: 0, body: Vec::new() }
    }

    pub(crate) fn blob(&mut self, text: &str) -> Oid {
        self.add(ObjectType::Blob, text.as_bytes())
    }

    pub(crate) fn tree(&mut self, mut entries: Vec<Entry>) -> Oid {
        entries.sort_by_cached_key(Entry::key);
        let mut bytes = Vec::new();
        for entry in &entries {
            bytes.extend_from_slice(format!("{} {}\0", entry.mode, entry.name).as_bytes());
            bytes.extend_from_slice(entry.oid.as_bytes());
        }
        self.add(ObjectType::Tree, &bytes)
    }

    /// gitformat-pack(5): type and length in a variable number of bytes, then the deflated content.
    fn add(&mut self, kind: ObjectType, bytes: &[u8]) -> Oid {
        let number: u8 = if kind == ObjectType::Tree { 2 } else { 3 };
        let mut left = bytes.len();
        let mut byte = (number << 4) | (left & 0x0f) as u8;
        left >>= 4;
        while left > 0 {
            self.body.push(byte | 0x80);
            byte = (left & 0x7f) as u8;
            left >>= 7;
        }
        self.body.push(byte);
        let mut deflated = ZlibEncoder::new(&mut self.body, Compression::fast());
        deflated.write_all(bytes).unwrap();
        deflated.finish().unwrap();
        self.count += 1;
        Oid::hash_object(kind, bytes).unwrap()
    }

    /// Puts everything into the repository at `git_dir`.
    pub(crate) fn install(self, git_dir: &Path) {
        let mut whole = b"PACK\0\0\0\x02".to_vec();
        whole.extend_from_slice(&self.count.to_be_bytes());
        whole.extend_from_slice(&self.body);
        let sum = Sha1::digest(&whole);
        whole.extend_from_slice(&sum);
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(git_dir).args(["index-pack", "--stdin"]).env("GIT_CONFIG_NOSYSTEM", "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&whole).unwrap();
        assert!(child.wait().unwrap().success(), "git index-pack");
    }
}
