//! What the other side asks for inside the dialog: re-INVITE, UPDATE, INFO, OPTIONS, BYE.

use model::HangupCause;
use sdp::Direction;
use sip::{Flow, Message, Method, ServerTx};

use crate::invite::read_description;
use crate::leg::{ALLOW, Leg, Output, Stage};

impl Leg {
    /// A request with our tag in To.
    pub fn handle_request(&mut self, tx: ServerTx, request: &Message, flow: Flow) {
        let Stage::Established { dialog, .. } = &mut self.stage else {
            return self.handle_early_request(tx, request);
        };
        // RFC 3261 §12.2.2: a number that is not higher is out of order.
        if dialog.accept_request(request).is_err() {
            return self.answer(tx, request, 500);
        }
        self.flow = flow;
        match request.method() {
            Method::Bye => {
                self.answer(tx, request, 200);
                self.end(HangupCause::RemoteBye);
            }
            Method::Invite | Method::Update => self.renegotiate(tx, request),
            Method::Info => self.handle_info(tx, request),
            Method::Options => self.answer(tx, request, 200),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Refer
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other => self.answer(tx, request, 405),
        }
    }

    /// Before the answer only a BYE means something: it gives the call up (RFC 3261 §15).
    fn handle_early_request(&mut self, tx: ServerTx, request: &Message) {
        let Stage::Incoming { .. } = &self.stage else {
            return self.answer(tx, request, 481);
        };
        if request.method() == Method::Bye {
            self.answer(tx, request, 200);
            self.hang_up(HangupCause::RemoteBye, 487);
        } else {
            self.answer(tx, request, 481);
        }
    }

    /// RFC 3261 §14: a new offer, or the wish for ours.
    fn renegotiate(&mut self, tx: ServerTx, request: &Message) {
        let Some(local_media) = self.local_media else { return self.answer(tx, request, 500) };
        if request.body().is_empty() && request.method() == Method::Update {
            let response = self.response(request, 200).contact(&self.contact()).build();
            return self.outputs.push_back(Output::Respond { tx, message: response });
        }
        let capabilities = self.capabilities(local_media);
        let version = self.sdp_version + 1;
        let (description, offer) = if request.body().is_empty() {
            let offer = sdp::offer(&capabilities, version, Direction::SendRecv);
            (offer.clone(), Some(offer))
        } else {
            let answered = read_description(request).and_then(|offer| {
                sdp::answer(&offer, &capabilities, version, Direction::SendRecv).map_err(|_| 488)
            });
            match answered {
                Ok((answer, negotiated)) => {
                    self.negotiated = Some(negotiated);
                    (answer, None)
                }
                // RFC 3261 §14.2: what was agreed on before stays.
                Err(status) => return self.answer(tx, request, status),
            }
        };
        self.sdp_version = version;
        let changed = offer.is_none();
        if let Stage::Established { offered, .. } = &mut self.stage {
            *offered = offer;
        }
        let response = self
            .response(request, 200)
            .contact(&self.contact())
            .header("Allow", ALLOW)
            .body("application/sdp", description.to_string().as_bytes())
            .build();
        self.outputs.push_back(Output::Respond { tx, message: response });
        if changed {
            self.outputs.push_back(Output::MediaChanged);
        }
    }

    /// Digits by INFO, as many older phones send them: `Signal=5` in `application/dtmf-relay`, or
    /// the bare digit in `application/dtmf`.
    fn handle_info(&mut self, tx: ServerTx, request: &Message) {
        self.answer(tx, request, 200);
        let kind = request.content_type().unwrap_or_default().to_ascii_lowercase();
        let body = str::from_utf8(request.body()).unwrap_or_default();
        let text = if kind.starts_with("application/dtmf-relay") {
            body.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case("signal").then_some(value)
            })
        } else if kind.starts_with("application/dtmf") {
            Some(body)
        } else {
            None
        };
        let digit = match text.map(str::trim) {
            Some("10") => Some('*'),
            Some("11") => Some('#'),
            Some(text) if text.len() == 1 => text.chars().next(),
            Some(_) | None => None,
        };
        if let Some(digit @ ('0'..='9' | '*' | '#' | 'A'..='D')) = digit {
            self.outputs.push_back(Output::Digit(digit));
        }
    }

    fn answer(&mut self, tx: ServerTx, request: &Message, status: u16) {
        let mut response = self.response(request, status);
        if matches!(status, 405) || request.method() == Method::Options {
            response = response.header("Allow", ALLOW);
        }
        self.outputs.push_back(Output::Respond { tx, message: response.build() });
    }
}
