//! What a session description says, as far as a telephone engine reads it.

use std::net::{IpAddr, SocketAddr};

use crate::{Association, Browser, Crypto, IceDtls, Secured, Srtp};

/// The voice codecs of the telephone network (RFC 3551 §4.5) and of browsers (RFC 7874 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 A-law, static payload type 8: mainland China and Europe.
    Pcma,
    /// G.711 µ-law, static payload type 0: North America and Japan.
    Pcmu,
    /// G.722, static payload type 9: 7 kHz of voice. Its clock has 8,000 ticks a second although it
    /// has 16,000 samples (RFC 3551 §4.5.2).
    G722,
    /// Opus (RFC 6716, RFC 7587): 8 to 48 kHz in packets of any length. Its clock has 48,000 ticks
    /// a second whatever its bandwidth is.
    Opus,
    /// Samples of 16 bits, 8,000 a second (RFC 3551 §4.5.11).
    L16,
    /// Samples of 16 bits, 16,000 a second.
    L16Wide,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 6] =
        [Self::Pcma, Self::Pcmu, Self::G722, Self::Opus, Self::L16, Self::L16Wide];

    /// What a configuration calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcma => "PCMA",
            Self::Pcmu => "PCMU",
            Self::G722 => "G722",
            Self::Opus => "opus",
            Self::L16 => "L16",
            Self::L16Wide => "L16/16000",
        }
    }

    /// The encoding name in `a=rtpmap`.
    pub const fn encoding(self) -> &'static str {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 | Self::Opus | Self::L16 => self.name(),
            Self::L16Wide => "L16",
        }
    }

    /// Ticks of its RTP clock in a second.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 | Self::L16 => 8_000,
            Self::L16Wide => 16_000,
            Self::Opus => 48_000,
        }
    }

    /// The channels that `a=rtpmap` names: of Opus always two, also where one is sent (RFC 7587
    /// §7).
    pub const fn channels(self) -> u8 {
        match self {
            Self::Pcma | Self::Pcmu | Self::G722 | Self::L16 | Self::L16Wide => 1,
            Self::Opus => 2,
        }
    }

    /// The static payload type (RFC 3551 §6), or else the dynamic one that our offers give it.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcma => 8,
            Self::Pcmu => 0,
            Self::G722 => 9,
            Self::Opus => 111,
            Self::L16 => 96,
            Self::L16Wide => 97,
        }
    }

    /// The codec of that name in a configuration, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The codec of that static payload type.
    pub const fn from_static(payload_type: u8) -> Option<Self> {
        match payload_type {
            8 => Some(Self::Pcma),
            0 => Some(Self::Pcmu),
            9 => Some(Self::G722),
            _ => None,
        }
    }
}

/// Who sends media, seen from the side that wrote the description (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Only the writer: the other side is on hold.
    SendOnly,
    /// Only the other side.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// Of the two facts.
    pub const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    pub const fn sends(self) -> bool {
        match self {
            Self::SendRecv | Self::SendOnly => true,
            Self::RecvOnly | Self::Inactive => false,
        }
    }

    /// Whether the writer receives.
    pub const fn receives(self) -> bool {
        match self {
            Self::SendRecv | Self::RecvOnly => true,
            Self::SendOnly | Self::Inactive => false,
        }
    }

    /// The same, seen from the other side.
    pub const fn reversed(self) -> Self {
        Self::of(self.receives(), self.sends())
    }

    /// What is left of this direction when the other side wants `other`, both seen from here.
    pub const fn and(self, other: Self) -> Self {
        Self::of(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The attribute's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// The direction of that attribute.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.as_str() == name)
    }
}

/// One session description (RFC 8866): what an offer or an answer says.
///
/// Lines and attributes that do not matter to a telephone call are dropped while parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `o=`: who wrote it, and which version of it this is.
    pub origin: Origin,
    /// `s=`.
    pub name: String,
    /// `c=` at session level.
    pub connection: Option<Connection>,
    /// The direction at session level: the default of every stream.
    pub direction: Option<Direction>,
    /// `a=ice-lite`: its writer answers checks and makes none (RFC 8839 §5.3).
    pub is_ice_lite: bool,
    /// `a=group:BUNDLE`: the streams that share one port (RFC 9143), by their [`Media::mid`].
    pub bundle: Vec<String>,
    /// The default of every stream.
    pub ice_dtls: IceDtls,
    /// `m=` lines, in their order, which is the order of the answer's too.
    pub media: Vec<Media>,
}

/// The origin line (RFC 8866 §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `-` where the host has no users.
    pub user: String,
    /// Stays the same for all descriptions of one session.
    pub session_id: u64,
    /// One more with each changed description (RFC 3264 §8).
    pub version: u64,
    /// Where it was written.
    pub address: Connection,
}

/// An address as a description gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// `IP4` or `IP6`.
    Ip(IpAddr),
    /// A host name (RFC 8866 §5.7): legal, but nobody here resolves names on the call's path. What
    /// is agreed on has the address 0.0.0.0 then: whoever knows where the writer's signalling comes
    /// from looks for its media there.
    Host(String),
}

