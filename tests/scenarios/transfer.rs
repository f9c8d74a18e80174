//! The agent gives the call away without asking first (RFC 5359 §2.4); a call that nobody takes
//! comes back, and the caller is never left in silence.

use cti::{Command, Event};
use media::Source;
use model::{
    AgentAction, FactBody, LegId, LegRole, MissedCause, Mono, Outcome, Target, TransferEnd,
    TransferKind,
};
use sim::{Answer, CallerPlan, PartyId, PhonePlan, World};

use crate::{assert_sound, ends, phone, rings, world};

/// A caller who talks with 8001 from the third second on, and the phone of 8002, whose desktop is
/// open as well and whose phone answers as planned.
pub(crate) fn talking(answers: Answer) -> (World, PartyId, PartyId, PartyId) {
    let mut world = world();
    let first = phone(&mut world, "8001");
    world.desktop("8001", 1, Some(10));
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    let answers = vec![answers];
    let second = world.phone(5_000, PhonePlan { answers, ..PhonePlan::of("8002") });
    world.desktop("8002", 1, Some(10));
    world.run_until(6_000);
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    (world, caller, first, second)
}

/// Whether what one party says reaches another one.
pub(crate) fn hears(world: &World, ear: PartyId, mouth: PartyId) -> bool {
    let (Some(ear), Some(mouth)) = (world.media(ear), world.media(mouth)) else { return false };
    match &ear.hears {
        Source::Leg(leg) => *leg == mouth.leg,
        Source::Mix(legs) => legs.contains(&mouth.leg),
        Source::Play(_) | Source::Silence => false,
    }
}

/// The leg of a party whose media flow.
pub(crate) fn leg(world: &World, party: PartyId) -> LegId {
    world.media(party).expect("it has media").leg
}

pub(crate) fn hears_music(world: &World, ear: PartyId) -> bool {
    let hears = world.media(ear).map(|media| &media.hears);
    matches!(hears, Some(Source::Play(play)) if play.repeat && play.prompts[0].as_str() == "music")
}

pub(crate) fn to_agent(agent: &str) -> Target {
    Target::Agent(agent.into())
}

/// What became of bringing people in.
pub(crate) fn transfers(world: &World) -> Vec<(TransferKind, TransferEnd)> {
    let end = |fact: &model::Fact| match &fact.body {
        FactBody::TransferEnded { kind, end, .. } => Some((*kind, *end)),
        _ => None,
    };
    world.facts().iter().filter_map(end).collect()
}

/// What the desktop of an agent was told last that may be done.
pub(crate) fn allowed(world: &World, agent: &str) -> Vec<AgentAction> {
    let log = world.desktop_log(agent).expect("there is a desktop");
    let told = log.events.iter().rev().find_map(|(_, _, event)| match &**event {
        Event::AgentState { agent: whose, allowed, .. } if whose.as_str() == agent => {
            Some(allowed.clone())
        }
        _ => None,
    });
    told.expect("its state was told")
}

/// The caller hangs up, and all is over and sound.
pub(crate) fn end(mut world: World, caller: PartyId) {
    let now = world.now();
    world.party_mut(caller).hang_up(now);
    world.run_for(60_000);
    assert_eq!(ends(world.facts()).len(), 1);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}

