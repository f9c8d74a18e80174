//! What one bridged call costs: `cargo run --release -p net --example bridge_cost -- [CALLS]
//! [SECONDS] [bridge|record|play]`.
//!
//! One media worker on the first core, phones on the second, packets evenly spaced, beside the bare
//! kernel loop (one `sendto` and one `recvfrom` a packet) of the same run on the same core. Prints
//! CPU milliseconds a call and second: the process's less the phones'.

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use media::{Codec, LegMedia, MediaCommand, Play, Prompts, Source, tone};
use model::{CallId, IdSource, LegId, Mono, PlayId, RecordingId};
use net::media::{Config, MediaWorkers};
use rtp::Header;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PACKET: usize = 172;
const FRAME: Duration = Duration::from_millis(20);
const ENGINE: Ipv4Addr = Ipv4Addr::new(127, 90, 0, 1);
const PHONES: Ipv4Addr = Ipv4Addr::new(127, 90, 0, 2);

/// What each call does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Bridge,
    Record,
    Play,
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let calls: usize = args.next().map_or(Ok(100), |calls| calls.parse())?;
    let seconds: u64 = args.next().map_or(Ok(10), |seconds| seconds.parse())?;
    let work = match args.next().as_deref() {
        None | Some("bridge") => Work::Bridge,
        Some("record") => Work::Record,
        Some("play") => Work::Play,
        Some(other) => return Err(format!("'{other}' is not bridge, record or play").into()),
    };
    pin(0)?;
    let loop_before = kernel_loop()?;
    let engine = Engine::start(calls, work)?;
    let (cpu, phones) = engine.load(Duration::from_secs(seconds))?;
    let loop_after = kernel_loop()?;

    let call_seconds = (calls as u64 * seconds) as f64;
    let cost = cpu.as_secs_f64() * 1_000.0 / call_seconds;
    let packet_us = (loop_before + loop_after) / 2.0;
    let packets = if work == Work::Play { 50.0 } else { 100.0 };
    let bare = packet_us * packets / 1_000.0;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{calls} calls, {seconds} s: {cost:.3} ms a call-second; the loop {bare:.3} \
         ({packet_us:.2} us a packet): {:.2} x; {} sent, {} heard, {} lost",
        cost / bare,
        phones.sent,
        phones.heard,
        if work == Work::Play { 0 } else { phones.sent.saturating_sub(phones.heard) },
    )?;
    writeln!(out, "{:?}", engine.workers.counters())?;
    engine.workers.stop();
    Ok(())
}

fn pin(core: usize) -> Outcome<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Microseconds of CPU that one packet costs when nothing else is done: 200 sockets.
fn kernel_loop() -> Outcome<f64> {
    let sockets: Vec<(UdpSocket, SocketAddr)> = (0..200)
        .map(|_| {
            let socket = UdpSocket::bind((PHONES, 0))?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        })
        .collect::<std::io::Result<_>>()?;
    let mut buffer = [0; 2_000];
    let rounds = 500;
    let began = cpu(ClockId::ThreadCPUTime);
    for _ in 0..rounds {
        for at in (0..sockets.len()).step_by(2) {
            sockets[at].0.send_to(&[7; PACKET], sockets[at + 1].1)?;
        }
        for at in (0..sockets.len()).step_by(2) {
            sockets[at + 1].0.recv_from(&mut buffer)?;
        }
    }
    let packets = (rounds * sockets.len() / 2) as f64;
    Ok((cpu(ClockId::ThreadCPUTime) - began).as_secs_f64() * 1e6 / packets)
}

/// One phone of a call.
struct Phone {
    socket: UdpSocket,
    engine: SocketAddr,
    header: Header,
}

#[derive(Default)]
struct Heard {
    sent: u64,
    heard: u64,
}

struct Engine {
    workers: MediaWorkers,
    phones: Vec<Phone>,
    work: Work,
    _recordings: tempfile::TempDir,
}

