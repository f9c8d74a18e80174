//! One fact of each kind.

use std::net::SocketAddr;

use model::{
    AgentDay, AgentId, AgentState, AgentStatus, CallId, Certificate, Choice, Decision, Deletion,
    DialogSnapshot, Exclusion, FactBody, HangupCause, Id, LegId, LegRole, LineQuality, MAX_NEXT,
    MissedCause, Mono, NotReadyReason, OfferId, Opened, Outcome, OverflowTarget, PauseReason, Pii,
    QueueId, RefusalKind, Seal, Target, Tier, TransferEnd, TransferKind, Transport, TrunkId, Turn,
    UnpauseCause, UserId, VoiceQuality, Wall,
};

use crate::story::{call, recording, wall};

pub fn every_fact() -> Vec<FactBody> {
    let mut facts = of_calls();
    facts.extend(of_lines());
    facts.extend(of_callbacks());
    facts.extend(of_transfers());
    facts.extend(of_recordings());
    facts.extend(of_people());
    facts
}

fn dialog() -> DialogSnapshot {
    DialogSnapshot {
        call_id: "a@b".to_owned(),
        local_tag: "l".to_owned(),
        remote_tag: "r".to_owned(),
        local_uri: "<sip:95512@10.0.0.1>".to_owned(),
        remote_uri: "\"O'Brien\" <sip:1@10.0.0.2>".to_owned(),
        remote_target: "sip:1@10.0.0.2:5060;transport=tcp".to_owned(),
        route_set: vec!["<sip:edge;lr>".to_owned()],
        local_cseq: 1,
        remote_cseq: u32::MAX,
        transport: Transport::Tcp,
        local: SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 5060)),
        remote: SocketAddr::from(([10, 0, 0, 2], 5060)),
        sdp_version: u64::MAX,
    }
}

/// With everything that there can be in one.
fn decision() -> Decision {
    let turn = |idle_ms| Turn { key: 7, idle_ms };
    Decision {
        number: 12,
        permission: Some("claim.settle".to_owned()),
        reached: 2,
        choice: Choice::Agents {
            strategy: "round_robin".to_owned(),
            turn: turn(9_000),
            next: (2..2 + MAX_NEXT).map(|n| (format!("800{n}").as_str().into(), turn(1))).collect(),
            excluded: [(Exclusion::Busy, 3), (Exclusion::NotPermitted, 2)].into(),
        },
    }
}

fn day() -> AgentDay {
    AgentDay {
        since: Wall(1),
        idle_since: Wall(2),
        missed: [1, 0, 0, 0, 2],
        missed_in_row: [0, 0, 0, 0, 1],
        rests_until: Some(Wall(3)),
        acw: Some((Wall(4), Wall(5))),
        asks: Some(NotReadyReason::Meal),
        calls: 6,
        busy_since: Some(Wall(7)),
        busy_us: 8,
        occupied_ppm: 9,
        turns: [(QueueId::from("claims"), (10, 11))].into(),
    }
}

fn reached(call: CallId, queue: QueueId) -> FactBody {
    let (tier, why) = (Some(Tier { level: 3 }), Opened::Service);
    FactBody::TierReached { call, queue, tier, step: 3, why }
}

