//! The workers on a stage: a brain that the test plays, and peers with sockets of their own.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use model::Transport;
use net::sip::{Config, Counts, Limits, Listener, SipWorkers, Tls, TraceConfig};
use sip::{Frame, Framer, FromBrain, Message, ResponseBuilder, ServerTx, ToBrain};

/// How long anything is waited for before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The running workers and the brain's end of their queue.
pub(crate) struct Stage {
    pub(crate) workers: SipWorkers,
    pub(crate) reports: Receiver<ToBrain>,
    pub(crate) addr: SocketAddr,
    /// The workers' threads, as the kernel lists them.
    threads: Vec<PathBuf>,
}

/// One stage begins after the other, so that each knows which threads are its own.
static BEGINNING: Mutex<()> = Mutex::new(());

/// The threads of all workers in this process.
fn threads() -> BTreeSet<PathBuf> {
    let is_worker = |task: &PathBuf| {
        let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
        name.trim().strip_prefix("sip-").is_some_and(|number| number.parse::<u8>().is_ok())
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.map(|task| task.unwrap().path()).filter(is_worker).collect()
}

/// What a test wants otherwise than usual.
pub(crate) struct Setting {
    pub(crate) workers: u8,
    pub(crate) limits: Limits,
    /// Places in the queue to the brain.
    pub(crate) queue: usize,
    /// Whether loopback is a trunk's, which is never banned.
    pub(crate) spares: bool,
    pub(crate) trace: TraceConfig,
    /// Beside UDP and TCP on 127.0.0.1; their numbers begin at 2.
    pub(crate) listeners: Vec<Listener>,
    pub(crate) tls: Option<Tls>,
    pub(crate) ws_origins: Vec<String>,
}

impl Default for Setting {
    fn default() -> Self {
        let trace = TraceConfig::default();
        Self {
            workers: 1,
            limits: Limits::default(),
            queue: 4_096,
            spares: true,
            trace,
            listeners: Vec::new(),
            tls: None,
            ws_origins: Vec::new(),
        }
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(Setting::default())
    }

    /// Serves 127.0.0.1, [::1] and nobody else.
    pub(crate) fn with(setting: Setting) -> Self {
        Self::try_with(setting).unwrap()
    }

    pub(crate) fn try_with(setting: Setting) -> std::io::Result<Self> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let both = [Transport::Udp, Transport::Tcp];
        let listeners = both.map(|transport| Listener { transport, addr, advertise: None });
        let mut listeners = listeners.to_vec();
        listeners.extend(setting.listeners);
        let (to_brain, reports) = crossbeam_channel::bounded(setting.queue);
        let config = Config {
            listeners,
            tls: setting.tls,
            ws_origins: setting.ws_origins.into(),
            workers: setting.workers,
            limits: setting.limits,
            admit: Arc::new(|ip: IpAddr| {
                ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || ip == IpAddr::V6(Ipv6Addr::LOCALHOST)
            }),
            trusted: Vec::new(),
            spare: Arc::new(move |_| setting.spares),
            started: Instant::now(),
            secret: [9; 32],
            trace: setting.trace,
        };
        let wanted = usize::from(config.workers);
        let one_by_one = BEGINNING.lock().unwrap_or_else(PoisonError::into_inner);
        let before = threads();
        let workers = SipWorkers::start(config, to_brain)?;
        // A thread gives itself its name once it runs.
        let own = || threads().difference(&before).cloned().collect::<Vec<_>>();
        let deadline = Instant::now() + PATIENCE;
        while own().len() < wanted && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let threads = own();
        drop(one_by_one);
        assert_eq!(threads.len(), wanted);
        let addrs = workers.local_addrs();
        assert_eq!(addrs[0], addrs[1], "UDP and TCP share a port");
        let addr = addrs[0];
        Ok(Self { workers, reports, addr, threads })
    }

    /// How long the workers have worked so far: not how long this machine had its processors
    /// elsewhere meanwhile.
    pub(crate) fn worked(&self) -> Duration {
        let nanos = self.threads.iter().map(|task| {
            // The first number: nanoseconds on a processor (Linux, Documentation/scheduler).
            let stat = std::fs::read_to_string(task.join("schedstat")).unwrap();
            stat.split(' ').next().unwrap().parse::<u64>().unwrap()
        });
        Duration::from_nanos(nanos.sum())
    }

    pub(crate) fn report(&self) -> ToBrain {
        self.reports.recv_timeout(PATIENCE).expect("the brain was told nothing")
    }

    pub(crate) fn request(&self) -> (ServerTx, Message, sip::Flow) {
        match self.report() {
            ToBrain::Request { tx, message, flow } => (tx, message, flow),
            other => panic!("not a request: {other:?}"),
        }
    }

    pub(crate) fn respond(&self, tx: ServerTx, request: &Message, status: u16) {
        let message = ResponseBuilder::to(request, status).to_tag("ours").build();
        self.workers.send(FromBrain::Respond { tx, message }).unwrap();
    }

    /// Waits until the counts are as wanted.
    pub(crate) fn counts(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let counts = self.workers.counts();
            if wanted(&counts) {
                return counts;
            }
            assert!(Instant::now() < deadline, "{counts:?}");
            std::thread::yield_now();
        }
    }
}

