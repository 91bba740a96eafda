//! Gemini CLI: `gemini`.

use serde_json::Value;

use super::{
    Adapter, Chooser, CommandLine, Launch, Memory, Said, Start, Unable, Version, conversation, is_plain_id, kind, word,
};

#[derive(Debug)]
pub(super) struct Gemini;

/// Its clean-up takes a conversation that was resumed for a broken one and deletes it (google-gemini/gemini-cli#27368).
/// Settings elsewhere that we could write are only read when root owns them and every folder above them.
const SETTINGS: (&str, &str) = (".gemini/settings.json", "{\"general\":{\"sessionRetention\":{\"enabled\":false}}}\n");

impl Adapter for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn install(&self) -> &'static str {
        "npm install -g @google/gemini-cli"
    }

    fn oldest(&self) -> Version {
        Version(0, 61, 0)
    }

    /// Only random ids do: two with the same first eight characters in one minute share a file.
    fn chooser(&self, _version: Option<Version>) -> Chooser {
        Chooser::Launcher
    }

    /// A number is an index in its list, and `latest` the most recent one.
    fn fits(&self, id: &str) -> bool {
        is_plain_id(id) && id != "latest" && !id.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn reserved(&self) -> &'static [&'static str] {
        &["-r", "--resume", "--session-id", "--session-file", "-o", "--output-format", "-p", "--prompt", "-i"]
    }

    fn command(&self, launch: &Launch<'_>) -> Result<CommandLine, Unable> {
        let mut line = CommandLine::of(&["-o", "stream-json", "-y"]);
        line.add_model(launch);
        match launch.start {
            Start::Fresh => {}
            Start::Latest => line.add(&["--resume", "latest"]),
            Start::Resume(id) => line.add(&["--resume", id]),
            Start::Fork(_) => return Err(Unable("`gemini` cannot fork a conversation".to_owned())),
        }
        if let Some(id) = launch.id {
            line.add(&["--session-id", id]);
        }
        line.add_all(launch.more);
        // Without it, its first process starts a second one, and does not pass a signal on.
        line.variables.push(("GEMINI_CLI_NO_RELAUNCH", "true".into()));
        line.files.push(SETTINGS);
        Ok(line)
    }

    fn read(&self, event: &Value, memory: &mut Memory) -> Vec<Said> {
        let one = match kind(event) {
            "init" => conversation(event, "/session_id", memory),
            "message" if word(event, "/role") == Some("assistant") => {
                memory.has_answer = true;
                // A piece of a message.
                word(event, "/content").filter(|text| !text.is_empty()).map(|text| Said::Text(text.to_owned()))
            }
            "tool_use" => Some(Said::Tool(word(event, "/tool_name").unwrap_or_default().to_owned())),
            "error" => word(event, "/message").map(|what| Said::Note(what.to_owned())),
            "result" if word(event, "/status") == Some("success") => Some(Said::Done { turns: None }),
            "result" => {
                let why = word(event, "/error/message").unwrap_or("the result is an error").to_owned();
                Some(Said::Failed { why, turns: None })
            }
            _ => None,
        };
        one.into_iter().collect()
    }
}
