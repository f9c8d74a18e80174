//! How clear a voice is that goes through the engine, as PESQ (ITU-T P.862) hears it: Mandarin
//! speech, sent in real time by phones of this test, beside what the other phone heard and what
//! was recorded.
//!
//! All is compared in the narrow band, at 8 kHz: a call with a leg of G.711 has no more, and what
//! is recorded neither. Each bound is that of P.862.1's scale, whose best is 4.55.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use media::{Codec, FRAME_SAMPLES, compare, g711, g722, opus};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rtp::{Header, Packet};
use sdp::OpusWishes;
use serde_json::json;
use sip::{Message, Method};
use tempfile::TempDir;

use crate::api::Client;
use crate::demo::Demo;
use crate::on_postgres::account;
use crate::phone::{Dialled, Phone, media_of};
use crate::sound::{SECOND, recording};

/// How long a call takes to ring on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const FRAME: Duration = Duration::from_millis(20);
/// How often a call may be tried.
const CALLS: usize = 3;
/// Of twenty packets one is lost.
const LOSS: f64 = 0.05;
/// What is looked for to find where the speech begins: a second of it.
const SOUGHT: std::ops::Range<usize> = 2 * SECOND..3 * SECOND;
/// Silence that PESQ is given before and after the speech.
const MARGIN: usize = SECOND / 4;

/// What the customer says, and what the agent does: eight to twelve seconds, as P.862 wants them.
const CALLERS: [&str; 4] = ["welcome", "recording_notice", "menu", "closed"];
const AGENTS: [&str; 4] = ["callback_hello", "all_busy", "mailbox_greeting", "no_agents"];

fn speech(prompts: &[&str]) -> Vec<i16> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-scripts/prompts");
    let mut speech = vec![0; MARGIN];
    for prompt in prompts {
        let file = std::fs::read(folder.join(format!("{prompt}.wav"))).expect("it is shipped");
        speech.extend(media::decode(file).expect("it is audio"));
        speech.extend([0; MARGIN]);
    }
    speech.truncate(12 * SECOND);
    speech
}

/// A codec at the end of a phone's line.
enum Coding {
    Law(Codec),
    G722(Box<(g722::Encoder, g722::Decoder)>),
    Opus(Box<(opus::Encoder, opus::Decoder)>),
}

impl Coding {
    fn new(codec: Codec) -> Self {
        match codec {
            Codec::Opus => {
                let wishes = OpusWishes { fec: true, ..OpusWishes::default() };
                let encoder = opus::Encoder::new(wishes).expect("memory");
                Self::Opus(Box::new((encoder, opus::Decoder::new().expect("memory"))))
            }
            Codec::G722 => Self::G722(Box::default()),
            Codec::Pcma | Codec::Pcmu | Codec::L16 | Codec::L16Wide => Self::Law(codec),
        }
    }

    fn encode(&mut self, frame: &[i16], into: &mut [u8]) -> usize {
        match self {
            Self::Law(codec) => g711::encode(*codec, frame, into),
            Self::G722(both) => both.0.encode_narrow(frame, &mut into[..frame.len()]),
            Self::Opus(both) => return both.0.encode(frame, into).expect("a frame"),
        }
        frame.len()
    }

    /// The samples of a packet, behind those that were lost before it, and how many those are.
    fn decode(&mut self, at: (u16, u32), payload: &[u8]) -> (usize, Vec<i16>) {
        let mut samples = vec![0; payload.len()];
        match self {
            Self::Law(codec) => g711::decode(*codec, payload, &mut samples),
            Self::G722(both) => both.1.decode_narrow(payload, &mut samples),
            Self::Opus(both) => {
                samples.resize(opus::MAX_LEAD + opus::MAX_SAMPLES, 0);
                let Some(decoded) = both.1.decode(at, payload, &mut samples) else {
                    return (0, Vec::new());
                };
                samples.truncate(decoded.samples);
                return (decoded.lead, samples);
            }
        }
        (0, samples)
    }
}

