//! The media thread: wakes each millisecond, sends what is due, drains what has come.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, bail};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use media::{Codec, FRAME_MS, FRAME_SAMPLES, g711, tone};
use model::Mono;

use super::histogram::Histogram;
use super::line::{Delayed, Impairment, Line};
use super::stream::{Counts, PACKET_BYTES, Speech, Stream};
use super::{Clock, thread_cpu};

/// Legs that share a socket, told apart by where their media comes from: few enough that what
/// comes in a few milliseconds fits the socket's buffer.
const LEGS_A_SOCKET: usize = 32;
/// The first port; even ports above it are tried, so that RTCP's odd ones stay free (RFC 3550 §11).
const FIRST_PORT: u16 = 16_384;
/// The kernel's own range for ports begins above this.
const LAST_PORT: u16 = 32_766;
/// What the system is asked to hold for a socket, in bytes; it may give less.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;
/// The voice is spoken again after this.
const VOICE_SECONDS: usize = 10;
/// The wheel's slots: a leg sends in one of them, each time round.
const SLOTS: usize = FRAME_MS as usize;
const TICK_NANOS: u64 = 1_000_000;
/// Commands and events on their way.
const QUEUE: usize = 1 << 16;

/// What the media thread is told.
#[derive(Debug)]
pub(super) enum ToMedia {
    /// A leg's media begins.
    Open(Leg),
    /// It is over.
    Close {
        /// The leg's number.
        leg: u32,
    },
    /// No more of any: answer with [`Outcome`] and end.
    Finish,
}

/// A leg whose media begins.
#[derive(Debug)]
pub(super) struct Leg {
    /// A number that is used once.
    pub(super) leg: u32,
    /// Which of the sockets.
    pub(super) socket: usize,
    /// Where its media goes and comes from.
    pub(super) remote: SocketAddr,
    /// The payload type of voice.
    pub(super) payload_type: u8,
    /// The payload type of keys, if the other side knows them.
    pub(super) digits_payload_type: Option<u8>,
    /// The keys to press, and when.
    pub(super) keys: Option<(String, Mono)>,
}

/// A leg has pressed its last key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Released {
    /// Which leg.
    pub(super) leg: u32,
    /// When the key was let go.
    pub(super) at: Mono,
}

/// What all legs' media came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) counts: Counts,
    /// Packets that no leg expected.
    pub(super) strays: u64,
    /// How much later than due packets were sent: the generator's own ceiling.
    pub(super) lateness: Histogram,
    /// The thread's CPU time in nanoseconds.
    pub(super) cpu_nanos: u64,
}

/// The media thread, seen from outside.
#[derive(Debug)]
pub(super) struct MediaThread {
    commands: Sender<ToMedia>,
    released: Receiver<Released>,
    ports: Vec<SocketAddr>,
    thread: JoinHandle<Outcome>,
}

impl MediaThread {
    /// Opens sockets for `legs` at a time on `address` and starts the thread.
    ///
    /// # Errors
    /// The sockets cannot be opened.
    pub(super) fn start(
        address: IpAddr,
        legs: usize,
        codec: Codec,
        speaks: bool,
        hears: bool,
        impairment: Impairment,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let sockets = open_sockets(address, legs.div_ceil(LEGS_A_SOCKET).max(1))?;
        let ports: Vec<SocketAddr> =
            sockets.iter().map(UdpSocket::local_addr).collect::<Result<_, _>>()?;
        let (commands, for_thread) = crossbeam_channel::bounded(QUEUE);
        let (tell, released) = crossbeam_channel::bounded(QUEUE);
        let worker = Worker {
            sockets: sockets.into_iter().map(|socket| (socket, Vec::new())).collect(),
            streams: BTreeMap::new(),
            wheel: vec![Vec::new(); SLOTS],
            voice: voice(codec),
            speaks,
            hears,
            commands: for_thread,
            tell,
            clock,
            line: Line::new(impairment),
            outcome: Outcome {
                counts: Counts::new(),
                strays: 0,
                lateness: Histogram::new(),
                cpu_nanos: 0,
            },
        };
        let thread = std::thread::Builder::new().name("load-media".into());
        let thread = thread.spawn(move || worker.run()).context("the media thread")?;
        Ok(Self { commands, released, ports, thread })
    }

    /// Where media is received: a leg uses the one at its number modulo their count.
    pub(super) fn ports(&self) -> &[SocketAddr] {
        &self.ports
    }

