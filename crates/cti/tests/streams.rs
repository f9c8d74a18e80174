//! What desktops are told: numbers without gaps, coming back, limits.

mod desk;

use cti::{
    Audience, CloseReason, Config, ConfigError, ConnectRefused, Cti, Event, MAX_AFTER, Output,
    SessionId,
};
use desk::{AGENT, Desk, LEAD, event, viewer};
use model::{Mono, UserId, Wall};

fn small() -> Config {
    Config { history: 5, max_snapshot: 3, session_queue: 300, ..Config::default() }
}

fn wanted(user: &str, board: bool) -> Output {
    Output::SnapshotWanted { user: user.into(), board }
}

#[test]
fn a_new_desktop_asks_for_a_snapshot_and_counts_from_one() {
    let mut desk = Desk::new(Config::default());
    desk.connect(1, "8001", None);
    assert_eq!(desk.outputs(), [wanted("8001", false)]);
    desk.cti.handle_snapshot(&"8001".into(), vec![event(10), event(11)], Wall(7));
    desk.publish("8001", 12..=12);
    assert_eq!(desk.delivered(1), [(1, 10), (2, 11), (3, 12)]);
}

#[test]
fn the_time_of_day_is_that_of_publishing() {
    let mut desk = Desk::new(Config::default());
    desk.open(1, "8001").outputs();
    desk.cti.publish(Audience::User("8001".into()), event(1), Wall(123));
    desk.disconnect(1).connect(2, "8001", Some(0)).outputs();
    desk.disconnect(2);
    desk.cti.publish(Audience::User("8001".into()), event(2), Wall(456));
    desk.connect(3, "8001", Some(1));
    let outputs = desk.outputs();
    let [Output::Deliver { stamped, .. }] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((stamped.seq, stamped.at), (2, Wall(456)));
}

#[test]
fn a_desktop_that_comes_back_gets_what_it_missed_and_no_snapshot() {
    let mut desk = Desk::new(small());
    desk.open(1, "8001").publish("8001", 1..=3);
    assert_eq!(desk.delivered(1), [(1, 1), (2, 2), (3, 3)]);
    desk.disconnect(1).publish("8001", 4..=6);
    desk.connect(2, "8001", Some(2));
    let outputs = desk.outputs();
    assert!(!outputs.contains(&wanted("8001", false)), "{outputs:?}");
    desk.disconnect(2).connect(3, "8001", Some(2)).publish("8001", 7..=7);
    assert_eq!(desk.delivered(3), [(3, 3), (4, 4), (5, 5), (6, 6), (7, 7)]);
    desk.disconnect(3).connect(4, "8001", Some(7));
    assert_eq!(desk.outputs(), [], "nothing was missed");
}

#[test]
fn a_desktop_that_was_away_too_long_gets_a_snapshot_and_no_gap() {
    let mut desk = Desk::new(small());
    desk.open(1, "8001").publish("8001", 1..=2);
    desk.disconnect(1).publish("8001", 3..=20);
    desk.outputs();
    desk.connect(2, "8001", Some(2));
    assert_eq!(desk.outputs(), [wanted("8001", false)]);
    desk.cti.handle_snapshot(&"8001".into(), vec![event(100)], Wall(0));
    desk.publish("8001", 21..=21);
    assert_eq!(desk.delivered(2), [(3, 100), (4, 21)]);
}

#[test]
fn the_last_kept_event_decides_what_is_too_long() {
    for (after, kept) in [(15, true), (14, false)] {
        let mut desk = Desk::new(small());
        desk.open(1, "8001").publish("8001", 1..=20);
        desk.disconnect(1).outputs();
        desk.connect(2, "8001", Some(after));
        assert_eq!(!desk.outputs().contains(&wanted("8001", false)), kept, "after {after}");
    }
}

#[test]
fn after_a_restart_numbers_go_on_from_where_each_desktop_was() {
    let mut desk = Desk::new(small());
    desk.connect(1, "8001", Some(57)).connect(2, "8001", Some(90)).connect(3, "8001", Some(40));
    assert_eq!(desk.outputs(), [wanted("8001", false)], "one snapshot is for all of them");
    desk.cti.handle_snapshot(&"8001".into(), vec![event(1)], Wall(0));
    desk.publish("8001", 2..=2);
    let outputs = desk.outputs();
    let numbers = |session| {
        let of = move |output: &Output| match output {
            Output::Deliver { session: to, stamped } if *to == SessionId(session) => {
                Some(stamped.seq)
            }
            _ => None,
        };
        outputs.iter().filter_map(of).collect::<Vec<u64>>()
    };
    assert_eq!([1, 2, 3].map(numbers), [[58, 59], [91, 92], [41, 42]]);
}

