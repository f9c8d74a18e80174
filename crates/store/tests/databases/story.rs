//! Facts and records as an engine would write them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{
    AgentId, AgentState, AgentStatus, CallId, DialogSnapshot, Fact, FactBody, HangupCause, Id,
    LegId, LegRole, Mono, OfferId, Outcome, Pii, QueueId, RecordingId, SCHEMA_VERSION, Seal,
    Transport, TrunkId, Wall,
};
use report::{CallRecord, CallRecords, Limits};
use store::{Journal, Notice, Store, Writer, WriterLimits};
use tokio::sync::mpsc;

/// 2025-07-01T00:00:00 in China.
pub const TODAY: Wall = Wall(1_751_299_200_000_000);

/// One engine that writes down what happens to its calls.
pub struct Story {
    pub epoch: u32,
    pub next_seq: u64,
    records: CallRecords,
    facts: Vec<Fact>,
    changed: Vec<CallRecord>,
}

pub fn call(epoch: u32, counter: u32) -> CallId {
    CallId(Id::new(1, epoch, counter))
}

pub fn recording(epoch: u32, counter: u32) -> RecordingId {
    RecordingId(Id::new(1, epoch, counter))
}

/// A second into the day, `at_s`.
pub fn wall(at_s: i64) -> Wall {
    Wall(TODAY.0 + at_s * 1_000_000)
}

fn dialog() -> DialogSnapshot {
    let address = SocketAddr::from(([10, 0, 0, 1], 5060));
    DialogSnapshot {
        call_id: "a@b".to_owned(),
        local_tag: "us".to_owned(),
        remote_tag: "them".to_owned(),
        local_uri: "<sip:95512@10.0.0.1>".to_owned(),
        remote_uri: "<sip:8001@10.0.0.2>".to_owned(),
        remote_target: "sip:10.0.0.2:5060".to_owned(),
        route_set: Vec::new(),
        local_cseq: 1,
        remote_cseq: 1,
        transport: Transport::Udp,
        local: address,
        remote: address,
        sdp_version: 1,
    }
}

