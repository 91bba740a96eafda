//! `verify`: the commits of a branch or pull request, judged from the local repository alone.
//!
//! Deliberately not here: the network and private state. A plain checkout in CI has neither.

use git2::{Commit, ErrorCode, Oid, Repository, Sort};

use super::boards::{Boards, holders};
use super::patch::{self, Changed};
use super::rules::{self, Breach, Signed, Touch};
use super::{Trace, is_whole, shallow, subject};
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::domain::moves::frozen_plan;
use crate::domain::replay::{Observed, Replay, Said, Words};
use crate::domain::severity::Severity;
use crate::engine::Error;
use crate::engine::doctor::Finding;
use crate::engine::options::Options;
use crate::store::Observer;

/// Which commits to judge.
#[derive(Debug, Clone)]
pub struct BranchRequest {
    /// Any revision; what it has is not judged.
    pub base: String,
    /// Any revision; a name such as `session/<id>` also says whose branch it is.
    pub head: String,
    /// Whose branch it is, where the name does not say.
    pub session: Option<SessionId>,
}

/// What the commits came to.
#[derive(Debug, Clone)]
pub struct BranchVerified {
    /// What was found, in the order of the commits.
    pub trace: Trace,
    /// How many commits were judged.
    pub commits: usize,
    /// The base.
    pub base: Oid,
    /// The head.
    pub head: Oid,
    /// Whose branch it is.
    pub session: Option<SessionId>,
}

/// What the commits are held against.
struct Judge<'repo> {
    repository: &'repo Repository,
    boards: Boards<'repo>,
    session: Option<SessionId>,
}

/// Judges the commits of `base..head`.
///
/// # Errors
/// [`Error::Environment`] for a revision that is not there and for history that is not all there; [`Error::Broken`]
/// when the board's `config.yaml` cannot be read.
pub fn verify(options: &Options, request: &BranchRequest) -> Result<BranchVerified, Error> {
    let place = &options.place;
    let repository = Repository::open(place.worktree.as_ref().unwrap_or(&place.common_dir))?;
    let (base, head) = (commit_of(&repository, &request.base)?, commit_of(&repository, &request.head)?);
    let name = if request.head == "HEAD" { head_branch(&repository) } else { Some(request.head.clone()) };
    let session = request.session.clone().or_else(|| rules::branch_session(&name?));
    let commits = range(&repository, base, head, request)?;
    let judge = Judge::new(&repository, options, base, head, session.clone())?;
    let mut trace = Trace::default();
    if let Some(id) = session.as_ref().filter(|id| judge.boards.record(id).is_none()) {
        let message = "has no claim in what is here, so its authors are judged by their form alone";
        trace.add(breach(Breach::NoRecord, message).about(id), None);
    }
    for oid in &commits {
        judge.commit(&repository.find_commit(*oid)?, &mut trace)?;
    }
    Ok(BranchVerified { trace, commits: commits.len(), base, head, session })
}

fn breach(kind: Breach, message: impl Into<String>) -> Finding {
    Finding::new(kind.code(), kind.severity(), message).by_hand(kind.remedy())
}

fn commit_of(repository: &Repository, text: &str) -> Result<Oid, Error> {
    let found = repository.revparse_single(text).and_then(|object| object.peel_to_commit());
    found.map(|commit| commit.id()).map_err(|_| {
        let message = format!("`{}` names no commit here", text.escape_debug());
        if repository.is_shallow() {
            shallow(&message)
        } else {
            Error::Environment { message, hint: Some("git fetch".to_owned()) }
        }
    })
}

fn head_branch(repository: &Repository) -> Option<String> {
    Some(String::from_utf8_lossy(repository.head().ok()?.name_bytes()).into_owned())
}

/// The commits of `base..head`, oldest first.
fn range(repository: &Repository, base: Oid, head: Oid, request: &BranchRequest) -> Result<Vec<Oid>, Error> {
    let both = format!("`{}` and `{}`", request.base.escape_debug(), request.head.escape_debug());
    match repository.merge_base(base, head) {
        Ok(_) => {}
        Err(error) if error.code() == ErrorCode::NotFound && repository.is_shallow() => {
            return Err(shallow(&format!("{both} do not meet")));
        }
        Err(error) if error.code() == ErrorCode::NotFound => {
            return Err(Error::environment(format!("{both} have no history in common")));
        }
        Err(error) => return Err(error.into()),
    }
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
    walk.push(head)?;
    walk.hide(base)?;
    let mut commits = Vec::new();
    for oid in walk {
        let oid = oid?;
        if !is_whole(repository, &repository.find_commit(oid)?) {
            return Err(shallow(&format!("not all commits between {both} are here")));
        }
        commits.push(oid);
    }
    Ok(commits)
}

