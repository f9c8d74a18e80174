//! Datagrams in batches, by io_uring: what came to all sockets is taken in with one system call,
//! and what goes out leaves with another.
//!
//! This is the one module of the engine with `unsafe`: the kernel writes into memory of ours and
//! reads from it while a request stands. So all of that memory is allocated here, lives as long as
//! its ring, and is given back only when no request stands any more; nobody else ever sees it but
//! through the slices that these methods lend. A kernel that cannot do all of it is found out by
//! [`begin`], and then the worker goes on with a system call a packet.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, CancelBuilder, Fd};
use io_uring::{IoUring, cqueue, opcode, squeue};

/// Datagrams that can be taken in at once.
const TAKEN_MAX: u16 = 1_024;
/// Datagrams that leave at once.
const SENT_MAX: usize = 256;
/// Requests that are handed over at once: sockets to be watched.
const WATCHED_AT_ONCE: u32 = 256;
/// Room for one datagram with what the kernel says of it.
const ROOM_BYTES: usize = 2_048;
/// Room for an address of either family (`sockaddr_in6`).
const NAME_BYTES: usize = 28;
/// What stands before the address in a buffer: four numbers (`struct io_uring_recvmsg_out`).
const SAID_BYTES: usize = 16;
/// The longest datagram that leaves in a batch.
const SENT_BYTES_MAX: usize = ROOM_BYTES - NAME_BYTES - 4;
/// The only group of buffers.
const GROUP: u16 = 0;
/// `IORING_ENTER_GETEVENTS`: what arrived is handed over now.
const GET_EVENTS: u32 = 1;
/// Tries to hand over what waits, where the system has no room for a moment.
const TRIES: usize = 8;

/// Address families as the system numbers them.
const INET: u16 = libc::AF_INET as u16;
const INET6: u16 = libc::AF_INET6 as u16;