    /// Tells the thread; waits where it is behind.
    pub(super) fn tell(&self, command: ToMedia) {
        // The thread ends only after `Finish`.
        let _ended = self.commands.send(command);
    }

    /// The next leg that has pressed its last key.
    pub(super) fn next_released(&self) -> Option<Released> {
        self.released.try_recv().ok()
    }

    /// Ends the thread.
    ///
    /// # Errors
    /// It panicked.
    pub(super) fn finish(self) -> anyhow::Result<Outcome> {
        self.tell(ToMedia::Finish);
        self.thread.join().map_err(|_| anyhow::anyhow!("the media thread panicked"))
    }
}

fn open_sockets(address: IpAddr, count: usize) -> anyhow::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::with_capacity(count);
    for port in (FIRST_PORT..=LAST_PORT).step_by(2) {
        if sockets.len() == count {
            break;
        }
        match UdpSocket::bind((address, port)) {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                // Beyond the system's limit only for who may; the limit will do for the others.
                let bytes = RECEIVE_BUFFER_BYTES;
                if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, bytes).is_err()
                {
                    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, bytes)?;
                }
                sockets.push(socket);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).with_context(|| format!("a socket on {address}")),
        }
    }
    if sockets.len() < count {
        bail!("{address} has only {} free even ports for media, {count} are needed", sockets.len());
    }
    Ok(sockets)
}

/// Something like speech, in whole frames.
fn voice(codec: Codec) -> Arc<[u8]> {
    let samples = tone::voice(95_512, 12_000, VOICE_SECONDS * media::SAMPLE_RATE as usize);
    let mut bytes = vec![g711::silence(codec); samples.len().next_multiple_of(FRAME_SAMPLES)];
    g711::encode(codec, &samples, &mut bytes);
    bytes.into()
}

/// A leg that is open.
#[derive(Debug)]
struct Open {
    stream: Stream,
    socket: usize,
    remote: SocketAddr,
    slot: usize,
}

struct Worker {
    /// Each with the legs that use it, by where their media comes from.
    sockets: Vec<(UdpSocket, Vec<(SocketAddr, u32)>)>,
    streams: BTreeMap<u32, Open>,
    /// The legs that send in each millisecond of a frame.
    wheel: Vec<Vec<u32>>,
    voice: Arc<[u8]>,
    speaks: bool,
    hears: bool,
    commands: Receiver<ToMedia>,
    tell: Sender<Released>,
    clock: Clock,
    line: Line,
    outcome: Outcome,
}

impl Worker {
    fn run(mut self) -> Outcome {
        let start = thread_cpu();
        let mut tick = self.clock.now().0 / TICK_NANOS;
        while self.take_commands() {
            let now = self.clock.now();
            while (tick + 1) * TICK_NANOS <= now.0 {
                tick += 1;
                self.send(tick);
            }
            if self.hears {
                self.receive();
            }
            let due = Duration::from_nanos((tick + 1) * TICK_NANOS);
            std::thread::sleep(due.saturating_sub(Duration::from_nanos(self.clock.now().0)));
        }
        for leg in std::mem::take(&mut self.streams).into_values() {
            leg.stream.add_to(&mut self.outcome.counts);
        }
        self.outcome.counts.dropped = self.line.dropped;
        self.outcome.cpu_nanos = thread_cpu() - start;
        self.outcome
    }

    /// Does what it is told; false when it is to end. With no leg open it waits for one.
    fn take_commands(&mut self) -> bool {
        loop {
            let command = if self.streams.is_empty() {
                match self.commands.recv_timeout(Duration::from_millis(FRAME_MS)) {
                    Ok(command) => command,
                    Err(RecvTimeoutError::Timeout) => return true,
                    Err(RecvTimeoutError::Disconnected) => return false,
                }
            } else {
                match self.commands.try_recv() {
                    Ok(command) => command,
                    Err(TryRecvError::Empty) => return true,
                    Err(TryRecvError::Disconnected) => return false,
                }
            };
            match command {
                ToMedia::Open(leg) => self.open(leg),
                ToMedia::Close { leg } => self.close(leg),
                ToMedia::Finish => return false,
            }
        }
    }