impl<'repo> Judge<'repo> {
    fn new(
        repository: &'repo Repository,
        options: &Options,
        base: Oid,
        head: Oid,
        session: Option<SessionId>,
    ) -> Result<Self, Error> {
        let boards = Boards::new(repository, options, base, head)?;
        Ok(Self { repository, boards, session })
    }

    fn commit(&self, commit: &Commit<'_>, trace: &mut Trace) -> Result<(), Error> {
        let observed = self.observed(commit)?;
        let subject = subject(commit);
        let words = match &observed.said {
            Said::Move(words) => Some(words),
            Said::Nothing | Said::Garbled => None,
        };
        let named = words.and_then(|words| words.id.clone()).or_else(|| rules::named_session(&subject));
        let id = named.or_else(|| self.session.clone().filter(|_| words.is_none()));
        let about = |finding: Finding| match &id {
            Some(id) => finding.about(id),
            None => finding,
        };
        let is_merge = commit.parent_count() > 1;
        let owner = self.session.as_ref().or(id.as_ref());
        if let Some(owner) = owner.filter(|owner| words.is_none() && !is_merge && !rules::has_form(&subject, owner)) {
            let message = format!("has a subject that is not `[{owner}] type: description`");
            trace.add(about(breach(Breach::MessageForm, message)), Some(commit));
        }
        if let Some(wrong) = id.as_ref().and_then(|id| self.misattributed(commit, id, words)) {
            let mut finding = about(breach(Breach::Identity, wrong));
            if is_merge {
                // Whoever presses a button to merge has another name.
                finding.severity = Severity::Warning;
            }
            trace.add(finding, Some(commit));
        }
        let changed = patch::changed(self.repository, commit)?;
        if words.is_some() {
            self.judge_move(commit, &observed, trace);
        }
        for Changed { path, blob } in &changed {
            let touch = rules::touch(path, &self.boards.layout, &self.boards.knowledge, id.as_ref());
            // What a move does to the board was judged as a move.
            let (kind, message) = match touch {
                Touch::Knowledge => {
                    (Breach::Knowledge, "changes knowledge that only kb- sessions may change".to_owned())
                }
                _ if words.is_some() => continue,
                Touch::Fine => continue,
                Touch::Plan(owner) => {
                    let record = self.boards.record(&owner);
                    let frozen = record.as_ref().and_then(frozen_plan);
                    if frozen.is_some_and(|frozen| frozen.as_str() == blob.to_string()) {
                        continue;
                    }
                    (Breach::PlanChanged, format!("changes the plan of session `{owner}`, which is frozen"))
                }
                // The checkout shows the record of each claim, and whoever adds everything adds that.
                Touch::Record if id.as_ref().is_some_and(|id| self.boards.have_had_record(id, *blob)) => continue,
                Touch::Record => (Breach::RecordEdited, "changes the session's record".to_owned()),
                Touch::Root => (Breach::RootChanged, "changes what is the board's".to_owned()),
            };
            trace.add(about(breach(kind, message)).at(path.escape_debug().to_string()), Some(commit));
        }
        for leak in patch::leaks(self.repository, commit, &changed)? {
            let finding = breach(Breach::Secret, leak.what).at(leak.path.escape_debug().to_string());
            trace.add(about(finding), Some(commit));
        }
        Ok(())
    }

    fn observed(&self, commit: &Commit<'_>) -> Result<Observed, Error> {
        let parent = commit.parent_ids().next();
        Ok(Observer::after(self.repository, &self.boards.layout, parent)?.observe(commit.id())?)
    }

    /// A commit that says it is a move has to be one that the rules have.
    fn judge_move(&self, commit: &Commit<'_>, observed: &Observed, trace: &mut Trace) {
        let parent = commit.parent_ids().next();
        let lines = Observer::after(self.repository, &self.boards.layout, parent).and_then(|observer| observer.lines());
        let Ok(lines) = lines else { return };
        for verdict in Replay::after(&lines).judge(observed) {
            if verdict.flaw.severity() == Severity::Error {
                let message = format!("says that it is a move, and {}", verdict.message);
                let finding = breach(Breach::IllegalMove, message);
                let finding = match &verdict.id {
                    Some(id) => finding.about(id),
                    None => finding,
                };
                trace.add(finding, Some(commit));
            }
        }
    }

    /// What is wrong with who a commit says it is by. A move says itself whose it is; planners make some.
    fn misattributed(&self, commit: &Commit<'_>, id: &SessionId, words: Option<&Words>) -> Option<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (author, committer) = (commit.author(), commit.committer());
        let signed = Signed {
            author: (text(author.name_bytes()), text(author.email_bytes())),
            committer: (text(committer.name_bytes()), text(committer.email_bytes())),
        };
        let agents: Option<Vec<AgentName>> = match words {
            Some(words) => words.agent.parse().ok().map(|agent| vec![agent]),
            None => self.boards.record(id).map(|record| holders(&record)),
        };
        rules::misattributed(&signed, id, agents.as_deref())
    }
}
