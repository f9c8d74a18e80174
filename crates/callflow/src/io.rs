//! What goes into the machine and what comes out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use access::Principal;
use cti::SessionId;
use ivr::PolicyAnswer;
use media::{MediaCommand, MediaEvent};
use model::{AgentDay, AgentId, AgentState, AgentStatus, CallId, CustomerCard, Fact, LegId, Pii};
use report::OpenCall;
use sip::locate::{Answer, Question};
use sip::{FromBrain, ToBrain};

use crate::phones::read_flow;
use crate::priority::Remembered;
use crate::reconfigure::Reconfigured;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// From the transaction layer.
    Sip(ToBrain),
    /// From a media worker or a recorder.
    Media(MediaEvent),
    /// The answer to [`Output::OpenMedia`]: our address, or none because no port is left.
    MediaOpened {
        /// For which leg.
        leg: LegId,
        /// Our RTP address.
        address: Option<SocketAddr>,
    },
    /// The answer to [`Output::FindCaller`].
    CallerFound {
        /// Which question.
        token: CallId,
        /// Who it is, if anyone.
        answer: Result<Option<Arc<CustomerCard>>, lookup::Failed>,
    },
    /// The answer to [`Output::FindPolicy`].
    PolicyFound {
        /// Whose question.
        call: CallId,
        /// What was found.
        answer: PolicyAnswer,
    },
    /// The answer to [`Output::Resolve`].
    Resolved {
        /// What was asked.
        question: Question,
        /// What the DNS said.
        answer: Answer,
    },
    /// From a desktop.
    Desktop(DesktopInput),
    /// Something that others saw and that belongs among the facts (sign-ins, refusals, alarms).
    Note(model::FactBody),
    /// Something is configured otherwise from now on.
    Configure(Box<Reconfigured>),
    /// Whether new calls are welcome: false while what happens cannot be written down in time.
    Admission(bool),
    /// End all calls in order, take no new ones.
    Stop,
}

/// What a desktop does.
#[derive(Debug, Clone)]
pub enum DesktopInput {
    /// A WebSocket opened.
    Connect {
        /// Its number.
        session: SessionId,
        /// Who.
        principal: Principal,
        /// Where their stream of events goes on; none for a new beginning.
        after: Option<u64>,
    },
    /// It closed.
    Disconnect {
        /// Its number.
        session: SessionId,
    },
    /// It asks for something.
    Command {
        /// On which.
        session: SessionId,
        /// The desktop's number for this command.
        id: String,
        /// What.
        command: cti::Command,
    },
    /// It does not read what it is sent.
    Overflow {
        /// Which.
        session: SessionId,
    },
}

/// Something is to be done. Nothing of it may wait.
#[derive(Debug, Clone)]
pub enum Output {
    /// Keep this. An acknowledging output that comes later must not leave before it is kept.
    Fact(Fact),
    /// To the transaction layer.
    Sip(FromBrain),
    /// Take a port for a leg and answer with [`Input::MediaOpened`] at once.
    OpenMedia {
        /// Its call: all of a call's legs belong to one worker.
        call: CallId,
        /// The leg.
        leg: LegId,
    },
    /// To the call's media worker.
    Media(MediaCommand),
    /// Who has this number? Answer with [`Input::CallerFound`].
    FindCaller {
        /// Which question.
        token: CallId,
        /// The number.
        phone: Pii<String>,
    },
    /// Which policy is it? Answer with [`Input::PolicyFound`].
    FindPolicy {
        /// Whose question.
        call: CallId,
        /// Which.
        query: ivr::Query,
    },
    /// Ask the DNS and answer with [`Input::Resolved`].
    Resolve(Question),
    /// To a desktop.
    Desktop(cti::Output),
    /// A desktop is not let in.
    DesktopRefused {
        /// Which.
        session: SessionId,
        /// Why.
        refused: cti::ConnectRefused,
    },
    /// All calls are over after [`Input::Stop`].
    Stopped,
}

impl Output {
    /// Whether this output acknowledges something to the outside: a final SIP response or an
    /// answer on the WebSocket. It may leave only when all facts before it are kept.
    ///
    /// 202 says of a REFER that it was understood, no more: what became of it the NOTIFYs say, and
    /// the first of them, which waits for nothing, must not come before it (RFC 3515 §2.4.4).
    pub fn acknowledges(&self) -> bool {
        match self {
            Self::Sip(FromBrain::Respond { message, .. }) => {
                message.status().is_some_and(|status| status >= 200 && status != 202)
            }
            Self::Desktop(output) => matches!(output, cti::Output::Reply { .. }),
            Self::Sip(
                FromBrain::Request { .. } | FromBrain::Cancel { .. } | FromBrain::Ack { .. },
            )
            | Self::Fact(_)
            | Self::OpenMedia { .. }
            | Self::Media(_)
            | Self::FindCaller { .. }
            | Self::FindPolicy { .. }
            | Self::Resolve(_)
            | Self::DesktopRefused { .. }
            | Self::Stopped => false,
        }
    }
}

impl Recovery {
    /// Where the registered phones were served: the sources of their registrations.
    pub fn sources(&self) -> impl Iterator<Item = IpAddr> {
        self.registrations.iter().filter_map(|fact| match fact {
            model::FactBody::Registered { flow, .. } => Some(read_flow(flow)?.remote.ip()),
            _ => None,
        })
    }
}

/// An agent as the last fact about them says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAgent {
    /// Who.
    pub agent: AgentId,
    /// Their choice (of one that was to come, that one).
    pub status: AgentStatus,
    /// What the engine was doing with them.
    pub state: AgentState,
    /// With which call.
    pub call: Option<CallId>,
    /// What their day had come to; `None` from an engine that did not say.
    pub day: Option<AgentDay>,
}

/// What was in progress when the engine last stopped, read from the facts.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Calls without an end.
    pub calls: Vec<OpenCall>,
    /// Registrations that have not expired.
    pub registrations: Vec<model::FactBody>,
    /// Agents who were at work.
    pub agents: Vec<KeptAgent>,
    /// What is still so as these facts said: callbacks that wait. Those that have ended may be
    /// among them.
    pub standing: Vec<Fact>,
    /// Calls that are over, of those who may call again, in the order of their ends.
    pub recent: Vec<Remembered>,
}

#[cfg(test)]
mod tests {
    use sip::{Message, ResponseBuilder, ServerTx};

    use super::*;

    #[test]
    fn final_responses_wait_for_what_they_acknowledge_but_202_goes_before_its_notify() {
        let refer = "REFER sip:95500@h SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK1\r\n\
                     From: <sip:8001@h>;tag=1\r\nTo: <sip:95500@h>;tag=2\r\nCall-ID: c\r\n\
                     CSeq: 2 REFER\r\nRefer-To: <sip:8002@h>\r\n\r\n";
        let refer = Message::parse(refer.as_bytes()).unwrap();
        let waits = |status| {
            let message = ResponseBuilder::to(&refer, status).build();
            Output::Sip(FromBrain::Respond { tx: ServerTx(1), message }).acknowledges()
        };
        assert_eq!(
            [100, 180, 200, 202, 403, 603].map(waits),
            [false, false, true, false, true, true]
        );
    }
}
