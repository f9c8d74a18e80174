//! A thousand calls over a bad line: the engine in one network, callers and agents in another, and
//! between them a relay that loses 5 % of what crosses it and takes 40 ms for the rest.
//!
//! Each network is a namespace whose only interface is its loopback. The relay stands in each for
//! what is in the other, at the same address and port, so that neither side can tell. A kernel
//! without netem is enough, and the relay's chance is seeded. It carries SIP alone: nobody listens
//! to the voices of these calls.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use crate::api::{Client, metric};
use crate::demo::{Demo, eventually};
use crate::on_postgres::account;

/// Where the engine is, and where its callers and agents are.
const ENGINE: &str = "10.77.0.1";
const PEERS: &str = "10.77.0.2";
const SIP_PORT: u16 = 5060;
/// The line between them.
const LOSS: f64 = 0.05;
const DELAY: Duration = Duration::from_millis(40);
const SEED: u64 = 4_475;
/// Calls that hear the menu, and calls that an agent answers.
const ALONE: u64 = 850;
const BRIDGED: u64 = 150;
/// The last record may wait for a phone whose BYE was lost again and again.
const SETTLES_WITHIN: Duration = Duration::from_secs(40);

/// A network of its own, with nothing in it but a loopback that has both addresses.
struct Network {
    holder: Child,
    link: File,
}

