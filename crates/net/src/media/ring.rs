//! Packets by `io_uring`: all that arrived is taken, and all that leaves is given, by one call into
//! the system a tick, instead of one a packet.
//!
//! The only module with `unsafe`, for three reasons: the system writes what it receives into memory
//! that was lent to it, reads what it sends from such memory, and is told the addresses of both.
//! What keeps that sound:
//!
//! - All of that memory is allocated when the ring is opened, never moves, and is freed after the
//!   ring was closed. The system copies into it and from it only within the calls of this thread
//!   (`IORING_SETUP_DEFER_TASKRUN`, and sockets that never wait), so never while anything here
//!   looks at it.
//! - A buffer for what arrives belongs to the system from [`Arrivals::lend`] until a completion
//!   names it. Its content is copied out before it is lent again.
//! - A buffer for what leaves belongs to the system from [`Ring::send`] until its completion.
//! - Sockets are named by their numbers. [`Ring::forget`] hands everything that names a socket over
//!   to the system before it closes it.

#![allow(unsafe_code, reason = "the system is lent memory, as is explained above")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::squeue::Entry;
use io_uring::types::{BufRingEntry, Fd, RecvMsgOut};
use io_uring::{IoUring, cqueue, opcode};
use socket2::SockAddr;

/// Buffers for what arrives. What finds none waits in its socket, for the next of several turns: no
/// more than what a processor's cache holds, for each is used in its turn.
const BUFFERS: u16 = 512;
/// The length of one: a packet, whom it is from, and the system's header.
const BUFFER_BYTES: usize = 2_048;
/// Packets that may be on their way out. What is beyond that is sent by a call of its own.
const SENDS: u32 = 4_096;
/// The longest packet that leaves this way.
const SEND_BYTES: usize = rtp::MAX_PACKET_BYTES + 64;
/// Requests that wait for the next turn; with more than that it comes at once.
const REQUESTS: u32 = 4_096;
/// Completions that wait; the system keeps what is beyond that.
const COMPLETIONS: u32 = 16_384;
/// The group of the buffers; there is one.
const GROUP: u16 = 0;

/// Marks the completion of a send; its buffer stands above. No leg's key has this bit.
const SENT: u64 = 1 << 31;
/// The completion of what nobody waits for.
const NOBODY: u64 = u64::MAX;

/// What a turn brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// So many bytes in the buffer.
    Packet {
        /// Whose socket.
        key: u64,
        /// How many.
        bytes: usize,
        /// Where from.
        from: SocketAddr,
        /// Nothing more comes from this socket, unless it is watched again.
        is_last: bool,
    },
    /// Nothing comes from this socket any more, unless it is watched again.
    Ended {
        /// Whose.
        key: u64,
    },
    /// A packet was sent.
    Sent,
    /// The system did not take a packet of so many bytes.
    Unsent {
        /// Whose.
        key: u64,
        /// How many.
        bytes: usize,
    },
    /// Nothing to speak of.
    Nothing,
}

/// A packet on its way out.
struct Leaving {
    key: u64,
    bytes: usize,
    packet: [u8; SEND_BYTES],
    to: SockAddr,
}

/// The ring. Only the thread that opened it may use it.
pub(super) struct Ring {
    // Closed before the memory is freed, which stands below.
    queue: IoUring,
    arrivals: Arrivals,
    /// Tells the system how much room to leave for an address.
    message: Box<libc::msghdr>,
    leaving: Vec<Leaving>,
    free: Vec<u32>,
}

// SAFETY: what its pointers point at belongs to it alone. Used by another thread than the one that
// opened it, the system refuses every turn.
unsafe impl Send for Ring {}

impl Ring {
    /// Opens a ring for this thread.
    ///
    /// # Errors
    /// The system has none (Linux before 6.1), or forbids it.
    pub(super) fn open() -> io::Result<Self> {
        let queue = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_cqsize(COMPLETIONS)
            .build(REQUESTS)?;
        let arrivals = Arrivals::new();
        // SAFETY: the memory holds `BUFFERS` entries, begins a page, and lives as long as the ring.
        unsafe {
            let entries = arrivals.entries.as_ptr() as u64;
            queue.submitter().register_buf_ring_with_flags(entries, BUFFERS, GROUP, 0)?;
        }
        // SAFETY: all of its fields are numbers and pointers, of which 0 is one.
        let mut message: Box<libc::msghdr> = Box::new(unsafe { std::mem::zeroed() });
        message.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
        let mut ring = Self { queue, arrivals, message, leaving: Vec::new(), free: Vec::new() };
        for buffer in 0..BUFFERS {
            ring.arrivals.lend(buffer);
        }
        Ok(ring)
    }

