//! Sockets: SIP workers, media workers, recorder threads.
