//! How the media workers are set up.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Instant;

use crate::recorder::Settings;

/// How the media workers are set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The local address of legs' sockets.
    pub ip: IpAddr,
    /// That of legs of the other family (IPv6 where `ip` is IPv4), if there are any.
    pub other_ip: Option<IpAddr>,
    /// RTP takes the even ports of this range, RTCP the odd one behind each. Keep it outside the
    /// kernel's ephemeral ports (32768-60999 on Linux), or other programs take them.
    pub port_range: RangeInclusive<u16>,
    /// Threads that move packets, at least 1.
    pub workers: usize,
    /// How often a worker wakes, in microseconds: each packet waits half of it on average.
    pub tick_us: u64,
    /// Whether there are browsers: each worker takes a port of the range for all of its own, one
    /// a family of addresses.
    pub browsers: bool,
    /// A leg from which nothing came for this long is reported as silent, in milliseconds.
    pub silent_after_ms: u64,
    /// Where and how recordings are written.
    pub recordings: Settings,
    /// Threads that write recordings, at least 1.
    pub recorders: usize,
    /// The zero of [`model::Mono`].
    pub origin: Instant,
}

impl Default for Config {
    /// Loopback, ports 20000-29999, one worker of 2 ms, one recorder, silent after 30 s.
    fn default() -> Self {
        Self {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            other_ip: None,
            port_range: 20_000..=29_999,
            workers: 1,
            tick_us: 2_000,
            browsers: false,
            silent_after_ms: 30_000,
            recordings: Settings::default(),
            recorders: 1,
            origin: Instant::now(),
        }
    }
}
