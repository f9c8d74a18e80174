//! A peer and a transaction user that do anything at any time, against the four transaction
//! machines: everything ends, once, and nothing is left behind. Shared by the fuzz target and the
//! room's tests.
//!
//! The bytes are the script, one after the other: what happens, and with what.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use model::{Mono, Transport};
use sip::{
    ClientTx, Flow, FromBrain, Message, Method, RequestBuilder, ResponseBuilder, ServerTx, ToBrain,
    Transactions, TransactionsConfig, TxOutput,
};

/// Methods of both sides' requests.
const METHODS: [Method; 6] =
    [Method::Invite, Method::Invite, Method::Options, Method::Bye, Method::Info, Method::Register];
/// Statuses of both sides' responses.
const STATUSES: [u16; 12] = [100, 180, 183, 199, 200, 202, 302, 404, 486, 487, 503, 603];
/// Timers that end everything take a little more than 64 × T1; an INVITE of ours may ring on.
const LONG_MS: u64 = 400_000;
/// What one step of the script may lead to.
const OUTPUTS_MAX: usize = 64;

/// The script.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn pick<'b, T>(&mut self, from: &'b [T]) -> Option<&'b T> {
        let at = usize::from(self.next()?);
        from.get(at % from.len().max(1))
    }

    /// One of the last: what is old has ended.
    fn recent<'b, T>(&mut self, from: &'b [T]) -> Option<&'b T> {
        let back = usize::from(self.next()?) % from.len().clamp(1, 3);
        from.get(from.len().checked_sub(back + 1)?)
    }
}

/// One request that the table reported, and what it told of it since.
struct Asked {
    message: Message,
    answered: Option<u16>,
    cancelled: bool,
    ack_timeout: bool,
}

/// One request of ours.
#[derive(Default)]
struct Ours {
    method: Option<Method>,
    sent: Option<Message>,
    finals: u32,
    failed: bool,
}

struct World {
    table: Transactions,
    transport: Transport,
    now: Mono,
    asked: BTreeMap<ServerTx, Asked>,
    ours: BTreeMap<u64, Ours>,
    /// What the peer has sent, to be repeated.
    theirs: Vec<Message>,
    number: u64,
    seen: Seen,
}

/// What was reported in all, by kind: a script that reaches nothing proves nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) requests: u32,
    pub(crate) acks: u32,
    pub(crate) cancelled: u32,
    pub(crate) ack_timeouts: u32,
    pub(crate) responses: u32,
    pub(crate) forked: u32,
    pub(crate) timeouts: u32,
    pub(crate) failures: u32,
}

/// Plays the script, lets the user answer what is open, and time pass until nothing waits.
pub(crate) fn peer(data: &[u8]) {
    let _ = play(data);
}

/// [`peer`], telling what was reported.
pub(crate) fn play(data: &[u8]) -> Seen {
    let mut script = Script(data);
    let transport = match script.next() {
        Some(byte) if byte % 4 == 0 => Transport::Tcp,
        Some(_) | None => Transport::Udp,
    };
    let config =
        TransactionsConfig { limit: 200, secret: [5; 32], ..TransactionsConfig::default() };
    let mut world = World {
        table: Transactions::new(config),
        transport,
        now: Mono::from_ms(1),
        asked: BTreeMap::new(),
        ours: BTreeMap::new(),
        theirs: Vec::new(),
        number: 0,
        seen: Seen::default(),
    };
    while world.step(&mut script).is_some() {
        world.drain();
        assert!(world.table.len() <= 200);
    }
    world.end()
}

impl World {
    fn flow(&self) -> Flow {
        Flow {
            transport: self.transport,
            local: SocketAddr::from(([10, 0, 0, 1], 5060)),
            remote: SocketAddr::from(([10, 0, 0, 9], 4000)),
            connection: u64::from(self.transport == Transport::Tcp) * 7,
            listener: 0,
        }
    }

