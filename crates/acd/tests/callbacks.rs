//! Callbacks keep the place of who asked for them, are tried honestly, and end exactly once.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod room;

use acd::{
    Acd, CallbackBalance, CallbackEnd, CallbackInput, CallbackOutput, CallbackRule, Config,
    ConfigError, First, Input, NoCallback, Output, Party, RestoredCallback,
};
use model::{AgentState, CallId, IdSource, MissedCause};
use room::{Room, agent, call, queue};

const RULE: CallbackRule = CallbackRule {
    max: 2,
    attempts: 2,
    retry_ms: 60_000,
    dial_timeout_ms: 30_000,
    keep_ms: 600_000,
};

/// One queue that calls back, and one agent.
fn config() -> Config {
    let mut general = queue("general", &[(1, 0)]);
    general.callbacks = Some(RULE);
    let agents = vec![agent("8001", 1, &["general"]), agent("8002", 1, &["general"])];
    Config { queues: vec![general], agents, ..Config::default() }
}

fn room() -> Room {
    Room::new(&config())
}

fn tell(room: &mut Room, input: CallbackInput) -> Vec<CallbackOutput> {
    room.said();
    room.tell(Input::Callback(input));
    callbacks(room)
}

fn callbacks(room: &mut Room) -> Vec<CallbackOutput> {
    let about = |output| match output {
        Output::Callback(output) => Some(output),
        _ => None,
    };
    room.said().into_iter().filter_map(about).collect()
}

fn ask(room: &mut Room, counter: u32, party: u64, first: First) -> Vec<CallbackOutput> {
    tell(room, CallbackInput::Ask { call: call(counter), party: Party(party), first })
}

fn answered(room: &mut Room, counter: u32) -> Vec<CallbackOutput> {
    tell(room, CallbackInput::Answered { call: call(counter) })
}

fn ended(outputs: &[CallbackOutput]) -> Vec<(CallId, CallbackEnd)> {
    let ended = |output: &CallbackOutput| match output {
        CallbackOutput::Ended { call, end, .. } => Some((*call, *end)),
        _ => None,
    };
    outputs.iter().filter_map(ended).collect()
}

fn refused(outputs: &[CallbackOutput]) -> Option<NoCallback> {
    outputs.iter().find_map(|output| match output {
        CallbackOutput::Refused { why, .. } => Some(*why),
        _ => None,
    })
}

fn dialled(outputs: &[CallbackOutput]) -> Option<(CallId, u32)> {
    outputs.iter().find_map(|output| match output {
        CallbackOutput::Dial { call, attempt, .. } => Some((*call, *attempt)),
        _ => None,
    })
}

fn balance(room: &Room) -> CallbackBalance {
    let balance = room.acd.callback_balance(&"general".into()).unwrap();
    assert_eq!(balance.residual_since(&CallbackBalance::default()), 0, "{balance:?}");
    balance
}

/// Three wait, the second one is called back.
fn asked(first: First) -> Room {
    let mut room = room();
    room.enqueue(1, "general").pass(1_000);
    room.enqueue(2, "general").pass(1_000);
    room.enqueue(3, "general");
    ask(&mut room, 2, 7, first);
    room.dequeue(2).end(2);
    room
}

#[test]
fn a_callback_keeps_its_place_though_the_caller_hangs_up() {
    let mut room = asked(First::Agent);
    assert_eq!(room.line("general"), [call(1), call(2), call(3)]);
    let view = room.acd.queue_snapshot(&"general".into()).unwrap();
    assert_eq!((view.waiting, view.callbacks), (2, 1));
    room.ready("8001").said();
    room.answer("8001").said();
    room.ready("8002");
    assert_eq!(room.offers(), [(call(2), "8002".to_owned())]);
    assert_eq!(room.acd.position(call(2)).unwrap().entered.as_ms(), 1_000);
}

#[test]
fn agent_first_the_customer_is_called_when_the_agent_is_there() {
    let mut room = asked(First::Agent);
    room.ready("8001").answer("8001");
    room.ready("8002").said();
    room.answer("8002");
    assert_eq!(dialled(&callbacks(&mut room)), Some((call(2), 1)));
    assert_eq!(room.view("8002").state, AgentState::Talking);
    room.tell(Input::Callback(CallbackInput::Answered { call: call(2) }));
    let said = room.said();
    let connected =
        |output: &Output| matches!(output, Output::Connected { call: id, .. } if *id == call(2));
    assert!(said.iter().any(connected), "{said:?}");
    assert_eq!(balance(&room).reached, 1);
    let calls = room.acd.balance(&"general".into()).unwrap();
    assert_eq!((calls.called_back, calls.offered, calls.answered), (1, 4, 2));
    room.end(2);
    assert_eq!(room.view("8002").state, AgentState::Acw);
}