    fn open(&mut self, leg: Leg) {
        let mut stream = Stream::new(
            leg.leg,
            Speech {
                payload_type: leg.payload_type,
                digits_payload_type: leg.digits_payload_type,
                speaks: self.speaks,
                voice: self.voice.clone(),
            },
        );
        if let Some((keys, from)) = &leg.keys {
            stream.press(keys, *from);
        }
        // Spread by golden section, so that legs opened together do not send together.
        let slot = (leg.leg.wrapping_mul(0x9e37_79b9) >> 16) as usize % SLOTS;
        self.wheel[slot].push(leg.leg);
        self.sockets[leg.socket].1.push((leg.remote, leg.leg));
        let (socket, remote) = (leg.socket, leg.remote);
        self.streams.insert(leg.leg, Open { stream, socket, remote, slot });
    }

    fn close(&mut self, leg: u32) {
        let Some(open) = self.streams.remove(&leg) else { return };
        open.stream.add_to(&mut self.outcome.counts);
        self.wheel[open.slot].retain(|other| *other != leg);
        self.sockets[open.socket].1.retain(|(_, other)| *other != leg);
    }

    /// Sends for all legs of that tick's slot.
    fn send(&mut self, tick: u64) {
        let due = Mono(tick * TICK_NANOS);
        while let Some(Delayed { socket, to, packet }) = self.line.next_due(tick) {
            if self.sockets[socket].0.send_to(&packet, to).is_err() {
                self.outcome.counts.send_errors += 1;
            }
        }
        let mut packet = [0; PACKET_BYTES];
        for leg in &self.wheel[tick as usize % SLOTS] {
            let Some(open) = self.streams.get_mut(leg) else { continue };
            let now = self.clock.now();
            let length = open.stream.tick(now, &mut packet);
            if length > 0 {
                self.outcome.lateness.record(now.since(due));
                let bytes = &packet[..length];
                let (socket, to) = (open.socket, open.remote);
                let is_clean = self.line.is_clean();
                let late = || Delayed { socket, to, packet: bytes.to_vec() };
                // A clean line costs nothing.
                let goes = is_clean || self.line.take(tick, late()).is_some();
                if goes && self.sockets[socket].0.send_to(bytes, to).is_err() {
                    self.outcome.counts.send_errors += 1;
                }
            }
            if let Some(at) = open.stream.take_released() {
                // Bounded by the calls; a full queue only costs this one figure.
                let _full = self.tell.try_send(Released { leg: *leg, at });
            }
        }
    }

    /// Takes in everything that has come.
    fn receive(&mut self) {
        let mut buffer = [0; rtp::MAX_PACKET_BYTES];
        for (socket, legs) in &self.sockets {
            // An error is that of a packet sent before to a port that is closed by now, or that
            // nothing more has come: the next turn shows which.
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let leg = legs.iter().find(|(remote, _)| *remote == from).map(|(_, leg)| leg);
                match leg.and_then(|leg| self.streams.get_mut(leg)) {
                    Some(open) => {
                        let relay = &mut self.outcome.counts.relay;
                        open.stream.handle_packet(&buffer[..length], self.clock.now(), relay);
                    }
                    None => self.outcome.strays += 1,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two legs of one generator that send to each other, without any server between.
    #[test]
    fn two_legs_hear_each_other() {
        let clock = Clock::start();
        let (address, clean) = (IpAddr::from([127, 0, 0, 1]), Impairment::default());
        let media = MediaThread::start(address, 64, Codec::Pcmu, true, true, clean, clock)
            .expect("loopback has ports");
        let &[one, two] = media.ports() else { panic!("64 legs need two sockets") };
        for (leg, socket, remote) in [(0, 0, two), (1, 1, one)] {
            let keys = (leg == 0).then(|| ("5".to_owned(), clock.now()));
            let (payload_type, digits_payload_type) = (0, Some(101));
            let leg = Leg { leg, socket, remote, payload_type, digits_payload_type, keys };
            media.tell(ToMedia::Open(leg));
        }
        let deadline = clock.now() + Duration::from_secs(10);
        let released = loop {
            match media.next_released() {
                Some(released) => break released,
                None if clock.now() > deadline => panic!("no key was pressed"),
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(released.leg, 0);
        media.tell(ToMedia::Close { leg: 0 });
        let outcome = media.finish().expect("the thread ends");
        assert!(outcome.counts.sent > 8 && outcome.counts.received > 4, "{outcome:?}");
        assert_eq!((outcome.counts.lost, outcome.counts.send_errors), (0, 0));
        assert!(outcome.cpu_nanos > 0);
    }
}
