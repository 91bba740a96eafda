//! Pi: `pi`.

use serde_json::Value;

use super::{
    Adapter, Chooser, CommandLine, Launch, Memory, Said, Start, Unable, Version, conversation, is_uuid, kind, text,
    word,
};

#[derive(Debug)]
pub(super) struct Pi;

/// The first version that takes the id of a new conversation.
const TAKES_ID: Version = Version(0, 76, 0);

impl Adapter for Pi {
    fn name(&self) -> &'static str {
        "pi"
    }

    fn install(&self) -> &'static str {
        "npm install -g @earendil-works/pi-coding-agent"
    }

    fn oldest(&self) -> Version {
        Version(0, 73, 1)
    }

    fn chooser(&self, version: Option<Version>) -> Chooser {
        match version {
            Some(version) if version >= TAKES_ID => Chooser::Launcher,
            Some(_) | None => Chooser::Agent,
        }
    }

    /// A part of an id, or a path, would be taken as well.
    fn fits(&self, id: &str) -> bool {
        is_uuid(id)
    }

    fn reserved(&self) -> &'static [&'static str] {
        &[
            "-c",
            "--continue",
            "-r",
            "--resume",
            "--session",
            "--session-id",
            "--session-dir",
            "--fork",
            "--no-session",
            "--mode",
        ]
    }

    fn command(&self, launch: &Launch<'_>) -> Result<CommandLine, Unable> {
        let mut line = CommandLine::of(&["-p", "--mode", "json"]);
        if let Some(model) = launch.model {
            line.add(&["--model", model]);
        }
        match launch.start {
            Start::Fresh => {}
            Start::Latest => line.add(&["--continue"]),
            Start::Resume(id) => line.add(&["--session", id]),
            Start::Fork(id) => line.add(&["--fork", id]),
        }
        if let Some(id) = launch.id {
            line.add(&["--session-id", id]);
        }
        line.add_all(launch.more);
        Ok(line)
    }

    /// It ends with status 0 also when the model gave no answer: the last message says how it stopped.
    fn read(&self, event: &Value, memory: &mut Memory) -> Vec<Said> {
        match kind(event) {
            "session" => conversation(event, "/id", memory).into_iter().collect(),
            "message_end" if word(event, "/message/role") == Some("assistant") => message(event, memory),
            "tool_execution_start" => {
                vec![Said::Tool(word(event, "/toolName").unwrap_or_default().to_owned())]
            }
            "turn_end" => {
                memory.turns += 1;
                Vec::new()
            }
            "agent_end" | "agent_settled" => {
                let turns = Some(memory.turns);
                vec![match memory.trouble.clone() {
                    Some(why) => Said::Failed { why, turns },
                    None if memory.has_answer => Said::Done { turns },
                    None => Said::Failed { why: "the model was not asked".to_owned(), turns },
                }]
            }
            _ => Vec::new(),
        }
    }

    /// A new conversation is written when its first answer is whole, though its id is printed before.
    fn keeps(&self, memory: &Memory) -> bool {
        memory.has_conversation && memory.has_answer
    }
}

fn message(event: &Value, memory: &mut Memory) -> Vec<Said> {
    let stopped = word(event, "/message/stopReason").unwrap_or_default();
    memory.trouble = matches!(stopped, "error" | "aborted")
        .then(|| word(event, "/message/errorMessage").unwrap_or(stopped).to_owned());
    memory.has_answer = true;
    let parts = event.pointer("/message/content").and_then(Value::as_array);
    let texts = parts.into_iter().flatten().filter(|part| kind(part) == "text");
    texts.filter_map(|part| text(word(part, "/text").unwrap_or_default())).collect()
}
