//! Nothing comes from a party any more: its call ends, whoever it was, and the agent is free. Who
//! holds is not dead.

use model::{AgentState, FactBody, HangupCause, LegId, LegRole, Mono, Outcome};
use sim::{CallerPlan, Media, PartyId, World};
use sip::Method;

use crate::{assert_sound, call, ends, phone, rings, world};

const SILENT_MS: u64 = 30_000;

/// A caller and an agent who talk for ever.
fn talking() -> (World, PartyId, PartyId) {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    assert!(world.party(agent).is_connected());
    (world, caller, agent)
}

fn leg(world: &World, party: PartyId) -> LegId {
    world.media(party).expect("it has media").leg
}

/// How the leg of that role ended.
fn leg_ends(world: &World, is: fn(&LegRole) -> bool) -> Vec<HangupCause> {
    let end = |body: &FactBody| match body {
        FactBody::LegEnded { role, cause, .. } if is(role) => Some(*cause),
        _ => None,
    };
    world.facts().iter().filter_map(|fact| end(&fact.body)).collect()
}

#[test]
fn a_caller_whose_line_is_dead_is_hung_up_and_the_agent_takes_the_next_call() {
    let (mut world, caller, agent) = talking();
    let dead = leg(&world, caller);
    world.lose_media(dead, SILENT_MS);
    call(&mut world, 50_000, 10_000);
    world.run_until(200_000);
    assert!(!world.party(caller).is_connected() && !world.party(agent).is_connected());
    assert_eq!(ends(world.facts())[0], (Outcome::Answered, HangupCause::MediaTimeout));
    let callers = leg_ends(&world, |role| matches!(role, LegRole::Caller));
    assert_eq!(callers[0], HangupCause::MediaTimeout);
    assert_eq!(rings(&world, "8001").len(), 2, "the agent is free again");
    assert_sound(&world);
}

#[test]
fn an_agent_whose_phone_is_dead_frees_caller_and_agent() {
    let (mut world, caller, agent) = talking();
    let dead = leg(&world, agent);
    world.lose_media(dead, SILENT_MS);
    world.run_until(200_000);
    assert!(!world.party(caller).is_connected() && !world.party(agent).is_connected());
    let agents = leg_ends(&world, |role| matches!(role, LegRole::Agent(_)));
    assert_eq!(agents, [HangupCause::MediaTimeout]);
    let free = world.when(|body| {
        matches!(body, FactBody::AgentChanged { state: AgentState::Idle, call: None, .. })
    });
    assert!(free.iter().any(|at| *at > Mono::from_ms(5_000)), "{free:?}");
    assert_sound(&world);
}

#[test]
fn a_caller_who_dies_in_the_queue_leaves_it() {
    let mut world = world();
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(10_000);
    let dead = leg(&world, caller);
    world.lose_media(dead, SILENT_MS);
    phone(&mut world, "8001");
    world.run_until(100_000);
    assert_eq!(ends(world.facts()), [(Outcome::Abandoned, HangupCause::MediaTimeout)]);
    assert!(rings(&world, "8001").is_empty(), "nobody is rung for the dead");
    assert_sound(&world);
}

#[test]
fn who_holds_may_be_silent_as_long_as_it_likes() {
    for hold in [Media::SendOnly, Media::Inactive, Media::Nowhere] {
        let (mut world, caller, agent) = talking();
        world.party_mut(agent).change(Mono::from_ms(6_000), Method::Invite, hold);
        world.run_until(7_000);
        // Of both it is told whether something has to come from them.
        let awaits = |world: &World, party| {
            world.media(party).is_some_and(|media| media.sends && media.receives)
        };
        assert!(!awaits(&world, agent) && awaits(&world, caller), "{hold:?}");
        if let Some(held) = world.media(agent).map(|media| media.leg) {
            world.lose_media(held, SILENT_MS);
        }
        world.run_until(60_000);
        assert!(world.party(caller).is_connected() && world.party(agent).is_connected());
        world.party_mut(agent).change(Mono::from_ms(61_000), Method::Invite, Media::Talks);
        world.run_until(62_000);
        assert!(awaits(&world, agent) && awaits(&world, caller), "{hold:?}");
        world.party_mut(caller).hang_up(Mono::from_ms(63_000));
        world.run_until(150_000);
        assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
        assert_sound(&world);
    }
}
