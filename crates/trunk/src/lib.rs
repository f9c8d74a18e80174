//! Which carrier or branch sent an INVITE, and what the dialled number means.
//!
//! A trunk is known by its source addresses, or by the user of its digest credentials. What it may
//! dial is a list of numbers, each with a destination; everything else is refused with the status
//! that RFC 3261 §21.4 names for it. How much it may bring is limited.

mod cidr;
mod health;
mod load;
mod number;
mod outward;
mod pattern;

pub use cidr::{Cidr, ParseCidrError};
pub use health::{Health, HealthOutput, HealthView, Peer};
pub use load::{Limits, Loads, TrunkFigures};
pub use number::normalise;
pub use outward::{NoWay, Outward, ParseTargetError, Rewrite, Target, Way};
pub use pattern::{ParsePatternError, Pattern};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use model::{QueueId, TrunkId};
use sdp::{Codec, SrtpPolicy};

/// Where calls to a number go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To the menu of that name.
    Script(String),
    /// Straight into a queue.
    Queue(QueueId),
}

/// A carrier's or branch's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// Its name.
    pub id: TrunkId,
    /// The addresses that its INVITEs come from.
    pub sources: Vec<Cidr>,
    /// The user that it answers a challenge as, from wherever: for a line without an address of
    /// its own.
    pub user: Option<String>,
    /// The names that its certificate proves (RFC 5922): for a line that is known by TLS.
    pub tls_names: Vec<String>,
    /// The numbers that may be dialled over it.
    pub numbers: BTreeMap<String, Destination>,
    /// How much it may bring.
    pub limits: Limits,
    /// Whether its P-Asserted-Identity is believed (RFC 3325 §9).
    pub asserts_identity: bool,
    /// The brand that its callers hear, such as `95512`.
    pub brand: String,
    /// The language that its callers hear, as RFC 5646 writes it (`zh-CN`).
    pub language: String,
    /// The codecs that are spoken on it, the preferred one first.
    pub codecs: Vec<Codec>,
    /// Whether the voice on it is protected (SRTP).
    pub srtp: SrtpPolicy,
    /// The extensions that its INVITEs must support (421, RFC 3261 §21.4.15).
    pub requires: Vec<String>,
    /// What an INVITE to a number that the line may not dial is answered with.
    pub unknown_number: u16,
    /// How it calls out, if it does.
    pub outward: Option<Outward>,
}

impl Trunk {
    /// What becomes of an INVITE over this line to `dialled` (the user part of its Request-URI).
    ///
    /// # Errors
    /// The line may not dial that number.
    pub fn arrival(&self, dialled: &str) -> Result<Arrival<'_>, Refusal> {
        let known = self.numbers.get_key_value(&normalise(dialled));
        let unknown = Refusal::UnknownNumber { status: self.unknown_number };
        let (number, destination) = known.ok_or(unknown)?;
        Ok(Arrival { trunk: self, number, destination })
    }
}

/// Why an INVITE is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No trunk sends from that address.
    UnknownSource,
    /// The trunk may not dial that number, or nobody has it.
    UnknownNumber {
        /// What its carrier is told: 404 sends the call elsewhere, 403 and 604 nowhere.
        status: u16,
    },
    /// It has as many calls as it may have.
    TooManyCalls,
    /// It brings calls faster than it may.
    TooFast,
}

impl Refusal {
    /// The final response's status code.
    pub const fn status(self) -> u16 {
        match self {
            Self::UnknownSource => 403,
            Self::UnknownNumber { status } => status,
            Self::TooManyCalls | Self::TooFast => 503,
        }
    }

    /// After how many seconds the same INVITE may be taken (RFC 3261 §20.33).
    pub const fn retry_after_s(self) -> Option<u32> {
        match self {
            Self::UnknownSource | Self::UnknownNumber { .. } => None,
            // When a call will end nobody knows.
            Self::TooManyCalls => Some(5),
            Self::TooFast => Some(1),
        }
    }
}

/// An INVITE that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// The line it came over.
    pub trunk: &'a Trunk,
    /// The dialled number, normalised, as configured.
    pub number: &'a str,
    /// Where it goes.
    pub destination: &'a Destination,
}

/// All trunks, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub struct Trunks(Vec<Arc<Trunk>>);

impl Trunks {
    /// The first trunk of the list that has the source wins.
    pub fn new(trunks: Vec<Trunk>) -> Self {
        Self(trunks.into_iter().map(Arc::new).collect())
    }

    /// The trunk that sends from `source`.
    pub fn by_source(&self, source: IpAddr) -> Option<&Arc<Trunk>> {
        self.0.iter().find(|trunk| trunk.sources.iter().any(|cidr| cidr.contains(source)))
    }

    /// The trunk of that name.
    pub fn by_id(&self, id: &TrunkId) -> Option<&Arc<Trunk>> {
        self.0.iter().find(|trunk| trunk.id == *id)
    }

    /// The trunk that answers challenges as `user`.
    pub fn by_user(&self, user: &str) -> Option<&Arc<Trunk>> {
        self.0.iter().find(|trunk| trunk.user.as_deref() == Some(user))
    }

