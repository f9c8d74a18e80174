//! How much quicker than `rsip` we read and write the same INVITE, both measured in turns in one
//! run, so that what else the machine does falls on both alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rsip::SipMessage;
use rsip::prelude::{HasHeaders, HeadersExt, ToTypedHeader, UntypedHeader};
use sip::{Message, Method, RequestBuilder};

/// Rounds, each with one turn for either.
const ROUNDS: usize = 41;
/// How long one turn lasts.
const TURN: Duration = Duration::from_millis(25);

/// What one piece of work costs, in nanoseconds: the median of all turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) work: &'static str,
    pub(crate) ours_ns: f64,
    pub(crate) theirs_ns: f64,
    /// Whether it is promised to be ten times as quick.
    pub(crate) is_promised: bool,
    pub(crate) remarks: &'static str,
}

impl Ratio {
    pub(crate) fn times(&self) -> f64 {
        self.theirs_ns / self.ours_ns
    }
}

/// An INVITE of 1,128 bytes as a carrier sends it, with SDP.
pub(crate) fn invite() -> Vec<u8> {
    let body = "v=0\r\n\
        o=carrier 2890844526 2890844526 IN IP4 198.51.100.20\r\n\
        s=-\r\n\
        c=IN IP4 198.51.100.20\r\n\
        t=0 0\r\n\
        m=audio 49170 RTP/AVP 8 0 18 101\r\n\
        a=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\n\
        a=ptime:20\r\n\
        a=sendrecv\r\n";
    let head = "INVITE sip:95512@192.0.2.1:5060;user=phone SIP/2.0\r\n\
        Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK-524287-1---5f3c5a3c7a4b6b2d;rport\r\n\
        Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK776asdhds;received=203.0.113.9\r\n\
        Max-Forwards: 68\r\n\
        From: \"13800138078\" <sip:13800138078@carrier.example.com;user=phone>;tag=1928301774\r\n\
        To: <sip:95512@192.0.2.1;user=phone>\r\n\
        Call-ID: a84b4c76e66710-35d1-4f7b@198.51.100.20\r\n\
        CSeq: 314159 INVITE\r\n\
        Contact: <sip:13800138078@198.51.100.20:5060;transport=udp>\r\n\
        P-Asserted-Identity: <tel:+8613800138078>\r\n\
        Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO\r\n\
        Supported: timer, 100rel, replaces\r\n\
        Session-Expires: 1800;refresher=uac\r\n\
        Content-Type: application/sdp\r\n";
    let agent = "User-Agent: \r\n";
    let length = format!("Content-Length: {}\r\n\r\n", body.len());
    // What is missing to the length that figures are compared at.
    let rest = 1_128 - head.len() - agent.len() - length.len() - body.len();
    let agent = format!("User-Agent: {}\r\n", "carrier-sbc/".repeat(20).split_at(rest).0);
    [head, &agent, &length, body].concat().into_bytes()
}

/// All of them.
pub(crate) fn measure() -> [Ratio; 3] {
    let datagram = invite();
    assert_eq!(datagram.len(), 1_128);
    let ours = Message::parse(&datagram).expect("it is an INVITE");
    let theirs = SipMessage::try_from(&*datagram).expect("it is an INVITE");
    assert_eq!(ours.as_bytes(), theirs.to_string().as_bytes(), "both print what came");
    [
        compare(
            "parse, and read what leads to its transaction and dialog",
            || our_keys(&datagram),
            || their_keys(&datagram),
        ),
        Ratio {
            remarks: "a message of ours is its bytes: printing is copying them",
            ..compare("print", || ours.as_bytes().to_vec(), || theirs.to_string().into_bytes())
        },
        Ratio {
            is_promised: false,
            remarks: "made from its parts",
            ..compare("write a request of ten headers", our_request, their_request)
        },
    ]
}

fn our_keys(datagram: &[u8]) -> usize {
    let message = Message::parse(black_box(datagram)).expect("it is an INVITE");
    let via = message.top_via().expect("it has one");
    let tag = |address: Option<sip::NameAddr<'_>>| address.and_then(|a| a.tag().map(str::len));
    let cseq = message.cseq().expect("it has one");
    via.branch().map_or(0, str::len)
        + via.host().len()
        + tag(message.from()).unwrap_or(0)
        + tag(message.to()).unwrap_or(0)
        + message.call_id().len()
        + cseq.number as usize
}

