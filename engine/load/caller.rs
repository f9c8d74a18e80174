//! The callers: each calls, presses keys, stays a while and hangs up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use media::Codec;
use model::Mono;
use sdp::{Capabilities, Direction, Session, Srtp};
use sip::{ClientTx, Dialog, Flow, FromBrain, Message, Method, RequestBuilder, ServerTx, ToBrain};

use super::desktop::Shown;
use super::histogram::Histogram;
use super::media::{Leg, Released, ToMedia};
use super::plan::Plan;
use super::station::{ALLOW, Do, parts, transaction};

/// The requests of one call.
const INVITE: u32 = 0;
const BYE: u32 = 1;

/// One call.
#[derive(Debug)]
struct Call {
    invited: Mono,
    invite: Message,
    state: State,
    /// When the last key was let go.
    released: Option<Mono>,
    /// An agent's phone was called for it.
    offered: bool,
}

#[derive(Debug)]
enum State {
    /// No final response yet.
    Inviting,
    /// No final response yet, and none is wanted any more.
    Cancelling,
    /// Answered.
    Talking { dialog: Box<Dialog>, answered: Mono },
    /// Our BYE is on its way; the reason why the call failed, if it did.
    Ending { failed: Option<&'static str> },
}

/// What came of the calls.
#[derive(Debug)]
pub(super) struct CallFigures {
    pub(super) begun: u32,
    pub(super) answered: u32,
    pub(super) ok: u32,
    /// By status, or by what went wrong.
    pub(super) failed: BTreeMap<String, u32>,
    pub(super) most_at_a_time: usize,
    /// INVITE → 200.
    pub(super) setup: Histogram,
    /// The caller's INVITE → the agent's INVITE.
    pub(super) agent_invite: Histogram,
    /// The last key let go → the agent's INVITE.
    pub(super) key_to_agent_invite: Histogram,
    /// The caller's INVITE → the screen pop on the agent's desktop.
    pub(super) pop: Histogram,
    /// Phones that rang before their desktop was shown who calls.
    pub(super) rang_before_pop: u32,
}

/// All callers.
#[derive(Debug)]
pub(super) struct Callers {
    plan: Arc<Plan>,
    flow: Flow,
    ports: Vec<SocketAddr>,
    run: u128,
    calls: BTreeMap<u32, Call>,
    /// The latest call of each caller's number.
    by_number: BTreeMap<String, u32>,
    hang_ups: BTreeSet<(Mono, u32)>,
    talking: usize,
    outputs: VecDeque<Do>,
    pub(super) figures: CallFigures,
}

impl Callers {
    /// Callers who reach the server by `flow`, with media at `ports`.
    pub(super) fn new(plan: Arc<Plan>, flow: Flow, ports: Vec<SocketAddr>, run: u128) -> Self {
        Self {
            plan,
            flow,
            ports,
            run,
            calls: BTreeMap::new(),
            by_number: BTreeMap::new(),
            hang_ups: BTreeSet::new(),
            talking: 0,
            outputs: VecDeque::new(),
            figures: CallFigures {
                begun: 0,
                answered: 0,
                ok: 0,
                failed: BTreeMap::new(),
                most_at_a_time: 0,
                setup: Histogram::new(),
                agent_invite: Histogram::new(),
                key_to_agent_invite: Histogram::new(),
                pop: Histogram::new(),
                rang_before_pop: 0,
            },
        }
    }

    /// How many calls there are.
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// How many of them are answered.
    pub(super) const fn talking(&self) -> usize {
        self.talking
    }

    fn capabilities(&self, call: u32) -> Capabilities {
        let address = self.ports[leg_of(call) as usize % self.ports.len()];
        capabilities(address, self.plan.codec, u64::from(call) + 1)
    }

    /// The next caller calls.
    pub(super) fn handle_begin(&mut self, now: Mono) {
        let call = self.figures.begun;
        self.figures.begun += 1;
        let (number, to, local) = (self.plan.callers.of(call), self.plan.to, self.flow.local);
        let offer = sdp::offer(&self.capabilities(call), 1, Direction::SendRecv).to_string();
        let target = format!("sip:{}@{to}", self.plan.number);
        let invite = RequestBuilder::new(Method::Invite, &target)
            .from(&format!("<sip:{number}@{}>", local.ip()), &format!("{call}-{:x}", self.run))
            .to(&format!("<{target}>"), None)
            .call_id(&format!("{call}.{:x}@{}", self.run, local.ip()))
            .cseq(1)
            .contact(&format!("<sip:{number}@{local}>"))
            .header("User-Agent", "hotline load")
            .header("Allow", ALLOW)
            .body("application/sdp", offer.as_bytes())
            .build();
        let (message, flow) = (invite.clone(), self.flow);
        self.sip(FromBrain::Request { tx: transaction(call, INVITE), message, flow });
        self.by_number.insert(number, call);
        let state = State::Inviting;
        self.calls
            .insert(call, Call { invited: now, invite, state, released: None, offered: false });
        self.figures.most_at_a_time = self.figures.most_at_a_time.max(self.calls.len());
    }

