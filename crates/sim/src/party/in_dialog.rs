//! What a party does inside its dialog: it holds, retrieves, moves, refreshes, and answers what
//! the engine asks for.

use model::Mono;
use sip::{CSeq, FromBrain, Message, Method, Name, ResponseBuilder, ServerTx};

use super::{Party, Task};
use crate::network::Datagram;
use crate::plan::CallerPlan;

/// What a party's description says of its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Media {
    /// A-law, both ways.
    Talks,
    /// Hold: it sends only.
    SendOnly,
    /// Hold: nobody sends.
    Inactive,
    /// Hold as it was before RFC 3264: the address 0.0.0.0.
    Nowhere,
    /// µ-law, at another port.
    MovedToMulaw,
    /// A codec that nobody here has.
    Unknown,
    /// No description: the other side shall make the offer.
    Late,
}

impl Media {
    fn direction(self) -> &'static str {
        match self {
            Self::SendOnly => "sendonly",
            Self::Inactive => "inactive",
            Self::Talks | Self::Nowhere | Self::MovedToMulaw | Self::Unknown | Self::Late => {
                "sendrecv"
            }
        }
    }
}

impl Party {
    /// Sends a re-INVITE or UPDATE at that time, if it is in a call.
    pub fn change(&mut self, at: Mono, method: Method, media: Media) {
        self.tasks.push((at, Task::Change(method, media)));
    }

    /// A phone calls by itself at that time, shown as its agent if the plan has no account.
    pub fn call(&mut self, at: Mono, plan: CallerPlan) {
        self.challenge = None;
        self.calls = Some(plan);
        self.calls_made += 1;
        self.tasks.push((at, Task::Invite));
    }

    /// The dialog that it is in, as a Replaces for the engine names it: Call-ID, the engine's tag,
    /// its own.
    pub fn dialog_named(&self) -> Option<String> {
        let dialog = self.dialog.as_ref()?;
        let (call_id, theirs) = (dialog.call_id(), dialog.remote_tag());
        Some(format!("{call_id};to-tag={theirs};from-tag={}", dialog.local_tag()))
    }

    /// The same of the dialog of its own INVITE that only rings.
    pub fn early_named(&self) -> Option<String> {
        let (invite, theirs) = (self.invite.as_ref()?, self.rung_by.as_ref()?);
        Some(format!("{};to-tag={theirs};from-tag={}", invite.call_id(), self.tag()))
    }

    /// The same of the dialog of an INVITE that rings here.
    pub fn ringing_named(&self) -> Option<String> {
        let (_, invite) = self.ringing.as_ref()?;
        let theirs = invite.from().and_then(|from| from.tag())?;
        Some(format!("{};to-tag={theirs};from-tag={}", invite.call_id(), self.tag()))
    }

    /// Gives up its own call at that time, if it has no answer.
    pub fn cancel(&mut self, at: Mono) {
        self.tasks.push((at, Task::Cancel));
    }

    /// Sends a REFER at that time, if it is in a call; `told` says whether it wants NOTIFYs.
    pub fn refer(&mut self, at: Mono, to: &'static str, told: bool) {
        self.tasks.push((at, Task::Refer(to, told)));
    }

    pub(super) fn send_refer(&mut self, to: &str, told: bool, now: Mono) {
        let contact = self.contact();
        let Some(dialog) = &mut self.dialog else { return };
        let request = dialog.request(Method::Refer).contact(&contact);
        let request = request.header("Refer-To", format_args!("<{to}>"));
        let request = if told { request } else { request.header("Refer-Sub", "false") };
        self.send(request.build(), now);
    }

    pub(super) fn answer_notify(&mut self, bytes: &[u8]) {
        let Ok(notify) = Message::parse(bytes) else { return };
        let state = notify.header("Subscription-State").unwrap_or_default().to_owned();
        let line = String::from_utf8_lossy(notify.body()).trim_end().to_owned();
        self.saw.notified.push((state, line));
        let answer = ResponseBuilder::to(&notify, 200).build();
        let (from, to) = (self.address, self.flow().remote);
        self.answers.push(Datagram { from, to, bytes: answer.as_bytes().to_vec() });
    }

