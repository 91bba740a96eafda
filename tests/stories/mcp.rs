//! `mcp`: an agent that has tools and no shell finds, claims, does and completes work, and is told what the command line
//! would have told it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{script, wait_until};
use crate::world::{Agent, ROOT, World, bare_command, id};

/// A client and its server, line by line.
struct Client {
    server: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
    asked: u64,
}

impl Client {
    fn of(agent: &Agent) -> Self {
        Self::started(agent, &["mcp"])
    }

    fn started(agent: &Agent, words: &[&str]) -> Self {
        let mut command = agent.command(words);
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let from = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut client = Self { to: server.stdin.take(), server, from, asked: 0 };
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "stories", "version": "1" } });
        let told = client.ask("initialize", hello);
        assert_eq!(told["result"]["serverInfo"]["name"], "git-session", "{told}");
        client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.to.as_mut().unwrap(), "{message}").unwrap();
    }

    /// Asks without waiting; gives the number that the answer will have.
    fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.asked += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params }));
        self.asked
    }

    /// The next message. Every line is one: nothing else is ever written there.
    fn hear(&mut self) -> Value {
        let line = self.from.next().expect("the server goes on").unwrap();
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let number = self.begin(method, params);
        let told = self.hear();
        assert_eq!(told["id"], number, "{told}");
        told
    }

    /// Calls a tool; gives its result.
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let told = self.ask("tools/call", json!({ "name": tool, "arguments": arguments }));
        assert!(told["error"].is_null(), "{told}");
        let result = told["result"].clone();
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"], "the text is the same for clients that read nothing else");
        result
    }

    /// Calls a tool that does what it is asked for; gives the data.
    fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{result}");
        result["structuredContent"].clone()
    }

    /// Calls a tool that says no; gives the error.
    fn refused(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result}");
        result["structuredContent"].clone()
    }

    /// Reads a resource; gives its text.
    fn read(&mut self, uri: &str) -> String {
        let told = self.ask("resources/read", json!({ "uri": uri }));
        told["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    }

    /// Closes our end; gives how the server ended and what it said last.
    fn close(mut self) -> (i32, Vec<String>) {
        self.to = None;
        let rest = self.from.by_ref().map(Result::unwrap).collect();
        (self.server.wait().unwrap().code().unwrap_or(-1), rest)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn tools(client: &mut Client) -> Vec<Value> {
    client.ask("tools/list", json!({}))["result"]["tools"].as_array().unwrap().clone()
}

#[test]
fn mcp_has_ten_tools_that_say_what_they_do_to_the_board() {
    let world = World::new();
    let mut client = Client::of(&world.agent("one"));
    let told = tools(&mut client);
    let hint = |tool: &Value, name: &str| tool["annotations"][name].as_bool().unwrap();
    let lines: Vec<String> = told
        .iter()
        .map(|tool| {
            let hints: Vec<&str> =
                [("readOnlyHint", "reads"), ("destructiveHint", "ends"), ("idempotentHint", "again")]
                    .iter()
                    .filter_map(|(name, word)| hint(tool, name).then_some(*word))
                    .collect();
            assert!(!hint(tool, "openWorldHint") && tool["description"].as_str().unwrap().len() > 40, "{tool}");
            assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
            let required = tool["inputSchema"]["required"].as_array().unwrap();
            let required: Vec<&str> = required.iter().filter_map(Value::as_str).collect();
            let name = tool["name"].as_str().unwrap();
            format!("{name}({}) {}", required.join(" "), hints.join(" ")).trim().to_owned()
        })
        .collect();
    let expected = [
        "session_list() reads again",
        "session_next() reads again",
        "session_claim()",
        "session_brief(id) reads again",
        "session_log(id text)",
        "session_criteria(id)",
        "session_checkpoint(id title) again",
        "session_handoff(id summary)",
        "session_release(id reason) ends again",
        "session_complete(id) ends again",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn mcp_gives_nobody_what_trusts_overrides_forces_or_waives() {
    let world = World::new();
    let mut client = Client::of(&world.agent("one"));
    let said = Value::from(tools(&mut client)).to_string();
    for word in ["trust", "override", "force", "takeover", "allow_", "--", "skip", "drop"] {
        assert!(!said.contains(word), "{word}: {said}");
    }
    // What is no parameter never becomes an option, in whatever way it is said.
    world.plan("auth");
    let two = world.agent("two");
    two.claim("auth").won();
    let auth = id("auth");
    for more in [json!({ "force": true }), json!({ "allow_unmet": true }), json!({ "--force": true })] {
        let mut arguments = json!({ "id": auth });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        for tool in ["session_claim", "session_complete", "session_release"] {
            let error = client.refused(tool, arguments.clone());
            assert_eq!((error["code"].as_str(), error["exit"].as_i64()), (Some("usage"), Some(2)), "{error}");
        }
    }
    for name in ["--force", "--next", "-h", "--help", "--as=two"] {
        let error = client.refused("session_claim", json!({ "id": name }));
        assert_eq!(error["code"], "bad_id", "{error}");
        let error = client.refused("session_log", json!({ "id": name, "text": "x" }));
        assert_eq!(error["code"], "bad_id", "{error}");
    }
    assert_eq!(client.refused("session_claim", json!({ "id": auth }))["code"], "held");
    let error = client.refused("session_release", json!({ "id": auth, "reason": "--force" }));
    assert_eq!(error["code"], "not_holder", "{error}");
    assert_eq!(world.state(&auth), "active");
}

#[test]
fn mcp_carries_a_session_from_the_board_to_its_end() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    let mut client = Client::of(&one);
    let auth = id("auth");
    assert_eq!(client.done("session_list", json!({}))["sessions"][0]["id"], auth.as_str());
    assert_eq!(client.done("session_next", json!({ "can": ["gpu"] }))["session"]["id"], auth.as_str());
    // What the configuration says an agent can counts for a tool as well, as soon as it is said.
    world.plan_with("train", &["--require", "gpu", "--priority", "9"]);
    assert_eq!(client.done("session_next", json!({}))["session"]["id"], auth.as_str());
    one.git(&["config", "session.one.can", "gpu"]);
    assert_eq!(client.done("session_next", json!({}))["session"]["id"], id("train").as_str());
    one.git(&["config", "--unset", "session.one.can"]);
    assert!(client.done("session_brief", json!({ "id": "auth" }))["plan"]["sections"][0]["text"].is_string());

    let claim = client.done("session_claim", json!({ "next": true }))["claims"][0].clone();
    assert_eq!((claim["id"].as_str(), claim["agent"].as_str()), (Some(auth.as_str()), Some("one")));
    let checkout = one.nameless().inside(claim["checkout"].as_str().unwrap());
    let again = client.done("session_claim", json!({ "id": "auth" }));
    assert_eq!(again["claims"][0]["already_held"], true);

    checkout.write("src/auth.txt", "-- done --\n");
    for kind in ["info", "progress", "decision", "assumption", "artifact", "warning", "error", "success"] {
        let noted =
            client.done("session_log", json!({ "id": auth, "text": "- a list item", "type": kind, "body": "b" }));
        assert_eq!(noted["type"], kind);
    }
    let kept =
        client.done("session_checkpoint", json!({ "id": auth, "title": "it is written", "body": "- not tried" }));
    let files = kept["uncommitted"].as_array().unwrap();
    assert!(kept["already"] == false && files.contains(&json!("src/auth.txt")), "{kept}");

    let open = client.refused("session_complete", json!({ "id": auth, "summary": "it works" }));
    assert!(open["hint"].is_string() && open["exit"] == 5, "{open}");
    checkout.commit("auth");
    let open = client.refused("session_complete", json!({ "id": auth, "summary": "it works" }));
    assert_eq!(open["code"], "criteria_open", "{open}");
    let met = json!({ "id": auth, "status": "met", "criteria": ["AC-1"], "evidence": "seen", "publish": true });
    assert_eq!(client.done("session_criteria", met)["criteria"][0]["status"], "met");
    let done = client.done("session_complete", json!({ "id": auth, "summary": "it works" }));
    assert_eq!(done["state"], "completed");
    assert_eq!((world.state(&auth).as_str(), checkout.dir.exists()), ("completed", false));
    assert_eq!(world.on("main", "src/auth.txt").unwrap(), "-- done --\n");

    let nothing = client.refused("session_next", json!({}));
    assert_eq!((nothing["code"].as_str(), nothing["exit"].as_i64()), (Some("nothing"), Some(4)));
    assert_eq!(client.close(), (0, Vec::new()));
}

#[test]
fn mcp_hands_over_and_gives_back() {
    let world = World::new();
    for slug in ["auth", "login"] {
        world.plan(slug);
    }
    let mut client = Client::of(&world.agent("one"));
    for slug in ["auth", "login"] {
        client.done("session_claim", json!({ "id": slug }));
    }
    let left = json!({ "id": "auth", "summary": "half", "next_steps": ["- tests", "docs"], "blockers": ["--none"],
        "context": { "ticket": "OPS=12" } });
    let handed = client.done("session_handoff", left);
    assert_eq!(handed["handoff"]["next_steps"], json!(["- tests", "docs"]));
    assert_eq!(handed["handoff"]["context_for_next"], json!({ "ticket": "OPS=12" }));
    let error = client.refused("session_handoff", json!({ "id": "auth", "summary": "x", "context": { "a=b": "c" } }));
    assert_eq!(error["code"], "usage");
    assert_eq!(client.done("session_release", json!({ "id": "login", "reason": "later" }))["state"], "planned");
    assert_eq!(world.state(&id("login")), "planned");
}

/// The same call by both ways, on the same board: the same data or the same error.
#[test]
fn mcp_answers_what_the_command_line_answers() {
    let world = World::new();
    world.plan("auth");
    world.plan("taken");
    world.plan_with("later", &["--require", "gpu"]);
    world.agent("two").claim("taken").won();
    let one = world.agent("one");
    let mut client = Client::of(&one);
    client.done("session_claim", json!({ "id": "auth" }));
    client.done("session_log", json!({ "id": "auth", "text": "\u{1b}[31mred", "type": "decision" }));
    one.inside(format!(".worktrees/{}", id("auth"))).write("half.txt", "half");
    let (auth, later) = (id("auth"), id("later"));
    client.done("session_checkpoint", json!({ "id": auth, "title": "half" }));
    let same: [(&str, Value, &[&str]); 17] = [
        ("session_checkpoint", json!({ "id": auth, "title": "half" }), &["checkpoint", &auth, "--title", "half"]),
        ("session_list", json!({}), &["list"]),
        ("session_list", json!({ "state": ["active"], "mine": true }), &["list", "--state", "active", "--mine"]),
        ("session_list", json!({ "all": true, "can": ["gpu"] }), &["list", "--all", "--can", "gpu"]),
        ("session_next", json!({}), &["next"]),
        ("session_next", json!({ "can": ["gpu"] }), &["next", "--can", "gpu"]),
        ("session_claim", json!({ "id": auth }), &["claim", &auth]),
        ("session_claim", json!({ "id": "taken" }), &["claim", "taken"]),
        ("session_claim", json!({ "id": "nowhere" }), &["claim", "nowhere"]),
        ("session_claim", json!({ "id": auth, "next": true }), &["claim", &auth, "--next"]),
        ("session_claim", json!({}), &["claim"]),
        ("session_brief", json!({ "id": auth }), &["brief", &auth]),
        ("session_brief", json!({ "id": later, "full": true }), &["brief", &later, "--full"]),
        ("session_brief", json!({ "id": "no such" }), &["brief", "no such"]),
        ("session_criteria", json!({ "id": auth }), &["criteria", "--session", &auth]),
        ("session_complete", json!({ "id": auth }), &["complete", &auth]),
        ("session_release", json!({ "id": later, "reason": "why" }), &["release", &later, "--reason", "why"]),
    ];
    for (tool, arguments, words) in same {
        let ours = client.call(tool, arguments);
        let theirs = one.command(&[&["--json"], words].concat()).stdin(Stdio::null()).output().unwrap();
        let document: Value = serde_json::from_slice(&theirs.stdout).unwrap();
        let (key, failed) = if document["ok"] == true { ("data", false) } else { ("error", true) };
        assert_eq!(ours["isError"], failed, "{words:?}: {ours}");
        let (mut ours, mut theirs) = (ours["structuredContent"].clone(), document[key].clone());
        for answer in [&mut ours, &mut theirs] {
            // A second more or less.
            for moving in ["duration", "duration_seconds"] {
                answer.as_object_mut().unwrap().remove(moving);
            }
            if let Some(silent) = answer.pointer_mut("/details/evidence/silent_seconds") {
                *silent = json!(0);
            }
            // Where the same words are to be said again, an option and its value may be one word or two.
            if let Some(hint) = answer["hint"].as_str().map(|hint| hint.replace('=', " ")) {
                answer["hint"] = json!(hint.replace(" --as one", "").replace(" --json", ""));
            }
        }
        assert_eq!(ours, theirs, "{tool} {words:?}");
    }
}

#[test]
fn mcp_has_the_board_and_the_briefs_as_resources() {
    let world = World::new();
    world.plan("auth");
    world.plan("later");
    let one = world.agent("one");
    let mut client = Client::of(&one);
    client.done("session_claim", json!({ "id": "auth" }));
    let told = client.ask("resources/list", json!({}));
    let uris: Vec<&str> =
        told["result"]["resources"].as_array().unwrap().iter().filter_map(|one| one["uri"].as_str()).collect();
    let brief = format!("session://{}/brief", id("auth"));
    assert_eq!(uris, ["session://board", &brief]);
    let told = client.ask("resources/templates/list", json!({}));
    assert_eq!(told["result"]["resourceTemplates"][0]["uriTemplate"], "session://{id}/brief");

    let board: Value = serde_json::from_str(&client.read("session://board")).unwrap();
    assert_eq!(board, one.run(&["list"]).done());
    let by_hand = one.says(&["brief", &id("auth")]);
    let steady = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("worked on"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(steady(&client.read(&brief)), steady(&by_hand.out));
    assert!(client.read("session://later/brief").contains("later"));

    for (uri, code) in [("session://nowhere/brief", -32002), ("session://auth", -32002), ("file:///x", -32002)] {
        let told = client.ask("resources/read", json!({ "uri": uri }));
        assert_eq!(told["error"]["code"], code, "{told}");
    }
    let told = client.ask("resources/read", json!({ "uri": "session://nowhere/brief" }));
    assert_eq!(told["error"]["data"]["code"], "no_session", "{told}");
}

#[test]
fn mcp_answers_bad_questions_and_goes_on() {
    let world = World::new();
    world.plan("auth");
    let mut client = Client::of(&world.agent("one"));
    let wrong = [
        ("session_claim", json!({ "id": 7 }), "git session claim -h"),
        ("session_brief", json!({}), "git session brief -h"),
        ("session_log", json!({ "id": "auth", "text": "x", "type": "gossip" }), "git session log -h"),
        ("session_list", json!({ "state": "active" }), "git session list -h"),
        (
            "session_criteria",
            json!({ "id": "auth", "status": "drop", "criteria": ["AC-1"] }),
            "git session criteria -h",
        ),
        ("session_list", json!("active"), "git session list -h"),
        ("session_claim", json!({}), "git session -h"),
        ("session_criteria", json!({ "id": "auth", "criteria": ["AC-1"] }), "git session -h"),
    ];
    for (tool, arguments, hint) in wrong {
        let error = client.refused(tool, arguments.clone());
        let seen = (error["code"].as_str(), error["exit"].as_i64(), error["hint"].as_str());
        assert_eq!(seen, (Some("usage"), Some(2), Some(hint)), "{tool} {arguments}: {error}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{error}");
    }
    let told = client.ask("tools/call", json!({ "name": "session_trust", "arguments": {} }));
    assert_eq!(told["error"]["code"], -32602, "{told}");
    assert_eq!(client.ask("tools/trust", json!({ "name": "session_list" }))["error"]["code"], -32601);
    client.to.as_mut().unwrap().write_all(b"{ what\n\n").unwrap();
    assert_eq!(client.done("session_next", json!({}))["session"]["id"], id("auth").as_str());
}

#[test]
fn mcp_without_a_board_says_so_at_every_call() {
    let world = World::without_board();
    let mut client = Client::of(&world.at("elsewhere"));
    let error = client.refused("session_list", json!({}));
    assert_eq!((error["code"].as_str(), error["exit"].as_i64()), (Some("environment"), Some(9)), "{error}");
    assert_eq!(tools(&mut client).len(), 10);
    assert_eq!(client.close(), (0, Vec::new()));
}

/// Two questions at once are two moves, one after the other; the end of the input ends neither.
#[test]
fn mcp_does_one_thing_at_a_time_and_finishes_what_it_began() {
    let world = World::new();
    for slug in ["auth", "login", "logout"] {
        world.plan(slug);
    }
    let mut client = Client::of(&world.agent("one"));
    let asked: Vec<u64> = ["auth", "login", "logout"]
        .iter()
        .map(|slug| client.begin("tools/call", json!({ "name": "session_claim", "arguments": { "id": slug } })))
        .collect();
    let (status, lines) = client.close();
    let told: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> = told.iter().filter_map(|one| one["id"].as_u64()).collect();
    assert_eq!((status, numbers), (0, asked));
    assert!(told.iter().all(|one| one["result"]["isError"] == false), "{told:?}");
    assert_eq!(world.lock_lines().len(), 3);
}

/// A client that takes its question back has a claim that it does not know of: asking for the next one gives it that.
#[test]
fn mcp_tells_again_of_a_claim_that_nobody_waited_for() {
    let world = World::new();
    world.plan("auth");
    world.plan("login");
    // The server's first push waits until it is let through.
    let (server, gate) = (world.root.join("origin.git"), world.root.join("gate"));
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let hook = format!("[ -e seen ] || {{ : > seen; read -r _ < '{}'; }}", gate.display());
    script(&server.join("hooks/pre-receive"), &hook);
    let mut client = Client::of(&world.agent("one"));
    let next = json!({ "name": "session_claim", "arguments": { "next": true } });
    let first = client.begin("tools/call", next.clone());
    wait_until("the push", || server.join("seen").exists());
    client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": first } }));
    // The protocol goes on meanwhile, and whatever was said before this is read.
    assert!(client.ask("ping", json!({}))["error"].is_null());
    std::fs::write(&gate, "go\n").unwrap();
    let told = client.ask("tools/call", next);
    assert_eq!(told["result"]["isError"], false, "{told}");
    assert_eq!(world.lock_lines().len(), 1, "it is the same one");
}

/// On the command line such a list is written while it is read.
#[test]
fn mcp_lists_a_board_of_more_than_a_megabyte() {
    let world = World::new();
    let globs: Vec<String> = (0..80).map(|number| format!("src/a/rather/long/path/that/ends/in/{number}/**")).collect();
    let scope: Vec<&str> = globs.iter().flat_map(|glob| ["--scope", glob]).collect();
    let auth = world.plan_with("auth", &scope);
    let planner = world.planner();
    planner.git(&["pull", "--quiet", "origin", "main"]);
    let planned = planner.dir.join(ROOT).join("planned");
    for number in 0..350 {
        let other = id(&format!("n{number}"));
        std::fs::create_dir(planned.join(&other)).unwrap();
        for file in std::fs::read_dir(planned.join(&auth)).unwrap().map(|file| file.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap().replace(&auth, &other);
            std::fs::write(planned.join(&other).join(file.file_name().unwrap()), text).unwrap();
        }
    }
    planner.commit("many plans");
    planner.git(&["push", "--quiet", "origin", "HEAD:main"]);
    let mut client = Client::of(&world.agent("one"));
    let listed = client.done("session_list", json!({}));
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 351);
    assert!(listed.to_string().len() > 1 << 20);
}

#[test]
fn mcp_rehearses_and_reads_offline_where_it_was_started_so() {
    let world = World::new();
    world.plan("auth");
    let one = world.agent("one");
    one.run(&["list"]).done();
    let before = world.refs();
    let mut dry = Client::started(&one, &["mcp", "--dry-run"]);
    assert_eq!(dry.done("session_claim", json!({ "id": "auth" }))["dry_run"], true);
    let mut offline = Client::started(&one, &["mcp", "--offline"]);
    assert_eq!(offline.done("session_list", json!({}))["sessions"][0]["id"], id("auth").as_str());
    assert_eq!(offline.refused("session_claim", json!({ "id": "auth" }))["code"], "usage");
    assert_eq!(world.refs(), before);
}

#[test]
fn mcp_is_the_agent_that_started_it() {
    let world = World::new();
    world.plan("auth");
    world.plan("login");
    let agent = world.agent("one");
    let mut named = Client::started(&agent.nameless(), &["mcp", "--as", "claude-7"]);
    assert_eq!(named.done("session_claim", json!({ "id": "auth" }))["claims"][0]["agent"], "claude-7");
    let mut by_environment = Client::of(&agent.nameless().with("SESSION_AGENT", "pi-3"));
    let error = by_environment.refused("session_release", json!({ "id": "auth", "reason": "why" }));
    assert_eq!(error["code"], "not_holder", "{error}");
    assert_eq!(by_environment.done("session_claim", json!({ "id": "login" }))["claims"][0]["agent"], "pi-3");
}

/// The client of the official Python SDK, by both ways that it begins: `.ci/run mcp` installs it.
#[test]
fn mcp_is_understood_by_the_official_client() {
    let Ok(python) = std::env::var("GIT_SESSION_MCP_PYTHON") else {
        eprintln!("skipped: the official MCP client: GIT_SESSION_MCP_PYTHON names no Python that has it");
        return;
    };
    let world = World::new();
    for slug in ["held", "first", "second"] {
        world.plan(slug);
    }
    world.agent("other").claim("held").won();
    let agent = world.clone_at("python");
    for (mode, slug) in [("auto", "first"), ("legacy", "second")] {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp_client.py");
        let words = [script, env!("CARGO_BIN_EXE_git-session"), mode, &id(slug), &id("held")];
        let told = bare_command(&python, &world.root, &agent.dir).args(words).stdin(Stdio::null()).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        assert!(told.status.success() && out.starts_with("done"), "{mode}: {out}{err}");
        assert_eq!(world.state(&id(slug)), "completed");
    }
}
