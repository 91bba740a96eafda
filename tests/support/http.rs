//! A small smart-http server: `git http-backend` (gitprotocol-http(5)) behind std threads, with basic authentication
//! and a reply that can be lost on purpose.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{skipped, wait_until};

/// What a client must send, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Basic authentication of `me` with `secret`.
    Basic,
    /// The header `X-Board: open`.
    Header,
}

/// `me:secret` in base64.
const BASIC: &str = "Basic bWU6c2VjcmV0";

/// A running server; stopped when dropped.
pub(crate) struct Http {
    /// Where it listens.
    pub(crate) port: u16,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    dir: PathBuf,
}

struct Site {
    root: PathBuf,
    backend: PathBuf,
    guard: Guard,
    dir: PathBuf,
}

impl Http {
    /// Serves the repositories below `root`; `dir` is for its own files. None, with a word why, where git has no
    /// http-backend.
    pub(crate) fn start(root: &Path, dir: &Path, guard: Guard) -> Option<Self> {
        let exec_path = super::git(root, &["--exec-path"]);
        let backend = Path::new(&exec_path).join("git-http-backend");
        if !backend.is_file() {
            skipped("http", "there is no git http-backend");
            return None;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let site = Arc::new(Site { root: root.to_owned(), backend, guard, dir: dir.to_owned() });
        let stopped = Arc::clone(&stop);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), site) = (stream, Arc::clone(&site)) else { continue };
                std::thread::spawn(move || {
                    // A client that goes away is the client's business.
                    let _ = site.serve(stream);
                });
            }
        });
        Some(Self { port, stop, accepting: Some(accepting), dir: dir.to_owned() })
    }

    /// Lets the server do what the next push asks, and close the connection instead of replying.
    pub(crate) fn lose_next_reply(&self) {
        fs::write(self.dir.join("lose-reply"), "").unwrap();
    }

    /// Lets the server lose every reply to a push.
    pub(crate) fn lose_replies(&self) {
        fs::write(self.dir.join("lose-replies"), "").unwrap();
    }

    /// Lets the server answer the next push with this status instead of serving it.
    pub(crate) fn answer_next_push(&self, status: &str) {
        fs::write(self.dir.join("answer"), status).unwrap();
    }

    /// Lets the server take connections and never say a word; gives the file that is there once it does so.
    pub(crate) fn hang(&self) -> PathBuf {
        fs::write(self.dir.join("hang"), "").unwrap();
        self.dir.join("hangs")
    }

    /// Whether it was told to hang.
    pub(crate) fn hangs(&self) -> bool {
        self.dir.join("hang").exists()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// An https server with a certificate of its own making; stopped when dropped.
pub(crate) struct Tls(Child);

impl Tls {
    /// Starts one; none, with a word why, where there is no `openssl`.
    pub(crate) fn start(dir: &Path, port: u16) -> Option<Self> {
        fs::create_dir_all(dir).unwrap();
        let mut make = Command::new("openssl");
        make.current_dir(dir).args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        make.args(["-nodes", "-keyout", "key", "-out", "certificate", "-subj", "/CN=localhost", "-days", "2"]);
        if !make.stdin(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            skipped("https certificates", "there is no openssl that makes one");
            return None;
        }
        let port = port.to_string();
        let mut serve = Command::new("openssl");
        serve.current_dir(dir).args([
            "s_server",
            "-quiet",
            "-www",
            "-key",
            "key",
            "-cert",
            "certificate",
            "-accept",
            &port,
        ]);
        let server = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("openssl", || TcpStream::connect(format!("127.0.0.1:{port}")).is_ok());
        Some(Self(server))
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One request, its body complete.
struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn is_push(&self) -> bool {
        self.method == "POST" && self.path.ends_with("git-receive-pack")
    }

    /// Reads one; `None` when the client has closed the connection.
    fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default().to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut request =
            Self { method, path: path.to_owned(), query: query.to_owned(), headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let Some((key, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((key.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if request.header("expect").is_some() {
            from.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            request.body = chunks(from)?;
        } else if let Some(length) = request.header("content-length").and_then(|value| value.parse().ok()) {
            request.body = vec![0; length];
            from.read_exact(&mut request.body)?;
        }
        Ok(Some(request))
    }
}

fn chunks(from: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length, 0);
        from.read_exact(&mut body[start..])?;
        from.read_line(&mut String::new())?;
        if length == 0 {
            return Ok(body);
        }
    }
}

impl Site {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(300)))?;
        let mut reader = BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader)? {
            if self.dir.join("hang").exists() {
                fs::write(self.dir.join("hangs"), "")?;
                // The client gives up first; this ends with its connection.
                let _ = reader.read_line(&mut String::new());
                return Ok(());
            }
            if !self.is_let_in(&request) {
                let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"board\"\r\n";
                reader.get_mut().write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes())?;
                continue;
            }
            if request.is_push()
                && let Ok(status) = fs::read_to_string(self.dir.join("answer"))
            {
                fs::remove_file(self.dir.join("answer"))?;
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                reader.get_mut().write_all(head.as_bytes())?;
                continue;
            }
            let reply = self.run(&request)?;
            let lost = request.is_push() && self.loses_reply();
            if lost {
                return Ok(());
            }
            reader.get_mut().write_all(&reply)?;
        }
        Ok(())
    }

    fn loses_reply(&self) -> bool {
        fs::remove_file(self.dir.join("lose-reply")).is_ok() || self.dir.join("lose-replies").exists()
    }

    fn is_let_in(&self, request: &Request) -> bool {
        match self.guard {
            Guard::Basic => request.header("authorization") == Some(BASIC),
            Guard::Header => request.header("x-board") == Some("open"),
        }
    }

    /// Runs the CGI program and turns what it prints into a response.
    fn run(&self, request: &Request) -> io::Result<Vec<u8>> {
        let mut command = Command::new(&self.backend);
        command
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REQUEST_METHOD", &request.method)
            .env("PATH_INFO", &request.path)
            .env("QUERY_STRING", &request.query)
            .env("REMOTE_USER", "me")
            .env("REMOTE_ADDR", "127.0.0.1")
            .env("CONTENT_LENGTH", request.body.len().to_string());
        for (header, variable) in [
            ("content-type", "CONTENT_TYPE"),
            ("content-encoding", "HTTP_CONTENT_ENCODING"),
            ("git-protocol", "GIT_PROTOCOL"),
        ] {
            if let Some(value) = request.header(header) {
                command.env(variable, value);
            }
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let body = request.body.clone();
        // It may answer before it has read everything.
        let writing = std::thread::spawn(move || stdin.write_all(&body));
        let output = child.wait_with_output()?;
        let _ = writing.join();
        Ok(response(&output.stdout))
    }
}

/// CGI output as an http response. One without a header is what is left of a server that was killed.
fn response(output: &[u8]) -> Vec<u8> {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = end.map_or((&b""[..], output), |end| (&output[..end], &output[end + 4..]));
    let head = String::from_utf8_lossy(head);
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let mut response = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for line in head.lines().filter(|line| !line.starts_with("Status: ") && !line.is_empty()) {
        response.push_str(&format!("{line}\r\n"));
    }
    let mut response = format!("{response}\r\n").into_bytes();
    response.extend_from_slice(body);
    response
}
