//! What a board and a metrics page show: counts since the engine's start and since midnight.

use std::collections::BTreeMap;

use model::{
    AgentId, AgentState, AgentStatus, CallId, Fact, FactBody, Mono, Outcome, OverflowTarget,
    QueueId, Wall,
};

use crate::agent_times::{AgentTimes, Doing, Done};

/// What figures are counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// An answer within this time of entering the queue is in time.
    pub service_level_ms: u64,
    /// How far the hotline's midnight is before UTC's, in seconds east (28,800 for China).
    pub utc_offset_s: i32,
}

impl Default for Config {
    fn default() -> Self {
        Self { service_level_ms: 20_000, utc_offset_s: 8 * 3600 }
    }
}

/// Counts of calls in a queue. All only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that entered.
    pub entered: u64,
    /// Calls that an agent answered.
    pub answered: u64,
    /// Calls that an agent answered within the service level's time.
    pub answered_in_time: u64,
    /// Calls whose caller left while waiting or while an agent's phone rang.
    pub abandoned: u64,
    /// Those of them that did within the service level's time.
    pub abandoned_in_time: u64,
    /// Calls that waited for longer than the service level's time, whatever became of them then.
    pub late: u64,
    /// Offers that an agent did not take.
    pub missed: u64,
    /// What answered calls waited, together.
    pub waited_ms: u64,
}

impl Counts {
    /// Answered in time, of those answered or abandoned, in thousandths; `None` before the first.
    pub const fn service_level_permille(&self) -> Option<u64> {
        (self.answered_in_time * 1000).checked_div(self.answered + self.abandoned)
    }

    /// What an answered call waited on average (ASA); `None` before the first.
    pub const fn average_wait_ms(&self) -> Option<u64> {
        self.waited_ms.checked_div(self.answered)
    }
}

/// One queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Calls that wait now, those whose agent's phone rings included.
    pub waiting: u64,
    /// Calls in conversation now.
    pub talking: u64,
    /// Since the figures began.
    pub total: Counts,
    /// Since the hotline's midnight.
    pub today: Counts,
}

/// Those who wait in a queue now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// How long the first of them has waited, in milliseconds.
    pub longest_ms: u64,
    /// How many wait for longer than the service level's time.
    pub late: u64,
}

/// Calls by how they ended.
pub type Outcomes = BTreeMap<Outcome, u64>;

/// The fold. Bounded by the open calls, the configured queues and agents.
#[derive(Debug)]
pub struct Figures {
    config: Config,
    day: i64,
    calls: BTreeMap<CallId, Place>,
    queues: BTreeMap<QueueId, QueueFigures>,
    agents: BTreeMap<AgentId, (AgentStatus, AgentState)>,
    times: AgentTimes,
    arrived: u64,
    outcomes: Outcomes,
    outcomes_today: Outcomes,
}

/// Where an open call is.
#[derive(Debug, Clone)]
enum Place {
    Menu,
    Waiting {
        queue: QueueId,
        entered: Mono,
    },
    Talking {
        queue: QueueId,
    },
    /// An agent called someone: it is none of the hotline's calls, unless it enters a queue.
    Outside,
}

impl Figures {
    /// With nothing counted; `queues` are shown from the start.
    pub fn new(config: Config, queues: impl IntoIterator<Item = QueueId>) -> Self {
        Self {
            config,
            day: i64::MIN,
            calls: BTreeMap::new(),
            queues: queues.into_iter().map(|queue| (queue, QueueFigures::default())).collect(),
            agents: BTreeMap::new(),
            times: AgentTimes::default(),
            arrived: 0,
            outcomes: Outcomes::new(),
            outcomes_today: Outcomes::new(),
        }
    }

