//! The table of contacts, and the ways to find one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use model::Mono;

use super::gruu::temporary;
use super::{Binding, Probe, RegistrarConfig, RegistrarOutput, Unbound};
use crate::{Flow, Uri};

/// A contact's number: rising in the order of binding.
pub(super) type Number = u64;

/// All contacts. In every index the number of a contact leads to it.
#[derive(Debug)]
pub struct Registrar {
    pub(super) config: RegistrarConfig,
    pub(super) contacts: BTreeMap<Number, Contact>,
    by_aor: BTreeMap<String, BTreeSet<Number>>,
    by_addr: BTreeSet<(SocketAddr, Number)>,
    by_connection: BTreeSet<(u64, Number)>,
    /// By the user of a temporary GRUU.
    pub(super) by_gruu: BTreeMap<String, Number>,
    pub(super) expiries: BTreeSet<(Mono, Number)>,
    pub(super) probes: BTreeSet<(Mono, Number)>,
    pub(super) outputs: VecDeque<RegistrarOutput>,
    next: Number,
    /// Contacts taken over from before a restart.
    pub(super) restored: u32,
}

/// A contact from before a restart, as its last REGISTER left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known<'a> {
    /// The user part of the address of record.
    pub aor: &'a str,
    /// The Contact's URI.
    pub contact: &'a str,
    /// The way that the REGISTER came.
    pub flow: Flow,
    /// The proxies before the phone.
    pub path: Vec<String>,
    /// The phone's own identity (`+sip.instance`).
    pub instance: Option<&'a str>,
    /// Which of its own ways it is (`reg-id`).
    pub reg_id: Option<u32>,
    /// Call-ID of the REGISTER.
    pub call_id: &'a str,
    /// Its CSeq.
    pub cseq: u32,
    /// Whether the phone said that it takes OPTIONS.
    pub answers_options: bool,
    /// When it ends.
    pub expires_at: Mono,
}

/// A contact and whose it is.
#[derive(Debug)]
pub(super) struct Contact {
    pub(super) aor: String,
    pub(super) binding: Binding,
}

impl Registrar {
    /// An empty registrar.
    pub fn new(config: RegistrarConfig) -> Self {
        Self {
            config,
            contacts: BTreeMap::new(),
            by_aor: BTreeMap::new(),
            by_addr: BTreeSet::new(),
            by_connection: BTreeSet::new(),
            by_gruu: BTreeMap::new(),
            expiries: BTreeSet::new(),
            probes: BTreeSet::new(),
            outputs: VecDeque::new(),
            next: 0,
            restored: 0,
        }
    }

    /// Takes a contact over from before a restart; a late copy of a REGISTER that is older than its
    /// last one still does not win.
    ///
    /// A phone that is asked whether it is there is asked at once and counts as unreachable until
    /// it answers: nobody knows what happened to it meanwhile.
    ///
    /// Ignored if its time is over, or if there is no room.
    pub fn restore(&mut self, known: Known<'_>, now: Mono) {
        let Known { aor, contact, flow, path, instance, reg_id, call_id, cseq, .. } = known;
        let (answers_options, expires_at) = (known.answers_options, known.expires_at);
        if expires_at <= now || self.len() >= self.config.max_bindings {
            return;
        }
        let binding = Binding {
            contact: contact.to_owned(),
            flow,
            path,
            expires_at,
            q: 1000,
            reachable: !self.is_asked(answers_options),
            temporary: instance.map(|one| temporary(aor, one, call_id, cseq)).into_iter().collect(),
            instance: instance.map(str::to_owned),
            reg_id,
            answers_options,
            introduces_itself: false,
            refreshed_at: now,
            call_id: call_id.to_owned(),
            cseq,
            probe: Probe::Off,
        };
        self.bind(aor, binding, now);
        self.probe_restored(self.next, now);
    }

    /// A TCP connection is gone: its contacts with it.
    pub fn handle_flow_closed(&mut self, flow: Flow) {
        if flow.connection == 0 {
            return;
        }
        let range = (flow.connection, 0)..=(flow.connection, Number::MAX);
        let gone: Vec<_> = self.by_connection.range(range).map(|(_, number)| *number).collect();
        for number in gone {
            self.unbind(number, Unbound::FlowClosed);
        }
    }

