//! OpenCode: `opencode`.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Adapter, Catalogue, Chooser, CommandLine, Known, Launch, Memory, Said, Start, Unable, Version, conversation,
    is_plain_id, kind, text, word,
};

#[derive(Debug)]
pub(super) struct Opencode;

impl Adapter for Opencode {
    fn name(&self) -> &'static str {
        "opencode"
    }

    fn install(&self) -> &'static str {
        "npm install -g opencode-ai"
    }

    fn oldest(&self) -> Version {
        Version(1, 18, 33)
    }

    fn chooser(&self, _version: Option<Version>) -> Chooser {
        Chooser::Agent
    }

    fn fits(&self, id: &str) -> bool {
        is_plain_id(id) && id.starts_with("ses_")
    }

    fn reserved(&self) -> &'static [&'static str] {
        &["-c", "--continue", "-s", "--session", "--fork", "--format", "--dir", "--title", "--attach"]
    }

    fn command(&self, launch: &Launch<'_>) -> Result<CommandLine, Unable> {
        let mut line = CommandLine::of(&["run", "--format", "json"]);
        // It believes PWD over the real folder, and this over both.
        line.add_path("--dir", launch.folder);
        line.add_model(launch);
        match launch.start {
            Start::Fresh => line.add(&["--title", launch.title]),
            Start::Latest => line.add(&["--continue"]),
            Start::Resume(id) => line.add(&["--session", id]),
            Start::Fork(id) => line.add(&["--session", id, "--fork"]),
        }
        line.add_all(launch.more);
        line.variables.push(("OPENCODE_DISABLE_AUTOUPDATE", "1".into()));
        Ok(line)
    }

    /// There is no first line: every event has the id, and the first comes when the model begins to answer.
    fn read(&self, event: &Value, memory: &mut Memory) -> Vec<Said> {
        let mut said: Vec<Said> = conversation(event, "/sessionID", memory).into_iter().collect();
        match kind(event) {
            "text" => {
                memory.has_answer = true;
                said.extend(text(word(event, "/part/text").unwrap_or_default()));
            }
            "tool_use" => said.push(Said::Tool(word(event, "/part/tool").unwrap_or_default().to_owned())),
            "step_finish" => {
                memory.turns += 1;
                match word(event, "/part/reason").unwrap_or_default() {
                    "stop" => said.push(Said::Done { turns: Some(memory.turns) }),
                    // More steps follow.
                    "tool-calls" => {}
                    other => {
                        let why = format!("the model stopped: {other}");
                        said.push(Said::Failed { why, turns: Some(memory.turns) });
                    }
                }
            }
            "error" => {
                let why = word(event, "/error/data/message").or(word(event, "/error/message"));
                let why = why.or(word(event, "/error/name")).unwrap_or("an error").to_owned();
                said.push(Said::Failed { why, turns: Some(memory.turns) });
            }
            _ => {}
        }
        said
    }

    /// Killed while the model was silent, it has a conversation and has not said so: its title tells which.
    fn catalogue(&self) -> Option<Catalogue> {
        Some(Catalogue { words: &["session", "list", "--format", "json"], read: known })
    }
}

#[derive(Deserialize)]
struct Row {
    id: String,
    title: String,
    directory: String,
}

fn known(text: &str) -> Vec<Known> {
    let rows: Vec<Row> = serde_json::from_str(text.trim()).unwrap_or_default();
    let plain = rows.into_iter().filter(|row| is_plain_id(&row.id));
    plain.map(|row| Known { id: row.id, title: row.title, folder: row.directory.into() }).collect()
}
