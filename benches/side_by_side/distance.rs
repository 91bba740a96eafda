//! A remote far away: bytes are carried both ways unchanged, each way as late as it takes, however many are under way;
//! and counted.
//!
//! In front of a path remote it is a pipe (this program as `remote.origin.receivepack` and `uploadpack`), in front of
//! ssh and http a proxy on the loopback interface. Bandwidth is not limited.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::world::World;

/// The first argument that makes this program a pipe.
pub(crate) const PIPE: &str = "pipe";

/// Sums over all connections.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) connections: AtomicU64,
    pub(crate) up: AtomicU64,
    pub(crate) down: AtomicU64,
}

/// Carries until there is no more; what comes before `open` counts as come at `open`.
fn carry(mut from: impl Read + Send + 'static, mut to: impl Write, open: Instant, way: Duration, sum: &AtomicU64) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        loop {
            // Whoever resets a connection has nothing more to say.
            let length = from.read(&mut buffer).unwrap_or(0);
            let sent = sender.send((Instant::now().max(open), buffer[..length].to_vec()));
            if length == 0 || sent.is_err() {
                return;
            }
        }
    });
    for (came, bytes) in receiver {
        std::thread::sleep((came + way).saturating_duration_since(Instant::now()));
        if bytes.is_empty() || to.write_all(&bytes).and_then(|()| to.flush()).is_err() {
            return;
        }
        sum.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

/// This program as a pipe: `pipe <log> <milliseconds each way> <server program> <repository>`.
pub(crate) fn pipe(arguments: &[String]) -> i32 {
    let [log, way, program, repository] = arguments else { return 2 };
    let way = Duration::from_millis(way.parse().unwrap());
    let began = Instant::now();
    // The request itself is under way before anything runs over there.
    std::thread::sleep(way);
    let mut command = Command::new("git");
    command.args([program, repository]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let traffic = Arc::new(Traffic::default());
    let counted = Arc::clone(&traffic);
    std::thread::spawn(move || carry(std::io::stdin(), input, began, way, &counted.up));
    carry(output, std::io::stdout(), began, way, &traffic.down);
    let status = server.wait().unwrap();
    let (up, down) = (traffic.up.load(Ordering::Relaxed), traffic.down.load(Ordering::Relaxed));
    let mut log = OpenOptions::new().create(true).append(true).open(log).unwrap();
    log.write_all(format!("{program} {up} {down}\n").as_bytes()).unwrap();
    status.code().unwrap_or(1)
}

/// Puts the pipe between `clone` and its path remote.
pub(crate) fn put_pipe(world: &World, clone: &Path, way: Duration, log: &Path) {
    let own = std::env::current_exe().unwrap();
    let (own, log, way) = (own.display(), log.display(), way.as_millis());
    for program in ["receive-pack", "upload-pack"] {
        let key = format!("remote.origin.{}", program.replace('-', ""));
        world.configure(clone, &key, &format!("'{own}' {PIPE} '{log}' {way} {program}"));
    }
}

/// What the pipe carried: connections, bytes to the server, bytes from it.
pub(crate) fn piped(log: &Path) -> [u64; 3] {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let sum = |at| text.lines().filter_map(|line| line.split(' ').nth(at)?.parse::<u64>().ok()).sum();
    [text.lines().count() as u64, sum(1), sum(2)]
}

/// A proxy in front of a port of this machine; stopped when dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) traffic: Arc<Traffic>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn start(server: u16, way: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (traffic, stop) = (Arc::new(Traffic::default()), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (Arc::clone(&traffic), Arc::clone(&stop));
        let accepting = std::thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(client) = client {
                    connect(client, server, way, &counted);
                }
            }
        });
        Self { port, traffic, stop, accepting: Some(accepting) }
    }

    pub(crate) fn carried(&self) -> [u64; 3] {
        [&self.traffic.connections, &self.traffic.up, &self.traffic.down].map(|sum| sum.load(Ordering::Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn connect(client: TcpStream, server: u16, way: Duration, traffic: &Arc<Traffic>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { return };
    traffic.connections.fetch_add(1, Ordering::Relaxed);
    let began = Instant::now();
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
    let [from_client, from_server] = ends;
    let (up, down) = (Arc::clone(traffic), Arc::clone(traffic));
    // On a real line the client may speak once its greeting has been answered, and the server once it has got that.
    std::thread::spawn(move || {
        carry(from_client, &server, began + 2 * way, way, &up.up);
        let _ = server.shutdown(Shutdown::Write);
    });
    std::thread::spawn(move || {
        carry(from_server, &client, began + way, way, &down.down);
        let _ = client.shutdown(Shutdown::Write);
    });
}
