//! What the transaction user asks for.

use model::Mono;

use super::invite_client::InviteClient;
use super::other_client::OtherClient;
use super::table::{Index, Machine, Transactions};
use crate::build::via_line;
use crate::flow::via_name;
use crate::{ClientTx, Flow, FromBrain, Message, Method, ServerTx, ToBrain};

impl Transactions {
    /// Does what the transaction user asks. What belongs to a transaction that has ended is
    /// dropped, but an ACK is sent all the same.
    pub fn handle_command(&mut self, command: FromBrain, now: Mono) {
        match command {
            FromBrain::Respond { tx, message } => self.respond(tx, message, now),
            FromBrain::Request { tx, message, flow } => self.request(tx, message, flow, now),
            FromBrain::Cancel { tx, reason } => self.cancel(tx, reason, now),
            FromBrain::Ack { tx, message, flow } => self.acknowledge(tx, &message, flow, now),
        }
    }

    fn respond(&mut self, tx: ServerTx, response: Message, now: Mono) {
        let Some(slot) = self.slot_of(tx) else {
            return;
        };
        let is_accepting = matches!(response.status(), Some(200..=299));
        let is_invite =
            self.entry(slot).is_some_and(|entry| matches!(entry.machine, Machine::InviteServer(_)));
        if is_accepting && is_invite {
            let wanted = self.keys.ack(&response);
            self.expect_ack(slot, wanted);
        }
        self.run(slot, now, |machine, out| match machine {
            Machine::InviteServer(machine) => machine.respond(response, out),
            Machine::OtherServer(machine) => machine.respond(response, out),
            Machine::InviteClient(_) | Machine::OtherClient(_) => {}
        });
    }

    fn request(&mut self, tx: ClientTx, request: Message, flow: Flow, now: Mono) {
        if self.clients.contains_key(&tx.0) {
            return;
        }
        if self.is_full() {
            return self.report(ToBrain::TransportFailed { tx });
        }
        // An ACK has no transaction, and goes the way of what it acknowledges.
        let way = match request.method() {
            Method::Ack => flow,
            _ => self.way_of(tx, &request, flow, now),
        };
        self.begin(tx, &request, way, now);
    }

    /// Sends a new request this way.
    pub(super) fn begin(&mut self, tx: ClientTx, request: &Message, flow: Flow, now: Mono) {
        let method = request.method();
        let request = self.with_via(tx, request, flow);
        let reliable = flow.transport.is_reliable();
        match method {
            Method::Ack => self.transmit(flow, request),
            Method::Invite => self.open(flow, Index::Client { tx }, now, |_, out| {
                Machine::InviteClient(InviteClient::new(tx, request, reliable, out))
            }),
            _ => self.open(flow, Index::Client { tx }, now, |_, out| {
                Machine::OtherClient(OtherClient::new(Some(tx), request, reliable, out))
            }),
        }
    }

    pub(super) fn cancel(&mut self, tx: ClientTx, reason: &'static str, now: Mono) {
        if let Some(slot) = self.clients.get(&tx.0).copied() {
            self.run(slot, now, |machine, out| match machine {
                Machine::InviteClient(machine) => machine.cancel(reason, out),
                // RFC 3261 §9.1: only an INVITE is cancelled.
                Machine::OtherClient(_) | Machine::InviteServer(_) | Machine::OtherServer(_) => {}
            });
        }
    }

    fn acknowledge(&mut self, tx: ClientTx, ack: &Message, flow: Flow, now: Mono) {
        let ack = self.with_via(tx, ack, flow);
        let mut kept = false;
        if let Some(slot) = self.clients.get(&tx.0).copied() {
            let ack = ack.clone();
            self.run(slot, now, |machine, out| match machine {
                Machine::InviteClient(machine) => kept = machine.acknowledge(ack, flow, out),
                Machine::OtherClient(_) | Machine::InviteServer(_) | Machine::OtherServer(_) => {}
            });
        }
        if !kept {
            self.transmit(flow, ack);
        }
    }

    /// RFC 3261 §18.1.1: where the answer shall come, and the branch it is known by.
    fn with_via(&self, tx: ClientTx, request: &Message, flow: Flow) -> Message {
        let branch = self.keys.branch(tx, request.method() == Method::Ack);
        let sent_by = flow.local.to_string();
        request.with_top_via(&via_line(via_name(flow.transport), &sent_by, branch))
    }
}