fn of_calls() -> Vec<FactBody> {
    let (call, leg) = (call(1, 1), LegId(Id::new(1, 1, 2)));
    let (offer, agent, queue) =
        (OfferId(Id::new(1, 1, 3)), AgentId::from("8001"), QueueId::from("claims"));
    let node = "菜单 \"main\"".to_owned();
    vec![
        FactBody::CallArrived {
            call,
            leg,
            trunk: TrunkId::from("demo"),
            ani: Pii::from("13800138000"),
            dnis: "95512".to_owned(),
            sip_call_id: "a@b".to_owned(),
        },
        FactBody::CallAnswered { call },
        FactBody::DialogEstablished {
            call,
            leg,
            role: LegRole::Agent(agent.clone()),
            dialog: dialog(),
            trunk: None,
        },
        FactBody::MenuEntered { call, node: node.clone() },
        FactBody::DigitsCollected { call, node, digits: "110***".to_owned() },
        FactBody::LookupEnded { call, result: "late".to_owned(), customer_id: None, took_ms: 300 },
        FactBody::Queued {
            call,
            queue: queue.clone(),
            entered: Mono(1),
            permission: Some("claim.settle".to_owned()),
        },
        FactBody::Overflowed {
            call,
            queue: queue.clone(),
            why: "full".to_owned(),
            to: OverflowTarget::Queue(QueueId::from("general")),
        },
        reached(call, queue.clone()),
        FactBody::Offered {
            call,
            offer,
            queue: Some(queue),
            agent: agent.clone(),
            why: Some(Box::new(decision())),
        },
        FactBody::Popped { call, offer, agent: agent.clone(), desktop: true },
        FactBody::Rang { call, offer, agent: agent.clone(), leg },
        FactBody::Missed { call, offer, agent: agent.clone(), cause: MissedCause::Unreachable },
        FactBody::AgentAnswered { call, offer, agent: agent.clone(), leg },
        FactBody::Held { call, leg, role: LegRole::Caller },
        FactBody::Retrieved { call, leg, role: LegRole::Agent(agent.clone()) },
        FactBody::LegEnded {
            call,
            leg,
            role: LegRole::Caller,
            cause: HangupCause::Response(486),
            measured: false,
        },
        FactBody::LegMeasured {
            call,
            leg,
            quality: LineQuality {
                from_party: Some(VoiceQuality { packets: 9, lost: 1, jitter_us: 5, mos: 402 }),
                to_party: None,
                round_trip_us: Some(30_000),
            },
        },
        FactBody::CallEnded { call, outcome: Outcome::Error, cause: HangupCause::Q850(38) },
        FactBody::WrappedUp { call, agent, disposition: "enquiry".to_owned() },
    ]
}

fn of_lines() -> Vec<FactBody> {
    let (call, leg, agent) = (call(1, 1), LegId(Id::new(1, 1, 2)), AgentId::from("8001"));
    vec![
        FactBody::CallPlaced {
            call,
            agent: agent.clone(),
            trunk: TrunkId::from("demo"),
            number: Pii::from("13800138000"),
            shown: "02195512".to_owned(),
        },
        FactBody::CallDiverted { call, number: Pii::from("4008000000") },
        FactBody::TrunkTried {
            call,
            leg,
            trunk: TrunkId::from("demo"),
            target: "192.0.2.10".to_owned(),
        },
        FactBody::CalledInside { call, leg, agent: agent.clone(), to: Target::Queue("q".into()) },
        FactBody::PhoneRung { call, leg, agent: agent.clone() },
        FactBody::NumberAnswered { call, leg, agent },
        FactBody::TrunkReachable { trunk: TrunkId::from("demo"), target: "192.0.2.10".to_owned() },
        FactBody::TrunkUnreachable { trunk: TrunkId::from("demo"), target: "h".to_owned() },
        FactBody::TrunkRegistered { trunk: TrunkId::from("demo") },
        FactBody::TrunkUnregistered { trunk: TrunkId::from("demo"), status: Some(403) },
    ]
}

fn of_callbacks() -> Vec<FactBody> {
    let (call, again, queue) = (call(1, 1), call(1, 2), QueueId::from("claims"));
    let number = Pii::from("13800138000");
    vec![
        FactBody::CallbackBooked {
            call,
            queue: queue.clone(),
            number: number.clone(),
            permission: Some("claim.register".to_owned()),
            entered: Wall(1),
        },
        FactBody::CallbackBegun {
            call: again,
            callback: call,
            queue,
            trunk: TrunkId::from("demo"),
            number,
            shown: "02195512".to_owned(),
        },
        FactBody::CallbackMissed { call, attempt: 1, cause: MissedCause::Busy, again_at: None },
        FactBody::CallbackEnded { call, end: "rejoined".to_owned(), by: Some(again) },
    ]
}

fn of_transfers() -> Vec<FactBody> {
    let (call, leg, agent) = (call(1, 1), LegId(Id::new(1, 1, 2)), AgentId::from("8001"));
    vec![
        FactBody::TransferBegun {
            call,
            by: agent.clone(),
            to: Target::Queue("claims".into()),
            kind: TransferKind::Blind,
            by_phone: true,
        },
        FactBody::Dialled { call, leg, number: Pii::from("13800138000") },
        FactBody::GuestAnswered { call, leg, role: LegRole::Number(Pii::from("13800138000")) },
        FactBody::ConferenceBegun { call, by: agent.clone(), leg },
        FactBody::CallTaken { call, leg, role: LegRole::Agent(agent.clone()) },
        FactBody::TransferEnded {
            call,
            by: agent,
            to: Target::Number(Pii::from("13800138000")),
            kind: TransferKind::Consult,
            end: TransferEnd::Missed(MissedCause::Busy),
        },
    ]
}

