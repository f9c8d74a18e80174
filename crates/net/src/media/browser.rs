//! One browser: where it is, by its checks of connectivity (ICE-lite, RFC 8445 §2.5), and the keys
//! of its packets, by a DTLS handshake (RFC 5763, RFC 5764).
//!
//! Nothing but a check with the leg's password tells where it is, and nothing from elsewhere gets
//! as far as the handshake; nothing is sent, and nothing believed, until the certificate is the one
//! that its description named.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use dimpl::{Dtls, Output, SrtpProfile};
use media::{Association, Fingerprint};
use model::{LegId, Mono};
use rtp::srtp::{Master, Profile};

use super::identity::{self, Identity};

/// Addresses of one browser that are known at once: it may have as many ways here, and leaves some.
/// The one that was there longest goes.
pub(super) const MAX_ADDRESSES: usize = 8;
/// How long a check lets us send to where it came from, in nanoseconds (RFC 7675 §5.1).
const CONSENT_NANOS: u64 = 30_000_000_000;
/// Room for what a handshake sends and tells: a certificate, too.
const ROOM: usize = 4_096;

/// What a browser's handshake has come to.
#[derive(Debug)]
enum Handshake {
    /// Goes on; and whether its certificate was the right one, and the keys, as far as it is told.
    Going { dtls: Box<Dtls>, is_proven: bool, masters: Option<[Master; 2]> },
    /// The keys are known. It stays, to repeat what was lost of it.
    Done { dtls: Box<Dtls> },
    /// It cannot be.
    Failed,
}

/// Keys of both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys {
    /// What we send with.
    pub(crate) ours: Master,
    /// What the browser sends with.
    pub(crate) theirs: Master,
}

/// One browser.
#[derive(Debug)]
pub(crate) struct Browser {
    /// The key of its leg among the worker's.
    pub(super) key: u64,
    association: Association,
    handshake: Handshake,
    /// Where its checks came from, the newest last.
    addresses: Vec<SocketAddr>,
    target: Option<SocketAddr>,
    consent_until: Mono,
    /// When the handshake waits for time.
    due: Mono,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    /// This address has to make room.
    pub(crate) forgotten: Option<SocketAddr>,
    /// It is somewhere else than it was.
    pub(crate) has_moved: bool,
}

impl Browser {
    pub(crate) fn new(key: u64, association: Association, identity: &Identity) -> Self {
        let dtls = Box::new(identity.handshake(association.is_client));
        Self {
            key,
            association,
            handshake: Handshake::Going { dtls, is_proven: false, masters: None },
            addresses: Vec::new(),
            target: None,
            consent_until: Mono(0),
            due: Mono(u64::MAX),
        }
    }

    /// Something else was agreed on. True if its keys have to come anew: it has another
    /// certificate, so it is another browser, or the same after it was loaded again.
    pub(crate) fn turn(&mut self, association: Association, identity: &Identity) -> bool {
        if self.association.fingerprint == association.fingerprint {
            self.association.ice = association.ice;
            return false;
        }
        *self = Self {
            addresses: std::mem::take(&mut self.addresses),
            ..Self::new(self.key, association, identity)
        };
        true
    }

    pub(crate) const fn association(&self) -> &Association {
        &self.association
    }

    /// All that may be its own.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where to send; `None` where nothing may be sent.
    pub(crate) const fn target(&self) -> Option<SocketAddr> {
        self.target
    }

    /// When it has to be looked after.
    pub(crate) fn due(&self) -> Mono {
        match self.target {
            Some(_) => self.due.min(self.consent_until),
            None => Mono(u64::MAX),
        }
    }

    /// A check with its password came from there.
    pub(crate) fn handle_check(
        &mut self,
        from: SocketAddr,
        is_nominated: bool,
        now: Mono,
    ) -> Checked {
        self.consent_until = Mono(now.0.saturating_add(CONSENT_NANOS));
        let mut forgotten = None;
        if !self.addresses.contains(&from) {
            if self.addresses.len() == MAX_ADDRESSES {
                let oldest = self.addresses.iter().position(|one| Some(*one) != self.target);
                forgotten = oldest.map(|at| self.addresses.remove(at));
            }
            self.addresses.push(from);
        }
        let before = self.target;
        // Until it has chosen, any way is as good: the first that was found is kept.
        if is_nominated || self.target.is_none() {
            self.target = Some(from);
        }
        if before.is_none() {
            // Ours to begin, perhaps.
            self.due = now;
        }
        Checked { forgotten, has_moved: before != self.target }
    }

