//! How a leg is established: our answer to an INVITE, and the responses to ours
//! (RFC 3261 §13, RFC 3264).

use std::net::SocketAddr;

use model::{HangupCause, LegId, LegRole};
use sdp::{Direction, Session};
use sip::{Dialog, Flow, Message, Method, RequestBuilder, ServerTx};

use crate::leg::{ALLOW, Description, Invitation, Leg, Output, Seen, Stage};
use crate::{Tokens, cause};

const SDP: &str = "application/sdp";

impl Leg {
    /// The leg of an INVITE that came.
    pub fn incoming(
        id: LegId,
        role: LegRole,
        tokens: &Tokens,
        (tx, invite, flow): (ServerTx, Message, Flow),
        description: Description,
    ) -> Self {
        Self::new(id, role, tokens, flow, Stage::Incoming { tx, invite }, description)
    }

    /// Answers the INVITE that came with 200, receiving media at `local_media`. An INVITE without
    /// an offer gets ours (RFC 3261 §13.2.1).
    ///
    /// Where there is no common ground the INVITE is answered 488, a body that is no SDP 400 or
    /// 415, and the leg ends.
    pub fn accept(&mut self, local_media: SocketAddr) {
        let Stage::Incoming { tx, invite } = &self.stage else { return };
        let (tx, invite) = (*tx, invite.clone());
        self.local_media = Some(local_media);
        let capabilities = self.capabilities(local_media);
        let (description, offered) = if invite.body().is_empty() {
            let offer = sdp::offer(&capabilities, self.sdp_version, Direction::SendRecv);
            (offer.clone(), Some(offer))
        } else {
            match read_description(&invite).and_then(|offer| {
                sdp::answer(&offer, &capabilities, self.sdp_version, Direction::SendRecv)
                    .map_err(|_| 488)
            }) {
                Ok((answer, negotiated)) => {
                    self.negotiated = Some(negotiated);
                    (answer, None)
                }
                Err(status) => return self.hang_up(HangupCause::Response(status), status),
            }
        };
        let response = self
            .response(&invite, 200)
            .contact(&self.contact())
            .header("Allow", ALLOW)
            .header("Supported", "")
            .body(SDP, description.to_string().as_bytes())
            .build();
        let Some(dialog) = Dialog::uas(&invite, &response, &self.flow) else {
            return self.hang_up(HangupCause::Response(400), 400);
        };
        self.outputs.push_back(Output::Respond { tx, message: response });
        self.establish(dialog, offered);
    }

    /// The ACK of our 2xx came: the answer to our offer may be in it.
    pub fn handle_ack(&mut self, ack: &Message) {
        let Stage::Established { offered, .. } = &mut self.stage else { return };
        let Some(offer) = offered.take() else { return };
        let agreed =
            read_description(ack).and_then(|answer| sdp::accept(&offer, &answer).map_err(|_| 488));
        match agreed {
            Ok(negotiated) => {
                self.negotiated = Some(negotiated);
                self.outputs.push_back(Output::MediaChanged);
            }
            Err(_) => self.hang_up(HangupCause::Response(488), 488),
        }
    }

    /// A leg that calls someone, receiving media at `local_media`.
    pub fn outgoing(
        id: LegId,
        role: LegRole,
        tokens: &Tokens,
        invitation: &Invitation,
        local_media: SocketAddr,
        description: Description,
    ) -> Self {
        let placeholder = Stage::Terminated;
        let mut leg = Self::new(id, role, tokens, invitation.flow, placeholder, description);
        leg.local_media = Some(local_media);
        let capabilities = leg.capabilities(local_media);
        let offer = sdp::offer(&capabilities, leg.sdp_version, Direction::SendRecv);
        let mut request = RequestBuilder::new(Method::Invite, &invitation.target);
        for route in &invitation.route {
            request = request.header("Route", format_args!("<{route}>"));
        }
        request = request
            .from(&invitation.from, &leg.tag)
            .to(&format!("<{}>", invitation.to), None)
            .call_id(&tokens.call_id(id))
            .cseq(1)
            .contact(&leg.contact())
            .header("Allow", ALLOW);
        for (name, value) in &invitation.headers {
            request = request.header(name, value);
        }
        let message = request.body(SDP, offer.to_string().as_bytes()).build();
        leg.stage =
            Stage::Outgoing { invite: message.clone(), seen: Seen::Nothing, cancelled: None };
        leg.outputs.push_back(Output::Invite { message, flow: leg.flow });
        leg
    }

