//! Streams of browsers: who asks to be let through proves it by ICE (RFC 8839), and the keys of
//! SRTP come by DTLS (RFC 5763, RFC 8842). This side is always reachable, so it is ICE-lite: it
//! names where it is, and answers (RFC 8445 §2.5).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Letters of our ufrag: enough that nobody meets one by chance (RFC 8839 §5.4 asks for 24 bits).
pub const UFRAG_BYTES: usize = 8;

/// Letters of our password: 144 bits (RFC 8839 §5.4 asks for 128).
pub const PASSWORD_BYTES: usize = 24;

/// The most candidates of one stream that are looked at.
pub const MAX_CANDIDATES: usize = 16;

/// The longest ufrag or password that is read, and the longest there may be (RFC 8839 §5.4).
const MAX_ICE_BYTES: usize = 256;
/// The shortest of each.
const MIN_UFRAG_BYTES: usize = 4;
const MIN_PASSWORD_BYTES: usize = 22;

/// The hash function of [`Fingerprint`].
const HASH: &str = "sha-256";
/// Bytes of its hashes.
const HASH_BYTES: usize = 32;

/// Of a host candidate, the highest there is: 126 as the type's preference, 65,535 as the address's
/// (RFC 8445 §5.1.2), for the component of RTP.
const PRIORITY: u32 = (126 << 24) | (65_535 << 8) | 255;

/// What checks of connectivity to us have to name and know (RFC 8445 §5.3). Never shown but in a
/// description that is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ice {
    ufrag: [u8; UFRAG_BYTES],
    password: [u8; PASSWORD_BYTES],
}

impl Ice {
    /// Both are letters, digits, `+` and `/` (RFC 8839 §5.4); others are taken as `0`.
    pub fn new(ufrag: [u8; UFRAG_BYTES], password: [u8; PASSWORD_BYTES]) -> Self {
        let letter = |byte: u8| if is_ice_letter(char::from(byte)) { byte } else { b'0' };
        Self { ufrag: ufrag.map(letter), password: password.map(letter) }
    }

    /// As a description of ours says it.
    fn read(ufrag: &str, password: &str) -> Option<Self> {
        let (ufrag, password) = (ufrag.as_bytes().try_into(), password.as_bytes().try_into());
        Some(Self::new(ufrag.ok()?, password.ok()?))
    }

    /// By which a check says whom it is for.
    pub const fn ufrag(&self) -> &[u8; UFRAG_BYTES] {
        &self.ufrag
    }

    /// What a check, and the answer to it, is authenticated with.
    pub const fn password(&self) -> &[u8; PASSWORD_BYTES] {
        &self.password
    }
}

impl fmt::Debug for Ice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ice({}, …)", text(&self.ufrag))
    }
}

/// The hash of a certificate (RFC 8122 §5), by SHA-256: what every browser uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; HASH_BYTES]);

impl Fingerprint {
    /// Reads the value of `a=fingerprint`. `None` for other hash functions.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (name, digits) = value.split_once(char::is_whitespace)?;
        if !name.eq_ignore_ascii_case(HASH) {
            return None;
        }
        let mut bytes = [0; HASH_BYTES];
        let mut pairs = digits.trim().split(':');
        for byte in &mut bytes {
            let pair = pairs.next().filter(|pair| pair.len() == 2)?;
            // A sign is no digit.
            let is_hex = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            *byte = u8::from_str_radix(pair, 16).ok().filter(|_| is_hex)?;
        }
        pairs.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HASH)?;
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

/// Who begins the DTLS handshake (RFC 4145 §4, RFC 8842 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setup {
    /// Whoever the answer says.
    Actpass,
    /// The writer.
    Active,
    /// The other side.
    Passive,
}

impl Setup {
    const ALL: [Self; 3] = [Self::Actpass, Self::Active, Self::Passive];

    /// Its name in `a=setup`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Actpass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setup| setup.name().eq_ignore_ascii_case(name))
    }
}

