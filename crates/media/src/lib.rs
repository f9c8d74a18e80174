//! Codecs, prompts, frames and the wanted topology of media.
//!
//! Frames in, frames out: nothing here owns a socket, a file or a clock.

pub mod compare;
mod conceal;
mod decode;
mod delay;
pub mod g711;
pub mod g722;
mod holes;
mod inband;
pub mod l16;
mod mix;
mod noise;
pub mod opus;
mod play;
mod playout;
mod prompts;
mod resample;
mod seam;
mod supervise;
pub mod tone;
mod topology;

pub use conceal::{Concealment, FADE, HISTORY, fade};
pub use decode::{MAX_SECONDS, RATES, decode};
pub use holes::Holes;
pub use inband::Inband;
pub use mix::{MAX_PARTIES, Mixer};
pub use noise::ComfortNoise;
pub use play::Playing;
pub use playout::{MAX_PACKET_SAMPLES, Playout, PlayoutCounts, VoicePacket};
pub use prompts::{MAX_PROMPTS, Prompt, PromptError, Prompts};
pub use sdp::{
    Association, Codec, Fingerprint, OpusWishes, PASSWORD_BYTES, Rtcp, Secured, UFRAG_BYTES,
};
pub use seam::glide;
pub use supervise::{Sides, Supervision};
pub use topology::{
    LegMedia, LegStats, MediaCommand, MediaEvent, Play, Reported, Source, TapedVoices,
};

/// Samples a second of telephone voice.
pub const SAMPLE_RATE: u32 = 8000;

/// The length of one frame in milliseconds.
pub const FRAME_MS: u64 = 20;

/// The samples of one frame, and its bytes in G.711.
pub const FRAME_SAMPLES: usize = 160;
