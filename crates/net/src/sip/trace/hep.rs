//! HEPv3, the Homer Encapsulation Protocol: a message with where and when it was seen.
//!
//! "HEP3 Network Protocol Specification", revision 37, section 2: the packet's id and length, then
//! chunks of vendor, type, length and value, all in network order.

use std::net::{IpAddr, SocketAddr};

use model::{Transport, Wall};

/// The longest packet: its length has 16 bits, and a UDP datagram over IPv4 carries so much.
const PACKET_MAX: usize = 65_507;
/// Generic chunks (vendor 0), by their types.
const FAMILY: u16 = 0x01;
const PROTOCOL: u16 = 0x02;
const SOURCE_V4: u16 = 0x03;
const DESTINATION_V4: u16 = 0x04;
const SOURCE_V6: u16 = 0x05;
const DESTINATION_V6: u16 = 0x06;
const SOURCE_PORT: u16 = 0x07;
const DESTINATION_PORT: u16 = 0x08;
const SECONDS: u16 = 0x09;
const MICROSECONDS: u16 = 0x0a;
const KIND: u16 = 0x0b;
const CAPTURE_ID: u16 = 0x0c;
const AUTH_KEY: u16 = 0x0e;
const PAYLOAD: u16 = 0x0f;
/// The protocol of the payload: SIP.
const SIP: u8 = 1;

/// What is told of one message.
#[derive(Debug, Clone, Copy)]
pub struct HepPacket<'a> {
    /// Where it came from.
    pub source: SocketAddr,
    /// Where it went.
    pub destination: SocketAddr,
    /// What carried it.
    pub transport: Transport,
    /// When.
    pub at: Wall,
    /// What this engine is called at the collector.
    pub capture_id: u32,
    /// What the collector asks for.
    pub auth_key: Option<&'a str>,
    /// The message, its secrets removed.
    pub payload: &'a [u8],
}

/// Writes the packet to `out`, which is emptied before. False if it would be too long to be sent;
/// nothing of use is in `out` then.
pub fn encode(packet: &HepPacket<'_>, out: &mut Vec<u8>) -> bool {
    out.clear();
    out.extend_from_slice(b"HEP3\0\0");
    // Both sides of a message have one family; a mapped address is what it maps.
    let source = packet.source.ip().to_canonical();
    let destination = packet.destination.ip().to_canonical();
    let family = if source.is_ipv4() && destination.is_ipv4() { 2 } else { 10 };
    chunk(out, FAMILY, &[family]);
    chunk(out, PROTOCOL, &[protocol(packet.transport)]);
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            chunk(out, SOURCE_V4, &source.octets());
            chunk(out, DESTINATION_V4, &destination.octets());
        }
        (source, destination) => {
            chunk(out, SOURCE_V6, &v6(source));
            chunk(out, DESTINATION_V6, &v6(destination));
        }
    }
    chunk(out, SOURCE_PORT, &packet.source.port().to_be_bytes());
    chunk(out, DESTINATION_PORT, &packet.destination.port().to_be_bytes());
    let (seconds, micros) = (packet.at.0.div_euclid(1_000_000), packet.at.0.rem_euclid(1_000_000));
    // The field has 32 bits and turns over in 2106.
    chunk(out, SECONDS, &u32::try_from(seconds).unwrap_or_default().to_be_bytes());
    chunk(out, MICROSECONDS, &u32::try_from(micros).unwrap_or_default().to_be_bytes());
    chunk(out, KIND, &[SIP]);
    chunk(out, CAPTURE_ID, &packet.capture_id.to_be_bytes());
    if let Some(key) = packet.auth_key {
        chunk(out, AUTH_KEY, key.as_bytes());
    }
    chunk(out, PAYLOAD, packet.payload);
    let Ok(length) = u16::try_from(out.len()) else { return false };
    if let Some(place) = out.get_mut(4..6) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    out.len() <= PACKET_MAX
}

/// A chunk longer than 16 bits can say makes the whole packet too long, which is told by its sum.
fn chunk(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&kind.to_be_bytes());
    let length = u16::try_from(6 + value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
}

/// The number of IP's protocols.
const fn protocol(transport: Transport) -> u8 {
    match transport {
        Transport::Udp => 17,
        Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => 6,
    }
}

fn v6(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification: an INVITE from 212.202.0.1 to 82.116.0.211.
    const EXAMPLE: &str = "4845503300710000000100070200000002000711\
        00000003000ad4ca000100000004000a527400d3\
        0000000700082eea00000008000813c4\
        00000009000a4e4982cb0000000a000a0001d4c0\
        0000000b0007010000000c000a000000e4\
        0000000f0014494e56495445207369703a626f62";

    fn example() -> HepPacket<'static> {
        HepPacket {
            source: "212.202.0.1:12010".parse().unwrap(),
            destination: "82.116.0.211:5060".parse().unwrap(),
            transport: Transport::Udp,
            at: Wall(1_313_440_459_120_000),
            capture_id: 228,
            auth_key: None,
            payload: b"INVITE sip:bob",
        }
    }

    #[test]
    fn the_example_of_the_specification_comes_out_byte_for_byte() {
        let mut out = b"what was there before".to_vec();
        assert!(encode(&example(), &mut out));
        assert_eq!(hex::encode(out), EXAMPLE);
    }

    #[test]
    fn a_key_ipv6_and_tcp_have_chunks_of_their_own() {
        let packet = HepPacket {
            source: "[2001:db8::1]:5060".parse().unwrap(),
            destination: "[2001:db8::2]:5061".parse().unwrap(),
            transport: Transport::Tcp,
            auth_key: Some("key"),
            ..example()
        };
        let mut out = Vec::new();
        assert!(encode(&packet, &mut out));
        let text = hex::encode(&out);
        for chunk in [
            "0000000100070a",
            "00000002000706",
            "00000005001620010db8000000000000000000000001",
            "00000006001620010db8000000000000000000000002",
            "0000000e00096b6579",
        ] {
            assert!(text.contains(chunk), "{chunk} in {text}");
        }
        assert_eq!(usize::from(u16::from_be_bytes([out[4], out[5]])), out.len());
    }

    #[test]
    fn a_mapped_address_is_the_one_that_it_maps() {
        let packet = HepPacket {
            source: "[::ffff:212.202.0.1]:12010".parse().unwrap(),
            destination: "[::ffff:82.116.0.211]:5060".parse().unwrap(),
            ..example()
        };
        let mut out = Vec::new();
        assert!(encode(&packet, &mut out));
        assert_eq!(hex::encode(out), EXAMPLE);
    }

    #[test]
    fn what_no_datagram_can_carry_is_not_sent() {
        let mut out = Vec::new();
        for (length, fits) in [(65_000, true), (65_450, false), (70_000, false)] {
            let payload = vec![b'x'; length];
            let packet = HepPacket { payload: &payload, ..example() };
            assert_eq!(encode(&packet, &mut out), fits, "{length}");
        }
    }
}
