//! Making messages: requests and responses.

use std::fmt;
use std::sync::Arc;

use crate::message::{Field, Inner, Message, Span, Start};
use crate::parse::texts;
use crate::status::reason_phrase;
use crate::writer::Writer;
use crate::{Method, Name};

/// Makes a request (RFC 3261 §8.1.1). The Via is the transaction layer's to add.
#[derive(Debug, Clone)]
pub struct RequestBuilder(Writer);

impl RequestBuilder {
    /// Begins a request. The rest comes in the order in which it is given; Max-Forwards is 70
    /// unless one is given.
    pub fn new(method: Method, uri: &str) -> Self {
        let mut out = Writer::new();
        let label = out.text(method.as_str());
        out.buffer.push(b' ');
        let uri = out.text(uri);
        out.buffer.push(b' ');
        let version = out.text("SIP/2.0");
        out.end_line();
        out.start = Some(Start::Request { method, label, uri, version });
        Self(out)
    }

    /// From: `<sip:95512@host>` or with display name, and our tag.
    #[must_use]
    pub fn from(mut self, address: &str, tag: &str) -> Self {
        self.0.field(Name::From, format_args!("{address};tag={tag}"));
        self
    }

    /// To, with the other side's tag inside a dialog.
    #[must_use]
    pub fn to(mut self, address: &str, tag: Option<&str>) -> Self {
        match tag {
            Some(tag) => self.0.field(Name::To, format_args!("{address};tag={tag}")),
            None => self.0.field(Name::To, address),
        }
        self
    }

    /// Call-ID.
    #[must_use]
    pub fn call_id(mut self, call_id: &str) -> Self {
        self.0.field(Name::CallId, call_id);
        self
    }

    /// CSeq; the method is that of the request.
    #[must_use]
    pub fn cseq(mut self, number: u32) -> Self {
        let method = match self.0.start {
            Some(Start::Request { method, .. }) => method,
            Some(Start::Response { .. }) | None => Method::Other,
        };
        self.0.field(Name::CSeq, format_args!("{number} {method}"));
        self
    }

    /// Contact, as `<sip:...>`.
    #[must_use]
    pub fn contact(mut self, address: &str) -> Self {
        self.0.field(Name::Contact, address);
        self
    }

    /// Any header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.0.any_field(name, value);
        self
    }

    /// The body and its type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.0.body(content_type, body);
        self
    }

    /// The finished request. A body that would make it longer than [`MAX_MESSAGE_BYTES`] is left
    /// out.
    pub fn build(mut self) -> Message {
        if !self.0.has(Name::MaxForwards) {
            self.0.field(Name::MaxForwards, "70");
        }
        self.0.finish()
    }
}

/// Makes a response (RFC 3261 §8.2.6): Via, From, To, Call-ID, CSeq and, for a dialog, Record-Route
/// are those of the request.
#[derive(Debug, Clone)]
pub struct ResponseBuilder {
    out: Writer,
    to: Vec<u8>,
    to_has_tag: bool,
    tag: Option<String>,
}

impl ResponseBuilder {
    /// Begins a response with the usual reason phrase.
    ///
    /// The topmost Via gets `received` and `rport` where RFC 3261 §18.2.1 and RFC 3581 §4 ask for
    /// it, if the request knows its source.
    pub fn to(request: &Message, status: u16) -> Self {
        Self::with_reason(request, status, reason_phrase(status))
    }

