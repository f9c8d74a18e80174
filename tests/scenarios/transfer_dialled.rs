//! A call that an agent made is given away, asked about and shared as one that came in: by the
//! desktop, by REFER in the phone's dialog, and by a second call of the phone (RFC 5359 §2.4, §2.5,
//! §2.10, RFC 5589 §7).

use cti::{Command, Event};
use model::{
    AgentAction, FactBody, LegRole, MissedCause, Mono, Outcome, Pii, Target, TransferEnd,
    TransferKind,
};
use sim::{Answer, PartyId, PhonePlan, World};

use crate::calls_out::{MOBILE, gateway};
use crate::own_calls::{calls, refer_to, second_line, world};
use crate::transfer::{allowed, end, hears, hears_music, leg, to_agent, transfers};
use crate::{assert_sound, ends, phone, rings};

const BLIND: TransferKind = TransferKind::Blind;
const CONSULT: TransferKind = TransferKind::Consult;

/// Who dials a call in these scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dials {
    /// The desktop: the agent's phone rings first.
    Desktop,
    /// The phone by itself.
    Phone,
}

/// An agent who has called someone outside, and a colleague whose phone answers as planned.
fn talking_by(dials: Dials, answer: Answer) -> (World, [PartyId; 3]) {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    let customer = gateway(&mut world, 1, Answer::After(500));
    let answers = vec![answer];
    let colleague = world.phone(0, PhonePlan { answers, ..PhonePlan::of("8001") });
    world.desktop("8001", 1, Some(10));
    world.run_until(1_000);
    match dials {
        Dials::Desktop => world.command("8011", Command::Dial { number: Pii::from(MOBILE) }),
        Dials::Phone => {
            world.party_mut(agent).call(Mono::from_ms(1_000), calls("8011", MOBILE));
        }
    }
    world.run_until(6_000);
    assert!(hears(&world, customer, agent) && hears(&world, agent, customer), "{dials:?}");
    (world, [customer, agent, colleague])
}

fn talking(answer: Answer) -> (World, [PartyId; 3]) {
    talking_by(Dials::Desktop, answer)
}

/// The legs that were established, and those that ended, by whose they are.
fn legs(world: &World) -> [Vec<String>; 2] {
    let name = |role: &LegRole| match role {
        LegRole::Caller => "caller".to_owned(),
        LegRole::Agent(agent) => agent.to_string(),
        LegRole::Number(number) => number.reveal().clone(),
    };
    let mut legs = [Vec::new(), Vec::new()];
    for fact in world.facts() {
        match &fact.body {
            FactBody::DialogEstablished { role, .. } => legs[0].push(name(role)),
            FactBody::LegEnded { role, .. } => legs[1].push(name(role)),
            _ => {}
        }
    }
    legs.each_mut().iter_mut().for_each(|names| names.sort());
    legs
}

#[test]
fn rfc_5359_section_2_4_unattended_transfer_of_a_call_that_the_agent_made() {
    for dials in [Dials::Desktop, Dials::Phone] {
        let (mut world, [customer, agent, colleague]) = talking_by(dials, Answer::After(2_000));
        assert!(allowed(&world, "8011").contains(&AgentAction::Transfer), "{dials:?}");
        assert_eq!(world.ask("8011", Command::Transfer { to: to_agent("8001") }), Ok(()));
        world.run_until(7_000);
        assert!(hears_music(&world, customer), "who was called hears music meanwhile");
        let popped = world.desktop_log("8001").expect("a desktop").pops[0].0;
        assert!(popped < rings(&world, "8001")[0], "the screen pops before the ring");
        world.run_until(10_000);
        assert!(hears(&world, customer, colleague) && hears(&world, colleague, customer));
        assert!(!world.party(agent).is_connected(), "who gave the call away is out of it");
        assert_eq!(world.taped(), [leg(&world, colleague)], "the tape follows");
        assert_eq!(transfers(&world), [(BLIND, TransferEnd::Completed)]);
        world.party_mut(customer).hang_up(Mono::from_ms(12_000));
        world.run_for(60_000);
        let all = ["13800138000", "8001", "8011"].map(str::to_owned);
        assert_eq!(legs(&world), [all.to_vec(), all.to_vec()], "the record names every leg");
        assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
        assert_sound(&world);
    }
}

