//! The way of packets through the engine: in order, whole after a burst, none of another leg's, and
//! counted where they get no further.

use std::net::UdpSocket;

use media::{Codec, MediaCommand, MediaEvent, Prompts};

use crate::stage::{Stage, assert_continuous};
use crate::steady::unhindered;

/// An engine with so many ports as it takes by itself, or with one pair.
fn engine(host: u8, port: Option<u16>) -> Stage {
    Stage::with(host, Prompts::default(), |config| {
        if let Some(port) = port {
            config.port_range = port..=port + 1;
        }
    })
}

#[test]
fn voices_go_both_ways_in_order() {
    unhindered(|| {
        let mut stage = engine(80, None);
        let [(a, mut phone_a), (_, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let (mut at_a, mut at_b) = (Vec::new(), Vec::new());
        for n in 0..100_u8 {
            phone_a.send(&[n; 160]);
            phone_b.send(&[n ^ 0xff; 160]);
            at_b.push(phone_b.hear());
            at_a.push(phone_a.hear());
        }
        assert_continuous(&at_a);
        assert_continuous(&at_b);
        assert!((0..100).all(|n| at_b[n].payload == [n as u8; 160]));
        assert!((0..100).all(|n| at_a[n].payload == [n as u8 ^ 0xff; 160]));
        stage.workers.send(MediaCommand::Close { leg: a.leg }).unwrap();
        let stats = stage.event(|event| match event {
            MediaEvent::Closed { stats, .. } => Some(*stats),
            _ => None,
        });
        assert_eq!((stats.packets_received, stats.packets_sent), (100, 100));
        assert_eq!((stats.bytes_sent, stats.send_errors), (17_200, 0));
    });
}

#[test]
fn a_burst_that_came_while_the_worker_slept_arrives_whole() {
    unhindered(|| {
        let mut stage = engine(82, None);
        let [(_, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcmu, Codec::Pcmu);
        for n in 0..150_u8 {
            phone_a.send(&[n; 160]);
        }
        let heard = phone_b.hear_many(150);
        assert_continuous(&heard);
        assert!(heard.iter().enumerate().all(|(n, heard)| heard.payload == [n as u8; 160]));
    });
}

#[test]
fn one_port_serves_leg_after_leg_though_packets_for_the_last_one_are_on_their_way() {
    let mut stage = engine(84, Some(24_100));
    for n in 0..200_u32 {
        let (media, mut phone) = stage.leg(Codec::Pcma);
        for _ in 0..3 {
            phone.send(&[n as u8; 160]);
        }
        stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
        phone.send(&[n as u8; 160]);
        stage.event(|event| match event {
            MediaEvent::Closed { leg, .. } if *leg == media.leg => Some(()),
            _ => None,
        });
        let port = phone.engine;
        assert!(UdpSocket::bind(port).is_ok(), "the port is closed when that is told");
    }
}

#[test]
fn a_flood_for_one_leg_delays_no_other() {
    unhindered(|| {
        let mut stage = engine(86, None);
        let (_, mut flooding) = stage.leg(Codec::Pcma);
        let [(_, mut phone_a), (_, phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
        let mut heard = Vec::new();
        for n in 0..40_u8 {
            for _ in 0..300 {
                flooding.send(&[n; 160]);
            }
            phone_a.send(&[n; 160]);
            heard.push(phone_b.hear());
        }
        assert_continuous(&heard);
        assert!((0..40).all(|n| heard[n].payload == [n as u8; 160]));
    });
}

#[test]
fn what_the_system_does_not_take_is_counted_and_harms_nothing() {
    let mut stage = engine(88, None);
    let [(mut a, mut phone_a), (mut b, mut phone_b)] = stage.bridge(Codec::Pcma, Codec::Pcma);
    let there = b.remote;
    // No system sends to port 0.
    b.remote.set_port(0);
    stage.set(&b);
    phone_a.send(&[1; 160]);
    phone_a.send(&[2; 160]);
    stage.settle();
    b.remote = there;
    stage.set(&b);
    stage.settle();
    phone_a.send(&[3; 160]);
    assert_eq!(phone_b.hear().payload, [3; 160]);
    phone_b.send(&[4; 160]);
    assert_eq!(phone_a.hear().payload, [4; 160]);
    a.sends = false;
    stage.set(&a);
    stage.settle();
    stage.workers.send(MediaCommand::Close { leg: b.leg }).unwrap();
    let stats = stage.event(|event| match event {
        MediaEvent::Closed { leg, stats, .. } if *leg == b.leg => Some(*stats),
        _ => None,
    });
    assert_eq!((stats.packets_sent, stats.send_errors, stats.bytes_sent), (1, 2, 172));
    let counters = stage.workers.counters();
    assert_eq!((counters.packets_sent, counters.send_errors), (2, 2));
}