    /// A datagram of its handshake came.
    pub(crate) fn handle_datagram(
        &mut self,
        datagram: &[u8],
        (leg, socket): (LegId, &UdpSocket),
        identity: &Identity,
    ) -> Option<Keys> {
        self.with_handshake((leg, socket), identity, |dtls| dtls.handle_packet(datagram))
    }

    /// Time passed: to be called at or after [`Browser::due`]. To one that was not heard of for
    /// long nothing is sent any more, until it asks again.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Mono,
        to: (LegId, &UdpSocket),
        identity: &Identity,
    ) -> Option<Keys> {
        if self.consent_until <= now {
            self.target = None;
        }
        match self.target.is_some() && self.due <= now {
            true => self.with_handshake(to, identity, |_| Ok(())),
            false => None,
        }
    }

    /// Does something with the handshake and sends what comes of it; the keys, once they are known.
    fn with_handshake(
        &mut self,
        (leg, socket): (LegId, &UdpSocket),
        identity: &Identity,
        act: impl FnOnce(&mut Dtls) -> Result<(), dimpl::Error>,
    ) -> Option<Keys> {
        self.due = Mono(u64::MAX);
        let (Handshake::Going { dtls, .. } | Handshake::Done { dtls }) = &mut self.handshake else {
            return None;
        };
        let acted = dtls.handle_timeout(identity.clock().instant()).and_then(|()| act(dtls));
        let told = acted.map_err(io::Error::other).and_then(|()| self.drain(socket, identity));
        match told {
            Ok(keys) => keys,
            Err(error) => {
                // Without keys the leg is silent, and ends as any that is.
                tracing::warn!(%leg, %error, "a browser's handshake failed");
                self.handshake = Handshake::Failed;
                None
            }
        }
    }

    /// Takes all that the handshake has to tell.
    fn drain(&mut self, socket: &UdpSocket, identity: &Identity) -> io::Result<Option<Keys>> {
        let Association { fingerprint, is_client, .. } = self.association;
        let mut room = [0; ROOM];
        loop {
            let output = match &mut self.handshake {
                Handshake::Going { dtls, .. } | Handshake::Done { dtls } => {
                    dtls.poll_output(&mut room)
                }
                Handshake::Failed => return Ok(None),
            };
            match output {
                // One that the system does not take is lost, and repeated.
                Output::Packet(bytes) => {
                    self.target.map(|target| socket.send_to(bytes, target));
                }
                Output::Timeout(at) => {
                    self.due = identity.clock().mono(at);
                    break;
                }
                Output::PeerCert(certificate) => self.prove(certificate, fingerprint)?,
                Output::KeyingMaterial(material, profile) => self.keep(&material, profile)?,
                Output::BufferTooSmall { .. } => {
                    return Err(io::Error::other("its certificate is too long"));
                }
                Output::CloseNotify => return Err(io::Error::other("the browser closed it")),
                Output::Connected | Output::ApplicationData(_) => {}
                _ => {}
            }
        }
        Ok(self.take_keys(is_client))
    }

    /// The other side's certificate came.
    fn prove(&mut self, certificate: &[u8], wanted: Fingerprint) -> io::Result<()> {
        if identity::fingerprint(certificate) != wanted {
            return Err(io::Error::other("its certificate is not the one that was described"));
        }
        if let Handshake::Going { is_proven, .. } = &mut self.handshake {
            *is_proven = true;
        }
        Ok(())
    }

    /// The keys came.
    fn keep(&mut self, material: &[u8], profile: SrtpProfile) -> io::Result<()> {
        let profile = match profile {
            SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::AesCm128HmacSha1_80),
            SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
            SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
            _ => None,
        };
        let both = profile.and_then(|profile| profile.masters(material));
        let both = both.ok_or_else(|| io::Error::other("no way to protect packets is common"))?;
        if let Handshake::Going { masters, .. } = &mut self.handshake {
            *masters = Some(both);
        }
        Ok(())
    }

    /// The keys, once: when they are there and whose they are is proven.
    fn take_keys(&mut self, is_client: bool) -> Option<Keys> {
        let handshake = std::mem::replace(&mut self.handshake, Handshake::Failed);
        match handshake {
            Handshake::Going { dtls, is_proven: true, masters: Some([client, server]) } => {
                self.handshake = Handshake::Done { dtls };
                Some(match is_client {
                    true => Keys { ours: client, theirs: server },
                    false => Keys { ours: server, theirs: client },
                })
            }
            Handshake::Going { .. } | Handshake::Done { .. } | Handshake::Failed => {
                self.handshake = handshake;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use media::{PASSWORD_BYTES, UFRAG_BYTES};
    use model::{Id, Mono};
    use sdp::Ice;

    use super::super::clock::Clock;
    use super::*;

    fn address(number: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 50_000 + number))
    }

    fn association(byte: u8) -> Association {
        let ice = Ice::new([b'a'; UFRAG_BYTES], [b'b'; PASSWORD_BYTES]);
        Association { ice, fingerprint: Fingerprint([byte; 32]), is_client: false }
    }

    fn browser() -> (Browser, Identity) {
        let identity = Identity::new(Clock::new(Instant::now())).unwrap();
        (Browser::new(1, association(1), &identity), identity)
    }

    const S: u64 = 1_000_000_000;

    #[test]
    fn it_is_where_it_was_found_first_until_it_chooses() {
        let (mut browser, _) = browser();
        assert_eq!(browser.target(), None);
        for (number, nominated, wanted) in
            [(1, false, 1), (2, false, 1), (2, true, 2), (1, false, 2), (3, true, 3)]
        {
            let before = browser.target();
            let checked = browser.handle_check(address(number), nominated, Mono(S));
            assert_eq!(browser.target(), Some(address(wanted)));
            assert_eq!(checked.has_moved, before != Some(address(wanted)));
        }
    }

    #[test]
    fn of_many_addresses_the_oldest_makes_room_but_never_the_one_that_is_sent_to() {
        let (mut browser, _) = browser();
        for number in 0..MAX_ADDRESSES as u16 {
            assert_eq!(browser.handle_check(address(number), number == 0, Mono(S)).forgotten, None);
        }
        for (number, forgotten) in [(100, 1), (101, 2), (102, 3)] {
            let checked = browser.handle_check(address(number), false, Mono(S));
            assert_eq!(checked.forgotten, Some(address(forgotten)));
        }
        assert_eq!((browser.addresses().len(), browser.target()), (8, Some(address(0))));
    }

    #[test]
    fn rfc_7675_without_checks_nothing_is_sent_after_30_seconds() {
        let (mut browser, identity) = browser();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = (LegId(Id::new(0, 0, 1)), &socket);
        for at in [S, 20 * S] {
            browser.handle_check(address(1), true, Mono(at));
        }
        assert_eq!(browser.handle_timeout(Mono(49 * S), to, &identity), None);
        assert_eq!(browser.target(), Some(address(1)));
        assert!(browser.due() <= Mono(50 * S));
        browser.handle_timeout(Mono(50 * S), to, &identity);
        assert_eq!((browser.target(), browser.due()), (None, Mono(u64::MAX)));
        browser.handle_check(address(2), true, Mono(60 * S));
        assert_eq!(browser.target(), Some(address(2)), "it came back");
    }

    #[test]
    fn another_certificate_is_another_handshake_and_new_names_are_not() {
        let (mut browser, identity) = browser();
        browser.handle_check(address(1), true, Mono(S));
        let named = Association { ice: Ice::new([b'c'; 8], [b'd'; 24]), ..association(1) };
        assert!(!browser.turn(named, &identity));
        assert_eq!((browser.association(), browser.target()), (&named, Some(address(1))));
        assert!(browser.turn(association(2), &identity));
        assert_eq!((browser.target(), browser.addresses()), (None, &[address(1)][..]));
    }
}
