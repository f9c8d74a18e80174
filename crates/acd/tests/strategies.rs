//! Strategies, skills, stewards and second chances: each in one small story.

mod room;

use acd::{
    AcwRule, CallChoice, Choice, Config, ConfigError, ExcludedAgents, ExcludedCalls, Input,
    MissedRule, Preferred, QueueConfig, Served, Strategy, TierStep,
};
use model::{AgentState, AgentStatus, MissedCause, Mono, NotReadyReason, Permission, QueueId};
use room::{Room, call, demo, not_ready, queue, tier};

/// The demo with another strategy in its first queue.
fn with(strategy: Strategy) -> Config {
    let mut config = demo();
    config.queues[0].strategy = strategy;
    config
}

fn served(name: &str, level: u8, share: u32) -> Served {
    Served { queue: QueueId::from(name), level, share }
}

fn enqueue_for(room: &mut Room, counter: u32, name: &str, agent: &str, for_ms: u64) {
    room.tell(Input::Enqueue {
        call: call(counter),
        queue: name.into(),
        permission: None,
        entered: room.now(),
        head_start_ms: 0,
        preferred: Some(Preferred { agent: agent.into(), for_ms }),
    });
}

/// Answers, talks for a while and is done with it.
fn serve(room: &mut Room, agent: &str, counter: u32, ms: u64) {
    room.answer(agent).pass(ms).end(counter).tell(Input::Ready { agent: agent.into() });
}

#[test]
fn round_robin_goes_round_whoever_is_idle_longest() {
    let mut room = Room::new(&with(Strategy::RoundRobin));
    room.ready("8001").ready("8002");
    let mut served = Vec::new();
    for counter in 1..=4 {
        room.said();
        room.pass(1_000).enqueue(counter, "general");
        let (_, agent) = room.offers().remove(0);
        serve(&mut room, &agent, counter, 1_000);
        served.push(agent);
        // Were it by idle time, this one would be next.
        room.not_ready("8002").ready("8002");
    }
    assert_eq!(served, ["8001", "8002", "8001", "8002"]);
}