/// A description of a phone with one codec and no digits, at that place.
fn description(codec: Codec, at: SocketAddr) -> String {
    let (number, ip, port) = (codec.payload_type(), at.ip(), at.port());
    let channels = if codec == Codec::Opus { "/2" } else { "" };
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP {number}\r\n\
         a=rtpmap:{number} {name}/{rate}{channels}\r\na=fmtp:{number} useinbandfec=1\r\n",
        name = codec.encoding(),
        rate = codec.clock_rate(),
    )
}

/// Someone who listens until they are told to stop, and says something once when told to.
struct Talk {
    speak: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<i16>>,
}

impl Talk {
    /// On that socket, to the engine's. Of what it sends so much is lost.
    fn start(socket: UdpSocket, to: SocketAddr, codec: Codec, said: &[i16], loss: f64) -> Self {
        let [speak, stop] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let (told, said) = ((Arc::clone(&speak), Arc::clone(&stop)), said.to_vec());
        let thread = std::thread::spawn(move || talk(&socket, to, codec, (&said, loss), &told));
        Self { speak, stop, thread }
    }

    fn speak(&self) {
        self.speak.store(true, Ordering::Relaxed);
    }

    /// What was heard, from the first packet on.
    fn stop(self) -> Vec<i16> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it did not panic")
    }
}

fn talk(
    socket: &UdpSocket,
    to: SocketAddr,
    codec: Codec,
    (said, loss): (&[i16], f64),
    (speak, stop): &(Arc<AtomicBool>, Arc<AtomicBool>),
) -> Vec<i16> {
    let (mut coding, mut ear) = (Coding::new(codec), Ear::new(codec));
    let mut chance = ChaCha8Rng::seed_from_u64(862);
    let ticks = codec.clock_rate() / 50;
    let (begun, mut said) = (Instant::now(), said.chunks(FRAME_SAMPLES));
    for number in 0_u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut frame = [0; FRAME_SAMPLES];
        if let Some(next) = speak.load(Ordering::Relaxed).then(|| said.next()).flatten() {
            frame[..next.len()].copy_from_slice(next);
        }
        let (mut payload, mut packet) = ([0; opus::MAX_BYTES], [0; 512]);
        let length = coding.encode(&frame, &mut payload);
        let header = Header {
            payload_type: codec.payload_type(),
            marker: number == 0,
            sequence: number as u16,
            timestamp: number.wrapping_mul(ticks),
            ssrc: 862,
        };
        let length = header.write(&payload[..length], &mut packet).expect("it fits");
        // The first ones say where it comes from.
        if number < 10 || !chance.random_bool(loss) {
            socket.send_to(&packet[..length], to).expect("it is sent");
        }
        ear.listen(socket, begun + FRAME * (number + 1));
    }
    ear.heard
}

/// What came, placed by its timestamps.
struct Ear {
    codec: Codec,
    coding: Coding,
    first: Option<u32>,
    heard: Vec<i16>,
}

impl Ear {
    fn new(codec: Codec) -> Self {
        Self { codec, coding: Coding::new(codec), first: None, heard: Vec::new() }
    }

    fn listen(&mut self, socket: &UdpSocket, until: Instant) {
        let mut buffer = [0; 2_048];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            socket.set_read_timeout(Some(left)).expect("a time-out");
            let Ok((length, _)) = socket.recv_from(&mut buffer) else { return };
            let Ok(packet) = Packet::parse(&buffer[..length]) else { continue };
            if packet.header.payload_type == self.codec.payload_type() {
                self.hear(&packet);
            }
        }
    }

    fn hear(&mut self, packet: &Packet<'_>) {
        let scale = self.codec.clock_rate() / SECOND as u32;
        let (header, first) = (packet.header, *self.first.get_or_insert(packet.header.timestamp));
        let at = header.timestamp.wrapping_sub(first) / scale;
        let (lead, samples) = self.coding.decode((header.sequence, at), packet.payload);
        let Some(from) = (at as usize).checked_sub(lead) else { return };
        let end = from + samples.len();
        if self.heard.len() < end {
            self.heard.resize(end, 0);
        }
        self.heard[from..end].copy_from_slice(&samples);
    }
}

/// Pairs of what was said and what was heard of it, for PESQ.
struct Pairs {
    folder: TempDir,
    files: Vec<PathBuf>,
}

