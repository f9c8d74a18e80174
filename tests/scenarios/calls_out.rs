//! Agents call numbers outside: who may, over which line, and over another where one fails.

use cti::{Command, Event};
use model::{AgentState, FactBody, HangupCause, Outcome, Pii};
use sim::{Answer, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::digest::Account;
use sip::locate::{Answer as Answers, Question, Record, RecordKind};
use trunk::{Outward, Rewrite};

use crate::{assert_sound, ends, phone};

pub(crate) const MOBILE: &str = "13800138000";

/// A carrier with two gateways that wants E.164.
pub(crate) fn outward() -> Outward {
    Outward {
        targets: ["10.3.0.1", "10.3.0.2"].map(|one| one.parse().expect("a target")).into(),
        allowed: vec!["1[3-9]XXXXXXXXX".parse().expect("a pattern")],
        emergency: vec!["110".to_owned()],
        access_code: "9".to_owned(),
        rewrites: vec![Rewrite {
            pattern: ".".parse().expect("a pattern"),
            strip: 0,
            prefix: "+86".to_owned(),
        }],
        caller_id: "02195512".to_owned(),
        ..Outward::default()
    }
}

fn world_of(outward: Outward, trunk_limits: trunk::Limits) -> World {
    let settings = Settings { outward: Some(outward), trunk_limits, ..settings() };
    World::new(&settings, Weather::FAIR, 1)
}

fn world() -> World {
    world_of(outward(), trunk::Limits::default())
}

/// An agent of the second tier, who may call out, at a desktop.
fn agent(world: &mut World) -> PartyId {
    let agent = phone(world, "8011");
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    agent
}

pub(crate) fn gateway(world: &mut World, number: u8, answer: Answer) -> PartyId {
    world.gateway(number, PhonePlan { answers: vec![answer], ..PhonePlan::of("gateway") })
}

fn dial(world: &mut World, agent: &str, number: &str) {
    world.command(agent, Command::Dial { number: Pii::from(number) });
}

/// The lines that were tried.
pub(crate) fn tried(world: &World) -> Vec<String> {
    let target = |fact: &model::Fact| match &fact.body {
        FactBody::TrunkTried { target, .. } => Some(target.clone()),
        _ => None,
    };
    world.facts().iter().filter_map(target).collect()
}

#[test]
fn the_agents_phone_rings_first_and_then_the_number() {
    let mut world = world();
    let agent = agent(&mut world);
    let called = gateway(&mut world, 1, Answer::After(3_000));
    dial(&mut world, "8011", "138-0013-8000");
    world.run_until(20_000);
    let saw = &world.party(called).saw;
    let invite = &saw.invitations[0];
    assert_eq!(invite.uri(), "sip:+8613800138000@10.3.0.1");
    assert!(invite.from().expect("it has one").as_str().contains("02195512"));
    assert_eq!(invite.header("X-Hotline-Call"), None, "what is ours stays here");
    assert!(world.party(agent).saw.connected[0] < saw.invites[0]);
    let hears = world.media(agent).map(|media| &media.hears);
    assert!(matches!(hears, Some(media::Source::Leg(_))), "{hears:?}");
    world.party_mut(called).hang_up(model::Mono::from_ms(20_000));
    world.run_until(60_000);

    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    assert_eq!(world.party(agent).saw.byes.len(), 1);
    let sealed = |body: &FactBody| matches!(body, FactBody::RecordingSealed { .. });
    assert_eq!(world.when(sealed).len(), 1);
    let worked =
        |body: &FactBody| matches!(body, FactBody::AgentChanged { state: AgentState::Acw, .. });
    assert_eq!(world.when(worked).len(), 1);
    assert_sound(&world);
}

#[test]
fn an_agent_whose_own_phone_says_nothing_is_free_again_soon() {
    let mut world = world();
    world.phone(0, PhonePlan { answers: vec![Answer::Silence], ..PhonePlan::of("8011") });
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    let called = gateway(&mut world, 1, Answer::After(3_000));
    dial(&mut world, "8011", MOBILE);
    world.run_until(7_000);
    let idle =
        |body: &FactBody| matches!(body, FactBody::AgentChanged { state: AgentState::Idle, .. });
    assert!(world.when(idle).last().is_some_and(|at| at.ms_since(model::Mono::from_ms(1_000)) > 0));
    world.run_until(60_000);
    assert!(world.party(called).saw.invitations.is_empty(), "nobody is there to talk to them");
    assert_eq!(
        ends(world.facts()).iter().map(|end| end.0).collect::<Vec<_>>(),
        [Outcome::Unanswered]
    );
    assert_sound(&world);
}

#[test]
fn the_agent_hangs_up_before_anyone_answers() {
    let mut world = world();
    let agent = agent(&mut world);
    let called = gateway(&mut world, 1, Answer::RingsOnly);
    dial(&mut world, "8011", MOBILE);
    world.run_until(8_000);
    world.command("8011", Command::HangUp);
    world.run_until(60_000);
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::AgentHangUp)]);
    assert_eq!(world.party(called).saw.cancels.len(), 1);
    assert_eq!(world.party(agent).saw.byes.len(), 1);
    assert_sound(&world);
}

