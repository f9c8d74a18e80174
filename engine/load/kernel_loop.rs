//! The bare kernel loop: what one RTP packet costs without any program around it.
//!
//! Every figure of a relay stands beside this one, measured in the same run on the same machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::thread_cpu;

/// Pairs of sockets, as many as 100 bridged calls have.
const PAIRS: usize = 200;
/// An RTP packet of 20 ms of G.711.
const PACKET_BYTES: usize = 172;
/// Packets over each pair.
const ROUNDS: u32 = 2000;
/// Rounds before the measured ones.
const WARM_UP: u32 = 50;

/// What one packet costs, in microseconds of CPU time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    send: f64,
    receive: f64,
}

impl Cost {
    pub(super) fn to_json(self) -> Value {
        let round = |micros: f64| (micros * 1000.0).round() / 1000.0;
        json!({
            "kind": "kernel_loop",
            "pairs": PAIRS,
            "bytes": PACKET_BYTES,
            "packets": u64::from(ROUNDS) * PAIRS as u64,
            "us_a_packet": round(self.send + self.receive),
            "us_sending_alone": round(self.send),
        })
    }
}

/// Sends and receives over loopback, or from and to `address` of this host.
///
/// # Errors
/// The sockets cannot be opened, or a packet did not arrive.
pub(super) fn measure(address: Option<IpAddr>) -> anyhow::Result<Cost> {
    let address = SocketAddr::new(address.unwrap_or(Ipv4Addr::LOCALHOST.into()), 0);
    let open = || UdpSocket::bind(address).with_context(|| format!("a socket on {address}"));
    let mut pairs = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let (from, to) = (open()?, open()?);
        let target = to.local_addr()?;
        to.set_nonblocking(true)?;
        pairs.push((from, to, target));
    }
    rounds(&pairs, WARM_UP)?;
    let (send, receive) = rounds(&pairs, ROUNDS)?;
    let packets = f64::from(ROUNDS) * PAIRS as f64 * 1000.0;
    Ok(Cost { send: send as f64 / packets, receive: receive as f64 / packets })
}

/// Each pair's packet sent, then each received; the CPU time of both in nanoseconds.
fn rounds(pairs: &[(UdpSocket, UdpSocket, SocketAddr)], rounds: u32) -> anyhow::Result<(u64, u64)> {
    let (packet, mut buffer) = ([0xd5; PACKET_BYTES], [0; 1500]);
    let (mut send, mut receive) = (0, 0);
    for _ in 0..rounds {
        let start = thread_cpu();
        for (from, _, target) in pairs {
            from.send_to(&packet, target)?;
        }
        let sent = thread_cpu();
        for (_, to, _) in pairs {
            to.recv_from(&mut buffer).context("a packet did not arrive")?;
        }
        send += sent - start;
        receive += thread_cpu() - sent;
    }
    Ok((send, receive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_measured_here() {
        let cost = measure(None).expect("loopback is there");
        let line = cost.to_json();
        let (whole, sending) = (&line["us_a_packet"], &line["us_sending_alone"]);
        assert!(whole.as_f64() > sending.as_f64() && sending.as_f64() > Some(0.05), "{line}");
    }
}
