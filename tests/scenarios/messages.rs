//! Who cannot be served leaves a message: a greeting, a tone, their words on a tape, and thanks.

use std::collections::BTreeMap;

use acd::Overflow;
use callflow::{Choice, MessageRule};
use model::{FactBody, HangupCause, Mono, Outcome, OverflowTarget, QueueId, RecordingId};
use sim::{CallerPlan, PartyId, Settings, Weather, World};

use crate::overflow::said;
use crate::overflow_to_number::{caller, records, say, sent, unstaffed};
use crate::{assert_sound, ends};

const RULE: MessageRule = MessageRule { min_ms: 2_000, max_ms: 60_000, quiet_ms: 8_000 };

/// The general queue has a mailbox and nobody at work.
fn hotline() -> Settings {
    let general = QueueId::from("general");
    let messages = BTreeMap::from([(general, RULE)]);
    Settings { messages, ..unstaffed(&[Overflow::Mailbox("general".into()), say("no_agents")]) }
}

fn world() -> World {
    World::new(&hotline(), Weather::FAIR, 1)
}

/// When taping began, and what is taped.
fn taped(world: &World) -> Option<(Mono, RecordingId)> {
    world.facts().iter().find_map(|fact| match &fact.body {
        FactBody::RecordingStarted { recording, mailbox: Some(_), .. } => {
            Some((fact.mono, *recording))
        }
        _ => None,
    })
}

/// For whom messages were left, and how long each is.
fn left(world: &World) -> Vec<(QueueId, u64)> {
    let one = |fact: &model::Fact| match &fact.body {
        FactBody::MessageLeft { mailbox, length_ms, .. } => Some((mailbox.clone(), *length_ms)),
        _ => None,
    };
    world.facts().iter().filter_map(one).collect()
}

fn hears_nothing(world: &World, caller: PartyId) -> bool {
    world.media(caller).is_some_and(|media| media.hears == media::Source::Silence)
}

#[test]
fn after_the_greeting_and_the_tone_the_caller_speaks_and_hanging_up_ends_the_message() {
    let mut world = world();
    let caller = caller(&mut world);
    world.run_until(20_000);
    assert_eq!(said(&world), [(1, "mailbox_greeting mailbox_tone".to_owned())]);
    let (began, _) = taped(&world).expect("the tone is over");
    assert!(hears_nothing(&world, caller), "nobody speaks but they");
    world.party_mut(caller).hang_up(Mono::from_ms(30_000));
    world.run_until(60_000);
    let [(mailbox, length_ms)] = &left(&world)[..] else { panic!("{:?}", left(&world)) };
    assert_eq!(mailbox.as_str(), "general");
    assert!(length_ms.abs_diff(30_000 - began.as_ms()) < 1_000, "{length_ms} ms");
    assert_eq!(sent(&world), [OverflowTarget::Mailbox("general".into())]);
    assert_eq!(ends(world.facts()), [(Outcome::TurnedAway, HangupCause::RemoteBye)]);
    let record = records(&world).remove(0);
    let recording = &record.recordings[0];
    let message = recording.message.as_ref().expect("it is a message");
    assert_eq!((recording.agent.as_str(), message.mailbox.as_str()), ("", "general"));
    assert!(message.left.is_some() && message.done.is_none() && recording.seal.is_some());
    assert!(record.settled);
    assert_sound(&world);
}

#[test]
fn who_hangs_up_during_the_greeting_leaves_no_empty_message() {
    let mut world = world();
    let caller = caller(&mut world);
    world.run_until(1_500);
    world.party_mut(caller).hang_up(Mono::from_ms(1_500));
    world.run_until(30_000);
    assert_eq!(taped(&world), None);
    assert!(left(&world).is_empty());
    assert_eq!(ends(world.facts()).len(), 1);
    assert_sound(&world);
}

