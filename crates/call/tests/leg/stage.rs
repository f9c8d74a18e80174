//! One leg and its peer: what the peer writes, and what the leg wants done.

use std::time::Duration;

use call::{Description, Farewell, Invitation, Leg, Output, Outside, SessionLimits, Tokens};
use model::{HangupCause, Id, LegId, LegRole, Mono, Transport};
use sdp::{Codec, Fingerprint, Session, SrtpPolicy};
use sip::{Flow, Message, Method, RequestBuilder, ResponseBuilder, ServerTx};

pub(crate) type Headers<'a> = &'a [(&'a str, &'a str)];

/// A-law both ways.
pub(crate) const TALK: &str = "sendrecv";

/// The peer's description: its direction, as version 1.
pub(crate) fn sdp(direction: &str) -> String {
    described("198.51.100.9", 4000, "8", direction)
}

pub(crate) fn described(address: &str, port: u16, formats: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {formats}\r\na={direction}\r\n"
    )
}

pub(crate) fn read(message: &Message) -> Session {
    Session::parse(message.body()).unwrap()
}

/// A leg and the peer's numbers.
pub(crate) struct Stage {
    pub(crate) leg: Leg,
    pub(crate) now: Mono,
    pub(crate) outputs: Vec<Output>,
    tx: u64,
    cseq: u32,
    /// Our tag is in To of what the peer writes.
    tag: String,
}

fn flow() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "198.51.100.9:5060".parse().unwrap(),
        connection: 0,
        listener: 0,
    }
}

fn description(session: SessionLimits) -> Description {
    let codecs = vec![Codec::Pcma, Codec::Pcmu];
    Description { user: "95512".to_owned(), codecs, srtp: SrtpPolicy::Off, browser: None, session }
}

/// Of a call to the outside.
fn protected() -> Description {
    Description { srtp: SrtpPolicy::Offer, ..description(SessionLimits::default()) }
}

fn invitation(outside: Option<Outside>) -> Invitation {
    Invitation {
        target: "sip:8001@198.51.100.9".to_owned(),
        route: Vec::new(),
        flow: flow(),
        from: "<sip:95512@hotline>".to_owned(),
        to: "sip:8001@hotline".to_owned(),
        headers: Vec::new(),
        outside,
    }
}

fn with(request: RequestBuilder, headers: Headers<'_>, body: &str) -> Message {
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let request = match body {
        "" => request,
        body => request.body("application/sdp", body.as_bytes()),
    };
    request.build()
}

impl Stage {
    fn of(leg: Leg) -> Self {
        let tag = leg.tag().to_owned();
        Self { leg, now: Mono::from_ms(1_000), outputs: Vec::new(), tx: 1, cseq: 1, tag }
    }

    /// An INVITE with these headers and this body has come, and our port is taken.
    pub(crate) fn called(headers: Headers<'_>, body: &str) -> Self {
        Self::called_within(SessionLimits::default(), headers, body)
    }

    pub(crate) fn called_within(session: SessionLimits, headers: Headers<'_>, body: &str) -> Self {
        let mut stage = Self::invited(session, headers, body);
        let now = stage.now;
        stage.leg.accept("192.0.2.1:20000".parse().unwrap(), now);
        stage.drain();
        stage
    }

    /// The same, but nothing is said yet.
    pub(crate) fn ringing(headers: Headers<'_>, body: &str) -> Self {
        let mut stage = Self::invited(SessionLimits::default(), headers, body);
        stage.leg.take_media("192.0.2.1:20000".parse().unwrap());
        stage
    }

    fn invited(session: SessionLimits, headers: Headers<'_>, body: &str) -> Self {
        let invite = RequestBuilder::new(Method::Invite, "sip:95512@192.0.2.1")
            .header("Via", "SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK1")
            .from("<sip:a@far>", "far")
            .to("<sip:95512@192.0.2.1>", None)
            .call_id("c")
            .cseq(1)
            .contact("<sip:a@198.51.100.9>");
        let invite = with(invite, headers, body).with_flow(flow());
        let id = LegId(Id::new(1, 1, 1));
        let tokens = Tokens::new([7; 32]);
        let came = (ServerTx(1), invite, flow());
        // A browser is shown a certificate.
        let browser = Leg::is_of_browser(&came.1, Transport::Udp).then_some(Fingerprint([3; 32]));
        let description = Description { browser, ..description(session) };
        let leg = Leg::incoming(id, LegRole::Caller, &tokens, came, description);
        Self::of(leg)
    }

