//! RFC 5359 §2.6 to §2.18: what telephone services are to phones is, here, the business of queues,
//! roles and desktops. Each test plays the figure's messages as far as they reach us, and asserts
//! what is done in their place. §2.1 to §2.5 and §2.10 are among the flows of `call` and in
//! `refer.rs`, `own_calls.rs` and `consult.rs`.

use cti::Command;
use model::{AgentAction, FactBody, Mono, Pii};
use sim::{Answer, CallerPlan, PartyId, PhonePlan, World};
use sip::Method;

use crate::calls_out::{MOBILE, gateway};
use crate::own_calls::{calls, second_line};
use crate::transfer::{allowed, end, hears, hears_music, talking, to_agent};
use crate::{assert_sound, phone, rings, world};

fn statuses(world: &World, party: PartyId) -> Vec<u16> {
    world.party(party).saw.finals.iter().map(|(_, status)| *status).collect()
}

/// The phones of 8001, which answers so, and of 8002, which answers at once; a caller comes at one
/// second.
fn two_agents(first: Answer) -> (World, [PartyId; 3]) {
    let mut world = world();
    let answers = vec![first];
    let first = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
    let second = world.phone(500, PhonePlan::of("8002"));
    let caller = world.caller(1_000, CallerPlan::default());
    (world, [caller, first, second])
}

/// The REFER of the figure leads to what is no call: it is refused, and nothing has changed.
#[test]
fn rfc_5359_section_2_6_transfer_to_instant_messaging_is_refused() {
    let (mut world, caller, first, _) = talking(Answer::After(1_000));
    for (at_ms, to, status) in
        [(6_500, "im:8002@hotline", 416), (6_700, "sip:8002@hotline;method=MESSAGE", 501)]
    {
        world.party_mut(first).refer(Mono::from_ms(at_ms), to, true);
        world.run_until(at_ms + 150);
        let told = world.party(first).saw.refers.last().map(|(_, status)| *status);
        assert_eq!(told, Some(status), "{to}");
    }
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    end(world, caller);
}

/// An agent on a break wants no calls: they go to the next one, and the phone is not rung.
#[test]
fn rfc_5359_section_2_7_call_forwarding_unconditional_of_an_agent_who_is_not_ready() {
    let mut world = world();
    let first = phone(&mut world, "8001");
    let second = phone(&mut world, "8002");
    world.desktop("8001", 1, Some(10));
    world.run_until(900);
    let reason = model::NotReadyReason::Break;
    assert_eq!(world.ask("8001", Command::NotReady { reason }), Ok(()));
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert!(world.party(first).saw.invites.is_empty());
    end(world, caller);
}

#[test]
fn rfc_5359_section_2_8_call_forwarding_on_busy() {
    let (mut world, [caller, first, second]) = two_agents(Answer::Refuses(486, 500));
    world.run_until(6_000);
    assert_eq!(world.party(first).saw.invites.len(), 1);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert_eq!(statuses(&world, caller), [200], "the caller is told of no 486");
    end(world, caller);
}

