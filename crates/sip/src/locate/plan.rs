//! The rules of RFC 3263 §4.1 and §4.2: what has to be asked next, or where to send.
//!
//! They are read from the top with what is known so far, each time that more is known. What is
//! missing on the way is what has to be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::place::{Host, name};
use super::weigh::{Server, in_order};
use super::{
    Answer, Carrier, Family, LocateConfig, NotLocated, Place, Question, Record, RecordKind, Target,
};
use crate::Chance;

/// The most services, servers of all services, and targets that are looked at; a domain that has
/// more is served by the first of them.
const SERVICES_MAX: usize = 8;
const SERVERS_MAX: usize = 16;
const TARGETS_MAX: usize = 32;
/// The most addresses of one host that are looked at.
const ADDRESSES_MAX: usize = 8;

/// What is known so far.
pub(super) type Known = BTreeMap<Question, Arc<Answer>>;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// These questions.
    Ask(BTreeSet<Question>),
    /// It is found: never empty.
    Targets(Vec<Target>),
    /// There is nothing.
    Nothing(NotLocated),
}

/// A host that serves.
struct Serving {
    carrier: Carrier,
    host: String,
    port: u16,
}

/// One reading of the rules.
struct Reading<'a> {
    config: &'a LocateConfig,
    known: &'a Known,
    chance: Chance,
    missing: BTreeSet<Question>,
    /// A question on the way has failed: what is not found may be there all the same.
    has_failed: bool,
    /// A service is decidedly not offered.
    is_refused: bool,
}

/// What comes next for `place`, with `chance` for what is up to chance: the same each time.
pub(super) fn step(place: &Place, config: &LocateConfig, chance: u64, known: &Known) -> Step {
    let can = |carrier: Carrier| config.carriers.contains(&carrier);
    let usual = place.usual_carrier();
    let name = match &place.host {
        Host::Address(ip) => {
            let can = can(usual) && config.families.contains(&Family::of(*ip));
            let port = place.port.unwrap_or(usual.default_port());
            let target = Target { carrier: usual, address: SocketAddr::new(*ip, port) };
            let unsupported = Step::Nothing(NotLocated::Unsupported);
            return if can { Step::Targets(vec![target]) } else { unsupported };
        }
        Host::Name(name) => name,
    };
    if place.carrier.is_some_and(|carrier| !can(carrier)) || (place.secure && !can(Carrier::Tls)) {
        return Step::Nothing(NotLocated::Unsupported);
    }
    let mut reading = Reading {
        config,
        known,
        chance: Chance(chance),
        missing: BTreeSet::new(),
        has_failed: false,
        is_refused: false,
    };
    let serving = match place.port {
        // §4.2: who names a port means the host of that name.
        Some(port) => vec![Serving { carrier: usual, host: name.clone(), port }],
        None => reading.serving(place, name),
    };
    if !can(usual) && serving.iter().all(|serving| serving.carrier == usual) {
        return reading.end(Vec::new(), NotLocated::Unsupported);
    }
    let targets = reading.targets(&serving);
    let why = match (reading.has_failed, reading.is_refused) {
        (true, _) => NotLocated::Unanswered,
        (false, true) => NotLocated::NoService,
        (false, false) => NotLocated::Unknown,
    };
    reading.end(targets, why)
}

impl<'a> Reading<'a> {
    fn end(self, targets: Vec<Target>, why: NotLocated) -> Step {
        match (self.missing.is_empty(), targets.is_empty()) {
            (false, _) => Step::Ask(self.missing),
            (true, false) => Step::Targets(targets),
            (true, true) => Step::Nothing(why),
        }
    }

