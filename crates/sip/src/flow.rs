//! A flow: the way a message came, and the way an answer goes back (RFC 5626 §2).

use std::net::SocketAddr;

use model::Transport;

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
