//! Offer and answer (RFC 3264) for one audio stream.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::protect::{self, BROWSER, PLAIN, SECURE};
use crate::{
    Capabilities, Codec, Connection, DEFAULT_PTIME_MS, Direction, IceDtls, MAX_PTIME_MS,
    MIN_PTIME_MS, Map, Media, Negotiated, OpusWishes, Origin, Rtcp, Session, Setup, SrtpPolicy,
};

/// The encoding name of RFC 4733 digits.
const DIGITS: &str = "telephone-event";
/// The payload type that our offers give to digits: what nearly every telephone uses.
const DIGITS_PAYLOAD_TYPE: u8 = 101;
/// Those that they have beside a codec of another clock: what browsers use, and the next.
const OTHER_DIGITS: [(u32, u8); 2] = [(48_000, 110), (16_000, 112)];
/// The encoding name of comfort noise (RFC 3389 §5), and its static payload type.
const NOISE: &str = "CN";
const NOISE_PAYLOAD_TYPE: u8 = 13;
/// The events that we understand: 0-9, *, #, A-D.
const DIGITS_PARAMETERS: &str = "0-15";
/// How our offers to browsers name their stream.
const FIRST_MID: &str = "0";
/// Ticks a second of telephone voice.
const CLOCK_RATE: u32 = 8000;
/// What we say of the Opus that we take: repeat what was lost, one channel (RFC 7587 §6.1).
///
/// Nothing of `maxplaybackrate`, `maxaveragebitrate` and `sprop-maxcapturerate`: between two who
/// speak Opus it goes through untouched, as good as both can. Nothing of `usedtx` and `cbr`: either
/// is taken as it comes, and neither is preferred.
const OPUS_PARAMETERS: &str = "useinbandfec=1;stereo=0;sprop-stereo=0";

/// Why there is no common ground. SIP answers 488 to each (RFC 3261 §21.4.26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No audio stream over RTP.
    NoAudio,
    /// One side wants the stream protected (RFC 4568) and the other does not, or not in a way that
    /// both know.
    NotSecure,
    /// Audio, but no codec that this side knows.
    NoCodec,
    /// It says nowhere where the stream is received.
    NoAddress,
    /// The answer refuses the stream that we offered.
    Declined,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAudio => "no audio stream over RTP",
            Self::NotSecure => "no common way to protect the stream, or not to",
            Self::NoCodec => "no common codec",
            Self::NoAddress => "the audio stream has no address",
            Self::Declined => "the audio stream was refused",
        })
    }
}

impl std::error::Error for Refusal {}

/// Our offer: one audio stream with all of our codecs. `version` counts our descriptions in this
/// dialog, one more for each that differs.
pub fn offer(capabilities: &Capabilities, version: u64, direction: Direction) -> Session {
    let maps = capabilities.codecs.iter().map(|codec| (*codec, codec.payload_type()));
    let beside = Beside {
        digits: if capabilities.digits { offered_digits(&capabilities.codecs) } else { Vec::new() },
        noise: capabilities.noise.then_some(NOISE_PAYLOAD_TYPE),
    };
    let media = stream(capabilities, maps, beside, direction, (true, true));
    let media = match (&capabilities.browser, capabilities.srtp.policy) {
        // A browser has no use for metrics, and reads its own.
        (Some(browser), _) => Media {
            protocol: BROWSER.into(),
            asks_metrics: false,
            mid: Some(FIRST_MID.into()),
            ice_dtls: IceDtls::ours(browser, Setup::Actpass),
            ..media
        },
        (None, SrtpPolicy::Off) => media,
        (None, SrtpPolicy::Offer) => Media { cryptos: capabilities.srtp.cryptos(), ..media },
        (None, SrtpPolicy::Require) => {
            Media { protocol: SECURE.into(), cryptos: capabilities.srtp.cryptos(), ..media }
        }
    };
    let bundle = media.mid.clone().into_iter().collect();
    describe(capabilities, version, bundle, vec![media])
}

