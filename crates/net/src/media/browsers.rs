//! A worker's port for browsers: one for all of them, and one a family of addresses. What comes is
//! told apart by its first byte (RFC 7983), and whose it is by where it comes from, once a check
//! with the leg's password came from there.
//!
//! A stranger costs what it takes to read its packet: nothing is answered, kept or sent for it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use media::{Association, UFRAG_BYTES};
use model::{LegId, Mono};
use rtp::stun::Check;

use super::browser::{Browser, Keys};
use super::counters::Counters;
use super::identity::Identity;
use super::leg::Leg;
use super::legs::Legs;
use super::readiness::Readiness;
use super::receive::Ready;
use super::worker::Worker;

/// Marks the key of a port for browsers; the number of the port stands below. No leg's key has it.
const PORT: u64 = 1 << 30;
/// Packets that are read at once from one port: all browsers send there.
const AT_ONCE: usize = 256;
/// How often browsers are looked after, in nanoseconds: handshakes count in more than that.
const LOOK_EVERY: u64 = 10_000_000;

/// What comes to a port, by its first byte (RFC 7983 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stun,
    Dtls,
    /// SRTP and SRTCP.
    Media,
    Other,
}

impl Kind {
    fn of(datagram: &[u8]) -> Self {
        match datagram.first() {
            Some(0..=3) => Self::Stun,
            Some(20..=63) => Self::Dtls,
            Some(128..=191) => Self::Media,
            Some(_) | None => Self::Other,
        }
    }
}

/// What all workers have in common for browsers.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) identity: Identity,
    /// Of each worker, one a family.
    pub(crate) sockets: Vec<Vec<Arc<UdpSocket>>>,
}

impl Gate {
    /// The port of that worker for browsers of a family of addresses.
    pub(crate) fn socket(&self, worker: usize, like: IpAddr) -> io::Result<Arc<UdpSocket>> {
        for socket in self.sockets.get(worker).into_iter().flatten() {
            if socket.local_addr()?.is_ipv4() == like.is_ipv4() {
                return Ok(Arc::clone(socket));
            }
        }
        Err(io::ErrorKind::AddrNotAvailable.into())
    }
}

/// One worker's browsers.
#[derive(Debug)]
pub(crate) struct Browsers {
    gate: Option<Arc<Gate>>,
    worker: usize,
    /// Whose checks have which name.
    by_ufrag: HashMap<[u8; UFRAG_BYTES], u64>,
    /// Whose packets come from where: at most [`super::browser::MAX_ADDRESSES`] of each.
    by_address: HashMap<SocketAddr, u64>,
    /// Legs of browsers.
    legs: Vec<u64>,
    look_due: Mono,
}

impl Browsers {
    pub(crate) fn new(
        gate: Option<Arc<Gate>>,
        worker: usize,
        readiness: &Readiness,
    ) -> io::Result<Self> {
        let sockets = gate.iter().flat_map(|gate| gate.sockets.get(worker)).flatten();
        for (number, socket) in (0..).zip(sockets) {
            readiness.add(PORT | number, socket)?;
        }
        let (by_ufrag, by_address, legs) = (HashMap::new(), HashMap::new(), Vec::new());
        Ok(Self { gate, worker, by_ufrag, by_address, legs, look_due: Mono(0) })
    }

    fn socket(&self, key: u64) -> Option<Arc<UdpSocket>> {
        let number = (key & !PORT) as usize;
        self.gate.as_ref()?.sockets.get(self.worker)?.get(number).map(Arc::clone)
    }

    /// The leg is wanted to be a browser's, or not any more.
    pub(crate) fn set(&mut self, (key, leg): (u64, &mut Leg), association: Option<Association>) {
        let Some((association, gate)) = association.zip(self.gate.as_ref()) else {
            return self.forget(leg);
        };
        match &mut leg.browser {
            Some(browser) => {
                let before = *browser.association();
                if before.ice.ufrag() != association.ice.ufrag() {
                    self.by_ufrag.remove(before.ice.ufrag());
                }
                if browser.turn(association, &gate.identity) {
                    leg.await_keys();
                }
            }
            None => {
                leg.browser = Some(Box::new(Browser::new(key, association, &gate.identity)));
                leg.await_keys();
                self.legs.push(key);
            }
        }
        self.by_ufrag.insert(*association.ice.ufrag(), key);
    }

    /// The leg is closed, or none of a browser.
    pub(crate) fn forget(&mut self, leg: &mut Leg) {
        let Some(browser) = leg.browser.take() else { return };
        let (by_address, key) = (&mut self.by_address, browser.key);
        self.by_ufrag.retain(|_, other| *other != key);
        self.legs.retain(|other| *other != key);
        for address in browser.addresses() {
            if by_address.get(address) == Some(&key) {
                by_address.remove(address);
            }
        }
    }

    /// The leg whose packets come from there.
    fn find(&self, from: SocketAddr) -> Option<u64> {
        self.by_address.get(&from).copied()
    }