impl Pairs {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), files: Vec::new() }
    }

    /// Adds one: what was said is found in what was heard, and as much of it taken.
    fn add(&mut self, said: &[i16], heard: &[i16]) {
        // What is found wrongly is not clear either.
        let found = compare::find(&said[SOUGHT], heard).expect("something was heard");
        let from = found.lag.checked_sub(SOUGHT.start).expect("its beginning was heard");
        let heard = &heard[from..(from + said.len()).min(heard.len())];
        for samples in [said, heard] {
            let file = self.folder.path().join(format!("{}.raw", self.files.len()));
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            std::fs::write(&file, bytes).expect("it is written");
            self.files.push(file);
        }
    }

    /// How clear each is.
    fn scores(&self) -> Vec<f64> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/peers/pesq/bin/python");
        let output = Command::new(&python)
            .arg(root.join("tests/live/clearness.py"))
            .args(&self.files)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}: run make peers", python.display()));
        let (said, wrong) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{wrong}");
        let lines = String::from_utf8_lossy(said);
        let scores: Vec<f64> = lines.lines().map(|line| line.parse().expect("a score")).collect();
        assert_eq!(2 * scores.len(), self.files.len());
        eprintln!("PESQ: {scores:?}");
        scores
    }
}

/// An engine that speaks all of the codecs here with everyone, and has two agents.
fn engine() -> Demo {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("hotline.toml");
    let codecs = "codecs = [\"PCMA\", \"G722\", \"OPUS\"]";
    let text = format!(
        "[site]\ndata = {:?}\n[sip]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [registrar]\n{codecs}\n[[trunk]]\nname = \"carrier\"\nsources = [\"127.0.0.0/8\"]\n\
         brand = \"95512\"\n{codecs}\n[trunk.numbers]\n95500 = \"queue:general\"\n",
        folder.path().join("data").display().to_string(),
    );
    std::fs::write(&config, text).expect("it is written");
    for agent in ["8001", "8002"] {
        let options = ["--role", "agent", "--tier", "1", "--queues", "general"];
        account(&config, agent, &[&options[..], &["--ready-when-registered"]].concat());
    }
    account(&config, "qa", &["--role", "inspector"]);
    Demo::serve(folder, &config)
}

/// A call between a customer and agent 8001.
struct Conversation {
    demo: Demo,
    caller: Phone,
    call: Dialled,
    agent: Phone,
    caller_talks: Talk,
    agent_talks: Talk,
}

/// What was heard and recorded.
struct Heard {
    by_caller: Vec<i16>,
    by_agent: Vec<i16>,
    left: Vec<i16>,
    right: Vec<i16>,
}

impl Conversation {
    /// They listen, and will say these. Of what comes from the customer so much is lost.
    fn start(codecs: (Codec, Codec), said: (&[i16], &[i16]), loss: f64) -> Self {
        let demo = engine();
        let mut agent = Phone::new(demo.sip, "8001");
        assert_eq!(agent.register("demo"), 200);
        let mut caller = Phone::new(demo.sip, "13900000001");
        let call = caller.dial_with("95500", &description(codecs.0, caller.media_address()));
        let invite = agent.expect(Method::Invite, PATIENCE).message;
        let agent_talks = answer(&agent, &invite, codecs.1, said.1);
        let caller_talks = Talk::start(caller.media(), call.media(), codecs.0, said.0, loss);
        Self { demo, caller, call, agent, caller_talks, agent_talks }
    }

    /// Lets them talk until so many samples are said.
    fn talk(&self, samples: usize) {
        // The recording begins, and the way between them is open, a moment after the answer.
        self.agent.stay(Duration::from_secs(1));
        self.caller_talks.speak();
        self.agent_talks.speak();
        self.agent.stay(Duration::from_secs(samples.div_ceil(SECOND) as u64 + 1));
    }

    fn end(mut self) -> Heard {
        let (by_caller, by_agent) = (self.caller_talks.stop(), self.agent_talks.stop());
        self.caller.hang_up(&self.call);
        self.agent.respond(&self.agent.expect(Method::Bye, PATIENCE).message, "200 OK", "");
        let (left, right) = recording(&Client::sign_in(&self.demo, "qa"));
        Heard { by_caller, by_agent, left, right }
    }
}

