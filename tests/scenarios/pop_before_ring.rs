//! The screen shows who is calling before the phone rings, always.

use sim::World;

use crate::{assert_sound, call, phone, rings, world};

/// When the pop came and when the phone rang.
fn pop_and_ring(shows_after_ms: Option<u64>) -> (u64, u64) {
    let mut world: World = world();
    phone(&mut world, "8001");
    world.desktop("8001", 1, shows_after_ms);
    call(&mut world, 1_000, 20_000);
    world.run_until(60_000);
    assert_sound(&world);
    let log = world.desktop_log("8001").expect("there is a desktop");
    (log.pops[0].0.as_ms(), rings(&world, "8001")[0].as_ms())
}

#[test]
fn the_phone_waits_for_the_desktops_word() {
    let (pop, ring) = pop_and_ring(Some(120));
    assert_eq!(ring - pop, 120);
}

#[test]
fn but_no_longer_than_three_hundred_milliseconds() {
    for shows_after_ms in [None, Some(5_000)] {
        let (pop, ring) = pop_and_ring(shows_after_ms);
        assert_eq!(ring - pop, 300);
    }
}

#[test]
fn without_a_desktop_it_rings_at_once() {
    let mut world = world();
    phone(&mut world, "8001");
    call(&mut world, 1_000, 20_000);
    world.run_until(60_000);
    assert!(rings(&world, "8001")[0].as_ms() <= 1_005);
    assert_sound(&world);
}

#[test]
fn numbers_of_events_have_no_gap() {
    let mut world = world();
    phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    for at in 0..5 {
        call(&mut world, 1_000 + at * 30_000, 10_000);
    }
    world.run_until(200_000);
    let log = world.desktop_log("8001").expect("there is a desktop");
    let numbers: Vec<u64> = log.events.iter().map(|(_, seq, _)| *seq).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert_sound(&world);
}

#[test]
fn a_desktop_that_begins_afresh_shows_the_pop_until_the_work_is_done() {
    let mut world = world();
    phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    call(&mut world, 1_000, 20_000);
    let popped = |world: &World| {
        let log = world.newest_desktop_log("8001").expect("there is a desktop");
        log.events.iter().any(|(_, _, event)| matches!(&**event, cti::Event::ScreenPop { .. }))
    };
    // In conversation, in after-call work, and when that is over.
    for (at_ms, shown) in [(10_000, true), (25_000, true), (40_000, false)] {
        world.run_until(at_ms);
        world.desktop("8001", 1, None);
        assert_eq!(popped(&world), shown, "at {at_ms} ms");
    }
    assert_sound(&world);
}