    /// What arrives at `socket` comes with this key from now on.
    pub(super) fn watch(&mut self, key: u64, socket: &UdpSocket) {
        let receive = opcode::RecvMsgMulti::new(Fd(socket.as_raw_fd()), &*self.message, GROUP);
        self.push(&receive.build().user_data(key));
    }

    /// Closes a socket: nothing comes from it any more, and its port is free.
    pub(super) fn forget(&mut self, key: u64, socket: UdpSocket) {
        self.push(&opcode::AsyncCancel::new(key).build().user_data(NOBODY));
        // The first is told to end what it waits for, the second ends it.
        self.turn();
        self.turn();
        drop(socket);
    }

    /// Sends a packet with the next [`Ring::turn`]. False if there is no room for it.
    pub(super) fn send(
        &mut self,
        key: u64,
        socket: &UdpSocket,
        packet: &[u8],
        to: SocketAddr,
    ) -> bool {
        let Some(slot) = self.room(packet.len()) else { return false };
        let leaving = &mut self.leaving[slot as usize];
        leaving.packet[..packet.len()].copy_from_slice(packet);
        (leaving.key, leaving.bytes, leaving.to) = (key, packet.len(), SockAddr::from(to));
        let send = opcode::Send::new(
            Fd(socket.as_raw_fd()),
            leaving.packet.as_ptr(),
            leaving.bytes as u32,
        )
        .dest_addr(leaving.to.as_ptr().cast())
        .dest_addr_len(leaving.to.len());
        self.push(&send.build().user_data(u64::from(slot) << 32 | SENT));
        true
    }

    /// A place for a packet that leaves.
    fn room(&mut self, bytes: usize) -> Option<u32> {
        if bytes > SEND_BYTES {
            return None;
        }
        if self.leaving.is_empty() {
            // All at once: they must not move when there are more. Those that are never used take
            // no memory.
            self.leaving.reserve_exact(SENDS as usize);
        }
        let slot = self.free.pop().or_else(|| {
            let next = self.leaving.len() as u32;
            if next == SENDS {
                return None;
            }
            let to = SockAddr::from(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
            self.leaving.push(Leaving { key: 0, bytes: 0, packet: [0; SEND_BYTES], to });
            Some(next)
        })?;
        Some(slot)
    }

    /// Gives the system what is to be done and takes what is done: so many times
    /// [`Ring::next`] may be asked.
    pub(super) fn turn(&mut self) -> usize {
        let given = self.queue.submission();
        let (is_idle, is_quiet) = (given.is_empty(), !given.taskrun() && !given.cq_overflow());
        drop(given);
        if is_idle && is_quiet {
            return self.queue.completion().len();
        }
        match self.queue.submit() {
            Ok(_) => {}
            // What was not taken is given again with the next turn.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => tracing::error!(%error, "the system does not move packets"),
        }
        self.queue.completion().len()
    }

    /// What came, one after the other; a packet is put into `buffer`, which is long enough for any.
    pub(super) fn next(&mut self, buffer: &mut [u8]) -> Option<Came> {
        let done = self.queue.completion().next()?;
        let (key, result, flags) = (done.user_data(), done.result(), done.flags());
        if key == NOBODY {
            return Some(Came::Nothing);
        }
        if key & SENT != 0 {
            let slot = (key >> 32) as u32;
            self.free.push(slot);
            let Leaving { key, bytes, .. } = self.leaving[slot as usize];
            return Some(if result < 0 { Came::Unsent { key, bytes } } else { Came::Sent });
        }
        let arrived = cqueue::buffer_select(flags).and_then(|number| {
            let length = usize::try_from(result).unwrap_or(0);
            let read = self.arrivals.read(number, length, &self.message, buffer);
            self.arrivals.lend(number);
            read
        });
        // The buffers are used up, or the socket is closed.
        let is_last = !cqueue::more(flags);
        Some(match arrived {
            Some((bytes, from)) => Came::Packet { key, bytes, from, is_last },
            None if is_last => Came::Ended { key },
            None => Came::Nothing,
        })
    }

    fn push(&mut self, request: &Entry) {
        // SAFETY: what the request points at is memory of this ring, which lives as long as it, and
        // a socket that is open until `forget`.
        while unsafe { self.queue.submission().push(request) }.is_err() {
            if let Err(error) = self.queue.submit() {
                tracing::error!(%error, "the system does not move packets");
                return;
            }
        }
    }
}

/// Memory that is lent to the system for what arrives.
#[derive(Debug)]
struct Arrivals {
    /// The ring of buffers that are lent: its end is written here, its beginning is the system's.
    entries: NonNull<BufRingEntry>,
    memory: NonNull<u8>,
    end: u16,
}

impl Arrivals {
    const ENTRIES: Layout = layout(BUFFERS as usize * size_of::<BufRingEntry>());
    const MEMORY: Layout = layout(BUFFERS as usize * BUFFER_BYTES);

