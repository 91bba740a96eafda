//! Where the board is, and its newest commit as the remote has it now.

use super::whereabouts::{BOARD_BRANCH, Whereabouts, refuse_two_boards};
use super::{Core, Engine, Error};
use crate::domain::board::Broken;
use crate::domain::layout::Layout;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::settings::{self, Key, Settings};
use crate::domain::time::Timestamp;
use crate::remote::{Advertised, Purpose, RefName, SyncError};
use crate::store::CommitShelf;
use git2::Oid;

/// The board branch and the base branch as the remote has them, with the settings that hold there.
#[derive(Debug, Clone)]
pub struct Tip {
    /// Which branches and which folder.
    pub whereabouts: Whereabouts,
    /// The board branch's newest commit.
    pub board: Oid,
    /// The base branch's newest commit.
    pub base: Oid,
    /// Everything that was asked for.
    pub advertised: Advertised,
    /// The settings that hold.
    pub settings: Settings,
    /// What the board's `config.yaml` says of them.
    pub board_settings: settings::Board,
    /// When it was looked at.
    pub now: Timestamp,
    /// Why the remote was not asked or did not answer; `None` when this is fresh.
    pub stale: Option<String>,
}

impl Tip {
    /// The tip after a swap of ours: the board branch is at `commit`, and the base too where the board is on it.
    pub(super) fn after(&self, commit: Option<Oid>) -> Self {
        let Some(commit) = commit else { return self.clone() };
        let base = if self.whereabouts.apart() { self.base } else { commit };
        Self { board: commit, base, ..self.clone() }
    }

    /// The base branch's short name.
    pub fn base_branch(&self) -> &str {
        short(&self.whereabouts.base)
    }

    /// The board branch's short name.
    pub fn board_branch(&self) -> &str {
        short(&self.whereabouts.board)
    }
}

/// A branch's name without `refs/heads/`.
pub(super) fn short(name: &RefName) -> &str {
    name.as_str().strip_prefix("refs/heads/").unwrap_or(name.as_str())
}

/// A branch's full name.
pub(super) fn branch(name: &str) -> Result<RefName, Error> {
    format!("refs/heads/{name}")
        .parse()
        .map_err(|_| Error::environment(format!("`{}` is no branch name", name.escape_debug())))
}

/// What a look expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// A board; none is an error.
    Board,
    /// Perhaps nothing; branches that are not there have the zero id.
    Bare,
}

impl Engine {
    /// Looks at the remote once and brings in what is new.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Denied`]; [`Error::Environment`] when there is no board; [`Error::Broken`]
    /// when its config does not parse or there are two boards.
    pub(super) fn look(&mut self, purpose: Purpose, extra: &[RefName]) -> Result<Tip, Error> {
        self.look_on(Ground::Board, purpose, extra)
    }

    /// The same where there may be no board yet.
    ///
    /// # Errors
    /// As [`Engine::look`].
    pub(super) fn look_on(&mut self, ground: Ground, purpose: Purpose, extra: &[RefName]) -> Result<Tip, Error> {
        let known = self.core.known()?;
        let mut names = vec![branch(BOARD_BRANCH)?];
        names.extend(known.board.as_deref().map(branch).transpose()?);
        let told = self.told_of_base();
        let mut base = match self.configured_base(&known)? {
            Some(base) if told || purpose == Purpose::Read || self.has_seen_head(&known) => base,
            Some(_) | None => self.find_base(&names)?,
        };
        names.push(base.clone());
        if let name @ [_, ..] = self.core.options.layers.local(Key::Branch).as_bytes() {
            names.push(branch(&String::from_utf8_lossy(name))?);
        }
        names.extend_from_slice(extra);
        names.sort();
        names.dedup();
        let mut advertised = self.advertised(&names, purpose)?;
        let elsewhere = advertised.head.as_ref().is_some_and(|head| *head != base);
        if !told && (elsewhere || !advertised.refs.contains_key(&base)) {
            // The remote's HEAD has moved, or the branch was renamed there.
            let found = self.find_base(&names)?;
            if found != base {
                names.push(found.clone());
                advertised = self.advertised(&names, purpose)?;
                base = found;
            }
        }
        if !self.has_all(&advertised) {
            advertised = self.fetched(&names)?;
        }
        let whereabouts = self.whereabouts(&advertised, &base)?;
        if !names.contains(&whereabouts.board) {
            names.push(whereabouts.board.clone());
            advertised = self.fetched(&names)?;
        }
        self.tip(ground, whereabouts, advertised, None)
    }

    pub(super) fn tip(
        &self,
        ground: Ground,
        whereabouts: Whereabouts,
        advertised: Advertised,
        stale: Option<String>,
    ) -> Result<Tip, Error> {
        if ground == Ground::Bare {
            let of = |name: &RefName| advertised.refs.get(name).copied().unwrap_or(Oid::ZERO_SHA1);
            let board_settings = settings::Board::default();
            return Ok(Tip {
                board: of(&whereabouts.board),
                base: of(&whereabouts.base),
                settings: self.core.options.layers.over(&board_settings)?,
                now: self.core.clock.now(),
                whereabouts,
                advertised,
                board_settings,
                stale,
            });
        }
        let tip = self.tip_at(whereabouts, advertised, stale)?;
        if tip.stale.is_none() {
            self.core.remember(&tip)?;
        }
        Ok(tip)
    }

