//! Callers in virtual time, against responses made by hand.

use clap::Parser as _;
use model::Transport;
use sip::ResponseBuilder;

use super::*;
use crate::load::plan::Args;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Callers with these options, and what they did so far.
struct Test {
    callers: Callers,
    done: Vec<Do>,
}

impl Test {
    fn new(options: &str) -> Self {
        let line = format!("load --to 127.0.0.1:5060 --duration 3000 {options}");
        let plan = Line::parse_from(line.split_whitespace()).args.plan().expect("a plan");
        let callers =
            Callers::new(Arc::new(plan), flow(), vec![([127, 0, 0, 2], 16_384).into()], 1);
        let mut test = Self { callers, done: Vec::new() };
        test.callers.handle_begin(Mono::from_ms(0));
        test.drain();
        test
    }

    fn drain(&mut self) {
        self.done.extend(std::iter::from_fn(|| self.callers.poll_output()));
    }

    /// What was asked for since the last time, in short.
    fn done(&mut self) -> String {
        self.drain();
        let short = |done: Do| match done {
            Do::Sip(FromBrain::Request { message, .. }) => message.method().to_string(),
            Do::Sip(FromBrain::Respond { message, .. }) => {
                message.status().unwrap_or_default().to_string()
            }
            Do::Sip(FromBrain::Cancel { .. }) => "CANCEL".into(),
            Do::Sip(FromBrain::Ack { .. }) => "ACK".into(),
            Do::Media(ToMedia::Open(leg)) => format!("open {}", leg.remote),
            Do::Media(ToMedia::Close { .. }) => "close".into(),
            Do::Media(ToMedia::Finish) | Do::Offered { .. } => "nonsense".into(),
        };
        self.done.drain(..).map(short).collect::<Vec<_>>().join(", ")
    }

    /// The request of that step of the first call.
    fn request(&self, step: u32) -> Message {
        let wanted = transaction(0, step);
        let found = self.done.iter().find_map(|done| match done {
            Do::Sip(FromBrain::Request { tx, message, .. }) if *tx == wanted => {
                Some(message.clone())
            }
            _ => None,
        });
        found.expect("it was sent")
    }

    /// The first call's request of that step is answered.
    fn answer(&mut self, request: &Message, step: u32, status: u16, body: &str, ms: u64) {
        let response = ResponseBuilder::to(request, status).to_tag("them");
        let response = response.contact("<sip:127.0.0.1:5060>");
        let message = response.body("application/sdp", body.as_bytes()).build();
        let event = ToBrain::Response { tx: transaction(0, step), message, flow: flow() };
        self.callers.handle_event(event, Mono::from_ms(ms));
    }

    /// The failures that were counted.
    fn failed(&self) -> Vec<(&str, u32)> {
        let failed = self.callers.figures.failed.iter();
        failed.map(|(reason, count)| (reason.as_str(), *count)).collect()
    }
}

