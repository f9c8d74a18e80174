//! Facts as an engine would write them, for tests to tell a call's story with.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::net::SocketAddr;

use model::{
    AgentId, AgentState, AgentStatus, CallId, DialogSnapshot, Fact, FactBody, HangupCause, Id,
    LegId, LegRole, MissedCause, Mono, OfferId, Opened, Outcome, Pii, QueueId, RecordingId,
    SCHEMA_VERSION, Seal, Tier, Transport, TrunkId, Wall,
};

/// 2025-07-01T00:00:00 in China.
pub const MIDNIGHT_US: i64 = 1_751_299_200_000_000;

/// One engine's facts.
pub struct Story {
    pub epoch: u32,
    pub facts: Vec<Fact>,
    now_ms: u64,
    /// When the engine started, on the wall.
    began_us: i64,
}

pub fn call(counter: u32) -> CallId {
    CallId(Id::new(1, 1, counter))
}

pub fn caller_leg(counter: u32) -> LegId {
    LegId(Id::new(1, 1, counter))
}

/// Agents' legs, offers and recordings are numbered apart from callers' legs.
pub fn agent_leg(counter: u32) -> LegId {
    LegId(Id::new(1, 1, 10_000 + counter))
}

pub fn offer(counter: u32) -> OfferId {
    OfferId(Id::new(1, 1, counter))
}

pub fn recording(counter: u32) -> RecordingId {
    RecordingId(Id::new(1, 1, counter))
}

pub fn agent(name: &str) -> AgentId {
    AgentId::from(name)
}

pub fn dialog(call_id: &str) -> DialogSnapshot {
    DialogSnapshot {
        call_id: call_id.to_owned(),
        local_tag: "us".to_owned(),
        remote_tag: "them".to_owned(),
        local_uri: "<sip:95512@10.0.0.1>".to_owned(),
        remote_uri: "<sip:13800138000@10.0.0.2>".to_owned(),
        remote_target: "sip:10.0.0.2:5060".to_owned(),
        route_set: Vec::new(),
        local_cseq: 1,
        remote_cseq: 1,
        transport: Transport::Udp,
        local: SocketAddr::from(([10, 0, 0, 1], 5060)),
        remote: SocketAddr::from(([10, 0, 0, 2], 5060)),
        sdp_version: 1,
    }
}

impl Story {
    pub fn new(epoch: u32) -> Self {
        let began_us = MIDNIGHT_US + 9 * 3_600_000_000;
        Self { epoch, facts: Vec::new(), now_ms: 0, began_us }
    }

    /// What comes next is told for `ms` after the engine's start.
    pub fn at(&mut self, ms: u64) -> &mut Self {
        self.now_ms = ms;
        self
    }

    pub fn began_at(&mut self, wall_us: i64) -> &mut Self {
        self.began_us = wall_us;
        self
    }

    pub fn wall(&self, ms: u64) -> Wall {
        Wall(self.began_us + ms as i64 * 1000)
    }

    pub fn tell(&mut self, body: FactBody) -> &mut Self {
        self.facts.push(Fact {
            site: 1,
            epoch: self.epoch,
            seq: self.facts.len() as u64 + 1,
            mono: Mono::from_ms(self.now_ms),
            wall: self.wall(self.now_ms),
            version: SCHEMA_VERSION,
            body,
        });
        self
    }

    pub fn arrives(&mut self, counter: u32) -> &mut Self {
        self.tell(FactBody::CallArrived {
            call: call(counter),
            leg: caller_leg(counter),
            trunk: TrunkId::from("demo"),
            ani: Pii::from("13800138000"),
            dnis: "95512".to_owned(),
            sip_call_id: format!("sip-{counter}"),
        })
    }

    pub fn answered(&mut self, counter: u32) -> &mut Self {
        let call = call(counter);
        self.tell(FactBody::CallAnswered { call }).tell(FactBody::DialogEstablished {
            call,
            leg: caller_leg(counter),
            role: LegRole::Caller,
            dialog: dialog("caller"),
            trunk: None,
        })
    }

    pub fn queued(&mut self, counter: u32, queue: &str) -> &mut Self {
        let entered = Mono::from_ms(self.now_ms);
        let (call, queue) = (call(counter), QueueId::from(queue));
        self.tell(FactBody::Queued { call, queue, entered, permission: None })
    }

