//! The timers of RFC 3261 (table 4) and RFC 6026, and the queues that they wait in.
//!
//! Every timer runs for one of a few durations, so each duration has a queue of its own that is in
//! order by itself: arming and firing cost the same however many wait. A timer that was disarmed
//! stays in its queue and is passed over when its time comes.

use std::collections::VecDeque;
use std::time::Duration;

use model::Mono;

/// Round-trip time estimate (RFC 3261 §17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// The longest interval between repetitions of a non-INVITE request or an INVITE response.
pub const T2: Duration = Duration::from_secs(4);
/// The longest time that a message stays in the network.
pub const T4: Duration = Duration::from_secs(5);
/// How long anything is tried: timers B, F, H, J, L and M.
pub const T1_64: Duration = Duration::from_secs(32);
/// When an INVITE that has had no answer yet gets 100 (RFC 3261 §17.2.1).
pub const TRYING: Duration = Duration::from_millis(200);

/// Why something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Timer {
    /// INVITE request repeated.
    A,
    /// INVITE without any response.
    B,
    /// INVITE without a final response after a provisional one (RFC 3261 §16.6).
    C,
    /// Repeated final responses to INVITE absorbed.
    D,
    /// Other request repeated.
    E,
    /// Other request without final response.
    F,
    /// Failure response to INVITE repeated.
    G,
    /// Failure response to INVITE without ACK.
    H,
    /// Repeated ACK absorbed.
    I,
    /// Repeated requests absorbed.
    J,
    /// Repeated responses absorbed.
    K,
    /// Repeated INVITE absorbed after a 2xx; without ACK until then, the ACK is given up.
    L,
    /// Repeated 2xx acknowledged.
    M,
    /// 100 to an INVITE.
    Trying,
    /// 2xx to an INVITE repeated (RFC 3261 §13.3.1.4).
    Repeat,
    /// INVITE without final response after its CANCEL (RFC 3261 §9.1).
    Cancelled,
    /// Request that nobody here answered; the client has given up too.
    Abandoned,
}

impl Timer {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A: an INVITE is repeated",
            Self::B => "B: an INVITE is given up",
            Self::C => "C: an INVITE that is not answered is cancelled",
            Self::D => "D: an INVITE that failed is forgotten",
            Self::E => "E: a request is repeated",
            Self::F => "F: a request is given up",
            Self::G => "G: a failure response to an INVITE is repeated",
            Self::H => "H: the ACK for a failure is given up",
            Self::I => "I: an INVITE that failed is forgotten",
            Self::J => "J: a request that was answered is forgotten",
            Self::K => "K: a request that was answered is forgotten",
            Self::L => "L: an INVITE that was accepted is forgotten",
            Self::M => "M: an INVITE that was accepted is forgotten",
            Self::Trying => "an INVITE gets 100",
            Self::Repeat => "a 2xx to an INVITE is repeated",
            Self::Cancelled => "an INVITE is given up after its CANCEL",
            Self::Abandoned => "a request that was not answered is forgotten",
        }
    }

    pub(super) const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// One timer of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Mono,
    pub(super) slot: u32,
    pub(super) generation: u32,
    pub(super) timer: Timer,
}

/// All timers that wait.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queues: Vec<(Duration, VecDeque<Due>)>,
}

impl Timers {
    /// Arms a timer. `now` never goes back.
    pub(super) fn arm(&mut self, after: Duration, due: Due) {
        match self.queues.iter_mut().find(|(duration, _)| *duration == after) {
            Some((_, queue)) => queue.push_back(due),
            None => self.queues.push((after, VecDeque::from([due]))),
        }
    }

    /// The next one, due or not.
    pub(super) fn first(&self) -> Option<&Due> {
        self.queues.iter().filter_map(|(_, queue)| queue.front()).min_by_key(|due| due.at)
    }

    /// Takes the next one that is due.
    pub(super) fn pop_due(&mut self, now: Mono) -> Option<Due> {
        let (_, queue) = self
            .queues
            .iter_mut()
            .filter(|(_, queue)| queue.front().is_some_and(|due| due.at <= now))
            .min_by_key(|(_, queue)| queue.front().map(|due| due.at))?;
        queue.pop_front()
    }

    /// Throws away what is disarmed at the head of each queue, so that the next one is real.
    pub(super) fn skip(&mut self, is_disarmed: impl Fn(&Due) -> bool) {
        for (_, queue) in &mut self.queues {
            while queue.front().is_some_and(&is_disarmed) {
                queue.pop_front();
            }
        }
    }

    /// How many wait, disarmed ones included.
    pub(super) fn len(&self) -> usize {
        self.queues.iter().map(|(_, queue)| queue.len()).sum()
    }

    /// Throws disarmed ones away.
    pub(super) fn retain(&mut self, mut is_armed: impl FnMut(&Due) -> bool) {
        for (_, queue) in &mut self.queues {
            queue.retain(&mut is_armed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Due, T1, T4, Timer, Timers};
    use model::Mono;
    use std::time::Duration;

    #[test]
    fn timers_fire_in_the_order_of_their_times() {
        let mut timers = Timers::default();
        let mut arm = |now: u64, after: Duration, slot| {
            let at = Mono::from_ms(now) + after;
            timers.arm(after, Due { at, slot, generation: 0, timer: Timer::A });
        };
        arm(0, T4, 1);
        arm(0, T1, 2);
        arm(100, T1, 3);
        arm(4_400, T1, 4);
        assert_eq!(timers.first().map(|due| due.slot), Some(2));
        let mut fired = Vec::new();
        while let Some(due) = timers.pop_due(Mono::from_ms(4_999)) {
            fired.push(due.slot);
        }
        assert_eq!((fired, timers.len()), (vec![2, 3, 4], 1));
        timers.retain(|due| due.slot != 1);
        assert_eq!(timers.first(), None);
    }
}
