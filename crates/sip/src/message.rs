//! A SIP message: one owned buffer and an index of its headers (RFC 3261 §7).
//!
//! Nothing but the index is made while reading; typed views are read in place when asked for.
//! A clone shares buffer and index. The buffer is kept twice only where it holds bytes that are
//! not UTF-8: once as it came, and once with each such byte replaced by `?`, so that every offset
//! is valid in both.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use crate::values::Values;
use crate::{CSeq, Flow, Method, Name, NameAddr, Uri, Via, cseq};

/// The longest message, in bytes: what fits one UDP datagram. Offsets are kept in 16 bits.
pub const MAX_MESSAGE_BYTES: usize = 65_535;

/// The most header lines of one message.
pub const MAX_HEADERS: usize = 256;

/// A request or a response.
#[derive(Clone)]
pub struct Message(pub(crate) Arc<Inner>);

/// A stretch of the buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u16,
    pub(crate) end: u16,
}

impl Span {
    /// Offsets of what is being written: what lies beyond [`MAX_MESSAGE_BYTES`] will be cut off.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let offset = |at: usize| at.min(MAX_MESSAGE_BYTES) as u16;
        Self { start: offset(start), end: offset(end) }
    }

    /// Offsets of a buffer whose length has been looked at.
    pub(crate) fn within(start: usize, end: usize) -> Self {
        debug_assert!(start.max(end) <= MAX_MESSAGE_BYTES, "{start}..{end}");
        Self { start: start as u16, end: end as u16 }
    }

    pub(crate) fn range(self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }

    pub(crate) const fn shifted(self, by: u16) -> Self {
        Self { start: self.start.saturating_add(by), end: self.end.saturating_add(by) }
    }
}

/// One header line: its name as written and its value without the spaces around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) label: Span,
    pub(crate) value: Span,
}

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Request { method: Method, label: Span, uri: Span, version: Span },
    Response { status: u16, reason: Span },
}

/// What is wrong with a message that could be read all the same; [`validate`] names the answer.
///
/// [`validate`]: crate::validate
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// The first line has other spaces than it should.
    StartLine,
    /// A line is no header: it has no colon, or no name before it.
    HeaderLine,
    /// The headers do not end with an empty line.
    NoEmptyLine,
    /// Content-Length is no number, or there are several that differ.
    ContentLength,
    /// The body is shorter than Content-Length says.
    ShortBody,
}

#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) text: Box<str>,
    /// The bytes as they came, where they are not UTF-8.
    pub(crate) raw: Option<Box<[u8]>>,
    pub(crate) start: Start,
    pub(crate) fields: Vec<Field>,
    pub(crate) body: Span,
    pub(crate) defect: Option<Defect>,
    pub(crate) flow: Option<Flow>,
    /// The names that the peer's certificate proved.
    pub(crate) peer_names: Option<Arc<[String]>>,
    /// Whether it is sent on its flow whatever its length.
    pub(crate) stays_on_flow: bool,
}

/// What kind of message, and its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A request.
    Request {
        /// The method; of an unknown one [`Message::method_text`] has the name.
        method: Method,
        /// The Request-URI as written.
        uri: &'a str,
    },
    /// A response.
    Response {
        /// 100 to 699.
        status: u16,
        /// The reason phrase as written.
        reason: &'a str,
    },
}