    /// Folds one fact.
    #[expect(clippy::too_many_lines, reason = "every kind of fact is named")]
    pub fn apply(&mut self, fact: &Fact) {
        self.turn_day(fact.wall);
        match &fact.body {
            FactBody::EngineStarted { .. } => self.begin_anew(),
            FactBody::CallArrived { call, .. } => {
                self.arrived += 1;
                self.calls.insert(*call, Place::Menu);
            }
            // Who is called back was counted when they called.
            FactBody::CallPlaced { call, .. }
            | FactBody::CallbackBegun { call, .. }
            | FactBody::CalledInside { call, .. } => {
                self.calls.insert(*call, Place::Outside);
            }
            FactBody::Queued { call, queue, entered, .. } => {
                self.enter(*call, queue, *entered, fact.mono);
            }
            FactBody::Overflowed { call, to, .. } => self.overflow(*call, to, fact.mono),
            FactBody::CallbackBooked { call, .. } => self.wait_no_more(*call, fact.mono),
            FactBody::Missed { call, .. } => self.miss(*call),
            FactBody::AgentAnswered { call, .. } => self.answer(*call, fact.mono),
            FactBody::CallEnded { call, outcome, .. } => self.end(*call, *outcome, fact.mono),
            FactBody::AgentChanged { agent, status, state, .. } => {
                self.times.change(agent, (*status, *state), fact.mono);
                self.agents.insert(agent.clone(), (*status, *state));
            }
            FactBody::EngineStopped
            | FactBody::CallDiverted { .. }
            | FactBody::CallAnswered { .. }
            | FactBody::PhoneRung { .. }
            | FactBody::NumberAnswered { .. }
            | FactBody::DialogEstablished { .. }
            | FactBody::MenuEntered { .. }
            | FactBody::DigitsCollected { .. }
            | FactBody::LookupEnded { .. }
            | FactBody::CallbackMissed { .. }
            | FactBody::CallbackEnded { .. }
            | FactBody::TierReached { .. }
            | FactBody::Offered { .. }
            | FactBody::Popped { .. }
            | FactBody::Rang { .. }
            | FactBody::TransferBegun { .. }
            | FactBody::Dialled { .. }
            | FactBody::GuestAnswered { .. }
            | FactBody::ConferenceBegun { .. }
            | FactBody::CallTaken { .. }
            | FactBody::TransferEnded { .. }
            | FactBody::Held { .. }
            | FactBody::Retrieved { .. }
            | FactBody::TrunkTried { .. }
            | FactBody::LegEnded { .. }
            | FactBody::LegMeasured { .. }
            | FactBody::WrappedUp { .. }
            | FactBody::RecordingStarted { .. }
            | FactBody::MessageLeft { .. }
            | FactBody::MessageDone { .. }
            | FactBody::RecordingGap { .. }
            | FactBody::RecordingResumed { .. }
            | FactBody::RecordingPaused { .. }
            | FactBody::RecordingUnpaused { .. }
            | FactBody::RecordingLost { .. }
            | FactBody::RecordingArchived { .. }
            | FactBody::RecordingHeld { .. }
            | FactBody::RecordingReleased { .. }
            | FactBody::RecordingDoomed { .. }
            | FactBody::RecordingDeleted { .. }
            | FactBody::RecordingSealed { .. }
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
            | FactBody::AlarmCleared { .. } => {}
        }
    }

    /// A new engine has no calls, and knows nothing of the agents.
    fn begin_anew(&mut self) {
        self.calls.clear();
        self.agents.clear();
        self.times.begin_anew();
        for queue in self.queues.values_mut() {
            (queue.waiting, queue.talking) = (0, 0);
        }
    }

    fn miss(&mut self, call: CallId) {
        if let Some(Place::Waiting { queue, .. }) = self.calls.get(&call).cloned() {
            self.count(&queue, |counts| counts.missed += 1);
        }
    }

    /// Begins a new day's counts if it is past midnight. [`Figures::apply`] does it by each fact's
    /// time; a board calls it when it shows figures after a silent midnight.
    pub fn turn_day(&mut self, now: Wall) {
        let local_s = now.0.div_euclid(1_000_000) + i64::from(self.config.utc_offset_s);
        let day = local_s.div_euclid(86_400);
        if day > self.day {
            self.day = day;
            self.outcomes_today.clear();
            for queue in self.queues.values_mut() {
                queue.today = Counts::default();
            }
        }
    }

    fn enter(&mut self, call: CallId, queue: &QueueId, entered: Mono, now: Mono) {
        let waiting = Place::Waiting { queue: queue.clone(), entered };
        match self.calls.insert(call, waiting) {
            Some(Place::Waiting { queue: before, entered }) => {
                self.leave_waiting(&before, entered, now);
            }
            Some(Place::Talking { queue: before }) => self.leave_talking(&before),
            Some(Place::Menu | Place::Outside) | None => {}
        }
        self.queue(queue).waiting += 1;
        self.count(queue, |counts| counts.entered += 1);
    }

    /// Who hears an announcement waits no longer; another queue says so itself.
    fn overflow(&mut self, call: CallId, to: &OverflowTarget, now: Mono) {
        match to {
            OverflowTarget::Announcement(_)
            | OverflowTarget::Number(_)
            | OverflowTarget::Mailbox(_)
            | OverflowTarget::Callback => self.wait_no_more(call, now),
            OverflowTarget::Queue(_) => {}
        }
    }

