//! The legs' RTCP: on the port beside RTP's, or on the same one where that was agreed on.
//!
//! Reports are sent by the clock, each leg on its own beat of some seconds, a few a tick at most:
//! a voice never waits for them. What comes from elsewhere than the phone changes nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{SocketAddr, UdpSocket};

use media::{MediaEvent, Rtcp};
use model::Mono;
use rtp::rtcp::{self, Control, Heard, Report, Told};

use super::counters::Counters;
use super::leg::Leg;
use super::legs::Legs;
use super::origin::Origin;
use super::outbox::Outbox;
use super::readiness::Readiness;
use super::worker::Worker;
use super::{playing, ports};

/// Marks the key of a leg's socket for RTCP; legs are never so many that theirs has it.
const BESIDE: u64 = 1 << 31;
/// A change of a line's score that is told, in hundredths: people notice less than that hardly.
const NOTICED_MOS: u16 = 10;
/// Reports sent in one tick; the others wait for the next one.
const REPORTS_A_TICK: usize = 32;

/// One leg's RTCP.
#[derive(Debug)]
pub(crate) struct Reports {
    /// `None` while there is nobody to report to.
    agreed: Option<Rtcp>,
    /// The socket beside RTP's, and where its packets come from; `None` where RTP's is shared.
    beside: Option<(UdpSocket, Origin)>,
    control: Control,
    /// Whether its next report is among those that are due.
    is_queued: bool,
    /// The line's score when it was told last, in hundredths.
    told_mos: Option<u16>,
}

impl Reports {
    /// What the phone told.
    pub(crate) const fn told(&self) -> &Told {
        self.control.told()
    }
}

/// When which leg's next report is due: at most one entry a leg, and those of legs that closed
/// within the last interval.
#[derive(Debug, Default)]
pub(crate) struct Due(BinaryHeap<Reverse<(Mono, u64)>>);

impl Due {
    fn insert(&mut self, at: Mono, key: u64) {
        self.0.push(Reverse((at, key)));
    }

    /// The next leg that is due by now.
    fn take(&mut self, now: Mono) -> Option<u64> {
        let Reverse((at, _)) = self.0.peek()?;
        if *at > now {
            return None;
        }
        self.0.pop().map(|Reverse((_, key))| key)
    }
}

/// Whether a key is that of a socket for RTCP.
pub(super) const fn is_beside(key: u64) -> bool {
    key & BESIDE != 0
}

impl Worker {
    /// The leg at `index` exchanges reports as it was told.
    pub(super) fn set_reports(&mut self, index: u32, now: Mono) {
        let key = self.legs.key_at(index);
        let Some(leg) = self.legs.at(index) else { return };
        let agreed = leg.wanted.as_ref().and_then(|wanted| wanted.media.rtcp);
        // Where a browser is, its checks say.
        let is_somewhere =
            |rtcp: &Rtcp| leg.browser.is_some() || !rtcp.remote.ip().is_unspecified();
        let agreed = agreed.filter(is_somewhere);
        if agreed.is_none() && leg.reports.is_none() {
            return;
        }
        let fresh = || {
            // Without chance there is still the stream's random name.
            let seed = getrandom::u64().unwrap_or(u64::from(leg.out.ssrc()));
            let control = Control::new(seed, now);
            Box::new(Reports {
                agreed: None,
                beside: None,
                control,
                is_queued: false,
                told_mos: None,
            })
        };
        let mut reports = leg.reports.take().unwrap_or_else(fresh);
        if reports.agreed != agreed {
            let local = leg.socket.local_addr();
            let opened = reports.turn(agreed, local, &self.readiness, key);
            if let Err(error) = opened {
                tracing::warn!(leg = %leg.id, %error, "no port for RTCP: it is not exchanged");
                self.outward.counted.report_ports_missing += 1;
                reports.agreed = None;
            }
        }
        if reports.agreed.is_some() && !reports.is_queued {
            reports.is_queued = true;
            self.reports_due.insert(reports.control.poll_timeout().0.max(now), key);
        }
        leg.reports = Some(reports);
    }

    /// Sends the reports that are due.
    pub(super) fn report(&mut self, now: Mono) {
        for _ in 0..REPORTS_A_TICK {
            let Some(key) = self.reports_due.take(now) else { return };
            let Some((_, leg)) = self.legs.find(key) else { continue };
            let next = leg.report(false, now, &mut self.outward.counted);
            leg.tell_quality(&mut self.outbox);
            if let Some(reports) = leg.reports.as_mut() {
                reports.is_queued = next.is_some();
            }
            if let Some(at) = next {
                self.reports_due.insert(at, key);
            }
        }
    }
}

/// One packet on a leg's socket for RTCP.
pub(super) fn receive(
    key: u64,
    now: Mono,
    legs: &mut Legs,
    buffer: &mut [u8],
    counted: &mut Counters,
) {
    let Some((_, leg)) = legs.find(key & !BESIDE) else { return };
    let socket = leg.reports.as_ref().and_then(|reports| reports.beside.as_ref());
    let Some(Ok((bytes, from))) = socket.map(|(socket, _)| socket.recv_from(buffer)) else {
        return;
    };
    let Some(datagram) = leg.open(&mut buffer[..bytes], counted) else { return };
    leg.handle_report(datagram, from, false, now, counted);
}

