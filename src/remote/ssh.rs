//! The ssh command as git would start it.
//!
//! Source: git's `connect.c` (`determine_ssh_variant`, `push_ssh_options`), git-config(1) on `ssh.variant`.

use crate::git::quiet;
use crate::process::Program;

use super::address::SshAddress;
use super::settings::Watched;

/// Which options an ssh command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    OpenSsh,
    Plink,
    TortoisePlink,
    /// Only host and command.
    Simple,
}

/// How ssh is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ssh {
    /// A shell command; its first word is the program.
    command: String,
    variant: Variant,
    watched: Watched,
}

impl Ssh {
    /// `command` is a shell command; `variant` is the value of `ssh.variant`.
    pub(super) fn new(command: Option<&str>, variant: Option<&str>, watched: Watched) -> Self {
        let command = command.filter(|command| !command.is_empty()).unwrap_or("ssh").to_owned();
        let variant = match variant {
            Some("ssh") => Variant::OpenSsh,
            Some("plink" | "putty") => Variant::Plink,
            Some("tortoiseplink") => Variant::TortoisePlink,
            Some("simple") => Variant::Simple,
            Some(_) | None => guessed(&command),
        };
        Self { command, variant, watched }
    }

    /// The command with the options that keep it from asking: what `GIT_SSH_COMMAND` of a child is set to.
    pub(super) fn quiet_command(&self) -> String {
        match (self.watched, self.variant) {
            (Watched::Nobody, Variant::OpenSsh) => format!("{} -o BatchMode=yes", self.command),
            (Watched::Nobody, Variant::Plink | Variant::TortoisePlink) => format!("{} -batch", self.command),
            (Watched::Nobody, Variant::Simple) | (Watched::Terminal, _) => self.command.clone(),
        }
    }

    /// A program that runs `service` (a shell command of the server) on the path of `address`.
    pub(super) fn program(&self, address: &SshAddress, service: &str) -> Program {
        let mut words = vec![self.quiet_command()];
        if let Some(port) = address.port {
            match self.variant {
                Variant::OpenSsh => words.push(format!("-p {port}")),
                Variant::Plink | Variant::TortoisePlink => words.push(format!("-P {port}")),
                // Nothing says how it takes a port; git refuses here, and OpenSSH's way is the likeliest to work.
                Variant::Simple => words.push(format!("-p {port}")),
            }
        }
        words.push(quoted(&address.host));
        words.push(quoted(&format!("{service} {}", quoted(&address.path))));
        // No `exec`: the command may begin with an assignment, and the shell gives ssh's exit status as its own.
        quiet(Program::new("sh").arg("-c").arg(words.join(" "))).env_remove("GIT_PROTOCOL")
    }
}

/// The variant by the name of the program, as git guesses it first.
fn guessed(command: &str) -> Variant {
    let words = shlex::split(command).unwrap_or_default();
    let program = words.iter().find(|word| !word.contains('=')).map_or("ssh", String::as_str);
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    match name.strip_suffix(".exe").unwrap_or(&name) {
        "plink" | "putty" => Variant::Plink,
        "tortoiseplink" => Variant::TortoisePlink,
        "ssh" => Variant::OpenSsh,
        _ => Variant::Simple,
    }
}

/// `text` as one word of a POSIX shell; `!` is kept from csh, as git does.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''").replace('!', r"'\!'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_asked_when_nobody_watches() {
        for (command, variant, wanted) in [
            (None, None, "ssh -o BatchMode=yes"),
            (Some("/usr/bin/ssh -F 'a b'"), None, "/usr/bin/ssh -F 'a b' -o BatchMode=yes"),
            (Some("FOO=1 ssh"), None, "FOO=1 ssh -o BatchMode=yes"),
            (Some("plink.exe"), None, "plink.exe -batch"),
            (Some("wrapper"), None, "wrapper"),
            (Some("wrapper"), Some("ssh"), "wrapper -o BatchMode=yes"),
        ] {
            assert_eq!(Ssh::new(command, variant, Watched::Nobody).quiet_command(), wanted);
        }
        assert_eq!(Ssh::new(None, None, Watched::Terminal).quiet_command(), "ssh");
    }

    #[test]
    fn a_path_is_one_word_for_the_servers_shell() {
        assert_eq!(quoted("it's!"), r"'it'\''s'\!''");
    }
}
