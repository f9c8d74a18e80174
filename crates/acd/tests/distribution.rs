//! Which call goes to which agent, and when.

mod room;

use acd::{Acd, Input, NotEnqueued, Output, Withdrawal};
use model::{
    AgentId, AgentState, AgentStatus, IdSource, MissedCause, Mono, NotReadyReason, Opened,
    Permission, QueueId,
};
use room::{Room, call, demo, not_ready, queue, tier};

/// The first call of the general queue, of which step n is tier n, has waited long enough.
fn reached(level: u8) -> Output {
    let (queue, tier, step) = ("general".into(), Some(tier(level)), level.into());
    Output::TierReached { call: call(1), queue, tier, step, why: Opened::Waited }
}

#[test]
fn a_call_goes_to_the_agent_who_is_idle_longest() {
    let mut room = Room::demo();
    room.ready("8002").pass(1).ready("8001").pass(5_000).enqueue(1, "general");
    assert_eq!(room.offers(), [(call(1), "8002".to_owned())]);
    room.enqueue(2, "claims");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn agents_idle_equally_long_go_by_their_number() {
    let mut room = Room::demo();
    room.ready("8002").ready("8001").pass(5_000).enqueue(1, "general");
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
}

#[test]
fn an_agent_who_becomes_free_gets_the_call_that_entered_first_in_any_queue() {
    let mut room = Room::demo();
    room.enqueue(3, "general").pass(1).enqueue(2, "claims").pass(1).enqueue(1, "general");
    room.ready("8001");
    assert_eq!(room.offers(), [(call(3), "8001".to_owned())]);
    room.ready("8002");
    assert_eq!(room.offers(), [(call(2), "8002".to_owned())]);
}

#[test]
fn calls_that_entered_together_go_by_their_id() {
    let mut room = Room::demo();
    room.enqueue(2, "general").enqueue(1, "claims").ready("8001");
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
}

/// signalwire/freeswitch#2511: 13 waiting, the 8th was served.
#[test]
fn thirteen_waiting_are_served_in_order() {
    let mut room = Room::demo();
    for counter in 1..=13 {
        room.enqueue(counter, "general").pass(700);
    }
    let mut served = Vec::new();
    room.ready("8001");
    for counter in 1..=13 {
        served.extend(room.offers());
        room.answer("8001").pass(1_000).end(counter).pass(10_000);
    }
    let expected: Vec<_> = (1..=13).map(|counter| (call(counter), "8001".to_owned())).collect();
    assert_eq!(served, expected);
}

#[test]
fn tiers_open_after_their_time_and_not_before() {
    let mut room = Room::demo();
    room.ready("8011").ready("8021").enqueue(1, "general").pass(19_999);
    assert_eq!(room.offers(), []);
    room.pass(1);
    let said = room.said();
    assert_eq!(said.first(), Some(&reached(2)));
    let Some(Output::Offer { agent, waited_ms, score, .. }) = said.get(1) else {
        panic!("{said:?}")
    };
    assert_eq!((agent.as_str(), *waited_ms, *score), ("8011", 20_000, 20_000_000_000));
}

#[test]
fn the_third_tier_opens_while_the_call_is_ringing_elsewhere() {
    let mut room = Room::demo();
    room.ready("8021").enqueue(1, "general").pass(39_000).ready("8011").ringing("8011");
    room.said();
    room.pass(1_000);
    assert_eq!(room.said(), [reached(3)]);
    room.miss("8011", MissedCause::Busy);
    assert_eq!(room.offers(), [(call(1), "8021".to_owned())]);
}

/// Found by walking through small worlds: the timers of one moment acted one by one.
#[test]
fn of_calls_that_reach_a_tier_at_one_moment_the_best_is_offered_first() {
    let mut config = demo();
    config.queues[1].head_start_ms = 5_000;
    for (first, second) in [("general", "claims"), ("claims", "general")] {
        let mut room = Room::new(&config);
        room.ready("8011").enqueue(1, first).enqueue(2, second).pass(20_000);
        let claims = if first == "claims" { 1 } else { 2 };
        assert_eq!(room.offers(), [(call(claims), "8011".to_owned())]);
    }
}

#[test]
fn whoever_becomes_free_when_a_call_reaches_their_tier_may_have_it() {
    let mut config = demo();
    config.queues[1].head_start_ms = 5_000;
    config.agents[2].acw_ms = 20_000;
    let mut room = Room::new(&config);
    room.ready("8011").enqueue(1, "complaints").answer("8011").enqueue(2, "claims").end(1);
    room.enqueue(3, "complaints").said();
    room.pass(20_000);
    assert_eq!(room.offers(), [(call(2), "8011".to_owned())], "5 s ahead of the complaint");
}

#[test]
fn a_call_that_comes_back_with_its_old_time_has_reached_its_tiers_already() {
    let mut room = Room::demo();
    room.ready("8021").pass(50_000).enqueue_at(1, "general", None, 5_000);
    let said = room.said();
    let reached = |output: &Output| match output {
        Output::TierReached { tier, .. } => tier.map(|tier| tier.level),
        _ => None,
    };
    assert_eq!(said.iter().filter_map(reached).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(room.view("8021").call, Some(call(1)));
}

#[test]
fn a_call_that_needs_a_permission_waits_for_a_tier_that_holds_it() {
    let mut room = Room::demo();
    room.ready("8001").ready("8011");
    room.enqueue_at(1, "claims", Some(Permission::PolicyEndorse), 0);
    assert_eq!(room.offers(), [], "tier 1 may not, tier 2 is not reached");
    room.pass(20_000);
    assert_eq!(room.offers(), [(call(1), "8011".to_owned())]);
}

#[test]
fn a_call_that_needs_a_permission_does_not_block_those_behind_it() {
    let mut room = Room::demo();
    room.enqueue_at(1, "claims", Some(Permission::ClaimSettle), 0).enqueue(2, "claims");
    room.ready("8001");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn a_call_that_nobody_may_ever_take_is_not_enqueued() {
    let mut room = Room::demo();
    room.enqueue_at(1, "general", Some(Permission::Administer), 0);
    room.enqueue(2, "nowhere").enqueue(3, "general").enqueue(3, "claims");
    let why = |output| match output {
        Output::NotEnqueued { call, why, .. } => Some((call, why)),
        _ => None,
    };
    assert_eq!(
        room.said().into_iter().filter_map(why).collect::<Vec<_>>(),
        [
            (call(1), NotEnqueued::NobodyMay),
            (call(2), NotEnqueued::UnknownQueue),
            (call(3), NotEnqueued::AlreadyKnown),
        ]
    );
    assert_eq!(room.line("general"), [call(3)]);
    assert_eq!(room.line("nowhere"), []);
}

#[test]
fn a_full_queue_takes_nobody_until_someone_leaves() {
    let mut config = demo();
    config.queues[0].max_waiting = 2;
    let mut room = Room::new(&config);
    room.enqueue(1, "general").enqueue(2, "general").enqueue(3, "general");
    let full =
        Output::NotEnqueued { call: call(3), queue: "general".into(), why: NotEnqueued::QueueFull };
    assert_eq!(room.said(), [full]);
    room.dequeue(1).enqueue(3, "general");
    assert_eq!(room.line("general"), [call(2), call(3)]);
}

#[test]
fn a_head_start_counts_like_time_waited() {
    let mut config = demo();
    config.queues.push(queue("vip", &[(1, 0)]));
    config.queues[3].head_start_ms = 30_000;
    config.agents[0].queues.push(QueueId::from("vip").into());
    let mut room = Room::new(&config);
    room.enqueue(1, "general").pass(29_999).enqueue(2, "vip").ready("8001");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())], "1 ms ahead of the first");
    let mut room = Room::new(&config);
    room.enqueue(1, "general").pass(30_001).enqueue(2, "vip").ready("8001");
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
}

