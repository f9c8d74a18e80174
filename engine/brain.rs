//! The brain: one thread that feeds the call flow and performs what it says.
//!
//! Nothing here waits but the one place that waits for the next event. What acknowledges something
//! to the outside leaves when the store has committed what it acknowledges.

mod desktops;
mod perform;
mod troubles;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use access::Principal;
use callflow::{Callflow, DesktopInput, Input, Output};
use crossbeam_channel::{Receiver, Select, Sender, TrySendError};
use cti::SessionId;
use media::MediaEvent;
use model::{CallId, CustomerCard, Fact, FactBody, Mono};
use net::media::MediaWorkers;
use net::resolver::Resolver;
use net::sip::SipWorkers;
use report::{CallRecord, CallRecords, Figures};
use sip::ToBrain;
use sip::locate::{Answer, Question};
use store::Writer;
use tokio::sync::{mpsc, oneshot};
use web::ToDesktop;

use crate::clock::Clock;
use crate::figures::{ArchiveCounts, Moved, Published};
use crate::health::Watch;
use crate::lookups::Lookups;
use crate::release::Release;
use desktops::Desktops;
use troubles::Troubles;

/// Events taken from one source before the next one has its turn.
const TURN: usize = 256;
/// The longest sleep: the day's turn and the published figures are looked after at least so often.
const SLEEP_MAX: Duration = Duration::from_millis(500);
/// With so many facts that the store does not take, calls and phones are not listened to until it
/// does: the SIP workers answer 503 meanwhile.
const FACTS_MAX: usize = 100_000;
/// How long what waits for the store may keep a brain that was stopped.
const LAST_HELD: Duration = Duration::from_secs(10);

/// What other threads ask of the brain.
pub enum Inbox {
    /// Who calls.
    CallerFound {
        /// Which question.
        token: CallId,
        /// The answer.
        answer: Result<Option<Arc<CustomerCard>>, lookup::Failed>,
    },
    /// Which policies.
    PolicyFound {
        /// Whose question.
        call: CallId,
        /// The answer.
        answer: ivr::PolicyAnswer,
    },
    /// What the DNS says.
    Resolved {
        /// What was asked.
        question: Question,
        /// The answer.
        answer: Answer,
    },
    /// A desktop's WebSocket opened.
    Connect {
        /// Its number.
        session: SessionId,
        /// Who.
        principal: Arc<Principal>,
        /// Where the stream goes on.
        after: Option<u64>,
        /// The way to it.
        events: mpsc::Sender<ToDesktop>,
        /// Whether it is let in.
        accepted: oneshot::Sender<Result<(), cti::ConnectRefused>>,
    },
    /// It closed.
    Disconnect {
        /// Which.
        session: SessionId,
    },
    /// The session on the web that it belongs to is over.
    SessionOver {
        /// Which.
        session: SessionId,
    },
    /// It asks for something.
    Command {
        /// Which.
        session: SessionId,
        /// The desktop's id for it.
        id: String,
        /// What.
        command: cti::Command,
    },
    /// Something to be kept as a fact; `kept` is told when it is.
    Note {
        /// What.
        body: FactBody,
        /// Who waits for it.
        kept: Option<oneshot::Sender<()>>,
    },
    /// Something is configured otherwise from now on; `kept` is told when that is kept.
    Configure {
        /// What.
        new: Box<callflow::Reconfigured>,
        /// Who waits for it.
        kept: oneshot::Sender<()>,
    },
    /// The store has committed: look at the number.
    Committed,
    /// End all calls and then the loop.
    Stop,
}

/// What leaves only when its facts are kept.
enum Held {
    Output(Output),
    Kept(oneshot::Sender<()>),
}

/// Everything that the brain works with.
pub struct Parts {
    /// The machine.
    pub callflow: Callflow,
    /// The clocks.
    pub clock: Clock,
    /// From the SIP workers.
    pub sip_events: Receiver<ToBrain>,
    /// To them.
    pub sip: SipWorkers,
    /// From the media workers.
    pub media_events: Receiver<MediaEvent>,
    /// To them.
    pub media: MediaWorkers,
    /// From everyone else.
    pub inbox: Receiver<Inbox>,
    /// The store's.
    pub writer: Writer,
    /// The number up to which facts are committed.
    pub committed: Arc<AtomicU64>,
    /// The fold of facts into records.
    pub records: CallRecords,
    /// The fold of facts into live figures.
    pub figures: Figures,
    /// What was archived.
    pub archive: Arc<ArchiveCounts>,
    /// Where the figures are shown.
    pub published: Arc<Published>,
    /// Where it is said how the parts are.
    pub watch: Arc<Watch>,
    /// Questions to the store.
    pub lookups: Lookups,
    /// Questions to the DNS.
    pub resolver: Resolver,
    /// The address that media is announced at where nothing says a better one.
    pub media_address: std::net::IpAddr,
}

