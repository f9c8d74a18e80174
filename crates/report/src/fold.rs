//! One call's facts, folded.

mod parties;
mod tapes;

use model::{
    AgentId, AgentState, CallId, Decision, Direction, Fact, FactBody, HangupCause, LegId, LegRole,
    MissedCause, Mono, OfferId, Outcome, OverflowTarget, Pii, QueueId, Target, Tier, TrunkId, Wall,
};

use crate::open_call::{OpenCall, OpenDialog};
use crate::record::{CallLeg, CallRecord, Input, Offer, Overflow};

/// A moment on the monotonic clock of one engine's life. Moments of different lives cannot be
/// subtracted.
#[derive(Debug, Clone, Copy)]
struct Moment {
    epoch: u32,
    mono: Mono,
}

impl Moment {
    const fn of(fact: &Fact) -> Self {
        Self { epoch: fact.epoch, mono: fact.mono }
    }

    fn ms_since(self, earlier: Self) -> Option<u64> {
        (self.epoch == earlier.epoch).then(|| self.mono.ms_since(earlier.mono))
    }
}

/// Where the call is with its agent.
#[derive(Debug, Clone, Copy)]
enum Service {
    /// Nobody answered yet.
    None,
    /// In conversation.
    Talking { leg: LegId, since: Moment },
    /// The conversation is over; the agent's after-call work has not begun.
    Talked,
    /// After-call work.
    Acw { since: Moment },
    /// The agent is done with it.
    Over,
}

impl Service {
    fn is_talking_on(self, leg: LegId) -> bool {
        match self {
            Self::Talking { leg: its, .. } => its == leg,
            Self::None | Self::Talked | Self::Acw { .. } | Self::Over => false,
        }
    }
}

/// More phones than ring for one call.
const RINGING_LIMIT: usize = 100;

/// An offer whose phone rings.
#[derive(Debug, Clone, Copy)]
struct Ringing {
    offer: OfferId,
    leg: LegId,
    since: Moment,
}

/// One call as far as its facts tell.
#[derive(Debug)]
pub(crate) struct Fold {
    record: CallRecord,
    ended: bool,
    waiting_since: Option<Moment>,
    /// Several, where a queue rings several agents for one call.
    ringing: Vec<Ringing>,
    service: Service,
    dialogs: Vec<OpenDialog>,
    /// Legs that have ended and whose measurement follows.
    unmeasured: usize,
}

impl Fold {
    /// The call that `fact` begins, or `None` if it begins none.
    pub(crate) fn begin(fact: &Fact) -> Option<Self> {
        let (call, direction, trunk, (ani, dnis), legs, sip_call_id) = match &fact.body {
            FactBody::CallArrived { call, leg, trunk, ani, dnis, sip_call_id } => {
                let legs = vec![begun(*leg, LegRole::Caller, fact.wall)];
                let numbers = (ani.clone(), dnis.clone());
                (call, Direction::Inbound, trunk.clone(), numbers, legs, sip_call_id.clone())
            }
            FactBody::CallPlaced { call, trunk, number, shown, .. }
            | FactBody::CallbackBegun { call, trunk, number, shown, .. } => {
                let numbers = (number.clone(), shown.clone());
                (call, Direction::Outbound, trunk.clone(), numbers, Vec::new(), String::new())
            }
            FactBody::CalledInside { call, leg, agent, to } => {
                let numbers = (Pii::from(agent.as_str()), shown_inside(to));
                let legs = vec![begun(*leg, LegRole::Agent(agent.clone()), fact.wall)];
                (call, Direction::Internal, TrunkId::from(""), numbers, legs, String::new())
            }
            _ => return None,
        };
        let (queue, callback_of) = match &fact.body {
            FactBody::CallbackBegun { queue, callback, .. } => {
                (Some(queue.clone()), Some(*callback))
            }
            _ => (None, None),
        };
        let record = CallRecord {
            call: *call,
            direction,
            trunk,
            ani,
            dnis,
            diverted_from: None,
            callback_of,
            sip_call_id,
            arrived: fact.wall,
            answered: None,
            queued: None,
            agent_answered: None,
            ended: fact.wall,
            menu_path: Vec::new(),
            inputs: Vec::new(),
            queue,
            tier: None,
            waited_ms: None,
            rang_ms: None,
            talked_ms: None,
            acw_ms: None,
            offers: Vec::new(),
            legs,
            transfers: Vec::new(),
            overflows: Vec::new(),
            agent: None,
            outcome: Outcome::EngineLost,
            cause: HangupCause::EngineLost,
            lookup: None,
            lookup_ms: None,
            customer_id: None,
            recordings: Vec::new(),
            disposition: None,
            settled: false,
        };
        Some(Self {
            record,
            ended: false,
            waiting_since: None,
            ringing: Vec::new(),
            service: Service::None,
            dialogs: Vec::new(),
            unmeasured: 0,
        })
    }

