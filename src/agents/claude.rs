//! Claude Code: `claude`.

use serde_json::Value;

use super::{
    Adapter, Chooser, CommandLine, Launch, Memory, Said, Start, Unable, Version, conversation, is_uuid, kind, number,
    text, word,
};

#[derive(Debug)]
pub(super) struct Claude;

impl Adapter for Claude {
    fn name(&self) -> &'static str {
        "claude"
    }

    fn install(&self) -> &'static str {
        "npm install -g @anthropic-ai/claude-code"
    }

    fn oldest(&self) -> Version {
        Version(2, 1, 197)
    }

    fn chooser(&self, _version: Option<Version>) -> Chooser {
        Chooser::Launcher
    }

    fn fits(&self, id: &str) -> bool {
        is_uuid(id)
    }

    fn reserved(&self) -> &'static [&'static str] {
        // With `--continue` beside `--resume` it goes on with the most recent one and says nothing of it.
        &[
            "-c",
            "--continue",
            "-r",
            "--resume",
            "--session-id",
            "--fork-session",
            "--no-session-persistence",
            "--output-format",
            "--input-format",
        ]
    }

    fn command(&self, launch: &Launch<'_>) -> Result<CommandLine, Unable> {
        let mut line = CommandLine::of(&["-p", "--output-format", "stream-json", "--verbose"]);
        line.add_model(launch);
        match launch.start {
            Start::Fresh => {}
            Start::Latest => line.add(&["--continue"]),
            // Its value is optional: as one word, nothing else is ever taken for it.
            Start::Resume(id) => line.add(&[&format!("--resume={id}")]),
            Start::Fork(id) => line.add(&[&format!("--resume={id}"), "--fork-session"]),
        }
        if let Some(id) = launch.id {
            line.add(&["--session-id", id]);
        }
        line.add_all(launch.more);
        Ok(line)
    }

    fn read(&self, event: &Value, memory: &mut Memory) -> Vec<Said> {
        match (kind(event), word(event, "/subtype").unwrap_or_default()) {
            // Only here: a result that says "no such conversation" carries the id that was asked for.
            ("system", "init") => conversation(event, "/session_id", memory).into_iter().collect(),
            ("system", "api_retry") => {
                let what = word(event, "/error").unwrap_or("no answer");
                vec![Said::Note(format!("the model is asked again: {what}"))]
            }
            ("assistant", _) => {
                memory.has_answer = true;
                let parts = event.pointer("/message/content").and_then(Value::as_array);
                parts.into_iter().flatten().filter_map(part).collect()
            }
            ("result", subtype) => vec![result(event, subtype)],
            _ => Vec::new(),
        }
    }
}

fn part(part: &Value) -> Option<Said> {
    match kind(part) {
        "text" => text(word(part, "/text").unwrap_or_default()),
        "tool_use" => Some(Said::Tool(word(part, "/name").unwrap_or_default().to_owned())),
        _ => None,
    }
}

/// Without a login, `subtype` is "success" and `is_error` is true.
fn result(event: &Value, subtype: &str) -> Said {
    let turns = number(event, "/num_turns");
    if subtype == "success" && event.pointer("/is_error") == Some(&Value::Bool(false)) {
        return Said::Done { turns };
    }
    let errors = event.pointer("/errors/0").and_then(Value::as_str);
    let why = errors.or(word(event, "/result")).filter(|why| !why.is_empty()).unwrap_or(subtype);
    Said::Failed { why: why.to_owned(), turns }
}
