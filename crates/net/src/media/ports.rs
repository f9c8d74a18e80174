//! The ports for RTP: even ones of a range, each used again as late as possible.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, Protocol, Socket, Type};

/// Ports tried for one socket, in case others have taken some.
const ATTEMPTS: usize = 64;

/// Expedited forwarding, as the traffic class of IP (RFC 3246, RFC 4594 §4.1).
const EXPEDITED: u8 = 46 << 2;

/// The free ports, the one that was closed longest ago in front: a packet that is still on its
/// way to an ended call finds nobody.
#[derive(Debug)]
pub(crate) struct Ports {
    ips: Vec<IpAddr>,
    free: Mutex<VecDeque<u16>>,
}

impl Ports {
    /// Of these addresses, one a family.
    pub(crate) fn new(ips: impl IntoIterator<Item = IpAddr>, range: RangeInclusive<u16>) -> Self {
        // The odd port behind it is for RTCP (RFC 3550 §11).
        let last = *range.end();
        let free = range.filter(|port| port % 2 == 0 && *port > 0 && *port < last).collect();
        Self { ips: ips.into_iter().collect(), free: Mutex::new(free) }
    }

    /// A socket of the family of `like` on the next port that can be bound. Such as cannot go back
    /// to the end.
    pub(crate) fn bind(&self, like: IpAddr) -> io::Result<UdpSocket> {
        let ip = self.ips.iter().find(|ip| ip.is_ipv4() == like.is_ipv4());
        let ip = ip.copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut last = io::Error::new(io::ErrorKind::AddrInUse, "no port for RTP is free");
        for _ in 0..ATTEMPTS.min(self.free()) {
            // Not held while the system works: a media worker may want to give one back.
            let Some(port) = self.take() else { break };
            match open(SocketAddr::new(ip, port)) {
                Ok(socket) => match prepare(&socket) {
                    Ok(()) => return Ok(socket),
                    Err(error) => last = error,
                },
                Err(error) => last = error,
            }
            self.give_back(port);
        }
        Err(last)
    }

    fn take(&self) -> Option<u16> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// The socket on this port is closed.
    pub(crate) fn give_back(&self, port: u16) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push_back(port);
    }

    /// How many ports are free.
    pub(crate) fn free(&self) -> usize {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// IPv6 takes no IPv4: that has sockets of its own.
fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// A socket for RTCP there.
pub(crate) fn open_at(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(address)?;
    prepare(&socket)?;
    Ok(socket)
}

/// Never waits, and asks the network to carry voice first. That a network or system knows no such
/// wish is no failure.
fn prepare(socket: &UdpSocket) -> io::Result<()> {
    let _ = match socket.local_addr()? {
        SocketAddr::V4(_) => rustix::net::sockopt::set_ip_tos(socket, EXPEDITED),
        SocketAddr::V6(_) => rustix::net::sockopt::set_ipv6_tclass(socket, u32::from(EXPEDITED)),
    };
    socket.set_nonblocking(true)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const IP: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 91, 1));

    #[test]
    fn only_even_ports_and_a_closed_one_last() {
        let ports = Ports::new([IP], 26_001..=26_010);
        let bound: Vec<UdpSocket> = (0..4).map(|_| ports.bind(IP).unwrap()).collect();
        let numbers: Vec<u16> = bound.iter().map(|s| s.local_addr().unwrap().port()).collect();
        assert!(bound.iter().all(|s| rustix::net::sockopt::ip_tos(s) == Ok(EXPEDITED)));
        assert_eq!(numbers, [26_002, 26_004, 26_006, 26_008]);
        // The last one has no odd port behind it, for RTCP, that were ours.
        assert_eq!(ports.bind(IP).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(bound);
        for port in [26_006, 26_002] {
            ports.give_back(port);
        }
        assert_eq!(ports.free(), 2);
        assert_eq!(ports.bind(IP).unwrap().local_addr().unwrap().port(), 26_006);
    }

    #[test]
    fn a_port_that_another_has_taken_is_passed_over() {
        let other = UdpSocket::bind(SocketAddr::new(IP, 26_010)).unwrap();
        let ports = Ports::new([IP], 26_010..=26_013);
        assert_eq!(ports.bind(IP).unwrap().local_addr().unwrap().port(), 26_012);
        assert_eq!(ports.bind(IP).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(other);
        assert_eq!(ports.bind(IP).unwrap().local_addr().unwrap().port(), 26_010);
    }

    #[test]
    fn each_family_has_sockets_of_its_own_on_ports_of_one_range() {
        let six = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
        let ports = Ports::new([IP, six], 26_014..=26_017);
        let bound = [IP, six].map(|ip| ports.bind(ip).unwrap().local_addr().unwrap());
        assert_eq!(bound.map(|address| address.to_string()), ["127.0.91.1:26014", "[::1]:26016"]);
        let four = Ports::new([IP], 26_018..=26_019);
        assert_eq!(four.bind(six).unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
        assert_eq!(four.free(), 1, "it is still there");
    }
}