    /// Takes in what the transactions report.
    pub(super) fn handle_event(&mut self, event: ToBrain, now: Mono) {
        match event {
            ToBrain::Response { tx, message, .. } => self.handle_response(tx, &message, now),
            ToBrain::Timeout { tx } => self.handle_failure(tx, "timeout", "bye_timeout"),
            ToBrain::TransportFailed { tx } => {
                self.handle_failure(tx, "transport", "bye_transport");
            }
            ToBrain::Request { tx, message, .. } => self.handle_request(tx, &message),
            ToBrain::Ack { .. }
            | ToBrain::Cancelled { .. }
            | ToBrain::AckTimeout { .. }
            | ToBrain::FlowClosed { .. } => {}
        }
    }

    fn handle_response(&mut self, tx: ClientTx, response: &Message, now: Mono) {
        let (call, step) = parts(tx);
        let Some(status @ 200..) = response.status() else { return };
        match (step, status) {
            (INVITE, 200..=299) => self.handle_answer(call, response, now),
            (INVITE, _) => self.end(call, Some(&status.to_string())),
            (_, 200..=299) => self.ended(call),
            (_, _) => self.end(call, Some(&format!("bye_{status}"))),
        }
    }

    fn handle_failure(&mut self, tx: ClientTx, inviting: &str, ending: &str) {
        let (call, step) = parts(tx);
        self.end(call, Some(if step == INVITE { inviting } else { ending }));
    }

    /// A 2xx came: acknowledge it, and stay or leave.
    fn handle_answer(&mut self, number: u32, response: &Message, now: Mono) {
        let flow = self.flow;
        let Some(call) = self.calls.get_mut(&number) else { return };
        let Some(dialog) = Dialog::uac(&call.invite, response, &flow) else {
            return self.end(number, Some("no_dialog"));
        };
        let ack = dialog.ack(&call.invite).build();
        let tx = transaction(number, INVITE);
        self.outputs.push_back(Do::Sip(FromBrain::Ack { tx, message: ack, flow }));
        let wanted = match call.state {
            State::Inviting => true,
            State::Cancelling => false,
            State::Talking { .. } | State::Ending { .. } => return,
        };
        self.figures.setup.record(now.since(call.invited));
        self.figures.answered += 1;
        call.state = State::Talking { dialog: Box::new(dialog), answered: now };
        self.talking += 1;
        let offer = sdp::offer(&self.capabilities(number), 1, Direction::SendRecv);
        let agreed =
            Session::parse(response.body()).ok().map(|answer| sdp::accept(&offer, &answer));
        match agreed {
            Some(Ok(agreed)) => {
                let from = now + self.plan.digits_after;
                let keys =
                    Some((self.plan.digits.clone(), from)).filter(|(keys, _)| !keys.is_empty());
                self.outputs.push_back(Do::Media(ToMedia::Open(Leg {
                    leg: leg_of(number),
                    socket: leg_of(number) as usize % self.ports.len(),
                    remote: agreed.remote,
                    payload_type: agreed.payload_type,
                    digits_payload_type: agreed.digits_payload_type,
                    keys,
                })));
            }
            Some(Err(_)) | None => return self.hang_up(number, Some("bad_sdp")),
        }
        if wanted {
            self.hang_ups.insert((now + self.plan.duration, number));
        } else {
            self.hang_up(number, Some("interrupted"));
        }
    }

    /// The server asks for something: BYE above all.
    fn handle_request(&mut self, tx: ServerTx, request: &Message) {
        let call = request.call_id().split('.').next().and_then(|number| number.parse().ok());
        let is_known = call.is_some_and(|call| self.calls.contains_key(&call));
        let status = match request.method() {
            Method::Bye if is_known => 200,
            Method::Bye => 481,
            Method::Options => 200,
            // A change of the session is refused, which leaves it as it is (RFC 3261 §14.2).
            Method::Invite => 488,
            _ => 405,
        };
        let response = sip::ResponseBuilder::to(request, status).to_tag("load").build();
        self.sip(FromBrain::Respond { tx, message: response });
        if let (Method::Bye, Some(call)) = (request.method(), call) {
            self.handle_bye(call);
        }
    }

    fn handle_bye(&mut self, number: u32) {
        match self.calls.get(&number).map(|call| &call.state) {
            Some(State::Talking { .. }) => self.end(number, Some("hung_up_on")),
            // Both hung up at once: our BYE is answered as well.
            Some(State::Ending { .. } | State::Inviting | State::Cancelling) | None => {}
        }
    }

