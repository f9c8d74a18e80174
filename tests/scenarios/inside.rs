//! An agent's phone calls inside: a colleague, or a queue as a caller does. Nobody outside is in
//! such a call, and its agents are offered no other.

use cti::{Command, Event};
use model::{
    AgentState, AgentStatus, Direction, FactBody, HangupCause, LegRole, Mono, Outcome, Target,
    TransferEnd, TransferKind,
};
use sim::{Answer, CallerPlan, Media, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::Method;
use trunk::Outward;

use crate::calls_out::outward;
use crate::own_calls::{calls, second_line};
use crate::transfer::{hears, hears_music, leg, transfers};
use crate::{assert_sound, ends, phone, rings, world};

fn statuses(world: &World, party: PartyId) -> Vec<u16> {
    world.party(party).saw.finals.iter().map(|(_, status)| *status).collect()
}

/// How often an agent was in a state.
fn was(world: &World, agent: &str, wanted: AgentState) -> usize {
    let is_it = |body: &FactBody| {
        matches!(body, FactBody::AgentChanged { agent: whose, state, .. }
        if whose.as_str() == agent && *state == wanted)
    };
    world.when(is_it).len()
}

/// Whose phones were rung without an offer.
fn rung(world: &World) -> Vec<&str> {
    let rung = world.facts().iter().filter_map(|fact| match &fact.body {
        FactBody::PhoneRung { agent, .. } => Some(agent.as_str()),
        _ => None,
    });
    rung.collect()
}

/// The phones of 8001 and of 8002, which answers as planned; at two seconds 8001 calls 8002.
fn calling(answer: Answer) -> (World, PartyId, PartyId) {
    let mut world = world();
    let first = phone(&mut world, "8001");
    let second = world.phone(0, PhonePlan { answers: vec![answer], ..PhonePlan::of("8002") });
    world.run_until(1_000);
    world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", "8002"));
    (world, first, second)
}

/// The same, and they talk.
fn talking() -> (World, PartyId, PartyId) {
    let (mut world, first, second) = calling(Answer::After(1_000));
    world.run_until(5_000);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    (world, first, second)
}

fn end(mut world: World, party: PartyId) -> World {
    let now = world.now();
    world.party_mut(party).hang_up(now);
    world.run_for(60_000);
    assert_eq!(ends(world.facts()).len(), 1);
    assert_sound(&world);
    world
}

/// The status of an agent, as told last.
fn status(world: &World, agent: &str) -> Option<AgentStatus> {
    world.facts().iter().rev().find_map(|fact| match &fact.body {
        FactBody::AgentChanged { agent: whose, status, .. } if whose.as_str() == agent => {
            Some(*status)
        }
        _ => None,
    })
}

#[test]
fn a_phone_calls_a_colleague_who_sees_who_calls() {
    let (mut world, first, second) = calling(Answer::After(3_000));
    world.run_until(4_000);
    let provisional = &world.party(first).saw.provisional;
    assert_eq!(provisional.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [180]);
    let invite = &world.party(second).saw.invitations[0];
    let from = invite.from().expect("it has one");
    assert!(from.as_str().contains("sip:8001@hotline"), "{}", from.as_str());
    assert!(!world.party(first).is_connected());
    world.run_until(8_000);
    assert_eq!(statuses(&world, first), [200]);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    assert_eq!(world.taped(), [leg(&world, first)]);
    world.party_mut(second).hang_up(Mono::from_ms(9_000));
    world.run_until(60_000);
    assert!(!world.party(first).is_connected());
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    for agent in ["8001", "8002"] {
        assert_eq!(was(&world, agent, AgentState::Talking), 1, "{agent}");
        assert_eq!(was(&world, agent, AgentState::Acw), 0, "there is nothing to work on");
    }
    assert_sound(&world);
}

#[test]
fn who_talks_with_a_colleague_is_offered_no_call_meanwhile() {
    let (mut world, first, second) = talking();
    let caller = world.caller(6_000, CallerPlan::default());
    world.run_until(15_000);
    assert!(rings(&world, "8001").is_empty() && rings(&world, "8002").is_empty());
    assert!(hears_music(&world, caller));
    world.party_mut(first).hang_up(Mono::from_ms(16_000));
    world.run_until(20_000);
    assert!(hears(&world, caller, first) || hears(&world, caller, second));
    world.party_mut(caller).hang_up(Mono::from_ms(21_000));
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn what_becomes_of_the_colleagues_phone_the_caller_is_told() {
    for (answer, status) in [
        (Answer::Refuses(486, 500), 486),
        (Answer::Refuses(603, 500), 603),
        (Answer::Refuses(480, 500), 480),
        (Answer::RingsOnly, 480),
        (Answer::Silence, 480),
    ] {
        let (mut world, first, second) = calling(answer);
        world.run_until(60_000);
        assert_eq!(statuses(&world, first), [status], "{answer:?}");
        assert_eq!(ends(world.facts())[0].0, Outcome::Unanswered);
        assert_eq!(rung(&world), ["8002"], "the record has the colleague's leg");
        assert_eq!(was(&world, "8002", AgentState::Acw), 0);
        // Both are as before: a caller is served at once.
        let caller = world.caller(61_000, CallerPlan::default());
        world.run_until(70_000);
        assert!(hears(&world, caller, first) || hears(&world, caller, second), "{answer:?}");
        world.party_mut(caller).hang_up(Mono::from_ms(71_000));
        world.run_until(130_000);
        assert_sound(&world);
    }
}

#[test]
fn whom_nobody_can_reach_is_not_called() {
    for (number, status) in [("8003", 480), ("8001", 482), ("nobody", 404)] {
        let mut world = world();
        let first = phone(&mut world, "8001");
        world.run_until(1_000);
        world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", number));
        world.run_until(10_000);
        assert_eq!(statuses(&world, first), [status], "{number}");
        assert!(ends(world.facts()).is_empty(), "it is no call");
        assert_eq!(was(&world, "8003", AgentState::Talking), 0);
        assert_sound(&world);
    }
}

#[test]
fn a_colleague_who_talks_is_busy_and_one_on_a_break_is_rung() {
    let mut world = world();
    let first = phone(&mut world, "8001");
    let second = phone(&mut world, "8002");
    world.desktop("8001", 1, Some(10));
    world.run_until(1_000);
    let pause = Command::NotReady { reason: model::NotReadyReason::Break };
    assert_eq!(world.ask("8001", pause), Ok(()));
    let caller = world.caller(1_500, CallerPlan::default());
    world.run_until(5_000);
    assert!(hears(&world, caller, second));
    world.party_mut(first).call(Mono::from_ms(6_000), calls("8001", "8002"));
    world.run_until(8_000);
    assert_eq!(statuses(&world, first), [486]);
    world.party_mut(caller).hang_up(Mono::from_ms(9_000));
    // After its work after that call 8002 calls back.
    world.run_until(25_000);
    world.party_mut(second).call(Mono::from_ms(26_000), calls("8002", "8001"));
    world.run_until(30_000);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    world.party_mut(first).hang_up(Mono::from_ms(31_000));
    world.run_until(60_000);
    let reason = model::NotReadyReason::Break;
    assert_eq!(status(&world, "8001"), Some(AgentStatus::NotReady { reason }), "it goes on");
    assert_sound(&world);
}

#[test]
fn the_caller_gives_up_or_either_hangs_up_on_the_desktop() {
    let (mut world, first, second) = calling(Answer::RingsOnly);
    world.run_until(4_000);
    world.party_mut(first).cancel(Mono::from_ms(4_000));
    world.run_until(30_000);
    assert_eq!(statuses(&world, first), [487]);
    assert_eq!(world.party(second).saw.cancels.len(), 1);
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::RemoteCancel)]);
    assert_sound(&world);
    for agent in ["8001", "8002"] {
        for answer in [Answer::RingsOnly, Answer::After(500)] {
            let (mut world, first, second) = calling(answer);
            world.desktop(agent, 1, Some(10));
            world.run_until(5_000);
            assert_eq!(world.ask(agent, Command::HangUp), Ok(()), "{agent} {answer:?}");
            world.run_until(60_000);
            assert!(!world.party(first).is_connected() && !world.party(second).is_connected());
            assert_eq!(ends(world.facts())[0].1, HangupCause::AgentHangUp);
            assert_sound(&world);
        }
    }
}

