//! Where processes of several clones meet: a folder that nobody else may write to, and in it a place for who reaches the
//! same server in the same way and as the same person. What one could not push, another shall not push for it.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::lookout::Lookout;
use super::options::{Meeting, Rehearsal};
use super::private::{Private, key};
use super::queue::{Queue, Reach};
use super::{Core, Error};
use crate::domain::settings::{Combine, Key};
use crate::domain::time::Timestamp;

/// A queue that nobody was in for so long is of a remote that is gone, of other settings, or of an earlier start of the
/// machine.
const UNUSED_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

impl Core {
    /// The queue before the remote at `url` that this process waits in.
    pub(super) fn queue(&self, url: &str) -> Result<Queue, Error> {
        let common_dir = &self.options.place.common_dir;
        let home = format!("{} {}", common_dir.display(), identity(common_dir).unwrap_or_default());
        if self.options.layers.combine()? == Combine::Host
            && self.options.rehearsal == Rehearsal::Real
            && self.has_remote()
            && let Some(meeting) = &self.options.meeting
            && let Some(reached_by) = self.reached_by(url, meeting)
        {
            let name = key(&reached_by);
            if let Some(folder) = place(&meeting.folder, &name, self.clock.now()) {
                let queue = Queue::of(Private::at(folder), &name, &home, Reach::Host);
                // In a sandbox it may be there and read-only.
                if Lookout::at(&queue).is_ok() {
                    return Ok(queue);
                }
            }
        }
        Ok(Queue::of(self.private.clone(), url, &home, Reach::Clone))
    }

    /// Where the remote is, how it is reached and as whom: whatever may make a difference to what a push may do, or to
    /// where it goes. `None` where the machine does not say which of its starts this is: what is in a queue is believed,
    /// and a power cut may leave half of it.
    fn reached_by(&self, url: &str, meeting: &Meeting) -> Option<String> {
        let remote = format!("remote.{}.", self.options.layers.local(Key::Remote));
        let top = self.options.place.top.as_deref().unwrap_or(&self.options.place.common_dir);
        let path = top.join(url);
        let mut with_suffix = path.clone().into_os_string();
        with_suffix.push(".git");
        let path = [path, with_suffix.into()].iter().find_map(|path| identity(path));
        let is_path = path.is_some();
        let says = |key: &str| {
            let own = key.strip_prefix(&remote);
            let of_remote = own.is_some_and(|key| {
                ["proxy", "proxyauthmethod", "receivepack", "uploadpack"].contains(&key)
                    // Different clones may call the same folder differently.
                    || (!is_path && ["url", "pushurl"].contains(&key))
            });
            let section = key.split_once('.').map_or(key, |(section, _)| section);
            of_remote
                || ["credential", "http", "https", "ssh", "protocol", "url"].contains(&section)
                || ["core.sshcommand", "core.askpass", "core.gitproxy", "session.transport"].contains(&key)
        };
        let config: Vec<(&str, &str)> = self.options.git_config.iter().filter(|(key, _)| says(key)).collect();
        let words = config.iter().map(|(_, value)| *value).chain(self.options.ssh_command.as_deref());
        // What is found from where the clone is, is another file in each.
        let is_from_here = words.flat_map(str::split_whitespace).any(|word| {
            let word = word.trim_matches(['"', '\'', '!', ';', '=']);
            !word.is_empty() && !Path::new(word).is_absolute() && top.join(word).exists()
        });
        let here = if is_from_here { top.display().to_string() } else { String::new() };
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let network = fs::read_link("/proc/self/ns/net").ok()?;
        let place = path.unwrap_or_else(|| url.to_owned());
        let watched = format!("watched: {}", self.options.watched);
        let machine = format!("{} {boot} {}", self.options.host, network.display());
        let said = config.iter().map(|(key, value)| format!("{}={value}", key.strip_prefix(&remote).unwrap_or(key)));
        let lines = [machine, place, here, watched].into_iter().chain(meeting.surroundings.iter().cloned()).chain(said);
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// What tells a file or folder of this machine from every other.
fn identity(path: &Path) -> Option<String> {
    fs::metadata(path).ok().map(|data| format!("{}:{}", data.dev(), data.ino()))
}

/// The folder of the queue `name`, where nobody else can be: it and the folder of all queues belong to this user, are no
/// links, and nobody else may look or write there. They are made if need be.
fn place(meeting: &Path, name: &str, now: Timestamp) -> Option<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let ours = |path: &Path| fs::symlink_metadata(path).ok().filter(|data| data.is_dir() && data.uid() == own);
    let queues = meeting.join("queues");
    if ours(meeting).is_none() {
        // Not in somebody else's folder, as `sudo` may have it: it would be in their way.
        let parent = meeting.ancestors().skip(1).find(|path| path.symlink_metadata().is_ok());
        parent.and_then(ours)?;
    }
    let folder = queues.join(name);
    let is_new = fs::symlink_metadata(&folder).is_err();
    let _ = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    for path in [meeting, &queues, &folder] {
        ours(path).filter(|data| data.mode() & 0o077 == 0)?;
    }
    if is_new {
        sweep(&queues, now);
    }
    mark_used(&folder, now);
    Some(folder)
}

/// Dates a queue's folder, which nothing else does.
fn mark_used(folder: &Path, now: Timestamp) {
    if age(folder, now).is_none_or(|age| age > UNUSED_MAX / 30)
        && let Ok(open) = fs::File::open(folder)
    {
        let now = Duration::from_secs(now.unix().unsigned_abs());
        // Who cannot date it is in it all the same.
        let _ = open.set_modified(SystemTime::UNIX_EPOCH + now);
    }
}

fn age(path: &Path, now: Timestamp) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).ok()?.mtime();
    u64::try_from(now.unix() - modified).ok().map(Duration::from_secs)
}

/// A queue is new: those beside it that nobody has been in for long are taken away.
fn sweep(queues: &Path, now: Timestamp) {
    for entry in fs::read_dir(queues).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_str().unwrap_or_default();
        let is_queue = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_queue || age(&path, now).is_none_or(|age| age < UNUSED_MAX) {
            continue;
        }
        let queue = Queue::of(Private::at(path.clone()), name, "", Reach::Host);
        // Who leads is in it, however long ago it came.
        let lead = Lookout::at(&queue).and_then(|lookout| lookout.lead());
        if let Ok(Some(_lead)) = lead {
            let _ = super::sweep::remove(&path);
        }
    }
}