#[test]
fn a_gateway_that_fails_or_is_silent_is_left_for_the_next() {
    for first in [Answer::Refuses(503, 10), Answer::Refuses(408, 10), Answer::Silence] {
        let mut world = world();
        agent(&mut world);
        let one = gateway(&mut world, 1, first);
        let two = gateway(&mut world, 2, Answer::After(1_000));
        dial(&mut world, "8011", MOBILE);
        world.run_until(20_000);
        assert!(world.party(two).is_connected(), "{first:?}");
        assert!(!world.party(one).is_connected());
        assert_eq!(tried(&world), ["10.3.0.1", "10.3.0.2"]);
        world.command("8011", Command::HangUp);
        world.run_until(90_000);
        assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::AgentHangUp)]);
        assert_sound(&world);
    }
}

#[test]
fn what_the_called_one_says_is_not_asked_again_elsewhere() {
    for status in [486, 603, 404] {
        let mut world = world();
        agent(&mut world);
        gateway(&mut world, 1, Answer::Refuses(status, 1_000));
        let two = gateway(&mut world, 2, Answer::After(1_000));
        dial(&mut world, "8011", MOBILE);
        world.run_until(60_000);
        assert!(world.party(two).saw.invitations.is_empty(), "{status}");
        let end = (Outcome::Unanswered, HangupCause::Response(status));
        assert_eq!(ends(world.facts()), [end]);
        assert_sound(&world);
    }
}

#[test]
fn where_no_gateway_is_there_the_call_is_given_up() {
    let mut world = world();
    agent(&mut world);
    dial(&mut world, "8011", MOBILE);
    world.run_until(90_000);
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::TransactionTimeout)]);
    assert_eq!(tried(&world).len(), 2);
    assert_sound(&world);
}

#[test]
fn a_challenge_is_answered_only_for_the_realm_that_the_password_is_of() {
    let answers = |realm: &'static str| {
        let account = Some(Account {
            user: "hotline".to_owned(),
            password: "sesame".to_owned(),
            realm: Some("ims".to_owned()),
        });
        let mut world = world_of(Outward { account, ..outward() }, trunk::Limits::default());
        agent(&mut world);
        let plan = PhonePlan {
            challenges: Some((realm, "hotline", "sesame")),
            answers: vec![Answer::After(1_000)],
            ..PhonePlan::of("gateway")
        };
        let called = world.gateway(1, plan);
        dial(&mut world, "8011", MOBILE);
        world.run_until(10_000);
        let saw = &world.party(called).saw;
        (saw.invitations.len(), saw.connected.len())
    };
    assert_eq!(answers("ims"), (2, 1));
    assert_eq!(answers("elsewhere"), (1, 0), "a foreign realm gets nothing");
}

