//! Opening and closing legs: ports, ids, threads.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::Arc;

use media::{Codec, MediaCommand, MediaEvent, Prompts};
use model::{CallId, Id, LegId};
use net::media::{Config, MediaWorkers};

use crate::stage::Stage;

fn leg(counter: u32) -> LegId {
    LegId(Id::new(1, 1, counter))
}

#[test]
fn ports_are_even_and_come_back_last() {
    let stage = Stage::with(41, Prompts::default(), |config| config.port_range = 24_000..=24_007);
    let ports: Vec<u16> =
        (0..4).map(|n| stage.workers.open(stage.call, leg(n)).unwrap().port()).collect();
    assert_eq!(ports, [24_000, 24_002, 24_004, 24_006]);
    assert_eq!(stage.workers.open(stage.call, leg(9)).unwrap_err().kind(), ErrorKind::AddrInUse);
    for n in [2, 0] {
        stage.workers.send(MediaCommand::Close { leg: leg(n) }).unwrap();
        stage.event(|event| matches!(event, MediaEvent::Closed { .. }).then_some(()));
    }
    assert_eq!(stage.workers.free_ports(), 2);
    assert_eq!(stage.workers.open(stage.call, leg(10)).unwrap().port(), 24_004);
    // A closed leg's port is really closed.
    let engine = stage.workers.open(stage.call, leg(11)).unwrap();
    assert_eq!(engine.port(), 24_000);
    stage.workers.send(MediaCommand::Close { leg: leg(11) }).unwrap();
    stage.event(|event| matches!(event, MediaEvent::Closed { .. }).then_some(()));
    assert!(UdpSocket::bind(engine).is_ok());
}

#[test]
fn a_leg_is_opened_once() {
    let stage = Stage::new(42);
    stage.workers.open(stage.call, leg(1)).unwrap();
    let again = stage.workers.open(stage.call, leg(1)).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
}

#[test]
fn calls_are_spread_over_the_workers_and_all_end_in_order() {
    let (sender, events) = crossbeam_channel::unbounded();
    let config = Config {
        ip: "127.88.0.43".parse().unwrap(),
        workers: 3,
        recorders: 2,
        ..Config::default()
    };
    let workers = MediaWorkers::start(config, Arc::default(), sender).unwrap();
    for n in 0..30 {
        workers.open(CallId(Id::new(1, 1, n)), leg(n)).unwrap();
    }
    workers.send(MediaCommand::Close { leg: leg(17) }).unwrap();
    workers.stop();
    let closed: Vec<MediaEvent> = events.iter().collect();
    assert_eq!(closed.len(), 30, "every leg is told closed, once, and the channel has ended");
}

#[test]
fn thousands_of_calls_leave_nothing_behind() {
    let mut stage = Stage::with(44, Prompts::default(), |config| {
        config.port_range = 25_000..=25_199;
    });
    for _ in 0..50 {
        let bridges: Vec<_> = (0..40).map(|_| stage.bridge(Codec::Pcma, Codec::Pcma)).collect();
        stage.settle();
        for [(a, mut phone_a), (b, phone_b)] in bridges {
            phone_a.send(&[1; 160]);
            assert_eq!(phone_b.hear().payload, [1; 160]);
            for leg in [a.leg, b.leg] {
                stage.workers.send(MediaCommand::Close { leg }).unwrap();
            }
        }
        assert_eq!(stage.settle().len(), 80);
    }
    let counters = stage.workers.counters();
    assert_eq!(stage.workers.free_ports(), 100);
    // Beside the 4,000 legs of calls there are two of the stage a round, by which it settles.
    assert_eq!((counters.legs_opened, counters.legs_closed), (4_100, 4_100));
    assert_eq!((counters.packets_received, counters.packets_sent), (2_000, 2_000));
    assert_eq!((counters.commands_unknown, counters.events_dropped), (0, 0));
}
