//! Who and what the tests are about.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::Principal;
use model::{
    AgentAction, AgentId, AgentState, AgentStatus, CallId, Choice, ClaimSummary, CustomerCard,
    Decision, DialogSnapshot, Exclusion, Fact, FactBody, HangupCause, LegId, LegRole, LineQuality,
    Lookup, MissedCause, Mono, NotReadyReason, Opened, Opens, Outcome, Permission, Pii, PolicyCard,
    PolicyStatus, Reason, Role, Seal, Target, Tier, TransferEnd, TransferKind, Transport, Turn,
    VoiceQuality, Wall,
};
use report::{CallLeg, CallRecord, Input, Offer, Recording, Transfer};
use web::{CallTrace, TraceLeg, TraceMessage, WhyMoment, WhyOffer};

/// A caller's number, and what is left of it where it is masked.
pub(crate) const PHONE: &str = "13800138078";
pub(crate) const MASKED_PHONE: &str = "138******78";
/// A text that does harm where it is taken for HTML, a header or JSON.
pub(crate) const HARMFUL: &str = "\"><script>alert(1)</script>\r\nX-Evil: 1\u{2028}\\";
/// A recording whose file is gone.
pub(crate) const LOST_RECORDING: &str = "r1-1-13";
pub(crate) const SHA256: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

/// The users of the demo, with the permissions that issue 2 gives them.
pub(crate) fn principal(user: &str) -> Option<Principal> {
    use Permission as P;
    let tier = |level| Some(Tier { level });
    let (role, tier, permissions): (Role, _, &[P]) = match user {
        "8001" | "8002" => (
            Role::Agent,
            tier(1),
            &[P::CallHandle, P::CallViewOwn, P::PolicyView, P::ClaimRegister],
        ),
        "8009" => (Role::Agent, tier(1), &[P::CallHandle, P::CallViewOwn]),
        "8021" => (
            Role::Agent,
            tier(3),
            &[P::CallHandle, P::CallViewOwn, P::PolicyView, P::CustomerUnmask],
        ),
        "qa" => (
            Role::Inspector,
            None,
            &[P::BoardView, P::CallViewAll, P::RecordingPlay, P::RecordingHold],
        ),
        "lead" => {
            let held =
                &[P::BoardView, P::CallViewAll, P::CallTrace, P::MessageHandle, P::FloorSteer];
            (Role::Supervisor, None, held)
        }
        "admin" => (Role::Administrator, None, &[P::Administer, P::CallTrace]),
        _ => return None,
    };
    let permissions: BTreeSet<P> = permissions.iter().copied().collect();
    Some(Principal { user: user.into(), role, tier, permissions })
}

pub(crate) fn call(counter: u32) -> CallId {
    format!("c1-1-{counter}").parse().unwrap()
}

/// A policy number keeps its digits; everything personal is marked as such.
pub(crate) fn customer() -> Lookup {
    Lookup::Found(Arc::new(CustomerCard {
        customer_id: "K1".to_owned(),
        name: Pii::from("王小明"),
        phone: Pii::from(PHONE),
        identity_number: Pii::from("110101199003070134"),
        class: "a".to_owned(),
        steward: None,
        city: "上海市".to_owned(),
        policies: vec![PolicyCard {
            policy_number: "1050012026".to_owned(),
            product: "商业险".to_owned(),
            plate: Pii::from("沪A12345"),
            vehicle: "大众朗逸".to_owned(),
            status: PolicyStatus::InForce,
            starts_on: "2026-01-01".to_owned(),
            ends_on: "2026-12-31".to_owned(),
            premium_fen: 412_300,
            claims: vec![ClaimSummary {
                claim_number: "B1".to_owned(),
                lost_on: "2026-03-04".to_owned(),
                status: "closed".to_owned(),
                paid_fen: 90_000,
            }],
        }],
    }))
}

