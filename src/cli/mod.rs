//! The command line: words in, words out. No rule of the game lives here.

mod abandon;
mod brief;
mod checkpoint;
mod claim;
mod close;
mod complete;
mod completing;
mod config;
mod conflicts;
mod context;
mod criteria;
mod demo;
mod doctor;
mod drift;
mod env;
mod evidence;
pub mod exit;
mod facts;
mod fork;
mod handoff;
mod hooks;
mod import;
mod init;
mod launching;
mod learn;
mod list;
mod log;
mod mcp;
mod meta;
mod new;
mod next;
mod note;
pub mod output;
mod overriding;
mod pause;
mod plan;
mod prime;
mod progress;
mod prune;
mod release;
mod restore_plan;
mod resume;
mod run;
mod runs;
mod schema;
mod show;
mod start;
mod subsession;
mod takeover;
mod trust;
mod upkeep;
mod validate;
mod verbs;
mod verify;
mod view;
mod watch;
mod whoami;
mod work;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Args, Parser, ValueEnum};

use crate::domain::agent::AgentName;
use crate::domain::time::Span;
use crate::engine::{Error, Notes};
pub use context::{AgentFailure, Failure};
use context::{Context, parse_query};
use output::Answer;
use upkeep::Opened;
use verbs::{READERS, SILENT, Verb};

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
    /// Whether the answer is wanted whole: none of it is written while it is made.
    #[arg(skip)]
    whole: bool,
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

/// Runs the program with its arguments, the first of which is its own name; gives its exit status.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    completing::answer();
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
    let waits = !cli.global.quiet && !cli.global.offline && !SILENT.contains(&command);
    let progress = waits.then(|| progress::Progress::begin(command));
    let Performed { told, notes, opened } = perform(&cli, progress);
    let status = match told {
        Ok(answer) => {
            output::notes(&cli.global, &notes);
            output::answer(&cli.global, command, answer)
        }
        Err(failure) => {
            output::notes(&cli.global, &notes);
            output::failure(&cli.global, command, &failure)
        }
    };
    opened.kept_up(&cli.global);
    ExitCode::from(status)
}

/// What a verb came to. Nothing of it was shown.
struct Performed {
    told: Result<Answer, Failure>,
    /// What is to be noted, a line each.
    notes: Vec<String>,
    opened: Opened,
}

/// Runs the verb; shows nothing of what it came to.
fn perform(cli: &Cli, progress: Option<progress::Progress>) -> Performed {
    let opened = Opened::default();
    let command = cli.verb.name();
    if cli.global.offline && !READERS.contains(&command) {
        let message = format!("`{command}` changes the board, so it cannot be done offline");
        let hint = Some("git session list --offline".to_owned());
        return Performed { told: Err(Failure::Usage { message, hint }), notes: Vec::new(), opened };
    }
    let notes = Notes::default();
    let mut context = Context {
        global: cli.global.clone(),
        notes: notes.clone(),
        settings: Vec::new(),
        progress,
        opened: opened.clone(),
    };
    let told = match cli.verb.run(&mut context) {
        Err(Failure::Engine(Error::Dry { changes })) => {
            let text = changes.iter().map(|change| format!("would: {change}\n")).collect::<String>();
            Ok(Answer::new(text, serde_json::json!({ "dry_run": true, "would": changes })))
        }
        told => told,
    };
    drop(context);
    match told {
        Ok(mut answer) => {
            let mut said = std::mem::take(&mut answer.notes);
            said.extend(notes.take());
            Performed { told: Ok(answer), notes: said, opened }
        }
        Err(failure) => Performed { told: Err(failure), notes: notes.take(), opened },
    }
}

/// What a command line inside another one came to. Nothing of it was shown.
struct Inner {
    /// The command as a user would type it.
    invocation: String,
    performed: Performed,
}

/// Runs a command line for a surface that shows the outcome itself, with the options that this program was started with.
fn inner(outer: &Global, words: &[String], json: bool) -> Inner {
    let arguments: Vec<OsString> = std::iter::once("git-session".into()).chain(words.iter().map(Into::into)).collect();
    let invocation = invocation(&arguments);
    match Cli::try_parse_from(&arguments) {
        Ok(Cli { global, verb }) => {
            let outer = Global { session: global.session, invocation: invocation.clone(), ..outer.clone() };
            let global = Global { json, quiet: true, whole: true, ..outer };
            Inner { invocation, performed: perform(&Cli { global, verb }, None) }
        }
        Err(error) => {
            let performed = Performed { told: Err(misused(&error)), notes: Vec::new(), opened: Opened::default() };
            Inner { invocation, performed }
        }
    }
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
    ExitCode::from(output::failure(&Global::plain_json(), command, &misused(error)))
}

/// What is wrong with a command line, without the reminder of how it goes.
fn misused(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let said: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let message = said.join(" ").trim_start_matches("error: ").to_owned();
    Failure::Usage { message, hint: Some("git session -h".to_owned()) }
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
            whole: false,
        }
    }
}
