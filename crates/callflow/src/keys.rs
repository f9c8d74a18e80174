//! One key, told in more than one way: phones may send it in RTP (as an event or a tone, of which
//! the media worker hears one) and by INFO, too. It counts once.

use std::collections::VecDeque;
use std::time::Duration;

use model::{LegId, Mono};

use crate::Callflow;
use crate::calls::Stage;

/// Within so long of each other both ways tell of one key, beside the time that it was held: INFO
/// tells of it when it is pressed, RTP when it is let go, and INFO may have to be sent again.
const WITHIN: Duration = Duration::from_millis(2_000);
/// Keys that are remembered; beyond it the oldest is forgotten, and what was sent of it the other
/// way counts for itself. Nobody presses so many keys within that time.
const MAX_REMEMBERED: usize = 16;

/// How a key came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In the stream of voice (RFC 4733, or its tones).
    Media,
    /// In a SIP request (RFC 6086).
    Info,
}

/// A key that may still be told in the other way.
#[derive(Debug, Clone, Copy)]
struct Told {
    digit: char,
    way: Way,
    at: Mono,
}

/// The keys of one leg.
#[derive(Debug, Default)]
pub(crate) struct Keys(VecDeque<Told>);

impl Keys {
    /// Whether this key is a new one. It is none where the oldest of the same that came the other
    /// way has not been told in this one yet.
    fn is_new(&mut self, digit: char, (way, held): (Way, Duration), now: Mono) -> bool {
        self.0.retain(|told| now.since(told.at) < WITHIN + held);
        let twin = self.0.iter().position(|told| told.digit == digit && told.way != way);
        if let Some(at) = twin {
            self.0.remove(at);
            return false;
        }
        if self.0.len() == MAX_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(Told { digit, way, at: now });
        true
    }
}

impl Callflow {
    /// A party pressed a key and held it for so long, as far as that is known.
    pub(crate) fn handle_key(&mut self, leg: LegId, digit: char, way: Way, held: Duration) {
        let now = self.now;
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        if entry.keys.is_new(digit, (way, held), now) {
            let call = entry.call;
            let known = self.calls.get(&call).filter(|known| known.caller == leg);
            match known.map(|known| &known.stage) {
                Some(Stage::Waiting { .. }) => self.handle_choice(call, digit),
                Some(Stage::Message(_)) => self.handle_message_key(call, digit),
                _ => self.handle_digit(call, digit),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    /// What counts of keys: `m5@100` is the key 5 in RTP after 100 ms, `i5@100` by INFO.
    fn counted(story: &str) -> String {
        let mut keys = Keys::default();
        let one = |word: &str| {
            let (key, ms) = word.split_once('@').unwrap();
            let way = if key.starts_with('m') { Way::Media } else { Way::Info };
            let digit = key.chars().nth(1).unwrap();
            let held = if way == Way::Media { SHORT } else { Duration::ZERO };
            keys.is_new(digit, (way, held), Mono::from_ms(ms.parse().unwrap())).then_some(digit)
        };
        story.split_whitespace().filter_map(one).collect()
    }

    #[test]
    fn a_key_that_comes_both_ways_counts_once_whichever_is_first() {
        assert_eq!(counted("i1@0 m1@130 m2@400 i2@420"), "12");
        assert_eq!(counted("i1@0 i2@200 m1@230 m2@330 i3@500 m3@600"), "123");
    }

    #[test]
    fn the_same_key_twice_counts_twice_in_any_order() {
        assert_eq!(counted("i5@0 m5@100 i5@300 m5@400"), "55");
        assert_eq!(counted("i5@0 i5@200 m5@210 m5@410"), "55");
        assert_eq!(counted("m5@0 m5@200 m5@400"), "555");
        assert_eq!(counted("i5@0 i5@200"), "55");
    }

    #[test]
    fn what_comes_much_later_is_another_key() {
        assert_eq!(counted("i7@0 m7@2099"), "7");
        assert_eq!(counted("i7@0 m7@2100"), "77");
        assert_eq!(counted("m7@0 i7@2000"), "77");
    }

    #[test]
    fn a_key_that_is_held_for_long_is_one() {
        let mut keys = Keys::default();
        assert!(keys.is_new('#', (Way::Info, Duration::ZERO), Mono::from_ms(0)));
        let held = Duration::from_millis(9_000);
        assert!(!keys.is_new('#', (Way::Media, held), Mono::from_ms(9_050)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut keys = Keys::default();
        for at in 0..1_000 {
            assert!(keys.is_new('1', (Way::Info, SHORT), Mono::from_ms(at)));
            assert!(keys.0.len() <= MAX_REMEMBERED);
        }
        // As many are known to be told in the other way as are remembered.
        let now = Mono::from_ms(1_000);
        let new = (0..20).filter(|_| keys.is_new('1', (Way::Media, SHORT), now));
        assert_eq!(new.count(), 20 - MAX_REMEMBERED);
    }
}
