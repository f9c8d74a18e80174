//! REFER inside the dialog (RFC 3515): the party wants the call given to someone else, and is told
//! by NOTIFY what becomes of that, unless it does not want to know (RFC 4488). By SUBSCRIBE it says
//! that it still wants to know, or no more (RFC 6665 §4.1.2.2).

use sip::{Dialog, Message, Method, Name, ServerTx, Uri, reason_phrase};

use crate::leg::{Leg, Output, Stage};

/// The body of a NOTIFY about a REFER (RFC 3515 §2.4.5).
const SIPFRAG: &str = "message/sipfrag;version=2.0";
/// How long we say that the subscription lasts, in seconds: longer than any telephone rings.
const EXPIRES_S: u32 = 180;
/// The one event that anybody is told of.
pub const EVENT: &str = "refer";
/// How many REFERs of one dialog are told of at a time: one more, and nothing more is said of the
/// oldest.
const SUBSCRIPTIONS_MAX: usize = 8;

/// A REFER whose end the other side waits for.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Which of the leg's.
    id: u32,
    /// The number in its CSeq, which tells several of one dialog apart (§2.4.6).
    number: u32,
    /// What it was told last.
    status: u16,
    /// The dialog that the REFER made, if it came in none.
    dialog: Option<Box<Dialog>>,
}

impl Subscription {
    fn is_of(&self, call_id: &str) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.call_id() == call_id)
    }
}

/// Nothing is known yet of what becomes of it.
const TRYING: u16 = 100;

/// A REFER that was accepted: what its NOTIFYs are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Referral {
    /// Which of the leg's.
    id: u32,
    /// Nobody wants to know (RFC 4488 §4).
    is_quiet: bool,
}

/// A dialog that another one is to replace (RFC 3891 §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of the one who gets the request: ours.
    pub to_tag: String,
    /// The tag of the other side.
    pub from_tag: String,
    /// Only if it is not answered yet.
    pub early_only: bool,
}

impl Replaces {
    /// Reads the value of a Replaces header; `None` if a part is missing.
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        let call_id = parts.next().filter(|call_id| !call_id.is_empty())?.to_owned();
        let (mut to_tag, mut from_tag, mut early_only) = (None, None, false);
        for part in parts {
            match part.split_once('=') {
                Some((name, tag)) if name.trim().eq_ignore_ascii_case("to-tag") => {
                    to_tag = Some(tag.trim().to_owned());
                }
                Some((name, tag)) if name.trim().eq_ignore_ascii_case("from-tag") => {
                    from_tag = Some(tag.trim().to_owned());
                }
                Some(_) => {}
                None => early_only |= part.eq_ignore_ascii_case("early-only"),
            }
        }
        Some(Self { call_id, to_tag: to_tag?, from_tag: from_tag?, early_only })
    }

    /// Reads the value of a Target-Dialog header, whose tags are named from our side as well
    /// (RFC 4538 §7); `None` if a part is missing.
    pub fn of_target_dialog(value: &str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        let call_id = parts.next().filter(|call_id| !call_id.is_empty())?.to_owned();
        let parts: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let tag = |name: &str| {
            let mut named =
                parts.iter().filter(|(known, _)| known.trim().eq_ignore_ascii_case(name));
            named.next().map(|(_, tag)| tag.trim().to_owned())
        };
        let (to_tag, from_tag) = (tag("local-tag")?, tag("remote-tag")?);
        Some(Self { call_id, to_tag, from_tag, early_only: false })
    }

    /// The Replaces among the headers of a Refer-To URI (RFC 3261 §19.1.1), if it has one.
    pub fn in_uri(uri: &Uri<'_>) -> Option<Self> {
        let value = uri.headers().split('&').find_map(|header| {
            let (name, value) = header.split_once('=')?;
            name.eq_ignore_ascii_case("replaces").then_some(value)
        })?;
        Self::parse(&unescape(value))
    }
}

