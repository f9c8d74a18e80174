//! INVITE client transaction (RFC 3261 §17.1.1 and §9.1, RFC 6026 §7.2).
//!
//! ```text
//! Calling ──1xx──▶ Proceeding ──300..699──▶ Completed ──D──▶ end   (each time an ACK)
//!    │                 └──2xx──▶ Accepted ──M──▶ end               (each fork once)
//!    └──B──▶ end                       (what was skipped on the way may be skipped)
//! ```

use std::time::Duration;

use super::effect::{Effect, Effects};
use super::timer::{T1, T1_64, Timer};
use crate::{ClientTx, Flow, Message, Method, Name, RequestBuilder, ToBrain};

/// The most different 2xx to one INVITE.
pub const MAX_FORKS: usize = 8;

/// Where it stands.
#[derive(Debug)]
enum State {
    /// Nothing came yet. `cancel` says why it is cancelled as soon as that may be.
    Calling { request: Message, interval: Duration, cancel: Option<&'static str> },
    /// A provisional response came.
    Proceeding {
        request: Message,
        cancelled: bool,
        /// Whether another one (101 to 199) has come since timer C runs.
        heard: bool,
    },
    /// It failed; the ACK that says so.
    Completed { ack: Message },
    /// It was accepted, perhaps by several.
    Accepted { forks: Vec<Fork> },
}

/// How long a peer may say nothing after a provisional response, timer C (RFC 3261 §16.6): then the
/// INVITE is cancelled, and is over whether or not there is an answer to that. Each 101 to 199 has
/// it begin anew (§16.7); it is looked at when it ends, so that a peer that says a lot costs
/// nothing, and may last up to twice as long then.
const TIMER_C: Duration = Duration::from_secs(181);

/// One 2xx.
#[derive(Debug)]
struct Fork {
    tag: String,
    ack: Option<(Message, Flow)>,
}

/// One INVITE of ours.
#[derive(Debug)]
pub(super) struct InviteClient {
    tx: ClientTx,
    reliable: bool,
    state: State,
}

impl InviteClient {
    pub(super) fn new(tx: ClientTx, request: Message, reliable: bool, out: &mut Effects) -> Self {
        out.push(Effect::Send(request.clone()));
        if !reliable {
            out.push(Effect::Arm(Timer::A, T1));
        }
        out.push(Effect::Arm(Timer::B, T1_64));
        Self { tx, reliable, state: State::Calling { request, interval: T1, cancel: None } }
    }

    pub(super) fn handle_response(&mut self, response: Message, flow: Flow, out: &mut Effects) {
        match response.status().unwrap_or(500) {
            100..=199 => self.handle_provisional(response, flow, out),
            200..=299 => self.handle_accepted(response, flow, out),
            _ => self.handle_failed(response, flow, out),
        }
    }

    fn handle_provisional(&mut self, response: Message, flow: Flow, out: &mut Effects) {
        match &mut self.state {
            State::Calling { request, cancel, .. } => {
                out.push(Effect::Disarm(Timer::A));
                out.push(Effect::Disarm(Timer::B));
                out.push(Effect::Arm(Timer::C, TIMER_C));
                let (request, cancel) = (request.clone(), *cancel);
                if let Some(reason) = cancel {
                    send_cancel(&request, reason, out);
                }
                let cancelled = cancel.is_some();
                self.state = State::Proceeding { request, cancelled, heard: false };
            }
            State::Proceeding { heard, .. } => *heard |= response.status() != Some(100),
            State::Completed { .. } | State::Accepted { .. } => return,
        }
        out.push(Effect::Report(ToBrain::Response { tx: self.tx, message: response, flow }));
    }

    fn handle_accepted(&mut self, response: Message, flow: Flow, out: &mut Effects) {
        let tag = response.to().and_then(|to| to.tag()).unwrap_or("").to_owned();
        match &mut self.state {
            State::Calling { .. } | State::Proceeding { .. } => {
                disarm_all(out);
                out.push(Effect::Arm(Timer::M, T1_64));
                self.state = State::Accepted { forks: vec![Fork { tag, ack: None }] };
            }
            State::Accepted { forks } => {
                if let Some(fork) = forks.iter().find(|fork| fork.tag == tag) {
                    out.extend(fork.ack.clone().map(|(ack, flow)| Effect::SendTo(ack, flow)));
                    return;
                }
                if forks.len() == MAX_FORKS {
                    return;
                }
                forks.push(Fork { tag, ack: None });
            }
            State::Completed { .. } => return,
        }
        out.push(Effect::Report(ToBrain::Response { tx: self.tx, message: response, flow }));
    }

    fn handle_failed(&mut self, response: Message, flow: Flow, out: &mut Effects) {
        match &self.state {
            State::Calling { request, .. } | State::Proceeding { request, .. } => {
                let ack = ack_for_failure(request, &response);
                disarm_all(out);
                out.push(Effect::Send(ack.clone()));
                out.push(Effect::Report(ToBrain::Response {
                    tx: self.tx,
                    message: response,
                    flow,
                }));
                out.push(match self.reliable {
                    true => Effect::End,
                    false => Effect::Arm(Timer::D, T1_64),
                });
                self.state = State::Completed { ack };
            }
            State::Completed { ack } => out.push(Effect::Send(ack.clone())),
            State::Accepted { .. } => {}
        }
    }

