//! A URL in its two shapes: as configured, which is what git is given, and as git rewrites it, which is where it leads.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::masked::masked;

/// How long a host may take to accept a connection that nothing is sent over.
const PROBE: Duration = Duration::from_secs(2);

/// A URL, before and after git's rewriting rules.
#[derive(Debug, Clone)]
pub(super) struct RemoteUrl {
    /// As configured: git applies its rules itself, and must not apply them twice.
    pub(super) configured: String,
    /// As the rules make it.
    pub(super) rewritten: String,
}

impl RemoteUrl {
    /// For messages.
    pub(super) fn shown(&self) -> String {
        masked(&self.rewritten)
    }

    /// Whether the host of an https URL takes connections.
    pub(super) fn is_listening(&self) -> bool {
        let Some((host, port)) = https_host(&self.rewritten) else { return false };
        let addresses = (host, port).to_socket_addrs().into_iter().flatten();
        addresses.take(4).any(|address| TcpStream::connect_timeout(&address, PROBE).is_ok())
    }
}

/// Host and port of an https URL; brackets around an IPv6 address are taken off.
fn https_host(url: &str) -> Option<(&str, u16)> {
    let rest = url.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            (host, after.strip_prefix(':').unwrap_or("443"))
        }
        None => host.split_once(':').unwrap_or((host, "443")),
    };
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::https_host;

    #[test]
    fn the_host_of_an_https_url_is_found() {
        for (url, host) in [
            ("https://example.org/x", Some(("example.org", 443))),
            ("https://me:secret@example.org:8443/x", Some(("example.org", 8443))),
            ("https://[::1]:8443/x", Some(("::1", 8443))),
            ("https://[::1]/x", Some(("::1", 443))),
            ("http://example.org/x", None),
            ("https://example.org:port/x", None),
        ] {
            assert_eq!(https_host(url), host, "{url}");
        }
    }
}
