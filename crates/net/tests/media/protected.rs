//! Phones whose packets are protected (SRTP): who hears them, and what is not believed.

use media::{Codec, LegMedia, LegStats, MediaCommand, MediaEvent, Rtcp, Secured};
use rtp::rtcp::{MAX_REPORT_BYTES, Report};
use rtp::srtp::{MAX_GROWTH, Receiver, Sender};
use rtp::{MasterKey, Packet, Suite};

use crate::stage::{Phone, Stage};

/// The phone's end of the protection.
struct Guard {
    sender: Sender,
    receiver: Receiver,
}

impl Guard {
    /// Makes a leg a protected one, with keys made of that byte.
    fn new(stage: &mut Stage, media: &mut LegMedia, suite: Suite, byte: u8) -> Self {
        let [ours, theirs] = [byte, byte + 1].map(|byte| MasterKey::new([byte; 30]));
        media.secured = Some(Secured { suite, ours, theirs });
        stage.set(media);
        stage.settle();
        Self::with(suite, &ours, &theirs)
    }

    fn with(suite: Suite, ours: &MasterKey, theirs: &MasterKey) -> Self {
        Self { sender: Sender::new(suite, theirs), receiver: Receiver::new(suite, ours) }
    }

    /// The phone's next packet, protected.
    fn write(&mut self, phone: &mut Phone, payload: &[u8]) -> Vec<u8> {
        self.protect(phone.write(payload))
    }

    fn send(&mut self, phone: &mut Phone, payload: &[u8]) {
        let packet = self.write(phone, payload);
        phone.send_raw(&packet);
    }

    fn protect(&mut self, mut packet: Vec<u8>) -> Vec<u8> {
        let length = packet.len();
        packet.resize(length + MAX_GROWTH, 0);
        let length = self.sender.protect(&mut packet, length).unwrap();
        packet.truncate(length);
        packet
    }

    fn report(&mut self, report: &Report) -> Vec<u8> {
        let mut packet = vec![0; MAX_REPORT_BYTES + MAX_GROWTH];
        let length = report.write("phone", &mut packet).unwrap();
        let length = self.sender.protect_report(&mut packet, length).unwrap();
        packet.truncate(length);
        packet
    }

    /// The payload of the next packet that comes to the phone.
    fn hear(&mut self, phone: &Phone) -> Vec<u8> {
        let mut packet = phone.hear_raw();
        let length = self.receiver.unprotect(&mut packet).expect("it can be believed");
        Packet::parse(&packet[..length]).unwrap().payload.to_vec()
    }
}

/// What a leg sent and received.
fn close(stage: &Stage, media: &LegMedia) -> LegStats {
    stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
    stage.event(|event| match event {
        MediaEvent::Closed { leg, stats, .. } if *leg == media.leg => Some(*stats),
        _ => None,
    })
}

fn payload(number: u8) -> [u8; 160] {
    std::array::from_fn(|at| number ^ at as u8)
}

