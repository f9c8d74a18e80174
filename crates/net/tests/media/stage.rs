//! What every test needs: an engine's media side, and phones.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use media::{Codec, LegMedia, MediaCommand, MediaEvent, Play, Prompts, Source, compare, g711};
use model::{CallId, IdSource, LegId, Mono, PlayId, RecordingId, Seal};
use net::media::{Config, MediaWorkers};
use net::recorder::{Audio, Expected, Verdict, repair, verify};
use recording::Keyring;
use rtp::{Header, Packet};

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// The beat of a phone.
pub(crate) const FRAME: Duration = Duration::from_millis(20);
/// The payload type of digits, unless a test says otherwise.
pub(crate) const DIGITS: u8 = 101;

/// The media side of an engine.
pub(crate) struct Stage {
    pub(crate) workers: MediaWorkers,
    pub(crate) events: Receiver<MediaEvent>,
    pub(crate) origin: Instant,
    pub(crate) call: CallId,
    ip: Ipv4Addr,
    ids: IdSource,
}

impl Stage {
    /// An engine on 127.88.0.`host`, with phones on other addresses of that net.
    pub(crate) fn new(host: u8) -> Self {
        Self::with(host, Prompts::default(), |_| {})
    }

    pub(crate) fn with(host: u8, prompts: Prompts, change: impl FnOnce(&mut Config)) -> Self {
        let ip = Ipv4Addr::new(127, 88, 0, host);
        let mut config = Config { ip: IpAddr::V4(ip), ..Config::default() };
        change(&mut config);
        let origin = config.origin;
        let (sender, events) = crossbeam_channel::unbounded();
        let workers = MediaWorkers::start(config, Arc::new(prompts), sender).unwrap();
        let mut ids = IdSource::new(1, 1);
        let call = CallId(ids.mint());
        Self { workers, events, origin, call, ip, ids }
    }

    pub(crate) fn now(&self) -> Mono {
        Mono(self.origin.elapsed().as_nanos() as u64)
    }

    pub(crate) fn play_id(&mut self) -> PlayId {
        PlayId(self.ids.mint())
    }

    pub(crate) fn recording_id(&mut self) -> RecordingId {
        RecordingId(self.ids.mint())
    }

    /// A leg that is open, with the phone that belongs to it and silence to hear.
    pub(crate) fn leg(&mut self, codec: Codec) -> (LegMedia, Phone) {
        let leg = self.leg_id();
        self.leg_of(leg, codec)
    }

    /// A leg that may be open later.
    pub(crate) fn leg_id(&mut self) -> LegId {
        LegId(self.ids.mint())
    }

    /// [`Stage::leg`] of that id.
    pub(crate) fn leg_of(&mut self, leg: LegId, codec: Codec) -> (LegMedia, Phone) {
        let engine = self.workers.open(self.call, leg).unwrap();
        let phone = Phone::new(self.phone_ip(), engine, codec, leg.0.counter());
        let media = LegMedia {
            call: self.call,
            leg,
            remote: phone.address(),
            codec,
            payload_type: phone.payload_type,
            packet_ms: 20,
            max_packet_ms: None,
            digits_payload_type: Some(DIGITS),
            digits_clock_rate: 8_000,
            opus: media::OpusWishes::default(),
            noise_payload_type: None,
            rtcp: None,
            hears: Source::Silence,
            sends: true,
            receives: true,
            secured: None,
            browser: None,
        };
        self.set(&media);
        (media, phone)
    }

    /// Two legs that hear each other.
    pub(crate) fn bridge(&mut self, one: Codec, other: Codec) -> [(LegMedia, Phone); 2] {
        let (mut a, phone_a) = self.leg(one);
        let (mut b, phone_b) = self.leg(other);
        a.hears = Source::Leg(b.leg);
        b.hears = Source::Leg(a.leg);
        self.set(&a);
        self.set(&b);
        [(a, phone_a), (b, phone_b)]
    }

    /// An address beside the engine's.
    pub(crate) fn phone_ip(&self) -> Ipv4Addr {
        let [a, b, _, host] = self.ip.octets();
        Ipv4Addr::new(a, b, 1, host)
    }

    pub(crate) fn set(&self, media: &LegMedia) {
        self.workers.send(MediaCommand::Set(media.clone())).unwrap();
    }

    /// The leg hears prompts from now on.
    pub(crate) fn play(&mut self, media: &mut LegMedia, prompts: &[&str], repeat: bool) -> PlayId {
        let id = self.play_id();
        let prompts = prompts.iter().map(|name| (*name).into()).collect();
        media.hears = Source::Play(Play { id, prompts, repeat });
        self.set(media);
        id
    }

    pub(crate) fn record(&mut self, caller: &LegMedia, agent: &LegMedia) -> (RecordingId, String) {
        let recording = self.recording_id();
        let path = format!("2025/01/02/{recording}.tape");
        let command = MediaCommand::StartRecording {
            call: self.call,
            recording,
            caller: caller.leg,
            agent: Some(agent.leg),
            path: path.clone(),
            at: self.now(),
            quiet_ms: None,
        };
        self.workers.send(command).unwrap();
        (recording, path)
    }