    /// Whether the call has ended.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether all that may still come is a disposition.
    pub(crate) fn is_settled(&self) -> bool {
        self.record.settled
    }

    /// Whether no fact can change the record any more.
    pub(crate) fn is_final(&self) -> bool {
        self.record.settled && (self.record.agent.is_none() || self.record.disposition.is_some())
    }

    /// The record, once the call has ended.
    pub(crate) fn record(&self) -> Option<CallRecord> {
        self.ended.then(|| self.record.clone())
    }

    /// Folds one fact of this call. Returns whether the record changed.
    #[expect(clippy::too_many_lines, reason = "every kind of fact is named")]
    pub(crate) fn apply(&mut self, fact: &Fact) -> bool {
        let changed = match &fact.body {
            FactBody::CallDiverted { number, .. } => self.divert(number),
            FactBody::CallAnswered { .. } => set_once(&mut self.record.answered, fact.wall),
            FactBody::DialogEstablished { .. } => self.talk_begins(fact),
            FactBody::MenuEntered { node, .. } => {
                push_bounded(&mut self.record.menu_path, node.clone(), CallRecord::MENU_LIMIT)
            }
            FactBody::DigitsCollected { node, digits, .. } => self.key(node, digits),
            FactBody::LookupEnded { result, customer_id, took_ms, .. } => {
                self.look_up(result, customer_id.as_ref(), *took_ms)
            }
            FactBody::Queued { queue, entered, .. } => self.enter(queue, *entered, fact),
            FactBody::Overflowed { queue, why, to, .. } => self.overflow(queue, why, to, fact),
            FactBody::CallbackBooked { .. } => self.hand_in_place(fact),
            FactBody::TierReached { tier, .. } => self.reach(*tier),
            FactBody::Offered { offer, agent, why, .. } => {
                self.offer(*offer, agent, why.clone(), fact)
            }
            FactBody::Rang { offer, agent, leg, .. } => self.ring(*offer, agent, *leg, fact),
            FactBody::PhoneRung { .. }
            | FactBody::Dialled { .. }
            | FactBody::TransferBegun { .. }
            | FactBody::TransferEnded { .. }
            | FactBody::GuestAnswered { .. }
            | FactBody::CallTaken { .. } => self.bring_in(fact),
            FactBody::Missed { offer, cause, .. } => self.miss(*offer, *cause, fact),
            FactBody::AgentAnswered { agent, leg, .. } => self.answer(agent, *leg, fact),
            FactBody::TrunkTried { leg, trunk, .. } => self.try_trunk(*leg, trunk, fact.wall),
            FactBody::NumberAnswered { leg, agent, .. } => self.number_answers(agent, *leg, fact),
            FactBody::LegEnded { .. } | FactBody::LegMeasured { .. } => self.let_go(fact),
            FactBody::CallEnded { outcome, cause, .. } => self.end(*outcome, *cause, fact),
            FactBody::WrappedUp { disposition, .. } => self.dispose(disposition),
            FactBody::RecordingStarted { .. }
            | FactBody::MessageLeft { .. }
            | FactBody::MessageDone { .. }
            | FactBody::RecordingGap { .. }
            | FactBody::RecordingPaused { .. }
            | FactBody::RecordingLost { .. }
            | FactBody::RecordingHeld { .. }
            | FactBody::RecordingReleased { .. }
            | FactBody::RecordingDoomed { .. }
            | FactBody::RecordingDeleted { .. }
            | FactBody::RecordingSealed { .. } => self.apply_tape(fact),
            FactBody::EngineStarted { .. }
            | FactBody::EngineStopped
            | FactBody::CallArrived { .. }
            | FactBody::CallPlaced { .. }
            | FactBody::CalledInside { .. }
            | FactBody::CallbackBegun { .. }
            | FactBody::CallbackMissed { .. }
            | FactBody::CallbackEnded { .. }
            | FactBody::Popped { .. }
            | FactBody::ConferenceBegun { .. }
            | FactBody::Held { .. }
            | FactBody::Retrieved { .. }
            | FactBody::RecordingResumed { .. }
            | FactBody::RecordingArchived { .. }
            | FactBody::RecordingUnpaused { .. }
            | FactBody::AgentChanged { .. }
            | FactBody::Registered { .. }
            | FactBody::Unregistered { .. }
            | FactBody::SessionOpened { .. }
            | FactBody::Refused { .. }
            | FactBody::Unmasked { .. }
            | FactBody::Played { .. }
            | FactBody::Traced { .. }
            | FactBody::TrunkReachable { .. }
            | FactBody::TrunkUnreachable { .. }
            | FactBody::HoursChanged { .. }
            | FactBody::Prioritised { .. }
            | FactBody::Steered { .. }
            | FactBody::PlanSwitched { .. }
            | FactBody::TrunkRegistered { .. }
            | FactBody::TrunkUnregistered { .. }
            | FactBody::AlarmRaised { .. }
            | FactBody::AlarmCleared { .. } => false,
        };
        self.settle();
        changed
    }

