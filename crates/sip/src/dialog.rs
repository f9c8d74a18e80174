//! Dialogs (RFC 3261 §12): what two sides must remember to speak to each other again.

use std::net::{IpAddr, SocketAddr};

use model::{DialogSnapshot, Transport};

use crate::locate::{Carrier, Place};
use crate::{Flow, Message, Method, Name, Refusal, RequestBuilder, Uri};

/// The most routes of one dialog; what a message names beyond them is not kept.
pub const MAX_ROUTES: usize = 32;

/// How far the numbers of a dialog that was read back are moved on: requests may have been sent
/// after it was written down, and a gap is allowed (RFC 3261 §12.2.2).
const CSEQ_GAP: u32 = 1_000;

/// What identifies a dialog, seen from our side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// Theirs; empty for a peer of RFC 2543 that has none.
    pub remote_tag: String,
}

impl DialogId {
    /// The dialog that a request which came belongs to; `None` if it is outside of any.
    pub fn of_request(request: &Message) -> Option<DialogId> {
        let (to, from) = (request.to()?, request.from()?);
        Some(DialogId {
            call_id: request.call_id().to_owned(),
            local_tag: to.tag()?.to_owned(),
            remote_tag: from.tag().unwrap_or("").to_owned(),
        })
    }

    /// The dialog that a response to a request of ours belongs to.
    pub fn of_response(response: &Message) -> Option<DialogId> {
        let (to, from) = (response.to()?, response.from()?);
        Some(DialogId {
            call_id: response.call_id().to_owned(),
            local_tag: from.tag()?.to_owned(),
            remote_tag: to.tag().unwrap_or("").to_owned(),
        })
    }
}

/// One dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    id: DialogId,
    /// Our address, without tag.
    local_uri: String,
    /// Theirs, without tag.
    remote_uri: String,
    /// The other side's Contact.
    remote_target: String,
    /// URIs, nearest first.
    route_set: Vec<String>,
    /// The last number that we used; 0 if none.
    local_cseq: u32,
    /// The last number that they used; 0 if none.
    remote_cseq: u32,
    /// The way that the other side's messages come.
    came: Flow,
    /// The way that ours go: derived from `came`, the next hop and where that was located.
    flow: Flow,
    /// The other side is behind a translator of addresses, as its Via tells: its Contact is of no
    /// use to us, the flow is.
    translated: bool,
    /// The other side is a phone that registered with us: over a connection it is reached by that
    /// alone (RFC 5626 §5.3), whatever its Contact says.
    is_phone: bool,
    /// Where the next hop is, if that is a name: the URI, and the way to it.
    located: Option<(String, Flow)>,
}

impl Dialog {
    /// The dialog that our response to an INVITE makes (§12.1.1). `None` if the response has no tag
    /// of ours. A request of RFC 2543 may lack a Contact: then From stands for it.
    pub fn uas(request: &Message, response: &Message, flow: &Flow) -> Option<Dialog> {
        let (to, from) = (response.to()?, request.from()?);
        let source = request.source().unwrap_or(flow.remote);
        let translated =
            request.top_via().and_then(|via| via.ip()).is_some_and(|ip| ip != source.ip());
        let target = target_of(request).unwrap_or(from.uri_text().to_owned());
        let route_set = request.record_routes().take(MAX_ROUTES);
        let mut dialog = Dialog {
            id: DialogId {
                call_id: request.call_id().to_owned(),
                local_tag: to.tag()?.to_owned(),
                remote_tag: from.tag().unwrap_or("").to_owned(),
            },
            local_uri: to.without_params().to_owned(),
            remote_uri: from.without_params().to_owned(),
            translated,
            is_phone: false,
            remote_target: target,
            route_set: route_set.map(|route| route.uri_text().to_owned()).collect(),
            local_cseq: 0,
            remote_cseq: request.cseq()?.number,
            came: *flow,
            flow: *flow,
            located: None,
        };
        dialog.reach();
        Some(dialog)
    }

