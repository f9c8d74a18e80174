//! While something is said that must not be kept, a recording is paused: by the agent, by a
//! supervisor, until someone resumes it or it has been for as long as may be.

use cti::{Command, Event};
use model::{AgentAction, CallId, FactBody, LegId, PauseReason, Target, UnpauseCause};
use sim::{Answer, PartyId, World};

use crate::assert_sound;
use crate::transfer::{allowed, end, leg, talking, to_agent};

const SECRET: Command = Command::PauseRecording { call: None, reason: PauseReason::Secret };
const RESUME: Command = Command::ResumeRecording { call: None };
const NOBODY: [LegId; 0] = [];

/// What was put on record of pauses: when, who, and why.
fn pauses(world: &World) -> Vec<(u64, Option<&str>, &'static str)> {
    let told = world.facts().iter().filter_map(|fact| match &fact.body {
        FactBody::RecordingPaused { by, reason, .. } => {
            Some((fact.mono.as_ms(), Some(by.as_str()), reason.as_str()))
        }
        FactBody::RecordingUnpaused { by, cause, .. } => {
            Some((fact.mono.as_ms(), by.as_ref().map(|by| by.as_str()), cause.as_str()))
        }
        _ => None,
    });
    told.collect()
}

fn call(world: &World) -> CallId {
    let call = world.facts().iter().find_map(|fact| fact.body.call());
    call.expect("there is one")
}

/// What the agent's desktop was last told of the call.
fn told(world: &World) -> Option<PauseReason> {
    let log = world.desktop_log("8001").expect("a desktop");
    let told = log.events.iter().rev().find_map(|(_, _, event)| match event.as_ref() {
        Event::CallState { recording_paused, .. } => Some(*recording_paused),
        _ => None,
    });
    told.expect("it was told of the call")
}

fn conversation() -> (World, PartyId, PartyId) {
    let (world, caller, first, _) = talking(Answer::After(1_000));
    (world, caller, first)
}

#[test]
fn an_agent_pauses_and_resumes_and_both_are_told_and_put_on_record() {
    let (mut world, caller, first) = conversation();
    assert_eq!(world.taped(), [leg(&world, first)]);
    assert!(allowed(&world, "8001").contains(&AgentAction::PauseRecording));
    assert_eq!(world.ask("8001", RESUME), Err("not_paused"));
    assert_eq!(world.ask("8001", SECRET), Ok(()));
    assert_eq!(world.taped(), NOBODY, "neither side reaches the recorder");
    assert_eq!(told(&world), Some(PauseReason::Secret));
    assert!(allowed(&world, "8001").contains(&AgentAction::ResumeRecording));
    assert_eq!(world.ask("8001", SECRET), Err("already_paused"));
    world.run_until(10_000);
    assert_eq!(world.ask("8001", RESUME), Ok(()));
    assert_eq!((world.taped(), told(&world)), (&[leg(&world, first)][..], None));
    let by = Some("8001");
    assert_eq!(pauses(&world), [(6_000, by, "secret"), (10_000, by, "asked")]);
    end(world, caller);
}

#[test]
fn a_pause_that_is_forgotten_ends_by_itself() {
    let (mut world, caller, first) = conversation();
    assert_eq!(world.ask("8001", SECRET), Ok(()));
    world.run_until(125_999);
    assert_eq!(world.taped(), NOBODY);
    world.run_until(126_001);
    assert_eq!(world.taped(), [leg(&world, first)]);
    let last = pauses(&world).pop();
    assert_eq!(last, Some((126_000, None, UnpauseCause::TimeOver.as_str())));
    assert_eq!(told(&world), None);
    end(world, caller);
}

#[test]
fn a_supervisor_pauses_the_recordings_of_others_and_an_agent_does_not() {
    let (mut world, caller, first) = conversation();
    world.supervisor("boss");
    let named = Some(call(&world));
    let pause = Command::PauseRecording { call: named, reason: PauseReason::Declined };
    assert_eq!(world.ask("8002", pause.clone()), Err("forbidden"));
    assert_eq!(world.ask("8002", SECRET), Err("not_recorded"), "they have no call");
    assert_eq!(world.ask("boss", pause), Ok(()));
    assert_eq!((world.taped(), told(&world)), (&NOBODY[..], Some(PauseReason::Declined)));
    assert_eq!(world.ask("8001", RESUME), Ok(()), "whose call it is may end it");
    assert_eq!(world.taped(), [leg(&world, first)]);
    let who: Vec<_> = pauses(&world).into_iter().map(|(_, by, _)| by).collect();
    assert_eq!(who, [Some("boss"), Some("8001")]);
    end(world, caller);
}

#[test]
fn who_comes_into_a_paused_call_is_taped_only_when_it_is_resumed() {
    let (mut world, caller, _) = conversation();
    assert_eq!(world.ask("8001", SECRET), Ok(()));
    assert_eq!(world.ask("8001", Command::Consult { to: to_agent("8002") }), Ok(()));
    world.run_until(9_000);
    assert_eq!(world.ask("8001", Command::Conference), Ok(()));
    assert_eq!(world.taped(), NOBODY);
    assert_eq!(world.ask("8001", RESUME), Ok(()));
    assert_eq!(world.taped().len(), 2, "both agents");
    end(world, caller);
}

#[test]
fn the_end_of_the_call_ends_its_pause() {
    let (mut world, caller, _) = conversation();
    assert_eq!(world.ask("8001", SECRET), Ok(()));
    world.run_until(7_000);
    assert_eq!(world.ask("8001", Command::HangUp), Ok(()));
    world.run_until(8_000);
    let last = pauses(&world).pop();
    assert_eq!(last, Some((7_000, None, UnpauseCause::Ended.as_str())));
    assert_eq!(world.ask("8001", SECRET), Err("not_recorded"));
    world.run_until(400_000);
    assert!(!world.party(caller).is_connected());
    assert_eq!(pauses(&world).len(), 2, "nothing ends twice");
    assert_sound(&world);
}

#[test]
fn who_declined_is_not_recorded_however_long_it_lasts_and_whoever_gets_the_call() {
    let (mut world, caller, _) = conversation();
    let declined = Command::PauseRecording { call: None, reason: PauseReason::Declined };
    assert_eq!(world.ask("8001", declined), Ok(()));
    world.run_until(200_000);
    assert_eq!(world.taped(), NOBODY, "that is no pause that someone forgot");
    let to = Target::Queue("claims".into());
    assert_eq!(world.ask("8001", Command::Transfer { to }), Ok(()));
    world.run_until(205_000);
    assert_eq!(world.taped(), NOBODY, "nor by who has the call now");
    let last = pauses(&world).pop().map(|(_, by, reason)| (by, reason));
    assert_eq!(last, Some((Some("8001"), "declined")));
    assert_eq!(world.ask("8002", RESUME), Ok(()));
    assert_eq!(world.taped().len(), 1);
    end(world, caller);
}