impl Story {
    pub fn new(epoch: u32) -> Self {
        Self {
            epoch,
            next_seq: 1,
            records: CallRecords::new(Limits::default()),
            facts: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Something happens `at_s` seconds into the day.
    pub fn tell(&mut self, at_s: i64, body: FactBody) -> &mut Self {
        let fact = Fact {
            site: 1,
            epoch: self.epoch,
            seq: self.next_seq,
            mono: Mono::from_ms(at_s as u64 * 1000),
            wall: wall(at_s),
            version: SCHEMA_VERSION,
            body,
        };
        self.next_seq += 1;
        self.changed.extend(self.records.apply(&fact));
        self.facts.push(fact);
        self
    }

    /// What was told since the last time.
    pub fn take(&mut self) -> (Vec<Fact>, Vec<CallRecord>) {
        (std::mem::take(&mut self.facts), std::mem::take(&mut self.changed))
    }

    pub fn arrives(&mut self, counter: u32, ani: &str, at_s: i64) -> &mut Self {
        let body = FactBody::CallArrived {
            call: call(self.epoch, counter),
            leg: LegId(Id::new(1, self.epoch, counter)),
            trunk: TrunkId::from("demo"),
            ani: Pii::from(ani),
            dnis: "95512".to_owned(),
            sip_call_id: format!("sip-{counter}"),
        };
        self.tell(at_s, body)
    }

    pub fn queued(&mut self, counter: u32, queue: &str, at_s: i64) -> &mut Self {
        let entered = Mono::from_ms(at_s as u64 * 1000);
        let call = call(self.epoch, counter);
        let queue = QueueId::from(queue);
        self.tell(at_s, FactBody::Queued { call, queue, entered, permission: None })
    }

    /// The agent is offered the call and takes it.
    pub fn agent_answers(&mut self, counter: u32, agent: &str, at_s: i64) -> &mut Self {
        let (call, agent) = (call(self.epoch, counter), AgentId::from(agent));
        let offer = OfferId(Id::new(1, self.epoch, counter));
        let leg = LegId(Id::new(1, self.epoch, 10_000 + counter));
        let queue = QueueId::from("claims");
        self.tell(
            at_s,
            FactBody::Offered { call, offer, queue: Some(queue), agent: agent.clone(), why: None },
        );
        self.tell(at_s, FactBody::AgentAnswered { call, offer, agent, leg })
    }

    /// The agent's phone is rung by its `number`th leg, and perhaps answers.
    pub fn is_rung(
        &mut self,
        counter: u32,
        (number, agent): (u32, &str),
        answers: bool,
        at_s: i64,
    ) -> &mut Self {
        let (call, agent) = (call(self.epoch, counter), AgentId::from(agent));
        let leg = LegId(Id::new(1, self.epoch, 20_000 + number));
        let offer = OfferId(Id::new(1, self.epoch, 20_000 + number));
        let role = LegRole::Agent(agent.clone());
        self.tell(at_s, FactBody::Rang { call, offer, agent, leg });
        if answers {
            let dialog = dialog();
            self.tell(at_s, FactBody::DialogEstablished { call, leg, role, dialog, trunk: None });
        }
        self
    }

    /// The call is this agent's from now on.
    pub fn takes(&mut self, counter: u32, (number, agent): (u32, &str), at_s: i64) -> &mut Self {
        let role = LegRole::Agent(AgentId::from(agent));
        let leg = LegId(Id::new(1, self.epoch, 20_000 + number));
        self.tell(at_s, FactBody::CallTaken { call: call(self.epoch, counter), leg, role })
    }

    pub fn tapes(&mut self, counter: u32, agent: &str, at_s: i64) -> &mut Self {
        let body = FactBody::RecordingStarted {
            call: call(self.epoch, counter),
            recording: recording(self.epoch, counter),
            agent: AgentId::from(agent),
            path: format!("2025/07/01/r{counter}.tape"),
            mailbox: None,
        };
        self.tell(at_s, body)
    }

    pub fn seals(&mut self, counter: u32, at_s: i64) -> &mut Self {
        let body = FactBody::RecordingSealed {
            call: call(self.epoch, counter),
            recording: recording(self.epoch, counter),
            seal: Seal { sha256: format!("{counter:064x}"), bytes: 44, frames: 8_000 },
            recovered: false,
        };
        self.tell(at_s, body)
    }

    pub fn agent_is(&mut self, agent: &str, state: AgentState, at_s: i64) -> &mut Self {
        let (agent, status) = (AgentId::from(agent), AgentStatus::Ready);
        self.tell(
            at_s,
            FactBody::AgentChanged { agent, status, state, call: None, next: None, day: None },
        )
    }

    pub fn ends(&mut self, counter: u32, outcome: Outcome, at_s: i64) -> &mut Self {
        let (call, cause) = (call(self.epoch, counter), HangupCause::RemoteBye);
        self.tell(at_s, FactBody::CallEnded { call, outcome, cause })
    }

    pub fn wraps_up(&mut self, counter: u32, agent: &str, code: &str, at_s: i64) -> &mut Self {
        let (call, agent) = (call(self.epoch, counter), AgentId::from(agent));
        self.tell(at_s, FactBody::WrappedUp { call, agent, disposition: code.to_owned() })
    }

    /// A whole call of a minute with `agent`, from arrival to disposition.
    pub fn conversation(&mut self, counter: u32, ani: &str, agent: &str, at_s: i64) -> &mut Self {
        self.arrives(counter, ani, at_s).queued(counter, "claims", at_s + 1);
        self.agent_answers(counter, agent, at_s + 5).tapes(counter, agent, at_s + 5);
        self.agent_is(agent, AgentState::Acw, at_s + 60);
        self.ends(counter, Outcome::Answered, at_s + 60).seals(counter, at_s + 61);
        self.wraps_up(counter, agent, "claim_registered", at_s + 66);
        self.agent_is(agent, AgentState::Idle, at_s + 66)
    }
}

/// A writer whose notices can be waited for.
pub struct Written {
    pub writer: Writer,
    notices: mpsc::UnboundedReceiver<Notice>,
    /// Every notice so far.
    pub told: Vec<Notice>,
}

impl Written {
    pub fn start(store: &Store) -> Self {
        Self::start_with(store, WriterLimits::default())
    }

    pub fn start_with(store: &Store, limits: WriterLimits) -> Self {
        Self::start_behind(store, None, limits)
    }

    /// With a journal in `folder`, which is taken over first.
    pub async fn start_in(folder: &Path, store: &Store, limits: WriterLimits) -> Self {
        let journal = Journal::open(folder, store).await.unwrap();
        Self::start_behind(store, Some(journal), limits)
    }

    fn start_behind(store: &Store, journal: Option<Journal>, limits: WriterLimits) -> Self {
        let (sender, notices) = mpsc::unbounded_channel();
        let writer = Writer::start(store, journal, limits, move |notice| {
            // A test that has ended listens no more.
            let _ = sender.send(notice);
        });
        Self { writer: writer.unwrap(), notices, told: Vec::new() }
    }

    /// Appends all that `story` tells, and waits until it is committed.
    pub async fn write(&mut self, story: &mut Story) {
        let (facts, records) = story.take();
        let last = facts.last().unwrap().seq;
        self.writer.append(facts, records).unwrap();
        self.until(|notice| *notice == Notice::Committed { up_to_seq: last }).await;
    }

    /// Waits for a notice.
    pub async fn until(&mut self, wanted: impl Fn(&Notice) -> bool) -> Notice {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), self.notices.recv());
            let notice = next.await.expect("a notice within a minute").expect("the writer runs");
            self.told.push(notice.clone());
            if wanted(&notice) {
                return notice;
            }
        }
    }

    pub async fn stop(self) {
        self.writer.stop(Duration::from_secs(60)).await.unwrap();
    }
}

/// Writes `story` with a writer that is started and stopped for it.
pub async fn write(store: &Store, story: &mut Story) {
    let mut written = Written::start(store);
    written.write(story).await;
    written.stop().await;
}

/// What was told to a callback, kept.
pub struct Kept<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Kept<T> {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Vec::new())))
    }

    pub fn keeper(&self) -> impl FnMut(T) + use<T> {
        let kept = Arc::clone(&self.0);
        move |told| kept.lock().unwrap().push(told)
    }

    pub fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }
}
