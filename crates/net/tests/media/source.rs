//! Whose packets are taken: those of the leg's own phone alone; and what happens without any.

use std::net::Ipv4Addr;

use media::{Codec, LegMedia, MediaEvent, Prompts};

use crate::stage::{Phone, Stage};

#[test]
fn packets_of_others_are_dropped() {
    let mut stage = Stage::new(21);
    let [(_, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    // Before the phone has sent anything: another address is refused at once.
    let stranger_ip = Ipv4Addr::new(127, 88, 2, 21);
    let mut stranger = Phone::new(stranger_ip, phone_a.engine, Codec::Pcma, 9);
    stranger.send(&[9; 160]);
    phone_a.send(&[1; 160]);
    assert_eq!(phone_b.hear().payload, [1; 160]);
    // Afterwards: another port of the phone's own address, too.
    let mut neighbour = Phone::new(stage.phone_ip(), phone_a.engine, Codec::Pcma, 10);
    for _ in 0..5 {
        neighbour.send(&[8; 160]);
        stranger.send(&[9; 160]);
    }
    phone_a.send(&[2; 160]);
    assert_eq!(phone_b.hear().payload, [2; 160]);
    stage.settle();
    assert_eq!(stage.workers.counters().refused_source, 11);
    assert!(neighbour.hear_rest().is_empty() && stranger.hear_rest().is_empty());
}

#[test]
fn a_phone_that_sends_from_another_port_is_found_there() {
    let mut stage = Stage::new(22);
    let [(_, said), (_, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    // The description named one port, the phone uses another.
    let mut real = Phone::new(stage.phone_ip(), said.engine, Codec::Pcma, 5);
    for n in 0..3 {
        real.send(&[n; 160]);
        assert_eq!(phone_b.hear().payload, [n; 160]);
    }
    phone_b.send(&[7; 160]);
    assert_eq!(real.hear().payload, [7; 160]);
    assert!(said.hear_rest().is_empty());
}

#[test]
fn a_new_description_begins_anew() {
    let mut stage = Stage::new(23);
    let [(mut a, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    phone_a.send(&[1; 160]);
    phone_b.hear();
    let mut moved = Phone::new(stage.phone_ip(), phone_a.engine, Codec::Pcma, 5);
    a.remote = moved.address();
    stage.set(&a);
    stage.settle();
    moved.send(&[2; 160]);
    assert_eq!(phone_b.hear().payload, [2; 160]);
    phone_a.send(&[3; 160]);
    moved.send(&[4; 160]);
    assert_eq!(phone_b.hear().payload, [4; 160]);
}

#[test]
fn a_silent_phone_is_told_once_until_it_speaks_again() {
    let silent_after_ms = 150;
    let mut stage = Stage::with(24, Prompts::default(), |config| {
        config.silent_after_ms = silent_after_ms;
    });
    let (media, mut phone) = stage.leg(Codec::Pcma);
    // One that has never spoken is given ten times as long.
    for patience in [10, 1] {
        let least = silent_after_ms * patience;
        let for_ms = stage.event(|event| match event {
            MediaEvent::Silent { leg, for_ms } if *leg == media.leg => Some(*for_ms),
            _ => None,
        });
        assert!((least..least + 2_000).contains(&for_ms), "{for_ms}");
        phone.send(&[1; 160]);
    }
    // On hold nothing has to come.
    let mut held = media;
    held.sends = false;
    stage.set(&held);
    stage.settle();
    let long = std::time::Duration::from_millis(4 * silent_after_ms);
    let told = stage.events.recv_timeout(long);
    assert!(!matches!(told, Ok(MediaEvent::Silent { .. })), "{told:?}");
}

/// Whether the leg was told to be silent before `until`, which is told by the engine's own events:
/// another leg that falls silent later.
fn is_told_silent(stage: &mut Stage, media: &LegMedia, silent_after_ms: u64) -> bool {
    let (other, mut phone) = stage.leg(Codec::Pcma);
    phone.send(&[1; 160]);
    let mut told = false;
    stage.event(|event| match event {
        MediaEvent::Silent { leg, for_ms } if *leg == other.leg => {
            assert!(*for_ms >= silent_after_ms);
            Some(())
        }
        MediaEvent::Silent { leg, .. } => {
            told |= *leg == media.leg;
            None
        }
        _ => None,
    });
    told
}

#[test]
fn who_only_listens_is_awaited_again_when_it_has_to_speak() {
    let silent_after_ms = 150;
    let mut stage = Stage::with(25, Prompts::default(), |config| {
        config.silent_after_ms = silent_after_ms;
    });
    let (mut media, mut phone) = stage.leg(Codec::Pcma);
    media.receives = false;
    stage.set(&media);
    phone.send(&[1; 160]);
    assert!(!is_told_silent(&mut stage, &media, silent_after_ms));
    media.receives = true;
    stage.set(&media);
    stage.event(|event| match event {
        MediaEvent::Silent { leg, .. } if *leg == media.leg => Some(()),
        _ => None,
    });
    // Held and taken back while it is silent, it has its time again.
    for receives in [false, true] {
        media.receives = receives;
        stage.set(&media);
    }
    stage.event(|event| match event {
        MediaEvent::Silent { leg, for_ms } if *leg == media.leg => {
            assert!(*for_ms >= silent_after_ms);
            Some(())
        }
        _ => None,
    });
}
