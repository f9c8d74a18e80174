//! Sources that only ever ask for what they do not get are banned for a time: what they send is
//! dropped before it is read.
//!
//! A source that was ever given something (a registration, a call) or that answers what we ask is
//! trusted for a while and cannot be banned, whoever writes its address on datagrams; nor can one
//! that the configuration spares.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Mono;
use sip::{Message, Method};

use super::config::{BanLimits, Spare};

/// A trusted source is so for longer than any registration holds.
const TRUST: Duration = Duration::from_secs(2 * 3_600);
/// Faults are forgotten when this long has passed since the first.
const WINDOW: Duration = Duration::from_secs(600);
/// What scanners that do not hide call themselves.
const SCANNERS: [&str; 6] =
    ["friendly-scanner", "sipvicious", "sundayddr", "sip-scan", "sipcli", "pplsip"];

/// How much it counts to be called so. Not the whole limit: anybody may write anybody's address on
/// a datagram.
const SCANNER_WEIGHT: u32 = 50;

/// What is known of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Suspect { faults: u32 },
    Trusted,
    Banned,
}

/// What is known of sources, each for a time.
#[derive(Debug)]
struct Bans {
    limits: BanLimits,
    known: BTreeMap<IpAddr, (State, Mono)>,
    by_end: BTreeSet<(Mono, IpAddr)>,
    suspects: usize,
    banned: usize,
}

impl Bans {
    const fn new(limits: BanLimits) -> Self {
        Self { limits, known: BTreeMap::new(), by_end: BTreeSet::new(), suspects: 0, banned: 0 }
    }

    fn state(&self, source: IpAddr) -> Option<State> {
        self.known.get(&source).map(|(state, _)| *state)
    }

    /// Forgets what is over.
    fn forget(&mut self, now: Mono) {
        while let Some((_, source)) = self.by_end.first().copied().filter(|(at, _)| *at <= now) {
            self.remove(source);
        }
    }

    fn remove(&mut self, source: IpAddr) {
        let Some((state, end)) = self.known.remove(&source) else { return };
        self.by_end.remove(&(end, source));
        match state {
            State::Suspect { .. } => self.suspects -= 1,
            State::Trusted => {}
            State::Banned => self.banned -= 1,
        }
    }

    /// Remembers, where there is room: suspects take at most half of it, so that no flood of
    /// made-up addresses keeps trust from being remembered. Who is not remembered is not banned.
    fn put(&mut self, source: IpAddr, state: State, end: Mono) {
        self.remove(source);
        let is_suspect = matches!(state, State::Suspect { .. });
        let is_crowded = is_suspect && self.suspects >= self.limits.sources / 2;
        if is_crowded || self.known.len() >= self.limits.sources {
            return;
        }
        match state {
            State::Suspect { .. } => self.suspects += 1,
            State::Trusted => {}
            State::Banned => self.banned += 1,
        }
        self.known.insert(source, (state, end));
        self.by_end.insert((end, source));
    }

    /// Counts against a source; whether it is banned by that.
    fn handle_fault(&mut self, source: IpAddr, weight: u32, now: Mono) -> bool {
        self.forget(now);
        let (faults, end) = match self.known.get(&source) {
            Some((State::Suspect { faults }, end)) => (*faults, *end),
            Some((State::Trusted | State::Banned, _)) => return false,
            None => (0, now + WINDOW),
        };
        let faults = faults.saturating_add(weight);
        if faults < self.limits.after {
            self.put(source, State::Suspect { faults }, end);
            return false;
        }
        self.put(source, State::Banned, now + Duration::from_millis(self.limits.ban_ms));
        self.state(source) == Some(State::Banned)
    }

    fn handle_success(&mut self, source: IpAddr, now: Mono) {
        match self.known.get(&source) {
            Some((State::Banned, end)) if *end > now => {}
            // Every call says so again: what holds for long enough is left as it is.
            Some((State::Trusted, end)) if *end > now + TRUST / 2 => {}
            Some(_) | None => {
                self.forget(now);
                self.put(source, State::Trusted, now + TRUST);
            }
        }
    }
}

/// The bans of all workers: the one that reads asks, each that answers tells.
pub(super) struct Guard {
    spare: Spare,
    ban_ms: u64,
    /// How many are banned: while none is, asking costs no lock.
    banned: AtomicUsize,
    bans: Mutex<Bans>,
}

impl Guard {
    pub(super) fn new(limits: BanLimits, spare: Spare) -> Self {
        let (ban_ms, bans) = (limits.ban_ms, Mutex::new(Bans::new(limits)));
        Self { spare, ban_ms, banned: AtomicUsize::new(0), bans }
    }

    /// Trusts those who were served before a restart: nobody keeps them away by what is written on
    /// datagrams before they speak again.
    pub(super) fn trust(&self, sources: &[IpAddr], now: Mono) {
        for source in sources {
            self.success(*source, now);
        }
    }

    /// Whether what comes from there is dropped.
    pub(super) fn is_banned(&self, source: IpAddr, now: Mono) -> bool {
        if self.banned.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut bans = self.lock();
        bans.forget(now);
        self.banned.store(bans.banned, Ordering::Relaxed);
        bans.state(whole(source)) == Some(State::Banned)
    }

