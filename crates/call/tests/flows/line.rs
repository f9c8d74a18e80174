//! One end of the wire: the transactions and the leg of one call, in virtual time.

use std::collections::{BTreeMap, VecDeque};

use call::{Description, Invitation, Leg, Output, Outside, Referral, SessionLimits, Tokens};
use model::{HangupCause, Id, LegId, LegRole, Mono, Transport};
use sdp::{Codec, Session, SrtpPolicy};
use sip::{
    CSeq, ClientTx, Flow, FromBrain, Message, Method, ResponseBuilder, ServerTx, ToBrain,
    Transactions, TransactionsConfig, TxOutput,
};

/// Where our media is received.
const MEDIA: &str = "192.0.2.201:3456";

/// Our end.
pub(crate) struct Line {
    pub(crate) leg: Option<Leg>,
    table: Transactions,
    now: Mono,
    flow: Flow,
    /// What we sent and nobody has looked at.
    sent: VecDeque<Message>,
    /// What the leg told of, and nobody has looked at.
    told: VecDeque<Output>,
    /// Requests of ours, to tell the leg who did not answer.
    asked: BTreeMap<u64, CSeq>,
    invite: Option<ClientTx>,
    /// Whether a call that comes is answered at once.
    answers: bool,
}

pub(crate) fn lines(text: &str) -> String {
    text.trim_start().replace('\n', "\r\n")
}

fn description() -> Description {
    Description {
        user: "bob".to_owned(),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        srtp: SrtpPolicy::Off,
        browser: None,
        session: SessionLimits::default(),
    }
}

fn id() -> LegId {
    LegId(Id::new(1, 1, 1))
}

impl Line {
    /// Waits to be called by a peer at this address.
    pub(crate) fn waiting(transport: Transport, remote: &str) -> Self {
        let flow = Flow {
            transport,
            local: "192.0.2.201:5060".parse().unwrap(),
            remote: remote.parse().unwrap(),
            connection: u64::from(transport == Transport::Tcp),
            listener: 0,
        };
        Self {
            leg: None,
            table: Transactions::new(TransactionsConfig::default()),
            now: Mono::from_ms(1_000),
            flow,
            sent: VecDeque::new(),
            told: VecDeque::new(),
            asked: BTreeMap::new(),
            invite: None,
            answers: true,
        }
    }

    /// Waits to be called, and then for somebody to answer.
    pub(crate) fn ringing(transport: Transport, remote: &str) -> Self {
        Self { answers: false, ..Self::waiting(transport, remote) }
    }

    /// Calls `target` over the peer at this address; returns the INVITE too.
    pub(crate) fn calling(transport: Transport, remote: &str, target: &str) -> (Self, Message) {
        Self::calling_by(transport, remote, target, None)
    }

    /// The same with what a call to the outside needs.
    pub(crate) fn calling_by(
        transport: Transport,
        remote: &str,
        target: &str,
        outside: Option<Outside>,
    ) -> (Self, Message) {
        let mut line = Self::waiting(transport, remote);
        let invitation = line.invitation(target, outside);
        let media = MEDIA.parse().unwrap();
        let role = LegRole::Agent("bob".into());
        let tokens = Tokens::new([7; 32]);
        line.leg = Some(Leg::outgoing(id(), role, &tokens, invitation, media, description()));
        line.settle();
        let invite = line.next();
        assert_eq!(invite.method(), Method::Invite);
        (line, invite)
    }

    fn invitation(&self, target: &str, outside: Option<Outside>) -> Invitation {
        Invitation {
            target: target.to_owned(),
            route: Vec::new(),
            flow: self.flow,
            from: "Alice <sip:alice@atlanta.example.com>".to_owned(),
            to: "sip:bob@biloxi.example.com".to_owned(),
            headers: Vec::new(),
            outside,
        }
    }