fn their_keys(datagram: &[u8]) -> usize {
    let message = SipMessage::try_from(black_box(datagram)).expect("it is an INVITE");
    let via = message.via_header().and_then(ToTypedHeader::typed).expect("it has one");
    let from = message.from_header().and_then(ToTypedHeader::typed).expect("it has one");
    let to = message.to_header().and_then(ToTypedHeader::typed).expect("it has one");
    let cseq = message.cseq_header().and_then(ToTypedHeader::typed).expect("it has one");
    let call_id = message.call_id_header().expect("it has one");
    via.branch().map_or(0, |branch| branch.value().len())
        + via.uri.host().to_string().len()
        + from.tag().map_or(0, |tag| tag.value().len())
        + to.tag().map_or(0, |tag| tag.value().len())
        + call_id.value().len()
        + cseq.seq as usize
}

fn our_request() -> Vec<u8> {
    RequestBuilder::new(Method::Invite, black_box("sip:8001@192.0.2.30:5060"))
        .header("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1")
        .from("<sip:13800138078@192.0.2.1>", "tag")
        .to("<sip:8001@192.0.2.1>", None)
        .call_id("c1-3-42@192.0.2.1")
        .cseq(1)
        .contact("<sip:192.0.2.1:5060>")
        .header("Supported", "100rel, timer")
        .header("Max-Forwards", 70)
        .header("User-Agent", "hotline")
        .build()
        .as_bytes()
        .to_vec()
}

fn their_request() -> Vec<u8> {
    use rsip::headers::{CSeq, UserAgent, Via};
    use rsip::headers::{CallId, Contact, ContentLength, From, MaxForwards, Supported, To};
    let mut request = rsip::Request {
        method: rsip::Method::Invite,
        uri: rsip::Uri::try_from(black_box("sip:8001@192.0.2.30:5060")).expect("it is one"),
        version: rsip::Version::V2,
        headers: rsip::Headers::default(),
        body: Vec::new(),
    };
    let headers = request.headers_mut();
    headers.push(Via::new("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1").into());
    headers.push(From::new("<sip:13800138078@192.0.2.1>;tag=tag").into());
    headers.push(To::new("<sip:8001@192.0.2.1>").into());
    headers.push(CallId::new("c1-3-42@192.0.2.1").into());
    headers.push(CSeq::new("1 INVITE").into());
    headers.push(Contact::new("<sip:192.0.2.1:5060>").into());
    headers.push(Supported::new("100rel, timer").into());
    headers.push(MaxForwards::new("70").into());
    headers.push(UserAgent::new("hotline").into());
    headers.push(ContentLength::new("0").into());
    request.to_string().into_bytes()
}

fn compare<A, B>(
    work: &'static str,
    mut ours: impl FnMut() -> A,
    mut theirs: impl FnMut() -> B,
) -> Ratio {
    let (mut our_turns, mut their_turns) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_turns.push(turn(&mut ours));
        their_turns.push(turn(&mut theirs));
    }
    let (ours_ns, theirs_ns) = (median(&mut our_turns), median(&mut their_turns));
    Ratio { work, ours_ns, theirs_ns, is_promised: true, remarks: "" }
}

/// What one of them costs, in nanoseconds, over one turn.
fn turn<T>(work: &mut impl FnMut() -> T) -> f64 {
    const BATCH: u32 = 50;
    let (begun, spent) = (Instant::now(), spent_ns());
    let mut done = 0;
    while begun.elapsed() < TURN {
        for _ in 0..BATCH {
            black_box(work());
        }
        done += BATCH;
    }
    let took = match (spent, spent_ns()) {
        (Some(before), Some(after)) if after > before => after - before,
        (_, _) => begun.elapsed().as_nanos() as u64,
    };
    took as f64 / f64::from(done)
}

/// How long this thread has had a core, where the kernel tells: on a machine that does other things
/// as well the clock counts those too.
fn spent_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

fn median(turns: &mut [f64]) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns[turns.len() / 2]
}