    pub(crate) fn stop_recording(&self, recording: RecordingId) {
        let at = self.now();
        self.workers.send(MediaCommand::StopRecording { recording, at }).unwrap();
    }

    /// The next event that `wanted` picks; others are passed over.
    pub(crate) fn event<T>(&self, mut wanted: impl FnMut(&MediaEvent) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        loop {
            let event = self.events.recv_deadline(until).expect("the event in time");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    /// Waits until the engine has taken in what was sent to it so far by any other way, and
    /// returns what it told meanwhile: closing a leg is told after all that came before.
    pub(crate) fn settle(&mut self) -> Vec<MediaEvent> {
        let marker = LegId(self.ids.mint());
        self.workers.open(self.call, marker).unwrap();
        self.workers.send(MediaCommand::Close { leg: marker }).unwrap();
        let mut told = Vec::new();
        let until = Instant::now() + DEADLINE;
        loop {
            match self.events.recv_deadline(until).expect("the marker in time") {
                MediaEvent::Closed { leg, .. } if leg == marker => return told,
                event => told.push(event),
            }
        }
    }
}

/// What came to a phone.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    pub(crate) at: Instant,
}

/// One phone: sends what it is told to, on the beat.
pub(crate) struct Phone {
    socket: UdpSocket,
    pub(crate) engine: SocketAddr,
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    pub(crate) header: Header,
}

impl Phone {
    pub(crate) fn new(ip: Ipv4Addr, engine: SocketAddr, codec: Codec, seed: u32) -> Self {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        let payload_type = codec.payload_type();
        let header = Header {
            payload_type,
            marker: true,
            sequence: 65_500_u16.wrapping_add(seed as u16),
            timestamp: seed.wrapping_mul(0x1234_5678),
            ssrc: seed.wrapping_mul(0x9e37_79b9),
        };
        Self { socket, engine, codec, payload_type, header }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Sends one packet and makes the next follow it.
    pub(crate) fn send(&mut self, payload: &[u8]) {
        self.send_as(self.payload_type, payload);
        self.header.timestamp = self.header.timestamp.wrapping_add(payload.len() as u32);
    }

    /// Sends one packet of any payload type; the timestamp stays.
    pub(crate) fn send_as(&mut self, payload_type: u8, payload: &[u8]) {
        let mut packet = [0; 1_500];
        let header = Header { payload_type, ..self.header };
        let bytes = header.write(payload, &mut packet).unwrap();
        self.send_raw(&packet[..bytes]);
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.marker = false;
    }

    /// The next packet, written and not sent; the one after follows it.
    pub(crate) fn write(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 1_500];
        let header = Header { payload_type: self.payload_type, ..self.header };
        let bytes = header.write(payload, &mut packet).unwrap();
        packet.truncate(bytes);
        self.skip(payload.len() as u32);
        packet
    }

    /// Leaves out a packet of so many samples, as if it was lost on the way.
    pub(crate) fn skip(&mut self, samples: u32) {
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(samples);
        self.header.marker = false;
    }

    /// Sends a datagram from another port of the same host.
    pub(crate) fn send_beside(&self, datagram: &[u8]) {
        let beside = UdpSocket::bind((self.address().ip(), 0)).unwrap();
        beside.send_to(datagram, self.engine).unwrap();
    }

    pub(crate) fn send_raw(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.engine).unwrap();
    }

    /// The samples as this phone sends them.
    pub(crate) fn encode(&self, samples: &[i16]) -> Vec<u8> {
        let mut bytes = vec![0; samples.len()];
        g711::encode(self.codec, samples, &mut bytes);
        bytes
    }

    /// The next packet.
    pub(crate) fn hear(&self) -> Heard {
        self.hear_within(DEADLINE).expect("a packet in time")
    }

