//! Browsers: reached where their checks come from, proven by their certificate, one port for all.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Dtls, DtlsCertificate, Output, SrtpProfile};
use hmac::{KeyInit, Mac};
use media::{Association, Codec, Fingerprint, LegMedia, MediaCommand, MediaEvent, Rtcp, Source};
use rtp::srtp::{MAX_GROWTH, Profile, Receiver, Sender};
use rtp::{Header, Packet};
use sdp::Ice;
use sha2::{Digest, Sha256};

use crate::stage::{DEADLINE, Phone, Stage};

/// How long a browser waits for a datagram before it does something again.
const PATIENCE: Duration = Duration::from_millis(200);

/// The browser's side of a leg.
struct Browser {
    socket: UdpSocket,
    engine: SocketAddr,
    ice: Ice,
    certificate: DtlsCertificate,
    guard: Option<(Sender, Receiver)>,
    header: Header,
}

impl Browser {
    fn new(ip: std::net::Ipv4Addr, engine: SocketAddr, ice: Ice) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let (certificate, private_key) = (certificate.der().to_vec(), key.serialize_der());
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let header = Header { payload_type: 8, sequence: 9, timestamp: 7, ssrc: 5, marker: false };
        let certificate = DtlsCertificate { certificate, private_key };
        Self { socket, engine, ice, certificate, guard: None, header }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(&self.certificate.certificate).into())
    }

    /// A check of connectivity with that password (RFC 8489 §14).
    fn check(&self, password: &[u8]) -> Vec<u8> {
        let mut username = self.ice.ufrag().to_vec();
        username.extend(b":EsAw");
        let mut check = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        check.extend([7; 12]);
        let put = |check: &mut Vec<u8>, kind: u16, value: &[u8], behind: usize| {
            check.extend(kind.to_be_bytes());
            check.extend((value.len() as u16).to_be_bytes());
            check.extend(value);
            check.resize(check.len().next_multiple_of(4), 0);
            let length = (check.len() - 20 + behind) as u16;
            check[2..4].copy_from_slice(&length.to_be_bytes());
        };
        put(&mut check, 0x0006, &username, 0);
        put(&mut check, 0x0025, &[], 24);
        let mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(password).unwrap();
        let tag = mac.chain_update(&check).finalize().into_bytes();
        put(&mut check, 0x0008, &tag, 8);
        let checksum = crc32fast::hash(&check) ^ 0x5354_554e;
        put(&mut check, 0x8028, &checksum.to_be_bytes(), 0);
        check
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.engine).unwrap();
    }

    /// The next datagram, if one comes soon.
    fn receive(&self) -> Option<Vec<u8>> {
        let mut buffer = [0; 2_000];
        let (bytes, from) = self.socket.recv_from(&mut buffer).ok()?;
        assert_eq!(from, self.engine, "everything comes from the one port");
        Some(buffer[..bytes].to_vec())
    }

    /// Asks until it is answered.
    fn ask(&self) {
        let until = Instant::now() + DEADLINE;
        let check = self.check(self.ice.password());
        while Instant::now() < until {
            self.send(&check);
            if self.receive().is_some_and(|answer| answer.starts_with(&[1, 1])) {
                return;
            }
        }
        panic!("no answer to a check");
    }

    /// Shakes hands until there are keys; whether there were any in time.
    fn shake(&mut self, is_client: bool, patience: Duration) -> bool {
        let config = Arc::new(dimpl::Config::default());
        let mut dtls = Dtls::new_auto(config, self.certificate.clone(), Instant::now());
        dtls.set_active(is_client);
        let until = Instant::now() + patience;
        let mut room = [0; 4_096];
        while Instant::now() < until {
            dtls.handle_timeout(Instant::now()).unwrap();
            let mut masters = None;
            loop {
                match dtls.poll_output(&mut room) {
                    Output::Packet(bytes) => self.send(bytes),
                    Output::KeyingMaterial(material, profile) => {
                        let profile = match profile {
                            SrtpProfile::AES128_CM_SHA1_80 => Profile::AesCm128HmacSha1_80,
                            SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
                            _ => Profile::AeadAes256Gcm,
                        };
                        masters = profile.masters(&material);
                    }
                    Output::Timeout(_) => break,
                    _ => {}
                }
            }
            if let Some([client, server]) = masters {
                let (ours, theirs) = if is_client { (client, server) } else { (server, client) };
                self.guard = Some((Sender::by(&ours), Receiver::by(&theirs)));
                return true;
            }
            if let Some(datagram) = self.receive().filter(|datagram| is_handshake(datagram))
                && dtls.handle_packet(&datagram).is_err()
            {
                return false;
            }
        }
        false
    }

    /// The next packet of voice, protected.
    fn voice(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 12 + payload.len() + MAX_GROWTH];
        let length = self.header.write(payload, &mut packet).unwrap();
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        let (sender, _) = self.guard.as_mut().unwrap();
        let length = sender.protect(&mut packet, length).unwrap();
        packet.truncate(length);
        packet
    }

    /// The payload of the next voice that comes.
    fn hear(&mut self) -> Vec<u8> {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            let Some(mut packet) = self.receive() else { continue };
            if is_handshake(&packet) || rtp::rtcp::is_rtcp(&packet) {
                continue;
            }
            let (_, receiver) = self.guard.as_mut().unwrap();
            let length = receiver.unprotect(&mut packet).expect("it can be believed");
            return Packet::parse(&packet[..length]).unwrap().payload.to_vec();
        }
        panic!("no voice in time");
    }
}