    /// Calls the same target once more, over the peer at this address; returns the INVITE.
    pub(crate) fn call_again(&mut self, remote: &str, target: &str, outside: Outside) -> Message {
        self.flow.remote = remote.parse().unwrap();
        let invitation = self.invitation(target, Some(outside));
        self.leg.as_mut().unwrap().invite_again(&Tokens::new([7; 32]), invitation, description());
        self.settle();
        self.next()
    }

    /// Does what the peer's REFER asks for; what became of it is told by [`Self::refer_ended`].
    pub(crate) fn accept_refer(&mut self) -> Referral {
        let at = self.told.iter().position(|output| matches!(output, Output::Referred { .. }));
        let refer = at.and_then(|at| self.told.remove(at));
        let Some(Output::Referred { tx, message }) = refer else { panic!("no REFER was told of") };
        let referral = self.leg.as_mut().unwrap().accept_refer(tx, &message);
        self.settle();
        referral
    }

    /// Tells the peer how its REFER ended.
    pub(crate) fn refer_ended(&mut self, referral: Referral, status: u16) {
        self.leg.as_mut().unwrap().notify_referral(referral, status);
        self.settle();
    }

    /// A message of the peer: one of the RFC's figure. `{tag}` is our tag.
    pub(crate) fn receive(&mut self, text: &str) {
        let tag = self.leg.as_ref().map_or("", Leg::tag).to_owned();
        let text = lines(text).replace("{tag}", &tag);
        self.table.handle_datagram(text.as_bytes(), self.flow, self.now).unwrap();
        self.settle();
    }

    /// The peer answers a request of ours with what the figure adds to it.
    pub(crate) fn respond(
        &mut self,
        request: &Message,
        status: u16,
        tag: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let response = ResponseBuilder::to(request, status).to_tag(tag);
        let response = headers.iter().fold(response, |response, (n, v)| response.header(n, v));
        let response = match body {
            "" => response.build(),
            body => response.body("application/sdp", lines(body).as_bytes()).build(),
        };
        self.table.handle_datagram(response.as_bytes(), self.flow, self.now).unwrap();
        self.settle();
    }

    /// We hang up, or give up.
    pub(crate) fn hang_up(&mut self) {
        self.leg.as_mut().unwrap().hang_up(HangupCause::LocalBye, 480);
        self.settle();
    }