#[test]
fn customer_first_an_agent_is_kept_for_who_answers() {
    let mut room = asked(First::Customer);
    room.ready("8001").answer("8001").said();
    room.ready("8002");
    let outputs = callbacks(&mut room);
    assert_eq!(dialled(&outputs), Some((call(2), 1)));
    assert_eq!(room.view("8002").state, AgentState::Reserved);
    room.pass(29_999);
    assert_eq!(room.view("8002").state, AgentState::Reserved, "as long as it rings there");
    answered(&mut room, 2);
    room.answer("8002");
    assert_eq!(room.view("8002").call, Some(call(2)));
    assert_eq!(room.acd.balance(&"general".into()).unwrap().answered, 2);
}

#[test]
fn a_customer_who_answers_waits_at_their_place_if_the_agent_does_not() {
    let mut room = asked(First::Customer);
    room.ready("8001").answer("8001");
    room.ready("8002").said();
    answered(&mut room, 2);
    room.miss("8002", MissedCause::NoAnswer);
    assert_eq!(room.line("general"), [call(2), call(3)]);
    assert_eq!(room.acd.callback_of(Party(7)), None, "a call like others");
    room.dequeue(2);
    assert_eq!(room.line("general"), [call(3)], "now it is the caller who hangs up");
}

#[test]
fn a_customer_who_answers_may_go_on_under_an_id_of_their_own() {
    let mut room = asked(First::Customer);
    room.ready("8001").answer("8001");
    room.ready("8002").said();
    room.tell(Input::Callback(CallbackInput::AnsweredBy { call: call(2), by: call(9) }));
    assert_eq!(room.offers(), [(call(9), "8002".to_owned())]);
    assert_eq!(room.view("8002").call, Some(call(9)));
    room.miss("8002", MissedCause::NoAnswer);
    assert_eq!(room.line("general"), [call(9), call(3)], "at the place of the entry");
    assert_eq!(balance(&room).reached, 1);
    room.dequeue(2);
    assert_eq!(room.line("general"), [call(9), call(3)], "nothing has the old one any more");
    room.dequeue(9);
    assert_eq!(room.line("general"), [call(3)]);
    let calls = room.acd.balance(&"general".into()).unwrap();
    assert_eq!((calls.offered, calls.called_back, calls.waiting), (4, 1, 1));
}

#[test]
fn tiers_are_reached_under_the_new_id_as_well() {
    let mut general = queue("general", &[(1, 0), (2, 60_000)]);
    general.callbacks = Some(RULE);
    let agents = vec![agent("8001", 1, &["general"]), agent("8011", 2, &["general"])];
    let mut room = Room::new(&Config { queues: vec![general], agents, ..Config::default() });
    room.enqueue(1, "general");
    ask(&mut room, 1, 7, First::Customer);
    room.ready("8001").said();
    room.tell(Input::Callback(CallbackInput::AnsweredBy { call: call(1), by: call(9) }));
    room.miss("8001", MissedCause::NoAnswer);
    room.ready("8011").said();
    room.pass(60_000);
    assert_eq!(room.offers(), [(call(9), "8011".to_owned())]);
}

#[test]
fn an_agent_who_gives_up_costs_the_customer_neither_place_nor_attempt() {
    for first in [First::Agent, First::Customer] {
        let mut room = room();
        room.enqueue(1, "general");
        ask(&mut room, 1, 7, first);
        room.enqueue(2, "general").ready("8001");
        if first == First::Agent {
            room.answer("8001");
        }
        room.said();
        let outputs = tell(&mut room, CallbackInput::AgentGaveUp { call: call(1) });
        assert!(outputs.is_empty(), "nothing was missed: {outputs:?}");
        assert_eq!(room.line("general"), [call(1), call(2)]);
        assert_ne!(room.view("8001").state, AgentState::Reserved);
        room.ready("8002");
        if first == First::Agent {
            room.answer("8002");
        }
        assert_eq!(dialled(&callbacks(&mut room)), Some((call(1), 1)), "the first attempt still");
        assert_eq!(balance(&room).waiting, 1);
    }
}

