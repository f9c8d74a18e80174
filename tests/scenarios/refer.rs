//! The agent gives the call away by the phone: REFER (RFC 3515, RFC 4488).

use cti::Command;
use model::{FactBody, Mono, TransferEnd, TransferKind};
use sim::{Answer, PASSWORD, PartyId, REALM, World};
use sip::digest::{Account, answer};
use sip::{Message, Method, RequestBuilder};

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

/// A REFER of `party` in no dialog, with these headers; the answer to its credentials, if they are
/// asked for, else to itself.
fn refer_outside(world: &mut World, party: PartyId, headers: &[(&str, &str)]) -> Message {
    let uri = "sip:hotline";
    let (now, at) = (world.now(), world.address(party));
    let request = |cseq: u32, authorization: Option<String>| {
        let request = RequestBuilder::new(Method::Refer, uri)
            .from("<sip:8001@hotline>", "outside")
            .to("<sip:hotline>", None)
            .call_id(&format!("outside-{now:?}"))
            .cseq(cseq)
            .contact(&format!("<sip:8001@{at}>"));
        let request = headers.iter().fold(request, |one, (name, value)| one.header(name, value));
        match authorization {
            Some(value) => request.header("Authorization", value).build(),
            None => request.build(),
        }
    };
    let said = |world: &World| world.party(party).saw.answers.last().expect("an answer").clone();
    world.party_mut(party).say(now, request(1, None));
    world.run_for(300);
    let challenge = said(world);
    if challenge.status() != Some(401) {
        return challenge;
    }
    let account = Account {
        user: "8001".to_owned(),
        password: PASSWORD.to_owned(),
        realm: Some(REALM.to_owned()),
    };
    let challenges = challenge.headers("WWW-Authenticate");
    let value = answer(challenges, &account, Method::Refer, uri, 1, "cnonce");
    let now = world.now();
    world.party_mut(party).say(now, request(2, value));
    world.run_for(300);
    said(world)
}

/// The dialog of a party's call, as Target-Dialog names it.
fn target(world: &World, party: PartyId) -> String {
    let named = world.party(party).dialog_named().expect("it is in a call");
    named.replace("to-tag", "x-tag").replace("from-tag", "remote-tag").replace("x-tag", "local-tag")
}

#[test]
fn rfc_4538_section_1_a_refer_in_no_dialog_gives_the_call_that_it_names() {
    let (mut world, caller, first, second) = talking(Answer::After(2_000));
    let target = target(&world, first);
    let refer = [("Refer-To", COLLEAGUE), ("Target-Dialog", &target), ("Require", "tdialog")];
    let accepted = refer_outside(&mut world, first, &refer);
    assert_eq!(accepted.status(), Some(202));
    world.run_for(6_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert_eq!(lines(&world, first), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    assert_eq!(transfers(&world), [(TransferKind::Blind, TransferEnd::Completed)]);
    end(world, caller);
}

#[test]
fn rfc_3515_section_5_2_who_names_no_dialog_of_their_own_has_nobody_called() {
    let (mut world, caller, first, second) = talking(Answer::After(2_000));
    let (own, callers) = (target(&world, first), target(&world, caller));
    let to = ("Refer-To", COLLEAGUE);
    for (headers, status) in [
        (vec![to], 403),
        (vec![to, ("Target-Dialog", "a@b;local-tag=1;remote-tag=2")], 403),
        (vec![to, ("Target-Dialog", &*callers)], 403),
        (vec![to, ("Target-Dialog", "nonsense")], 400),
        (vec![to, ("Target-Dialog", &*own), ("Target-Dialog", &*own)], 400),
        (vec![to, to, ("Target-Dialog", &*own)], 400),
        (vec![("Target-Dialog", &*own)], 400),
    ] {
        let answered = refer_outside(&mut world, first, &headers);
        assert_eq!(answered.status(), Some(status), "{headers:?}");
    }
    // Another phone with its own credentials, and a carrier: not theirs.
    let by_carrier = [to, ("Target-Dialog", &*own)];
    assert_eq!(refer_outside(&mut world, caller, &by_carrier).status(), Some(403));
    assert_eq!(refer_outside(&mut world, second, &by_carrier).status(), Some(403));
    assert!(hears(&world, caller, first));
    end(world, caller);
}