#[test]
fn rfc_5359_section_2_9_call_forwarding_on_no_answer() {
    let (mut world, [caller, first, second]) = two_agents(Answer::RingsOnly);
    world.run_until(30_000);
    // F9 of the figure: who did not answer is cancelled before the other one is called.
    assert_eq!(world.party(first).saw.cancels.len(), 1);
    let (tried, next) = (rings(&world, "8001")[0], rings(&world, "8002")[0]);
    assert_eq!(next.ms_since(tried), 20_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    end(world, caller);
}

/// Nobody joins by an INVITE with Join (RFC 3911), which no dialog of ours allows: who brings a
/// third party in is the agent, on the desktop.
#[test]
fn rfc_5359_section_2_11_three_way_conference_a_third_party_is_brought_in_by_the_agent() {
    let (mut world, caller, first, second) = talking(Answer::After(1_000));
    let dialog = world.party(first).dialog_named().expect("it is in a call");
    let headers = vec![("Require", "join"), ("Join", &*Box::leak(dialog.into_boxed_str()))];
    let joins = CallerPlan { headers, ..calls("8002", "95500") };
    world.party_mut(second).call(Mono::from_ms(6_500), joins);
    world.run_until(7_500);
    assert_eq!(statuses(&world, second), [420]);
    world.command("8001", Command::Consult { to: to_agent("8002") });
    world.run_until(11_000);
    assert!(allowed(&world, "8001").contains(&AgentAction::Conference));
    world.command("8001", Command::Conference);
    world.run_until(12_000);
    for (ear, mouth) in [(caller, first), (caller, second), (first, caller), (second, first)] {
        assert!(hears(&world, ear, mouth), "each hears the others");
    }
    end(world, caller);
}

/// The figure's four telephones are the agent's own. It looks for Bob at one after the other; here
/// all are rung at once, so that he is found at the fourth without waiting for the first.
#[test]
fn rfc_5359_section_2_12_find_me() {
    let mut world = world();
    let answers = [
        Answer::RingsOnly,
        Answer::Refuses(480, 100),
        Answer::Refuses(486, 100),
        Answer::After(900),
    ];
    let bob = answers.map(|answer| {
        let answers = vec![answer];
        world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") })
    });
    let alice = world.caller(1_000, CallerPlan::default());
    world.run_until(1_500);
    for phone in bob {
        assert_eq!(world.party(phone).saw.invites.len(), 1, "F2, F10, F13 and F16");
    }
    world.run_until(4_000);
    let [b1, b2, b3, b4] = bob;
    assert!(hears(&world, alice, b4) && hears(&world, b4, alice), "both way RTP established");
    assert_eq!(world.party(b1).saw.cancels.len(), 1, "F6");
    let is_told = |reason: &String| reason.starts_with("SIP;cause=200");
    assert!(world.party(b1).saw.reasons.iter().all(is_told));
    assert!([b2, b3].iter().all(|phone| world.party(*phone).saw.cancels.is_empty()));
    let missed = world.when(|body| matches!(body, FactBody::Missed { .. }));
    assert!(missed.is_empty(), "Bob has missed nothing");
    // F23 to F26.
    world.party_mut(b4).hang_up(Mono::from_ms(5_000));
    world.run_until(6_000);
    assert_eq!(world.party(alice).saw.byes.len(), 1);
    assert_eq!(statuses(&world, alice), [200], "F11 and F14 are not told to Alice");
    world.run_until(60_000);
    assert_sound(&world);
}

/// Who calls by no line of ours reaches nobody, whatever number is dialled.
#[test]
fn rfc_5359_section_2_13_call_management_incoming_call_screening() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    world.run_until(900);
    let stranger = world.stranger(1_000, CallerPlan::default());
    world.run_until(3_000);
    assert_eq!(statuses(&world, stranger).len(), 1);
    assert!(statuses(&world, stranger)[0] >= 400, "{:?}", statuses(&world, stranger));
    assert!(world.party(agent).saw.invites.is_empty());
    let caller = world.caller(4_000, CallerPlan::default());
    world.run_until(8_000);
    assert!(hears(&world, caller, agent), "and by a line one does");
    end(world, caller);
}

/// A number that no list names is not called for an agent who may call out.
#[test]
fn rfc_5359_section_2_14_call_management_outgoing_call_screening() {
    let mut world = crate::own_calls::world();
    let agent = phone(&mut world, "8011");
    let number = gateway(&mut world, 1, Answer::After(500));
    world.party_mut(agent).call(Mono::from_ms(2_000), calls("8011", "00190055512345"));
    world.run_until(4_000);
    assert_eq!(statuses(&world, agent), [403]);
    assert!(world.party(number).saw.invitations.is_empty());
    world.party_mut(agent).call(Mono::from_ms(5_000), calls("8011", MOBILE));
    world.run_until(8_000);
    assert!(hears(&world, agent, number), "one that is listed is");
    world.party_mut(agent).hang_up(Mono::from_ms(9_000));
    world.run_until(60_000);
    assert_sound(&world);
}

