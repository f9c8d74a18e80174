//! A flow: the way a message came, and the way an answer goes back (RFC 5626 §2).

use std::net::SocketAddr;

use model::Transport;

/// Two addresses and what carries datagrams or a stream between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// UDP or TCP.
    pub transport: Transport,
    /// Our address, as the other side knows it.
    pub local: SocketAddr,
    /// Theirs.
    pub remote: SocketAddr,
    /// The TCP connection; 0 for UDP, and for TCP where none is open yet.
    pub connection: u64,
    /// Which of the configured listeners.
    pub listener: u16,
}

/// The name of a transport in a Via (RFC 3261 §20.42).
pub(crate) const fn via_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    }
}

/// Whether the transport itself repeats what is lost (RFC 3261 §17: "reliable").
pub(crate) const fn is_reliable(transport: Transport) -> bool {
    match transport {
        Transport::Udp => false,
        Transport::Tcp => true,
    }
}
