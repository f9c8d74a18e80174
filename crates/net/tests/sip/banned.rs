//! Scanners: what they send is dropped before it is read, and nobody else suffers.

use net::sip::{BanLimits, Limits};

use crate::stage::{Line, Phone, Setting, Stage};

fn stage(spares: bool, ban_ms: u64) -> Stage {
    let bans = BanLimits { after: 50, ban_ms, ..BanLimits::default() };
    let limits = Limits { bans, ..Limits::default() };
    Stage::with(Setting { limits, spares, ..Setting::default() })
}

/// Ten calls to numbers that nobody has: as much as is let pass, times five points.
fn scan(stage: &Stage, phone: &Phone, round: &str) {
    for number in 0..10 {
        let name = format!("{round}{number}");
        phone.send(&phone.text("INVITE", &name, &name));
        let (tx, request, _) = stage.request();
        stage.respond(tx, &request, 404);
        while phone.receive().status() != Some(404) {}
    }
}

#[test]
fn a_source_that_gets_nothing_but_refusals_is_dropped_on_udp_and_tcp() {
    let stage = stage(false, 600_000);
    let phone = Phone::new(&stage);
    let mut early = Line::new(&stage);
    scan(&stage, &phone, "a");
    stage.counts(|counts| counts.bans == 1);
    let received = stage.workers.counts().received;
    for number in 0..100 {
        phone.send(&phone.text("INVITE", &format!("b{number}"), &format!("b{number}")));
    }
    early.send(early.text("INVITE", "c", "c"));
    stage.counts(|counts| counts.banned >= 101);
    Line::new(&stage).wait_for_end();
    let counts = stage.counts(|counts| counts.not_admitted >= 1);
    assert!(counts.received <= received + 1, "only the stream's message was read: {counts:?}");
    assert!(stage.reports.is_empty());
}

#[test]
fn a_trunks_address_is_never_banned() {
    let stage = stage(true, 600_000);
    let phone = Phone::new(&stage);
    for round in ["a", "b", "c"] {
        scan(&stage, &phone, round);
    }
    assert_eq!(stage.workers.counts().banned, 0);
}

#[test]
fn a_source_that_registered_is_never_banned() {
    let stage = stage(false, 600_000);
    let phone = Phone::new(&stage);
    phone.send(&phone.text("REGISTER", "r", "r"));
    let (tx, request, _) = stage.request();
    stage.respond(tx, &request, 200);
    assert_eq!(phone.receive().status(), Some(200));
    for round in ["a", "b", "c"] {
        scan(&stage, &phone, round);
    }
    assert_eq!(stage.workers.counts().bans, 0);
}

#[test]
fn a_ban_ends() {
    let stage = stage(false, 1);
    let phone = Phone::new(&stage);
    scan(&stage, &phone, "a");
    // Each one that is dropped, if any, is followed by another until the time is over.
    phone.socket.set_read_timeout(Some(std::time::Duration::from_millis(20))).unwrap();
    let mut served = None;
    for number in 0..500 {
        phone.send(&phone.text("REGISTER", &format!("z{number}"), &format!("z{number}")));
        served = stage.reports.try_recv().ok();
        if served.is_some() {
            break;
        }
        let _ = phone.socket.recv(&mut [0; 64]);
    }
    assert!(served.is_some(), "{:?}", stage.workers.counts());
}
