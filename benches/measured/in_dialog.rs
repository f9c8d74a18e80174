//! What a request in a dialog costs while few and while many dialogs and registrations are there.
//!
//! The whole way of the message, from its bytes to the bytes of the answer: the transaction layer
//! and the call flow as the engine has them, in this process. Sockets are left out, as they cost
//! the same whatever is there and would only flatter the ratio; so is the media, for no address has
//! ports for 100,000 calls. Few and many take turns, and the CPU time of this thread counts.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use callflow::{Callflow, Input, Output, Recovery};
use model::{Mono, Transport};
use rustix::time::{ClockId, clock_gettime};
use sip::digest::{Account, answer};
use sip::{
    Dialog, Flow, Message, Method, RequestBuilder, Transactions, TransactionsConfig, TxOutput,
};

use crate::lab::Lab;
use crate::table::{Row, Table};

/// Few dialogs, and as many registrations.
const FEW: u32 = 100;
/// Many of them.
const MANY: u32 = 100_000;
/// Turns of few and many.
const TURNS: u32 = 31;
/// Requests in one turn.
const REQUESTS_A_TURN: u32 = 1_000;
/// So far apart do requests go to dialogs, so that no two near each other are in one cache line.
const STRIDE: usize = 7_919;
/// How much more the same may cost with many.
const RATIO_MAX: f64 = 2.0;
/// Virtual time between two messages while the dialogs begin.
const BEAT: Duration = Duration::from_micros(500);
/// The call flow's while it is measured: it hardly goes on, for what the menus of 100,000 callers
/// do meanwhile is no cost of the request. Transactions end as ever.
const MEASURED_BEAT: Duration = Duration::from_micros(1);

