//! One party's dialog and stream: its states, and how it begins and ends.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::SocketAddr;

use model::{DialogSnapshot, HangupCause, LegId, LegRole, Mono, Transport};
use sdp::{
    Browser, Capabilities, Codec, Fingerprint, MasterKey, Negotiated, Session, Srtp, SrtpPolicy,
    Suite,
};
use sip::digest::Account;
use sip::{Chance, Dialog, Flow, Message, Method, RequestBuilder, ResponseBuilder, ServerTx};

use crate::challenge::Credentials;
use crate::farewell::{Asked, Farewell};
use crate::ice::IceCredentials;
use crate::incoming::SDP;
use crate::negotiation::Negotiation;
use crate::ours::Pending;
use crate::outgoing::Outgoing;
use crate::outside::Outside;
use crate::refer::{EVENT, Subscription};
use crate::reliable::Reliable;
use crate::session::{Interval, SessionLimits, SessionTimer};
use crate::{Tokens, info, session};

/// The methods that a leg takes, for Allow (RFC 3261 §20.5).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, SUBSCRIBE";

/// The extensions that a leg knows, for Supported (RFC 3261 §20.37).
const SUPPORTED: &str = "100rel, timer, norefersub, replaces, tdialog";

/// The extensions that a leg knows: session timers (RFC 4028 §7.1) only where they are on.
pub fn supported(session: SessionLimits) -> Cow<'static, str> {
    if session.expires_s > 0 {
        return Cow::Borrowed(SUPPORTED);
    }
    let others: Vec<&str> = SUPPORTED.split(", ").filter(|name| *name != "timer").collect();
    Cow::Owned(others.join(", "))
}

/// After how many seconds one may try again for whom there is no room now.
pub const RETRY_AFTER_S: u32 = 5;

/// What a response to OPTIONS, or to a method that we do not serve, says that we can (RFC 3261
/// §11.2): methods, extensions and bodies.
#[must_use]
pub fn tell_abilities(response: ResponseBuilder, session: SessionLimits) -> ResponseBuilder {
    response
        .header("Allow", ALLOW)
        .header("Supported", supported(session))
        .header("Accept", format_args!("{SDP}, multipart/mixed, {}", info::ACCEPT))
        .header("Accept-Encoding", "identity")
        .header("Accept-Language", "en")
}

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
    /// Send our first INVITE, or the same once more with what it lacked; its responses come back
    /// by [`Leg::handle_response`].
    Invite {
        /// The request.
        message: Message,
        /// Where to.
        flow: Flow,
    },
    /// Cancel our INVITE, for this reason (RFC 3326).
    Cancel(&'static str),
    /// Send a request in the dialog; its responses come back by [`Leg::handle_response`], or else
    /// [`Leg::handle_no_response`] is told.
    Request {
        /// The request.
        message: Message,
        /// Where to.
        flow: Flow,
    },
    /// Acknowledge the 2xx to the INVITE of ours with the same number in CSeq.
    Ack {
        /// The ACK.
        message: Message,
        /// Where to.
        flow: Flow,
    },
    /// Send a BYE, whose response changes nothing for the leg.
    Send {
        /// The request.
        message: Message,
        /// Where to.
        flow: Flow,
        /// What its response is to be given to; none where nothing could answer a challenge.
        farewell: Option<Box<Farewell>>,
    },
    /// This way leads nowhere, but another may: answer by [`Leg::invite_again`] or
    /// [`Leg::give_up`]. Only for a leg to the outside.
    Unreachable {
        /// Why.
        cause: HangupCause,
        /// For how many seconds it wants to be left alone (RFC 3261 §20.33).
        retry_after_s: Option<u32>,
    },
    /// The called one is elsewhere (3xx): answer by [`Leg::invite_again`] or [`Leg::give_up`], as
    /// for [`Output::Unreachable`]. Only for a leg to the outside.
    Redirected {
        /// 300 to 399.
        status: u16,
        /// The URIs that it names, the preferred one first.
        contacts: Vec<String>,
    },
    /// The called phone shows a sign of life (any provisional response).
    Progressed,
    /// The called phone rings.
    Ringing,
    /// The called one sends media before the answer: read [`Leg::media`].
    SendsEarly,
    /// Answered. The dialog can be ended by a BYE from now on.
    Established(Box<DialogSnapshot>),
    /// The other side moved: where the dialog's requests go from now on, for a BYE after a restart.
    Moved(Box<DialogSnapshot>),
    /// Where or how media goes has changed: read [`Leg::media`] again.
    MediaChanged,
    /// A digit came by INFO.
    Digit(char),
    /// The party wants the call given to someone else (RFC 3515): answer by [`Leg::accept_refer`]
    /// or [`Leg::refuse_refer`].
    Referred {
        /// The request.
        tx: ServerTx,
        /// The REFER, which has a Refer-To.
        message: Message,
    },
    /// It is over; nothing more will come.
    Ended(HangupCause),
}

