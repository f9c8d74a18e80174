//! What an agent may ask for and when it begins; after-call work; phones; restarts.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use acd::{
    Acd, Config, ConfigError, Input, Output, Refusal, RestoredAcw, RestoredAgent, RestoredDay,
};
use model::{
    AgentAction, AgentId, AgentState, AgentStatus, IdSource, MissedCause, Mono, NotReadyReason,
    QueueId,
};
use room::{Room, agent, call, demo, not_ready, queue, steps};

const BREAK: AgentStatus = AgentStatus::NotReady { reason: NotReadyReason::Break };

fn talking() -> Room {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").answer("8001").pass(60_000);
    room
}

fn refusals(room: &mut Room) -> Vec<Refusal> {
    let refused = |output| match output {
        Output::Refused { why, .. } => Some(why),
        _ => None,
    };
    room.said().into_iter().filter_map(refused).collect()
}

#[test]
fn signing_in_takes_no_calls_yet() {
    let mut room = Room::demo();
    room.enqueue(1, "general").tell(Input::SignIn { agent: "8001".into() });
    assert_eq!(room.state("8001"), (not_ready(NotReadyReason::SignedIn), AgentState::Idle));
    assert_eq!(room.offers(), []);
}

#[test]
fn after_call_work_ends_by_itself_after_its_time_and_not_before() {
    let mut room = talking();
    room.end(1).enqueue(2, "general").pass(9_999);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Acw));
    room.said();
    room.pass(1);
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

/// asterisk/asterisk#1006: wrap-up of 30 s ends early, a new call arrives.
#[test]
fn nothing_but_the_agent_cuts_after_call_work_short() {
    let mut room = talking();
    room.end(1).enqueue(2, "general").pass(4_000);
    let reachable = |reachable| Input::PhoneReachable { agent: "8001".into(), reachable };
    room.tell(reachable(false)).tell(reachable(true)).end(1).dequeue(1).not_ready("8001");
    room.tell(Input::SignIn { agent: "8001".into() });
    let another = Input::WrapUp { agent: "8001".into(), call: call(2) };
    room.tell(another).pass(5_999);
    assert_eq!(room.state("8001").1, AgentState::Acw);
    room.pass(1);
    assert_eq!(room.state("8001"), (BREAK, AgentState::Idle), "what was asked for begins now");
}

#[test]
fn the_agent_ends_after_call_work_by_wrapping_up_or_by_ready() {
    let inputs = [
        Input::WrapUp { agent: "8001".into(), call: call(1) },
        Input::Ready { agent: "8001".into() },
    ];
    for input in inputs {
        let mut room = talking();
        room.end(1).pass(2_000).tell(input);
        assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Idle));
        assert_eq!(room.view("8001").since.as_ms(), 62_000);
        assert_eq!(room.acd.poll_timeout(), None);
    }
}

#[test]
fn after_call_work_is_extended_up_to_its_limit() {
    let mut config = demo();
    config.acw_limit_ms = 25_000;
    let mut room = Room::new(&config);
    room.ready("8001").enqueue(1, "general").answer("8001").end(1).pass(9_000);
    let extend = |ms| Input::ExtendAcw { agent: "8001".into(), ms };
    room.tell(extend(10_000));
    assert_eq!(room.view("8001").acw_until, Some(Mono::from_ms(20_000)));
    room.tell(extend(10_000)).said();
    assert_eq!(room.view("8001").acw_until, Some(Mono::from_ms(25_000)));
    room.tell(extend(1));
    assert_eq!(refusals(&mut room), [Refusal::AcwLimit]);
    room.pass(16_000).tell(extend(1));
    assert_eq!(refusals(&mut room), [Refusal::NotInAcw]);
}

#[test]
fn an_agent_without_after_call_work_is_free_at_once() {
    let mut config = demo();
    config.agents[0].acw_ms = 0;
    let mut room = Room::new(&config);
    room.ready("8001").enqueue(1, "general").answer("8001").enqueue(2, "general").said();
    room.end(1);
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn a_break_asked_for_while_talking_begins_after_the_work_on_the_call() {
    let mut room = talking();
    room.not_ready("8001");
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Talking));
    assert_eq!(room.view("8001").next_status, Some(BREAK));
    room.end(1);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Acw));
    room.pass(10_000);
    assert_eq!(room.state("8001"), (BREAK, AgentState::Idle));
    assert_eq!(room.view("8001").next_status, None);
}

