//! Guardrail hooks of git in a checkout: put in place, looked at, taken away.
//!
//! They are in a folder of the checkout's own git dir, which `core.hooksPath` of the checkout alone names. Whatever
//! hook git would have run without that setting still runs, first, with the same arguments and input; where it is, is
//! asked anew each time.
//!
//! Deliberately not here: what they refuse. They ask this program (`hook-run`), which has the rules.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::CheckoutError;
use super::files::{lock_settings, look, write_atomically};
use super::own::put_private;
use super::worktree::git_dir_of;
use crate::domain::quote::quote_sh;
use crate::git::{git, git_at};

/// The hooks that judge.
pub const GUARDS: [&str; 3] = ["commit-msg", "pre-commit", "pre-push"];

/// The other hooks of a client's git (githooks(5), git 2.47): with a folder of ours in force, each that the user has or
/// gets later is passed on to. Those that run at every change of a ref or the index are only passed on where there is
/// one already, because starting a shell each time is not free.
const PASSED_ON: [&str; 12] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-merge-commit",
    "prepare-commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "sendemail-validate",
];
const FREQUENT: [&str; 2] = ["reference-transaction", "post-index-change"];

const KEY: &str = "core.hooksPath";

/// The guards of one checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// Where they are, or would be.
    pub folder: PathBuf,
    /// Whether they are in force.
    pub state: State,
    /// The hooks that are in the way of git, each with the user's own that runs first.
    pub hooks: Vec<(String, Option<PathBuf>)>,
}

/// Whether guards are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// git runs them.
    Installed,
    /// It does not.
    Absent,
}

/// Where things are in one checkout.
struct Ground {
    checkout: PathBuf,
    common_dir: PathBuf,
    folder: PathBuf,
    /// The checkout's own settings.
    config: PathBuf,
    /// What they were before, and with us: so that taking the guards away leaves no trace.
    before: PathBuf,
    after: PathBuf,
    deadline: Instant,
}

/// What is known of the guards of a checkout.
///
/// # Errors
/// [`CheckoutError::NoCheckout`], faults of git.
pub fn look_at(common_dir: &Path, checkout: &Path, deadline: Instant) -> Result<Guards, CheckoutError> {
    Ground::of(common_dir, checkout, deadline)?.guards()
}

/// Puts the guards in place, or writes them anew; `tool` is what they ask.
///
/// # Errors
/// [`CheckoutError::NoCheckout`], faults of git and of files.
pub fn install(common_dir: &Path, checkout: &Path, tool: &Path, deadline: Instant) -> Result<Guards, CheckoutError> {
    let ground = Ground::of(common_dir, checkout, deadline)?;
    let _lock = lock_settings(common_dir, deadline)?;
    let users = ground.users_folder()?;
    fs::create_dir_all(&ground.folder).map_err(CheckoutError::file("create", &ground.folder))?;
    for name in PASSED_ON.iter().chain(FREQUENT.iter().filter(|name| is_program(&users.join(name)))) {
        ground.put(name, &ground.script(None, name))?;
    }
    for name in GUARDS {
        ground.put(name, &ground.script(Some(tool), name))?;
    }
    if !ground.values()?.contains(&ground.folder) {
        match fs::read(&ground.config) {
            Ok(bytes) => put_private(&ground.before, &bytes)?,
            Err(_) => drop(fs::remove_file(&ground.before)),
        }
        ground.config(&["--add", KEY]).arg(&ground.folder).deadline(deadline).succeed()?;
        let bytes = fs::read(&ground.config).map_err(CheckoutError::file("read", &ground.config))?;
        put_private(&ground.after, &bytes)?;
    }
    ground.guards()
}

/// Takes the guards away. The checkout's settings are byte for byte what they were, unless somebody changed them since:
/// then only ours goes out of them.
///
/// # Errors
/// [`CheckoutError::NoCheckout`], faults of git and of files.
pub fn uninstall(common_dir: &Path, checkout: &Path, deadline: Instant) -> Result<Guards, CheckoutError> {
    let ground = Ground::of(common_dir, checkout, deadline)?;
    let _lock = lock_settings(common_dir, deadline)?;
    if ground.values()?.contains(&ground.folder) {
        let (now, after) = (fs::read(&ground.config).ok(), fs::read(&ground.after).ok());
        match (fs::read(&ground.before), now.is_some() && now == after) {
            (Ok(before), true) => {
                let mode = look(&ground.config)?.map_or(0o644, |data| data.permissions().mode() & 0o777);
                write_atomically(&ground.config, &before, mode)?;
            }
            (Err(_), true) => {
                fs::remove_file(&ground.config).map_err(CheckoutError::file("remove", &ground.config))?;
            }
            (_, false) => {
                ground
                    .config(&["--unset-all", "--fixed-value", KEY])
                    .arg(&ground.folder)
                    .deadline(deadline)
                    .succeed()?;
            }
        }
    }
    for gone in [&ground.before, &ground.after] {
        let _ = fs::remove_file(gone);
    }
    if ground.folder.is_dir() {
        fs::remove_dir_all(&ground.folder).map_err(CheckoutError::file("remove", &ground.folder))?;
    }
    ground.guards()
}