#[test]
fn a_number_of_a_former_start_is_never_taken_for_one_of_this_start() {
    let mut desk = Desk::new(Config { epoch: 3, ..Config::default() });
    desk.open(1, "8001").publish("8001", 1..=80);
    assert_eq!(desk.delivered(1).first(), Some(&((2 << 30) + 1, 1)));
    // This start has counted as far as the former one had when the desktop lost its connection.
    desk.connect(2, "8001", Some((1 << 30) + 50));
    assert_eq!(desk.outputs(), [wanted("8001", false)]);
    desk.snapshot("8001").publish("8001", 81..=81);
    assert_eq!(desk.delivered(2), [((1 << 30) + 51, 81)]);
    // Nor is a number that the former start's numbering has reached only now.
    desk.connect(3, "8001", Some((1 << 30) + 51));
    assert_eq!(desk.outputs(), [wanted("8001", false)]);
}

#[test]
fn a_number_that_an_event_had_for_one_desktop_alone_is_never_taken_for_another_event() {
    let mut desk = Desk::new(small());
    desk.open(1, "8001").publish("8001", 1..=20);
    // Away too long: what comes is numbered from where this desktop was, 2.
    desk.connect(2, "8001", Some(1)).snapshot("8001").publish("8001", 21..=35);
    assert_eq!(desk.delivered(2).last(), Some(&(16, 35)));
    desk.disconnect(2);
    // 16 is a number of event 16, too, which this desktop never saw the like of.
    desk.connect(2, "8001", Some(16));
    assert!(desk.outputs().contains(&wanted("8001", false)));
    // A desktop that was never renumbered is beyond all doubt.
    desk.disconnect(1).connect(1, "8001", Some(34));
    assert_eq!(desk.delivered(1), [(35, 35)]);
}

#[test]
fn several_desktops_of_one_user_see_the_same() {
    let mut desk = Desk::new(Config::default());
    desk.open(1, "8001").open(2, "8001").publish("8001", 1..=1);
    let outputs = desk.outputs();
    let sessions = |output: &Output| match output {
        Output::Deliver { session, stamped } => Some((session.0, stamped.seq)),
        _ => None,
    };
    let delivered: Vec<_> = outputs.iter().filter_map(sessions).collect();
    assert_eq!(delivered, [(1, 1), (2, 1)]);
}

#[test]
fn events_reach_their_audience_once_and_nobody_else() {
    let mut desk = Desk::new(Config::default());
    desk.open(1, "8001").open(2, "8002").open(3, "lead");
    assert!(desk.outputs().contains(&wanted("lead", true)));
    let lead = || UserId::from("lead");
    desk.cti.publish(Audience::Board, event(1), Wall(0));
    desk.cti.publish(Audience::UserAndBoard("8001".into()), event(2), Wall(0));
    desk.cti.publish(Audience::UserAndBoard(lead()), event(3), Wall(0));
    desk.cti.publish(Audience::User(lead()), event(4), Wall(0));
    desk.cti.publish(Audience::User("nobody".into()), event(5), Wall(0));
    let mut seen = [const { Vec::new() }; 4];
    for output in desk.outputs() {
        if let Output::Deliver { session, stamped } = output {
            seen[session.0 as usize].push(desk::number(&stamped));
        }
    }
    assert_eq!(seen, [vec![], vec![2], vec![], vec![1, 2, 3, 4]]);
}

#[test]
fn who_may_no_longer_see_the_board_is_not_told_about_it() {
    let mut desk = Desk::new(Config::default());
    desk.open(1, "lead").disconnect(1);
    let now = desk.now();
    desk.cti.connect(SessionId(2), viewer("lead", AGENT), None, now).unwrap();
    desk.outputs();
    desk.cti.publish(Audience::Board, event(1), Wall(0));
    assert_eq!(desk.outputs(), []);
}

#[test]
fn a_desktop_that_does_not_read_is_closed_and_may_come_back_for_the_rest() {
    let mut desk = Desk::new(small());
    desk.open(1, "8001").publish("8001", 1..=3);
    desk.outputs();
    let now = desk.now();
    desk.cti.handle_overflow(SessionId(1), now);
    desk.cti.handle_overflow(SessionId(1), now);
    let closed = Output::Close { session: SessionId(1), reason: CloseReason::TooSlow };
    assert_eq!(desk.outputs(), [closed]);
    assert_eq!(desk.cti.figures().closed_too_slow, 1);
    assert!(!desk.cti.is_connected(&"8001".into()));
    desk.publish("8001", 4..=4);
    desk.connect(2, "8001", Some(1));
    assert_eq!(desk.delivered(2), [(2, 2), (3, 3), (4, 4)]);
}

#[test]
fn one_session_too_many_of_a_user_replaces_the_oldest() {
    let mut desk = Desk::new(Config { max_sessions_per_user: 2, ..Config::default() });
    desk.open(1, "8001").open(2, "8001").outputs();
    desk.open(3, "8001");
    let closed = Output::Close { session: SessionId(1), reason: CloseReason::Replaced };
    assert!(desk.outputs().contains(&closed));
    assert_eq!(desk.cti.figures().sessions, 2);
    desk.publish("8001", 1..=1);
    assert_eq!(desk.delivered(1), []);
}