/// Our answer to `offer`: the first audio stream that can be taken is taken, with the codec that
/// is first in our order of preference; all other streams are refused with port 0.
///
/// `wanted` is what we would like to do; what the offer does not allow is left out (§6.1).
///
/// # Errors
/// The reason why no stream can be taken.
pub fn answer(
    offer: &Session,
    capabilities: &Capabilities,
    version: u64,
    wanted: Direction,
) -> Result<(Session, Negotiated), Refusal> {
    let mut taken = Err(Refusal::NoAudio);
    let (mut streams, mut bundle) = (Vec::with_capacity(offer.media.len()), Vec::new());
    for media in &offer.media {
        if taken.is_err() && media.is_audio() {
            let way = protect::take(offer, media, capabilities);
            match way.and_then(|way| Ok((negotiate(offer, media, &capabilities.codecs)?, way))) {
                Ok((mut negotiated, way)) => {
                    negotiated.direction = negotiated.direction.and(wanted);
                    if !capabilities.digits {
                        negotiated.digits_payload_type = None;
                    }
                    if !capabilities.noise {
                        negotiated.noise_payload_type = None;
                    }
                    let map = [(negotiated.codec, negotiated.payload_type)];
                    let digits = negotiated.digits_payload_type;
                    let digits = digits.map(|number| (number, negotiated.digits_clock_rate));
                    let noise = negotiated.noise_payload_type;
                    let beside = Beside { digits: digits.into_iter().collect(), noise };
                    // What the offer does not have is no part of the answer (RFC 5761 §5.1.1,
                    // RFC 3611 §5.2).
                    let rtcp = (media.rtcp_mux, media.asks_metrics);
                    let mut answer = stream(capabilities, map, beside, negotiated.direction, rtcp);
                    way.announce(&mut answer, &mut negotiated, &capabilities.srtp);
                    answer.protocol.clone_from(&media.protocol);
                    answer.mid.clone_from(&media.mid);
                    bundle.extend(media.mid.clone().filter(|mid| offer.bundle.contains(mid)));
                    streams.push(answer);
                    taken = Ok(negotiated);
                    continue;
                }
                Err(refusal) => taken = Err(refusal),
            }
        }
        streams.push(refused(media));
    }
    Ok((describe(capabilities, version, bundle, streams), taken?))
}

/// Our answer to an offer that wants no media now: it refuses its own audio by port 0, or has no
/// streams at all (RFC 3264 §5, §8.2). Every stream has port 0 in the answer, too; a later offer
/// may bring it back. `None` where it wants media, of whatever kind.
pub fn answer_without_media(
    offer: &Session,
    capabilities: &Capabilities,
    version: u64,
) -> Option<Session> {
    if offer.media.iter().any(|media| media.port != 0) {
        return None;
    }
    let streams = offer.media.iter().map(refused).collect();
    Some(describe(capabilities, version, Vec::new(), streams))
}

/// Reads the answer to an offer of ours.
///
/// # Errors
/// The reason why nothing was agreed on.
pub fn accept(offer: &Session, answer: &Session) -> Result<Negotiated, Refusal> {
    let streams = || offer.media.iter().zip(&answer.media);
    let (ours, theirs) = streams().find(|(ours, _)| ours.is_audio()).ok_or(Refusal::NoAudio)?;
    if theirs.port == 0 {
        return Err(Refusal::Declined);
    }
    let codecs: Vec<Codec> = ours.codecs().map(|(codec, _)| codec).collect();
    // The answerer's first format is the one that it prefers to receive (§6.1).
    let preferred: Vec<Codec> =
        theirs.codecs().map(|(codec, _)| codec).filter(|codec| codecs.contains(codec)).collect();
    let mut negotiated = negotiate(answer, theirs, &preferred)?;
    protect::accept(ours, answer, theirs, &mut negotiated)?;
    negotiated.direction = negotiated.direction.and(ours.direction.unwrap_or_default());
    if ours.digits(negotiated.codec).is_none() {
        negotiated.digits_payload_type = None;
    }
    if ours.noise(negotiated.codec).is_none() {
        negotiated.noise_payload_type = None;
    }
    if let Some(rtcp) = negotiated.rtcp.as_mut().filter(|rtcp| rtcp.is_muxed && !ours.rtcp_mux) {
        // It may not be answered where it was not offered, and goes beside RTP then.
        *rtcp = Rtcp {
            remote: rtcp_beside(theirs, negotiated.remote).unwrap_or(rtcp.remote),
            is_muxed: false,
            ..*rtcp
        };
    }
    Ok(negotiated)
}

/// What can be agreed on with `media` of the other side's description.
fn negotiate(theirs: &Session, media: &Media, codecs: &[Codec]) -> Result<Negotiated, Refusal> {
    let find = |wanted: &Codec| media.codecs().find(|(codec, _)| codec == wanted);
    let (codec, payload_type) = codecs.iter().find_map(find).ok_or(Refusal::NoCodec)?;
    let unknown = IpAddr::from([0; 4]);
    let (address, is_held) = match media.connection.as_ref().or(theirs.connection.as_ref()) {
        Some(Connection::Ip(address)) => (*address, address.is_unspecified()),
        // RFC 6157 §5.1: what 0.0.0.0 is to IPv4.
        Some(Connection::Host(name)) => (unknown, is_nowhere(name)),
        None if media.is_found_by_ice() => (unknown, false),
        None => return Err(Refusal::NoAddress),
    };
    let mut direction = media.direction.or(theirs.direction).unwrap_or_default().reversed();
    if is_held && !media.is_found_by_ice() {
        // Hold as it was before RFC 3264 (§8.4): nothing is to be sent there.
        direction = Direction::of(false, direction.receives());
    }
    let remote = SocketAddr::new(address, media.port);
    let (ptime_ms, max_ptime_ms) = packet_times(media);
    let digits = media.digits(codec);
    Ok(Negotiated {
        remote,
        codec,
        payload_type,
        digits_payload_type: digits.map(|(number, _)| number),
        digits_clock_rate: digits.map_or(codec.clock_rate(), |(_, rate)| rate),
        noise_payload_type: media.noise(codec),
        opus: media.opus_wishes(payload_type),
        direction,
        ptime_ms,
        max_ptime_ms,
        rtcp: rtcp(media, remote),
        secured: None,
        browser: None,
    })
}