#[test]
fn who_may_not_call_out_calls_nobody_but_for_help() {
    let mut world = world();
    phone(&mut world, "8001");
    world.desktop("8001", 1, Some(40));
    world.run_until(1_000);
    let called = gateway(&mut world, 1, Answer::After(1_000));
    dial(&mut world, "8001", MOBILE);
    world.run_until(10_000);
    assert!(world.party(called).saw.invitations.is_empty());
    let refused = |body: &FactBody| match body {
        FactBody::Refused { what, .. } => !what.contains(MOBILE),
        _ => false,
    };
    assert_eq!(world.when(refused).len(), 1, "it is audited, the number masked");
    dial(&mut world, "8001", "9110");
    world.run_until(20_000);
    assert_eq!(world.party(called).saw.invitations[0].uri(), "sip:110@10.3.0.1");
    world.command("8001", Command::HangUp);
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn a_number_that_no_list_names_is_not_called() {
    let mut world = world();
    agent(&mut world);
    let called = gateway(&mut world, 1, Answer::After(1_000));
    for number in ["00442079460000", "02168880000", "sales", ""] {
        dial(&mut world, "8011", number);
    }
    world.run_until(10_000);
    assert!(world.party(called).saw.invitations.is_empty());
    assert!(ends(world.facts()).is_empty());
    assert_sound(&world);
}

#[test]
fn a_line_that_is_full_takes_no_call_out_but_one_for_help() {
    let limits = trunk::Limits { calls: Some(1), calls_per_s: None };
    let mut world = world_of(outward(), limits);
    agent(&mut world);
    let other = phone(&mut world, "8021");
    world.desktop("8021", 3, Some(40));
    world.run_until(2_000);
    let called = gateway(&mut world, 1, Answer::After(500));
    dial(&mut world, "8011", MOBILE);
    world.run_until(6_000);
    dial(&mut world, "8021", MOBILE);
    world.run_until(12_000);
    assert_eq!(world.party(called).saw.invites.len(), 1);
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::Response(503))]);
    assert_eq!(world.party(other).saw.byes.len(), 1, "the phone is let go");
    dial(&mut world, "8021", "110");
    world.run_until(18_000);
    assert_eq!(world.party(called).saw.invites.len(), 2);
    for agent in ["8011", "8021"] {
        world.command(agent, Command::HangUp);
    }
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn who_calls_out_is_offered_no_call_meanwhile_and_is_as_before_afterwards() {
    let mut world = world();
    agent(&mut world);
    gateway(&mut world, 1, Answer::RingsOnly);
    world.command("8011", Command::NotReady { reason: model::NotReadyReason::BackOffice });
    dial(&mut world, "8011", MOBILE);
    world.run_until(5_000);
    let caller = crate::call(&mut world, 5_000, 40_000);
    world.run_until(30_000);
    assert!(crate::rings(&world, "8011").is_empty());
    world.command("8011", Command::HangUp);
    world.run_until(60_000);
    let log = world.desktop_log("8011").expect("a desktop");
    let last = log.events.iter().rev().find_map(|(_, _, event)| match &**event {
        Event::AgentState { status, state, .. } => Some((*status, *state)),
        _ => None,
    });
    let reason = model::NotReadyReason::BackOffice;
    assert_eq!(last, Some((model::AgentStatus::NotReady { reason }, AgentState::Idle)));
    assert!(!world.party(caller).saw.finals.is_empty());
    assert_sound(&world);
}

