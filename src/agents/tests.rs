//! What each agent is called with, and what is read from lines that the real ones printed.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use super::stream::{LINE_BYTES_MAX, Lines, SAMPLES_MAX};
use super::{
    ALL, Adapter, Chooser, Launch, Memory, Said, Start, Version, is_plain_id, is_same_id, is_uuid, named,
    reserved_word, uuid_v4,
};

const ID: &str = "11111111-1111-4111-8111-111111111111";
const NEW: &str = "22222222-2222-4222-8222-222222222222";

fn agent(name: &str) -> &'static dyn Adapter {
    named(name).unwrap()
}

fn launch<'a>(start: Start<'a>, id: Option<&'a str>, more: &'a [OsString]) -> Launch<'a> {
    Launch { start, id, title: "key", folder: Path::new("/w"), model: Some("m"), more, version: None }
}

fn words(name: &str, start: Start<'_>, id: Option<&str>) -> String {
    let more = ["--more".into()];
    let line = agent(name).command(&launch(start, id, &more)).unwrap();
    line.words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Reads lines one by one, as they come.
fn read(name: &str, lines: &[&str]) -> (Vec<Said>, Memory) {
    let mut memory = Memory::default();
    let mut stream = Lines::default();
    let mut said = Vec::new();
    for line in lines {
        for event in stream.push(format!("{line}\n").as_bytes()) {
            said.extend(agent(name).read(&event, &mut memory));
        }
    }
    (said, memory)
}

fn said(name: &str, lines: &[&str]) -> Vec<Said> {
    read(name, lines).0
}

fn failed(why: &str, turns: Option<u32>) -> Said {
    Said::Failed { why: why.to_owned(), turns }
}

fn text(text: &str) -> Said {
    Said::Text(format!("{text}\n"))
}

fn conversation(id: &str) -> Said {
    Said::Conversation(id.to_owned())
}

#[test]
fn every_agent_has_a_command_line_for_each_start_with_the_id_where_it_belongs() {
    let lines = |name: &str, chosen: bool| {
        let (fresh, fork) = if chosen { (Some(ID), Some(NEW)) } else { (None, None) };
        let mut lines = vec![
            words(name, Start::Fresh, fresh),
            words(name, Start::Latest, None),
            words(name, Start::Resume(ID), None),
        ];
        if name != "gemini" {
            lines.push(words(name, Start::Fork(ID), fork));
        }
        lines
    };
    insta::assert_debug_snapshot!(lines("claude", true), @r#"
    [
        "-p --output-format stream-json --verbose --model=m --session-id 11111111-1111-4111-8111-111111111111 --more",
        "-p --output-format stream-json --verbose --model=m --continue --more",
        "-p --output-format stream-json --verbose --model=m --resume=11111111-1111-4111-8111-111111111111 --more",
        "-p --output-format stream-json --verbose --model=m --resume=11111111-1111-4111-8111-111111111111 --fork-session --session-id 22222222-2222-4222-8222-222222222222 --more",
    ]
    "#);
    insta::assert_debug_snapshot!(lines("codex", false), @r#"
    [
        "exec --json --skip-git-repo-check -C /w --model=m --more -",
        "exec --json --skip-git-repo-check -C /w --model=m --more resume --last -",
        "exec --json --skip-git-repo-check -C /w --model=m --more resume 11111111-1111-4111-8111-111111111111 -",
        "exec --json --skip-git-repo-check -C /w --model=m --more fork 11111111-1111-4111-8111-111111111111 -",
    ]
    "#);
    insta::assert_debug_snapshot!(lines("opencode", false), @r#"
    [
        "run --format json --dir /w --model=m --title key --more",
        "run --format json --dir /w --model=m --continue --more",
        "run --format json --dir /w --model=m --session 11111111-1111-4111-8111-111111111111 --more",
        "run --format json --dir /w --model=m --session 11111111-1111-4111-8111-111111111111 --fork --more",
    ]
    "#);
    insta::assert_debug_snapshot!(lines("pi", true), @r#"
    [
        "-p --mode json --model m --session-id 11111111-1111-4111-8111-111111111111 --more",
        "-p --mode json --model m --continue --more",
        "-p --mode json --model m --session 11111111-1111-4111-8111-111111111111 --more",
        "-p --mode json --model m --fork 11111111-1111-4111-8111-111111111111 --session-id 22222222-2222-4222-8222-222222222222 --more",
    ]
    "#);
    insta::assert_debug_snapshot!(lines("gemini", true), @r#"
    [
        "-o stream-json -y --model=m --session-id 11111111-1111-4111-8111-111111111111 --more",
        "-o stream-json -y --model=m --resume latest --more",
        "-o stream-json -y --model=m --resume 11111111-1111-4111-8111-111111111111 --more",
    ]
    "#);
    assert!(agent("gemini").command(&launch(Start::Fork(ID), None, &[])).is_err());
}

#[test]
fn who_chooses_the_id_depends_on_the_agent_and_its_version() {
    let chooser = |name: &str, version| agent(name).chooser(version);
    assert_eq!(chooser("claude", None), Chooser::Launcher);
    assert_eq!(chooser("gemini", None), Chooser::Launcher);
    assert_eq!(chooser("codex", None), Chooser::Agent);
    assert_eq!(chooser("opencode", None), Chooser::Agent);
    assert_eq!(chooser("pi", Some(Version(0, 74, 2))), Chooser::Agent);
    assert_eq!(chooser("pi", Some(Version(0, 76, 0))), Chooser::Launcher);
    assert_eq!(chooser("pi", None), Chooser::Agent);
}

#[test]
fn claude_is_done_when_its_result_is_no_error_wherever_type_stands_in_the_line() {
    let init = r#"{"type":"system","subtype":"init","cwd":"/w","session_id":"11111111-1111-4111-8111-111111111111"}"#;
    let answer = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash","input":{}},{"type":"text","text":"STUB"}]},"session_id":"11111111-1111-4111-8111-111111111111"}"#;
    let done = r#"{"is_error":false,"num_turns":2,"result":"STUB","subtype":"success","session_id":"11111111-1111-4111-8111-111111111111","type":"result"}"#;
    let retry = r#"{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"error":"server_error"}"#;
    assert_eq!(
        said("claude", &[init, retry, answer, done]),
        [
            conversation(ID),
            Said::Note("the model is asked again: server_error".to_owned()),
            Said::Tool("Bash".to_owned()),
            text("STUB"),
            Said::Done { turns: Some(2) }
        ]
    );
}

#[test]
fn claudes_error_results_are_none_even_those_that_say_success() {
    let unknown = r#"{"type":"result","subtype":"error_during_execution","is_error":true,"num_turns":0,"session_id":"22222222-2222-4222-8222-222222222222","errors":["No conversation found with session ID: 22222222-2222-4222-8222-222222222222"]}"#;
    let why = "No conversation found with session ID: 22222222-2222-4222-8222-222222222222";
    assert_eq!(said("claude", &[unknown]), [failed(why, Some(0))], "the id that was asked for is no conversation");
    let login = r#"{"type":"result","subtype":"success","is_error":true,"num_turns":1,"result":"Not logged in"}"#;
    assert_eq!(said("claude", &[login]), [failed("Not logged in", Some(1))]);
    let silent = r#"{"type":"result","subtype":"success"}"#;
    assert_eq!(said("claude", &[silent]), [failed("success", None)], "what does not say `no error` is one");
}

#[test]
fn codex_is_done_when_a_turn_is_and_an_error_item_is_only_a_note() {
    let started = r#"{"type":"thread.started","thread_id":"01a1f922-97f2-7270-95c4-f80c4f57d416"}"#;
    let note =
        r#"{"type":"item.completed","item":{"id":"item_0","type":"error","message":"Model metadata not found"}}"#;
    let tool = r#"{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"ls","status":"in_progress"}}"#;
    let answer = r#"{"type":"item.completed","item":{"id":"item_2","type":"agent_message","text":"STUB"}}"#;
    let done = r#"{"type":"turn.completed","usage":{"input_tokens":10,"output_tokens":5}}"#;
    assert_eq!(
        said("codex", &[started, note, tool, answer, done]),
        [
            conversation("01a1f922-97f2-7270-95c4-f80c4f57d416"),
            Said::Note("Model metadata not found".to_owned()),
            Said::Tool("ls".to_owned()),
            text("STUB"),
            Said::Done { turns: Some(1) }
        ]
    );
    let again = r#"{"type":"error","message":"Reconnecting... 1/1"}"#;
    let over = r#"{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized"}}"#;
    let last = said("codex", &[started, again, over]).pop();
    assert_eq!(last, Some(failed("unexpected status 401 Unauthorized", Some(0))));
}

#[test]
fn opencode_tells_its_conversation_with_every_event_and_a_step_with_tools_is_not_the_end() {
    let step = r#"{"type":"step_finish","sessionID":"ses_a","part":{"reason":"tool-calls","type":"step-finish"}}"#;
    let tool = r#"{"type":"tool_use","sessionID":"ses_a","part":{"type":"tool","tool":"bash"}}"#;
    let answer = r#"{"type":"text","sessionID":"ses_a","part":{"type":"text","text":"STUB"}}"#;
    let done = r#"{"type":"step_finish","sessionID":"ses_a","part":{"reason":"stop","type":"step-finish"}}"#;
    let id = || conversation("ses_a");
    assert_eq!(
        said("opencode", &[tool, step, answer, done]),
        [id(), Said::Tool("bash".to_owned()), id(), id(), text("STUB"), id(), Said::Done { turns: Some(2) }]
    );
    let error = r#"{"type":"error","sessionID":"ses_a","error":{"name":"APIError","data":{"message":"no"}}}"#;
    assert_eq!(said("opencode", &[error]), [id(), failed("no", Some(0))]);
    let list = agent("opencode").catalogue().unwrap().read;
    let known = list(r#"[{"id":"ses_a","title":"key","updated":1,"created":1,"projectId":"global","directory":"/w"}]"#);
    assert_eq!(
        (known[0].id.as_str(), known[0].title.as_str(), known[0].folder.as_path()),
        ("ses_a", "key", Path::new("/w"))
    );
    assert_eq!(list("\u{1b}[31mno list"), []);
}

#[test]
fn pi_has_failed_when_its_last_answer_is_an_error_and_keeps_nothing_before_the_first() {
    let session = r#"{"type":"session","version":3,"id":"01a1f922-da66-7992-bd7e-bbb42b566f64","cwd":"/w"}"#;
    let answer = r#"{"type":"message_end","message":{"role":"assistant","content":[{"type":"text","text":"STUB"}],"stopReason":"stop"}}"#;
    let error = r#"{"type":"message_end","message":{"role":"assistant","content":[],"stopReason":"error","errorMessage":"401 stub"}}"#;
    let turn = r#"{"type":"turn_end","toolResults":[]}"#;
    let end = r#"{"type":"agent_end","messages":[]}"#;
    let id = || conversation("01a1f922-da66-7992-bd7e-bbb42b566f64");
    let (heard, memory) = read("pi", &[session, answer, turn, end]);
    assert_eq!(heard, [id(), text("STUB"), Said::Done { turns: Some(1) }]);
    assert!(agent("pi").keeps(&memory));
    assert_eq!(said("pi", &[session, error, turn, end]), [id(), failed("401 stub", Some(1))]);
    // It asks again by itself.
    let twice = said("pi", &[session, error, turn, end, answer, turn, end]).pop();
    assert_eq!(twice, Some(Said::Done { turns: Some(2) }));
    assert_eq!(said("pi", &[session, end]).pop(), Some(failed("the model was not asked", Some(0))));
    let (_, memory) = read("pi", &[session]);
    assert!(!agent("pi").keeps(&memory), "its file is written with the first answer");
    assert!(agent("claude").keeps(&memory));
}

#[test]
fn gemini_says_how_it_ended_in_its_status() {
    let init = r#"{"type":"init","session_id":"11111111-1111-4111-8111-111111111111","model":"auto"}"#;
    let asked = r#"{"type":"message","role":"user","content":"do it"}"#;
    let answer = r#"{"type":"message","role":"assistant","content":"STUB","delta":true}"#;
    let done = r#"{"type":"result","status":"success","stats":{}}"#;
    assert_eq!(
        said("gemini", &[init, asked, answer, done]),
        [conversation(ID), Said::Text("STUB".to_owned()), Said::Done { turns: None }]
    );
    let error =
        r#"{"type":"result","status":"error","error":{"type":"unknown","message":"[API Error: 401]"},"stats":{}}"#;
    assert_eq!(said("gemini", &[error]), [failed("[API Error: 401]", None)]);
}

#[test]
fn what_is_no_id_is_not_taken_for_one() {
    for bad in ["", "-x", "../x", "a b", "a\u{1b}", "\u{e4}", &"x".repeat(129)] {
        assert!(!is_plain_id(bad), "{bad:?}");
        let line = json!({ "type": "init", "session_id": bad });
        assert_eq!(agent("gemini").read(&line, &mut Memory::default()), []);
    }
    // Each of these would go on with another conversation than the one that is meant.
    for (name, bad) in [
        ("codex", "01a1f922"),
        ("codex", "my-thread"),
        ("claude", "abc"),
        ("pi", "01a1"),
        ("gemini", "1"),
        ("gemini", "latest"),
        ("opencode", ID),
    ] {
        assert!(!agent(name).fits(bad), "{name} {bad}");
    }
    for name in ["codex", "claude", "pi", "gemini"] {
        assert!(agent(name).fits(ID), "{name}");
    }
    assert!(agent("opencode").fits("ses_e06dd517bffeanggnoh5jToyC9"));
}

#[test]
fn a_uuid_of_ours_is_version_4_and_case_tells_no_two_apart() {
    assert_eq!(uuid_v4([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!(uuid_v4([0; 16]), "00000000-0000-4000-8000-000000000000");
    assert!(is_uuid(&uuid_v4([7; 16])));
    assert!(is_same_id("AAAAAAAA-1111-4111-8111-111111111111", "aaaaaaaa-1111-4111-8111-111111111111"));
    assert!(!is_same_id("ses_A", "ses_a"));
}

#[test]
fn words_that_name_a_conversation_are_not_the_users_to_give() {
    for (name, word) in
        [("claude", "--resume=x"), ("claude", "-c"), ("codex", "resume"), ("opencode", "--dir"), ("pi", "--fork")]
    {
        let more = ["--verbose".into(), OsString::from(word)];
        assert_eq!(reserved_word(agent(name), &more).unwrap(), word, "{name}");
    }
    for one in ALL {
        assert_eq!(reserved_word(one, &["--allowed-tools".into(), "Bash".into()]), None);
    }
}

#[test]
fn versions_are_found_in_what_programs_print() {
    assert_eq!(Version::find("2.1.197 (Claude Code)\n"), Some(Version(2, 1, 197)));
    assert_eq!(Version::find("codex-cli 0.169.0"), Some(Version(0, 169, 0)));
    assert_eq!(Version::find("v1.2.3-beta.1"), Some(Version(1, 2, 3)));
    assert_eq!(Version::find("error: 12"), None);
    assert!(Version(0, 76, 0) > Version(0, 9, 9));
}

#[test]
fn lines_come_whole_however_they_are_cut_and_what_is_no_json_is_counted() {
    let mut lines = Lines::default();
    let input = "{\"a\":1}\r\n\n\u{1b}[91mError\u{1b}[0m\n[1]\n{\"b\":\"\u{e4}\"}\nmore\nand more\n{\"last\":true}";
    let mut events: Vec<Value> = Vec::new();
    for byte in input.as_bytes() {
        events.extend(lines.push(&[*byte]));
    }
    events.extend(lines.finish());
    assert_eq!(events, [json!({ "a": 1 }), json!({ "b": "\u{e4}" }), json!({ "last": true })]);
    assert_eq!((lines.tally.lines, lines.tally.malformed, lines.tally.long), (7, 4, 0));
    assert_eq!(lines.tally.samples.len(), SAMPLES_MAX);
    assert_eq!(lines.tally.bytes, input.len() as u64);
}

#[test]
fn of_a_line_that_is_too_long_only_the_type_is_known() {
    let mut lines = Lines::default();
    let part = vec![b'x'; 1 << 20];
    assert_eq!(lines.push(b"{\"type\":\"agent_end\",\"messages\":\""), [] as [Value; 0]);
    for _ in 0..20 {
        assert_eq!(lines.push(&part), [] as [Value; 0]);
        assert!(lines.line.len() <= LINE_BYTES_MAX);
    }
    assert_eq!(lines.push(b"\"}\n{\"type\":\"next\"}\n"), [json!({ "type": "agent_end" }), json!({ "type": "next" })]);
    assert_eq!((lines.tally.lines, lines.tally.long, lines.tally.malformed), (2, 1, 0));
}