    fn step(&mut self, script: &mut Script<'_>) -> Option<()> {
        // What has nothing to happen to does not happen.
        let _nothing = match script.next()? % 14 {
            0 | 1 => self.they_ask(script),
            2 => self.they_repeat(script),
            3 | 4 => self.we_answer(script),
            5 => self.we_ask(script),
            6 | 7 => self.they_answer(script),
            8 => self.they_ack_or_cancel(script),
            9 => self.we_cancel(script),
            10 => self.we_ack(script),
            11 => self.pass(u64::from(script.next()?) * 100),
            12 => self.noise(script),
            _ => {
                let overloaded = script.next()? % 8 == 0;
                self.table.set_overloaded(overloaded);
                if self.transport == Transport::Tcp && overloaded {
                    self.table.handle_flow_closed(self.flow(), self.now);
                }
                Some(())
            }
        };
        Some(())
    }

    fn receive(&mut self, message: Message) {
        self.table.handle_message(message, self.flow(), self.now);
    }

    fn they_ask(&mut self, script: &mut Script<'_>) -> Option<()> {
        let method = *script.pick(&METHODS)?;
        // Few branches and calls: they collide.
        let (branch, call) = (script.next()? % 8, script.next()? % 4);
        let tag = (call % 2 == 1).then_some("ours");
        let request = RequestBuilder::new(method, "sip:95512@10.0.0.1")
            .header("Via", format_args!("SIP/2.0/UDP 10.0.0.9:4000;branch=z9hG4bK{branch}"))
            .from("<sip:a@10.0.0.9>", "theirs")
            .to("<sip:95512@10.0.0.1>", tag)
            .call_id(&format!("c{call}"))
            .cseq(1)
            .contact("<sip:a@10.0.0.9:4000>")
            .build();
        self.theirs.push(request.clone());
        self.receive(request);
        Some(())
    }

    fn they_repeat(&mut self, script: &mut Script<'_>) -> Option<()> {
        let again = script.pick(&self.theirs)?.clone();
        self.receive(again);
        Some(())
    }

    fn we_answer(&mut self, script: &mut Script<'_>) -> Option<()> {
        let all: Vec<ServerTx> = self.asked.keys().copied().collect();
        let tx = *script.recent(&all)?;
        let status = *script.pick(&STATUSES)?;
        self.answer(tx, status);
        Some(())
    }

    fn answer(&mut self, tx: ServerTx, status: u16) {
        let Some(asked) = self.asked.get_mut(&tx) else { return };
        let message = ResponseBuilder::to(&asked.message, status).to_tag("ours").build();
        if status >= 200 && asked.answered.is_none() {
            asked.answered = Some(status);
        }
        self.table.handle_command(FromBrain::Respond { tx, message }, self.now);
    }

    fn we_ask(&mut self, script: &mut Script<'_>) -> Option<()> {
        let method = *script.pick(&METHODS)?;
        self.number += 1;
        let message = RequestBuilder::new(method, "sip:8001@10.0.0.9")
            .from("<sip:95512@10.0.0.1>", "us")
            .to("<sip:8001@10.0.0.9>", None)
            .call_id(&format!("o{}", self.number))
            .cseq(3)
            .contact("<sip:10.0.0.1>")
            .build();
        let tx = ClientTx::new(0, self.number);
        let ours = Ours { method: Some(method), ..Ours::default() };
        self.ours.insert(tx.0, ours);
        self.table.handle_command(FromBrain::Request { tx, message, flow: self.flow() }, self.now);
        Some(())
    }

    fn they_answer(&mut self, script: &mut Script<'_>) -> Option<()> {
        let sent: Vec<Message> = self.ours.values().filter_map(|ours| ours.sent.clone()).collect();
        let request = script.recent(&sent)?;
        let status = *script.pick(&STATUSES)?;
        let tag = ["one", "two", "three"][usize::from(script.next()? % 3)];
        self.receive(ResponseBuilder::to(request, status).to_tag(tag).build());
        Some(())
    }

