//! Who may not wait is called back with their place, without being asked; who withholds their
//! number goes on to the next place.

use acd::Overflow;
use model::{Direction, FactBody, Mono, Outcome, OverflowTarget, Pii};
use sim::{Answer, CallerPlan, PartyId, PhonePlan, Settings, Weather, World};

use crate::calls_out::gateway;
use crate::overflow::said;
use crate::overflow_to_number::{records, say, sent, unstaffed};
use crate::transfer::hears;
use crate::{assert_sound, ends};

const MINE: &str = "13911112222";

/// A caller who shows that number, or none.
fn calls(world: &mut World, at_ms: u64, shows: bool) -> PartyId {
    let shown = match shows {
        true => ("P-Asserted-Identity", "<sip:13911112222@carrier>"),
        false => ("P-Asserted-Identity", "<sip:anonymous@anonymous.invalid>"),
    };
    let plan = CallerPlan {
        headers: vec![shown],
        hangs_up_after_ms: Some(600_000),
        ..CallerPlan::default()
    };
    world.caller(at_ms, plan)
}

fn world() -> World {
    World::new(&unstaffed(&[Overflow::Callback, say("no_agents")]), Weather::FAIR, 1)
}

#[test]
fn who_may_not_wait_is_told_that_they_are_called_back_and_is() {
    let mut world = world();
    let customer = gateway(&mut world, 1, Answer::After(2_000));
    calls(&mut world, 1_000, true);
    world.run_until(30_000);
    assert_eq!(said(&world), [(1, "callback_booked".to_owned())], "unasked");
    assert_eq!(
        ends(world.facts()).iter().map(|end| end.0).collect::<Vec<_>>(),
        [Outcome::CalledBack]
    );
    assert_eq!(sent(&world), [OverflowTarget::Callback]);
    world.phone(30_000, PhonePlan::of("8001"));
    world.run_until(60_000);
    assert!(world.party(customer).is_connected());
    world.party_mut(customer).hang_up(Mono::from_ms(60_000));
    world.run_until(120_000);
    let all = records(&world);
    assert_eq!((all[1].direction, &all[1].ani), (Direction::Outbound, &Pii::from(MINE)));
    assert_eq!(all[0].waited_ms, Some(0), "on the line");
    assert_sound(&world);
}

#[test]
fn who_withholds_their_number_goes_on_to_the_next_place() {
    let mut world = world();
    calls(&mut world, 1_000, false);
    world.run_until(30_000);
    assert_eq!(sent(&world), [OverflowTarget::Announcement("no_agents".into())]);
    assert_eq!(ends(world.facts())[0].0, Outcome::TurnedAway);
    assert_sound(&world);
}

#[test]
fn who_dials_again_has_the_place_and_is_booked_no_second_time() {
    let mut world = world();
    calls(&mut world, 1_000, true);
    let again = calls(&mut world, 20_000, true);
    world.run_until(60_000);
    let booked = world.when(|body| matches!(body, FactBody::CallbackBooked { .. }));
    assert_eq!(booked.len(), 1);
    assert_eq!(sent(&world), [OverflowTarget::Callback], "they wait on the line now");
    let agent = world.phone(60_000, PhonePlan::of("8001"));
    world.run_until(90_000);
    assert!(hears(&world, again, agent));
    world.party_mut(again).hang_up(Mono::from_ms(90_000));
    world.run_until(120_000);
    assert_sound(&world);
}

#[test]
fn a_queue_that_has_as_many_callbacks_as_it_takes_sends_the_next_caller_on() {
    let rule = acd::CallbackRule { max: 1, ..acd::CallbackRule::default() };
    let settings =
        Settings { callbacks: Some(rule), ..unstaffed(&[Overflow::Callback, say("no_agents")]) };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    calls(&mut world, 1_000, true);
    let other = CallerPlan {
        headers: vec![("P-Asserted-Identity", "<sip:13733334444@carrier>")],
        ..CallerPlan::default()
    };
    world.caller(20_000, other);
    world.run_until(60_000);
    let goes_on = OverflowTarget::Announcement("no_agents".into());
    assert_eq!(sent(&world), [OverflowTarget::Callback, goes_on]);
    assert_eq!(ends(world.facts())[1].0, Outcome::TurnedAway);
    world.stop();
    world.run_until(70_000);
    assert_sound(&world);
}