fn is_handshake(datagram: &[u8]) -> bool {
    (20..=63).contains(&datagram[0])
}

fn ice(number: u8) -> Ice {
    Ice::new([b'a' + number; 8], [b'A' + number; 24])
}

fn stage(host: u8) -> Stage {
    Stage::with(host, media::Prompts::default(), |config| config.browsers = true)
}

/// A browser's leg, with that browser, and a phone; both hear each other.
fn bridge(stage: &mut Stage, number: u8, is_client: bool) -> (LegMedia, Browser, Phone) {
    let (mut phone_media, phone) = stage.leg(Codec::Pcma);
    let leg = stage.leg_id();
    let ip = stage.phone_ip();
    let engine = stage.workers.open_for_browser(stage.call, leg, ip.into()).unwrap();
    let browser = Browser::new(ip, engine, ice(number));
    let fingerprint = browser.fingerprint();
    let nowhere: SocketAddr = "0.0.0.0:9".parse().unwrap();
    let media = LegMedia {
        leg,
        remote: nowhere,
        rtcp: Some(Rtcp { remote: nowhere, is_muxed: true, wants_metrics: false }),
        hears: Source::Leg(phone_media.leg),
        browser: Some(Association { ice: ice(number), fingerprint, is_client }),
        ..phone_media.clone()
    };
    stage.set(&media);
    phone_media.hears = Source::Leg(leg);
    stage.set(&phone_media);
    stage.settle();
    (media, browser, phone)
}

fn payload(number: u8) -> [u8; 160] {
    std::array::from_fn(|at| number ^ at as u8)
}

/// Voices go both ways.
fn converse(browser: &mut Browser, phone: &mut Phone) {
    for number in 0..5 {
        phone.send(&payload(number));
        let mut heard = browser.hear();
        // Where another source follows, its first samples are joined to the last ones.
        heard[..80].copy_from_slice(&payload(number)[..80]);
        assert_eq!(heard, payload(number));
        let packet = browser.voice(&payload(100 + number));
        browser.send(&packet);
        assert_eq!(phone.hear().payload[80..], payload(100 + number)[80..]);
    }
}

#[test]
fn a_browser_and_a_phone_hear_each_other_whoever_begins_the_handshake() {
    let mut stage = stage(170);
    for (number, is_client) in [(0, false), (1, true)] {
        let (_, mut browser, mut phone) = bridge(&mut stage, number, is_client);
        phone.send(&payload(1));
        assert_eq!(browser.receive(), None, "nothing is sent to who has not asked");
        browser.ask();
        phone.send(&payload(1));
        assert!(browser.shake(!is_client, DEADLINE));
        converse(&mut browser, &mut phone);
    }
}

#[test]
fn two_browsers_share_one_port_and_one_that_moves_is_followed() {
    let mut stage = stage(171);
    let (_, mut one, mut phone_of_one) = bridge(&mut stage, 0, false);
    let (_, mut other, mut phone_of_other) = bridge(&mut stage, 1, false);
    assert_eq!(one.engine, other.engine);
    for browser in [&mut one, &mut other] {
        browser.ask();
        assert!(browser.shake(true, DEADLINE));
    }
    converse(&mut one, &mut phone_of_one);
    converse(&mut other, &mut phone_of_other);
    // Another network, the same keys.
    one.socket = UdpSocket::bind((stage.phone_ip(), 0)).unwrap();
    one.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let stray = one.voice(&payload(9));
    one.send(&stray);
    one.ask();
    converse(&mut one, &mut phone_of_one);
    converse(&mut other, &mut phone_of_other);
    stage.settle();
    assert_eq!(stage.workers.counters().refused_source, 1, "before it asked it was a stranger");
}

