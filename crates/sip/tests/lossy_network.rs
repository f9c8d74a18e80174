//! Two transaction layers over a network that loses, repeats, delays and reorders: in virtual time,
//! from a seed. Whatever happens, each side hears of each thing once and nothing is left behind.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::collections::BTreeMap;

use model::{Mono, Transport};
use proptest::prelude::*;
use sip::{
    ClientTx, Dialog, Flow, FromBrain, Message, Method, RequestBuilder, ResponseBuilder, ServerTx,
    ToBrain, Transactions, TransactionsConfig, TxOutput,
};

/// xorshift64*: chance that a seed repeats.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// What one call has seen, each counted.
#[derive(Debug, Default)]
struct Seen {
    request: u32,
    provisional: u32,
    accepted: u32,
    late: u32,
    failed: u32,
    timeout: u32,
    ack: u32,
    ack_timeout: u32,
    cancelled: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Caller,
    Callee,
}

struct World {
    chance: Chance,
    /// In percent.
    loss: u64,
    transport: Transport,
    now: Mono,
    caller: Transactions,
    callee: Transactions,
    /// Datagrams under way, by time of arrival and a number.
    wire: BTreeMap<(Mono, u64), (Side, Vec<u8>)>,
    /// What the callee will answer, and when.
    answers: BTreeMap<(Mono, u64), (ServerTx, Message)>,
    cancels: BTreeMap<(Mono, u64), ClientTx>,
    invites: BTreeMap<u64, Message>,
    callers: BTreeMap<u64, Seen>,
    callees: BTreeMap<String, Seen>,
    open: BTreeMap<ServerTx, String>,
    number: u64,
}

fn flow(side: Side, transport: Transport) -> Flow {
    let (caller, callee) = ("10.0.0.1:5060".parse().unwrap(), "10.0.0.2:5060".parse().unwrap());
    let (local, remote) = match side {
        Side::Caller => (caller, callee),
        Side::Callee => (callee, caller),
    };
    let connection = u64::from(transport == Transport::Tcp);
    Flow { transport, local, remote, connection, listener: 0 }
}

impl World {
    fn new(seed: u64, loss: u64, transport: Transport) -> Self {
        let config = |worker| TransactionsConfig {
            worker,
            secret: [worker; 32],
            ..TransactionsConfig::default()
        };
        Self {
            chance: Chance(seed | 1),
            loss,
            transport,
            now: Mono::from_ms(10),
            caller: Transactions::new(config(1)),
            callee: Transactions::new(config(2)),
            wire: BTreeMap::new(),
            answers: BTreeMap::new(),
            cancels: BTreeMap::new(),
            invites: BTreeMap::new(),
            callers: BTreeMap::new(),
            callees: BTreeMap::new(),
            open: BTreeMap::new(),
            number: 0,
        }
    }

    fn later(&mut self, most_ms: u64) -> (Mono, u64) {
        self.number += 1;
        (Mono::from_ms(self.now.as_ms() + 1 + self.chance.below(most_ms)), self.number)
    }

    fn call(&mut self, method: Method) {
        self.number += 1;
        let number = self.number;
        let request = RequestBuilder::new(method, "sip:b@10.0.0.2")
            .from("<sip:a@10.0.0.1>", &format!("f{number}"))
            .to("<sip:b@10.0.0.2>", None)
            .call_id(&format!("c{number}"))
            .cseq(1)
            .contact("<sip:a@10.0.0.1>")
            .build();
        let tx = ClientTx::new(1, number);
        self.invites.insert(tx.0, request.clone());
        self.callers.insert(tx.0, Seen::default());
        let flow = flow(Side::Caller, self.transport);
        self.caller.handle_command(FromBrain::Request { tx, message: request, flow }, self.now);
        if method == Method::Invite && self.chance.below(4) == 0 {
            let at = self.later(3_000);
            self.cancels.insert(at, tx);
        }
        self.drain();
    }

