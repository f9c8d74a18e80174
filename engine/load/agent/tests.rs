//! Agents in virtual time, against a server made by hand.

use clap::Parser as _;
use model::Transport;
use sip::digest::{Algorithm, Authenticator, Secrets, Verdict};

use super::*;
use crate::load::plan::Args;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Agents 8001 and 8002, and the requests and responses that they sent.
struct Test {
    agents: Agents,
    sent: Vec<FromBrain>,
    opened: Vec<SocketAddr>,
    closed: usize,
    offered: Vec<(Vec<String>, String)>,
}

fn flow() -> Flow {
    let (local, remote) = (([127, 0, 0, 2], 40_000).into(), ([127, 0, 0, 1], 5060).into());
    Flow { transport: Transport::Udp, local, remote, connection: 0, listener: 0 }
}

impl Test {
    fn new() -> Self {
        let line = "load --to 127.0.0.1:5060 --agents 8001-8002 --password demo --answer-after 100";
        let plan = Line::parse_from(line.split_whitespace()).args.plan().expect("a plan");
        let ports = vec![([127, 0, 0, 2], 16_384).into()];
        let agents = Agents::new(Arc::new(plan), flow(), ports, 1, Mono(0));
        Self { agents, sent: Vec::new(), opened: Vec::new(), closed: 0, offered: Vec::new() }
    }

    /// What was sent since the last time.
    fn sent(&mut self) -> Vec<FromBrain> {
        while let Some(done) = self.agents.poll_output() {
            match done {
                Do::Sip(command) => self.sent.push(command),
                Do::Media(ToMedia::Open(leg)) => self.opened.push(leg.remote),
                Do::Media(ToMedia::Close { .. }) => self.closed += 1,
                Do::Media(ToMedia::Finish) => panic!("the agents do not end the media"),
                Do::Offered { shown, agent } => self.offered.push((shown, agent)),
            }
        }
        std::mem::take(&mut self.sent)
    }

    fn requests(&mut self) -> Vec<(ClientTx, Message)> {
        let requests = self.sent().into_iter().map(|command| match command {
            FromBrain::Request { tx, message, .. } => (tx, message),
            other => panic!("{other:?} is no request"),
        });
        requests.collect()
    }

    /// The statuses that were sent, and the last response.
    fn statuses(&mut self) -> (Vec<u16>, Option<Message>) {
        let responses = self.sent().into_iter().map(|command| match command {
            FromBrain::Respond { message, .. } => message,
            other => panic!("{other:?} is no response"),
        });
        let responses: Vec<Message> = responses.collect();
        let statuses = responses.iter().filter_map(Message::status).collect();
        (statuses, responses.last().cloned())
    }

    fn respond(&mut self, tx: ClientTx, response: ResponseBuilder) {
        let message = response.to_tag("them").build();
        self.agents.handle_event(ToBrain::Response { tx, message, flow: flow() }, Mono(0));
    }

    /// Both register and are accepted.
    fn register(&mut self) {
        self.agents.handle_timeout(Mono::from_ms(10));
        for (tx, request) in self.requests() {
            self.respond(tx, ResponseBuilder::to(&request, 200));
        }
        assert!(self.agents.are_settled());
    }

    /// A request that comes in the dialog `call`.
    fn receive(
        &mut self,
        method: Method,
        agent: &str,
        call: &str,
        body: &str,
        ms: u64,
    ) -> ServerTx {
        let message = RequestBuilder::new(method, &format!("sip:{agent}@127.0.0.2:40000"))
            .from("\"138******78\" <sip:95512@127.0.0.1>", "them")
            .to(&format!("<sip:{agent}@127.0.0.1>"), None)
            .call_id(call)
            .cseq(1)
            .contact("<sip:127.0.0.1:5060>")
            .body("application/sdp", body.as_bytes())
            .build();
        let tx = ServerTx(call.len() as u64);
        let event = match method {
            Method::Ack => ToBrain::Ack { message, flow: flow() },
            _ => ToBrain::Request { tx, message, flow: flow() },
        };
        self.agents.handle_event(event, Mono::from_ms(ms));
        tx
    }
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                   m=audio 20000 RTP/AVP 8\r\n";

#[test]
fn a_challenge_is_answered_with_the_password() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let mut test = Test::new();
        let mut server = Authenticator::new("hotline", [1; 32], 60_000);
        test.agents.handle_timeout(Mono(0));
        let (tx, first) = test.requests().remove(0);
        let challenge = server.challenge(&[algorithm], false, Mono(0)).remove(0);
        let refusal = ResponseBuilder::to(&first, 401).header("WWW-Authenticate", challenge);
        test.respond(tx, refusal);
        let (tx, second) = test.requests().remove(0);
        let secrets = Secrets::from_password(&[algorithm], "8001", "hotline", "demo");
        assert_eq!(server.verify(&second, Some(&secrets), Mono(0)), Verdict::Accepted);
        assert_eq!(second.cseq().map(|cseq| cseq.number), Some(2));
        test.respond(tx, ResponseBuilder::to(&second, 200));
        assert_eq!(test.agents.figures.registered, 1);
    }
}

