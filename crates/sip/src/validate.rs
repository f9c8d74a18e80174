//! Which answer a broken request gets (RFC 3261 §8.2, §16.3 and §21.4).
//!
//! Reading is lenient, this is not: whatever passes has a request line, the headers that every
//! request must have, each once and readable, and asks for nothing that is not served.

use crate::multipart::split_type;
use crate::{Defect, Message, Method, Name, NameAddr, ResponseBuilder, Scheme, Uri, Via, cseq};

/// The methods that this engine serves, as its Allow header says.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REGISTER, \
     REFER, SUBSCRIBE";

/// The extensions that this engine serves (RFC 3261 §20.37): reliable provisional responses
/// (RFC 3262), session timers (RFC 4028), REFER without a subscription (RFC 4488), Replaces
/// (RFC 3891) and Target-Dialog (RFC 4538). None is required of a peer.
pub const SUPPORTED: [&str; 5] = ["100rel", "timer", "norefersub", "replaces", "tdialog"];

/// The extensions of registering that this engine serves: Path (RFC 3327), flows (RFC 5626), URIs
/// of one phone (RFC 5627).
const OF_REGISTERING: [&str; 3] = ["path", "outbound", "gruu"];

/// The longest Request-URI, in bytes; beyond it 414.
pub const MAX_URI_BYTES: usize = 4_096;

/// The longest body, in bytes; beyond it 413.
pub const MAX_BODY_BYTES: usize = 32_768;

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
    let version = request.version();
    if !version.is_empty() && !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(Refusal::of(505));
    }
    if let Some(defect) = request.defect() {
        return Err(Refusal::because(400, defect_reason(defect)));
    }
    check_single_headers(request)?;
    check_addresses(request)?;
    check_uri(request)?;
    check_method(request)?;
    check_hops(request)?;
    check_extensions(request)?;
    check_body(request)
}

const fn defect_reason(defect: Defect) -> &'static str {
    match defect {
        Defect::StartLine => "Malformed Request-Line",
        Defect::HeaderLine => "Malformed Header",
        Defect::NoEmptyLine => "Headers Without End",
        Defect::ContentLength => "Malformed Content-Length",
        Defect::ShortBody => "Body Shorter Than Content-Length",
    }
}

/// RFC 3261 §8.1.1: what must be there, and what may be there only once (§7.3.1). Max-Forwards and
/// tags are missing in requests of RFC 2543, which are served.
fn check_single_headers(request: &Message) -> Result<(), Refusal> {
    for (name, missing, several) in [
        (Name::From, "Missing From", "Several From"),
        (Name::To, "Missing To", "Several To"),
        (Name::CallId, "Missing Call-ID", "Several Call-ID"),
        (Name::CSeq, "Missing CSeq", "Several CSeq"),
    ] {
        match request.count(name) {
            0 => return Err(Refusal::because(400, missing)),
            1 => {}
            _ => return Err(Refusal::because(400, several)),
        }
    }
    if request.count(Name::MaxForwards) > 1 {
        return Err(Refusal::because(400, "Several Max-Forwards"));
    }
    if request.call_id().is_empty()
        || request.call_id().contains(|c: char| c == ' ' || c.is_ascii_control())
    {
        return Err(Refusal::because(400, "Malformed Call-ID"));
    }
    let (number, method) = request
        .first(Name::CSeq)
        .and_then(cseq::split)
        .ok_or(Refusal::because(400, "Malformed CSeq"))?;
    if number >= 1 << 31 {
        return Err(Refusal::because(400, "CSeq Too Large"));
    }
    if method != request.method_text() {
        return Err(Refusal::because(400, "CSeq Names Another Method"));
    }
    Ok(())
}

