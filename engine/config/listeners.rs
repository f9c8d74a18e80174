//! `[[sip.listener]]` and `[sip.tls]`: where SIP is spoken, by what, and to whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use model::Transport;
use serde::Deserialize;

use super::fault::{Fault, Places};
use super::{Config, Sip};

/// `[[sip.listener]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct SipListener {
    pub address: SocketAddr,
    #[serde(default = "udp_and_tcp")]
    pub transports: Vec<Transport>,
    #[serde(default)]
    pub side: Side,
    #[serde(default)]
    pub advertise: Option<IpAddr>,
}

fn udp_and_tcp() -> Vec<Transport> {
    vec![Transport::Udp, Transport::Tcp]
}

/// Whom a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub enum Side {
    Carrier,
    Agent,
    #[default]
    Both,
}

/// `[sip.tls]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct SipTls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    #[serde(default)]
    pub server_ca: Option<PathBuf>,
}

/// One address and one transport: the listeners of the SIP workers, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    /// What is spoken.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// What others call it, where that is not the address itself.
    pub advertise: Option<IpAddr>,
    /// To whom.
    pub side: Side,
}

impl Listening {
    /// The address that others reach it at.
    pub fn reached_at(&self) -> IpAddr {
        self.advertise.unwrap_or(self.address.ip())
    }
}

impl Sip {
    /// The listeners: those that are written, or else UDP and TCP on `listen`.
    pub fn listening(&self) -> Vec<Listening> {
        let simple = SipListener {
            address: self.listen,
            transports: udp_and_tcp(),
            side: Side::Both,
            advertise: None,
        };
        let written = match self.listener.is_empty() {
            true => std::slice::from_ref(&simple),
            false => self.listener.as_slice(),
        };
        let each = written.iter().flat_map(|one| {
            let general = self.advertise.filter(|ip| ip.is_ipv4() == one.address.is_ipv4());
            one.transports.iter().map(move |transport| Listening {
                transport: *transport,
                address: one.address,
                advertise: one.advertise.or(general),
                side: one.side,
            })
        });
        each.collect()
    }

    /// Where media is received: the listeners' own address of a family where there is one alone,
    /// else all of that family; first the first listener's.
    pub fn media_addresses(&self) -> (IpAddr, Option<IpAddr>) {
        let listening = self.listening();
        let of_family = |is_ipv4: bool| {
            let mut ips = listening.iter().map(|one| one.address.ip());
            let mut ips = ips.by_ref().filter(|ip| ip.is_ipv4() == is_ipv4);
            let first = ips.next()?;
            let all: IpAddr = match first {
                IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            Some(if ips.all(|ip| ip == first) { first } else { all })
        };
        let begins_with_v4 = listening.first().is_none_or(|one| one.address.is_ipv4());
        let first = of_family(begins_with_v4).unwrap_or(self.listen.ip());
        (first, of_family(!begins_with_v4))
    }
}

pub(super) fn check(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let sip = &config.sip;
    for (index, listener) in sip.listener.iter().enumerate() {
        let mut fault = |key: &str, message: String, remedy: &str| {
            faults.push(places.fault("sip.listener", index, key, message, remedy));
        };
        let transports = &listener.transports;
        let streams = transports.iter().filter(|one| one.is_reliable()).count();
        if transports.is_empty() || streams > 1 || transports.len() > streams + 1 {
            let message = format!("{} cannot speak all of these", listener.address);
            fault(
                "transports",
                message,
                "write \"udp\", and one of \"tcp\", \"tls\", \"ws\", \"wss\"",
            );
        }
        if transports.iter().any(|one| one.is_encrypted()) && sip.tls.is_none() {
            let remedy = "write [sip.tls] with `certificate` and `key`";
            fault("transports", "there is no certificate for TLS".to_owned(), remedy);
        }
        let is_other = |ip: IpAddr| ip.is_ipv4() != listener.address.is_ipv4();
        if let Some(ip) = listener.advertise.filter(|ip| ip.is_unspecified() || is_other(*ip)) {
            let message = format!("{ip} is no address that stands for {}", listener.address);
            fault("advertise", message, "give an address of the same family that others reach");
        }
        let general = sip.advertise.filter(|ip| !is_other(*ip));
        let reached = listener.advertise.or(general).unwrap_or(listener.address.ip());
        if reached.is_unspecified() && listener.advertise.is_none() {
            let message = format!("{} is no address that others can reach", listener.address.ip());
            let remedy = "give `advertise` this host's address, or listen on one";
            fault("address", message, remedy);
        }
        let clashes = sip.listener.iter().take(index).any(|other| {
            let is_stream = |one: &Transport| one.is_reliable();
            let both_udp =
                transports.contains(&Transport::Udp) && other.transports.contains(&Transport::Udp);
            let both_streams =
                transports.iter().any(is_stream) && other.transports.iter().any(is_stream);
            other.address == listener.address
                && listener.address.port() != 0
                && (both_udp || both_streams)
        });
        if clashes {
            let message = format!("another listener has {} already", listener.address);
            fault("address", message, "give each its own port or address");
        }
    }
    for origin in &sip.ws_origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
            let message = format!("{origin:?} is not how a browser names a page's origin");
            let remedy = "write scheme and host, as in \"https://desk.example\", without a path";
            faults.push(places.fault("sip", 0, "ws_origins", message, remedy));
        }
    }
}