pub(crate) fn pop(lookup: Lookup) -> cti::Event {
    cti::Event::ScreenPop {
        call: call(1),
        offer: "o1-1-5".parse().unwrap(),
        brought: Some((TransferKind::Consult, "8002".into())),
        ani: Pii::from(PHONE),
        dnis: "95512".to_owned(),
        callback: false,
        queue: Some("claims".into()),
        waited_ms: 4_200,
        ivr_path: vec!["welcome".to_owned(), "claims".to_owned()],
        ivr_inputs: vec![cti::MenuInput { node: "welcome".to_owned(), digits: "1".to_owned() }],
        lookup,
    }
}

pub(crate) fn agent_state(agent: &str) -> cti::Event {
    cti::Event::AgentState {
        agent: agent.into(),
        status: AgentStatus::NotReady { reason: NotReadyReason::Meal },
        state: AgentState::Acw,
        since: Wall(1_790_000_000_000_000),
        next_status: Some(AgentStatus::Ready),
        allowed: vec![AgentAction::Ready, AgentAction::WrapUp],
        call: Some(call(1)),
        acw_until: Some(Wall(1_790_000_010_000_000)),
        phone_reachable: true,
        asks: None,
    }
}

fn number_leg(arrived: Wall) -> CallLeg {
    CallLeg {
        leg: "l1-1-9".parse().unwrap(),
        role: LegRole::Number(Pii::from(PHONE)),
        began: arrived,
        answered: None,
        ended: Some(arrived),
        cause: Some(HangupCause::Response(486)),
        quality: Some(LineQuality {
            from_party: None,
            to_party: Some(VoiceQuality { packets: 50, lost: 1, jitter_us: 900, mos: 421 }),
            round_trip_us: Some(41_000),
        }),
    }
}

/// One that a busy number ended.
fn transfer(at: Wall) -> Transfer {
    Transfer {
        by: "8002".into(),
        to: Target::Number(Pii::from(PHONE)),
        kind: TransferKind::Blind,
        by_phone: true,
        at,
        end: Some(TransferEnd::Missed(MissedCause::Busy)),
        ended: None,
    }
}

fn record(counter: u32, agent: &str) -> CallRecord {
    let arrived = Wall(1_790_000_000_000_000 + i64::from(counter) * 1_000_000);
    CallRecord {
        call: call(counter),
        direction: model::Direction::Inbound,
        trunk: "demo".into(),
        ani: Pii::from(PHONE),
        dnis: "95512".to_owned(),
        diverted_from: Some(Pii::from(PHONE)),
        callback_of: Some(call(99)),
        sip_call_id: HARMFUL.to_owned(),
        arrived,
        answered: Some(arrived),
        queued: None,
        agent_answered: Some(arrived),
        ended: arrived,
        menu_path: vec!["welcome".to_owned()],
        inputs: vec![Input { node: "welcome".to_owned(), digits: "1".to_owned() }],
        queue: Some("claims".into()),
        tier: Some(Tier { level: 1 }),
        waited_ms: Some(4_200),
        rang_ms: Some(900),
        talked_ms: Some(61_000),
        acw_ms: None,
        offers: vec![Offer {
            offer: "o1-1-5".parse().unwrap(),
            agent: "8002".into(),
            at: arrived,
            rang_ms: None,
            missed: Some(MissedCause::Busy),
            why: None,
        }],
        legs: vec![number_leg(arrived)],
        overflows: vec![report::Overflow {
            queue: "general".into(),
            why: "full".to_owned(),
            to: model::OverflowTarget::Queue("claims".into()),
            at: arrived,
        }],
        transfers: vec![transfer(arrived)],
        agent: Some(agent.into()),
        outcome: Outcome::Answered,
        cause: HangupCause::Response(486),
        lookup: Some("found".to_owned()),
        lookup_ms: Some(3),
        customer_id: Some("K1".to_owned()),
        recordings: vec![Recording {
            recording: format!("r1-1-{}", counter + 10).parse().unwrap(),
            agent: agent.into(),
            message: None,
            path: "2026/11/21/secret.wav".to_owned(),
            started: arrived,
            gaps: 0,
            pauses: 0,
            lost: false,
            seal: Some(Seal { sha256: SHA256.to_owned(), bytes: 10_000, frames: 2_489 }),
            recovered: false,
            held: None,
            doomed: false,
            deleted: None,
        }],
        disposition: Some("enquiry".to_owned()),
        settled: true,
    }
}

