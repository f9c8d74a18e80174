//! The room over real loopback sockets, with a backend that lives in memory.

mod audio;
mod backend;
mod client;
mod commands;
mod limits;
mod people;
mod records;
mod sessions;
mod shapes;
mod stream;
