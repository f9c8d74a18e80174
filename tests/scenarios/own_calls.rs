//! An agent's phone calls by itself: numbers outside by role and list, and, with a caller on hold,
//! someone who is asked, to whom it then gives the call (RFC 5359 §2.5, RFC 5589 §7).

use media::Source;
use model::{
    AgentState, FactBody, HangupCause, LegRole, MissedCause, Mono, Outcome, TransferEnd,
    TransferKind,
};
use sim::{Answer, CallerPlan, Media, PartyId, PhonePlan, Settings, Weather, World, settings};
use sip::Method;

use crate::calls_out::{MOBILE, gateway, outward};
use crate::transfer::{end, hears, hears_music, transfers};
use crate::{assert_sound, ends, phone, rings};

const CONSULT: TransferKind = TransferKind::Consult;

/// What the phone of `agent` calls.
pub(crate) fn calls(agent: &'static str, number: &'static str) -> CallerPlan {
    CallerPlan { number, account: Some((agent, "demo")), ..CallerPlan::default() }
}

pub(crate) fn world() -> World {
    let agents = [("8011", 2), ("8012", 2), ("8001", 1)];
    let settings = Settings {
        agents: agents.map(|(agent, tier)| (agent.to_owned(), tier)).into(),
        outward: Some(outward()),
        ..settings()
    };
    World::new(&settings, Weather::FAIR, 1)
}

/// Another line of an agent's phone: it registers as well, and is used to call from.
pub(crate) fn second_line(world: &mut World, agent: &str) -> PartyId {
    let now = world.now().as_ms();
    let line = world.phone(now, PhonePlan::of(agent));
    world.run_for(500);
    line
}

fn statuses(world: &World, party: PartyId) -> Vec<u16> {
    world.party(party).saw.finals.iter().map(|(_, status)| *status).collect()
}

fn provisional(world: &World, party: PartyId) -> Vec<u16> {
    world.party(party).saw.provisional.iter().map(|(_, status)| *status).collect()
}

#[test]
fn a_phone_calls_a_number_outside_and_rings_back_until_it_is_answered() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let number = gateway(&mut world, 1, Answer::After(3_000));
    world.party_mut(agent).call(Mono::from_ms(2_000), calls("8011", MOBILE));
    world.run_until(3_500);
    assert_eq!(provisional(&world, agent), [180]);
    assert!(!world.party(agent).is_connected());
    world.run_until(10_000);
    assert_eq!(statuses(&world, agent), [200]);
    assert!(hears(&world, agent, number) && hears(&world, number, agent));
    assert_eq!(world.taped().len(), 1);
    world.party_mut(agent).hang_up(Mono::from_ms(12_000));
    world.run_until(60_000);
    assert!(!world.party(number).is_connected());
    assert_eq!(ends(world.facts()), [(Outcome::Answered, HangupCause::RemoteBye)]);
    let placed = |body: &FactBody| matches!(body, FactBody::CallPlaced { .. });
    let worked =
        |body: &FactBody| matches!(body, FactBody::AgentChanged { state: AgentState::Acw, .. });
    assert_eq!((world.when(placed).len(), world.when(worked).len()), (1, 1));
    assert_sound(&world);
}

#[test]
fn what_the_called_one_says_the_phone_is_told() {
    for (answer, status) in [
        (Answer::Refuses(486, 500), 486),
        (Answer::Refuses(603, 500), 603),
        (Answer::Refuses(404, 500), 404),
        (Answer::Refuses(488, 500), 480),
    ] {
        let mut world = world();
        let agent = phone(&mut world, "8011");
        gateway(&mut world, 1, answer);
        world.party_mut(agent).call(Mono::from_ms(2_000), calls("8011", MOBILE));
        world.run_until(60_000);
        assert_eq!(statuses(&world, agent), [status]);
        assert_eq!(ends(world.facts())[0].0, Outcome::Unanswered);
        assert_sound(&world);
    }
}