    /// Answers the next re-INVITE or UPDATE of the engine with this status; `None`: not at all.
    pub fn answers_change(&mut self, status: Option<u16>) {
        self.change_answers.push_back(status);
    }

    /// Hears and says nothing more from that time on.
    pub fn vanish(&mut self, at: Mono) {
        self.vanishes_at = Some(at);
    }

    /// Hangs up at that time with this Reason.
    pub fn hang_up_because(&mut self, at: Mono, reason: &'static str) {
        self.tasks.push((at, Task::HangUpBecause(reason)));
    }

    pub(super) fn describe(&self, media: Media) -> String {
        let at = self.hears_at();
        let ip = match media {
            Media::Nowhere => "0.0.0.0".to_owned(),
            _ => at.ip().to_string(),
        };
        let (port, format) = match media {
            Media::MovedToMulaw => (at.port() + 2, 0),
            Media::Unknown => (at.port(), 18),
            _ => (at.port(), 8),
        };
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP {format} 101\r\na=rtpmap:101 telephone-event/8000\r\na={}\r\n",
            media.direction(),
        )
    }

    pub(super) fn send_change(&mut self, method: Method, media: Media, now: Mono) {
        let (contact, body) = (self.contact(), self.describe(media));
        let headers = self.headers();
        let Some(dialog) = &mut self.dialog else { return };
        let request = dialog.request(method).contact(&contact);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = match media {
            Media::Late => request,
            _ => request.body("application/sdp", body.as_bytes()),
        };
        let message = request.build();
        if method == Method::Invite {
            self.reinvite = Some(message.clone());
        }
        self.send(message, now);
    }

    /// A final response to a re-INVITE or UPDATE of ours.
    pub(super) fn handle_changed(
        &mut self,
        tx: sip::ClientTx,
        response: &Message,
        cseq: CSeq,
        now: Mono,
    ) {
        let status = response.status().unwrap_or(0);
        self.saw.changes.push((now, cseq.method, status));
        if status >= 300 {
            return;
        }
        self.saw.descriptions.extend(sdp::Session::parse(response.body()).ok());
        let invite = self.reinvite.take_if(|invite| invite.cseq() == Some(cseq));
        let (Some(invite), Some(dialog)) = (invite, &self.dialog) else { return };
        let mut ack = dialog.ack(&invite);
        if invite.body().is_empty() {
            ack = ack.body("application/sdp", self.describe(Media::Talks).as_bytes());
        }
        let (message, flow) = (ack.build(), self.flow());
        self.transactions.handle_command(FromBrain::Ack { tx, message, flow }, now);
    }

    /// The engine asks for a change, or says that the session lasts.
    pub(super) fn answer_change(&mut self, tx: ServerTx, request: &Message, now: Mono) {
        self.saw.asked.push((now, request.method()));
        match self.change_answers.pop_front() {
            Some(None) => {}
            Some(Some(status)) => {
                self.respond(tx, ResponseBuilder::to(request, status).build(), now);
            }
            None => {
                let response = ResponseBuilder::to(request, 200).contact(&self.contact());
                let response = match request.first(Name::SessionExpires) {
                    Some(value) => response.header("Session-Expires", value),
                    None => response,
                };
                let response = match request.body().is_empty() {
                    true => response,
                    false => {
                        response.body("application/sdp", self.describe(Media::Talks).as_bytes())
                    }
                };
                self.respond(tx, response.build(), now);
            }
        }
    }

    /// A reliable provisional response to our INVITE (RFC 3262), with the answer if it offers.
    pub(super) fn acknowledge_ringing(&mut self, response: &Message, now: Mono) {
        let Some(rseq) = response.first(Name::RSeq) else { return };
        let Some(invite) = self.invite.clone() else { return };
        self.saw.reliable += 1;
        let Some(mut dialog) = sip::Dialog::uac(&invite, response, &self.flow()) else { return };
        let number = invite.cseq().map_or(1, |cseq| cseq.number);
        let mut prack =
            dialog.request(Method::Prack).header("RAck", format!("{rseq} {number} INVITE"));
        if !response.body().is_empty() {
            prack = prack.body("application/sdp", self.describe(Media::Talks).as_bytes());
        }
        self.early = Some(dialog);
        self.send(prack.build(), now);
    }
}
