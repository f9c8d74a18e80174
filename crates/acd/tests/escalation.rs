//! Calls that nobody takes for long reach out to others: by time, by how long the wait will be, by
//! how badly the queue is served, and by how few are idle.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use acd::{
    Acd, AgentConfig, Config, ConfigError, Input, Known, Moment, Output, Preferred, ServiceRule,
    Skill, TierStep, why_not,
};
use model::{
    AgentState, AgentStatus, IdSource, MissedCause, Opened, Opens, Permission, QueueId, Reason,
};
use room::{Room, agent, call, queue, tier};

const fn opens() -> Opens {
    Opens { after_ms: None, estimate_ms: None, service_permille: None, idle: None }
}

fn idle(most: u32) -> Opens {
    Opens { idle: Some(most), ..opens() }
}

/// Claims, whose own agents are 8001 and 8002, with a second step for those of sales: 8101, 8102.
fn two_groups(second: TierStep) -> Config {
    let mut claims = queue("claims", &[(1, 0)]);
    claims.steps.push(second);
    claims.service = Some(ServiceRule { within_ms: 20_000, window_ms: 600_000 });
    let of = |id: &str, queue: &str| AgentConfig { acw_ms: 0, ..agent(id, 1, &[queue]) };
    Config {
        queues: vec![claims, queue("sales", &[(1, 0)])],
        agents: vec![
            of("8001", "claims"),
            of("8002", "claims"),
            of("8101", "sales"),
            of("8102", "sales"),
        ],
        permissions: [(tier(1), [Permission::PolicyView].into())].into(),
        ..Config::default()
    }
}

fn sales(opens: Opens) -> TierStep {
    TierStep::of(Skill::Of("sales".into()), opens)
}

/// What opened steps since the last time: the call, the step, and why.
fn reached(said: &[Output]) -> Vec<(u32, u32, Opened)> {
    let reached = said.iter().filter_map(|output| match output {
        Output::TierReached { call, step, why, .. } => Some((call.0.counter(), *step, *why)),
        _ => None,
    });
    reached.collect()
}

/// So many calls of 10 s that are answered one after the other by 8001, while others wait.
fn moves(room: &mut Room, from: u32, calls: u32) {
    for n in 0..calls {
        room.enqueue(from + n, "claims");
    }
    room.ready("8001");
    for n in 0..calls {
        room.answer("8001").pass(10_000).end(from + n);
    }
    room.said();
}

#[test]
fn a_call_goes_to_another_group_at_once_when_nobody_of_its_own_is_idle() {
    let mut room = Room::new(&two_groups(sales(idle(0))));
    room.ready("8001").ready("8101").enqueue(1, "claims");
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
    room.enqueue(2, "claims");
    let said = room.said();
    assert_eq!(reached(&said), [(2, 2, Opened::Idle)]);
    assert_eq!(room.view("8101").call, Some(call(2)), "{said:?}");
}

#[test]
fn the_last_idle_agent_of_a_group_is_spared_while_another_group_is_free() {
    let mut room = Room::new(&two_groups(sales(idle(1))));
    room.ready("8101").pass(60_000).ready("8001").ready("8002").enqueue(1, "claims");
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())], "two are idle: its own");
    room.enqueue(2, "claims");
    assert_eq!(room.offers(), [(call(2), "8101".to_owned())], "idle for longest of all");
}

#[test]
fn who_waits_for_the_last_idle_agent_in_vain_is_not_forgotten_when_the_offer_is_missed() {
    let mut room = Room::new(&two_groups(sales(idle(0))));
    room.ready("8001").ready("8101").enqueue(1, "claims");
    room.miss("8001", MissedCause::Rejected);
    assert_eq!(room.view("8101").call, Some(call(1)), "nobody else of its own is idle");
}

#[test]
fn a_caller_who_waits_for_the_steward_alone_opens_to_others_when_that_is_over() {
    let mut room = Room::new(&two_groups(sales(idle(0))));
    room.ready("8001").enqueue(1, "claims").answer("8001").ready("8101");
    room.tell(Input::Enqueue {
        call: call(2),
        queue: "claims".into(),
        permission: None,
        entered: room.now(),
        head_start_ms: 0,
        preferred: Some(Preferred { agent: "8001".into(), for_ms: 5_000 }),
    });
    room.said();
    room.pass(4_999);
    assert_eq!(room.said(), []);
    room.pass(1);
    assert_eq!(room.offers(), [(call(2), "8101".to_owned())]);
}