#[test]
fn a_customer_who_is_not_there_is_tried_again_and_then_given_up() {
    for first in [First::Agent, First::Customer] {
        let mut room = room();
        room.enqueue(1, "general");
        ask(&mut room, 1, 7, first);
        room.ready("8001");
        if first == First::Agent {
            room.answer("8001");
        }
        room.said();
        room.pass(30_000);
        let outputs = callbacks(&mut room);
        assert!(matches!(outputs[..], [CallbackOutput::Missed { attempt: 1, .. }]), "{outputs:?}");
        assert_eq!(room.view("8001").state, AgentState::Idle, "free at once, without work after");
        room.enqueue(2, "general");
        assert_eq!(room.offers(), [(call(2), "8001".to_owned())], "nobody waits for the rest");
        assert_eq!(room.line("general")[0], call(1), "which has its place still");
        room.dequeue(2).pass(60_000);
        if first == First::Agent {
            room.answer("8001");
        }
        assert_eq!(dialled(&callbacks(&mut room)), Some((call(1), 2)));
        let cause = MissedCause::Busy;
        let outputs = tell(&mut room, CallbackInput::Missed { call: call(1), cause });
        assert_eq!(ended(&outputs), [(call(1), CallbackEnd::GaveUp)]);
        assert_eq!((room.line("general").len(), balance(&room).gave_up), (0, 1));
    }
}

#[test]
fn who_dials_again_has_the_place_of_their_callback() {
    let mut room = asked(First::Agent);
    room.pass(60_000);
    room.enqueue(4, "general");
    let outputs = tell(&mut room, CallbackInput::Rejoin { call: call(5), party: Party(7) });
    assert_eq!(ended(&outputs), [(call(2), CallbackEnd::Rejoined { by: call(5) })]);
    assert_eq!(room.line("general"), [call(1), call(5), call(3), call(4)]);
    assert_eq!((balance(&room).rejoined, balance(&room).waiting), (1, 0));
    let again = tell(&mut room, CallbackInput::Rejoin { call: call(6), party: Party(7) });
    assert_eq!(refused(&again), Some(NoCallback::NoneAsked));
}

#[test]
fn who_dials_again_while_being_called_is_not_called_any_more() {
    for first in [First::Agent, First::Customer] {
        let mut room = room();
        room.enqueue(1, "general");
        ask(&mut room, 1, 7, first);
        room.ready("8001");
        if first == First::Agent {
            room.answer("8001");
        }
        let outputs = tell(&mut room, CallbackInput::Rejoin { call: call(2), party: Party(7) });
        assert_eq!(ended(&outputs), [(call(1), CallbackEnd::Rejoined { by: call(2) })]);
        room.answer("8001");
        assert_eq!(room.view("8001").call, Some(call(2)));
        assert_eq!(answered(&mut room, 1), [], "that one is over");
    }
}

#[test]
fn who_stays_on_the_line_after_all_is_a_caller_again() {
    let mut room = asked(First::Agent);
    let outputs = tell(&mut room, CallbackInput::Rejoin { call: call(2), party: Party(7) });
    assert_eq!(ended(&outputs), [(call(2), CallbackEnd::Rejoined { by: call(2) })]);
    room.dequeue(2);
    assert_eq!(room.line("general"), [call(1), call(3)]);
}

#[test]
fn nobody_is_called_while_the_queue_is_closed() {
    let mut room = asked(First::Agent);
    room.dequeue(1).dequeue(3);
    room.tell(Input::QueueOpen { queue: "general".into(), open: false });
    room.ready("8001");
    assert_eq!(room.offers(), []);
    let outputs = tell(&mut room, CallbackInput::Rejoin { call: call(9), party: Party(7) });
    assert_eq!(refused(&outputs), Some(NoCallback::Closed));
    room.tell(Input::QueueOpen { queue: "general".into(), open: true });
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())]);
}

#[test]
fn a_callback_is_taken_back_or_expires_and_ends_once() {
    let mut room = asked(First::Agent);
    let outputs = tell(&mut room, CallbackInput::Cancel { call: call(2) });
    assert_eq!(ended(&outputs), [(call(2), CallbackEnd::Cancelled)]);
    assert_eq!(tell(&mut room, CallbackInput::Cancel { call: call(2) }), []);
    ask(&mut room, 3, 8, First::Customer);
    room.pass(599_999);
    assert_eq!(ended(&callbacks(&mut room)), []);
    room.pass(1);
    assert_eq!(ended(&callbacks(&mut room)), [(call(3), CallbackEnd::Expired)]);
    assert_eq!((balance(&room).cancelled, balance(&room).expired), (1, 1));
}