impl Reports {
    /// Exchanges reports with another address, or in another way.
    fn turn(
        &mut self,
        agreed: Option<Rtcp>,
        local: io::Result<SocketAddr>,
        readiness: &Readiness,
        key: u64,
    ) -> io::Result<()> {
        self.agreed = agreed;
        let Some(rtcp) = agreed else { return Ok(()) };
        self.control.set_wants_metrics(rtcp.wants_metrics);
        if rtcp.is_muxed {
            // What is on its way to the port beside is lost: the next report says it again.
            self.beside = None;
            return Ok(());
        }
        let origin = Origin::new(rtcp.remote);
        if let Some((_, before)) = &mut self.beside {
            if before.agreed() != rtcp.remote {
                *before = origin;
            }
            return Ok(());
        }
        let mut local = local?;
        local.set_port(local.port().checked_add(1).ok_or(io::ErrorKind::AddrNotAvailable)?);
        let socket = ports::open_at(local)?;
        readiness.add(key | BESIDE, &socket)?;
        self.beside = Some((socket, origin));
        Ok(())
    }
}

impl Leg {
    /// Whether RTCP comes on the port of RTP.
    pub(crate) fn shares_its_port(&self) -> bool {
        let agreed = self.reports.as_ref().and_then(|reports| reports.agreed);
        agreed.is_some_and(|rtcp| rtcp.is_muxed)
    }

    /// A datagram that may be a report came. It counts only from where the leg's reports, or on a
    /// shared port its voice, come from.
    pub(crate) fn handle_report(
        &mut self,
        datagram: &[u8],
        from: SocketAddr,
        is_muxed: bool,
        now: Mono,
        counted: &mut Counters,
    ) {
        let is_report = rtcp::is_rtcp(datagram)
            && datagram.len() <= rtp::MAX_PACKET_BYTES
            && Report::parse(datagram, None).is_ok();
        let ours = self.out.ssrc();
        let Some(reports) = self.reports.as_mut().filter(|_| is_report) else {
            self.stats.packets_refused += 1;
            counted.refused_content += 1;
            return;
        };
        let is_known = match (&mut reports.beside, is_muxed) {
            (Some((_, origin)), false) => origin.admits(from),
            // A report does not teach where the voice comes from.
            (_, true) => self.wanted.as_ref().is_some_and(|it| it.origin.target() == Some(from)),
            (None, false) => false,
        };
        if !is_known || reports.agreed.is_none() {
            self.stats.packets_refused += 1;
            counted.refused_source += 1;
        } else if reports.control.handle_datagram(datagram, ours, now).is_ok() {
            counted.reports_received += 1;
            // Some phones send no voice while nobody speaks: one that reports is still there.
            self.alive = now;
            self.is_silent = false;
        }
    }

    /// Tells how good the line is where that has changed noticeably.
    fn tell_quality(&mut self, outbox: &mut Outbox) {
        let quality = self.stats().quality();
        let (Some(mos), Some(reports)) = (quality.worst_mos(), self.reports.as_mut()) else {
            return;
        };
        if reports.told_mos.is_none_or(|told| told.abs_diff(mos) >= NOTICED_MOS) {
            reports.told_mos = Some(mos);
            outbox.push(MediaEvent::Measured { leg: self.id, quality });
        }
    }

    /// Sends the leg's report, with BYE if it is the last one, and tells when the next is due;
    /// `None` while there is nobody to send it to.
    pub(crate) fn report(&mut self, bye: bool, now: Mono, counted: &mut Counters) -> Option<Mono> {
        let has_keys = self.has_keys();
        let reports = self.reports.as_mut().filter(|reports| reports.agreed.is_some())?;
        if bye && !reports.control.may_leave(&self.out) {
            return None;
        }
        let sequence = &mut self.sequence;
        let packet_ms = (playing::FRAME_NANOS / 1_000_000) as u32;
        let heard = self.source.map(|ssrc| Heard { ssrc, sequence, packet_ms });
        let mut packet = [0; rtcp::MAX_REPORT_BYTES + rtp::srtp::MAX_GROWTH];
        let plain = &mut packet[..rtcp::MAX_REPORT_BYTES];
        let mut bytes = reports.control.write(&self.out, heard, bye, now, plain).ok()?;
        let (socket, origin) = match &reports.beside {
            Some((socket, origin)) => (socket, origin),
            None => (&*self.socket, &self.wanted.as_ref()?.origin),
        };
        // A browser that is not reached, or not proven, may be by the next one.
        let Some(target) = origin.target().filter(|_| has_keys) else {
            return Some(reports.control.poll_timeout().0);
        };
        if let Some(crypt) = &mut self.crypt {
            bytes = crypt.seal_report(&mut packet, bytes)?;
        }
        let sent = socket.send_to(&packet[..bytes], target);
        match sent {
            Ok(_) => counted.reports_sent += 1,
            Err(_) => counted.send_errors += 1,
        }
        Some(reports.control.poll_timeout().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_due_comes_in_order_and_nobody_before_its_time() {
        let mut due = Due::default();
        for (ms, key) in [(30, 3), (10, 1), (20, 2)] {
            due.insert(Mono::from_ms(ms), key);
        }
        assert_eq!(due.take(Mono::from_ms(9)), None);
        assert_eq!(due.take(Mono::from_ms(25)), Some(1));
        assert_eq!(due.take(Mono::from_ms(25)), Some(2));
        assert_eq!(due.take(Mono::from_ms(25)), None);
    }

    #[test]
    fn the_mark_of_a_reports_socket_is_no_part_of_a_legs_key() {
        let key = (7 << 32) | 1_000_000;
        assert!(!is_beside(key) && is_beside(key | BESIDE));
        assert_eq!((key | BESIDE) & !BESIDE, key);
    }
}
