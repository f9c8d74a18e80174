//! The look-up takes too long: the call goes on, the screen says so once.

use cti::Event;
use model::Lookup;
use sim::{LookupBehaviour, World};

use crate::{assert_sound, call, phone, world};

/// The words that the desktop was told of the caller, in order.
pub(crate) fn words(world: &World) -> Vec<&'static str> {
    let log = world.desktop_log("8001").expect("there is a desktop");
    let word = |lookup: &Lookup| match lookup {
        Lookup::Pending => "pending",
        Lookup::Found(_) => "found",
        Lookup::Unknown => "unknown",
        Lookup::Late => "late",
        Lookup::Failed => "failed",
    };
    log.events
        .iter()
        .filter_map(|(_, _, event)| match &**event {
            Event::ScreenPop { lookup, .. } | Event::ScreenPopUpdate { lookup, .. } => {
                Some(word(lookup))
            }
            _ => None,
        })
        .collect()
}

/// One call with a desktop, against a store that behaves so.
pub(crate) fn told(behaviour: LookupBehaviour) -> Vec<&'static str> {
    let mut world = world();
    world.lookups(behaviour);
    let agent = phone(&mut world, "8001");
    world.desktop("8001", 1, Some(20));
    call(&mut world, 1_000, 20_000);
    world.run_until(60_000);
    let rang = world.party(agent).saw.invites[0];
    assert!(rang.as_ms() < 1_100, "the phone rang at {} ms", rang.as_ms());
    assert_sound(&world);
    words(&world)
}

#[test]
fn the_pop_says_pending_and_then_late() {
    assert_eq!(told(LookupBehaviour::Found(5_000)), ["pending", "late"]);
    assert_eq!(told(LookupBehaviour::Silent), ["pending", "late"]);
}

#[test]
fn an_answer_in_time_comes_as_an_update() {
    assert_eq!(told(LookupBehaviour::Found(100)), ["pending", "found"]);
    assert_eq!(told(LookupBehaviour::Fails(100)), ["pending", "failed"]);
}