#[test]
fn a_break_that_is_still_to_come_can_be_taken_back() {
    let mut room = talking();
    room.not_ready("8001").tell(Input::Ready { agent: "8001".into() });
    assert_eq!(room.view("8001").next_status, None);
    room.tell(Input::SignOut { agent: "8001".into() });
    room.tell(Input::SignIn { agent: "8001".into() }).end(1).pass(10_000);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Idle));
}

#[test]
fn signing_out_waits_for_the_call_but_not_for_after_call_work() {
    let sign_out = || Input::SignOut { agent: "8001".into() };
    let mut room = talking();
    room.tell(sign_out());
    assert_eq!(room.view("8001").next_status, Some(AgentStatus::SignedOut));
    room.end(1).pass(10_000);
    assert_eq!(room.state("8001"), (AgentStatus::SignedOut, AgentState::Idle));
    let mut room = talking();
    room.end(1).pass(1_000).tell(sign_out());
    assert_eq!(room.state("8001"), (AgentStatus::SignedOut, AgentState::Idle));
}

/// amazon-connect-streams#613: a status chosen while a call is being missed is lost.
#[test]
fn a_status_chosen_while_a_call_is_being_missed_is_kept() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").ringing("8001").not_ready("8001").pass(20_000);
    assert_eq!(room.state("8001"), (BREAK, AgentState::Idle));
    assert_eq!(room.view("8001").missed.no_answer, 1);
    room.ready("8001");
    assert_eq!(room.view("8001").call, Some(call(1)));
}

#[test]
fn a_status_chosen_while_ringing_begins_when_the_caller_leaves() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").ringing("8001").not_ready("8001").dequeue(1);
    assert_eq!(room.state("8001"), (BREAK, AgentState::Idle));
}

/// 2600hz/kazoo PR#6609: a missed call logs the agent out with no way back.
#[test]
fn a_missed_call_leaves_a_way_back() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").miss("8001", MissedCause::NoAnswer);
    assert!(room.view("8001").allowed.contains(&AgentAction::Ready));
}

/// fusionpbx#2831: the phone is gone, the agent still available.
#[test]
fn an_agent_whose_phone_is_gone_is_not_ready_and_is_offered_nothing() {
    let mut room = Room::demo();
    let reachable = |reachable| Input::PhoneReachable { agent: "8001".into(), reachable };
    room.ready("8001").tell(reachable(false));
    let unreachable = (not_ready(NotReadyReason::Unreachable), AgentState::Idle);
    assert_eq!(room.state("8001"), unreachable);
    room.enqueue(1, "general").tell(Input::Ready { agent: "8001".into() });
    assert_eq!(refusals(&mut room), [Refusal::PhoneUnreachable]);
    room.tell(reachable(true));
    assert_eq!(room.state("8001"), unreachable, "only the agent knows whether they are there");
    room.tell(Input::Ready { agent: "8001".into() });
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
}

#[test]
fn a_phone_that_is_lost_during_a_call_counts_when_the_work_is_over() {
    let mut room = talking();
    room.tell(Input::PhoneReachable { agent: "8001".into(), reachable: false });
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Talking));
    room.end(1).tell(Input::Ready { agent: "8001".into() });
    assert_eq!(refusals(&mut room), [Refusal::PhoneUnreachable]);
    room.pass(10_000);
    assert_eq!(room.state("8001"), (not_ready(NotReadyReason::Unreachable), AgentState::Idle));
}

