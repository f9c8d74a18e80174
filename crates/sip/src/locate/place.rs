//! What a URI says of where it wants to be reached (RFC 3263 §4).

use std::net::{IpAddr, SocketAddr};

use super::{Carrier, NotLocated};
use crate::{Scheme, Uri};

/// The longest name of a host, without a dot at its end (RFC 1035 §2.3.4).
const NAME_MAX: usize = 253;
/// The longest label of one.
const LABEL_MAX: usize = 63;

/// What a URI says of where it wants to be reached: RFC 3263's TARGET, with port and transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
    /// By what, if it says so.
    pub(super) carrier: Option<Carrier>,
    /// `sips:`: by nothing but TLS.
    pub(super) secure: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    /// In small letters, without a dot at its end.
    Name(String),
}

impl Place {
    /// Reads it from a URI: host, or `maddr` in its stead, port and `transport`.
    ///
    /// # Errors
    /// [`NotLocated::NoHost`] for what is neither `sip:` nor `sips:` or has no host that could be
    /// one, [`NotLocated::Unsupported`] for a transport that is unknown, or not secure although it
    /// has to be.
    pub fn of(uri: &Uri<'_>) -> Result<Place, NotLocated> {
        let secure = match uri.scheme() {
            Scheme::Sip => false,
            Scheme::Sips => true,
            Scheme::Tel | Scheme::Other => return Err(NotLocated::NoHost),
        };
        let params = uri.params();
        let carrier = match params.value("transport").map(str::to_ascii_lowercase).as_deref() {
            None => None,
            Some("udp") if !secure => Some(Carrier::Udp),
            // RFC 3261 §26.2.2: for `sips:` it is TLS over TCP that is meant.
            Some("tcp") if secure => Some(Carrier::Tls),
            Some("tcp") => Some(Carrier::Tcp),
            Some("tls") => Some(Carrier::Tls),
            Some(_) => return Err(NotLocated::Unsupported),
        };
        let host = match (params.value("maddr"), uri.ip()) {
            (Some(maddr), _) => Host::read(maddr),
            (None, Some(ip)) => Some(Host::Address(ip)),
            (None, None) => Host::read(uri.host()),
        };
        let host = host.ok_or(NotLocated::NoHost)?;
        Ok(Place { host, port: uri.port(), carrier, secure })
    }

    /// Whether it is a name, which has to be asked for.
    pub const fn is_name(&self) -> bool {
        match self.host {
            Host::Name(_) => true,
            Host::Address(_) => false,
        }
    }

    /// The address, if it is one, with the port that the URI says or implies.
    pub fn address(&self) -> Option<SocketAddr> {
        let port = self.port.unwrap_or(self.usual_carrier().default_port());
        match self.host {
            Host::Address(ip) => Some(SocketAddr::new(ip, port)),
            Host::Name(_) => None,
        }
    }

    /// Whether it is reached by datagrams where the DNS says nothing else.
    pub fn is_of_datagrams(&self) -> bool {
        self.usual_carrier() == Carrier::Udp
    }

    /// Whether it is reached by TLS where the DNS says nothing else.
    pub fn is_of_tls(&self) -> bool {
        self.usual_carrier() == Carrier::Tls
    }

    /// Whether it is reached by TCP where the DNS says nothing else.
    pub fn is_of_tcp(&self) -> bool {
        self.usual_carrier() == Carrier::Tcp
    }

    /// By what it is reached if neither it nor the DNS says so (§4.1).
    pub(super) fn usual_carrier(&self) -> Carrier {
        let usual = if self.secure { Carrier::Tls } else { Carrier::Udp };
        self.carrier.unwrap_or(usual)
    }
}

impl Host {
    fn read(text: &str) -> Option<Host> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Ok(ip) = bare.unwrap_or(text).parse() {
            return Some(Host::Address(ip));
        }
        name(text).map(Host::Name)
    }
}

/// A host's name as it is asked for, or `None` if it can be none. What others write may be
/// anything. Nothing under `invalid` exists (RFC 2606 §2); phones behind browsers call themselves
/// so (RFC 7118 §5).
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=LABEL_MAX).contains(&label.len()) && label.bytes().all(is_known)
    };
    let is_name = text.len() <= NAME_MAX && text.split('.').all(is_label);
    let name = text.to_ascii_lowercase();
    (is_name && name != "invalid" && !name.ends_with(".invalid")).then_some(name)
}
