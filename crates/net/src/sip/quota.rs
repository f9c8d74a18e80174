//! How many datagrams are read from a socket in one turn.
//!
//! A read that finds nothing is wasted, and so is a turn for each datagram of a burst. So a quiet
//! socket is read once a turn, and the longer a burst goes on the more is read at once.

use std::time::Duration;

use model::Mono;

/// The most datagrams read before other work has its turn.
const DATAGRAMS_MAX: usize = 64;
/// Turns that follow each other so closely belong to one burst.
const BURST: Duration = Duration::from_micros(200);

/// One socket's quota.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    datagrams: usize,
    /// When the quota was last used up.
    used_up: Option<Mono>,
}

impl Default for Quota {
    fn default() -> Self {
        Self { datagrams: 1, used_up: None }
    }
}

impl Quota {
    pub(super) const fn datagrams(&self) -> usize {
        self.datagrams
    }

    /// Learns from a turn that read so many.
    pub(super) fn adapt(&mut self, read: usize, now: Mono) {
        if read < self.datagrams {
            self.datagrams = read.max(1);
            self.used_up = None;
        } else {
            let goes_on = self.used_up.is_some_and(|last| now.since(last) < BURST);
            if goes_on {
                self.datagrams = (self.datagrams * 2).min(DATAGRAMS_MAX);
            }
            self.used_up = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DATAGRAMS_MAX, Quota};
    use model::Mono;

    #[test]
    fn a_quiet_socket_is_read_once_and_a_burst_in_growing_gulps() {
        let mut quota = Quota::default();
        for turn in 0..10 {
            quota.adapt(1, Mono::from_ms(turn));
            assert_eq!(quota.datagrams(), 1);
        }
        let mut now = Mono::from_ms(100);
        let mut gulps = Vec::new();
        for _ in 0..9 {
            quota.adapt(quota.datagrams(), now);
            now = Mono(now.0 + 10_000);
            gulps.push(quota.datagrams());
        }
        assert_eq!(gulps, [1, 2, 4, 8, 16, 32, 64, DATAGRAMS_MAX, DATAGRAMS_MAX]);
        quota.adapt(5, now);
        assert_eq!(quota.datagrams(), 5);
        quota.adapt(0, now);
        assert_eq!(quota.datagrams(), 1);
    }
}