    fn reach(&mut self, tier: Option<Tier>) -> bool {
        self.record.tier = self.record.tier.max(tier);
        tier.is_some()
    }

    fn divert(&mut self, from: &Pii<String>) -> bool {
        set_once(&mut self.record.diverted_from, from.clone())
    }

    fn key(&mut self, node: &str, digits: &str) -> bool {
        let input = Input { node: node.to_owned(), digits: digits.to_owned() };
        push_bounded(&mut self.record.inputs, input, CallRecord::MENU_LIMIT)
    }

    /// The number that an agent called answered, and with it the call.
    fn number_answers(&mut self, agent: &AgentId, leg: LegId, fact: &Fact) -> bool {
        set_once(&mut self.record.answered, fact.wall);
        self.answer(agent, leg, fact)
    }

    fn dispose(&mut self, disposition: &str) -> bool {
        self.record.disposition = Some(disposition.to_owned());
        true
    }

    fn look_up(&mut self, result: &str, customer: Option<&String>, took_ms: u64) -> bool {
        self.record.lookup = Some(result.to_owned());
        self.record.lookup_ms = Some(took_ms);
        self.record.customer_id = customer.cloned();
        true
    }

    /// A leg's dialog stands. One by which an agent's phone called by itself, or took another's
    /// place, was not offered anything.
    fn talk_begins(&mut self, fact: &Fact) -> bool {
        let FactBody::DialogEstablished { leg, role, dialog, trunk, .. } = &fact.body else {
            return false;
        };
        if self.ringing.iter().any(|ringing| ringing.leg == *leg) {
            self.stop_ringing(Moment::of(fact), |_| true);
        }
        if self.leg(*leg).is_none() {
            self.join(begun(*leg, role.clone(), fact.wall));
        }
        let (role, dialog, trunk) = (role.clone(), dialog.clone(), trunk.clone());
        self.establish(OpenDialog { leg: *leg, role, dialog, trunk });
        self.leg(*leg).map(|known| known.answered.get_or_insert(fact.wall)).is_some()
    }

    /// A call to the outside is the line's that carried it last. Lines to who is brought in later
    /// change nothing: their legs are known by [`FactBody::Dialled`].
    fn try_trunk(&mut self, leg: LegId, trunk: &TrunkId, at: Wall) -> bool {
        let called = self.called();
        let is_theirs = called.is_none_or(|called| called == leg);
        if self.record.direction != Direction::Outbound || !is_theirs {
            return false;
        }
        self.record.trunk = trunk.clone();
        if called.is_none() {
            let role = LegRole::Number(self.record.ani.clone());
            self.join(begun(leg, role, at));
        }
        true
    }

