//! Client transaction of any request but INVITE (RFC 3261 §17.1.2).
//!
//! ```text
//! Trying ──1xx──▶ Proceeding ──200..699──▶ Completed ──K──▶ end
//!    └──F──▶ end       └──F──▶ end
//! ```

use std::time::Duration;

use super::effect::{Effect, Effects};
use super::timer::{T1, T1_64, T2, T4, Timer};
use crate::{ClientTx, Flow, Message, Method, ToBrain};

/// Where it stands.
#[derive(Debug)]
enum State {
    /// Nothing came yet.
    Trying { request: Message, interval: Duration },
    /// A provisional response came.
    Proceeding { request: Message },
    /// The final response came.
    Completed,
}

/// One request of ours.
#[derive(Debug)]
pub(super) struct OtherClient {
    /// `None` for a CANCEL, whose outcome the INVITE tells.
    tx: Option<ClientTx>,
    method: Method,
    reliable: bool,
    state: State,
}

impl OtherClient {
    pub(super) fn new(
        tx: Option<ClientTx>,
        request: Message,
        reliable: bool,
        out: &mut Effects,
    ) -> Self {
        out.push(Effect::Send(request.clone()));
        if !reliable {
            out.push(Effect::Arm(Timer::E, T1));
        }
        out.push(Effect::Arm(Timer::F, T1_64));
        let method = request.method();
        Self { tx, method, reliable, state: State::Trying { request, interval: T1 } }
    }

    /// The method of the request, which its responses name too.
    pub(super) const fn method(&self) -> Method {
        self.method
    }

    pub(super) fn handle_response(&mut self, response: Message, flow: Flow, out: &mut Effects) {
        let is_provisional = matches!(response.status(), Some(100..=199));
        let request = match &self.state {
            State::Trying { request, .. } | State::Proceeding { request } => request,
            State::Completed => return,
        };
        let next = match is_provisional {
            true => State::Proceeding { request: request.clone() },
            false => State::Completed,
        };
        self.state = next;
        out.extend(
            self.tx.map(|tx| Effect::Report(ToBrain::Response { tx, message: response, flow })),
        );
        if !is_provisional {
            out.push(Effect::Disarm(Timer::E));
            out.push(Effect::Disarm(Timer::F));
            out.push(match self.reliable {
                true => Effect::End,
                false => Effect::Arm(Timer::K, T4),
            });
        }
    }

    /// Whether nothing has come yet.
    pub(super) const fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    /// The way is gone.
    pub(super) fn handle_transport_failure(&mut self, out: &mut Effects) {
        match &self.state {
            State::Trying { .. } | State::Proceeding { .. } => {
                out.extend(self.tx.map(|tx| Effect::Report(ToBrain::TransportFailed { tx })));
                out.push(Effect::End);
            }
            State::Completed => {}
        }
    }

    pub(super) fn handle_timer(&mut self, timer: Timer, out: &mut Effects) {
        match (timer, &mut self.state) {
            (Timer::E, State::Trying { request, interval }) => {
                *interval = (*interval * 2).min(T2);
                out.push(Effect::Send(request.clone()));
                out.push(Effect::Arm(Timer::E, *interval));
            }
            (Timer::E, State::Proceeding { request }) => {
                out.push(Effect::Send(request.clone()));
                out.push(Effect::Arm(Timer::E, T2));
            }
            (Timer::F, State::Trying { .. } | State::Proceeding { .. }) => {
                out.extend(self.tx.map(|tx| Effect::Report(ToBrain::Timeout { tx })));
                out.push(Effect::End);
            }
            (Timer::K, State::Completed) => out.push(Effect::End),
            (_, _) => {}
        }
    }
}
