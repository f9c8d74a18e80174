//! The table: where transactions live, how they are found, and how their wishes are done.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use model::{Found, Mono};

use super::effect::{Effect, Effects};
use super::invite_client::InviteClient;
use super::invite_server::InviteServer;
use super::key::{Key, Keys};
use super::large::Large;
use super::late::Late;
use super::other_client::OtherClient;
use super::other_server::OtherServer;
use super::timer::{Due, Timer, Timers};
use super::{MAX_TRANSACTIONS, TransactionCounts, TransactionsConfig, TxOutput};
use crate::{ClientTx, Flow, Message, ServerTx, ToBrain};

/// Disarmed timers are thrown away when they outnumber the transactions by so much.
const TIMERS_PER_TRANSACTION: usize = 8;

/// All transactions of one worker.
#[derive(Debug)]
pub struct Transactions {
    pub(super) config: TransactionsConfig,
    pub(super) keys: Keys,
    pub(super) overloaded: bool,
    pub(super) counts: TransactionCounts,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Server transactions by what RFC 3261 §17.2.3 names.
    pub(super) servers: Found<Key, u32>,
    /// Accepted INVITEs by what their ACK will name.
    pub(super) acks: Found<Key, u32>,
    /// Requests outside of dialogs by what a copy of them would have in common.
    pub(super) merged: Found<Key, u32>,
    /// How many server transactions each address has.
    sources: BTreeMap<IpAddr, u32>,
    pub(super) clients: Found<u64, u32>,
    pub(super) cancels: Found<u64, u32>,
    /// Client transactions over connections, by where they went.
    streams: BTreeSet<(SocketAddr, u32)>,
    /// Those that are too long for datagrams.
    pub(super) large: Large,
    /// Answers that came when their transactions were over.
    pub(super) late: Late,
    timers: Timers,
    outputs: VecDeque<TxOutput>,
    /// Empty between turns: kept for its room.
    effects: Effects,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    entry: Option<Entry>,
}

/// One transaction and what leads to it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where its messages go.
    flow: Flow,
    /// A bit for each timer that shall fire.
    armed: u32,
    pub(super) machine: Machine,
    pub(super) index: Index,
}

#[derive(Debug)]
pub(super) enum Machine {
    InviteServer(InviteServer),
    OtherServer(OtherServer),
    InviteClient(InviteClient),
    OtherClient(OtherClient),
}

/// By what a transaction is found, to be taken out again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Index {
    Server { key: Key, ack: Option<Key>, merged: Option<Key> },
    Client { tx: ClientTx },
    Cancel { tx: ClientTx },
}

impl Transactions {
    /// An empty table.
    pub fn new(config: TransactionsConfig) -> Self {
        Self {
            keys: Keys::new(&config.secret),
            config,
            overloaded: false,
            counts: TransactionCounts::default(),
            slots: Vec::new(),
            free: Vec::new(),
            servers: Found::default(),
            acks: Found::default(),
            merged: Found::default(),
            sources: BTreeMap::new(),
            clients: Found::default(),
            cancels: Found::default(),
            streams: BTreeSet::new(),
            large: Large::default(),
            late: Late::default(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            effects: Vec::new(),
        }
    }

    /// While set, requests outside of dialogs get 503 with Retry-After, but for REGISTER.
    pub fn set_overloaded(&mut self, overloaded: bool) {
        self.overloaded = overloaded;
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the table did by itself.
    pub const fn counts(&self) -> TransactionCounts {
        self.counts
    }

    /// Fires the timers that are due.
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some(due) = self.timers.pop_due(now) {
            if let Some(entry) = self.armed(&due) {
                entry.armed &= !due.timer.bit();
                self.run(due.slot, now, |machine, out| match machine {
                    Machine::InviteServer(machine) => machine.handle_timer(due.timer, out),
                    Machine::OtherServer(machine) => machine.handle_timer(due.timer, out),
                    Machine::InviteClient(machine) => machine.handle_timer(due.timer, out),
                    Machine::OtherClient(machine) => machine.handle_timer(due.timer, out),
                });
            }
        }
        let slots = &self.slots;
        self.timers.skip(|due| !is_armed(slots, due));
    }

    /// When [`Transactions::handle_timeout`] is to be called next, and for which timer.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.timers.first().map(|due| (due.at, due.timer.as_str()))
    }