#[test]
fn the_pop_says_who_was_called_and_that_no_queue_brought_them() {
    let (mut world, [customer, ..]) = talking(Answer::After(1_000));
    world.command("8011", Command::Transfer { to: to_agent("8001") });
    world.run_until(10_000);
    let log = world.desktop_log("8001").expect("there is a desktop");
    let popped = log.events.iter().find_map(|(_, _, event)| match &**event {
        Event::ScreenPop { ani, queue, brought, lookup, .. } => {
            Some((ani.reveal().clone(), queue.clone(), brought.clone(), lookup.clone()))
        }
        _ => None,
    });
    let (number, queue, brought, lookup) = popped.expect("it popped");
    assert_eq!((number.as_str(), queue), (MOBILE, None));
    assert_eq!(brought, Some((BLIND, "8011".into())));
    assert_ne!(lookup, model::Lookup::Pending, "what is known of them comes along");
    end(world, customer);
}

#[test]
fn rfc_3515_section_2_4_the_phone_gives_away_by_refer_what_it_or_the_desktop_dialled() {
    for dials in [Dials::Desktop, Dials::Phone] {
        let (mut world, [customer, agent, colleague]) = talking_by(dials, Answer::After(1_000));
        world.party_mut(agent).refer(Mono::from_ms(6_500), "sip:8001@hotline", true);
        world.run_until(7_000);
        assert!(hears_music(&world, customer), "{dials:?}");
        world.run_until(10_000);
        assert!(hears(&world, customer, colleague) && hears(&world, colleague, customer));
        let notified = &world.party(agent).saw.notified;
        let lines: Vec<&str> = notified.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
        assert!(!world.party(agent).is_connected());
        end(world, customer);
    }
}

#[test]
fn rfc_5359_section_2_5_consultation_about_a_call_that_the_agent_made() {
    let (mut world, [customer, agent, colleague]) = talking(Answer::After(1_000));
    assert_eq!(world.ask("8011", Command::Consult { to: to_agent("8001") }), Ok(()));
    world.run_until(9_000);
    assert!(hears(&world, agent, colleague) && hears(&world, colleague, agent));
    assert!(hears_music(&world, customer));
    assert_eq!(world.ask("8011", Command::SwapParties), Ok(()));
    world.run_until(9_500);
    assert!(hears(&world, agent, customer) && hears_music(&world, colleague));
    assert_eq!(world.ask("8011", Command::CompleteTransfer), Ok(()));
    world.run_until(11_000);
    assert!(hears(&world, customer, colleague) && hears(&world, colleague, customer));
    assert!(!world.party(agent).is_connected());
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
    end(world, customer);
}

#[test]
fn rfc_5359_section_2_10_three_talk_in_a_call_that_the_agent_made() {
    let (mut world, [customer, agent, colleague]) = talking(Answer::After(1_000));
    world.command("8011", Command::Consult { to: to_agent("8001") });
    world.run_until(9_000);
    assert_eq!(world.ask("8011", Command::Conference), Ok(()));
    world.run_until(9_500);
    let all = [customer, agent, colleague];
    for ear in all {
        let others = all.into_iter().filter(|mouth| *mouth != ear);
        assert!(others.into_iter().all(|mouth| hears(&world, ear, mouth)));
    }
    world.party_mut(agent).hang_up(Mono::from_ms(10_000));
    world.run_until(11_000);
    assert!(hears(&world, customer, colleague) && hears(&world, colleague, customer));
    end(world, customer);
}

#[test]
fn rfc_5589_section_7_3_the_phone_joins_whom_it_called_and_whom_it_asked() {
    let (mut world, [customer, agent, colleague]) = talking_by(Dials::Phone, Answer::After(500));
    let line = second_line(&mut world, "8011");
    world.party_mut(line).call(Mono::from_ms(7_000), calls("8011", "8001"));
    world.run_until(10_000);
    assert!(hears(&world, line, colleague) && hears(&world, colleague, line));
    let to = refer_to(&world, line, "8001", "");
    world.party_mut(agent).refer(Mono::from_ms(10_500), to, true);
    world.run_until(12_000);
    assert!(hears(&world, customer, colleague) && hears(&world, colleague, customer));
    for own in [agent, line] {
        assert!(!world.party(own).is_connected(), "both of its calls end");
    }
    end(world, customer);
}

#[test]
fn who_does_not_take_it_gives_it_back_to_the_agent() {
    for (answer, cause) in
        [(Answer::RingsOnly, MissedCause::NoAnswer), (Answer::Refuses(486, 500), MissedCause::Busy)]
    {
        let (mut world, [customer, agent, _]) = talking(answer);
        world.command("8011", Command::Transfer { to: to_agent("8001") });
        world.run_until(40_000);
        assert!(hears(&world, customer, agent) && hears(&world, agent, customer), "{answer:?}");
        assert_eq!(transfers(&world), [(BLIND, TransferEnd::Missed(cause))]);
        end(world, customer);
    }
}