    /// A call that stands, with these headers in its INVITE.
    pub(crate) fn standing(headers: Headers<'_>) -> Self {
        let mut stage = Self::called(headers, &sdp(TALK));
        assert_eq!(stage.response().status(), Some(200));
        stage.outputs.clear();
        stage
    }

    /// We have called a phone; returns our INVITE too.
    pub(crate) fn calling() -> (Self, Message) {
        Self::calling_by(None)
    }

    /// The same with what a call to the outside needs.
    pub(crate) fn calling_by(outside: Option<Outside>) -> (Self, Message) {
        let description = match outside {
            Some(_) => protected(),
            None => description(SessionLimits::default()),
        };
        let invitation = invitation(outside);
        let id = LegId(Id::new(1, 1, 2));
        let role = LegRole::Agent("8001".into());
        let local = "192.0.2.1:20002".parse().unwrap();
        let tokens = Tokens::new([7; 32]);
        let leg = Leg::outgoing(id, role, &tokens, invitation, local, description);
        let mut stage = Self::of(leg);
        stage.cseq = 0;
        stage.drain();
        let invite = stage.invite();
        (stage, invite)
    }

    /// The same party is called another way.
    pub(crate) fn call_again(&mut self, outside: Outside) -> Message {
        let again = invitation(Some(outside));
        self.leg.invite_again(&Tokens::new([7; 32]), again, protected());
        self.drain();
        self.invite()
    }

    pub(crate) fn give_up(&mut self) {
        self.leg.give_up();
        self.drain();
    }

    /// Whether the way failed, and for how long it wants to be left alone.
    pub(crate) fn unreachable(&mut self) -> Option<(HangupCause, Option<u32>)> {
        match self.take(|output| matches!(output, Output::Unreachable { .. })) {
            Some(Output::Unreachable { cause, retry_after_s }) => Some((cause, retry_after_s)),
            _ => None,
        }
    }

    pub(crate) fn cancels(&mut self) -> bool {
        self.take(|output| matches!(output, Output::Cancel(_))).is_some()
    }

    /// A phone that answered our INVITE with these headers.
    pub(crate) fn answered(headers: Headers<'_>) -> Self {
        let (mut stage, invite) = Self::calling();
        stage.respond(&invite, 200, headers, &sdp(TALK));
        stage.outputs.clear();
        stage
    }

    pub(crate) fn drain(&mut self) {
        self.outputs.extend(std::iter::from_fn(|| self.leg.poll_output()));
    }

    /// A request of the peer in the dialog; returns our answer.
    pub(crate) fn request(&mut self, method: Method, headers: Headers<'_>, body: &str) -> Message {
        self.cseq += 1;
        self.request_numbered(self.cseq, method, headers, body)
    }

    pub(crate) fn request_numbered(
        &mut self,
        cseq: u32,
        method: Method,
        headers: Headers<'_>,
        body: &str,
    ) -> Message {
        self.send_numbered(cseq, method, headers, body);
        self.response()
    }

    /// The same without looking at our answer.
    pub(crate) fn send(&mut self, method: Method, headers: Headers<'_>) {
        self.cseq += 1;
        self.send_numbered(self.cseq, method, headers, "");
    }

    fn send_numbered(&mut self, cseq: u32, method: Method, headers: Headers<'_>, body: &str) {
        let call_id = self.call_id();
        let request = RequestBuilder::new(method, "sip:95512@192.0.2.1")
            .header("Via", "SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK2")
            .from("<sip:a@far>", "far")
            .to("<sip:95512@192.0.2.1>", Some(&self.tag))
            .call_id(&call_id)
            .cseq(cseq)
            .contact("<sip:a@198.51.100.9>");
        let request = with(request, headers, body).with_flow(flow());
        self.tx += 1;
        let now = self.now;
        self.leg.handle_request(ServerTx(self.tx), &request, flow(), now);
        self.drain();
    }

    /// The REFER that was reported.
    pub(crate) fn referred(&mut self) -> Option<(ServerTx, Message)> {
        match self.take(|output| matches!(output, Output::Referred { .. })) {
            Some(Output::Referred { tx, message }) => Some((tx, message)),
            _ => None,
        }
    }

