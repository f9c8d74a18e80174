//! Scenarios in virtual time: the engine's transaction layer and call flow against a carrier,
//! phones and desktops. One scenario a file, named in plain words.

mod abandon_in_queue;
mod abandon_while_ringing;
mod agent_no_answer;
mod agent_rejects;
mod ask_queue;
mod bye_crossing;
mod callbacks;
mod calls_out;
mod carrier_silent;
mod complaints;
mod configured;
mod consult;
mod customer_first;
mod disk_fails;
mod diverted;
mod engine_stops;
mod escalation;
mod farewells;
mod gruus;
mod hold;
mod hops;
mod hotline;
mod hours;
mod inside;
mod internal_headers;
mod killed;
mod line_quality;
mod lookup_late;
mod lookup_unknown;
mod lost_ack;
mod media_dies;
mod messages;
mod named_carriers;
mod named_hops;
mod overflow;
mod overflow_to_callback;
mod overflow_to_number;
mod own_calls;
mod passwords_guessed;
mod paused_recording;
mod phone_falls_silent;
mod phone_unregistered;
mod phones_dialled;
mod pop_before_ring;
mod priority;
mod questions;
mod random_dialled;
mod redirected;
mod refer;
mod refused_calls;
mod reliable_ringing;
mod replaces;
mod retransmitted_invite;
mod ringing;
mod seeded_day;
mod services;
mod session_timer;
mod several_phones;
mod sides;
mod steer;
mod tier_climb;
mod transfer;
mod transfer_dialled;
mod transfer_outside;
mod trunks_watched;
mod two_calls_one_agent;
mod waiting;

use model::{Fact, FactBody, HangupCause, Mono, Outcome};
use sim::{CallerPlan, PartyId, PhonePlan, Weather, World, settings};

/// A fair network and the demo's hotline.
fn world() -> World {
    World::new(&settings(), Weather::FAIR, 1)
}

/// The phone of `agent`, registered at once.
fn phone(world: &mut World, agent: &str) -> PartyId {
    world.phone(0, PhonePlan::of(agent))
}

/// Calls straight into a queue at `at_ms` and hangs up `talks_ms` later.
fn call(world: &mut World, at_ms: u64, talks_ms: u64) -> PartyId {
    world.caller(at_ms, CallerPlan { hangs_up_after_ms: Some(talks_ms), ..CallerPlan::default() })
}

/// How the calls ended, in order.
fn ends(facts: &[Fact]) -> Vec<(Outcome, HangupCause)> {
    let end = |fact: &Fact| match fact.body {
        FactBody::CallEnded { outcome, cause, .. } => Some((outcome, cause)),
        _ => None,
    };
    facts.iter().filter_map(end).collect()
}

/// When the phone of `agent` was rung.
fn rings(world: &World, agent: &str) -> Vec<Mono> {
    world.when(|body| matches!(body, FactBody::Rang { agent: rung, .. } if rung.as_str() == agent))
}

/// Fails with all that does not hold.
fn assert_sound(world: &World) {
    let audit = sim::check(world.facts(), &settings(), true);
    assert!(audit.faults.is_empty(), "{}", audit.faults.join("\n"));
    assert!(world.silences().is_empty(), "{}", world.silences().join("\n"));
    assert_eq!(world.calls(), 0, "calls are left");
    assert_eq!(world.open_ports(), 0, "ports are left");
}