/// What we say of ourselves in SDP and Contact.
#[derive(Debug, Clone)]
pub struct Description {
    /// The user part of our Contact.
    pub user: String,
    /// The codecs in our order of preference.
    pub codecs: Vec<Codec>,
    /// Whether the stream is to be protected.
    pub srtp: SrtpPolicy,
    /// Of the certificate that a browser is shown; `None` for all else. The media address is one
    /// for browsers then.
    pub browser: Option<Fingerprint>,
    /// What we wish of session timers.
    pub session: SessionLimits,
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
    /// What a call to the outside needs; none for a phone of ours.
    pub outside: Option<Outside>,
}

/// What only the state knows.
#[derive(Debug)]
pub(crate) enum Stage {
    Incoming(Box<Incoming>),
    Outgoing(Box<Outgoing>),
    Established(Box<Established>),
    Terminated,
}

/// An INVITE that came and has no final response.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) tx: ServerTx,
    pub(crate) invite: Message,
    /// Our provisional response that waits for its PRACK (RFC 3262).
    pub(crate) reliable: Option<Reliable>,
    /// What challenges of the other side will be answered with.
    pub(crate) account: Option<Account>,
}

/// A dialog, from the 2xx on.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) dialog: Dialog,
    /// The INVITE whose ACK has to bring the answer to our offer (RFC 3261 §13.2.1).
    pub(crate) answered_by_ack: Option<u32>,
    /// Whether the other side's Allow names UPDATE.
    pub(crate) takes_update: bool,
    /// It has refused one, whatever it says: it is asked by re-INVITE.
    pub(crate) refuses_update: bool,
    /// Whether we began the call: who did waits longer after a glare (RFC 3261 §14.1).
    pub(crate) owns_call_id: bool,
    /// Our request that has no final response.
    pub(crate) pending: Option<Pending>,
    pub(crate) timer: Option<SessionTimer>,
    /// The least interval that the other side and its proxies agree to (RFC 4028 §7.3).
    pub(crate) min_se_s: u32,
    /// What challenges of the other side are answered with.
    pub(crate) account: Option<Account>,
    /// The answers that our pending request carries.
    pub(crate) credentials: Credentials,
    /// Where the dialog's requests go, as it was told last: target, transport, address.
    told: (String, Transport, SocketAddr),
}

impl Established {
    pub(crate) fn new(dialog: Dialog, invite_or_answer: &Message, owns_call_id: bool) -> Self {
        let flow = dialog.flow();
        Self {
            told: (dialog.remote_target().to_owned(), flow.transport, flow.remote),
            dialog,
            answered_by_ack: None,
            takes_update: allows_update(invite_or_answer),
            refuses_update: false,
            owns_call_id,
            pending: None,
            timer: None,
            min_se_s: session::MIN_SE_S,
            account: None,
            credentials: Credentials::default(),
        }
    }

    /// The interval begins anew, or there is none.
    pub(crate) fn restart(&mut self, interval: Option<Interval>, now: Mono) {
        self.timer = interval.map(|interval| SessionTimer::start(interval, now));
    }
}