    /// The next packet, if it is there by then.
    pub(crate) fn hear_within(&self, patience: Duration) -> Option<Heard> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        self.receive()
    }

    /// The next datagram, whatever it is.
    pub(crate) fn hear_raw(&self) -> Vec<u8> {
        self.socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut buffer = [0; 2_000];
        let (bytes, from) = self.socket.recv_from(&mut buffer).expect("a datagram in time");
        assert_eq!(from, self.engine, "everything comes from the leg's own port");
        buffer[..bytes].to_vec()
    }

    fn receive(&self) -> Option<Heard> {
        let mut buffer = [0; 2_000];
        let (bytes, from) = loop {
            match self.socket.recv_from(&mut buffer) {
                Ok(received) => break received,
                // A process that was stopped and goes on.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        };
        assert_eq!(from, self.engine, "everything comes from the leg's own port");
        let packet = Packet::parse(&buffer[..bytes]).unwrap();
        Some(Heard { header: packet.header, payload: packet.payload.to_vec(), at: Instant::now() })
    }

    /// The next packets.
    pub(crate) fn hear_many(&self, count: usize) -> Vec<Heard> {
        (0..count).map(|_| self.hear()).collect()
    }

    /// Everything that is there already, without waiting for more.
    pub(crate) fn hear_ready(&self) -> Vec<Heard> {
        self.socket.set_nonblocking(true).unwrap();
        let heard = std::iter::from_fn(|| self.receive()).collect();
        self.socket.set_nonblocking(false).unwrap();
        heard
    }

    /// Everything that is there already or comes within a moment.
    pub(crate) fn hear_rest(&self) -> Vec<Heard> {
        std::iter::from_fn(|| self.hear_within(Duration::from_millis(1))).collect()
    }
}

/// Lets phones send their samples side by side, a frame each on every beat. Where the machine
/// stands still for long, the phones fall silent for as long instead of catching up.
pub(crate) fn talk(phones: &mut [(&mut Phone, &[i16])]) {
    let mut began = Instant::now();
    let frames = phones.iter().map(|(_, samples)| samples.len() / 160).max().unwrap_or(0);
    for frame in 0..frames {
        beat(began, frame);
        let late = began.elapsed().saturating_sub(FRAME * frame as u32);
        if late > 3 * FRAME {
            began += late;
            for (phone, _) in phones.iter_mut() {
                let samples = late.as_millis() as u32 * 8;
                phone.header.timestamp = phone.header.timestamp.wrapping_add(samples);
            }
        }
        for (phone, samples) in phones.iter_mut() {
            if let Some(samples) = samples.chunks_exact(160).nth(frame) {
                let bytes = phone.encode(samples);
                phone.send(&bytes);
            }
        }
    }
    beat(began, frames);
}

/// The samples of a payload.
pub(crate) fn decode(codec: Codec, payload: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; payload.len()];
    g711::decode(codec, payload, &mut samples);
    samples
}

/// Returns on the beat: the clock of the phones, not of the tests.
pub(crate) fn beat(began: Instant, frame: usize) {
    let _ = crossbeam_channel::at(began + FRAME * frame as u32).recv();
}

/// Asserts that packets are one unbroken stream of whole frames.
pub(crate) fn assert_continuous(heard: &[Heard]) {
    for pair in heard.windows(2) {
        let (one, next) = (&pair[0].header, &pair[1].header);
        assert_eq!(next.ssrc, one.ssrc, "one SSRC");
        assert_eq!(next.sequence, one.sequence.wrapping_add(1), "no number is left out");
        let step = next.timestamp.wrapping_sub(one.timestamp);
        assert!((160..16_000).contains(&step), "the time goes on, by {step}");
    }
}

/// Which recording a file is of, by its name.
fn recording_of(path: &Path) -> RecordingId {
    path.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

/// Asserts that a recording's file is what was sealed.
pub(crate) fn assert_whole(path: &Path, seal: &Seal) {
    assert_whole_with(path, seal, &Keyring::default());
}

/// The same of one that is encrypted.
pub(crate) fn assert_whole_with(path: &Path, seal: &Seal, keys: &Keyring) {
    let expected = Expected { recording: Some(recording_of(path)), seal: Some(seal.clone()) };
    assert_eq!(verify(path, &expected, keys).unwrap(), Verdict::Ok);
}

/// Makes what a killed engine left whole.
pub(crate) fn mended(path: &Path) -> Seal {
    repair(path, recording_of(path), CallId::default()).unwrap().seal
}

/// Both channels of a recording.
pub(crate) fn read_wav(path: &Path) -> (Vec<i16>, Vec<i16>) {
    read_wav_with(path, &Keyring::default())
}

/// [`read_wav`] of one that is encrypted.
pub(crate) fn read_wav_with(path: &Path, keys: &Keyring) -> (Vec<i16>, Vec<i16>) {
    let audio = Audio::open(path, keys, &Expected::default()).unwrap();
    let mut reader = hound::WavReader::new(std::io::BufReader::new(audio)).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 8_000, 16));
    let samples: Vec<i16> = reader.samples::<i16>().map(Result::unwrap).collect();
    let channel = |at: usize| samples.iter().skip(at).step_by(2).copied().collect();
    (channel(0), channel(1))
}

/// The share of a voice that proves that it was heard. On a busy machine packets come late, and
/// what comes too late is silence; of another voice not a tenth is found.
pub(crate) const HEARD: f64 = 0.6;

/// How much of a voice is in a channel, from 0 to 1, by pieces of 50 ms.
pub(crate) fn share(voice: &[i16], channel: &[i16]) -> f64 {
    compare::coverage(voice, channel, 400, 0.9).unwrap_or(0.0)
}

/// At which sample of a channel the voice's middle lies, by the piece of it that is found best.
pub(crate) fn middle(voice: &[i16], channel: &[i16]) -> usize {
    let found = (0..voice.len() - 800).step_by(400).filter_map(|from| {
        let found = compare::find(&voice[from..from + 800], channel)?;
        Some((found.correlation, found.lag + voice.len() / 2 - from))
    });
    let (correlation, middle) = found.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert!(correlation > 0.9, "no piece is found: {correlation} at best");
    middle
}
