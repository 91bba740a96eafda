//! The moves: one method per verb, each a wish that is decided on a fresh board and swapped in, then finished locally.
//!
//! Deliberately not here: printing, the environment, and the rules themselves (`domain` has those).

mod abandon;
mod answer;
mod astray;
mod batch;
mod brief;
mod caller;
mod checkpoint;
mod checks;
mod claim;
mod clock;
mod combine;
mod complete;
mod conflicts;
pub mod doctor;
mod drafts;
mod drift;
mod ending;
mod environment;
mod error;
mod evidence;
mod fork;
mod former;
mod frozen;
mod glance;
mod guard;
mod handover;
mod hooks;
mod hub;
mod import;
mod init;
mod journal;
mod keeping;
mod known;
mod landing;
mod last_known;
mod left;
mod load;
mod local;
mod local_lock;
mod look;
mod lookout;
mod making;
mod meeting;
mod memory;
mod moved;
mod named;
mod neighbours;
mod notes;
pub mod options;
mod overriding;
mod patience;
mod plan;
mod poll;
mod prime;
mod private;
mod proposal;
mod prune;
mod queue;
mod room;
pub mod run;
mod seat;
mod settle;
mod start;
mod sweep;
mod sync;
mod takeover;
mod tampering;
mod tip;
mod trust;
mod update;
mod upkeep;
mod validate;
pub mod verify;
pub mod watch;
mod whereabouts;
mod wip;
mod work;

pub use crate::checkout::CheckoutError;
pub use crate::checkout::guard::{GUARDS, State as GuardState};
pub use abandon::AbandonRequest;
pub use brief::{Brief, Legacy, Source as BriefSource};
pub use checkpoint::{CheckpointAnswer, CheckpointRequest};
pub use checks::Secrets;
pub use claim::{ClaimAnswer, ClaimRequest, ClaimView, Pick, Receipt};
pub use clock::{Clock, Source, nonce};
pub use complete::{CompleteAnswer, CompleteRequest};
pub use conflicts::{Conflict, Conflicts, Pair, Work, WorkSource};
pub use drift::DriftOfAll;
pub use environment::Environment;
pub use error::{Error, chain};
pub use evidence::{BranchTip, Evidence, Here};
pub use fork::{ForkAnswer, ForkRequest};
pub use former::Kept;
pub use frozen::{RestoreAnswer, RestoredPlan};
pub use guard::{GuardAnswer, GuardWish, Judgement};
pub use handover::ResumeAnswer;
pub use hooks::LifecycleHook;
pub use import::{ImportAnswer, ImportRequest, Imported};
pub use init::{AgentsMd, Effect, InitAnswer, InitRequest};
pub use look::{Life, Listed, Listing, Shown};
pub use memory::{Facts, Learned, Logged, Note, Noted, Spawn, Spread, Subsession};
pub use moved::stand;
pub use notes::Notes;
pub use overriding::{OverrideAnswer, OverrideRequest};
pub use plan::{NewRequest, PlanAnswer, Until};
pub use poll::Waiting;
pub use prime::{BoardFacts, Held, Prime, Standpoint};
pub use private::{Holding, Private, Stage};
pub use prune::{Fate, Folders, Leaving, LeavingKind, Mode, Prunable, PruneAnswer, PruneRequest, Transcripts};
pub use start::{StartAnswer, StartRequest};
pub use sync::SyncAnswer;
pub use takeover::{Free, Taken, TakeoverAnswer, TakeoverRequest};
pub use tampering::{Culprit, TamperedPlace, Tampering};
pub use tip::Tip;
pub use trust::{Asked, Trusted};
pub use upkeep::{Crowd, Upkeep, is_due as is_upkeep_due, upkeep};
pub use validate::{Check, Validate, Validated};
pub use whereabouts::Whereabouts;
pub use wip::Restored;
pub use work::{ReleaseRequest, Wip};