/// Calls 3, 2 and 1, newest first: 1 and 3 of agent 8001, 2 of agent 8002 and not sealed, with a
/// message for the claims' people.
pub(crate) fn records() -> Vec<CallRecord> {
    let mut second = record(2, "8002");
    second.recordings[0].seal = None;
    let (mailbox, left) = ("claims".into(), Some(second.ended));
    second.recordings[0].message = Some(report::Message { mailbox, left, done: None });
    vec![record(3, "8001"), second, record(1, "8001")]
}

/// A caller's INVITE that is answered, an agent's phone that is called, and noise.
pub(crate) fn trace() -> CallTrace {
    let leg = |counter: u32, agent: Option<&str>| TraceLeg {
        leg: format!("l1-1-{counter}").parse().unwrap(),
        agent: agent.map(Into::into),
        sip_call_id: format!("call-{counter}"),
    };
    let head = |call: u32, method: &str| {
        format!(
            "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{call}\r\nCall-ID: call-{call}\r\n\
             CSeq: 1 {method}\r\nFrom: \"王小明\" <sip:{PHONE}@192.0.2.1>;tag=a\r\n"
        )
    };
    let sdp = "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";
    let invite = "INVITE sip:95512@h SIP/2.0\r\n";
    let agent = "INVITE sip:8001@h SIP/2.0\r\n";
    let messages = [
        (0, 0, false, format!("{invite}{}{sdp}", head(2, "INVITE"))),
        (40, 0, true, format!("SIP/2.0 100 Trying\r\n{}\r\n", head(2, "INVITE"))),
        (41, 0, false, format!("{invite}{}{sdp}", head(2, "INVITE"))),
        (50, 1, true, format!("{agent}{}\r\n", head(3, "INVITE"))),
        (75, 1, false, format!("SIP/2.0 200 OK\r\n{}{sdp}", head(3, "INVITE"))),
        (80, 0, true, format!("SIP/2.0 200 OK\r\n{}{sdp}", head(2, "INVITE"))),
        (90, 0, false, format!("NONSENSE {PHONE}")),
    ];
    let message = |(ms, leg, is_from_us, text): (i64, usize, bool, String)| TraceMessage {
        at: Wall(1_790_000_000_000_000 + ms * 1_000),
        mono: Mono::from_ms(u64::try_from(ms).unwrap() + 1_000),
        leg,
        is_from_us,
        transport: Transport::Udp,
        local: "192.0.2.9:5060".parse().unwrap(),
        remote: format!("192.0.2.{}:5062", leg + 1).parse().unwrap(),
        is_malformed: text.starts_with("NONSENSE"),
        bytes: Pii::new(text.into_bytes()),
    };
    CallTrace {
        is_enabled: true,
        is_complete: true,
        is_cut: false,
        legs: vec![leg(2, None), leg(3, Some("8001"))],
        messages: messages.map(message).into(),
    }
}

/// How a phone is reached: nothing for a desktop to know.
fn dialog() -> DialogSnapshot {
    DialogSnapshot {
        call_id: "secret".to_owned(),
        local_tag: "secret".to_owned(),
        remote_tag: "secret".to_owned(),
        local_uri: "sip:secret@x".to_owned(),
        remote_uri: "sip:secret@x".to_owned(),
        remote_target: "sip:secret@x".to_owned(),
        route_set: Vec::new(),
        local_cseq: 1,
        remote_cseq: 1,
        transport: Transport::Udp,
        local: "127.0.0.1:5060".parse().unwrap(),
        remote: "127.0.0.1:5061".parse().unwrap(),
        sdp_version: 1,
    }
}