#[test]
fn both_desktops_are_shown_the_call() {
    let (mut world, first, _) = calling(Answer::After(1_000));
    world.desktop("8001", 1, Some(10));
    world.desktop("8002", 1, Some(10));
    world.run_until(5_000);
    for agent in ["8001", "8002"] {
        let log = world.desktop_log(agent).expect("it is open");
        let mut shown = log.events.iter().filter_map(|(_, _, event)| match &**event {
            Event::CallState { phase, direction, dnis, .. } => Some((*phase, *direction, dnis)),
            _ => None,
        });
        let (phase, direction, dnis) = shown.next_back().expect("it is shown");
        assert_eq!((phase, direction), (cti::CallPhase::Talking, Direction::Internal), "{agent}");
        assert_eq!(dnis, "8002");
    }
    end(world, first);
}

#[test]
fn either_holds_the_other_who_hears_music() {
    let (mut world, first, second) = talking();
    for (holds, waits) in [(first, second), (second, first)] {
        let now = world.now();
        world.party_mut(holds).change(now, Method::Invite, Media::SendOnly);
        world.run_for(500);
        assert!(hears_music(&world, waits));
        let now = world.now();
        world.party_mut(holds).change(now, Method::Invite, Media::Talks);
        world.run_for(500);
        assert!(hears(&world, first, second) && hears(&world, second, first));
    }
    end(world, first);
}