impl Message {
    /// Request or response.
    pub fn kind(&self) -> Kind<'_> {
        match self.0.start {
            Start::Request { method, uri, .. } => Kind::Request { method, uri: self.text(uri) },
            Start::Response { status, reason } => {
                Kind::Response { status, reason: self.text(reason) }
            }
        }
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.0.start, Start::Request { .. })
    }

    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        match self.0.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The method of a request, or that of a response's CSeq.
    pub fn method(&self) -> Method {
        match self.0.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => self.cseq().map_or(Method::Other, |cseq| cseq.method),
        }
    }

    /// The method's name as written, in a request or in a response's CSeq; empty if there is none.
    pub fn method_text(&self) -> &str {
        match self.0.start {
            Start::Request { label, .. } => self.text(label),
            Start::Response { .. } => {
                self.first(Name::CSeq).and_then(cseq::split).map_or("", |(_, method)| method)
            }
        }
    }

    /// The Request-URI as written; empty in a response.
    pub fn uri(&self) -> &str {
        match self.0.start {
            Start::Request { uri, .. } => self.text(uri),
            Start::Response { .. } => "",
        }
    }

    /// The version of a request; a response of another version than 2.0 is not read at all.
    pub(crate) fn version(&self) -> &str {
        match self.0.start {
            Start::Request { version, .. } => self.text(version),
            Start::Response { .. } => "SIP/2.0",
        }
    }

    /// Call-ID; empty if there is none.
    pub fn call_id(&self) -> &str {
        self.first(Name::CallId).unwrap_or("")
    }

    /// CSeq, if it can be read.
    pub fn cseq(&self) -> Option<CSeq> {
        CSeq::parse(self.first(Name::CSeq)?)
    }

    /// From, if it can be read.
    pub fn from(&self) -> Option<NameAddr<'_>> {
        NameAddr::parse(self.first(Name::From)?)
    }

    /// To, if it can be read.
    pub fn to(&self) -> Option<NameAddr<'_>> {
        NameAddr::parse(self.first(Name::To)?)
    }

    /// The first header line of that name, given in full or in compact form, in any case. The value
    /// is whole: a list is not split.
    pub fn header(&self, name: &str) -> Option<&str> {
        match Name::from_text(name) {
            Name::Other => {
                let mut lines = self.fields();
                lines.find(|(label, _)| label.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            }
            name => self.first(name),
        }
    }

    /// All values of the headers of that name, in order. A header that holds lists is split at its
    /// commas (RFC 3261 §7.3.1); one that is not known to hold them, is not.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let known = Name::from_text(name);
        self.0
            .fields
            .iter()
            .filter(move |field| match known {
                Name::Other => {
                    field.name == known && self.text(field.label).eq_ignore_ascii_case(name)
                }
                _ => field.name == known,
            })
            .flat_map(move |field| Values::new(self.text(field.value), known.is_list()))
    }

    /// The first header line of a known name.
    pub fn first(&self, name: Name) -> Option<&str> {
        let field = self.0.fields.iter().find(|field| field.name == name)?;
        Some(self.text(field.value))
    }

    /// All values of the headers of a known name, lists split.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &str> {
        self.0
            .fields
            .iter()
            .filter(move |field| field.name == name)
            .flat_map(move |field| Values::new(self.text(field.value), name.is_list()))
    }

    /// How many header lines of a known name there are.
    pub(crate) fn count(&self, name: Name) -> usize {
        self.0.fields.iter().filter(|field| field.name == name).count()
    }

    /// All header lines in order: name as written, value whole.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.fields.iter().map(|field| (self.text(field.label), self.text(field.value)))
    }

    /// The Contact values that can be read. `*` is not among them.
    pub fn contacts(&self) -> impl Iterator<Item = NameAddr<'_>> {
        self.all(Name::Contact).filter(|value| *value != "*").filter_map(NameAddr::parse)
    }

    /// The Via values that can be read, topmost first.
    pub fn vias(&self) -> impl Iterator<Item = Via<'_>> {
        self.all(Name::Via).filter_map(Via::parse)
    }

    /// The topmost Via, if it can be read.
    pub fn top_via(&self) -> Option<Via<'_>> {
        Via::parse(self.all(Name::Via).next()?)
    }

    /// The Route values that can be read, nearest first.
    pub fn routes(&self) -> impl Iterator<Item = NameAddr<'_>> {
        self.all(Name::Route).filter_map(NameAddr::parse)
    }

    /// The Record-Route values that can be read, in the order of the message.
    pub fn record_routes(&self) -> impl Iterator<Item = NameAddr<'_>> {
        self.all(Name::RecordRoute).filter_map(NameAddr::parse)
    }

    /// Max-Forwards, if it is there and a number.
    pub fn max_forwards(&self) -> Option<u32> {
        self.first(Name::MaxForwards)?.parse().ok()
    }

    /// For how many seconds the other side wants to be left alone (Retry-After, RFC 3261 §20.33),
    /// if it says so: a comment and parameters may follow the number. What does not fit counts as
    /// the most there is.
    pub fn retry_after_s(&self) -> Option<u32> {
        leading_number(self.first(Name::RetryAfter)?)
    }

    /// Content-Type as written.
    pub fn content_type(&self) -> Option<&str> {
        self.first(Name::ContentType)
    }

    /// The body; empty if there is none.
    pub fn body(&self) -> &[u8] {
        self.as_bytes().get(self.0.body.range()).unwrap_or_default()
    }

    /// The whole message. Folded headers are unfolded (each line break became spaces).
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0.raw {
            Some(raw) => raw,
            None => self.0.text.as_bytes(),
        }
    }

    /// The way the message came, if it came over the network.
    pub fn flow(&self) -> Option<Flow> {
        self.0.flow
    }

    /// Where the message came from, if it came over the network.
    pub fn source(&self) -> Option<SocketAddr> {
        self.0.flow.map(|flow| flow.remote)
    }

    /// The same message with the way that it came.
    #[must_use]
    pub fn with_flow(mut self, flow: Flow) -> Self {
        Arc::make_mut(&mut self.0).flow = Some(flow);
        self
    }

    /// The names that the certificate of whoever sent it proved, where it came over a connection
    /// with a certificate of the peer's that we trust (RFC 5922 §7.1): domains in lower case,
    /// without `sip:`. Empty for all others.
    pub fn peer_names(&self) -> &[String] {
        self.0.peer_names.as_deref().unwrap_or_default()
    }

    /// The same message with the names that its sender's certificate proved.
    #[must_use]
    pub fn with_peer_names(mut self, names: Arc<[String]>) -> Self {
        Arc::make_mut(&mut self.0).peer_names = Some(names);
        self
    }

    /// The same request, to be sent on its flow whatever its length: whoever registered it can be
    /// reached on no other (RFC 5626 §5.3), least of all from before a translator of addresses.
    #[must_use]
    pub fn to_stay_on_flow(mut self) -> Self {
        Arc::make_mut(&mut self.0).stays_on_flow = true;
        self
    }

    /// Whether it is to be sent on its flow whatever its length.
    pub fn stays_on_flow(&self) -> bool {
        self.0.stays_on_flow
    }

    /// The host that a request is sent to next: of its first Route, else of its Request-URI (RFC
    /// 3261 §8.1.2).
    pub fn next_hop_host(&self) -> Option<&str> {
        let route = self.all(Name::Route).next().and_then(NameAddr::parse);
        let route = route.map(|route| route.uri_text());
        let hop = match (route, self.kind()) {
            (Some(route), _) => route,
            (None, Kind::Request { uri, .. }) => uri,
            (None, Kind::Response { .. }) => return None,
        };
        Uri::parse(hop).map(|uri| uri.host()).filter(|host| !host.is_empty())
    }

    /// What is wrong with it, if anything was found while reading.
    pub fn defect(&self) -> Option<Defect> {
        self.0.defect
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        self.0.text.get(span.range()).unwrap_or("")
    }

    /// The bytes of a value as they came, for copying into a response.
    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        self.as_bytes().get(span.range()).unwrap_or_default()
    }
}

/// The number that a value begins with: parameters and comments may follow.
pub(crate) fn leading_number(value: &str) -> Option<u32> {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let digits = value.get(..end).filter(|digits| !digits.is_empty())?;
    // There are none but digits: it can only be too large.
    Some(digits.parse().unwrap_or(u32::MAX))
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Message {}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// The first line, Call-ID and CSeq: no personal data beyond a number, no secrets.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Request { .. } => write!(f, "{} {}", self.method_text(), self.call_id()),
            Kind::Response { status, .. } => {
                write!(f, "{status} {} {}", self.method_text(), self.call_id())
            }
        }
    }
}