/// Takes a call with that codec.
fn answer(phone: &Phone, invite: &Message, codec: Codec, said: &[i16]) -> Talk {
    phone.pick_up_with(invite, &description(codec, phone.media_address()));
    Talk::start(phone.media(), media_of(invite), codec, said, 0.0)
}

/// Calls until one is heard so clearly. A machine that stood still for a moment is heard as well:
/// so one that was not is followed by two more.
fn assert_clear(least: f64, call: impl Fn() -> Vec<f64>) {
    let mut calls = Vec::new();
    while calls.len() < CALLS {
        let scores = call();
        if scores.iter().all(|score| *score >= least) {
            return;
        }
        calls.push(scores);
    }
    panic!("less clear than {least}: {calls:?}");
}

/// How clearly each of them is heard by the other one and recorded.
fn clearness(codecs: (Codec, Codec)) -> Vec<f64> {
    let (customer, agent) = (speech(&CALLERS), speech(&AGENTS));
    let conversation = Conversation::start(codecs, (&customer, &agent), 0.0);
    conversation.talk(customer.len().max(agent.len()));
    let heard = conversation.end();
    let mut pairs = Pairs::new();
    pairs.add(&customer, &heard.by_agent);
    pairs.add(&agent, &heard.by_caller);
    pairs.add(&customer, &heard.left);
    pairs.add(&agent, &heard.right);
    pairs.scores()
}

#[test]
fn on_a_clean_way_of_a_law_both_are_heard_and_recorded_as_clearly_as_a_law_can() {
    assert_clear(4.2, || clearness((Codec::Pcma, Codec::Pcma)));
}

#[test]
fn between_opus_and_a_law_both_hear_each_other_clearly() {
    assert_clear(3.8, || clearness((Codec::Opus, Codec::Pcma)));
}

#[test]
fn between_g722_and_opus_both_hear_each_other_clearly() {
    assert_clear(3.8, || clearness((Codec::G722, Codec::Opus)));
}

/// The same of a voice of Opus of which one packet in twenty is lost.
fn clearness_of_lossy_opus() -> Vec<f64> {
    let customer = speech(&CALLERS);
    let conversation = Conversation::start((Codec::Opus, Codec::Pcma), (&customer, &[]), LOSS);
    conversation.talk(customer.len());
    let heard = conversation.end();
    let mut pairs = Pairs::new();
    pairs.add(&customer, &heard.by_agent);
    pairs.add(&customer, &heard.left);
    pairs.scores()
}

#[test]
fn a_voice_of_opus_that_loses_one_packet_in_twenty_is_heard_and_recorded_well() {
    assert_clear(2.8, clearness_of_lossy_opus);
}

/// The same of one of A-law, as a colleague in a conference hears it and as it is recorded.
fn clearness_of_lossy_a_law() -> Vec<f64> {
    let customer = speech(&CALLERS);
    let conversation = Conversation::start((Codec::Pcma, Codec::Pcma), (&customer, &[]), LOSS);
    // Between two phones of A-law nothing is decoded; a colleague who joins them hears the sum.
    let mut colleague = Phone::new(conversation.demo.sip, "8002");
    assert_eq!(colleague.register("demo"), 200);
    let mut desk = Client::sign_in(&conversation.demo, "8001").events();
    let asked = desk.command("consult", &json!({ "agent_id": "8002" }));
    assert_eq!(asked["ok"], json!(true), "{asked}");
    let invite = colleague.expect(Method::Invite, PATIENCE).message;
    let listening = answer(&colleague, &invite, Codec::Pcma, &[]);
    let joined = desk.command("conference", &json!({}));
    assert_eq!(joined["ok"], json!(true), "{joined}");
    conversation.talk(customer.len());
    let mixed = listening.stop();
    let heard = conversation.end();
    let mut pairs = Pairs::new();
    pairs.add(&customer, &mixed);
    pairs.add(&customer, &heard.left);
    pairs.scores()
}

#[test]
fn a_voice_of_a_law_that_loses_one_packet_in_twenty_is_mixed_and_recorded_well() {
    assert_clear(2.8, clearness_of_lossy_a_law);
}