impl Engine {
    fn start(calls: usize, work: Work) -> Outcome<Self> {
        let recordings = tempfile::tempdir()?;
        let (events, _told) = crossbeam_channel::unbounded();
        let origin = Instant::now();
        let config = Config {
            ip: IpAddr::V4(ENGINE),
            port_range: 10_000..=29_999,
            recordings: net::recorder::Settings {
                dir: recordings.path().to_owned(),
                ..net::recorder::Settings::default()
            },
            origin,
            ..Config::default()
        };
        let music = Prompts::from_samples([("music".into(), tone::voice(1, 9_000, 80_000))])?;
        let workers = MediaWorkers::start(config, Arc::new(music), events)?;
        let mut ids = IdSource::new(1, 1);
        let mut phones = Vec::new();
        for _ in 0..calls {
            let call = CallId(ids.mint());
            let legs = [LegId(ids.mint()), LegId(ids.mint())];
            let legs = if work == Work::Play { &legs[..1] } else { &legs[..] };
            for leg in legs {
                let engine = workers.open(call, *leg)?;
                let socket = UdpSocket::bind((PHONES, 0))?;
                socket.set_nonblocking(true)?;
                let header = Header { payload_type: 8, ssrc: leg.0.counter(), ..Header::default() };
                let (id, prompts) = (PlayId(ids.mint()), vec!["music".into()]);
                let play = Play { id, prompts, repeat: true };
                let other = legs.iter().find(|other| *other != leg);
                let media = LegMedia {
                    call,
                    leg: *leg,
                    remote: socket.local_addr()?,
                    codec: Codec::Pcma,
                    payload_type: 8,
                    packet_ms: 20,
                    max_packet_ms: None,
                    digits_payload_type: Some(101),
                    digits_clock_rate: 8_000,
                    opus: media::OpusWishes::default(),
                    noise_payload_type: None,
                    rtcp: None,
                    hears: other.map_or(Source::Play(play), |other| Source::Leg(*other)),
                    sends: true,
                    receives: true,
                    secured: None,
                    browser: None,
                };
                patiently(&workers, MediaCommand::Set(media));
                phones.push(Phone { socket, engine, header });
            }
            if work == Work::Record {
                let recording = RecordingId(ids.mint());
                let path = format!("{recording}.tape");
                let at = Mono(origin.elapsed().as_nanos() as u64);
                let (caller, agent) = (legs[0], legs[1]);
                let start = MediaCommand::StartRecording {
                    call,
                    recording,
                    caller,
                    agent: Some(agent),
                    path,
                    at,
                    quiet_ms: None,
                };
                patiently(&workers, start);
            }
        }
        Ok(Self { workers, phones, work, _recordings: recordings })
    }

    /// Lets the phones talk; the engine's CPU in that time, and what the phones saw.
    fn load(&self, time: Duration) -> Outcome<(Duration, Heard)> {
        thread::scope(|scope| {
            let phones = scope.spawn(|| -> Outcome<(Duration, Heard)> {
                pin(1)?;
                let mut headers: Vec<Header> =
                    self.phones.iter().map(|phone| phone.header).collect();
                self.talk(Duration::from_secs(1), &mut headers)?;
                let (all, own) = (ClockId::ProcessCPUTime, ClockId::ThreadCPUTime);
                let began = (cpu(all), cpu(own));
                let heard = self.talk(time, &mut headers)?;
                let phones = cpu(own) - began.1;
                let engine = cpu(all) - began.0 - phones;
                Ok((engine, heard))
            });
            phones.join().map_err(|_| "the phones' thread panicked")?
        })
    }

    /// Each phone sends every 20 ms at its own phase, and takes what has come to it.
    fn talk(&self, time: Duration, headers: &mut [Header]) -> Outcome<Heard> {
        let mut heard = Heard::default();
        let mut packet = [0xd5; PACKET];
        let mut buffer = [0; 2_000];
        let step = FRAME / self.phones.len() as u32;
        let began = Instant::now();
        let mut due = began;
        'talk: loop {
            for (phone, header) in self.phones.iter().zip(&mut *headers) {
                if due - began >= time {
                    break 'talk;
                }
                while Instant::now() < due {
                    std::hint::spin_loop();
                }
                if self.work != Work::Play {
                    header.write(&[0x55; 160], &mut packet).map_err(|_| "no room")?;
                    phone.socket.send_to(&packet, phone.engine)?;
                    header.sequence = header.sequence.wrapping_add(1);
                    header.timestamp = header.timestamp.wrapping_add(160);
                    heard.sent += 1;
                }
                while phone.socket.recv_from(&mut buffer).is_ok() {
                    heard.heard += 1;
                }
                due += step;
            }
        }
        Ok(heard)
    }
}

/// Sends a command, again while the worker's queue is full.
fn patiently(workers: &MediaWorkers, mut command: MediaCommand) {
    while let Err(busy) = workers.send(command) {
        thread::yield_now();
        command = *busy.0;
    }
}