#[test]
fn the_phone_gives_up_before_the_answer() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let number = gateway(&mut world, 1, Answer::RingsOnly);
    world.party_mut(agent).call(Mono::from_ms(2_000), calls("8011", MOBILE));
    world.run_until(5_000);
    world.party_mut(agent).cancel(Mono::from_ms(5_000));
    world.run_until(60_000);
    assert_eq!(statuses(&world, agent).last(), Some(&487));
    assert_eq!(world.party(number).saw.cancels.len(), 1);
    assert_eq!(ends(world.facts()), [(Outcome::Unanswered, HangupCause::RemoteCancel)]);
    assert_sound(&world);
}

#[test]
fn nobody_calls_by_a_phones_address_without_its_credentials() {
    for (plan, status) in [
        (CallerPlan { account: None, ..calls("8011", MOBILE) }, 401),
        (CallerPlan { account: Some(("8011", "guess")), ..calls("8011", MOBILE) }, 401),
        (calls("8012", MOBILE), 403),
        (calls("8011", "00442079460000"), 403),
        (calls("8011", "nobody"), 404),
        (calls("8011", "8012"), 480),
    ] {
        let mut world = world();
        let agent = phone(&mut world, "8011");
        let number = gateway(&mut world, 1, Answer::After(500));
        world.party_mut(agent).call(Mono::from_ms(2_000), plan.clone());
        world.run_until(20_000);
        assert_eq!(statuses(&world, agent).last(), Some(&status), "{plan:?}");
        assert!(world.party(number).saw.invitations.is_empty());
        assert!(ends(world.facts()).is_empty());
        assert_sound(&world);
    }
}

#[test]
fn who_may_not_call_out_may_not_by_the_phone_but_for_help() {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let number = gateway(&mut world, 1, Answer::After(500));
    world.party_mut(agent).call(Mono::from_ms(2_000), calls("8001", MOBILE));
    world.run_until(5_000);
    assert_eq!(statuses(&world, agent), [403]);
    world.party_mut(agent).call(Mono::from_ms(6_000), calls("8001", "110"));
    world.run_until(10_000);
    assert_eq!(world.party(number).saw.invitations[0].uri(), "sip:110@10.3.0.1");
    world.party_mut(agent).hang_up(Mono::from_ms(11_000));
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn an_engine_that_is_full_takes_a_phones_call_for_help_and_no_other() {
    let settings = Settings { outward: Some(outward()), calls_max: 0, ..settings() };
    let mut world = World::new(&settings, Weather::FAIR, 1);
    let agent = phone(&mut world, "8011");
    let number = gateway(&mut world, 1, Answer::After(500));
    world.party_mut(agent).call(Mono::from_ms(2_000), calls("8011", MOBILE));
    world.run_until(5_000);
    assert_eq!(statuses(&world, agent), [503]);
    world.party_mut(agent).call(Mono::from_ms(6_000), calls("8011", "110"));
    world.run_until(10_000);
    assert!(hears(&world, agent, number) && hears(&world, number, agent));
    world.party_mut(agent).hang_up(Mono::from_ms(11_000));
    world.run_until(60_000);
    assert_sound(&world);
}

#[test]
fn early_media_of_the_line_is_heard_by_the_phone_that_calls() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let plan = PhonePlan {
        answers: vec![Answer::After(4_000)],
        rings_with_media: true,
        ..PhonePlan::of("gateway")
    };
    let number = world.gateway(1, plan);
    world.party_mut(agent).call(Mono::from_ms(2_000), calls("8011", MOBILE));
    world.run_until(5_000);
    assert_eq!(provisional(&world, agent), [183]);
    assert!(!world.party(agent).is_connected());
    assert!(hears(&world, agent, number), "before the answer");
    assert!(!hears(&world, number, agent), "and only this way");
    world.run_until(10_000);
    assert!(hears(&world, agent, number) && hears(&world, number, agent));
    world.party_mut(number).hang_up(Mono::from_ms(11_000));
    world.run_until(60_000);
    assert_sound(&world);
}

