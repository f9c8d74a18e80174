//! Performing what the call flow says. Nothing of it waits.

use std::net::SocketAddr;

use callflow::{DesktopInput, Input, Output};
use model::{CallId, Fact, FactBody, LegId};
use sip::{FromBrain, ToBrain};

use super::{Brain, Held};

/// Who has outputs and performs them.
trait Performs {
    /// The next one. Performing one may lead to others.
    fn next(&mut self) -> Option<Output>;
    /// Performs it now.
    fn perform_now(&mut self, output: Output);
    /// Performs it when all facts that were performed before are kept.
    fn perform_when_kept(&mut self, output: Output);
}

/// Performs until there is nothing more. What acknowledges is looked at last: it waits for all
/// facts that its input led to, also for those that were noted after it.
fn perform_all(performer: &mut impl Performs) {
    let mut acknowledging = Vec::new();
    while let Some(output) = performer.next() {
        if output.acknowledges() {
            acknowledging.push(output);
        } else {
            performer.perform_now(output);
        }
    }
    for output in acknowledging {
        performer.perform_when_kept(output);
    }
}

impl Performs for Brain {
    fn next(&mut self) -> Option<Output> {
        self.parts.callflow.poll_output()
    }

    fn perform_now(&mut self, output: Output) {
        self.perform(output);
    }

    fn perform_when_kept(&mut self, output: Output) {
        self.hold(Held::Output(output));
    }
}

impl Brain {
    /// Performs until the machine has nothing more to say.
    pub(super) fn perform_all(&mut self) {
        perform_all(self);
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
            Output::Resolve(question) => self.parts.resolver.ask(question),
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
        let media = &self.parts.media;
        let opened = match self.parts.callflow.is_browser(leg) {
            true => media.open_for_browser(call, leg, ours),
            false => media.open_like(call, leg, ours),
        };
        let address = match opened {
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

    fn alarm(&mut self, name: &'static str, detail: &str) {
        let now = self.parts.clock.mono();
        if let Some(body) = self.troubles.see(name, detail, now) {
            self.feed_later(Input::Note(body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    use model::{Id, Mono, Wall};
    use sip::{Message, ResponseBuilder, ServerTx};

    /// Writes down what is performed, in order.
    #[derive(Default)]
    struct Written {
        outputs: VecDeque<Output>,
        /// What opening media leads to.
        then: Vec<Output>,
        log: Vec<String>,
    }

    impl Performs for Written {
        fn next(&mut self) -> Option<Output> {
            self.outputs.pop_front()
        }

        fn perform_now(&mut self, output: Output) {
            self.log.push(match &output {
                Output::Fact(fact) => format!("fact {}", fact.seq),
                Output::Sip(FromBrain::Respond { message, .. }) => {
                    format!("{}", message.status().unwrap_or(0))
                }
                Output::OpenMedia { .. } => "media".to_owned(),
                other => format!("{other:?}"),
            });
            if matches!(output, Output::OpenMedia { .. }) {
                self.outputs.extend(std::mem::take(&mut self.then));
            }
        }

        fn perform_when_kept(&mut self, output: Output) {
            let Output::Sip(FromBrain::Respond { message, .. }) = &output else {
                panic!("{output:?} acknowledges nothing");
            };
            self.log.push(format!("{} when kept", message.status().unwrap_or(0)));
        }
    }

    fn fact(seq: u64) -> Output {
        Output::Fact(Fact {
            site: 1,
            epoch: 1,
            seq,
            mono: Mono::default(),
            wall: Wall::default(),
            version: model::SCHEMA_VERSION,
            body: FactBody::EngineStopped,
        })
    }

    fn respond(status: u16) -> Output {
        let text = "INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n";
        let request = Message::parse(text.as_bytes()).expect("a request");
        let message = ResponseBuilder::to(&request, status).build();
        Output::Sip(FromBrain::Respond { tx: ServerTx(1), message })
    }

    #[test]
    fn an_acknowledgement_leaves_after_all_facts_of_its_input() {
        let open = Output::OpenMedia { call: CallId(Id(1)), leg: LegId(Id(2)) };
        let outputs = VecDeque::from([respond(200), fact(1), respond(180), open, fact(2)]);
        let then = vec![respond(486), fact(3)];
        let mut written = Written { outputs, then, log: Vec::new() };
        perform_all(&mut written);
        let log = ["fact 1", "180", "media", "fact 2", "fact 3", "200 when kept", "486 when kept"];
        assert_eq!(written.log, log);
    }
}
