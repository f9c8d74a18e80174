//! Requests of ours that are too long for a datagram go over a stream (RFC 3261 §18.1.1), and as a
//! datagram after all where the peer takes no stream.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use model::{Mono, Transport};

use super::table::{Index, Machine, Transactions};
use crate::{ClientTx, Flow, Message};

/// The longest request that is sent as a datagram where nobody knows what the path carries.
pub const MAX_DATAGRAM_REQUEST: usize = 1_300;
/// Room for our Via, which comes to each request.
const VIA_BYTES: usize = 100;
/// A peer that took no stream is sent datagrams for so long before it is tried again.
const REFUSED_FOR: Duration = Duration::from_secs(600);
/// The most such peers; one more is tried each time.
const REFUSING_MAX: usize = 1_024;

/// Which requests have moved, and who does not take them so.
#[derive(Debug, Default)]
pub(super) struct Large {
    /// For each listener the number and port of the stream's beside it.
    streams: Vec<Option<(u16, u16)>>,
    /// Requests over a stream as they were, without Via, and the flow that they were for. One a
    /// transaction.
    moved: BTreeMap<u64, (Message, Flow)>,
    /// Who takes no stream, and since when.
    refusing: BTreeMap<SocketAddr, Mono>,
}

impl Large {
    /// The stream that a request over `flow` takes instead.
    fn instead(&self, request: &Message, flow: Flow, now: Mono) -> Option<Flow> {
        let is_long = request.as_bytes().len() + VIA_BYTES > MAX_DATAGRAM_REQUEST;
        if !is_long || flow.transport != Transport::Udp || request.stays_on_flow() {
            return None;
        }
        let refused = self.refusing.get(&flow.remote);
        if refused.is_some_and(|since| now.since(*since) < REFUSED_FOR) {
            return None;
        }
        let (listener, port) = (*self.streams.get(usize::from(flow.listener))?)?;
        let local = SocketAddr::new(flow.local.ip(), port);
        Some(Flow { transport: Transport::Tcp, local, listener, connection: 0, ..flow })
    }

    fn note_refused(&mut self, remote: SocketAddr, now: Mono) {
        if self.refusing.len() >= REFUSING_MAX {
            self.refusing.retain(|_, since| now.since(*since) < REFUSED_FOR);
        }
        if self.refusing.len() < REFUSING_MAX {
            self.refusing.insert(remote, now);
        }
    }

    /// The transaction is over.
    pub(super) fn forget(&mut self, tx: ClientTx) {
        self.moved.remove(&tx.0);
    }
}

impl Transactions {
    /// Says for each listener which one, by number and port, takes its long requests over TCP: one
    /// on the same address. `None` where there is none, and for what is no UDP listener.
    pub fn set_streams(&mut self, streams: Vec<Option<(u16, u16)>>) {
        self.large.streams = streams;
    }

    /// The flow that a request takes.
    pub(super) fn way_of(
        &mut self,
        tx: ClientTx,
        request: &Message,
        flow: Flow,
        now: Mono,
    ) -> Flow {
        let Some(stream) = self.large.instead(request, flow, now) else { return flow };
        self.large.moved.insert(tx.0, (request.clone(), flow));
        stream
    }

    /// A stream could not be opened: a request that moved there and has no answer yet is sent as a
    /// datagram (RFC 3261 §18.1.1). Whether it was one.
    pub(super) fn move_back(&mut self, slot: u32, now: Mono) -> bool {
        let Some(entry) = self.entry(slot) else { return false };
        let Index::Client { tx } = entry.index else { return false };
        let cancelled = match &entry.machine {
            Machine::InviteClient(machine) if machine.is_unanswered() => machine.cancelled(),
            Machine::OtherClient(machine) if machine.is_unanswered() => None,
            Machine::InviteClient(_)
            | Machine::OtherClient(_)
            | Machine::InviteServer(_)
            | Machine::OtherServer(_) => return false,
        };
        let Some((request, flow)) = self.large.moved.remove(&tx.0) else { return false };
        self.large.note_refused(flow.remote, now);
        self.close(slot);
        self.begin(tx, &request, flow, now);
        if let Some(reason) = cancelled {
            self.cancel(tx, reason, now);
        }
        true
    }
}
