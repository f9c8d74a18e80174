//! The fuzz targets of this room: [`replay`] says what is done with them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "../../../fuzz/bodies/archive.rs"]
mod archive_body;
#[path = "../../../fuzz/bodies/tape.rs"]
mod body;
#[path = "../../../fuzz/replay/mod.rs"]
mod replay;

const TARGETS: [replay::Target; 2] = [("tape", body::tape), ("archive", archive_body::archive)];
