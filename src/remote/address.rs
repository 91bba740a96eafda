//! URLs as git reads them: which are paths, which are ssh, and which are for the `git` executable alone.
//!
//! Source: git's `connect.c` (`parse_connect_url`, `url_is_local_not_ssh`) and gitremote-helpers(7).

use std::path::{Path, PathBuf};

/// Where a URL leads, by the transport that leads there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A path on this machine; `~` is left for the server program to expand.
    Path(PathBuf),
    /// A host that ssh reaches.
    Ssh(SshAddress),
    /// Anything else: http, https, git, a remote helper.
    Other,
}

/// A host that ssh reaches, and the path there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshAddress {
    /// `user@host` or `host`, as ssh takes it.
    pub(super) host: String,
    /// The port, where the URL has one.
    pub(super) port: Option<u16>,
    /// The path as the server's shell gets it, before quoting.
    pub(super) path: String,
}

impl Address {
    /// Takes `url` apart; a relative path is below `top`. `Err` says what is wrong with it.
    pub(super) fn parse(url: &str, top: &Path) -> Result<Self, &'static str> {
        if url.chars().any(char::is_control) {
            return Err("it has a control character");
        }
        if has_helper(url) {
            return Ok(Self::Other);
        }
        if let Some((scheme, rest)) = url.split_once("://") {
            return match scheme {
                "file" => {
                    let path = &rest[rest.find('/').ok_or("it has no path")?..];
                    Ok(Self::Path(PathBuf::from(decoded(path)?)))
                }
                "ssh" | "git+ssh" | "ssh+git" => {
                    let rest = decoded(rest)?;
                    let slash = rest.find('/').ok_or("it has no path")?;
                    let (host, path) = rest.split_at(slash);
                    // `ssh://host/~user/x` is the home folder of `user`, as in `host:~user/x`.
                    let path = path.strip_prefix('/').filter(|path| path.starts_with('~')).unwrap_or(path);
                    let (host, port) = host_and_port(host)?;
                    ssh(host, port, path)
                }
                _ => Ok(Self::Other),
            };
        }
        let colon = scp_colon(url);
        match colon {
            Some(colon) => {
                let (host, port) = host_and_port_scp(&url[..colon])?;
                ssh(host, port, &url[colon + 1..])
            }
            None if url.is_empty() => Err("it is empty"),
            None if url.starts_with('~') => Ok(Self::Path(PathBuf::from(url))),
            None => Ok(Self::Path(top.join(url))),
        }
    }
}

/// `<transport>::<address>` is for a remote helper.
fn has_helper(url: &str) -> bool {
    url.split_once("::").is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
    })
}

/// The colon of `host:path`; none when a slash comes before it, since then the whole is a path.
fn scp_colon(url: &str) -> Option<usize> {
    // Brackets protect the colons of an IPv6 address or of `[host:port]`.
    let from = match url.find('[') {
        Some(open) if !url[..open].contains(['/', ':']) => open + url[open..].find("]:")? + 1,
        Some(_) | None => 0,
    };
    let colon = from + url[from..].find(':')?;
    (!url[from..colon].contains('/')).then_some(colon)
}

fn ssh(host: String, port: Option<u16>, path: &str) -> Result<Address, &'static str> {
    let bare = host.rsplit_once('@').map_or(host.as_str(), |(_, bare)| bare);
    // ssh would take it for an option, and some options run programs.
    if host.starts_with('-') || bare.starts_with('-') {
        return Err("its host begins with `-`");
    }
    if bare.is_empty() {
        return Err("it has no host");
    }
    if path.is_empty() {
        return Err("it has no path");
    }
    if path.starts_with('-') {
        return Err("its path begins with `-`");
    }
    Ok(Address::Ssh(SshAddress { host, port, path: path.to_owned() }))
}

/// The host of `ssh://`: `user@host:port`, `user@[address]:port`.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), text),
    };
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or("its host has an open bracket")?;
            (host, after.strip_prefix(':').unwrap_or(""))
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let port = match port {
        "" => None,
        digits => Some(digits.parse().map_err(|_| "its port is not a number from 1 to 65535")?),
    };
    Ok((format!("{user}{host}"), port))
}

/// The host of `host:path`: brackets may hold an address, or host and port.
fn host_and_port_scp(text: &str) -> Result<(String, Option<u16>), &'static str> {
    let Some((user, inner)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) else {
        return Ok((text.to_owned(), None));
    };
    match inner.matches(':').count() {
        1 => host_and_port(&format!("{user}{inner}")),
        _ => Ok((format!("{user}{inner}"), None)),
    }
}

/// `text` with its percent-escapes resolved.
fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escape =
            (byte == b'%').then(|| tail.get(..2)).flatten().filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()) {
            Some(0) => return Err("it has an escaped zero byte"),
            Some(value) => {
                bytes.push(value);
                rest = &tail[2..];
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| "its escapes are not UTF-8")?;
    if text.chars().any(char::is_control) { Err("it has an escaped control character") } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Result<Address, &'static str> {
        Address::parse(url, Path::new("/top"))
    }

    fn over_ssh(host: &str, port: Option<u16>, path: &str) -> Result<Address, &'static str> {
        Ok(Address::Ssh(SshAddress { host: host.to_owned(), port, path: path.to_owned() }))
    }

    #[test]
    fn urls_are_read_as_git_reads_them() {
        for (url, address) in [
            ("/srv/x.git", Ok(Address::Path("/srv/x.git".into()))),
            ("../x.git", Ok(Address::Path("/top/../x.git".into()))),
            ("./a:b", Ok(Address::Path("/top/./a:b".into()))),
            ("~/x.git", Ok(Address::Path("~/x.git".into()))),
            ("file:///srv/a%20b.git", Ok(Address::Path("/srv/a b.git".into()))),
            ("file://localhost/srv/x", Ok(Address::Path("/srv/x".into()))),
            ("https://host/x", Ok(Address::Other)),
            ("git://host/x", Ok(Address::Other)),
            ("ext::sh -c %S x", Ok(Address::Other)),
            ("host:x.git", over_ssh("host", None, "x.git")),
            ("me@host:/srv/x.git", over_ssh("me@host", None, "/srv/x.git")),
            ("host:~/x", over_ssh("host", None, "~/x")),
            ("[::1]:x", over_ssh("::1", None, "x")),
            ("me@[::1]:x", over_ssh("me@::1", None, "x")),
            ("[host:2222]:x", over_ssh("host", Some(2222), "x")),
            ("ssh://me@host:2222/srv/x", over_ssh("me@host", Some(2222), "/srv/x")),
            ("ssh://[::1]:22/x", over_ssh("::1", Some(22), "/x")),
            ("ssh://host/~me/x", over_ssh("host", None, "~me/x")),
            ("ssh://host:/a%20b", over_ssh("host", None, "/a b")),
        ] {
            assert_eq!(at(url), address, "{url}");
        }
    }

    #[test]
    fn urls_that_would_become_options_or_lines_are_refused() {
        for url in [
            "-oProxyCommand=x:y",
            "ssh://-oProxyCommand=x/y",
            "ssh://me@-oProxyCommand=x/y",
            "me@-x:y",
            "host:-x",
            "ssh://host/%0ax",
            "host:a\nb",
            "file:///a%00b",
            "ssh://host:99999/x",
            "",
        ] {
            assert!(at(url).is_err(), "{url}");
        }
    }
}
