//! Who calls from the desktop is rung on all their phones, and so is the colleague who is called:
//! the first that answers has the call, as with offers.

use cti::Command;
use model::{AgentState, FactBody, HangupCause, Mono, Outcome, Pii};
use sim::{Answer, PartyId, PhonePlan, Settings, Weather, World, settings};

use crate::calls_out::{MOBILE, gateway, outward};
use crate::own_calls::calls;
use crate::transfer::hears;
use crate::{assert_sound, ends, world};

fn phone(world: &mut World, agent: &str, answer: Answer) -> PartyId {
    world.phone(0, PhonePlan { answers: vec![answer], ..PhonePlan::of(agent) })
}

fn dial(world: &mut World, agent: &str, number: &str) {
    world.command(agent, Command::Dial { number: Pii::from(number) });
}

/// An agent who may call out, with two phones, at a desktop.
fn desk(answers: [Answer; 2]) -> (World, [PartyId; 2]) {
    let settings = Settings { outward: Some(outward()), ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let phones = answers.map(|answer| phone(&mut world, "8011", answer));
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    (world, phones)
}

/// The phones of 8001, who calls by the first, and those of 8002, whom it calls at two seconds.
fn colleagues(answers: &[Answer]) -> (World, PartyId, Vec<PartyId>) {
    let mut world = world();
    let first = world.phone(0, PhonePlan::of("8001"));
    let theirs = answers.iter().map(|answer| phone(&mut world, "8002", *answer)).collect();
    world.run_until(1_000);
    world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", "8002"));
    (world, first, theirs)
}

fn was_told_elsewhere(world: &World, party: PartyId) -> bool {
    let saw = &world.party(party).saw;
    saw.cancels.len() == 1 && saw.reasons.iter().any(|one| one.starts_with("SIP;cause=200"))
}

/// How the calls ended, once all is over.
fn over(mut world: World) -> Vec<(Outcome, HangupCause)> {
    world.run_for(100_000);
    assert_sound(&world);
    for agent in ["8001", "8002", "8011"] {
        let state = world.facts().iter().rev().find_map(|fact| match &fact.body {
            FactBody::AgentChanged { agent: whose, state, .. } if whose.as_str() == agent => {
                Some(*state)
            }
            _ => None,
        });
        assert!(state.is_none_or(|state| state != AgentState::Talking), "{agent} {state:?}");
    }
    ends(world.facts())
}

#[test]
fn all_phones_of_who_calls_ring_and_by_the_one_that_answers_the_number_is_called() {
    for place in [0, 1] {
        let mut answers = [Answer::RingsOnly; 2];
        answers[place] = Answer::After(2_000);
        let (mut world, phones) = desk(answers);
        let called = gateway(&mut world, 1, Answer::After(1_000));
        dial(&mut world, "8011", MOBILE);
        world.run_until(2_500);
        let rung = phones.map(|party| world.party(party).saw.invites.len());
        assert_eq!((rung, world.party(called).saw.invites.len()), ([1, 1], 0));
        world.run_until(6_000);
        assert!(hears(&world, phones[place], called) && hears(&world, called, phones[place]));
        assert!(was_told_elsewhere(&world, phones[1 - place]));
        world.party_mut(called).hang_up(Mono::from_ms(7_000));
        assert_eq!(over(world), [(Outcome::Answered, HangupCause::RemoteBye)]);
    }
}

#[test]
fn a_phone_that_does_not_take_it_leaves_the_others_ringing_and_the_last_ends_the_call() {
    for refuses in [Answer::Refuses(486, 300), Answer::Silence] {
        for place in [0, 1] {
            let mut answers = [refuses; 2];
            answers[place] = Answer::After(8_000);
            let (mut world, phones) = desk(answers);
            let called = gateway(&mut world, 1, Answer::After(1_000));
            dial(&mut world, "8011", MOBILE);
            world.run_until(13_000);
            assert!(hears(&world, called, phones[place]), "{refuses:?} {place}");
            world.party_mut(called).hang_up(Mono::from_ms(14_000));
            assert_eq!(over(world).len(), 1);
        }
    }
    let (mut world, _) = desk([Answer::Refuses(486, 300), Answer::Refuses(480, 600)]);
    let called = gateway(&mut world, 1, Answer::After(1_000));
    dial(&mut world, "8011", MOBILE);
    world.run_until(4_000);
    assert_eq!(world.party(called).saw.invites.len(), 0, "nobody is called by nobody");
    assert_eq!(over(world)[0].0, Outcome::Unanswered);
}

#[test]
fn who_gives_up_what_they_dialled_stops_all_their_phones() {
    let (mut world, phones) = desk([Answer::RingsOnly; 2]);
    dial(&mut world, "8011", MOBILE);
    world.run_until(2_500);
    world.command("8011", Command::HangUp);
    world.run_until(4_000);
    for party in phones {
        assert_eq!(world.party(party).saw.cancels.len(), 1);
        assert!(!was_told_elsewhere(&world, party));
    }
    assert_eq!(over(world), [(Outcome::Unanswered, HangupCause::AgentHangUp)]);
}

#[test]
fn all_phones_of_a_colleague_ring_and_the_first_that_answers_talks() {
    for place in [0, 1, 2] {
        let mut answers = [Answer::RingsOnly; 3];
        answers[place] = Answer::After(3_000);
        let (mut world, first, theirs) = colleagues(&answers);
        world.run_until(4_000);
        let provisional = &world.party(first).saw.provisional;
        assert!(provisional.iter().all(|(_, status)| *status == 180) && !provisional.is_empty());
        assert!(theirs.iter().all(|party| world.party(*party).saw.invites.len() == 1));
        world.run_until(8_000);
        assert!(hears(&world, first, theirs[place]) && hears(&world, theirs[place], first));
        for (number, party) in theirs.iter().enumerate().filter(|(number, _)| *number != place) {
            assert!(was_told_elsewhere(&world, *party), "{number}");
        }
        world.party_mut(theirs[place]).hang_up(Mono::from_ms(9_000));
        assert_eq!(over(world), [(Outcome::Answered, HangupCause::RemoteBye)]);
    }
}

#[test]
fn who_calls_is_told_what_says_most_of_the_colleague() {
    for (answers, status) in [
        ([Answer::Refuses(486, 500), Answer::Refuses(503, 1_000)], 486),
        ([Answer::Refuses(503, 500), Answer::Refuses(486, 1_000)], 486),
        ([Answer::Refuses(603, 500), Answer::RingsOnly], 603),
        ([Answer::RingsOnly, Answer::Refuses(603, 500)], 603),
    ] {
        let (mut world, first, theirs) = colleagues(&answers);
        world.run_until(5_000);
        let finals: Vec<_> = world.party(first).saw.finals.iter().map(|(_, one)| *one).collect();
        assert_eq!(finals, [status], "{answers:?}");
        for party in theirs {
            let cancels = world.party(party).saw.cancels.len();
            let rang_on = matches!(answers, [_, Answer::RingsOnly] | [Answer::RingsOnly, _]);
            assert!(cancels == 0 || rang_on);
        }
        assert_eq!(over(world)[0].0, Outcome::Unanswered);
    }
}

#[test]
fn two_phones_of_a_colleague_are_picked_up_at_the_same_moment_and_one_has_the_call() {
    for apart_ms in 0..=40 {
        let answers = [Answer::After(3_000), Answer::After(3_000 + apart_ms)];
        let (mut world, first, theirs) = colleagues(&answers);
        world.run_until(9_000);
        let talk: Vec<_> =
            theirs.iter().copied().filter(|one| world.party(*one).is_connected()).collect();
        assert_eq!(talk.len(), 1, "{apart_ms}");
        assert!(hears(&world, first, talk[0]) && hears(&world, talk[0], first));
        world.party_mut(first).hang_up(Mono::from_ms(10_000));
        assert_eq!(over(world).len(), 1);
    }
}

#[test]
fn a_queue_that_the_desktop_calls_hears_the_phone_that_answered() {
    let mut world = world();
    phone(&mut world, "8001", Answer::RingsOnly);
    let answers = phone(&mut world, "8001", Answer::After(2_000));
    phone(&mut world, "8001", Answer::RingsOnly);
    world.desktop("8001", 1, Some(40));
    let other = world.phone(0, PhonePlan::of("8002"));
    world.run_until(1_000);
    dial(&mut world, "8001", "general");
    world.run_until(9_000);
    assert!(hears(&world, answers, other) && hears(&world, other, answers));
    world.party_mut(answers).hang_up(Mono::from_ms(10_000));
    assert_eq!(over(world)[0].0, Outcome::Answered);
}

#[test]
fn in_bad_weather_no_phone_that_was_dialled_rings_on() {
    for seed in 1..=20 {
        let mut world = World::new(&settings(), Weather::FOUL, seed);
        let first = phone(&mut world, "8001", Answer::RingsOnly);
        for ms in [2_000, 2_020, 900] {
            phone(&mut world, "8002", Answer::After(ms));
        }
        world.run_until(5_000);
        world.party_mut(first).call(Mono::from_ms(5_000), calls("8001", "8002"));
        world.run_until(20_000);
        world.party_mut(first).hang_up(Mono::from_ms(20_000));
        world.run_until(400_000);
        assert_sound(&world);
    }
}
