//! A message while it is written: buffer and index grow together.
//!
//! Whatever is given as a value, a line break in it becomes a space: nobody outside can write a
//! header of their own into a message of ours.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use crate::Name;
use crate::message::{Field, Inner, MAX_MESSAGE_BYTES, Message, Span, Start};
use crate::parse::texts;

/// Room for a usual message, in bytes.
const USUAL_BYTES: usize = 768;

/// The buffer and its index while they are written.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) buffer: Vec<u8>,
    pub(crate) start: Option<Start>,
    fields: Vec<Field>,
    content: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        let buffer = Vec::with_capacity(USUAL_BYTES);
        Self { buffer, start: None, fields: Vec::with_capacity(16), content: Vec::new() }
    }

    pub(crate) fn has(&self, name: Name) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// Appends without line breaks.
    fn bytes(&mut self, bytes: &[u8]) -> Span {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        self.clean(start)
    }

    pub(crate) fn text(&mut self, text: &str) -> Span {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn display(&mut self, value: impl fmt::Display) -> Span {
        let start = self.buffer.len();
        // Writing into a vector cannot fail; a value whose own `Display` fails is cut there.
        let _cut = write!(Sink(&mut self.buffer), "{value}");
        self.clean(start)
    }

    fn clean(&mut self, start: usize) -> Span {
        let added = self.buffer.get_mut(start..).unwrap_or_default();
        if memchr::memchr3(b'\r', b'\n', 0, added).is_some() {
            for byte in added.iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                *byte = b' ';
            }
        }
        Span::new(start, self.buffer.len())
    }

    pub(crate) fn end_line(&mut self) {
        self.buffer.extend_from_slice(b"\r\n");
    }

    fn label(&mut self, label: &str) -> Span {
        let span = self.text(label);
        self.buffer.extend_from_slice(b": ");
        span
    }

    pub(crate) fn field(&mut self, name: Name, value: impl fmt::Display) {
        let label = self.label(name.as_str());
        let value = self.display(value);
        self.end_line();
        self.fields.push(Field { name, label, value });
    }

    pub(crate) fn any_field(&mut self, name: &str, value: impl fmt::Display) {
        let known = Name::from_text(name);
        let label = self.label(name);
        let value = self.display(value);
        self.end_line();
        self.fields.push(Field { name: known, label, value });
    }

    pub(crate) fn copy(&mut self, name: Name, value: &[u8]) {
        let label = self.label(name.as_str());
        let value = self.bytes(value);
        self.end_line();
        self.fields.push(Field { name, label, value });
    }

    /// Writes `received` and `rport` into the Via just written.
    pub(crate) fn add_source(&mut self, request: &Message, value: Span) {
        let (Some(source), Some(via)) = (request.source(), request.top_via()) else {
            return;
        };
        let wishes_port = via.rport() == Some(None);
        if !wishes_port && via.ip() == Some(source.ip()) {
            return;
        }
        let Some(field) = self.fields.last_mut() else {
            return;
        };
        self.buffer.truncate(usize::from(field.value.start));
        let (top, rest) = top_value(request.text(value), request.bytes(value));
        let (head, params) = top.split_at(memchr::memchr(b';', top).unwrap_or(top.len()));
        self.buffer.extend_from_slice(head);
        for param in params.split(|byte| *byte == b';').skip(1) {
            let name = param.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
            let replaced = name.eq_ignore_ascii_case(b"received")
                || (wishes_port && name.eq_ignore_ascii_case(b"rport"));
            if !replaced {
                self.buffer.push(b';');
                self.buffer.extend_from_slice(param);
            }
        }
        let start = usize::from(field.value.start);
        let mut sink = Sink(&mut self.buffer);
        let _infallible = match source.ip() {
            IpAddr::V4(ip) => write!(sink, ";received={ip}"),
            IpAddr::V6(ip) => write!(sink, ";received={ip}"),
        };
        if wishes_port {
            let _infallible = write!(sink, ";rport={}", source.port());
        }
        self.buffer.extend_from_slice(rest);
        let span = self.clean(start);
        self.end_line();
        if let Some(field) = self.fields.last_mut() {
            field.value = span;
        }
    }

    pub(crate) fn body(&mut self, content_type: &str, body: &[u8]) {
        self.field(Name::ContentType, content_type);
        body.clone_into(&mut self.content);
    }

    pub(crate) fn finish(mut self) -> Message {
        // Room for the last header and the empty line.
        const TAIL: usize = 32;
        if self.buffer.len() + self.content.len() + TAIL > MAX_MESSAGE_BYTES {
            self.content.clear();
        }
        let length = self.content.len();
        self.field(Name::ContentLength, length);
        self.end_line();
        let body = Span::new(self.buffer.len(), self.buffer.len() + length);
        self.buffer.extend_from_slice(&self.content);
        self.buffer.truncate(MAX_MESSAGE_BYTES);
        let (text, raw) = texts(&self.buffer);
        let unset = Start::Response { status: 500, reason: Span::default() };
        let start = self.start.unwrap_or(unset);
        let fields = self.fields;
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

/// The first value of a line of several, and what follows it.
fn top_value<'a>(text: &str, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let end = crate::params::end_of(text, b',');
    bytes.split_at_checked(end).unwrap_or((bytes, &[]))
}

/// Lets `write!` append to bytes.
struct Sink<'a>(&'a mut Vec<u8>);

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