#[test]
fn protected_phones_hear_each_other_and_plain_ones() {
    for (host, others) in [(140, None), (141, Some(Suite::ALL[1])), (142, Some(Suite::ALL[0]))] {
        let mut stage = Stage::new(host);
        let [(mut a, mut phone_a), (mut b, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let mut guard_a = Guard::new(&mut stage, &mut a, Suite::ALL[0], 10);
        let mut guard_b = others.map(|suite| Guard::new(&mut stage, &mut b, suite, 20));
        for number in 0..100 {
            let said = payload(number);
            guard_a.send(&mut phone_a, &said);
            let heard = match &mut guard_b {
                Some(guard) => guard.hear(&phone_b),
                None => phone_b.hear().payload,
            };
            assert_eq!(heard, said, "{others:?}");
            match &mut guard_b {
                Some(guard) => guard.send(&mut phone_b, &said),
                None => phone_b.send(&said),
            }
            assert_eq!(guard_a.hear(&phone_a), said, "{others:?}");
        }
        let counted = stage.workers.counters();
        assert_eq!((counted.refused_forged, counted.send_errors), (0, 0));
    }
}

#[test]
fn what_cannot_be_believed_changes_nothing() {
    let mut stage = Stage::new(143);
    let [(mut a, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    let mut guard = Guard::new(&mut stage, &mut a, Suite::ALL[0], 10);
    let other = MasterKey::new([99; 30]);
    let mut stranger = Guard::with(Suite::ALL[0], &other, &other);
    let first = guard.write(&mut phone_a, &payload(0));
    phone_a.send_raw(&first);
    assert_eq!(phone_b.hear().payload, payload(0));
    let second = guard.write(&mut phone_a, &payload(1));
    let mut forged = 0;
    let mut attack = |packet: &[u8]| {
        forged += 2;
        phone_a.send_raw(packet);
        phone_a.send_beside(packet);
    };
    // The same again, one with a bit turned, a plain one, one of another key far ahead, half of it.
    attack(&first);
    let mut turned = second.clone();
    turned[20] ^= 1;
    attack(&turned);
    let mut plain = [0; 172];
    phone_a.header.write(&payload(9), &mut plain).unwrap();
    attack(&plain);
    let far =
        rtp::Header { sequence: phone_a.header.sequence.wrapping_add(2_000), ..phone_a.header };
    far.write(&payload(9), &mut plain).unwrap();
    attack(&stranger.protect(plain.to_vec()));
    attack(&second[..second.len() / 2]);
    stage.settle();
    assert!(phone_b.hear_ready().is_empty(), "nobody hears it");
    phone_a.send_raw(&second);
    assert_eq!(phone_b.hear().payload, payload(1), "the phone is where it was");
    assert_eq!(stage.workers.counters().refused_forged, forged);
    let stats = close(&stage, &a);
    assert_eq!((stats.packets_received, stats.packets_refused), (2, forged));
    assert_eq!((stats.packets_lost, stats.packets_late, stats.loss_bursts), (0, 0, 0));
}

#[test]
fn a_source_is_learnt_from_what_can_be_believed_alone() {
    let mut stage = Stage::new(144);
    let [(mut a, mut phone_a), (_, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    // The phone said that it was elsewhere: where it is has to be learnt.
    a.remote.set_port(a.remote.port() ^ 1);
    let mut guard = Guard::new(&mut stage, &mut a, Suite::ALL[1], 10);
    for _ in 0..10 {
        phone_a.send_beside(&[0x80; 172]);
    }
    stage.settle();
    for number in 0..4 {
        guard.send(&mut phone_a, &payload(number));
        assert_eq!(phone_b.hear().payload, payload(number));
    }
    phone_b.send(&payload(8));
    assert_eq!(guard.hear(&phone_a), payload(8), "what is sent goes to where it is");
    assert_eq!(stage.workers.counters().refused_source, 0);
}

#[test]
fn reports_are_protected_too() {
    let mut stage = Stage::new(145);
    let (mut media, mut phone) = stage.leg(Codec::Pcma);
    media.rtcp = Some(Rtcp { remote: media.remote, is_muxed: true, wants_metrics: false });
    let mut guard = Guard::new(&mut stage, &mut media, Suite::ALL[1], 10);
    for number in 0..10 {
        guard.send(&mut phone, &payload(number));
    }
    let report = Report { ssrc: phone.header.ssrc, ..Report::default() };
    let mut plain = [0; MAX_REPORT_BYTES];
    let length = report.write("phone", &mut plain).unwrap();
    phone.send_raw(&plain[..length]);
    let protected = guard.report(&report);
    phone.send_raw(&protected);
    phone.send_raw(&protected);
    stage.settle();
    let counted = stage.workers.counters();
    assert_eq!((counted.reports_received, counted.refused_forged), (1, 2));
    let mut told = phone.hear_raw();
    let length = guard.receiver.unprotect_report(&mut told).expect("it can be believed");
    let told = Report::parse(&told[..length], None).unwrap();
    assert_eq!(told.received.map(|block| block.ssrc), Some(phone.header.ssrc));
}

#[test]
fn a_phone_may_change_its_key_and_stop_protecting() {
    let mut stage = Stage::new(146);
    let [(mut a, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    for (round, byte) in [10, 30, 10].into_iter().enumerate() {
        let mut guard = Guard::new(&mut stage, &mut a, Suite::ALL[round % 2], byte);
        guard.send(&mut phone_a, &payload(byte));
        assert_eq!(phone_b.hear().payload, payload(byte));
    }
    a.secured = None;
    stage.set(&a);
    stage.settle();
    phone_a.send(&payload(1));
    assert_eq!(phone_b.hear().payload, payload(1));
}
