//! The agent gives the call to a number outside, or asks one first: by role and allow-list, over
//! another line where one fails, and back to the agent or the queue where nobody answers.

use cti::{Command, Event};
use model::{
    FactBody, HangupCause, LegRole, MissedCause, Mono, Outcome, Pii, Target, TransferEnd,
    TransferKind,
};
use sim::{Answer, CallerPlan, PartyId, Settings, Weather, World, settings};
use trunk::Outward;

use crate::calls_out::{MOBILE, gateway, outward, tried};
use crate::transfer::{end, hears, hears_music, leg, transfers};
use crate::{assert_sound, ends, phone};

const BLIND: TransferKind = TransferKind::Blind;
const CONSULT: TransferKind = TransferKind::Consult;

fn to_number(number: &str) -> Target {
    Target::Number(Pii::from(number))
}

fn transfer() -> Command {
    Command::Transfer { to: to_number(MOBILE) }
}

fn consult() -> Command {
    Command::Consult { to: to_number(MOBILE) }
}

/// A caller who talks with 8011, who may call out, and a number outside that answers as planned.
fn talking_with(
    outward: Outward,
    limits: trunk::Limits,
    answer: Answer,
) -> (World, PartyId, PartyId, PartyId) {
    let settings = Settings {
        agents: vec![("8011".to_owned(), 2), ("8001".to_owned(), 1)],
        outward: Some(outward),
        trunk_limits: limits,
        ..settings()
    };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    let caller = world.caller(1_000, CallerPlan::default());
    let number = gateway(&mut world, 1, answer);
    world.run_until(30_000);
    assert!(hears(&world, caller, agent) && hears(&world, agent, caller));
    (world, caller, agent, number)
}

fn talking(answer: Answer) -> (World, PartyId, PartyId, PartyId) {
    talking_with(outward(), trunk::Limits::default(), answer)
}

/// Everyone's end in the record, by role.
fn legs_ended(world: &World) -> (usize, usize, usize) {
    let mut ended = (0, 0, 0);
    for fact in world.facts() {
        match &fact.body {
            FactBody::LegEnded { role: LegRole::Caller, .. } => ended.0 += 1,
            FactBody::LegEnded { role: LegRole::Agent(_), .. } => ended.1 += 1,
            FactBody::LegEnded { role: LegRole::Number(_), .. } => ended.2 += 1,
            _ => {}
        }
    }
    ended
}

#[test]
fn rfc_5359_section_2_4_unattended_transfer_to_a_number_outside() {
    let (mut world, caller, agent, number) = talking(Answer::After(4_000));
    assert_eq!(world.ask("8011", transfer()), Ok(()));
    world.run_until(32_000);
    assert!(hears_music(&world, caller), "the caller hears music while it rings");
    assert_eq!(world.party(number).saw.invitations[0].uri(), "sip:+8613800138000@10.3.0.1");
    world.run_until(36_000);
    assert!(hears(&world, caller, number) && hears(&world, number, caller));
    assert!(!world.party(agent).is_connected(), "who gave the call away is out of it");
    assert_eq!(world.taped(), [leg(&world, number)], "it is taped on");
    assert_eq!(transfers(&world), [(BLIND, TransferEnd::Completed)]);
    let taken = |body: &FactBody| {
        matches!(body, FactBody::CallTaken { role: LegRole::Number(number), .. }
            if number.reveal() == MOBILE)
    };
    assert_eq!(world.when(taken).len(), 1);
    world.run_until(60_000);
    end(world, caller);
}

#[test]
fn the_number_that_has_the_call_hangs_up_and_the_call_is_over() {
    let (mut world, caller, _, number) = talking(Answer::After(1_000));
    world.command("8011", transfer());
    world.run_until(33_000);
    world.party_mut(number).hang_up(Mono::from_ms(33_000));
    world.run_for(60_000);
    assert!(!world.party(caller).is_connected());
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_eq!(legs_ended(&world), (1, 1, 1), "every leg has its end");
    assert_sound(&world);
}

