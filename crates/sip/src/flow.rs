//! A flow: the way a message came, and the way an answer goes back (RFC 5626 §2).

use std::net::SocketAddr;

use model::Transport;

use crate::uri::escape_user;

/// Two addresses and what carries datagrams or a stream between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// What carries it.
    pub transport: Transport,
    /// Our address, as the other side knows it.
    pub local: SocketAddr,
    /// Theirs.
    pub remote: SocketAddr,
    /// The connection; 0 for UDP, and where none is open yet.
    pub connection: u64,
    /// Which of the configured listeners.
    pub listener: u16,
}

impl Flow {
    /// The same for a dialog whose other side is at `target`: over TLS, `sips:` where that is
    /// (RFC 3261 §8.1.1.8, §12.1.1), so that nothing of it is ever sent in the clear.
    pub fn our_uri_towards(&self, target: &str, user: Option<&str>) -> String {
        let plain = self.our_uri(user);
        let is_sips = target.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"));
        match (is_sips, self.transport) {
            (true, Transport::Tls) => {
                plain.replacen("sip:", "sips:", 1).replace(";transport=tls", "")
            }
            (true, Transport::Wss) => {
                plain.replacen("sip:", "sips:", 1).replace(";transport=wss", ";transport=ws")
            }
            (true, Transport::Udp | Transport::Tcp | Transport::Ws) | (false, _) => plain,
        }
    }

    /// Where the other side reaches us, as a URI for Contact (RFC 3261 §8.1.1.8).
    pub fn our_uri(&self, user: Option<&str>) -> String {
        let user = user.map(escape_user);
        let (user, at) = user.as_deref().map_or(("", ""), |user| (user, "@"));
        match self.transport {
            Transport::Udp => format!("sip:{user}{at}{}", self.local),
            other @ (Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss) => {
                format!("sip:{user}{at}{};transport={}", self.local, other.as_str())
            }
        }
    }
}

/// The name of a transport in a Via (RFC 3261 §20.42, RFC 7118 §5.3).
pub(crate) const fn via_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
        Transport::Ws => "WS",
        Transport::Wss => "WSS",
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, Transport};

    #[test]
    fn a_name_of_any_characters_makes_a_contact_that_can_be_read() {
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.7:5062".parse().unwrap(),
            connection: 0,
            listener: 0,
        };
        for name in ["理赔", "vip desk", "a>b", "95512", "+8613800138000"] {
            let contact = flow.our_uri(Some(name));
            let read = crate::Uri::parse(&contact).expect("it is a URI");
            assert_eq!(read.user_decoded(), name);
        }
    }

    #[test]
    fn the_other_side_is_told_the_address_that_it_knows_and_how_to_reach_it() {
        let over = |transport, local: &str| Flow {
            transport,
            local: local.parse().unwrap(),
            remote: "192.0.2.7:5062".parse().unwrap(),
            connection: 0,
            listener: 0,
        };
        let udp = over(Transport::Udp, "203.0.113.1:5060");
        assert_eq!(udp.our_uri(None), "sip:203.0.113.1:5060");
        assert_eq!(udp.our_uri(Some("95512")), "sip:95512@203.0.113.1:5060");
        let tcp = over(Transport::Tcp, "[::1]:5060");
        assert_eq!(tcp.our_uri(None), "sip:[::1]:5060;transport=tcp");
        let tls = over(Transport::Tls, "10.0.0.1:5061");
        assert_eq!(tls.our_uri(Some("line")), "sip:line@10.0.0.1:5061;transport=tls");
        let towards = |flow: &Flow, target| flow.our_uri_towards(target, Some("line"));
        assert_eq!(towards(&tls, "SIPS:a@h"), "sips:line@10.0.0.1:5061");
        assert_eq!(towards(&tls, "sip:a@h"), tls.our_uri(Some("line")));
        let wss = over(Transport::Wss, "10.0.0.1:443");
        assert_eq!(towards(&wss, "sips:a@h"), "sips:line@10.0.0.1:443;transport=ws");
        assert_eq!(towards(&tcp, "sips:a@h"), tcp.our_uri(Some("line")));
    }
}
