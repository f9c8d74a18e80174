//! Session timers (RFC 4028): who refreshes, by what, and what becomes of a peer that is gone.

use model::{FactBody, HangupCause, Mono, Outcome};
use sim::{CallerPlan, PhonePlan, Weather, World, settings};
use sip::Method;

use crate::{assert_sound, ends, phone, world};

const TIMER: (&str, &str) = ("Supported", "timer");
const NINETY: (&str, &str) = ("Session-Expires", "90");
const UPDATE: (&str, &str) = ("Allow", "INVITE, ACK, BYE, UPDATE");

fn caller_with(world: &mut World, headers: &[(&'static str, &'static str)]) -> sim::PartyId {
    world.caller(1_000, CallerPlan { headers: headers.to_vec(), ..CallerPlan::default() })
}

#[test]
fn rfc_4028_section_7_4_the_engine_refreshes_by_what_the_peer_takes() {
    for (headers, method) in
        [(vec![TIMER, NINETY, UPDATE], Method::Update), (vec![TIMER, NINETY], Method::Invite)]
    {
        let mut world = world();
        phone(&mut world, "8001");
        let caller = caller_with(&mut world, &headers);
        world.run_until(200_000);
        let asked = &world.party(caller).saw.asked;
        assert_eq!(asked.len(), 4, "every 45 seconds");
        assert!(asked.iter().all(|(_, asked)| *asked == method));
        assert!(world.party(caller).is_connected());
        world.party_mut(caller).hang_up(Mono::from_ms(201_000));
        world.run_until(260_000);
        assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
        assert_sound(&world);
    }
}

#[test]
fn a_caller_who_refuses_an_update_is_asked_by_re_invite_from_then_on() {
    let mut world = world();
    phone(&mut world, "8001");
    let caller = caller_with(&mut world, &[TIMER, NINETY, UPDATE]);
    world.party_mut(caller).answers_change(Some(488));
    world.run_until(150_000);
    let asked: Vec<Method> =
        world.party(caller).saw.asked.iter().map(|(_, asked)| *asked).collect();
    assert_eq!(asked, [Method::Update, Method::Invite, Method::Invite, Method::Invite]);
    assert!(world.party(caller).is_connected());
    world.party_mut(caller).hang_up(Mono::from_ms(151_000));
    world.run_until(200_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_sound(&world);
}

#[test]
fn rfc_4028_section_10_a_caller_who_is_gone_is_noticed_at_the_refresh() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let caller = caller_with(&mut world, &[TIMER, ("Session-Expires", "180"), UPDATE]);
    world.run_until(10_000);
    world.party_mut(caller).vanish(Mono::from_ms(20_000));
    world.run_until(200_000);
    let end = [(Outcome::Answered, HangupCause::TransactionTimeout)];
    assert_eq!(ends(world.facts()), end);
    let bye = world.party(agent).saw.byes[0].as_ms();
    assert!((123_000..124_000).contains(&bye), "the agent is free at {bye} ms");
    assert_sound(&world);
}

#[test]
fn rfc_4028_section_10_a_caller_who_does_not_refresh_is_hung_up_on() {
    let mut world = world();
    phone(&mut world, "8001");
    let theirs = ("Session-Expires", "90;refresher=uac");
    let caller = caller_with(&mut world, &[TIMER, theirs]);
    world.run_until(200_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::SessionExpired)]);
    let bye = world.party(caller).saw.byes[0].as_ms();
    assert!((61_000..61_100).contains(&bye), "the BYE came at {bye} ms");
    assert!(world.party(caller).saw.reasons[0].starts_with("Q.850;cause=102"));
    assert_sound(&world);
}

#[test]
fn rfc_4028_section_9_too_short_an_interval_is_refused_and_is_no_call() {
    let settings = sim::Settings {
        session: call::SessionLimits { expires_s: 1_800, min_se_s: 300 },
        ..settings()
    };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let caller = caller_with(&mut world, &[TIMER, NINETY]);
    world.run_until(10_000);
    assert_eq!(world.party(caller).saw.finals[0].1, 422);
    assert!(world.when(|body| matches!(body, FactBody::CallArrived { .. })).is_empty());
}

#[test]
fn a_phone_that_glares_is_asked_again() {
    let mut world = world();
    let headers = vec![("Session-Expires", "90;refresher=uac"), ("Require", "timer")];
    let agent = world.phone(0, PhonePlan { headers, ..PhonePlan::of("8001") });
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(10_000);
    world.party_mut(agent).answers_change(Some(491));
    world.run_until(60_000);
    let asked = &world.party(agent).saw.asked;
    assert_eq!(asked.len(), 2);
    let wait = asked[1].0.ms_since(asked[0].0);
    assert!((2_100..4_010).contains(&wait), "asked again after {wait} ms");
    world.party_mut(caller).hang_up(Mono::from_ms(61_000));
    world.run_until(120_000);
    assert_sound(&world);
}