    /// The records of a question; empty while it has no answer.
    fn records(&mut self, kind: RecordKind, name: &str) -> &'a [Record] {
        let question = Question { kind, name: name.to_owned() };
        match self.known.get(&question).map(|answer| &**answer) {
            Some(Answer::Found { records, .. }) => records,
            Some(Answer::Nothing { .. }) => &[],
            Some(Answer::Failed) => {
                self.has_failed = true;
                &[]
            }
            None => {
                self.missing.insert(question);
                &[]
            }
        }
    }

    /// The servers of a domain; empty while something is missing.
    fn serving(&mut self, place: &Place, name: &str) -> Vec<Serving> {
        let services = match place.carrier {
            Some(carrier) => vec![(carrier, service_name(carrier, name))],
            None => self.services(place.secure, name),
        };
        if !self.missing.is_empty() {
            return Vec::new();
        }
        let mut serving = Vec::new();
        for (carrier, service) in services.into_iter().take(SERVICES_MAX) {
            let servers = self.servers(&service);
            let servers = in_order(servers, &mut self.chance).into_iter();
            serving.extend(servers.map(|Server { port, host, .. }| Serving {
                carrier,
                host,
                port,
            }));
        }
        serving.truncate(SERVERS_MAX);
        if serving.is_empty() && self.missing.is_empty() && !self.is_refused {
            // §4.2: no SRV record, then the host of that name at the usual port.
            let carrier = place.usual_carrier();
            let port = carrier.default_port();
            serving.push(Serving { carrier, host: name.to_owned(), port });
        }
        serving
    }

    /// §4.1: the services that the domain and we have, the domain's favourite first; where it names
    /// none, all that it could have, our favourite first.
    fn services(&mut self, secure: bool, name: &str) -> Vec<(Carrier, String)> {
        let carriers = self.config.carriers.clone();
        let can =
            |carrier: &Carrier| carriers.contains(carrier) && (!secure || is_secure(*carrier));
        let named = self.records(RecordKind::Naptr, name).iter().filter_map(|record| {
            let (order, preference, carrier, next) = usable(record)?;
            can(&carrier).then_some((order, preference, carrier, next))
        });
        let mut named: Vec<_> = named.collect();
        named.sort();
        // RFC 3403 §4.1: of the first order that can be served the others are no longer looked at.
        let first = named.first().map(|(order, ..)| *order);
        let of_first = named.into_iter().filter(|(order, ..)| Some(*order) == first);
        let found: Vec<_> = of_first.map(|(_, _, carrier, next)| (carrier, next)).collect();
        if !found.is_empty() || !self.missing.is_empty() {
            return found;
        }
        let possible = carriers.iter().copied().filter(can);
        possible.map(|carrier| (carrier, service_name(carrier, name))).collect()
    }

    fn servers(&mut self, service: &str) -> Vec<Server> {
        let mut is_refused = false;
        let servers = self.records(RecordKind::Srv, service).iter().filter_map(|record| {
            let Record::Srv { priority, weight, port, target } = record else { return None };
            if target.is_empty() || target == "." {
                is_refused = true;
                return None;
            }
            let (priority, weight, port) = (*priority, *weight, *port);
            name(target).map(|host| Server { priority, weight, port, host })
        });
        let servers = servers.filter(|server| server.port != 0).take(SERVERS_MAX).collect();
        self.is_refused |= is_refused;
        servers
    }

    /// The addresses of hosts, in their order.
    fn targets(&mut self, serving: &[Serving]) -> Vec<Target> {
        let families = self.config.families.clone();
        let mut targets: Vec<Target> = Vec::new();
        for Serving { carrier, host, port } in serving {
            for family in &families {
                let kind = match family {
                    Family::V4 => RecordKind::A,
                    Family::V6 => RecordKind::Aaaa,
                };
                let records = self.records(kind, host).iter().take(ADDRESSES_MAX);
                let addresses = records.filter_map(|record| match record {
                    Record::Address(ip) if Family::of(*ip) == *family => Some(*ip),
                    Record::Address(_) | Record::Naptr { .. } | Record::Srv { .. } => None,
                });
                let usable = addresses.filter(|ip| !ip.is_unspecified() && !ip.is_multicast());
                let found = usable.map(|ip| SocketAddr::new(ip, *port));
                for address in found {
                    let target = Target { carrier: *carrier, address };
                    if !targets.contains(&target) && targets.len() < TARGETS_MAX {
                        targets.push(target);
                    }
                }
            }
        }
        targets
    }
}

/// A NAPTR record that leads to an SRV record of a transport that is known: order, preference,
/// transport, next name.
fn usable(record: &Record) -> Option<(u16, u16, Carrier, String)> {
    let Record::Naptr { order, preference, flags, service, regexp, replacement } = record else {
        return None;
    };
    let carrier = match service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Carrier::Udp,
        "SIP+D2T" => Carrier::Tcp,
        "SIPS+D2T" => Carrier::Tls,
        _ => return None,
    };
    let leads_on = flags.eq_ignore_ascii_case("s") && regexp.is_empty();
    let next = name(replacement).filter(|_| leads_on)?;
    Some((*order, *preference, carrier, next))
}

/// The name of a domain's service (§4.1).
fn service_name(carrier: Carrier, name: &str) -> String {
    match carrier {
        Carrier::Udp => format!("_sip._udp.{name}"),
        Carrier::Tcp => format!("_sip._tcp.{name}"),
        Carrier::Tls => format!("_sips._tcp.{name}"),
    }
}

const fn is_secure(carrier: Carrier) -> bool {
    match carrier {
        Carrier::Tls => true,
        Carrier::Udp | Carrier::Tcp => false,
    }
}
