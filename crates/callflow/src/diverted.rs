//! Whom a call was for before it came here or was given on: Diversion (RFC 5806), which carriers
//! know, and History-Info (RFC 7044), which took its place.

use model::Pii;
use sip::{Message, Name, NameAddr, Uri};

/// The longest number that is kept, in characters.
const NUMBER_CHARS_MAX: usize = 64;

/// Whom a call that goes out was for before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before<'a> {
    /// Our number, which gives it on.
    pub(crate) ours: &'a str,
    /// Whether the carrier is asked not to show our number.
    pub(crate) hides: bool,
    /// The number that was dialled first, where that was another and the carrier may know it.
    pub(crate) first: Option<&'a str>,
}

/// The number that was dialled before the call was diverted to `dialled`: the one who diverted
/// first, which is the last Diversion (RFC 5806 §4) and the first entry of History-Info (RFC 7044
/// §5). To be asked of a message only whose sender is believed. `None` where the call was not
/// diverted, or whose number it was is private.
pub(crate) fn dialled_first(invite: &Message, dialled: &str) -> Option<Pii<String>> {
    let first = by_diversion(invite).or_else(|| by_history(invite))?;
    let first: String = trunk::normalise(&first).chars().take(NUMBER_CHARS_MAX).collect();
    (!first.is_empty() && first != dialled).then(|| Pii::new(first))
}

fn by_diversion(invite: &Message) -> Option<String> {
    let first = NameAddr::parse(invite.all(Name::Diversion).last()?)?;
    let privacy = first.params().value("privacy").unwrap_or("off").trim_matches('"');
    let is_private = ["full", "uri"].iter().any(|kept| privacy.eq_ignore_ascii_case(kept));
    if is_private { None } else { number_of(&first.uri()?) }
}

fn by_history(invite: &Message) -> Option<String> {
    let mut entries = invite.all(Name::HistoryInfo);
    let first = NameAddr::parse(entries.next()?)?;
    // One alone is where the call has been all the time.
    entries.next()?;
    let uri = first.uri()?;
    let is_private = uri.headers().split('&').any(|header| {
        let (name, value) = header.split_once('=').unwrap_or((header, ""));
        name.eq_ignore_ascii_case("privacy") && value.to_ascii_lowercase().contains("history")
    });
    if is_private { None } else { number_of(&uri) }
}

fn number_of(uri: &Uri<'_>) -> Option<String> {
    let user = uri.user_decoded();
    (!user.is_empty()).then(|| user.into_owned())
}

/// What the INVITE to `to` at `host` says of that.
pub(crate) fn headers(before: Before<'_>, (host, to): (&str, &str)) -> [(&'static str, String); 2] {
    let Before { ours, hides, first } = before;
    let (privacy, private) = match hides {
        true => (";privacy=full", "?Privacy=history"),
        false => ("", ""),
    };
    let mut diversion = format!("<sip:{ours}@{host}>;reason=unconditional;counter=1{privacy}");
    let history = match first {
        Some(first) => {
            diversion.push_str(&format!(", <sip:{first}@{host}>;reason=unknown;counter=1"));
            format!(
                "<sip:{first}@{host}>;index=1, <sip:{ours}@{host};cause=302{private}>;index=1.1;\
                 mp=1, <sip:{to}@{host};cause=302>;index=1.1.1;mp=1.1"
            )
        }
        None => format!(
            "<sip:{ours}@{host}{private}>;index=1, <sip:{to}@{host};cause=302>;index=1.1;mp=1"
        ),
    };
    [("Diversion", diversion), ("History-Info", history)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::{Method, RequestBuilder};

    fn invite(headers: &[(&'static str, &str)]) -> Message {
        let invite = RequestBuilder::new(Method::Invite, "sip:95512@h")
            .from("<sip:111@far>", "t")
            .call_id("c")
            .cseq(1);
        headers.iter().fold(invite, |invite, (name, value)| invite.header(name, value)).build()
    }

    fn first(headers: &[(&'static str, &str)]) -> Option<String> {
        dialled_first(&invite(headers), "95512").map(|number| number.reveal().clone())
    }

    #[test]
    fn rfc_5806_section_4_the_last_diversion_is_the_first_one() {
        let twice = "<sip:400@c>;reason=no-answer, <tel:+86-21-6888-0000>;reason=unconditional";
        assert_eq!(first(&[("Diversion", twice)]).as_deref(), Some("2168880000"));
        let lines = [("Diversion", "<sip:400@c>"), ("Diversion", "<sip:401@c>;reason=unknown")];
        assert_eq!(first(&lines).as_deref(), Some("401"));
    }

    #[test]
    fn rfc_7044_section_5_the_first_entry_is_what_was_dialled() {
        let history = "<sip:400@c?Reason=SIP%3Bcause%3D302>;index=1, <sip:95512@c>;index=1.1;mp=1";
        assert_eq!(first(&[("History-Info", history)]).as_deref(), Some("400"));
        assert_eq!(first(&[("History-Info", "<sip:400@c>;index=1")]), None);
    }

    #[test]
    fn what_is_private_or_was_not_diverted_is_not_kept() {
        for headers in [
            ("Diversion", "<sip:400@c>;privacy=full"),
            ("Diversion", "<sip:400@c>;privacy=\"uri\""),
            ("Diversion", "<sip:95512@c>;reason=unknown"),
            ("Diversion", "nonsense <"),
            ("Diversion", "<sip:c>"),
            ("History-Info", "<sip:400@c?Privacy=history>;index=1, <sip:95512@c>;index=1.1"),
            ("History-Info", "<>;index=1, <>;index=1.1"),
        ] {
            assert_eq!(first(&[headers]), None, "{headers:?}");
        }
        assert_eq!(first(&[]), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (before, number) in [
            (Before { ours: "95512", hides: false, first: Some("400") }, "400"),
            (Before { ours: "95513", hides: false, first: None }, "95513"),
        ] {
            let [diversion, history] = headers(before, ("gw", "138"));
            for (name, value) in [diversion, history] {
                assert_eq!(first(&[(name, &value)]).as_deref(), Some(number), "{name}: {value}");
            }
        }
    }

    #[test]
    fn a_number_that_is_to_be_hidden_is_marked_so() {
        let before = Before { ours: "95513", hides: true, first: None };
        for (name, value) in headers(before, ("gw", "138")) {
            assert_eq!(first(&[(name, &value)]), None, "{name}: {value}");
        }
    }
}
