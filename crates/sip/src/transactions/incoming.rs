//! What comes: to which transaction it belongs, and what becomes of what belongs to none.

use std::net::SocketAddr;

use model::{Mono, Transport};

use super::effect::Effect;
use super::invite_server::InviteServer;
use super::other_server::OtherServer;
use super::table::{Index, Machine, Transactions};
use crate::{Flow, Message, Method, Name, ParseError, Refusal, ResponseBuilder, ToBrain, validate};

impl Transactions {
    /// Takes a datagram.
    ///
    /// # Errors
    /// It is no message; it was dropped.
    pub fn handle_datagram(
        &mut self,
        datagram: &[u8],
        flow: Flow,
        now: Mono,
    ) -> Result<(), ParseError> {
        self.handle_message(Message::parse(datagram)?, flow, now);
        Ok(())
    }

    /// Takes a message that came.
    pub fn handle_message(&mut self, message: Message, flow: Flow, now: Mono) {
        let message = message.with_flow(flow);
        if !message.is_request() {
            return self.handle_response(message, flow, now);
        }
        let Some(via) = message.top_via() else {
            // Nobody knows where an answer would have to go.
            self.counts.stray += 1;
            return;
        };
        let key = self.keys.server(&message, &via);
        // RFC 3261 §18.2.2: over a stream the answer goes back on it.
        let mut back = flow;
        if flow.transport == Transport::Udp {
            back.remote = via.response_addr(flow.remote);
        }
        match (message.method(), self.servers.get(&key).copied()) {
            (Method::Ack, found) => self.handle_ack(found, message, flow, now),
            (Method::Cancel, found) => self.handle_cancel(found, &message, back, now),
            (_, Some(slot)) => {
                self.counts.repeats += 1;
                self.run(slot, now, |machine, out| match machine {
                    Machine::InviteServer(machine) => machine.handle_repeat(out),
                    Machine::OtherServer(machine) => machine.handle_repeat(out),
                    Machine::InviteClient(_) | Machine::OtherClient(_) => {}
                });
            }
            (_, None) => {
                let outside = message.to().is_none_or(|to| to.tag().is_none());
                let merged = outside.then(|| self.keys.merged(&message));
                match self.admit(&message, outside, merged) {
                    Ok(()) => {
                        let index = Index::Server { key, ack: None, merged };
                        self.open_server(index, message, flow, back, now);
                    }
                    Err(refusal) => self.refuse(&refusal, &message, back),
                }
            }
        }
    }

    /// Whether a new request is served.
    fn admit(
        &mut self,
        request: &Message,
        outside: bool,
        merged: Option<u128>,
    ) -> Result<(), Refusal> {
        let spared = !outside || request.method() == Method::Register;
        let has_its_share = |source: SocketAddr| self.has_its_share(source.ip());
        let greedy = outside && request.source().is_some_and(has_its_share);
        if self.is_full() || greedy || (!spared && (self.overloaded || self.is_nearly_full())) {
            self.counts.overloaded += 1;
            let retry_after = self.config.retry_after_s.to_string();
            return Err(Refusal::of(503).with("Retry-After", retry_after));
        }
        let verdict = validate(request).and_then(|()| {
            // RFC 3261 §8.2.2.2: the same request on another way.
            match merged.is_some_and(|merged| self.merged.contains_key(&merged)) {
                true => Err(Refusal::of(482)),
                false => Ok(()),
            }
        });
        self.counts.refused += u64::from(verdict.is_err());
        verdict
    }

    /// Refuses without a transaction: the same request gets the same answer again (RFC 3261
    /// §8.2.7), and the ACK for it belongs to nothing.
    fn refuse(&mut self, refusal: &Refusal, request: &Message, back: Flow) {
        let response = refusal.response(request, &self.keys.tag(request));
        self.transmit(back, response);
    }

    fn open_server(&mut self, index: Index, request: Message, flow: Flow, back: Flow, now: Mono) {
        let reliable = flow.transport.is_reliable();
        let mut number = None;
        let message = request.clone();
        self.open(back, index, now, |tx, out| {
            number = Some(tx);
            match request.method() {
                Method::Invite => {
                    Machine::InviteServer(InviteServer::new(tx, request, reliable, out))
                }
                _ => Machine::OtherServer(OtherServer::new(reliable, out)),
            }
        });
        if let Some(tx) = number {
            self.report(ToBrain::Request { tx, message, flow });
        }
    }

    /// For a failure the ACK has the INVITE's branch, for a 2xx only its dialog and number.
    fn handle_ack(&mut self, found: Option<u32>, ack: Message, flow: Flow, now: Mono) {
        let by_dialog = || self.acks.get(&self.keys.ack(&ack)).copied();
        let Some(slot) = found.or_else(by_dialog) else {
            self.counts.stray += 1;
            return;
        };
        self.run(slot, now, |machine, out| match machine {
            Machine::InviteServer(machine) => machine.handle_ack(ack, flow, out),
            Machine::OtherServer(_) | Machine::InviteClient(_) | Machine::OtherClient(_) => {}
        });
    }

