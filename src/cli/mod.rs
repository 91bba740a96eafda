//! The command line: words in, words out. No rule of the game lives here.

mod abandon;
mod claim;
mod complete;
mod config;
mod criteria;
mod demo;
mod doctor;
mod env;
mod evidence;
pub mod exit;
mod init;
mod list;
mod meta;
mod new;
mod next;
pub mod output;
mod plan;
mod progress;
mod release;
mod show;
mod takeover;
mod trust;
mod verify;
mod view;
mod whoami;
mod work;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::config::{ConfigError, Flags, load, words};
use crate::domain::agent::AgentName;
use crate::domain::id::IdQuery;
use crate::domain::settings::Key;
use crate::domain::time::Span;
use crate::engine::options::{Network, Options, Rehearsal};
use crate::engine::{Engine, Error};
use output::Answer;

/// Git-native coordination for many coding agents on one repository: a claim is a push that succeeded.
#[derive(Debug, Parser)]
#[command(name = "git-session", bin_name = "git session", version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER: &str = "\
Examples:
  git session init                          a board on the base branch
  git session new 'Auth system' --ready --context 'why' --criterion 'what must hold'
  git session claim auth-system             one winner, a worktree, an environment file
  git session complete --summary 'done'     one commit on the base branch, a patch, nothing left over

Exit codes: 0 done, 2 usage, 3 refused, 4 nothing to do, 5 precondition, 6 contended, 7 denied by the remote,
8 findings, 9 environment, 10 unreachable, 11 board unreadable, 124 undecided. See docs/exit-codes.md.";

/// Options that every verb has.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The whole command line, quoted for a shell.
    #[arg(skip)]
    pub invocation: String,
    /// Run as if started in this folder
    #[arg(short = 'C', global = true, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The session, for verbs whose argument is text
    #[arg(long, global = true, value_name = "ID")]
    session: Option<String>,
    /// One JSON document on standard output, errors included
    #[arg(long, global = true)]
    pub json: bool,
    /// Nothing on standard error but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", hide_possible_values = true)]
    color: Color,
    /// Who is acting
    #[arg(long = "as", visible_alias = "by", global = true, value_name = "AGENT", allow_hyphen_values = true)]
    agent: Option<AgentName>,
    /// How long the command may take, such as 30s
    #[arg(long, global = true, value_name = "DURATION")]
    timeout: Option<Span>,
    /// Answer from the last fetched tip
    #[arg(long, global = true)]
    offline: bool,
    /// Only say what would be done
    #[arg(short = 'n', long, global = true, action = ArgAction::SetTrue)]
    dry_run: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Arguments),
    New(Box<new::Arguments>),
    Ready(plan::Ready),
    Unready(plan::Unready),
    List(list::Arguments),
    Show(show::Arguments),
    Next(next::Arguments),
    Claim(claim::Arguments),
    Renew(work::Renew),
    Publish(work::Publish),
    Release(release::Arguments),
    Takeover(takeover::Arguments),
    Env(env::Env),
    Exec(env::Exec),
    Whoami(whoami::Arguments),
    Criteria(criteria::Arguments),
    Log(criteria::Log),
    Learn(criteria::Learn),
    Sync(work::Sync),
    Complete(complete::Arguments),
    Abandon(abandon::Arguments),
    Config(config::Arguments),
    Doctor(doctor::Arguments),
    Verify(verify::Branch),
    VerifyLog(verify::Log),
    Trust(trust::Arguments),
    Completions(meta::Completions),
    Man(meta::Man),
    Demo(demo::Arguments),
    DemoAgent(demo::Agent),
    DemoJanitor(demo::Janitor),
}

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The words make no sense.
    Usage {
        /// What is so.
        message: String,
        /// The next command.
        hint: Option<String>,
    },
    /// The surroundings cannot be used.
    Config(ConfigError),
    /// The engine said no.
    Engine(Error),
    /// Anything else.
    Other(anyhow::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Agent { .. } | ConfigError::Disagreement { .. } => {
                Self::Usage { message: crate::engine::chain(&error), hint: None }
            }
            ConfigError::NoRepository(_)
            | ConfigError::Unsupported { .. }
            | ConfigError::Embedded(_)
            | ConfigError::Setting(_)
            | ConfigError::Git(_)
            | ConfigError::Here(_) => Self::Config(error),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// What a verb works with.
pub(crate) struct Context {
    global: Global,
    settings: Vec<(Key, String)>,
}

impl Context {
    /// Opens the engine of the repository around us.
    fn engine(&self) -> Result<Engine, Failure> {
        Ok(Engine::open(self.surroundings()?)?)
    }

    /// The repository around us, with nothing opened or made in it.
    fn surroundings(&self) -> Result<Options, Failure> {
        let flags = Flags {
            directory: self.global.directory.clone(),
            agent: self.global.agent.clone(),
            timeout: self.global.timeout,
            network: if self.global.offline { Network::Offline } else { Network::Online },
            rehearsal: self.rehearsal(),
            settings: self.settings.clone(),
        };
        Ok(load(&flags)?)
    }

    /// The same, for an agent that can do more than the environment says.
    fn engine_with_capabilities(&self, can: &[String]) -> Result<Engine, Failure> {
        let mut engine = self.engine()?;
        engine.add_capabilities(can.iter().flat_map(|word| words(word)));
        Ok(engine)
    }

    /// Breaks ties between equally good sessions: agents of different names begin at different ones.
    fn seed(&self, engine: &Engine) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        let options = engine.options();
        (&options.agent.name, &options.host, &options.place.common_dir).hash(&mut hasher);
        hasher.finish()
    }

    /// `--dry-run`.
    fn rehearsal(&self) -> Rehearsal {
        if self.global.dry_run { Rehearsal::Dry } else { Rehearsal::Real }
    }

    /// `--session`.
    fn session(&self) -> Option<&str> {
        self.global.session.as_deref()
    }

    /// The session that is meant: the argument, `--session`, the checkout we stand in, or SESSION_ID.
    fn query(&self, engine: &Engine, argument: Option<&str>) -> Result<IdQuery, Failure> {
        let options = engine.options();
        let here = options.place.checkout.as_ref().map(|mark| mark.id.as_str());
        let text = argument.or(self.global.session.as_deref()).or(here).or(options.sourced.id.as_deref());
        match text {
            Some(text) => parse_query(text),
            None => Err(Failure::Usage {
                message: "no session is named, and this is no session's checkout".to_owned(),
                hint: Some("git session list".to_owned()),
            }),
        }
    }
}