    /// The dialog that a response to an INVITE of ours makes (§12.1.2). `None` for 100, for a
    /// failure, and for a provisional response without tag.
    pub fn uac(request: &Message, response: &Message, flow: &Flow) -> Option<Dialog> {
        let (to, from) = (response.to()?, response.from()?);
        match (response.status()?, to.tag()) {
            (101..=199, Some(_)) | (200..=299, _) => {}
            (_, _) => return None,
        }
        let target = target_of(response).or_else(|| {
            let uri = request.uri();
            (!uri.is_empty()).then(|| uri.to_owned())
        })?;
        let mut route_set: Vec<String> = response
            .record_routes()
            .take(MAX_ROUTES)
            .map(|route| route.uri_text().to_owned())
            .collect();
        route_set.reverse();
        let mut dialog = Dialog {
            id: DialogId {
                call_id: response.call_id().to_owned(),
                local_tag: from.tag()?.to_owned(),
                remote_tag: to.tag().unwrap_or("").to_owned(),
            },
            local_uri: from.without_params().to_owned(),
            remote_uri: to.without_params().to_owned(),
            translated: false,
            is_phone: false,
            remote_target: target,
            route_set,
            local_cseq: response.cseq()?.number,
            remote_cseq: 0,
            came: *flow,
            flow: *flow,
            located: None,
        };
        dialog.reach();
        Some(dialog)
    }

    /// The same, said of the other side whether it is a phone that registered with us.
    #[must_use]
    pub fn with_phone(mut self, is_phone: bool) -> Dialog {
        self.is_phone = is_phone;
        self.reach();
        self
    }

    /// What identifies it.
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// Call-ID.
    pub fn call_id(&self) -> &str {
        &self.id.call_id
    }

    /// Our tag.
    pub fn local_tag(&self) -> &str {
        &self.id.local_tag
    }

    /// Their tag; empty if they have none.
    pub fn remote_tag(&self) -> &str {
        &self.id.remote_tag
    }

    /// The other side's Contact URI.
    pub fn remote_target(&self) -> &str {
        &self.remote_target
    }

