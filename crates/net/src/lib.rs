//! Sockets: SIP workers, media workers, recorder threads, the DNS.

pub mod media;
pub mod recorder;
pub mod resolver;
pub mod scheduling;
pub mod sip;