/// Reads what a user wrote for an id.
fn parse_query(text: &str) -> Result<IdQuery, Failure> {
    text.parse().map_err(|error: crate::domain::id::BadId| {
        let refusal = crate::domain::refusal::Refusal::new(crate::domain::refusal::Code::BadId, error.to_string());
        Failure::Engine(refusal.hint("git session list").into())
    })
}

/// Runs the program with its arguments, the first of which is its own name; gives its exit status.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let arguments = seed_style(arguments);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(mut cli) => {
            cli.global.invocation = invocation(&arguments);
            cli
        }
        Err(error) => return unparsed(&error, &arguments),
    };
    let color = match cli.global.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    color.write_global();
    let command = cli.verb.name();
    if cli.global.offline && !READERS.contains(&command) {
        let message = format!("`{command}` changes the board, so it cannot be done offline");
        let usage = Failure::Usage { message, hint: Some("git session list --offline".to_owned()) };
        return ExitCode::from(output::failure(&cli.global, command, &usage));
    }
    let mut context = Context { global: cli.global.clone(), settings: Vec::new() };
    let waits = !cli.global.quiet && !cli.global.offline && !SILENT.contains(&command);
    let progress = waits.then(|| progress::Progress::begin(command));
    let told = cli.verb.run(&mut context);
    drop(progress);
    let status = match told {
        Ok(answer) => output::answer(&cli.global, command, answer),
        Err(Failure::Engine(Error::Dry { changes })) => {
            let text = changes.iter().map(|change| format!("would: {change}\n")).collect::<String>();
            let data = serde_json::json!({ "dry_run": true, "would": changes });
            output::answer(&cli.global, command, Answer::new(text, data))
        }
        Err(failure) => output::failure(&cli.global, command, &failure),
    };
    ExitCode::from(status)
}

/// The command as a user would type it again.
fn invocation(arguments: &[OsString]) -> String {
    let words = arguments.iter().skip(1).map(|word| crate::domain::quote::quote_sh_if_needed(&word.to_string_lossy()));
    std::iter::once("git session".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// `claim-session x` is `git-session claim x`, by the name that the program was called with.
fn seed_style(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments.first().map(PathBuf::from);
    let name = name.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str()).unwrap_or_default();
    let verb = match name {
        "claim-session" => "claim",
        "complete-session" => "complete",
        _ => return arguments,
    };
    arguments.insert(1, verb.into());
    arguments
}

/// Help and version go to standard output; anything else is a usage error, as JSON where that was asked for.
fn unparsed(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    use clap::error::ErrorKind;
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        output::say(&error.render().to_string());
        return ExitCode::SUCCESS;
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let command = words.clone().find(|word| !word.starts_with('-')).unwrap_or_default();
    if !json {
        // It quotes words that may come from anywhere.
        output::complain(&output::safe_lines(&error.render().to_string()));
        return ExitCode::from(2);
    }
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let usage = Failure::Usage { message, hint: Some("git session -h".to_owned()) };
    ExitCode::from(output::failure(&Global::plain_json(), command, &usage))
}

impl Global {
    fn plain_json() -> Self {
        Self {
            directory: None,
            session: None,
            json: true,
            quiet: false,
            color: Color::Auto,
            agent: None,
            timeout: None,
            offline: false,
            dry_run: false,
            invocation: String::new(),
        }
    }
}

/// The verbs that can answer from the last fetched tip.
const READERS: [&str; 13] = [
    "list",
    "show",
    "next",
    "env",
    "exec",
    "whoami",
    "criteria",
    "config",
    "doctor",
    "verify",
    "verify-log",
    "completions",
    "man",
];

/// The verbs that show something of their own, or ask no remote.
const SILENT: [&str; 8] = ["exec", "demo", "demo-agent", "demo-janitor", "verify", "completions", "man", "whoami"];

/// Declares for each verb its name and its run, once.
macro_rules! verbs {
    ($($variant:ident $name:literal,)*) => {
        impl Verb {
            fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            fn run(&self, context: &mut Context) -> Result<Answer, Failure> {
                match self { $(Self::$variant(arguments) => arguments.run(context),)* }
            }
        }
    };
}

verbs! {
    Init "init", New "new", Ready "ready", Unready "unready", List "list", Show "show", Next "next", Claim "claim",
    Renew "renew", Publish "publish", Release "release", Takeover "takeover", Env "env", Exec "exec", Whoami "whoami",
    Criteria "criteria", Log "log", Learn "learn", Sync "sync", Complete "complete", Abandon "abandon", Config "config", Doctor "doctor",
    Verify "verify", VerifyLog "verify-log", Trust "trust", Completions "completions", Man "man",
    Demo "demo", DemoAgent "demo-agent", DemoJanitor "demo-janitor",
}