    fn new() -> Self {
        let (entries, memory) = (allocate(Self::ENTRIES), allocate(Self::MEMORY));
        Self { entries: entries.cast(), memory, end: 0 }
    }

    /// Where a buffer begins.
    fn at(&self, buffer: u16) -> NonNull<u8> {
        let buffer = usize::from(buffer % BUFFERS);
        // SAFETY: within the memory, which has `BUFFERS` buffers.
        unsafe { self.memory.add(buffer * BUFFER_BYTES) }
    }

    /// Lends a buffer to the system, to which it does not belong now.
    fn lend(&mut self, buffer: u16) {
        let address = self.at(buffer).as_ptr() as u64;
        // SAFETY: within the ring, which has `BUFFERS` entries, all zero or written here. The
        // system looks at this one when the end has passed it.
        unsafe {
            let entry = self.entries.add(usize::from(self.end % BUFFERS)).as_mut();
            entry.set_addr(address);
            entry.set_len(BUFFER_BYTES as u32);
            entry.set_bid(buffer);
        }
        self.end = self.end.wrapping_add(1);
        // SAFETY: the address of the ring's end, aligned, which only this thread writes.
        let end = unsafe {
            let end = BufRingEntry::tail(self.entries.as_ptr());
            AtomicU16::from_ptr(end.cast_mut())
        };
        end.store(self.end, Ordering::Release);
    }

    /// Copies what the system put into a buffer.
    fn read(
        &self,
        number: u16,
        length: usize,
        message: &libc::msghdr,
        buffer: &mut [u8],
    ) -> Option<(usize, SocketAddr)> {
        let length = length.min(BUFFER_BYTES);
        // SAFETY: within the memory, which was zero and was written since; the buffer is not lent.
        let filled = unsafe { std::slice::from_raw_parts(self.at(number).as_ptr(), length) };
        let parts = RecvMsgOut::parse(filled, message).ok()?;
        let payload = parts.payload_data();
        let bytes = payload.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&payload[..bytes]);
        Some((bytes, address(parts.name_data())?))
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        // SAFETY: allocated with these layouts; the ring that used it is closed.
        unsafe {
            dealloc(self.entries.as_ptr().cast(), Self::ENTRIES);
            dealloc(self.memory.as_ptr(), Self::MEMORY);
        }
    }
}

/// So many bytes that begin a page.
const fn layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, 4_096) {
        Ok(layout) => layout,
        Err(_) => panic!("far less than the address space"),
    }
}

/// Memory of a layout that has some, zeroed.
fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: neither of the two layouts is empty.
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