#[test]
fn too_many_sessions_or_users_are_refused_until_someone_leaves() {
    let config = Config { max_users: 2, max_sessions: 3, ..Config::default() };
    let mut desk = Desk::new(config);
    desk.open(1, "8001").open(2, "8002");
    let try_connect = |desk: &mut Desk, session, user| {
        let now = desk.now();
        desk.cti.connect(SessionId(session), viewer(user, AGENT), None, now)
    };
    assert_eq!(try_connect(&mut desk, 3, "8003"), Err(ConnectRefused::TooManyUsers));
    assert_eq!(try_connect(&mut desk, 3, "8002"), Ok(()));
    assert_eq!(try_connect(&mut desk, 4, "8001"), Err(ConnectRefused::TooManySessions));
    assert_eq!(try_connect(&mut desk, 3, "8001"), Err(ConnectRefused::AlreadyOpen));
    desk.disconnect(1);
    assert_eq!(try_connect(&mut desk, 4, "8003"), Ok(()), "the idle stream made room");
    assert_eq!(desk.cti.figures().users, 2);
}

#[test]
fn an_absurd_number_is_refused() {
    let mut cti = Cti::new(Config::default()).unwrap();
    let connect = |cti: &mut Cti, after| {
        cti.connect(SessionId(1), viewer("8001", AGENT), Some(after), Mono::default())
    };
    assert_eq!(connect(&mut cti, MAX_AFTER + 1), Err(ConnectRefused::BadAfter));
    assert!(ConnectRefused::BadAfter.to_string().contains(&MAX_AFTER.to_string()));
    assert_eq!(connect(&mut cti, MAX_AFTER), Ok(()));
}

#[test]
fn a_stream_that_nobody_came_back_to_goes() {
    let mut desk = Desk::new(Config::default());
    desk.open(1, "8001").publish("8001", 1..=9);
    desk.disconnect(1).outputs();
    assert_eq!(
        desk.cti.poll_timeout(),
        Some((Mono::from_ms(600_000), "a stream without a session goes"))
    );
    desk.pass(599_999).connect(2, "8001", Some(9)).disconnect(2).pass(1);
    assert_eq!(desk.outputs(), [], "came back in time");
    desk.pass(599_999);
    assert_eq!(desk.cti.figures().users, 0);
    assert_eq!(desk.cti.poll_timeout(), None);
    // Others' numbers of the stream that is gone are not mistaken for those of the new one.
    desk.open(3, "8001").publish("8001", 20..=25);
    assert_eq!(desk.delivered(3).first(), Some(&(10, 20)));
    desk.connect(4, "8001", Some(7));
    assert_eq!(desk.outputs(), [wanted("8001", false)]);
}

#[test]
fn a_snapshot_is_cut_at_its_limit_and_the_rest_counted() {
    let mut desk = Desk::new(small());
    desk.open(1, "lead").outputs();
    desk.cti.handle_snapshot(&"lead".into(), (1..=5).map(event).collect(), Wall(0));
    assert_eq!(desk.delivered(1), [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(desk.cti.figures().snapshot_events_dropped, 2);
}

#[test]
fn limits_that_do_not_go_together_are_refused_by_name() {
    let told = |config: Config| Cti::new(config).unwrap_err().to_string();
    assert!(told(Config { history: 0, ..Config::default() }).contains("'history' is 0"));
    let narrow = Config { session_queue: 2_255, ..Config::default() };
    assert_eq!(narrow.check(), Err(ConfigError::SessionQueue { at_least: 2_256 }));
    assert!(told(narrow).contains("'session_queue' must be at least 2256"));
    assert!(told(Config { epoch: 1 << 22, ..Config::default() }).contains("'epoch' must be"));
}

#[test]
fn personal_data_in_an_event_prints_masked() {
    let event = Event::ScreenPop {
        call: Default::default(),
        offer: Default::default(),
        brought: None,
        ani: "13800138078".into(),
        dnis: "95512".to_owned(),
        callback: false,
        queue: Some("claims".into()),
        waited_ms: 5_000,
        ivr_path: vec!["welcome".to_owned()],
        ivr_inputs: Vec::new(),
        lookup: model::Lookup::Pending,
    };
    assert_eq!(event.type_name(), "screen_pop");
    let printed = format!("{event:?}");
    assert!(printed.contains("138******78") && !printed.contains("13800138078"), "{printed}");
}

#[test]
fn a_lead_who_may_handle_no_calls_may_still_watch() {
    assert_eq!(viewer("lead", LEAD).permissions, desk::set(LEAD));
    let mut desk = Desk::new(Config::default());
    desk.open(1, "lead");
    assert!(desk.cti.is_connected(&"lead".into()));
}