fn transfers(call: CallId, leg: LegId) -> Vec<FactBody> {
    let agent = || "8001".into();
    vec![
        FactBody::CalledInside { call, leg, agent: agent(), to: Target::Agent("8002".into()) },
        FactBody::TransferBegun {
            call,
            by: agent(),
            to: Target::Number(Pii::from(PHONE)),
            kind: TransferKind::Consult,
            by_phone: false,
        },
        FactBody::Dialled { call, leg, number: Pii::from(PHONE) },
        FactBody::GuestAnswered { call, leg, role: LegRole::Number(Pii::from(PHONE)) },
        FactBody::ConferenceBegun { call, by: agent(), leg },
        FactBody::CallTaken { call, leg, role: LegRole::Agent(agent()) },
        FactBody::TransferEnded {
            call,
            by: agent(),
            to: Target::Queue("claims".into()),
            kind: TransferKind::Blind,
            end: TransferEnd::Completed,
        },
    ]
}

/// A call is answered.
fn arrival(call: CallId, leg: LegId) -> Vec<FactBody> {
    vec![
        FactBody::CallArrived {
            call,
            leg,
            trunk: "demo".into(),
            ani: Pii::from(PHONE),
            dnis: "95512".to_owned(),
            sip_call_id: "secret".to_owned(),
        },
        FactBody::CallAnswered { call },
        FactBody::DialogEstablished {
            call,
            leg,
            role: LegRole::Agent("8001".into()),
            dialog: dialog(),
            trunk: None,
        },
    ]
}

fn reached(call: CallId) -> FactBody {
    let (queue, tier, why) = ("claims".into(), Some(Tier { level: 2 }), Opened::Idle);
    FactBody::TierReached { call, queue, tier, step: 2, why }
}

/// A bit of everything that may happen in a call.
pub(crate) fn facts() -> Vec<Fact> {
    let (call, leg) = (call(1), "l1-1-2".parse().unwrap());
    let (offer, recording) = ("o1-1-5".parse().unwrap(), "r1-1-11".parse().unwrap());
    let seal = Seal { sha256: SHA256.to_owned(), bytes: 10_000, frames: 2_489 };
    let agent = || "8001".into();
    let mut bodies = arrival(call, leg);
    bodies.extend([
        FactBody::MenuEntered { call, node: "welcome".to_owned() },
        FactBody::DigitsCollected { call, node: "welcome".to_owned(), digits: "1".to_owned() },
        FactBody::LookupEnded {
            call,
            result: "found".to_owned(),
            customer_id: Some("K1".to_owned()),
            took_ms: 3,
        },
        FactBody::Queued { call, queue: "claims".into(), entered: Mono(0), permission: None },
        reached(call),
        FactBody::Offered { call, offer, queue: Some("claims".into()), agent: agent(), why: None },
        FactBody::Popped { call, offer, agent: agent(), desktop: true },
        FactBody::Rang { call, offer, agent: agent(), leg },
        FactBody::Missed { call, offer, agent: agent(), cause: MissedCause::NoAnswer },
        FactBody::AgentAnswered { call, offer, agent: agent(), leg },
        FactBody::RecordingStarted {
            call,
            recording,
            agent: agent(),
            path: "secret.wav".to_owned(),
            mailbox: None,
        },
        FactBody::MessageLeft { call, recording, mailbox: "claims".into(), length_ms: 20_000 },
        FactBody::MessageDone { call, recording, by: "8011".into() },
        FactBody::RecordingGap { call, recording, error: "disk full".to_owned() },
        FactBody::RecordingResumed { call, recording },
    ]);
    bodies.extend(transfers(call, leg));
    bodies.extend([
        FactBody::LegEnded {
            call,
            leg,
            role: LegRole::Caller,
            cause: HangupCause::Response(487),
            measured: false,
        },
        FactBody::CallEnded { call, outcome: Outcome::Answered, cause: HangupCause::RemoteBye },
        FactBody::RecordingSealed { call, recording, seal, recovered: true },
        FactBody::AgentChanged {
            agent: agent(),
            status: AgentStatus::NotReady { reason: NotReadyReason::Break },
            state: AgentState::Acw,
            call: Some(call),
            next: None,
            day: None,
        },
        FactBody::WrappedUp { call, agent: agent(), disposition: "enquiry".to_owned() },
        FactBody::Played { user: "qa".into(), recording, call },
        FactBody::Traced { user: "lead".into(), call },
    ]);
    let fact = |(at, body)| Fact {
        site: 1,
        epoch: 1,
        seq: at + 1,
        mono: Mono::from_ms(at),
        wall: Wall(1_790_000_000_000_000 + i64::try_from(at).unwrap() * 1_000),
        version: model::SCHEMA_VERSION,
        body,
    };
    (0..).zip(bodies).map(fact).collect()
}

