//! Working under a claim: what the holder has in its checkout, publishing it, renewing, giving the session back.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository};

use super::plan::PlanAnswer;
use super::proposal::{Parcel, Proposal, Step};
use super::tip::branch;
use super::{Core, Engine, Error, Tip, Wish};
use crate::checkout::loss::{self, Inspection, Loss};
use crate::checkout::own;
use crate::domain::board::Board;
use crate::domain::change::Change;
use crate::domain::id::{IdQuery, SessionId};
use crate::domain::layout::component_fits;
use crate::domain::log::{LOG_BYTES_MAX, parse_log};
use crate::domain::moves::{self, FolderFile, WorkFiles};
use crate::domain::record::CheckoutKind;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::state::State;
use crate::remote::{Purpose, RefUpdate};
use crate::store;

/// Most bytes of one file that is published.
const FILE_BYTES_MAX: u64 = crate::domain::pages::PAGE_BYTES_MAX;
/// Most bytes that one publish brings along.
const ALL_BYTES_MAX: u64 = 64 << 20;

/// Decides one move of a holder on a fresh board; `None` when it was made before.
pub(super) type DecideActive<'a> =
    dyn FnMut(&Board<'_>, &WorkFiles, &moves::Caller, &Wish, &Tip) -> Result<Option<Change>, Error> + 'a;

/// A wish to give a session back.
#[derive(Debug, Clone)]
pub struct ReleaseRequest {
    /// The session.
    pub query: IdQuery,
    /// Why.
    pub reason: String,
    /// What to do with uncommitted work.
    pub wip: Wip,
}

/// What to do with uncommitted work in a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wip {
    /// Refuse.
    Refused,
    /// Commit it to the session branch first (`--wip`).
    Committed,
}

/// Where a holder works and what it has there.
#[derive(Debug, Clone)]
pub(super) struct Workplace {
    /// The session's folder: in the checkout, or in private state with isolation `none`.
    pub(super) folder: PathBuf,
    /// The checkout's top, or the folder of private state.
    pub(super) top: PathBuf,
    /// The session's folder relative to that.
    pub(super) own: String,
    /// The checkout's top folder.
    pub(super) checkout: Option<PathBuf>,
    /// The session branch's commit.
    pub(super) head: Option<Oid>,
}

impl Engine {
    /// Puts the holder's files on the board, pushes the session branch and renews the lease, all in one swap.
    ///
    /// # Errors
    /// `not_holder`, `plan_changed`, `secret`; those of the loop.
    pub fn publish(&mut self, query: &IdQuery) -> Result<PlanAnswer, Error> {
        let id = self.held_id(query)?;
        let files = self.work_files(&id)?;
        super::checks::secrets_in_files(&id, &files)?;
        self.active_move("publish", &id, &files, State::Active, &mut |board, files, caller, wish, tip| {
            Ok(Some(moves::publish(board, &id, files, caller, &wish.nonce, tip.now)?))
        })
    }

    /// Begins the lease anew.
    ///
    /// # Errors
    /// `not_holder`, `plan_changed`; those of the loop.
    pub fn renew(&mut self, query: &IdQuery) -> Result<PlanAnswer, Error> {
        let id = self.held_id(query)?;
        self.plan_move("renew", &id, State::Active, &mut |board, caller, wish, tip| {
            Ok(moves::renew(board, &id, caller, &wish.nonce, tip.now)?)
        })
    }

    /// Gives the session back: published, unlocked, its branch kept, its checkout gone when nothing is left in it.
    ///
    /// # Errors
    /// `no_reason`, `not_holder`, `secret`, `dirty` unless the work is committed first; those of the loop.
    pub fn release(&mut self, request: &ReleaseRequest) -> Result<PlanAnswer, Error> {
        if request.reason.trim().is_empty() {
            return Err(Refusal::new(Code::NoReason, "`release` needs a reason")
                .hint("git session release --reason 'why'")
                .into());
        }
        let id = self.held_id(&request.query)?;
        super::checks::secrets_in_words(&id, "--reason", &request.reason)?;
        self.settle_work(&id, request.wip)?;
        let files = self.work_files(&id)?;
        super::checks::secrets_in_files(&id, &files)?;
        let holding = self.core.private.holding(&id)?;
        let mut answer =
            self.active_move("release", &id, &files, State::Planned, &mut |board, files, caller, wish, tip| {
                if moves::released_before(board, &id, caller, tip.now)? {
                    return Ok(None);
                }
                Ok(Some(moves::release(board, &id, &request.reason, files, caller, &wish.nonce, tip.now)?))
            })?;
        if let Some(holding) = holding {
            answer.warnings.extend(self.remove_checkout(&holding, super::ending::Branch::Kept));
        }
        Ok(answer)
    }