/// What a description says of ICE and DTLS: of one stream, or, at its head, of each that says
/// nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceDtls {
    /// `a=ice-ufrag`.
    pub ufrag: Option<String>,
    /// `a=ice-pwd`.
    pub password: Option<Password>,
    /// `a=fingerprint` by SHA-256.
    pub fingerprint: Option<Fingerprint>,
    /// `a=setup`.
    pub setup: Option<Setup>,
}

/// A password of ICE. Never shown but in a description that is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl IceDtls {
    /// Ours, as the one who does this in a handshake.
    pub(crate) fn ours(browser: &Browser, setup: Setup) -> Self {
        Self {
            ufrag: Some(text(&browser.ice.ufrag)),
            password: Some(Password(text(&browser.ice.password))),
            fingerprint: Some(browser.fingerprint),
            setup: Some(setup),
        }
    }

    /// Reads an attribute that is about this. False if it is about something else.
    pub(crate) fn read(&mut self, name: &str, value: &str) -> bool {
        match name {
            "ice-ufrag" => self.ufrag = ice(value, MIN_UFRAG_BYTES),
            "ice-pwd" => self.password = ice(value, MIN_PASSWORD_BYTES).map(Password),
            // One for each of several hash functions may stand there: any of them proves it.
            "fingerprint" => self.fingerprint = self.fingerprint.or(Fingerprint::parse(value)),
            "setup" => self.setup = Setup::from_name(value),
            _ => return false,
        }
        true
    }

    /// The same, completed by what is said at the head.
    pub(crate) fn or(&self, head: &Self) -> Self {
        Self {
            ufrag: self.ufrag.clone().or_else(|| head.ufrag.clone()),
            password: self.password.clone().or_else(|| head.password.clone()),
            fingerprint: self.fingerprint.or(head.fingerprint),
            setup: self.setup.or(head.setup),
        }
    }

    /// Our own credentials, if these are of ours.
    pub(crate) fn credentials(&self) -> Option<Ice> {
        Ice::read(self.ufrag.as_deref()?, &self.password.as_ref()?.0)
    }

    /// Whether all is there that the other side has to say.
    pub(crate) const fn is_whole(&self) -> bool {
        self.ufrag.is_some() && self.password.is_some() && self.fingerprint.is_some()
    }
}

impl fmt::Display for IceDtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ufrag) = &self.ufrag {
            write!(f, "a=ice-ufrag:{ufrag}\r\n")?;
        }
        if let Some(Password(password)) = &self.password {
            write!(f, "a=ice-pwd:{password}\r\n")?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, "a=fingerprint:{fingerprint}\r\n")?;
        }
        if let Some(setup) = self.setup {
            write!(f, "a=setup:{}\r\n", setup.name())?;
        }
        Ok(())
    }
}

/// What this side says to a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Browser {
    /// What its checks have to name and know.
    pub ice: Ice,
    /// Of our certificate.
    pub fingerprint: Fingerprint,
}

/// What was agreed on with a browser, seen from here (RFC 8842 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Association {
    /// What its checks have to name and know.
    pub ice: Ice,
    /// Of its certificate.
    pub fingerprint: Fingerprint,
    /// Whether we begin the handshake.
    pub is_client: bool,
}

/// Reads the value of `a=candidate` (RFC 8839 §5.1). `None` for what has no address of its own
/// host, is not for RTP over UDP, or is a name (mDNS): those are the other side's to try.
pub(crate) fn candidate(value: &str) -> Option<SocketAddr> {
    let mut words = value.split_whitespace();
    let (_foundation, component, transport) = (words.next()?, words.next()?, words.next()?);
    let (_priority, address, port) = (words.next()?, words.next()?, words.next()?);
    let is_host = (words.next()?, words.next()?) == ("typ", "host");
    let is_rtp = component == "1" && transport.eq_ignore_ascii_case("udp");
    let address: IpAddr = address.parse().ok()?;
    (is_host && is_rtp).then_some(SocketAddr::new(address, port.parse().ok()?))
}

