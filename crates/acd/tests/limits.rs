//! Queues that are full, closed, empty or in an emergency: nobody is lost, and everyone is counted.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use std::collections::{BTreeMap, BTreeSet};

use acd::{
    Acd, Balance, Config, ConfigError, Input, Left, Limits, NotEnqueued, NotServed, Output,
    Overflow, OverflowCause, Plan, Rule, WaitLimit,
};
use model::{CallId, IdSource, MissedCause, Permission, QueueId};
use room::{Room, agent, call, queue};

/// Queue a with room for two, and b; 8001 serves both.
fn with(limits: Limits) -> Config {
    let mut a = queue("a", &[(1, 0)]);
    (a.max_waiting, a.limits) = (2, limits);
    let queues = vec![a, queue("b", &[(1, 0)])];
    let agents = vec![agent("8001", 1, &["a", "b"])];
    Config { queues, agents, ..Config::default() }
}

fn to_b() -> Overflow {
    Overflow::Queue("b".into())
}

fn number() -> Overflow {
    Overflow::Number("10086".into())
}

fn rule(to: Overflow, waiting_too: bool) -> Option<Rule> {
    Some(Rule { to, waiting_too })
}

/// Who went where, and why.
fn sent(room: &mut Room) -> Vec<(CallId, OverflowCause, Overflow)> {
    let sent = |output| match output {
        Output::Overflowed { call, why, to, .. } => Some((call, why, to)),
        _ => None,
    };
    room.said().into_iter().filter_map(sent).collect()
}

fn balance(room: &Room, queue: &str) -> Balance {
    let balance = room.acd.balance(&queue.into()).unwrap();
    assert_eq!(balance.residual_since(&Balance::default()), 0, "{balance:?}");
    balance
}

fn open(room: &mut Room, queue: &str, open: bool) {
    room.tell(Input::QueueOpen { queue: queue.into(), open });
}

fn emergency(room: &mut Room, on: bool) {
    room.tell(Input::Emergency { plan: "fire".into(), on });
}

#[test]
fn who_finds_a_queue_full_goes_to_the_next_one_with_the_time_of_entering() {
    let mut room = Room::new(&with(Limits { full: Some(to_b()), ..Limits::default() }));
    room.enqueue(1, "a").enqueue(2, "a").pass(1_000);
    room.enqueue_at(3, "a", None, 0);
    assert_eq!(sent(&mut room), [(call(3), OverflowCause::Full, to_b())]);
    assert_eq!((room.line("a"), room.line("b")), (vec![call(1), call(2)], vec![call(3)]));
    let place = room.acd.position(call(3)).unwrap();
    assert_eq!((place.queue.as_str(), place.entered.as_ms()), ("b", 0));
    assert_eq!((balance(&room, "a").overflowed, balance(&room, "b").offered), (1, 1));
}

#[test]
fn who_has_waited_for_as_long_as_one_may_goes_but_not_from_a_ringing_phone() {
    let wait = Some(WaitLimit { ms: 15_000, to: number() });
    let mut room = Room::new(&with(Limits { wait, ..Limits::default() }));
    room.ready("8001").enqueue(1, "a").ringing("8001").enqueue(2, "a").said();
    room.pass(14_999);
    assert_eq!(sent(&mut room), []);
    room.pass(1);
    assert_eq!(sent(&mut room), [(call(2), OverflowCause::TimedOut, number())]);
    assert_eq!(room.line("a"), [call(1)]);
    room.miss("8001", MissedCause::Rejected);
    assert_eq!(sent(&mut room), [(call(1), OverflowCause::TimedOut, number())]);
    assert_eq!(balance(&room, "a").timed_out, 2);
}

