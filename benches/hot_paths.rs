//! What one message, one packet and one frame cost: `cargo bench --bench hot_paths`.

use std::hint::black_box;
use std::net::SocketAddr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use media::{Codec, FRAME_SAMPLES, g711, tone};
use model::Mono;
use rtp::digits::Receiver;
use rtp::{Header, OutStream, Packet, SequenceTracker};
use sdp::{Capabilities, Direction, Session, Srtp};
use sip::{Message, Method, RequestBuilder, ResponseBuilder};

/// An INVITE as a carrier sends it: 1.1 kB, with SDP.
fn invite() -> Vec<u8> {
    let body = [
        "v=0",
        "o=carrier 2890844526 2890844526 IN IP4 198.51.100.20",
        "s=-",
        "c=IN IP4 198.51.100.20",
        "t=0 0",
        "m=audio 49170 RTP/AVP 8 0 18 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:18 G729/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendrecv\r\n",
    ]
    .join("\r\n");
    let head = [
        "INVITE sip:95512@192.0.2.1:5060;user=phone SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK-524287-1---5f3c5a3c7a4b6b2d;rport",
        "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK776asdhds;received=203.0.113.9",
        "Max-Forwards: 68",
        "From: \"13800138078\" <sip:13800138078@carrier.example.com;user=phone>;tag=1928301774",
        "To: <sip:95512@192.0.2.1;user=phone>",
        "Call-ID: a84b4c76e66710-35d1-4f7b@198.51.100.20",
        "CSeq: 314159 INVITE",
        "Contact: <sip:13800138078@198.51.100.20:5060;transport=udp>",
        "P-Asserted-Identity: <tel:+8613800138078>",
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO",
        "Supported: timer, 100rel, replaces",
        "Session-Expires: 1800;refresher=uac",
        "User-Agent: carrier-sbc/9.2",
        "Content-Type: application/sdp",
        &format!("Content-Length: {}\r\n\r\n", body.len()),
    ]
    .join("\r\n");
    [head.as_bytes(), body.as_bytes()].concat()
}

fn sip(criterion: &mut Criterion) {
    let datagram = invite();
    let message = Message::parse(&datagram).expect("it is an INVITE");
    let mut group = criterion.benchmark_group("sip");
    group.throughput(Throughput::Bytes(datagram.len() as u64));
    group.bench_function("parse", |bench| bench.iter(|| Message::parse(black_box(&datagram))));
    group.bench_function("parse and read keys", |bench| {
        bench.iter(|| {
            let message = Message::parse(black_box(&datagram)).expect("it is an INVITE");
            let branch = message.top_via().and_then(|via| via.branch().map(str::len));
            let from = message.from().and_then(|from| from.tag().map(str::len));
            let to = message.to().and_then(|to| to.tag().map(str::len));
            (branch, from, to, message.cseq(), message.call_id().len())
        });
    });
    group.bench_function("answer with 200", |bench| {
        let answer = || ResponseBuilder::to(black_box(&message), 200).to_tag("t");
        bench.iter(|| answer().contact("<sip:192.0.2.1>").body("application/sdp", b"v=0").build());
    });
    group.bench_function("write a request", |bench| {
        bench.iter(|| {
            RequestBuilder::new(Method::Invite, black_box("sip:8001@192.0.2.30:5060"))
                .from("<sip:13800138078@192.0.2.1>", "tag")
                .to("<sip:8001@192.0.2.1>", None)
                .call_id("c1-3-42@192.0.2.1")
                .cseq(1)
                .contact("<sip:192.0.2.1:5060>")
                .build()
        });
    });
    group.finish();
}

fn sdp(criterion: &mut Criterion) {
    let message = Message::parse(&invite()).expect("it is an INVITE");
    let address: SocketAddr = ([192, 0, 2, 1], 20_000).into();
    let codecs = vec![Codec::Pcma, Codec::Pcmu];
    let ours = Capabilities {
        address,
        codecs,
        digits: true,
        noise: false,
        session_id: 1,
        srtp: Srtp::OFF,
        browser: None,
    };
    criterion.bench_function("sdp: read an offer, answer and print", |bench| {
        bench.iter(|| {
            let offer = Session::parse(black_box(message.body())).expect("it is an offer");
            let (answer, agreed) =
                sdp::answer(&offer, &ours, 1, Direction::SendRecv).expect("common ground");
            (answer.to_string(), agreed)
        });
    });
}

fn packet(sequence: u16) -> [u8; 172] {
    let mut packet = [0xd5; 172];
    let timestamp = u32::from(sequence) * 160;
    let header = Header { payload_type: 8, marker: false, sequence, timestamp, ssrc: 9 };
    header.write(&[0xd5; FRAME_SAMPLES], &mut packet).expect("it fits");
    packet
}

fn rtp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rtp");
    let (mut out, mut tracker) = (OutStream::new(1, 2, 3), SequenceTracker::default());
    let mut sequence = 0_u16;
    group.bench_function("take in and forward", |bench| {
        bench.iter(|| {
            sequence = sequence.wrapping_add(1);
            let now = Mono::from_ms(u64::from(sequence) * 20);
            let mut datagram = packet(sequence);
            let header = Packet::parse(black_box(&datagram)).expect("it is RTP").header;
            tracker.handle_packet(header.sequence, header.timestamp, now);
            out.forward(&mut datagram, 8, now).map(|header| header.sequence)
        });
    });
    group.bench_function("frame of a prompt", |bench| {
        let (mut buffer, frame) = ([0; 172], [0xd5; FRAME_SAMPLES]);
        bench.iter(|| out.own(8, 160, Mono(0)).write(black_box(&frame), &mut buffer));
    });
    group.bench_function("a key of 7 packets", |bench| {
        let mut receiver = Receiver::default();
        let mut timestamp = 0_u32;
        bench.iter(|| {
            timestamp = timestamp.wrapping_add(1600);
            for at in 1..=7_u16 {
                let header = Header { payload_type: 101, timestamp, ..Header::default() };
                let duration = (at.min(5) * 160).to_be_bytes();
                let end = if at < 5 { 0 } else { 0x80 };
                let payload = [5, end, duration[0], duration[1]];
                receiver.handle_packet(&Packet { header, payload: &payload }, Mono(0));
            }
            receiver.poll_output()
        });
    });
    group.finish();
}

fn g711(criterion: &mut Criterion) {
    let samples = tone::voice(1, 12_000, FRAME_SAMPLES);
    let mut bytes = [0; FRAME_SAMPLES];
    g711::encode(Codec::Pcma, &samples, &mut bytes);
    let mut group = criterion.benchmark_group("g711, one frame");
    group.throughput(Throughput::Elements(FRAME_SAMPLES as u64));
    group.bench_function("encode", |bench| {
        let mut into = [0; FRAME_SAMPLES];
        bench.iter(|| g711::encode(Codec::Pcma, black_box(&samples), &mut into));
    });
    group.bench_function("decode", |bench| {
        let mut into = [0; FRAME_SAMPLES];
        bench.iter(|| g711::decode(Codec::Pcma, black_box(&bytes), &mut into));
    });
    group.bench_function("A-law to µ-law", |bench| {
        let mut frame = bytes;
        bench.iter(|| g711::transcode(Codec::Pcma, Codec::Pcmu, black_box(&mut frame)));
    });
    group.finish();
}

criterion_group!(all, sip, sdp, rtp, g711);
criterion_main!(all);