/// `%xx` decoded (RFC 3261 §19.1.2); what is no such thing stays as it is.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.first_chunk::<2>().filter(|_| *first == b'%');
        let pair = pair.and_then(|pair| str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether who sent a REFER does not want to know what becomes of it (RFC 4488 §4).
pub fn is_quiet(refer: &Message) -> bool {
    refer.header("Refer-Sub").is_some_and(|value| {
        let value = value.split(';').next().unwrap_or_default();
        value.trim().eq_ignore_ascii_case("false")
    })
}

impl Leg {
    /// §2.4.2: a REFER names exactly one.
    pub(crate) fn handle_refer(&mut self, tx: ServerTx, request: &Message) {
        if request.all(Name::ReferTo).count() != 1 {
            return self.answer(tx, request, 400);
        }
        self.outputs.push_back(Output::Referred { tx, message: request.clone() });
    }

    /// 202, and the first NOTIFY unless none is wanted (§2.4.4). A REFER that came in no dialog
    /// makes one of its own, in which the NOTIFYs go.
    pub fn accept_refer(&mut self, tx: ServerTx, request: &Message) -> Referral {
        let wants = !is_quiet(request);
        let response = self.full_response(request, 202);
        let response = if wants { response } else { response.header("Refer-Sub", "false") };
        let response = response.build();
        let is_outside = request.to().is_none_or(|to| to.tag().is_none());
        let flow = request.flow().unwrap_or(self.flow);
        let dialog = is_outside.then(|| Dialog::uas(request, &response, &flow)).flatten();
        let dialog = dialog.map(|dialog| dialog.with_phone(self.is_phone()));
        self.outputs.push_back(Output::Respond { tx, message: response });
        self.referrals = self.referrals.wrapping_add(1);
        let referral = Referral { id: self.referrals, is_quiet: !wants };
        if wants {
            if self.subscriptions.len() == SUBSCRIPTIONS_MAX {
                self.subscriptions.remove(0);
            }
            let number = request.cseq().map_or(0, |cseq| cseq.number);
            let (id, dialog) = (referral.id, dialog.map(Box::new));
            self.subscriptions.push(Subscription { id, number, status: TRYING, dialog });
        }
        self.notify_referral(referral, TRYING);
        referral
    }

    /// A SUBSCRIBE in the dialog goes on with what a REFER began, or ends it; it begins nothing
    /// (RFC 3515 §2.4.4, §3): 403 where there is no such REFER any more, and 489 for an event that
    /// nobody is told of (RFC 6665 §4.2.1.1). The NOTIFY that follows says how far it is.
    pub(crate) fn handle_subscribe(&mut self, tx: ServerTx, request: &Message) {
        let of_dialog = |one: &Subscription| match &one.dialog {
            Some(dialog) => dialog.call_id() == request.call_id(),
            None => !self.is_referrals(request),
        };
        let event = request.header("Event").unwrap_or_default();
        let mut parts = event.split(';').map(str::trim);
        if parts.next() != Some(EVENT) {
            return self.answer(tx, request, 489);
        }
        let id = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| *name == "id");
        let is_meant = |one: &Subscription| {
            of_dialog(one)
                && id
                    .is_none_or(|(_, id)| id.trim().parse::<u32>().is_ok_and(|id| id == one.number))
        };
        let Some(at) = self.subscriptions.iter().position(is_meant) else {
            return self.answer(tx, request, 403);
        };
        let asked = request.first(Name::Expires).and_then(|value| value.trim().parse().ok());
        let expires_s = asked.unwrap_or(EXPIRES_S).min(EXPIRES_S);
        let response = self.full_response(request, 200).header("Expires", expires_s);
        self.outputs.push_back(Output::Respond { tx, message: response.build() });
        if expires_s == 0 {
            self.send_notify(at, "terminated;reason=timeout");
            self.subscriptions.remove(at);
        } else {
            self.send_notify(at, &format!("active;expires={expires_s}"));
        }
    }

    /// Whether a request is of a dialog that a REFER has made.
    pub(crate) fn is_referrals(&self, request: &Message) -> bool {
        self.subscriptions.iter().any(|one| one.is_of(request.call_id()))
    }

    /// A request in such a dialog: SUBSCRIBE, and nothing else means anything there.
    pub(crate) fn handle_referrals_request(&mut self, tx: ServerTx, request: &Message) {
        let mut known = self.subscriptions.iter_mut();
        let one = known.find(|one| one.is_of(request.call_id()));
        let dialog = one.and_then(|one| one.dialog.as_mut());
        let refused = dialog.map(|dialog| dialog.accept_request(request));
        match (refused, request.method()) {
            (Some(Ok(())), Method::Subscribe) => self.handle_subscribe(tx, request),
            (Some(Err(refusal)), _) => self.answer(tx, request, refusal.status),
            (Some(Ok(())) | None, _) => self.answer(tx, request, 481),
        }
    }

    /// The REFER is not followed.
    pub fn refuse_refer(&mut self, tx: ServerTx, request: &Message, status: u16) {
        self.answer(tx, request, status);
    }

    /// Tells what became of a REFER so far; a final status ends the subscription (§2.4.7).
    /// Nothing where nobody wants to know, or not any more.
    pub fn notify_referral(&mut self, referral: Referral, status: u16) {
        let is_it = |one: &Subscription| one.id == referral.id;
        let at = self.subscriptions.iter().position(is_it).filter(|_| !referral.is_quiet);
        let Some(at) = at else { return };
        if let Some(subscription) = self.subscriptions.get_mut(at) {
            subscription.status = status;
        }
        if status < 200 {
            self.send_notify(at, &format!("active;expires={EXPIRES_S}"));
        } else {
            self.send_notify(at, "terminated;reason=noresource");
            self.subscriptions.remove(at);
        }
    }

    fn send_notify(&mut self, at: usize, state: &str) {
        let Stage::Established(established) = &mut self.stage else { return };
        let Some(subscription) = self.subscriptions.get_mut(at) else { return };
        let Subscription { id: _, number, status, dialog } = subscription;
        let (number, status) = (*number, *status);
        let dialog = dialog.as_deref_mut().unwrap_or(&mut established.dialog);
        let flow = dialog.flow();
        let target = dialog.remote_target().to_owned();
        let body = format!("SIP/2.0 {status} {}\r\n", reason_phrase(status));
        let request = dialog.request(Method::Notify);
        let message = self
            .introduce(request, &target)
            .header("Event", format_args!("{EVENT};id={number}"))
            .header("Subscription-State", state)
            .body(SIPFRAG, body.as_bytes())
            .build();
        self.outputs.push_back(Output::Request { message, flow });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3891_section_6_1_a_dialog_is_named_by_its_three_parts() {
        let replaces = Replaces::parse("98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff");
        let replaces = replaces.expect("it names a dialog");
        assert_eq!(replaces.call_id, "98732@sip.example.com");
        assert_eq!((&*replaces.to_tag, &*replaces.from_tag), ("ff87ff", "r33th4x0r"));
        assert!(!replaces.early_only);
        let early = Replaces::parse("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only");
        assert!(early.is_some_and(|replaces| replaces.early_only));
        for missing in ["", "a@b", "a@b;to-tag=1", ";to-tag=1;from-tag=2", "a;from-tag=2"] {
            assert_eq!(Replaces::parse(missing), None, "{missing}");
        }
    }

    #[test]
    fn rfc_4538_section_7_a_target_dialog_has_the_same_three_parts() {
        let named = Replaces::of_target_dialog("a@b ;remote-tag=theirs; Local-Tag=ours");
        assert_eq!(named, Replaces::parse("a@b;to-tag=ours;from-tag=theirs"));
        for missing in ["", "a@b", "a@b;local-tag=1", ";local-tag=1;remote-tag=2"] {
            assert_eq!(Replaces::of_target_dialog(missing), None, "{missing}");
        }
    }

    #[test]
    fn rfc_3891_section_7_2_it_stands_escaped_in_a_refer_to() {
        let text = "sip:8002@h?Replaces=090459243588173445%40a%3Bto-tag%3D9m2n3wq%3Bfrom-tag%3D7";
        let uri = Uri::parse(text).expect("it is a URI");
        let replaces = Replaces::in_uri(&uri).expect("it has one");
        assert_eq!(replaces.call_id, "090459243588173445@a");
        assert_eq!((&*replaces.to_tag, &*replaces.from_tag), ("9m2n3wq", "7"));
        for other in ["sip:a@h", "sip:a@h?Subject=x", "sip:a@h?Replaces=%", "sip:a@h?Replaces=%zz"]
        {
            let uri = Uri::parse(other).expect("it is a URI");
            assert_eq!(Replaces::in_uri(&uri), None, "{other}");
        }
    }
}
