//! The agent gives the call away by the phone: REFER (RFC 3515, RFC 4488).

use cti::Command;
use model::{FactBody, Mono, TransferEnd, TransferKind};
use sim::{Answer, PartyId, World};

use crate::transfer::{end, hears, hears_music, talking, to_agent, transfers};

const COLLEAGUE: &str = "sip:8002@hotline";

fn refer(world: &mut World, party: PartyId, at_ms: u64, to: &'static str) {
    world.party_mut(party).refer(Mono::from_ms(at_ms), to, true);
}

fn statuses(world: &World, party: PartyId) -> Vec<u16> {
    world.party(party).saw.refers.iter().map(|(_, status)| *status).collect()
}

/// The status lines that the phone was notified of.
fn lines(world: &World, party: PartyId) -> Vec<&str> {
    world.party(party).saw.notified.iter().map(|(_, line)| line.as_str()).collect()
}

#[test]
fn rfc_5359_section_2_4_unattended_transfer_by_the_phone() {
    let (mut world, caller, first, second) = talking(Answer::After(2_000));
    refer(&mut world, first, 6_500, COLLEAGUE);
    world.run_until(7_500);
    assert!(hears_music(&world, caller));
    assert_eq!(statuses(&world, first), [202]);
    world.run_until(12_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert_eq!(lines(&world, first), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    let states = &world.party(first).saw.notified;
    assert!(states[0].0.starts_with("active") && states[1].0.starts_with("terminated"));
    assert!(!world.party(first).is_connected());
    let by_phone = |body: &FactBody| matches!(body, FactBody::TransferBegun { by_phone: true, .. });
    assert_eq!(world.when(by_phone).len(), 1);
    end(world, caller);
}

#[test]
fn rfc_3515_section_2_4_5_a_colleague_who_is_busy_is_told_and_the_call_is_the_agents_again() {
    let (mut world, caller, first, _) = talking(Answer::Refuses(486, 500));
    refer(&mut world, first, 6_500, COLLEAGUE);
    world.run_until(12_000);
    assert_eq!(lines(&world, first), ["SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"]);
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    end(world, caller);
}

#[test]
fn rfc_4488_section_4_a_phone_that_does_not_want_to_know_is_not_told() {
    let (mut world, caller, first, second) = talking(Answer::After(1_000));
    world.party_mut(first).refer(Mono::from_ms(6_500), COLLEAGUE, false);
    world.run_until(12_000);
    assert_eq!((statuses(&world, first), lines(&world, first).len()), (vec![202], 0));
    assert!(hears(&world, caller, second));
    end(world, caller);
}

#[test]
fn a_phone_that_hangs_up_after_its_refer_has_given_the_call_away() {
    let (mut world, caller, first, second) = talking(Answer::After(2_000));
    refer(&mut world, first, 6_500, COLLEAGUE);
    world.party_mut(first).hang_up(Mono::from_ms(6_600));
    world.run_until(7_500);
    assert!(hears_music(&world, caller));
    world.run_until(12_000);
    assert!(hears(&world, caller, second));
    assert_eq!(transfers(&world), [(TransferKind::Blind, TransferEnd::Completed)]);
    end(world, caller);
}

#[test]
fn to_a_queue_the_phone_is_told_before_its_bye() {
    let (mut world, caller, first, second) = talking(Answer::After(1_000));
    refer(&mut world, first, 6_500, "sip:claims@hotline");
    world.run_until(12_000);
    assert_eq!(lines(&world, first), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    assert!(hears(&world, caller, second));
    end(world, caller);
}

#[test]
fn nobody_outside_may_have_the_engine_call() {
    let (mut world, caller, first, _) = talking(Answer::After(1_000));
    refer(&mut world, caller, 6_500, COLLEAGUE);
    world.run_until(7_000);
    assert_eq!(statuses(&world, caller), [403]);
    for (at_ms, to, status) in [
        (7_005, "sip:8002@hotline;method=BYE", 501),
        (7_100, "sip:8002@elsewhere.example", 403),
        (7_200, "sip:nobody@hotline", 404),
        (7_300, "mailto:8002@hotline", 416),
    ] {
        refer(&mut world, first, at_ms, to);
        world.run_until(at_ms + 90);
        assert_eq!(statuses(&world, first).last(), Some(&status), "{to}");
    }
    // 481 is about the dialog that it names, not about the one that it came in (RFC 5057 §5.1).
    let nobodys = "sip:8002@hotline?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2";
    refer(&mut world, first, 7_400, nobodys);
    world.run_until(7_490);
    assert_eq!(statuses(&world, first).last(), Some(&202));
    assert_eq!(
        lines(&world, first),
        ["SIP/2.0 100 Trying", "SIP/2.0 481 Call/Transaction Does Not Exist"]
    );
    // Who wants no NOTIFY is told by the answer.
    world.party_mut(first).refer(Mono::from_ms(7_500), nobodys, false);
    world.run_until(7_590);
    assert_eq!(statuses(&world, first).last(), Some(&603));
    assert!(hears(&world, caller, first) && transfers(&world).is_empty());
    end(world, caller);
}

#[test]
fn one_who_is_only_asked_may_not_give_the_call_away() {
    let (mut world, caller, first, second) = talking(Answer::After(1_000));
    world.command("8001", Command::Consult { to: to_agent("8002") });
    world.run_until(9_000);
    refer(&mut world, second, 9_100, "sip:8001@hotline");
    refer(&mut world, first, 9_200, COLLEAGUE);
    world.run_until(10_000);
    assert_eq!((statuses(&world, second), statuses(&world, first)), (vec![403], vec![491]));
    world.command("8001", Command::CancelConsult);
    world.run_until(11_000);
    end(world, caller);
}
