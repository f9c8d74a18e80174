//! Where carriers are that a line names by host (RFC 3263): one name, several servers.
//!
//! What a name led to last is kept and used as long as nothing newer is known: a DNS that is
//! silent for a while takes no line away. A name is looked up anew before each call, each question
//! and each registration; the DNS itself is asked only when what it said is too old. A call that
//! needs a name which is being looked up waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use model::LegId;
use sip::Flow;
use sip::locate::{NotLocated, Target as Server};
use trunk::{Peer, Target, Trunk};

use crate::Callflow;
use crate::locate::After;
use crate::sides::Side;

/// What is known of names, and what waits for more.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The servers that a name led to last, the best first.
    servers: BTreeMap<Target, Vec<Server>>,
    /// Names that are being looked up.
    searches: BTreeSet<Target>,
    /// Calls that wait: their legs, with the port that is open for each.
    calls: Vec<(LegId, SocketAddr)>,
    /// Who is to be asked whether it is there, as soon as it is known where.
    questions: BTreeSet<Peer>,
}

impl Places {
    /// A call waits for a name.
    pub(crate) fn wait(&mut self, leg: LegId, address: SocketAddr) {
        self.calls.push((leg, address));
    }

    /// Whether a target is being looked up.
    pub(crate) fn is_searched(&self, target: &Target) -> bool {
        self.searches.contains(target)
    }

    /// Whether a target is at an address: it is written so, or its name led there.
    pub(crate) fn is_at(&self, target: &Target, ip: IpAddr) -> bool {
        let servers = self.servers.get(target).into_iter().flatten();
        let led_to = servers.map(|server| server.address);
        target.address().into_iter().chain(led_to).any(|address| address.ip() == ip)
    }
}

impl Callflow {
    /// Looks a target up that is a name. Whether it is not known yet what that leads to now.
    pub(crate) fn find_target(&mut self, target: &Target) -> bool {
        if target.address().is_some() {
            return false;
        }
        if self.lines.places.searches.insert(target.clone()) {
            self.locate(&format!("sip:{target}"), After::Line { target: target.clone() });
        }
        self.lines.places.is_searched(target)
    }

    /// A name was looked up; what it led to before stays where nothing was found.
    pub(crate) fn target_located(&mut self, target: &Target, end: Result<Vec<Server>, NotLocated>) {
        let places = &mut self.lines.places;
        places.searches.remove(target);
        if let Ok(servers) = end {
            places.servers.insert(target.clone(), servers);
        }
        let calls = std::mem::take(&mut places.calls);
        let (asked, others) = std::mem::take(&mut places.questions)
            .into_iter()
            .partition::<BTreeSet<_>, _>(|peer| peer.target == *target);
        places.questions = others;
        self.servers_changed(target);
        // Servers that a name has left are asked no more.
        for peer in asked.into_iter().filter(|peer| self.lines.knows(peer)).collect::<Vec<_>>() {
            self.ask_server(peer);
        }
        for (leg, address) in calls {
            self.handle_media_opened(leg, Some(address));
        }
    }

    /// Asks a target whether it is there, when it is known where that is.
    pub(crate) fn ask_target(&mut self, peer: Peer) {
        if self.find_target(&peer.target) {
            self.lines.places.questions.insert(peer);
        } else if self.lines.knows(&peer) {
            self.ask_server(peer);
        }
    }

    /// The servers of a target that can be reached by a listener of ours, the best first; where it
    /// is an address there is one, without a name's.
    pub(crate) fn servers(&self, target: &Target) -> Vec<(Option<Server>, Flow)> {
        if let Some(address) = target.address() {
            let flow = self.way_out(target.transport, address, Side::Carrier);
            return flow.into_iter().map(|flow| (None, flow)).collect();
        }
        let servers = self.lines.places.servers.get(target).into_iter().flatten();
        servers
            .filter_map(|server| Some((Some(*server), self.flow_to(server, Side::Carrier)?)))
            .collect()
    }

    /// The way to a target, by the best of its servers.
    pub(crate) fn line_flow(&self, target: &Target) -> Option<Flow> {
        self.servers(target).first().map(|(_, flow)| *flow)
    }

    /// All servers of a line, in the order in which they are tried, with the way to each.
    pub(crate) fn line_servers(&self, trunk: &Trunk) -> Vec<(Peer, Flow)> {
        let targets = trunk.outward.iter().flat_map(|outward| &outward.targets);
        let of = |target: &Target, (server, flow): (Option<Server>, Flow)| {
            let (trunk, target) = (trunk.id.clone(), target.clone());
            (Peer { trunk, target, server }, flow)
        };
        let servers = targets.map(|target| (target, self.servers(target)));
        servers.flat_map(|(target, all)| all.into_iter().map(move |one| of(target, one))).collect()
    }
}