    /// The transaction user cancels.
    pub(super) fn cancel(&mut self, reason: &'static str, out: &mut Effects) {
        match &mut self.state {
            State::Calling { cancel, .. } => *cancel = Some(reason),
            State::Proceeding { request, cancelled, heard: _ } => {
                if !std::mem::replace(cancelled, true) {
                    send_cancel(request, reason, out);
                }
            }
            State::Completed { .. } | State::Accepted { .. } => {}
        }
    }

    /// The transaction user acknowledges a 2xx; `ack` has its Via. False if there is no such 2xx to
    /// repeat it for.
    pub(super) fn acknowledge(&mut self, ack: Message, flow: Flow, out: &mut Effects) -> bool {
        let State::Accepted { forks } = &mut self.state else {
            return false;
        };
        let tag = ack.to().and_then(|to| to.tag()).unwrap_or("");
        let Some(fork) = forks.iter_mut().find(|fork| fork.tag == tag) else {
            return false;
        };
        fork.ack = Some((ack.clone(), flow));
        out.push(Effect::SendTo(ack, flow));
        true
    }

    /// Whether its final response was a failure.
    pub(super) const fn has_failed(&self) -> bool {
        matches!(self.state, State::Completed { .. })
    }

    /// Whether nothing has come yet.
    pub(super) const fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// Why it is to be cancelled as soon as something comes, if it is.
    pub(super) const fn cancelled(&self) -> Option<&'static str> {
        match &self.state {
            State::Calling { cancel, .. } => *cancel,
            State::Proceeding { .. } | State::Completed { .. } | State::Accepted { .. } => None,
        }
    }

    /// The way is gone.
    pub(super) fn handle_transport_failure(&mut self, out: &mut Effects) {
        match &self.state {
            State::Calling { .. } | State::Proceeding { .. } => {
                out.push(Effect::Report(ToBrain::TransportFailed { tx: self.tx }));
                out.push(Effect::End);
            }
            // The final response is here already: what comes again finds its ACK.
            State::Completed { .. } | State::Accepted { .. } => {}
        }
    }

    pub(super) fn handle_timer(&mut self, timer: Timer, out: &mut Effects) {
        match (timer, &mut self.state) {
            (Timer::A, State::Calling { request, interval, .. }) => {
                *interval *= 2;
                out.push(Effect::Send(request.clone()));
                out.push(Effect::Arm(Timer::A, *interval));
            }
            (Timer::B, State::Calling { .. }) | (Timer::Cancelled, State::Proceeding { .. }) => {
                out.push(Effect::Report(ToBrain::Timeout { tx: self.tx }));
                out.push(Effect::End);
            }
            (Timer::C, State::Proceeding { cancelled: false, heard: heard @ true, .. }) => {
                *heard = false;
                out.push(Effect::Arm(Timer::C, TIMER_C));
            }
            (Timer::C, State::Proceeding { request, cancelled: cancelled @ false, .. }) => {
                *cancelled = true;
                send_cancel(request, "", out);
            }
            (Timer::D, State::Completed { .. }) | (Timer::M, State::Accepted { .. }) => {
                out.push(Effect::End);
            }
            (_, _) => {}
        }
    }
}

fn disarm_all(out: &mut Effects) {
    out.extend([Timer::A, Timer::B, Timer::C, Timer::Cancelled].map(Effect::Disarm));
}

fn send_cancel(request: &Message, reason: &str, out: &mut Effects) {
    let mut cancel = derived(request, Method::Cancel, request.first(Name::To));
    if !reason.is_empty() {
        cancel = cancel.header(Name::Reason.as_str(), reason);
    }
    out.push(Effect::Cancel(cancel.build()));
    out.push(Effect::Arm(Timer::Cancelled, T1_64));
}

/// RFC 3261 §17.1.1.3: the To is that of the response.
fn ack_for_failure(request: &Message, response: &Message) -> Message {
    derived(request, Method::Ack, response.first(Name::To)).build()
}

/// A request that goes the way of an INVITE: the same Request-URI, topmost Via, From, Call-ID,
/// number and Route.
fn derived(request: &Message, method: Method, to: Option<&str>) -> RequestBuilder {
    let number = request.cseq().map_or(0, |cseq| cseq.number);
    let value = |name| request.first(name).unwrap_or("");
    let via = request.all(Name::Via).next().unwrap_or("");
    let begun = RequestBuilder::new(method, request.uri())
        .header("Via", via)
        .header("From", value(Name::From))
        .header("To", to.unwrap_or(""))
        .header("Call-ID", request.call_id())
        .cseq(number);
    request.all(Name::Route).fold(begun, |begun, route| begun.header("Route", route))
}
