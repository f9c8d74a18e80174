//! How packets come to the legs' sockets and leave them: by a ring, or, where the system has none
//! or forbids it, by a call into the system for each.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use super::counters::Counters;
use super::ring::{Came, Ring};

/// Ready sockets asked for at once.
const READY_LIMIT: usize = 1_024;

/// The sockets' side of a worker.
pub(crate) struct Wire {
    /// Sockets for RTCP, and without a ring all.
    epoll: OwnedFd,
    ring: Option<Ring>,
}

/// Sockets that are ready.
pub(super) struct Readiness(Vec<epoll::Event>);

impl Readiness {
    pub(super) fn new() -> Self {
        let (flags, data) = (epoll::EventFlags::empty(), epoll::EventData::new_u64(0));
        Self(vec![epoll::Event { flags, data }; READY_LIMIT])
    }

    /// The key of one of them.
    pub(super) fn key(&self, at: usize) -> u64 {
        self.0[at].data.u64()
    }
}

impl Wire {
    /// Without a ring. Fails where the system has no readiness queue for it.
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, ring: None })
    }

    /// Takes a ring, if there is one, for the thread that calls this and for no other. To be
    /// called before there are sockets.
    pub(super) fn take_ring(&mut self) {
        match Ring::open() {
            Ok(ring) => self.ring = Some(ring),
            Err(error) => {
                tracing::info!(%error, "packets go by epoll, without io_uring");
            }
        }
    }

    /// What comes to a leg's socket comes with this key from now on.
    pub(super) fn add(&mut self, key: u64, socket: &UdpSocket) -> io::Result<()> {
        match &mut self.ring {
            Some(ring) => {
                ring.watch(key, socket);
                Ok(())
            }
            None => self.add_beside(key, socket),
        }
    }

    /// The same for a socket that little comes to, and that is never given to [`Wire::close`].
    pub(super) fn add_beside(&mut self, key: u64, socket: &UdpSocket) -> io::Result<()> {
        let data = epoll::EventData::new_u64(key);
        Ok(epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN)?)
    }

    /// Closes a leg's socket, when what was to be sent from it has left.
    pub(super) fn close(&mut self, key: u64, socket: UdpSocket) {
        match &mut self.ring {
            Some(ring) => ring.forget(key, socket),
            None => drop(socket),
        }
    }

    /// Sends a packet, at the latest with the next [`Wire::flush`]. False if the system did not
    /// take it: it is lost, as on any network.
    pub(super) fn send(
        &mut self,
        (key, socket): (u64, &UdpSocket),
        packet: &[u8],
        to: SocketAddr,
        counted: &mut Counters,
    ) -> bool {
        if let Some(ring) = &mut self.ring {
            if ring.send(key, socket, packet, to) {
                return true;
            }
            // What stands before it is not to be overtaken.
            ring.turn();
        }
        let is_sent = socket.send_to(packet, to).is_ok();
        match is_sent {
            true => counted.packets_sent += 1,
            false => counted.send_errors += 1,
        }
        is_sent
    }

    /// Lets leave what is to be sent.
    pub(super) fn flush(&mut self) {
        if let Some(ring) = &mut self.ring {
            ring.turn();
        }
    }

    /// Asks what has come. That many are then to be had by [`Wire::next`], and so many sockets are
    /// ready.
    pub(super) fn ask(&mut self, readiness: &mut Readiness) -> (usize, usize) {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let came = self.ring.as_mut().map_or(0, Ring::turn);
        let ready = loop {
            match epoll::wait(&self.epoll, &mut readiness.0[..], Some(&AT_ONCE)) {
                Ok(count) => break count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot ask which sockets are ready");
                    break 0;
                }
            }
        };
        (came, ready)
    }

    /// Whether so many are no more than what there was room for.
    pub(super) fn is_full(&self, came: usize) -> bool {
        self.ring.is_some() && came >= Ring::ROOM
    }

    /// The next that came; a packet is put into `buffer`.
    pub(super) fn next(&mut self, buffer: &mut [u8]) -> Option<Came> {
        self.ring.as_mut()?.next(buffer)
    }
}