    fn send(&mut self, from: Side, bytes: &[u8]) {
        let to = if from == Side::Caller { Side::Callee } else { Side::Caller };
        if self.transport == Transport::Tcp {
            // A stream: nothing is lost or overtaken.
            self.number += 1;
            self.wire.insert((self.now, self.number), (to, bytes.to_vec()));
            return;
        }
        let copies = if self.chance.below(100) < 5 { 2 } else { 1 };
        for _ in 0..copies {
            if self.chance.below(100) >= self.loss {
                let at = self.later(300);
                self.wire.insert(at, (to, bytes.to_vec()));
            }
        }
    }

    fn drain(&mut self) {
        loop {
            let (side, output) = match (self.caller.poll_output(), self.callee.poll_output()) {
                (Some(one), other) => {
                    other.into_iter().for_each(|other| self.take(Side::Callee, other));
                    (Side::Caller, one)
                }
                (None, Some(other)) => (Side::Callee, other),
                (None, None) => return,
            };
            self.take(side, output);
        }
    }

    fn take(&mut self, side: Side, output: TxOutput) {
        match (side, output) {
            (_, TxOutput::Transmit { message, .. }) => self.send(side, message.as_bytes()),
            (Side::Caller, TxOutput::ToBrain(report)) => self.tell_caller(report),
            (Side::Callee, TxOutput::ToBrain(report)) => self.tell_callee(report),
        }
    }

    fn tell_caller(&mut self, report: ToBrain) {
        match report {
            ToBrain::Response { tx, message, .. } => {
                let seen = self.callers.get_mut(&tx.0).unwrap();
                // A 2xx to an INVITE that is over is told all the same, so that whoever answered
                // is acknowledged and told goodbye (RFC 3261 §13.2.2.4): no outcome of its own.
                let is_over = seen.accepted + seen.failed + seen.timeout > 0;
                match message.status().unwrap() {
                    100..=199 => seen.provisional += 1,
                    200..=299 if is_over && message.method() == Method::Invite => seen.late += 1,
                    200..=299 => seen.accepted += 1,
                    _ => seen.failed += 1,
                }
                let accepted = matches!(message.status(), Some(200..=299));
                if accepted && message.method() == Method::Invite {
                    let flow = flow(Side::Caller, self.transport);
                    let invite = &self.invites[&tx.0];
                    let dialog = Dialog::uac(invite, &message, &flow).unwrap();
                    let message = dialog.ack(invite).build();
                    let ack = FromBrain::Ack { tx, message, flow };
                    self.caller.handle_command(ack, self.now);
                }
            }
            ToBrain::Timeout { tx } => self.callers.get_mut(&tx.0).unwrap().timeout += 1,
            other => panic!("a caller was told {other:?}"),
        }
    }

    fn tell_callee(&mut self, report: ToBrain) {
        match report {
            ToBrain::Request { tx, message, .. } => {
                let call = message.call_id().to_owned();
                self.callees.entry(call.clone()).or_default().request += 1;
                self.open.insert(tx, call);
                let statuses: &[u16] = match (message.method(), self.chance.below(4)) {
                    (Method::Invite, 0) => &[486],
                    (Method::Invite, 1) => &[200],
                    (Method::Invite, _) => &[180, 200],
                    (_, _) => &[200],
                };
                let mut after = 0;
                for status in statuses {
                    after += 1 + self.chance.below(1_500);
                    let at = (Mono::from_ms(self.now.as_ms() + after), self.later(1).1);
                    let response = ResponseBuilder::to(&message, *status).to_tag("t");
                    self.answers.insert(at, (tx, response.contact("<sip:b@10.0.0.2>").build()));
                }
            }
            ToBrain::Ack { message, .. } => {
                self.callees.get_mut(message.call_id()).unwrap().ack += 1;
            }
            ToBrain::Cancelled { tx, .. } => {
                let call = &self.open[&tx];
                self.callees.get_mut(call).unwrap().cancelled += 1;
                let waiting = self.answers.values().find(|(other, _)| *other == tx);
                let message = waiting
                    .map(|(_, response)| ResponseBuilder::to(response, 487).to_tag("t").build());
                self.answers.retain(|_, (other, _)| *other != tx);
                if let Some(message) = message {
                    self.callee.handle_command(FromBrain::Respond { tx, message }, self.now);
                }
            }
            ToBrain::AckTimeout { tx } => {
                let call = &self.open[&tx];
                self.callees.get_mut(call).unwrap().ack_timeout += 1;
            }
            other => panic!("a callee was told {other:?}"),
        }
    }