/// Measures and adds a row for each kind of request.
pub(crate) fn rows(lab: &Lab, table: &mut Table) -> anyhow::Result<()> {
    let many_there = lab.size(MANY);
    let (mut few, mut many) = (House::with(FEW)?, House::with(many_there)?);
    for method in [Method::Options, Method::Invite] {
        let (mut few_us, mut many_us) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            few_us.push(few.turn(method)?);
            many_us.push(many.turn(method)?);
        }
        let (few_us, many_us) = (median(few_us), median(many_us));
        let ratio = many_us / few_us;
        let name = if method == Method::Invite { "re-INVITE and ACK" } else { "OPTIONS" };
        table.add(Row {
            work: format!("{name} in a dialog: {many_there} dialogs and registrations, or {FEW}"),
            measured: format!("{many_us:.1} and {few_us:.1} µs: {ratio:.2} ×"),
            beside: String::new(),
            target: "≤ 2 ×",
            met: Some(ratio <= RATIO_MAX),
            remarks: "in one process, without sockets".into(),
        });
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Transaction layer and call flow, with callers and phones that are only addresses.
struct House {
    transactions: Transactions,
    callflow: Callflow,
    /// What the transactions take for the time, and what the call flow does.
    now: Mono,
    flow_now: Mono,
    beat: Duration,
    /// The callers' view of their dialogs.
    dialogs: Vec<Dialog>,
    /// The last message that left, and how many left that were a 200.
    left: Option<Message>,
    accepted: u32,
    next: usize,
}

impl House {
    /// So many phones have registered and so many callers hear the menu.
    fn with(count: u32) -> anyhow::Result<Self> {
        eprintln!("{count} registrations and dialogs begin");
        let settings = sim::Settings {
            agents: (0..count).map(|agent| (format!("{agent:06}"), 1)).collect(),
            calls_max: count as usize + 1,
            // Nobody would answer.
            probe_interval_ms: 0,
            ..sim::settings()
        };
        let config = sim::config(&settings);
        let mut callflow = Callflow::new(config).map_err(|error| anyhow::anyhow!("{error}"))?;
        callflow.begin("bench", "bench", Recovery::default());
        let config = TransactionsConfig { secret: [9; 32], ..TransactionsConfig::default() };
        let mut house = Self {
            transactions: Transactions::new(config),
            callflow,
            now: Mono::from_ms(1),
            flow_now: Mono::from_ms(1),
            beat: BEAT,
            dialogs: Vec::with_capacity(count as usize),
            left: None,
            accepted: 0,
            next: 0,
        };
        house.work();
        for number in 0..count {
            house.register(number).with_context(|| format!("phone {number}"))?;
            house.call(number).with_context(|| format!("caller {number}"))?;
        }
        ensure!(house.callflow.calls() == count as usize, "not every call is there");
        house.beat = MEASURED_BEAT;
        Ok(house)
    }

    fn register(&mut self, number: u32) -> anyhow::Result<()> {
        let [_, high, middle, low] = number.to_be_bytes();
        let address = SocketAddr::from(([10, 2, middle, low], 5_060 + u16::from(high)));
        let (user, uri) = (format!("{number:06}"), "sip:hotline".to_owned());
        let aor = format!("<sip:{user}@{}>", sim::REALM);
        let request = |cseq: u32| {
            RequestBuilder::new(Method::Register, &uri)
                .from(&aor, "phone")
                .to(&aor, None)
                .call_id(&format!("register-{number}"))
                .cseq(cseq)
                .contact(&format!("<sip:{user}@{address}>"))
                .header("Via", format!("SIP/2.0/UDP {address};branch=z9hG4bKr{cseq}.{number}"))
                .header("Expires", "3600")
        };
        self.deliver(&request(1).build(), address);
        let challenge = self.left.take().context("a REGISTER is not answered")?;
        let account = Account { user: user.clone(), password: sim::PASSWORD.into(), realm: None };
        let challenges = challenge.headers("WWW-Authenticate");
        let value = answer(challenges, &account, Method::Register, &uri, 1, "cnonce");
        let value = value.context("a challenge that cannot be answered")?;
        self.deliver(&request(2).header("Authorization", value).build(), address);
        let status = self.left.take().and_then(|message| message.status());
        ensure!(status == Some(200), "REGISTER: {status:?}");
        Ok(())
    }

    fn call(&mut self, number: u32) -> anyhow::Result<()> {
        let offer = "v=0\r\no=- 1 1 IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\n\
                     m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
        let invite = RequestBuilder::new(Method::Invite, "sip:95512@hotline")
            .from(&format!("<sip:139{number:08}@carrier.example>"), &format!("c{number}"))
            .to("<sip:95512@hotline>", None)
            .call_id(&format!("{number}@carrier.example"))
            .cseq(1)
            .contact(&format!("<sip:139{number:08}@{}>", carrier()))
            .header("Via", format!("SIP/2.0/UDP {};branch=z9hG4bKi{number}", carrier()))
            .body("application/sdp", offer.as_bytes())
            .build();
        self.deliver(&invite, carrier());
        let answer = self.left.take().context("an INVITE is not answered")?;
        ensure!(answer.status() == Some(200), "INVITE: {answer:?}");
        let dialog = Dialog::uac(&invite, &answer, &flow(carrier())).context("no dialog")?;
        let via = format!("SIP/2.0/UDP {};branch=z9hG4bKa{number}", carrier());
        self.deliver(&dialog.ack(&invite).header("Via", via).build(), carrier());
        self.dialogs.push(dialog);
        Ok(())
    }

    /// Requests in dialogs all over the table; the microseconds that each took.
    fn turn(&mut self, method: Method) -> anyhow::Result<f64> {
        let wanted = self.accepted + REQUESTS_A_TURN;
        let messages: Vec<Message> =
            (0..REQUESTS_A_TURN).flat_map(|_| self.requests(method)).collect();
        let begun = clock_gettime(ClockId::ThreadCPUTime);
        for message in &messages {
            self.deliver(message, carrier());
        }
        let ended = clock_gettime(ClockId::ThreadCPUTime);
        ensure!(self.accepted == wanted, "only {} of {wanted} were accepted", self.accepted);
        let seconds = (ended.tv_sec - begun.tv_sec) as f64;
        let nanos = seconds * 1e9 + (ended.tv_nsec - begun.tv_nsec) as f64;
        Ok(nanos / 1000.0 / f64::from(REQUESTS_A_TURN))
    }

    /// The next dialog's request, and its ACK if it is an INVITE.
    fn requests(&mut self, method: Method) -> Vec<Message> {
        self.next += STRIDE;
        let at = self.next % self.dialogs.len();
        let (number, dialog) = (self.next, &mut self.dialogs[at]);
        let via = |kind: &str| format!("SIP/2.0/UDP {};branch=z9hG4bK{kind}{number}", carrier());
        let request = dialog.request(method).header("Via", via("d"));
        if method != Method::Invite {
            return vec![request.build()];
        }
        let offer = format!(
            "v=0\r\no=- 1 {} IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\n\
             m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
            number + 1
        );
        let invite = request
            .contact(&format!("<sip:caller@{}>", carrier()))
            .body("application/sdp", offer.as_bytes())
            .build();
        let ack = dialog.ack(&invite).header("Via", via("k")).build();
        vec![invite, ack]
    }

    /// What a worker and the brain do with a datagram.
    fn deliver(&mut self, message: &Message, from: SocketAddr) {
        self.now = self.now + BEAT;
        self.flow_now = self.flow_now + self.beat;
        // What is no message would not be answered, which is noticed.
        let _answer = self.transactions.handle_datagram(message.as_bytes(), flow(from), self.now);
        if self.transactions.poll_timeout().is_some_and(|(at, _)| at <= self.now) {
            self.transactions.handle_timeout(self.now);
        }
        if self.callflow.poll_timeout().is_some_and(|(at, _)| at <= self.flow_now) {
            self.callflow.handle_timeout(self.flow_now);
        }
        self.work();
    }

    fn work(&mut self) {
        loop {
            if let Some(output) = self.transactions.poll_output() {
                match output {
                    TxOutput::Transmit { message, .. } => {
                        self.accepted += u32::from(message.status() == Some(200));
                        self.left = Some(message);
                    }
                    TxOutput::ToBrain(event) => {
                        self.callflow.handle_input(Input::Sip(event), self.flow_now);
                    }
                }
            } else if let Some(output) = self.callflow.poll_output() {
                self.perform(output);
            } else {
                return;
            }
        }
    }

    fn perform(&mut self, output: Output) {
        let input = match output {
            Output::Sip(command) => {
                return self.transactions.handle_command(command, self.now);
            }
            Output::OpenMedia { leg, .. } => {
                let address = Some(SocketAddr::from(([10, 0, 0, 1], 20_000)));
                Input::MediaOpened { leg, address }
            }
            Output::FindCaller { token, .. } => Input::CallerFound { token, answer: Ok(None) },
            Output::Fact(_)
            | Output::Media(_)
            | Output::FindPolicy { .. }
            | Output::Resolve(_)
            | Output::Desktop(_)
            | Output::DesktopRefused { .. }
            | Output::Stopped => return,
        };
        self.callflow.handle_input(input, self.flow_now);
    }
}

/// Where all callers come from.
fn carrier() -> SocketAddr {
    let [first, second] = sim::CARRIER;
    SocketAddr::from(([first, second, 0, 1], 5_060))
}

fn flow(remote: SocketAddr) -> Flow {
    let local = SocketAddr::from(([10, 0, 0, 1], 5_060));
    Flow { transport: Transport::Udp, local, remote, connection: 0, listener: 0 }
}
