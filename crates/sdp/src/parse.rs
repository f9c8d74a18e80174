//! Parsing: lenient, bounded, and errors name the line.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::browser::candidate;
use crate::print::METRICS;
use crate::{
    Connection, Crypto, Direction, IceDtls, MAX_BYTES, MAX_CANDIDATES, MAX_CRYPTOS, MAX_FORMATS,
    MAX_LINES, MAX_MEDIA, Map, Media, Origin, Session,
};

/// Why a description could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// The line, from 1; 0 where the whole is meant.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Nothing but white space.
    Empty,
    /// Longer than [`MAX_BYTES`] or more than [`MAX_LINES`].
    TooLong,
    /// Not UTF-8.
    NotText,
    /// Not `x=value`.
    NotALine,
    /// A version other than 0, or none at the start.
    Version,
    /// An origin line without its six parts.
    Origin,
    /// A connection line without its three parts.
    Connection,
    /// An `m=` line without kind, port, protocol and format.
    Media,
    /// More than [`MAX_MEDIA`] streams or [`MAX_FORMATS`] formats.
    TooMany,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.problem {
            Problem::Empty => "the description is empty",
            Problem::TooLong => "the description is too long",
            Problem::NotText => "the description is not UTF-8",
            Problem::NotALine => "expected 'x=value'",
            Problem::Version => "expected 'v=0'",
            Problem::Origin => "expected 'o=user id version IN IP4 address'",
            Problem::Connection => "expected 'c=IN IP4 address' or 'c=IN IP6 address'",
            Problem::Media => "expected 'm=kind port protocol format …'",
            Problem::TooMany => "too many streams or formats",
        };
        match self.line {
            0 => write!(f, "SDP: {what}"),
            line => write!(f, "SDP line {line}: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl Session {
    /// Reads a description.
    ///
    /// Lenient where telephones are sloppy: lines may end in LF, blank lines and unknown lines are
    /// skipped, numbers of the origin that do not fit are taken as 0, `s=` and `t=` may be missing.
    ///
    /// # Errors
    /// Names the first line that cannot be understood.
    pub fn parse(text: &[u8]) -> Result<Session, Error> {
        let whole = |problem| Error { line: 0, problem };
        if text.len() > MAX_BYTES {
            return Err(whole(Problem::TooLong));
        }
        let text = std::str::from_utf8(text).map_err(|_| whole(Problem::NotText))?;
        let mut session = None;
        for (at, line) in text.lines().enumerate() {
            let error = |problem| Error { line: at + 1, problem };
            if at >= MAX_LINES {
                return Err(error(Problem::TooLong));
            }
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or(error(Problem::NotALine))?;
            match &mut session {
                None if (name, value.trim()) == ("v", "0") => session = Some(Session::empty()),
                None => return Err(error(Problem::Version)),
                Some(session) => session.read_line(name, value.trim()).map_err(error)?,
            }
        }
        session.ok_or(whole(Problem::Empty))
    }

    fn empty() -> Session {
        let nowhere = Connection::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Session {
            origin: Origin { user: "-".into(), session_id: 0, version: 0, address: nowhere },
            name: "-".into(),
            connection: None,
            direction: None,
            is_ice_lite: false,
            bundle: Vec::new(),
            ice_dtls: IceDtls::default(),
            media: Vec::new(),
        }
    }

    fn read_line(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "o" => self.origin = origin(value)?,
            "s" if self.media.is_empty() => self.name = value.into(),
            "c" => {
                let connection = Some(connection(value).ok_or(Problem::Connection)?);
                match self.media.last_mut() {
                    Some(media) => media.connection = connection,
                    None => self.connection = connection,
                }
            }
            "m" if self.media.len() >= MAX_MEDIA => return Err(Problem::TooMany),
            "m" => self.media.push(media(value)?),
            "a" => match self.media.last_mut() {
                Some(media) => media.read_attribute(value)?,
                None => self.read_attribute(value),
            },
            _ => {}
        }
        Ok(())
    }
}

impl Session {
    /// One that is said of the whole.
    fn read_attribute(&mut self, attribute: &str) {
        let (name, value) = split(attribute);
        match name {
            "ice-lite" => self.is_ice_lite = true,
            "group" => {
                let mut words = value.split_whitespace();
                if words.next() == Some("BUNDLE") {
                    self.bundle = words.take(MAX_MEDIA).map(String::from).collect();
                }
            }
            _ if self.ice_dtls.read(name, value) => {}
            _ => self.direction = Direction::from_name(name).or(self.direction),
        }
    }
}