    /// The session that a holder means, without asking the remote where the answer is at hand.
    pub(super) fn held_id(&mut self, query: &IdQuery) -> Result<SessionId, Error> {
        if let Ok(id) = query.as_str().parse() {
            return Ok(id);
        }
        let held: Vec<SessionId> = self.core.private.holdings()?.into_iter().map(|holding| holding.id).collect();
        if let Ok(id) = query.resolve(&held) {
            return Ok(id);
        }
        let tip = self.look(Purpose::Read, &[])?;
        self.core.resolve(&tip, query)
    }

    pub(super) fn work_files(&self, id: &SessionId) -> Result<WorkFiles, Error> {
        self.core.work_files(id)
    }

    /// A move of the holder that also pushes the session branch; no change where it was made before.
    pub(super) fn active_move(
        &mut self,
        verb: &str,
        id: &SessionId,
        files: &WorkFiles,
        state: State,
        decide: &mut DecideActive<'_>,
    ) -> Result<PlanAnswer, Error> {
        let wish = self.core.wish(verb, std::slice::from_ref(id))?;
        let session_branch = branch(&id.branch())?;
        self.bring_back(id)?;
        let head = self.core.head_here(id)?;
        let mut search = super::checks::Search::default();
        let won = self.update(&wish, std::slice::from_ref(&session_branch), &mut |core, tip| {
            let shelf = core.shelf(tip, tip.board)?;
            let board = Board::read(&shelf)?;
            let files = core.with_whole_log(id, files, tip)?;
            let Some(change) = decide(&board, &files, &core.caller(Some(id))?, &wish, tip)? else {
                return Ok(Step::Settled(()));
            };
            let Step::Swap(mut proposal) = core.propose(tip, &change, ())? else { return Ok(Step::Settled(())) };
            if state != State::Active {
                proposal.endings = core.ending(id, head)?;
            }
            if let Some(update) = core.branch_update(id, head, tip, Some(&mut search))? {
                proposal.updates.push(update);
                proposal.pack = Parcel::Walk;
            }
            Ok(Step::Swap(Proposal { ..proposal }))
        })?;
        let mut warnings = search.notes;
        warnings.extend(self.refresh_hub(&won.tip.after(won.commit), super::hub::Occasion::Other));
        let path = self.core.hub_path(&won.tip.whereabouts.layout, state, id);
        Ok(PlanAnswer { id: id.clone(), state, commit: Some(won.commit.unwrap_or(won.tip.board)), path, warnings })
    }
}

impl Core {
    /// What the holder has in the session's folder here, as far as it may be published.
    pub(super) fn work_files(&self, id: &SessionId) -> Result<WorkFiles, Error> {
        let Some(place) = self.workplace(id)? else { return Ok(WorkFiles::default()) };
        own::at(&place.top, &place.own)?;
        let mut files = Vec::new();
        let repository = place.checkout.as_deref().and_then(|checkout| Repository::open(checkout).ok());
        // Where the whole root is ignored, that says nothing about one file in it.
        let repository = repository.filter(|repository| !repository.is_path_ignored(&place.folder).unwrap_or(false));
        let mut total = 0;
        collect(&place.folder, "", repository.as_ref(), &mut files, &mut total)?;
        let log = files.iter().find(|file| file.path == "log.jsonl");
        let entries = log.map(|file| parse_log(&file.bytes).0).unwrap_or_default();
        Ok(WorkFiles { files, entries })
    }

    /// Where the claim of `id` that was made in this repository is worked on.
    pub(super) fn workplace(&self, id: &SessionId) -> Result<Option<Workplace>, Error> {
        let mark = self.options.place.checkout.as_ref().filter(|mark| mark.id == *id);
        let holding = self.private.holding(id)?;
        let kind = holding.as_ref().map(|holding| holding.checkout);
        if kind == Some(CheckoutKind::None) {
            let folder = self.work_folder(id);
            let top = self.private.folder().to_owned();
            return Ok(Some(Workplace { folder, top, own: format!("work/{id}"), checkout: None, head: None }));
        }
        let path = mark.map(|mark| mark.path.clone()).or_else(|| holding.and_then(|holding| holding.path));
        // A folder that a completion has emptied under somebody's feet is no checkout any more.
        let Some(path) = path.filter(|path| path.join(".git").exists()) else { return Ok(None) };
        let layout = self.layout_at_hand()?;
        let repository = Repository::open(&path)?;
        let reference = repository.find_reference(&format!("refs/heads/{}", id.branch()));
        let head = reference.ok().and_then(|reference| reference.target());
        let own = layout.folder(State::Active, id);
        Ok(Some(Workplace { folder: path.join(&own), top: path.clone(), own, checkout: Some(path), head }))
    }

    /// The newest commit of the session's branch in this repository, also when the checkout is gone: a folder that
    /// somebody removed takes no commits along.
    pub(super) fn head_here(&self, id: &SessionId) -> Result<Option<Oid>, Error> {
        if let Some(place) = self.workplace(id)? {
            return Ok(place.head);
        }
        let repository = self.user_repository()?;
        let reference = repository.find_reference(&format!("refs/heads/{}", id.branch()));
        Ok(reference.ok().and_then(|reference| reference.target()))
    }