/// The phone is still busy with the INVITE that is being cancelled: that is no missed call.
#[test]
fn who_gave_up_dialling_is_offered_the_next_call_when_the_phone_is_free() {
    let mut world = world();
    world.phone(
        0,
        PhonePlan {
            answers: vec![Answer::RingsOnly, Answer::After(1_000)],
            ..PhonePlan::of("8011")
        },
    );
    world.desktop("8011", 2, Some(40));
    world.run_until(1_000);
    world.command("8011", Command::NotReady { reason: model::NotReadyReason::BackOffice });
    // It climbs to the second tier, and waits there.
    crate::call(&mut world, 1_500, 120_000);
    world.run_until(60_000);
    dial(&mut world, "8011", MOBILE);
    world.run_until(62_000);
    world.command("8011", Command::Ready);
    world.command("8011", Command::HangUp);
    world.run_until(70_000);
    assert_eq!(crate::rings(&world, "8011").len(), 1);
    world.run_until(200_000);
    assert!(world.when(|body| matches!(body, FactBody::Missed { .. })).is_empty());
    assert_eq!(ends(world.facts()).last(), Some(&(Outcome::Answered, HangupCause::RemoteBye)));
    assert_sound(&world);
}

#[test]
fn the_called_one_may_let_it_ring_only_so_long() {
    let mut world = world_of(Outward { ring_timeout_ms: 15_000, ..outward() }, <_>::default());
    agent(&mut world);
    let called = gateway(&mut world, 1, Answer::RingsOnly);
    dial(&mut world, "8011", MOBILE);
    world.run_until(60_000);
    assert_eq!(world.party(called).saw.cancels.len(), 1);
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::Q850(19))]);
    assert_sound(&world);
}

/// What the DNS says of a carrier's name: a server by UDP at each of these addresses, in order.
pub(crate) fn named(world: &mut World, name: &str, servers: &[PartyId]) {
    let question = |kind, name: &str| Question { kind, name: name.to_owned() };
    let found = |records| Answers::Found { records, ttl_s: 300 };
    let host = |number: usize| format!("s{number}.{name}");
    let record = |(number, server): (usize, &PartyId)| Record::Srv {
        priority: number as u16,
        weight: 0,
        port: world.address(*server).port(),
        target: host(number),
    };
    let records = servers.iter().enumerate().map(record).collect();
    let service = question(RecordKind::Srv, &format!("_sip._udp.{name}"));
    world.resolves(service, found(records));
    for (number, server) in servers.iter().enumerate() {
        let address = Record::Address(world.address(*server).ip());
        world.resolves(question(RecordKind::A, &host(number)), found(vec![address]));
    }
}

#[test]
fn rfc_3263_a_carriers_name_leads_to_its_servers_and_past_one_that_is_silent() {
    let named_line =
        Outward { targets: vec!["sbc.carrier.example".parse().expect("a target")], ..outward() };
    let mut world = world_of(named_line, trunk::Limits::default());
    agent(&mut world);
    let silent = gateway(&mut world, 1, Answer::Silence);
    let second = gateway(&mut world, 2, Answer::After(500));
    named(&mut world, "sbc.carrier.example", &[silent, second]);
    // That there was nothing of the name is remembered for a minute.
    world.run_until(70_000);
    dial(&mut world, "8011", MOBILE);
    world.run_until(90_000);
    assert!(world.party(second).is_connected());
    let name = "sbc.carrier.example";
    let both = [1, 2].map(|number| format!("{name} at 10.3.0.{number}:5060"));
    assert_eq!(tried(&world), both);
    let uri = format!("sip:+86{MOBILE}@{name}");
    assert_eq!(world.party(second).saw.invitations[0].uri(), uri);
    world.command("8011", Command::HangUp);
    world.run_until(100_000);
    // Who was silent comes last for a while.
    dial(&mut world, "8011", MOBILE);
    world.run_until(110_000);
    assert_eq!(tried(&world).last(), both.last());
    assert_eq!(tried(&world).len(), 3);
    world.command("8011", Command::HangUp);
    world.run_until(140_000);
    assert_sound(&world);
}
