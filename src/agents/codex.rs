//! Codex: `codex`.

use serde_json::Value;

use super::{
    Adapter, Chooser, CommandLine, Launch, Memory, Said, Start, Unable, Version, conversation, is_uuid, kind, text,
    word,
};

#[derive(Debug)]
pub(super) struct Codex;

impl Adapter for Codex {
    fn name(&self) -> &'static str {
        "codex"
    }

    fn install(&self) -> &'static str {
        "npm install -g @openai/codex"
    }

    fn oldest(&self) -> Version {
        Version(0, 169, 0)
    }

    fn chooser(&self, _version: Option<Version>) -> Chooser {
        Chooser::Agent
    }

    /// Of anything that is not a whole UUID it makes a new conversation, with exit status 0.
    fn fits(&self, id: &str) -> bool {
        is_uuid(id)
    }

    fn reserved(&self) -> &'static [&'static str] {
        &["resume", "fork", "review", "--last", "--ephemeral", "-C", "--cd", "--json", "-"]
    }

    fn command(&self, launch: &Launch<'_>) -> Result<CommandLine, Unable> {
        let mut line = CommandLine::of(&["exec", "--json", "--skip-git-repo-check"]);
        line.add_path("-C", launch.folder);
        line.add_model(launch);
        // Several of its options are only known before the subcommand.
        line.add_all(launch.more);
        match launch.start {
            Start::Fresh => {}
            Start::Latest => line.add(&["resume", "--last"]),
            Start::Resume(id) => line.add(&["resume", id]),
            Start::Fork(id) => line.add(&["fork", id]),
        }
        line.add(&["-"]);
        Ok(line)
    }

    fn read(&self, event: &Value, memory: &mut Memory) -> Vec<Said> {
        let one = match kind(event) {
            "thread.started" => conversation(event, "/thread_id", memory),
            "item.started" if word(event, "/item/type") == Some("command_execution") => {
                Some(Said::Tool(word(event, "/item/command").unwrap_or("a command").to_owned()))
            }
            "item.completed" => item(event, memory),
            "error" => word(event, "/message").map(|why| Said::Note(why.to_owned())),
            "turn.completed" => {
                memory.turns += 1;
                Some(Said::Done { turns: Some(memory.turns) })
            }
            "turn.failed" => {
                let why = word(event, "/error/message").unwrap_or("the turn failed").to_owned();
                Some(Said::Failed { why, turns: Some(memory.turns) })
            }
            _ => None,
        };
        one.into_iter().collect()
    }
}

fn item(event: &Value, memory: &mut Memory) -> Option<Said> {
    match word(event, "/item/type").unwrap_or_default() {
        "agent_message" => {
            memory.has_answer = true;
            text(word(event, "/item/text").unwrap_or_default())
        }
        "error" => word(event, "/item/message").map(|what| Said::Note(what.to_owned())),
        _ => None,
    }
}