    fn establish(&mut self, open: OpenDialog) {
        let leg = open.leg;
        let is_theirs = match self.record.direction {
            Direction::Inbound => false,
            Direction::Outbound => self.called() == Some(leg),
            // Of two agents, that of the one who called.
            Direction::Internal => self.record.legs.first().is_some_and(|first| first.leg == leg),
        };
        if is_theirs {
            self.record.sip_call_id.clone_from(&open.dialog.call_id);
        }
        // A dialog is written down again when it has changed.
        self.dialogs.retain(|known| known.leg != leg);
        self.dialogs.push(open);
    }

    fn enter(&mut self, queue: &QueueId, entered: Mono, fact: &Fact) -> bool {
        let entered = Moment { epoch: fact.epoch, mono: entered };
        set_once(&mut self.record.queued, fact.wall);
        self.record.queue = Some(queue.clone());
        // A call that changes the queue has waited since it entered the first one.
        self.waiting_since.get_or_insert(entered);
        true
    }

    /// A queue sends the call elsewhere. Who goes to no other queue waits no longer.
    fn overflow(&mut self, queue: &QueueId, why: &str, to: &OverflowTarget, fact: &Fact) -> bool {
        match to {
            OverflowTarget::Queue(_) => {}
            OverflowTarget::Announcement(_)
            | OverflowTarget::Number(_)
            | OverflowTarget::Mailbox(_)
            | OverflowTarget::Callback => self.stop_waiting(Moment::of(fact)),
        }
        let (queue, to, why) = (queue.clone(), to.clone(), why.to_owned());
        let sent = Overflow { queue, why, to, at: fact.wall };
        push_bounded(&mut self.record.overflows, sent, CallRecord::OVERFLOW_LIMIT)
    }

    fn ring(&mut self, offer: OfferId, agent: &AgentId, leg: LegId, fact: &Fact) -> bool {
        if self.ringing.len() >= RINGING_LIMIT {
            self.ringing.remove(0);
        }
        self.ringing.push(Ringing { offer, leg, since: Moment::of(fact) });
        self.join(begun(leg, LegRole::Agent(agent.clone()), fact.wall))
    }

    /// The caller waits no longer on the line: they are called back.
    fn hand_in_place(&mut self, fact: &Fact) -> bool {
        self.stop_waiting(Moment::of(fact));
        true
    }

    fn offer(
        &mut self,
        offer: OfferId,
        agent: &AgentId,
        why: Option<Box<Decision>>,
        fact: &Fact,
    ) -> bool {
        if self.record.offers.len() >= CallRecord::OFFER_LIMIT {
            self.record.offers.remove(0);
        }
        let (agent, at) = (agent.clone(), fact.wall);
        self.record.offers.push(Offer { offer, agent, at, rang_ms: None, missed: None, why });
        true
    }

    fn miss(&mut self, offer: OfferId, cause: MissedCause, fact: &Fact) -> bool {
        self.stop_ringing(Moment::of(fact), |ringing| ringing.offer == offer);
        let missed = self.record.offers.iter_mut().find(|known| known.offer == offer);
        missed.map(|missed| missed.missed = Some(cause)).is_some()
    }

    fn answer(&mut self, agent: &AgentId, leg: LegId, fact: &Fact) -> bool {
        let now = Moment::of(fact);
        // What the call's own time of ringing tells is that of the phone that was answered.
        self.stop_ringing(now, |ringing| ringing.leg != leg);
        self.stop_ringing(now, |_| true);
        self.stop_waiting(now);
        set_once(&mut self.record.agent_answered, fact.wall);
        self.record.agent = Some(agent.clone());
        self.service = Service::Talking { leg, since: now };
        true
    }

    fn end(&mut self, outcome: Outcome, cause: HangupCause, fact: &Fact) -> bool {
        if self.ended {
            return false;
        }
        let now = Moment::of(fact);
        self.stop_ringing(now, |_| true);
        self.stop_talking(now);
        self.stop_waiting(now);
        self.dialogs.clear();
        self.record.ended = fact.wall;
        self.record.outcome = outcome;
        self.record.cause = cause;
        self.ended = true;
        true
    }

