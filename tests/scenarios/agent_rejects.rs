//! An agent's phone rejects, is busy or fails: the call goes on to the next agent at once.

use model::{FactBody, MissedCause, Outcome};
use sim::{Answer, PhonePlan};

use crate::{assert_sound, call, ends, rings, world};

fn refused_with(status: u16, cause: MissedCause) {
    let mut world = world();
    let answers = vec![Answer::Refuses(status, 500)];
    let refuser = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
    world.phone(500, PhonePlan::of("8002"));
    call(&mut world, 1_000, 30_000);
    world.run_until(90_000);

    let causes: Vec<MissedCause> = world
        .facts()
        .iter()
        .filter_map(|fact| match fact.body {
            FactBody::Missed { cause, .. } => Some(cause),
            _ => None,
        })
        .collect();
    assert_eq!(causes, [cause], "{status}");
    assert_eq!(world.party(refuser).saw.invites.len(), 1, "{status}: it is not rung again");
    let gap = rings(&world, "8002")[0].ms_since(rings(&world, "8001")[0]);
    assert!(gap < 600, "{status}: the next agent is rung {gap} ms later");
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered, "{status}");
    assert_sound(&world);
}

#[test]
fn each_answer_has_its_cause() {
    refused_with(603, MissedCause::Rejected);
    refused_with(486, MissedCause::Busy);
    refused_with(404, MissedCause::Unreachable);
    refused_with(500, MissedCause::Error);
    refused_with(302, MissedCause::Rejected);
}

#[test]
fn an_agent_may_decline_on_the_desktop() {
    let mut world = world();
    let answers = vec![Answer::RingsOnly];
    let declined = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
    world.desktop("8001", 1, Some(20));
    world.phone(500, PhonePlan::of("8002"));
    call(&mut world, 1_000, 30_000);
    world.run_until(3_000);
    world.command("8001", cti::Command::HangUp);
    world.run_until(90_000);
    assert_eq!(world.party(declined).saw.cancels.len(), 1);
    assert_eq!(rings(&world, "8002").len(), 1);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}