    /// The caller hears something before the end.
    fn wait_no_more(&mut self, call: CallId, now: Mono) {
        if let Some(Place::Waiting { queue, entered }) = self.calls.get(&call).cloned() {
            self.calls.insert(call, Place::Menu);
            self.leave_waiting(&queue, entered, now);
        }
    }

    fn answer(&mut self, call: CallId, now: Mono) {
        let Some(Place::Waiting { queue, entered }) = self.calls.get(&call).cloned() else {
            return;
        };
        self.calls.insert(call, Place::Talking { queue: queue.clone() });
        self.leave_waiting(&queue, entered, now);
        self.queue(&queue).talking += 1;
        let waited_ms = now.ms_since(entered);
        let in_time = u64::from(!self.is_late(entered, now));
        self.count(&queue, |counts| {
            counts.answered += 1;
            counts.answered_in_time += in_time;
            counts.waited_ms += waited_ms;
        });
    }

    fn end(&mut self, call: CallId, outcome: Outcome, now: Mono) {
        if let Some(Place::Outside) = self.calls.get(&call) {
            self.calls.remove(&call);
            return;
        }
        *self.outcomes.entry(outcome).or_default() += 1;
        *self.outcomes_today.entry(outcome).or_default() += 1;
        match self.calls.remove(&call) {
            Some(Place::Waiting { queue, entered }) => {
                self.leave_waiting(&queue, entered, now);
                let in_time = u64::from(!self.is_late(entered, now));
                if outcome == Outcome::Abandoned {
                    self.count(&queue, |counts| {
                        counts.abandoned += 1;
                        counts.abandoned_in_time += in_time;
                    });
                }
            }
            Some(Place::Talking { queue }) => self.leave_talking(&queue),
            Some(Place::Menu | Place::Outside) | None => {}
        }
    }

    fn is_late(&self, entered: Mono, now: Mono) -> bool {
        now.ms_since(entered) > self.config.service_level_ms
    }

    fn leave_waiting(&mut self, queue: &QueueId, entered: Mono, now: Mono) {
        let late = u64::from(self.is_late(entered, now));
        self.count(queue, |counts| counts.late += late);
        let queue = self.queue(queue);
        queue.waiting = queue.waiting.saturating_sub(1);
    }

    fn leave_talking(&mut self, queue: &QueueId) {
        let queue = self.queue(queue);
        queue.talking = queue.talking.saturating_sub(1);
    }

    fn count(&mut self, queue: &QueueId, how: impl Fn(&mut Counts)) {
        let queue = self.queue(queue);
        how(&mut queue.total);
        how(&mut queue.today);
    }

    fn queue(&mut self, queue: &QueueId) -> &mut QueueFigures {
        self.queues.entry(queue.clone()).or_default()
    }

    /// Every queue with its figures, by name.
    pub fn queues(&self) -> impl Iterator<Item = (&QueueId, &QueueFigures)> {
        self.queues.iter()
    }

    /// When the call that waits longest in `queue` entered, on the engine's clock.
    pub fn longest_waiting_since(&self, queue: &QueueId) -> Option<Mono> {
        self.calls
            .values()
            .filter_map(|place| match place {
                Place::Waiting { queue: its, entered } if its == queue => Some(*entered),
                Place::Waiting { .. } | Place::Menu | Place::Outside | Place::Talking { .. } => {
                    None
                }
            })
            .min()
    }

    /// How long who waits has waited, by queue; a queue in which nobody does is not among them.
    pub fn waits(&self, now: Mono) -> BTreeMap<&QueueId, Waits> {
        let mut waits: BTreeMap<&QueueId, Waits> = BTreeMap::new();
        for place in self.calls.values() {
            let Place::Waiting { queue, entered } = place else { continue };
            let of_queue = waits.entry(queue).or_default();
            of_queue.longest_ms = of_queue.longest_ms.max(now.ms_since(*entered));
            of_queue.late += u64::from(self.is_late(*entered, now));
        }
        waits
    }

    /// What agents do now, and for how long they did what since the figures began.
    pub fn doing(&self, now: Mono) -> BTreeMap<Doing, Done> {
        self.times.until(now)
    }

    /// Every agent's last known status and state, by number.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentId, &(AgentStatus, AgentState))> {
        self.agents.iter()
    }

    /// Calls in progress.
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// Calls that arrived since the figures began.
    pub const fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Calls that ended since the figures began, by outcome.
    pub const fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Calls that ended since the hotline's midnight, by outcome.
    pub const fn outcomes_today(&self) -> &Outcomes {
        &self.outcomes_today
    }
}