#[test]
fn who_hangs_up_at_the_tone_has_said_too_little_for_a_message() {
    let mut world = world();
    let caller = caller(&mut world);
    let mut at = 1_000;
    while taped(&world).is_none() && at < 60_000 {
        at += 100;
        world.run_until(at);
    }
    world.party_mut(caller).hang_up(Mono::from_ms(at + 1_000));
    world.run_until(at + 30_000);
    assert!(taped(&world).is_some() && left(&world).is_empty());
    assert!(records(&world)[0].recordings[0].message.as_ref().is_some_and(|m| m.left.is_none()));
    assert_sound(&world);
}

#[test]
fn a_key_ends_the_message_and_the_caller_is_thanked() {
    let mut world = world();
    let plan = CallerPlan { keys: vec![(30_000, '5'), (40_000, '#')], ..CallerPlan::default() };
    world.caller(1_000, plan);
    world.run_until(36_000);
    assert!(left(&world).is_empty(), "no other key does");
    world.run_until(60_000);
    assert_eq!(left(&world).len(), 1);
    assert_eq!(said(&world).last().map(|(_, said)| said.as_str()), Some("mailbox_thanks"));
    assert_eq!(ends(world.facts()), [(Outcome::TurnedAway, HangupCause::LocalBye)]);
    assert_sound(&world);
}

#[test]
fn a_message_is_as_long_as_one_may_be_and_no_longer() {
    let mut world = world();
    caller(&mut world);
    world.run_until(120_000);
    assert_eq!(left(&world), [("general".into(), RULE.max_ms)]);
    assert_eq!(said(&world).last().map(|(_, said)| said.as_str()), Some("mailbox_thanks"));
    assert_sound(&world);
}

#[test]
fn quiet_ends_a_message_where_it_began_and_makes_none_of_nothing() {
    for (spoke_ms, messages) in [(20_000, 1), (0, 0)] {
        let mut world = world();
        caller(&mut world);
        world.run_until(20_000);
        let (began, recording) = taped(&world).expect("the tone is over");
        world.run_until(began.as_ms() + spoke_ms + RULE.quiet_ms);
        world.fall_quiet(recording);
        let lengths: Vec<u64> = left(&world).iter().map(|(_, ms)| *ms).collect();
        assert_eq!(lengths, vec![spoke_ms; messages]);
        world.run_until(120_000);
        assert_eq!(ends(world.facts()).len(), 1);
        assert_sound(&world);
    }
}

#[test]
fn where_no_queue_has_a_mailbox_the_caller_goes_on() {
    let settings = Settings { messages: BTreeMap::new(), ..hotline() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    caller(&mut world);
    world.run_until(30_000);
    assert_eq!(sent(&world), [OverflowTarget::Announcement("no_agents".into())]);
    assert_sound(&world);
}

#[test]
fn who_waits_may_choose_to_leave_a_message_and_leaves_the_line() {
    let general = QueueId::from("general");
    let choices = BTreeMap::from([('4', Choice::Mailbox(general.clone()))]);
    let settings = Settings {
        choices: BTreeMap::from([(general.clone(), choices)]),
        messages: BTreeMap::from([(general, RULE)]),
        ..sim::settings()
    };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let plan = CallerPlan {
        keys: vec![(10_000, '4'), (30_000, '#')],
        hangs_up_after_ms: Some(600_000),
        ..CallerPlan::default()
    };
    world.caller(1_000, plan);
    world.run_until(25_000);
    // Who comes to work now is offered nobody.
    world.phone(25_000, sim::PhonePlan::of("8001"));
    world.run_until(60_000);
    assert_eq!(sent(&world), [OverflowTarget::Mailbox("general".into())]);
    assert_eq!(left(&world).len(), 1);
    let record = records(&world).remove(0);
    assert!(record.offers.is_empty());
    assert_eq!(record.overflows[0].why, "chosen");
    assert!(record.waited_ms.is_some_and(|ms| (9_000..12_000).contains(&ms)));
    assert_sound(&world);
}
