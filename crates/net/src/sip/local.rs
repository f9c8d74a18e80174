//! Our own address as a peer sees it, where a socket is bound to all of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The most peers whose way is remembered; beyond it all are asked for anew.
const KNOWN_MAX: usize = 4_096;

/// Which of our addresses leads to a peer.
pub(super) struct Local {
    bound: SocketAddr,
    advertised: Option<IpAddr>,
    known: BTreeMap<IpAddr, IpAddr>,
}

impl Local {
    /// `advertised` stands for `bound` where it is given.
    pub(super) fn new(bound: SocketAddr, advertised: Option<IpAddr>) -> Self {
        let advertised = advertised.filter(|ip| !ip.is_unspecified());
        Self { bound, advertised, known: BTreeMap::new() }
    }

    /// Our address for this peer.
    pub(super) fn towards(&mut self, peer: IpAddr) -> SocketAddr {
        let ip = match self.advertised {
            Some(advertised) => advertised,
            None if !self.bound.ip().is_unspecified() => self.bound.ip(),
            None => self.routed(peer),
        };
        SocketAddr::new(ip, self.bound.port())
    }

    /// Whether it is reached at this address.
    pub(super) fn is_at(&self, address: SocketAddr) -> bool {
        let ip = self.advertised.unwrap_or(self.bound.ip());
        address.port() == self.bound.port() && (ip.is_unspecified() || ip == address.ip())
    }

    fn routed(&mut self, peer: IpAddr) -> IpAddr {
        if let Some(ip) = self.known.get(&peer) {
            return *ip;
        }
        let ip = ask_kernel(peer).unwrap_or(self.bound.ip());
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(peer, ip);
        ip
    }
}

/// The source address that the kernel would use: a connected UDP socket sends nothing to know it.
fn ask_kernel(peer: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match peer {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((peer, 9)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

#[cfg(test)]
mod tests {
    use super::{KNOWN_MAX, Local};
    use std::net::{IpAddr, Ipv4Addr};

    fn towards(bound: &str, advertised: Option<&str>, peer: &str) -> String {
        let advertised = advertised.map(|ip| ip.parse().unwrap());
        Local::new(bound.parse().unwrap(), advertised).towards(peer.parse().unwrap()).to_string()
    }

    #[test]
    fn the_address_is_the_advertised_the_bound_or_the_routed_one() {
        assert_eq!(towards("0.0.0.0:5060", Some("192.0.2.1"), "127.0.0.1"), "192.0.2.1:5060");
        assert_eq!(towards("127.0.0.2:5060", None, "127.0.0.1"), "127.0.0.2:5060");
        assert_eq!(towards("0.0.0.0:5060", None, "127.0.0.1"), "127.0.0.1:5060");
        assert_eq!(towards("0.0.0.0:5060", Some("0.0.0.0"), "127.0.0.1"), "127.0.0.1:5060");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut local = Local::new("0.0.0.0:5060".parse().unwrap(), None);
        for number in 0..u32::try_from(KNOWN_MAX).unwrap() + 10 {
            let peer = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 0, 1)) + number);
            assert!(local.towards(IpAddr::V4(peer)).ip().is_loopback());
        }
        assert!(local.known.len() <= KNOWN_MAX);
    }
}
