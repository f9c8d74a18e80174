//! Sockets: SIP workers, media workers, recorder threads.

pub mod media;
pub mod recorder;
pub mod sip;