/// Makes both, and sends a datagram through them.
///
/// # Errors
/// This kernel cannot, or may not: io_uring is off, filtered, or too old (before 6.1).
pub(super) fn begin() -> io::Result<(Inflow, Outflow)> {
    const SAYING: &[u8] = b"a datagram of this worker to itself";
    let (mut inflow, mut outflow) = (Inflow::new()?, Outflow::new()?);
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let at = socket.local_addr()?;
    inflow.watch(0, &socket);
    inflow.ask();
    let queued = outflow.send(0, &socket, SAYING, at);
    outflow.flush();
    let came = (0..inflow.ask()).any(|nth| {
        let heard = inflow.datagram(nth);
        heard.is_some_and(|(key, said, from)| key == 0 && *said == *SAYING && from == at)
    });
    inflow.forget(0);
    if queued && came && outflow.take_failed().is_empty() {
        Ok((inflow, outflow))
    } else {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Memory that the kernel knows the address of.
#[derive(Debug)]
struct Memory {
    at: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it is owned, and reached only through the methods of its owner.
unsafe impl Send for Memory {}

impl Memory {
    fn new(bytes: usize, align: usize) -> io::Result<Self> {
        let layout = Layout::from_size_align(bytes.max(1), align).map_err(io::Error::other)?;
        // SAFETY: the layout has a size.
        let at = unsafe { alloc_zeroed(layout) };
        let Some(at) = NonNull::new(at) else { handle_alloc_error(layout) };
        Ok(Self { at, layout })
    }

    /// A place in it; beyond its end, the end.
    fn place(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: within the allocation, or one past its end.
        unsafe { self.at.add(offset.min(self.layout.size())) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout; its owner has seen that no request stands.
        unsafe { dealloc(self.at.as_ptr(), self.layout) };
    }
}

/// Ends all requests of a ring. False if that cannot be told: then its memory must stay.
fn end_all(ring: &mut IoUring) -> bool {
    let cancelled = ring.submitter().register_sync_cancel(None, CancelBuilder::any());
    let none = |error: &io::Error| error.raw_os_error() == Some(libc::ENOENT);
    enter(ring).is_ok() && cancelled.as_ref().err().is_none_or(none)
}

/// Hands over what waits and takes what has come.
fn enter(ring: &mut IoUring) -> io::Result<()> {
    for _ in 0..TRIES {
        let waiting = ring.submission().len() as u32;
        // SAFETY: no argument is passed; each entry was made from memory of this module, which
        // stays until its request has ended.
        let entered =
            unsafe { ring.submitter().enter::<libc::sigset_t>(waiting, 0, GET_EVENTS, None) };
        match entered {
            Ok(_) if ring.submission().is_empty() => return Ok(()),
            Ok(_) => {}
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

fn is_passing(error: &io::Error) -> bool {
    [libc::EINTR, libc::EAGAIN, libc::EBUSY].into_iter().any(|no| error.raw_os_error() == Some(no))
}

/// One datagram that was taken in.
#[derive(Debug, Clone, Copy)]
struct Taken {
    key: u64,
    room: u16,
    bytes: usize,
}

/// What comes to many sockets.
pub(super) struct Inflow {
    ring: IoUring,
    /// What every request refers to: there is room for an address, and for nothing else.
    header: Header,
    /// The kernel's list of rooms that are free.
    list: Option<Memory>,
    rooms: Option<Memory>,
    /// How many were ever put on the list.
    listed: u16,
    taken: Vec<Taken>,
    /// Keys of sockets that are not watched any more, and should be.
    ended: Vec<u64>,
    ran_out: bool,
}

struct Header(Box<libc::msghdr>);

// SAFETY: the pointers in it are null.
unsafe impl Send for Header {}

impl std::fmt::Debug for Inflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflow").field("taken", &self.taken.len()).finish_non_exhaustive()
    }
}

impl Inflow {
    fn new() -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(u32::from(TAKEN_MAX) * 4)
            .build(WATCHED_AT_ONCE)?;
        let list = Memory::new(usize::from(TAKEN_MAX) * size_of::<BufRingEntry>(), 4_096)?;
        let rooms = Memory::new(usize::from(TAKEN_MAX) * ROOM_BYTES, 64)?;
        // SAFETY: all zeroes is a header without name, data and control data.
        let mut header: Box<libc::msghdr> = Box::new(unsafe { std::mem::zeroed() });
        header.msg_namelen = NAME_BYTES as u32;
        let at = list.at.as_ptr() as u64;
        // SAFETY: the list has that many entries, on a page, and lives as long as the ring.
        unsafe { ring.submitter().register_buf_ring_with_flags(at, TAKEN_MAX, GROUP, 0) }?;
        let mut inflow = Self {
            ring,
            header: Header(header),
            list: Some(list),
            rooms: Some(rooms),
            listed: 0,
            taken: Vec::with_capacity(TAKEN_MAX.into()),
            ended: Vec::new(),
            ran_out: false,
        };
        for room in 0..TAKEN_MAX {
            inflow.free(room);
        }
        inflow.publish();
        Ok(inflow)
    }

    /// What comes to this socket is told with this key from now on.
    pub(super) fn watch(&mut self, key: u64, socket: &UdpSocket) {
        let header: *const libc::msghdr = &raw const *self.header.0;
        let entry = opcode::RecvMsgMulti::new(Fd(socket.as_raw_fd()), header, GROUP).build();
        let entry = entry.user_data(key);
        // SAFETY: the header lives as long as the ring, and the rooms of the group too.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        if pushed.is_ok() {
            return;
        }
        let entered = enter(&mut self.ring);
        // SAFETY: as above.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        if let (Err(error), _) | (Ok(()), Err(error)) = (entered, pushed.map_err(io::Error::other)) {
            tracing::error!(%error, "a leg's socket is watched later");
            self.ended.push(key);
        }
    }

    /// The socket of that key is to be closed: nothing refers to it any more.
    pub(super) fn forget(&mut self, key: u64) {
        self.ended.retain(|ended| *ended != key);
        // What was not handed over yet cannot be taken back.
        let before = enter(&mut self.ring);
        let ended = self.ring.submitter().register_sync_cancel(None, CancelBuilder::user_data(key));
        // The socket itself is let go of when this is left.
        let after = enter(&mut self.ring);
        let ended = match ended {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            ended => ended,
        };
        if let Err(error) = before.and(ended).and(after) {
            tracing::error!(%error, "a leg's socket stays open for a while");
        }
    }

    /// Takes in what has come: how many datagrams. Those of the last time are forgotten.
    pub(super) fn ask(&mut self) -> usize {
        for at in 0..self.taken.len() {
            self.free(self.taken[at].room);
        }
        if !self.taken.is_empty() {
            self.taken.clear();
            self.publish();
        }
        self.ran_out = false;
        if let Err(error) = enter(&mut self.ring) {
            tracing::error!(%error, "cannot ask what came to the legs");
        }
        let Self { ring, taken, ended, ran_out, .. } = self;
        for entry in ring.completion() {
            let (key, result, flags) = (entry.user_data(), entry.result(), entry.flags());
            if let (Ok(bytes), Some(room)) = (usize::try_from(result), cqueue::buffer_select(flags))
            {
                taken.push(Taken { key, room, bytes });
            }
            *ran_out |= result == -libc::ENOBUFS;
            if !cqueue::more(flags) && result != -libc::ECANCELED {
                ended.push(key);
            }
        }
        self.taken.len()
    }

    /// Whether more has come than there was room for.
    pub(super) const fn ran_out(&self) -> bool {
        self.ran_out
    }

    /// Keys of sockets that have to be watched anew.
    pub(super) fn take_ended(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.ended)
    }

    /// The nth of the datagrams that were taken in: its socket's key, what it is, where it came
    /// from. One that is longer than its room is cut.
    pub(super) fn datagram(&mut self, nth: usize) -> Option<(u64, &mut [u8], SocketAddr)> {
        let Taken { key, room, bytes } = *self.taken.get(nth)?;
        let place = self.rooms.as_ref()?.place(usize::from(room % TAKEN_MAX) * ROOM_BYTES);
        // SAFETY: the kernel has filled this room and writes there again only when it is listed
        // again, by `ask`, which this borrow keeps away; all of it is initialised.
        let whole = unsafe {
            std::slice::from_raw_parts_mut(place.as_ptr(), bytes.min(ROOM_BYTES))
        };
        let (said, rest) = whole.split_at_mut_checked(SAID_BYTES)?;
        let (name, datagram) = rest.split_at_mut_checked(NAME_BYTES)?;
        let length = u32::from_ne_bytes(*said.get(8..12)?.first_chunk()?) as usize;
        let length = length.min(datagram.len());
        Some((key, datagram.get_mut(..length)?, address_of(name)?))
    }

    /// The room may be filled again, once that is published.
    fn free(&mut self, room: u16) {
        let (Some(list), Some(rooms)) = (&self.list, &self.rooms) else { return };
        let place = usize::from(self.listed % TAKEN_MAX);
        let entry = list.place(place * size_of::<BufRingEntry>()).cast::<BufRingEntry>();
        let at = rooms.place(usize::from(room % TAKEN_MAX) * ROOM_BYTES);
        // SAFETY: the entry is one of the list; the kernel reads it when the tail has passed it.
        let entry = unsafe { &mut *entry.as_ptr() };
        entry.set_addr(at.as_ptr() as u64);
        entry.set_len(ROOM_BYTES as u32);
        entry.set_bid(room);
        self.listed = self.listed.wrapping_add(1);
    }

    /// The kernel may use all rooms that were freed.
    fn publish(&mut self) {
        let Some(list) = &self.list else { return };
        // SAFETY: the tail is within the first entry of the list, and both sides touch it
        // atomically.
        unsafe {
            let tail = BufRingEntry::tail(list.at.as_ptr().cast::<BufRingEntry>());
            AtomicU16::from_ptr(tail.cast_mut()).store(self.listed, Ordering::Release);
        }
    }
}

impl Drop for Inflow {
    fn drop(&mut self) {
        if !end_all(&mut self.ring) {
            // Rather lost than written to by somebody else.
            std::mem::forget(self.list.take());
            std::mem::forget(self.rooms.take());
        }
    }
}

/// What goes out of many sockets.
pub(super) struct Outflow {
    ring: IoUring,
    /// One a datagram: its address, then itself.
    rooms: Option<Memory>,
    /// Rooms that are taken until all that waits was handed over.
    waiting: usize,
    /// Keys of the sockets whose datagrams the system did not take.
    failed: Vec<u64>,
}

impl std::fmt::Debug for Outflow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outflow").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Outflow {
    fn new() -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_submit_all()
            .build(SENT_MAX as u32)?;
        let rooms = Some(Memory::new(SENT_MAX * ROOM_BYTES, 64)?);
        Ok(Self { ring, rooms, waiting: 0, failed: Vec::new() })
    }

    /// Takes a datagram, to leave with the next [`Outflow::flush`] at the latest. False if it
    /// cannot: too long, or the system takes nothing.
    pub(super) fn send(
        &mut self,
        key: u64,
        socket: &UdpSocket,
        datagram: &[u8],
        to: SocketAddr,
    ) -> bool {
        if self.waiting == SENT_MAX {
            self.flush();
        }
        let Some(rooms) = self.rooms.as_ref().filter(|_| self.waiting < SENT_MAX) else {
            return false;
        };
        if datagram.len() > SENT_BYTES_MAX {
            return false;
        }
        let place = rooms.place(self.waiting * ROOM_BYTES);
        // SAFETY: no request refers to this room: all that were handed over have ended at once,
        // because they may not wait, and the room was not taken since.
        let room = unsafe { std::slice::from_raw_parts_mut(place.as_ptr(), ROOM_BYTES) };
        let (name, rest) = room.split_at_mut(NAME_BYTES);
        rest[..datagram.len()].copy_from_slice(datagram);
        let (name, bytes) = (write_name(to, name), datagram.len() as u32);
        let entry = opcode::Send::new(Fd(socket.as_raw_fd()), rest.as_ptr(), bytes)
            .flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
            .dest_addr(place.as_ptr().cast_const().cast())
            .dest_addr_len(name)
            .build()
            .user_data(key)
            .flags(squeue::Flags::SKIP_SUCCESS);
        // SAFETY: the room is not touched before this was handed over.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        self.waiting += usize::from(pushed.is_ok());
        pushed.is_ok()
    }

    /// All that waits leaves.
    pub(super) fn flush(&mut self) {
        if self.waiting == 0 {
            return;
        }
        match enter(&mut self.ring) {
            Ok(()) => self.waiting = 0,
            Err(error) => tracing::error!(%error, "packets wait for the system"),
        }
        let failed = self.ring.completion().filter(|entry| entry.result() < 0);
        self.failed.extend(failed.map(|entry| entry.user_data()));
    }

    /// Keys of the sockets whose datagrams the system did not take.
    pub(super) fn take_failed(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.failed)
    }
}

