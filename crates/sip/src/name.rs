//! Header names: the known ones as an enum, their compact forms, and which hold lists
//! (RFC 3261 §7.3 and §20; the IANA registry of header fields).

/// What kind of value a header holds, as far as splitting it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One value a line.
    Single,
    /// Values separated by commas, on one line or several (RFC 3261 §7.3.1).
    List,
}

macro_rules! names {
    ($($name:ident $text:literal $compact:literal $shape:ident)*) => {
        /// A header's name. Names are compared without regard to case.
        #[allow(missing_docs)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = $text] $name,)*
            /// A header that this engine has no use for; it is found by its text.
            Other,
        }

        impl Name {
            /// The header's usual spelling; empty for [`Name::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Name::$name => $text,)*
                    Name::Other => "",
                }
            }

            const fn shape(self) -> Shape {
                match self {
                    $(Name::$name => Shape::$shape,)*
                    Name::Other => Shape::Single,
                }
            }

            const ALL: &'static [(Name, &'static str, u8)] = &[$((Name::$name, $text, $compact)),*];
        }
    };
}

names! {
    Via "Via" b'v' List
    From "From" b'f' Single
    To "To" b't' Single
    CallId "Call-ID" b'i' Single
    CSeq "CSeq" 0 Single
    Contact "Contact" b'm' List
    MaxForwards "Max-Forwards" 0 Single
    ContentLength "Content-Length" b'l' Single
    ContentType "Content-Type" b'c' Single
    ContentEncoding "Content-Encoding" b'e' List
    ContentDisposition "Content-Disposition" 0 Single
    Route "Route" 0 List
    RecordRoute "Record-Route" 0 List
    Allow "Allow" 0 List
    Supported "Supported" b'k' List
    Require "Require" 0 List
    ProxyRequire "Proxy-Require" 0 List
    Unsupported "Unsupported" 0 List
    Accept "Accept" 0 List
    Authorization "Authorization" 0 Single
    ProxyAuthorization "Proxy-Authorization" 0 Single
    WwwAuthenticate "WWW-Authenticate" 0 Single
    ProxyAuthenticate "Proxy-Authenticate" 0 Single
    Expires "Expires" 0 Single
    MinExpires "Min-Expires" 0 Single
    UserAgent "User-Agent" 0 Single
    Server "Server" 0 Single
    Subject "Subject" b's' Single
    Date "Date" 0 Single
    Timestamp "Timestamp" 0 Single
    RetryAfter "Retry-After" 0 Single
    Warning "Warning" 0 List
    Reason "Reason" 0 List
    Path "Path" 0 List
    PAssertedIdentity "P-Asserted-Identity" 0 List
    PPreferredIdentity "P-Preferred-Identity" 0 List
    Privacy "Privacy" 0 Single
    Diversion "Diversion" 0 List
    HistoryInfo "History-Info" 0 List
    ReferTo "Refer-To" b'r' Single
    ReferredBy "Referred-By" b'b' Single
    Replaces "Replaces" 0 Single
    Event "Event" b'o' Single
    AllowEvents "Allow-Events" b'u' List
    SessionExpires "Session-Expires" b'x' Single
    MinSe "Min-SE" 0 Single
    RSeq "RSeq" 0 Single
    RAck "RAck" 0 Single
    AlertInfo "Alert-Info" 0 List
    CallInfo "Call-Info" 0 List
}

impl Name {
    /// The header of that name, written in full or in its compact form (RFC 3261 §7.3.3).
    pub fn from_text(text: &str) -> Name {
        Self::from_bytes(text.as_bytes())
    }

    pub(crate) fn from_bytes(text: &[u8]) -> Name {
        if let [letter] = text {
            let compact = |(_, _, known): &&(Name, &str, u8)| *known == letter.to_ascii_lowercase();
            return Self::ALL.iter().find(compact).map_or(Name::Other, |(name, _, _)| *name);
        }
        let known = text.first().zip(text.last()).and_then(|(first, last)| {
            let (name, known) = *BY_SHAPE.get(place(text.len(), *first, *last))?;
            is_same(known.as_bytes(), text).then_some(name)
        });
        known.unwrap_or(Name::Other)
    }

    /// Whether several values may stand on one line, separated by commas.
    pub const fn is_list(self) -> bool {
        match self.shape() {
            Shape::List => true,
            Shape::Single => false,
        }
    }
}

/// Whether a name is the known one. Nearly all write it as the RFC does.
fn is_same(known: &[u8], text: &[u8]) -> bool {
    known == text || known.eq_ignore_ascii_case(text)
}

/// How many places there are for names: as many as it takes that no two known ones share one.
const PLACES: usize = 128;

/// Where a name is, by its length, its first letter and its last one, which tell all known ones
/// apart. Small and capital letters are the same here; the factors were found by trying.
const fn place(length: usize, first: u8, last: u8) -> usize {
    let (first, last) = ((first | 0x20) as usize, (last | 0x20) as usize);
    (length * 3 + first * 35 + last * 3) % PLACES
}

/// Each known name in its place.
static BY_SHAPE: [(Name, &str); PLACES] = by_shape();

const fn by_shape() -> [(Name, &'static str); PLACES] {
    let mut places = [(Name::Other, ""); PLACES];
    let mut at = 0;
    while at < Name::ALL.len() {
        let (name, text, _) = Name::ALL[at];
        let bytes = text.as_bytes();
        let place = place(bytes.len(), bytes[0], bytes[bytes.len() - 1]);
        assert!(places[place].1.is_empty(), "two names share a place: find other factors");
        places[place] = (name, text);
        at += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_known_in_any_case_and_in_compact_form() {
        for (text, name) in [
            ("via", Name::Via),
            ("V", Name::Via),
            ("cALL-iD", Name::CallId),
            ("i", Name::CallId),
            ("m", Name::Contact),
            ("x", Name::SessionExpires),
            ("X-Anything", Name::Other),
            ("", Name::Other),
            ("z", Name::Other),
            // As long as a known one, with its first and its last letter.
            ("Frim", Name::Other),
            ("Call\rID", Name::Other),
            ("contact ", Name::Other),
        ] {
            assert_eq!(Name::from_text(text), name, "{text}");
        }
    }

    #[test]
    fn every_name_is_found_by_its_own_text() {
        for (name, text, _) in Name::ALL {
            assert_eq!(Name::from_text(text), *name);
            assert_eq!(name.as_str(), *text);
        }
    }
}