/// Writes `a=candidate` of the place with that number.
pub(crate) fn write_candidate(
    f: &mut fmt::Formatter<'_>,
    (number, address): (u32, &SocketAddr),
) -> fmt::Result {
    let (ip, port) = (address.ip(), address.port());
    // A later one is preferred less.
    let priority = PRIORITY - (number << 8);
    write!(f, "a=candidate:{} 1 udp {priority} {ip} {port} typ host\r\n", number + 1)
}

fn ice(value: &str, least: usize) -> Option<String> {
    let fits = (least..=MAX_ICE_BYTES).contains(&value.len());
    (fits && value.chars().all(is_ice_letter)).then(|| value.into())
}

const fn is_ice_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '+' || letter == '/'
}

/// Letters that were checked.
fn text(letters: &[u8]) -> String {
    letters.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:\
                       4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF";

    #[test]
    fn rfc_8122_section_5_a_fingerprint_is_read_and_written() {
        let fingerprint = Fingerprint::parse(&format!("sha-256 {HEX}")).unwrap();
        assert_eq!(fingerprint.0[..3], [0x4a, 0xad, 0xb9]);
        assert_eq!(fingerprint.to_string(), format!("sha-256 {HEX}"));
        let small = format!("SHA-256  {}", HEX.to_lowercase());
        assert_eq!(Fingerprint::parse(&small), Some(fingerprint));
        for other in [
            String::new(),
            "sha-256".into(),
            format!("sha-1 {HEX}"),
            format!("sha-256 {}", &HEX[3..]),
            format!("sha-256 {HEX}:00"),
            format!("sha-256 {}", HEX.replace("4A", "+A")),
            format!("sha-256 {}", HEX.replace("4A:", "4A")),
        ] {
            assert_eq!(Fingerprint::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn rfc_8839_section_5_a_candidate_is_read_and_written() {
        struct Written(SocketAddr);
        impl fmt::Display for Written {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_candidate(f, (0, &self.0))
            }
        }
        for place in ["192.0.2.1:20000", "[2001:db8::1]:20000"] {
            let place: SocketAddr = place.parse().unwrap();
            let line = Written(place).to_string();
            let value = line.strip_prefix("a=candidate:").unwrap();
            assert!(value.starts_with("1 1 udp 2130706431 "), "{line}");
            assert_eq!(candidate(value), Some(place));
        }
        for other in [
            "",
            "1 1 udp 2122260223 192.0.2.1 61665",
            "1 2 udp 2122260223 192.0.2.1 61666 typ host",
            "1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
            "1 1 udp 1686052607 203.0.113.9 61665 typ srflx raddr 0.0.0.0 rport 0",
            "1 1 udp 2122260223 4f8f7a3e-0b6f-4f4e-9a3e.local 61665 typ host",
            "1 1 udp 2122260223 192.0.2.1 99999 typ host",
        ] {
            assert_eq!(candidate(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_too_short_too_long_or_of_other_letters_is_no_credential() {
        let long = "a".repeat(MAX_ICE_BYTES + 1);
        for (name, bad) in [
            ("ice-ufrag", "abc"),
            ("ice-ufrag", long.as_str()),
            ("ice-ufrag", "ab cd"),
            ("ice-ufrag", "ab:cd"),
            ("ice-pwd", "123456789012345678901"),
            ("ice-pwd", long.as_str()),
        ] {
            let mut read = IceDtls::default();
            assert!(read.read(name, bad));
            assert_eq!(read, IceDtls::default(), "{name} {bad}");
        }
        assert!(!IceDtls::default().read("ice-options", "trickle"));
    }

    #[test]
    fn no_password_is_shown() {
        let ice = Ice::new(*b"ufragAB/", *b"secret-cret+cretsecretse");
        assert_eq!(ice.password()[6], b'0', "what may not stand in a description is replaced");
        let browser = Browser { ice, fingerprint: Fingerprint([1; 32]) };
        let said = IceDtls::ours(&browser, Setup::Actpass);
        assert_eq!(said.credentials(), Some(ice));
        let shown = format!("{ice:?} {browser:?} {said:?}");
        assert!(shown.contains("ufragAB/") && !shown.contains("secret"), "{shown}");
    }
}