    /// Where its requests are sent: the nearest route or the other side's Contact where that is an
    /// address, or a name that was located, else the way its messages came.
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// The URI of the next hop, the nearest route or the other side's Contact, if its host is a
    /// name that leads to it (RFC 3263), or an address that no datagram of ours is for, as it says
    /// `sips:`, `transport=tcp` or `maddr`, or it is a GRUU (RFC 5627), which names a phone and not
    /// where it is: to be told by [`Dialog::handle_located`]. None for who is
    /// behind a translator of addresses and for connections that are the way themselves.
    pub fn next_name(&self) -> Option<&str> {
        let elsewhere = |uri: &&str| Uri::parse(uri).is_some_and(|uri| self.is_elsewhere(&uri));
        match self.came.transport {
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                let leaves = matches!(self.leaving(), Some(Leaving::By(_)));
                leaves.then(|| self.next_hop())
            }
            Transport::Udp if self.translated => None,
            Transport::Udp => Some(self.next_hop()).filter(elsewhere),
        }
    }

    /// Whether a URI is not reached by a datagram to the address in it: it has a name, wants
    /// another transport, or `maddr` (RFC 3263 §4.1, RFC 3261 §19.1.1) says another host.
    fn is_elsewhere(&self, uri: &Uri<'_>) -> bool {
        let leads = |addr| is_usable(addr, self.came.local) && !is_hidden(addr, &self.came);
        is_gruu(uri)
            || Place::of(uri).is_ok_and(|place| {
                let is_plain = place.is_of_datagrams() && !uri.params().has("maddr");
                place.is_name() || (!is_plain && place.address().is_none_or(leads))
            })
    }

    /// Whether the next hop's name has been located: it need not be again unless that place fails.
    pub fn is_located(&self) -> bool {
        let located = self.located.as_ref().map(|(uri, _)| uri.as_str());
        located.is_some() && located == self.next_name()
    }

    /// The next hop is there, as long as it is this URI.
    pub fn handle_located(&mut self, uri: &str, flow: Flow) {
        if self.next_name() == Some(uri) {
            self.located = Some((uri.to_owned(), flow));
            self.reach();
        }
    }

    fn next_hop(&self) -> &str {
        self.route_set.first().unwrap_or(&self.remote_target)
    }

    /// Goes on with the numbers of the early dialog that this one was before its 2xx (§13.2.2.4).
    pub fn go_on(&mut self, early: &Dialog) {
        self.local_cseq = self.local_cseq.max(early.local_cseq);
        self.remote_cseq = self.remote_cseq.max(early.remote_cseq);
    }

    /// Begins the next request in the dialog (§12.2.1.1): CSeq counts up. Not for ACK.
    pub fn request(&mut self, method: Method) -> RequestBuilder {
        self.local_cseq = self.local_cseq.wrapping_add(1) & 0x7fff_ffff;
        self.begin(method, self.local_cseq)
    }

    /// Begins a BYE (§15.1.1).
    pub fn bye(&mut self) -> RequestBuilder {
        self.request(Method::Bye)
    }

    /// Begins a re-INVITE (§14.1).
    pub fn reinvite(&mut self) -> RequestBuilder {
        self.request(Method::Invite)
    }

    /// Begins an INFO (RFC 6086).
    pub fn info(&mut self) -> RequestBuilder {
        self.request(Method::Info)
    }

    /// Begins an OPTIONS (§11).
    pub fn options(&mut self) -> RequestBuilder {
        self.request(Method::Options)
    }

    /// Begins the ACK for a 2xx: the number and the credentials are those of the INVITE
    /// (§13.2.2.4).
    pub fn ack(&self, invite: &Message) -> RequestBuilder {
        let number = invite.cseq().map_or(self.local_cseq, |cseq| cseq.number);
        [Name::Authorization, Name::ProxyAuthorization]
            .into_iter()
            .fold(self.begin(Method::Ack, number), |ack, name| {
                invite.all(name).fold(ack, |ack, value| ack.header(name.as_str(), value))
            })
    }

    fn begin(&self, method: Method, cseq: u32) -> RequestBuilder {
        let first = self.route_set.first();
        let is_loose = |uri: &String| Uri::parse(uri).is_some_and(|uri| uri.params().has("lr"));
        // §12.2.1.1: a nearest route without `lr` is a strict router of RFC 2543: it wants to be
        // in the Request-URI, and the target goes last.
        let strict = first.filter(|first| !is_loose(first));
        let uri = strict.unwrap_or(&self.remote_target);
        let routes = self.route_set.iter().skip(usize::from(strict.is_some()));
        let last = strict.is_some().then_some(&self.remote_target);
        let remote_tag = Some(self.remote_tag()).filter(|tag| !tag.is_empty());
        let request = RequestBuilder::new(method, uri)
            .from(&self.local_uri, &self.id.local_tag)
            .to(&self.remote_uri, remote_tag)
            .call_id(&self.id.call_id)
            .cseq(cseq);
        routes
            .chain(last)
            .fold(request, |request, route| request.header("Route", format_args!("<{route}>")))
    }

    /// Takes a request that came in the dialog (§12.2.2): checks its order, follows its flow, and
    /// follows its Contact if it may change the target.
    ///
    /// # Errors
    /// 481 for a request of another dialog, 500 for one that is out of order.
    pub fn accept_request(&mut self, request: &Message) -> Result<(), Refusal> {
        let ours = DialogId::of_request(request).is_some_and(|id| id == self.id);
        let Some(cseq) = request.cseq().filter(|_| ours) else {
            return Err(Refusal::of(481));
        };
        if request.method() == Method::Ack {
            return Ok(());
        }
        if cseq.number <= self.remote_cseq && self.remote_cseq != 0 {
            return Err(Refusal::because(500, "Request Out Of Order"));
        }
        self.remote_cseq = cseq.number;
        if let Some(flow) = request.flow() {
            self.note_way(flow);
        }
        self.refresh_target(request);
        self.reach();
        Ok(())
    }

    /// The other side's last message came so: the way where no better one is known.
    pub fn came_by(&mut self, flow: Flow) {
        self.note_way(flow);
        self.reach();
    }

    /// What comes back on a stream that we opened to a located hop says nothing of the way that
    /// the other side takes by itself: the hop stays a name, and another of its places can be
    /// tried where this one fails.
    fn note_way(&mut self, flow: Flow) {
        let is_where = |located: &Flow| {
            located.transport != Transport::Udp
                && (located.transport, located.remote) == (flow.transport, flow.remote)
        };
        if let Some((_, located)) = self.located.as_mut().filter(|(_, located)| is_where(located)) {
            *located = flow;
        } else {
            self.came = flow;
        }
    }

    /// Takes a 2xx to a re-INVITE of ours: follows its Contact (§12.2.1.2).
    pub fn accept_response(&mut self, response: &Message) {
        if matches!(response.status(), Some(200..=299)) {
            self.refresh_target(response);
            self.reach();
        }
    }

    /// §12.2: only INVITE (and UPDATE, RFC 3311 §5.1) changes the target.
    fn refresh_target(&mut self, message: &Message) {
        let refreshes = matches!(message.method(), Method::Invite | Method::Update);
        if let Some(target) = target_of(message).filter(|_| refreshes) {
            self.remote_target = target;
        }
    }

    /// Points our flow to the next hop, where that can be known.
    fn reach(&mut self) {
        self.flow = match self.came.transport {
            // Where the connection is the way and gone, a new one goes to the same address.
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                match self.leaving() {
                    None => self.came,
                    Some(Leaving::For(remote)) => Flow { remote, connection: 0, ..self.came },
                    Some(Leaving::By(uri)) => {
                        let located = self.located.as_ref().filter(|(located, _)| located == uri);
                        let elsewhere = located.filter(|(_, flow)| !self.is_its_peer(flow));
                        elsewhere.map_or(self.came, |(_, flow)| *flow)
                    }
                }
            }
            Transport::Udp if self.translated => self.came,
            Transport::Udp => {
                let next = self.next_hop();
                let located = self.located.as_ref().filter(|(uri, _)| uri == next);
                match (located, self.way()) {
                    (Some((_, flow)), _) => *flow,
                    (None, Some(remote)) => Flow { remote, ..self.came },
                    (None, None) => self.came,
                }
            }
        };
    }

    /// Where requests go that do not go on the connection that the other side's messages come on:
    /// its next hop is at another host (RFC 3261 §12.2.1.1). What is at the peer's own address is
    /// reached by the connection to that, whatever its port.
    fn leaving(&self) -> Option<Leaving<'_>> {
        let is_web = self.came.transport.is_web();
        let next = self.next_hop();
        let uri = Uri::parse(next).filter(|uri| !is_gruu(uri) && !uri.params().has("ob"))?;
        let place = Place::of(&uri).ok().filter(|_| !is_web && !self.translated)?;
        let is_tls = self.came.transport == Transport::Tls;
        if self.is_phone || (is_tls && !place.is_of_tls()) {
            // What began encrypted does not go on in the clear.
            return None;
        }
        let Some(address) = place.address() else { return Some(Leaving::By(next)) };
        let leads = is_usable(address, self.came.local)
            && !is_hidden(address, &self.came)
            && address.ip() != self.came.remote.ip();
        match self.came.transport {
            // No certificate proves an address.
            Transport::Tls => None,
            _ if !leads => None,
            Transport::Tcp if place.is_of_tcp() => Some(Leaving::For(address)),
            _ => Some(Leaving::By(next)),
        }
    }

    /// Whether a located hop is who the connection leads to (RFC 5923 §1): it is not opened twice.
    fn is_its_peer(&self, flow: &Flow) -> bool {
        flow.transport == self.came.transport && flow.remote.ip() == self.came.remote.ip()
    }

    /// The next hop's address, if it is one that we can reach.
    fn way(&self) -> Option<SocketAddr> {
        let uri = Uri::parse(self.next_hop()).filter(|uri| !is_gruu(uri))?;
        let mut addr = uri.socket_addr();
        if let (Transport::Tls, None, Some(addr)) = (self.came.transport, uri.port(), &mut addr) {
            addr.set_port(Carrier::Tls.default_port());
        }
        addr.filter(|addr| is_usable(*addr, self.came.local) && !is_hidden(*addr, &self.came))
    }

    /// Written down, with the version of our last SDP.
    pub fn snapshot(&self, sdp_version: u64) -> DialogSnapshot {
        DialogSnapshot {
            call_id: self.id.call_id.clone(),
            local_tag: self.id.local_tag.clone(),
            remote_tag: self.id.remote_tag.clone(),
            local_uri: self.local_uri.clone(),
            remote_uri: self.remote_uri.clone(),
            remote_target: self.remote_target.clone(),
            route_set: self.route_set.clone(),
            local_cseq: self.local_cseq,
            remote_cseq: self.remote_cseq,
            transport: self.flow.transport,
            local: self.flow.local,
            remote: self.flow.remote,
            sdp_version,
        }
    }

    /// Goes on beyond any number that was used: for a dialog in which requests may have been sent
    /// that nobody remembers. A gap is allowed (§12.2.2).
    pub fn leave_gap(&mut self) {
        self.local_cseq = self.local_cseq.wrapping_add(CSEQ_GAP) & 0x7fff_ffff;
    }

    /// Read back after a restart: our next number is beyond any that was used.
    ///
    /// Requests go where they went before (§12.2.1.1 was followed then, and what the other side is
    /// behind is no longer known). Connections did not survive: whoever opened one to us listens at
    /// its next hop's address, not at the connection's, unless that is hidden behind a translator.
    pub fn from_snapshot(snapshot: &DialogSnapshot) -> Dialog {
        let flow = Flow {
            transport: snapshot.transport,
            local: snapshot.local,
            remote: snapshot.remote,
            connection: 0,
            listener: 0,
        };
        let mut dialog = Dialog {
            id: DialogId {
                call_id: snapshot.call_id.clone(),
                local_tag: snapshot.local_tag.clone(),
                remote_tag: snapshot.remote_tag.clone(),
            },
            local_uri: snapshot.local_uri.clone(),
            remote_uri: snapshot.remote_uri.clone(),
            remote_target: snapshot.remote_target.clone(),
            route_set: snapshot.route_set.clone(),
            local_cseq: snapshot.local_cseq.wrapping_add(CSEQ_GAP) & 0x7fff_ffff,
            remote_cseq: snapshot.remote_cseq,
            came: flow,
            flow,
            translated: true,
            is_phone: false,
            located: None,
        };
        match snapshot.transport {
            // Nobody listens behind a browser's connection.
            Transport::Udp | Transport::Ws | Transport::Wss => {}
            Transport::Tcp | Transport::Tls => {
                dialog.came.remote = dialog.way().unwrap_or(snapshot.remote);
                dialog.flow = dialog.came;
            }
        }
        dialog
    }
}