use crate::checkout::identity::{Identity, User};
use crate::checkout::sign::Signing;
use crate::domain::agent::AgentName;
use crate::domain::id::SessionId;
use crate::domain::nonce::Nonce;
use crate::domain::settings::Key;
use crate::remote::{self, Remote, RemoteSettings};
use crate::store::{EngineRepository, Signatures};
use options::Options;

/// What somebody wants, made once with its nonce: a retry is the same wish, not a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// 128 random bits that tell this wish from every other.
    pub nonce: Nonce,
    /// The verb.
    pub verb: String,
    /// Who wishes it.
    pub agent: AgentName,
    /// The sessions it names; none for `claim --next`.
    pub ids: Vec<SessionId>,
}

/// The engine of one command on one repository.
pub struct Engine {
    core: Core,
    remote: Box<dyn Remote>,
    /// The sessions whose local effects this process makes, locked.
    held: Vec<(SessionId, crate::disk::lock::Lock)>,
    /// What the hooks of this command's moves have come to.
    lifecycle: hooks::Lifecycle,
    notes: Notes,
}

/// Everything but the remote: what a decision may look at.
pub(crate) struct Core {
    options: Options,
    private: Private,
    store: EngineRepository,
    clock: Clock,
    user: std::cell::OnceCell<git2::Repository>,
}

impl Engine {
    /// Opens the repository's engine: its private state, the engine repository and the remote.
    ///
    /// # Errors
    /// [`Error::Environment`] for a repository that cannot be used, [`Error::Store`], [`Error::Unreachable`].
    pub fn open(options: Options) -> Result<Self, Error> {
        let clock = Clock::start(options.timeout);
        if options.place.hub_folder().to_str().is_none() || options.place.common_dir.to_str().is_none() {
            // Notes and environment files are text; better now than after a claim is won.
            let path = options.place.hub_folder().display().to_string();
            return Err(Error::environment(format!("the path `{}` is not UTF-8", path.escape_debug())));
        }
        let private = Private::at(options.place.private()).synced(options.layers.fsync()?);
        let objects = options.place.common_dir.join("objects");
        let store = EngineRepository::open(private.folder(), &objects, clock.deadline())?;
        let name = options.layers.local(Key::Remote).to_owned();
        let has_remote = options.git_config.get(&format!("remote.{name}.url")).is_some();
        if !has_remote && name != "origin" {
            return Err(Error::Environment {
                message: format!("no remote `{}` in this repository", name.escape_debug()),
                hint: Some("git remote -v".to_owned()),
            });
        }
        if !has_remote && let Some(other) = other_remote(&options.git_config) {
            // Claims that only this clone sees would be won once in every clone.
            let other = crate::domain::quote::quote_sh_if_needed(&other);
            return Err(Error::Environment {
                message: format!("no remote `{name}` in this repository, but there are others"),
                hint: Some(format!("git config session.remote {other}")),
            });
        }
        let core = Core { options, private, store, clock, user: std::cell::OnceCell::new() };
        if let Some(mark) = &core.options.place.checkout {
            core.follow_checkout(&mark.path)?;
        }
        let remote = remote::open(&core.remote_settings(core.store.path())?)?;
        Ok(Self { core, remote, held: Vec::new(), lifecycle: hooks::Lifecycle::default(), notes: Notes::default() })
    }

    /// An engine of given parts, as the simulator makes it; nothing is opened and nothing asked.
    pub fn assemble(
        options: Options,
        private: Private,
        store: EngineRepository,
        clock: Clock,
        remote: Box<dyn Remote>,
    ) -> Self {
        let core = Core { options, private, store, clock, user: std::cell::OnceCell::new() };
        Self { core, remote, held: Vec::new(), lifecycle: hooks::Lifecycle::default(), notes: Notes::default() }
    }

    /// Has what goes wrong beside a move, and does not matter to it, told to `notes`.
    pub fn tell(&mut self, notes: &Notes) {
        self.notes = notes.clone();
    }

