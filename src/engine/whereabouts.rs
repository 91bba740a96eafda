//! Which branches and which folder the board is: as configured, as the remote says, as the base branch points.

use super::known::Known;
use super::tip::{branch, short};
use super::{Core, Engine, Error};
use crate::domain::board::Broken;
use crate::domain::layout::Layout;
use crate::domain::settings::Key;
use crate::remote::{Advertised, Purpose, RefName};
use crate::store::CommitShelf;
use git2::Oid;
use serde::Deserialize;

/// The name under which every clone finds a board that has a branch of its own.
pub(super) const BOARD_BRANCH: &str = "agents/sessions";

/// Which branches and which folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The board branch.
    pub board: RefName,
    /// The base branch.
    pub base: RefName,
    /// The root and what is under it.
    pub layout: Layout,
}

impl Whereabouts {
    /// Whether the board has a branch of its own.
    pub fn apart(&self) -> bool {
        self.board != self.base
    }
}

/// A look in order to push does not hear where the remote's HEAD points. Clones that follow different branches would
/// have a winner each, so it is asked again after this long.
pub(super) const HEAD_SECONDS_MAX: i64 = 60;

impl Engine {
    pub(super) fn configured_base(&self, known: &Known) -> Result<Option<RefName>, Error> {
        match self.core.options.layers.local(Key::Base) {
            "" => known.base.as_deref().map(branch).transpose(),
            name => branch(name).map(Some),
        }
    }

    /// Whether the remote has no say in which branch is the base: a setting names it, or there is no remote, whose
    /// HEAD would be wherever the hub is.
    pub(super) fn told_of_base(&self) -> bool {
        let options = &self.core.options;
        let remote = options.layers.local(Key::Remote);
        !options.layers.local(Key::Base).is_empty() || options.git_config.get(&format!("remote.{remote}.url")).is_none()
    }

    pub(super) fn has_seen_head(&self, known: &Known) -> bool {
        let now = self.core.clock.now().unix();
        known.head_seen.is_some_and(|seen| (0..HEAD_SECONDS_MAX).contains(&(now - seen)))
    }

    /// The base branch when nobody has named it: the remote's HEAD; where it names none, `main` or `master`, if it has
    /// one of them, or the only branch that it has. Only where it has none at all, the branch that the hub is on: the
    /// hub of another clone may be on another.
    pub(super) fn find_base(&mut self, names: &[RefName]) -> Result<RefName, Error> {
        let usual = [branch("main")?, branch("master")?];
        let asked: Vec<RefName> = names.iter().chain(&usual).cloned().collect();
        let seen = self.advertised(&asked, Purpose::Read)?;
        let mut there = usual.iter().filter(|name| seen.refs.contains_key(*name));
        let base = match (seen.head, there.next(), there.next()) {
            (Some(head), ..) => head,
            (None, Some(one), None) => one.clone(),
            (None, ..) => self.only_branch()?,
        };
        let now = self.core.clock.now().unix();
        self.core.change_known(|known| {
            known.base = Some(short(&base).to_owned());
            known.head_seen = Some(now);
        })?;
        Ok(base)
    }

    fn only_branch(&mut self) -> Result<RefName, Error> {
        let deadline = self.core.clock.deadline();
        let mut there = self.remote.branches(deadline).map_err(|error| self.sync_error(error))?;
        let board = self.core.options.layers.local(Key::Branch);
        there.retain(|name| {
            let name = short(name);
            let ours = ["session/", "session-archive/", "session-wip/"].iter().any(|prefix| name.starts_with(prefix));
            !ours && name != BOARD_BRANCH && name != board
        });
        match there.as_slice() {
            [] => hub_branch(&self.core),
            [one] => Ok(one.clone()),
            [first, ..] => {
                let names: Vec<String> = there.iter().take(5).map(|name| format!("`{}`", short(name))).collect();
                // Whoever follows the hint in any clone follows it to the same branch.
                let usual = there.iter().find(|name| short(name) == "main").unwrap_or(first);
                Err(Error::Environment {
                    message: format!("the remote's HEAD names no branch, and it has several: {}", names.join(", ")),
                    hint: Some(format!(
                        "git config session.base {}",
                        crate::domain::quote::quote_sh_if_needed(short(usual))
                    )),
                })
            }
        }
    }

