//! Completions as shells ask for them: real shells, the scripts that `completions` prints, session ids from the last tip.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::{Agent, World, id};

/// A clone that knows a board with a session in each state that is offered.
fn world() -> (World, Agent) {
    let world = World::new();
    let planner = world.planner();
    planner.run(&["new", "drafted", "--id", &id("drafted"), "--context", "why", "--criterion", "it works"]).done();
    world.plan("free");
    world.plan("taken");
    planner.claim("taken").won();
    planner.run(&["list"]).done();
    (world, planner)
}

/// Runs a script in a shell with the program on its PATH; what it prints, or nothing where the shell is not installed.
#[allow(clippy::print_stderr, reason = "a test that skips says so")]
fn shell(agent: &Agent, shell: &[&str], script: &str) -> Option<String> {
    if Command::new(shell[0]).arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: no {}", shell[0]);
        return None;
    }
    let bin = agent.dir.join("../bin");
    fs::create_dir_all(&bin).unwrap();
    let link = bin.join("git-session");
    if !link.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-session"), link).unwrap();
    }
    for name in ["bash", "zsh", "fish"] {
        let told = agent.says(&["completions", name]).exits(0);
        fs::write(bin.join(format!("{name}.script")), told.out).unwrap();
    }
    fs::write(bin.join("script"), script).unwrap();
    let words: Vec<String> = shell.iter().map(|word| (*word).to_owned()).collect();
    let line = format!("PATH=\"$PWD/../bin:$PATH\" B=\"$PWD/../bin\" exec {} ../bin/script", words.join(" "));
    let output = agent.sh(&line);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "nothing is said on the terminal");
    Some(String::from_utf8(output.stdout).unwrap())
}

const BASH: &str = r#"
source "$B/bash.script"
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; _clap_complete_git_session git-session "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[@]}"; }
"#;

#[test]
fn bash_offers_verbs_options_and_the_sessions_that_a_verb_can_take() {
    let (_world, agent) = world();
    let script = format!(
        "{BASH}ask git-session cla\nask git-session claim ''\nask git-session complete ''\nask git-session ready 2026\n\
         ask git-session show ''\nask git-session log --session ''\nask git-session claim --ne\nask git-session completions z\n\
         ask git-session man claim\nask git-session claim nonsense\n"
    );
    let Some(told) = shell(&agent, &["bash", "--norc"], &script) else { return };
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    let [free, taken, drafted] = ["free", "taken", "drafted"].map(id);
    let all = format!("{taken} {free} {drafted}");
    assert_eq!(lines[0], "claim");
    let ids = |line: &str| line.split(' ').filter(|word| word.starts_with("2026")).collect::<Vec<_>>().join(" ");
    assert_eq!((ids(lines[1]), ids(lines[2]), lines[3]), (free.clone(), taken.clone(), drafted.as_str()));
    assert_eq!((ids(lines[4]), ids(lines[5])), (all.clone(), all));
    assert!(lines[6].contains("--next"), "{}", lines[6]);
    assert_eq!((lines[7], lines[8], lines.get(9).copied().unwrap_or_default()), ("zsh", "claim", ""));
}

#[test]
fn git_session_is_completed_as_gits_own_completion_does_it() {
    let (_world, agent) = world();
    let git = ["/usr/share/bash-completion/completions/git", "/usr/share/git/completion/git-completion.bash"];
    let Some(git) = git.iter().find(|path| Path::new(path).exists()) else {
        eprintln!("skipped: git's completion for bash is not installed");
        return;
    };
    let script = format!(
        "source {git}\n{BASH}\nask_git() {{ COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_LINE=\"$*\"; COMP_POINT=${{#COMP_LINE}}; \
         COMP_TYPE=9; COMPREPLY=(); __git_wrap__git_main git \"${{@: -1}}\" \"${{@: -2:1}}\" 2>/dev/null; echo \"${{COMPREPLY[@]}}\"; }}\n\
         ask_git git session claim 2026\nask_git git session cla\nask_git git -C . session complete 2026\n"
    );
    let Some(told) = shell(&agent, &["bash", "--norc"], &script) else { return };
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    assert_eq!(lines, [id("free").as_str(), "claim", id("taken").as_str()]);
}

#[test]
fn zsh_is_given_values_with_what_they_are() {
    let (_world, agent) = world();
    // The line editor is not there in a script: what it would be given is printed instead.
    let script = "compdef() { : }\nzstyle() { : }\n_describe() { print -l -- ${(P)${@: -1}} }\nsource $B/zsh.script\n\
                  words=(git-session claim '') CURRENT=3; _clap_dynamic_completer_git_session | grep 2026\n\
                  words=(session complete '') CURRENT=3; _git-session | grep 2026\n";
    let Some(told) = shell(&agent, &["zsh", "-f"], script) else { return };
    assert_eq!(told, format!("{}:planned\n{}:active\n", id("free"), id("taken")));
}

#[test]
fn fish_completes_both_ways_to_call_it() {
    let (_world, agent) = world();
    let script =
        "source $B/fish.script\ncomplete -C 'git-session claim 2026'\ncomplete -C 'git session complete 2026'\n";
    let Some(told) = shell(&agent, &["fish", "--no-config"], script) else { return };
    assert_eq!(told, format!("{}\tplanned\n{}\tactive\n", id("free"), id("taken")));
}

#[test]
fn completing_asks_no_remote_and_leaves_nothing_behind() {
    let (world, agent) = world();
    fs::rename(world.root.join("origin.git"), world.root.join("away.git")).unwrap();
    let ask = |agent: &Agent| {
        let mut command = agent.with("GIT_SESSION_COMPLETE", "fish").command(&["--", "git-session", "claim", "2026"]);
        command.output().unwrap()
    };
    let told = ask(&agent.nameless());
    assert_eq!(String::from_utf8_lossy(&told.stdout), format!("{}\tplanned\n", id("free")));
    assert_eq!(String::from_utf8_lossy(&told.stderr), "");
    // In a repository that this tool never saw, and in none, it is silent and stays away.
    let stranger = world.at("stranger");
    assert!(ask(&stranger).stdout.is_empty());
    stranger.git(&["init", "--quiet"]);
    let told = ask(&stranger);
    assert!(told.status.success() && told.stdout.is_empty() && told.stderr.is_empty());
    assert!(!stranger.exists(".git/git-session"));
}