    /// The tip that `advertised` makes, whose objects are here. It is not noted as seen: it may be one to come.
    pub(super) fn tip_at(
        &self,
        whereabouts: Whereabouts,
        advertised: Advertised,
        stale: Option<String>,
    ) -> Result<Tip, Error> {
        let missing = |name: &RefName| no_board(&format!("the remote has no branch `{}`", short(name)));
        let board = *advertised.refs.get(&whereabouts.board).ok_or_else(|| missing(&whereabouts.board))?;
        let base = match advertised.refs.get(&whereabouts.base) {
            Some(base) => *base,
            None if whereabouts.apart() => return Err(self.core.no_base(&whereabouts)),
            None => board,
        };
        let repository = self.core.store.repository();
        let shelf = CommitShelf::open(repository, &whereabouts.layout, board, Some(base))?;
        if !shelf.has_root()? {
            return Err(no_board(&format!("no `{}` on `{}`", whereabouts.layout.root(), short(&whereabouts.board))));
        }
        if whereabouts.apart() {
            refuse_two_boards(&CommitShelf::open(repository, &whereabouts.layout, base, None)?, &whereabouts)?;
        }
        let board_settings = self.core.board_settings_at(&shelf, &whereabouts.layout)?;
        let settings = self.core.options.layers.over(&board_settings)?;
        let now = self.core.clock.now();
        Ok(Tip { whereabouts, board, base, advertised, settings, board_settings, now, stale })
    }

    pub(super) fn advertised(&mut self, names: &[RefName], purpose: Purpose) -> Result<Advertised, Error> {
        let deadline = self.core.clock.deadline();
        self.remote.sync(names, purpose, deadline).map_err(|error| self.sync_error(error))
    }

    pub(super) fn fetched(&mut self, names: &[RefName]) -> Result<Advertised, Error> {
        let deadline = self.core.clock.deadline();
        self.core.offer_last_tip()?;
        self.remote.fetch(names, deadline).map_err(|error| self.sync_error(error))
    }

    pub(super) fn sync_error(&self, error: SyncError) -> Error {
        match error {
            SyncError::Offline { reason } => Error::Unreachable { url: self.remote.url().to_owned(), reason },
            SyncError::Denied { reason } => Error::Unauthorized { url: self.remote.url().to_owned(), reason },
            SyncError::Fault(message) => Error::environment(message.to_string()),
        }
    }

    pub(super) fn has_all(&self, advertised: &Advertised) -> bool {
        let repository = self.core.store.repository();
        advertised.refs.values().all(|oid| repository.find_commit(*oid).and_then(|commit| commit.tree()).is_ok())
    }
}

/// A tip this far in the future means that somebody's clock is wrong.
const SKEW_SECONDS: i64 = 120;

impl Core {
    /// A board of its own is nothing to work on: what is claimed starts at the base branch and lands there.
    pub(super) fn no_base(&self, whereabouts: &Whereabouts) -> Error {
        let base = short(&whereabouts.base);
        let [remote, name] = [self.options.layers.local(Key::Remote), base].map(quote_sh_if_needed);
        Error::Environment {
            message: format!("the remote has no branch `{base}` for work to start at and to land on"),
            hint: Some(format!("git push {remote} {name}")),
        }
    }

    /// A line when the board's newest commit is in the future. It decides nothing: who won is the swap's to say.
    pub(super) fn skewed(&self, tip: &Tip) -> Option<String> {
        let time = self.store.repository().find_commit(tip.board).ok()?.time().seconds();
        let ahead = time - tip.now.unix();
        (ahead > SKEW_SECONDS).then(|| format!("the newest commit is {ahead} s in the future: some clock is wrong"))
    }

    /// What the board's `config.yaml` says.
    pub(super) fn board_settings_at(&self, shelf: &CommitShelf<'_>, layout: &Layout) -> Result<settings::Board, Error> {
        let path = format!("{}/config.yaml", layout.root());
        match shelf.file(&path, 64 << 10)? {
            None => Ok(settings::Board::default()),
            Some((_, bytes)) => settings::Board::parse(&bytes).map_err(|error| {
                Broken { code: "bad_config", session: None, path, line: None, message: error.message }.into()
            }),
        }
    }

    /// Opens the board of `commit`.
    pub(super) fn shelf(&self, tip: &Tip, commit: Oid) -> Result<CommitShelf<'_>, Error> {
        Ok(CommitShelf::open(self.store.repository(), &tip.whereabouts.layout, commit, Some(tip.base))?)
    }
}

fn no_board(what: &str) -> Error {
    Error::Environment { message: format!("no board: {what}"), hint: Some("git session init".to_owned()) }
}
