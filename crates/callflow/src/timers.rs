//! The deadlines of calls, each with what it is for.

use std::collections::{BTreeMap, BTreeSet};

use model::{CallId, Found, LegId, Mono, OfferId};

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The menu's next time-out.
    Menu,
    /// The next announcement of the position in the queue.
    Announcement,
    /// The end of a recording's pause.
    Pause,
    /// The next key of a caller who chooses whether to wait.
    Choice,
    /// The longest time that a message may take.
    Message,
    /// The desktop's word that the screen is shown; then the phone rings whatever it says.
    PopShown(OfferId),
    /// The agent's phone to be done with the call before.
    PhoneFree(OfferId),
    /// A first sign of life from the agent's phone after the INVITE.
    PhoneResponds(OfferId),
}

impl Timer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Menu => "the menu",
            Self::Announcement => "the next announcement of the position",
            Self::PopShown(_) => "the screen to be shown",
            Self::PhoneFree(_) => "the agent's phone to be free",
            Self::PhoneResponds(_) => "the agent's phone to respond",
            Self::Pause => "the recording's pause to be over",
            Self::Choice => "the caller's choice",
            Self::Message => "the end of a message",
        }
    }
}

/// At most one deadline a call and kind.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(Mono, CallId, Timer)>,
    by_call: BTreeMap<(CallId, Timer), Mono>,
}

impl Timers {
    /// Replaces the call's deadline of that kind.
    pub(crate) fn set(&mut self, call: CallId, timer: Timer, at: Mono) {
        self.stop(call, timer);
        self.by_call.insert((call, timer), at);
        self.by_time.insert((at, call, timer));
    }

    pub(crate) fn stop(&mut self, call: CallId, timer: Timer) {
        if let Some(at) = self.by_call.remove(&(call, timer)) {
            self.by_time.remove(&(at, call, timer));
        }
    }

    pub(crate) fn is_set(&self, call: CallId, timer: Timer) -> bool {
        self.by_call.contains_key(&(call, timer))
    }

    /// Forgets all deadlines of a call.
    pub(crate) fn stop_all(&mut self, call: CallId) {
        self.stop_from(call, Timer::Menu);
    }

    /// Forgets all deadlines of a call's offers.
    pub(crate) fn stop_offers(&mut self, call: CallId) {
        self.stop_from(call, Timer::PopShown(OfferId::default()));
    }

    /// Forgets all deadlines of one offer of a call.
    pub(crate) fn stop_offer(&mut self, call: CallId, offer: OfferId) {
        for timer in [Timer::PopShown(offer), Timer::PhoneFree(offer), Timer::PhoneResponds(offer)]
        {
            self.stop(call, timer);
        }
    }

    /// Forgets the deadlines of a call of this kind and of those after it.
    fn stop_from(&mut self, call: CallId, first: Timer) {
        let mut next = Some(first);
        while let Some(from) = next {
            let mut known = self.by_call.range((call, from)..).map(|(key, _)| *key);
            next = known.next().filter(|(of, _)| *of == call).map(|(_, timer)| timer);
            if let Some(timer) = next {
                self.stop(call, timer);
            }
        }
    }

    /// Takes the next deadline that has come.
    pub(crate) fn expired(&mut self, now: Mono) -> Option<(CallId, Timer)> {
        let &(at, call, timer) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.stop(call, timer);
        Some((call, timer))
    }

    pub(crate) fn next(&self) -> Option<(Mono, &'static str)> {
        self.by_time.first().map(|(at, _, timer)| (*at, timer.as_str()))
    }
}

/// At most one deadline a leg: what its dialog waits for.
#[derive(Debug, Default)]
pub(crate) struct LegTimers {
    by_time: BTreeSet<(Mono, LegId)>,
    by_leg: Found<LegId, (Mono, &'static str)>,
}

impl LegTimers {
    /// Replaces the leg's deadline.
    pub(crate) fn set(&mut self, leg: LegId, deadline: Option<(Mono, &'static str)>) {
        if self.by_leg.get(&leg).copied() == deadline {
            return;
        }
        self.stop(leg);
        if let Some((at, why)) = deadline {
            self.by_leg.insert(leg, (at, why));
            self.by_time.insert((at, leg));
        }
    }

    pub(crate) fn stop(&mut self, leg: LegId) {
        if let Some((at, _)) = self.by_leg.remove(&leg) {
            self.by_time.remove(&(at, leg));
        }
    }

    /// Takes the next deadline that has come.
    pub(crate) fn expired(&mut self, now: Mono) -> Option<LegId> {
        let &(at, leg) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.stop(leg);
        Some(leg)
    }

    pub(crate) fn next(&self) -> Option<(Mono, &'static str)> {
        let (_, leg) = self.by_time.first()?;
        self.by_leg.get(leg).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Id;

    #[test]
    fn a_deadline_comes_once_and_the_last_one_set_counts() {
        let call = CallId(Id::new(1, 1, 1));
        let mut timers = Timers::default();
        timers.set(call, Timer::Menu, Mono::from_ms(10));
        timers.set(call, Timer::PopShown(OfferId::default()), Mono::from_ms(5));
        timers.set(call, Timer::Menu, Mono::from_ms(20));
        assert_eq!(timers.next(), Some((Mono::from_ms(5), "the screen to be shown")));
        let shown = Timer::PopShown(OfferId::default());
        assert_eq!(timers.expired(Mono::from_ms(15)), Some((call, shown)));
        assert_eq!(timers.expired(Mono::from_ms(15)), None);
        assert_eq!(timers.expired(Mono::from_ms(20)), Some((call, Timer::Menu)));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn a_call_that_is_over_has_no_deadlines() {
        let call = CallId(Id::new(1, 1, 1));
        let mut timers = Timers::default();
        let other = CallId(Id::new(1, 1, 2));
        let offer = |counter| OfferId(Id::new(1, 1, counter));
        for timer in [Timer::Announcement, Timer::PopShown(offer(1)), Timer::PhoneFree(offer(2))] {
            timers.set(call, timer, Mono::from_ms(10));
            timers.set(other, timer, Mono::from_ms(20));
        }
        timers.stop_offers(other);
        timers.stop_all(call);
        assert_eq!(timers.expired(Mono::from_ms(99)), Some((other, Timer::Announcement)));
        assert_eq!(timers.expired(Mono::from_ms(99)), None);
    }

    #[test]
    fn a_leg_waits_for_one_thing_at_a_time() {
        let (one, two) = (LegId(Id::new(1, 1, 1)), LegId(Id::new(1, 1, 2)));
        let mut timers = LegTimers::default();
        timers.set(one, Some((Mono::from_ms(20), "late")));
        timers.set(two, Some((Mono::from_ms(10), "a")));
        timers.set(one, Some((Mono::from_ms(5), "b")));
        assert_eq!(timers.next(), Some((Mono::from_ms(5), "b")));
        timers.set(one, None);
        assert_eq!(timers.expired(Mono::from_ms(5)), None);
        assert_eq!(timers.expired(Mono::from_ms(10)), Some(two));
        assert_eq!((timers.next(), timers.expired(Mono::from_ms(99))), (None, None));
    }
}
