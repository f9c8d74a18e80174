//! Server transaction of any request but INVITE (RFC 3261 §17.2.2).
//!
//! ```text
//! Trying ──1xx──▶ Proceeding ──200..699──▶ Completed ──J──▶ end
//!    └───────────200..699───────────────────▲
//! ```

use super::effect::{Effect, Effects};
use super::timer::{T1_64, Timer};
use crate::Message;

/// Where it stands.
#[derive(Debug)]
enum State {
    /// No response yet.
    Trying,
    /// The last provisional response.
    Proceeding { response: Message },
    /// The final response.
    Completed { response: Message },
}

/// One request that came.
#[derive(Debug)]
pub(super) struct OtherServer {
    reliable: bool,
    state: State,
}

impl OtherServer {
    pub(super) fn new(reliable: bool, out: &mut Effects) -> Self {
        // The client gives up then (timer F), and an answer would only confuse it (RFC 4320 §4.1).
        out.push(Effect::Arm(Timer::Abandoned, T1_64));
        Self { reliable, state: State::Trying }
    }

    /// The request came again: the last response goes again.
    pub(super) fn handle_repeat(&mut self, out: &mut Effects) {
        match &self.state {
            State::Trying => {}
            State::Proceeding { response } | State::Completed { response } => {
                out.push(Effect::Send(response.clone()));
            }
        }
    }

    /// The transaction user answers.
    pub(super) fn respond(&mut self, response: Message, out: &mut Effects) {
        match &self.state {
            State::Trying | State::Proceeding { .. } => {}
            State::Completed { .. } => return,
        }
        out.push(Effect::Send(response.clone()));
        if let Some(100..=199) = response.status() {
            self.state = State::Proceeding { response };
            return;
        }
        out.push(Effect::Disarm(Timer::Abandoned));
        out.push(match self.reliable {
            true => Effect::End,
            false => Effect::Arm(Timer::J, T1_64),
        });
        self.state = State::Completed { response };
    }

    pub(super) fn handle_timer(&mut self, timer: Timer, out: &mut Effects) {
        match (timer, &self.state) {
            (Timer::J, State::Completed { .. })
            | (Timer::Abandoned, State::Trying | State::Proceeding { .. }) => {
                out.push(Effect::End);
            }
            (_, _) => {}
        }
    }
}