fn check_addresses(request: &Message) -> Result<(), Refusal> {
    let mut vias = request.all(Name::Via).peekable();
    if vias.peek().is_none() {
        return Err(Refusal::because(400, "Missing Via"));
    }
    if !vias.all(|via| Via::parse(via).is_some_and(|via| via.version() == "2.0")) {
        return Err(Refusal::because(400, "Malformed Via"));
    }
    for (name, reason) in [
        (Name::From, "Malformed From"),
        (Name::To, "Malformed To"),
        (Name::Contact, "Malformed Contact"),
        (Name::Route, "Malformed Route"),
        (Name::RecordRoute, "Malformed Record-Route"),
    ] {
        let readable = |value: &str| {
            (value == "*" && name == Name::Contact)
                || NameAddr::parse(value).is_some_and(|address| address.uri().is_some())
        };
        if !request.all(name).all(readable) {
            return Err(Refusal::because(400, reason));
        }
    }
    let is_2543 = request.top_via().is_none_or(|via| via.unique_branch().is_none());
    if request.method() == Method::Invite && !is_2543 {
        // RFC 3261 §8.1.1.8: exactly one.
        match request.all(Name::Contact).count() {
            1 => {}
            0 => return Err(Refusal::because(400, "Missing Contact")),
            _ => return Err(Refusal::because(400, "Several Contact")),
        }
        let is_sip = |uri: Uri<'_>| matches!(uri.scheme(), Scheme::Sip | Scheme::Sips);
        if !request.contacts().all(|contact| contact.uri().is_some_and(is_sip))
            || request.contacts().next().is_none()
        {
            return Err(Refusal::because(400, "Contact Is No SIP URI"));
        }
    }
    Ok(())
}

fn check_uri(request: &Message) -> Result<(), Refusal> {
    if request.uri().len() > MAX_URI_BYTES {
        return Err(Refusal::of(414));
    }
    let uri = Uri::parse(request.uri()).ok_or(Refusal::because(400, "Malformed Request-URI"))?;
    match uri.scheme() {
        // RFC 3261 §19.1.1, table 1: headers may not be in a Request-URI.
        Scheme::Sip | Scheme::Sips if !uri.headers().is_empty() => {
            Err(Refusal::because(400, "Headers In Request-URI"))
        }
        Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok(()),
        Scheme::Other => Err(Refusal::of(416)),
    }
}

/// §8.2.1, and §21.5.2 for a method that nobody here has heard of.
fn check_method(request: &Message) -> Result<(), Refusal> {
    match request.method() {
        Method::Invite
        | Method::Ack
        | Method::Cancel
        | Method::Bye
        | Method::Options
        | Method::Info
        | Method::Update
        | Method::Prack
        | Method::Refer
        | Method::Subscribe
        | Method::Register => Ok(()),
        Method::Notify | Method::Message | Method::Publish => {
            Err(Refusal::of(405).with("Allow", ALLOW))
        }
        Method::Other => Err(Refusal::of(501).with("Allow", ALLOW)),
    }
}

/// §20.22. An INVITE would go on to another leg, so the hops that are left count for it
/// (RFC 7332 §3); what is answered here may have come on its last one.
fn check_hops(request: &Message) -> Result<(), Refusal> {
    let Some(value) = request.first(Name::MaxForwards) else {
        return Ok(());
    };
    match value.parse::<u32>() {
        Ok(0) if request.method() == Method::Invite && !is_in_dialog(request) => {
            Err(Refusal::of(483))
        }
        Ok(0..=255) => Ok(()),
        Ok(_) | Err(_) => Err(Refusal::because(400, "Malformed Max-Forwards")),
    }
}

fn is_in_dialog(request: &Message) -> bool {
    request.to().is_some_and(|to| to.tag().is_some())
}

/// §8.2.2.3: whatever is required must be supported, but ACK and CANCEL cannot be refused for it.
fn check_extensions(request: &Message) -> Result<(), Refusal> {
    match request.method() {
        Method::Ack | Method::Cancel => return Ok(()),
        _ => {}
    }
    let of_registering = match request.method() {
        Method::Register => &OF_REGISTERING[..],
        _ => &[],
    };
    let is_known = |wanted: &str| {
        let mut known = SUPPORTED.iter().chain(of_registering);
        known.any(|known| known.eq_ignore_ascii_case(wanted))
    };
    let unknown: Vec<_> = request.all(Name::Require).filter(|wanted| !is_known(wanted)).collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Refusal::of(420).with("Unsupported", unknown.join(", "))),
    }
}

