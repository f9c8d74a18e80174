//! INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).
//!
//! ```text
//! Proceeding ──300..699──▶ Completed ──ACK──▶ Confirmed ──I──▶ end
//!      │                       └──H──▶ end
//!      └────2xx────▶ Accepted ──L──▶ end   (the 2xx is repeated until its ACK: §13.3.1.4)
//! ```

use std::time::Duration;

use super::effect::{Effect, Effects};
use super::timer::{T1, T1_64, T2, T4, TRYING, Timer};
use crate::{Flow, Message, ResponseBuilder, ServerTx, ToBrain};

/// Where it stands.
#[derive(Debug)]
enum State {
    /// No final response yet.
    Proceeding { request: Message, provisional: Option<Message>, cancelled: bool },
    /// Failed, not acknowledged.
    Completed { response: Message, interval: Duration },
    /// Failed and acknowledged.
    Confirmed,
    /// Accepted; the response until it is acknowledged.
    Accepted { unacknowledged: Option<Message>, interval: Duration },
}

/// One INVITE that came.
#[derive(Debug)]
pub(super) struct InviteServer {
    tx: ServerTx,
    reliable: bool,
    state: State,
}

impl InviteServer {
    pub(super) fn new(tx: ServerTx, request: Message, reliable: bool, out: &mut Effects) -> Self {
        out.push(Effect::Arm(Timer::Trying, TRYING));
        let state = State::Proceeding { request, provisional: None, cancelled: false };
        Self { tx, reliable, state }
    }

    /// The INVITE came again: the last response goes again.
    pub(super) fn handle_repeat(&mut self, out: &mut Effects) {
        match &self.state {
            State::Proceeding { provisional: Some(response), .. }
            | State::Completed { response, .. }
            | State::Accepted { unacknowledged: Some(response), .. } => {
                out.push(Effect::Send(response.clone()));
            }
            // Before the first response timer Trying is enough.
            State::Proceeding { provisional: None, .. }
            | State::Confirmed
            | State::Accepted { unacknowledged: None, .. } => {}
        }
    }

    /// The transaction user answers.
    pub(super) fn respond(&mut self, response: Message, out: &mut Effects) {
        let State::Proceeding { provisional, .. } = &mut self.state else {
            return;
        };
        out.push(Effect::Disarm(Timer::Trying));
        out.push(Effect::Send(response.clone()));
        match response.status().unwrap_or(500) {
            100..=199 => *provisional = Some(response),
            200..=299 => {
                // Also where the transport is reliable: only the ACK proves that it got through
                // all hops.
                out.push(Effect::Arm(Timer::Repeat, T1));
                out.push(Effect::Arm(Timer::L, T1_64));
                self.state = State::Accepted { unacknowledged: Some(response), interval: T1 };
            }
            _ => {
                if !self.reliable {
                    out.push(Effect::Arm(Timer::G, T1));
                }
                out.push(Effect::Arm(Timer::H, T1_64));
                self.state = State::Completed { response, interval: T1 };
            }
        }
    }

    /// An ACK that belongs to this INVITE: by its branch for a failure, by its dialog for a 2xx.
    pub(super) fn handle_ack(&mut self, ack: Message, flow: Flow, out: &mut Effects) {
        match &mut self.state {
            State::Completed { .. } => {
                out.push(Effect::Disarm(Timer::G));
                out.push(Effect::Disarm(Timer::H));
                out.push(match self.reliable {
                    true => Effect::End,
                    false => Effect::Arm(Timer::I, T4),
                });
                self.state = State::Confirmed;
            }
            State::Accepted { unacknowledged, .. } => {
                if unacknowledged.take().is_some() {
                    out.push(Effect::Disarm(Timer::Repeat));
                    out.push(Effect::Report(ToBrain::Ack { message: ack, flow }));
                }
            }
            State::Proceeding { .. } | State::Confirmed => {}
        }
    }

    /// A CANCEL came; it is answered elsewhere.
    pub(super) fn handle_cancel(&mut self, cancel: &Message, out: &mut Effects) {
        match &mut self.state {
            State::Proceeding { cancelled, .. } => {
                if !std::mem::replace(cancelled, true) {
                    let (tx, cancel) = (self.tx, cancel.clone());
                    out.push(Effect::Report(ToBrain::Cancelled { tx, cancel }));
                }
            }
            State::Completed { .. } | State::Confirmed | State::Accepted { .. } => {}
        }
    }

    /// Our tag, as far as a response has said it.
    pub(super) fn local_tag(&self) -> Option<&str> {
        let response = match &self.state {
            State::Proceeding { provisional, .. } => provisional.as_ref()?,
            State::Completed { response, .. } => response,
            State::Accepted { unacknowledged, .. } => unacknowledged.as_ref()?,
            State::Confirmed => return None,
        };
        response.to()?.tag()
    }

    pub(super) fn handle_timer(&mut self, timer: Timer, out: &mut Effects) {
        match (timer, &mut self.state) {
            (Timer::Trying, State::Proceeding { request, provisional, .. }) => {
                let trying = ResponseBuilder::to(request, 100).build();
                out.push(Effect::Send(trying.clone()));
                *provisional = Some(trying);
            }
            (Timer::G, State::Completed { response, interval }) => {
                *interval = (*interval * 2).min(T2);
                out.push(Effect::Send(response.clone()));
                out.push(Effect::Arm(Timer::G, *interval));
            }
            (Timer::Repeat, State::Accepted { unacknowledged: Some(response), interval }) => {
                *interval = (*interval * 2).min(T2);
                out.push(Effect::Send(response.clone()));
                out.push(Effect::Arm(Timer::Repeat, *interval));
            }
            (Timer::L, State::Accepted { unacknowledged, .. }) => {
                if unacknowledged.take().is_some() {
                    out.push(Effect::Report(ToBrain::AckTimeout { tx: self.tx }));
                }
                out.push(Effect::End);
            }
            (Timer::H, State::Completed { .. }) | (Timer::I, State::Confirmed) => {
                out.push(Effect::End);
            }
            (_, _) => {}
        }
    }
}
