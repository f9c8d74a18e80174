//! SIPp as lines, phones and carriers that ask for what only some of them do. All scenes play at
//! the same time on one engine; each is named in plain words, and has a queue, agents and ports
//! of its own.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::api::Client;
use crate::demo::{Demo, eventually};
use crate::on_postgres::account;
use crate::sipp::{Sipp, Stage, free_port};

/// Lines by their numbers: who only calls in, one with room for one call, one behind a name whose
/// first server is dead, one whose own name makes long requests, one whose proxy forks, and one
/// that is known by its password.
const CONFIG: &str = r#"
[site]
data = "DATA"
[sip]
listen = "127.0.0.1:0"
trunk_digest = "md5"
[http]
listen = "127.0.0.1:0"
[dns]
servers = ["DNS"]
[[tier]]
level = 1
permissions = ["call.outbound"]
QUEUES
[[trunk]]
name = "carrier"
sources = ["127.0.0.1/32"]
brand = "95512"
[trunk.numbers]
95512 = "hotline"
95501 = "queue:pickup"
95502 = "queue:given"
95503 = "queue:several"
[trunk.outbound]
targets = ["127.0.0.1:FORKING"]
caller_id = "02195512"
allowed = ["13XXXXXXXXX"]
options_interval_ms = 0
[[trunk]]
name = "small"
sources = ["127.0.0.21/32"]
brand = "95512"
calls_max = 1
numbers = { 95512 = "hotline" }
[[trunk]]
name = "branch"
brand = "95512"
user = "branch-7"
password = "sesame"
numbers = { 95515 = "hotline" }
[[trunk]]
name = "named"
brand = "95512"
numbers = { 95513 = "hotline" }
[trunk.outbound]
targets = ["carrier.test;transport=tcp"]
caller_id = "02195512"
allowed = ["15XXXXXXXXX"]
options_interval_ms = 0
[[trunk]]
name = "wordy"
brand = "95512"
numbers = { 95514 = "hotline" }
[trunk.outbound]
targets = ["127.0.0.1:WORDY"]
caller_id = "02195512"
allowed = ["17XXXXXXXXX"]
options_interval_ms = 0
domain = "LABEL.LABEL.LABEL.example.com"
"#;

/// As long as a label of a name can be.
const LABEL: &str = "a-carrier-s-own-domain-whose-name-is-of-as-many-words-as-it-may";

/// The queues, and who is ready in them as soon as their phone registers. "claims" is called by
/// nobody: its agents only call.
const QUEUES: [(&str, &[&str]); 6] = [
    ("general", &["8001"]),
    ("claims", &["8004", "8005", "8006", "8007", "8008", "8009", "8010"]),
    ("complaints", &[]),
    ("pickup", &["8002"]),
    ("given", &["8003"]),
    ("several", &["8011"]),
];

/// The engine and what its peers have to know.
struct Ground {
    engine: Demo,
    stage: Stage,
    forking: u16,
    wordy: u16,
    named: u16,
}

impl Ground {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [forking, wordy, dead, named] = [(); 4].map(|()| free_port());
        let config = folder.path().join("hotline.toml");
        let queues = QUEUES.map(|(queue, _)| {
            format!(
                "[[queue]]\nname = \"{queue}\"\ntitle = \"{queue}\"\n\
                 tiers = [{{ level = 1, after_ms = 0 }}]\n"
            )
        });
        let text = CONFIG
            .replace("DATA", &folder.path().join("data").display().to_string())
            .replace("DNS", &name_server(dead, named).to_string())
            .replace("QUEUES", &queues.concat())
            .replace("FORKING", &forking.to_string())
            .replace("WORDY", &wordy.to_string())
            .replace("LABEL", LABEL);
        std::fs::write(&config, text).expect("it is written");
        for (queue, agents) in QUEUES {
            for agent in agents {
                let agent_is = ["--role", "agent", "--tier", "1", "--queues", queue];
                // SIPp knows no other digest.
                let phone = ["--digest", "md5", "--ready-when-registered"];
                account(&config, agent, &[&agent_is[..], &phone[..]].concat());
            }
        }
        account(&config, "qa", &["--role", "inspector"]);
        let engine = Demo::serve(folder, &config);
        Self { engine, stage: Stage::new(440.0), forking, wordy, named }
    }

    fn start_peer(&self, scenario: &str, arguments: &[&str]) -> Sipp {
        self.stage.start(self.engine.sip, scenario, &[&["-m", "1"], arguments].concat())
    }

    fn play(&self, scenario: &str, arguments: &[&str]) {
        self.start_peer(scenario, arguments).succeed();
    }

    /// A customer's call of that scenario, to that number.
    fn line(&self, scenario: &str, number: &str) {
        self.play(scenario, &["-s", number, "-key", "ani", "13900000001"]);
    }

    /// Registers a phone of the agent, at a port that is told.
    fn registered(&self, agent: &str) -> String {
        let port = free_port().to_string();
        let who = ["-p", &port, "-key", "agent", agent, "-au", agent, "-ap", "demo"];
        self.play("register", &who);
        port
    }

    /// The phone of the agent at that port calls a number, and does what the scenario says.
    fn dials(&self, scenario: &str, agent: &str, port: &str, number: &str, more: &[&str]) {
        let uri = format!("{number}@{}", self.engine.sip);
        let who = ["-p", port, "-s", number, "-key", "ani", agent, "-au", agent, "-ap", "demo"];
        self.play(scenario, &[&who[..], &["-auth_uri", &uri], more].concat());
    }

    /// What a scenario leaves in the file of that name.
    fn left(&self, name: &str) -> String {
        eventually(name, Duration::from_secs(60), || self.stage.left(name))
    }
}