#[test]
fn rfc_5359_section_2_4_unattended_transfer_to_a_colleague() {
    let (mut world, caller, first, second) = talking(Answer::After(2_000));
    assert_eq!(world.ask("8001", Command::Transfer { to: to_agent("8002") }), Ok(()));
    world.run_until(7_000);
    assert!(hears_music(&world, caller), "the caller hears music meanwhile");
    let (pop, ring) =
        (world.desktop_log("8002").expect("a desktop").pops[0].0, rings(&world, "8002"));
    assert!(pop < ring[0], "the screen pops before the ring");
    world.run_until(10_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    assert!(!world.party(first).is_connected(), "who gave the call away is out of it");
    assert_eq!(world.party(first).saw.byes.len(), 1);
    assert_eq!(world.taped(), [leg(&world, second)], "the tape follows");
    assert_eq!(transfers(&world), [(TransferKind::Blind, TransferEnd::Completed)]);
    let may = allowed(&world, "8002");
    assert!(may.contains(&AgentAction::Transfer), "it is the colleague's call now: {may:?}");
    assert!(!allowed(&world, "8001").contains(&AgentAction::Transfer));
    end(world, caller);
}

#[test]
fn the_pop_says_who_brings_the_call_and_what_for() {
    let (mut world, caller, ..) = talking(Answer::After(2_000));
    world.command("8001", Command::Transfer { to: to_agent("8002") });
    world.run_until(10_000);
    let log = world.desktop_log("8002").expect("there is a desktop");
    let brought = log.events.iter().find_map(|(_, _, event)| match &**event {
        Event::ScreenPop { brought, lookup, .. } => Some((brought.clone(), lookup.clone())),
        _ => None,
    });
    let (brought, lookup) = brought.expect("it popped");
    assert_eq!(brought, Some((TransferKind::Blind, "8001".into())));
    assert!(lookup.card().is_some(), "what is known of the caller comes along");
    end(world, caller);
}

#[test]
fn a_colleague_who_does_not_answer_gives_the_call_back() {
    for (answer, cause) in [
        (Answer::RingsOnly, MissedCause::NoAnswer),
        (Answer::Refuses(486, 500), MissedCause::Busy),
        (Answer::Refuses(603, 500), MissedCause::Rejected),
        (Answer::Silence, MissedCause::Unreachable),
    ] {
        let (mut world, caller, first, second) = talking(answer);
        world.command("8001", Command::Transfer { to: to_agent("8002") });
        world.run_until(40_000);
        assert!(hears(&world, caller, first) && hears(&world, first, caller), "{answer:?}");
        assert!(!world.party(second).is_connected());
        let end_told = TransferEnd::Missed(cause);
        assert_eq!(transfers(&world), [(TransferKind::Blind, end_told)], "{answer:?}");
        let log = world.desktop_log("8001").expect("there is a desktop");
        let told = log.events.iter().any(|(_, _, event)| {
            matches!(&**event, Event::TransferEnded { end, .. } if *end == end_told)
        });
        assert!(told, "the desktop says why: {answer:?}");
        end(world, caller);
    }
}

#[test]
fn the_agent_may_leave_before_the_colleague_answers() {
    let (mut world, caller, first, second) = talking(Answer::After(5_000));
    world.command("8001", Command::Transfer { to: to_agent("8002") });
    world.party_mut(first).hang_up(Mono::from_ms(7_000));
    world.run_until(8_000);
    assert!(hears_music(&world, caller));
    world.run_until(20_000);
    assert!(hears(&world, caller, second) && hears(&world, second, caller));
    end(world, caller);
}

#[test]
fn nobody_there_any_more_the_call_waits_in_its_queue_with_its_place() {
    let (mut world, caller, first, _) = talking(Answer::Refuses(486, 4_000));
    world.command("8001", Command::Transfer { to: to_agent("8002") });
    world.party_mut(first).hang_up(Mono::from_ms(7_000));
    // Someone else came while the two talked, and waits for any agent.
    let other = world.caller(8_000, CallerPlan::default());
    world.run_until(12_000);
    let queued = world.when(|body| matches!(body, FactBody::Queued { .. }));
    assert_eq!(queued.len(), 3, "it waits again");
    // The first agent's after-call work ends at 17 s: the one who was there first comes first.
    world.run_until(20_000);
    assert!(hears(&world, caller, first), "the caller who came back is served first");
    assert!(!hears(&world, other, first));
    world.party_mut(other).hang_up(Mono::from_ms(21_000));
    world.run_until(22_000);
    let now = world.now();
    world.party_mut(caller).hang_up(now);
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn to_a_queue_the_call_goes_with_all_that_is_known() {
    let mut world = world();
    let first = phone(&mut world, "8001");
    let senior = phone(&mut world, "8011");
    world.desktop("8001", 1, Some(10));
    world.desktop("8011", 2, Some(10));
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    assert!(hears(&world, caller, first));
    let to = Target::Queue("complaints".into());
    assert_eq!(world.ask("8001", Command::Transfer { to }), Ok(()));
    assert!(!world.party(senior).is_connected());
    world.run_until(10_000);
    assert!(hears(&world, caller, senior) && hears(&world, senior, caller));
    assert!(!world.party(first).is_connected());
    let pops = world.desktop_log("8011").expect("a desktop").pops.len();
    assert_eq!(pops, 1, "the pop follows");
    let tapes = world.when(|body| matches!(body, FactBody::RecordingStarted { .. }));
    assert_eq!(tapes.len(), 2, "each agent's conversation is taped");
    end(world, caller);
}

#[test]
fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let (mut world, caller, first, _) = talking(Answer::After(1_000));
    let transfer = |to| Command::Transfer { to };
    for (command, code) in [
        (transfer(to_agent("8001")), "yourself"),
        (transfer(to_agent("9999")), "unknown_target"),
        (transfer(to_agent("8011")), "agent_not_available"),
        (transfer(Target::Queue("nowhere".into())), "unknown_target"),
        (transfer(to_agent("")), "bad_target"),
        (Command::CompleteTransfer, "no_consult"),
        (Command::SwapParties, "no_consult"),
        (Command::Conference, "no_consult"),
        (Command::CancelConsult, "no_consult"),
    ] {
        assert_eq!(world.ask("8001", command.clone()), Err(code), "{command:?}");
    }
    assert_eq!(world.ask("8002", transfer(to_agent("8001"))), Err("no_call"));
    assert!(hears(&world, caller, first) && transfers(&world).is_empty());
    end(world, caller);
}

#[test]
fn two_transfers_at_once_one_is_done() {
    let (mut world, caller, _, second) = talking(Answer::After(2_000));
    let third = phone(&mut world, "8003");
    world.run_until(6_500);
    assert_eq!(world.ask("8001", Command::Transfer { to: to_agent("8002") }), Ok(()));
    let again = world.ask("8001", Command::Transfer { to: to_agent("8003") });
    assert_eq!(again, Err("already_transferring"));
    world.run_until(12_000);
    assert!(hears(&world, caller, second) && !world.party(third).is_connected());
    end(world, caller);
}

#[test]
fn two_agents_who_ask_for_the_same_colleague_do_not_both_get_them() {
    let (mut world, caller, first, second) = talking(Answer::After(2_000));
    let third = phone(&mut world, "8003");
    world.desktop("8003", 1, Some(10));
    world.run_until(6_500);
    // 8002 has been idle longest and would be offered the next call: it is taken first.
    assert_eq!(world.ask("8001", Command::Transfer { to: to_agent("8002") }), Ok(()));
    let other = world.caller(6_600, CallerPlan::default());
    world.run_until(8_400);
    assert!(hears(&world, other, third));
    let busy = world.ask("8003", Command::Transfer { to: to_agent("8002") });
    assert_eq!(busy, Err("agent_not_available"));
    world.run_until(12_000);
    assert!(hears(&world, caller, second) && hears(&world, other, third));
    assert!(!world.party(first).is_connected());
    world.party_mut(other).hang_up(Mono::from_ms(12_500));
    let now = world.now();
    world.party_mut(caller).hang_up(now);
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn the_caller_hangs_up_while_the_colleague_is_rung() {
    let (mut world, caller, first, second) = talking(Answer::RingsOnly);
    world.command("8001", Command::Transfer { to: to_agent("8002") });
    world.party_mut(caller).hang_up(Mono::from_ms(8_000));
    world.run_until(9_000);
    assert!(!world.party(first).is_connected());
    assert_eq!(world.party(second).saw.cancels.len(), 1);
    assert_eq!(transfers(&world), [(TransferKind::Blind, TransferEnd::CallerLeft)]);
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn the_caller_hangs_up_as_the_colleague_answers() {
    let (mut world, caller, _, second) = talking(Answer::After(2_000));
    world.command("8001", Command::Transfer { to: to_agent("8002") });
    world.run_until(7_900);
    let rang = rings(&world, "8002")[0].as_ms();
    world.party_mut(caller).hang_up(Mono::from_ms(rang + 2_001));
    world.run_for(60_000);
    assert!(!world.party(second).is_connected());
    assert_sound(&world);
}

#[test]
fn the_agent_takes_the_call_back_while_the_colleague_is_rung() {
    let (mut world, caller, first, second) = talking(Answer::RingsOnly);
    world.command("8001", Command::Transfer { to: to_agent("8002") });
    world.run_until(9_000);
    assert_eq!(allowed(&world, "8001").last(), Some(&AgentAction::CancelConsult));
    assert_eq!(world.ask("8001", Command::CancelConsult), Ok(()));
    world.run_until(10_000);
    assert!(hears(&world, caller, first) && hears(&world, first, caller));
    assert_eq!(world.party(second).saw.cancels.len(), 1);
    let legs = |body: &FactBody| {
        matches!(body, FactBody::LegEnded { role: LegRole::Agent(agent), .. }
            if agent.as_str() == "8002")
    };
    assert_eq!(world.when(legs).len(), 1);
    end(world, caller);
}

#[test]
fn a_colleague_without_a_phone_is_not_rung() {
    let (mut world, caller, first, second) = talking(Answer::After(1_000));
    let now = world.now();
    world.party_mut(second).unregister(now);
    world.run_until(7_000);
    let gone = world.ask("8001", Command::Transfer { to: to_agent("8002") });
    assert_eq!(gone, Err("agent_not_available"));
    assert!(hears(&world, caller, first));
    end(world, caller);
}