    fn they_ack_or_cancel(&mut self, script: &mut Script<'_>) -> Option<()> {
        let invite = script.recent(&self.theirs)?.clone();
        let kind = script.next()?;
        let method = if kind % 2 == 0 { Method::Ack } else { Method::Cancel };
        // The ACK of a 2xx has a branch of its own.
        let branch = match kind % 3 {
            0 => "z9hG4bKack".to_owned(),
            _ => invite.top_via()?.branch()?.to_owned(),
        };
        let message = RequestBuilder::new(method, invite.uri())
            .header("Via", format_args!("SIP/2.0/UDP 10.0.0.9:4000;branch={branch}"))
            .from("<sip:a@10.0.0.9>", "theirs")
            .to("<sip:95512@10.0.0.1>", (method == Method::Ack).then_some("ours"))
            .call_id(invite.call_id())
            .cseq(1)
            .build();
        self.receive(message);
        Some(())
    }

    fn we_cancel(&mut self, script: &mut Script<'_>) -> Option<()> {
        let all: Vec<u64> = self.ours.keys().copied().collect();
        let tx = ClientTx(*script.recent(&all)?);
        self.table.handle_command(FromBrain::Cancel { tx, reason: "" }, self.now);
        Some(())
    }

    fn we_ack(&mut self, script: &mut Script<'_>) -> Option<()> {
        let all: Vec<u64> = self.ours.keys().copied().collect();
        let tx = ClientTx(*script.recent(&all)?);
        let tag = ["one", "two", "three"][usize::from(script.next()? % 3)];
        let message = RequestBuilder::new(Method::Ack, "sip:8001@10.0.0.9")
            .from("<sip:95512@10.0.0.1>", "us")
            .to("<sip:8001@10.0.0.9>", Some(tag))
            .call_id("o")
            .cseq(3)
            .build();
        self.table.handle_command(FromBrain::Ack { tx, message, flow: self.flow() }, self.now);
        Some(())
    }

    /// Raw bytes, or a message of either side with one byte changed.
    fn noise(&mut self, script: &mut Script<'_>) -> Option<()> {
        let length = usize::from(script.next()?).min(script.0.len());
        let (raw, rest) = script.0.split_at(length);
        script.0 = rest;
        let flow = self.flow();
        let _ = self.table.handle_datagram(raw, flow, self.now);
        let mut known = script.pick(&self.theirs)?.as_bytes().to_vec();
        let at = usize::from(script.next()?) * known.len() / 256;
        if let Some(byte) = known.get_mut(at) {
            *byte = script.next()?;
        }
        let _ = self.table.handle_datagram(&known, flow, self.now);
        Some(())
    }

    fn pass(&mut self, ms: u64) -> Option<()> {
        let end = Mono(self.now.0 + ms * 1_000_000);
        while let Some((at, why)) = self.table.poll_timeout().filter(|(at, _)| *at <= end) {
            assert!(at >= self.now, "{why}: time goes back");
            self.now = at;
            self.table.handle_timeout(at);
            self.drain();
        }
        self.now = end;
        Some(())
    }

    fn drain(&mut self) {
        let mut count = 0;
        while let Some(output) = self.table.poll_output() {
            count += 1;
            assert!(count <= OUTPUTS_MAX, "one thing leads to too much");
            match output {
                TxOutput::Transmit { message, .. } => self.note_sent(message),
                TxOutput::ToBrain(report) => self.note(report),
            }
        }
    }

    fn note_sent(&mut self, message: Message) {
        assert!(Message::parse(message.as_bytes()).is_ok(), "we write what can be read");
        if message.is_request() && !matches!(message.method(), Method::Ack | Method::Cancel) {
            let number = message.call_id().trim_start_matches('o').parse().unwrap_or(0);
            if let Some(ours) = self.ours.get_mut(&ClientTx::new(0, number).0) {
                ours.sent = Some(message);
            }
        }
    }

