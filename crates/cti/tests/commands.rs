//! What desktops ask: done once, answered always, refused where it must be.

mod desk;

use cti::{
    Command, CommandError, Config, MAX_COMMAND_ID, MAX_EXTEND_MS, MAX_TARGET, Output, SessionId,
};
use desk::Desk;
use model::{CallId, Mono, NotReadyReason, OfferId, Permission, Pii, Target};

fn desk() -> Desk {
    let mut desk = Desk::new(Config { max_commands: 4, ..Config::default() });
    desk.connect(1, "8001", None).connect(2, "8001", None).outputs();
    desk
}

fn failed() -> Result<(), CommandError> {
    Err(CommandError::new("phone_unreachable", "the phone is not registered"))
}

#[test]
fn a_command_is_performed_and_answered() {
    let mut desk = desk();
    desk.command(1, "a", Command::Ready);
    let perform = Output::Perform {
        session: SessionId(1),
        user: "8001".into(),
        id: "a".to_owned(),
        command: Command::Ready,
    };
    assert_eq!(desk.outputs(), [perform]);
    desk.done("8001", "a", failed());
    assert_eq!(desk.replies(), [(1, "a".to_owned(), "phone_unreachable")]);
    assert_eq!(desk.cti.poll_timeout(), None);
}

#[test]
fn the_same_id_is_done_once_and_answered_the_same_even_from_another_session() {
    let mut desk = desk();
    desk.command(1, "a", Command::HangUp);
    desk.done("8001", "a", failed());
    desk.outputs();
    desk.command(1, "a", Command::HangUp).command(2, "a", Command::HangUp);
    let answered = "phone_unreachable";
    assert_eq!(desk.replies(), [(1, "a".to_owned(), answered), (2, "a".to_owned(), answered)]);
}

#[test]
fn the_same_id_while_it_is_being_done_waits_for_that() {
    let mut desk = desk();
    desk.command(1, "a", Command::HangUp).command(2, "a", Command::HangUp);
    desk.command(1, "a", Command::HangUp);
    assert_eq!(desk.performed(), ["a"]);
    desk.done("8001", "a", Ok(()));
    let ok = |session| (session, "a".to_owned(), "ok");
    assert_eq!(desk.replies(), [ok(1), ok(2), ok(1)], "each copy has its answer");
    desk.done("8001", "a", failed());
    assert_eq!(desk.replies(), [], "answered already");
}

#[test]
fn a_session_that_is_gone_gets_no_answer_but_the_user_may_ask_again() {
    let mut desk = desk();
    desk.command(1, "a", Command::HangUp).disconnect(1).outputs();
    desk.done("8001", "a", Ok(()));
    assert_eq!(desk.outputs(), []);
    desk.connect(3, "8001", None).outputs();
    desk.command(3, "a", Command::HangUp);
    assert_eq!(desk.replies(), [(3, "a".to_owned(), "ok")]);
}

#[test]
fn an_id_is_one_users_own() {
    let mut desk = desk();
    desk.connect(5, "8002", None).outputs();
    desk.command(1, "a", Command::Ready).command(5, "a", Command::Ready);
    assert_eq!(desk.performed(), ["a", "a"]);
    desk.done("8002", "a", Ok(()));
    assert_eq!(desk.replies(), [(5, "a".to_owned(), "ok")]);
}

#[test]
fn an_id_that_meant_another_command_is_refused() {
    let mut desk = desk();
    desk.command(1, "a", Command::Ready).command(1, "a", Command::SignOut);
    assert_eq!(desk.replies(), [(1, "a".to_owned(), "id_reused")]);
}

#[test]
fn a_command_that_does_not_end_is_answered_in_time_and_its_end_kept() {
    let mut desk = desk();
    desk.command(1, "a", Command::HangUp);
    let deadline = (Mono::from_ms(10_000), "a command takes too long");
    assert_eq!(desk.cti.poll_timeout(), Some(deadline));
    desk.outputs();
    desk.pass(9_999);
    assert_eq!(desk.outputs(), []);
    desk.pass(1);
    assert_eq!(desk.replies(), [(1, "a".to_owned(), "timed_out")]);
    desk.command(1, "a", Command::HangUp);
    assert_eq!(desk.replies(), [(1, "a".to_owned(), "timed_out")], "and is not done again");
    desk.done("8001", "a", Ok(()));
    desk.command(1, "a", Command::HangUp);
    assert_eq!(desk.replies(), [(1, "a".to_owned(), "ok")]);
}

