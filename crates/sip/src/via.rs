//! Via (RFC 3261 §20.42, `rport` by RFC 3581): where a request has been, and where its answer goes.

use std::net::{IpAddr, SocketAddr};

use crate::cut::{cut, cut_before};
use crate::params::Params;
use crate::uri::{parse_ip, split_host_port};

/// What a branch of RFC 3261 begins with (§8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// One Via value, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    version: &'a str,
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads one value. `None` if protocol, transport or host are missing. The version may be any,
    /// so that who speaks another one than ours can be told so (RFC 3261 §21.5.6).
    pub fn parse(text: &'a str) -> Option<Self> {
        let (head, params) = cut_before(text, b';');
        let (protocol, rest) = cut(head, b'/')?;
        let (version, rest) = cut(rest, b'/')?;
        let version = version.trim_ascii();
        let is_number =
            !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !protocol.trim_ascii().eq_ignore_ascii_case("SIP") || !is_number {
            return None;
        }
        let rest = rest.trim_ascii_start();
        let space = rest.bytes().position(|byte| matches!(byte, b' ' | b'\t'))?;
        let (transport, sent_by) = rest.split_at(space);
        let (host, port) = split_host_port(sent_by)?;
        if host.bytes().any(|byte| matches!(byte, b' ' | b'\t' | b',')) {
            return None;
        }
        Some(Self { version, transport, host, port, params: Params::new(params) })
    }

    /// The version of SIP as written, such as `2.0`.
    pub const fn version(&self) -> &'a str {
        self.version
    }

    /// The transport as written, such as `UDP`.
    pub const fn transport(&self) -> &'a str {
        self.transport
    }

    /// The host of sent-by, brackets around an IPv6 address left on.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The host of sent-by as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        parse_ip(self.host)
    }

    /// The port of sent-by, if written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters.
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The branch, if there is one.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch").filter(|branch| !branch.is_empty())
    }

    /// The branch without the magic cookie: `None` for a peer of RFC 2543.
    pub fn unique_branch(&self) -> Option<&'a str> {
        let (cookie, rest) = self.branch()?.split_at_checked(MAGIC_COOKIE.len())?;
        (cookie.eq_ignore_ascii_case(MAGIC_COOKIE) && !rest.is_empty()).then_some(rest)
    }

    /// The source address that the receiver saw.
    pub fn received(&self) -> Option<IpAddr> {
        parse_ip(self.params.value("received")?)
    }

    /// `rport`: `Some(None)` is the wish (RFC 3581 §3), `Some(Some(port))` the answer.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.value("rport").map(|port| port.parse().ok())
    }

    /// Where a response goes over UDP, given the source of the request (RFC 3261 §18.2.2 and
    /// RFC 3581 §4): to the source itself where `rport` was wished, else to the port of sent-by.
    /// `maddr` is not followed: whoever can write a Via could have anybody answered to.
    pub fn response_addr(&self, source: SocketAddr) -> SocketAddr {
        match self.rport() {
            Some(_) => source,
            None => SocketAddr::new(source.ip(), self.port.unwrap_or(5060)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Via;

    #[test]
    fn a_via_is_taken_apart() {
        let via = Via::parse("SIP / 2.0 / UDP  [2001:db8::9]:5061 ;branch=z9hG4bKa;rport").unwrap();
        assert_eq!((via.transport(), via.host(), via.port()), ("UDP", "[2001:db8::9]", Some(5061)));
        assert_eq!(via.branch(), Some("z9hG4bKa"));
        assert_eq!(via.unique_branch(), Some("a"));
        assert_eq!((via.rport(), via.version()), (Some(None), "2.0"));
        assert_eq!(Via::parse("SIP/7.0/UDP h").unwrap().version(), "7.0");
    }

    #[test]
    fn the_answer_goes_where_rport_and_sent_by_say() {
        let source = "192.0.2.9:4000".parse().unwrap();
        for (text, wanted) in [
            ("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff", "192.0.2.9:4000"),
            ("SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bKkjshdyff", "192.0.2.9:4540"),
            ("SIP/2.0/UDP example.com", "192.0.2.9:5060"),
        ] {
            let via = Via::parse(text).unwrap();
            assert_eq!(via.response_addr(source).to_string(), wanted);
        }
    }

    #[test]
    fn broken_vias_are_refused() {
        for text in [
            "",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ;branch=x",
            "SIP/x/UDP h",
            "SIP//UDP h",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP a b",
        ] {
            assert_eq!(Via::parse(text), None, "{text}");
        }
        let old = Via::parse("SIP/2.0/UDP h;branch=1").unwrap();
        assert_eq!(old.unique_branch(), None);
    }
}
