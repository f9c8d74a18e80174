//! How the SIP workers are set up.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use model::Transport;

use super::tls::Tls;
use super::trace::TraceConfig;

/// One address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// What is spoken there. TLS and secure WebSocket need [`Config::tls`].
    pub transport: Transport,
    /// IPv6 addresses take IPv6 alone. Port 0 lets the system choose. A UDP and a TCP listener on
    /// the same address that both ask for port 0 get the same port.
    pub addr: SocketAddr,
    /// The address that peers know us by, where it is not the socket's own (NAT): it stands in Via,
    /// Contact and SDP.
    pub advertise: Option<IpAddr>,
}

/// Which sources are served; all others are dropped without an answer.
pub type Admit = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Which sources are never banned: the trunks' own.
pub type Spare = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// When a source is banned that gets nothing but refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanLimits {
    /// So many points within ten minutes: a challenge is 1, a call that is refused or what is no
    /// SIP is 5.
    pub after: u32,
    /// How long, in milliseconds; 0 for never.
    pub ban_ms: u64,
    /// The most sources remembered; beyond it one more is neither trusted nor banned.
    pub sources: usize,
}

impl Default for BanLimits {
    fn default() -> Self {
        Self { after: 500, ban_ms: 600_000, sources: 50_000 }
    }
}

/// What is bounded, and where.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The most transactions of one worker.
    pub transactions: usize,
    /// What Retry-After says in a 503, in seconds.
    pub retry_after_s: u32,
    /// The most connections.
    pub connections: usize,
    /// The most connections from one address.
    pub connections_per_source: usize,
    /// A connection on which nothing came or left for so long is closed.
    pub connection_idle_ms: u64,
    /// On a connection that we opened and that rests, a keep-alive is sent so often (RFC 5626
    /// §4.4.1): what stands between keeps it, and a peer that is gone is found.
    pub connection_ping_ms: u64,
    /// A connection must be open within this time: TCP, TLS and the upgrade to WebSocket.
    pub connection_open_ms: u64,
    /// A connection that began a message must end it within this time.
    pub connection_partial_ms: u64,
    /// The most bytes that wait for a slow peer; beyond it the connection is closed.
    pub connection_backlog_bytes: usize,
    /// The most commands that wait for one worker.
    pub commands: usize,
    /// The most datagrams that wait at one worker for another.
    pub handovers: usize,
    /// Places in the queue to the brain that new INVITEs may not take: room for answers, BYE and
    /// ACK.
    pub reserved: usize,
    /// New INVITEs are refused while the brain leaves others waiting for so long, in milliseconds.
    pub brain_wait_ms: u64,
    /// Bans.
    pub bans: BanLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            transactions: 400_000,
            retry_after_s: 5,
            connections: 10_000,
            connections_per_source: 1_000,
            connection_idle_ms: 600_000,
            connection_ping_ms: 100_000,
            connection_open_ms: 5_000,
            connection_partial_ms: 10_000,
            connection_backlog_bytes: 1 << 20,
            commands: 65_536,
            handovers: 16_384,
            reserved: 1_024,
            brain_wait_ms: 400,
            bans: BanLimits::default(),
        }
    }
}

/// How the SIP workers are set up.
#[derive(Clone)]
pub struct Config {
    /// Where to listen.
    pub listeners: Vec<Listener>,
    /// Certificates, where TLS is spoken.
    pub tls: Option<Tls>,
    /// Whose pages may open a WebSocket (RFC 6455 §10.2), as browsers name them:
    /// `https://desk.example`. Empty for all.
    pub ws_origins: Arc<[String]>,
    /// How many threads; 1 to 16. Calls are shared out by Call-ID.
    pub workers: u8,
    /// Bounds.
    pub limits: Limits,
    /// Which sources are served.
    pub admit: Admit,
    /// Which sources are never banned.
    pub spare: Spare,
    /// Sources that were served before a restart: trusted as if they had been served now.
    pub trusted: Vec<IpAddr>,
    /// When the engine started: the zero of [`model::Mono`].
    pub started: Instant,
    /// Random bytes, new at each start: branches and tags are derived from them.
    pub secret: [u8; 32],
    /// What is written down of messages.
    pub trace: TraceConfig,
}