    /// The next message that we sent.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Message {
        self.sent.pop_front().expect("nothing was sent")
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.sent.is_empty()
    }

    /// Why the call is over.
    pub(crate) fn ended(&mut self) -> Option<HangupCause> {
        let ended = |output: &Output| match output {
            Output::Ended(cause) => Some(*cause),
            _ => None,
        };
        self.told.iter().find_map(ended)
    }

    /// How often the leg said that it is over.
    pub(crate) fn ends(&self) -> usize {
        self.told.iter().filter(|output| matches!(output, Output::Ended(_))).count()
    }

    /// Whether the leg told of this since it was last asked.
    pub(crate) fn was_told(&mut self, what: impl Fn(&Output) -> bool) -> bool {
        let was = self.told.iter().any(&what);
        self.told.retain(|output| !what(output));
        was
    }

    /// Time passes; how long after its beginning each message of ours left, in milliseconds.
    pub(crate) fn pass(&mut self, ms: u64) -> Vec<u64> {
        let (start, end) = (self.now, Mono::from_ms(self.now.as_ms() + ms));
        let mut times = Vec::new();
        while let Some(at) = self.next_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.table.handle_timeout(at);
            if let Some(leg) = &mut self.leg
                && leg.poll_timeout().is_some_and(|(due, _)| due <= at)
            {
                leg.handle_timeout(at);
            }
            let before = self.sent.len();
            self.settle();
            times.extend(std::iter::repeat_n(at.ms_since(start), self.sent.len() - before));
        }
        self.now = end;
        times
    }

    fn next_timeout(&self) -> Option<Mono> {
        let leg = self.leg.as_ref().and_then(Leg::poll_timeout);
        [self.table.poll_timeout(), leg].into_iter().flatten().map(|(at, _)| at).min()
    }

    /// Everything has ended and nothing waits.
    pub(crate) fn assert_over(&mut self) {
        self.pass(64_000);
        assert!(self.table.is_empty(), "{} transactions are left", self.table.len());
        assert!(self.ended().is_some(), "the leg goes on");
        let leg = self.leg.as_ref().unwrap();
        assert_eq!((leg.state(), leg.poll_timeout()), (call::LegState::Terminated, None));
    }

    /// Leads what each says to the other until both have said all.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.table.poll_output() {
                match output {
                    TxOutput::Transmit { message, .. } => self.sent.push_back(message),
                    TxOutput::ToBrain(report) => self.report(report),
                }
            } else if let Some(output) = self.leg.as_mut().and_then(Leg::poll_output) {
                self.perform(output);
            } else {
                return;
            }
        }
    }

    fn report(&mut self, report: ToBrain) {
        let now = self.now;
        match (report, &mut self.leg) {
            (ToBrain::Request { tx, message, flow }, None) => self.begin(tx, message, flow),
            (ToBrain::Request { tx, message, flow }, Some(leg)) => {
                leg.handle_request(tx, &message, flow, now);
            }
            (ToBrain::Ack { message, .. }, Some(leg)) => leg.handle_ack(&message),
            (ToBrain::Cancelled { cancel, .. }, Some(leg)) => leg.handle_cancelled(&cancel),
            (ToBrain::AckTimeout { .. }, Some(leg)) => leg.handle_ack_timeout(),
            (ToBrain::Response { message, flow, .. }, Some(leg)) => {
                leg.handle_response(&message, flow, now);
            }
            (ToBrain::Timeout { tx } | ToBrain::TransportFailed { tx }, Some(leg)) => {
                let cause = HangupCause::TransactionTimeout;
                leg.handle_no_response(self.asked[&tx.0], cause, now);
            }
            (_, _) => {}
        }
    }

    fn begin(&mut self, tx: ServerTx, invite: Message, flow: Flow) {
        let came = (tx, invite, flow);
        let tokens = Tokens::new([7; 32]);
        let mut leg = Leg::incoming(id(), LegRole::Caller, &tokens, came, description());
        if self.answers {
            leg.accept(MEDIA.parse().unwrap(), self.now);
        }
        self.leg = Some(leg);
    }

    fn perform(&mut self, output: Output) {
        let command = match output {
            Output::Respond { tx, message } => FromBrain::Respond { tx, message },
            Output::Invite { message, flow } => {
                let tx = self.number(&message);
                self.invite = Some(tx);
                FromBrain::Request { tx, message, flow }
            }
            Output::Request { message, flow } | Output::Send { message, flow, .. } => {
                FromBrain::Request { tx: self.number(&message), message, flow }
            }
            Output::Ack { message, flow } => {
                let number = message.cseq().unwrap().number;
                let is_it = |cseq: &CSeq| cseq.number == number && cseq.method == Method::Invite;
                let tx = self.asked.iter().find(|(_, cseq)| is_it(cseq)).map(|(tx, _)| *tx);
                FromBrain::Ack { tx: ClientTx(tx.unwrap()), message, flow }
            }
            Output::Cancel(reason) => FromBrain::Cancel { tx: self.invite.unwrap(), reason },
            other => return self.told.push_back(other),
        };
        self.table.handle_command(command, self.now);
    }

    fn number(&mut self, request: &Message) -> ClientTx {
        let tx = ClientTx::new(0, self.asked.len() as u64 + 1);
        self.asked.insert(tx.0, request.cseq().unwrap());
        tx
    }
}

pub(crate) fn described(message: &Message) -> Session {
    Session::parse(message.body()).unwrap()
}

/// The values of a header, each as its URI alone.
pub(crate) fn routes(message: &Message) -> Vec<String> {
    message.routes().map(|route| route.uri_text().to_owned()).collect()
}
