//! The fuzz targets of this room: [`replay`] says what is done with them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "../../../fuzz/bodies/rtp.rs"]
mod body;
#[path = "../../../fuzz/replay/mod.rs"]
mod replay;

const TARGETS: [replay::Target; 3] =
    [("rtp", body::rtp), ("rtcp", body::rtcp), ("stun", body::stun)];
