//! Waking a worker that sleeps in its epoll.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

/// Wakes a worker; many wakes before it looks are one.
#[derive(Debug, Clone)]
pub(super) struct Waker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fd: OwnedFd,
    is_set: AtomicBool,
}

impl Waker {
    pub(super) fn new() -> io::Result<Self> {
        let fd = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self(Arc::new(Inner { fd, is_set: AtomicBool::new(false) })))
    }

    /// What was sent to the worker before is seen by it after this.
    pub(super) fn wake(&self) {
        if !self.0.is_set.swap(true, Ordering::AcqRel) {
            // An eventfd that is full has been set, too.
            let _ = rustix::io::write(&self.0.fd, &1_u64.to_ne_bytes());
        }
    }

    /// The worker is awake: a wake from now on counts anew. Look at the queues after this.
    ///
    /// What was written stays unread: epoll tells of each write (it watches for edges), and 2^64
    /// of them do not happen.
    pub(super) fn reset(&self) {
        self.0.is_set.swap(false, Ordering::AcqRel);
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}
