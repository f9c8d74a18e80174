//! SIP messages as a capture that Wireshark and its kin open: the classic pcap format.
//!
//! There were no packets to capture: each message gets an IP and a UDP header made from the
//! addresses that it went between, also where TCP or TLS carried it, as other SIP tools do. Thus
//! every message is one frame, and nothing has to be put together again or decrypted.

use std::net::{IpAddr, SocketAddr};

use model::Wall;

/// The magic number that says: times have microseconds, numbers the order of this file.
const MAGIC: u32 = 0xa1b2_c3d4;
/// LINKTYPE_RAW: packets begin with their IPv4 or IPv6 header.
const LINKTYPE_RAW: u32 = 101;
/// The longest packet of the file.
const SNAP: u32 = 65_535;
/// UDP's header.
const UDP_BYTES: usize = 8;
/// The most bytes of a message: what one IPv4 packet has room for. Longer ones are cut.
const PAYLOAD_MAX: usize = 65_535 - 20 - UDP_BYTES;
const UDP: u8 = 17;
const HOP_LIMIT: u8 = 64;

/// A capture that grows by one packet a message.
pub(crate) struct Pcap(Vec<u8>);

impl Pcap {
    /// An empty capture.
    pub(crate) fn new() -> Self {
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC.to_le_bytes());
        // Version 2.4, times in UTC, of unknown accuracy.
        for half in [2_u16, 4, 0, 0, 0, 0] {
            out.extend_from_slice(&half.to_le_bytes());
        }
        out.extend_from_slice(&SNAP.to_le_bytes());
        out.extend_from_slice(&LINKTYPE_RAW.to_le_bytes());
        Self(out)
    }

    /// Appends a message that went from `source` to `destination`.
    pub(crate) fn push(
        &mut self,
        at: Wall,
        source: SocketAddr,
        destination: SocketAddr,
        message: &[u8],
    ) {
        let packet = packet(source, destination, message);
        let (seconds, micros) = (at.0.div_euclid(1_000_000), at.0.rem_euclid(1_000_000));
        let length = u32::try_from(packet.len()).unwrap_or(SNAP);
        for number in [
            u32::try_from(seconds).unwrap_or_default(),
            u32::try_from(micros).unwrap_or_default(),
            length,
            length,
        ] {
            self.0.extend_from_slice(&number.to_le_bytes());
        }
        self.0.extend_from_slice(&packet);
    }

    /// The whole file.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

fn packet(source: SocketAddr, destination: SocketAddr, message: &[u8]) -> Vec<u8> {
    let message = message.get(..PAYLOAD_MAX).unwrap_or(message);
    let length = u16::try_from(UDP_BYTES + message.len()).unwrap_or(u16::MAX);
    let mut packet = Vec::with_capacity(48 + message.len());
    let mut pseudo = Vec::with_capacity(40);
    match (source.ip().to_canonical(), destination.ip().to_canonical()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let addresses = [source.octets(), destination.octets()].concat();
            packet.extend_from_slice(&ipv4_header(length, &addresses));
            pseudo.extend_from_slice(&addresses);
            pseudo.extend_from_slice(&[0, UDP]);
        }
        (source, destination) => {
            let addresses = [v6(source), v6(destination)].concat();
            // RFC 8200 §3: version 6, no class, no flow.
            packet.extend_from_slice(&[0x60, 0, 0, 0]);
            packet.extend_from_slice(&length.to_be_bytes());
            packet.extend_from_slice(&[UDP, HOP_LIMIT]);
            packet.extend_from_slice(&addresses);
            pseudo.extend_from_slice(&addresses);
            pseudo.extend_from_slice(&[0, 0, 0, UDP]);
        }
    }
    pseudo.extend_from_slice(&length.to_be_bytes());
    let mut header = Vec::with_capacity(UDP_BYTES);
    for number in [source.port(), destination.port(), length] {
        header.extend_from_slice(&number.to_be_bytes());
    }
    // RFC 768: no checksum is written as 0, and what sums up to 0 as its complement.
    let sum = match checksum(&[&pseudo, &header, message]) {
        0 => u16::MAX,
        sum => sum,
    };
    packet.extend_from_slice(&header);
    packet.extend_from_slice(&sum.to_be_bytes());
    packet.extend_from_slice(message);
    packet
}

/// RFC 791 §3.1, without options and never in fragments.
fn ipv4_header(udp_length: u16, addresses: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend_from_slice(&udp_length.saturating_add(20).to_be_bytes());
    header.extend_from_slice(&[0, 0, 0x40, 0, HOP_LIMIT, UDP]);
    let sum = checksum(&[&header, addresses]);
    header.extend_from_slice(&sum.to_be_bytes());
    header.extend_from_slice(addresses);
    header
}

fn v6(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// RFC 1071 over parts of which all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for part in parts {
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u64::from(u16::from_be_bytes([pair[0], low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// The sum over a header with its own checksum in it is zero, whoever made it.
    #[test]
    fn headers_have_the_sums_that_receivers_check() {
        let (source, destination) = (addr("192.0.2.1:5060"), addr("198.51.100.7:5062"));
        for message in [&b"INVITE"[..], b"OPTIONS", b""] {
            let packet = packet(source, destination, message);
            assert_eq!(checksum(&[&packet[..20]]), 0);
            assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), packet.len());
            let pseudo = [&packet[12..20], &[0, UDP], &packet[24..26]].concat();
            assert_eq!(checksum(&[&pseudo, &packet[20..]]), 0);
            assert_eq!(&packet[28..], message);
        }
        let packet = packet(addr("[2001:db8::1]:5060"), addr("[2001:db8::2]:1"), b"BYE");
        let pseudo = [&packet[8..40], &[0, 0, 0, UDP], &packet[44..46]].concat();
        assert_eq!((packet[0], checksum(&[&pseudo, &packet[40..]])), (0x60, 0));
    }

    /// RFC 1071 §3's own example.
    #[test]
    fn the_sum_is_that_of_the_rfc() {
        let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&[&example]), !0xddf2);
    }

    #[test]
    fn what_is_too_long_for_a_packet_is_cut_and_mixed_families_are_one() {
        let long = vec![b'x'; 65_535];
        let cut = packet(addr("192.0.2.1:1"), addr("192.0.2.2:2"), &long);
        assert_eq!(cut.len(), 65_535);
        assert_eq!(checksum(&[&cut[..20]]), 0);
        let mixed = packet(addr("192.0.2.1:1"), addr("[2001:db8::2]:2"), b"");
        assert_eq!(
            &mixed[8..24],
            &"::ffff:192.0.2.1".parse::<std::net::Ipv6Addr>().unwrap().octets()
        );
        let mapped = packet(addr("[::ffff:192.0.2.1]:1"), addr("192.0.2.2:2"), b"");
        assert_eq!(mapped[0], 0x45);
    }
}