#[test]
fn a_round_is_not_lost_to_a_caller_who_hung_up() {
    let mut room = Room::new(&with(Strategy::RoundRobin));
    room.ready("8001").ready("8002").enqueue(1, "general").dequeue(1).said();
    room.enqueue(2, "general");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn fewest_calls_are_counted_from_signing_in() {
    let mut room = Room::new(&with(Strategy::FewestCalls));
    room.ready("8001").enqueue(1, "general");
    serve(&mut room, "8001", 1, 1_000);
    room.pass(1_000).ready("8002").said();
    room.enqueue(2, "general");
    assert_eq!(room.offers(), [(call(2), "8002".to_owned())], "8001 is idle longer");
    serve(&mut room, "8002", 2, 1_000);
    room.tell(Input::SignOut { agent: "8002".into() }).ready("8002").said();
    room.enqueue(3, "general");
    assert_eq!(room.offers(), [(call(3), "8002".to_owned())], "none since signing in");
}

#[test]
fn the_least_occupied_goes_first() {
    let mut room = Room::new(&with(Strategy::LeastOccupied));
    room.ready("8001").enqueue(1, "general");
    serve(&mut room, "8001", 1, 50_000);
    room.ready("8002").enqueue(2, "claims").said();
    // 8001 has had call 2 as well; 8002 one short call and a long rest before it.
    room.answer("8001").pass(50_000).enqueue(3, "claims").answer("8002").pass(1_000).end(3);
    room.tell(Input::Ready { agent: "8002".into() }).pass(1_000).end(2);
    room.tell(Input::Ready { agent: "8001".into() }).said();
    room.enqueue(4, "general");
    assert_eq!(room.offers(), [(call(4), "8002".to_owned())]);
}

#[test]
fn skill_first_asks_the_experts_first() {
    let mut config = with(Strategy::SkillFirst);
    config.agents[1].queues = vec![served("general", 9, 1)];
    let mut room = Room::new(&config);
    room.ready("8001").pass(60_000).ready("8002").enqueue(1, "general");
    assert_eq!(room.offers(), [(call(1), "8002".to_owned())]);
    room.enqueue(2, "general");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn a_call_reaches_out_from_the_experts_to_the_others() {
    let mut config = demo();
    config.queues[1].steps = vec![
        TierStep { min_level: 5, ..TierStep::new(tier(1), 0) },
        TierStep::new(tier(1), 15_000),
    ];
    config.agents.truncate(2);
    config.agents[1].queues = vec![served("claims", 5, 1)];
    let mut room = Room::new(&config);
    room.ready("8001").enqueue(1, "claims").pass(14_999);
    assert_eq!(room.offers(), []);
    room.ready("8002");
    assert_eq!(room.offers(), [(call(1), "8002".to_owned())], "an expert may from the start");
    room.answer("8002").enqueue(2, "claims").pass(15_000);
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn an_agent_may_go_by_skill_before_score() {
    let mut config = demo();
    config.agents[0].choice = CallChoice::SkillFirst;
    config.agents[0].queues = vec![served("general", 2, 1), served("claims", 7, 1)];
    let mut room = Room::new(&config);
    room.enqueue(1, "general").pass(5_000).enqueue(2, "claims").ready("8001");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn shares_are_kept_over_many_calls() {
    let mut config = demo();
    config.agents[0].choice = CallChoice::Shares;
    config.agents[0].queues = vec![served("general", 1, 3), served("claims", 1, 1)];
    let mut room = Room::new(&config);
    for counter in 1..=40 {
        room.enqueue(counter, if counter % 2 == 0 { "general" } else { "claims" });
    }
    room.ready("8001");
    let mut from_general = 0;
    for _ in 0..20 {
        let offered = room.offers().remove(0).0;
        from_general += usize::from(offered.0.counter().is_multiple_of(2));
        serve(&mut room, "8001", offered.0.counter(), 1_000);
    }
    assert_eq!(from_general, 15);
}

#[test]
fn the_shorter_the_objective_the_faster_a_call_gains() {
    let mut config = demo();
    config.queues[1].objective_ms = Some(20_000);
    let mut room = Room::new(&config);
    // 10 s with an objective of 20 s: 10 s + 3 times 10 s.
    room.enqueue(1, "general").pass(29_000).enqueue(2, "claims").pass(10_000).ready("8001");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
    let score = room.acd.why(call(2)).next().map(|why| why.choice.clone());
    let excluded = ExcludedCalls::default();
    let next = vec![(call(1), 39_000_000_000)];
    assert_eq!(score, Some(Choice::Calls { score: 40_000_000_000, next, excluded }));
}

#[test]
fn a_steward_gets_their_customer_though_others_are_idle_longer() {
    let mut room = Room::demo();
    room.ready("8001").pass(1_000).ready("8011");
    enqueue_for(&mut room, 1, "general", "8011", 30_000);
    assert_eq!(room.offers(), [(call(1), "8011".to_owned())], "whatever tier it has reached");
    assert_eq!(room.acd.why(call(1)).last().map(|why| &why.choice), Some(&Choice::Preferred));
}

#[test]
fn a_customer_waits_for_a_busy_steward_for_so_long_and_no_longer() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").answer("8001").ready("8002").said();
    enqueue_for(&mut room, 2, "general", "8001", 30_000);
    room.pass(29_999);
    assert_eq!(room.offers(), []);
    assert_eq!(room.line("general"), [call(2)], "but it is in line");
    room.pass(1);
    assert_eq!(room.offers(), [(call(2), "8002".to_owned())]);
}

#[test]
fn nobody_waits_for_a_steward_in_vain() {
    let mut room = Room::demo();
    room.ready("8002").tell(Input::SignIn { agent: "8001".into() });
    for (counter, steward) in [(1, "8001"), (2, "8021"), (3, "nobody")] {
        enqueue_for(&mut room, counter, "general", steward, 30_000);
        assert_eq!(room.offers(), [(call(counter), "8002".to_owned())], "{steward}");
        serve(&mut room, "8002", counter, 1_000);
        room.said();
    }
    // Busy, then gone: everyone's at once.
    room.enqueue(4, "general").answer("8002").ready("8001").said();
    enqueue_for(&mut room, 5, "general", "8002", 600_000);
    room.tell(Input::SignOut { agent: "8002".into() }).end(4).pass(9_999);
    assert_eq!(room.offers(), [], "after-call work is still to be done");
    room.pass(1);
    assert_eq!(room.offers(), [(call(5), "8001".to_owned())]);
}

#[test]
fn a_customer_whose_steward_misses_the_call_is_everyones() {
    let mut room = Room::demo();
    room.ready("8001").ready("8002");
    enqueue_for(&mut room, 1, "general", "8002", 600_000);
    room.said();
    room.miss("8002", MissedCause::NoAnswer);
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
}

/// Found by random orders: the missed call went before a better one that waited for the same agent.
#[test]
fn of_all_calls_that_a_missed_offer_frees_the_best_goes_first() {
    let mut room = Room::demo();
    room.ready("8002").ready("8001");
    enqueue_for(&mut room, 2, "general", "8002", 60_000);
    room.tell(Input::Enqueue {
        call: call(3),
        queue: "general".into(),
        permission: None,
        entered: Mono::default(),
        head_start_ms: 30_000,
        preferred: Some(Preferred { agent: "8002".into(), for_ms: 60_000 }),
    });
    assert_eq!(room.offers(), [(call(2), "8002".to_owned())]);
    room.miss("8002", MissedCause::Busy);
    assert_eq!(room.offers(), [(call(3), "8001".to_owned())]);
}

/// signalwire/freeswitch#152: separate limits and delays for rejected, busy and not registered.
#[test]
fn each_cause_has_a_limit_and_a_rest_of_its_own() {
    let mut config = demo();
    config.missed.busy = MissedRule { limit: 3, rest_ms: 4_000 };
    let mut room = Room::new(&config);
    room.ready("8001").enqueue(1, "general").miss("8001", MissedCause::Busy);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Idle));
    assert_eq!(room.view("8001").rests_until, Some(Mono::from_ms(4_000)));
    room.said();
    room.pass(3_999);
    assert_eq!(room.offers(), [], "amazon-connect-streams#292: no ringing in a loop");
    room.pass(1);
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
    room.miss("8001", MissedCause::Busy).pass(4_000).miss("8001", MissedCause::Busy);
    assert_eq!(room.state("8001").0, not_ready(NotReadyReason::Busy), "the third in a row");
    room.ready("8001").miss("8001", MissedCause::Rejected);
    assert_eq!(room.state("8001").0, not_ready(NotReadyReason::Rejected), "another limit");
}

#[test]
fn an_answered_call_ends_a_row_of_misses_and_ready_ends_a_rest() {
    let mut config = demo();
    config.missed.busy = MissedRule { limit: 2, rest_ms: 4_000 };
    let mut room = Room::new(&config);
    room.ready("8001").enqueue(1, "general").miss("8001", MissedCause::Busy).said();
    room.tell(Input::Ready { agent: "8001".into() });
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
    room.answer("8001").end(1).ready("8001").enqueue(2, "general");
    room.miss("8001", MissedCause::Busy);
    assert_eq!(room.state("8001").0, AgentStatus::Ready, "the first again");
    assert_eq!(room.view("8001").missed.busy, 2);
    room.not_ready("8001");
    assert_eq!(room.view("8001").rests_until, None);
    assert_eq!(room.acd.poll_timeout().map(|(_, why)| why), Some("a call reaches its next tier"));
}

#[test]
fn a_queue_may_have_after_call_work_of_its_own() {
    let mut config = demo();
    config.queues[0].acw = Some(AcwRule { ms: 30_000, limit_ms: 40_000 });
    let mut room = Room::new(&config);
    room.ready("8001").enqueue(1, "general").answer("8001").end(1);
    assert_eq!(room.view("8001").acw_until, Some(Mono::from_ms(30_000)));
    room.tell(Input::ExtendAcw { agent: "8001".into(), ms: 60_000 });
    assert_eq!(room.view("8001").acw_until, Some(Mono::from_ms(40_000)), "its limit");
}

#[test]
fn a_decision_says_who_was_next_and_why_others_were_not_asked() {
    let mut room = Room::demo();
    room.ready("8001")
        .pass(1)
        .ready("8002")
        .ready("8011")
        .tell(Input::SignIn { agent: "8021".into() });
    room.enqueue(1, "general");
    let why: Vec<_> = room.acd.why(call(1)).cloned().collect();
    let [decision] = why.as_slice() else { panic!("{why:?}") };
    assert_eq!((decision.seq, decision.agent.as_str()), (1, "8001"));
    let excluded = ExcludedAgents { not_ready: 1, not_reached: 1, ..ExcludedAgents::default() };
    let next = vec![("8002".into(), 0)];
    let strategy = Strategy::LongestIdle;
    assert_eq!(decision.choice, Choice::Agents { strategy, key: 0, next, excluded });
    // Missed, and given to the other: two decisions about one call.
    room.miss("8001", MissedCause::Busy);
    let agents: Vec<_> = room.acd.why(call(1)).map(|why| why.agent.to_string()).collect();
    assert_eq!(agents, ["8001", "8002"]);
}

#[test]
fn a_decision_says_which_calls_were_next_and_why_others_had_to_wait() {
    let mut room = Room::demo();
    room.enqueue_at(1, "claims", Some(Permission::ClaimSettle), 0).pass(1_000);
    for counter in 2..=9 {
        room.enqueue(counter, "general").pass(1_000);
    }
    room.ready("8001");
    let choice = room.acd.why(call(2)).last().map(|why| why.choice.clone());
    let Some(Choice::Calls { score, next, excluded }) = choice else { panic!("{choice:?}") };
    assert_eq!(score, 8_000_000_000);
    let next: Vec<u32> = next.iter().map(|(call, _)| call.0.counter()).collect();
    assert_eq!(next, [3, 4, 5, 6, 7]);
    assert_eq!(excluded, ExcludedCalls { not_permitted: 1, ..ExcludedCalls::default() });
}

#[test]
fn the_oldest_decisions_are_forgotten() {
    let mut room = Room::demo();
    room.ready("8001");
    let last = u32::try_from(acd::MAX_DECISIONS).map_or(0, |most| most + 1);
    for counter in 1..=last {
        room.enqueue(counter, "general").dequeue(counter).said();
    }
    assert_eq!(room.acd.why(call(1)).count(), 0);
    assert_eq!(room.acd.why(call(2)).map(|why| why.seq).collect::<Vec<_>>(), [2]);
    assert_eq!(room.acd.why(call(last)).count(), 1);
}

#[test]
fn strategies_are_found_by_their_names() {
    for name in [
        "longest_idle",
        "least_occupied",
        "skill_first",
        "round_robin",
        "fewest_calls",
        "ring_all",
        "ring_progressive",
    ] {
        assert_eq!(Strategy::from_name(name).map(Strategy::as_str), Some(name));
    }
    assert_eq!(Strategy::from_name("random"), None);
}

#[test]
fn skills_gains_and_rules_that_make_no_sense_are_refused() {
    let check = |edit: &dyn Fn(&mut Config)| {
        let mut config = demo();
        edit(&mut config);
        config.check()
    };
    let general = || QueueId::from("general");
    let level = Err(ConfigError::Level { queue: general() });
    assert_eq!(check(&|config| config.agents[0].queues[0].level = 0), level);
    assert_eq!(check(&|config| config.agents[0].queues[0].level = 11), level);
    assert_eq!(check(&|config| config.agents[0].queues[0].share = 0), level);
    assert_eq!(check(&|config| config.queues[0].steps[0].min_level = 0), level);
    let gain = Err(ConfigError::Gain { queue: general() });
    assert_eq!(check(&|config| config.queues[0].gain_permille = 100_001), gain);
    assert_eq!(check(&|config| config.queues[0].objective_ms = Some(999)), gain);
    let rule = AcwRule { ms: 2, limit_ms: 1 };
    let acw = Err(ConfigError::AcwRule { queue: general() });
    assert_eq!(check(&|config| config.queues[0].acw = Some(rule)), acw);
    for rule in [MissedRule { limit: 0, rest_ms: 0 }, MissedRule { limit: 2, rest_ms: 999 }] {
        assert_eq!(check(&|config| config.missed.error = rule), Err(ConfigError::MissedRule));
    }
    let not_served = check(&|config| config.queues[0].steps[0].min_level = 2);
    assert!(matches!(not_served, Err(ConfigError::NeverServed { .. })), "{not_served:?}");
    let empty = QueueConfig::new(general(), Vec::new());
    assert!(check(&|config| config.queues[0] = empty.clone()).is_err());
    assert!(check(&|config| config.queues.push(queue("new", &[(1, 0)]))).is_ok());
}