#[test]
fn no_head_start_overtakes_a_call_that_waits_an_hour_longer() {
    let mut room = Room::demo();
    let favourite = |entered_ms| Input::Enqueue {
        call: call(2),
        queue: QueueId::from("general"),
        permission: None,
        entered: Mono::from_ms(entered_ms),
        head_start_ms: u64::MAX,
        preferred: None,
    };
    room.enqueue(1, "general").pass(3_600_001).tell(favourite(3_600_001)).ready("8001");
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
}

/// Teams docs #9902: re-entering the queue puts you last.
#[test]
fn a_missed_call_keeps_its_place() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").ringing("8001").pass(1_000).enqueue(2, "general");
    room.said();
    room.miss("8001", MissedCause::Rejected);
    assert_eq!(room.line("general"), [call(1), call(2)]);
    room.ready("8002");
    assert_eq!(room.offers(), [(call(1), "8002".to_owned())]);
}

/// amazon-connect-streams#292: the only agent keeps being rung after rejecting.
#[test]
fn an_agent_who_missed_a_call_is_not_rung_again_until_ready() {
    for (cause, reason) in [
        (MissedCause::NoAnswer, NotReadyReason::NoAnswer),
        (MissedCause::Rejected, NotReadyReason::Rejected),
        (MissedCause::Busy, NotReadyReason::Busy),
        (MissedCause::Unreachable, NotReadyReason::Unreachable),
        (MissedCause::Error, NotReadyReason::Error),
    ] {
        let mut room = Room::demo();
        room.ready("8001").enqueue(1, "general").miss("8001", cause).pass(15_000);
        assert_eq!(room.state("8001"), (not_ready(reason), AgentState::Idle));
        assert_eq!(room.offers().len(), 1, "{cause:?}");
        room.ready("8001");
        assert_eq!(room.offers(), [(call(1), "8001".to_owned())], "{cause:?}");
    }
}