    /// Lets the next thing happen; false when nothing will.
    fn step(&mut self) -> bool {
        let times = [
            self.wire.first_key_value().map(|(at, _)| at.0),
            self.answers.first_key_value().map(|(at, _)| at.0),
            self.cancels.first_key_value().map(|(at, _)| at.0),
            self.caller.poll_timeout().map(|(at, _)| at),
            self.callee.poll_timeout().map(|(at, _)| at),
        ];
        let Some(now) = times.into_iter().flatten().min() else {
            return false;
        };
        assert!(now >= self.now, "time goes back");
        self.now = now;
        self.caller.handle_timeout(now);
        self.callee.handle_timeout(now);
        if let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= now) {
            let (to, bytes) = entry.remove();
            let table = match to {
                Side::Caller => &mut self.caller,
                Side::Callee => &mut self.callee,
            };
            table.handle_datagram(&bytes, flow(to, self.transport), now).unwrap();
        }
        if let Some(entry) = self.answers.first_entry().filter(|entry| entry.key().0 <= now) {
            let (tx, message) = entry.remove();
            self.callee.handle_command(FromBrain::Respond { tx, message }, now);
        }
        if let Some(entry) = self.cancels.first_entry().filter(|entry| entry.key().0 <= now) {
            self.caller.handle_command(FromBrain::Cancel { tx: entry.remove(), reason: "" }, now);
        }
        self.drain();
        true
    }

    fn run(mut self) -> Result<(), TestCaseError> {
        for call in 0..40u64 {
            let method = if call % 3 == 0 { Method::Info } else { Method::Invite };
            self.call(method);
            for _ in 0..self.chance.below(6) {
                self.step();
            }
        }
        let mut steps = 0;
        while self.step() {
            steps += 1;
            prop_assert!(steps < 100_000, "it never ends");
        }
        for (tx, seen) in &self.callers {
            prop_assert_eq!(seen.accepted + seen.failed + seen.timeout, 1, "{} {:?}", tx, seen);
        }
        for (call, seen) in &self.callees {
            prop_assert_eq!(seen.request, 1, "{} {:?}", call, seen);
            prop_assert!(seen.cancelled <= 1 && seen.ack + seen.ack_timeout <= 1, "{:?}", seen);
        }
        for (tx, caller) in &self.callers {
            let call = self.invites[tx].call_id();
            let callee = self.callees.get(call);
            if self.invites[tx].method() == Method::Invite && caller.accepted == 1 {
                let heard = callee.map_or(0, |callee| callee.ack + callee.ack_timeout);
                prop_assert_eq!(heard, 1, "{}: an accepted call must hear of its ACK", call);
            }
            if self.loss == 0 {
                prop_assert_eq!(caller.timeout, 0);
                prop_assert_eq!(callee.map_or(0, |callee| callee.ack_timeout), 0);
            }
        }
        prop_assert!(self.caller.is_empty() && self.callee.is_empty(), "something is left behind");
        Ok(())
    }
}

/// Each case is forty calls.
fn few() -> ProptestConfig {
    ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn every_request_has_one_outcome_over_udp(seed in any::<u64>(), loss in 0u64..60) {
        World::new(seed, loss, Transport::Udp).run()?;
    }

    #[test]
    fn every_request_has_one_outcome_over_tcp(seed in any::<u64>()) {
        World::new(seed, 0, Transport::Tcp).run()?;
    }

    #[test]
    fn without_loss_delay_and_repetition_change_nothing(seed in any::<u64>()) {
        World::new(seed, 0, Transport::Udp).run()?;
    }
}