#[test]
fn who_called_gives_the_colleague_to_another_and_who_was_called_may_not() {
    let (mut world, first, second) = talking();
    let third = phone(&mut world, "8003");
    world.run_for(500);
    world.party_mut(second).refer(Mono::from_ms(6_000), "sip:8003@hotline", true);
    world.run_until(7_000);
    assert_eq!(world.party(second).saw.refers.last().map(|(_, status)| *status), Some(403));
    world.party_mut(first).refer(Mono::from_ms(8_000), "sip:8003@hotline", true);
    world.run_until(12_000);
    assert_eq!(transfers(&world), [(TransferKind::Blind, TransferEnd::Completed)]);
    assert!(hears(&world, second, third) && hears(&world, third, second));
    assert!(!world.party(first).is_connected());
    let world = end(world, third);
    for agent in ["8001", "8002"] {
        assert_eq!(was(&world, agent, AgentState::Acw), 0, "{agent} has nothing to work on");
    }
}

#[test]
fn a_colleague_whom_nobody_takes_over_is_told_so_and_is_as_before() {
    for on_a_break in [false, true] {
        let mut world = world();
        let first = phone(&mut world, "8001");
        let second = phone(&mut world, "8002");
        let answers = vec![Answer::RingsOnly];
        world.phone(0, PhonePlan { answers, ..PhonePlan::of("8003") });
        world.desktop("8002", 1, Some(10));
        world.run_until(1_000);
        let reason = model::NotReadyReason::Break;
        if on_a_break {
            assert_eq!(world.ask("8002", Command::NotReady { reason }), Ok(()));
        }
        world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", "8002"));
        world.run_until(6_000);
        // What a crash in the middle would leave: the break that goes on afterwards.
        let follows = world.facts().iter().rev().find_map(|fact| match &fact.body {
            FactBody::AgentChanged { agent, next, .. } if agent.as_str() == "8002" => Some(*next),
            _ => None,
        });
        let pause = on_a_break.then_some(AgentStatus::NotReady { reason });
        assert_eq!(follows, Some(pause));
        world.party_mut(first).refer(Mono::from_ms(6_000), "sip:8003@hotline", true);
        world.party_mut(first).hang_up(Mono::from_ms(6_200));
        world.run_until(20_000);
        assert!(hears_music(&world, second) && !world.party(first).is_connected());
        world.run_until(60_000);
        assert!(!world.party(second).is_connected());
        assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::LocalBye)]);
        assert_eq!(was(&world, "8001", AgentState::Acw), 0);
        assert_eq!(was(&world, "8002", AgentState::Acw), 0);
        let before = match on_a_break {
            true => AgentStatus::NotReady { reason },
            false => AgentStatus::Ready,
        };
        assert_eq!(status(&world, "8002"), Some(before));
        assert_sound(&world);
    }
}