    fn call_id(&self) -> String {
        match self.leg.role() {
            LegRole::Caller => "c".to_owned(),
            LegRole::Agent(_) | LegRole::Number(_) => Tokens::new([7; 32]).call_id(self.leg.id()),
        }
    }

    /// The ACK of the INVITE that the peer sent last.
    pub(crate) fn ack(&mut self, body: &str) {
        let call_id = self.call_id();
        let ack = RequestBuilder::new(Method::Ack, "sip:95512@192.0.2.1")
            .from("<sip:a@far>", "far")
            .to("<sip:95512@192.0.2.1>", Some(&self.tag))
            .call_id(&call_id)
            .cseq(self.cseq);
        self.leg.handle_ack(&with(ack, &[], body));
        self.drain();
    }

    /// The peer answers a request of ours.
    pub(crate) fn respond(
        &mut self,
        request: &Message,
        status: u16,
        headers: Headers<'_>,
        body: &str,
    ) {
        self.respond_as("far", request, status, headers, body);
    }

    pub(crate) fn respond_as(
        &mut self,
        tag: &str,
        request: &Message,
        status: u16,
        headers: Headers<'_>,
        body: &str,
    ) {
        let response =
            ResponseBuilder::to(request, status).to_tag(tag).contact("<sip:8001@198.51.100.9>");
        let response =
            headers.iter().fold(response, |response, (name, value)| response.header(name, value));
        let response = match body {
            "" => response,
            body => response.body("application/sdp", body.as_bytes()),
        };
        let now = self.now;
        self.leg.handle_response(&response.build(), flow(), now);
        self.drain();
    }

    /// Time passes until the leg's next deadline, which is to be this many milliseconds away.
    pub(crate) fn wait(&mut self, least_ms: u64, most_ms: u64) {
        let (at, why) = self.leg.poll_timeout().unwrap();
        let waited = at.ms_since(self.now);
        assert!((least_ms..=most_ms).contains(&waited), "{why} is due after {waited} ms");
        self.now = at;
        self.leg.handle_timeout(at);
        self.drain();
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
    }

    fn take(&mut self, wanted: impl Fn(&Output) -> bool) -> Option<Output> {
        let at = self.outputs.iter().position(wanted)?;
        Some(self.outputs.remove(at))
    }

    /// Our next response.
    pub(crate) fn response(&mut self) -> Message {
        match self.take(|output| matches!(output, Output::Respond { .. })) {
            Some(Output::Respond { message, .. }) => message,
            other => panic!("no response: {other:?}"),
        }
    }

    /// Our next request in the dialog.
    pub(crate) fn ours(&mut self) -> Message {
        match self.take(|output| matches!(output, Output::Request { .. })) {
            Some(Output::Request { message, .. }) => message,
            other => panic!("no request: {other:?}"),
        }
    }

    /// Our next INVITE outside of the dialog.
    pub(crate) fn invite(&mut self) -> Message {
        match self.take(|output| matches!(output, Output::Invite { .. })) {
            Some(Output::Invite { message, .. }) => message,
            other => panic!("no INVITE: {other:?}"),
        }
    }

    /// Our next ACK.
    pub(crate) fn our_ack(&mut self) -> Option<Message> {
        match self.take(|output| matches!(output, Output::Ack { .. })) {
            Some(Output::Ack { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// Our BYE.
    pub(crate) fn bye(&mut self) -> Option<Message> {
        match self.take(|output| matches!(output, Output::Send { .. })) {
            Some(Output::Send { message, .. }) => Some(message),
            _ => None,
        }
    }

    /// Our BYE, with what its response is to be given to.
    pub(crate) fn farewell(&mut self) -> Option<(Message, Option<Box<Farewell>>)> {
        match self.take(|output| matches!(output, Output::Send { .. })) {
            Some(Output::Send { message, farewell, .. }) => Some((message, farewell)),
            _ => None,
        }
    }

    /// How often the called one began to send something before its answer.
    pub(crate) fn early_media(&self) -> usize {
        self.outputs.iter().filter(|output| matches!(output, Output::SendsEarly)).count()
    }

    pub(crate) fn media_changed(&mut self) -> bool {
        self.take(|output| matches!(output, Output::MediaChanged)).is_some()
    }

    pub(crate) fn ended(&mut self) -> Option<HangupCause> {
        match self.take(|output| matches!(output, Output::Ended(_))) {
            Some(Output::Ended(cause)) => Some(cause),
            _ => None,
        }
    }
}
