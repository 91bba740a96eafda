//! The folders of agent-session: `session.json` with `plan.md`, `assumptions.md`, `decisions.md`, `validation.md` and
//! `checkpoints/` beside it; schema 1.0 and 1.1.

use serde_json::{Map, Value};

use super::super::format::shown;
use super::super::moves::FolderFile;
use super::super::record::{Checkpoint, Lifetime};
use super::super::time::Timestamp;
use super::{Foreign, ForeignClaim, PlanText, Standing};

/// The file that makes a folder a session's.
pub const METADATA: &str = "session.json";

/// The folder that what has no place here is kept in, verbatim.
const KEPT: &str = "imported";

/// Reads the session in the folder called `name`, with all its files.
///
/// # Errors
/// Everything that is not as documented, a line each, with the file and the field.
pub fn read(name: &str, files: &[FolderFile]) -> Result<Foreign, Vec<String>> {
    let mut fields = Fields { map: Map::new(), problems: Vec::new() };
    let Some(metadata) = files.iter().find(|file| file.path == METADATA) else {
        return Err(vec![format!("`{METADATA}` is missing")]);
    };
    match serde_json::from_slice::<Value>(&metadata.bytes) {
        Ok(Value::Object(map)) => fields.map = map,
        Ok(_) => return Err(vec![format!("`{METADATA}` is no JSON object")]),
        Err(error) => return Err(vec![format!("`{METADATA}` line {}: no JSON ({error})", error.line())]),
    }
    // The first releases' README does not tell of the field, so only what is there is held against it.
    if let Some(version) = fields.optional("schema_version")
        && version != "1.0"
        && version != "1.1"
    {
        fields.problem("schema_version", &format!("`{}` is neither 1.0 nor 1.1", shown(&version)));
    }
    let id = fields.required("id");
    if let Some(id) = id.as_deref().filter(|id| *id != name) {
        fields.problem("id", &format!("`{}` is not the name of its folder, `{}`", shown(id), shown(name)));
    }
    let task = fields.required("task_id");
    let standing = fields.required("status").and_then(|word| {
        let known = [Standing::Active, Standing::Blocked, Standing::Done, Standing::Dropped];
        let found = known.into_iter().find(|one| one.as_str() == word);
        if found.is_none() {
            fields.problem("status", &format!("`{}` is none of active, blocked, done, dropped", shown(&word)));
        }
        found
    });
    let created_at = fields.required("created_at").and_then(|text| fields.time("created_at", &text));
    let updated_at = fields.required("updated_at").and_then(|text| fields.time("updated_at", &text));
    let claim = fields.claim();
    let base_commit = fields.optional("base_commit");
    let closed_at = fields.optional("closed_at").and_then(|text| fields.time("closed_at", &text));
    let reason = fields.optional("closed_reason");
    let checkpoints = fields.checkpoints();
    let ephemeral = match fields.map.get("ephemeral") {
        None | Some(Value::Null | Value::Bool(false)) => Lifetime::Kept,
        Some(Value::Bool(true)) => Lifetime::Ephemeral,
        Some(_) => {
            fields.problem("ephemeral", "is neither true nor false");
            Lifetime::Kept
        }
    };
    let plan = match files.iter().find(|file| file.path == "plan.md").map(|file| std::str::from_utf8(&file.bytes)) {
        None => PlanText::default(),
        Some(Ok(text)) => PlanText::read(text),
        Some(Err(_)) => {
            fields.problems.push("`plan.md` is not UTF-8 text".to_owned());
            PlanText::default()
        }
    };
    let (Some(id), Some(task), Some(standing), Some(created_at), Some(updated_at), []) =
        (id, task, standing, created_at, updated_at, fields.problems.as_slice())
    else {
        return Err(fields.problems);
    };
    let ended = matches!(standing, Standing::Done | Standing::Dropped);
    Ok(Foreign {
        id,
        task,
        standing,
        claim,
        base_commit,
        created_at,
        updated_at,
        // Schema 1.0 has no time of its own for the end; closing is the last thing that is done to a session.
        ended: ended.then(|| (closed_at.unwrap_or(updated_at), reason)),
        checkpoints,
        lifetime: ephemeral,
        plan,
        files: files.iter().map(placed).collect(),
    })
}

/// A file in its place here: what has the same name and meaning stays, the rest is kept verbatim in a folder of its own.
fn placed(file: &FolderFile) -> FolderFile {
    let same = matches!(file.path.as_str(), "assumptions.md" | "decisions.md" | "validation.md");
    let path =
        if same || file.path.starts_with("checkpoints/") { file.path.clone() } else { format!("{KEPT}/{}", file.path) };
    FolderFile { path, bytes: file.bytes.clone() }
}

/// The fields of `session.json`, and what is wrong with them.
struct Fields {
    map: Map<String, Value>,
    problems: Vec<String>,
}

impl Fields {
    fn problem(&mut self, field: &str, what: &str) {
        self.problems.push(format!("`{METADATA}` field `{field}`: {what}"));
    }

    fn required(&mut self, field: &str) -> Option<String> {
        match self.map.get(field) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
            None => {
                self.problem(field, "is missing");
                None
            }
            Some(_) => {
                self.problem(field, "is no text");
                None
            }
        }
    }

    /// A text that may be null, empty or missing.
    fn optional(&mut self, field: &str) -> Option<String> {
        match self.map.get(field) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Some(_) => {
                self.problem(field, "is no text");
                None
            }
        }
    }

    fn time(&mut self, field: &str, text: &str) -> Option<Timestamp> {
        let time = text.parse().ok();
        if time.is_none() {
            self.problem(field, &format!("`{}` is no time with its offset from UTC", shown(text)));
        }
        time
    }

    fn claim(&mut self) -> Option<ForeignClaim> {
        let (by, at) = (self.optional("claimed_by"), self.optional("claimed_at"));
        match (by, at) {
            (Some(by), Some(at)) => {
                let at = self.time("claimed_at", &at);
                let agent = by.parse().ok();
                if agent.is_none() {
                    self.problem("claimed_by", &format!("`{}` is no agent's name here", shown(&by)));
                }
                Some(ForeignClaim { agent: agent?, at: at? })
            }
            (Some(_), None) => {
                self.problem("claimed_at", "is missing, and `claimed_by` is there");
                None
            }
            // Its `claim` without a name writes the time alone: nobody holds it.
            (None, _) => None,
        }
    }

    fn checkpoints(&mut self) -> Vec<Checkpoint> {
        let list = match self.map.get("checkpoints") {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(_) => {
                self.problem("checkpoints", "is no list");
                return Vec::new();
            }
        };
        let mut points: Vec<Checkpoint> = Vec::new();
        for (at, entry) in list.iter().enumerate() {
            let field = format!("checkpoints[{at}]");
            let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
            let (Some(id), Some(title), Some(time)) = (text("id"), text("title"), text("created_at")) else {
                self.problem(&field, "has not all of `id`, `title`, `created_at`");
                continue;
            };
            if points.iter().any(|point| point.id == id) {
                self.problem(&field, &format!("`{}` is there twice", shown(&id)));
                continue;
            }
            if let Some(at) = self.time(&field, &time) {
                points.push(Checkpoint { id, title, at });
            }
        }
        points
    }
}