#[test]
fn a_helper_without_the_permission_is_neither_counted_nor_offered_the_call() {
    let mut config = two_groups(sales(idle(0)));
    config.agents[2].tier = tier(2);
    config.queues[1].steps = vec![TierStep::new(tier(1), 0), TierStep::new(tier(2), 0)];
    let mut room = Room::new(&config);
    room.ready("8101").ready("8102");
    room.enqueue_at(1, "claims", Some(Permission::PolicyView), 0);
    assert_eq!(room.offers(), [(call(1), "8102".to_owned())], "tier 2 is allowed nothing here");
}

/// First those at one site, then those at the other in their place, then all.
fn two_sites() -> Config {
    let mut config = two_groups(sales(idle(0)));
    let at = |site: &str, after_ms| TierStep {
        sites: [site.into()].into(),
        ..TierStep::of(Skill::None, Opens::after(after_ms))
    };
    config.queues[0].steps = vec![
        at("east", 0),
        TierStep { replaces: true, ..at("west", 20_000) },
        TierStep::of(Skill::Own, Opens::after(60_000)),
    ];
    for (agent, site) in config.agents.iter_mut().zip(["east", "east", "west", "west"]) {
        agent.site = Some(site.into());
    }
    config
}

#[test]
fn first_one_site_only_then_the_other_only() {
    let mut room = Room::new(&two_sites());
    room.ready("8101").enqueue(1, "claims").pass(19_999);
    assert_eq!(room.offers(), [], "not yet the other site");
    room.pass(1);
    assert_eq!(room.offers(), [(call(1), "8101".to_owned())]);
    room.answer("8101").enqueue(2, "claims").pass(20_000).ready("8001");
    assert_eq!(room.offers(), [], "the first site no more");
    room.pass(40_000);
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())], "but again with the last step");
}

#[test]
fn why_a_call_did_not_go_to_a_site_says_that_it_was_not_open_yet_or_no_more() {
    let config = two_sites();
    let queue = QueueId::from("claims");
    let why = |agent: &str, waited_ms: u64, reached: usize| {
        let moment = Moment { queue: &queue, waited_ms, reached, permission: None, decided: None };
        let known =
            Known { status: AgentStatus::Ready, state: AgentState::Idle, call: None, rests: false };
        why_not(&config, &moment, &agent.into(), Some(known))
    };
    let later = Reason::NotReached { step: Some((2, Opens::after(20_000))) };
    assert_eq!((why("8001", 0, 0), why("8101", 0, 0)), (Reason::Free, later));
    let again = Reason::NotReached { step: Some((3, Opens::after(60_000))) };
    assert_eq!((why("8001", 20_000, 0), why("8101", 20_000, 0)), (again, Reason::Free));
    // A step that something else opened is known from what was told.
    assert_eq!(why("8101", 0, 2), Reason::Free);
    assert_eq!((why("8001", 60_000, 0), why("8101", 60_000, 0)), (Reason::Free, Reason::Free));
    let mut only = config.clone();
    only.queues[0].steps.pop();
    let moment =
        Moment { queue: &queue, waited_ms: 20_000, reached: 0, permission: None, decided: None };
    let ready =
        Known { status: AgentStatus::Ready, state: AgentState::Idle, call: None, rests: false };
    let replaced = why_not(&only, &moment, &"8001".into(), Some(ready));
    assert_eq!(replaced, Reason::Replaced { by: 2 });
}

#[test]
fn whose_wait_will_be_long_is_not_left_to_wait_for_it() {
    let estimate_ms = Some(60_000);
    let mut room = Room::new(&two_groups(sales(Opens { estimate_ms, ..opens() })));
    moves(&mut room, 1, 25);
    room.enqueue(100, "claims");
    for n in 101..=120 {
        room.enqueue(n, "claims");
    }
    let first = reached(&room.said())[0].0;
    assert!((104..=109).contains(&first), "one step of 10 s each: {first}");
    let is_longer = |n| room.acd.estimate(call(n)).unwrap().median_ms > 60_000;
    assert!(is_longer(first) && !is_longer(first - 1));
    room.ready("8101");
    assert_eq!(room.view("8101").call, Some(call(first)), "the first of those who wait long");
}