/// Whether a request's sender supports each of these extensions, for who serves it by no others
/// (RFC 3261 §21.4.15).
///
/// # Errors
/// 421, with Require naming those that are missing.
pub fn require(request: &Message, extensions: &[String]) -> Result<(), Refusal> {
    let supports = |wanted: &&String| {
        let mut named = request.all(Name::Supported).chain(request.all(Name::Require));
        named.any(|named| named.eq_ignore_ascii_case(wanted))
    };
    let missing: Vec<&str> =
        extensions.iter().filter(|wanted| !supports(wanted)).map(String::as_str).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Refusal::of(421).with("Require", missing.join(", "))),
    }
}

/// §8.2.3: size, then type and coding of what an INVITE brings, then what it wants back.
fn check_body(request: &Message) -> Result<(), Refusal> {
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Refusal::of(413));
    }
    if request.method() != Method::Invite {
        return Ok(());
    }
    let optional = request.first(Name::ContentDisposition).is_some_and(|value| {
        split_type(value).1.value("handling").is_some_and(|h| h.eq_ignore_ascii_case("optional"))
    });
    if !request.body().is_empty() && !optional {
        let coded = |value: &str| !value.eq_ignore_ascii_case("identity");
        if request.all(Name::ContentEncoding).any(coded) {
            return Err(Refusal::of(415)
                .with("Accept", "application/sdp")
                .with("Accept-Encoding", "identity"));
        }
        let Some(content_type) = request.content_type() else {
            return Err(Refusal::because(400, "Missing Content-Type"));
        };
        let is_whole = is_understood(request, split_type(content_type).0);
        if !is_whole || request.insists_on_other_parts(&["application/sdp"]) {
            return Err(Refusal::of(415).with("Accept", "application/sdp"));
        }
    }
    let mut accepted = request.all(Name::Accept).peekable();
    if accepted.peek().is_some() && !accepted.any(|value| accepts_sdp(split_type(value).0)) {
        return Err(Refusal::of(406).with("Accept", "application/sdp"));
    }
    Ok(())
}

/// A session description, or a body of several parts of which one is.
fn is_understood(request: &Message, content_type: &str) -> bool {
    content_type.eq_ignore_ascii_case("application/sdp") || request.sdp().is_some()
}

fn accepts_sdp(range: &str) -> bool {
    ["application/sdp", "application/*", "*/*"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(range))
}

#[cfg(test)]
mod tests {
    use super::{require, validate};
    use crate::Message;

    const INVITE: &str = "INVITE sip:95512@h SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
        From: <sip:a@h>;tag=1\r\n\
        To: <sip:95512@h>\r\n\
        Call-ID: c\r\n\
        CSeq: 1 INVITE\r\n\
        Max-Forwards: 70\r\n\
        Contact: <sip:a@192.0.2.1>\r\n\
        \r\n";

    /// The answer to the INVITE above with one thing changed.
    fn answer(from: &str, to: &str) -> (u16, String) {
        assert!(INVITE.contains(from), "{from}");
        let message = Message::parse(INVITE.replacen(from, to, 1).as_bytes()).unwrap();
        match validate(&message) {
            Ok(()) => (0, String::new()),
            Err(refusal) => {
                let response = refusal.response(&message, "t");
                assert_eq!(response.status(), Some(refusal.status));
                let headers =
                    refusal.headers.iter().map(|(name, value)| format!("{name}: {value}"));
                (refusal.status, headers.collect())
            }
        }
    }

