//! What we ask for inside the dialog: that the session lasts (RFC 4028 §7.4), and what becomes of
//! it when both sides ask at once (RFC 3261 §14.1).

use std::time::Duration;

use model::{HangupCause, Mono};
use sip::{CSeq, Flow, Message, Method};

use crate::challenge::Credentials;
use crate::incoming::SDP;
use crate::leg::{Established, Leg, Output, Stage};
use crate::session::{self, Interval};

/// When a refused refreshing is tried again, unless its answer says when.
const RETRY: Duration = Duration::from_secs(10);
/// The longest that a Retry-After is followed.
const RETRY_MAX_S: u32 = 32;
/// How long our request waits for an exchange of theirs that is not complete.
const BUSY: Duration = Duration::from_secs(2);

/// A request of ours that has no final response.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) cseq: CSeq,
    message: Message,
}

impl Leg {
    /// Says that the session lasts, or ends it because nobody has.
    pub(crate) fn keep_session(&mut self, now: Mono) {
        let Stage::Established(established) = &mut self.stage else { return };
        let Some(timer) = &mut established.timer else { return };
        if now >= timer.ends_at {
            return self.hang_up(HangupCause::SessionExpired, 408);
        }
        if timer.refresh_at.is_some_and(|at| at <= now) {
            let by_update = established.takes_update && !established.refuses_update;
            // An UPDATE without an offer never crosses one; an INVITE has to wait its turn.
            let is_busy = established.pending.is_some();
            if is_busy || (!by_update && self.negotiation.is_offering()) {
                timer.refresh_at = Some(now + BUSY);
                return;
            }
            timer.refresh_at = None;
            let interval = timer.interval;
            self.refresh(interval);
        }
    }

    /// By UPDATE where the other side takes it, which needs no offer, else by re-INVITE with what
    /// was said before.
    fn refresh(&mut self, interval: Interval) {
        let Some(local_media) = self.local_media else { return };
        let capabilities = self.capabilities(local_media);
        let Stage::Established(established) = &mut self.stage else { return };
        let by_update = established.takes_update && !established.refuses_update;
        let method = if by_update { Method::Update } else { Method::Invite };
        let request = established.dialog.request(method);
        let target = established.dialog.remote_target().to_owned();
        let min_se_s = established.min_se_s;
        let credentials = established.credentials.headers().to_vec();
        let mut request = self
            .introduce(request, &target)
            .header("Session-Expires", session::request_value(interval))
            .header("Min-SE", min_se_s);
        for (name, value) in credentials {
            request = request.header(name.as_str(), value);
        }
        if method == Method::Invite {
            let offer = self.negotiation.repeat(&capabilities);
            request = request.body(SDP, offer.as_bytes());
        }
        let message = request.build();
        let Some(cseq) = message.cseq() else { return };
        if let Stage::Established(established) = &mut self.stage {
            established.pending = Some(Pending { cseq, message: message.clone() });
        }
        self.outputs.push_back(Output::Request { message, flow: self.flow });
    }

    /// A response to our request in the dialog.
    pub(crate) fn handle_pending_response(
        &mut self,
        response: &Message,
        status: u16,
        flow: Flow,
        now: Mono,
    ) {
        let Stage::Established(established) = &mut self.stage else { return };
        if status < 200 {
            return;
        }
        let Some(pending) = established.pending.take() else { return };
        if status >= 300 {
            if pending.cseq.method == Method::Invite {
                self.negotiation.withdraw();
            }
            return self.handle_refusal(response, status, pending.cseq.method, now);
        }
        established.credentials = Credentials::default();
        established.dialog.accept_response(response);
        established.dialog.came_by(flow);
        let interval = session::agreed(response, self.description.session);
        established.restart(interval, now);
        self.follow();
        let Stage::Established(established) = &mut self.stage else { return };
        if pending.cseq.method == Method::Invite {
            let message = established.dialog.ack(&pending.message).build();
            self.outputs.push_back(Output::Ack { message, flow: self.flow });
            self.read_answer(response);
        }
    }

    /// What does not answer our offer leaves the session as it was.
    fn read_answer(&mut self, response: &Message) {
        let answer = crate::negotiation::description_in(response).ok().flatten();
        let changed = answer.map(|answer| self.negotiation.accept(&answer));
        self.negotiation.withdraw();
        if changed == Some(Ok(true)) {
            self.outputs.push_back(Output::MediaChanged);
        }
    }

    /// The carrier asks who refreshes: the same once more with what answers it, as for the call's
    /// first INVITE. Whether it leaves.
    fn answer_refresh_challenge(&mut self, response: &Message, method: Method) -> bool {
        let cnonce = format!("{:016x}", self.chance.below(u64::MAX));
        let Stage::Established(established) = &mut self.stage else { return false };
        let Some(interval) = established.timer.as_ref().map(|timer| timer.interval) else {
            return false;
        };
        let Established { dialog, account, credentials, .. } = &mut **established;
        let request = (method, dialog.remote_target());
        let is_answered = credentials.answer(response, account.as_ref(), request, &cnonce);
        if is_answered {
            self.refresh(interval);
        }
        is_answered
    }

    /// Our refreshing was refused: whoever refuses is there, unless it does not know the dialog.
    fn handle_refusal(&mut self, response: &Message, status: u16, method: Method, now: Mono) {
        if self.answer_refresh_challenge(response, method) {
            return;
        }
        let Stage::Established(established) = &mut self.stage else { return };
        established.credentials = Credentials::default();
        let Some(timer) = &mut established.timer else { return };
        let wait = match status {
            // RFC 3261 §12.2.1.2, RFC 4028 §10.
            408 | 481 => return self.hang_up(HangupCause::Response(status), status),
            422 => {
                established.min_se_s = session::min_se(response).max(established.min_se_s);
                let is_more = established.min_se_s > timer.interval.seconds;
                timer.interval.seconds = timer.interval.seconds.max(established.min_se_s);
                if is_more { Duration::ZERO } else { RETRY }
            }
            // RFC 3261 §14.1, in units of 10 ms: who began the call waits 2.1 to 4 s, the other
            // side up to 2 s.
            491 if established.owns_call_id => {
                Duration::from_millis(10 * (210 + self.chance.below(191)))
            }
            491 => Duration::from_millis(10 * self.chance.below(201)),
            // Whatever it has against an UPDATE, a re-INVITE is what every peer takes.
            _ if method == Method::Update => {
                established.refuses_update = true;
                Duration::ZERO
            }
            _ => match response.retry_after_s() {
                Some(seconds) => Duration::from_secs(seconds.min(RETRY_MAX_S).into()),
                None => RETRY,
            },
        };
        timer.refresh_at = Some(now + wait);
    }

    /// Nobody answered our request in the dialog: the peer is gone (RFC 4028 §10). Where only the
    /// way is, it is tried again until the session is over.
    pub(crate) fn handle_pending_lost(&mut self, cseq: CSeq, cause: HangupCause, now: Mono) {
        let Stage::Established(established) = &mut self.stage else { return };
        if established.pending.take_if(|pending| pending.cseq == cseq).is_none() {
            return;
        }
        self.negotiation.withdraw();
        match (cause, &mut established.timer) {
            (HangupCause::TransportError, Some(timer)) => timer.refresh_at = Some(now + RETRY),
            (_, _) => self.hang_up(cause, 408),
        }
    }
}