    pub fn tier(&mut self, counter: u32, queue: &str, level: u8) -> &mut Self {
        let (queue, tier, step) = (QueueId::from(queue), Some(Tier { level }), level.into());
        let why = Opened::Waited;
        self.tell(FactBody::TierReached { call: call(counter), queue, tier, step, why })
    }

    pub fn offered(&mut self, counter: u32, number: u32, to: &str) -> &mut Self {
        self.tell(FactBody::Offered {
            call: call(counter),
            offer: offer(number),
            queue: Some(QueueId::from("claims")),
            agent: agent(to),
            why: None,
        })
    }

    pub fn rang(&mut self, counter: u32, number: u32, to: &str) -> &mut Self {
        self.tell(FactBody::Rang {
            call: call(counter),
            offer: offer(number),
            agent: agent(to),
            leg: agent_leg(number),
        })
    }

    pub fn missed(&mut self, counter: u32, number: u32, by: &str, cause: MissedCause) -> &mut Self {
        let (call, offer, agent) = (call(counter), offer(number), agent(by));
        self.tell(FactBody::Missed { call, offer, agent, cause })
    }

    pub fn agent_answers(&mut self, counter: u32, number: u32, who: &str) -> &mut Self {
        let (call, offer, agent, leg) =
            (call(counter), offer(number), agent(who), agent_leg(number));
        self.tell(FactBody::AgentAnswered { call, offer, agent: agent.clone(), leg }).tell(
            FactBody::DialogEstablished {
                call,
                leg,
                role: LegRole::Agent(agent),
                dialog: dialog("agent"),
                trunk: None,
            },
        )
    }

    pub fn agent_is(&mut self, who: &str, state: AgentState, with: Option<u32>) -> &mut Self {
        self.tell(FactBody::AgentChanged {
            agent: agent(who),
            status: AgentStatus::Ready,
            state,
            call: with.map(call),
            next: None,
            day: None,
        })
    }

    pub fn tapes(&mut self, counter: u32, number: u32, who: &str) -> &mut Self {
        self.tell(FactBody::RecordingStarted {
            call: call(counter),
            recording: recording(number),
            agent: agent(who),
            path: format!("2025/07/01/r{number}.wav"),
            mailbox: None,
        })
    }

    pub fn seals(&mut self, counter: u32, number: u32, recovered: bool) -> &mut Self {
        self.tell(FactBody::RecordingSealed {
            call: call(counter),
            recording: recording(number),
            seal: Seal { sha256: "00".repeat(32), bytes: 44, frames: 0 },
            recovered,
        })
    }

    pub fn caller_leg_ends(&mut self, counter: u32) -> &mut Self {
        self.tell(FactBody::LegEnded {
            call: call(counter),
            leg: caller_leg(counter),
            role: LegRole::Caller,
            cause: HangupCause::RemoteBye,
            measured: false,
        })
    }

    pub fn agent_leg_ends(&mut self, counter: u32, number: u32, who: &str) -> &mut Self {
        self.tell(FactBody::LegEnded {
            call: call(counter),
            leg: agent_leg(number),
            role: LegRole::Agent(agent(who)),
            cause: HangupCause::LocalBye,
            measured: false,
        })
    }

    pub fn ends(&mut self, counter: u32, outcome: Outcome) -> &mut Self {
        let cause = HangupCause::RemoteBye;
        self.tell(FactBody::CallEnded { call: call(counter), outcome, cause })
    }

    pub fn wraps_up(&mut self, counter: u32, who: &str, disposition: &str) -> &mut Self {
        self.tell(FactBody::WrappedUp {
            call: call(counter),
            agent: agent(who),
            disposition: disposition.to_owned(),
        })
    }

    /// A whole call with agent 8001: waits 2 s, rings 3 s, talks 60 s, ends in after-call work.
    pub fn conversation(&mut self, counter: u32, from_ms: u64) -> &mut Self {
        self.at(from_ms).arrives(counter).answered(counter);
        self.at(from_ms + 1_000).queued(counter, "claims");
        self.at(from_ms + 3_000).offered(counter, counter, "8001").rang(counter, counter, "8001");
        self.at(from_ms + 6_000).agent_answers(counter, counter, "8001");
        self.agent_is("8001", AgentState::Talking, Some(counter)).tapes(counter, counter, "8001");
        self.at(from_ms + 66_000).caller_leg_ends(counter).agent_leg_ends(counter, counter, "8001");
        self.agent_is("8001", AgentState::Acw, Some(counter)).ends(counter, Outcome::Answered)
    }
}
