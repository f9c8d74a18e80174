//! Guessing passwords is slowed, then locked, and nothing that a guesser can do unlocks.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use access::{Limits, Lockout, LockoutConfig, Remembered, Verdict};
use model::Mono;
use proptest::prelude::*;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn source(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

fn at(ms: u64) -> Mono {
    Mono::from_ms(ms)
}

/// One wrong password, if it is let through.
fn guess(lockout: &mut Lockout, user: &str, source: IpAddr, now: Mono) -> Verdict {
    let verdict = lockout.handle_attempt(user, source, now);
    if verdict == Verdict::Check {
        lockout.handle_failed(source, now);
    }
    verdict
}

#[test]
fn a_locked_source_is_known_as_such_and_a_slowed_one_is_not() {
    let config = LockoutConfig::default();
    let mut lockout = Lockout::new(config);
    for failures in 1..config.source.lock_after {
        lockout.handle_failed(HOME, at(0));
        assert_eq!(lockout.source_locked_ms(HOME, at(0)), None, "after {failures}");
    }
    lockout.handle_failed(HOME, at(0));
    assert_eq!(lockout.source_locked_ms(HOME, at(1_000)), Some(config.source.lock_ms - 1_000));
    assert_eq!(lockout.source_locked_ms(source(1), at(0)), None);
    assert_eq!(lockout.source_locked_ms(HOME, at(config.source.lock_ms)), None);
}

#[test]
fn a_users_failures_are_free_then_slowed_then_locked_then_forgotten() {
    let mut lockout = Lockout::new(LockoutConfig::default());
    let mut now_ms = 0;
    let mut waits = Vec::new();
    loop {
        match guess(&mut lockout, "8001", HOME, at(now_ms)) {
            Verdict::Check => waits.push(0),
            Verdict::Wait { retry_after_ms } => {
                waits.push(retry_after_ms);
                let early = guess(&mut lockout, "8001", HOME, at(now_ms + retry_after_ms - 1));
                assert_eq!(early, Verdict::Wait { retry_after_ms: 1 });
                now_ms += retry_after_ms;
            }
            Verdict::Locked { retry_after_ms } => {
                assert_eq!(retry_after_ms, 300_000);
                now_ms += retry_after_ms;
                break;
            }
        }
    }
    // Three at once, then one each after 1, 2 and 4 s; the sixth failure locks.
    assert_eq!(waits, [0, 0, 0, 1_000, 0, 2_000, 0, 4_000, 0]);
    assert_eq!(
        guess(&mut lockout, "8001", HOME, at(now_ms - 1)),
        Verdict::Locked { retry_after_ms: 1 }
    );
    for _ in 0..3 {
        assert_eq!(guess(&mut lockout, "8001", HOME, at(now_ms)), Verdict::Check, "afresh");
    }
}

#[test]
fn a_user_is_locked_whichever_source_guesses() {
    let mut lockout = Lockout::new(LockoutConfig::default());
    let mut checked = 0;
    for number in 0..100 {
        let verdict = guess(&mut lockout, "8001", source(number), at(u64::from(number) * 10_000));
        checked += u32::from(verdict == Verdict::Check);
        if checked == 6 {
            break;
        }
    }
    assert_eq!(checked, 6);
    let verdict = lockout.handle_attempt("8001", HOME, at(1_000_000 - 900_000));
    assert!(matches!(verdict, Verdict::Locked { .. }), "{verdict:?}");
    assert_eq!(lockout.handle_attempt("8002", HOME, at(100_000)), Verdict::Check);
}

#[test]
fn a_source_is_locked_whichever_user_it_guesses() {
    let mut lockout = Lockout::new(LockoutConfig::default());
    let mut now_ms = 0;
    let mut checked = 0;
    for number in 0..1_000 {
        match guess(&mut lockout, &format!("user {number}"), HOME, at(now_ms)) {
            Verdict::Check => checked += 1,
            Verdict::Wait { retry_after_ms } => now_ms += retry_after_ms,
            Verdict::Locked { retry_after_ms } => {
                assert_eq!(retry_after_ms, 900_000);
                break;
            }
        }
    }
    assert_eq!(checked, 30);
    let verdict = lockout.handle_attempt("8001", HOME, at(now_ms));
    assert!(matches!(verdict, Verdict::Locked { .. }), "also for those not guessed: {verdict:?}");
    assert_eq!(lockout.handle_attempt("8001", source(1), at(now_ms)), Verdict::Check);
}

#[test]
fn a_right_password_forgives_the_user_but_not_the_source() {
    let mut lockout = Lockout::new(LockoutConfig::default());
    for round in 0..20 {
        let now = at(round * 60_000);
        assert_eq!(guess(&mut lockout, "8001", source(round as u32), now), Verdict::Check);
        assert_eq!(lockout.handle_attempt("8001", source(round as u32), now), Verdict::Check);
        lockout.handle_succeeded("8001");
    }
    assert_eq!(lockout.remembered(), Remembered { users: 0, sources: 20 });
    // Own successes between the guesses do not keep a source from being locked.
    let mut locked = false;
    for round in 0..200 {
        let now = at(2_000_000 + round * 1_000);
        if lockout.handle_attempt("mine", HOME, now) == Verdict::Check {
            lockout.handle_succeeded("mine");
        }
        let verdict = guess(&mut lockout, &format!("other {round}"), HOME, now);
        locked |= matches!(verdict, Verdict::Locked { .. });
    }
    assert!(locked);
}

#[test]
fn attempts_sent_at_once_are_not_all_let_through() {
    let mut lockout = Lockout::new(LockoutConfig::default());
    let through = (0..1_000)
        .filter(|&number| lockout.handle_attempt("8001", source(number), at(0)) == Verdict::Check)
        .count();
    assert_eq!(through, 3, "none of which has been reported as failed yet");
}

#[test]
fn an_hour_without_failure_is_forgotten() {
    let mut lockout = Lockout::new(LockoutConfig::default());
    for _ in 0..3 {
        guess(&mut lockout, "8001", HOME, at(0));
    }
    assert_eq!(lockout.remembered(), Remembered { users: 1, sources: 1 });
    assert_eq!(lockout.handle_attempt("8002", source(1), at(3_600_000)), Verdict::Check);
    assert_eq!(lockout.remembered(), Remembered { users: 1, sources: 0 });
}

#[test]
fn an_ipv6_source_is_its_network_and_a_mapped_one_its_ipv4_address() {
    let mut lockout = Lockout::new(LockoutConfig::default());
    let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
    lockout.handle_failed(v6("2001:db8:1:2::1"), at(0));
    lockout.handle_failed(v6("2001:db8:1:2:ffff::9"), at(0));
    assert_eq!(lockout.remembered().sources, 1);
    lockout.handle_failed(v6("2001:db8:1:3::1"), at(0));
    assert_eq!(lockout.remembered().sources, 2);
    lockout.handle_failed(v6("::ffff:192.0.2.1"), at(0));
    lockout.handle_failed(HOME, at(0));
    assert_eq!(lockout.remembered().sources, 3);
}

fn tiny() -> LockoutConfig {
    LockoutConfig { capacity: 4, ..LockoutConfig::default() }
}

#[test]
fn a_flood_of_names_unlocks_nobody_and_buys_few_guesses() {
    let mut lockout = Lockout::new(tiny());
    // Somebody is locked, somebody else has failed twice.
    let mut now_ms = 0;
    loop {
        match guess(&mut lockout, "locked", HOME, at(now_ms)) {
            Verdict::Check => {}
            Verdict::Wait { retry_after_ms } => now_ms += retry_after_ms,
            Verdict::Locked { .. } => break,
        }
    }
    for _ in 0..3 {
        assert_eq!(guess(&mut lockout, "failed", HOME, at(now_ms)), Verdict::Check);
    }
    let begin = now_ms;
    let mut through = 0;
    for number in 0..10_000_u32 {
        now_ms = begin + u64::from(number);
        let verdict =
            lockout.handle_attempt(&format!("made up {number}"), source(number), at(now_ms));
        through += u32::from(verdict == Verdict::Check);
    }
    // Two had room in the table, then one in 100 ms for ten seconds.
    assert_eq!(through, 2 + 100);
    assert_eq!(lockout.remembered().users, 4);
    let locked = lockout.handle_attempt("locked", source(1), at(now_ms));
    assert!(matches!(locked, Verdict::Locked { .. }), "{locked:?}");
    assert_eq!(guess(&mut lockout, "failed", source(2), at(now_ms)), Verdict::Check);
    let slowed = lockout.handle_attempt("failed", source(2), at(now_ms));
    assert_eq!(slowed, Verdict::Wait { retry_after_ms: 2_000 }, "its failures are remembered");
}

#[test]
fn who_has_no_failures_still_gets_in_during_a_flood() {
    let mut lockout = Lockout::new(tiny());
    for number in 0..4 {
        guess(&mut lockout, &format!("made up {number}"), source(number), at(0));
    }
    assert_eq!(lockout.handle_attempt("flood", source(9), at(10)), Verdict::Check);
    let Verdict::Wait { retry_after_ms } = lockout.handle_attempt("8001", source(8), at(20)) else {
        panic!("the crowd shares one attempt")
    };
    assert_eq!(retry_after_ms, 90);
    assert_eq!(lockout.handle_attempt("8001", source(8), at(110)), Verdict::Check);
    lockout.handle_succeeded("8001");
}

#[test]
fn credentials_that_are_checked_at_once_count_when_they_are_wrong_and_not_before() {
    let mut lockout = Lockout::new(tiny());
    for _ in 0..10 {
        assert_eq!(lockout.handle_look("8001", source(1), at(0)), Verdict::Check);
    }
    let mut refused = 0;
    while lockout.handle_look("8001", source(1), at(0)) == Verdict::Check {
        lockout.handle_refused("8001", source(1), at(0));
        refused += 1;
        assert!(refused < 100, "it is never slowed");
    }
    assert!(refused > 0);
    // From elsewhere too, and someone else from there as before.
    assert_ne!(lockout.handle_look("8001", source(2), at(0)), Verdict::Check);
    assert_eq!(lockout.handle_look("8002", source(2), at(0)), Verdict::Check);
    lockout.handle_succeeded("8001");
    assert_eq!(lockout.handle_look("8001", source(2), at(0)), Verdict::Check);
}

proptest! {
    /// Whatever happens: of one user's passwords no more are verified than the limits allow.
    #[test]
    fn guesses_per_lock_time_are_bounded(
        steps in prop::collection::vec((0_u8..6, 0_u32..6, 0_u64..4_000), 1..400),
        capacity in 1_usize..8,
    ) {
        let limits = Limits {
            free_failures: 1,
            first_delay_ms: 500,
            max_delay_ms: 1_000,
            lock_after: 4,
            lock_ms: 60_000,
            forget_ms: 120_000,
        };
        let lenient = Limits { lock_after: 1_000_000, free_failures: 1_000_000, ..limits };
        let config =
            LockoutConfig { user: limits, source: lenient, capacity, crowd_gap_ms: 20_000 };
        let mut lockout = Lockout::new(config);
        let mut now_ms = 0;
        let mut checked: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
        for (user, from, pause_ms) in steps {
            now_ms += pause_ms;
            let verdict = guess(&mut lockout, &format!("user {user}"), source(from), at(now_ms));
            if verdict == Verdict::Check {
                checked.entry(user).or_default().push(now_ms);
            }
            prop_assert!(lockout.remembered().users <= capacity);
        }
        // The limit, and what the crowd may in that time while there is no room in the table.
        let at_most = if capacity >= 6 { 4 } else { 4 + 4 };
        for times in checked.values() {
            for window in times.windows(at_most + 1) {
                prop_assert!(window[at_most] - window[0] >= 60_000, "{window:?}");
            }
        }
    }
}