    /// Begins a response with a reason phrase of its own.
    pub fn with_reason(request: &Message, status: u16, reason: &str) -> Self {
        let mut out = Writer::new();
        out.buffer.extend_from_slice(b"SIP/2.0 ");
        out.display(status);
        out.buffer.push(b' ');
        let reason = out.text(reason);
        out.end_line();
        out.start = Some(Start::Response { status, reason });
        let mut top = true;
        let mut to = Vec::new();
        let dialog = (101..300).contains(&status);
        for field in &request.0.fields {
            match field.name {
                Name::Via => {
                    out.copy(Name::Via, request.bytes(field.value));
                    if std::mem::take(&mut top) {
                        out.add_source(request, field.value);
                    }
                }
                // What its sender measures the way by (§8.2.6.1).
                Name::Timestamp if status == 100 => {
                    out.copy(field.name, request.bytes(field.value));
                }
                Name::From | Name::CallId | Name::CSeq => {
                    out.copy(field.name, request.bytes(field.value));
                }
                Name::RecordRoute if dialog => {
                    out.copy(field.name, request.bytes(field.value));
                }
                Name::To if to.is_empty() => to.extend_from_slice(request.bytes(field.value)),
                _ => {}
            }
        }
        let to_has_tag = request.to().is_some_and(|to| to.tag().is_some());
        Self { out, to, to_has_tag, tag: None }
    }

    /// Our tag, put into To unless the request had one there (RFC 3261 §8.2.6.2).
    #[must_use]
    pub fn to_tag(mut self, tag: &str) -> Self {
        self.tag = Some(tag.to_owned());
        self
    }

    /// Contact, as `<sip:...>`.
    #[must_use]
    pub fn contact(mut self, address: &str) -> Self {
        self.out.field(Name::Contact, address);
        self
    }

    /// Any header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.out.any_field(name, value);
        self
    }

    /// The body and its type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        self.out.body(content_type, body);
        self
    }

    /// The finished response.
    pub fn build(mut self) -> Message {
        match &self.tag {
            Some(tag) if !self.to_has_tag => {
                self.to.extend_from_slice(b";tag=");
                self.to.extend_from_slice(tag.as_bytes());
            }
            Some(_) | None => {}
        }
        self.out.copy(Name::To, &self.to);
        self.out.finish()
    }
}

impl Message {
    /// The same request with one more Via on top.
    pub(crate) fn with_top_via(&self, via: &str) -> Message {
        const LABEL: &str = "Via: ";
        let inner = &*self.0;
        let line_end = memchr::memchr(b'\n', self.as_bytes()).map_or(0, |at| at + 1);
        let added = LABEL.len() + via.len() + 2;
        let grow = |bytes: &[u8]| {
            let mut out = Vec::with_capacity(bytes.len() + added);
            let (head, tail) = bytes.split_at_checked(line_end).unwrap_or((bytes, &[]));
            out.extend_from_slice(head);
            out.extend_from_slice(LABEL.as_bytes());
            out.extend_from_slice(via.as_bytes());
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(tail);
            out
        };
        let by = u16::try_from(added).unwrap_or(u16::MAX);
        let mut fields = Vec::with_capacity(inner.fields.len() + 1);
        let value = Span::new(line_end + LABEL.len(), line_end + LABEL.len() + via.len());
        let label = Span::new(line_end, line_end + 3);
        fields.push(Field { name: Name::Via, label, value });
        fields.extend(inner.fields.iter().map(|field| Field {
            name: field.name,
            label: field.label.shifted(by),
            value: field.value.shifted(by),
        }));
        let (text, raw) = texts(&grow(self.as_bytes()));
        let (start, body) = (inner.start, inner.body.shifted(by));
        Message(Arc::new(Inner {
            text,
            raw,
            start,
            fields,
            body,
            defect: None,
            flow: None,
            peer_names: None,
            stays_on_flow: false,
        }))
    }
}

/// The Via of a request of ours.
pub(crate) fn via_line(transport: &str, sent_by: &str, branch: impl fmt::Display) -> String {
    format!("SIP/2.0/{transport} {sent_by};branch={branch};rport")
}

#[cfg(test)]
mod tests {
    use super::{RequestBuilder, ResponseBuilder};
    use crate::{Flow, MAX_MESSAGE_BYTES, Message, Method};
    use model::Transport;

