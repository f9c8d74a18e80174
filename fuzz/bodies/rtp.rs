//! What holds for any bytes that come as RTP or RTCP. Shared by the fuzz targets and the room's
//! replay of their corpora.

use model::Mono;
use rtp::digits::Receiver;
use rtp::{OutStream, Packet, SequenceTracker, rtcp::Report};

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

/// A compound packet is read or refused; what is read can be written and reads back.
pub(crate) fn rtcp(data: &[u8]) {
    let Ok(report) = Report::parse(data) else { return };
    let mut buffer = [0; 2_048];
    if let Ok(length) = report.write("hotline", &mut buffer) {
        assert_eq!(Report::parse(&buffer[..length]).ok(), Some(report));
    }
}