#[test]
fn who_called_asks_another_and_brings_them_together() {
    let (mut world, first, second) = talking();
    let third = phone(&mut world, "8003");
    world.desktop("8001", 1, Some(10));
    world.run_for(500);
    assert_eq!(world.ask("8001", Command::Consult { to: Target::Agent("8003".into()) }), Ok(()));
    world.run_for(3_000);
    assert!(hears(&world, first, third) && hears_music(&world, second));
    assert_eq!(world.ask("8001", Command::Conference), Ok(()));
    world.run_for(500);
    assert!(hears(&world, second, third) && hears(&world, second, first));
    assert_eq!(world.ask("8001", Command::CompleteTransfer), Ok(()));
    world.run_for(500);
    assert!(hears(&world, second, third) && !world.party(first).is_connected());
    let world = end(world, second);
    for agent in ["8001", "8002"] {
        assert_eq!(was(&world, agent, AgentState::Acw), 0, "{agent} has nothing to work on");
    }
}

#[test]
fn a_colleague_takes_the_call_over_on_another_phone() {
    for answer in [Answer::RingsOnly, Answer::After(500)] {
        let (mut world, first, second) = calling(answer);
        world.run_until(4_000);
        let other = second_line(&mut world, "8002");
        let named = match answer {
            Answer::RingsOnly => world.party(second).ringing_named(),
            _ => world.party(second).dialog_named(),
        };
        let named = &*Box::leak(named.expect("it has one").into_boxed_str());
        let plan = CallerPlan { headers: vec![("Replaces", named)], ..calls("8002", "8001") };
        world.party_mut(other).call(Mono::from_ms(6_000), plan);
        world.run_until(9_000);
        assert!(hears(&world, first, other) && hears(&world, other, first), "{answer:?}");
        assert!(!world.party(second).is_connected());
        end(world, first);
    }
}

/// 8001's phone calls the queue `general`, whose other agent is 8002.
fn in_queue() -> (World, PartyId, PartyId) {
    let mut world = world();
    let first = phone(&mut world, "8001");
    let second = phone(&mut world, "8002");
    world.desktop("8002", 1, Some(10));
    world.run_until(1_000);
    world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", "general"));
    (world, first, second)
}