    fn invite() -> Message {
        let text = "INVITE sip:95512@h SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.168.0.1:5070;rport;branch=z9hG4bK1 , \
            SIP/2.0/TCP far;branch=z9hG4bK0\r\n\
            Via: SIP/2.0/UDP farther\r\n\
            Record-Route: <sip:p@h;lr>\r\n\
            From: \"A\" <sip:a@h>;tag=1\r\nTo: <sip:95512@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
            Timestamp: 54\r\n\
            Contact: <sip:a@192.168.0.1>\r\nl: 0\r\n\r\n";
        Message::parse(text.as_bytes()).unwrap()
    }

    fn from(remote: &str) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: "10.0.0.1:5060".parse().unwrap(),
            remote: remote.parse().unwrap(),
            connection: 0,
            listener: 0,
        }
    }

    #[test]
    fn what_is_built_reads_back_the_same() {
        let request = RequestBuilder::new(Method::Invite, "sip:8001@10.0.0.9")
            .from("\"队列\" <sip:95512@h>", "t")
            .to("<sip:8001@h>", None)
            .call_id("x")
            .cseq(7)
            .contact("<sip:h>")
            .header("Route", "<sip:p;lr>")
            .body("application/sdp", b"v=0\r\n")
            .build();
        let again = Message::parse(request.as_bytes()).unwrap();
        assert_eq!(again.defect(), None);
        assert!(request.fields().eq(again.fields()));
        assert_eq!((request.kind(), request.body()), (again.kind(), &b"v=0\r\n"[..]));
        assert_eq!(request.cseq(), again.cseq());
        let with_via = request.with_top_via("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK9");
        let again = Message::parse(with_via.as_bytes()).unwrap();
        assert!(with_via.fields().eq(again.fields()));
        assert_eq!(with_via.top_via().unwrap().branch(), Some("z9hG4bK9"));
        assert_eq!((with_via.body(), with_via.kind()), (again.body(), again.kind()));
    }

    #[test]
    fn a_response_copies_what_section_8_2_6_says() {
        let response = ResponseBuilder::to(&invite(), 180).to_tag("us").contact("<sip:us>").build();
        assert_eq!(response.vias().count(), 3);
        assert_eq!(response.header("To"), Some("<sip:95512@h>;tag=us"));
        assert_eq!(response.header("From"), Some("\"A\" <sip:a@h>;tag=1"));
        assert_eq!(response.header("Record-Route"), Some("<sip:p@h;lr>"));
        assert_eq!((response.call_id(), response.header("CSeq")), ("c", Some("1 INVITE")));
        let timed = ResponseBuilder::to(&invite(), 100).build();
        assert_eq!((timed.header("Timestamp"), response.header("Timestamp")), (Some("54"), None));
        let failure = ResponseBuilder::to(&invite(), 404).build();
        assert_eq!(
            (failure.header("Record-Route"), failure.header("To")),
            (None, Some("<sip:95512@h>"))
        );
        let again = ResponseBuilder::to(&response, 200).to_tag("other").build();
        assert_eq!(again.header("To"), Some("<sip:95512@h>;tag=us"));
    }

    #[test]
    fn the_topmost_via_says_where_the_request_came_from() {
        let response =
            ResponseBuilder::to(&invite().with_flow(from("192.0.2.7:4444")), 200).build();
        let lines: Vec<_> = response.headers("Via").collect();
        assert_eq!(
            lines,
            [
                "SIP/2.0/UDP 192.168.0.1:5070;branch=z9hG4bK1 ;received=192.0.2.7;rport=4444",
                "SIP/2.0/TCP far;branch=z9hG4bK0",
                "SIP/2.0/UDP farther"
            ]
        );
        let again = Message::parse(response.as_bytes()).unwrap();
        assert!(response.fields().eq(again.fields()));
        // A forged `received` does not survive.
        let text = String::from_utf8(invite().as_bytes().to_vec()).unwrap();
        let forged = text.replace(";rport;", ";received=1.2.3.4;").replace("192.168.0.1:5070", "h");
        let forged = Message::parse(forged.as_bytes()).unwrap().with_flow(from("192.0.2.7:4444"));
        let response = ResponseBuilder::to(&forged, 200).build();
        let via = response.top_via().unwrap();
        assert_eq!(
            (via.received().unwrap().to_string(), via.rport()),
            ("192.0.2.7".to_owned(), None)
        );
    }

    #[test]
    fn nobody_writes_a_header_of_their_own() {
        let request = RequestBuilder::new(Method::Invite, "sip:h\r\nEvil: 1")
            .from("\"x\r\nEvil: 1\" <sip:a@h>", "t\nEvil: 1")
            .call_id("c\r\n\r\nEvil: 1")
            .header("X-Own\r\nEvil", "1\r\nEvil: 1\0")
            .build();
        let again = Message::parse(request.as_bytes()).unwrap();
        assert_eq!((again.header("Evil"), again.fields().count()), (None, 5));
        // Nor by a bare CR in what a response copies.
        let text =
            "INVITE sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\rEvil: 1\r\nCall-ID: c\rEvil: 1\r\n\r\n";
        let response = ResponseBuilder::to(&Message::parse(text.as_bytes()).unwrap(), 400).build();
        assert!(!response.as_bytes().windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n'));
    }

    #[test]
    fn a_body_that_does_not_fit_is_left_out() {
        let body = vec![b'x'; MAX_MESSAGE_BYTES];
        let request = RequestBuilder::new(Method::Info, "sip:h").body("text/plain", &body).build();
        assert_eq!((request.body(), request.header("l")), (&b""[..], Some("0")));
        assert_eq!(Message::parse(request.as_bytes()).unwrap().defect(), None);
    }

    #[test]
    fn a_request_goes_to_its_first_route_else_to_its_target() {
        let begun = || RequestBuilder::new(Method::Options, "sip:95512@carrier.example:5061");
        assert_eq!(begun().build().next_hop_host(), Some("carrier.example"));
        let routed = begun().header("Route", "<sip:edge.example;lr>, <sip:b.example;lr>").build();
        assert_eq!(routed.next_hop_host(), Some("edge.example"));
        let by_number = RequestBuilder::new(Method::Options, "tel:+8695512").build();
        assert_eq!(by_number.next_hop_host(), None);
        let six = RequestBuilder::new(Method::Options, "sip:[2001:db8::1]").build();
        assert_eq!(six.next_hop_host(), Some("[2001:db8::1]"));
    }

    #[test]
    fn names_that_were_proved_stay_with_the_message() {
        let message = Message::parse(b"BYE sip:h SIP/2.0\r\nCSeq: 1 BYE\r\n\r\n").unwrap();
        assert!(message.peer_names().is_empty());
        let names: std::sync::Arc<[String]> = ["carrier.example".to_owned()].into();
        let named = message.with_peer_names(names).with_flow(from("192.0.2.1:5061"));
        assert_eq!(named.peer_names(), ["carrier.example"]);
        assert_eq!(named.clone().peer_names(), named.peer_names());
    }

    #[test]
    fn what_answers_the_longest_request_is_cut_and_stays_a_message() {
        let head = "OPTIONS sip:h SIP/2.0\r\nv: SIP/2.0/UDP a;rport;branch=z9hG4bKx\r\n\
                    f: <sip:a@h>;tag=1\r\nt: <sip:b@h>\r\nCSeq: 1 OPTIONS\r\ni: ";
        let rest = MAX_MESSAGE_BYTES - head.len() - 4;
        let text = format!("{head}{}\r\n\r\n", "x".repeat(rest));
        let flow = Flow {
            transport: model::Transport::Udp,
            local: "192.0.2.9:5060".parse().unwrap(),
            remote: "192.0.2.1:5060".parse().unwrap(),
            connection: 0,
            listener: 0,
        };
        let request = Message::parse(text.as_bytes()).unwrap().with_flow(flow);
        let response = ResponseBuilder::to(&request, 200).to_tag("tag").build();
        assert!(response.as_bytes().len() <= MAX_MESSAGE_BYTES);
        assert_eq!(response.status(), Some(200));
        let again = Message::parse(response.as_bytes()).unwrap();
        assert_eq!(again.top_via().unwrap().branch(), Some("z9hG4bKx"));
    }
}
