//! RTCP: what phones are told, what is believed of what they tell, and who is not heard.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use media::{Codec, LegMedia, MediaCommand, MediaEvent, Prompts, Reported, Rtcp};
use model::VoiceQuality;
use rtp::Packet;
use rtp::rtcp::{MAX_REPORT_BYTES, Report, ReportBlock, VoipMetrics};

use crate::stage::{DEADLINE, Phone, Stage};
use crate::steady::unhindered;

/// Bind a phone's socket for RTCP, and let its leg exchange reports there.
fn beside(stage: &mut Stage, media: &mut LegMedia, wants_metrics: bool) -> UdpSocket {
    let socket = UdpSocket::bind((stage.phone_ip(), 0)).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let remote = socket.local_addr().unwrap();
    media.rtcp = Some(Rtcp { remote, is_muxed: false, wants_metrics });
    stage.set(media);
    stage.settle();
    socket
}

/// The port of RTCP that belongs to one of RTP.
fn after(engine: SocketAddr) -> SocketAddr {
    SocketAddr::new(engine.ip(), engine.port() + 1)
}

/// The next report on a socket, and from where it came.
fn next_report(socket: &UdpSocket) -> (Report, SocketAddr) {
    let mut buffer = [0; 1_500];
    let (bytes, from) = socket.recv_from(&mut buffer).expect("a report in time");
    (Report::parse(&buffer[..bytes], None).expect("a report"), from)
}

fn write(report: &Report) -> Vec<u8> {
    let mut buffer = [0; MAX_REPORT_BYTES];
    let bytes = report.write("phone", &mut buffer).unwrap();
    buffer[..bytes].to_vec()
}

/// Sends forty packets, of which each tenth is lost.
fn speak(phone: &mut Phone) {
    for number in 0..40 {
        if number % 10 == 5 {
            phone.skip(160);
        } else {
            phone.send(&[0xd5; 160]);
        }
    }
}