#[test]
fn a_phone_calls_a_queue_as_a_caller_does() {
    let (mut world, first, second) = in_queue();
    world.run_until(8_000);
    assert_eq!(statuses(&world, first), [200]);
    assert_eq!(rings(&world, "8002").len(), 1);
    assert!(rings(&world, "8001").is_empty(), "nobody is offered their own call");
    assert!(hears(&world, first, second) && hears(&world, second, first));
    let popped = world.desktop_log("8002").expect("it is open").events.iter().any(
        |(_, _, event)| matches!(&**event, Event::ScreenPop { ani, .. } if ani.reveal() == "8001"),
    );
    assert!(popped, "the colleague sees who asks");
    world.party_mut(first).hang_up(Mono::from_ms(9_000));
    world.run_until(60_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_eq!(was(&world, "8001", AgentState::Acw), 0);
    assert_eq!(was(&world, "8002", AgentState::Acw), 1, "as after any call of the queue");
    let roles = world.facts().iter().filter_map(|fact| match &fact.body {
        FactBody::DialogEstablished { role: LegRole::Agent(agent), .. } => Some(agent.as_str()),
        _ => None,
    });
    assert_eq!(roles.collect::<Vec<_>>(), ["8001", "8002"], "the record names both");
    assert_sound(&world);
}

#[test]
fn who_waits_in_a_queue_by_phone_hears_music_and_may_hang_up() {
    for by_desktop in [false, true] {
        let mut world = world();
        let first = phone(&mut world, "8001");
        world.desktop("8001", 1, Some(10));
        world.run_until(1_000);
        world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", "general"));
        world.run_until(15_000);
        assert!(hears_music(&world, first) && rings(&world, "8001").is_empty());
        match by_desktop {
            true => assert_eq!(world.ask("8001", Command::HangUp), Ok(())),
            false => world.party_mut(first).hang_up(Mono::from_ms(16_000)),
        }
        world.run_until(60_000);
        assert_eq!(ends(world.facts())[0].0, Outcome::Abandoned);
        assert!(!world.party(first).is_connected());
        assert_sound(&world);
    }
}

#[test]
fn who_called_a_queue_is_given_on_like_a_caller() {
    let (mut world, first, second) = in_queue();
    let third = phone(&mut world, "8003");
    world.run_until(8_000);
    let to = Target::Agent("8003".into());
    assert_eq!(world.ask("8002", Command::Transfer { to }), Ok(()));
    world.run_until(12_000);
    assert!(hears(&world, first, third) && !world.party(second).is_connected());
    // Whoever asked is no prize: nobody can give them their own call.
    let to = Target::Agent("8001".into());
    assert_eq!(world.ask("8002", Command::Transfer { to }), Err("no_call"));
    end(world, first);
}

#[test]
fn an_engine_that_is_full_takes_no_call_inside() {
    for number in ["8002", "general"] {
        let settings = Settings { calls_max: 0, ..settings() };
        let mut world = World::new(&settings, Weather::FAIR, 1);
        let first = phone(&mut world, "8001");
        phone(&mut world, "8002");
        world.run_until(1_000);
        world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", number));
        world.run_until(10_000);
        assert_eq!(statuses(&world, first), [503], "{number}");
        assert_sound(&world);
    }
}

#[test]
fn the_engine_stops_while_colleagues_talk_ring_or_wait() {
    for (number, answer) in
        [("8002", Answer::After(500)), ("8002", Answer::RingsOnly), ("claims", Answer::RingsOnly)]
    {
        let mut world = world();
        let first = phone(&mut world, "8001");
        world.phone(0, PhonePlan { answers: vec![answer], ..PhonePlan::of("8002") });
        world.run_until(1_000);
        world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", number));
        world.run_until(5_000);
        world.stop();
        world.run_until(60_000);
        assert!(world.is_stopped(), "{number} {answer:?}");
        assert!(!world.party(first).is_connected());
    }
}

/// The phones of 8001, which answers as planned, and of 8002; at two seconds 8001 dials `whom` on
/// the desktop.
fn dialling(answer: Answer, whom: &str) -> (World, PartyId, PartyId) {
    let mut world = world();
    let first = world.phone(0, PhonePlan { answers: vec![answer], ..PhonePlan::of("8001") });
    let second = phone(&mut world, "8002");
    for agent in ["8001", "8002"] {
        world.desktop(agent, 1, Some(10));
    }
    world.run_until(2_000);
    assert_eq!(world.ask("8001", Command::Dial { number: whom.into() }), Ok(()));
    (world, first, second)
}

#[test]
fn the_desktop_calls_a_colleague_after_the_agents_own_phone() {
    let (mut world, first, second) = dialling(Answer::After(1_000), "8002");
    world.run_until(2_900);
    let invite = &world.party(first).saw.invitations[0];
    let from = invite.from().expect("it has one");
    assert!(from.as_str().contains("sip:8002@hotline"), "{}", from.as_str());
    assert!(world.party(second).saw.invitations.is_empty(), "nobody is on the line yet");
    world.run_until(6_000);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    assert_eq!(rung(&world), ["8001", "8002"]);
    for agent in ["8001", "8002"] {
        assert_eq!(was(&world, agent, AgentState::Talking), 1, "{agent}");
    }
    world.party_mut(second).hang_up(Mono::from_ms(7_000));
    world.run_until(60_000);
    assert!(!world.party(first).is_connected());
    assert_eq!(was(&world, "8001", AgentState::Acw), 0, "there is nothing to work on");
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_sound(&world);
}

#[test]
fn the_desktop_calls_a_queue_as_a_caller_does() {
    let (mut world, first, second) = dialling(Answer::After(1_000), "general");
    world.run_until(10_000);
    assert_eq!(rings(&world, "8002").len(), 1);
    assert!(hears(&world, first, second) && hears(&world, second, first));
    assert_eq!(world.ask("8001", Command::HangUp), Ok(()));
    world.run_until(60_000);
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::AgentHangUp)]);
    assert_eq!(
        (was(&world, "8001", AgentState::Acw), was(&world, "8002", AgentState::Acw)),
        (0, 1)
    );
    assert_sound(&world);
}

