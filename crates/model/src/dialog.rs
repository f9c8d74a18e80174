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
