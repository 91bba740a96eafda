//! A machine with nothing on it, and what people and programs see of a demo there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A machine with nothing on it: an empty home, a folder to stand in, a folder for throw-away things.
pub(crate) struct Machine {
    dir: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("demo test ").tempdir().unwrap();
        for folder in ["home", "here", "tmp dir"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap().join(name)
    }

    /// The demo with nothing in its environment but where programs are.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_git-session"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp dir"));
        command.current_dir(self.path("here")).stdin(Stdio::null()).arg("demo").args(arguments);
        command
    }

    pub(crate) fn demo(&self, arguments: &[&str]) -> (i32, Value) {
        told(&self.command(arguments).arg("--json").output().unwrap())
    }

    pub(crate) fn left_over(&self) -> Vec<PathBuf> {
        let folders = ["home", "here", "tmp dir"].map(|folder| self.path(folder));
        folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()).collect()
    }

    pub(crate) fn bare(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        git(&self.path("here"), &["init", "-q", "--bare", "-b", "main", &path.display().to_string()]);
        path
    }
}

pub(crate) fn told(output: &Output) -> (i32, Value) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    (output.status.code().unwrap_or(-1), document)
}

pub(crate) fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").current_dir(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn numbers(data: &Value, names: &[&str]) -> Vec<u64> {
    names.iter().map(|name| data[name].as_u64().unwrap_or_else(|| panic!("{name} in {data}"))).collect()
}

/// The processes whose arguments name `folder`, where the system lists them as files.
pub(crate) fn running(folder: &Path) -> Vec<String> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let arguments = processes.filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let shown = arguments.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    shown.filter(|line| line.contains(&folder.display().to_string())).collect()
}
