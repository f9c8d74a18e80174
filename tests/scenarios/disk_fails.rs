//! The disk fails under several recordings: one alarm, until all of them go on.

use model::{FactBody, RecordingId};
use sim::World;

use crate::{assert_sound, call, phone, world};

fn recordings(world: &World) -> Vec<RecordingId> {
    let started = |body: &FactBody| match body {
        FactBody::RecordingStarted { recording, .. } => Some(*recording),
        _ => None,
    };
    world.facts().iter().filter_map(|fact| started(&fact.body)).collect()
}

/// How often the alarm was raised and cleared.
fn alarms(world: &World) -> (usize, usize) {
    (
        world.when(|body| matches!(body, FactBody::AlarmRaised { .. })).len(),
        world.when(|body| matches!(body, FactBody::AlarmCleared { .. })).len(),
    )
}

/// Two conversations that are taped, on a disk that fails under both.
fn two() -> (World, RecordingId, RecordingId) {
    let mut world = world();
    phone(&mut world, "8001");
    phone(&mut world, "8002");
    call(&mut world, 1_000, 60_000);
    call(&mut world, 1_000, 90_000);
    world.run_until(20_000);
    let [first, second] = recordings(&world)[..] else { panic!("two are taped") };
    world.disk(first, true);
    world.disk(second, true);
    assert_eq!(alarms(&world), (1, 0));
    (world, first, second)
}

#[test]
fn the_alarm_stays_until_the_last_one_goes_on() {
    let (mut world, first, second) = two();
    world.disk(first, false);
    assert_eq!(alarms(&world), (1, 0), "the other one still fails");
    world.disk(second, false);
    assert_eq!(alarms(&world), (1, 1));
    world.run_until(180_000);
    assert_sound(&world);
}

/// One that reached its greatest length does not go on: it is sealed when its call is over.
#[test]
fn a_recording_that_is_sealed_has_no_gap_any_more() {
    let (mut world, first, _) = two();
    world.disk(first, false);
    world.run_until(180_000);
    assert_eq!(alarms(&world), (1, 1));
    assert_sound(&world);
}

/// One for which there was no room, or that is doubtful, will not be sealed: nobody waits for that.
#[test]
fn a_recording_that_is_never_sealed_is_an_alarm_until_another_one_is() {
    for is_left in [false, true] {
        let mut world = world();
        phone(&mut world, "8001");
        phone(&mut world, "8002");
        call(&mut world, 1_000, 60_000);
        call(&mut world, 1_000, 90_000);
        world.run_until(20_000);
        let [first, _] = recordings(&world)[..] else { panic!("two are taped") };
        world.loses(first, is_left);
        assert_eq!(alarms(&world), (1, 0));
        let gone = if is_left { "recording_gap" } else { "recording_lost" };
        assert_eq!(world.when(|body| body.kind() == gone).len(), 1);
        world.run_until(180_000);
        assert_eq!(alarms(&world), (1, 1), "the other one is sealed");
    }
}