fn deletion() -> Box<Deletion> {
    Box::new(Deletion {
        rule: "default".to_owned(),
        due: wall(0),
        sha256: Some("ab".repeat(32)),
        bytes: 7,
    })
}

fn of_recordings() -> Vec<FactBody> {
    let (call, recording) = (call(1, 1), recording(1, 1));
    let seal = Seal { sha256: "ab".repeat(32), bytes: i64::MAX as u64, frames: 1 };
    vec![
        FactBody::RecordingStarted {
            call,
            recording,
            agent: AgentId::from("8001"),
            path: "2025/07/01/r.tape".to_owned(),
            mailbox: None,
        },
        FactBody::MessageLeft {
            call,
            recording,
            mailbox: QueueId::from("general"),
            length_ms: 20_000,
        },
        FactBody::MessageDone { call, recording, by: UserId::from("8011") },
        FactBody::RecordingGap { call, recording, error: "disk full".to_owned() },
        FactBody::RecordingResumed { call, recording },
        FactBody::RecordingPaused {
            call,
            recording,
            by: UserId::from("8001"),
            reason: PauseReason::Secret,
        },
        FactBody::RecordingUnpaused { call, recording, by: None, cause: UnpauseCause::TimeOver },
        FactBody::RecordingLost { call, recording, error: "disk full".to_owned() },
        FactBody::RecordingArchived { call, recording, bytes: 9, sha256: "ab".repeat(32) },
        FactBody::RecordingHeld {
            call,
            recording,
            by: UserId::from("qa"),
            why: "case 7".to_owned(),
        },
        FactBody::RecordingReleased { call, recording, by: UserId::from("qa") },
        FactBody::RecordingDoomed { call, recording, deletion: deletion() },
        FactBody::RecordingDeleted {
            call,
            recording,
            deletion: deletion(),
            certificate: Box::new(Certificate { number: 1, text: "gone\n".to_owned() }),
        },
        FactBody::RecordingSealed { call, recording, seal, recovered: true },
    ]
}

fn of_people() -> Vec<FactBody> {
    let (user, source) = (UserId::from("qa"), "10.0.0.9".to_owned());
    let reason = NotReadyReason::BackOffice;
    vec![
        FactBody::EngineStarted { code_version: "0.1.0".to_owned(), config_sha256: String::new() },
        FactBody::EngineStopped,
        FactBody::AgentChanged {
            agent: AgentId::from("8001"),
            status: AgentStatus::NotReady { reason },
            state: AgentState::Acw,
            call: Some(call(1, 1)),
            next: Some(AgentStatus::Ready),
            day: Some(Box::new(day())),
        },
        FactBody::Registered {
            aor: "8001".to_owned(),
            contact: "sip:8001@a".to_owned(),
            path: vec!["<sip:edge;lr>".to_owned()],
            flow: "udp".to_owned(),
            sip_call_id: "r@b".to_owned(),
            cseq: 7,
            expires: Wall(i64::MAX),
            answers_options: true,
            instance: Some("<urn:uuid:1>".to_owned()),
            reg_id: Some(2),
        },
        FactBody::Unregistered { aor: "8001".to_owned(), contact: "sip:8001@a".to_owned() },
        FactBody::SessionOpened { user: user.clone(), source: source.clone() },
        FactBody::Refused {
            user: None,
            source,
            kind: RefusalKind::LockedOut,
            what: "POST /api/v1/sessions".to_owned(),
        },
        FactBody::Unmasked { user: user.clone(), what: "call c1-1-1".to_owned() },
        FactBody::Played { user: user.clone(), recording: recording(1, 1), call: call(1, 1) },
        FactBody::Traced { user, call: call(1, 1) },
        FactBody::Prioritised {
            call: call(1, 1),
            head_start_ms: 60_000,
            why: "class,steward".to_owned(),
            preferred: Some(AgentId::from("8001")),
            prefers_ms: 15_000,
        },
        FactBody::Steered {
            by: UserId::from("lead"),
            what: "move_call".to_owned(),
            call: Some(call(1, 1)),
            agent: None,
            detail: "claims".to_owned(),
        },
        FactBody::PlanSwitched { plan: "flood".to_owned(), on: true, by: UserId::from("lead") },
        FactBody::HoursChanged { queue: QueueId::from("q"), open: true, why: "make_up".to_owned() },
        FactBody::AlarmRaised { alarm: "store".into(), detail: "locked".to_owned() },
        FactBody::AlarmCleared { alarm: "store".into() },
    ]
}