/// The place to park a call is a queue: the caller waits there until somebody takes it.
#[test]
fn rfc_5359_section_2_15_call_park() {
    let (mut world, caller, first, second) = talking(Answer::After(5_000));
    world.party_mut(first).refer(Mono::from_ms(6_500), "sip:claims@hotline", true);
    world.run_until(8_000);
    let told: Vec<u16> = world.party(first).saw.refers.iter().map(|(_, status)| *status).collect();
    assert_eq!(told, [202]);
    let lines: Vec<&str> =
        world.party(first).saw.notified.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    assert!(!world.party(first).is_connected(), "who parked is free");
    world.run_until(11_000);
    assert!(hears_music(&world, caller), "who is parked hears {:?}", world.media(caller));
    world.run_until(30_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller), "it is retrieved");
    end(world, caller);
}

/// As in the figure the Replaces is early-only: it takes what rings, and nothing that talks.
#[test]
fn rfc_5359_section_2_16_call_pickup() {
    let mut world = world();
    let answers = vec![Answer::RingsOnly];
    let first = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    let named = world.party(first).ringing_named().expect("it rings");
    let second = second_line(&mut world, "8001");
    let replaces = &*Box::leak(format!("{named};early-only").into_boxed_str());
    let headers = vec![("Require", "replaces"), ("Replaces", replaces)];
    let picks_up = CallerPlan { headers, ..calls("8001", "95500") };
    world.party_mut(second).call(Mono::from_ms(6_000), picks_up);
    world.run_until(8_000);
    assert_eq!(statuses(&world, second), [200]);
    assert_eq!(world.party(first).saw.cancels.len(), 1);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    end(world, caller);
}

/// The state of a colleague's dialogs is not told to phones: the SUBSCRIBE is refused, and the
/// phone calls again. Customers are called back by their queue (`callbacks.rs`).
#[test]
fn rfc_5359_section_2_17_automatic_redial() {
    let mut world = world();
    let first = phone(&mut world, "8001");
    let answers = vec![Answer::Refuses(486, 100), Answer::After(500)];
    let second = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8002") });
    world.run_until(1_000);
    world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", "8002"));
    world.run_until(4_000);
    assert_eq!(statuses(&world, first), [486]);
    world.party_mut(first).ask(Mono::from_ms(5_000), Method::Subscribe);
    world.run_until(6_000);
    let refused = world.party(first).saw.answers.last().and_then(sip::Message::status);
    assert!(refused.is_some_and(|status| [405, 489].contains(&status)), "{refused:?}");
    world.party_mut(first).call(Mono::from_ms(7_000), calls("8001", "8002"));
    world.run_until(10_000);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    world.party_mut(first).hang_up(Mono::from_ms(11_000));
    world.run_until(60_000);
    assert_sound(&world);
}

/// The click is the desktop's: the agent's own phone is called first, then the number.
#[test]
fn rfc_5359_section_2_18_click_to_dial() {
    let mut world = crate::own_calls::world();
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    let number = gateway(&mut world, 1, Answer::After(1_000));
    assert_eq!(world.ask("8011", Command::Dial { number: Pii::from(MOBILE) }), Ok(()));
    world.run_until(8_000);
    assert!(world.party(agent).saw.connected[0] < world.party(number).saw.invites[0]);
    assert!(hears(&world, agent, number) && hears(&world, number, agent));
    let placed = |body: &FactBody| matches!(body, FactBody::CallPlaced { .. });
    assert_eq!(world.when(placed).len(), 1);
    world.party_mut(number).hang_up(Mono::from_ms(9_000));
    world.run_until(60_000);
    assert_sound(&world);
}
