//! Where the board is, and its newest commit as the remote has it now.

use super::options::Network;
use super::whereabouts::{BOARD_BRANCH, Whereabouts, refuse_two_boards};
use super::{Core, Engine, Error};
use crate::domain::board::Broken;
use crate::domain::board::Shelf;
use crate::domain::id::{IdQuery, NotOne, SessionId};
use crate::domain::layout::Layout;
use crate::domain::quote::quote_sh_if_needed;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::settings::{self, Key, Settings};
use crate::domain::state::State;
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

    /// Looks as reading verbs do: an unreachable remote is answered from the last tip, and said so.
    ///
    /// # Errors
    /// Those of [`Engine::look`], but [`Error::Unreachable`] only when nothing was ever fetched.
    pub(super) fn look_to_read(&mut self) -> Result<Tip, Error> {
        self.look_to_read_with(&[])
    }

    /// The same, where some more branches are of interest.
    ///
    /// # Errors
    /// As [`Engine::look_to_read`].
    pub(super) fn look_to_read_with(&mut self, extra: &[RefName]) -> Result<Tip, Error> {
        let (away, why) = match self.core.options.network {
            Network::Offline => {
                let message = "nothing of the board was fetched yet, and offline nothing can be".to_owned();
                let hint = Some("git session list".to_owned());
                (Error::Environment { message, hint }, "asked to stay offline".to_owned())
            }
            Network::Online => match self.look(Purpose::Read, extra) {
                Err(error @ (Error::Unreachable { .. } | Error::Unauthorized { .. })) => {
                    let why = error.to_string().trim_end().to_owned();
                    (error, why)
                }
                result => return result,
            },
        };
        match self.last_whereabouts()? {
            Some((whereabouts, advertised)) => self.tip(Ground::Board, whereabouts, advertised, Some(why)),
            None => Err(away),
        }
    }

    /// The board as it was seen last, if it is still here.
    fn last_whereabouts(&self) -> Result<Option<(Whereabouts, Advertised)>, Error> {
        let known = self.core.known()?;
        let oid = |text: &Option<String>| text.as_deref().and_then(|text| Oid::from_str(text).ok());
        let (Some(board), Some(base), Some(board_tip), Some(base_tip)) =
            (&known.board, &known.base, oid(&known.board_tip), oid(&known.base_tip))
        else {
            return Ok(None);
        };
        let (board, base) = (branch(board)?, branch(base)?);
        let refs = [(board.clone(), board_tip), (base.clone(), base_tip)].into_iter().collect();
        let advertised = Advertised { refs, head: None };
        if !self.has_all(&advertised) {
            return Ok(None);
        }
        let layout = match &known.root {
            Some(root) => Layout::new(root).map_err(|error| Error::environment(error.to_string()))?,
            None => self.root(board_tip, None)?,
        };
        Ok(Some((Whereabouts { board, base, layout }, advertised)))
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
        self.remote.fetch(names, deadline).map_err(|error| self.sync_error(error))
    }

    pub(super) fn sync_error(&self, error: SyncError) -> Error {
        match error {
            SyncError::Offline { reason } => Error::Unreachable { url: self.remote.url().to_owned(), reason },
            SyncError::Denied { reason } => Error::Unauthorized { url: self.remote.url().to_owned(), reason },
            SyncError::Fault(message) => Error::environment(message.to_string()),
        }
    }

    fn has_all(&self, advertised: &Advertised) -> bool {
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

    /// The session that a user means: an exact id is taken at its word, anything else must match one session.
    pub(super) fn resolve(&self, tip: &Tip, query: &IdQuery) -> Result<SessionId, Error> {
        if let Ok(id) = query.as_str().parse() {
            return Ok(id);
        }
        let shelf = self.shelf(tip, tip.board)?;
        let mut ids = self.local_drafts(&tip.whereabouts.layout);
        for state in State::ALL {
            ids.extend(shelf.ids(state)?);
        }
        resolved(query, &ids)
    }
}

/// The one of `ids` that a user means.
pub(super) fn resolved(query: &IdQuery, ids: &[SessionId]) -> Result<SessionId, Error> {
    query.resolve(ids).map_err(|error| match error {
        NotOne::Nothing => Refusal::new(Code::NoSession, format!("no session matches `{}`", query.as_str()))
            .text("query", query.as_str())
            .hint("git session list")
            .into(),
        NotOne::Several(matches) => {
            let words: Vec<String> = matches.iter().map(|id| format!("`{id}`")).collect();
            Refusal::new(Code::Ambiguous, format!("`{}` could be {}", query.as_str(), words.join(", ")))
                .list("matches", matches.iter().map(SessionId::as_str))
                .into()
        }
    })
}

fn no_board(what: &str) -> Error {
    Error::Environment { message: format!("no board: {what}"), hint: Some("git session init".to_owned()) }
}
