//! One party's dialog and stream: its states, and how it begins and ends.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use model::{DialogSnapshot, HangupCause, LegId, LegRole};
use sdp::{Capabilities, Codec, Negotiated, Session};
use sip::{Dialog, Flow, Message, ResponseBuilder, ServerTx};

use crate::Tokens;

/// The methods that a leg takes, for Allow (RFC 3261 §20.5).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE";

/// Where a leg is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegState {
    /// An INVITE came and has no final response.
    Incoming,
    /// Our INVITE left and has no response but 100.
    Outgoing,
    /// It was answered 180.
    Ringing,
    /// It was answered 183.
    Early,
    /// It was answered 2xx.
    Established,
    /// It is over.
    Terminated,
}

/// What is to be done, or has happened.
#[derive(Debug, Clone)]
pub enum Output {
    /// Answer this request.
    Respond {
        /// The request.
        tx: ServerTx,
        /// The response.
        message: Message,
    },
    /// Send our INVITE; its responses come back by [`Leg::handle_response`].
    Invite {
        /// The request.
        message: Message,
        /// Where to.
        flow: Flow,
    },
    /// Cancel our INVITE.
    Cancel,
    /// Acknowledge the 2xx to our INVITE.
    Ack {
        /// The ACK.
        message: Message,
        /// Where to.
        flow: Flow,
    },
    /// Send a request whose response changes nothing (BYE).
    Send {
        /// The request.
        message: Message,
        /// Where to.
        flow: Flow,
    },
    /// The called phone shows a sign of life (any provisional response).
    Progressed,
    /// The called phone rings.
    Ringing,
    /// Answered. The dialog can be ended by a BYE from now on.
    Established(Box<DialogSnapshot>),
    /// Where or how media goes has changed: read [`Leg::media`] again.
    MediaChanged,
    /// A digit came by INFO.
    Digit(char),
    /// It is over; nothing more will come.
    Ended(HangupCause),
}

/// What we say of ourselves in SDP and Contact.
#[derive(Debug, Clone)]
pub struct Description {
    /// Our address in Contact where it is not the flow's own.
    pub advertised: Option<IpAddr>,
    /// The user part of our Contact.
    pub user: String,
    /// The codecs in our order of preference.
    pub codecs: Vec<Codec>,
}

/// Whom an outgoing leg calls.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The Request-URI: the registered Contact.
    pub target: String,
    /// Route URIs before it: the registered Path (RFC 3327).
    pub route: Vec<String>,
    /// Where to.
    pub flow: Flow,
    /// From: display name and URI, without tag.
    pub from: String,
    /// To: the address of record.
    pub to: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

/// What only the state knows.
#[derive(Debug)]
pub(crate) enum Stage {
    Incoming {
        tx: ServerTx,
        invite: Message,
    },
    /// `cancelled`: we gave up, and wait for the final response.
    Outgoing {
        invite: Message,
        seen: Seen,
        cancelled: Option<HangupCause>,
    },
    /// `offered`: our offer that waits for its answer in the ACK (RFC 3261 §13.2.1).
    Established {
        dialog: Dialog,
        offered: Option<Session>,
    },
    Terminated,
}

/// The best provisional response so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Nothing,
    Ringing,
    Early,
}

/// One party's dialog and stream.
#[derive(Debug)]
pub struct Leg {
    pub(crate) id: LegId,
    role: LegRole,
    pub(crate) tag: String,
    pub(crate) flow: Flow,
    pub(crate) stage: Stage,
    pub(crate) description: Description,
    /// Our RTP address, once a port is taken.
    pub(crate) local_media: Option<SocketAddr>,
    pub(crate) negotiated: Option<Negotiated>,
    /// Counts our descriptions (RFC 3264 §5: the version of the origin line).
    pub(crate) sdp_version: u64,
    pub(crate) outputs: VecDeque<Output>,
}