impl Drop for Outflow {
    fn drop(&mut self) {
        if !end_all(&mut self.ring) {
            std::mem::forget(self.rooms.take());
        }
    }
}

/// An address as the system writes it.
fn address_of(name: &[u8]) -> Option<SocketAddr> {
    let family = u16::from_ne_bytes(*name.first_chunk()?);
    let port = u16::from_be_bytes(*name.get(2..)?.first_chunk()?);
    let ip = match family {
        INET => IpAddr::V4(Ipv4Addr::from(*name.get(4..)?.first_chunk::<4>()?)),
        INET6 => {
            let ip = Ipv6Addr::from(*name.get(8..)?.first_chunk::<16>()?);
            let scope = u32::from_ne_bytes(*name.get(24..)?.first_chunk()?);
            return Some(std::net::SocketAddrV6::new(ip, port, 0, scope).into());
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Writes an address as the system reads it: how long it is.
fn write_name(address: SocketAddr, name: &mut [u8]) -> u32 {
    let mut whole = [0; NAME_BYTES];
    whole[2..4].copy_from_slice(&address.port().to_be_bytes());
    let bytes = match address {
        SocketAddr::V4(address) => {
            whole[..2].copy_from_slice(&INET.to_ne_bytes());
            whole[4..8].copy_from_slice(&address.ip().octets());
            16
        }
        SocketAddr::V6(address) => {
            whole[..2].copy_from_slice(&INET6.to_ne_bytes());
            whole[8..24].copy_from_slice(&address.ip().octets());
            whole[24..28].copy_from_slice(&address.scope_id().to_ne_bytes());
            NAME_BYTES as u32
        }
    };
    name[..NAME_BYTES].copy_from_slice(&whole);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = socket.local_addr().unwrap();
        (socket, at)
    }

    /// Both, where this machine's kernel has them: that of CI does.
    fn flows() -> (Inflow, Outflow) {
        begin().unwrap()
    }

    /// What has come, by the sockets' keys.
    fn taken(inflow: &mut Inflow) -> Vec<(u64, Vec<u8>)> {
        let count = inflow.ask();
        let nth = |nth| inflow.datagram(nth).map(|(key, said, _)| (key, said.to_vec()));
        (0..count).filter_map(nth).collect()
    }

    #[test]
    fn what_comes_is_told_with_its_key_and_where_it_is_from() {
        let (mut inflow, _) = flows();
        let ((one, at_one), (other, at_other)) = (socket(), socket());
        inflow.watch(7, &one);
        inflow.watch(8, &other);
        let (phone, from) = socket();
        phone.send_to(b"to one", at_one).unwrap();
        phone.send_to(b"to the other", at_other).unwrap();
        phone.send_to(b"to one again", at_one).unwrap();
        assert_eq!(inflow.ask(), 3);
        let mut all: Vec<_> = (0..3)
            .map(|nth| inflow.datagram(nth).map(|(key, said, at)| (key, said.to_vec(), at)).unwrap())
            .collect();
        all.sort();
        let expected =
            [(7, b"to one".to_vec()), (7, b"to one again".to_vec()), (8, b"to the other".to_vec())];
        assert_eq!(all, expected.map(|(key, said)| (key, said, from)));
        assert_eq!(inflow.ask(), 0);
    }

    #[test]
    fn more_than_there_is_room_for_is_taken_in_several_times_and_none_is_lost() {
        let (mut inflow, _) = flows();
        let (one, at) = socket();
        rustix::net::sockopt::set_socket_recv_buffer_size_force(&one, 8 << 20).unwrap();
        inflow.watch(1, &one);
        let (phone, _) = socket();
        let count = u32::from(TAKEN_MAX) * 3;
        for number in 0..count {
            phone.send_to(&number.to_be_bytes(), at).unwrap();
        }
        let (mut came, mut ran_out) = (Vec::new(), 0);
        for _ in 0..100 {
            came.extend(taken(&mut inflow));
            ran_out += u32::from(inflow.ran_out());
            for key in inflow.take_ended() {
                inflow.watch(key, &one);
            }
        }
        let expected: Vec<_> = (0..count).map(|number| (1, number.to_be_bytes().into())).collect();
        assert_eq!(came, expected);
        assert!(ran_out >= 2, "{ran_out}");
    }

    #[test]
    fn what_leaves_in_a_batch_leaves_in_order_and_longer_batches_than_there_is_room_for_too() {
        let (_, mut outflow) = flows();
        let ((from, at_from), (phone, at)) = (socket(), socket());
        rustix::net::sockopt::set_socket_recv_buffer_size_force(&phone, 8 << 20).unwrap();
        let count = SENT_MAX * 2 + 5;
        for number in 0..count {
            assert!(outflow.send(1, &from, &number.to_be_bytes(), at));
        }
        outflow.flush();
        phone.set_nonblocking(true).unwrap();
        for number in 0..count {
            let mut said = [0; 8];
            assert_eq!(phone.recv_from(&mut said).unwrap(), (8, at_from));
            assert_eq!(said, number.to_be_bytes());
        }
        assert_eq!(outflow.take_failed(), []);
    }

    #[test]
    fn what_the_system_does_not_take_is_told_and_keeps_nothing_else_from_leaving() {
        let (_, mut outflow) = flows();
        let ((from, _), (phone, at)) = (socket(), socket());
        // A limited broadcast is nothing that a socket may send unasked.
        let nowhere = SocketAddr::from(([255, 255, 255, 255], 9));
        assert!(outflow.send(1, &from, b"before", at));
        assert!(outflow.send(2, &from, b"to nobody", nowhere));
        assert!(outflow.send(3, &from, b"after", at));
        outflow.flush();
        assert_eq!(outflow.take_failed(), [2]);
        let mut said = [0; 16];
        let heard: Vec<usize> = (0..2).map(|_| phone.recv(&mut said).unwrap()).collect();
        assert_eq!(heard, [6, 5]);
        assert!(!outflow.send(4, &from, &[0; SENT_BYTES_MAX + 1], at), "it is too long");
    }

    #[test]
    fn a_socket_that_is_forgotten_is_closed_at_once() {
        let (mut inflow, _) = flows();
        for round in 0..50 {
            let (one, at) = socket();
            inflow.watch(round, &one);
            if round % 2 == 0 {
                inflow.ask();
            }
            let (phone, _) = socket();
            phone.send_to(b"late", at).unwrap();
            inflow.forget(round);
            drop(one);
            assert!(UdpSocket::bind(at).is_ok(), "nobody has that port in round {round}");
            assert!(inflow.take_ended().is_empty());
        }
        let (next, at) = socket();
        inflow.watch(99, &next);
        let (phone, _) = socket();
        phone.send_to(b"in time", at).unwrap();
        let came = taken(&mut inflow);
        assert!(came.contains(&(99, b"in time".to_vec())), "{came:?}");
    }

    #[test]
    fn addresses_of_both_families_are_read_as_they_are_written() {
        for text in ["192.0.2.7:40000", "[2001:db8::7]:9", "[fe80::1%3]:65535"] {
            let (address, mut name) = (text.parse().unwrap(), [0; NAME_BYTES]);
            assert!(write_name(address, &mut name) >= 16);
            assert_eq!(address_of(&name), Some(address));
        }
        assert_eq!(address_of(&[0; NAME_BYTES]), None);
        assert_eq!(address_of(&[]), None);
    }

    #[test]
    fn ipv6_comes_and_goes() {
        let (mut inflow, mut outflow) = flows();
        let one = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        let at = one.local_addr().unwrap();
        inflow.watch(1, &one);
        assert!(outflow.send(1, &one, b"six", at));
        outflow.flush();
        assert_eq!(inflow.ask(), 1);
        let (key, said, from) = inflow.datagram(0).unwrap();
        assert_eq!((key, &*said, from), (1, &b"six"[..], at));
    }
}
