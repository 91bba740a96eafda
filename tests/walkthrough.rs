//! `docs/walkthrough.md` and `docs/agents-loop.md` are what really happens: each of their commands is run, and what it
//! prints is in the page.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test runs programs and fails where it cannot")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const WALK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/walkthrough.md");
const LOOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/agents-loop.md");
const TOOL: &str = env!("CARGO_BIN_EXE_git-session");

/// Stands before the output of each command.
const MARK: char = '\u{1e}';

#[test]
fn the_walkthrough_is_what_happens() {
    is_what_happens(WALK, 20);
}

#[test]
fn the_loop_of_an_agent_followed_literally_ends_with_a_completed_session() {
    let told = is_what_happens(LOOP, 15);
    assert!(told.contains("completed  <date>-fix-login"), "{told}");
}

/// Runs the commands of a page, and compares; gives the page.
fn is_what_happens(path: &str, commands_min: usize) -> String {
    let page = fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(folder.path()).unwrap();
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(commands.len() >= commands_min, "the page has its commands");
    let outputs = run(&folder, &commands);
    assert_eq!(outputs.len(), commands.len(), "every command was run");
    let told = page_with(&page, &outputs);
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(path, &told).unwrap();
        return told;
    }
    assert_eq!(page, told, "run the test once with UPDATE_PAGES=1");
    told
}

/// Runs the commands in one shell, in a fresh clone of a fresh remote; gives what each printed, normalised.
fn run(folder: &Path, commands: &[&str]) -> Vec<String> {
    fs::create_dir_all(folder.join("bin")).unwrap();
    std::os::unix::fs::symlink(TOOL, folder.join("bin/git-session")).unwrap();
    let today = today();
    let mut script = String::from(
        "git init --quiet --bare --initial-branch=main origin.git && git clone --quiet origin.git project 2>/dev/null\n\
         cd project && git checkout --quiet -B main && echo hello > README.md && git add --all\n\
         git commit --quiet -m 'first' && git push --quiet origin main\n",
    );
    for command in commands {
        script.push_str(&format!("printf '{MARK}'\n{{ {}\n}} 2>&1\n", command.replace("<date>", &today)));
    }
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(&script).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["GIT_", "SESSION_", "CLAUDE", "CODEX", "OPENCODE", "PI_", "GEMINI"]
            .iter()
            .any(|start| name.starts_with(start))
        {
            shell.env_remove(name);
        }
    }
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    shell.env("PATH", path).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    fs::write(folder.join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n").unwrap();
    let output = shell.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(MARK).skip(1).map(|text| normal(text, folder, &today)).collect()
}

/// Without what is different on every day and machine.
fn normal(text: &str, folder: &Path, today: &str) -> String {
    let host = Command::new("uname").arg("-n").output().unwrap().stdout;
    let text = text.replace(&folder.display().to_string(), "~").replace(today, "<date>");
    let text = text.replace(&format!(" on {} ", String::from_utf8(host).unwrap().trim()), " on <host> ");
    let mut normal = String::new();
    for line in text.lines() {
        let words = line.split_inclusive([' ', '`', '\'']).map(|word| {
            let bare = word.trim_end_matches([' ', '`', '\'']);
            let hexadecimal = bare.len() >= 32 && bare.chars().all(|c| c.is_ascii_hexdigit());
            if hexadecimal { word.replace(bare, "<name>") } else { word.to_owned() }
        });
        let line: String = words.collect();
        normal.push_str(&clock(&line));
        normal.push('\n');
    }
    normal
}

/// `14:05 UTC` → `<time> UTC`.
fn clock(line: &str) -> String {
    let Some(at) = line.find(" UTC") else { return line.to_owned() };
    let start = at.saturating_sub(5);
    match line.get(start..at) {
        Some(time) if time.as_bytes().get(2) == Some(&b':') => {
            let before = &line[..start];
            // Four hours from now may be tomorrow.
            let day = |text: &str| text.ends_with(' ') && text.matches('-').count() == 2;
            let date = before.get(before.len().saturating_sub(11)..).filter(|text| day(text)).unwrap_or_default();
            let before = before.strip_suffix(date).unwrap_or(before);
            format!("{before}<time> UTC{}", clock(&line[at + " UTC".len()..]))
        }
        _ => line.to_owned(),
    }
}

fn today() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The page with the outputs below their commands, in place of those that are there.
fn page_with(page: &str, outputs: &[String]) -> String {
    let mut told = String::new();
    let mut outputs = outputs.iter();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ => {}
        }
        let command = line.starts_with("$ ");
        if !inside || command || line == "```console" {
            told.push_str(line);
            told.push('\n');
        }
        if command {
            told.push_str(outputs.next().unwrap());
        }
    }
    told
}
