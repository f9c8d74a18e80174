//! Legs whose packets are protected (SRTP): made plain where they come in, before anything else
//! looks at them, and protected where they go out, after everything else.

use media::Secured;
use rtp::srtp::{self, MAX_GROWTH};
use rtp::{MasterKey, Suite, rtcp};

use super::browser::Keys;
use super::counters::Counters;
use super::leg::Leg;

/// Room for a protected packet.
const ROOM: usize = rtp::MAX_PACKET_BYTES + MAX_GROWTH;

/// What protects one leg's packets.
#[derive(Debug)]
pub(crate) struct Crypt {
    ways: Ways,
    room: [u8; ROOM],
}

/// The keys of both directions.
#[derive(Debug, Default)]
struct Ways {
    /// How packets are protected now; `None` while they are plain.
    secured: Option<Secured>,
    /// By suite: a key goes on where it was when the leg comes back to it, so that no number is
    /// used twice under it.
    senders: [Option<(MasterKey, srtp::Sender)>; Suite::ALL.len()],
    /// By suite, the other side's newest key of it: what came under it before is known when the leg
    /// comes back to it.
    receivers: [Option<(MasterKey, srtp::Receiver)>; Suite::ALL.len()],
    /// Of a browser: what its handshake has come to, and nothing else counts.
    browser: Option<Shaken>,
}

/// A browser's keys.
#[derive(Debug)]
enum Shaken {
    /// There are none: nothing is sent, and nothing believed.
    NotYet,
    Done(Box<(srtp::Sender, srtp::Receiver)>),
}

impl Ways {
    /// What opens packets, or none to be had; `None` for those that are taken as they are.
    fn opener(&mut self) -> Option<Option<&mut srtp::Receiver>> {
        match &mut self.browser {
            Some(Shaken::NotYet) => Some(None),
            Some(Shaken::Done(both)) => Some(Some(&mut both.1)),
            None => {
                let secured = self.secured?;
                Some(self.receivers[place(secured.suite)].as_mut().map(|(_, receiver)| receiver))
            }
        }
    }

    /// What protects packets, or none to be had; `None` for those that go as they are.
    fn sealer(&mut self) -> Option<Option<&mut srtp::Sender>> {
        match (&mut self.browser, self.secured) {
            (Some(Shaken::NotYet), _) => Some(None),
            (Some(Shaken::Done(both)), _) => Some(Some(&mut both.0)),
            (None, Some(secured)) => {
                Some(self.senders[place(secured.suite)].as_mut().map(|(_, sender)| sender))
            }
            (None, None) => None,
        }
    }
}

impl Crypt {
    fn new() -> Self {
        Self { ways: Ways::default(), room: [0; ROOM] }
    }

    /// From now on packets are protected like this.
    fn turn(&mut self, secured: Option<Secured>) {
        let ways = &mut self.ways;
        if let Some(Secured { suite, ours, theirs }) = secured {
            let sender = &mut ways.senders[place(suite)];
            if sender.as_ref().is_none_or(|(key, _)| *key != ours) {
                *sender = Some((ours, srtp::Sender::new(suite, &ours)));
            }
            let receiver = &mut ways.receivers[place(suite)];
            if receiver.as_ref().is_none_or(|(key, _)| *key != theirs) {
                *receiver = Some((theirs, srtp::Receiver::new(suite, &theirs)));
            }
        }
        ways.secured = secured;
    }

    /// The packet as it is to be sent; `None` if that cannot be.
    pub(crate) fn seal<'a>(&'a mut self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let Self { ways, room } = self;
        let turn = ways.secured.map(|secured| place(secured.suite));
        for (_, idle) in ways.senders.iter_mut().enumerate().filter(|(at, _)| Some(*at) != turn) {
            // Its rounds are counted on, so that it knows which one it comes back in.
            idle.iter_mut().for_each(|(_, sender)| sender.pass_over(packet));
        }
        let Some(sender) = ways.sealer() else { return Some(packet) };
        room.get_mut(..packet.len())?.copy_from_slice(packet);
        let length = sender?.protect(room, packet.len()).ok()?;
        room.get(..length)
    }

    /// Protects the report of so many bytes, in place; its new length, or `None` if that cannot be.
    pub(crate) fn seal_report(&mut self, packet: &mut [u8], length: usize) -> Option<usize> {
        match self.ways.sealer() {
            None => Some(length),
            Some(sender) => sender?.protect_report(packet, length).ok(),
        }
    }
}

