//! Reliable provisional responses (RFC 3262), towards the trunk and towards agents' phones; late
//! offers of the first INVITE; and the reasons that both sides give for going.

use model::{FactBody, HangupCause, Mono, Outcome};
use sim::{CallerPlan, PhonePlan};

use crate::{assert_sound, call, ends, phone, world};

#[test]
fn rfc_3262_a_trunk_that_requires_it_is_rung_reliably_and_then_answered() {
    for offers in [true, false] {
        let mut world = world();
        let agent = phone(&mut world, "8001");
        let headers = vec![("Require", "100rel")];
        let plan = CallerPlan { headers, offers, ..CallerPlan::default() };
        let caller = world.caller(1_000, plan);
        world.run_until(5_000);
        assert_eq!(world.party(caller).saw.reliable, 1);
        assert_eq!(world.party(caller).saw.finals[0].1, 200);
        assert!(world.media(caller).is_some() && world.party(agent).is_connected());
        world.party_mut(caller).hang_up(Mono::from_ms(8_000));
        world.run_until(60_000);
        assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
        assert_sound(&world);
    }
}

#[test]
fn rfc_3262_a_phone_that_rings_reliably_gets_its_prack() {
    let mut world = world();
    let plan = PhonePlan { rings_reliably: true, ..PhonePlan::of("8001") };
    let agent = world.phone(0, plan);
    call(&mut world, 1_000, 20_000);
    world.run_until(60_000);
    assert_eq!(world.party(agent).saw.reliable, 1);
    assert_eq!(world.party(agent).saw.byes.len(), 1);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}

#[test]
fn rfc_3261_section_13_2_1_a_caller_may_leave_the_offer_to_us() {
    let mut world = world();
    phone(&mut world, "8001");
    let caller = world.caller(1_000, CallerPlan { offers: false, ..CallerPlan::default() });
    world.run_until(10_000);
    assert!(world.media(caller).is_some_and(|media| media.sends));
    world.party_mut(caller).hang_up(Mono::from_ms(11_000));
    world.run_until(60_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}

#[test]
fn rfc_3261_section_8_2_2_3_what_is_not_served_is_refused_by_name() {
    let mut world = world();
    let headers = vec![("Require", "100rel, precondition")];
    let caller = world.caller(1_000, CallerPlan { headers, ..CallerPlan::default() });
    world.run_until(10_000);
    assert_eq!(world.party(caller).saw.finals[0].1, 420);
}

#[test]
fn rfc_3326_the_record_says_why_the_carrier_let_the_call_go() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let caller = world.caller(1_000, CallerPlan::default());
    let why = "Q.850;cause=38;text=\"network out of order\"";
    world.run_until(5_000);
    world.party_mut(caller).hang_up_because(Mono::from_ms(6_000), why);
    world.run_until(60_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::Q850(38))]);
    assert!(world.party(agent).saw.reasons[0].starts_with("Q.850;cause=16"));
    assert_sound(&world);
}

#[test]
fn rfc_3326_a_phone_that_is_not_needed_any_more_is_told_why() {
    let mut world = world();
    let answers = vec![sim::Answer::RingsOnly];
    let agent = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
    call(&mut world, 1_000, 5_000);
    world.run_until(60_000);
    let saw = &world.party(agent).saw;
    assert_eq!((saw.cancels.len(), saw.reasons.len()), (1, 1));
    assert!(saw.reasons[0].starts_with("Q.850;cause=16"));
    let rejected = |body: &FactBody| matches!(body, FactBody::AgentAnswered { .. });
    assert!(world.when(rejected).is_empty());
    assert_sound(&world);
}