#[test]
fn a_number_that_does_not_take_the_call_gives_it_back_to_the_agent() {
    for (answer, cause) in [
        (Answer::RingsOnly, MissedCause::NoAnswer),
        (Answer::Refuses(486, 500), MissedCause::Busy),
        (Answer::Refuses(603, 500), MissedCause::Rejected),
        (Answer::Refuses(480, 500), MissedCause::NoAnswer),
        (Answer::Refuses(404, 500), MissedCause::Unreachable),
        (Answer::Refuses(503, 500), MissedCause::Unreachable),
        (Answer::Silence, MissedCause::Unreachable),
    ] {
        for (command, kind) in [(transfer(), BLIND), (consult(), CONSULT)] {
            let (mut world, caller, agent, number) = talking(answer);
            assert_eq!(world.ask("8011", command), Ok(()));
            world.run_until(100_000);
            assert!(hears(&world, caller, agent) && hears(&world, agent, caller), "{answer:?}");
            assert!(!world.party(number).is_connected());
            let end_told = TransferEnd::Missed(cause);
            assert_eq!(transfers(&world), [(kind, end_told)], "{answer:?}");
            let log = world.desktop_log("8011").expect("there is a desktop");
            let told = log.events.iter().any(|(_, _, event)| {
                matches!(&**event, Event::TransferEnded { end, .. } if *end == end_told)
            });
            assert!(told, "the desktop says why: {answer:?}");
            end(world, caller);
        }
    }
}