    /// Ends the contacts whose time is over; asks for the probes that are due.
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some((at, number)) = self.expiries.first().copied() {
            if at > now {
                break;
            }
            self.unbind(number, Unbound::Expired);
        }
        self.probe_due(now);
    }

    /// When [`Registrar::handle_timeout`] is to be called next, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        let expiry = self.expiries.first().map(|(at, _)| (*at, "a registration ends"));
        let probe = self.probes.first().map(|(at, _)| (*at, "a phone is asked by OPTIONS"));
        [expiry, probe].into_iter().flatten().min()
    }

    /// The next change. Drain until `None`.
    pub fn poll_output(&mut self) -> Option<RegistrarOutput> {
        self.outputs.pop_front()
    }

    /// The contacts of an address of record: those that answer first, then by preference, then the
    /// one that was refreshed last.
    pub fn bindings(&self, aor: &str) -> Vec<&Binding> {
        let mut bindings: Vec<_> = self.of(aor).map(|(_, contact)| &contact.binding).collect();
        bindings.sort_by_key(|binding| {
            (!binding.reachable, u16::MAX - binding.q, u64::MAX - binding.refreshed_at.0)
        });
        bindings
    }

    /// Whose phone sends from this address: by the source of its registration or the address in
    /// its Contact. Of several, the one that registered last.
    pub fn agent_of(&self, remote: SocketAddr) -> Option<&str> {
        let range = (remote, 0)..=(remote, Number::MAX);
        let (_, number) = self.by_addr.range(range).next_back()?;
        self.contacts.get(number).map(|contact| contact.aor.as_str())
    }

    /// Whether a phone of this address of record sends from this address.
    pub fn is_phone_of(&self, remote: SocketAddr, aor: &str) -> bool {
        let range = (remote, 0)..=(remote, Number::MAX);
        self.by_addr
            .range(range)
            .any(|(_, number)| self.contacts.get(number).is_some_and(|known| known.aor == aor))
    }

    /// Whether a phone of this address of record is registered from this host.
    pub fn is_host_of(&self, host: IpAddr, aor: &str) -> bool {
        self.of(aor).any(|(_, known)| known.binding.flow.remote.ip() == host)
    }

    /// How many contacts there are.
    pub fn len(&self) -> usize {
        self.contacts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }

    /// How many of an address's contacts answer.
    pub fn reachable(&self, aor: &str) -> usize {
        self.of(aor).filter(|(_, contact)| contact.binding.reachable).count()
    }

    pub(super) fn of(&self, aor: &str) -> impl Iterator<Item = (Number, &Contact)> {
        let numbers = self.by_aor.get(aor).into_iter().flatten();
        numbers.filter_map(|number| Some((*number, self.contacts.get(number)?)))
    }

    pub(super) fn bind(&mut self, aor: &str, binding: Binding, now: Mono) {
        let (contact, flow) = (binding.contact.clone(), binding.flow);
        let aor = aor.to_owned();
        self.next += 1;
        self.insert(self.next, Contact { aor: aor.clone(), binding }, now);
        self.outputs.push_back(RegistrarOutput::Bound { aor, contact, flow });
    }

    /// Puts a contact into every index.
    pub(super) fn insert(&mut self, number: Number, contact: Contact, now: Mono) {
        self.by_aor.entry(contact.aor.clone()).or_default().insert(number);
        for addr in addresses(&contact.binding) {
            self.by_addr.insert((addr, number));
        }
        if contact.binding.flow.connection != 0 {
            self.by_connection.insert((contact.binding.flow.connection, number));
        }
        for user in &contact.binding.temporary {
            self.by_gruu.insert(user.clone(), number);
        }
        self.expiries.insert((contact.binding.expires_at, number));
        self.contacts.insert(number, contact);
        self.probe_registered(number, now);
    }

    /// Takes a contact out of every index.
    pub(super) fn remove(&mut self, number: Number) -> Option<Contact> {
        let contact = self.contacts.remove(&number)?;
        let binding = &contact.binding;
        if let Some(numbers) = self.by_aor.get_mut(&contact.aor) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_aor.remove(&contact.aor);
            }
        }
        for addr in addresses(binding) {
            self.by_addr.remove(&(addr, number));
        }
        self.by_connection.remove(&(binding.flow.connection, number));
        for user in &binding.temporary {
            // Another contact of the same phone may have taken it over.
            if self.by_gruu.get(user) == Some(&number) {
                self.by_gruu.remove(user);
            }
        }
        self.expiries.remove(&(binding.expires_at, number));
        self.drop_probe(number, &contact.binding);
        Some(contact)
    }

    pub(super) fn unbind(&mut self, number: Number, cause: Unbound) {
        if let Some(Contact { aor, binding }) = self.remove(number) {
            let left = self.reachable(&aor);
            let contact = binding.contact;
            self.outputs.push_back(RegistrarOutput::Unbound { aor, contact, cause, left });
        }
    }
}

/// The addresses that a phone may send from: its registration's source and its Contact's.
fn addresses(binding: &Binding) -> impl Iterator<Item = SocketAddr> {
    let written = Uri::parse(&binding.contact).and_then(|uri| uri.socket_addr());
    [Some(binding.flow.remote), written].into_iter().flatten()
}