#[test]
fn who_has_another_certificate_than_described_is_neither_heard_nor_sent_to() {
    let mut stage = stage(172);
    let (mut media, mut browser, mut phone) = bridge(&mut stage, 0, false);
    let right = media.browser.unwrap();
    media.browser = Some(Association { fingerprint: Fingerprint([9; 32]), ..right });
    stage.set(&media);
    stage.settle();
    browser.ask();
    // The handshake may look done to it: it does not know that it was not believed.
    if browser.shake(true, Duration::from_secs(2)) {
        let packet = browser.voice(&payload(1));
        browser.send(&packet);
    }
    phone.send(&payload(1));
    stage.settle();
    assert!(phone.hear_rest().is_empty());
    let mut heard = std::iter::from_fn(|| browser.receive());
    assert!(heard.all(|datagram| datagram[0] < 128));
    // Loaded again, with the certificate that is described now.
    media.browser = Some(right);
    stage.set(&media);
    stage.settle();
    browser.ask();
    assert!(browser.shake(true, DEADLINE));
    converse(&mut browser, &mut phone);
}

#[test]
fn strangers_are_not_answered_and_change_nothing() {
    let mut stage = stage(173);
    let (_, mut browser, mut phone) = bridge(&mut stage, 0, false);
    browser.ask();
    assert!(browser.shake(true, DEADLINE));
    converse(&mut browser, &mut phone);
    let stranger = Browser::new(stage.phone_ip(), browser.engine, ice(0));
    let before = stage.workers.counters();
    stranger.send(&stranger.check(b"another password of them"));
    stranger.send(&Browser { ice: ice(3), ..stranger_like(&stranger) }.check(ice(3).password()));
    let mut hello = vec![22, 254, 253];
    hello.resize(200, 0);
    let captured = browser.voice(&payload(7));
    for datagram in [&hello, &captured, &vec![0; 20], &vec![70; 40]] {
        stranger.send(datagram);
    }
    assert_eq!(stranger.receive(), None);
    // From its own address, what is not protected by its key is not believed.
    let mut forged = captured.clone();
    forged[30] ^= 1;
    browser.send(&forged);
    stage.settle();
    let after = stage.workers.counters();
    assert_eq!(after.refused_checks - before.refused_checks, 3, "two checks and a keep-alive");
    assert_eq!(after.refused_source - before.refused_source, 2, "a handshake and a voice");
    assert_eq!(after.refused_forged - before.refused_forged, 1);
    assert!(phone.hear_rest().is_empty());
    browser.send(&captured);
    assert_eq!(phone.hear().payload[80..], payload(7)[80..]);
    converse(&mut browser, &mut phone);
}

fn stranger_like(one: &Browser) -> Browser {
    Browser::new(std::net::Ipv4Addr::LOCALHOST, one.engine, one.ice)
}

#[test]
fn a_closed_leg_is_gone_and_its_port_stays() {
    let mut stage = stage(174);
    let free = stage.workers.free_ports();
    let (media, mut browser, _phone) = bridge(&mut stage, 0, false);
    assert_eq!(stage.workers.free_ports(), free - 1, "the phone's");
    browser.ask();
    assert!(browser.shake(true, DEADLINE));
    stage.workers.send(MediaCommand::Close { leg: media.leg }).unwrap();
    stage.event(|event| match event {
        MediaEvent::Closed { leg, .. } if *leg == media.leg => Some(()),
        _ => None,
    });
    let check = browser.check(browser.ice.password());
    let packet = browser.voice(&payload(1));
    while browser.receive().is_some() {}
    for datagram in [&check, &packet] {
        browser.send(datagram);
    }
    assert_eq!(browser.receive(), None);
    let (_, mut next, mut phone) = bridge(&mut stage, 0, false);
    assert_eq!(next.engine, browser.engine);
    next.ask();
    assert!(next.shake(true, DEADLINE));
    converse(&mut next, &mut phone);
}

#[test]
fn without_ports_for_browsers_there_are_none() {
    let mut stage = Stage::new(175);
    let leg = stage.leg_id();
    let ip = stage.phone_ip().into();
    let refused = stage.workers.open_for_browser(stage.call, leg, ip).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::AddrNotAvailable);
    assert_eq!(stage.workers.fingerprint(), None);
}
