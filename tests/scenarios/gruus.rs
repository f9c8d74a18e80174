//! Calls to one phone of an agent by its GRUU (RFC 5627).

use model::Mono;
use sim::{Answer, CallerPlan, PartyId, PhonePlan, World};

use crate::own_calls::{calls, second_line, world};
use crate::phone;
use crate::transfer::{end, hears};

const BOUND: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

/// A call to `user` by a GRUU with these parameters.
fn to_gruu(user: &'static str, params: &'static str) -> CallerPlan {
    CallerPlan { params, ..calls("8011", user) }
}

/// A caller who talks with 8011 and whom the phone holds, and a colleague's phone with an identity.
fn talking() -> (World, [PartyId; 3]) {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(25_000);
    assert!(hears(&world, caller, agent));
    let answers = vec![Answer::After(500)];
    let plan = PhonePlan { answers, instance: Some(BOUND), ..PhonePlan::of("8012") };
    let colleague = world.phone(25_000, plan);
    let line = second_line(&mut world, "8011");
    (world, [caller, line, colleague])
}

#[test]
fn rfc_5627_section_5_1_a_gruu_leads_to_its_phone() {
    let (mut world, [caller, line, colleague]) = talking();
    let plan = to_gruu("8012", ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    world.party_mut(line).call(Mono::from_ms(26_000), plan);
    world.run_until(29_000);
    assert!(hears(&world, line, colleague) && hears(&world, colleague, line));
    end(world, caller);
}

#[test]
fn rfc_5627_section_5_1_a_gruu_without_a_phone_is_unavailable_and_an_unknown_one_not_found() {
    let (mut world, [caller, line, _]) = talking();
    for (at_ms, plan, status) in [
        (26_000, to_gruu("8012", ";gr=urn:uuid:00000000-0000-1000-8000-000000000000"), 480),
        (27_000, to_gruu("8001", ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), 480),
        (28_000, to_gruu("9999", ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), 404),
        (29_000, to_gruu("tgruu.0123456789", ";gr"), 404),
    ] {
        world.party_mut(line).call(Mono::from_ms(at_ms), plan.clone());
        world.run_until(at_ms + 900);
        let finals = &world.party(line).saw.finals;
        assert_eq!(finals.last().map(|(_, status)| *status), Some(status), "{plan:?}");
    }
    end(world, caller);
}

#[test]
fn rfc_5627_section_5_1_an_agent_without_a_call_is_told_the_same() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    world.run_until(1_000);
    let plan = to_gruu("8012", ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    world.party_mut(agent).call(Mono::from_ms(2_000), plan);
    world.run_until(3_000);
    assert_eq!(world.party(agent).saw.finals.last().map(|(_, status)| *status), Some(480));
}

const GRUU: &str = "sip:8012@hotline;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const PARAMS: &str = ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

#[test]
fn rfc_5627_section_5_1_no_other_phone_of_the_agent_is_rung() {
    let (mut world, [caller, line, colleague]) = talking();
    // It registered last: without a GRUU this one is rung.
    let other = second_line(&mut world, "8012");
    world.party_mut(line).call(Mono::from_ms(27_000), to_gruu("8012", PARAMS));
    world.run_until(30_000);
    assert!(hears(&world, line, colleague) && hears(&world, colleague, line));
    assert!(world.party(other).saw.invitations.is_empty());
    end(world, caller);
}

#[test]
fn rfc_5627_section_5_1_a_call_is_given_to_the_phone_that_the_gruu_names() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let caller = world.caller(1_000, CallerPlan::default());
    let plan = PhonePlan { instance: Some(BOUND), ..PhonePlan::of("8012") };
    world.run_until(25_000);
    let colleague = world.phone(25_000, plan);
    world.run_until(26_000);
    let other = second_line(&mut world, "8012");
    world.party_mut(agent).refer(Mono::from_ms(27_000), GRUU, true);
    world.run_until(35_000);
    assert!(hears(&world, caller, colleague) && hears(&world, colleague, caller));
    assert!(world.party(other).saw.invitations.is_empty());
    end(world, caller);
}

#[test]
fn rfc_5627_section_5_1_who_has_no_call_rings_the_phone_that_the_gruu_names() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let plan = PhonePlan { instance: Some(BOUND), ..PhonePlan::of("8012") };
    let colleague = world.phone(0, plan);
    world.run_until(1_000);
    let other = second_line(&mut world, "8012");
    world.party_mut(agent).call(Mono::from_ms(2_000), to_gruu("8012", PARAMS));
    world.run_until(10_000);
    assert!(hears(&world, agent, colleague) && hears(&world, colleague, agent));
    assert!(world.party(other).saw.invitations.is_empty());
    end(world, agent);
}