/// signalwire/freeswitch#152: separate counts for rejected, busy and not registered.
#[test]
fn misses_are_counted_by_cause_from_signing_in() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general");
    room.miss("8001", MissedCause::Busy).ready("8001");
    room.miss("8001", MissedCause::Rejected).ready("8001");
    room.miss("8001", MissedCause::Rejected).ready("8001");
    room.miss("8001", MissedCause::Unreachable).ready("8001");
    room.miss("8001", MissedCause::Error).ready("8001");
    room.ringing("8001").pass(20_000);
    let counted = room.view("8001").missed;
    let causes = [counted.busy, counted.rejected, counted.unreachable, counted.error];
    assert_eq!((causes, counted.no_answer), ([1, 2, 1, 1], 1));
    let agent: AgentId = "8001".into();
    room.tell(Input::SignOut { agent: agent.clone() }).tell(Input::SignIn { agent });
    assert_eq!(room.view("8001").missed, acd::MissedCounts::default());
}

#[test]
fn a_phone_rings_for_its_time_and_the_next_agent_is_tried() {
    let mut room = Room::demo();
    room.ready("8001").pass(1).ready("8002").enqueue(1, "general").pass(250).ringing("8001");
    let offer = room.offer("8001");
    room.said();
    room.pass(19_999);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Ringing));
    room.pass(1);
    let said = room.said();
    let (agent, call) = (AgentId::from("8001"), call(1));
    let why = Withdrawal::RangOut;
    let withdrawn = Output::OfferWithdrawn { offer, call, agent: agent.clone(), why };
    // The 20 s of tier 2 ended 250 ms before those of the phone.
    assert!(matches!(said[0], Output::TierReached { .. }), "{said:?}");
    assert_eq!(said[1], withdrawn);
    let cause = MissedCause::NoAnswer;
    assert_eq!(said[2], Output::Missed { offer, call, agent, cause });
    let Some(Output::Offer { agent, waited_ms, .. }) = said.get(4) else { panic!("{said:?}") };
    assert_eq!((agent.as_str(), *waited_ms), ("8002", 20_250));
    assert_eq!(room.state("8001"), (not_ready(NotReadyReason::NoAnswer), AgentState::Idle));
}

/// signalwire/freeswitch#2540: agents stuck in Reserved.
#[test]
fn a_reservation_that_never_rings_ends() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general");
    room.said();
    room.pass(4_999);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Reserved));
    room.pass(1);
    assert!(
        room.said().iter().any(|output| matches!(
            output,
            Output::OfferWithdrawn { why: Withdrawal::NeverRang, .. }
        ))
    );
    assert_eq!(room.state("8001"), (not_ready(NotReadyReason::Error), AgentState::Idle));
}

#[test]
fn a_caller_who_leaves_stops_the_ringing_at_once() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").ringing("8001").pass(3_000);
    let offer = room.offer("8001");
    room.said();
    room.dequeue(1);
    let why = Withdrawal::CallerLeft;
    let said = room.said();
    let agent = AgentId::from("8001");
    assert_eq!(said[0], Output::OfferWithdrawn { offer, call: call(1), agent, why });
    let queue = "general".into();
    assert_eq!(said[1], Output::Dequeued { call: call(1), queue, waited_ms: 3_000 });
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Idle));
    assert_eq!(room.acd.poll_timeout(), None, "nothing is left to wait for");
}

#[test]
fn an_agent_whose_caller_left_keeps_the_turn() {
    let mut room = Room::demo();
    room.ready("8002").pass(1).ready("8001").pass(1).enqueue(1, "general").pass(4_000);
    room.dequeue(1).said();
    room.enqueue(2, "general");
    assert_eq!(room.offers(), [(call(2), "8002".to_owned())]);
}

