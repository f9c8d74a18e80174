//! What every handler shares, and the settings that it was started with.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::{Offset, TimeZone};
use model::{RecordingId, UserId};
use tokio::sync::{Semaphore, watch};

use crate::Backend;
use crate::counters::Counters;

/// Listenings that are remembered, so that one is one audit entry however many ranges it reads.
const MAX_LISTENINGS: usize = 4_096;
/// How long after its first range a listening counts as the same.
const SAME_LISTENING: Duration = Duration::from_secs(600);

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
    /// How often a desktop is pinged and its session checked; one that is silent for three times
    /// as long is closed.
    pub ping_interval: Duration,
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
    listenings: Mutex<BTreeMap<(UserId, RecordingId), Instant>>,
}

impl App {
    pub(crate) fn new(
        backend: Arc<dyn Backend>,
        config: Config,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let desktops = Arc::new(Semaphore::new(config.max_desktops));
        let (counters, listenings) = (Counters::default(), Mutex::default());
        Self { backend, config, counters, desktops, stopping, listenings }
    }

    /// Whether reading `recording` now goes on with a listening of `user` that is on record.
    pub(crate) fn goes_on_listening(&self, user: &UserId, recording: RecordingId) -> bool {
        let listenings = self.listenings.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = listenings.get(&(user.clone(), recording));
        begun.is_some_and(|begun| begun.elapsed() < SAME_LISTENING)
    }

    /// Notes that a listening of `user` is on record from now.
    pub(crate) fn begins_listening(&self, user: UserId, recording: RecordingId) {
        let mut listenings = self.listenings.lock().unwrap_or_else(PoisonError::into_inner);
        if listenings.len() >= MAX_LISTENINGS {
            listenings.retain(|_, begun| begun.elapsed() < SAME_LISTENING);
        }
        // A full table only means one more audit entry for a range that goes on.
        if listenings.len() < MAX_LISTENINGS {
            listenings.insert((user, recording), Instant::now());
        }
    }
}

/// Returns once the room stops. That whoever says so is gone is a stop as well.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // What is read must not be held over an await.
    let _ = stopping.wait_for(|stop| *stop).await.map(drop);
}
