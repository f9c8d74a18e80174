//! SDP: parse, print, offer and answer.
//!
//! Parsing is lenient (RFC 8866 as it is really written by telephones), bounded and never panics;
//! offer and answer follow RFC 3264 for one audio stream with RFC 4733 digits, which may be
//! protected (SRTP) with keys that the descriptions bring (RFC 4568), or, with a browser, that come
//! by DTLS (RFC 5763) where ICE has found the way (RFC 8839).

mod browser;
mod crypto;
mod negotiate;
mod parse;
mod print;
mod protect;
mod types;

pub use browser::{
    Association, Browser, Fingerprint, Ice, IceDtls, MAX_CANDIDATES, PASSWORD_BYTES, Password,
    Setup, UFRAG_BYTES,
};
pub use crypto::{
    Crypto, MASTER_KEY_BYTES, MAX_CRYPTOS, MasterKey, Secured, Srtp, SrtpPolicy, Suite,
};
pub use negotiate::{Refusal, accept, answer, answer_without_media, offer};
pub use parse::{Error, Problem};
pub use types::{
    Capabilities, Codec, Connection, Direction, Map, Media, Negotiated, OpusWishes, Origin, Rtcp,
    Session,
};

/// The longest description that is read, in bytes: more than any telephone sends.
pub const MAX_BYTES: usize = 16 * 1024;

/// The most lines that are read.
pub const MAX_LINES: usize = 512;

/// The most `m=` lines: each is repeated in the answer.
pub const MAX_MEDIA: usize = 16;

/// The most formats of one `m=` line, and the most maps and parameters beside it.
pub const MAX_FORMATS: usize = 64;

/// Milliseconds of audio in a packet, unless a description says otherwise (RFC 3551 §4.5).
pub const DEFAULT_PTIME_MS: u32 = 20;

/// The shortest packets that are made, in milliseconds. All lengths are multiples of it.
pub const MIN_PTIME_MS: u32 = 10;

/// The longest packets that are made, in milliseconds.
pub const MAX_PTIME_MS: u32 = 60;