/// How long packets are to be, and the longest that are taken.
fn packet_times(media: &Media) -> (u32, Option<u32>) {
    let most = media.max_ptime_ms.map(|most| most.max(MIN_PTIME_MS));
    let wished = media.ptime_ms.unwrap_or(DEFAULT_PTIME_MS);
    let wished = wished.min(most.unwrap_or(MAX_PTIME_MS)).clamp(MIN_PTIME_MS, MAX_PTIME_MS);
    (wished / MIN_PTIME_MS * MIN_PTIME_MS, most)
}

/// Where and how the other side takes reports.
fn rtcp(media: &Media, remote: SocketAddr) -> Option<Rtcp> {
    let (is_muxed, wants_metrics) = (media.rtcp_mux, media.asks_metrics);
    let remote = if is_muxed { remote } else { rtcp_beside(media, remote)? };
    Some(Rtcp { remote, is_muxed, wants_metrics })
}

/// The port of RTCP that a description names, or else the one after RTP's (RFC 3605 §2.1).
fn rtcp_beside(media: &Media, remote: SocketAddr) -> Option<SocketAddr> {
    let port = media.rtcp_port.or(media.port.checked_add(1)).filter(|port| *port > 0)?;
    let named = media.rtcp_address.filter(|address| !address.is_unspecified());
    Some(SocketAddr::new(named.unwrap_or(remote.ip()), port))
}

/// A name that never is anybody's (RFC 6761 §6.4).
fn is_nowhere(name: &str) -> bool {
    name.to_ascii_lowercase().trim_end_matches('.').ends_with(".invalid")
}

impl Media {
    pub(crate) fn is_audio(&self) -> bool {
        self.kind == "audio" && self.profile().is_some() && self.port != 0
    }

    /// The formats that are payload types, in the writer's order, each with its map if it has one.
    fn payload_types(&self) -> impl Iterator<Item = (u8, Option<&Map>)> {
        let numbers = self.formats.iter().filter_map(|format| format.parse::<u8>().ok());
        numbers.map(|number| (number, self.maps.iter().find(|map| map.payload_type == number)))
    }

    /// The codecs that this engine knows, with their payload types, in the writer's order.
    fn codecs(&self) -> impl Iterator<Item = (Codec, u8)> {
        self.payload_types().filter_map(|(number, map)| {
            let codec = match map {
                Some(map) => Codec::ALL.into_iter().find(|codec| map.is_of(*codec)),
                None => Codec::from_static(number),
            };
            codec.map(|codec| (codec, number))
        })
    }

    /// The payload type of comfort noise beside a codec whose clock rate it has; Opus has its own.
    fn noise(&self, codec: Codec) -> Option<u8> {
        if codec.clock_rate() != CLOCK_RATE {
            return None;
        }
        let is_noise = |(number, map): &(u8, Option<&Map>)| match map {
            Some(map) => map.encoding.eq_ignore_ascii_case(NOISE) && map.clock_rate == CLOCK_RATE,
            None => *number == NOISE_PAYLOAD_TYPE,
        };
        self.payload_types().find(is_noise).map(|(number, _)| number)
    }

    /// The payload type of digits at the voice's clock rate (RFC 4733 §2.5.1.1), or at that of
    /// telephone voice: some phones have no other; and that rate.
    fn digits(&self, codec: Codec) -> Option<(u8, u32)> {
        let of_rate = |rate: u32| {
            let is_digits =
                |map: &Map| map.encoding.eq_ignore_ascii_case(DIGITS) && map.clock_rate == rate;
            let mut all = self.payload_types();
            all.find(|(_, map)| map.is_some_and(is_digits)).map(|(number, _)| (number, rate))
        };
        of_rate(codec.clock_rate()).or_else(|| of_rate(CLOCK_RATE))
    }

