//! Hops: a call that goes on to another leg has one less than it came with (RFC 7332 §3), so that
//! one which a carrier leads back to us ends at last.

use model::Mono;
use sim::{Answer, CallerPlan};

use crate::calls_out::{MOBILE, gateway};
use crate::own_calls::{calls, world};
use crate::{assert_sound, phone};

#[test]
fn rfc_7332_section_3_the_agents_phone_is_rung_with_one_hop_less() {
    for (came, goes_on) in [("17", 16), ("2", 1), ("70", 69)] {
        let mut world = world();
        let agent = phone(&mut world, "8001");
        let headers = vec![("Max-Forwards", came)];
        let plan = CallerPlan { headers, hangs_up_after_ms: Some(40_000), ..CallerPlan::default() };
        world.caller(1_000, plan);
        world.run_until(60_000);
        let invitations = &world.party(agent).saw.invitations;
        assert_eq!(invitations[0].max_forwards(), Some(goes_on), "{came}");
        assert_sound(&world);
    }
}

#[test]
fn rfc_7332_section_3_what_a_phone_calls_outside_has_one_hop_less() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let number = gateway(&mut world, 1, Answer::After(500));
    let headers = vec![("Max-Forwards", "5")];
    let plan = CallerPlan { headers, ..calls("8011", MOBILE) };
    world.party_mut(agent).call(Mono::from_ms(2_000), plan);
    world.run_until(10_000);
    assert_eq!(world.party(number).saw.invitations[0].max_forwards(), Some(4));
    world.party_mut(agent).hang_up(Mono::from_ms(12_000));
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn a_call_that_a_desktop_begins_has_them_all() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    let number = gateway(&mut world, 1, Answer::After(500));
    world.command("8011", cti::Command::Dial { number: model::Pii::from(MOBILE) });
    world.run_until(10_000);
    for party in [agent, number] {
        assert_eq!(world.party(party).saw.invitations[0].max_forwards(), Some(70));
    }
    world.command("8011", cti::Command::HangUp);
    world.run_until(60_000);
    assert_sound(&world);
}
