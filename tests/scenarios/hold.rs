//! Hold and retrieve from either side, by re-INVITE and by UPDATE (RFC 5359 §2.1, RFC 3264 §8).

use media::{Codec, LegMedia, Source};
use model::{FactBody, LegRole, Mono, Outcome};
use sdp::Direction;
use sim::{CallerPlan, Media, PartyId, World};
use sip::Method;

use crate::{assert_sound, ends, phone, world};

/// A caller and an agent who talk from the second second on.
fn conversation() -> (World, PartyId, PartyId) {
    let mut world = world();
    let agent = phone(&mut world, "8001");
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    assert!(hears_other(&world, caller) && hears_other(&world, agent));
    (world, caller, agent)
}

fn media(world: &World, party: PartyId) -> &LegMedia {
    world.media(party).expect("it has media")
}

fn hears_other(world: &World, party: PartyId) -> bool {
    let media = media(world, party);
    media.sends && matches!(media.hears, Source::Leg(_))
}

fn hears_music(world: &World, party: PartyId) -> bool {
    let media = media(world, party);
    let is_music = |source: &Source| match source {
        Source::Play(play) => play.repeat && play.prompts[0].as_str() == "music",
        Source::Silence | Source::Leg(_) | Source::Mix(_) => false,
    };
    media.sends && is_music(&media.hears)
}

fn hears_nothing(world: &World, party: PartyId) -> bool {
    !media(world, party).sends
}

fn change(world: &mut World, party: PartyId, at_ms: u64, method: Method, media: Media) {
    world.party_mut(party).change(Mono::from_ms(at_ms), method, media);
    world.run_until(at_ms + 500);
}

fn statuses(world: &World, party: PartyId) -> Vec<u16> {
    world.party(party).saw.changes.iter().map(|(_, _, status)| *status).collect()
}

fn end(mut world: World, caller: PartyId) {
    let now = world.now();
    world.party_mut(caller).hang_up(now);
    world.run_for(60_000);
    assert_eq!(ends(world.facts()).len(), 1);
    assert_eq!(ends(world.facts())[0].0, Outcome::Answered);
    assert_sound(&world);
}

#[test]
fn rfc_5359_section_2_1_the_agent_holds_and_retrieves() {
    for method in [Method::Invite, Method::Update] {
        for hold in [Media::SendOnly, Media::Inactive, Media::Nowhere] {
            let (mut world, caller, agent) = conversation();
            change(&mut world, agent, 6_000, method, hold);
            assert!(hears_music(&world, caller), "{hold:?}");
            let quiet = world.media(agent).is_none_or(|media| !media.sends);
            assert!(quiet, "{hold:?}");
            change(&mut world, agent, 9_000, method, Media::Talks);
            assert!(hears_other(&world, caller) && hears_other(&world, agent), "{hold:?}");
            assert_eq!(statuses(&world, agent), [200, 200]);
            let agents = |role: &LegRole| matches!(role, LegRole::Agent(_));
            let held =
                |body: &FactBody| matches!(body, FactBody::Held { role, .. } if agents(role));
            let back =
                |body: &FactBody| matches!(body, FactBody::Retrieved { role, .. } if agents(role));
            assert_eq!((world.when(held).len(), world.when(back).len()), (1, 1));
            end(world, caller);
        }
    }
}

#[test]
fn rfc_5359_section_2_1_the_caller_holds_and_retrieves() {
    let (mut world, caller, agent) = conversation();
    change(&mut world, caller, 6_000, Method::Invite, Media::SendOnly);
    assert!(hears_music(&world, agent) && hears_nothing(&world, caller));
    change(&mut world, caller, 9_000, Method::Invite, Media::Talks);
    assert!(hears_other(&world, caller) && hears_other(&world, agent));
    let directions: Vec<_> = world
        .party(caller)
        .saw
        .descriptions
        .iter()
        .map(|description| (description.origin.version, description.media[0].direction))
        .collect();
    assert_eq!(
        directions,
        [(2, Some(Direction::RecvOnly)), (3, Some(Direction::SendRecv))],
        "o= counts each change"
    );
    end(world, caller);
}

#[test]
fn both_may_hold_and_then_nobody_hears_anything() {
    let (mut world, caller, agent) = conversation();
    change(&mut world, agent, 6_000, Method::Invite, Media::SendOnly);
    change(&mut world, caller, 7_000, Method::Update, Media::Inactive);
    assert!(hears_nothing(&world, caller) && hears_nothing(&world, agent));
    change(&mut world, agent, 8_000, Method::Invite, Media::Talks);
    assert!(hears_music(&world, agent) && hears_nothing(&world, caller));
    change(&mut world, caller, 9_000, Method::Update, Media::Talks);
    assert!(hears_other(&world, caller) && hears_other(&world, agent));
    end(world, caller);
}

#[test]
fn rfc_3264_section_8_3_a_phone_moves_and_changes_its_codec() {
    let (mut world, caller, agent) = conversation();
    let before = media(&world, agent).remote;
    change(&mut world, agent, 6_000, Method::Invite, Media::MovedToMulaw);
    let moved = media(&world, agent);
    assert_eq!((moved.remote.port(), moved.codec), (before.port() + 2, Codec::Pcmu));
    assert_eq!(media(&world, caller).codec, Codec::Pcma);
    assert!(hears_other(&world, caller) && hears_other(&world, agent));
    end(world, caller);
}

#[test]
fn rfc_3261_section_14_2_a_re_invite_without_an_offer_retrieves() {
    let (mut world, caller, agent) = conversation();
    change(&mut world, agent, 6_000, Method::Invite, Media::Inactive);
    assert!(hears_music(&world, caller));
    change(&mut world, agent, 9_000, Method::Invite, Media::Late);
    assert!(hears_other(&world, caller) && hears_other(&world, agent));
    end(world, caller);
}

#[test]
fn rfc_3261_section_14_1_a_refused_offer_leaves_the_conversation_alone() {
    for method in [Method::Invite, Method::Update] {
        let (mut world, caller, agent) = conversation();
        let before = media(&world, agent).clone();
        change(&mut world, agent, 6_000, method, Media::Unknown);
        assert_eq!(statuses(&world, agent), [488]);
        assert_eq!(media(&world, agent), &before);
        assert!(hears_other(&world, caller));
        end(world, caller);
    }
}

#[test]
fn who_hangs_up_on_hold_leaves_one_record() {
    let (mut world, caller, agent) = conversation();
    change(&mut world, agent, 6_000, Method::Invite, Media::SendOnly);
    end(world, caller);
    let (mut world, caller, agent) = conversation();
    change(&mut world, caller, 6_000, Method::Invite, Media::SendOnly);
    world.party_mut(agent).hang_up(Mono::from_ms(8_000));
    world.run_until(9_000);
    end(world, caller);
}

#[test]
fn a_caller_who_holds_in_line_hears_nothing_until_they_come_back() {
    let mut world = world();
    let caller = world.caller(1_000, CallerPlan::default());
    world.run_until(5_000);
    assert!(media(&world, caller).sends);
    change(&mut world, caller, 6_000, Method::Invite, Media::SendOnly);
    assert!(hears_nothing(&world, caller));
    let agent = phone(&mut world, "8001");
    world.run_until(15_000);
    assert!(hears_music(&world, agent), "the agent waits for the caller");
    change(&mut world, caller, 16_000, Method::Invite, Media::Talks);
    assert!(hears_other(&world, caller) && hears_other(&world, agent));
    end(world, caller);
}