/// A server for the zone of `carrier.test`: two servers of the line, of which the first is dead.
fn name_server(dead: u16, alive: u16) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            // Whoever asked may be gone.
            let _ = socket.send_to(&told(&query[..length], dead, alive), from);
        }
    });
    address
}

/// A name as it is written in DNS (RFC 1035 section 3.1).
fn labels(name: &str) -> Vec<u8> {
    let label = |label: &str| [&[label.len() as u8], label.as_bytes()].concat();
    let labels: Vec<u8> = name.split('.').flat_map(label).collect();
    [&labels[..], &[0]].concat()
}

/// The answer to a query.
fn told(query: &[u8], dead: u16, alive: u16) -> Vec<u8> {
    let (srv, a) = (33_u16, 1_u16);
    let server = |priority: u16, port: u16, host: &str| {
        let numbers = [priority, 1, port].map(u16::to_be_bytes).concat();
        [&numbers[..], &labels(host)].concat()
    };
    let loopback = vec![127, 0, 0, 1];
    let zone = [
        ("_sip._tcp.carrier.test", srv, server(1, dead, "dead.carrier.test")),
        ("_sip._tcp.carrier.test", srv, server(2, alive, "alive.carrier.test")),
        ("dead.carrier.test", a, loopback.clone()),
        ("alive.carrier.test", a, loopback),
    ];
    let asks = |name: &str, kind: u16| {
        query[12..].starts_with(&[&labels(name)[..], &kind.to_be_bytes()].concat())
    };
    let answers: Vec<Vec<u8>> = zone
        .iter()
        .filter(|(name, kind, _)| asks(name, *kind))
        .map(|(name, kind, data)| {
            // The class is IN, and the answer holds for a minute.
            let head = [&kind.to_be_bytes()[..], &[0, 1, 0, 0, 0, 60]].concat();
            [&labels(name)[..], &head, &(data.len() as u16).to_be_bytes(), data].concat()
        })
        .collect();
    let end = query[12..].iter().position(|byte| *byte == 0).expect("a name ends");
    let counts = [0, 1, 0, answers.len() as u8, 0, 0, 0, 0];
    [&query[..2], &[0x85, 0x80], &counts, &query[12..12 + end + 5], &answers.concat()].concat()
}

fn menu(ground: &Ground, scenario: &str) {
    ground.line(scenario, "95512");
}

/// A call that an agent's phone makes, and the carrier that takes it.
fn outside(ground: &Ground, agent: &str, number: &str, carrier: (&str, u16, &[&str])) {
    let (scenario, port, more) = carrier;
    let takes = ground.start_peer(scenario, &[&["-p", &port.to_string()], more].concat());
    let phone = ground.registered(agent);
    ground.dials("dials_out", agent, &phone, number, &[]);
    takes.succeed();
}

fn key_by_info(ground: &Ground) {
    let port = ground.registered("8001");
    let agent = ground.start_peer("agent_hangs_up", &["-p", &port, "-key", "ani", "8001"]);
    let arguments = ["-s", "95512", "-key", "ani", "13900000002", "-key", "key", "0"];
    ground.play("keys_by_info", &arguments);
    agent.succeed();
    let inspector = Client::sign_in(&ground.engine, "qa");
    eventually("the call's record", Duration::from_secs(30), || {
        let (_, calls) = inspector.get("/calls");
        let to_agent = |call: &&serde_json::Value| call["agent_id"] == "8001";
        let call = calls["items"].as_array()?.iter().find(to_agent)?.clone();
        (call["queue"] == "general" && call["outcome"] == "answered").then_some(())
    });
}

fn picked_up(ground: &Ground) {
    let first = ground.registered("8002");
    let rings = ground.start_peer("agent_rings_on", &["-p", &first]);
    let caller = ground.start_peer("waiter", &["-s", "95501", "-key", "ani", "13900000003"]);
    let dialog = ground.left("ringing");
    let second = ground.registered("8002");
    ground.dials("picks_up", "8002", &second, "95501", &["-key", "replaces", &dialog]);
    rings.succeed();
    caller.succeed();
}

