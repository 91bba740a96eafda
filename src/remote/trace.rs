//! What went over the wire when the `git` executable was at work: its exit status says no more than that it failed.
//!
//! Requests and status codes are read from git's own traces (`GIT_TRACE_CURL`, `GIT_TRACE_PACKET`; git(1)), written
//! to a file that only this user can read, with secrets left out by git and bodies left out altogether.

use std::fs;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::process::{ProcessError, Program};

use super::masked::without_credentials;
use super::outcome::{RemoteFault, SyncError};

/// A trace that one run of git writes; gone when dropped.
#[derive(Debug)]
pub(super) struct Trace(NamedTempFile);

/// What a trace says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    requests: Vec<Request>,
    commands: bool,
    /// Whether git used http at all.
    curl: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// `POST /x.git/git-receive-pack`, say.
    line: String,
    status: Option<u16>,
}

impl Trace {
    pub(super) fn new(dir: &Path) -> std::io::Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix("trace-").tempfile_in(dir)?))
    }

    /// Has `program` write its http requests here.
    pub(super) fn http(&self, program: Program) -> Program {
        program
            .env("GIT_TRACE_CURL", self.0.path())
            .env("GIT_TRACE_CURL_NO_DATA", "1")
            .env("GIT_TRACE_REDACT", "1")
            .env_remove("GIT_CURL_VERBOSE")
    }

    /// Has `program` write its packets here too.
    pub(super) fn packets(&self, program: Program) -> Program {
        program.env("GIT_TRACE_PACKET", self.0.path())
    }

    /// What was written so far.
    pub(super) fn traffic(&self) -> Traffic {
        Traffic::parse(&String::from_utf8_lossy(&fs::read(self.0.path()).unwrap_or_default()))
    }
}

impl Traffic {
    fn parse(text: &str) -> Self {
        let mut traffic = Self::default();
        for line in text.lines() {
            traffic.curl |= line.contains("== Info: ");
            if let Some((_, header)) = line.split_once("=> Send header: ") {
                if let Some((line, _)) = header.rsplit_once(" HTTP/") {
                    traffic.requests.push(Request { line: line.to_owned(), status: None });
                }
            } else if let Some((_, header)) = line.split_once("<= Recv header: HTTP/") {
                let status = header.split(' ').nth(1).and_then(|status| status.trim().parse().ok());
                // 1xx announces the answer.
                if let (Some(request), Some(200..)) = (traffic.requests.last_mut(), status) {
                    request.status = status;
                }
            } else if let Some((_, packet)) = line.split_once(": push> ").or_else(|| line.split_once(" push> ")) {
                traffic.commands |= is_command(packet);
            }
        }
        traffic
    }

    /// Whether a request to move refs may have left this machine.
    pub(super) fn has_pushed(&self) -> bool {
        // Over http the packets are made before the request that carries them.
        if self.requests.is_empty() { self.commands } else { self.pushes().any(|request| !request.is_turned_away()) }
    }

    /// Whether a request to move refs was sent that never got an answer. curl sends a request again by itself when a
    /// kept connection dies under it, so an answer to a later one says nothing of this one.
    pub(super) fn has_unanswered_push(&self) -> bool {
        self.pushes().any(|request| request.status.is_none_or(|status| status >= 500))
    }

    fn pushes(&self) -> impl Iterator<Item = &Request> {
        self.requests
            .iter()
            .filter(|request| request.line.starts_with("POST ") && request.line.contains("git-receive-pack"))
    }

    /// Whether the server, or a proxy before it, turned us away.
    fn is_denied(&self) -> bool {
        self.requests.last().is_some_and(Request::is_turned_away)
    }

    /// Whether git used http and never came to ask the server for anything: it is not there, or is not trusted.
    pub(super) fn is_stopped_short(&self) -> bool {
        self.curl && self.requests.iter().all(Request::is_tunnel)
    }

    /// Whether a proxy let us through and nothing was asked of the server then.
    pub(super) fn is_let_through(&self) -> bool {
        self.requests.last().is_some_and(|request| request.is_tunnel() && request.status == Some(200))
    }

    /// The error of a run that ended with a failure before anything was asked to move.
    pub(super) fn refusal(&self, said: &str, url: &str) -> SyncError {
        let reason = without_credentials(said, url);
        if self.is_denied() { SyncError::Denied { reason } } else { SyncError::Offline { reason } }
    }

    /// The error of a run that did not come to its end.
    pub(super) fn broken(&self, error: ProcessError, url: &str) -> SyncError {
        match error {
            ProcessError::Deadline { ref stderr, .. } => {
                SyncError::Offline { reason: without_credentials(&format!("{error}: {}", stderr.trim()), url) }
            }
            ProcessError::Start { .. }
            | ProcessError::Output { .. }
            | ProcessError::Pipe { .. }
            | ProcessError::Failed { .. } => SyncError::Fault(RemoteFault::Process(error)),
        }
    }
}

impl Request {
    /// What a proxy is asked for before TLS begins.
    fn is_tunnel(&self) -> bool {
        self.line.starts_with("CONNECT ")
    }

    /// A status that another try will not change: the 4xx but for timeouts and "too many requests".
    fn is_turned_away(&self) -> bool {
        matches!(self.status, Some(400..=407 | 409..=424 | 426..=428 | 430..=499))
    }
}

/// `<old> <new> <ref>`: the first packet of a request to receive-pack.
fn is_command(packet: &str) -> bool {
    let mut words = packet.split(' ');
    let mut id =
        || words.next().is_some_and(|word| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit()));
    id() && id()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_their_last_status_are_read() {
        let text = "\
12:00:00.000001 http.c:845              => Send header: GET /x.git/info/refs?service=git-receive-pack HTTP/1.1
12:00:00.000001 http.c:845              => Send header: Host: 127.0.0.1:80
12:00:00.000002 http.c:845              <= Recv header: HTTP/1.1 200 OK
12:00:00.000003 http.c:845              => Send header: POST /x.git/git-receive-pack HTTP/1.1
12:00:00.000004 http.c:845              <= Recv header: HTTP/1.1 100 Continue
";
        let traffic = Traffic::parse(text);
        assert_eq!(traffic.requests.len(), 2);
        assert_eq!(traffic.requests[0].status, Some(200));
        assert!(traffic.has_pushed() && traffic.has_unanswered_push() && !traffic.is_denied());
        let refused = format!("{text}1 http.c:1 <= Recv header: HTTP/2 403 \n");
        let traffic = Traffic::parse(&refused);
        assert!(traffic.is_denied() && !traffic.has_pushed() && !traffic.has_unanswered_push());
    }

    #[test]
    fn a_command_on_its_way_is_seen() {
        let zero = "0".repeat(40);
        let line = format!("12:00:00.1 pkt-line.c:85            packet:         push> {zero} {zero} refs/heads/x");
        assert!(Traffic::parse(&line).has_pushed());
        assert!(!Traffic::parse("12:00:00.1 pkt-line.c:85 packet: push> 0000").has_pushed());
    }
}