#[test]
fn who_cannot_register_is_counted_by_the_reason() {
    let mut test = Test::new();
    test.agents.handle_timeout(Mono::from_ms(10));
    let mut requests = test.requests();
    let (timed_out, _) = requests.remove(1);
    test.agents.handle_event(ToBrain::Timeout { tx: timed_out }, Mono(0));
    let (mut tx, mut request) = requests.remove(0);
    let challenge = "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"";
    for _ in 0..MAX_ANSWERS {
        let refusal = ResponseBuilder::to(&request, 401).header("WWW-Authenticate", challenge);
        test.respond(tx, refusal);
        (tx, request) = test.requests().remove(0);
    }
    test.respond(tx, ResponseBuilder::to(&request, 401).header("WWW-Authenticate", challenge));
    assert!(test.requests().is_empty());
    let refused: Vec<&str> = test.agents.figures.refused.keys().map(String::as_str).collect();
    assert_eq!(refused, ["timeout", "wrong_password"]);
    assert!(test.agents.are_settled());
}

#[test]
fn an_agent_rings_answers_and_is_free_after_the_bye() {
    let mut test = Test::new();
    test.register();
    test.receive(Method::Invite, "8001", "one", SDP, 1000);
    assert_eq!(test.statuses().0, [180]);
    let shown = vec!["95512".to_owned(), "138******78".to_owned()];
    assert_eq!(test.offered, [(shown, "8001".to_owned())]);
    assert_eq!(test.agents.poll_timeout(), Some(Mono::from_ms(1100)));
    test.agents.handle_timeout(Mono::from_ms(1099));
    assert!(test.statuses().0.is_empty());
    test.agents.handle_timeout(Mono::from_ms(1100));
    let (statuses, answer) = test.statuses();
    assert_eq!(statuses, [200]);
    let answer = answer.expect("it was answered");
    assert!(Session::parse(answer.body()).is_ok_and(|session| session.media.len() == 1));
    assert_eq!(test.opened, [([127, 0, 0, 1], 20_000).into()]);
    // A second call is refused and seen as the server's mistake.
    test.receive(Method::Invite, "8001", "two!", SDP, 1200);
    assert_eq!((test.statuses().0, test.agents.figures.busy), (vec![486], 1));
    test.receive(Method::Invite, "8001", "one", SDP, 1300);
    assert_eq!(test.statuses().0, [488], "a change of the session is refused");
    test.receive(Method::Bye, "8001", "one", "", 1400);
    assert_eq!((test.statuses().0, test.closed), (vec![200], 1));
    test.receive(Method::Bye, "8001", "one", "", 1500);
    assert_eq!(test.statuses().0, [481]);
    test.receive(Method::Invite, "8001", "three", SDP, 1600);
    assert_eq!(test.statuses().0, [180]);
    assert_eq!((test.agents.figures.rang, test.agents.figures.answered), (3, 1));
    // The first call found an agent who had had none; the third came 200 ms after the second's end.
    let free_to_invite = test.agents.figures.free_to_invite.to_json();
    assert_eq!((&free_to_invite["count"], &free_to_invite["max"]), (&1.into(), &200.0.into()));
}

#[test]
fn a_cancelled_ring_stops_and_is_not_answered() {
    let mut test = Test::new();
    test.register();
    let tx = test.receive(Method::Invite, "8002", "one", SDP, 0);
    test.statuses();
    let cancel = RequestBuilder::new(Method::Cancel, "sip:8002@h").build();
    test.agents.handle_event(ToBrain::Cancelled { tx, cancel }, Mono::from_ms(50));
    assert_eq!(test.statuses().0, [487]);
    test.agents.handle_timeout(Mono::from_ms(100));
    assert!(test.statuses().0.is_empty());
    assert_eq!((test.agents.figures.cancelled, test.agents.figures.answered), (1, 0));
}

#[test]
fn a_late_offer_is_answered_with_the_ack() {
    let mut test = Test::new();
    test.register();
    test.receive(Method::Invite, "8001", "one", "", 0);
    test.agents.handle_timeout(Mono::from_ms(100));
    assert_eq!(test.statuses().0, [180, 200]);
    assert!(test.opened.is_empty());
    test.receive(Method::Ack, "8001", "one", SDP, 110);
    assert_eq!((test.statuses().0.len(), test.opened.len()), (0, 1));
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let mut test = Test::new();
    test.register();
    test.receive(Method::Invite, "8001", "one", "v=0\r\n", 0);
    test.agents.handle_timeout(Mono::from_ms(100));
    assert_eq!(test.statuses().0, [180, 488]);
    test.receive(Method::Invite, "9999", "two!", SDP, 200);
    assert_eq!(test.statuses().0, [404]);
    test.receive(Method::Options, "8001", "three", "", 300);
    test.receive(Method::Info, "8001", "three", "", 300);
    assert_eq!(test.statuses().0, [200, 405]);
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_the_call() {
    let mut test = Test::new();
    test.register();
    let tx = test.receive(Method::Invite, "8001", "one", SDP, 0);
    test.agents.handle_timeout(Mono::from_ms(100));
    test.statuses();
    test.agents.handle_event(ToBrain::AckTimeout { tx }, Mono::from_ms(32_100));
    let (bye, request) = test.requests().remove(0);
    assert_eq!(request.method(), Method::Bye);
    // Whatever comes of that BYE, the agent stays registered.
    test.agents.handle_event(ToBrain::Timeout { tx: bye }, Mono::from_ms(64_100));
    assert_eq!(test.agents.figures.failed.get("no_ack"), Some(&1));
    assert!(test.agents.figures.refused.is_empty() && !test.agents.are_done());
}

#[test]
fn agents_leave_at_the_end() {
    let mut test = Test::new();
    test.register();
    test.agents.handle_finish();
    test.agents.handle_finish();
    let requests = test.requests();
    assert_eq!(requests.len(), 2, "once each");
    for (tx, request) in requests {
        assert_eq!(request.header("Expires"), Some("0"));
        test.respond(tx, ResponseBuilder::to(&request, 200));
    }
    assert!(test.agents.are_done());
}
