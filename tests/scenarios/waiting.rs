//! What a caller hears while waiting: the truth about who is there and how many are before them.

use sim::World;

use crate::{assert_sound, call, phone, world};

/// What was said to all callers, in order, with the second at which it began.
fn said(world: &World) -> Vec<(u64, String)> {
    let line =
        |(at, _, prompts): (model::Mono, _, Vec<&str>)| (at.as_ms() / 1_000, prompts.join(" "));
    world.announcements().map(line).collect()
}

#[test]
fn while_nobody_is_at_work_the_caller_is_told_so() {
    let mut world = world();
    call(&mut world, 1_000, 40_000);
    world.run_until(60_000);
    assert_eq!(said(&world), [(1, "no_agents".to_owned()), (31, "no_agents".to_owned())]);
    assert_sound(&world);
}

#[test]
fn who_finds_all_agents_busy_hears_that_and_then_the_position() {
    let mut world = world();
    phone(&mut world, "8001");
    call(&mut world, 1_000, 200_000);
    call(&mut world, 2_000, 100_000);
    world.run_until(100_000);
    let said: Vec<_> = said(&world).into_iter().filter(|(at, _)| *at >= 2).collect();
    let line = |at, text: &str| (at, text.to_owned());
    assert_eq!(
        said,
        [
            line(2, "please_wait all_busy"),
            line(32, "position_next"),
            line(62, "still_busy position_next"),
            line(92, "still_busy position_next"),
        ]
    );
}
