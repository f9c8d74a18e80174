//! What leaves a worker: messages on their ways, and events to the brain.

use std::io;
use std::sync::atomic::Ordering;

use crossbeam_channel::TrySendError;
use model::{Mono, Transport};
use sip::{Flow, FromBrain, Message, ResponseBuilder, ToBrain, TxOutput};

use super::super::bind::Bound;
use super::super::streams::{StreamEvent, Unsent};
use super::super::trace::Direction;
use super::{Handover, Running, UNSENT_MAX, is_new_call, since};

impl Running {
    /// Gives a flow the listener that it leaves by, where it does not know: it was written down
    /// before a restart, and then its own address tells; or made from the other side's address.
    pub(super) fn settle(&mut self, flow: &mut Flow) {
        let listeners = &self.worker.config.listeners;
        let locals = &self.locals;
        let fits = |number: usize| {
            let listener = listeners.get(number);
            listener.is_some_and(|listener| {
                listener.transport == flow.transport
                    && listener.addr.is_ipv4() == flow.remote.is_ipv4()
            })
        };
        if flow.connection != 0 {
            return;
        }
        let same = |number: &usize| {
            fits(*number) && locals.get(*number).is_some_and(|local| local.is_at(flow.local))
        };
        let named = usize::from(flow.listener);
        let mut all = std::iter::once(named).chain(0..listeners.len());
        let found = all.clone().find(same).or_else(|| all.find(|number| fits(*number)));
        let Some(number) = found.filter(|found| *found != named) else { return };
        if let Some(local) = self.locals.get_mut(number) {
            flow.local = local.towards(flow.remote.ip());
            flow.listener = u16::try_from(number).unwrap_or(u16::MAX);
        }
    }

    /// Does what the transactions and the streams want, until they want nothing more.
    pub(super) fn drain(&mut self, now: Mono) {
        self.perform(now);
        while let Some(event) = self.streams.events.pop_front() {
            match event {
                // It connected before it was banned.
                StreamEvent::Message(_, flow)
                    if self.worker.guard.is_banned(flow.remote.ip(), now) =>
                {
                    self.counts.banned += 1;
                }
                StreamEvent::Message(message, flow) => self.assign(message, flow, now),
                StreamEvent::Malformed(cut, flow) => {
                    self.worker.guard.note_malformed(flow.remote.ip(), now);
                    self.worker.tape.malformed(&flow, &cut, now);
                }
                StreamEvent::Unopened(cut, flow) => {
                    self.worker.guard.note_unopened(flow.remote.ip(), now);
                    self.worker.tape.malformed(&flow, &cut, now);
                }
                StreamEvent::Closed(flow) => self.flow_closed(flow, now),
                StreamEvent::NotConnected(flow) => self.not_connected(flow, now),
            }
            self.perform(now);
        }
        while let Some(event) = self.unsent.pop_front() {
            if let Err(TrySendError::Full(event)) = self.tell(event) {
                self.unsent.push_front(event);
                break;
            }
        }
    }

    pub(super) fn tell(&self, event: ToBrain) -> Result<(), TrySendError<ToBrain>> {
        self.worker.to_brain.try_send(event)?;
        self.worker.told.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Does what the transactions want.
    pub(super) fn perform(&mut self, now: Mono) {
        while let Some(output) = self.worker.transactions.poll_output() {
            match output {
                TxOutput::Transmit { flow, message } => {
                    if !message.is_request() {
                        self.worker.guard.note_answered(&message, flow.remote.ip(), now);
                    }
                    self.transmit(&flow, message, now);
                }
                TxOutput::ToBrain(event) => {
                    // Only what we asked has an answer that is reported.
                    if let ToBrain::Response { flow, .. } = &event {
                        self.worker.guard.note_answers(flow.remote.ip(), now);
                    }
                    self.report(event, now);
                }
            }
        }
    }

    pub(super) fn transmit(&mut self, flow: &Flow, message: Message, now: Mono) {
        match flow.transport {
            Transport::Udp => {
                let socket = self.worker.sockets.get(usize::from(flow.listener));
                let sent = match socket {
                    Some(Bound::Udp(socket)) => socket.send_to(message.as_bytes(), flow.remote),
                    Some(Bound::Tcp(_)) | None => Err(io::ErrorKind::NotFound.into()),
                };
                match sent {
                    Ok(_) => {
                        self.counts.sent += 1;
                        self.trace(Direction::Out, flow, &message);
                    }
                    Err(error) => {
                        self.counts.send_failures += 1;
                        if message.is_request() && is_lasting(&error) {
                            self.worker.transactions.handle_not_sent(&message, now);
                        }
                    }
                }
            }
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                self.trace(Direction::Out, flow, &message);
                match self.worker.number {
                    0 => self.send_stream(flow, &message, now),
                    _ => self.hand_over(0, Handover::Send(*flow, message)),
                }
            }
        }
    }

    /// Writes a message down: at the worker that has its call, so that a call is on one tape.
    pub(super) fn trace(&mut self, direction: Direction, flow: &Flow, message: &Message) {
        let started = self.worker.config.started;
        self.worker.tape.message(direction, flow, message, || since(started));
    }

    pub(super) fn send_stream(&mut self, flow: &Flow, message: &Message, now: Mono) {
        match self.streams.send(flow, message, now) {
            Ok(()) => self.counts.sent += 1,
            Err(Unsent::Closed) => self.counts.send_failures += 1,
            Err(Unsent::NotConnected) => {
                self.counts.send_failures += 1;
                self.not_connected(*flow, now);
            }
        }
    }

    /// No connection could be opened: there is none that the brain would know.
    pub(super) fn not_connected(&mut self, flow: Flow, now: Mono) {
        let flow = Flow { connection: 0, ..flow };
        for other in 1..self.worker.ways.len() {
            self.hand_over(other, Handover::NotConnected(flow));
        }
        self.worker.transactions.handle_flow_not_opened(flow, now);
    }

    /// All workers may have transactions over a connection; the brain is told by this one.
    pub(super) fn flow_closed(&mut self, flow: Flow, now: Mono) {
        for other in 1..self.worker.ways.len() {
            let silent = Flow { connection: 0, ..flow };
            self.hand_over(other, Handover::Closed(silent));
        }
        self.worker.transactions.handle_flow_closed(flow, now);
    }

    /// Tells the brain. A new INVITE that finds no room is refused; all else waits for some.
    pub(super) fn report(&mut self, event: ToBrain, now: Mono) {
        let event = if self.unsent.is_empty() {
            match self.tell(event) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(event)) => event,
            }
        } else {
            event
        };
        match event {
            ToBrain::Request { tx, message, flow: _ }
                if is_new_call(&message) || self.unsent.len() >= UNSENT_MAX =>
            {
                let retry_after_s = self.worker.config.limits.retry_after_s;
                let response = ResponseBuilder::to(&message, 503).to_tag("full");
                let message = response.header("Retry-After", retry_after_s).build();
                let refuse = FromBrain::Respond { tx, message };
                self.counts.overloaded += 1;
                self.worker.transactions.handle_command(refuse, now);
            }
            other => self.unsent.push_back(other),
        }
    }
}

/// Whether the same datagram would fail again: there is no way there, or none for its length. What
/// only finds no room is sent again when its timer says.
fn is_lasting(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let lasting = [
        Errno::NETUNREACH,
        Errno::HOSTUNREACH,
        Errno::ADDRNOTAVAIL,
        Errno::AFNOSUPPORT,
        Errno::INVAL,
        Errno::ACCESS,
        Errno::PERM,
        Errno::MSGSIZE,
    ];
    lasting.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