impl Media {
    fn read_attribute(&mut self, attribute: &str) -> Result<(), Problem> {
        let (name, value) = split(attribute);
        match name {
            "rtpmap" if self.maps.len() >= MAX_FORMATS => return Err(Problem::TooMany),
            // A map that cannot be read leaves its payload type unknown, as if it were not offered.
            "rtpmap" => self.maps.extend(map(value)),
            "fmtp" if self.parameters.len() >= MAX_FORMATS => return Err(Problem::TooMany),
            "fmtp" => {
                // A parameter line that cannot be read changes nothing that is negotiated here.
                let parts = value.split_once(char::is_whitespace);
                if let Some((Ok(payload_type @ 0..=127), parameters)) =
                    parts.map(|(number, rest)| (number.parse(), rest.trim()))
                {
                    self.parameters.push((payload_type, parameters.into()));
                }
            }
            "ptime" => self.ptime_ms = packet_time(value),
            "maxptime" => self.max_ptime_ms = packet_time(value),
            "rtcp" => {
                let (port, address) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
                self.rtcp_port = port.parse().ok();
                self.rtcp_address = match connection(address) {
                    Some(Connection::Ip(address)) => Some(address),
                    Some(Connection::Host(_)) | None => None,
                };
            }
            "rtcp-mux" => self.rtcp_mux = true,
            "crypto" if self.cryptos.len() >= MAX_CRYPTOS => {}
            "crypto" => self.cryptos.extend(Crypto::parse(value)),
            "rtcp-xr" => self.asks_metrics |= value.split_whitespace().any(is_metrics),
            "mid" => self.mid = value.split_whitespace().next().map(String::from),
            "candidate" if self.candidates.len() >= MAX_CANDIDATES => {}
            "candidate" => self.candidates.extend(candidate(value)),
            _ if self.ice_dtls.read(name, value) => {}
            _ => self.direction = Direction::from_name(name).or(self.direction),
        }
        Ok(())
    }
}

/// An attribute's name and its value, which may be empty.
fn split(attribute: &str) -> (&str, &str) {
    let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
    (name, value.trim())
}

fn origin(value: &str) -> Result<Origin, Problem> {
    let mut parts = value.splitn(4, ' ').map(str::trim);
    let (Some(user), Some(id), Some(version), Some(address)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Problem::Origin);
    };
    Ok(Origin {
        user: user.into(),
        session_id: id.parse().unwrap_or(0),
        version: version.parse().unwrap_or(0),
        address: connection(address).ok_or(Problem::Origin)?,
    })
}

fn connection(value: &str) -> Option<Connection> {
    let mut parts = value.split_whitespace();
    let (net, kind, address) = (parts.next()?, parts.next()?, parts.next()?);
    if net != "IN" || !matches!(kind, "IP4" | "IP6") {
        return None;
    }
    // A multicast address may carry `/ttl/count`.
    let address = address.split('/').next().filter(|address| !address.is_empty())?;
    match address.parse::<IpAddr>() {
        Ok(address) => Some(Connection::Ip(address)),
        Err(_) => Some(Connection::Host(address.into())),
    }
}

fn media(value: &str) -> Result<Media, Problem> {
    let mut parts = value.split_whitespace();
    let (Some(kind), Some(port), Some(protocol)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(Problem::Media);
    };
    // `port/count`: several ports for layered codecs; the first is the one that counts.
    let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or(Problem::Media)?;
    let formats: Vec<String> = parts.by_ref().take(MAX_FORMATS).map(String::from).collect();
    if formats.is_empty() {
        return Err(Problem::Media);
    }
    if parts.next().is_some() {
        return Err(Problem::TooMany);
    }
    Ok(Media {
        kind: kind.into(),
        port,
        protocol: protocol.into(),
        formats,
        connection: None,
        maps: Vec::new(),
        parameters: Vec::new(),
        cryptos: Vec::new(),
        direction: None,
        ptime_ms: None,
        max_ptime_ms: None,
        rtcp_port: None,
        rtcp_address: None,
        rtcp_mux: false,
        asks_metrics: false,
        mid: None,
        ice_dtls: IceDtls::default(),
        candidates: Vec::new(),
    })
}

/// Milliseconds of a packet that there can be; a part of one does not count (RFC 8866 §6.4).
fn packet_time(value: &str) -> Option<u32> {
    let whole = value.split('.').next()?;
    whole.parse().ok().filter(|ms| (1..=1000).contains(ms))
}

/// A format of `a=rtcp-xr` may have parameters.
fn is_metrics(format: &str) -> bool {
    format.split('=').next() == Some(METRICS)
}

fn map(value: &str) -> Option<Map> {
    let (payload_type, rest) = value.split_once(char::is_whitespace)?;
    let payload_type = payload_type.parse().ok().filter(|number| *number <= 127)?;
    let mut parts = rest.trim().split('/');
    let encoding = parts.next().filter(|name| !name.is_empty())?.into();
    let clock_rate = parts.next()?.parse().ok()?;
    let channels = match parts.next() {
        None => 1,
        Some(count) => count.parse().ok()?,
    };
    Some(Map { payload_type, encoding, clock_rate, channels })
}
