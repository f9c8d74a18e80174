//! Which of the legs' sockets have something to be read.

use std::io;
use std::net::UdpSocket;

use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

/// Ready sockets asked for at once.
const READY_LIMIT: usize = 1_024;

/// The sockets of a worker.
pub(crate) struct Readiness(OwnedFd);

/// Those that were ready when that was asked last.
pub(super) struct Told(Vec<epoll::Event>);

impl Told {
    pub(super) fn new() -> Self {
        let (flags, data) = (epoll::EventFlags::empty(), epoll::EventData::new_u64(0));
        Self(vec![epoll::Event { flags, data }; READY_LIMIT])
    }

    /// The key of one of them.
    pub(super) fn key(&self, at: usize) -> u64 {
        self.0[at].data.u64()
    }
}

impl Readiness {
    /// Fails where the system has no room for another file.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(epoll::CreateFlags::CLOEXEC)?))
    }

    /// A socket is told with this key when it is ready, until it is closed.
    pub(super) fn add(&self, key: u64, socket: &UdpSocket) -> io::Result<()> {
        let data = epoll::EventData::new_u64(key);
        Ok(epoll::add(&self.0, socket, data, epoll::EventFlags::IN)?)
    }

    /// How many are ready now, [`READY_LIMIT`] at most.
    pub(super) fn ask(&self, told: &mut Told) -> usize {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        loop {
            match epoll::wait(&self.0, &mut told.0[..], Some(&AT_ONCE)) {
                Ok(count) => return count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot ask which sockets are ready");
                    return 0;
                }
            }
        }
    }
}