#[test]
fn where_the_agent_is_gone_and_nobody_answers_the_one_who_was_called_is_told_so() {
    let (mut world, [customer, agent, _]) = talking(Answer::Refuses(486, 4_000));
    world.command("8011", Command::Transfer { to: to_agent("8001") });
    world.party_mut(agent).hang_up(Mono::from_ms(7_000));
    world.run_until(9_000);
    assert!(hears_music(&world, customer));
    world.run_for(60_000);
    let sorry = world.announcements().any(|(_, _, prompts)| prompts.contains(&"sorry"));
    assert!(sorry, "never silence, never a line that is cut without a word");
    assert!(!world.party(customer).is_connected());
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered, "the agent has talked with them");
    assert!(world.taped().is_empty(), "nothing is taped any more");
    assert_sound(&world);
}

#[test]
fn to_a_queue_the_one_who_was_called_waits_like_any_other() {
    let (mut world, [customer, agent, colleague]) = talking(Answer::After(1_000));
    let to = Target::Queue("general".into());
    assert_eq!(world.ask("8011", Command::Transfer { to: to.clone() }), Ok(()));
    world.run_until(6_500);
    assert!(!world.party(agent).is_connected());
    world.run_until(30_000);
    assert!(hears(&world, customer, colleague) && hears(&world, colleague, customer));
    assert_eq!(world.taped(), [leg(&world, colleague)], "it is taped on");
    let waits = |body: &FactBody| matches!(body, FactBody::Queued { .. });
    assert_eq!(world.when(waits).len(), 1);
    end(world, customer);
}

#[test]
fn who_waits_in_the_queue_may_give_up() {
    let (mut world, [customer, ..]) = talking(Answer::RingsOnly);
    world.command("8011", Command::Transfer { to: Target::Queue("general".into()) });
    world.party_mut(customer).hang_up(Mono::from_ms(9_000));
    world.run_for(60_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Abandoned);
    assert_sound(&world);
}

#[test]
fn a_number_outside_takes_over_by_another_gateway() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    // The first gateway refuses the first call: the second one has it.
    let answers = vec![Answer::Refuses(500, 100), Answer::After(1_000)];
    let number = world.gateway(1, PhonePlan { answers, ..PhonePlan::of("gateway") });
    let customer = gateway(&mut world, 2, Answer::After(500));
    world.run_until(1_000);
    world.command("8011", Command::Dial { number: Pii::from(MOBILE) });
    world.run_until(6_000);
    assert!(hears(&world, customer, agent) && hears(&world, agent, customer));
    let to = Target::Number(Pii::from("13900139000"));
    assert_eq!(world.ask("8011", Command::Transfer { to }), Ok(()));
    world.run_until(10_000);
    assert!(hears(&world, customer, number) && hears(&world, number, customer));
    assert!(!world.party(agent).is_connected());
    world.party_mut(number).hang_up(Mono::from_ms(12_000));
    world.run_for(60_000);
    assert!(!world.party(customer).is_connected(), "who had it is gone: the call is over");
    let ended = ["13800138000", "13900139000", "8011"].map(str::to_owned);
    assert_eq!(legs(&world)[1], ended);
    assert_sound(&world);
}

#[test]
fn the_one_who_was_called_hangs_up_while_someone_is_asked() {
    for answer in [Answer::After(500), Answer::RingsOnly] {
        let (mut world, [customer, agent, colleague]) = talking(answer);
        world.command("8011", Command::Consult { to: to_agent("8001") });
        world.party_mut(customer).hang_up(Mono::from_ms(9_000));
        world.run_until(10_000);
        assert!(!world.party(agent).is_connected() && !world.party(colleague).is_connected());
        assert_eq!(transfers(&world), [(CONSULT, TransferEnd::CallerLeft)]);
        world.run_for(60_000);
        assert_sound(&world);
    }
}

#[test]
fn before_it_is_answered_there_is_nothing_to_give_away() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    phone(&mut world, "8001");
    gateway(&mut world, 1, Answer::RingsOnly);
    world.run_until(1_000);
    world.command("8011", Command::Dial { number: Pii::from(MOBILE) });
    world.run_until(5_000);
    assert!(!allowed(&world, "8011").contains(&AgentAction::Transfer));
    let given = world.ask("8011", Command::Transfer { to: to_agent("8001") });
    assert_eq!(given, Err("no_call"));
    world.party_mut(agent).refer(Mono::from_ms(5_500), "sip:8001@hotline", true);
    world.run_until(6_000);
    assert_eq!(world.party(agent).saw.refers.last().map(|(_, status)| *status), Some(403));
    assert_eq!(world.ask("8011", Command::HangUp), Ok(()));
    world.run_for(60_000);
    assert_eq!(ends(world.facts())[0].0, Outcome::Unanswered);
    assert_sound(&world);
}
