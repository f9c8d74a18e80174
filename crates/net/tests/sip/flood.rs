//! More than can be served: new calls are refused cheaply, the rest goes on, memory is bounded.

use std::time::Duration;

use net::sip::Limits;
use sip::{Message, ToBrain};

use crate::stage::{Phone, Setting, Stage};

const QUEUE: usize = 64;
const RESERVED: usize = 16;

fn stage() -> Stage {
    let limits =
        Limits { transactions: 1_000, reserved: RESERVED, retry_after_s: 9, ..Limits::default() };
    Stage::with(Setting { limits, queue: QUEUE, ..Setting::default() })
}

/// Sends INVITEs that nobody takes from the brain's queue.
fn flood(stage: &Stage, phone: &Phone, count: u64) {
    let before = stage.workers.counts().received;
    for number in 0..count {
        phone.send(&phone.text("INVITE", &format!("f{number}"), &format!("f{number}")));
        // The kernel's buffer is not what is tested.
        if number % 100 == 99 {
            stage.counts(|counts| counts.received > before + number);
        }
    }
}

fn is_refusal(message: &Message) -> bool {
    message.status() == Some(503) && message.header("Retry-After") == Some("9")
}

#[test]
fn a_brain_that_does_not_listen_gets_no_more_new_calls() {
    let stage = stage();
    let phone = Phone::new(&stage);
    flood(&stage, &phone, 2_000);
    assert!(is_refusal(&phone.receive()));
    let counts = stage.counts(|counts| counts.overloaded >= 1_900);
    assert!(counts.transactions as usize <= QUEUE - RESERVED, "{counts:?}");
    // The reserved places are for what belongs to calls that stand.
    let in_dialog = |branch: &str| {
        let to = "To: <sip:95512@127.0.0.1>";
        phone.text("BYE", "old", branch).replace(to, &format!("{to};tag=ours"))
    };
    for number in 0..RESERVED {
        phone.send(&in_dialog(&format!("bye{number}")));
    }
    stage.counts(|counts| counts.received == 2_000 + RESERVED as u64);
    let told: Vec<_> = (0..QUEUE).map(|_| stage.request().1.method_text().to_owned()).collect();
    assert_eq!(told.iter().filter(|method| *method == "BYE").count(), RESERVED);
    // Once the brain listens again, calls are taken again.
    let caller = Phone::new(&stage);
    caller.send(&caller.text("INVITE", "new", "new"));
    assert_eq!(stage.request().1.call_id(), "new");
}

#[test]
fn a_brain_that_lets_calls_wait_too_long_gets_no_more_until_it_has_caught_up() {
    let limits = Limits { brain_wait_ms: 100, retry_after_s: 9, ..Limits::default() };
    let stage = Stage::with(Setting { limits, ..Setting::default() });
    let phone = Phone::new(&stage);
    phone.socket.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut buffer = [0; 2_048];
    let mut refused_after = None;
    for number in 0..1_000 {
        phone.send(&phone.text("INVITE", &format!("w{number}"), &format!("w{number}")));
        let Ok((count, _)) = phone.socket.recv_from(&mut buffer) else { continue };
        let message = Message::parse(&buffer[..count]).unwrap();
        if message.status() == Some(503) {
            assert!(is_refusal(&message), "{message:?}");
            refused_after = Some(number);
            break;
        }
    }
    let accepted = refused_after.expect("it was never refused");
    assert!(accepted < 100, "there was room for thousands: {accepted}");
    // What belongs to calls, and registrations, go on.
    let to = "To: <sip:95512@127.0.0.1>";
    let bye = phone.text("BYE", "old", "bye").replace(to, &format!("{to};tag=ours"));
    phone.send(&bye);
    phone.send(&phone.text("REGISTER", "phone", "register"));
    let told: Vec<_> =
        (0..accepted + 2).map(|_| stage.request().1.method_text().to_owned()).collect();
    assert_eq!(told[accepted..], ["BYE", "REGISTER"]);
    // It has caught up: the next call is taken.
    let caller = Phone::new(&stage);
    caller.send(&caller.text("INVITE", "new", "new"));
    assert_eq!(stage.request().1.call_id(), "new");
}

#[test]
fn what_belongs_to_calls_waits_for_room() {
    let stage = stage();
    let phone = Phone::new(&stage);
    let to = "To: <sip:95512@127.0.0.1>";
    for number in 0..200 {
        let text = phone.text("BYE", &format!("c{number}"), &format!("b{number}"));
        phone.send(&text.replace(to, &format!("{to};tag=ours")));
    }
    stage.counts(|counts| counts.received == 200);
    for number in 0..200 {
        match stage.report() {
            ToBrain::Request { message, .. } => {
                assert_eq!(message.call_id(), format!("c{number}"), "in order, none lost");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_table_of_transactions_is_bounded() {
    let stage = Stage::with(Setting {
        limits: Limits { transactions: 100, ..Limits::default() },
        ..Setting::default()
    });
    let phone = Phone::new(&stage);
    flood(&stage, &phone, 1_000);
    // One source has three quarters of it.
    let counts = stage.counts(|counts| counts.overloaded == 925);
    assert_eq!(counts.transactions, 75);
    assert_eq!(phone.receive().status(), Some(503));
}

#[test]
fn a_repeated_invite_costs_nothing_above() {
    let stage = Stage::new();
    let phone = Phone::new(&stage);
    let invite = phone.text("INVITE", "a", "1");
    phone.send(&invite);
    let (tx, request, _) = stage.request();
    for _ in 0..1_000 {
        phone.send(&invite);
    }
    stage.counts(|counts| counts.retransmissions == 1_000);
    assert!(stage.reports.is_empty());
    stage.respond(tx, &request, 404);
    while phone.receive().status() != Some(404) {}
    assert_eq!(stage.workers.counts().transactions, 1);
}