/// The brain's loop and its state.
pub struct Brain {
    parts: Parts,
    facts: Vec<Fact>,
    changed_records: Vec<CallRecord>,
    last_fact: u64,
    release: Release<Held>,
    /// Something waits for facts that the writer was not given yet.
    is_awaited: bool,
    desktops: Desktops,
    troubles: Troubles,
    welcomes: bool,
    stopping: bool,
    stopped: bool,
}

/// What is left when the brain has ended.
pub struct Remains {
    /// To be stopped.
    pub sip: SipWorkers,
    /// To be stopped.
    pub media: MediaWorkers,
    /// To be stopped.
    pub writer: Writer,
}

impl Brain {
    /// A brain that has not begun. The machine may have outputs already, from its recovery.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            facts: Vec::new(),
            changed_records: Vec::new(),
            last_fact: 0,
            release: Release::default(),
            is_awaited: false,
            desktops: Desktops::default(),
            troubles: Troubles::default(),
            welcomes: true,
            stopping: false,
            stopped: false,
        }
    }

    /// Works until all calls are over after [`Inbox::Stop`], and what waits for the store has left
    /// or waited for [`LAST_HELD`].
    pub fn run(mut self) -> Remains {
        self.finish_turn();
        let mut stopped = None;
        while stopped.is_none_or(|at| self.is_awaiting_since(at)) {
            self.wait();
            self.take_turn();
            self.finish_turn();
            if self.stopped {
                stopped = stopped.or(Some(self.parts.clock.mono()));
            }
        }
        let Parts { sip, media, writer, .. } = self.parts;
        Remains { sip, media, writer }
    }

    fn is_awaiting_since(&self, stopped: Mono) -> bool {
        !self.release.is_empty() && self.parts.clock.mono().since(stopped) < LAST_HELD
    }

    /// Whether there are more facts here than may be. At the end they may: calls are to end.
    fn is_full(&self) -> bool {
        self.facts.len() >= FACTS_MAX && !self.stopping
    }

    /// Sleeps until something happens or a deadline comes.
    fn wait(&self) {
        let mut select = Select::new();
        select.recv(&self.parts.inbox);
        if self.is_full() {
            let _ = select.ready_timeout(SLEEP_MAX);
            return;
        }
        let now = self.parts.clock.mono();
        let until = self.parts.callflow.poll_timeout().map(|(at, _)| at.since(now));
        let patience = until.unwrap_or(SLEEP_MAX).min(SLEEP_MAX);
        select.recv(&self.parts.sip_events);
        select.recv(&self.parts.media_events);
        // Nothing is taken here: the turn takes from all sources alike.
        let _ = select.ready_timeout(patience);
    }

    /// Takes a bounded number of events from each source, and the deadlines that have come.
    fn take_turn(&mut self) {
        for _ in 0..TURN {
            let Ok(message) = self.parts.inbox.try_recv() else { break };
            self.take(message);
        }
        if self.is_full() {
            return;
        }
        for _ in 0..TURN {
            let Ok(event) = self.parts.sip_events.try_recv() else { break };
            self.feed(Input::Sip(event));
        }
        for _ in 0..TURN {
            let Ok(event) = self.parts.media_events.try_recv() else { break };
            self.feed(Input::Media(event));
        }
        let now = self.parts.clock.mono();
        while let Some(over) = self.troubles.settle(now) {
            self.feed(Input::Note(over));
        }
        if self.parts.callflow.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.parts.callflow.handle_timeout(now);
            self.perform_all();
        }
    }

    fn take(&mut self, message: Inbox) {
        match message {
            Inbox::CallerFound { token, answer } => {
                self.feed(Input::CallerFound { token, answer });
            }
            Inbox::PolicyFound { call, answer } => self.feed(Input::PolicyFound { call, answer }),
            Inbox::Resolved { question, answer } => {
                self.feed(Input::Resolved { question, answer });
            }
            Inbox::Connect { session, principal, after, events, accepted } => {
                self.desktops.open(session, events, accepted);
                let principal = Principal::clone(&principal);
                self.feed(Input::Desktop(DesktopInput::Connect { session, principal, after }));
                self.desktops.accept(session);
            }
            Inbox::Disconnect { session } => {
                self.desktops.close(session);
                self.feed(Input::Desktop(DesktopInput::Disconnect { session }));
            }
            Inbox::SessionOver { session } => {
                self.desktops.end(session);
                self.feed(Input::Desktop(DesktopInput::Disconnect { session }));
            }
            Inbox::Command { session, id, command } => {
                self.feed(Input::Desktop(DesktopInput::Command { session, id, command }));
            }
            Inbox::Note { body, kept } => {
                self.feed(Input::Note(body));
                if let Some(kept) = kept {
                    self.hold(Held::Kept(kept));
                }
            }
            Inbox::Configure { new, kept } => {
                self.feed(Input::Configure(new));
                self.hold(Held::Kept(kept));
                // Large tables take their time: not the calls'.
                if let Some(replaced) = self.parts.callflow.replaced() {
                    std::thread::spawn(move || drop(replaced));
                }
            }
            Inbox::Committed => {}
            Inbox::Stop => {
                self.stopping = true;
                self.feed(Input::Stop);
            }
        }
    }

    fn feed(&mut self, input: Input) {
        self.parts.callflow.handle_input(input, self.parts.clock.mono());
        self.perform_all();
    }

    /// Hands the turn's facts to the store, and lets go what was waiting for earlier ones.
    fn finish_turn(&mut self) {
        self.perform_all();
        self.append();
        self.release.commit(self.parts.committed.load(Ordering::Acquire));
        while let Some(held) = self.release.release() {
            self.let_go(held);
        }
        let Parts { published, figures, callflow, clock, sip, media, writer, archive, .. } =
            &mut self.parts;
        published.publish(figures, clock.wall(), || Moved {
            now: clock.mono(),
            calls: callflow.calls(),
            held: self.release.len(),
            unwritten: writer.unwritten(),
            sip: sip.counts(),
            media: media.counters(),
            free_ports: media.free_ports(),
            trunks: callflow.trunk_figures().map(|(id, load)| (id.clone(), load)).collect(),
            archive: Arc::clone(archive),
        });
    }

    /// Gives the facts to the writer. A writer that cannot take more keeps new calls away; what it
    /// did not take stays here and is offered again.
    fn append(&mut self) {
        let facts = std::mem::take(&mut self.facts);
        let records = std::mem::take(&mut self.changed_records);
        let writer = &self.parts.writer;
        let is_awaited = std::mem::take(&mut self.is_awaited);
        let appended = if is_awaited {
            writer.append(facts, records)
        } else {
            writer.append_gathered(facts, records)
        };
        let welcomes = match appended {
            Ok(pressure) => pressure == store::Pressure::Normal,
            Err(store::Full { facts, records }) => {
                (self.facts, self.changed_records) = (facts, records);
                self.is_awaited = is_awaited;
                false
            }
        };
        if welcomes != self.welcomes {
            self.welcomes = welcomes;
            self.feed(Input::Admission(welcomes));
        }
    }

    /// Keeps `held` until all facts so far are committed.
    fn hold(&mut self, held: Held) {
        match self.release.hold(self.last_fact, held) {
            Some(held) => self.let_go(held),
            None => self.is_awaited = true,
        }
    }

    fn let_go(&mut self, held: Held) {
        match held {
            Held::Output(output) => self.perform(output),
            // Who asked may have gone away meanwhile.
            Held::Kept(kept) => drop(kept.send(())),
        }
    }
}

/// The way to the brain for everyone who is not a worker.
#[derive(Clone)]
pub struct Handle {
    sender: Sender<Inbox>,
}

impl Handle {
    /// A handle and the brain's end of it; so many messages may wait.
    pub fn bounded(capacity: usize) -> (Self, Receiver<Inbox>) {
        let (sender, receiver) = crossbeam_channel::bounded(capacity);
        (Self { sender }, receiver)
    }

    /// Sends what must not be lost: where there is no room a thread of its own waits for some.
    pub fn send_surely(&self, message: Inbox) {
        let Err(TrySendError::Full(message)) = self.sender.try_send(message) else { return };
        let sender = self.sender.clone();
        // A brain that has ended needs to be told nothing.
        std::thread::spawn(move || drop(sender.send(message)));
    }

    /// Sends without waiting; false if there is no room or the brain has ended.
    pub fn send(&self, message: Inbox) -> bool {
        self.sender.try_send(message).is_ok()
    }
}
