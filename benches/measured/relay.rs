//! The least relay that could be: a thread that does nothing but wait for a packet, receive it and
//! send it on. What a bridged call costs stands beside it.
//!
//! One call is two legs, each a socket of the relay and a phone; each phone sends a packet of 20 ms
//! of G.711 at its own phase, so that they are evenly spaced. The relay is on the engine's core,
//! the phones are on the generator's.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::event::epoll;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::lab::Lab;

/// An RTP packet of 20 ms of G.711.
const PACKET_BYTES: usize = 172;
/// Packets a leg sends in a second.
const PACKETS_A_SECOND: u64 = 50;
/// How many events the relay takes at a time.
const EVENTS: usize = 128;
/// Seconds before it is measured.
const WARM_UP_S: u64 = 2;
/// The phones are done when nothing comes for so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// So much of what is sent has to pass: where the phones are at their ceiling some is lost.
const PASSED_MIN: f64 = 0.85;

/// What the relay took.
pub(crate) struct Cost {
    /// Milliseconds of CPU for a call-second: for a hundred packets.
    pub(crate) ms_a_call_second: f64,
    /// The share of the packets that did not arrive.
    pub(crate) lost: f64,
}

/// Measures the relay with so many calls.
pub(crate) fn cost(lab: &Lab, calls: u32) -> anyhow::Result<Cost> {
    let legs = calls as usize * 2;
    allow_files(legs as u64 * 2 + 100)?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let open = || UdpSocket::bind(any).context("a socket on loopback");
    let inside: Vec<UdpSocket> = (0..legs).map(|_| open()).collect::<Result<_, _>>()?;
    let phones: Vec<UdpSocket> = (0..legs).map(|_| open()).collect::<Result<_, _>>()?;
    let mut ways = Vec::with_capacity(legs);
    for (leg, socket) in inside.iter().enumerate() {
        socket.set_nonblocking(true)?;
        // Out of the other leg's socket to the other leg's phone.
        ways.push((leg ^ 1, phones[leg ^ 1].local_addr()?));
        phones[leg].connect(socket.local_addr()?)?;
        phones[leg].set_nonblocking(true)?;
    }
    let seconds = u64::from(lab.seconds(10));
    let a_second = legs as u64 * PACKETS_A_SECOND;
    let sent = a_second * (WARM_UP_S + seconds);
    let (warm, last) = (a_second * WARM_UP_S, (sent as f64 * PASSED_MIN) as u64);
    let on_first = lab.first_core();
    let relay = std::thread::spawn(move || -> anyhow::Result<u64> {
        if let Some(cores) = on_first {
            rustix::thread::sched_setaffinity(None, &cores)?;
        }
        relay(&inside, &ways, (warm, last))
    });
    lab.stay_on_second_core()?;
    let heard = talk(&phones, sent / legs as u64)?;
    let nanos = relay.join().ok().context("the relay ended")??;
    let call_seconds = (last - warm) as f64 / (2 * PACKETS_A_SECOND) as f64;
    Ok(Cost {
        ms_a_call_second: nanos as f64 / 1e6 / call_seconds,
        lost: 1.0 - heard as f64 / sent as f64,
    })
}

/// Sends on what comes; the CPU time between the two counts of packets, in nanoseconds.
fn relay(
    sockets: &[UdpSocket],
    ways: &[(usize, SocketAddr)],
    (warm, last): (u64, u64),
) -> anyhow::Result<u64> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (leg, socket) in sockets.iter().enumerate() {
        let data = epoll::EventData::new_u64(leg as u64);
        epoll::add(&poll, socket, data, epoll::EventFlags::IN)?;
    }
    let mut events = Vec::with_capacity(EVENTS);
    let (mut buffer, mut passed, mut begun, mut ended) = ([0; 1500], 0_u64, 0, 0);
    let patience = rustix::time::Timespec::try_from(PATIENCE)?;
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&patience))?;
        if events.is_empty() {
            ensure!(passed >= last, "only {passed} packets came, {last} are to be measured");
            return Ok(ended - begun);
        }
        for event in &events {
            let leg = event.data.u64() as usize;
            let Ok((bytes, _from)) = sockets[leg].recv_from(&mut buffer) else { continue };
            let (out, to) = ways[leg];
            sockets[out].send_to(&buffer[..bytes], to)?;
            passed += 1;
            if passed == warm {
                begun = cpu_nanos();
            } else if passed == last {
                ended = cpu_nanos();
            }
        }
    }
}

/// Lets every phone send so many packets, each at its own phase; how many arrived.
fn talk(phones: &[UdpSocket], packets: u64) -> anyhow::Result<u64> {
    let (packet, mut buffer) = ([0xd5; PACKET_BYTES], [0; 1500]);
    let gap = Duration::from_secs(1) / (PACKETS_A_SECOND as u32 * phones.len() as u32);
    let (begun, mut due, mut heard) = (Instant::now(), Duration::ZERO, 0);
    for _ in 0..packets {
        for phone in phones {
            while begun.elapsed() < due {
                std::hint::spin_loop();
            }
            due += gap;
            // Before it is told otherwise, the other side may not be there.
            let _sent = phone.send(&packet);
            while phone.recv(&mut buffer).is_ok() {
                heard += 1;
            }
        }
    }
    let until = Instant::now() + Duration::from_millis(200);
    while Instant::now() < until {
        heard += phones.iter().filter(|phone| phone.recv(&mut buffer).is_ok()).count() as u64;
    }
    Ok(heard)
}

fn cpu_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Lets this process have so many files open.
fn allow_files(wanted: u64) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit).with_context(|| format!("{wanted} open files"))?;
    }
    Ok(())
}
