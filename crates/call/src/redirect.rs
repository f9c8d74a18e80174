//! The called one is elsewhere (3xx): a carrier names where, and who called decides whether that
//! is followed (RFC 3261 §8.1.3.4, §21.3).

use std::cmp::Reverse;

use model::HangupCause;
use sip::{Message, Scheme, Uri};

use crate::leg::{Leg, Output, Stage};
use crate::outside::Lost;

/// How many Contacts of one response are read; those beyond are passed over.
const CONTACTS_MAX: usize = 8;

impl Leg {
    /// A final 3xx: a phone of ours may not give the call to another, and has refused it.
    pub(crate) fn handle_redirect(&mut self, response: &Message, status: u16) {
        let cause = HangupCause::Response(status);
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        if outgoing.ask.invitation.outside.is_none() {
            return self.end(cause);
        }
        outgoing.lost = Some(Lost::closed(cause));
        let contacts = contacts(response);
        self.outputs.push_back(Output::Redirected { status, contacts });
    }

    /// Whether another number, or the same at another place, is left to be tried if this one
    /// refuses the call: then [`Output::Unreachable`] follows whatever it says but a 6xx, which
    /// speaks for all (RFC 3261 §8.1.3.4, §21.6).
    pub fn expect_others(&mut self, are_left: bool) {
        if let Stage::Outgoing(outgoing) = &mut self.stage {
            outgoing.has_others = are_left;
        }
    }
}

/// The URIs of a 3xx that can be called, the preferred one first; those that are preferred alike in
/// the order of the message.
fn contacts(response: &Message) -> Vec<String> {
    let is_called = |uri: &Uri<'_>| match uri.scheme() {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => true,
        Scheme::Other => false,
    };
    let read = response.contacts().filter(|contact| contact.uri().as_ref().is_some_and(is_called));
    let mut read: Vec<_> = read.take(CONTACTS_MAX).collect();
    read.sort_by_key(|contact| Reverse(contact.preference()));
    read.iter().map(|contact| contact.uri_text().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::{Method, RequestBuilder, ResponseBuilder};

    #[test]
    fn rfc_3261_section_8_1_3_4_the_preferred_contact_comes_first() {
        let invite = RequestBuilder::new(Method::Invite, "sip:h").call_id("c").cseq(1).build();
        let read = |values: &[&str]| {
            let response = ResponseBuilder::to(&invite, 302);
            let add = |response: ResponseBuilder, value: &&str| response.header("Contact", value);
            contacts(&values.iter().fold(response, add).build())
        };
        let listed = "<sip:1@h>;q=0.2, <mailto:x@h>, <tel:+2>;q=0.7, sip:3@h;q=0.7";
        assert_eq!(read(&[listed, "<sip:4@h>"]), ["sip:4@h", "tel:+2", "sip:3@h", "sip:1@h"]);
        assert!(read(&[]).is_empty() && read(&["*"]).is_empty());
        assert_eq!(read(&["<sip:1@h>"; 20]).len(), CONTACTS_MAX);
    }
}