/// A caller who talks with 8011; its phone holds them and calls `number` by its second line.
fn asking(number: &'static str, answer: Answer) -> (World, [PartyId; 4]) {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    world.desktop("8011", 2, Some(10));
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(25_000);
    assert!(hears(&world, caller, agent));
    let asked = match number {
        MOBILE => gateway(&mut world, 1, answer),
        agent => {
            let answers = vec![answer];
            world.phone(25_000, PhonePlan { answers, ..PhonePlan::of(agent) })
        }
    };
    let line = second_line(&mut world, "8011");
    world.party_mut(agent).change(Mono::from_ms(26_000), Method::Invite, Media::SendOnly);
    world.party_mut(line).call(Mono::from_ms(26_500), calls("8011", number));
    world.run_until(27_500);
    assert!(hears_music(&world, caller), "on hold there is music");
    (world, [caller, agent, line, asked])
}

/// The same, and it is answered.
fn asked(number: &'static str) -> (World, [PartyId; 4]) {
    let (mut world, parties) = asking(number, Answer::After(1_000));
    let [caller, _, line, asked] = parties;
    world.run_until(32_000);
    assert!(hears(&world, line, asked) && hears(&world, asked, line));
    assert!(hears_music(&world, caller));
    (world, parties)
}

/// The REFER that names the dialog of `named`.
pub(crate) fn refer_to(world: &World, named: PartyId, user: &str, more: &str) -> &'static str {
    refer_naming(world.party(named).dialog_named(), user, more)
}

fn refer_naming(dialog: Option<String>, user: &str, more: &str) -> &'static str {
    let dialog = dialog.expect("it has one");
    let dialog = dialog.replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
    Box::leak(format!("sip:{user}@hotline?Replaces={dialog}{more}").into_boxed_str())
}

fn lines(world: &World, party: PartyId) -> Vec<&str> {
    world.party(party).saw.notified.iter().map(|(_, line)| line.as_str()).collect()
}

