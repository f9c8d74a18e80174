//! Printing: the lines in the order of RFC 8866 §5, each ended by CRLF.

use std::fmt;
use std::net::IpAddr;

use crate::browser::write_candidate;
use crate::{Connection, Media, Session};

/// The format of `a=rtcp-xr` that asks for VoIP metrics.
pub(crate) const METRICS: &str = "voip-metrics";

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(address)) => write!(f, "IN IP4 {address}"),
            Self::Ip(IpAddr::V6(address)) => write!(f, "IN IP6 {address}"),
            Self::Host(name) => write!(f, "IN IP4 {name}"),
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.origin;
        f.write_str("v=0\r\n")?;
        let (id, version) = (origin.session_id, origin.version);
        write!(f, "o={} {id} {version} {}\r\n", origin.user, origin.address)?;
        write!(f, "s={}\r\n", self.name)?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        f.write_str("t=0 0\r\n")?;
        if !self.bundle.is_empty() {
            f.write_str("a=group:BUNDLE")?;
            self.bundle.iter().try_for_each(|mid| write!(f, " {mid}"))?;
            f.write_str("\r\n")?;
        }
        if self.is_ice_lite {
            f.write_str("a=ice-lite\r\n")?;
        }
        self.ice_dtls.fmt(f)?;
        if let Some(direction) = self.direction {
            write!(f, "a={}\r\n", direction.as_str())?;
        }
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {} {}", self.kind, self.port, self.protocol)?;
        for format in &self.formats {
            write!(f, " {format}")?;
        }
        f.write_str("\r\n")?;
        if let Some(connection) = &self.connection {
            write!(f, "c={connection}\r\n")?;
        }
        for map in &self.maps {
            write!(f, "a=rtpmap:{} {}/{}", map.payload_type, map.encoding, map.clock_rate)?;
            if map.channels != 1 {
                write!(f, "/{}", map.channels)?;
            }
            f.write_str("\r\n")?;
        }
        for (payload_type, parameters) in &self.parameters {
            write!(f, "a=fmtp:{payload_type} {parameters}\r\n")?;
        }
        for crypto in &self.cryptos {
            write!(f, "a=crypto:{crypto}\r\n")?;
        }
        if let Some(ptime) = self.ptime_ms {
            write!(f, "a=ptime:{ptime}\r\n")?;
        }
        if let Some(most) = self.max_ptime_ms {
            write!(f, "a=maxptime:{most}\r\n")?;
        }
        if let Some(port) = self.rtcp_port {
            write!(f, "a=rtcp:{port}")?;
            if let Some(address) = self.rtcp_address {
                write!(f, " {}", Connection::Ip(address))?;
            }
            f.write_str("\r\n")?;
        }
        if self.rtcp_mux {
            f.write_str("a=rtcp-mux\r\n")?;
        }
        if self.asks_metrics {
            write!(f, "a=rtcp-xr:{METRICS}\r\n")?;
        }
        if let Some(direction) = self.direction {
            write!(f, "a={}\r\n", direction.as_str())?;
        }
        if let Some(mid) = &self.mid {
            write!(f, "a=mid:{mid}\r\n")?;
        }
        self.ice_dtls.fmt(f)?;
        (0..).zip(&self.candidates).try_for_each(|candidate| write_candidate(f, candidate))
    }
}
