//! A real sshd on the loopback interface, with keys and configuration of its own, stopped when dropped.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{skipped, wait_until};

/// A running sshd, and the client configuration that reaches it.
pub(crate) struct Sshd {
    server: Child,
    dir: PathBuf,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Sshd {
    /// Starts one in `dir`; none, with a word why, where there is no sshd.
    pub(crate) fn start(dir: &Path) -> Option<Self> {
        let Some(sshd) = find("sshd") else {
            skipped("ssh", "there is no sshd");
            return None;
        };
        // sshd run by the superuser wants this folder, which the service manager makes at boot where there is one.
        if rustix::process::geteuid().is_root() {
            let _ = std::fs::create_dir_all("/run/sshd");
        }
        for key in ["host", "user", "stranger"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"])
                .arg(dir.join(key))
                .status();
            assert!(made.unwrap().success(), "ssh-keygen failed");
        }
        std::fs::copy(dir.join("user.pub"), dir.join("authorized")).unwrap();
        // Another program may take the port between the two binds; then sshd does not start and the next is tried.
        for _ in 0..10 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            if let Some(server) = serve(&sshd, dir, port) {
                let running = Self { server, dir: dir.to_owned(), port };
                running.configure_client();
                return Some(running);
            }
        }
        panic!("sshd does not start: {}", std::fs::read_to_string(dir.join("sshd.log")).unwrap_or_default());
    }

    /// The client's configuration file, in which the alias `board` means this server.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    /// Lets whoever comes in run this command, whatever was asked for.
    pub(crate) fn force(&self, command: &str) {
        let key = std::fs::read_to_string(self.dir.join("user.pub")).unwrap();
        std::fs::write(self.dir.join("authorized"), format!("command=\"{command}\",no-pty {key}")).unwrap();
    }

    /// Lets the client present a key that the server does not know.
    pub(crate) fn use_unknown_key(&self) {
        let config = std::fs::read_to_string(self.config()).unwrap();
        let (known, unknown) = (self.dir.join("user"), self.dir.join("stranger"));
        let config = config.replace(&known.display().to_string(), &unknown.display().to_string());
        std::fs::write(self.config(), config).unwrap();
    }

    /// Lets the client expect another host key.
    pub(crate) fn forget_host_key(&self) {
        std::fs::write(self.dir.join("known"), "").unwrap();
    }

    fn configure_client(&self) {
        let dir = self.dir.display();
        let host_key = std::fs::read_to_string(self.dir.join("host.pub")).unwrap();
        std::fs::write(self.dir.join("known"), format!("[127.0.0.1]:{} {host_key}", self.port)).unwrap();
        let who = Command::new("id").arg("-un").output().unwrap().stdout;
        let who = String::from_utf8_lossy(&who).trim().to_owned();
        let config = format!(
            "Host board 127.0.0.1\n  HostName 127.0.0.1\n  Port {}\n  User {who}\n  IdentityFile {dir}/user\n  \
             IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {dir}/known\n  \
             GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  UpdateHostKeys no\n  KexAlgorithms curve25519-sha256\n",
            self.port
        );
        std::fs::write(self.config(), config).unwrap();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn serve(sshd: &Path, dir: &Path, port: u16) -> Option<Child> {
    let shown = dir.display();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {shown}/host\nAuthorizedKeysFile {shown}/authorized\n\
         PidFile none\nStrictModes no\nUsePAM no\nUseDNS no\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\nKexAlgorithms curve25519-sha256\n"
    );
    let file = dir.join("sshd_config");
    std::fs::write(&file, config).unwrap();
    let mut server = Command::new(sshd)
        .args(["-D", "-f"])
        .arg(&file)
        .arg("-E")
        .arg(dir.join("sshd.log"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut failed = false;
    wait_until("sshd", || {
        failed = server.try_wait().unwrap().is_some();
        failed || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    });
    (!failed).then_some(server)
}

/// sshd insists on being started by its full path, and is often in a folder that is not on PATH.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}