impl Ground {
    fn of(common_dir: &Path, checkout: &Path, deadline: Instant) -> Result<Self, CheckoutError> {
        let git_dir = git_dir_of(checkout, deadline)?;
        let linked = git_dir.join("commondir").exists();
        let own = git_dir.join("git-session");
        Ok(Self {
            checkout: checkout.to_owned(),
            common_dir: if linked { common_dir.to_owned() } else { git_dir.clone() },
            folder: own.join("hooks"),
            config: git_dir.join(if linked { "config.worktree" } else { "config" }),
            before: own.join("config-before-hooks"),
            after: own.join("config-with-hooks"),
            deadline,
        })
    }

    fn config(&self, words: &[&str]) -> crate::process::Program {
        git_at(&self.common_dir).cwd(&self.common_dir).args(["config", "--file"]).arg(&self.config).args(words)
    }

    /// The values of the setting in the checkout's own file.
    fn values(&self) -> Result<Vec<PathBuf>, CheckoutError> {
        if look(&self.config)?.is_none() {
            return Ok(Vec::new());
        }
        let asked = self.config(&["-z", "--get-all", KEY]).deadline(self.deadline).run()?;
        Ok(paths(&asked.stdout))
    }

    /// Where git would look for hooks without ours.
    fn users_folder(&self) -> Result<PathBuf, CheckoutError> {
        let asked = git(&self.checkout).args(["config", "--type=path", "-z", "--get-all", KEY]);
        let all = paths(&asked.deadline(self.deadline).run()?.stdout);
        let last = all.into_iter().rfind(|path| *path != self.folder);
        Ok(last.map_or_else(|| self.common_dir.join("hooks"), |path| self.checkout.join(path)))
    }

    fn guards(&self) -> Result<Guards, CheckoutError> {
        let users = self.users_folder()?;
        let installed = self.values()?.contains(&self.folder) && self.folder.is_dir();
        let own = |name: &str| Some(users.join(name)).filter(|file| is_program(file));
        let names = GUARDS.iter().chain(&PASSED_ON).chain(&FREQUENT);
        let hooks = names.filter(|name| GUARDS.contains(name) || own(name).is_some());
        Ok(Guards {
            folder: self.folder.clone(),
            state: if installed { State::Installed } else { State::Absent },
            hooks: hooks.map(|name| ((*name).to_owned(), own(name))).collect(),
        })
    }

    fn put(&self, name: &str, text: &str) -> Result<(), CheckoutError> {
        write_atomically(&self.folder.join(name), text.as_bytes(), 0o755)
    }

    /// A hook for sh: the user's own first, then the question to `tool`, if it judges.
    fn script(&self, tool: Option<&Path>, name: &str) -> String {
        let folder = quote_sh(&self.folder.display().to_string());
        let mut text = format!(
            "#!/bin/sh\n\
             # Written by `git session hooks install`; `git session hooks uninstall` takes it away again.\n\
             users=$(git config --type=path --get-all core.hooksPath | grep -vxF {folder} | tail -n 1)\n\
             [ -n \"$users\" ] || users=$(git rev-parse --git-common-dir)/hooks\n\
             hook=$users/{name}\n"
        );
        let Some(tool) = tool else {
            text.push_str("if [ -f \"$hook\" ] && [ -x \"$hook\" ]; then exec \"$hook\" \"$@\"; fi\n");
            return text;
        };
        let tool = quote_sh(&tool.display().to_string());
        let (input, from) = match name {
            "pre-push" => (
                "input=$(mktemp) || exit 1\ntrap 'rm -f \"$input\"' EXIT\ntrap 'exit 130' INT TERM HUP\ncat >\"$input\"\n",
                " <\"$input\"",
            ),
            _ => ("", ""),
        };
        text.push_str(&format!(
            "{input}if [ -f \"$hook\" ] && [ -x \"$hook\" ]; then \"$hook\" \"$@\"{from} || exit $?; fi\n\
             tool={tool}\n\
             [ -x \"$tool\" ] || tool=$(command -v git-session) || {{\n\
             \x20   echo 'git-session is not installed: {name} did not check the rules of this session' >&2\n\
             \x20   exit 0\n\
             }}\n\
             \"$tool\" hook-run {name} \"$@\"{from}\n"
        ));
        text
    }
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Paths as `git config -z` prints them.
fn paths(bytes: &[u8]) -> Vec<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let texts = bytes.split(|byte| *byte == 0).filter(|text| !text.is_empty());
    texts.map(|text| PathBuf::from(OsStr::from_bytes(text))).collect()
}