impl Leg {
    pub(crate) fn new(
        id: LegId,
        role: LegRole,
        tokens: &Tokens,
        flow: Flow,
        stage: Stage,
        description: Description,
    ) -> Self {
        Self {
            id,
            role,
            tag: tokens.token(id, "tag"),
            flow,
            stage,
            description,
            local_media: None,
            negotiated: None,
            sdp_version: 1,
            outputs: VecDeque::new(),
        }
    }

    /// Which.
    pub const fn id(&self) -> LegId {
        self.id
    }

    /// Whose.
    pub const fn role(&self) -> &LegRole {
        &self.role
    }

    /// Our tag: what requests in this leg's dialog are known by.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Where the leg is in its life.
    pub const fn state(&self) -> LegState {
        match &self.stage {
            Stage::Incoming { .. } => LegState::Incoming,
            Stage::Outgoing { seen: Seen::Nothing, .. } => LegState::Outgoing,
            Stage::Outgoing { seen: Seen::Ringing, .. } => LegState::Ringing,
            Stage::Outgoing { seen: Seen::Early, .. } => LegState::Early,
            Stage::Established { .. } => LegState::Established,
            Stage::Terminated => LegState::Terminated,
        }
    }

    /// How the party is reached.
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// What was agreed on for media, once it was.
    pub const fn media(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Ends the leg, whatever state it is in: an INVITE of theirs is refused with `status`, one of
    /// ours is cancelled, an established dialog gets a BYE.
    ///
    /// [`Output::Ended`] follows at once, but for a cancelled INVITE: its final response may still
    /// be a 2xx, which is then acknowledged and ended (RFC 3261 §9.1, §15).
    pub fn hang_up(&mut self, cause: HangupCause, status: u16) {
        match std::mem::replace(&mut self.stage, Stage::Terminated) {
            Stage::Incoming { tx, invite } => {
                let response = self.response(&invite, status).build();
                self.outputs.push_back(Output::Respond { tx, message: response });
                self.outputs.push_back(Output::Ended(cause));
            }
            Stage::Outgoing { invite, seen, cancelled: None } => {
                self.stage = Stage::Outgoing { invite, seen, cancelled: Some(cause) };
                self.outputs.push_back(Output::Cancel);
            }
            Stage::Outgoing { invite, seen, cancelled: Some(earlier) } => {
                self.stage = Stage::Outgoing { invite, seen, cancelled: Some(earlier) };
            }
            Stage::Established { mut dialog, .. } => {
                self.send_bye(&mut dialog, cause);
                self.outputs.push_back(Output::Ended(cause));
            }
            Stage::Terminated => {}
        }
    }

    /// A response to `request` with our tag, Contact and Allow.
    pub(crate) fn response(&self, request: &Message, status: u16) -> ResponseBuilder {
        ResponseBuilder::to(request, status).to_tag(&self.tag)
    }

    pub(crate) fn send_bye(&mut self, dialog: &mut Dialog, cause: HangupCause) {
        let message = dialog.bye().header("Reason", crate::reason(cause)).build();
        self.outputs.push_back(Output::Send { message, flow: self.flow });
    }

    pub(crate) fn end(&mut self, cause: HangupCause) {
        self.stage = Stage::Terminated;
        self.outputs.push_back(Output::Ended(cause));
    }

    /// Our Contact on this leg's flow.
    pub(crate) fn contact(&self) -> String {
        contact(&self.description, &self.flow)
    }

    pub(crate) fn capabilities(&self, local: SocketAddr) -> Capabilities {
        Capabilities {
            address: local,
            codecs: self.description.codecs.clone(),
            digits: true,
            session_id: self.id.0.0,
        }
    }
}

/// Our Contact on `flow` (RFC 3261 §8.1.1.8).
fn contact(description: &Description, flow: &Flow) -> String {
    let mut address = flow.local;
    if let Some(advertised) = description.advertised {
        address.set_ip(advertised);
    }
    let transport = match flow.transport {
        model::Transport::Udp => "",
        model::Transport::Tcp => ";transport=tcp",
    };
    format!("<sip:{}@{address}{transport}>", description.user)
}