    /// The surroundings it was opened with.
    pub fn options(&self) -> &Options {
        &self.core.options
    }

    /// What the acting agent can do, beyond what the environment says.
    pub fn add_capabilities(&mut self, can: impl Iterator<Item = String>) {
        self.core.options.can.extend(can);
    }

    /// A rehearsal ends before something is changed without a swap.
    fn rehearse(&self, what: impl Into<String>) -> Result<(), Error> {
        match self.core.options.rehearsal {
            options::Rehearsal::Real => Ok(()),
            options::Rehearsal::Dry => Err(Error::Dry { changes: vec![what.into()] }),
        }
    }

    /// The remote's URL, without credentials.
    pub fn url(&self) -> &str {
        self.remote.url()
    }

    /// The repository's private state.
    pub fn private(&self) -> &Private {
        &self.core.private
    }
}

/// The first remote that has a URL, by name.
fn other_remote(config: &crate::git::Config) -> Option<String> {
    let name = |(key, _): (&str, &str)| Some(key.strip_prefix("remote.")?.strip_suffix(".url")?.to_owned());
    config.iter().filter_map(name).min()
}

fn transport(word: &str) -> Result<remote::Transport, Error> {
    match word {
        "auto" => Ok(remote::Transport::Auto),
        "git" => Ok(remote::Transport::Git),
        _ => Err(Error::environment(format!("setting `transport` is `{}`, not auto or git", word.escape_debug()))),
    }
}

impl Core {
    /// What opens the remote, with `engine_repository` for its objects.
    fn remote_settings(&self, engine_repository: &std::path::Path) -> Result<RemoteSettings, Error> {
        let options = &self.options;
        Ok(RemoteSettings {
            name: self.has_remote().then(|| options.layers.local(Key::Remote).to_owned()),
            user_repository: options.place.common_dir.clone(),
            top: options.place.top.clone().unwrap_or_else(|| options.place.common_dir.clone()),
            engine_repository: engine_repository.to_owned(),
            transport: transport(options.layers.local(Key::Transport))?,
            ssh_command: options.ssh_command.clone(),
            config: options.git_config.clone(),
            watched: if options.watched { remote::Watched::Terminal } else { remote::Watched::Nobody },
        })
    }

    /// The user's own repository, opened once.
    fn user_repository(&self) -> Result<&git2::Repository, Error> {
        if let Some(repository) = self.user.get() {
            return Ok(repository);
        }
        let repository = git2::Repository::open(&self.options.place.common_dir)?;
        Ok(self.user.get_or_init(|| repository))
    }

    /// Who a commit about `id` is by.
    fn signatures(&self, id: Option<&SessionId>, agent: &AgentName, env_domain: &str) -> Signatures {
        let identity = match id {
            Some(id) => Identity::new(agent, id, &self.user(), env_domain),
            None => Identity::of_person(&self.user()),
        };
        Signatures {
            author: (identity.author_name, identity.author_email),
            committer: (identity.committer_name, identity.committer_email),
            sign: self.signing().map(|signing| -> std::rc::Rc<crate::store::Sign> {
                std::rc::Rc::new(move |repository, commit| {
                    signing.sign(repository, commit).map_err(|error| chain(&error))
                })
            }),
        }
    }

    /// How commits are signed, where git is configured to sign them.
    fn signing(&self) -> Option<Signing> {
        let (common, engine) = (self.options.place.common_dir.clone(), self.store.path().to_owned());
        Signing::wanted(&self.options.git_config, &self.options.user.signed(), common, engine, self.clock.deadline())
    }

    fn user(&self) -> User {
        User { name: self.options.user.name.clone(), email: self.options.user.mail.clone() }
    }

    fn wish(&self, verb: &str, ids: &[SessionId]) -> Result<Wish, Error> {
        Ok(Wish {
            nonce: self.clock.nonce()?,
            verb: verb.to_owned(),
            agent: self.options.agent.name.clone(),
            ids: ids.to_vec(),
        })
    }
}
