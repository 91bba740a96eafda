//! The model server that the agents talk to, and the settings by which each of them reaches it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{Agent, World};

/// A running server; gone when dropped.
pub(crate) struct Model {
    child: Child,
    port: String,
    log: PathBuf,
    command: PathBuf,
    home: PathBuf,
}

impl Model {
    /// Starts it.
    pub(crate) fn start(world: &World) -> Self {
        let (log, command) = (world.root.join("model.log"), world.root.join("model.command"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/model.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args([&log, &command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let port = port.trim().to_owned();
        Self { child, port, log, command, home: world.root.join("home") }
    }

    /// The command line that the model has the agent run when it is asked to RUN.
    pub(crate) fn will_run(&self, command: &str) {
        fs::write(&self.command, command).unwrap();
    }

    /// The words of the users' messages in each request so far.
    pub(crate) fn heard(&self) -> Vec<Vec<String>> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let rows = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let words = |row: &Value| {
            row["words"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        rows.map(|row| words(&row)).collect()
    }

    /// The same agent, who finds the executables and whose settings name this server.
    pub(crate) fn reach(&self, agent: &Agent, bins: &str) -> Agent {
        let url = format!("http://127.0.0.1:{}", self.port);
        self.write(
            ".codex/config.toml",
            &format!(
                "model = \"stub-model\"\nmodel_provider = \"stub\"\n[model_providers.stub]\nname = \"stub\"\n\
                 base_url = \"{url}/v1\"\nenv_key = \"STUB_KEY\"\nwire_api = \"responses\"\n\
                 request_max_retries = 1\nstream_max_retries = 1\n"
            ),
        );
        let models = serde_json::json!({ "stub-model": { "name": "Stub", "tool_call": true, "limit": { "context": 100000, "output": 4096 } } });
        let provider = serde_json::json!({
            "npm": "@ai-sdk/openai-compatible", "name": "Stub", "models": models,
            "options": { "baseURL": format!("{url}/v1"), "apiKey": "dummy" },
        });
        let opencode = serde_json::json!({ "model": "stub/stub-model", "small_model": "stub/stub-model", "provider": { "stub": provider } });
        self.write(".config/opencode/opencode.json", &opencode.to_string());
        let cost = serde_json::json!({ "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 });
        let model = serde_json::json!({
            "id": "stub-model", "name": "Stub", "reasoning": false, "input": ["text"], "cost": cost,
            "contextWindow": 100000, "maxTokens": 4096,
        });
        let pi = serde_json::json!({ "providers": { "stub": {
            "baseUrl": format!("{url}/v1"), "api": "openai-completions", "apiKey": "dummy", "models": [model],
        } } });
        self.write(".pi/agent/models.json", &pi.to_string());
        self.write(
            ".gemini/settings.json",
            r#"{"security":{"auth":{"selectedType":"gemini-api-key"},"folderTrust":{"enabled":false}}}"#,
        );
        let path = std::env::var("PATH").unwrap();
        [
            ("PATH", format!("{bins}:{path}").as_str()),
            ("ANTHROPIC_BASE_URL", &url),
            ("ANTHROPIC_API_KEY", "dummy"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
            ("IS_SANDBOX", "1"),
            ("CODEX_HOME", &self.home.join(".codex").display().to_string()),
            ("STUB_KEY", "dummy"),
            ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
            ("PI_OFFLINE", "1"),
            ("GOOGLE_GEMINI_BASE_URL", &url),
            ("GEMINI_API_KEY", "dummy"),
        ]
        .into_iter()
        .fold(agent.clone(), |agent, (name, value)| agent.with(name, value))
    }

    fn write(&self, path: &str, content: &str) {
        let file = self.home.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for an agent: they take some seconds to begin, and more on a busy machine.
pub(crate) fn patiently(what: &str, mut ready: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(90);
    while !ready() {
        assert!(Instant::now() < give_up, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The processes that have the variable of a run and belong to this world.
pub(crate) fn left_running(root: &Path) -> Vec<String> {
    let root = root.display().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        if environment.contains("GIT_SESSION_RUN=") && environment.contains(&root) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}