fn given_away(ground: &Ground) {
    let (first, asked) = (ground.registered("8003"), ground.registered("8004"));
    let asked = ground.start_peer("answers", &["-p", &asked]);
    let holds = ground.start_peer("holds", &["-p", &first, "-key", "ani", "8003"]);
    let arguments = ["-s", "95502", "-d", "15000", "-key", "ani", "13900000004"];
    let caller = ground.start_peer("stays", &arguments);
    let held = ground.left("held");
    let second = ground.registered("8003");
    ground.dials("consults", "8003", &second, "8004", &["-key", "held", &held]);
    holds.succeed();
    caller.succeed();
    asked.succeed();
}

fn no_room(ground: &Ground) {
    let here = ["-i", "127.0.0.21", "-s", "95512"];
    let first = [&here[..], &["-d", "15000", "-key", "ani", "13900000005"]].concat();
    let first = ground.start_peer("stays", &first);
    ground.left("answered-13900000005");
    ground.play("no_more_calls", &[&here[..], &["-key", "ani", "13900000006"]].concat());
    first.succeed();
}

fn several_phones(ground: &Ground) {
    let (desk, home) = (ground.registered("8011"), ground.registered("8011"));
    let rings = ground.start_peer("agent_elsewhere", &["-p", &desk]);
    let answers = ground.start_peer("agent", &["-p", &home]);
    let arguments = ["-s", "95503", "-d", "4000", "-key", "ani", "13900000008"];
    let caller = ground.start_peer("stays", &arguments);
    rings.succeed();
    caller.succeed();
    answers.succeed();
}

fn by_password(ground: &Ground) {
    let uri = format!("95515@{}", ground.engine.sip);
    let line = ["-i", "127.0.0.22", "-s", "95515", "-d", "2000", "-key", "ani", "13900000007"];
    let knows =
        |password| [&line[..], &["-au", "branch-7", "-ap", password, "-auth_uri", &uri]].concat();
    ground.play("credentials", &knows("sesame"));
    ground.start_peer("credentials", &knows("guess")).fail();
}

fn contacts(ground: &Ground) {
    let who = ["-key", "agent", "8007", "-au", "8007", "-ap", "demo"];
    ground.play("contacts", &who);
}

fn locked_out(ground: &Ground) {
    let who = ["-i", "127.0.0.41", "-key", "agent", "8008", "-au", "8008", "-ap", "demo"];
    ground.play("locked_out", &who);
    // Another phone, from where nobody guessed, is let in.
    ground.registered("8009");
}

/// A scene and its name.
type Scene = (&'static str, fn(&Ground));

const SCENES: [Scene; 16] = [
    ("an offer may come late, and one at a time: 491", |g| menu(g, "late_offer")),
    (
        "a short session timer is refused (422), a session is refreshed, after glare too (491)",
        |g| {
            menu(g, "refreshed");
        },
    ),
    ("a merged request is refused: 482", |g| menu(g, "merged")),
    ("OPTIONS is answered, and 501, 420, 483, 415 and 416 say what is wrong", |g| {
        menu(g, "strict");
    }),
    ("CANCEL comes for nothing, in time, and too late", |g| menu(g, "cancels")),
    ("a key that is told by INFO chooses in the menu", key_by_info),
    ("what rings at one phone is picked up at another by Replaces", picked_up),
    ("both phones of an agent ring, and the one that does not answer is told", several_phones),
    ("a line is known by its password from any address, and nobody who guesses is", by_password),
    ("a phone asks a colleague and gives the call away by REFER with Replaces", given_away),
    ("a line that is full gets 503 and is told when to come again", no_room),
    ("a registrar tells the least time, all contacts, Path and GRUU, and forgets all", contacts),
    ("who guesses passwords waits longer and longer, and is locked out", locked_out),
    ("early media is reliable, and of two who answer one is let go", |g| {
        outside(g, "8005", "13800138000", ("carrier_forks", g.forking, &[]));
    }),
    ("a dead server of a name is passed over, and the next one has the call", |g| {
        outside(g, "8006", "15800138000", ("carrier_by_tcp", g.named, &["-t", "t1"]));
    }),
    ("a request that is too long for a datagram goes by TCP", |g| {
        outside(g, "8010", "17800138000", ("carrier_by_tcp", g.wordy, &["-t", "t1"]));
    }),
];

#[test]
fn what_lines_phones_and_carriers_may_do_is_done_by_sipp() {
    let ground = Ground::start();
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let ground = &ground;
        let play = |(name, scene): Scene| (name, scope.spawn(move || scene(ground)));
        let playing = SCENES.map(play);
        let failed =
            playing.into_iter().filter_map(|(name, scene)| scene.join().err().map(|_| name));
        failed.collect()
    });
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(ground.engine.stop(), "the engine ends in order");
}