impl Network {
    /// None where one may not make networks, which one may in CI.
    fn new() -> Option<Self> {
        let setup = format!(
            "ip link set lo up && ip address add {ENGINE}/32 dev lo && \
             ip address add {PEERS}/32 dev lo && echo there && exec cat"
        );
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", &setup])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let mut line = String::new();
        let mut output = BufReader::new(holder.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("it can be read");
        if line.trim() != "there" {
            drop(holder.wait());
            assert!(std::env::var_os("CI").is_none(), "networks of one's own are needed");
            eprintln!("skipped: only root may make networks");
            return None;
        }
        let link = File::open(format!("/proc/{}/ns/net", holder.id())).expect("it is there");
        Some(Self { holder, link })
    }

    fn link(&self) -> File {
        self.link.try_clone().expect("a descriptor")
    }
}

/// What this thread opens and starts from now on is in that network.
fn enter(network: &File) {
    let kind = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(network.as_fd(), kind).expect("root may");
}

impl Drop for Network {
    fn drop(&mut self) {
        // It ends when it has nothing more to read; where that fails it is ended.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// What crossed the line.
#[derive(Debug, Clone, Copy, Default)]
struct Crossed {
    carried: u64,
    lost: u64,
}

/// The line between the networks, until it is dropped.
struct Line {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Crossed>>,
}

impl Line {
    fn between(peers: &Network, engine: &Network) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (flag, peers, engine) = (Arc::clone(&over), peers.link(), engine.link());
        let thread = std::thread::spawn(move || {
            enter(&peers);
            let front = UdpSocket::bind((ENGINE, SIP_PORT)).expect("nobody else is there");
            front.set_nonblocking(true).expect("it can");
            // Sockets stay where they were opened.
            enter(&engine);
            Relay::new(front).run(&flag)
        });
        Self { over, thread: Some(thread) }
    }

    fn end(mut self) -> Crossed {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().expect("it ends once").join().expect("the relay does not panic")
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A datagram on its way.
struct OnItsWay {
    due: Instant,
    to_engine: bool,
    peer: SocketAddr,
    bytes: Vec<u8>,
}

struct Relay {
    /// The engine, as its peers see it.
    front: UdpSocket,
    /// The peers, as the engine sees them, by their addresses.
    backs: BTreeMap<SocketAddr, UdpSocket>,
    on_their_way: VecDeque<OnItsWay>,
    chance: ChaCha8Rng,
    crossed: Crossed,
}

impl Relay {
    fn new(front: UdpSocket) -> Self {
        Self {
            front,
            backs: BTreeMap::new(),
            on_their_way: VecDeque::new(),
            chance: ChaCha8Rng::seed_from_u64(SEED),
            crossed: Crossed::default(),
        }
    }

    fn run(mut self, over: &AtomicBool) -> Crossed {
        while !over.load(Ordering::Relaxed) {
            self.wait();
            self.take_in();
            self.send_due();
        }
        self.crossed
    }

    /// Until something comes or is due.
    fn wait(&self) {
        let now = Instant::now();
        let due = self.on_their_way.front().map_or(DELAY, |next| next.due - now.min(next.due));
        let timeout = Timespec { tv_sec: 0, tv_nsec: due.min(DELAY).subsec_nanos().into() };
        let all = self.backs.values().chain([&self.front]);
        let mut sockets: Vec<PollFd<'_>> =
            all.map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
        rustix::event::poll(&mut sockets, Some(&timeout)).expect("sockets can be waited for");
    }

    fn take_in(&mut self) {
        let mut buffer = [0; 65_536];
        while let Ok((length, peer)) = self.front.recv_from(&mut buffer) {
            self.backs.entry(peer).or_insert_with(|| {
                let back = UdpSocket::bind(peer).expect("nobody else is there");
                back.connect((ENGINE, SIP_PORT)).expect("it is known");
                back.set_nonblocking(true).expect("it can");
                back
            });
            self.take(true, peer, &buffer[..length]);
        }
        let peers: Vec<SocketAddr> = self.backs.keys().copied().collect();
        for peer in peers {
            while let Some(Ok(length)) = self.backs.get(&peer).map(|back| back.recv(&mut buffer)) {
                self.take(false, peer, &buffer[..length]);
            }
        }
    }

    fn take(&mut self, to_engine: bool, peer: SocketAddr, bytes: &[u8]) {
        if self.chance.random_bool(LOSS) {
            self.crossed.lost += 1;
            return;
        }
        self.crossed.carried += 1;
        let (due, bytes) = (Instant::now() + DELAY, bytes.to_vec());
        self.on_their_way.push_back(OnItsWay { due, to_engine, peer, bytes });
    }

    fn send_due(&mut self) {
        let now = Instant::now();
        while let Some(next) = self.on_their_way.pop_front_if(|next| next.due <= now) {
            // What a socket does not take is lost, too.
            let _lost = match self.backs.get(&next.peer) {
                Some(back) if next.to_engine => back.send(&next.bytes),
                Some(_) | None => self.front.send_to(&next.bytes, next.peer),
            };
        }
    }
}

/// The engine in its network; this thread is there as well.
fn serve(network: &Network) -> Demo {
    enter(&network.link);
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("hotline.toml");
    let text = format!(
        "[site]\ndata = {:?}\n[sip]\nlisten = \"{ENGINE}:{SIP_PORT}\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\n[acd]\nacw_ms = 0\n[recordings]\nenabled = false\n\
         [[trunk]]\nname = \"carrier\"\nsources = [\"{PEERS}/32\"]\nbrand = \"95512\"\n\
         [trunk.numbers]\n95512 = \"hotline\"\n95500 = \"queue:general\"\n",
        folder.path().join("data").display().to_string(),
    );
    std::fs::write(&config, text).expect("it is written");
    for agent in 8001..=8016 {
        let options = ["--role", "agent", "--tier", "1", "--queues", "general"];
        account(
            &config,
            &agent.to_string(),
            &[&options[..], &["--ready-when-registered"]].concat(),
        );
    }
    account(&config, "qa", &["--role", "inspector"]);
    Demo::serve(folder, &config)
}

/// Callers, and perhaps agents, in their network; what they saw.
fn load(network: &Network, options: &str) -> JoinHandle<Value> {
    let link = network.link();
    let options = format!("load --to {ENGINE}:{SIP_PORT} --from {PEERS} --media off {options}");
    std::thread::spawn(move || {
        enter(&link);
        let output = Command::new(env!("CARGO_BIN_EXE_hotline"))
            .args(options.split(' '))
            .stderr(Stdio::inherit())
            .output()
            .expect("it runs");
        serde_json::from_slice(&output.stdout).expect("figures")
    })
}

/// How each call on record ended.
fn outcomes(client: &Client) -> BTreeMap<String, u64> {
    let (mut outcomes, mut more) = (BTreeMap::new(), String::new());
    loop {
        let (status, page) = client.get(&format!("/calls?limit=200{more}"));
        assert_eq!(status, 200, "{page}");
        for call in page["items"].as_array().expect("a list") {
            let outcome = call["outcome"].as_str().unwrap_or("none").to_owned();
            *outcomes.entry(outcome).or_default() += 1;
        }
        match page["next"].as_str() {
            Some(next) => more = format!("&cursor={next}"),
            None => return outcomes,
        }
    }
}

#[test]
fn of_a_thousand_calls_over_a_bad_line_none_is_stuck_and_none_without_a_record() {
    let (Some(there), Some(here)) = (Network::new(), Network::new()) else { return };
    let line = Line::between(&there, &here);
    let engine = serve(&here);
    let free = metric(&engine, "hotline_rtp_ports_free");

    let alone = load(&there, &format!("--number 95512 --calls {ALONE} --rate 45 --duration 500"));
    let agents = "--agents 8001-8016 --password demo --concurrent 16 --duration 1500";
    let bridged = load(&there, &format!("--number 95500 --calls {BRIDGED} --rate 8 {agents}"));
    for (load, calls) in [(alone, ALONE), (bridged, BRIDGED)] {
        let figures = load.join().expect("it ends");
        assert_eq!(figures["calls"]["ok"], calls, "{figures}");
    }
    eventually("no call and no port is left", SETTLES_WITHIN, || {
        let left = (metric(&engine, "hotline_calls"), metric(&engine, "hotline_rtp_ports_free"));
        (left == (0, free)).then_some(())
    });
    let client = Client::sign_in(&engine, "qa");
    let outcomes = eventually("every call's record", SETTLES_WITHIN, || {
        let outcomes = outcomes(&client);
        (outcomes.values().sum::<u64>() == ALONE + BRIDGED).then_some(outcomes)
    });
    assert_eq!(outcomes.get("none"), None, "{outcomes:?}");
    // Some leave while the agent's phone has not been heard for the third time.
    let answered = outcomes.get("answered").copied().unwrap_or(0);
    assert!(answered * 100 >= BRIDGED * 90, "{outcomes:?}");

    let Crossed { carried, lost } = line.end();
    let share = lost as f64 / (carried + lost) as f64;
    assert!((0.04..0.06).contains(&share), "{lost} lost, {carried} carried");
    assert!(carried > 5 * (ALONE + BRIDGED), "{carried} carried");
}