/// One stream (RFC 8866 §5.14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `image`, …
    pub kind: String,
    /// 0: refused, or not offered any more.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, …
    pub protocol: String,
    /// The formats in the writer's order of preference, as written: payload types for RTP.
    pub formats: Vec<String>,
    /// `c=` of this stream.
    pub connection: Option<Connection>,
    /// `a=rtpmap`, in the order of their lines.
    pub maps: Vec<Map>,
    /// `a=fmtp`: payload type and parameters.
    pub parameters: Vec<(u8, String)>,
    /// `a=crypto`: how its writer can protect the stream (RFC 4568), as far as it is done here.
    pub cryptos: Vec<Crypto>,
    /// The direction of this stream, if it says one.
    pub direction: Option<Direction>,
    /// `a=ptime`: milliseconds of audio in a packet, as its writer would like to have it.
    pub ptime_ms: Option<u32>,
    /// `a=maxptime`: the most that its writer takes (RFC 8866 §6.5).
    pub max_ptime_ms: Option<u32>,
    /// `a=rtcp`: the port of RTCP where it is not the next one (RFC 3605).
    pub rtcp_port: Option<u16>,
    /// Its address where that is another one than RTP's.
    pub rtcp_address: Option<IpAddr>,
    /// `a=rtcp-mux`: RTCP may come on the port of RTP (RFC 5761 §5.1.1).
    pub rtcp_mux: bool,
    /// `a=rtcp-xr:voip-metrics`: its writer would like to have VoIP metrics (RFC 3611 §5.1).
    pub asks_metrics: bool,
    /// `a=mid`: its name among the streams (RFC 5888).
    pub mid: Option<String>,
    /// What it says of ICE and DTLS.
    pub ice_dtls: IceDtls,
    /// `a=candidate`: addresses of its writer's host for RTP over UDP.
    pub candidates: Vec<SocketAddr>,
}

/// One `a=rtpmap`: what a payload type means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// 0 to 127.
    pub payload_type: u8,
    /// The encoding's name.
    pub encoding: String,
    /// Ticks a second.
    pub clock_rate: u32,
    /// 1 unless said.
    pub channels: u8,
}

/// What this side of a call can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Where this side receives RTP.
    pub address: SocketAddr,
    /// The codecs in order of preference; at least one.
    pub codecs: Vec<Codec>,
    /// Whether RFC 4733 digits are understood.
    pub digits: bool,
    /// Whether comfort noise (RFC 3389) is understood.
    pub noise: bool,
    /// The session id of our origin line: the same for all descriptions of one dialog.
    pub session_id: u64,
    /// Whether the stream is to be protected.
    pub srtp: Srtp,
    /// What a browser is told; `None` where the address is not one for browsers. With it the
    /// stream is agreed on by ICE and DTLS or not at all, whatever [`Capabilities::srtp`] says.
    pub browser: Option<Browser>,
}

/// What both sides agreed on, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiated {
    /// Where to send RTP.
    pub remote: SocketAddr,
    /// The codec of both directions.
    pub codec: Codec,
    /// The payload type to send it with.
    pub payload_type: u8,
    /// The payload type to send RFC 4733 digits with, if both sides know them.
    pub digits_payload_type: Option<u8>,
    /// Ticks a second of what those say of their duration: the codec's where there are such.
    pub digits_clock_rate: u32,
    /// The payload type to send comfort noise (RFC 3389) with, if both sides know it.
    pub noise_payload_type: Option<u8>,
    /// What the other side wishes of the Opus that it is sent.
    pub opus: OpusWishes,
    /// Whether we send and receive.
    pub direction: Direction,
    /// Milliseconds of audio in a packet that the other side wishes, from [`crate::MIN_PTIME_MS`]
    /// to [`crate::MAX_PTIME_MS`] in steps of 10; 20 unless it says so, or takes less.
    pub ptime_ms: u32,
    /// The most that it takes, at least [`crate::MIN_PTIME_MS`]; `None` where it does not say.
    pub max_ptime_ms: Option<u32>,
    /// How reports are exchanged; `None` where the other side names no port for them.
    pub rtcp: Option<Rtcp>,
    /// How both directions are protected; `None` where they are plain.
    pub secured: Option<Secured>,
    /// What ICE and DTLS have to find out before anything is sent; `None` where `remote` is all.
    pub browser: Option<Association>,
}

/// What a receiver of Opus wishes of what it is sent (RFC 7587 §6.1), as far as there is anything
/// to heed: one channel is made here in any case (`stereo`), and of telephone voice, which is no
/// more than the least that `maxplaybackrate` can say. `sprop-stereo` and `sprop-maxcapturerate`
/// tell of what it sends, which a decoder takes as it comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpusWishes {
    /// `useinbandfec`: each packet repeats the one before, coarsely.
    pub fec: bool,
    /// `maxaveragebitrate`, in bits a second.
    pub max_bitrate: Option<u32>,
    /// `cbr`: all packets of one length, so that it says nothing of what is said.
    pub cbr: bool,
    /// `usedtx`: next to nothing is sent while nobody speaks.
    pub dtx: bool,
}

/// How RTCP goes with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtcp {
    /// Where to send it.
    pub remote: SocketAddr,
    /// Both directions share the ports of RTP.
    pub is_muxed: bool,
    /// The other side would like to have VoIP metrics.
    pub wants_metrics: bool,
}