#[test]
fn every_allowed_action_is_accepted_and_every_other_refused_or_without_effect() {
    use AgentAction::{ExtendAcw, HangUp, NotReady, Ready, SignOut, WrapUp};
    let mut room = Room::demo();
    let allowed = |room: &Room| room.view("8001").allowed;
    assert_eq!(allowed(&room), [NotReady]);
    room.tell(Input::PhoneReachable { agent: "8001".into(), reachable: true });
    assert_eq!(allowed(&room), [Ready, NotReady]);
    room.tell(Input::SignIn { agent: "8001".into() });
    assert_eq!(allowed(&room), [Ready, NotReady, SignOut]);
    room.ready("8001");
    assert_eq!(allowed(&room), [NotReady, SignOut]);
    room.enqueue(1, "general");
    assert_eq!(allowed(&room), [NotReady, SignOut]);
    room.ringing("8001").not_ready("8001");
    assert_eq!(allowed(&room), [Ready, NotReady, SignOut, HangUp]);
    room.answer("8001").ready("8001");
    assert_eq!(allowed(&room), [NotReady, SignOut, HangUp]);
    room.end(1);
    assert_eq!(allowed(&room), [Ready, NotReady, SignOut, ExtendAcw, WrapUp]);
}

#[test]
fn an_unknown_agent_is_refused() {
    let mut room = Room::demo();
    room.tell(Input::Ready { agent: "9999".into() });
    let refused = Output::Refused { agent: "9999".into(), why: Refusal::UnknownAgent };
    assert_eq!(room.said(), [refused]);
    assert_eq!(room.acd.agent(&AgentId::from("9999")), None);
}

#[test]
fn a_change_is_told_once_with_everything_that_belongs_to_it() {
    let mut room = Room::demo();
    room.ready("8001").said();
    room.tell(Input::Ready { agent: "8001".into() });
    assert_eq!(room.said(), [], "nothing changed");
    room.pass(5).not_ready("8001");
    let said = room.said();
    let [Output::AgentChanged(view)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((view.status, view.since), (BREAK, Mono::from_ms(5)));
    assert_eq!(*view, room.view("8001"));
}

#[test]
fn agents_are_restored_as_they_were_with_what_is_left_of_their_work() {
    let mut room = Room::demo();
    room.pass(500);
    let now = room.now();
    let restored = |agent: &str, status, phone_reachable, acw| RestoredAgent {
        agent: agent.into(),
        status,
        phone_reachable,
        acw,
        day: RestoredDay::default(),
    };
    let acw = |until_ms| {
        let until = Mono::from_ms(until_ms);
        Some(RestoredAcw { call: call(7), until, at_most: until })
    };
    room.acd.restore_agent(restored("8001", BREAK, true, acw(4_000)), now);
    room.acd.restore_agent(restored("8002", AgentStatus::Ready, true, acw(400)), now);
    room.acd.restore_agent(restored("8011", AgentStatus::Ready, false, None), now);
    room.acd.restore_agent(restored("8021", AgentStatus::SignedOut, true, None), now);
    room.acd.restore_agent(restored("gone", AgentStatus::Ready, true, None), now);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Acw));
    assert_eq!(room.view("8001").next_status, Some(BREAK));
    assert_eq!(room.state("8002"), (AgentStatus::Ready, AgentState::Idle), "over meanwhile");
    let unreachable = not_ready(NotReadyReason::Unreachable);
    assert_eq!(room.state("8011"), (unreachable, AgentState::Idle));
    assert_eq!(room.state("8021"), (AgentStatus::SignedOut, AgentState::Idle));
    room.pass(3_500);
    assert_eq!(room.state("8001"), (BREAK, AgentState::Idle));
    assert_eq!(refusals(&mut room), [Refusal::UnknownAgent]);
}

