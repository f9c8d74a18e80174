//! The fuzz targets of this room: [`replay`] says what is done with them.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "../../../fuzz/bodies/connections.rs"]
mod body;
#[path = "sip/certificates.rs"]
mod certificates;
#[path = "../../../fuzz/replay/mod.rs"]
mod replay;

const TARGETS: [replay::Target; 2] = [("websocket", body::websocket), ("tls", body::tls_stream)];
