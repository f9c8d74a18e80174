//! Which listeners are for whom: carriers and agents' phones may be on different networks.

use std::net::{IpAddr, SocketAddr};

use model::{LegId, Transport};
use sip::Flow;

use crate::Callflow;
use crate::calls::Opening;

/// Whom a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// Trunks: no phone registers here, and an agent's phone is nobody here.
    Carrier,
    /// Agents' phones: no trunk is known by its address here, only by its credentials.
    Agent,
    /// All.
    #[default]
    Both,
}

impl Side {
    /// Whether agents' phones are served.
    pub const fn serves_agents(self) -> bool {
        match self {
            Self::Agent | Self::Both => true,
            Self::Carrier => false,
        }
    }

    /// Whether trunks are known by their addresses.
    pub const fn serves_carriers(self) -> bool {
        match self {
            Self::Carrier | Self::Both => true,
            Self::Agent => false,
        }
    }
}

/// Where we speak SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// By what.
    pub transport: Transport,
    /// Our address, as others reach it.
    pub local: SocketAddr,
    /// Whom it serves.
    pub side: Side,
}

impl Callflow {
    /// Whom the listener serves that a message came by: all, where no listeners were named.
    pub(crate) fn side_of(&self, flow: &Flow) -> Side {
        let listener = self.config.listeners.get(usize::from(flow.listener));
        listener.map_or(Side::Both, |listener| listener.side)
    }

    /// The way to an address that nothing has come from yet: by the first listener that speaks the
    /// transport, has an address of the family and serves the other side's kind. `None` where there
    /// is none.
    pub fn way_out(&self, transport: Transport, remote: SocketAddr, to: Side) -> Option<Flow> {
        let serves = |side: Side| match to {
            Side::Carrier => side.serves_carriers(),
            Side::Agent => side.serves_agents(),
            Side::Both => side == Side::Both,
        };
        let fits = |listener: &Listener| {
            listener.transport == transport
                && listener.local.is_ipv4() == remote.is_ipv4()
                && serves(listener.side)
        };
        let number = self.config.listeners.iter().position(fits)?;
        let local = self.config.listeners.get(number)?.local;
        let listener = u16::try_from(number).ok()?;
        Some(Flow { transport, local, remote, connection: 0, listener })
    }

    /// Whether a leg's media is a browser's: it is opened on an address for browsers. False for a
    /// leg that is not known, or not yet.
    pub fn is_browser(&self, leg: LegId) -> bool {
        let known = self.legs.get(&leg).map(|entry| entry.leg.is_browser());
        known.unwrap_or_else(|| match self.opening.get(&leg) {
            Some(
                Opening::Agent { flow, .. }
                | Opening::Dialler { flow, .. }
                | Opening::Colleague { flow, .. },
            ) => self.browser_on(flow).is_some(),
            Some(Opening::Number { .. } | Opening::Caller { .. } | Opening::Own) | None => false,
        })
    }

    /// Our address on the way that a leg's signalling takes: the leg's media is announced on it,
    /// for the other side can reach it. `None` for a leg that is not known, or not yet.
    pub fn address_of(&self, leg: LegId) -> Option<IpAddr> {
        let known = self.legs.get(&leg).map(|entry| *entry.leg.flow());
        let flow = known.or_else(|| match self.opening.get(&leg)? {
            Opening::Agent { flow, .. }
            | Opening::Dialler { flow, .. }
            | Opening::Colleague { flow, .. } => Some(*flow),
            Opening::Number { outbound, .. } => self.first_flow(outbound),
            Opening::Caller { .. } | Opening::Own => None,
        })?;
        Some(flow.local.ip()).filter(|ip| !ip.is_unspecified())
    }
}