#[test]
fn a_wait_that_becomes_longer_is_noticed_within_a_second_and_a_shorter_one_closes_nothing() {
    let estimate_ms = Some(20_000);
    let mut room = Room::new(&two_groups(sales(Opens { estimate_ms, ..opens() })));
    moves(&mut room, 1, 25);
    room.ready("8002").enqueue(30, "claims").enqueue(31, "claims").answer("8001").answer("8002");
    room.enqueue(40, "claims").enqueue(41, "claims").enqueue(42, "claims");
    assert_eq!(reached(&room.said()), [], "two agents, three calls");
    // One of two gives up: it takes twice as long.
    room.tell(Input::NotReady { agent: "8002".into(), reason: model::NotReadyReason::Break });
    room.end(31);
    room.pass(1_000);
    let said = room.said();
    assert_eq!(reached(&said), [(42, 2, Opened::Estimate)], "{said:?}");
    room.dequeue(40).dequeue(41).ready("8002");
    assert_eq!(room.view("8002").call, Some(call(42)));
    room.miss("8002", MissedCause::Rejected).ready("8101");
    assert_eq!(room.view("8101").call, Some(call(42)), "what was opened stays open");
}

#[test]
fn a_call_that_a_supervisor_puts_forward_keeps_what_was_opened_to_it() {
    let estimate_ms = Some(20_000);
    let mut room = Room::new(&two_groups(sales(Opens { estimate_ms, ..opens() })));
    moves(&mut room, 1, 25);
    for n in 30..=36 {
        room.enqueue(n, "claims");
    }
    assert!(reached(&room.said()).contains(&(36, 2, Opened::Estimate)));
    room.tell(Input::Prefer { call: call(36), more_ms: 3_600_000, preferred: None });
    assert!(room.acd.estimate(call(36)).unwrap().median_ms < 20_000, "it is next");
    assert_eq!(reached(&room.said()), [], "nothing is opened twice");
    room.ready("8101");
    assert_eq!(room.view("8101").call, Some(call(36)));
}

#[test]
fn a_queue_that_is_served_badly_gets_help_for_all_who_wait() {
    let service_permille = Some(800);
    let mut room = Room::new(&two_groups(sales(Opens { service_permille, ..opens() })));
    for n in 1..=4 {
        room.ready("8001").enqueue(n, "claims").answer("8001").end(n);
    }
    room.enqueue(10, "claims").answer("8001").enqueue(11, "claims").said();
    room.pass(20_000);
    assert_eq!(reached(&room.said()), [], "4 of 4 in time, and nobody late");
    room.enqueue(12, "claims").pass(1_000);
    assert_eq!(reached(&room.said()), [], "5 of 6: 83 %");
    room.enqueue(13, "claims").pass(19_000);
    assert_eq!(reached(&room.said()), []);
    room.pass(1_000);
    let said = room.said();
    let opened = [11, 12, 13].map(|n| (n, 2, Opened::Service));
    assert_eq!(reached(&said), opened, "5 of 7: two wait for more than 20 s");
    room.enqueue(14, "claims");
    assert_eq!(reached(&room.said()), [(14, 2, Opened::Service)], "and who comes then");
}

#[test]
fn who_gives_up_after_long_counts_against_the_service_and_who_misdialled_does_not() {
    let service_permille = Some(800);
    let mut room = Room::new(&two_groups(sales(Opens { service_permille, ..opens() })));
    room.enqueue(1, "claims").pass(2_000).dequeue(1).enqueue(2, "claims").pass(3_000);
    assert_eq!(reached(&room.said()), [], "nothing is known");
    room.enqueue(3, "claims").pass(2_999).dequeue(2);
    assert_eq!(reached(&room.said()), []);
    room.pass(1);
    assert_eq!(reached(&room.said()), [(3, 2, Opened::Service)], "nobody was answered");
    // Ten minutes later that is past.
    room.dequeue(3).pass(600_000).enqueue(4, "claims").pass(1_000);
    assert_eq!(reached(&room.said()), []);
}