    pub(super) fn whereabouts(&self, advertised: &Advertised, base: &RefName) -> Result<Whereabouts, Error> {
        let pointer = match advertised.refs.get(base) {
            Some(commit) => self.pointer(*commit)?,
            None => Pointer::default(),
        };
        let usual = branch(BOARD_BRANCH)?;
        let board = match self.core.options.layers.local(Key::Branch) {
            "" if advertised.refs.contains_key(&usual) => usual,
            "" => match &pointer.branch {
                Some(name) => branch(name)?,
                None => base.clone(),
            },
            name => branch(name)?,
        };
        let layout = match advertised.refs.get(&board) {
            Some(commit) => self.root(*commit, pointer.root.as_deref())?,
            None => Layout::default(),
        };
        Ok(Whereabouts { board, base: base.clone(), layout })
    }

    /// The root on the board: as configured, as pointed to, the usual one, or the old one where that is in use.
    pub(super) fn root(&self, commit: Oid, pointed: Option<&str>) -> Result<Layout, Error> {
        let bad = |error: crate::domain::layout::LayoutError| Error::environment(format!("setting `root`: {error}"));
        let configured = self.core.options.layers.local(Key::Root);
        if configured != Layout::ROOT {
            return Layout::new(configured).map_err(bad);
        }
        if let Some(root) = pointed {
            return Layout::new(root).map_err(bad);
        }
        let tree = self.core.store.repository().find_commit(commit)?.tree()?;
        let has = |path: &str| tree.get_path(path.as_ref()).is_ok();
        let old = Layout::ROOT_OLD;
        if !has(Layout::ROOT) && (has(&format!("{old}/planned")) || has(&format!("{old}/{}", Layout::LOCK))) {
            return Layout::new(old).map_err(bad);
        }
        Ok(Layout::default())
    }

    /// `.git-session.yaml` on the base branch.
    fn pointer(&self, commit: Oid) -> Result<Pointer, Error> {
        let shelf = CommitShelf::open(self.core.store.repository(), &Layout::default(), commit, None)?;
        let Some((_, bytes)) = shelf.file(".git-session.yaml", 4096)? else { return Ok(Pointer::default()) };
        let broken = |message: String| Broken {
            code: "bad_pointer",
            session: None,
            path: ".git-session.yaml".to_owned(),
            line: None,
            message,
        };
        serde_yaml::from_slice(&bytes).map_err(|error| broken(error.to_string()).into())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pointer {
    pub(super) branch: Option<String>,
    pub(super) root: Option<String>,
}

/// The branch that the hub's HEAD names, also when it has no commit yet.
fn hub_branch(core: &Core) -> Result<RefName, Error> {
    let repository = core.user_repository()?;
    let head = repository.find_reference("HEAD")?;
    let target = head.symbolic_target().ok().flatten().map(str::to_owned);
    target.and_then(|name| name.parse().ok()).ok_or_else(|| Error::Environment {
        message: "the remote names no HEAD branch and this repository is on none".to_owned(),
        hint: Some("git config session.base main".to_owned()),
    })
}

pub(super) fn refuse_two_boards(base: &CommitShelf<'_>, whereabouts: &Whereabouts) -> Result<(), Error> {
    if !base.has_root()? {
        return Ok(());
    }
    Err(Broken {
        code: "two_boards",
        session: None,
        path: whereabouts.layout.root().to_owned(),
        line: None,
        message: format!(
            "it is on `{}` too, beside the board on `{}`",
            short(&whereabouts.base),
            short(&whereabouts.board)
        ),
    }
    .into())
}
