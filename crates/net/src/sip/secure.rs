//! One connection's TLS: bytes in, bytes out, no socket.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ServerConfig, ServerConnection};

use super::connection::Broken;
use super::identity::domains_of;
use super::tls::Contexts;

/// Decrypted bytes given on at once.
const PIECE_BYTES: usize = 4 * 1024;

/// The names that the peer's certificate proved, if it had one.
pub(super) type Names = Option<Arc<[String]>>;

/// Takes what was decrypted, and the names of whoever sent it.
pub(super) type Plain<'a> = dyn FnMut(&[u8], &Names) -> Result<(), Broken> + 'a;

/// One side of a TLS connection.
pub(super) struct Secure {
    session: Connection,
    names: Names,
}

impl Secure {
    /// The server's side. `backlog_max` bounds what waits inside for the handshake.
    pub(super) fn accept(config: &Arc<ServerConfig>, backlog_max: usize) -> Option<Self> {
        let session = ServerConnection::new(Arc::clone(config)).ok()?;
        Some(Self::new(session.into(), backlog_max))
    }

    /// The client's side: the server must prove the name `host`, an address with or without
    /// brackets, or a domain.
    pub(super) fn connect(contexts: &Contexts, host: &str, backlog_max: usize) -> Option<Self> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let name = match bare.parse::<IpAddr>() {
            Ok(ip) => ServerName::from(ip),
            Err(_) => ServerName::try_from(bare.to_owned()).ok()?,
        };
        let session = ClientConnection::new(Arc::clone(&contexts.outgoing), name).ok()?;
        Some(Self::new(session.into(), backlog_max))
    }

    fn new(mut session: Connection, backlog_max: usize) -> Self {
        session.set_buffer_limit(Some(backlog_max));
        Self { session, names: None }
    }

    /// Whether the handshake is over.
    pub(super) fn is_open(&self) -> bool {
        !self.session.is_handshaking()
    }

    /// Decrypts; `plain` is given piece by piece what is inside.
    pub(super) fn receive(
        &mut self,
        mut bytes: &[u8],
        plain: &mut Plain<'_>,
    ) -> Result<(), Broken> {
        let mut piece = [0; PIECE_BYTES];
        while !bytes.is_empty() {
            let was_open = self.is_open();
            let count = self.session.read_tls(&mut bytes).map_err(|_| Broken::Refused)?;
            if count == 0 {
                return Err(Broken::Refused);
            }
            self.session.process_new_packets().map_err(|_| Broken::Refused)?;
            if !was_open && self.is_open() {
                let chain = self.session.peer_certificates().unwrap_or_default();
                self.names = chain.first().map(domains_of).filter(|names| !names.is_empty());
            }
            loop {
                match self.session.reader().read(&mut piece) {
                    // The peer says that it has said everything.
                    Ok(0) => return Err(Broken::Ended),
                    Ok(count) => plain(piece.get(..count).unwrap_or_default(), &self.names)?,
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(_) => return Err(Broken::Ended),
                }
            }
        }
        Ok(())
    }

    /// Encrypts, or keeps it until the handshake is over; beyond what may be kept it is refused.
    pub(super) fn send(&mut self, plain: &[u8]) -> Result<(), Broken> {
        self.session.writer().write_all(plain).map_err(|_| Broken::Refused)
    }

    /// Moves what is to leave behind `wire`.
    pub(super) fn drain(&mut self, wire: &mut VecDeque<u8>) {
        while self.session.wants_write() {
            // Writing to memory does not fail, and a session that wants to write writes something.
            if !matches!(self.session.write_tls(wire), Ok(count) if count > 0) {
                break;
            }
        }
    }

    /// Says that nothing more will come.
    pub(super) fn close(&mut self) {
        self.session.send_close_notify();
    }
}