#[test]
fn rfc_3891_section_7_2_and_rfc_5589_section_7_3_the_phone_joins_the_caller_and_whom_it_asked() {
    for number in [MOBILE, "8012"] {
        let (mut world, [caller, agent, line, asked]) = asked(number);
        let to = refer_to(&world, line, number, "");
        world.party_mut(agent).refer(Mono::from_ms(33_000), to, true);
        world.run_until(35_000);
        assert!(hears(&world, caller, asked) && hears(&world, asked, caller), "{number}");
        assert_eq!(lines(&world, agent), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
        for own in [agent, line] {
            assert_eq!(world.party(own).saw.byes.len(), 1, "both of its calls end");
        }
        assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
        let by_phone =
            |body: &FactBody| matches!(body, FactBody::TransferBegun { by_phone: true, .. });
        assert_eq!(world.when(by_phone).len(), 1);
        end(world, caller);
    }
}

#[test]
fn the_refer_may_come_in_either_of_the_two_dialogs() {
    let (mut world, [caller, agent, line, asked]) = asked("8012");
    let to = refer_to(&world, agent, "95500", "");
    world.party_mut(line).refer(Mono::from_ms(33_000), to, true);
    world.run_until(35_000);
    assert!(hears(&world, caller, asked) && hears(&world, asked, caller));
    assert_eq!(lines(&world, line), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    assert!(!world.party(agent).is_connected() && !world.party(line).is_connected());
    end(world, caller);
}

#[test]
fn rfc_3891_section_3_a_refer_that_names_no_dialog_of_the_phones_joins_nobody() {
    let (mut world, [caller, agent, line, asked]) = asked("8012");
    let own = refer_to(&world, agent, "x", "");
    let others = refer_to(&world, asked, "x", "");
    let early = refer_to(&world, line, "x", "%3Bearly-only");
    let refers = [
        (33_000, own, 481),
        (33_200, others, 481),
        (33_400, early, 486),
        (33_600, "sip:x@hotline?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2", 481),
    ];
    for (at_ms, to, status) in refers {
        world.party_mut(agent).refer(Mono::from_ms(at_ms), to, true);
        world.run_until(at_ms + 150);
        let last = lines(&world, agent).last().map(|line| line[..11].to_owned());
        assert_eq!(last, Some(format!("SIP/2.0 {status}")), "{to}");
    }
    assert!(hears(&world, line, asked) && transfers(&world).is_empty());
    world.party_mut(line).hang_up(Mono::from_ms(34_000));
    world.run_until(35_000);
    assert_eq!(transfers(&world), [(CONSULT, TransferEnd::TakenBack)]);
    assert!(!world.party(asked).is_connected());
    end(world, caller);
}

/// The phone of [`asking`] gives the caller to one who still rings.
fn refers_too_early(more: &str) -> (World, [PartyId; 4]) {
    let (mut world, parties) = asking("8012", Answer::After(6_000));
    let [caller, agent, line, asked] = parties;
    let early = world.party(line).early_named();
    let to = refer_naming(early, "8012", more);
    world.party_mut(agent).refer(Mono::from_ms(28_000), to, true);
    world.run_until(29_000);
    assert_eq!(
        lines(&world, agent),
        ["SIP/2.0 100 Trying", "SIP/2.0 481 Call/Transaction Does Not Exist"]
    );
    assert!(hears_music(&world, caller) && statuses(&world, line).is_empty());
    assert!(world.party(agent).is_connected() && transfers(&world).is_empty());
    assert!(world.party(asked).saw.cancels.is_empty(), "it rings on");
    (world, parties)
}

#[test]
fn rfc_3891_section_3_an_early_dialog_is_not_replaced_at_the_one_who_did_not_begin_it() {
    for more in ["", "%3Bearly-only"] {
        let (mut world, [caller, agent, line, asked]) = refers_too_early(more);
        // When it is answered the two can be joined.
        world.run_until(35_000);
        assert!(hears(&world, line, asked) && hears(&world, asked, line));
        let to = refer_to(&world, line, "8012", "");
        world.party_mut(agent).refer(Mono::from_ms(36_000), to, true);
        world.run_until(38_000);
        assert!(hears(&world, caller, asked) && hears(&world, asked, caller));
        assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Completed)]);
        end(world, caller);
    }
}

#[test]
fn rfc_5589_section_7_6_the_phone_falls_back_to_giving_the_call_away_unasked() {
    let (mut world, [caller, agent, line, asked]) = refers_too_early("");
    world.party_mut(line).cancel(Mono::from_ms(30_000));
    world.party_mut(agent).refer(Mono::from_ms(31_000), "sip:8012@hotline", true);
    world.run_until(45_000);
    assert!(hears(&world, caller, asked) && hears(&world, asked, caller));
    let taken_back = (CONSULT, TransferEnd::TakenBack);
    assert_eq!(transfers(&world), [taken_back, (TransferKind::Blind, TransferEnd::Completed)]);
    end(world, caller);
}

#[test]
fn the_phone_ends_its_call_to_the_one_asked_and_takes_the_caller_back() {
    let (mut world, [caller, agent, line, asked]) = asked(MOBILE);
    world.party_mut(line).hang_up(Mono::from_ms(33_000));
    world.party_mut(agent).change(Mono::from_ms(33_500), Method::Invite, Media::Talks);
    world.run_until(35_000);
    assert!(hears(&world, caller, agent) && hears(&world, agent, caller));
    assert!(!world.party(asked).is_connected());
    end(world, caller);
}

#[test]
fn the_one_asked_does_not_answer_and_the_phone_is_told_so() {
    for (answer, cause, status) in [
        (Answer::Refuses(486, 500), MissedCause::Busy, 486),
        (Answer::Refuses(603, 500), MissedCause::Rejected, 603),
        (Answer::RingsOnly, MissedCause::NoAnswer, 480),
    ] {
        let (mut world, [caller, agent, line, _]) = asking("8012", answer);
        world.run_until(60_000);
        assert_eq!(statuses(&world, line), [status]);
        assert_eq!(transfers(&world), [(CONSULT, TransferEnd::Missed(cause))]);
        world.party_mut(agent).change(Mono::from_ms(61_000), Method::Invite, Media::Talks);
        world.run_until(62_000);
        assert!(hears(&world, caller, agent) && hears(&world, agent, caller));
        end(world, caller);
    }
}