#[test]
fn whose_own_phone_is_not_answered_calls_nobody() {
    for (whom, answer) in [
        ("8002", Answer::RingsOnly),
        ("8002", Answer::Refuses(486, 500)),
        ("general", Answer::RingsOnly),
        ("general", Answer::Silence),
    ] {
        let (mut world, _, second) = dialling(answer, whom);
        world.run_until(60_000);
        assert!(world.party(second).saw.invitations.is_empty(), "{whom} {answer:?}");
        assert_eq!(ends(world.facts()).len(), 1, "{whom} {answer:?}");
        assert_eq!(ends(world.facts())[0].0, Outcome::Unanswered, "{whom} {answer:?}");
        // Both are as before.
        let caller = world.caller(61_000, CallerPlan::default());
        world.run_until(90_000);
        assert!(hears(&world, caller, second), "{whom} {answer:?}");
        world.party_mut(caller).hang_up(Mono::from_ms(91_000));
        world.run_until(150_000);
        assert_sound(&world);
    }
}

#[test]
fn an_agent_gives_up_what_they_dialled_while_their_phone_rings() {
    for whom in ["8002", "general"] {
        let (mut world, first, second) = dialling(Answer::RingsOnly, whom);
        world.run_until(4_000);
        assert_eq!(world.ask("8001", Command::HangUp), Ok(()), "{whom}");
        world.run_until(60_000);
        assert_eq!(world.party(first).saw.cancels.len(), 1, "{whom}");
        assert!(world.party(second).saw.invitations.is_empty(), "{whom}");
        assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::AgentHangUp)]);
        assert_sound(&world);
    }
}

#[test]
fn whom_the_desktop_cannot_call_inside_it_is_told() {
    let (mut world, _, _) = dialling(Answer::After(1_000), "8002");
    world.run_until(6_000);
    let dial = |number: &str| Command::Dial { number: number.into() };
    assert_eq!(world.ask("8001", dial("general")), Err("agent_not_idle"));
    world.run_for(500);
    assert_eq!(world.ask("8001", Command::HangUp), Ok(()));
    world.run_for(1_000);
    assert_eq!(world.ask("8001", dial("8001")), Err("yourself"));
    assert_eq!(world.ask("8001", dial("8003")), Err("phone_unreachable"));
    world.run_for(60_000);
    assert_sound(&world);
}

#[test]
fn a_number_that_saves_lives_is_called_though_a_colleague_has_it() {
    let outward = Outward { emergency: vec!["120".to_owned()], ..outward() };
    let mut settings = Settings { outward: Some(outward), ..settings() };
    settings.agents.push(("120".to_owned(), 1));
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let first = phone(&mut world, "8001");
    let colleague = phone(&mut world, "120");
    let ambulance = world.gateway(1, PhonePlan::of("gateway"));
    world.run_until(1_000);
    world.party_mut(first).call(Mono::from_ms(2_000), calls("8001", "120"));
    world.run_until(8_000);
    assert!(hears(&world, first, ambulance) && hears(&world, ambulance, first));
    assert!(world.party(colleague).saw.invitations.is_empty());
    end(world, first);
}
