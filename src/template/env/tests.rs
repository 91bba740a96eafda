//! The environment file in real shells.

use std::path::Path;

use super::{EnvValues, render_env};
use crate::process::Program;
use crate::template::TemplateError;

const SHELLS: [&[&str]; 4] = [&["sh"], &["dash"], &["bash", "--norc", "--noprofile"], &["zsh", "-f"]];
const HOSTILE: &str = "Eve\"; touch HERE/1; $(touch HERE/2) `touch HERE/3` 'q' \\ !x %d {{ y }} ${PATH} é";

fn values(dir: &Path) -> EnvValues {
    let here = |text: &str| text.replace("HERE", &dir.display().to_string());
    EnvValues {
        id: "2026-11-20-auth-system".parse().unwrap(),
        agent: "it's \"me\"; $(id)".parse().unwrap(),
        epoch: 2,
        user_name: here(HOSTILE),
        user_email: "eve@example.org".to_owned(),
        session_branch: "session/2026-11-20-auth-system".to_owned(),
        base_branch: "main;$x".to_owned(),
        author_name: here(HOSTILE),
        author_email: "eve+2026-11-20-auth-system@agents.local".to_owned(),
        committer_name: here(&format!("Session-x (via {HOSTILE})")),
        committer_email: "eve+2026-11-20-auth-system@agents.local".to_owned(),
        session_dir: "/a b/it's".to_owned(),
        checkout: "/a b".to_owned(),
        local_file: dir.join("it's a $dir/session-env.local").display().to_string(),
    }
}

/// What a script prints in each shell that is there, after it got the environment file as `$1`.
fn in_each_shell(file: &Path, flags: &[&str], script: &str) -> Vec<(String, String)> {
    #[expect(clippy::disallowed_methods, reason = "a test asks whether it may skip a shell")]
    let required = std::env::var_os("CI").is_some();
    let mut printed = Vec::new();
    for shell in SHELLS {
        let (name, options) = shell.split_first().unwrap();
        let program = Program::new(name).args(options).args(flags).args(["-c", script, "shell"]).arg(file);
        let program = program.env("GIT_AUTHOR_NAME", "before 'me'").env("BASE_BRANCH", "").env("PS1", "mine> ");
        let absent = ["GIT_AUTHOR_EMAIL", "SESSION_ID", "GIT_COMMITTER_NAME", "SESSION_EPOCH"];
        match absent.iter().fold(program, |program, name| program.env_remove(name)).run() {
            Ok(output) => {
                let stdout = String::from_utf8(output.stdout).unwrap();
                assert!(output.status.success(), "{name} {flags:?}: {stdout} {}", output.stderr);
                let noise = if flags.contains(&"-i") { "" } else { output.stderr.as_str() };
                assert_eq!(noise, "", "{name} {flags:?}");
                printed.push(((*name).to_owned(), stdout));
            }
            Err(error) => {
                assert!(!required, "{name}: {error}");
                eprintln!("skipped: {name} is not here ({error})");
            }
        }
    }
    printed
}

fn written(dir: &Path, values: &EnvValues, name: &str) -> std::path::PathBuf {
    let file = dir.join(name);
    std::fs::write(&file, render_env(values, None).unwrap()).unwrap();
    file
}

const MODES: [&[&str]; 4] = [&[], &["-u"], &["-e"], &["-eu"]];

#[test]
fn every_shell_gets_the_literal_values_and_runs_none_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let values = values(dir.path());
    let file = written(dir.path(), &values, "env");
    // A child sees what is exported, and only that.
    let prints: String =
        values.exports().iter().map(|(name, _)| format!("printf '%s\\n' \"${{{name}-unset}}\"; ")).collect();
    let script = format!(". \"$1\"; . \"$1\"; exec sh -c '{}'", prints.replace('\'', "'\\''"));
    let expected: String = values.exports().iter().map(|(_, value)| format!("{value}\n")).collect();
    for mode in MODES {
        for (shell, printed) in in_each_shell(&file, mode, &script) {
            assert_eq!(printed, expected, "{shell} {mode:?}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["env"], "a value was run");
}

#[test]
fn deactivation_restores_what_was_set_and_what_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let first = written(dir.path(), &values(dir.path()), "env");
    let other = EnvValues { id: "2026-11-21-other".parse().unwrap(), ..values(dir.path()) };
    written(dir.path(), &other, "env2");
    let script = ". \"$1\"; . \"$1\"; . \"${1}2\"; echo \"$SESSION_ID\"; session_deactivate; \
        echo \"${GIT_AUTHOR_NAME-unset}|${GIT_AUTHOR_EMAIL-unset}|${SESSION_ID-unset}|${BASE_BRANCH-unset}\"; \
        if command -v session_deactivate; then echo left; fi; if set | grep '^_session'; then echo left; fi; echo done";
    for mode in MODES {
        for (shell, printed) in in_each_shell(&first, mode, script) {
            assert_eq!(printed, "2026-11-21-other\nbefore 'me'|unset|unset|\ndone\n", "{shell} {mode:?}");
        }
    }
}

#[test]
fn the_prompt_shows_the_id_in_interactive_shells_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path(), &values(dir.path()), "env");
    let script = "PS1='mine> '; . \"$1\"; . \"$1\"; echo \"$PS1\"; session_deactivate; echo \"$PS1\"";
    for (shell, printed) in in_each_shell(&file, &[], script) {
        assert_eq!(printed, "mine> \nmine> \n", "{shell}");
    }
    for (shell, printed) in in_each_shell(&file, &["-i"], script) {
        assert_eq!(printed, "(2026-11-20-auth-system) mine> \nmine> \n", "{shell}");
    }
}

#[test]
fn the_local_file_is_sourced_last_if_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let values = values(dir.path());
    let file = written(dir.path(), &values, "env");
    let local = Path::new(&values.local_file);
    std::fs::create_dir_all(local.parent().unwrap()).unwrap();
    std::fs::write(local, "export EXTRA=\"$SESSION_EPOCH\"\nSESSION_AGENT=local\n").unwrap();
    for (shell, printed) in in_each_shell(&file, &["-eu"], ". \"$1\"; echo \"$EXTRA $SESSION_AGENT\"") {
        assert_eq!(printed, "2 local\n", "{shell}");
    }
}

#[test]
fn values_with_control_characters_and_unknown_variables_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bad = EnvValues { author_name: "Eve\nexport PATH=/x".to_owned(), ..values(dir.path()) };
    let refused = render_env(&bad, None);
    assert!(matches!(refused, Err(TemplateError::Value { variable: "AUTHOR_NAME", .. })), "{refused:?}");
    let values = values(dir.path());
    let replaced = render_env(&values, Some("export A={{USER_NAME}}\r\n")).unwrap();
    assert!(replaced.starts_with("export A='Eve\"; touch") && !replaced.contains('\r'), "{replaced}");
    let message = render_env(&values, Some("\nexport A={{ USERNAME }}")).unwrap_err().to_string();
    assert!(message.starts_with("template `session-env.j2` line 2: unknown variable `USERNAME`"), "{message}");
}
