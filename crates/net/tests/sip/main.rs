//! SIP workers over real loopback sockets, on ports that the system gives.

mod datagrams;
mod flood;
mod shards;
mod stage;
mod streams;