/// Whether a message's Allow names UPDATE (RFC 3311 §4).
pub(crate) fn allows_update(message: &Message) -> bool {
    message.all(sip::Name::Allow).any(|method| method == "UPDATE")
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
    /// Our keys of SRTP, one for each suite.
    pub(crate) keys: [MasterKey; Suite::ALL.len()],
    /// What a browser's checks have to name and know.
    ice: IceCredentials,
    /// Our RTP address, once a port is taken.
    pub(crate) local_media: Option<SocketAddr>,
    pub(crate) negotiation: Negotiation,
    pub(crate) chance: Chance,
    /// What INVITEs to carriers were sent with whose ways were left, or that were answered.
    pub(crate) asked: Vec<Asked>,
    /// REFERs whose end the other side waits for.
    pub(crate) subscriptions: Vec<Subscription>,
    /// How many REFERs were accepted.
    pub(crate) referrals: u32,
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
            keys: Suite::ALL.map(|suite| tokens.master_key(id, suite, 1)),
            ice: IceCredentials::new(tokens.ice_secret(id)),
            local_media: None,
            negotiation: Negotiation::default(),
            chance: tokens.chance(id),
            asked: Vec::new(),
            subscriptions: Vec::new(),
            referrals: 0,
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
    pub fn state(&self) -> LegState {
        match &self.stage {
            Stage::Incoming(_) => LegState::Incoming,
            Stage::Outgoing(outgoing) => match outgoing.seen {
                Seen::Nothing => LegState::Outgoing,
                Seen::Ringing => LegState::Ringing,
                Seen::Early => LegState::Early,
            },
            Stage::Established(_) => LegState::Established,
            Stage::Terminated => LegState::Terminated,
        }
    }

    /// Whether the party is a browser: its media is at an address for browsers.
    pub const fn is_browser(&self) -> bool {
        self.description.browser.is_some()
    }

    /// How the party is reached.
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The URI of the dialog's next hop, if its host is a name that leads to it: to be told by
    /// [`Leg::handle_located`].
    pub fn next_name(&self) -> Option<&str> {
        match &self.stage {
            Stage::Established(established) => established.dialog.next_name(),
            Stage::Incoming(_) | Stage::Outgoing(_) | Stage::Terminated => None,
        }
    }

    /// Whether that name has been located already.
    pub fn is_located(&self) -> bool {
        match &self.stage {
            Stage::Established(established) => established.dialog.is_located(),
            Stage::Incoming(_) | Stage::Outgoing(_) | Stage::Terminated => false,
        }
    }

    /// The dialog's next hop is reached so (RFC 3263), as long as it is this URI.
    pub fn handle_located(&mut self, uri: &str, flow: Flow) {
        if let Stage::Established(established) = &mut self.stage {
            established.dialog.handle_located(uri, flow);
            self.follow();
        }
    }

    /// Whether the other side is an agent's phone, which has registered.
    pub(crate) const fn is_phone(&self) -> bool {
        match self.role {
            LegRole::Agent(_) => true,
            LegRole::Caller | LegRole::Number(_) => false,
        }
    }

    /// Goes where the dialog goes, and tells so if that is another place than before.
    pub(crate) fn follow(&mut self) {
        let Stage::Established(established) = &mut self.stage else { return };
        let dialog = &established.dialog;
        self.flow = dialog.flow();
        let place = (dialog.remote_target().to_owned(), self.flow.transport, self.flow.remote);
        if established.told != place {
            established.told = place;
            let snapshot = established.dialog.snapshot(self.negotiation.version());
            self.outputs.push_back(Output::Moved(Box::new(snapshot)));
        }
    }

    /// What a challenge of the other side would be answered with now.
    pub fn account(&self) -> Option<&Account> {
        match &self.stage {
            Stage::Incoming(incoming) => incoming.account.as_ref(),
            Stage::Outgoing(outgoing) => outgoing.ask.invitation.outside.as_ref()?.account.as_ref(),
            Stage::Established(established) => established.account.as_ref(),
            Stage::Terminated => None,
        }
    }

    /// Answers challenges of the one who called with `account` from now on, for our requests in the
    /// dialog (RFC 3261 §22.3). Nothing for a leg that we began or that is over: its
    /// [`Invitation`] says that.
    pub fn keep_account(&mut self, account: Option<Account>) {
        if let Stage::Incoming(incoming) = &mut self.stage {
            incoming.account = account;
        }
    }

    /// Answers no challenge any more: the dialog has gone to a host that the account is not for.
    pub fn forget_account(&mut self) {
        match &mut self.stage {
            Stage::Incoming(incoming) => incoming.account = None,
            Stage::Outgoing(outgoing) => {
                if let Some(outside) = &mut outgoing.ask.invitation.outside {
                    outside.account = None;
                }
            }
            Stage::Established(established) => established.account = None,
            Stage::Terminated => {}
        }
    }

    /// What was agreed on for media, once it was.
    pub const fn media(&self) -> Option<&Negotiated> {
        self.negotiation.agreed()
    }

    /// Whether the party has put us on hold: it wants to hear nothing (RFC 3264 §8.4).
    pub fn is_holding(&self) -> bool {
        self.media().is_some_and(|media| !media.direction.sends())
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        match &self.stage {
            Stage::Incoming(incoming) => {
                let sent = incoming.reliable.as_ref()?;
                sent.next_at().map(|at| (at, "the PRACK"))
            }
            Stage::Established(established) => {
                let timer = established.timer.as_ref()?;
                Some(match timer.refresh_at {
                    Some(at) if at < timer.ends_at => (at, "the session's refreshing"),
                    Some(_) | None => (timer.ends_at, "the session's end"),
                })
            }
            Stage::Outgoing(_) => self.patience(),
            Stage::Terminated => None,
        }
    }

    /// Time passed: to be called at or after [`Leg::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Mono) {
        match &self.stage {
            Stage::Incoming(_) => self.repeat_reliable(now),
            Stage::Established(_) => self.keep_session(now),
            Stage::Outgoing(_) => self.lose_patience(now),
            Stage::Terminated => {}
        }
    }

    /// Ends the leg, whatever state it is in: an INVITE of theirs is refused with `status`, one of
    /// ours is cancelled, an established dialog gets a BYE.
    ///
    /// [`Output::Ended`] follows at once, but for a cancelled INVITE: its final response may still
    /// be a 2xx, which is then acknowledged and ended (RFC 3261 §9.1, §15).
    pub fn hang_up(&mut self, cause: HangupCause, status: u16) {
        match std::mem::replace(&mut self.stage, Stage::Terminated) {
            Stage::Incoming(incoming) => {
                let response = self.response(&incoming.invite, status);
                // RFC 6432: what a network said is passed on.
                let message = match cause {
                    HangupCause::Q850(_) => response.header("Reason", crate::reason(cause)).build(),
                    _ => response.build(),
                };
                self.outputs.push_back(Output::Respond { tx: incoming.tx, message });
                self.outputs.push_back(Output::Ended(cause));
            }
            Stage::Outgoing(mut outgoing) => {
                if let Some(lost) = outgoing.lost.take() {
                    self.stage = Stage::Outgoing(outgoing);
                    return self.hang_up_between(lost, cause);
                }
                if outgoing.cancelled.is_none() {
                    outgoing.cancelled = Some(cause);
                    self.outputs.push_back(Output::Cancel(crate::reason(cause)));
                }
                self.stage = Stage::Outgoing(outgoing);
            }
            Stage::Established(established) => {
                let Established { dialog, account, .. } = *established;
                self.send_bye(dialog, account, cause);
                self.outputs.push_back(Output::Ended(cause));
            }
            Stage::Terminated => {}
        }
    }

    /// A response to `request` with our tag; a 415 says what is understood (RFC 3261 §21.4.13), a
    /// 503 when to come again (§21.5.4).
    pub(crate) fn response(&self, request: &Message, status: u16) -> ResponseBuilder {
        let response = ResponseBuilder::to(request, status).to_tag(&self.tag);
        match status {
            415 => {
                let understood = match request.method() {
                    Method::Info => info::ACCEPT,
                    _ => SDP,
                };
                response.header("Accept", understood).header("Accept-Encoding", "identity")
            }
            489 => response.header("Allow-Events", EVENT),
            503 => response.header("Retry-After", RETRY_AFTER_S),
            _ => response,
        }
    }

    /// A response to `request` that says what we can: our Contact, Allow and Supported.
    pub(crate) fn full_response(&self, request: &Message, status: u16) -> ResponseBuilder {
        self.response(request, status)
            .contact(&self.contact(request.uri()))
            .header("Allow", ALLOW)
            .header("Supported", supported(self.description.session))
    }

    /// Our Contact, Allow and Supported in a request to `target`.
    pub(crate) fn introduce(&self, request: RequestBuilder, target: &str) -> RequestBuilder {
        let supported = supported(self.description.session);
        request.contact(&self.contact(target)).header("Allow", ALLOW).header("Supported", supported)
    }

    /// Answers `request` with no more than its status.
    pub(crate) fn answer(&mut self, tx: ServerTx, request: &Message, status: u16) {
        let message = self.response(request, status).build();
        self.outputs.push_back(Output::Respond { tx, message });
    }

    /// Ends a dialog; with `account`, so that it can be told who does.
    pub(crate) fn send_bye(
        &mut self,
        dialog: Dialog,
        account: Option<Account>,
        cause: HangupCause,
    ) {
        let chance = Chance(self.chance.draw());
        let (message, flow, farewell) = Farewell::goodbye(dialog, cause, account, chance);
        self.outputs.push_back(Output::Send { message, flow, farewell });
    }

    pub(crate) fn end(&mut self, cause: HangupCause) {
        self.stage = Stage::Terminated;
        self.outputs.push_back(Output::Ended(cause));
    }

    pub(crate) fn establish(&mut self, established: Established) {
        let snapshot = established.dialog.snapshot(self.negotiation.version());
        self.flow = established.dialog.flow();
        self.stage = Stage::Established(Box::new(established));
        self.outputs.push_back(Output::Established(Box::new(snapshot)));
    }

    /// Our Contact on this leg's flow, for who is at `target` or has reached us by it.
    fn contact(&self, target: &str) -> String {
        format!("<{}>", self.flow.our_uri_towards(target, Some(&self.description.user)))
    }

    /// Our answer to an offer, with media at `local`, and whether it changed what was agreed on.
    ///
    /// # Errors
    /// As [`Negotiation::answer`].
    pub(crate) fn answer_offer(
        &mut self,
        offer: &Session,
        local: SocketAddr,
    ) -> Result<(String, bool), u16> {
        if self.negotiation.is_ice_restart(offer) {
            self.ice.renew();
        }
        let capabilities = self.capabilities(local);
        self.negotiation.answer(offer, &capabilities)
    }

    /// Ours in order of preference; with a browser also the one that each has beside G.711
    /// (RFC 7874 §3).
    fn codecs(&self) -> Vec<Codec> {
        let mut codecs = self.description.codecs.clone();
        if self.description.browser.is_some() && !codecs.contains(&Codec::Opus) {
            codecs.push(Codec::Opus);
        }
        codecs
    }

    pub(crate) fn capabilities(&self, local: SocketAddr) -> Capabilities {
        Capabilities {
            address: local,
            codecs: self.codecs(),
            digits: true,
            // A browser that may send it takes soft tones and music for silence.
            noise: self.description.browser.is_none(),
            session_id: self.id.0.0,
            srtp: Srtp { policy: self.description.srtp, keys: self.keys },
            browser: self.description.browser.map(|fingerprint| {
                let ice = self.ice.present();
                Browser { ice, fingerprint }
            }),
        }
    }
}