#[test]
fn a_callback_from_outside_has_the_time_that_is_given() {
    let mut room = asked(First::Agent);
    let outputs = tell(
        &mut room,
        CallbackInput::Book {
            call: call(4),
            queue: "general".into(),
            permission: None,
            entered: model::Mono::from_ms(500),
            head_start_ms: 0,
            party: Party(8),
            first: First::Agent,
        },
    );
    assert!(matches!(outputs[..], [CallbackOutput::Booked { .. }]), "{outputs:?}");
    assert_eq!(room.line("general"), [call(1), call(4), call(2), call(3)]);
    let calls = room.acd.balance(&"general".into()).unwrap();
    assert_eq!((calls.offered, calls.called_back), (3, 1), "nobody came to the queue");
}

#[test]
fn what_cannot_be_a_callback_is_refused_by_name() {
    let mut room = asked(First::Agent);
    assert_eq!(refused(&ask(&mut room, 2, 9, First::Agent)), Some(NoCallback::NotWaiting));
    assert_eq!(refused(&ask(&mut room, 3, 7, First::Agent)), Some(NoCallback::AskedAlready));
    assert_eq!(refused(&ask(&mut room, 99, 9, First::Agent)), Some(NoCallback::NotWaiting));
    ask(&mut room, 3, 8, First::Agent);
    assert_eq!(refused(&ask(&mut room, 1, 9, First::Agent)), Some(NoCallback::Full));
    room.ready("8001");
    assert_eq!(refused(&ask(&mut room, 1, 9, First::Agent)), Some(NoCallback::BeingOffered));
    let mut demo = Room::demo();
    demo.enqueue(1, "general");
    assert_eq!(refused(&ask(&mut demo, 1, 9, First::Agent)), Some(NoCallback::NotOffered));
    let mut config = config();
    config.queues[0].callbacks = Some(CallbackRule { attempts: 0, ..RULE });
    let error = Acd::new(&config, IdSource::new(1, 1)).err();
    assert_eq!(error, Some(ConfigError::ZeroLimit { queue: "general".into() }));
}

#[test]
fn who_waits_for_a_customer_is_in_no_conversation_that_could_be_brought_elsewhere() {
    let mut room = room();
    room.enqueue(1, "general");
    ask(&mut room, 1, 7, First::Agent);
    room.ready("8001").answer("8001");
    room.tell(Input::Bring { agent: "8001".into(), call: call(1), into: call(2) });
    assert_eq!(room.line("general"), [call(1)]);
    answered(&mut room, 1);
    assert_eq!((room.view("8001").call, room.line("general").len()), (Some(call(1)), 0));
}

fn restored(counter: u32, waited_ms: u64, attempts: u32, rests_ms: u64) -> RestoredCallback {
    RestoredCallback {
        call: call(counter),
        queue: "general".into(),
        permission: None,
        party: Party(counter.into()),
        first: First::Agent,
        waited_ms,
        attempts,
        rests_ms,
    }
}

#[test]
fn callbacks_of_before_a_restart_come_in_their_old_order_and_before_all_who_came_later() {
    let mut room = room();
    let now = room.now();
    assert!(room.acd.restore_callback(&restored(1, 10_000, 0, 0), now));
    assert!(room.acd.restore_callback(&restored(2, 7_200_000, 0, 0), now));
    assert!(!room.acd.restore_callback(&restored(3, 1, 0, 0), now), "there is room for two");
    room.enqueue(4, "general");
    assert_eq!(room.line("general"), [call(2), call(1), call(4)]);
    room.ready("8001");
    assert_eq!(room.offers(), [(call(2), "8001".to_owned())], "though it waited for two hours");
}

#[test]
fn a_restored_callback_rests_as_long_as_was_left_and_has_the_attempts_that_were_left() {
    let mut room = room();
    let now = room.now();
    assert!(!room.acd.restore_callback(&restored(1, 0, 2, 0), now), "two were all");
    let nowhere = RestoredCallback { queue: "none".into(), ..restored(1, 0, 0, 0) };
    assert!(!room.acd.restore_callback(&nowhere, now));
    assert!(room.acd.restore_callback(&restored(1, 0, 1, 30_000), now));
    room.ready("8001").pass(29_999);
    assert_eq!(room.offers(), []);
    room.pass(1);
    assert_eq!(room.offers(), [(call(1), "8001".to_owned())]);
    room.answer("8001");
    let missed = CallbackInput::Missed { call: call(1), cause: MissedCause::Busy };
    assert_eq!(ended(&tell(&mut room, missed)), [(call(1), CallbackEnd::GaveUp)]);
}