#[test]
fn an_agent_who_did_not_wait_leaves_the_call_to_the_queue_if_nobody_answers() {
    let (mut world, caller, agent, _) = talking(Answer::Refuses(486, 4_000));
    world.command("8011", transfer());
    world.party_mut(agent).hang_up(Mono::from_ms(31_000));
    let other = world.caller(40_000, CallerPlan::default());
    world.run_until(33_000);
    assert!(hears_music(&world, caller));
    world.run_until(36_000);
    let queued = world.when(|body| matches!(body, FactBody::Queued { .. }));
    assert_eq!(queued.len(), 2, "it waits again");
    // The queue is the agent's, too, after 20 s.
    world.run_until(60_000);
    assert!(hears(&world, caller, agent) && !hears(&world, other, agent));
    world.party_mut(other).hang_up(Mono::from_ms(61_000));
    world.run_until(62_000);
    let now = world.now();
    world.party_mut(caller).hang_up(now);
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn a_line_that_fails_is_left_for_the_next_while_the_caller_hears_music() {
    let (mut world, caller, _, _) = talking(Answer::Refuses(503, 10));
    let second = gateway(&mut world, 2, Answer::After(1_000));
    world.command("8011", transfer());
    world.run_until(40_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert_eq!(tried(&world), ["10.3.0.1", "10.3.0.2"]);
    end(world, caller);
}

#[test]
fn a_full_line_gives_the_call_back() {
    // The caller's own call is the one that the line has room for.
    let limits = trunk::Limits { calls: Some(1), calls_per_s: None };
    let (mut world, caller, agent, number) = talking_with(outward(), limits, Answer::After(1_000));
    assert_eq!(world.ask("8011", transfer()), Ok(()));
    world.run_until(31_000);
    assert!(world.party(number).saw.invitations.is_empty());
    assert!(hears(&world, caller, agent));
    let unreachable = TransferEnd::Missed(MissedCause::Unreachable);
    assert_eq!(transfers(&world), [(BLIND, unreachable)]);
    end(world, caller);
}

#[test]
fn who_may_not_call_out_transfers_to_no_number_and_no_list_is_passed_by() {
    let (mut world, caller, agent, number) = talking(Answer::After(1_000));
    for (to, code) in [("00442079460000", "number_not_allowed"), ("*#", "bad_number")] {
        let to = to_number(to);
        assert_eq!(world.ask("8011", Command::Transfer { to: to.clone() }), Err(code));
        assert_eq!(world.ask("8011", Command::Consult { to }), Err(code));
    }
    phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    let other = world.caller(31_000, CallerPlan::default());
    world.run_until(40_000);
    assert_eq!(world.ask("8001", transfer()), Err("forbidden"));
    assert!(world.party(number).saw.invitations.is_empty());
    let refused = |body: &FactBody| matches!(body, FactBody::Refused { .. });
    assert_eq!(world.when(refused).len(), 3, "each is audited");
    assert!(hears(&world, caller, agent) && transfers(&world).is_empty());
    world.party_mut(other).hang_up(Mono::from_ms(41_000));
    let now = world.now();
    world.party_mut(caller).hang_up(now);
    world.run_for(60_000);
    assert_sound(&world);
}

/// 8011 asks a number, which has answered; the caller hears music.
fn consulting() -> (World, PartyId, PartyId, PartyId) {
    let (mut world, caller, agent, number) = talking(Answer::After(1_000));
    assert_eq!(world.ask("8011", consult()), Ok(()));
    world.run_until(33_000);
    assert!(hears(&world, agent, number) && hears(&world, number, agent));
    assert!(hears_music(&world, caller));
    (world, caller, agent, number)
}

#[test]
fn rfc_5359_section_2_5_attended_transfer_to_a_number_outside() {
    let (mut world, caller, agent, number) = consulting();
    assert_eq!(world.ask("8011", Command::CompleteTransfer), Ok(()));
    world.run_until(34_000);
    assert!(hears(&world, caller, number) && hears(&world, number, caller));
    assert!(!world.party(agent).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
    assert_eq!(world.taped(), [leg(&world, number)]);
    end(world, caller);
}

#[test]
fn the_agent_goes_between_the_caller_and_a_number_and_drops_it() {
    let (mut world, caller, agent, number) = consulting();
    assert_eq!(world.ask("8011", Command::SwapParties), Ok(()));
    assert!(hears(&world, caller, agent) && hears_music(&world, number));
    assert_eq!(world.ask("8011", Command::SwapParties), Ok(()));
    assert!(hears(&world, agent, number) && hears_music(&world, caller));
    assert_eq!(world.ask("8011", Command::CancelConsult), Ok(()));
    world.run_until(34_000);
    assert!(hears(&world, caller, agent) && hears(&world, agent, caller));
    assert!(!world.party(number).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::TakenBack)]);
    end(world, caller);
}

#[test]
fn rfc_5359_section_2_10_three_talk_one_of_them_outside() {
    for leaves in 0..2 {
        let (mut world, caller, agent, number) = consulting();
        assert_eq!(world.ask("8011", Command::Conference), Ok(()));
        for (one, others) in
            [(caller, [agent, number]), (agent, [caller, number]), (number, [caller, agent])]
        {
            assert!(others.iter().all(|other| hears(&world, one, *other)));
        }
        assert_eq!(world.taped(), [leg(&world, agent), leg(&world, number)], "both are taped");
        let (goes, stays) = [(agent, number), (number, agent)][leaves];
        world.party_mut(goes).hang_up(Mono::from_ms(34_000));
        world.run_until(35_000);
        assert!(hears(&world, caller, stays) && hears(&world, stays, caller));
        end(world, caller);
    }
}

#[test]
fn the_caller_hangs_up_while_the_number_rings() {
    for command in [transfer(), consult()] {
        let (mut world, caller, agent, number) = talking(Answer::RingsOnly);
        world.command("8011", command);
        world.party_mut(caller).hang_up(Mono::from_ms(32_000));
        world.run_until(33_000);
        assert!(!world.party(agent).is_connected());
        assert_eq!(world.party(number).saw.cancels.len(), 1);
        world.run_for(60_000);
        assert_eq!(legs_ended(&world), (1, 1, 1));
        assert_sound(&world);
    }
}

#[test]
fn the_agent_takes_the_call_back_while_the_number_rings() {
    let (mut world, caller, agent, number) = talking(Answer::RingsOnly);
    world.command("8011", transfer());
    world.run_until(33_000);
    assert_eq!(world.ask("8011", Command::CancelConsult), Ok(()));
    world.run_until(34_000);
    assert!(hears(&world, caller, agent) && hears(&world, agent, caller));
    assert_eq!(world.party(number).saw.cancels.len(), 1);
    assert_eq!(transfers(&world), [(BLIND, TransferEnd::TakenBack)]);
    end(world, caller);
}

#[test]
fn completing_while_the_number_rings_makes_the_transfer_a_blind_one() {
    let (mut world, caller, agent, number) = talking(Answer::After(4_000));
    world.command("8011", consult());
    world.run_until(32_000);
    assert_eq!(world.ask("8011", Command::CompleteTransfer), Ok(()));
    assert!(hears_music(&world, caller) && world.party(agent).is_connected());
    world.run_until(38_000);
    assert!(hears(&world, caller, number) && !world.party(agent).is_connected());
    end(world, caller);
}

#[test]
fn a_phone_transfers_to_a_number_outside_by_refer() {
    for to in ["sip:13800138000@hotline", "tel:+86-138-0013-8000"] {
        let (mut world, caller, agent, number) = talking(Answer::After(1_000));
        world.party_mut(agent).refer(Mono::from_ms(30_500), to, true);
        world.run_until(35_000);
        assert!(hears(&world, caller, number) && hears(&world, number, caller), "{to}");
        let lines: Vec<&str> =
            world.party(agent).saw.notified.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
        end(world, caller);
    }
}

#[test]
fn the_engine_ends_while_a_number_is_called() {
    let (mut world, _, agent, number) = talking(Answer::RingsOnly);
    world.command("8011", transfer());
    world.run_until(31_000);
    world.stop();
    world.run_for(10_000);
    assert!(world.is_stopped());
    assert!(!world.party(agent).is_connected());
    assert_eq!(world.party(number).saw.cancels.len(), 1);
    assert_sound(&world);
}
