//! The ways to the desktops that are connected.

use std::collections::BTreeMap;

use cti::{ConnectRefused, SessionId};
use tokio::sync::{mpsc, oneshot};
use web::ToDesktop;

#[derive(Default)]
pub(super) struct Desktops {
    open: BTreeMap<SessionId, mpsc::Sender<ToDesktop>>,
    waiting: BTreeMap<SessionId, oneshot::Sender<Result<(), ConnectRefused>>>,
}

impl Desktops {
    pub(super) fn open(
        &mut self,
        session: SessionId,
        events: mpsc::Sender<ToDesktop>,
        accepted: oneshot::Sender<Result<(), ConnectRefused>>,
    ) {
        self.open.insert(session, events);
        self.waiting.insert(session, accepted);
    }

    pub(super) fn close(&mut self, session: SessionId) {
        self.open.remove(&session);
    }

    /// The web session is over: the desktop is told, as the last thing.
    pub(super) fn end(&mut self, session: SessionId) {
        if let Some(way) = self.open.remove(&session) {
            // One that does not read finds its channel closed.
            drop(way.try_send(ToDesktop::SessionOver));
        }
    }

    /// The session was not refused: it is in.
    pub(super) fn accept(&mut self, session: SessionId) {
        self.answer(session, Ok(()));
    }

    pub(super) fn refuse(&mut self, session: SessionId, refused: ConnectRefused) {
        self.open.remove(&session);
        self.answer(session, Err(refused));
    }

    fn answer(&mut self, session: SessionId, result: Result<(), ConnectRefused>) {
        if let Some(waiting) = self.waiting.remove(&session) {
            // Who asked may have gone away meanwhile.
            let _ = waiting.send(result);
        }
    }

    /// Delivers without waiting. A session whose queue is full is cut off, and named.
    pub(super) fn deliver(&mut self, output: cti::Output) -> Option<SessionId> {
        let (session, message) = match output {
            cti::Output::Deliver { session, stamped } => (session, ToDesktop::Event(stamped)),
            cti::Output::Reply { session, id, result } => {
                (session, ToDesktop::Reply { id, result })
            }
            cti::Output::Close { session, reason } => (session, ToDesktop::Close(reason)),
            cti::Output::SnapshotWanted { .. }
            | cti::Output::Perform { .. }
            | cti::Output::Refused { .. } => return None,
        };
        let is_last = matches!(message, ToDesktop::Close(_));
        let sent = self.open.get(&session)?.try_send(message);
        if is_last || sent.is_err() {
            self.open.remove(&session);
        }
        match sent {
            Ok(()) => None,
            Err(_) => Some(session),
        }
    }
}