fn flow() -> Flow {
    let (local, remote) = (([127, 0, 0, 2], 40_000).into(), ([127, 0, 0, 1], 5060).into());
    Flow { transport: Transport::Udp, local, remote, connection: 0, listener: 0 }
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 20000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

#[test]
fn a_call_is_answered_lasts_and_ends() {
    let mut test = Test::new("");
    let invite = test.request(INVITE);
    assert_eq!(invite.uri(), "sip:95500@127.0.0.1:5060");
    assert_eq!(test.done(), "INVITE");
    test.answer(&invite, INVITE, 180, "", 10);
    test.answer(&invite, INVITE, 200, SDP, 40);
    assert_eq!(test.done(), "ACK, open 127.0.0.1:20000");
    // A repeated 2xx is the transactions' business; one that comes through changes nothing.
    assert_eq!((test.callers.talking(), test.callers.len()), (1, 1));
    assert_eq!(test.callers.poll_timeout(), Some(Mono::from_ms(3040)));
    test.callers.handle_timeout(Mono::from_ms(3039));
    assert_eq!(test.done(), "");
    test.callers.handle_timeout(Mono::from_ms(3040));
    test.drain();
    let bye = test.request(BYE);
    assert_eq!(test.done(), "BYE, close");
    test.answer(&bye, BYE, 200, "", 3050);
    assert_eq!((test.callers.figures.ok, test.callers.len(), test.callers.talking()), (1, 0, 0));
    assert_eq!(test.callers.figures.setup.to_json()["max"], 40.0);
    assert_eq!(test.callers.poll_timeout(), None);
}

#[test]
fn every_failure_has_its_name() {
    for (status, reason) in [(486, "486"), (503, "503"), (302, "302")] {
        let mut test = Test::new("");
        let invite = test.request(INVITE);
        test.answer(&invite, INVITE, status, "", 5);
        assert_eq!(test.failed(), [(reason, 1)]);
    }
    for (step, event, reason) in [
        (INVITE, ToBrain::Timeout { tx: transaction(0, INVITE) }, "timeout"),
        (INVITE, ToBrain::TransportFailed { tx: transaction(0, INVITE) }, "transport"),
        (BYE, ToBrain::Timeout { tx: transaction(0, BYE) }, "bye_timeout"),
        (BYE, ToBrain::TransportFailed { tx: transaction(0, BYE) }, "bye_transport"),
    ] {
        let mut test = Test::new("");
        if step == BYE {
            let invite = test.request(INVITE);
            test.answer(&invite, INVITE, 200, SDP, 5);
            test.callers.handle_timeout(Mono::from_ms(5000));
        }
        test.callers.handle_event(event, Mono::from_ms(40_000));
        assert_eq!(test.failed(), [(reason, 1)]);
        assert_eq!((test.callers.len(), test.callers.figures.ok), (0, 0));
    }
}

#[test]
fn an_answer_that_cannot_be_used_is_acknowledged_and_left() {
    for body in ["", "v=0\r\n", &SDP.replace("AVP 8", "AVP 18")] {
        let mut test = Test::new("");
        let invite = test.request(INVITE);
        test.done();
        test.answer(&invite, INVITE, 200, body, 5);
        test.drain();
        let bye = test.request(BYE);
        assert_eq!(test.done(), "ACK, BYE, close", "{body:?}");
        test.answer(&bye, BYE, 200, "", 6);
        assert_eq!(test.failed(), [("bad_sdp", 1)]);
    }
}

#[test]
fn a_bye_that_fails_is_counted_by_its_status() {
    let mut test = Test::new("");
    let invite = test.request(INVITE);
    test.answer(&invite, INVITE, 200, SDP, 5);
    test.callers.handle_timeout(Mono::from_ms(4000));
    test.drain();
    let bye = test.request(BYE);
    test.answer(&bye, BYE, 481, "", 4001);
    assert_eq!(test.failed(), [("bye_481", 1)]);
}

#[test]
fn the_servers_requests_are_answered() {
    let mut test = Test::new("");
    let invite = test.request(INVITE);
    test.answer(&invite, INVITE, 200, SDP, 5);
    test.done();
    for (method, call_id, wanted) in [
        (Method::Options, invite.call_id(), "200"),
        (Method::Invite, invite.call_id(), "488"),
        (Method::Info, invite.call_id(), "405"),
        (Method::Bye, "77.1@elsewhere", "481"),
        (Method::Bye, invite.call_id(), "200, close"),
        (Method::Bye, invite.call_id(), "481"),
    ] {
        let message = RequestBuilder::new(method, "sip:caller@127.0.0.2:40000")
            .from("<sip:95500@127.0.0.1>", "them")
            .to("<sip:caller@127.0.0.2>", Some("us"))
            .call_id(call_id)
            .cseq(9)
            .build();
        let event = ToBrain::Request { tx: ServerTx(1), message, flow: flow() };
        test.callers.handle_event(event, Mono::from_ms(500));
        assert_eq!(test.done(), wanted, "{method} {call_id}");
    }
    assert_eq!(test.failed(), [("hung_up_on", 1)]);
}

#[test]
fn ctrl_c_cancels_what_rings_and_ends_what_talks() {
    let mut ringing = Test::new("");
    let invite = ringing.request(INVITE);
    ringing.done();
    ringing.callers.handle_finish();
    ringing.callers.handle_finish();
    assert_eq!(ringing.done(), "CANCEL", "once");
    // The answer crosses the CANCEL.
    ringing.answer(&invite, INVITE, 200, SDP, 5);
    ringing.drain();
    let bye = ringing.request(BYE);
    assert_eq!(ringing.done(), "ACK, open 127.0.0.1:20000, BYE, close");
    ringing.answer(&bye, BYE, 200, "", 6);
    assert_eq!(ringing.failed(), [("interrupted", 1)]);

    let mut talking = Test::new("");
    let invite = talking.request(INVITE);
    talking.answer(&invite, INVITE, 200, SDP, 5);
    talking.done();
    talking.callers.handle_finish();
    assert_eq!(talking.done(), "BYE, close");
    talking.callers.give_up();
    assert_eq!(talking.failed(), [("never_ended", 1)]);
}

/// What an INVITE shows of a caller.
fn shown(text: &str) -> Vec<String> {
    vec!["95512".into(), text.into()]
}

#[test]
fn the_agents_ring_is_timed_from_the_invite_or_from_the_key() {
    let mut test = Test::new("--caller-prefix 1380");
    let offered =
        |test: &mut Test, text, ms| test.callers.handle_offered(&shown(text), Mono::from_ms(ms));
    assert_eq!(offered(&mut test, "138000000000", 7), Some(0));
    assert_eq!(offered(&mut test, "138000000000", 9), Some(0));
    assert_eq!(offered(&mut test, "13900000000", 9), None);
    assert_eq!(test.callers.figures.agent_invite.to_json()["max"], 7.0);
    assert_eq!(test.callers.figures.agent_invite.to_json()["count"], 1);

    let mut test = Test::new("--digits 1");
    test.callers.handle_released(Released { leg: leg_of(0), at: Mono::from_ms(1500) });
    assert_eq!(offered(&mut test, "13900000000", 1504), Some(0));
    assert_eq!(test.callers.figures.key_to_agent_invite.to_json()["max"], 4.0);
    for (popped, rang_before) in [(1502, 0), (1505, 1)] {
        let (popped, rang) = (Mono::from_ms(popped), Mono::from_ms(1504));
        test.callers.handle_popped(&Shown { call: 0, popped, rang });
        assert_eq!(test.callers.figures.rang_before_pop, rang_before);
    }
    assert_eq!(test.callers.figures.pop.to_json()["max"], 1505.0);
}

#[test]
fn a_masked_number_is_the_oldest_call_that_fits_and_waits() {
    let mut test = Test::new("--calls 300");
    (1..250).for_each(|ms| test.callers.handle_begin(Mono::from_ms(ms)));
    let mut offered = |text| test.callers.handle_offered(&shown(text), Mono::from_ms(500));
    assert_eq!(offered("139******07"), Some(7));
    assert_eq!(offered("139******07"), Some(107));
    assert_eq!(offered("139******07"), Some(207));
    assert_eq!(offered("139******07"), None);
    assert_eq!(offered("138******08"), None);
    assert_eq!(offered("139*****08"), None, "another length");
}