/// The place of a suite among all.
const fn place(suite: Suite) -> usize {
    match suite {
        Suite::AesCm128HmacSha1_80 => 0,
        Suite::AesCm128HmacSha1_32 => 1,
    }
}

impl Leg {
    /// Packets are protected as the leg was told.
    pub(crate) fn protect(&mut self) {
        let secured = self.wanted.as_ref().and_then(|wanted| wanted.media.secured);
        if secured.is_some() && self.crypt.is_none() {
            self.crypt = Some(Box::new(Crypt::new()));
        }
        if let Some(crypt) = self.crypt.as_mut().filter(|crypt| crypt.ways.secured != secured) {
            crypt.turn(secured);
        }
    }

    /// Its packets are protected by keys that are to come.
    pub(super) fn await_keys(&mut self) {
        self.crypt.get_or_insert_with(|| Box::new(Crypt::new())).ways.browser =
            Some(Shaken::NotYet);
    }

    /// The keys came.
    pub(super) fn take_keys(&mut self, keys: &Keys) {
        let both = (srtp::Sender::by(&keys.ours), srtp::Receiver::by(&keys.theirs));
        let crypt = self.crypt.get_or_insert_with(|| Box::new(Crypt::new()));
        crypt.ways.browser = Some(Shaken::Done(Box::new(both)));
    }

    /// Whether all that is sent can be protected as it has to be.
    pub(super) fn has_keys(&self) -> bool {
        match self.crypt.as_ref().and_then(|crypt| crypt.ways.browser.as_ref()) {
            Some(Shaken::NotYet) => false,
            Some(Shaken::Done(_)) | None => true,
        }
    }