    /// A response to our INVITE.
    pub fn handle_response(&mut self, response: &Message, flow: Flow) {
        let Some(status) = response.status() else { return };
        match &mut self.stage {
            Stage::Outgoing { seen, cancelled, .. } => match status {
                100..=199 => {
                    let given_up = cancelled.is_some();
                    let before = *seen;
                    match status {
                        180 => *seen = Seen::Ringing,
                        183 => *seen = Seen::Early,
                        _ => {}
                    }
                    let rings = status == 180 && before != Seen::Ringing;
                    self.outputs.push_back(Output::Progressed);
                    if rings && !given_up {
                        self.outputs.push_back(Output::Ringing);
                    }
                }
                200..=299 => self.handle_success(response, flow),
                _ => {
                    let cause = cancelled.unwrap_or(HangupCause::Response(status));
                    self.end(cause);
                }
            },
            Stage::Established { dialog, .. } if (200..300).contains(&status) => {
                let ours =
                    dialog.remote_tag() == response.to().and_then(|to| to.tag()).unwrap_or("");
                if !ours {
                    self.refuse_fork(response, flow);
                }
            }
            Stage::Terminated if (200..300).contains(&status) => self.refuse_fork(response, flow),
            Stage::Incoming { .. } | Stage::Established { .. } | Stage::Terminated => {}
        }
    }

    /// Nobody answered our INVITE (RFC 3261 §17.1.1.2, timer B).
    pub fn handle_no_response(&mut self, cause: HangupCause) {
        if let Stage::Outgoing { cancelled, .. } = &self.stage {
            self.end(cancelled.unwrap_or(cause));
        }
    }

    /// The caller cancelled their INVITE: 487 (RFC 3261 §9.2).
    pub fn handle_cancelled(&mut self) {
        if matches!(self.stage, Stage::Incoming { .. }) {
            self.hang_up(HangupCause::RemoteCancel, 487);
        }
    }

    /// Our 2xx was never acknowledged: the dialog is there and gets a BYE (RFC 3261 §13.3.1.4).
    pub fn handle_ack_timeout(&mut self) {
        if matches!(self.stage, Stage::Established { .. }) {
            self.hang_up(HangupCause::AckTimeout, 408);
        }
    }

    fn handle_success(&mut self, response: &Message, flow: Flow) {
        let Stage::Outgoing { invite, cancelled, .. } = &self.stage else { return };
        let (invite, cancelled) = (invite.clone(), *cancelled);
        self.flow = flow;
        let Some(mut dialog) = Dialog::uac(&invite, response, &flow) else {
            return self.end(HangupCause::Response(500));
        };
        self.outputs.push_back(Output::Ack { message: dialog.ack(&invite).build(), flow });
        if let Some(cause) = cancelled {
            self.send_bye(&mut dialog, cause);
            return self.end(cause);
        }
        let agreed = Session::parse(invite.body()).map_err(|_| 500).and_then(|offer| {
            let answer = read_description(response)?;
            sdp::accept(&offer, &answer).map_err(|_| 488)
        });
        match agreed {
            Ok(negotiated) => {
                self.negotiated = Some(negotiated);
                self.establish(dialog, None);
            }
            Err(status) => {
                let cause = HangupCause::Response(status);
                self.send_bye(&mut dialog, cause);
                self.end(cause);
            }
        }
    }

    /// A second phone answered the same INVITE: it is acknowledged and told goodbye
    /// (RFC 3261 §13.2.2.4).
    fn refuse_fork(&mut self, response: &Message, flow: Flow) {
        let invite = RequestBuilder::new(Method::Invite, "sip:fork@invalid")
            .from(response.from().map_or("", |from| from.without_params()), &self.tag)
            .to(response.to().map_or("", |to| to.without_params()), None)
            .call_id(response.call_id())
            .cseq(response.cseq().map_or(1, |cseq| cseq.number))
            .build();
        if let Some(mut dialog) = Dialog::uac(&invite, response, &flow) {
            self.outputs.push_back(Output::Ack { message: dialog.ack(&invite).build(), flow });
            let bye = dialog.bye().header("Reason", cause::reason(HangupCause::LocalBye)).build();
            self.outputs.push_back(Output::Send { message: bye, flow });
        }
    }

    fn establish(&mut self, dialog: Dialog, offered: Option<Session>) {
        let snapshot = dialog.snapshot(self.sdp_version);
        self.stage = Stage::Established { dialog, offered };
        self.outputs.push_back(Output::Established(Box::new(snapshot)));
    }
}

/// The SDP in a message's body; else the status that says what is wrong with it.
pub(crate) fn read_description(message: &Message) -> Result<Session, u16> {
    let kind = message.content_type().unwrap_or(SDP);
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(SDP) {
        return Err(415);
    }
    Session::parse(message.body()).map_err(|_| 400)
}