    /// The move of the session's branch on the remote to `head`, after its commits were searched for secrets where that
    /// is asked for; `None` where it is there.
    pub(super) fn branch_update(
        &self,
        id: &SessionId,
        head: Option<Oid>,
        tip: &Tip,
        search: Option<&mut super::checks::Search>,
    ) -> Result<Option<RefUpdate>, Error> {
        let name = branch(&id.branch())?;
        let old = tip.advertised.refs.get(&name).copied();
        let Some(head) = head.filter(|head| Some(*head) != old) else { return Ok(None) };
        if let Some(there) = old {
            self.refuse_forgotten(id, head, there)?;
        }
        if let Some(search) = search {
            self.secrets_in_history(id, Some(head), tip, search)?;
        }
        Ok(Some(RefUpdate { name, old, new: Some(head) }))
    }

    /// The session's files with isolation `none`.
    pub(super) fn work_folder(&self, id: &SessionId) -> PathBuf {
        self.private.folder().join("work").join(id.as_str())
    }

    /// What would be lost if the checkout went, beside `accounted_for`.
    pub(super) fn loss(&self, id: &SessionId, checkout: &Path, accounted_for: &[Oid]) -> Result<Loss, Error> {
        let layout = self.layout_at_hand()?;
        let inspection =
            Inspection { checkout, id, root: layout.root(), accounted_for, ignored: loss::Ignored::PassedOver };
        let mut loss = loss::loss(&inspection, self.clock.deadline())?;
        // The checkout's repository may not have fetched what the engine's has.
        let safe = |commit: &Oid, safe: &Oid| store::contains(self.store.repository(), *safe, *commit).unwrap_or(false);
        loss.commits.retain(|commit| !accounted_for.iter().any(|kept| safe(commit, kept)));
        Ok(loss)
    }
}

/// Everything in a checkout that no commit has.
pub(super) fn uncommitted(loss: &Loss) -> Vec<String> {
    let mut paths: Vec<String> =
        [&loss.dirty, &loss.untracked, &loss.unmerged].into_iter().flatten().cloned().collect();
    paths.sort();
    paths.dedup();
    paths
}

pub(super) fn dirty(id: &SessionId, checkout: &Path, loss: &Loss) -> Refusal {
    let paths = uncommitted(loss);
    let what = match &loss.operation {
        Some(operation) => format!("a {operation} is not finished"),
        None => {
            let shown: Vec<String> = paths.iter().take(5).map(|path| format!("`{}`", path.escape_debug())).collect();
            let more = paths.len().saturating_sub(shown.len());
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("uncommitted work in {}{more}", shown.join(", "))
        }
    };
    let place =
        shlex::try_quote(&checkout.display().to_string()).map_or_else(|_| String::new(), |text| text.into_owned());
    Refusal::new(Code::Dirty, format!("the checkout of session `{id}` is not clean: {what}"))
        .text("id", id.as_str())
        .text("checkout", checkout.display().to_string())
        .list("paths", paths)
        .hint(format!("git -C {place} status"))
}

/// The publishable files of a session's folder: no links, no nested repositories, nothing ignored, nothing that is
/// the engine's, nothing too large.
fn collect(
    folder: &Path,
    prefix: &str,
    repository: Option<&Repository>,
    files: &mut Vec<FolderFile>,
    total: &mut u64,
) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::File { path: folder.to_owned(), source }),
    };
    let mut entries: Vec<_> = entries.collect::<Result<_, _>>().map_err(Error::file(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| component_fits(name)) else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        let own =
            prefix.is_empty() && (matches!(name, "SESSION.md" | "session.yaml") || name.starts_with(".session-env"));
        if own
            || kind.is_symlink()
            || repository.is_some_and(|repository| repository.is_path_ignored(&path).unwrap_or(false))
        {
            continue;
        }
        if kind.is_dir() {
            if !path.join(".git").exists() {
                collect(&path, &format!("{prefix}{name}/"), repository, files, total)?;
            }
            continue;
        }
        let size = entry.metadata().map_err(Error::file(&path))?.len();
        // The log is the tool's own, and has a limit of its own.
        let log = prefix.is_empty() && name == "log.jsonl" && size <= LOG_BYTES_MAX as u64;
        *total += if log { 0 } else { size };
        if (size > FILE_BYTES_MAX && !log) || *total > ALL_BYTES_MAX {
            return Err(too_large(&path));
        }
        if kind.is_file() {
            // It may have become another thing or a larger one since it was looked at.
            let most = if log { LOG_BYTES_MAX } else { usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX - 1) };
            let Some(bytes) = own::read(folder, name, most)? else { continue };
            if bytes.len() > most {
                return Err(too_large(&path));
            }
            files.push(FolderFile { path: format!("{prefix}{name}"), bytes });
        }
    }
    Ok(())
}

fn too_large(path: &Path) -> Error {
    Error::environment(format!(
        "`{}` is too large to publish: at most 8 MiB a file and 64 MiB in all",
        path.display().to_string().escape_debug()
    ))
}