#[test]
fn a_later_step_that_opens_opens_those_before_it() {
    let mut config = two_groups(TierStep::new(tier(2), 60_000));
    config.agents[1].tier = tier(2);
    config.queues[0].steps.push(sales(Opens { estimate_ms: Some(1), ..opens() }));
    let mut room = Room::new(&config);
    moves(&mut room, 1, 25);
    room.enqueue(30, "claims").answer("8001").enqueue(31, "claims");
    let told = [(31, 2, Opened::Later), (31, 3, Opened::Estimate)];
    assert_eq!(reached(&room.said()), told);
    room.ready("8002");
    assert_eq!(room.view("8002").call, Some(call(31)), "before the 60 s");
    assert!(
        room.pass(60_000).said().iter().all(|said| !matches!(said, Output::TierReached { .. }))
    );
}

#[test]
fn after_a_death_a_call_has_reached_what_it_had_and_the_same_is_watched_on() {
    let both = Opens { estimate_ms: Some(60_000), service_permille: Some(119), ..opens() };
    // Of 25 who came at once three were answered within 20 s.
    let config = two_groups(sales(both));
    let mut room = Room::new(&config);
    moves(&mut room, 1, 25);
    let mut kept = room.acd.keep_facts();
    room.enqueue(30, "claims").answer("8001").enqueue(31, "claims").pass(2_300);
    for n in 32..=36 {
        room.enqueue(n, "claims");
    }
    while let Some(fact) = room.acd.poll_fact() {
        kept.apply(&fact).unwrap();
    }
    kept.at = room.now();
    assert_eq!(reached(&room.said()), []);
    let mut next = Room::new(&config);
    next.acd = Acd::restore(&config, &kept).unwrap();
    next.now_ms = room.now_ms;
    assert_eq!(next.acd.snapshot(), kept);
    assert_eq!(next.acd.poll_timeout(), room.acd.poll_timeout());
    for room in [&mut room, &mut next] {
        room.said();
        room.enqueue(40, "claims").enqueue(41, "claims").pass(30_000).ready("8101");
    }
    let said = next.said();
    assert_eq!(said, room.said());
    let why = |of: Opened| reached(&said).iter().any(|(_, _, why)| *why == of);
    assert!(why(Opened::Estimate) && why(Opened::Service), "{said:?}");
    for n in 31..=36 {
        assert_eq!(room.acd.estimate(call(n)), next.acd.estimate(call(n)));
    }
}

#[test]
fn nothing_is_looked_at_every_second_where_nothing_can_open() {
    let mut room = Room::new(&two_groups(sales(Opens { estimate_ms: Some(60_000), ..opens() })));
    assert_eq!(room.acd.poll_timeout(), None);
    room.enqueue(1, "claims").enqueue(2, "sales");
    assert_eq!(room.acd.poll_timeout().map(|(at, _)| at.as_ms()), Some(1_000));
    room.pass(5_000).dequeue(1).pass(1_000);
    assert_eq!(room.acd.poll_timeout(), None, "nobody waits whom it could help");
}

#[test]
fn steps_that_make_no_sense_are_refused() {
    let refused = |second: TierStep| {
        let mut config = two_groups(second);
        config.queues[0].service = None;
        Acd::new(&config, IdSource::new(1, 1)).unwrap_err()
    };
    let claims = || QueueId::from("claims");
    let step_opens = ConfigError::StepOpens { queue: claims(), step: 2 };
    assert_eq!(refused(sales(opens())), step_opens);
    assert_eq!(refused(sales(Opens { estimate_ms: Some(0), ..opens() })), step_opens);
    assert!(step_opens.to_string().contains("step 2"), "{step_opens}");
    let service = refused(sales(Opens { service_permille: Some(800), ..opens() }));
    assert_eq!(service, ConfigError::Service { queue: claims() });
    let unknown = refused(TierStep::of(Skill::Of("cars".into()), idle(0)));
    let named = ConfigError::UnknownSkill { queue: claims(), skill: "cars".into() };
    assert_eq!(unknown, named);
    let twice = refused(TierStep::new(tier(1), 5_000));
    assert_eq!(twice, ConfigError::StepOrder { queue: claims(), step: 2 });
    let without = TierStep { min_level: 2, ..TierStep::of(Skill::None, idle(0)) };
    assert_eq!(refused(without), ConfigError::Level { queue: claims() });
    let mut first = two_groups(sales(idle(0)));
    first.queues[0].steps.remove(0);
    let error = Acd::new(&first, IdSource::new(1, 1)).unwrap_err();
    assert_eq!(error, ConfigError::StepOpens { queue: claims(), step: 1 });
}
