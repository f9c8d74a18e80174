//! A SIP dialog, written down.

use std::net::SocketAddr;

/// The transports that carry SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Transport {
    /// RFC 3261 §18, UDP.
    Udp,
    /// RFC 3261 §18, TCP.
    Tcp,
    /// RFC 3261 §26.2.1, TLS over TCP.
    Tls,
    /// RFC 7118, WebSocket over TCP.
    Ws,
    /// RFC 7118, WebSocket over TLS.
    Wss,
}

impl Transport {
    /// Every one.
    pub const ALL: [Transport; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// As a SIP URI's `transport` names it, and as facts do (RFC 3261 §19.1.1, RFC 7118 §5.3).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The transport of that name, in any case.
    pub fn from_name(name: &str) -> Option<Transport> {
        Self::ALL.into_iter().find(|one| one.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether it repeats by itself what is lost (RFC 3261 §17: "reliable"). All of these are
    /// connections.
    pub const fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls | Self::Ws | Self::Wss => true,
        }
    }

    /// Whether nobody on the way can read it.
    pub const fn is_encrypted(self) -> bool {
        match self {
            Self::Udp | Self::Tcp | Self::Ws => false,
            Self::Tls | Self::Wss => true,
        }
    }

    /// Whether each message is one of WebSocket.
    pub const fn is_web(self) -> bool {
        match self {
            Self::Udp | Self::Tcp | Self::Tls => false,
            Self::Ws | Self::Wss => true,
        }
    }
}

/// The state of a dialog (RFC 3261 §12) that is needed to send a request in it after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DialogSnapshot {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// Theirs.
    pub remote_tag: String,
    /// Our From or To header's value without tag.
    pub local_uri: String,
    /// Theirs.
    pub remote_uri: String,
    /// The other side's Contact URI.
    pub remote_target: String,
    /// Route URIs, nearest first.
    pub route_set: Vec<String>,
    /// The last CSeq number that we used.
    pub local_cseq: u32,
    /// The last CSeq number that they used.
    pub remote_cseq: u32,
    /// How the other side is reached.
    pub transport: Transport,
    /// Our address on that way.
    pub local: SocketAddr,
    /// Where the other side is reached.
    pub remote: SocketAddr,
    /// The version in our last SDP's origin line.
    pub sdp_version: u64,
}

#[cfg(test)]
mod tests {
    use super::Transport;

    #[test]
    fn a_transport_is_found_by_its_name_in_any_case() {
        for transport in Transport::ALL {
            assert_eq!(Transport::from_name(transport.as_str()), Some(transport));
            let loud = transport.as_str().to_uppercase();
            assert_eq!(Transport::from_name(&loud), Some(transport));
        }
        assert_eq!(Transport::from_name("sctp"), None);
    }
}