/// The address in a `sockaddr`.
fn address(name: &[u8]) -> Option<SocketAddr> {
    let two = |at: usize| Some([*name.get(at)?, *name.get(at + 1)?]);
    let four = |at: usize| name.get(at..at + 4)?.try_into().ok();
    let port = u16::from_be_bytes(two(2)?);
    match i32::from(u16::from_ne_bytes(two(0)?)) {
        libc::AF_INET => {
            let ip: [u8; 4] = four(4)?;
            Some(SocketAddr::from((Ipv4Addr::from(ip), port)))
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = name.get(8..24)?.try_into().ok()?;
            let (flow, scope) = (u32::from_be_bytes(four(4)?), u32::from_ne_bytes(four(24)?));
            Some(SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, scope).into())
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
mod tests {
    use super::*;

    fn socket(ip: &str) -> UdpSocket {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    /// All that has come; loopback is as fast as the call that sends.
    fn taken(ring: &mut Ring) -> Vec<(Came, Vec<u8>)> {
        let mut buffer = [0; 2_048];
        let count = ring.turn();
        let mut all = Vec::new();
        for _ in 0..count {
            let came = ring.next(&mut buffer).unwrap();
            let bytes = if let Came::Packet { bytes, .. } = came { bytes } else { 0 };
            all.push((came, buffer[..bytes].to_vec()));
        }
        all
    }

    #[test]
    fn what_arrives_comes_with_its_key_and_what_is_sent_leaves_from_its_socket() {
        for ip in ["127.0.0.1", "::1"] {
            let mut ring = Ring::open().unwrap();
            let (ours, phone) = (socket(ip), socket(ip));
            let (here, there) = (ours.local_addr().unwrap(), phone.local_addr().unwrap());
            ring.watch(7, &ours);
            assert_eq!(ring.turn(), 0);
            phone.send_to(b"one", here).unwrap();
            phone.send_to(b"two", here).unwrap();
            let packet = |bytes: &[u8]| {
                let bytes = (bytes.len(), bytes.to_vec());
                let from = there;
                (Came::Packet { key: 7, bytes: bytes.0, from, is_last: false }, bytes.1)
            };
            assert_eq!(taken(&mut ring), [packet(b"one"), packet(b"two")]);
            assert!(ring.send(7, &ours, b"answer", there));
            assert_eq!(taken(&mut ring), [(Came::Sent, vec![])]);
            let mut buffer = [0; 64];
            assert_eq!(phone.recv_from(&mut buffer).unwrap(), (6, here));
            assert_eq!(&buffer[..6], b"answer");
        }
    }

    #[test]
    fn the_port_of_a_forgotten_socket_is_free_at_once() {
        let mut ring = Ring::open().unwrap();
        let (ours, phone) = (socket("127.0.0.1"), socket("127.0.0.1"));
        let here = ours.local_addr().unwrap();
        ring.watch(1, &ours);
        assert!(ring.send(1, &ours, b"last word", phone.local_addr().unwrap()));
        ring.forget(1, ours);
        let again = UdpSocket::bind(here).unwrap();
        assert_eq!(phone.recv(&mut [0; 64]).unwrap(), 9, "what was to be sent before is sent");
        phone.send_to(b"to the next", here).unwrap();
        assert!(taken(&mut ring).iter().all(|(came, _)| !matches!(came, Came::Packet { .. })));
        assert_eq!(again.recv(&mut [0; 64]).unwrap(), 11);
    }

    #[test]
    fn what_finds_no_buffer_waits_in_its_socket() {
        let mut ring = Ring::open().unwrap();
        let phone = socket("127.0.0.1");
        let ours: Vec<UdpSocket> = (0..30).map(|_| socket("127.0.0.1")).collect();
        for (key, socket) in ours.iter().enumerate() {
            ring.watch(key as u64, socket);
        }
        ring.turn();
        // Together more than there are buffers.
        let a_socket = usize::from(BUFFERS) / ours.len() + 10;
        for number in 0..a_socket {
            for socket in &ours {
                let to = socket.local_addr().unwrap();
                phone.send_to(&(number as u32).to_be_bytes(), to).unwrap();
            }
        }
        let mut came = vec![Vec::new(); ours.len()];
        // Each turn brings something, or all is there.
        loop {
            let all = taken(&mut ring);
            if all.is_empty() {
                break;
            }
            for (one, bytes) in all {
                match one {
                    Came::Packet { key, is_last, .. } => {
                        came[key as usize].push(bytes);
                        assert!(!is_last);
                    }
                    Came::Ended { key } => ring.watch(key, &ours[key as usize]),
                    Came::Sent | Came::Unsent { .. } | Came::Nothing => {}
                }
            }
        }
        let wanted: Vec<Vec<u8>> =
            (0..a_socket).map(|number| (number as u32).to_be_bytes().to_vec()).collect();
        assert!(came.iter().all(|came| *came == wanted));
    }

    #[test]
    fn more_than_there_is_room_for_is_told_and_what_cannot_be_sent_too() {
        let mut ring = Ring::open().unwrap();
        let (ours, phone) = (socket("127.0.0.1"), socket("127.0.0.1"));
        let there = phone.local_addr().unwrap();
        let sent = (0..SENDS + 5).filter(|_| ring.send(3, &ours, b"voice", there)).count();
        assert_eq!(sent, SENDS as usize);
        assert!(!ring.send(3, &ours, &[0; SEND_BYTES + 1], there), "too long");
        let all = taken(&mut ring);
        assert_eq!(all.iter().filter(|(came, _)| *came == Came::Sent).count(), sent);
        // There is no such port.
        assert!(ring.send(3, &ours, b"voice", SocketAddr::from(([127, 0, 0, 1], 0))));
        assert_eq!(taken(&mut ring), [(Came::Unsent { key: 3, bytes: 5 }, vec![])]);
        assert!(ring.send(3, &ours, b"voice", there), "there is room again");
    }

    #[test]
    fn an_address_that_is_none_is_none() {
        assert_eq!(address(&[]), None);
        assert_eq!(address(&[0; 28]), None);
        let mut name = [0; 28];
        name[..8].copy_from_slice(&[2, 0, 0x13, 0xc4, 192, 0, 2, 7]);
        assert_eq!(address(&name), Some("192.0.2.7:5060".parse().unwrap()));
    }
}