    #[test]
    fn what_is_whole_passes() {
        for (from, to) in [
            ("INVITE", "INVITE"),
            ("Max-Forwards: 70\r\n", ""),
            (";tag=1", ""),
            ("sip:95512@h", "tel:95512"),
            ("\r\n\r\n", "\r\nAccept: text/plain, application/*;q=0.1\r\n\r\n"),
            ("\r\n\r\n", "\r\nRequire: \r\n\r\n"),
            ("\r\n\r\n", "\r\nContent-Type: application/sdp\r\n\r\nv=0"),
            (
                "\r\n\r\n",
                "\r\nc: multipart/mixed;boundary=x\r\n\r\n--x\r\n\
                 Content-Type: application/sdp\r\n\r\nv=0\r\n--x--\r\n",
            ),
            (
                "\r\n\r\n",
                "\r\nContent-Disposition: x;handling=optional\r\nContent-Type: a/b\r\n\r\nv=0",
            ),
        ] {
            assert_eq!(answer(from, to).0, 0, "{to}");
        }
    }

    #[test]
    fn each_broken_rule_has_its_answer() {
        for (from, to, status) in [
            ("SIP/2.0\r\n", "SIP/3.0\r\n", 505),
            (" SIP/2.0\r\n", "\r\n", 400),
            ("INVITE sip", "INVITE  sip", 400),
            ("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n", "", 400),
            ("branch=z9hG4bK1", "branch=z9hG4bK1, ;", 400),
            ("Via: SIP/2.0", "Via: SIP/3.0", 400),
            ("From: <sip:a@h>;tag=1\r\n", "", 400),
            ("From: <sip:a@h>", "From: \"a <sip:a@h>", 400),
            ("To: <sip:95512@h>", "To: <sip:95512@h>\r\nTo: <sip:x@h>", 400),
            ("To: <sip:95512@h>", "To: <sip:95 512@h>", 400),
            ("Call-ID: c\r\n", "", 400),
            ("Call-ID: c", "Call-ID: ", 400),
            ("Call-ID: c", "Call-ID: c\0", 400),
            ("To: <sip:95512@h>", "To: <sip:95512@h\0>", 400),
            ("CSeq: 1 INVITE\r\n", "", 400),
            ("CSeq: 1 INVITE", "CSeq: 1 BYE", 400),
            ("CSeq: 1", "CSeq: 2147483648", 400),
            ("CSeq: 1", "CSeq: x", 400),
            ("Max-Forwards: 70", "Max-Forwards: 0", 483),
            ("Max-Forwards: 70", "Max-Forwards: 256", 400),
            ("Max-Forwards: 70", "Max-Forwards: many", 400),
            ("Contact: <sip:a@192.0.2.1>\r\n", "", 400),
            ("Contact: <sip:a@192.0.2.1>", "Contact: <sip:a@192.0.2.1>, <sip:b@h>", 400),
            ("Contact: <sip:a@192.0.2.1>", "Contact: <sip:a", 400),
            ("sip:95512@h", "soap:95512@h", 416),
            ("sip:95512@h", "<sip:95512@h>", 400),
            ("sip:95512@h", "sip:95512@h?Route=x", 400),
            ("\r\n\r\n", "\r\nFoobar roobar\r\n\r\n", 400),
            ("\r\n\r\n", "\r\n", 400),
            ("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nv", 400),
            ("\r\n\r\n", "\r\nContent-Length: -3\r\n\r\nv=0", 400),
            ("\r\n\r\n", "\r\nContent-Length: 1\r\nl: 3\r\n\r\nv=0", 400),
            ("\r\n\r\n", "\r\nContent-Type: text/plain\r\n\r\nv=0", 415),
            ("\r\n\r\n", "\r\nc: multipart/mixed;boundary=x\r\n\r\nv=0", 415),
            ("\r\n\r\n", "\r\n\r\nv=0", 400),
            (
                "\r\n\r\n",
                "\r\nContent-Type: application/sdp\r\nContent-Encoding: gzip\r\n\r\nv=0",
                415,
            ),
            ("\r\n\r\n", "\r\nAccept: text/plain\r\n\r\n", 406),
        ] {
            assert_eq!(answer(from, to).0, status, "{to}");
        }
    }

