//! Headers of our own that somebody else writes: however they are spelled they go no further, and
//! what they say counts for nothing.

use model::{FactBody, Mono};
use sim::{Answer, CallerPlan, PhonePlan, World};
use sip::Message;

use crate::calls_out::{MOBILE, gateway};
use crate::own_calls::{calls, world};
use crate::{assert_sound, phone};

const SECRET: &str = "666";

/// Ways to write it, each with the value.
const SPELLINGS: [(&str, &str); 7] = [
    ("X-Hotline-Call", SECRET),
    ("x-hotline-CALL ", SECRET),
    ("X-HOTLINE-CALL\t", SECRET),
    ("X_Hotline-Call", SECRET),
    ("X-Hotline-Call", "\"666\", 666"),
    ("X-Hotline-Agent", SECRET),
    ("x-hotline-trunk", SECRET),
];

/// The headers of ours in a message, whatever their spelling.
fn ours(message: &Message) -> Vec<(String, String)> {
    let is_ours = |name: &str| name.to_ascii_lowercase().replace('_', "-").contains("x-hotline");
    let fields = message.fields().filter(|(name, _)| is_ours(name));
    fields.map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect()
}

fn calls_of(world: &World) -> Vec<String> {
    let call = |fact: &model::Fact| match &fact.body {
        FactBody::CallArrived { call, .. } => Some(call.to_string()),
        _ => None,
    };
    world.facts().iter().filter_map(call).collect()
}

#[test]
fn what_a_caller_writes_does_not_reach_the_agents_phone() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let headers = SPELLINGS.to_vec();
    let verbatim = "x-hotline-CALL\t:\r\n 666\r\n\t666\r\nX-Hotline-Call :666";
    let hangs_up_after_ms = Some(40_000);
    world.caller(1_000, CallerPlan { headers, verbatim, hangs_up_after_ms, ..<_>::default() });
    world.run_until(60_000);
    let invitations = &world.party(agent).saw.invitations;
    let call = calls_of(&world).remove(0);
    assert_ne!(call, SECRET);
    assert_eq!(ours(&invitations[0]), [("X-Hotline-Call".to_owned(), call)], "ours and once");
    assert!(!String::from_utf8_lossy(invitations[0].as_bytes()).contains(SECRET));
    assert_sound(&world);
}

#[test]
fn what_a_phone_writes_does_not_reach_a_carrier() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let number = gateway(&mut world, 1, Answer::After(500));
    let headers = SPELLINGS.to_vec();
    let verbatim = "x-hotline-CALL :\r\n 666";
    let plan = CallerPlan { headers, verbatim, ..calls("8011", MOBILE) };
    world.party_mut(agent).call(Mono::from_ms(2_000), plan);
    world.run_until(10_000);
    let invitations = &world.party(number).saw.invitations;
    assert!(ours(&invitations[0]).is_empty(), "{:?}", ours(&invitations[0]));
    assert!(!String::from_utf8_lossy(invitations[0].as_bytes()).contains(SECRET));
    world.party_mut(agent).hang_up(Mono::from_ms(12_000));
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn what_the_called_one_answers_with_changes_nothing() {
    let mut world = world();
    let agent = world.phone(0, PhonePlan { headers: SPELLINGS.to_vec(), ..PhonePlan::of("8011") });
    let hangs_up_after_ms = Some(40_000);
    world.caller(1_000, CallerPlan { hangs_up_after_ms, ..CallerPlan::default() });
    world.run_until(60_000);
    assert_eq!(world.party(agent).saw.connected.len(), 1);
    assert_eq!(calls_of(&world).len(), 1);
    let facts = format!("{:?}", world.facts());
    assert!(!facts.contains("\"666\""), "it is written down nowhere");
    assert_sound(&world);
}