    /// How many are banned now.
    pub(super) fn len(&self) -> usize {
        self.banned.load(Ordering::Relaxed)
    }

    /// What came was no SIP.
    pub(super) fn note_malformed(&self, source: IpAddr, now: Mono) {
        self.fault(source, 5, now);
    }

    /// Hands could not be shaken: a browser that wants a certificate, a phone with an old TLS, or
    /// somebody who looks what is there. Too little is known of who does so to count for much.
    pub(super) fn note_unopened(&self, source: IpAddr, now: Mono) {
        self.fault(source, 1, now);
    }

    /// What came, as far as it tells who sends it: an answer to what we asked, or a scanner that
    /// says what it is.
    pub(super) fn note_received(&self, message: &Message, source: IpAddr, now: Mono) {
        if !message.is_request() || !self.may_ban(source) {
            return;
        }
        let agent = message.header("User-Agent").unwrap_or_default().as_bytes();
        let says = |name: &str| {
            agent.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name.as_bytes()))
        };
        if SCANNERS.into_iter().any(says) {
            self.fault(source, SCANNER_WEIGHT, now);
        }
    }

    fn may_ban(&self, source: IpAddr) -> bool {
        self.ban_ms > 0 && !(self.spare)(source.to_canonical())
    }

    /// What a source was answered.
    pub(super) fn note_answered(&self, response: &Message, source: IpAddr, now: Mono) {
        let weight = match response.status() {
            Some(200..=299) => match response.method() {
                Method::Register | Method::Invite => return self.success(source, now),
                _ => return,
            },
            // The first half of every registration; and many ask without harm whether we are there.
            Some(401 | 407) => 1,
            Some(400..=499) if response.method() == Method::Options => 1,
            Some(403..=405) => 5,
            Some(400 | 402 | 406 | 408..=499) => 1,
            Some(_) | None => return,
        };
        self.fault(source, weight, now);
    }

    /// A source that answers what we ask is a phone or a carrier of ours.
    pub(super) fn note_answers(&self, source: IpAddr, now: Mono) {
        self.success(source, now);
    }

    fn success(&self, source: IpAddr, now: Mono) {
        if self.may_ban(source) {
            self.lock().handle_success(whole(source), now);
        }
    }

    fn fault(&self, source: IpAddr, weight: u32, now: Mono) {
        if !self.may_ban(source) {
            return;
        }
        let mut bans = self.lock();
        let is_new = bans.handle_fault(whole(source), weight, now);
        self.banned.store(bans.banned, Ordering::Relaxed);
        drop(bans);
        if is_new {
            let ban_s = self.ban_ms / 1_000;
            tracing::warn!(%source, ban_s, "a source that gets nothing but refusals is banned");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bans> {
        self.bans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one source: an IPv4 address, or the /64 of an IPv6 one, which a host owns whole.
fn whole(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (!0_u128 << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sip::{RequestBuilder, ResponseBuilder};

    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn limits() -> BanLimits {
        BanLimits { after: 100, ban_ms: 60_000, sources: 10 }
    }

    fn guard() -> Guard {
        Guard::new(limits(), Arc::new(|ip: IpAddr| ip == IpAddr::from([10, 1, 0, 1])))
    }

    fn answer(method: Method, status: u16) -> Message {
        let request = RequestBuilder::new(method, "sip:1@h")
            .header("Via", "SIP/2.0/UDP h;branch=z9hG4bK1")
            .from("<sip:a@h>", "a")
            .to("<sip:1@h>", None)
            .call_id("c")
            .cseq(1)
            .build();
        ResponseBuilder::to(&request, status).to_tag("t").build()
    }

    /// Refusals of so many INVITEs from there.
    fn refuse(guard: &Guard, source: &str, count: usize, now: Mono) {
        for _ in 0..count {
            guard.note_answered(&answer(Method::Invite, 404), at(source), now);
        }
    }

    #[test]
    fn a_source_that_gets_nothing_but_refusals_is_banned_for_a_time() {
        let guard = guard();
        let now = Mono::from_ms(1_000);
        refuse(&guard, "192.0.2.1", 19, now);
        assert!(!guard.is_banned(at("192.0.2.1"), now));
        refuse(&guard, "192.0.2.1", 1, now);
        assert!(guard.is_banned(at("192.0.2.1"), now));
        assert!(guard.is_banned(at("::ffff:192.0.2.1"), now), "the same address mapped");
        assert!(!guard.is_banned(at("192.0.2.2"), now));
        assert_eq!(guard.len(), 1);
        assert!(!guard.is_banned(at("192.0.2.1"), Mono::from_ms(61_000)));
        assert_eq!(guard.len(), 0);
    }

    #[test]
    fn who_was_served_before_a_restart_is_trusted_from_the_start() {
        let guard = guard();
        guard.trust(&[at("192.0.2.1")], Mono::default());
        refuse(&guard, "192.0.2.1", 500, Mono::from_ms(1_000));
        assert!(!guard.is_banned(at("192.0.2.1"), Mono::from_ms(1_000)));
        refuse(&guard, "192.0.2.2", 500, Mono::from_ms(1_000));
        assert!(guard.is_banned(at("192.0.2.2"), Mono::from_ms(1_000)));
    }

    #[test]
    fn garbage_and_scanners_names_count_too() {
        let guard = guard();
        let now = Mono::from_ms(1_000);
        for _ in 0..20 {
            guard.note_malformed(at("192.0.2.1"), now);
        }
        assert!(guard.is_banned(at("192.0.2.1"), now));
        let named = |name: &str| {
            RequestBuilder::new(Method::Options, "sip:h").header("User-Agent", name).build()
        };
        guard.note_received(&named("Friendly-Scanner"), at("192.0.2.2"), now);
        assert!(!guard.is_banned(at("192.0.2.2"), now), "one datagram may be anybody's");
        guard.note_received(&named("Friendly-Scanner"), at("192.0.2.2"), now);
        assert!(guard.is_banned(at("192.0.2.2"), now));
        guard.note_received(&named("baresip v1.0.0"), at("192.0.2.3"), now);
        assert!(!guard.is_banned(at("192.0.2.3"), now));
    }

    #[test]
    fn a_phone_whose_tls_is_too_old_may_try_often_but_not_without_end() {
        let guard = guard();
        let now = Mono::from_ms(1_000);
        (0..99).for_each(|_| guard.note_unopened(at("192.0.2.1"), now));
        assert!(!guard.is_banned(at("192.0.2.1"), now));
        guard.note_unopened(at("192.0.2.1"), now);
        assert!(guard.is_banned(at("192.0.2.1"), now));
    }

    #[test]
    fn who_only_asks_whether_we_are_there_may_do_so_often_but_not_without_end() {
        let guard = guard();
        let now = Mono::from_ms(1_000);
        let ask = || guard.note_answered(&answer(Method::Options, 403), at("192.0.2.1"), now);
        (0..99).for_each(|_| ask());
        assert!(!guard.is_banned(at("192.0.2.1"), now));
        ask();
        assert!(guard.is_banned(at("192.0.2.1"), now));
    }

    #[test]
    fn neither_spared_nor_trusted_sources_are_banned() {
        let guard = guard();
        let now = Mono::from_ms(1_000);
        refuse(&guard, "10.1.0.1", 1_000, now);
        guard.note_answered(&answer(Method::Register, 200), at("192.0.2.1"), now);
        refuse(&guard, "192.0.2.1", 1_000, now);
        guard.note_answers(at("192.0.2.2"), now);
        refuse(&guard, "192.0.2.2", 1_000, now);
        assert_eq!(guard.len(), 0);
        // An answer to OPTIONS is nobody's success: that is what scanners begin with.
        guard.note_answered(&answer(Method::Options, 200), at("192.0.2.3"), now);
        refuse(&guard, "192.0.2.3", 20, now);
        assert!(guard.is_banned(at("192.0.2.3"), now));
    }

    #[test]
    fn a_branch_whose_phones_all_register_at_once_is_not_banned() {
        let guard = Guard::new(BanLimits::default(), Arc::new(|_| false));
        let now = Mono::from_ms(1_000);
        for _ in 0..400 {
            guard.note_answered(&answer(Method::Register, 401), at("192.0.2.1"), now);
        }
        guard.note_answered(&answer(Method::Register, 200), at("192.0.2.1"), now);
        for _ in 0..10_000 {
            guard.note_answered(&answer(Method::Register, 401), at("192.0.2.1"), now);
        }
        assert!(!guard.is_banned(at("192.0.2.1"), now));
    }

    #[test]
    fn faults_are_forgotten() {
        let guard = guard();
        for minute in 0..60 {
            refuse(&guard, "192.0.2.1", 1, Mono::from_ms(minute * 60_000));
        }
        assert_eq!(guard.len(), 0, "ten in ten minutes are too few");
    }

    #[test]
    fn a_flood_of_made_up_sources_takes_half_of_the_room_at_most() {
        let guard = guard();
        let now = Mono::from_ms(1_000);
        for last in 0..100 {
            refuse(&guard, &format!("192.0.2.{last}"), 1, now);
        }
        assert_eq!(guard.lock().known.len(), 5);
        guard.note_answered(&answer(Method::Invite, 200), at("198.51.100.1"), now);
        assert_eq!(guard.lock().state(at("198.51.100.1")), Some(State::Trusted));
        for last in 0..100 {
            guard.note_answered(
                &answer(Method::Invite, 200),
                at(&format!("203.0.113.{last}")),
                now,
            );
        }
        assert_eq!(guard.lock().known.len(), 10);
    }

    #[test]
    fn a_host_of_ipv6_is_one_source_however_many_addresses_it_takes() {
        let guard = guard();
        let now = Mono::from_ms(1_000);
        for last in 0..20 {
            refuse(&guard, &format!("2001:db8::{last}"), 1, now);
        }
        assert!(guard.is_banned(at("2001:db8::ffff"), now));
        assert!(!guard.is_banned(at("2001:db8:0:1::1"), now));
    }
}