    /// What is wished of the Opus of that payload type; what cannot be read is not wished.
    fn opus_wishes(&self, payload_type: u8) -> OpusWishes {
        let mut wishes = OpusWishes::default();
        let said = self.parameters.iter().filter(|(number, _)| *number == payload_type);
        for parameter in said.flat_map(|(_, parameters)| parameters.split(';')) {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("useinbandfec") {
                wishes.fec = value == "1";
            } else if name.eq_ignore_ascii_case("cbr") {
                wishes.cbr = value == "1";
            } else if name.eq_ignore_ascii_case("usedtx") {
                wishes.dtx = value == "1";
            } else if name.eq_ignore_ascii_case("maxaveragebitrate") {
                wishes.max_bitrate = value.parse().ok();
            }
        }
        wishes
    }
}

impl Map {
    /// Whether it names that codec. Some write Opus with one channel.
    fn is_of(&self, codec: Codec) -> bool {
        let is_opus = codec == Codec::Opus;
        self.encoding.eq_ignore_ascii_case(codec.encoding())
            && self.clock_rate == codec.clock_rate()
            && (self.channels == codec.channels() || is_opus)
    }
}

/// What goes beside the voice.
struct Beside {
    /// Digits: payload types and clock rates.
    digits: Vec<(u8, u32)>,
    /// Comfort noise: its payload type.
    noise: Option<u8>,
}

/// The digits of our offers: those of telephone voice and of each other clock of the codecs.
fn offered_digits(codecs: &[Codec]) -> Vec<(u8, u32)> {
    let is_spoken = |rate: &u32| codecs.iter().any(|codec| codec.clock_rate() == *rate);
    let others = OTHER_DIGITS.into_iter().filter(|(rate, _)| is_spoken(rate));
    let ours = [(DIGITS_PAYLOAD_TYPE, CLOCK_RATE)];
    ours.into_iter().chain(others.map(|(rate, number)| (number, rate))).collect()
}

fn describe(
    capabilities: &Capabilities,
    version: u64,
    bundle: Vec<String>,
    media: Vec<Media>,
) -> Session {
    let address = Connection::Ip(capabilities.address.ip());
    Session {
        origin: Origin {
            user: "-".into(),
            session_id: capabilities.session_id,
            version,
            address: address.clone(),
        },
        name: "-".into(),
        connection: Some(address),
        direction: None,
        is_ice_lite: capabilities.browser.is_some(),
        bundle,
        ice_dtls: IceDtls::default(),
        media,
    }
}

fn stream(
    capabilities: &Capabilities,
    codecs: impl IntoIterator<Item = (Codec, u8)>,
    Beside { digits, noise }: Beside,
    direction: Direction,
    (rtcp_mux, asks_metrics): (bool, bool),
) -> Media {
    let map = |payload_type: u8, encoding: &str, clock_rate: u32, channels: u8| Map {
        payload_type,
        encoding: encoding.into(),
        clock_rate,
        channels,
    };
    let codecs: Vec<(Codec, u8)> = codecs.into_iter().collect();
    let voice = |(codec, number): &(Codec, u8)| {
        map(*number, codec.encoding(), codec.clock_rate(), codec.channels())
    };
    let noise = noise.map(|number| map(number, NOISE, CLOCK_RATE, 1));
    let events = digits.iter().map(|(number, rate)| map(*number, DIGITS, *rate, 1));
    let maps: Vec<Map> = codecs.iter().map(voice).chain(noise).chain(events).collect();
    let opus = codecs.iter().filter(|(codec, _)| *codec == Codec::Opus);
    let opus = opus.map(|(_, number)| (*number, OPUS_PARAMETERS.to_owned()));
    let keys = digits.iter().map(|(number, _)| (*number, DIGITS_PARAMETERS.to_owned()));
    Media {
        kind: "audio".into(),
        port: capabilities.address.port(),
        protocol: PLAIN.into(),
        formats: maps.iter().map(|map| map.payload_type.to_string()).collect(),
        connection: None,
        maps,
        parameters: opus.chain(keys).collect(),
        cryptos: Vec::new(),
        direction: Some(direction),
        ptime_ms: Some(DEFAULT_PTIME_MS),
        max_ptime_ms: None,
        rtcp_port: None,
        rtcp_address: None,
        rtcp_mux,
        asks_metrics,
        mid: None,
        ice_dtls: IceDtls::default(),
        candidates: capabilities.browser.map(|_| capabilities.address).into_iter().collect(),
    }
}

/// `media` with port 0: every stream of the offer has its place in the answer (§6).
fn refused(media: &Media) -> Media {
    Media {
        kind: media.kind.clone(),
        port: 0,
        protocol: media.protocol.clone(),
        formats: media.formats.clone(),
        connection: None,
        maps: Vec::new(),
        parameters: Vec::new(),
        cryptos: Vec::new(),
        direction: None,
        ptime_ms: None,
        max_ptime_ms: None,
        rtcp_port: None,
        rtcp_address: None,
        rtcp_mux: false,
        asks_metrics: false,
        mid: media.mid.clone(),
        ice_dtls: IceDtls::default(),
        candidates: Vec::new(),
    }
}