    /// Calls whose time is over hang up.
    pub(super) fn handle_timeout(&mut self, now: Mono) {
        while let Some((due, call)) = self.hang_ups.first().copied() {
            if due > now {
                break;
            }
            self.hang_ups.pop_first();
            self.hang_up(call, None);
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.hang_ups.first().map(|(due, _)| *due)
    }

    /// What is to be done next.
    pub(super) fn poll_output(&mut self) -> Option<Do> {
        self.outputs.pop_front()
    }

    /// All calls end now.
    pub(super) fn handle_finish(&mut self) {
        let calls: Vec<u32> = self.calls.keys().copied().collect();
        for number in calls {
            let Some(call) = self.calls.get_mut(&number) else { continue };
            match call.state {
                State::Inviting => {
                    call.state = State::Cancelling;
                    self.sip(FromBrain::Cancel { tx: transaction(number, INVITE), reason: "" });
                }
                State::Talking { .. } => self.hang_up(number, Some("interrupted")),
                State::Cancelling | State::Ending { .. } => {}
            }
        }
    }

    /// The calls that have not ended are given up.
    pub(super) fn give_up(&mut self) {
        let calls: Vec<u32> = self.calls.keys().copied().collect();
        calls.into_iter().for_each(|call| self.end(call, Some("never_ended")));
    }

    fn hang_up(&mut self, number: u32, failed: Option<&'static str>) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        let State::Talking { dialog, answered } = &mut call.state else { return };
        let (message, flow) = (dialog.bye().build(), self.flow);
        self.hang_ups.remove(&(*answered + self.plan.duration, number));
        call.state = State::Ending { failed };
        self.talking -= 1;
        self.sip(FromBrain::Request { tx: transaction(number, BYE), message, flow });
        self.outputs.push_back(Do::Media(ToMedia::Close { leg: leg_of(number) }));
    }

    /// Our BYE was answered.
    fn ended(&mut self, number: u32) {
        let failed = match self.calls.get(&number).map(|call| &call.state) {
            Some(State::Ending { failed }) => *failed,
            Some(State::Inviting | State::Cancelling | State::Talking { .. }) | None => None,
        };
        self.end(number, failed);
    }

    /// The call is over and counted.
    fn end(&mut self, number: u32, failed: Option<&str>) {
        let Some(call) = self.calls.remove(&number) else { return };
        let caller = self.plan.callers.of(number);
        if self.by_number.get(&caller) == Some(&number) {
            self.by_number.remove(&caller);
        }
        if let State::Talking { answered, .. } = call.state {
            self.talking -= 1;
            self.hang_ups.remove(&(answered + self.plan.duration, number));
            self.outputs.push_back(Do::Media(ToMedia::Close { leg: leg_of(number) }));
        }
        match failed {
            None => self.figures.ok += 1,
            Some(reason) => *self.figures.failed.entry(reason.to_owned()).or_default() += 1,
        }
    }

    /// A caller has pressed the last key.
    pub(super) fn handle_released(&mut self, released: Released) {
        if let Some(call) = self.calls.get_mut(&(released.leg / 2)) {
            call.released = Some(released.at);
        }
    }

    /// The call whose caller is shown so. Where the number is masked, the oldest call that fits and
    /// that no agent's phone was called for yet: queues are served in order.
    fn find(&self, shown: &[String]) -> Option<u32> {
        let whole = shown.iter().find_map(|shown| self.by_number.get(shown)).copied();
        whole.or_else(|| {
            let masked = shown.iter().find(|shown| shown.contains('*'))?;
            let waiting = self.calls.iter().filter(|(_, call)| !call.offered);
            waiting
                .map(|(number, _)| *number)
                .find(|call| fits(&self.plan.callers.of(*call), masked))
        })
    }

    /// An agent's phone was called for the caller who is shown so; which call that is.
    pub(super) fn handle_offered(&mut self, shown: &[String], now: Mono) -> Option<u32> {
        let number = self.find(shown)?;
        let call = self.calls.get_mut(&number)?;
        if !std::mem::replace(&mut call.offered, true) {
            let (released, invited) = (call.released, call.invited);
            match released {
                Some(released) => self.figures.key_to_agent_invite.record(now.since(released)),
                None => self.figures.agent_invite.record(now.since(invited)),
            }
        }
        Some(number)
    }

    /// An agent's desktop was shown a call, and the agent's phone rang.
    pub(super) fn handle_popped(&mut self, shown: &Shown) {
        let Some(call) = self.calls.get(&shown.call) else { return };
        self.figures.pop.record(shown.popped.since(call.invited));
        self.figures.rang_before_pop += u32::from(shown.rang < shown.popped);
    }

    fn sip(&mut self, command: FromBrain) {
        self.outputs.push_back(Do::Sip(command));
    }
}

/// Whether a number may be the one that is shown with `*` for some of its digits.
fn fits(number: &str, masked: &str) -> bool {
    number.len() == masked.len()
        && number.bytes().zip(masked.bytes()).all(|(digit, shown)| shown == b'*' || shown == digit)
}

/// The media leg of a caller.
pub(super) const fn leg_of(call: u32) -> u32 {
    call * 2
}

/// What a phone of this generator can do.
pub(super) fn capabilities(address: SocketAddr, codec: Codec, session_id: u64) -> Capabilities {
    Capabilities {
        address,
        codecs: vec![codec],
        digits: true,
        noise: false,
        session_id,
        srtp: Srtp::OFF,
        browser: None,
    }
}

/// How long a run may take after its last call has begun.
pub(super) fn time_to_end(plan: &Plan) -> Duration {
    // An INVITE that nobody answers takes 32 s to time out (RFC 3261 §17.1.1.2), so does a BYE.
    plan.duration + Duration::from_secs(70)
}

#[cfg(test)]
mod tests;
