//! What every handler shares, and the settings that it was started with.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::{Offset, TimeZone};
use tokio::sync::{Semaphore, watch};

use crate::Backend;
use crate::counters::Counters;
use crate::listenings::Listenings;

/// How the room behaves. The defaults are for one machine with some hundred desktops.
#[derive(Clone)]
pub struct Config {
    /// Which peers are served at all; of others the connection is closed unread.
    pub allow: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// The time zone in which times of day are written.
    pub zone: TimeZone,
    /// Connections at the same time, WebSockets not counted; further ones are closed unread.
    pub max_connections: usize,
    /// Of these, how many may come from one address.
    pub max_connections_per_source: usize,
    /// WebSockets at the same time; further ones get 503.
    pub max_desktops: usize,
    /// How long a client may take to send a request's head, and a connection may rest between two.
    pub header_timeout: Duration,
    /// How long a request may take until its response begins.
    pub request_timeout: Duration,
    /// How long a client may refuse to take what is sent before its connection is dropped.
    pub stall_timeout: Duration,
    /// How often a desktop is pinged and its session checked.
    pub ping_interval: Duration,
    /// How long a desktop may be silent, answers to pings included, until it counts as gone.
    pub silence_timeout: Duration,
    /// How long connections may go on after the order to stop.
    pub grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allow: Arc::new(|_| true),
            // China has one time zone without summer time.
            zone: TimeZone::fixed(Offset::constant(8)),
            max_connections: 4_096,
            max_connections_per_source: 1_024,
            max_desktops: 10_000,
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(20),
            ping_interval: Duration::from_secs(15),
            silence_timeout: Duration::from_secs(45),
            grace: Duration::from_secs(5),
        }
    }
}

/// What every handler shares.
pub(crate) struct App {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) config: Config,
    pub(crate) counters: Counters,
    /// A permit for each WebSocket.
    pub(crate) desktops: Arc<Semaphore>,
    /// True once the room stops.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) listenings: Listenings,
}

impl App {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        config: Config,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let desktops = Arc::new(Semaphore::new(config.max_desktops));
        let (counters, listenings) = (Counters::default(), Listenings::default());
        Self { backend, config, counters, desktops, stopping, listenings }
    }
}

/// Returns once the room stops. That whoever says so is gone is a stop as well.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // What is read must not be held over an await.
    let _ = stopping.wait_for(|stop| *stop).await.map(drop);
}
