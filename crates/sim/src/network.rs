//! A network that loses, delays, doubles and reorders datagrams, by a seed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use model::Mono;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// What the network does to datagrams.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// The share of datagrams that are lost.
    pub loss: f64,
    /// The share that comes twice.
    pub doubled: f64,
    /// The least time on the way.
    pub delay_ms: u64,
    /// So much more at most.
    pub jitter_ms: u64,
}

impl Weather {
    /// A millisecond, nothing lost.
    pub const FAIR: Self = Self { loss: 0.0, doubled: 0.0, delay_ms: 1, jitter_ms: 0 };
    /// One in twenty lost, some doubled, much reordered.
    pub const FOUL: Self = Self { loss: 0.05, doubled: 0.02, delay_ms: 5, jitter_ms: 40 };
}

/// A datagram on its way.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Network {
    weather: Weather,
    on_the_way: BTreeMap<(Mono, u64), Datagram>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(weather: Weather) -> Self {
        Self { weather, on_the_way: BTreeMap::new(), sent: 0 }
    }

    pub(crate) fn send(&mut self, datagram: &Datagram, now: Mono, chance: &mut ChaCha8Rng) {
        if self.weather.loss > 0.0 && chance.random_bool(self.weather.loss) {
            return;
        }
        let twice = self.weather.doubled > 0.0 && chance.random_bool(self.weather.doubled);
        for _ in 0..=u8::from(twice) {
            let jitter = chance.random_range(0..=self.weather.jitter_ms);
            let at = now + Duration::from_millis(self.weather.delay_ms + jitter);
            self.sent += 1;
            self.on_the_way.insert((at, self.sent), datagram.clone());
        }
    }

    pub(crate) fn next(&self) -> Option<Mono> {
        self.on_the_way.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn arrive(&mut self, now: Mono) -> Option<Datagram> {
        let entry = self.on_the_way.first_entry()?;
        if entry.key().0 > now {
            return None;
        }
        Some(entry.remove())
    }
}
