//! Media workers: a fixed number of threads that own the legs' sockets and move their packets.
//!
//! A worker is woken by the clock, not by packets: each tick it takes all that has arrived and
//! forwards it, sends the frames of prompts and music that are due, and obeys commands. What it
//! costs to be woken is so the same for one call and for thousands; a packet waits half a tick on
//! average. All legs of a call are with one worker, so forwarding needs no lock and no copy.
//!
//! Values in, values out: [`MediaCommand`] is the complete wanted state of a leg, and telling it
//! again changes nothing.

mod browser;
mod browsers;
pub(crate) mod clock;
mod command;
mod config;
mod counters;
mod crypt;
#[expect(unsafe_code, reason = "io_uring: the kernel reads and writes memory of ours")]
mod flow;
mod frame;
mod hush;
mod identity;
mod leg;
mod legs;
mod mixing;
mod origin;
pub(crate) mod outbox;
mod outward;
mod pack;
mod playing;
mod ports;
mod readiness;
mod receive;
mod reports;
mod tapes;
mod wheel;
mod wide;
mod worker;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError};
use media::{Fingerprint, MediaCommand, MediaEvent, Prompts};
use model::{CallId, LegId, RecordingId};

pub use config::Config;
pub use counters::Counters;

use browsers::Gate;
use clock::Clock;
use counters::SharedCounters;
use identity::Identity;
use outbox::Outbox;
use ports::Ports;
use tapes::Tapes;
use worker::{Setup, Worker};

use crate::recorder::{Recorder, Tapper};

/// Commands that may wait for a worker.
const COMMAND_LIMIT: usize = 8_192;

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum ToWorker {
    /// A new leg.
    Open {
        call: CallId,
        leg: LegId,
        socket: Arc<UdpSocket>,
        /// To be given back when it closes; none of a browser, whose port is everyone's.
        port: Option<u16>,
    },
    /// As the brain said it.
    Command(MediaCommand),
    /// Close every leg, complete every recording, end.
    Stop,
}

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Where sockets are whose family nobody names.
    pub(crate) ip: IpAddr,
    pub(crate) ports: Ports,
    pub(crate) counters: SharedCounters,
}

/// A worker's queue is full: the command was not taken and comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy(pub Box<MediaCommand>);

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the media worker's queue is full")
    }
}

impl std::error::Error for Busy {}

/// Which worker has what. Grows and shrinks with the legs that are open.
#[derive(Debug, Default)]
struct Routes {
    legs: HashMap<LegId, usize>,
    recordings: HashMap<RecordingId, usize>,
}

/// The media workers with their recorders.
///
/// Dropped without [`MediaWorkers::stop`], they end at once and leave recordings as a killed
/// process would.
#[derive(Debug)]
pub struct MediaWorkers {
    workers: Vec<Sender<ToWorker>>,
    threads: Vec<JoinHandle<()>>,
    recorders: Vec<Recorder>,
    routes: Mutex<Routes>,
    shared: Arc<Shared>,
    gate: Option<Arc<Gate>>,
}

impl MediaWorkers {
    /// Starts the threads. What happens is told on `events`.
    ///
    /// # Errors
    /// The system gives no threads, no readiness queue, or no port for browsers.
    pub fn start(
        config: Config,
        prompts: Arc<Prompts>,
        events: Sender<MediaEvent>,
    ) -> io::Result<Self> {
        let clock = Clock::new(config.origin);
        let ips = [config.ip].into_iter().chain(config.other_ip);
        let ports = Ports::new(ips, config.port_range.clone());
        let shared = Arc::new(Shared { ip: config.ip, ports, counters: SharedCounters::default() });
        let gate = config.browsers.then(|| gate(&config, clock, &shared.ports)).transpose()?;
        let recorders = (0..config.recorders.max(1))
            .map(|number| Recorder::start(number, &config.recordings, clock, &events))
            .collect::<io::Result<Vec<_>>>()?;
        let (mut workers, mut threads) = (Vec::new(), Vec::new());
        for number in 0..config.workers.max(1) {
            let (sender, inbox) = crossbeam_channel::bounded(COMMAND_LIMIT);
            let link = recorders[number % recorders.len()].link();
            let setup = Setup {
                tick_us: config.tick_us,
                silent_after_ms: config.silent_after_ms,
                clock,
                prompts: Arc::clone(&prompts),
                shared: Arc::clone(&shared),
                gate: gate.clone(),
                number,
                tapes: Tapes::new(Tapper::new(number as u16, link)),
                outbox: Outbox::new(events.clone()),
            };
            let worker = Worker::new(inbox, setup)?;
            let thread = std::thread::Builder::new().name(format!("media-{number}"));
            threads.push(thread.spawn(move || worker.run())?);
            workers.push(sender);
        }
        let routes = Mutex::default();
        Ok(Self { workers, threads, recorders, routes, shared, gate })
    }

    /// Opens a socket for a leg, on an even port of the range, and returns its address. Until the
    /// first [`MediaCommand::Set`], what comes there is dropped.
    ///
    /// # Errors
    /// No port is free, the leg is open already, or the worker's queue is full.
    pub fn open(&self, call: CallId, leg: LegId) -> io::Result<SocketAddr> {
        self.open_like(call, leg, self.shared.ip)
    }