const WHY_AT: Wall = Wall(1_790_000_000_000_000);

fn turn(seconds: u64) -> Turn {
    Turn { key: 0, idle_ms: seconds * 1_000 }
}

fn offered(offer: &str, agent: &str, choice: Option<Choice>) -> WhyOffer {
    let why = choice.map(|choice| {
        let permission = Some("claim.settle".to_owned());
        Decision { number: 12, permission, reached: 2, choice }
    });
    let (offer, queue, agent) = (offer.parse().unwrap(), Some("claims".into()), agent.into());
    WhyOffer { at: WHY_AT, offer, queue, agent, why }
}

/// The call's offers: to `8001` among agents, to `8002` who became free, to `8009` by a colleague.
pub(crate) fn why() -> Vec<WhyOffer> {
    let next = [("8003", 80), ("8004", 70), ("8005", 60)];
    let among = Choice::Agents {
        strategy: "longest_idle".to_owned(),
        turn: turn(90),
        next: next.map(|(agent, idle)| (agent.into(), turn(idle))).into(),
        excluded: [(Exclusion::Busy, 3), (Exclusion::NotPermitted, 2)].into(),
    };
    let (score, next) = (95_000_000_000, vec![(call(2), 40_000_000_000)]);
    let free = Choice::Calls { score, next, excluded: [(Exclusion::Offered, 1)].into() };
    vec![
        offered("o1-1-5", "8001", Some(among)),
        offered("o1-1-6", "8002", Some(free)),
        offered("o1-1-7", "8009", None),
    ]
}

/// Of `8001` and `8002` that they were offered it, of `8005` and all others why not.
pub(crate) fn why_agent(agent: &AgentId) -> Vec<WhyMoment> {
    let of = |offered: Option<WhyOffer>, reason, since| {
        let queue = Some("claims".into());
        WhyMoment { at: WHY_AT, queue, offered, reason, since }
    };
    let mut offers = why();
    match agent.as_str() {
        "8001" => vec![
            of(Some(offers.remove(0)), Reason::Offered, None),
            of(Some(offers.remove(0)), Reason::Resting, Some(WHY_AT)),
        ],
        "8005" => {
            let reason = Reason::Next { place: 4, turn: turn(60) };
            vec![of(Some(offers.remove(0)), reason, None)]
        }
        _ => {
            let talks = Reason::Busy(AgentState::Talking, Some(call(3)));
            let away = Reason::NotReady(NotReadyReason::Meal);
            vec![
                of(Some(offers.remove(0)), talks, Some(WHY_AT)),
                of(Some(offers.remove(0)), Reason::NotPermitted("claim.settle".to_owned()), None),
                of(None, away, Some(WHY_AT)),
                of(None, Reason::NotReached { step: Some((2, Opens::after(20_000))) }, None),
            ]
        }
    }
}