#[test]
fn the_oldest_done_is_forgotten_first_and_what_is_being_done_never() {
    let mut desk = desk();
    for id in ["a", "b", "c", "d"] {
        desk.command(1, id, Command::Ready);
    }
    desk.done("8001", "b", Ok(()));
    desk.done("8001", "c", Ok(()));
    desk.outputs();
    desk.command(1, "e", Command::Ready);
    assert_eq!(desk.performed(), ["e"], "in the place of b");
    desk.command(1, "a", Command::Ready).command(1, "c", Command::Ready);
    assert_eq!(desk.replies(), [(1, "c".to_owned(), "ok")], "a is still being done");
    desk.command(1, "b", Command::Ready);
    assert_eq!(desk.performed(), ["b"], "forgotten, in the place of c");
    desk.command(1, "f", Command::Ready);
    assert_eq!(desk.replies(), [(1, "f".to_owned(), "too_many_pending")]);
}

#[test]
fn copies_of_one_command_are_bounded_as_well() {
    let mut desk = desk();
    for _ in 0..17 {
        desk.command(1, "a", Command::Ready);
    }
    assert_eq!(desk.replies(), [(1, "a".to_owned(), "too_many_pending")]);
    desk.done("8001", "a", Ok(()));
    assert_eq!(desk.replies().len(), 16);
}

#[test]
fn who_may_not_handle_calls_is_refused_and_it_is_audited() {
    let mut desk = desk();
    desk.connect(9, "lead", None).outputs();
    desk.command(9, "a", Command::HangUp);
    let outputs = desk.outputs();
    let [Output::Refused { user, permission, what }, Output::Reply { result, .. }] =
        outputs.as_slice()
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((user.as_str(), *permission, *what), ("lead", Permission::CallHandle, "hang_up"));
    let error = result.clone().unwrap_err();
    assert_eq!(error.to_string(), "forbidden: this needs the permission 'call.handle'");
}

#[test]
fn what_makes_no_sense_is_refused_and_not_remembered() {
    let long = "x".repeat(MAX_COMMAND_ID + 1);
    let wrap_up = |disposition: &str| Command::WrapUp {
        call: CallId::default(),
        disposition: disposition.to_owned(),
    };
    let cases = [
        ("", Command::Ready, "bad_id"),
        (long.as_str(), Command::Ready, "bad_id"),
        ("a", Command::NotReady { reason: NotReadyReason::NoAnswer }, "bad_reason"),
        ("a", Command::ExtendAcw { ms: 0 }, "bad_duration"),
        ("a", Command::ExtendAcw { ms: MAX_EXTEND_MS + 1 }, "bad_duration"),
        ("a", wrap_up(""), "bad_disposition"),
        ("a", wrap_up(&long), "bad_disposition"),
    ];
    for (id, command, code) in cases {
        let mut desk = desk();
        desk.command(1, id, command);
        assert_eq!(desk.replies(), [(1, id.to_owned(), code)]);
        desk.command(1, "a", Command::Ready);
        assert_eq!(desk.performed(), ["a"]);
    }
}

#[test]
fn every_sensible_command_is_performed() {
    let commands = [
        Command::Ready,
        Command::NotReady { reason: NotReadyReason::Break },
        Command::SignOut,
        Command::PopShown { offer: OfferId::default() },
        Command::HangUp,
        Command::ExtendAcw { ms: 1 },
        Command::WrapUp { call: CallId::default(), disposition: "claim".to_owned() },
    ];
    for command in commands {
        let mut desk = desk();
        desk.command(1, command.type_name(), command.clone());
        assert_eq!(desk.performed(), [command.type_name()]);
    }
}

#[test]
fn a_session_that_is_not_open_asks_nothing() {
    let mut desk = desk();
    desk.command(7, "a", Command::Ready);
    assert_eq!(desk.outputs(), []);
}

#[test]
fn a_call_goes_only_to_what_can_be_meant() {
    let mut desk = desk();
    let number = |text: &str| Target::Number(Pii::from(text));
    let long = "8".repeat(MAX_TARGET + 1);
    for (nth, to) in [
        Target::Agent("".into()),
        Target::Queue(long.as_str().into()),
        number(""),
        number("+"),
        number("12a"),
        number("sip:1@h"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = nth.to_string();
        desk.command(1, &id, Command::Transfer { to: to.clone() });
        assert_eq!(desk.replies(), [(1, id, "bad_target")], "{to:?}");
    }
    desk.command(1, "s", Command::ListTargets { search: long });
    assert_eq!(desk.replies(), [(1, "s".to_owned(), "bad_target")]);
    for (id, to) in [("x", number("+8613800138000")), ("y", number("*21#"))] {
        desk.command(1, id, Command::Consult { to });
    }
    assert_eq!(desk.performed(), ["x", "y"]);
}