    /// Opens a socket as [`MediaWorkers::open`] does, of the same family as an address.
    ///
    /// # Errors
    /// As there, and where this family has no address.
    pub fn open_like(&self, call: CallId, leg: LegId, like: IpAddr) -> io::Result<SocketAddr> {
        let bind = |_| {
            let socket = self.shared.ports.bind(like)?;
            let port = socket.local_addr()?.port();
            Ok((Arc::new(socket), Some(port)))
        };
        self.open_at(call, leg, bind)
    }

    /// The same for a browser: on the port that all browsers of its worker share, whose address is
    /// returned. Nothing is sent there, and nothing believed that comes, until a
    /// [`MediaCommand::Set`] has told of an [`sdp::Association`] and that is proven.
    ///
    /// # Errors
    /// There are no ports for browsers of this family, the leg is open already, or the worker's
    /// queue is full.
    pub fn open_for_browser(
        &self,
        call: CallId,
        leg: LegId,
        like: IpAddr,
    ) -> io::Result<SocketAddr> {
        let gate = self.gate.as_ref().ok_or(io::ErrorKind::AddrNotAvailable)?;
        self.open_at(call, leg, |worker| Ok((gate.socket(worker, like)?, None)))
    }

    /// Of the certificate that browsers are shown; `None` where there are none.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.gate.as_ref().map(|gate| gate.identity.fingerprint())
    }

    fn open_at(
        &self,
        call: CallId,
        leg: LegId,
        bind: impl FnOnce(usize) -> io::Result<(Arc<UdpSocket>, Option<u16>)>,
    ) -> io::Result<SocketAddr> {
        let mut routes = self.routes();
        if routes.legs.contains_key(&leg) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let worker = self.worker_of(call);
        let (socket, port) = bind(worker)?;
        let address = socket.local_addr()?;
        match self.workers[worker].try_send(ToWorker::Open { call, leg, socket, port }) {
            Ok(()) => {
                routes.legs.insert(leg, worker);
                Ok(address)
            }
            Err(refused) => {
                drop(refused);
                if let Some(port) = port {
                    self.shared.ports.give_back(port);
                }
                Err(io::Error::new(io::ErrorKind::WouldBlock, "the media worker's queue is full"))
            }
        }
    }

    /// Tells the worker that has the leg or the recording. Never blocks. What nobody has is
    /// taken and does nothing.
    ///
    /// # Errors
    /// The worker's queue is full.
    pub fn send(&self, command: MediaCommand) -> Result<(), Busy> {
        let mut routes = self.routes();
        let worker = match &command {
            MediaCommand::Set(media) => routes.legs.get(&media.leg).copied(),
            MediaCommand::Close { leg } => routes.legs.get(leg).copied(),
            MediaCommand::StartRecording { call, .. } => Some(self.worker_of(*call)),
            MediaCommand::TapeVoices(voices) => routes.recordings.get(&voices.recording).copied(),
            MediaCommand::StopRecording { recording, .. } => {
                routes.recordings.get(recording).copied()
            }
        };
        let Some(worker) = worker else { return Ok(()) };
        let (closed, started, stopped) = match &command {
            MediaCommand::Set(_) | MediaCommand::TapeVoices(_) => (None, None, None),
            MediaCommand::Close { leg } => (Some(*leg), None, None),
            MediaCommand::StartRecording { recording, .. } => (None, Some(*recording), None),
            MediaCommand::StopRecording { recording, .. } => (None, None, Some(*recording)),
        };
        match self.workers[worker].try_send(ToWorker::Command(command)) {
            Ok(()) => {
                closed.map(|leg| routes.legs.remove(&leg));
                started.map(|recording| routes.recordings.insert(recording, worker));
                stopped.map(|recording| routes.recordings.remove(&recording));
                Ok(())
            }
            Err(TrySendError::Full(refused) | TrySendError::Disconnected(refused)) => match refused
            {
                ToWorker::Command(command) => Err(Busy(Box::new(command))),
                ToWorker::Open { .. } | ToWorker::Stop => Ok(()),
            },
        }
    }

    /// What was counted so far, over all workers.
    pub fn counters(&self) -> Counters {
        self.shared.counters.read()
    }

    /// Ports that can still be opened.
    pub fn free_ports(&self) -> usize {
        self.shared.ports.free()
    }

    /// Closes every leg, completes and seals every recording and ends all threads. The events that
    /// this makes are told before it returns, as long as somebody takes them.
    pub fn stop(self) {
        for worker in &self.workers {
            // A worker that has gone already has nothing to stop.
            let _ = worker.send(ToWorker::Stop);
        }
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a media worker panicked");
            }
        }
        for recorder in self.recorders {
            recorder.join();
        }
    }

    fn worker_of(&self, call: CallId) -> usize {
        call.0.counter() as usize % self.workers.len()
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ports for browsers, one a worker and family.
fn gate(config: &Config, clock: Clock, ports: &Ports) -> io::Result<Arc<Gate>> {
    let ips: Vec<IpAddr> = [config.ip].into_iter().chain(config.other_ip).collect();
    let sockets_of_one = |_| ips.iter().map(|ip| ports.bind(*ip).map(Arc::new)).collect();
    let sockets = (0..config.workers.max(1)).map(sockets_of_one).collect::<io::Result<_>>()?;
    Ok(Arc::new(Gate { identity: Identity::new(clock)?, sockets }))
}
