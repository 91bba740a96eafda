//! Where schedules take place: clones whose private state is real files, and a board to begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use git_session::domain::change::{Change, Edit, Event, FileMode};
use git_session::domain::id::SessionId;
use git_session::domain::layout::Layout;
use git_session::domain::nonce::Nonce;
use git_session::domain::settings::{Key, Layers};
use git_session::domain::state::State;
use git_session::domain::time::Timestamp;
use git_session::engine::options::{Agent, AgentSource, Meeting, Network, Options, Place, Rehearsal, Sourced, User};
use git_session::git::Config;
use git_session::remote::RefName;
use git_session::store::{self, Draft, Signatures};
use git2::{Odb, Oid};

use crate::server::{Server, odb, repository};

/// A program that is started inherits the locks of every schedule that is played meanwhile, for a moment: what starts
/// one writes here, what plays reads.
pub(crate) static QUIET: RwLock<()> = RwLock::new(());

/// A place for clones, used for one schedule after the other.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
    config: Config,
    layers: Layers,
}

/// One clone: the folder of its private state, and what its engine repository has.
pub(crate) struct Hub {
    pub(crate) number: usize,
    pub(crate) common_dir: PathBuf,
    pub(crate) odb: Arc<Odb<'static>>,
    pub(crate) skew_seconds: i64,
}

/// The system dates a file by ticks that are longer than whole schedules: these dates go by hours from tomorrow. What is
/// old would be swept away.
const TOMORROW: Duration = Duration::from_secs(24 * 3600);

impl Hub {
    /// Dates what was written to the journal since this was called last: the engine reads it oldest first.
    pub(crate) fn date(&self, tick: u64) {
        let Ok(entries) = fs::read_dir(self.common_dir.join("git-session/journal")) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let modified = path.metadata().and_then(|data| data.modified()).unwrap();
            if modified < SystemTime::now() + TOMORROW / 2 {
                let file = fs::File::options().write(true).open(&path).unwrap();
                file.set_modified(SystemTime::now() + TOMORROW + Duration::from_secs(3600 * tick)).unwrap();
            }
        }
    }
}

impl Ground {
    /// In memory where the system has a place for that.
    pub(crate) fn new(clones: usize) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        for clone in 0..clones {
            let path = folder.path().join(clone.to_string());
            let repository = git2::Repository::init_bare(&path).unwrap();
            repository.remote("origin", "memory:board").unwrap();
            // Waiting for the lock of this file would be real waiting, so nobody has to write it.
            fs::write(path.join("info/exclude"), ".session-env\n.session-env.*\n/_AGENTS/sessions/\n").unwrap();
        }
        let _nobody_plays = QUIET.write().unwrap();
        let config = Config::load(&folder.path().join("0"), None).unwrap();
        let layers = Layers::gather(&[], |_| None, &[(Key::Isolation, "none".to_owned())]).unwrap();
        Self { folder, config, layers }
    }

    /// A clone that nobody has worked in.
    pub(crate) fn hub(&self, number: usize, skew_seconds: i64) -> Hub {
        let common_dir = self.folder.path().join(number.to_string());
        match fs::remove_dir_all(common_dir.join("git-session")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
        Hub { number, common_dir, odb: Arc::new(odb()), skew_seconds }
    }

    /// Where clones of one machine meet in this schedule, with nobody in it yet.
    pub(crate) fn meeting(&self) -> Meeting {
        let folder = self.folder.path().join("meeting");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
        Meeting { folder, surroundings: Vec::new() }
    }

    pub(crate) fn options(&self, hub: &Hub, name: &str, timeout: Duration, meeting: Option<&Meeting>) -> Options {
        Options {
            place: Place {
                here: hub.common_dir.clone(),
                common_dir: hub.common_dir.clone(),
                top: None,
                worktree: None,
                checkout: None,
            },
            layers: self.layers.clone(),
            agent: Agent { name: name.parse().unwrap(), source: AgentSource::Given },
            names: BTreeSet::from([name.to_owned()]),
            user: User { name: "Ada".to_owned(), mail: "ada@example.org".to_owned() },
            host: "here".to_owned(),
            can: Default::default(),
            sourced: Sourced::default(),
            inside: Vec::new(),
            timeout,
            network: Network::Online,
            rehearsal: Rehearsal::Real,
            watched: false,
            git_config: self.config.clone(),
            ssh_command: None,
            meeting: meeting.cloned(),
        }
    }
}

/// Where the board is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Base,
    Apart,
}

impl Where {
    pub(crate) fn branch(self) -> RefName {
        RefName::branch(match self {
            Self::Base => "main",
            Self::Apart => "agents/sessions",
        })
        .unwrap()
    }
}

pub(crate) fn id(number: usize) -> SessionId {
    format!("2026-11-20-s{number}").parse().unwrap()
}

/// A server with a board on which so many sessions are planned.
pub(crate) fn server(place: Where, sessions: usize) -> Server {
    let odb = odb();
    let repository = repository(&odb);
    let put = |path: &str, text: &str| Edit::Root {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
        mode: FileMode::Plain,
    };
    let mut edits: Vec<Edit> = State::ALL.iter().map(|state| put(&format!("{state}/.gitkeep"), "")).collect();
    edits.push(put("sessions.lock", ""));
    for number in 0..sessions {
        let priority = if number % 2 == 0 { "" } else { "---\npriority: 3\n---\n" };
        let text = format!(
            "{priority}# Session: {}\n\n## Context\n\nWhy.\n\n## Acceptance Criteria\n\n- [ ] It works\n",
            id(number)
        );
        edits.push(put(&format!("planned/{}/SESSION.md", id(number)), &text));
    }
    let code = vec![Edit::Top { path: "code".to_owned(), bytes: b"1\n".to_vec() }];
    let signatures = Signatures {
        sign: None,
        author: ("Ada".to_owned(), "ada@example.org".to_owned()),
        committer: ("Ada".to_owned(), "ada@example.org".to_owned()),
    };
    let commit = |edits: Vec<Edit>, parents: Vec<Oid>| {
        let change = Change {
            id: None,
            event: Event::Initialized,
            agent: "ada".parse().unwrap(),
            epoch: None,
            nonce: Nonce::from_bytes([7; 16]),
            body: None,
            edits,
        };
        let at = Timestamp::from_unix(1_795_170_000).unwrap();
        let draft = Draft { parents, tree: None, change: &change, signatures: &signatures, at };
        store::write(&repository, &Layout::default(), &draft).unwrap().commit
    };
    let mut refs = BTreeMap::new();
    match place {
        Where::Base => {
            edits.extend(code);
            refs.insert(Where::Base.branch(), commit(edits, Vec::new()));
        }
        Where::Apart => {
            refs.insert(Where::Base.branch(), commit(code, Vec::new()));
            refs.insert(Where::Apart.branch(), commit(edits, Vec::new()));
        }
    }
    Server::new(odb, refs)
}