    /// RFC 5621 §4, RFC 3261 §20.11.
    #[test]
    fn a_part_that_has_to_be_understood_and_is_not_refuses_the_call() {
        let described = "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n";
        for (disposition, kind, status) in [
            ("Content-Disposition: signal;handling=required\r\n", "mixed", 415),
            ("content-disposition : signal; Handling=\"REQUIRED\"\r\n", "mixed", 415),
            ("Content-Disposition: signal;handling=optional\r\n", "mixed", 0),
            ("Content-Disposition: signal;handling=required\r\n", "alternative", 0),
            ("", "mixed", 0),
        ] {
            let other = format!("--x\r\nContent-Type: application/isup\r\n{disposition}\r\n1\r\n");
            for parts in [format!("{described}{other}"), format!("{other}{described}")] {
                let body = format!("\r\nc: multipart/{kind};boundary=x\r\n\r\n{parts}--x--\r\n");
                let (told, headers) = answer("\r\n\r\n", &body);
                assert_eq!(told, status, "{kind} {disposition}");
                assert_eq!(headers.contains("Accept: application/sdp"), status == 415);
            }
        }
        // What is understood may be insisted on.
        let insists = "\r\nc: multipart/mixed;boundary=x\r\n\r\n--x\r\n\
             Content-Type: application/sdp\r\n\
             Content-Disposition: session;handling=required\r\n\r\nv=0\r\n--x--\r\n";
        assert_eq!(answer("\r\n\r\n", insists).0, 0);
    }

    #[test]
    fn what_is_not_served_is_named() {
        let unsupported = answer("\r\n\r\n", "\r\nRequire: 100rel, x\r\nRequire: y, timer\r\n\r\n");
        assert_eq!(unsupported, (420, "Unsupported: x, y".to_owned()));
        for (method, status) in [("MESSAGE", 405), ("NEWMETHOD", 501)] {
            let text = INVITE.replace("INVITE", method);
            let refusal = validate(&Message::parse(text.as_bytes()).unwrap()).unwrap_err();
            assert_eq!(refusal.status, status);
            assert_eq!(refusal.headers[0].0, "Allow");
        }
        assert_eq!(answer("sip:95512@h", &format!("sip:{}@h", "9".repeat(5000))).0, 414);
        let body = format!("\r\nContent-Type: application/sdp\r\n\r\n{}", "x".repeat(32_769));
        assert_eq!(answer("\r\n\r\n", &body).0, 413);
    }

    #[test]
    fn requests_of_the_older_rfc_may_lack_contact() {
        let text =
            INVITE.replace(";branch=z9hG4bK1", "").replace("Contact: <sip:a@192.0.2.1>\r\n", "");
        assert_eq!(validate(&Message::parse(text.as_bytes()).unwrap()), Ok(()));
    }

    #[test]
    fn who_lacks_an_extension_that_is_required_is_told_which() {
        let wanted = ["100rel".to_owned(), "timer".to_owned()];
        let asked = |more: &str| {
            let text = INVITE.replace("\r\n\r\n", &format!("\r\n{more}\r\n"));
            require(&Message::parse(text.as_bytes()).unwrap(), &wanted)
        };
        let missing = asked("Supported: timer, x\r\n").unwrap_err();
        assert_eq!((missing.status, missing.headers), (421, vec![("Require", "100rel".into())]));
        assert_eq!(asked("k: TIMER\r\nRequire: 100rel\r\n"), Ok(()));
        assert_eq!(asked("").unwrap_err().headers, [("Require", "100rel, timer".to_owned())]);
    }

    #[test]
    fn who_calls_can_be_called_back_by_sip() {
        for contact in ["*", "<tel:+8613800138000>", "<mailto:a@h>"] {
            assert_eq!(answer("<sip:a@192.0.2.1>", contact).0, 400, "{contact}");
        }
        assert_eq!(answer("<sip:a@192.0.2.1>", "<sips:a@192.0.2.1>").0, 0);
    }
}
