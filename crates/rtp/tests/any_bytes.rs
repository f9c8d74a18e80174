//! Whatever comes from the network is read or refused, never a panic; what is written reads back.

use model::Mono;
use proptest::prelude::*;
use rtp::digits::{Receiver, Sender};
use rtp::{Header, OutStream, Packet, SequenceTracker, rtcp};

proptest! {
    #[test]
    fn any_datagram_is_read_or_refused(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(packet) = Packet::parse(&bytes) {
            Receiver::default().handle_packet(&packet, Mono(0));
        }
        let _ = rtcp::Report::parse(&bytes, None);
        let before = bytes.clone();
        let mut out = OutStream::new(1, 2, 3);
        match out.forward(&mut bytes, 8, Mono(0)) {
            Ok(header) => {
                prop_assert_eq!(Packet::parse(&bytes).map(|read| read.header), Ok(header));
            }
            Err(_) => prop_assert_eq!(bytes, before),
        }
    }

    /// Compound packets of any parts, some of them cut or mixed up: read or refused, and what is
    /// made of them stays within its bounds.
    #[test]
    fn any_compound_packet_is_read_or_refused(
        parts in proptest::collection::vec(
            (0..32_u8, 198..210_u8, 0..20_u16, proptest::collection::vec(any::<u8>(), 0..120)),
            1..8,
        ),
        now in 0..u64::MAX / 4,
    ) {
        let mut bytes = Vec::new();
        for (count, kind, words, body) in parts {
            bytes.extend([0x80 | count, kind]);
            // Half of the lengths are true.
            let words = if words % 2 == 0 { body.len() as u16 / 4 } else { words };
            bytes.extend(words.to_be_bytes());
            bytes.extend(&body[..body.len() / 4 * 4]);
        }
        let mut control = rtcp::Control::new(1, Mono(0));
        let word = bytes.get(8..12).and_then(|word| word.try_into().ok());
        let ours = word.map_or(7, u32::from_be_bytes);
        let is_taken = control.handle_datagram(&bytes, ours, Mono(now)).is_ok();
        prop_assert_eq!(is_taken, rtcp::Report::parse(&bytes, Some(ours)).is_ok());
        let told = control.told();
        prop_assert!(told.lost <= 0x7f_ffff);
        prop_assert!(told.round_trip_us.is_none_or(|us| us <= 10_000_000));
        prop_assert!(told.mos.is_none_or(|mos| (100..=500).contains(&mos)));
        let mut tracker = SequenceTracker::default();
        tracker.handle_packet(1, 1, Mono(now));
        let heard = rtcp::Heard { ssrc: ours, sequence: &mut tracker, packet_ms: 20 };
        let mut buffer = [0; rtcp::MAX_REPORT_BYTES];
        control.set_wants_metrics(true);
        let out = OutStream::new(9, 0, 0);
        prop_assert!(control.write(&out, Some(heard), true, Mono(now), &mut buffer).is_ok());
    }

    #[test]
    fn a_packet_reads_back(
        payload_type in 0..128_u8, marker: bool, sequence: u16, timestamp: u32, ssrc: u32,
        payload in proptest::collection::vec(any::<u8>(), 0..160),
    ) {
        let header = Header { payload_type, marker, sequence, timestamp, ssrc };
        let mut buffer = [0; 172];
        let length = header.write(&payload, &mut buffer).expect("it fits");
        let packet = Packet::parse(&buffer[..length]).expect("it is a packet");
        prop_assert_eq!(packet, Packet { header, payload: &payload });
        prop_assert!(header.write(&payload, &mut buffer[..length - 1]).is_err());
    }

    /// Whatever the sources do, the receiver's numbers go on one by one and never back in time.
    #[test]
    fn changing_sources_make_one_stream(
        steps in proptest::collection::vec((0..4_u8, 1..60_u64, any::<u16>(), any::<u32>()), 1..60),
    ) {
        let mut out = OutStream::new(42, 65_500, u32::MAX - 4000);
        let (mut now, mut last) = (0, None::<Header>);
        for (kind, pass_ms, sequence, timestamp) in steps {
            now += pass_ms;
            let at = Mono::from_ms(now);
            if kind == 3 {
                out.begin_source();
            }
            let header = if kind < 2 {
                out.own(8, 160, at)
            } else {
                out.begin_source();
                let (payload_type, marker, ssrc) = (0, false, 5);
                let theirs = Header { payload_type, marker, sequence, timestamp, ssrc };
                let mut datagram = [0; 172];
                theirs.write(&[0xd5; 160], &mut datagram).expect("it fits");
                out.forward(&mut datagram, 0, at).expect("it is RTP")
            };
            if let Some(last) = last {
                prop_assert_eq!(header.sequence, last.sequence.wrapping_add(1));
                let ahead = header.timestamp.wrapping_sub(last.timestamp);
                prop_assert!((160..=160 + 60 * 8).contains(&ahead), "{}", ahead);
            }
            last = Some(header);
        }
    }

    /// Any loss but that of a whole key: each key is heard once, in order.
    #[test]
    fn keys_survive_loss_doubling_and_disorder(
        keys in proptest::collection::vec((0..16_usize, 40..400_u32), 1..12),
        fates in proptest::collection::vec(0..6_u8, 400),
    ) {
        let mut fates = fates.into_iter().cycle();
        let (mut out, mut receiver) = (OutStream::new(1, 0, 0), Receiver::default());
        let (mut now, mut heard, mut wanted) = (Mono(0), Vec::new(), Vec::new());
        for (key, duration_ms) in keys {
            let digit = char::from(b"0123456789*#ABCD"[key]);
            wanted.push(digit);
            let mut sender = Sender::new(digit, duration_ms).expect("a digit");
            let mut arriving: Vec<(Header, [u8; 4])> = Vec::new();
            let mut delayed = None;
            while let Some(packet) = sender.next_packet() {
                let header = out.digit(101, packet.first, now);
                now = now + std::time::Duration::from_millis(20);
                match fates.next() {
                    Some(0) if !arriving.is_empty() => {}
                    Some(1) => arriving.extend([(header, packet.payload); 2]),
                    Some(2) if delayed.is_none() => delayed = Some((header, packet.payload)),
                    _ => arriving.push((header, packet.payload)),
                }
            }
            arriving.extend(delayed);
            for (header, payload) in arriving {
                receiver.handle_packet(&Packet { header, payload: &payload }, now);
            }
            now = now + std::time::Duration::from_millis(300);
            receiver.handle_timeout(now);
            heard.extend(std::iter::from_fn(|| receiver.poll_output()).map(|key| key.digit));
        }
        prop_assert_eq!(heard, wanted);
    }

    /// The tracker agrees with counting by hand.
    #[test]
    fn loss_is_counted_right(kept in proptest::collection::vec(any::<bool>(), 2..500), first: u16) {
        let mut tracker = SequenceTracker::default();
        let numbers: Vec<u16> = kept
            .iter()
            .enumerate()
            .filter(|(_, kept)| **kept)
            .map(|(at, _)| first.wrapping_add(at as u16))
            .collect();
        for number in &numbers {
            tracker.handle_packet(*number, 0, Mono(0));
        }
        let span = match (kept.iter().position(|kept| *kept), kept.iter().rposition(|kept| *kept)) {
            (Some(from), Some(to)) => to - from + 1,
            (None, _) | (_, None) => 0,
        };
        prop_assert_eq!(tracker.received(), numbers.len() as u64);
        prop_assert_eq!(tracker.lost(), (span - numbers.len()) as u64);
    }
}