/// The URI of the only Contact.
fn target_of(message: &Message) -> Option<String> {
    message.contacts().next().map(|contact| contact.uri_text().to_owned())
}

/// How requests leave the connection that the other side's messages come on.
enum Leaving<'a> {
    /// By a connection to this address.
    For(SocketAddr),
    /// As the URI says, once that is located.
    By(&'a str),
}

/// Whether a datagram can go there at all from our address.
fn is_usable(addr: SocketAddr, local: SocketAddr) -> bool {
    !addr.ip().is_unspecified() && addr.port() != 0 && addr.is_ipv4() == local.is_ipv4()
}

/// Whether an address that the other side wrote is of a network of its own (RFC 1918, 4193, 6598),
/// which only a translator of addresses leads to: what it sent came from elsewhere.
pub fn is_hidden(addr: SocketAddr, flow: &Flow) -> bool {
    is_private(addr.ip()) && !is_private(flow.remote.ip())
}

/// Whether an address has no meaning outside of its own network (RFC 1918, 4193, 6598).
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback()
                || ip.is_unspecified()
                || a & 0xfe == 0xfc
                || (a == 0xfe && b & 0xc0 == 0x80)
        }
    }
}

/// Whether a URI names one phone of a user, wherever that is (RFC 5627 §5.1).
fn is_gruu(uri: &Uri<'_>) -> bool {
    uri.params().has("gr")
}

#[cfg(test)]
mod tests;
