//! One call's facts, folded.

use model::{
    AgentId, AgentState, CallId, Fact, FactBody, HangupCause, LegId, LegRole, Mono, OfferId,
    Outcome, RecordingId,
};

use crate::open_call::{OpenDialog, OpenRecording};
use crate::record::{CallRecord, Input, Offer, Recording};

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
    ringing: Option<Ringing>,
    service: Service,
    dialogs: Vec<OpenDialog>,
}

impl Fold {
    /// The call that `fact` begins, or `None` if it is not a `CallArrived`.
    pub(crate) fn begin(fact: &Fact) -> Option<Self> {
        let FactBody::CallArrived { call, trunk, ani, dnis, sip_call_id, .. } = &fact.body else {
            return None;
        };
        let record = CallRecord {
            call: *call,
            trunk: trunk.clone(),
            ani: ani.clone(),
            dnis: dnis.clone(),
            sip_call_id: sip_call_id.clone(),
            arrived: fact.wall,
            answered: None,
            queued: None,
            agent_answered: None,
            ended: fact.wall,
            menu_path: Vec::new(),
            inputs: Vec::new(),
            queue: None,
            tier: None,
            waited_ms: None,
            rang_ms: None,
            talked_ms: None,
            acw_ms: None,
            offers: Vec::new(),
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
            ringing: None,
            service: Service::None,
            dialogs: Vec::new(),
        })
    }

    /// Whether the call has ended.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
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
    pub(crate) fn apply(&mut self, fact: &Fact) -> bool {
        let changed = match &fact.body {
            FactBody::CallAnswered { .. } => set_once(&mut self.record.answered, fact.wall),
            FactBody::DialogEstablished { leg, role, dialog, .. } => {
                self.dialogs.retain(|known| known.leg != *leg);
                self.dialogs.push(OpenDialog {
                    leg: *leg,
                    role: role.clone(),
                    dialog: dialog.clone(),
                });
                false
            }
            FactBody::MenuEntered { node, .. } => {
                push_bounded(&mut self.record.menu_path, node.clone(), CallRecord::MENU_LIMIT)
            }
            FactBody::DigitsCollected { node, digits, .. } => {
                let input = Input { node: node.clone(), digits: digits.clone() };
                push_bounded(&mut self.record.inputs, input, CallRecord::MENU_LIMIT)
            }
            FactBody::LookupEnded { result, customer_id, took_ms, .. } => {
                self.record.lookup = Some(result.clone());
                self.record.lookup_ms = Some(*took_ms);
                self.record.customer_id.clone_from(customer_id);
                true
            }
            FactBody::Queued { .. }
            | FactBody::TierReached { .. }
            | FactBody::Offered { .. }
            | FactBody::Rang { .. }
            | FactBody::Missed { .. }
            | FactBody::AgentAnswered { .. } => self.apply_queue(fact),
            FactBody::LegEnded { .. } | FactBody::CallEnded { .. } => self.apply_end(fact),
            FactBody::WrappedUp { disposition, .. } => {
                self.record.disposition = Some(disposition.clone());
                true
            }
            FactBody::RecordingStarted { .. }
            | FactBody::RecordingGap { .. }
            | FactBody::RecordingResumed { .. }
            | FactBody::RecordingSealed { .. } => self.apply_recording(fact),
            FactBody::EngineStarted { .. }
            | FactBody::EngineStopped
            | FactBody::CallArrived { .. }
            | FactBody::Popped { .. }
            | FactBody::AgentChanged { .. }
            | FactBody::Registered { .. }
            | FactBody::Unregistered { .. }
            | FactBody::SessionOpened { .. }
            | FactBody::Refused { .. }
            | FactBody::Unmasked { .. }
            | FactBody::Played { .. }
            | FactBody::AlarmRaised { .. }
            | FactBody::AlarmCleared { .. } => false,
        };
        self.settle();
        changed
    }

    fn apply_queue(&mut self, fact: &Fact) -> bool {
        let now = Moment::of(fact);
        match &fact.body {
            FactBody::Queued { queue, entered, .. } => {
                set_once(&mut self.record.queued, fact.wall);
                self.record.queue = Some(queue.clone());
                // A call that changes the queue has waited since it entered the first one.
                let entered = Moment { epoch: fact.epoch, mono: *entered };
                self.waiting_since.get_or_insert(entered);
            }
            FactBody::TierReached { tier, .. } => {
                self.record.tier = self.record.tier.max(Some(*tier));
            }
            FactBody::Offered { offer, agent, .. } => {
                self.stop_ringing(now);
                if self.record.offers.len() >= CallRecord::OFFER_LIMIT {
                    self.record.offers.remove(0);
                }
                self.record.offers.push(Offer {
                    offer: *offer,
                    agent: agent.clone(),
                    at: fact.wall,
                    rang_ms: None,
                    missed: None,
                });
            }
            FactBody::Rang { offer, leg, .. } => {
                self.ringing = Some(Ringing { offer: *offer, leg: *leg, since: now });
            }
            FactBody::Missed { offer, cause, .. } => {
                self.stop_ringing(now);
                if let Some(missed) = self.record.offers.iter_mut().find(|o| o.offer == *offer) {
                    missed.missed = Some(*cause);
                }
            }
            FactBody::AgentAnswered { agent, leg, .. } => {
                self.stop_ringing(now);
                self.stop_waiting(now);
                set_once(&mut self.record.agent_answered, fact.wall);
                self.record.agent = Some(agent.clone());
                self.service = Service::Talking { leg: *leg, since: now };
            }
            _ => return false,
        }
        true
    }

    fn apply_end(&mut self, fact: &Fact) -> bool {
        let now = Moment::of(fact);
        match &fact.body {
            FactBody::LegEnded { leg, role, .. } => {
                self.dialogs.retain(|dialog| dialog.leg != *leg);
                let caller = matches!(role, LegRole::Caller);
                if caller || self.ringing.is_some_and(|ringing| ringing.leg == *leg) {
                    self.stop_ringing(now);
                }
                let talking =
                    matches!(self.service, Service::Talking { leg: its, .. } if its == *leg);
                if caller || talking {
                    self.stop_talking(now);
                }
                if caller {
                    self.stop_waiting(now);
                }
                false
            }
            FactBody::CallEnded { outcome, cause, .. } if !self.ended => {
                self.stop_ringing(now);
                self.stop_talking(now);
                self.stop_waiting(now);
                self.dialogs.clear();
                self.record.ended = fact.wall;
                self.record.outcome = *outcome;
                self.record.cause = *cause;
                self.ended = true;
                true
            }
            _ => false,
        }
    }

    fn apply_recording(&mut self, fact: &Fact) -> bool {
        match &fact.body {
            FactBody::RecordingStarted { recording, agent, path, .. } => {
                let begun = Recording {
                    recording: *recording,
                    agent: agent.clone(),
                    path: path.clone(),
                    started: fact.wall,
                    gaps: 0,
                    seal: None,
                    recovered: false,
                };
                push_bounded(&mut self.record.recordings, begun, CallRecord::RECORDING_LIMIT)
            }
            FactBody::RecordingGap { recording, .. } => {
                self.recording(*recording).map(|gapped| gapped.gaps += 1).is_some()
            }
            FactBody::RecordingSealed { recording, seal, recovered, .. } => self
                .recording(*recording)
                .map(|sealed| {
                    sealed.seal = Some(seal.clone());
                    sealed.recovered = *recovered;
                })
                .is_some(),
            _ => false,
        }
    }

    /// The agent who answered this call is now in `state`, with `call`. Returns whether the agent is
    /// done with this call.
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

    /// The dialogs that were established and did not end.
    pub(crate) fn dialogs(&self) -> &[OpenDialog] {
        &self.dialogs
    }

    /// The recordings that are not sealed.
    pub(crate) fn unsealed(&self) -> impl Iterator<Item = OpenRecording> + '_ {
        self.record.recordings.iter().filter(|taped| taped.seal.is_none()).map(|taped| {
            OpenRecording {
                call: self.record.call,
                recording: taped.recording,
                agent: taped.agent.clone(),
                path: taped.path.clone(),
            }
        })
    }

    fn recording(&mut self, recording: RecordingId) -> Option<&mut Recording> {
        self.record.recordings.iter_mut().find(|taped| taped.recording == recording)
    }

    fn stop_ringing(&mut self, now: Moment) {
        let Some(ringing) = self.ringing.take() else { return };
        let rang_ms = now.ms_since(ringing.since);
        self.record.rang_ms = rang_ms;
        if let Some(offer) = self.record.offers.iter_mut().find(|o| o.offer == ringing.offer) {
            offer.rang_ms = rang_ms;
        }
    }

    fn stop_waiting(&mut self, now: Moment) {
        if let Some(since) = self.waiting_since.take() {
            self.record.waited_ms = now.ms_since(since);
        }
    }

    fn stop_talking(&mut self, now: Moment) {
        if let Service::Talking { since, .. } = self.service {
            self.record.talked_ms = now.ms_since(since);
            self.service = Service::Talked;
        }
    }

    fn settle(&mut self) {
        let served = match self.service {
            Service::None | Service::Over => true,
            Service::Talking { .. } | Service::Talked | Service::Acw { .. } => false,
        };
        let sealed = self.record.recordings.iter().all(|taped| taped.seal.is_some());
        self.record.settled = self.ended && served && sealed;
    }

    /// Who answered.
    pub(crate) const fn agent(&self) -> Option<&AgentId> {
        self.record.agent.as_ref()
    }
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