    /// The plain packet or report of what came. `None`, counted, if it is not to be believed:
    /// nothing else has changed then.
    pub(crate) fn open<'a>(
        &mut self,
        datagram: &'a mut [u8],
        counted: &mut Counters,
    ) -> Option<&'a mut [u8]> {
        let Some(receiver) = self.crypt.as_mut().and_then(|crypt| crypt.ways.opener()) else {
            return Some(datagram);
        };
        let opened = receiver.and_then(|receiver| {
            match rtcp::is_rtcp(datagram) {
                true => receiver.unprotect_report(datagram),
                false => receiver.unprotect(datagram),
            }
            .ok()
        });
        match opened {
            Some(length) => datagram.get_mut(..length),
            None => {
                self.stats.packets_refused += 1;
                counted.refused_forged += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rtp::Header;
    use rtp::rtcp::{MAX_REPORT_BYTES, Report};

    use super::*;

    const LONG: Suite = Suite::AesCm128HmacSha1_80;
    const SHORT: Suite = Suite::AesCm128HmacSha1_32;

    fn secured(suite: Suite, ours: u8, theirs: u8) -> Option<Secured> {
        let key = |byte| MasterKey::new([byte; 30]);
        Some(Secured { suite, ours: key(ours), theirs: key(theirs) })
    }

    fn packet(sequence: u16) -> Vec<u8> {
        let mut packet = vec![0; 172];
        let header = Header { sequence, ssrc: 9, ..Header::default() };
        header.write(&[7; 160], &mut packet).unwrap();
        packet
    }

    /// What the other side makes of what is sealed.
    fn opened(sealed: Option<&[u8]>, suite: Suite, key: u8) -> Option<Vec<u8>> {
        let mut packet = sealed?.to_vec();
        let mut receiver = srtp::Receiver::new(suite, &MasterKey::new([key; 30]));
        let length = receiver.unprotect(&mut packet).ok()?;
        packet.truncate(length);
        Some(packet)
    }

    #[test]
    fn what_is_sealed_is_what_the_other_side_opens_and_plain_is_plain() {
        let mut crypt = Crypt::new();
        assert_eq!(crypt.seal(&packet(1)), Some(&packet(1)[..]));
        for (sequence, suite) in [(2, LONG), (3, SHORT), (4, LONG)] {
            crypt.turn(secured(suite, 1, 2));
            assert_eq!(opened(crypt.seal(&packet(sequence)), suite, 1), Some(packet(sequence)));
        }
        crypt.turn(None);
        assert_eq!(crypt.seal(&packet(5)), Some(&packet(5)[..]));
        assert!(crypt.seal(&[0x80; 5]).is_some(), "what it is, is not looked at");
    }

    #[test]
    fn no_number_is_used_twice_under_a_key_that_comes_again() {
        let mut crypt = Crypt::new();
        crypt.turn(secured(LONG, 1, 2));
        assert!(crypt.seal(&packet(100)).is_some());
        for between in [None, secured(SHORT, 3, 2), secured(LONG, 1, 9)] {
            crypt.turn(between);
            crypt.turn(secured(LONG, 1, 2));
            assert_eq!(crypt.seal(&packet(100)), None, "{between:?}");
        }
        crypt.turn(secured(LONG, 4, 2));
        assert!(crypt.seal(&packet(100)).is_some(), "under another key it may be");
    }

    #[test]
    fn a_way_that_was_plain_for_a_while_goes_on_in_its_round() {
        let mut crypt = Crypt::new();
        crypt.turn(secured(LONG, 1, 2));
        let mut far = srtp::Receiver::new(LONG, &MasterKey::new([1; 30]));
        let mut first = crypt.seal(&packet(40_000)).unwrap().to_vec();
        assert_eq!(far.unprotect(&mut first), Ok(172));
        crypt.turn(None);
        let passed = (1..40_000_u16).map(|ahead| packet(40_000_u16.wrapping_add(ahead)));
        passed.for_each(|plain| assert_eq!(crypt.seal(&plain), Some(&plain[..])));
        crypt.turn(secured(LONG, 1, 2));
        let sealed = crypt.seal(&packet(40_000_u16.wrapping_add(40_000))).unwrap().to_vec();
        let tagged = |rollover: u32| {
            // RFC 3711 §4.2: the rollover counter is under the tag.
            let mut far = srtp::Sender::new(LONG, &MasterKey::new([1; 30]));
            let numbers = [40_000, 60_000, 14_464];
            let of_round = &numbers[if rollover == 0 { 2 } else { 0 }..];
            let seal = |sequence: &u16| {
                let mut room = [0; 172 + MAX_GROWTH];
                room[..172].copy_from_slice(&packet(*sequence));
                far.protect(&mut room, 172).map(|length| room[..length].to_vec())
            };
            of_round.iter().map(seal).last().unwrap().unwrap()
        };
        assert_eq!(sealed, tagged(1));
        assert_ne!(sealed, tagged(0));
    }

    #[test]
    fn what_came_before_a_plain_while_is_not_taken_again() {
        let mut far = srtp::Sender::new(LONG, &MasterKey::new([2; 30]));
        let mut room = [0; 172 + MAX_GROWTH];
        room[..172].copy_from_slice(&packet(7));
        let length = far.protect(&mut room, 172).unwrap();
        let mut crypt = Crypt::new();
        for (between, wanted) in [
            (None, Ok(172)),
            (None, Err(srtp::Refused::Replayed)),
            (secured(SHORT, 1, 2), Err(srtp::Refused::Replayed)),
        ] {
            crypt.turn(between);
            crypt.turn(secured(LONG, 1, 2));
            let mut came = room[..length].to_vec();
            assert_eq!(crypt.ways.opener().unwrap().unwrap().unprotect(&mut came), wanted);
        }
    }

    #[test]
    fn what_has_no_room_is_not_sent_in_the_clear() {
        let mut crypt = Crypt::new();
        crypt.turn(secured(LONG, 1, 2));
        assert_eq!(crypt.seal(&vec![0x80; ROOM + 1]), None);
        assert_eq!(crypt.seal(&[0x80; 5]), None, "nor what is no packet");
        let mut report = [0; MAX_REPORT_BYTES + MAX_GROWTH];
        let length = Report { ssrc: 9, ..Report::default() }.write("me", &mut report).unwrap();
        let sealed = crypt.seal_report(&mut report, length).unwrap();
        let mut receiver = srtp::Receiver::new(LONG, &MasterKey::new([1; 30]));
        assert_eq!(receiver.unprotect_report(&mut report[..sealed]), Ok(length));
        assert_eq!(crypt.seal_report(&mut report, ROOM), None);
    }
}