#[test]
fn what_comes_after_an_offer_is_over_changes_nothing() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").ringing("8001");
    let offer = room.offer("8001");
    room.dequeue(1).said();
    room.tell(Input::OfferAnswered { offer }).tell(Input::OfferRinging { offer });
    room.tell(Input::OfferMissed { offer, cause: MissedCause::Busy }).dequeue(1).end(1);
    assert_eq!(room.said(), []);
    assert_eq!(room.state("8001"), (AgentStatus::Ready, AgentState::Idle));
}

#[test]
fn ringing_twice_does_not_ring_longer() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").ringing("8001").pass(15_000).ringing("8001");
    room.pass(5_000);
    assert_eq!(room.state("8001").1, AgentState::Idle);
}

#[test]
fn a_place_in_line_is_counted_with_those_being_offered() {
    let mut room = Room::demo();
    room.ready("8001").enqueue(1, "general").pass(1).enqueue(2, "general").pass(1);
    room.enqueue(3, "general");
    let place = |room: &Room, counter| room.acd.position(call(counter)).map(|at| at.position);
    assert_eq!([1, 2, 3].map(|counter| place(&room, counter)), [Some(1), Some(2), Some(3)]);
    assert_eq!(room.acd.position(call(3)).map(|at| (at.waiting, at.entered.as_ms())), Some((3, 2)));
    room.miss("8001", MissedCause::Busy);
    assert_eq!(place(&room, 3), Some(3), "a missed offer sets nobody back");
    room.ready("8001").answer("8001");
    assert_eq!([1, 2, 3].map(|counter| place(&room, counter)), [None, Some(1), Some(2)]);
}

#[test]
fn a_queues_figures_say_who_waits_and_what_agents_do() {
    let mut room = Room::demo();
    room.pass(100).enqueue(1, "general").pass(10).enqueue(2, "general").ready("8001");
    let view = room.acd.queue_snapshot(&"general".into()).unwrap();
    assert_eq!((view.waiting, view.offered), (2, 1));
    assert_eq!(view.longest_since, Some(Mono::from_ms(100)));
    assert_eq!((view.agents.reserved, view.agents.signed_out), (1, 3));
    room.answer("8001").not_ready("8002");
    let view = room.acd.queue_snapshot(&"general".into()).unwrap();
    assert_eq!((view.waiting, view.offered), (1, 0));
    assert_eq!(view.longest_since, Some(Mono::from_ms(110)));
    let totals = view.agents;
    assert_eq!((totals.talking, totals.not_ready, totals.signed_out), (1, 1, 2));
}

#[test]
fn a_queues_figures_come_once_after_everything_else() {
    let mut acd = Acd::new(&demo(), IdSource::new(1, 1)).unwrap();
    for counter in 1..=3 {
        let enqueue = Input::Enqueue {
            call: call(counter),
            queue: "claims".into(),
            permission: None,
            entered: Mono::default(),
            head_start_ms: 0,
            preferred: None,
        };
        acd.handle_input(enqueue, Mono::default());
    }
    let outputs: Vec<Output> = std::iter::from_fn(|| acd.poll_output()).collect();
    let [Output::QueueChanged(view)] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((view.queue.as_str(), view.waiting), ("claims", 3));
}

#[test]
fn a_call_that_is_put_forward_overtakes_and_one_that_is_offered_stays_where_it_is() {
    let mut room = Room::demo();
    for counter in 1..=3 {
        room.enqueue(counter, "general");
        room.pass(1_000);
    }
    let prefer = |counter, more_ms| Input::Prefer { call: call(counter), more_ms, preferred: None };
    room.tell(prefer(3, 1_500));
    assert_eq!(room.line("general"), [call(1), call(3), call(2)]);
    room.tell(prefer(3, 1_500));
    assert_eq!(room.line("general"), [call(3), call(1), call(2)]);
    let before = room.acd.balance(&"general".into()).unwrap();
    assert_eq!((before.offered, before.overflowed, before.waiting), (3, 0, 3), "nobody left");
    room.ready("8001");
    room.tell(prefer(3, 1_500));
    assert_eq!(room.offers(), [(call(3), "8001".to_owned())], "which goes on");
}

#[test]
fn a_call_that_is_put_forward_for_one_agent_waits_for_them_alone() {
    let mut room = Room::demo();
    room.ready("8001");
    room.enqueue(1, "general").answer("8001");
    room.enqueue(2, "general");
    let preferred = Some(acd::Preferred { agent: "8001".into(), for_ms: 10_000 });
    room.tell(Input::Prefer { call: call(2), more_ms: 0, preferred });
    room.said();
    room.ready("8002").pass(9_999);
    assert_eq!(room.offers(), []);
    room.pass(1);
    assert_eq!(room.offers(), [(call(2), "8002".to_owned())]);
}
