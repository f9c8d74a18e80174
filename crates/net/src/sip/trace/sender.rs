//! Copies of messages on their way to a Homer collector, off the call's path.
//!
//! A worker copies a message into a buffer that was used before and puts it in a bounded queue;
//! a thread removes its secrets, encodes and sends it. Where the queue is full, the message is not
//! told to the collector, and counted.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use model::{Mono, Transport, Wall};
use sip::Flow;

use super::{Direction, HepConfig, HepPacket, TraceConfig, encode};

/// Messages that may wait for the sender.
const QUEUE: usize = 8_192;
/// A buffer that grew beyond this is given back to the system.
const BUFFER_KEPT: usize = 8_192;

/// A copy on its way.
struct Copied {
    at: Mono,
    direction: Direction,
    transport: Transport,
    local: SocketAddr,
    remote: SocketAddr,
    bytes: Vec<u8>,
}

/// The workers' end.
#[derive(Clone)]
pub(crate) struct HepQueue {
    copies: Sender<Copied>,
    used: Receiver<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl HepQueue {
    pub(super) fn send(&self, at: Mono, direction: Direction, flow: &Flow, bytes: &[u8]) {
        let mut buffer = self.used.try_recv().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(bytes);
        let Flow { transport, local, remote, .. } = *flow;
        let copy = Copied { at, direction, transport, local, remote, bytes: buffer };
        if self.copies.try_send(copy).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The running sender. It ends when all queues to it are gone.
pub(crate) struct Hep {
    thread: JoinHandle<()>,
    dropped: Arc<AtomicU64>,
}

impl Hep {
    /// Starts the sender, if the configuration names a collector.
    ///
    /// # Errors
    /// There is no socket, or no thread.
    pub(crate) fn start(trace: &TraceConfig) -> io::Result<Option<(Self, HepQueue)>> {
        let Some(config) = trace.hep.clone() else { return Ok(None) };
        let any: SocketAddr = match config.collector {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        let (copies, waiting) = crossbeam_channel::bounded(QUEUE);
        let (give_back, used) = crossbeam_channel::bounded(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let run = {
            let (dropped, wall) = (Arc::clone(&dropped), trace.wall_at_zero);
            move || send_all(&socket, &config, wall, (&waiting, &give_back), &dropped)
        };
        let thread = std::thread::Builder::new().name("sip-hep".to_owned()).spawn(run)?;
        let queue = HepQueue { copies, used, dropped: Arc::clone(&dropped) };
        Ok(Some((Self { thread, dropped }, queue)))
    }

    /// Messages that the collector was not told of.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all that was queued has left; the workers have ended before.
    pub(crate) fn stop(self) {
        if self.thread.join().is_err() {
            tracing::error!("the sender to the HEP collector panicked");
        }
    }
}

fn send_all(
    socket: &UdpSocket,
    config: &HepConfig,
    wall_at_zero: Wall,
    (waiting, give_back): (&Receiver<Copied>, &Sender<Vec<u8>>),
    dropped: &AtomicU64,
) {
    let mut packet = Vec::new();
    for mut copy in waiting {
        sip::hide_secrets(&mut copy.bytes);
        let (source, destination) = match copy.direction {
            Direction::In => (copy.remote, copy.local),
            Direction::Out => (copy.local, copy.remote),
        };
        let seen = HepPacket {
            source,
            destination,
            transport: copy.transport,
            at: wall_at_zero.after(copy.at.since(Mono(0))),
            capture_id: config.capture_id,
            auth_key: config.auth_key.as_deref(),
            payload: &copy.bytes,
        };
        // Nobody there is an error of an earlier packet (ICMP); the next one may be taken.
        let sent = encode(&seen, &mut packet) && socket.send_to(&packet, config.collector).is_ok();
        if !sent {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
        if copy.bytes.capacity() <= BUFFER_KEPT {
            // Without room the buffer is simply freed.
            let _ = give_back.try_send(copy.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(places: usize) -> (HepQueue, Receiver<Copied>, Sender<Vec<u8>>) {
        let (copies, waiting) = crossbeam_channel::bounded(places);
        let (give_back, used) = crossbeam_channel::bounded(places);
        (HepQueue { copies, used, dropped: Arc::default() }, waiting, give_back)
    }

    fn flow() -> Flow {
        let addr = "127.0.0.1:5060".parse().unwrap();
        Flow { transport: Transport::Udp, local: addr, remote: addr, connection: 0, listener: 0 }
    }

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        let (queue, waiting, _give_back) = queue(2);
        for number in 0..5 {
            queue.send(Mono(number), Direction::In, &flow(), b"BYE");
        }
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 3);
        let kept: Vec<u64> = waiting.try_iter().map(|copy| copy.at.0).collect();
        assert_eq!(kept, [0, 1], "the first come, the first told");
    }

    #[test]
    fn a_buffer_that_was_used_is_used_again() {
        let (queue, waiting, give_back) = queue(2);
        let buffer = Vec::with_capacity(4_000);
        let place = buffer.as_ptr();
        give_back.send(buffer).unwrap();
        queue.send(Mono(1), Direction::Out, &flow(), b"BYE");
        let copy = waiting.recv().unwrap();
        assert_eq!((copy.bytes.as_ptr(), &copy.bytes[..]), (place, &b"BYE"[..]));
    }

    #[test]
    fn a_collector_that_is_not_there_costs_counts_alone() {
        let config = HepConfig {
            // Nobody listens on the discard port of this address.
            collector: "127.0.0.1:9".parse().unwrap(),
            capture_id: 1,
            auth_key: None,
        };
        let trace = TraceConfig { hep: Some(config), ..TraceConfig::default() };
        let (hep, queue) = Hep::start(&trace).unwrap().unwrap();
        for number in 0..20 {
            queue.send(Mono(number), Direction::In, &flow(), &[b'x'; 65_500]);
        }
        let dropped = Arc::clone(&hep.dropped);
        drop(queue);
        hep.stop();
        assert_eq!(dropped.load(Ordering::Relaxed), 20, "too long for a datagram, each");
        assert!(Hep::start(&TraceConfig::default()).unwrap().is_none());
    }
}