#[test]
fn the_phone_gives_the_call_away_while_the_one_asked_is_rung() {
    let (mut world, [caller, agent, line, asked]) = asking("8012", Answer::After(6_000));
    assert_eq!(provisional(&world, line), [180]);
    world.command("8011", cti::Command::CompleteTransfer);
    world.run_until(30_000);
    assert_eq!(statuses(&world, line).last(), Some(&480), "nobody is asked any more");
    assert!(hears_music(&world, caller));
    world.run_until(40_000);
    assert!(hears(&world, caller, asked) && !world.party(agent).is_connected());
    end(world, caller);
}

#[test]
fn who_is_asked_by_the_phone_pops_and_rings_as_if_the_desktop_asked() {
    let (world, [caller, _, line, _]) = asked("8012");
    assert_eq!(rings(&world, "8012").len(), 1);
    let joined = world.facts().iter().filter(|fact| {
        matches!(&fact.body, FactBody::DialogEstablished { role: LegRole::Agent(agent), .. }
            if agent.as_str() == "8011")
    });
    assert_eq!(joined.count(), 2, "both of the phone's calls are in the record");
    assert!(world.party(line).is_connected());
    end(world, caller);
}

#[test]
fn the_caller_hangs_up_while_the_phone_asks() {
    for answer in [Answer::After(1_000), Answer::RingsOnly] {
        let (mut world, [caller, agent, line, asked]) = asking("8012", answer);
        world.party_mut(caller).hang_up(Mono::from_ms(33_000));
        world.run_until(34_000);
        for party in [agent, line, asked] {
            assert!(!world.party(party).is_connected());
        }
        world.run_for(60_000);
        assert_sound(&world);
    }
}

#[test]
fn an_agent_who_only_works_after_a_call_does_not_call_meanwhile() {
    let mut world = world();
    let agent = phone(&mut world, "8011");
    let number = gateway(&mut world, 1, Answer::After(500));
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(25_000);
    world.party_mut(caller).hang_up(Mono::from_ms(26_000));
    world.party_mut(agent).call(Mono::from_ms(28_000), calls("8011", MOBILE));
    world.run_until(30_000);
    assert_eq!(statuses(&world, agent), [403]);
    assert!(world.party(number).saw.invitations.is_empty());
    world.run_until(60_000);
    assert!(world.when(|body| matches!(body, FactBody::CallPlaced { .. })).is_empty());
    assert_sound(&world);
}

#[test]
fn an_agent_who_dials_on_the_desktop_hears_that_it_rings_or_what_the_line_says() {
    for with_media in [false, true] {
        let mut world = world();
        let agent = phone(&mut world, "8011");
        world.desktop("8011", 2, Some(10));
        world.run_until(1_000);
        let plan = PhonePlan {
            answers: vec![Answer::After(4_000)],
            rings_with_media: with_media,
            ..PhonePlan::of("gateway")
        };
        let number = world.gateway(1, plan);
        world.command("8011", cti::Command::Dial { number: model::Pii::from(MOBILE) });
        world.run_until(4_000);
        let heard = world.media(agent).map(|media| media.hears.clone());
        match (with_media, heard) {
            (true, Some(Source::Leg(_))) => assert!(hears(&world, agent, number)),
            (false, Some(Source::Play(play))) => {
                assert_eq!(play.prompts[0].as_str(), "ringback");
                assert!(play.repeat);
            }
            (_, heard) => panic!("the agent hears {heard:?}"),
        }
        world.run_until(10_000);
        assert!(hears(&world, agent, number) && hears(&world, number, agent));
        world.party_mut(number).hang_up(Mono::from_ms(11_000));
        world.run_until(60_000);
        assert_sound(&world);
    }
}
