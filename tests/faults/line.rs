//! Lines that misbehave: a wrapper before git's server programs for pipes, and a proxy before servers behind a port.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::script;
use crate::world::{Agent, World};

/// `line receive-pack|upload-pack <path>`: does what the file `fault` says (`<word> <number> once|always`), and leaves a
/// file `hit` where something was done. The server's first words are as long as they are when nobody asks anything.
pub(crate) const LINE: &str = r#"
root='ROOT'; service=$1; shift
serve() { git "$service" "$@"; }
read -r on fault number often 2>/dev/null < "$root/fault" || exec git "$service" "$@"
[ "$on" = "$service" ] || exec git "$service" "$@"
if [ "$often" = once ]; then mv "$root/fault" "$root/used" 2>/dev/null || exec git "$service" "$@"; fi
: > "$root/hit"
held() { while [ -d "$root" ] && [ ! -e "$root/mended" ]; do sleep 0.05; done; }
first=$(serve "$@" < /dev/null 2>/dev/null | wc -c)
first_words() { dd bs=1 count="$first" 2>/dev/null; }
case $fault in
    dead) exit 1 ;;
    rubbish) head -c 300 /dev/urandom ;;
    mute) held ;;
    short) serve "$@" < /dev/null | dd bs=1 count="$number" 2>/dev/null ;;
    deaf) serve "$@" < /dev/null ;;
    half) dd bs=1 count="$number" 2>/dev/null | serve "$@" ;;
    cut) serve "$@" | dd bs=1 count=$((first + number)) 2>/dev/null ;;
    all) serve "$@" | dd bs=1 count="$number" 2>/dev/null ;;
    twice) serve "$@" | { first_words; cat > "$root/reply"; cat "$root/reply" "$root/reply"; } ;;
    noise) serve "$@" | { first_words; cat > /dev/null; head -c 300 /dev/urandom; } ;;
    noise-unasked) serve "$@" < /dev/null; head -c 300 /dev/urandom ;;
    noise-rubbish|deaf-rubbish)
        # The first connection is heard or not, and all after it meet somebody else.
        if mkdir "$root/turn" 2>/dev/null; then
            case $fault in
                noise*) serve "$@" | { first_words; cat > /dev/null; head -c 300 /dev/urandom; } ;;
                *) serve "$@" < /dev/null ;;
            esac
        else
            head -c 300 /dev/urandom
        fi ;;
    late) sleep 0.2; { sleep 0.2; cat; } | serve "$@" | { first_words; sleep 0.2; cat; } ;;
    stalled) serve "$@" | { first_words; cat > /dev/null; held; } ;;
    stalled-unasked) { held; cat > /dev/null; } | serve "$@" ;;
    turn)
        # Who comes first is heard last.
        if mkdir "$root/turn" 2>/dev/null; then
            { while [ -d "$root" ] && [ ! -e "$root/second" ]; do sleep 0.02; done; cat; } | serve "$@"
        else
            serve "$@"; : > "$root/second"
        fi ;;
esac
"#;

/// Which of git's programs a fault is before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    Receive,
    Upload,
}

/// Whether a fault passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Often {
    Once,
    Always,
}

/// A wrapper before the programs of a world's remote.
pub(crate) struct Line {
    root: PathBuf,
    program: PathBuf,
}

impl Line {
    pub(crate) fn of(world: &World) -> Self {
        let (root, program) = (world.root.clone(), world.root.join("line"));
        script(&program, &LINE.replace("ROOT", &root.display().to_string()));
        Self { root, program }
    }

    /// Lets a clone speak to its remote through this line.
    pub(crate) fn before(&self, agent: &Agent) {
        for service in ["receive-pack", "upload-pack"] {
            let key = format!("remote.origin.{}", service.replace('-', ""));
            agent.git(&["config", &key, &format!("{} {service}", self.program.display())]);
        }
    }

    /// What the line does from now on.
    pub(crate) fn set(&self, service: Service, fault: &str, number: usize, often: Often) {
        self.mend();
        let service = match service {
            Service::Receive => "receive-pack",
            Service::Upload => "upload-pack",
        };
        let often = if often == Often::Once { "once" } else { "always" };
        for old in ["mended", "hit", "second"] {
            let _ = fs::remove_file(self.root.join(old));
        }
        let _ = fs::remove_dir(self.root.join("turn"));
        let half = self.root.join("fault.half");
        fs::write(&half, format!("{service} {fault} {number} {often}\n")).unwrap();
        fs::rename(half, self.root.join("fault")).unwrap();
    }

    /// It works again, and what hung ends.
    pub(crate) fn mend(&self) {
        let _ = fs::remove_file(self.root.join("fault"));
        fs::write(self.root.join("mended"), "").unwrap();
    }

    /// Whether the fault was met.
    pub(crate) fn was_hit(&self) -> bool {
        self.root.join("hit").exists()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.mend();
    }
}

/// What a proxy does to a connection on which something is pushed, or to any where it cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Nobody takes the connection.
    Closed,
    /// The request does not get through.
    Unheard,
    /// So many bytes of the answer do.
    Answer(usize),
    /// So many bytes of what is sent do.
    Request(usize),
    /// The answer is another.
    Noise,
    /// The answer comes twice.
    Twice,
    /// The answer never comes.
    Stalled,
    /// Everything takes so long.
    Late(Duration),
}