    /// A check came: answered where it was made with the password of the leg that it names.
    fn check(
        &mut self,
        datagram: &[u8],
        (from, socket): (SocketAddr, &UdpSocket),
        now: Mono,
        legs: &mut Legs,
        counted: &mut Counters,
    ) {
        let found = Check::parse(datagram).and_then(|check| {
            let key = *self.by_ufrag.get(check.ufrag())?;
            let (_, leg) = legs.find(key)?;
            let password = *leg.browser.as_ref()?.association().ice.password();
            Some((check.answer(&password, from)?, check.is_nominated(), leg))
        });
        let Some((answer, is_nominated, leg)) = found else {
            counted.refused_checks += 1;
            return;
        };
        // One that the system does not take is lost, and asked for again.
        let _ = socket.send_to(answer.as_bytes(), from);
        let Some(browser) = leg.browser.as_mut() else { return };
        let key = browser.key;
        let checked = browser.handle_check(from, is_nominated, now);
        if checked.has_moved {
            leg.follow();
        }
        if let Some(forgotten) = checked.forgotten {
            self.by_address.remove(&forgotten);
        }
        self.by_address.insert(from, key);
        leg.handle_consent(now);
    }
}

/// Whether a key is that of a port for browsers.
pub(super) const fn is_port(key: u64) -> bool {
    key >> 32 == 0 && key & PORT != 0
}

impl Worker {
    /// The leg at `index`, if it was opened for a browser, is that of the one that it was told of.
    pub(super) fn set_browser(&mut self, index: u32) {
        let key = self.legs.key_at(index);
        let Some(leg) = self.legs.at(index).filter(|leg| leg.port.is_none()) else { return };
        let association = leg.wanted.as_ref().and_then(|wanted| wanted.media.browser);
        self.browsers.set((key, leg), association);
        leg.follow();
    }

    /// What came to a port for browsers.
    pub(super) fn receive_browsers(&mut self, key: u64, now: Mono, memory: &mut Ready) {
        let Some(socket) = self.browsers.socket(key) else { return };
        for _ in 0..AT_ONCE {
            let Ok((bytes, from)) = socket.recv_from(&mut memory.buffer[..]) else { return };
            let datagram = &memory.buffer[..bytes];
            match (Kind::of(datagram), self.browsers.find(from)) {
                (Kind::Stun, _) => {
                    let Self { browsers, legs, counted, .. } = self;
                    browsers.check(datagram, (from, &socket), now, legs, counted);
                }
                (Kind::Dtls, Some(leg)) => self.shake(leg, datagram),
                (Kind::Media, Some(leg)) => self.handle_packet(leg, (bytes, from), now, memory),
                (Kind::Dtls | Kind::Media, None) => self.outward.counted.refused_source += 1,
                (Kind::Other, _) => self.outward.counted.refused_content += 1,
            }
        }
    }

    /// A datagram of a browser's handshake.
    fn shake(&mut self, key: u64, datagram: &[u8]) {
        let Some(gate) = self.browsers.gate.clone() else { return };
        let Some((_, leg)) = self.legs.find(key) else { return };
        leg.with_browser(|browser, to| browser.handle_datagram(datagram, to, &gate.identity));
    }

    /// Handshakes whose time has come, and browsers that were not heard of for too long.
    pub(super) fn look_after_browsers(&mut self, now: Mono) {
        if self.browsers.legs.is_empty() || self.browsers.look_due > now {
            return;
        }
        self.browsers.look_due = Mono(now.0 + LOOK_EVERY);
        let Some(gate) = self.browsers.gate.clone() else { return };
        for at in 0..self.browsers.legs.len() {
            let Some((_, leg)) = self.legs.find(self.browsers.legs[at]) else { continue };
            if leg.browser.as_ref().is_none_or(|browser| browser.due() > now) {
                continue;
            }
            leg.with_browser(|browser, to| browser.handle_timeout(now, to, &gate.identity));
        }
    }
}

impl Leg {
    /// Does something with its browser, and takes the keys that come of it.
    fn with_browser(
        &mut self,
        act: impl FnOnce(&mut Browser, (LegId, &UdpSocket)) -> Option<Keys>,
    ) {
        let Some(browser) = self.browser.as_mut() else { return };
        if let Some(keys) = act(browser, (self.id, &self.socket)) {
            self.take_keys(&keys);
        }
        self.follow();
    }

    /// Packets go where the browser is, and nowhere while that is not known.
    fn follow(&mut self) {
        let target = self.browser.as_ref().and_then(|browser| browser.target());
        if let Some(wanted) = &mut self.wanted {
            wanted.origin.find(target);
        }
    }

    /// A browser on hold proves by its checks that it is there.
    fn handle_consent(&mut self, now: Mono) {
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.awaits()) {
            (self.alive, self.is_silent) = (now, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7983_what_comes_is_told_by_its_first_byte() {
        let kinds = |range: std::ops::RangeInclusive<u8>, kind: Kind| {
            range.into_iter().all(|byte| Kind::of(&[byte, 1]) == kind)
        };
        assert!(kinds(0..=3, Kind::Stun) && kinds(20..=63, Kind::Dtls));
        assert!(kinds(128..=191, Kind::Media));
        assert!(kinds(4..=19, Kind::Other) && kinds(64..=127, Kind::Other));
        assert!(kinds(192..=255, Kind::Other));
        assert_eq!(Kind::of(&[]), Kind::Other);
    }

    #[test]
    fn the_key_of_a_port_is_no_legs() {
        assert!(is_port(PORT) && is_port(PORT | 1));
        assert!(!is_port(0) && !is_port((PORT >> 1) | 7) && !is_port((3 << 32) | 7));
    }
}