/// A peer that speaks UDP.
pub(crate) struct Phone {
    pub(crate) socket: UdpSocket,
    engine: SocketAddr,
}

impl Phone {
    pub(crate) fn new(stage: &Stage) -> Self {
        Self::on(stage, "127.0.0.1:0")
    }

    pub(crate) fn on(stage: &Stage, addr: &str) -> Self {
        let socket = UdpSocket::bind(addr).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, engine: stage.addr }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(crate) fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.engine).unwrap();
    }

    pub(crate) fn receive(&self) -> Message {
        let mut buffer = [0; 65_536];
        let (count, _) = self.socket.recv_from(&mut buffer).expect("the phone was told nothing");
        Message::parse(&buffer[..count]).unwrap()
    }

    pub(crate) fn text(&self, method: &str, call: &str, branch: &str) -> String {
        text(method, "UDP", self.addr(), call, branch)
    }
}

/// A peer that speaks TCP.
pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    framer: Framer,
}

impl Line {
    pub(crate) fn new(stage: &Stage) -> Self {
        Self::over(TcpStream::connect(stage.addr).unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, framer: Framer::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn receive(&mut self) -> Message {
        loop {
            match self.framer.next_frame().unwrap() {
                Some(Frame::Message(message)) => return message,
                Some(Frame::Malformed(_) | Frame::Ping) | None => {}
            }
            let mut buffer = [0; 4_096];
            let count = self.stream.read(&mut buffer).expect("the line was told nothing");
            assert!(count > 0, "the engine hung up");
            self.framer.feed(&buffer[..count]);
        }
    }

    /// Reads until the engine closes the connection.
    pub(crate) fn wait_for_end(&mut self) {
        let mut buffer = [0; 65_536];
        while matches!(self.stream.read(&mut buffer), Ok(count) if count > 0) {}
    }

    pub(crate) fn text(&self, method: &str, call: &str, branch: &str) -> String {
        text(method, "TCP", self.stream.local_addr().unwrap(), call, branch)
    }
}

fn text(method: &str, transport: &str, addr: SocketAddr, call: &str, branch: &str) -> String {
    format!(
        "{method} sip:95512@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {addr};branch=z9hG4bK{branch};rport\r\n\
         From: <sip:caller@127.0.0.1>;tag=theirs\r\n\
         To: <sip:95512@127.0.0.1>\r\n\
         Call-ID: {call}\r\n\
         CSeq: 1 {method}\r\n\
         Max-Forwards: 70\r\n\
         Contact: <sip:caller@{addr}>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