    /// RFC 3261 §9.2: 200 if there is such an INVITE, 481 if not. The INVITE's transaction outlives
    /// any repetition, so the CANCEL needs none of its own.
    fn handle_cancel(&mut self, found: Option<u32>, cancel: &Message, back: Flow, now: Mono) {
        let entry = found.and_then(|slot| self.entry(slot));
        let tag = match entry.map(|entry| &entry.machine) {
            Some(Machine::InviteServer(machine)) => Some(machine.local_tag().map(str::to_owned)),
            Some(Machine::OtherServer(_) | Machine::InviteClient(_) | Machine::OtherClient(_))
            | None => None,
        };
        let status = if tag.is_some() { 200 } else { 481 };
        let tag = tag.flatten().unwrap_or_else(|| self.keys.tag(cancel));
        let response = ResponseBuilder::to(cancel, status).to_tag(&tag).build();
        self.transmit(back, response);
        if let Some(slot) = found {
            self.run(slot, now, |machine, out| match machine {
                Machine::InviteServer(machine) => machine.handle_cancel(cancel, out),
                Machine::OtherServer(_) | Machine::InviteClient(_) | Machine::OtherClient(_) => {}
            });
        }
    }

    fn handle_response(&mut self, response: Message, flow: Flow, now: Mono) {
        let slot = match self.client_of(&response) {
            Some(slot) if !self.has_failed(slot) || !is_accepting(&response) => slot,
            _ => return self.handle_stray(response, flow, now),
        };
        let mut is_new = false;
        self.run(slot, now, |machine, out| {
            match machine {
                Machine::InviteClient(machine) => machine.handle_response(response, flow, out),
                Machine::OtherClient(machine) => machine.handle_response(response, flow, out),
                Machine::InviteServer(_) | Machine::OtherServer(_) => {}
            }
            is_new = out.iter().any(|effect| matches!(effect, Effect::Report(_)));
        });
        self.counts.repeats += u64::from(!is_new);
    }

    /// A response that no transaction waits for. A 2xx to an INVITE of ours is told all the same:
    /// whoever sent it believes that there is a call, until it gets ACK and BYE (RFC 3261
    /// §13.2.2.4).
    fn handle_stray(&mut self, response: Message, flow: Flow, now: Mono) {
        self.counts.stray += 1;
        if !is_accepting(&response) || !is_ours_alone(&response) {
            return;
        }
        let tx = response.top_via().and_then(|via| self.keys.client(&via));
        if let Some(tx) = tx.filter(|_| self.late.takes_one(now)) {
            self.report(ToBrain::Response { tx, message: response, flow });
        }
    }

    /// Whether the INVITE that lives here has a failure for its final response.
    fn has_failed(&mut self, slot: u32) -> bool {
        match self.entry(slot).map(|entry| &entry.machine) {
            Some(Machine::InviteClient(machine)) => machine.has_failed(),
            Some(Machine::OtherClient(_) | Machine::InviteServer(_) | Machine::OtherServer(_))
            | None => false,
        }
    }

    /// RFC 3261 §17.1.3: the branch and the method of CSeq. A response that is broken, or has been
    /// on another way than ours (§8.1.3.3), belongs to none.
    fn client_of(&mut self, response: &Message) -> Option<u32> {
        let via = response.top_via()?;
        if !is_ours_alone(response) {
            return None;
        }
        let tx = self.keys.client(&via)?;
        let method = response.cseq()?.method;
        let slot = match method {
            Method::Cancel => self.cancels.get(&tx.0).copied(),
            _ => self.clients.get(&tx.0).copied(),
        }?;
        let fits = match &self.entry(slot)?.machine {
            Machine::InviteClient(_) => method == Method::Invite,
            Machine::OtherClient(machine) => machine.method() == method,
            Machine::InviteServer(_) | Machine::OtherServer(_) => false,
        };
        fits.then_some(slot)
    }

    /// A connection that was open is gone: what was asked over it has failed.
    pub fn handle_flow_closed(&mut self, flow: Flow, now: Mono) {
        self.fail_over(flow, now, |_, _| false);
    }

    /// No connection could be opened: what was to be asked over it has failed, unless it can be
    /// asked by datagrams.
    pub fn handle_flow_not_opened(&mut self, flow: Flow, now: Mono) {
        self.fail_over(flow, now, |table, slot| table.move_back(slot, now));
    }

    /// A request could not even be sent (RFC 3261 §18.4): its transaction has failed, where it
    /// still waits (§17.1.4).
    pub fn handle_not_sent(&mut self, request: &Message, now: Mono) {
        if let Some(slot) = self.client_of(request) {
            self.fail(slot, now);
        }
    }

    fn fail(&mut self, slot: u32, now: Mono) {
        self.run(slot, now, |machine, out| match machine {
            Machine::InviteClient(machine) => machine.handle_transport_failure(out),
            Machine::OtherClient(machine) => machine.handle_transport_failure(out),
            Machine::InviteServer(_) | Machine::OtherServer(_) => {}
        });
    }

    fn fail_over(
        &mut self,
        flow: Flow,
        now: Mono,
        mut is_moved: impl FnMut(&mut Self, u32) -> bool,
    ) {
        for slot in self.clients_over(flow) {
            if !is_moved(self, slot) {
                self.fail(slot, now);
            }
        }
        if flow.connection != 0 {
            self.report(ToBrain::FlowClosed { flow });
        }
    }
}

/// Whether a response is a 2xx to an INVITE.
fn is_accepting(response: &Message) -> bool {
    response.status().is_some_and(|status| (200..300).contains(&status))
        && response.cseq().is_some_and(|cseq| cseq.method == Method::Invite)
}

/// Whether a response is whole and names no way but ours (RFC 3261 §8.1.3.3).
fn is_ours_alone(response: &Message) -> bool {
    response.defect().is_none() && response.all(Name::Via).count() == 1
}