    fn note(&mut self, report: ToBrain) {
        match report {
            ToBrain::Request { tx, message, .. } => {
                assert!(!matches!(message.method(), Method::Ack | Method::Cancel));
                self.seen.requests += 1;
                let asked = Asked { message, answered: None, cancelled: false, ack_timeout: false };
                assert!(self.asked.insert(tx, asked).is_none(), "a number is used once");
            }
            ToBrain::Cancelled { tx, .. } => {
                self.seen.cancelled += 1;
                let asked = self.asked.get_mut(&tx).expect("it was reported");
                assert_eq!(asked.message.method(), Method::Invite);
                assert!(asked.answered.is_none(), "RFC 3261 §9.2: too late to cancel");
                assert!(!std::mem::replace(&mut asked.cancelled, true), "once");
            }
            ToBrain::AckTimeout { tx } => {
                self.seen.ack_timeouts += 1;
                let asked = self.asked.get_mut(&tx).expect("it was reported");
                assert!(matches!(asked.answered, Some(200..=299)));
                assert!(!std::mem::replace(&mut asked.ack_timeout, true), "once");
            }
            ToBrain::Response { tx, message, .. } => {
                let ours = self.ours.get_mut(&tx.0).expect("it is ours");
                let status = message.status().expect("it is a response");
                let accepted = (200..300).contains(&status);
                self.seen.responses += 1;
                self.seen.forked += u32::from(accepted && ours.finals > 0);
                let forks = ours.method == Some(Method::Invite) && accepted;
                // RFC 3261 §13.2.2.4: whoever accepts too late is to be told so.
                assert!(!ours.failed || forks, "nothing else comes after a failure");
                assert!(status >= 200 || ours.finals == 0, "nothing provisional after a final one");
                assert!(ours.finals == 0 || forks, "one final response");
                ours.finals += u32::from(status >= 200);
                ours.failed |= status >= 300;
            }
            ToBrain::Timeout { tx } => {
                self.seen.timeouts += 1;
                self.note_failed(tx);
            }
            ToBrain::TransportFailed { tx } => {
                self.seen.failures += 1;
                self.note_failed(tx);
            }
            ToBrain::Ack { .. } => self.seen.acks += 1,
            ToBrain::FlowClosed { .. } => {}
        }
    }

    fn note_failed(&mut self, tx: ClientTx) {
        let ours = self.ours.get_mut(&tx.0).expect("it is ours");
        assert!(!ours.failed && ours.finals == 0, "an outcome is the last word");
        ours.failed = true;
    }

    /// The user answers all that is open and gives up all that rings; then time passes.
    fn end(mut self) -> Seen {
        self.table.set_overloaded(false);
        let open: Vec<ServerTx> = self.asked.keys().copied().collect();
        for tx in open {
            self.answer(tx, 500);
            self.drain();
        }
        let ringing: Vec<u64> = self.ours.keys().copied().collect();
        for tx in ringing {
            let cancel = FromBrain::Cancel { tx: ClientTx(tx), reason: "" };
            self.table.handle_command(cancel, self.now);
            self.drain();
        }
        let mut steps = 0;
        let deadline = Mono(self.now.0 + LONG_MS * 1_000_000);
        while let Some((at, why)) = self.table.poll_timeout() {
            assert!(at <= deadline, "{why} is still armed");
            self.now = at;
            self.table.handle_timeout(at);
            self.drain();
            steps += 1;
            assert!(steps < 100_000, "{why}: it never ends");
        }
        assert!(self.table.is_empty(), "{} transactions are left behind", self.table.len());
        for (tx, ours) in &self.ours {
            assert!(ours.failed || ours.finals > 0, "{tx} has no outcome");
        }
        self.seen
    }
}