    /// The trunk that has one of the names that a certificate proved, whatever their case. A name
    /// stands for itself alone: a wildcard in a certificate opens no line (RFC 5922 §7.2).
    pub fn by_tls_name(&self, proved: &[String]) -> Option<&Arc<Trunk>> {
        let has = |name: &String| proved.iter().any(|one| one.eq_ignore_ascii_case(name));
        self.0.iter().find(|trunk| trunk.tls_names.iter().any(has))
    }

    /// Whether any trunk is known by its credentials.
    pub fn challenges(&self) -> bool {
        self.0.iter().any(|trunk| trunk.user.is_some())
    }

    /// What becomes of an INVITE from `source` to `dialled` (the user part of its Request-URI).
    ///
    /// # Errors
    /// No trunk has the source, or the trunk not the number.
    pub fn identify(&self, source: IpAddr, dialled: &str) -> Result<Arrival<'_>, Refusal> {
        self.by_source(source).ok_or(Refusal::UnknownSource)?.arrival(dialled)
    }

    /// Every trunk, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Trunk>> {
        self.0.iter()
    }
}

/// A line that brings and takes nothing.
#[cfg(test)]
fn trunk_for_tests(id: &str) -> Trunk {
    Trunk {
        id: id.into(),
        sources: Vec::new(),
        user: None,
        tls_names: Vec::new(),
        numbers: BTreeMap::new(),
        limits: Limits::default(),
        asserts_identity: false,
        brand: "95512".to_owned(),
        language: "zh-CN".to_owned(),
        codecs: vec![Codec::Pcma],
        srtp: SrtpPolicy::Off,
        requires: Vec::new(),
        unknown_number: 404,
        outward: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunks() -> Trunks {
        let trunk = |id: &str, source: &str, number: &str| Trunk {
            sources: vec![source.parse().expect("a network")],
            user: (id == "branch").then(|| "branch-7".to_owned()),
            numbers: BTreeMap::from([(number.to_owned(), Destination::Queue("general".into()))]),
            ..trunk_for_tests(id)
        };
        Trunks::new(vec![
            trunk("branch", "10.0.0.0/24", "95500"),
            trunk("carrier", "10.0.0.0/8", "95512"),
        ])
    }

    fn identify(source: &str, dialled: &str) -> Result<String, u16> {
        let trunks = trunks();
        let arrival = trunks.identify(source.parse().expect("an address"), dialled);
        arrival.map(|arrival| arrival.trunk.id.to_string()).map_err(Refusal::status)
    }

    #[test]
    fn the_first_trunk_with_the_source_decides() {
        assert_eq!(identify("10.0.0.7", "95500"), Ok("branch".to_owned()));
        assert_eq!(identify("10.0.0.7", "95512"), Err(404));
        assert_eq!(identify("10.9.0.7", "95512"), Ok("carrier".to_owned()));
    }

    #[test]
    fn a_line_without_an_address_is_known_by_its_user() {
        let trunks = trunks();
        assert!(trunks.challenges());
        let branch = trunks.by_user("branch-7").expect("it is there");
        assert_eq!(branch.arrival("95500").map(|arrival| arrival.number), Ok("95500"));
        assert_eq!(branch.arrival("95512"), Err(Refusal::UnknownNumber { status: 404 }));
        assert_eq!(trunks.by_user("carrier"), None);
        assert!(!Trunks::default().challenges());
    }

    #[test]
    fn a_line_is_known_by_the_name_that_its_certificate_proves() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let line = Trunk { tls_names: names(&["SBC.ims.example.com"]), ..trunk_for_tests("ims") };
        let trunks = Trunks::new(vec![trunk_for_tests("other"), line]);
        let by = |proved: &[&str]| {
            let proved: Vec<String> = names(proved);
            trunks.by_tls_name(&proved).map(|trunk| trunk.id.to_string())
        };
        assert_eq!(by(&["x.example.com", "sbc.ims.example.com"]), Some("ims".to_owned()));
        assert_eq!(by(&["*.ims.example.com"]), None);
        assert_eq!(by(&["sbc.ims.example.com.evil"]), None);
        assert_eq!(by(&[]), None);
    }

    #[test]
    fn only_who_may_come_back_soon_is_told_when() {
        for refusal in [Refusal::TooManyCalls, Refusal::TooFast] {
            assert_eq!(refusal.status(), 503);
            assert!(refusal.retry_after_s().is_some());
        }
        assert_eq!(Refusal::UnknownSource.retry_after_s(), None);
        assert_eq!(Refusal::UnknownNumber { status: 404 }.retry_after_s(), None);
    }

    #[test]
    fn a_strange_source_is_forbidden_whatever_it_dials() {
        assert_eq!(identify("192.0.2.1", "95512"), Err(403));
    }

    #[test]
    fn separators_in_a_number_do_not_matter() {
        assert_eq!(identify("10.9.0.7", "955-12"), Ok("carrier".to_owned()));
        assert_eq!(identify("10.9.0.7", "+86 955 12"), Ok("carrier".to_owned()));
        assert_eq!(identify("10.9.0.7", ""), Err(404));
    }
}