    /// The next thing to do. Drain until `None`.
    pub fn poll_output(&mut self) -> Option<TxOutput> {
        self.outputs.pop_front()
    }

    #[cfg(test)]
    pub(super) fn timers_waiting(&self) -> usize {
        self.timers.len()
    }

    pub(super) fn report(&mut self, report: ToBrain) {
        self.outputs.push_back(TxOutput::ToBrain(report));
    }

    pub(super) fn transmit(&mut self, flow: Flow, message: Message) {
        self.outputs.push_back(TxOutput::Transmit { flow, message });
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.config.limit.min(MAX_TRANSACTIONS)
    }

    /// Nine tenths are taken.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.len() >= self.config.limit.min(MAX_TRANSACTIONS) / 10 * 9
    }

    /// One source has three quarters of all that there may be: the rest is for others.
    pub(super) fn has_its_share(&self, source: IpAddr) -> bool {
        let share = self.config.limit.min(MAX_TRANSACTIONS) / 4 * 3;
        self.sources.get(&source).is_some_and(|count| *count as usize >= share)
    }

    fn leave_source(&mut self, source: IpAddr) {
        if let Some(count) = self.sources.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&source);
            }
        }
    }

    /// Opens a transaction. `start` gets its number and makes its machine.
    pub(super) fn open(
        &mut self,
        flow: Flow,
        index: Index,
        now: Mono,
        start: impl FnOnce(ServerTx, &mut Effects) -> Machine,
    ) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let mut effects = std::mem::take(&mut self.effects);
        let machine = start(number(self.config.worker, slot, place.generation), &mut effects);
        place.entry = Some(Entry { flow, armed: 0, machine, index });
        match index {
            Index::Server { key, ack: _, merged } => {
                self.servers.insert(key, slot);
                *self.sources.entry(flow.remote.ip()).or_default() += 1;
                self.merged.extend(merged.map(|merged| (merged, slot)));
            }
            Index::Client { tx } => {
                self.clients.insert(tx.0, slot);
                if flow.transport.is_reliable() {
                    self.streams.insert((flow.remote, slot));
                }
            }
            Index::Cancel { tx } => {
                self.cancels.insert(tx.0, slot);
            }
        }
        self.perform(slot, effects, now);
    }

    /// Lets a machine take its turn.
    pub(super) fn run(
        &mut self,
        slot: u32,
        now: Mono,
        turn: impl FnOnce(&mut Machine, &mut Effects),
    ) {
        let mut effects = std::mem::take(&mut self.effects);
        if let Some(entry) = self.entry(slot) {
            turn(&mut entry.machine, &mut effects);
        }
        self.perform(slot, effects, now);
    }

    fn perform(&mut self, slot: u32, mut effects: Effects, now: Mono) {
        for effect in effects.drain(..) {
            let Some(place) = self.slots.get_mut(slot as usize) else {
                continue;
            };
            let generation = place.generation;
            let Some(entry) = place.entry.as_mut() else {
                continue;
            };
            match effect {
                Effect::Send(message) => {
                    let flow = entry.flow;
                    self.outputs.push_back(TxOutput::Transmit { flow, message });
                }
                Effect::SendTo(message, flow) => {
                    self.outputs.push_back(TxOutput::Transmit { flow, message });
                }
                Effect::Report(report) => self.outputs.push_back(TxOutput::ToBrain(report)),
                Effect::Arm(timer, after) => {
                    entry.armed |= timer.bit();
                    self.arm(timer, after, slot, generation, now);
                }
                Effect::Disarm(timer) => entry.armed &= !timer.bit(),
                Effect::Cancel(cancel) => {
                    let (flow, index) = (entry.flow, entry.index);
                    self.open_cancel(cancel, flow, index, now);
                }
                Effect::End => self.close(slot),
            }
        }
        self.effects = effects;
    }

    /// The CANCEL has a transaction of its own (RFC 3261 §9.1), whose outcome nobody waits for.
    fn open_cancel(&mut self, cancel: Message, flow: Flow, index: Index, now: Mono) {
        let Index::Client { tx } = index else {
            return;
        };
        if self.is_full() {
            self.transmit(flow, cancel);
            return;
        }
        let reliable = flow.transport.is_reliable();
        self.open(flow, Index::Cancel { tx }, now, |_, out| {
            Machine::OtherClient(OtherClient::new(None, cancel, reliable, out))
        });
    }

    fn arm(&mut self, timer: Timer, after: Duration, slot: u32, generation: u32, now: Mono) {
        self.timers.arm(after, Due { at: now + after, slot, generation, timer });
        if self.timers.len() > TIMERS_PER_TRANSACTION * (self.len() + 1_024) {
            let slots = &self.slots;
            self.timers.retain(|due| is_armed(slots, due));
        }
    }

    fn armed(&mut self, due: &Due) -> Option<&mut Entry> {
        match is_armed(&self.slots, due) {
            true => self.entry(due.slot),
            false => None,
        }
    }

    pub(super) fn close(&mut self, slot: u32) {
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let Some(entry) = place.entry.take() else {
            return;
        };
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot);
        match entry.index {
            Index::Server { key, ack, merged } => {
                self.servers.remove(&key);
                self.leave_source(entry.flow.remote.ip());
                ack.map(|ack| self.acks.remove(&ack));
                merged.map(|merged| self.merged.remove(&merged));
            }
            Index::Client { tx } => {
                self.clients.remove(&tx.0);
                self.large.forget(tx);
                self.streams.remove(&(entry.flow.remote, slot));
            }
            Index::Cancel { tx } => {
                self.cancels.remove(&tx.0);
            }
        }
    }

    pub(super) fn entry(&mut self, slot: u32) -> Option<&mut Entry> {
        self.slots.get_mut(slot as usize)?.entry.as_mut()
    }

    /// Where a server transaction lives, if it still does.
    pub(super) fn slot_of(&self, tx: ServerTx) -> Option<u32> {
        let slot = (tx.0 & 0x00ff_ffff) as u32;
        let place = self.slots.get(slot as usize)?;
        let is_it = number(self.config.worker, slot, place.generation) == tx;
        (is_it && place.entry.is_some()).then_some(slot)
    }

    /// Remembers what the ACK for the 2xx of an INVITE will name.
    pub(super) fn expect_ack(&mut self, slot: u32, wanted: Key) {
        if let Some(entry) = self.entry(slot)
            && let Index::Server { ack: ack @ None, .. } = &mut entry.index
        {
            *ack = Some(wanted);
            self.acks.insert(wanted, slot);
        }
    }

    /// The client transactions that went over a connection that is gone, or could not be opened:
    /// by the same listener to the same peer.
    pub(super) fn clients_over(&self, flow: Flow) -> Vec<u32> {
        let range = (flow.remote, 0)..=(flow.remote, u32::MAX);
        let same = |slot: &u32| {
            let entry = self.slots.get(*slot as usize).and_then(|slot| slot.entry.as_ref());
            entry.is_some_and(|entry| {
                let own = entry.flow.connection;
                entry.flow.listener == flow.listener
                    && entry.flow.transport == flow.transport
                    && (own == flow.connection || own == 0 || flow.connection == 0)
            })
        };
        self.streams.range(range).map(|(_, slot)| *slot).filter(same).collect()
    }
}

fn is_armed(slots: &[Slot], due: &Due) -> bool {
    slots.get(due.slot as usize).is_some_and(|slot| {
        let armed = slot.entry.as_ref().map_or(0, |entry| entry.armed);
        slot.generation == due.generation && armed & due.timer.bit() != 0
    })
}

/// 8 bits of worker, 32 of generation, 24 of slot.
fn number(worker: u8, slot: u32, generation: u32) -> ServerTx {
    ServerTx(u64::from(worker) << 56 | u64::from(generation) << 24 | u64::from(slot) & 0x00ff_ffff)
}
