//! A carrier says that the called number is elsewhere (3xx; RFC 3261 §8.1.3.4): what of that is
//! followed. Whoever answers a call could name any number at any host, and the house would pay for
//! the call and tell them its credentials. So a redirect is followed only
//!
//! - to a number that the same lines may call as well, written as their lists have it;
//! - at a host of the line that said so: one of its targets, its domain, or an address that it is
//!   known by; or, where a telephone number is named and no place (`tel:`, `user=phone`), over the
//!   lines that may call that number;
//! - from a number that saves lives to another such number, and from no other to one;
//! - [`REDIRECTS_MAX`] times in one call, never to where it has been, and not beyond the time that
//!   the first try was given.
//!
//! What an agent's phone answers with 3xx is not followed at all: the call is for the agent whose
//! screen shows it and whose voice is taped. To the queue the phone has refused it.

use std::collections::VecDeque;

use call::Invitation;
use model::{HangupCause, LegId, Transport};
use sip::{Scheme, Uri};
use trunk::{Target, Trunk, Way};

use crate::Callflow;
use crate::outward::{Outbound, Try};

/// How many redirects of one call are followed (RFC 3261 §8.1.3.4 leaves that to the client).
const REDIRECTS_MAX: usize = 5;

/// The status by which a place is named through which the same number is to be called (§21.3.4).
const USE_PROXY: u16 = 305;

/// Where carriers have sent one call on.
#[derive(Debug, Default)]
pub(crate) struct Redirects {
    followed: usize,
    /// Numbers and targets that were called: nobody is led in a circle.
    been: Vec<(String, Target)>,
    /// To of the first INVITE, which those after it keep (§8.1.3.4).
    to: String,
}

impl Redirects {
    /// Addresses the INVITE that is sent next.
    pub(crate) fn address(
        &mut self,
        invitation: &mut Invitation,
        uri: Option<String>,
        (number, target): (&str, &Target),
    ) {
        self.been.push((number.to_owned(), target.clone()));
        if self.followed == 0 {
            self.to.clone_from(&invitation.to);
        } else {
            invitation.to.clone_from(&self.to);
        }
        if let Some(uri) = uri {
            invitation.target = uri;
        }
    }

    fn has_been(&self, one: &Try) -> bool {
        self.been.iter().any(|(number, target)| *number == one.way.number && *target == one.target)
    }
}

impl Outbound {
    /// Whether a place that a carrier has named is left to be tried.
    pub(crate) fn has_redirects_left(&self) -> bool {
        self.redirects.followed > 0 && !self.left.is_empty()
    }

    /// These first, and no other place for the number that was called: it is not there.
    fn send_on(&mut self, to: Vec<Try>) {
        let number = self.current.as_ref().map(|current| current.way.number.clone());
        self.left.retain(|left| Some(&left.way.number) != number.as_ref());
        if self.redirects.followed == REDIRECTS_MAX {
            return;
        }
        self.redirects.followed += 1;
        let mut new = VecDeque::new();
        for one in to {
            let is_same =
                |known: &Try| (&known.way.number, &known.target) == (&one.way.number, &one.target);
            if !self.redirects.has_been(&one) && !new.iter().chain(&self.left).any(is_same) {
                new.push_back(one);
            }
        }
        new.append(&mut self.left);
        self.left = new;
    }
}

impl Callflow {
    /// The called number is elsewhere: the first place that may be called, if there is any.
    pub(crate) fn follow_redirect(&mut self, leg: LegId, status: u16, contacts: &[String]) {
        let outbound = self.legs.get(&leg).and_then(|entry| entry.outbound.as_ref());
        if let Some(current) = outbound.and_then(|outbound| outbound.current.clone()) {
            let places =
                contacts.iter().flat_map(|contact| self.places_of(contact, status, &current));
            let places: Vec<Try> = places.collect();
            let entry = self.legs.get_mut(&leg);
            if let Some(outbound) = entry.and_then(|entry| entry.outbound.as_mut()) {
                outbound.send_on(places);
            }
        }
        self.try_next_way(leg, HangupCause::Response(status), None);
    }

    /// How a Contact of a redirect may be called by who was called by `current`.
    fn places_of(&self, contact: &str, status: u16, current: &Try) -> VecDeque<Try> {
        let Some(uri) = Uri::parse(contact) else { return VecDeque::new() };
        let Some(trunk) = self.config.trunks.by_id(&current.way.trunk) else {
            return VecDeque::new();
        };
        let ways = match status {
            USE_PROXY => vec![current.way.clone()],
            _ => self.config.trunks.ways_out(&uri.user_decoded()).unwrap_or_default(),
        };
        let mut ways: Vec<Way> =
            ways.into_iter().filter(|way| way.is_emergency == current.way.is_emergency).collect();
        let has_place = match uri.scheme() {
            Scheme::Sip | Scheme::Sips => true,
            Scheme::Tel | Scheme::Other => false,
        };
        let own = if has_place { self.own_targets(&uri, trunk) } else { Vec::new() };
        if !own.is_empty() {
            let way = ways.into_iter().find(|way| way.trunk == trunk.id);
            return way.map(|way| at(&way, trunk, own)).unwrap_or_default();
        }
        let is_telephone = uri.params().value("user") == Some("phone");
        if status == USE_PROXY || (has_place && !is_telephone) {
            return VecDeque::new();
        }
        // The line that said it is the likelier one to know the number.
        ways.sort_by_key(|way| way.trunk != trunk.id);
        self.tries(ways)
    }

    /// The targets of a line that the host of a URI means; none where it is not the line's.
    fn own_targets(&self, uri: &Uri<'_>, trunk: &Trunk) -> Vec<Target> {
        let Some(outward) = &trunk.outward else { return Vec::new() };
        let host = uri.host().trim_start_matches('[').trim_end_matches(']');
        let Some(ip) = uri.ip() else {
            let is_named = |target: &&Target| target.host.eq_ignore_ascii_case(host);
            let named: Vec<Target> = outward.targets.iter().filter(is_named).cloned().collect();
            let is_domain = outward.domain.eq_ignore_ascii_case(host);
            return if named.is_empty() && is_domain { outward.targets.clone() } else { named };
        };
        let transport = match uri.params().value("transport").map(Transport::from_name) {
            None if uri.scheme() == Scheme::Sips => Transport::Tls,
            None => Transport::Udp,
            Some(Some(named @ (Transport::Udp | Transport::Tcp | Transport::Tls))) => named,
            Some(Some(Transport::Ws | Transport::Wss) | None) => return Vec::new(),
        };
        if !self.is_host_of(trunk, ip) {
            return Vec::new();
        }
        vec![Target { host: ip.to_string(), port: uri.port(), transport }]
    }
}

/// A way at these targets of its line. A place that is not one of the line's own settings is
/// addressed as the carrier has named it.
fn at(way: &Way, trunk: &Trunk, targets: Vec<Target>) -> VecDeque<Try> {
    let configured = |target: &Target| {
        trunk.outward.as_ref().is_some_and(|outward| outward.targets.contains(target))
    };
    let tries = targets.into_iter().map(|target| {
        let uri = (!configured(&target)).then(|| format!("sip:{}@{target}", way.number));
        Try { way: way.clone(), target, server: None, uri }
    });
    tries.collect()
}
