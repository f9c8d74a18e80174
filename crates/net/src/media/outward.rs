//! The way out of a worker: its legs' packets, each at once or in batches, and what is counted.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::counters::Counters;
use super::flow::Outflow;
use super::legs::Legs;

/// The way out, and what is counted.
#[derive(Debug, Default)]
pub(crate) struct Outward {
    pub(crate) counted: Counters,
    /// `None` where each packet is a system call.
    pub(super) flow: Option<Outflow>,
}

impl Outward {
    /// Sends a packet of the leg with that key, now or with the next [`Outward::flush`].
    pub(super) fn send(
        &mut self,
        key: u64,
        socket: &UdpSocket,
        packet: &[u8],
        to: SocketAddr,
    ) -> io::Result<usize> {
        match &mut self.flow {
            Some(flow) if flow.send(key, socket, packet, to) => Ok(packet.len()),
            Some(_) | None => socket.send_to(packet, to),
        }
    }

    /// All that waits leaves. What the system does not take was not sent after all.
    pub(super) fn flush(&mut self, legs: &mut Legs) {
        let Some(flow) = &mut self.flow else { return };
        flow.flush();
        for key in flow.take_failed() {
            self.counted.packets_sent = self.counted.packets_sent.saturating_sub(1);
            self.counted.send_errors += 1;
            if let Some((_, leg)) = legs.find(key) {
                leg.stats.packets_sent = leg.stats.packets_sent.saturating_sub(1);
                leg.stats.send_errors += 1;
            }
        }
    }
}
