//! How good the parties' lines are: seen while they talk, kept in facts and in the call's record.

use cti::Event;
use media::{LegStats, Reported};
use model::{FactBody, LegId, LegRole, LineQuality};
use report::{CallRecord, CallRecords, Limits};
use sim::{CallerPlan, PartyId, World};

use crate::{assert_sound, phone, world};

/// What a media worker counts of a line that loses four packets of a hundred on the way here, and
/// of which the phone reports so much.
fn lossy(reported: Option<Reported>) -> LegStats {
    LegStats {
        packets_received: 960,
        packets_lost: 40,
        packets_sent: 1_000,
        jitter_us: 2_000,
        mos: 390,
        round_trip_us: Some(42_000),
        reported,
        ..LegStats::default()
    }
}

fn leg(world: &World, party: PartyId) -> LegId {
    world.media(party).expect("it has media").leg
}

/// The lines that the board was told of last, while the call stood.
fn shown(world: &World) -> Vec<(LegRole, LineQuality)> {
    let told = world.desktop_log("lead").expect("a desktop").events.iter().rev();
    let told = told.map(|(_, _, event)| event.as_ref()).find_map(|event| match event {
        Event::CallState { lines, .. } => Some(lines.clone()),
        _ => None,
    });
    told.into_iter().flatten().map(|line| (line.role, line.quality)).collect()
}

/// The record of the only call, as often as it is written.
fn records(world: &World) -> Vec<CallRecord> {
    let mut records = CallRecords::new(Limits::default());
    world.facts().iter().filter_map(|fact| records.apply(fact)).collect()
}

#[test]
fn a_bad_line_is_seen_while_it_is_and_is_in_the_record() {
    let mut world = world();
    world.supervisor("lead");
    let agent = phone(&mut world, "8001");
    let plan = CallerPlan { hangs_up_after_ms: Some(30_000), ..CallerPlan::default() };
    let caller = world.caller(1_000, plan);
    world.run_until(10_000);
    assert!(shown(&world).is_empty(), "nothing is known yet");
    let reported = Reported { packets_lost: 100, jitter_us: 9_000, mos: 310 };
    let (bad, good) = (lossy(Some(reported)), lossy(None));
    let (callers, agents) = (leg(&world, caller), leg(&world, agent));
    world.measure(callers, bad);
    world.measure(agents, good);
    world.run_until(11_000);
    let lines = shown(&world);
    let of = |is: fn(&LegRole) -> bool| {
        lines.iter().find(|(role, _)| is(role)).map(|(_, quality)| *quality)
    };
    assert_eq!(of(|role| matches!(role, LegRole::Caller)), Some(bad.quality()));
    assert_eq!(of(|role| matches!(role, LegRole::Agent(_))), Some(good.quality()));
    assert_eq!(bad.quality().worst_mos(), Some(310));
    world.run_until(120_000);
    let last = records(&world).pop().expect("the call ended");
    let kept = |leg| {
        let known = last.legs.iter().find(|known| known.leg == leg);
        known.and_then(|known| known.quality)
    };
    assert_eq!(kept(callers), Some(bad.quality()));
    assert_eq!(kept(agents), Some(good.quality()));
    assert!(last.settled);
    assert_sound(&world);
}

#[test]
fn every_leg_that_had_a_port_is_measured_once_and_the_record_waits_for_it() {
    let mut world = world();
    phone(&mut world, "8001");
    let plan = CallerPlan { hangs_up_after_ms: Some(10_000), ..CallerPlan::default() };
    world.caller(1_000, plan);
    world.run_until(120_000);
    let legs = |is: fn(&FactBody) -> Option<LegId>| {
        let mut legs: Vec<LegId> = world.facts().iter().filter_map(|fact| is(&fact.body)).collect();
        legs.sort();
        legs
    };
    let ended = legs(|body| match body {
        FactBody::LegEnded { leg, measured: true, .. } => Some(*leg),
        _ => None,
    });
    let measured = legs(|body| match body {
        FactBody::LegMeasured { leg, .. } => Some(*leg),
        _ => None,
    });
    assert_eq!((ended.len(), ended), (2, measured));
    let settled: Vec<bool> = records(&world).iter().map(|record| record.settled).collect();
    assert_eq!(settled.first(), Some(&false), "its lines were not measured yet");
    assert_eq!(settled.last(), Some(&true));
    assert_sound(&world);
}