#[test]
fn both_sides_of_a_bridge_are_told_what_came_and_what_was_sent() {
    let mut stage = Stage::new(100);
    let [(mut a, mut phone_a), (mut b, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    let (reports_a, reports_b) =
        (beside(&mut stage, &mut a, false), beside(&mut stage, &mut b, true));
    speak(&mut phone_a);
    let heard = phone_b.hear_many(36);
    stage.settle();
    let (report, from) = next_report(&reports_a);
    assert_eq!(from, after(phone_a.engine), "from the port beside that of RTP");
    assert_eq!(report.sent, None, "it was sent nothing");
    let block = report.received.expect("what came from it");
    assert_eq!((block.ssrc, block.lost), (phone_a.header.ssrc, 4));
    assert_eq!(block.fraction_lost, (4 * 256 / 40) as u8);
    assert_eq!((block.last_report, report.metrics), (0, None), "it said and wished nothing");
    let (report, _) = next_report(&reports_b);
    let sent = report.sent.expect("it was sent a voice");
    assert_eq!((sent.packets, sent.payload_bytes), (36, 36 * 160));
    assert_eq!((report.ssrc, report.received), (heard[0].header.ssrc, None));
}

#[test]
fn who_asks_for_metrics_is_sent_them_and_a_bye_is_the_last_that_comes() {
    let mut stage = Stage::new(101);
    let (mut media, mut phone) = stage.leg(Codec::Pcmu);
    let reports = beside(&mut stage, &mut media, true);
    speak(&mut phone);
    stage.settle();
    let metrics = next_report(&reports).0.metrics.expect("metrics");
    assert_eq!((metrics.ssrc, metrics.loss_rate), (phone.header.ssrc, (4 * 256 / 40) as u8));
    assert!(metrics.listening_mos.is_some_and(|mos| (20..40).contains(&mos)), "{metrics:?}");
    stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
    let (last, _) =
        std::iter::repeat_with(|| next_report(&reports)).find(|(report, _)| report.bye).unwrap();
    assert_eq!(last.metrics.map(|metrics| metrics.ssrc), Some(phone.header.ssrc));
}

#[test]
fn reports_share_the_port_of_the_voice_where_that_was_agreed() {
    let mut stage = Stage::new(102);
    let [(mut a, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    let rtcp = Rtcp { remote: a.remote, is_muxed: true, wants_metrics: false };
    a.rtcp = Some(rtcp);
    stage.set(&a);
    speak(&mut phone_a);
    phone_a.send_raw(&write(&Report { ssrc: phone_a.header.ssrc, ..Report::default() }));
    assert_eq!(phone_b.hear_many(36).len(), 36);
    stage.settle();
    assert_eq!(stage.workers.counters().reports_received, 1);
    assert!(phone_b.hear_ready().is_empty(), "a report is not forwarded as a voice");
    let told = phone_a.hear_raw();
    let report = Report::parse(&told, None).expect("a report on the port of RTP");
    assert_eq!(report.received.map(|block| block.lost), Some(4));
    assert_eq!(stage.workers.counters().refused_content, 0);
}

#[test]
fn reports_from_elsewhere_are_dropped_and_counted() {
    let mut stage = Stage::new(103);
    let (mut media, mut phone) = stage.leg(Codec::Pcma);
    let reports = beside(&mut stage, &mut media, false);
    phone.send(&[0xd5; 160]);
    let report = write(&Report { ssrc: phone.header.ssrc, ..Report::default() });
    let [a, b, _, host] = stage.phone_ip().octets();
    let stranger = UdpSocket::bind((Ipv4Addr::new(a, b, 2, host), 0)).unwrap();
    for _ in 0..5 {
        stranger.send_to(&report, after(phone.engine)).unwrap();
    }
    // A voice, or half a report, is no report, and no report is a voice here.
    reports.send_to(&report[..6], after(phone.engine)).unwrap();
    let mut voice = [0; 172];
    phone.header.write(&[0xd5; 160], &mut voice).unwrap();
    assert!(Packet::parse(&voice).is_ok());
    reports.send_to(&voice, after(phone.engine)).unwrap();
    phone.send_raw(&report);
    reports.send_to(&report, after(phone.engine)).unwrap();
    stage.settle();
    let counted = stage.workers.counters();
    assert_eq!((counted.refused_source, counted.refused_content), (5, 3));
    assert_eq!((counted.reports_received, counted.packets_received), (1, 1));
}

#[test]
fn a_leg_that_moves_exchanges_reports_where_it_is_now() {
    let mut stage = Stage::new(104);
    let (mut media, mut phone) = stage.leg(Codec::Pcma);
    let before = beside(&mut stage, &mut media, false);
    phone.send(&[0xd5; 160]);
    assert_eq!(next_report(&before).1, after(phone.engine));
    // To the shared port, to one beside again, and to nowhere.
    media.rtcp = Some(Rtcp { remote: media.remote, is_muxed: true, wants_metrics: false });
    stage.set(&media);
    assert!(Report::parse(&phone.hear_raw(), None).is_ok());
    let now = beside(&mut stage, &mut media, false);
    assert_eq!(next_report(&now).1, after(phone.engine));
    media.rtcp = None;
    stage.set(&media);
    now.send_to(&write(&Report::default()), after(phone.engine)).unwrap();
    stage.settle();
    assert_eq!(stage.workers.counters().reports_received, 0);
    assert_eq!(stage.workers.counters().report_ports_missing, 0);
}

#[test]
fn where_the_port_beside_is_anothers_the_call_goes_on_without_reports() {
    let mut stage = Stage::new(105);
    let (mut media, mut phone) = stage.leg(Codec::Pcma);
    let taken = UdpSocket::bind(after(phone.engine)).unwrap();
    let reports = beside(&mut stage, &mut media, false);
    phone.send(&[0xd5; 160]);
    stage.settle();
    assert_eq!(stage.workers.counters().report_ports_missing, 1);
    stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
    let stats = stage.event(|event| match event {
        MediaEvent::Closed { leg, stats, .. } if *leg == media.leg => Some(*stats),
        _ => None,
    });
    assert_eq!(stats.packets_received, 1);
    drop((taken, reports));
}

#[test]
fn the_round_trip_follows_from_what_the_phone_says_of_our_report() {
    let mut stage = Stage::new(106);
    let [(mut a, mut phone_a), (mut b, _)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    let reports = beside(&mut stage, &mut b, false);
    let _beside_a = beside(&mut stage, &mut a, false);
    speak(&mut phone_a);
    let (report, engine) = next_report(&reports);
    let sent = report.sent.expect("a voice was sent");
    let block = ReportBlock {
        ssrc: report.ssrc,
        fraction_lost: 26,
        lost: 4,
        jitter: 80,
        last_report: (sent.ntp >> 16) as u32,
        since_last_report: 0,
        ..ReportBlock::default()
    };
    let metrics = VoipMetrics { conversation_mos: Some(37), ..VoipMetrics::unknown(report.ssrc) };
    let (received, metrics) = (Some(block), Some(metrics));
    let told = Report { ssrc: 5, received, metrics, ..Report::default() };
    reports.send_to(&write(&told), engine).unwrap();
    // It is told at the next report of ours.
    let quality = stage.event(|event| match event {
        MediaEvent::Measured { leg, quality } if *leg == b.leg => Some(*quality),
        _ => None,
    });
    let there = VoiceQuality { packets: 36, lost: 4, jitter_us: 10_000, mos: 370 };
    assert_eq!((quality.from_party, quality.to_party), (None, Some(there)));
    assert_eq!(stage.workers.counters().reports_received, 1);
    stage.workers.send(MediaCommand::Close { leg: b.leg }).unwrap();
    let stats = stage.event(|event| match event {
        MediaEvent::Closed { leg, stats, .. } if *leg == b.leg => Some(*stats),
        _ => None,
    });
    assert!(stats.round_trip_us.is_some_and(|micros| micros < 10_000_000), "{stats:?}");
    let reported = Reported { packets_lost: 4, jitter_us: 10_000, mos: 370 };
    assert_eq!((stats.reported, stats.mos), (Some(reported), 0), "nothing came from it");
}

#[test]
fn a_phone_that_sends_no_voice_and_reports_is_not_silent() {
    unhindered(|| {
        let mut stage = Stage::with(107, Prompts::default(), |config| {
            config.silent_after_ms = 400;
        });
        let (mut muted, mut phone_muted) = stage.leg(Codec::Pcma);
        let reports = beside(&mut stage, &mut muted, false);
        let (gone, mut phone_gone) = stage.leg(Codec::Pcma);
        phone_muted.send(&[0xd5; 160]);
        phone_gone.send(&[0xd5; 160]);
        stage.settle();
        let report = write(&Report { ssrc: phone_muted.header.ssrc, ..Report::default() });
        // Both spoke at the same time, and one goes on reporting.
        let until = Instant::now() + DEADLINE;
        loop {
            reports.send_to(&report, after(phone_muted.engine)).unwrap();
            match stage.events.recv_timeout(Duration::from_millis(50)) {
                Ok(MediaEvent::Silent { leg, .. }) => {
                    assert_eq!(leg, gone.leg, "who reports is there");
                    break;
                }
                Ok(_) | Err(_) => assert!(Instant::now() < until, "nobody is silent"),
            }
        }
        // Then it ends, too.
        let silent = stage.event(|event| match event {
            MediaEvent::Silent { leg, .. } => Some(*leg),
            _ => None,
        });
        assert_eq!(silent, muted.leg);
    });
}
