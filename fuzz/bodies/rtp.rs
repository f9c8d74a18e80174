//! What holds for any bytes that come as RTP or RTCP. Shared by the fuzz targets and the room's
//! replay of their corpora.

use model::Mono;
use rtp::digits::Receiver;
use rtp::rtcp::{Control, MAX_REPORT_BYTES, Report};
use rtp::srtp::{self, Sender};
use rtp::stun::{Check, Request};
use rtp::{MasterKey, OutStream, Packet, SequenceTracker, Suite};

/// A datagram that comes as SRTP or SRTCP is refused and left as it was; what can be protected
/// comes back as it was, once.
fn protected(datagram: &[u8]) {
    let (suite, key) = (Suite::AesCm128HmacSha1_80, MasterKey::new([7; 30]));
    let (mut sender, mut receiver) = (Sender::new(suite, &key), srtp::Receiver::new(suite, &key));
    let mut forged = datagram.to_vec();
    assert!(receiver.unprotect(&mut forged).is_err());
    assert!(receiver.unprotect_report(&mut forged).is_err());
    assert_eq!(forged, datagram);
    let mut packet = [datagram, &[0; srtp::MAX_GROWTH]].concat();
    if let Ok(length) = sender.protect(&mut packet, datagram.len()) {
        let packet = &mut packet[..length];
        assert_eq!(receiver.unprotect(packet), Ok(datagram.len()));
        assert_eq!(&packet[..datagram.len()], datagram);
        assert!(receiver.unprotect(packet).is_err());
    }
}

/// Datagrams, each behind its length in one byte: they are read or refused, digits end, and what is
/// forwarded keeps its length.
pub(crate) fn rtp(data: &[u8]) {
    let (mut tracker, mut digits) = (SequenceTracker::default(), Receiver::default());
    let mut out = OutStream::new(1, 2, 3);
    let (mut rest, mut now, mut received) = (data, Mono(0), 0);
    while let Some((length, tail)) = rest.split_first() {
        let (datagram, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        now = Mono(now.0 + 20_000_000);
        if let Ok(packet) = Packet::parse(datagram) {
            assert!(packet.payload.len() + 12 <= datagram.len());
            let header = packet.header;
            let arrival = tracker.handle_packet(header.sequence, header.timestamp, now);
            received += 1;
            assert!(tracker.received() <= received, "{arrival:?}");
            digits.handle_packet(&packet, now);
        }
        let mut forwarded = datagram.to_vec();
        match out.forward(&mut forwarded, 8, now) {
            Ok(header) => {
                assert_eq!(Packet::parse(&forwarded).map(|read| read.header), Ok(header));
            }
            Err(_) => assert_eq!(forwarded, datagram, "what is refused is not touched"),
        }
        assert_eq!(forwarded.len(), datagram.len());
        protected(datagram);
    }
    let _ = tracker.report(9);
    let mut pressed = 0;
    while let Some((at, _)) = digits.poll_timeout() {
        now = now.max(at);
        digits.handle_timeout(now);
    }
    while let Some(key) = digits.poll_output() {
        assert!("0123456789*#ABCD".contains(key.digit), "{:?}", key.digit);
        pressed += 1;
        assert!(pressed <= received, "a packet is at most one key");
    }
}

/// A compound packet is read or refused; what is read can be written and reads back, about
/// whichever stream it is; and an exchange that takes it in goes on within its bounds.
pub(crate) fn rtcp(data: &[u8]) {
    let now = Mono(60_000_000_000);
    let mut control = Control::new(1, Mono(0));
    let parsed = Report::parse(data, None);
    let ours =
        parsed.as_ref().ok().and_then(|report| report.received).map_or(9, |block| block.ssrc);
    assert_eq!(control.handle_datagram(data, ours, now).is_ok(), parsed.is_ok());
    assert!(control.told().round_trip_us.is_none_or(|micros| micros <= 10_000_000));
    let mut buffer = [0; MAX_REPORT_BYTES];
    let out = OutStream::new(ours, 2, 3);
    let length = control.write(&out, None, true, now, &mut buffer).unwrap();
    assert!(Report::parse(&buffer[..length], None).unwrap().bye);
    let Ok(report) = parsed else { return };
    let length = report.write("hotline", &mut buffer).unwrap();
    let about = report.received.map(|block| block.ssrc);
    assert_eq!(Report::parse(&buffer[..length], about).ok(), Some(report));
}

/// A datagram that comes to the port for browsers: read or passed over, and answered only where it
/// was made with the password, with no more than three times its bytes.
pub(crate) fn stun(data: &[u8]) {
    let source = ([192, 0, 2, 1], 9).into();
    if let Some(request) = Request::parse(data) {
        assert!(request.answer(source).as_bytes().len() <= 3 * data.len());
    }
    if let Some(check) = Check::parse(data) {
        assert!(Request::parse(data).is_some());
        let answer = check.answer(b"0123456789abcdefghijklmn", source);
        assert!(answer.is_none_or(|answer| answer.as_bytes().len() <= 2 * data.len()));
    }
}