#[test]
fn who_can_be_served_at_the_last_moment_is() {
    let wait = Some(WaitLimit { ms: 10_000, to: number() });
    let mut room = Room::new(&with(Limits { wait, ..Limits::default() }));
    room.ready("8001").enqueue(1, "b").answer("8001").end(1);
    // After-call work ends at the moment at which the call has waited for long enough.
    room.enqueue(2, "a").said();
    room.pass(10_000);
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn the_time_begins_anew_in_another_queue_but_the_place_does_not() {
    let wait = Some(WaitLimit { ms: 15_000, to: to_b() });
    let mut config = with(Limits { wait, ..Limits::default() });
    config.queues[1].limits.wait = Some(WaitLimit { ms: 10_000, to: number() });
    let mut room = Room::new(&config);
    room.enqueue(1, "a").pass(15_000);
    room.enqueue(2, "b");
    assert_eq!(room.line("b"), [call(1), call(2)]);
    room.pass(9_999).said();
    room.pass(1);
    assert_eq!(sent(&mut room).len(), 2);
    assert_eq!((balance(&room, "a").timed_out, balance(&room, "b").timed_out), (1, 2));
}

#[test]
fn a_closed_queue_refuses_and_a_rule_says_where_to_instead() {
    let mut room = Room::new(&with(Limits::default()));
    room.enqueue(1, "a");
    open(&mut room, "a", false);
    assert_eq!(room.acd.takes(&"a".into(), None), Err(NotEnqueued::Closed));
    let refused = NotServed::Refused(NotEnqueued::Closed);
    assert_eq!(room.acd.serves(&"a".into(), None), Err(refused));
    room.enqueue(2, "a");
    let refused =
        Output::NotEnqueued { call: call(2), queue: "a".into(), why: NotEnqueued::Closed };
    assert!(room.said().contains(&refused));
    assert_eq!(room.line("a"), [call(1)], "who waits stays");
    let mut room = Room::new(&with(Limits { closed: rule(to_b(), true), ..Limits::default() }));
    room.enqueue(1, "a");
    open(&mut room, "a", false);
    room.enqueue(2, "a");
    assert_eq!(room.line("b"), [call(1), call(2)]);
    open(&mut room, "a", true);
    room.enqueue(3, "a");
    assert_eq!((room.line("a"), balance(&room, "a").closed), (vec![call(3)], 2));
}

#[test]
fn a_queue_whose_last_agent_signs_out_sends_its_callers_on() {
    let unstaffed = rule(Overflow::Callback, true);
    let mut room = Room::new(&with(Limits { unstaffed, ..Limits::default() }));
    room.enqueue(1, "a");
    assert_eq!(sent(&mut room), [(call(1), OverflowCause::Unstaffed, Overflow::Callback)]);
    // A caller may be sent away; whoever is being served is not sent where they would be.
    assert_eq!(room.acd.takes(&"a".into(), None), Ok(()));
    let sent_away = Err(NotServed::SentAway(OverflowCause::Unstaffed));
    assert_eq!(room.acd.serves(&"a".into(), None), sent_away);
    room.ready("8001").not_ready("8001").enqueue(2, "a");
    assert_eq!(room.line("a"), [call(2)], "an agent on a break is at work");
    room.tell(Input::SignOut { agent: "8001".into() });
    assert_eq!(sent(&mut room), [(call(2), OverflowCause::Unstaffed, Overflow::Callback)]);
    assert_eq!(balance(&room, "a").overflowed, 2);
}

#[test]
fn an_emergency_plan_switches_many_queues_at_once_and_back() {
    let announcement = || Overflow::Announcement("fire".into());
    let mut config = with(Limits::default());
    let queues = BTreeMap::from([
        (QueueId::from("a"), Rule { to: announcement(), waiting_too: true }),
        (QueueId::from("b"), Rule { to: number(), waiting_too: false }),
    ]);
    config.plans = vec![Plan { name: "fire".into(), queues }];
    let mut room = Room::new(&config);
    room.ready("8001").enqueue(1, "a").ringing("8001").enqueue(2, "a").enqueue(3, "b").said();
    emergency(&mut room, true);
    assert_eq!(sent(&mut room), [(call(2), OverflowCause::Emergency, announcement())]);
    assert_eq!((room.line("a"), room.line("b")), (vec![call(1)], vec![call(3)]));
    room.enqueue(4, "b");
    assert_eq!(sent(&mut room), [(call(4), OverflowCause::Emergency, number())]);
    emergency(&mut room, false);
    room.enqueue(5, "a").enqueue(6, "b");
    assert_eq!((room.line("a").len(), room.line("b").len()), (2, 2));
    room.tell(Input::Emergency { plan: "flood".into(), on: true });
    room.tell(Input::QueueOpen { queue: "nowhere".into(), open: false });
    assert_eq!(sent(&mut room), [], "what is not configured switches nothing");
}

#[test]
fn every_way_out_has_its_column_and_they_add_up() {
    let mut room = Room::new(&with(Limits { full: Some(number()), ..Limits::default() }));
    let start = balance(&room, "a");
    room.enqueue(1, "a").pass(4_999).dequeue(1);
    room.enqueue(2, "a").pass(5_000).dequeue(2);
    for (counter, why) in [(3, Left::Elsewhere), (4, Left::Error), (5, Left::EngineLost)] {
        room.enqueue(counter, "a").tell(Input::Leave { call: call(counter), why });
    }
    room.ready("8001").enqueue(6, "a").answer("8001");
    room.enqueue(7, "a").enqueue(8, "a").enqueue(9, "a");
    let balance = balance(&room, "a");
    let expected = Balance {
        offered: 9,
        answered: 1,
        short_abandoned: 1,
        abandoned: 1,
        overflowed: 2,
        error: 1,
        engine_lost: 1,
        waiting: 2,
        ..Balance::default()
    };
    assert_eq!((balance, balance.residual_since(&start)), (expected, 0));
}

#[test]
fn limits_that_make_no_sense_are_refused_by_name() {
    let refused = |change: &dyn Fn(&mut Config)| {
        let mut config = with(Limits::default());
        change(&mut config);
        Acd::new(&config, IdSource::new(1, 1)).err()
    };
    let lost = refused(&|config| config.queues[0].limits.full = Some(Overflow::Queue("c".into())));
    let expected = ConfigError::LostOverflow { queue: "a".into(), to: "c".into() };
    assert_eq!(lost, Some(expected));
    let circle = refused(&|config| {
        config.queues[0].limits.full = Some(to_b());
        let back = Overflow::Queue("a".into());
        config.queues[1].limits.wait = Some(WaitLimit { ms: 1, to: back });
    });
    assert_eq!(circle, Some(ConfigError::OverflowCircle { queue: "a".into() }));
    let never = refused(&|config| {
        config.queues[0].limits.wait = Some(WaitLimit { ms: 0, to: number() });
    });
    assert_eq!(never, Some(ConfigError::ZeroLimit { queue: "a".into() }));
    let plan = || Plan { name: "fire".into(), queues: BTreeMap::new() };
    let twice = refused(&|config| config.plans = vec![plan(), plan()]);
    assert_eq!(twice, Some(ConfigError::Plans));
    let unknown = refused(&|config| {
        let queues = BTreeMap::from([("c".into(), Rule { to: number(), waiting_too: true })]);
        config.plans = vec![Plan { queues, ..plan() }];
    });
    assert!(unknown.unwrap().to_string().contains("'c'"));
    assert_eq!(refused(&|_| {}), None);
}

/// Queue a keeps nobody longer than 15 s, then b's; b has room for one and says nothing of more.
fn to_a_small_b() -> Config {
    let mut config =
        with(Limits { wait: Some(WaitLimit { ms: 15_000, to: to_b() }), ..Limits::default() });
    config.queues[1].max_waiting = 1;
    config
}

#[test]
fn who_waited_longest_is_not_cut_off_by_a_queue_that_refuses() {
    let mut room = Room::new(&to_a_small_b());
    room.enqueue(9, "b").enqueue(1, "a").said();
    room.pass(15_000);
    assert_eq!(room.said(), [], "b is full: nobody goes, and nobody is refused");
    assert_eq!((room.line("a"), balance(&room, "a").waiting), (vec![call(1)], 1));
    // As soon as that is looked at again and b has room, the call is there, with its place.
    room.dequeue(9).said();
    room.pass(29_999);
    assert_eq!(room.line("a"), [call(1)]);
    room.pass(1);
    assert_eq!(sent(&mut room), [(call(1), OverflowCause::TimedOut, to_b())]);
    assert_eq!((room.line("b"), room.line("a")), (vec![call(1)], vec![]));
    assert_eq!((balance(&room, "a").timed_out, balance(&room, "b").rejected), (1, 0));
    assert_eq!(room.acd.position(call(1)).unwrap().entered.as_ms(), 0);
}

#[test]
fn who_may_be_served_by_nobody_of_the_next_queue_stays() {
    let mut room = Room::new(&Config {
        permissions: BTreeMap::from([(room::tier(2), BTreeSet::from([Permission::PolicyEndorse]))]),
        ..{
            let mut config = to_a_small_b();
            config.queues[0].steps = room::steps(&[(1, 0), (2, 0)]);
            config
        }
    });
    room.enqueue_at(1, "a", Some(Permission::PolicyEndorse), 0).pass(200_000);
    assert_eq!((sent(&mut room), room.line("a")), (vec![], vec![call(1)]));
    assert_eq!(balance(&room, "b"), Balance::default());
}

#[test]
fn who_waits_where_the_last_agent_signed_out_stays_while_the_next_queue_is_full() {
    let mut config = with(Limits { unstaffed: rule(to_b(), true), ..Limits::default() });
    config.queues[1].max_waiting = 1;
    let mut room = Room::new(&config);
    room.ready("8001").not_ready("8001").enqueue(9, "b").enqueue(1, "a").enqueue(2, "a");
    room.tell(Input::SignOut { agent: "8001".into() });
    assert_eq!((sent(&mut room), room.line("a")), (vec![], vec![call(1), call(2)]));
    room.dequeue(9).pass(30_000);
    assert_eq!((room.line("a"), room.line("b")), (vec![call(2)], vec![call(1)]));
    room.ready("8001");
    assert_eq!((balance(&room, "a").overflowed, balance(&room, "b").rejected), (1, 0));
}

#[test]
fn who_had_to_stay_goes_when_the_longest_time_is_over_all_the_same() {
    let announcement = Overflow::Announcement("sorry".into());
    let wait = Some(WaitLimit { ms: 45_000, to: announcement.clone() });
    let mut config = with(Limits { unstaffed: rule(to_b(), true), wait, ..Limits::default() });
    config.queues[1].max_waiting = 1;
    for is_staffed_again in [true, false] {
        let mut room = Room::new(&config);
        room.ready("8001").not_ready("8001").enqueue(9, "b").enqueue(1, "a");
        room.tell(Input::SignOut { agent: "8001".into() });
        assert_eq!(sent(&mut room), [], "b is full");
        if is_staffed_again {
            // Somebody is there for it, but never free: it is looked at again, and may stay.
            room.ready("8001").not_ready("8001");
        }
        room.pass(44_999);
        assert_eq!((sent(&mut room), room.line("a")), (vec![], vec![call(1)]));
        room.dequeue(9).pass(1);
        let went = match is_staffed_again {
            true => (call(1), OverflowCause::TimedOut, announcement.clone()),
            false => (call(1), OverflowCause::Unstaffed, to_b()),
        };
        assert_eq!(sent(&mut room), [went], "{is_staffed_again}");
    }
}

#[test]
fn out_of_a_closed_queue_or_in_an_emergency_everyone_goes() {
    let mut config = with(Limits { closed: rule(to_b(), true), ..Limits::default() });
    config.queues[1].max_waiting = 1;
    let mut room = Room::new(&config);
    room.enqueue(9, "b").enqueue(1, "a").said();
    open(&mut room, "a", false);
    let why = NotEnqueued::QueueFull;
    let refused = Output::NotEnqueued { call: call(1), queue: "b".into(), why };
    assert!(room.said().contains(&refused));
}

#[test]
fn who_comes_back_is_in_line_again_though_the_queue_takes_nobody() {
    let back = |room: &mut Room, counter| {
        let (call, entered) = (call(counter), room.now());
        let (queue, permission, head_start_ms) = ("a".into(), None, 5_000);
        room.tell(Input::ComeBack { call, queue, permission, entered, head_start_ms });
    };
    // Full.
    let mut room = Room::new(&with(Limits::default()));
    room.enqueue(1, "a").enqueue(2, "a").pass(1_000);
    back(&mut room, 3);
    assert_eq!(room.line("a"), [call(3), call(1), call(2)]);
    assert_eq!((balance(&room, "a").offered, balance(&room, "a").waiting), (3, 3));
    // Closed, for those who come.
    let mut room = Room::new(&with(Limits { closed: rule(to_b(), false), ..Limits::default() }));
    open(&mut room, "a", false);
    back(&mut room, 3);
    assert_eq!((room.line("a"), room.line("b")), (vec![call(3)], vec![]));
    // Closed for those who wait as well, who go where all go; and nobody is offered it before.
    let mut room = Room::new(&with(Limits { closed: rule(to_b(), true), ..Limits::default() }));
    room.ready("8001");
    open(&mut room, "a", false);
    back(&mut room, 3);
    assert_eq!(sent(&mut room), [(call(3), OverflowCause::Closed, to_b())]);
    assert_eq!(room.line("b"), [call(3)]);
    assert_eq!(room.view("8001").call, Some(call(3)));
    // Known already, or of nowhere.
    back(&mut room, 3);
    let (call, queue, why) = (call(3), QueueId::from("a"), NotEnqueued::AlreadyKnown);
    assert_eq!(room.said(), [Output::NotEnqueued { call, queue, why }]);
}