    /// The agent who answered this call is now in `state`, with `call`. Returns whether the agent
    /// is done with this call.
    pub(crate) fn apply_agent(
        &mut self,
        state: AgentState,
        call: Option<CallId>,
        fact: &Fact,
    ) -> bool {
        let now = Moment::of(fact);
        let done = match (state, self.service) {
            (AgentState::Acw, Service::Talking { .. } | Service::Talked) => {
                self.stop_talking(now);
                self.service = Service::Acw { since: now };
                false
            }
            (AgentState::Acw, Service::None | Service::Acw { .. } | Service::Over) => false,
            (AgentState::Reserved | AgentState::Ringing | AgentState::Talking, _)
                if call == Some(self.record.call) =>
            {
                false
            }
            (
                AgentState::Idle | AgentState::Reserved | AgentState::Ringing | AgentState::Talking,
                service,
            ) => {
                self.stop_talking(now);
                self.record.acw_ms = match service {
                    Service::Acw { since } => now.ms_since(since),
                    Service::None | Service::Talking { .. } | Service::Talked => Some(0),
                    Service::Over => self.record.acw_ms,
                };
                self.service = Service::Over;
                true
            }
        };
        self.settle();
        done
    }

    /// The engine was lost: no agent is busy with this call any more, whatever its facts say.
    pub(crate) fn apply_loss(&mut self) {
        self.unmeasured = 0;
        if self.ended {
            self.service = match self.service {
                Service::None => Service::None,
                Service::Talking { .. } | Service::Talked | Service::Acw { .. } | Service::Over => {
                    Service::Over
                }
            };
            self.settle();
        }
    }

    /// What a lost engine left of this call, which has not ended.
    pub(crate) fn open(&self, call: CallId) -> OpenCall {
        OpenCall { call, queue: self.record.queue.clone(), dialogs: self.dialogs.clone() }
    }

    /// The phones that are meant ring no longer.
    fn stop_ringing(&mut self, now: Moment, is_meant: impl Fn(&Ringing) -> bool) {
        for ringing in self.ringing.extract_if(.., |ringing| is_meant(ringing)) {
            let rang_ms = now.ms_since(ringing.since);
            self.record.rang_ms = rang_ms;
            if let Some(offer) = self.record.offers.iter_mut().find(|o| o.offer == ringing.offer) {
                offer.rang_ms = rang_ms;
            }
        }
    }

    fn stop_waiting(&mut self, now: Moment) {
        if let Some(since) = self.waiting_since.take() {
            self.record.waited_ms = sum(self.record.waited_ms, now.ms_since(since));
        }
    }

    fn stop_talking(&mut self, now: Moment) {
        if let Service::Talking { since, .. } = self.service {
            self.record.talked_ms = sum(self.record.talked_ms, now.ms_since(since));
            self.service = Service::Talked;
        }
    }

    fn settle(&mut self) {
        let served = match self.service {
            Service::None | Service::Over => true,
            // Whom a queue sent to a number has talked with nobody who works after it.
            Service::Talked => self.record.agent.is_none(),
            Service::Talking { .. } | Service::Acw { .. } => false,
        };
        let sealed = self.record.recordings.iter().all(|taped| taped.seal.is_some() || taped.lost);
        self.record.settled = self.ended && served && sealed && self.unmeasured == 0;
    }

    /// Who answered.
    pub(crate) const fn agent(&self) -> Option<&AgentId> {
        self.record.agent.as_ref()
    }
}

/// What is in the place of the dialled number where no number was.
fn shown_inside(to: &Target) -> String {
    match to {
        Target::Agent(agent) => agent.as_str().to_owned(),
        Target::Queue(queue) => queue.as_str().to_owned(),
        Target::Number(number) => number.masked().to_string(),
    }
}

const fn begun(leg: LegId, role: LegRole, began: Wall) -> CallLeg {
    CallLeg { leg, role, began, answered: None, ended: None, cause: None, quality: None }
}

/// One time after another; what is not known of one is not known of both.
fn sum(before: Option<u64>, more: Option<u64>) -> Option<u64> {
    more.map(|more| before.unwrap_or(0) + more)
}

fn set_once<T>(slot: &mut Option<T>, value: T) -> bool {
    if slot.is_some() {
        return false;
    }
    *slot = Some(value);
    true
}

fn push_bounded<T>(list: &mut Vec<T>, value: T, limit: usize) -> bool {
    if list.len() >= limit {
        return false;
    }
    list.push(value);
    true
}
