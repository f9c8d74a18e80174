//! Performing what the call flow says. Nothing of it waits.

use std::net::SocketAddr;

use callflow::{DesktopInput, Input, Output};
use model::{CallId, Fact, FactBody, LegId};
use sip::{FromBrain, ToBrain};

use super::{Brain, Held};

impl Brain {
    /// Performs until the machine has nothing more to say. What acknowledges is looked at last: it
    /// waits for all facts that its input led to, also for those that were noted after it.
    pub(super) fn perform_all(&mut self) {
        let mut acknowledging = Vec::new();
        while let Some(output) = self.parts.callflow.poll_output() {
            if output.acknowledges() {
                acknowledging.push(output);
            } else {
                self.perform(output);
            }
        }
        for output in acknowledging {
            self.hold(Held::Output(output));
        }
    }

    pub(super) fn perform(&mut self, output: Output) {
        match output {
            Output::Fact(fact) => self.keep(fact),
            Output::Sip(command) => self.send(command),
            Output::OpenMedia { call, leg } => self.open_media(call, leg),
            Output::Media(command) => {
                if self.parts.media.send(command).is_err() {
                    self.alarm("media", "a media worker's queue is full; a command was lost");
                }
            }
            Output::FindCaller { token, phone } => self.parts.lookups.find_caller(token, phone),
            Output::FindPolicy { call, query } => self.parts.lookups.find_policy(call, query),
            Output::Desktop(output) => {
                if let Some(slow) = self.desktops.deliver(output) {
                    let overflow = DesktopInput::Overflow { session: slow };
                    self.feed_later(Input::Desktop(overflow));
                }
            }
            Output::DesktopRefused { session, refused } => self.desktops.refuse(session, refused),
            Output::Stopped => self.stopped = true,
        }
    }

    fn keep(&mut self, fact: Fact) {
        match &fact.body {
            FactBody::AlarmRaised { alarm, detail } => {
                self.parts.watch.handle_alarm(alarm, Some(detail));
            }
            FactBody::AlarmCleared { alarm } => self.parts.watch.handle_alarm(alarm, None),
            _ => {}
        }
        self.last_fact = fact.seq;
        self.parts.figures.apply(&fact);
        self.changed_records.extend(self.parts.records.apply(&fact));
        self.facts.push(fact);
    }

    /// A request that finds no room has failed like one that cannot be sent; a response's peer
    /// will repeat the request.
    fn send(&mut self, command: FromBrain) {
        let Err(net::sip::Full(command)) = self.parts.sip.send(command) else { return };
        match command {
            FromBrain::Request { tx, .. } => {
                self.feed_later(Input::Sip(ToBrain::TransportFailed { tx }));
            }
            FromBrain::Respond { .. } | FromBrain::Cancel { .. } | FromBrain::Ack { .. } => {}
        }
        self.alarm("sip", "a SIP worker's queue is full; a message was lost");
    }

    fn open_media(&mut self, call: CallId, leg: LegId) {
        let ours = self.parts.callflow.address_of(leg).unwrap_or(self.parts.media_address);
        let address = match self.parts.media.open_like(call, leg, ours) {
            Ok(address) => Some(SocketAddr::new(ours, address.port())),
            Err(error) => {
                self.alarm("media", &format!("no RTP port can be opened: {error}"));
                None
            }
        };
        self.feed_later(Input::MediaOpened { leg, address });
    }

    /// Feeds the machine from within performing: its outputs are drained by the loop that runs.
    fn feed_later(&mut self, input: Input) {
        self.parts.callflow.handle_input(input, self.parts.clock.mono());
    }

    fn alarm(&mut self, name: &str, detail: &str) {
        let body = FactBody::AlarmRaised { alarm: name.into(), detail: detail.to_owned() };
        self.feed_later(Input::Note(body));
    }
}
