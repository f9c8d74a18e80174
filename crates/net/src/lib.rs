//! Sockets: SIP workers, media workers, recorder threads.

pub mod sip;
