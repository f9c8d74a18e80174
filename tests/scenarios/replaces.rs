//! INVITE with Replaces (RFC 3891): another phone of the agent takes over the agent's own leg, and
//! nobody else's.

use model::{FactBody, Mono};
use sim::{Answer, CallerPlan, Media, PartyId, PhonePlan, World};
use sip::Method;

use crate::own_calls::{calls, second_line, world};
use crate::transfer::{end, hears, leg};
use crate::{assert_sound, phone};

/// The call of a phone with this Replaces.
fn replacing(agent: &'static str, replaces: String) -> CallerPlan {
    let headers = vec![("Replaces", &*Box::leak(replaces.into_boxed_str()))];
    CallerPlan { headers, ..calls(agent, "95500") }
}

fn last_status(world: &World, party: PartyId) -> Option<u16> {
    world.party(party).saw.finals.last().map(|(_, status)| *status)
}

/// A caller who talks with 8011, and another phone of theirs.
fn talking() -> (World, PartyId, PartyId, PartyId) {
    let mut world = world();
    let first = phone(&mut world, "8011");
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(25_000);
    assert!(hears(&world, caller, first));
    let second = second_line(&mut world, "8011");
    (world, caller, first, second)
}

#[test]
fn rfc_3891_section_1_another_phone_of_the_agent_takes_the_call_over() {
    let (mut world, caller, first, second) = talking();
    let named = world.party(first).dialog_named().expect("it is in a call");
    world.party_mut(second).call(Mono::from_ms(26_000), replacing("8011", named));
    world.run_until(28_000);
    assert_eq!(last_status(&world, second), Some(200));
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert_eq!(world.party(first).saw.byes.len(), 1, "the dialog that is replaced ends by a BYE");
    assert_eq!(world.taped(), [leg(&world, second)], "the tape follows");
    let taken = |body: &FactBody| matches!(body, FactBody::CallTaken { .. });
    assert_eq!(world.when(taken).len(), 1);
    end(world, caller);
}

#[test]
fn rfc_3891_section_3_what_is_named_wrongly_is_not_replaced() {
    let (mut world, caller, first, second) = talking();
    let named = world.party(first).dialog_named().expect("it is in a call");
    let swapped = named.replace("to-tag", "x-tag").replace("from-tag", "to-tag");
    let swapped = swapped.replace("x-tag", "from-tag");
    for (at_ms, replaces, status) in [
        (26_000, format!("{named};early-only"), 486),
        (27_000, swapped, 481),
        (28_000, "nobody@h;to-tag=1;from-tag=2".to_owned(), 481),
        (29_000, named.replacen(';', "x;", 1), 481),
        (30_000, "nonsense".to_owned(), 400),
    ] {
        let plan = replacing("8011", replaces.clone());
        world.party_mut(second).call(Mono::from_ms(at_ms), plan);
        world.run_until(at_ms + 900);
        assert_eq!(last_status(&world, second), Some(status), "{replaces}");
    }
    assert!(hears(&world, caller, first) && world.party(first).is_connected());
    end(world, caller);
}

#[test]
fn rfc_3891_section_3_a_dialog_that_is_over_is_declined() {
    let (mut world, caller, first, second) = talking();
    let named = world.party(first).dialog_named().expect("it is in a call");
    world.party_mut(caller).hang_up(Mono::from_ms(26_000));
    world.party_mut(second).call(Mono::from_ms(27_000), replacing("8011", named));
    world.run_until(28_000);
    assert_eq!(last_status(&world, second), Some(603));
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn rfc_3891_section_3_nobody_replaces_a_dialog_of_another() {
    let (mut world, caller, first, _) = talking();
    let named = world.party(first).dialog_named().expect("it is in a call");
    let callers = world.party(caller).dialog_named().expect("it is in a call");
    // A colleague, with credentials of their own.
    let other = phone(&mut world, "8012");
    world.run_until(26_500);
    world.party_mut(other).call(Mono::from_ms(27_000), replacing("8012", named.clone()));
    world.run_until(28_000);
    assert_eq!(last_status(&world, other), Some(403));
    world.party_mut(other).call(Mono::from_ms(28_000), replacing("8012", callers.clone()));
    world.run_until(29_000);
    assert_eq!(last_status(&world, other), Some(403));
    // Someone on the carrier's side, and someone of whom nothing is known.
    for replaces in [named, callers] {
        let now = world.now().as_ms();
        let plan = CallerPlan { account: None, ..replacing("8011", replaces) };
        let outside = world.caller(now, plan.clone());
        let stranger = world.stranger(now, plan);
        world.run_for(1_000);
        assert_eq!(last_status(&world, outside), Some(403));
        assert_eq!(last_status(&world, stranger), Some(401));
    }
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    end(world, caller);
}

#[test]
fn rfc_3891_section_3_a_line_is_told_what_is_wrong_with_what_it_names() {
    let (mut world, caller, first, _) = talking();
    let named = world.party(first).dialog_named().expect("it is in a call");
    let early = format!("{named};early-only");
    for (replaces, more, status) in [
        ("nonsense", None, 400),
        ("a@b;to-tag=1", None, 400),
        (&*named, Some(("Replaces", "a@b;to-tag=1;from-tag=2")), 400),
        (&*named, Some(("Join", "a@b;to-tag=1;from-tag=2")), 400),
        ("a@b;to-tag=1;from-tag=2", None, 481),
        (&*early, None, 486),
        (&*named, None, 403),
    ] {
        let now = world.now().as_ms();
        let mut plan = CallerPlan { account: None, ..replacing("8011", replaces.to_owned()) };
        plan.headers.extend(more);
        let outside = world.caller(now, plan.clone());
        let stranger = world.stranger(now, plan);
        world.run_for(1_000);
        assert_eq!(last_status(&world, outside), Some(status), "{replaces} {more:?}");
        // What is broken is so for everybody; of our dialogs nobody unknown hears anything.
        let unknown = if status == 400 { 400 } else { 401 };
        assert_eq!(last_status(&world, stranger), Some(unknown), "{replaces} {more:?}");
    }
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    end(world, caller);
}

#[test]
fn rfc_3891_section_7_1_an_early_dialog_is_replaced_at_its_originator_which_we_are() {
    let mut world = world();
    let answers = vec![Answer::RingsOnly];
    let first = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8011") });
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(25_000);
    let named = world.party(first).ringing_named().expect("it rings");
    let second = second_line(&mut world, "8011");
    world.party_mut(second).call(Mono::from_ms(26_000), replacing("8011", named));
    world.run_until(28_000);
    assert_eq!(last_status(&world, second), Some(200));
    assert_eq!(world.party(first).saw.cancels.len(), 1, "the other one rings no more");
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    end(world, caller);
}

#[test]
fn rfc_3891_section_3_in_another_request_than_an_invite_it_means_nothing() {
    let mut world = world();
    let headers = vec![("Replaces", "a@b;to-tag=1;from-tag=2")];
    let first = world.phone(0, PhonePlan { headers, ..PhonePlan::of("8011") });
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(25_000);
    assert!(hears(&world, caller, first));
    world.party_mut(first).change(Mono::from_ms(26_000), Method::Update, Media::SendOnly);
    world.run_until(27_000);
    let statuses: Vec<u16> = world.party(first).saw.changes.iter().map(|(_, _, s)| *s).collect();
    assert_eq!(statuses, [400]);
    assert!(hears(&world, caller, first), "nothing has changed");
    end(world, caller);
}