/// How a proxy knows what a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watches {
    /// The http request that pushes, and its answer.
    HttpPush,
    /// Every connection, from its first byte.
    Everything,
}

struct Rule {
    fault: Fault,
    often: Often,
    hit: bool,
}

/// A proxy on the loopback interface; stopped when dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    rule: Arc<Mutex<Rule>>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) fn before(server: u16, watches: Watches) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let rule = Arc::new(Mutex::new(Rule { fault: Fault::None, often: Often::Always, hit: false }));
        let stop = Arc::new(AtomicBool::new(false));
        let (rules, stopped) = (Arc::clone(&rule), Arc::clone(&stop));
        let accepting = std::thread::spawn(move || {
            for client in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                let (rules, stopped) = (Arc::clone(&rules), Arc::clone(&stopped));
                std::thread::spawn(move || {
                    // Whoever hangs up has hung up.
                    let _ = Relay { rules, stopped, watches }.run(&client, server);
                });
            }
        });
        Self { port, rule, stop, accepting: Some(accepting) }
    }

    pub(crate) fn set(&self, fault: Fault, often: Often) {
        *self.rule.lock().unwrap() = Rule { fault, often, hit: false };
    }

    pub(crate) fn mend(&self) {
        self.rule.lock().unwrap().fault = Fault::None;
    }

    pub(crate) fn was_hit(&self) -> bool {
        self.rule.lock().unwrap().hit
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

struct Relay {
    rules: Arc<Mutex<Rule>>,
    stopped: Arc<AtomicBool>,
    watches: Watches,
}

impl Relay {
    /// The fault for what begins now; one that comes once is gone with that.
    fn fault(&self) -> Fault {
        let mut rule = self.rules.lock().unwrap();
        let fault = rule.fault;
        if fault != Fault::None {
            rule.hit = true;
            if rule.often == Often::Once {
                rule.fault = Fault::None;
            }
        }
        fault
    }

    fn run(&self, client: &TcpStream, server: u16) -> io::Result<()> {
        let began = if self.watches == Watches::Everything { self.fault() } else { Fault::None };
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
        let current = Mutex::new((began, 0_usize));
        let result = std::thread::scope(|scope| {
            let back = scope.spawn(|| self.answer(&server, client, &current));
            let forth = self.request(client, &server, &current);
            let _ = server.shutdown(Shutdown::Write);
            if forth.is_err() {
                let _ = server.shutdown(Shutdown::Both);
            }
            back.join().unwrap().and(forth)
        });
        let _ = client.shutdown(Shutdown::Both);
        result
    }

    fn hold(&self) {
        while !self.stopped.load(Ordering::SeqCst) && self.rules.lock().unwrap().fault != Fault::None {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the client sends.
    fn request(
        &self,
        mut client: &TcpStream,
        mut server: &TcpStream,
        current: &Mutex<(Fault, usize)>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 65536];
        let mut sent = 0;
        loop {
            let count = client.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let bytes = &buffer[..count];
            // One request after the other; the first bytes of one come together.
            if self.watches == Watches::HttpPush
                && bytes.starts_with(b"POST ")
                && bytes.windows(20).take(200).any(|part| part == b"/git-receive-pack HT")
            {
                *current.lock().unwrap() = (self.fault(), 0);
                sent = 0;
            }
            let fault = current.lock().unwrap().0;
            match fault {
                Fault::Closed | Fault::Unheard => return Err(io::ErrorKind::ConnectionReset.into()),
                Fault::Request(most) if sent + count > most => {
                    server.write_all(&bytes[..most.saturating_sub(sent)])?;
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                Fault::Late(pause) => std::thread::sleep(pause),
                _ => {}
            }
            sent += count;
            server.write_all(bytes)?;
        }
    }

    /// What the server answers.
    fn answer(
        &self,
        mut server: &TcpStream,
        mut client: &TcpStream,
        current: &Mutex<(Fault, usize)>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 65536];
        loop {
            let count = server.read(&mut buffer)?;
            let bytes = &buffer[..count];
            let (fault, already) = *current.lock().unwrap();
            if count == 0 {
                if fault == Fault::Stalled {
                    self.hold();
                }
                let _ = client.shutdown(Shutdown::Both);
                return Ok(());
            }
            current.lock().unwrap().1 += count;
            match fault {
                Fault::Answer(most) if already + count > most => {
                    client.write_all(&bytes[..most.saturating_sub(already)])?;
                    // Both ways, or the client's side would wait for ever.
                    let _ = client.shutdown(Shutdown::Both);
                    // The server acts on what it was asked all the same.
                    io::copy(&mut server, &mut io::sink())?;
                    return Ok(());
                }
                Fault::Noise => {
                    let noise: Vec<u8> = (0..count).map(|_| fastrand::u8(..)).collect();
                    client.write_all(&noise)?;
                }
                Fault::Twice => {
                    client.write_all(bytes)?;
                    client.write_all(bytes)?;
                }
                Fault::Stalled => self.hold(),
                Fault::Late(pause) => {
                    std::thread::sleep(pause);
                    client.write_all(bytes)?;
                }
                _ => client.write_all(bytes)?,
            }
        }
    }
}
