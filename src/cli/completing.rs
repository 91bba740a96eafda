//! `completions`: scripts that ask this program at each tab, and the answers, with session ids.
//!
//! An answer asks no remote, makes nothing, and says nothing when something is wrong.

use clap::builder::ValueParser;
use clap::{Args, Command, CommandFactory, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use serde_json::json;

use super::output::{Answer, Raw};
use super::{Cli, Context, Failure};
use crate::config::{Flags, load};
use crate::domain::state::State;
use crate::engine::Engine;
use crate::engine::options::Network;

/// What the scripts set to the shell's name. Not clap's usual COMPLETE, which somebody may have exported.
const VARIABLE: &str = "GIT_SESSION_COMPLETE";

/// Print completions for a shell: of verbs, options, values and session ids
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git session completions bash > ~/.local/share/bash-completion/completions/git-session\n  git session completions zsh > ~/.zfunc/_git-session              a folder of $fpath\n  git session completions fish > ~/.config/fish/completions/git-session.fish\n\nThe scripts ask this program at each <tab>, also for `git session`. Session ids come from the last fetched tip, by what\nthe verb can take: planned ones for `claim`, active ones for `complete`; closed ones are not offered. In bash, `git\nsession <tab>` works once the script is loaded: source it in ~/.bashrc for that."
)]
pub(super) struct Completions {
    /// bash, elvish, fish, powershell, zsh
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that there is a script for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// `git session <tab>`, as git's own completion in bash calls it: the words are in `words`, which of them is completed in
/// `cword`, where `session` is in `__git_cmd_idx` (git 2.31).
const GIT_IN_BASH: &str = r#"
_git_session() {
    local at=${__git_cmd_idx:-1}
    local COMP_CWORD=$((cword - at))
    local COMP_WORDS=(git-session "${words[@]:at+1}")
    _clap_complete_git_session git-session "$cur" "${words[cword-1]}"
}
"#;

/// The same in zsh: `_git` calls the function with `session` as the first word. Loaded from a folder of $fpath, the file
/// is the body of the function that completes.
const GIT_IN_ZSH: &str = r#"
_git-session() {
    words[1]=git-session
    _clap_dynamic_completer_git_session "$@"
}
zstyle ':completion:*:*:git:*' user-commands session:'planned and claimed work'
[[ ${funcstack[1]} == _git-session ]] && _git-session "$@"
"#;

/// The same in fish.
const GIT_IN_FISH: &str = r#"
complete --keep-order --no-files --command git --condition 'test (count (commandline -poc)) -gt 1; and test (commandline -poc)[2] = session' --arguments "(GIT_SESSION_COMPLETE=fish git-session -- git-session (commandline -poc)[3..] (commandline --current-token))"
"#;

impl Completions {
    pub(super) fn run(&self, _context: &mut Context) -> Result<Answer, Failure> {
        let (shell, more): (&dyn EnvCompleter, &str) = match self.shell {
            Shell::Bash => (&Bash, GIT_IN_BASH),
            Shell::Elvish => (&Elvish, ""),
            Shell::Fish => (&Fish, GIT_IN_FISH),
            Shell::Powershell => (&Powershell, ""),
            Shell::Zsh => (&Zsh, GIT_IN_ZSH),
        };
        let mut script = Vec::new();
        let written = shell.write_registration(VARIABLE, "git_session", "git-session", "git-session", &mut script);
        written.map_err(anyhow::Error::from)?;
        let text = String::from_utf8(script).map_err(anyhow::Error::from)? + more;
        Ok(Answer { raw: Raw::Verbatim, ..Answer::new(text.clone(), json!({ "text": text })) })
    }
}

/// Answers a shell that asks for completions, and ends the program; returns where nobody does.
pub(super) fn answer() {
    CompleteEnv::with_factory(command).var(VARIABLE).bin("git-session").complete();
}

/// The command with what completes the ids in it.
fn command() -> Command {
    let ids = |states: &'static [State]| ArgValueCandidates::new(move || candidates(states));
    let command = Cli::command().mut_arg("session", |argument| argument.add(ids(LIVE)));
    command.mut_subcommands(|verb| {
        let states = states(verb.get_name());
        let mut verb = verb;
        for name in ["id", "ids", "depends_on"] {
            if verb.get_arguments().any(|argument| argument.get_id() == name) {
                verb = verb.mut_arg(name, |argument| argument.add(ids(states)));
            }
        }
        let verb = match verb.get_name() {
            "man" | "schema" => verb.mut_arg("verb", |argument| argument.add(ArgValueCandidates::new(verbs))),
            _ => verb,
        };
        // A parser that knows its values would have them offered beside the ids.
        verb.mut_args(|argument| match argument.get_id().as_str() {
            "id" | "ids" => argument.value_parser(ValueParser::string()),
            _ => argument,
        })
    })
}

/// The states that are not closed.
const LIVE: &[State] = &[State::Active, State::Planned, State::Drafting];

/// In which states a session is that the verb can take.
fn states(verb: &str) -> &'static [State] {
    match verb {
        "claim" | "unready" => &[State::Planned],
        "ready" => &[State::Drafting],
        "show" | "brief" | "fork" | "abandon" | "close" | "new" | "runs" | "drift" => LIVE,
        _ => &[State::Active],
    }
}

fn verbs() -> Vec<CompletionCandidate> {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.map(|verb| CompletionCandidate::new(verb.get_name()).help(verb.get_about().cloned())).collect()
}

/// The sessions in these states on the last fetched tip; none where there is none.
fn candidates(states: &[State]) -> Vec<CompletionCandidate> {
    let flags = Flags { network: Network::Offline, ..Flags::default() };
    let Ok(options) = load(&flags) else { return Vec::new() };
    // Where nothing was ever fetched there is nothing to offer, and opening the engine would begin to keep something.
    if !options.place.private().is_dir() {
        return Vec::new();
    }
    let ids = Engine::open(options).and_then(|mut engine| engine.ids_at_hand(states)).unwrap_or_default();
    let candidate = |(id, state): (crate::domain::id::SessionId, State)| {
        CompletionCandidate::new(id.as_str().to_owned()).help(Some(state.folder().into()))
    };
    ids.into_iter().map(candidate).collect()
}