#[test]
fn restoring_an_agent_who_is_busy_changes_nothing() {
    let mut room = talking();
    room.said();
    let status = AgentStatus::SignedOut;
    let (agent, day) = ("8001".into(), RestoredDay::default());
    let restored = RestoredAgent { agent, status, phone_reachable: true, acw: None, day };
    let now = room.now();
    room.acd.restore_agent(restored, now);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Talking));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_name() {
    type Edit<'a> = &'a dyn Fn(&mut acd::Config);
    let told = |edit: Edit<'_>| {
        let mut config = demo();
        edit(&mut config);
        Acd::new(&config, IdSource::new(1, 1)).unwrap_err().to_string()
    };
    let cases: [(&str, Edit<'_>); 12] = [
        ("'ring_timeout_ms' is 0", &|config| config.ring_timeout_ms = 0),
        ("queue 'claims' is configured twice", &|config| {
            config.queues.push(queue("claims", &[(1, 0)]));
        }),
        ("agent '8001' is configured twice", &|config| {
            config.agents.push(agent("8001", 1, &[]));
        }),
        ("queue 'general' has 0 tier steps", &|config| config.queues[0].steps.clear()),
        ("queue 'general' has 17 tier steps", &|config| {
            config.queues[0].steps = (1..=17).flat_map(|level| steps(&[(level, 0)])).collect();
        }),
        ("step 2 must come after the steps that", &|config| {
            config.queues[0].steps = steps(&[(1, 10), (2, 9)]);
        }),
        ("the same agents again only with a lower", &|config| {
            config.queues[0].steps = steps(&[(1, 0), (1, 9)]);
        }),
        ("queue 'claims' has room for 0", &|config| config.queues[1].max_waiting = 0),
        ("queue 'claims': 'head_start_ms'", &|config| {
            config.queues[1].head_start_ms = 3_600_001;
        }),
        ("agent '8001' serves queue 'nowhere', which is not", &|config| {
            config.agents[0].queues.push(QueueId::from("nowhere").into());
        }),
        ("agent '8001' of tier 1 serves queue 'complaints', whose steps", &|config| {
            config.agents[0].queues.push(QueueId::from("complaints").into());
        }),
        ("agent '8002': 'acw_ms' must be at most", &|config| {
            config.agents[1].acw_ms = config.acw_limit_ms + 1;
        }),
    ];
    for (expected, edit) in cases {
        let message = told(edit);
        assert!(message.contains(expected), "{message}");
    }
    let empty = acd::Config::default();
    assert_eq!(empty.check(), Ok(()), "a room without queues is empty, not wrong");
    let zero = ConfigError::Zero { key: "reserve_timeout_ms" };
    assert_eq!(acd::Config { reserve_timeout_ms: 0, ..empty }.check(), Err(zero));
}

/// Meals need approval.
fn with_approval() -> Room {
    Room::new(&Config { approval: [NotReadyReason::Meal].into(), ..room::demo() })
}

#[test]
fn a_reason_that_needs_approval_waits_for_it_while_calls_go_on() {
    let mut room = with_approval();
    let (agent, reason) = ("8001", NotReadyReason::Meal);
    room.ready(agent).tell(Input::NotReady { agent: agent.into(), reason });
    let view = room.view(agent);
    assert_eq!((view.status, view.asks), (AgentStatus::Ready, Some(reason)));
    room.enqueue(1, "general").answer(agent);
    room.tell(Input::Approve { agent: agent.into() });
    let view = room.view(agent);
    assert_eq!((view.asks, view.next_status), (None, Some(not_ready(reason))));
    room.end(1).pass(10_000);
    assert_eq!(room.state(agent), (not_ready(reason), AgentState::Idle));
}

#[test]
fn what_is_declined_or_taken_back_is_not_asked_any_more() {
    let mut room = with_approval();
    let agent = || AgentId::from("8001");
    let ask = || Input::NotReady { agent: agent(), reason: NotReadyReason::Meal };
    room.ready("8001");
    let takes_back = [
        Input::Decline { agent: agent() },
        Input::Ready { agent: agent() },
        Input::NotReady { agent: agent(), reason: NotReadyReason::Break },
        Input::SignOut { agent: agent() },
    ];
    for input in takes_back {
        room.tell(ask());
        assert_eq!(room.view("8001").asks, Some(NotReadyReason::Meal));
        room.tell(input);
        assert_eq!(room.view("8001").asks, None);
        room.said();
        room.tell(Input::Approve { agent: agent() });
        assert_eq!(refusals(&mut room), [Refusal::NothingAsked]);
    }
    room.tell(ask());
    let signed_in = not_ready(NotReadyReason::SignedIn);
    assert_eq!(room.state("8001"), (signed_in, AgentState::Idle), "asking is coming to work");
}
