//! The configuration file: read, checked, and every fault named with its line, key and remedy.

mod cautions;
mod changes;
mod checks;
mod choices;
mod fault;
mod hours;
mod listeners;
mod messages;
mod outbound;
mod overflow;
mod plans;
mod priority;
mod queue;
mod skills;
mod steps;

pub use changes::differing;
pub use choices::{Callback, First};
pub use fault::{Fault, Faults};
pub use hours::Hours;
pub use listeners::{Listening, Side, SipListener, SipTls};
pub use messages::Message;
pub use outbound::{Outbound, Rule};
pub use plans::Plan;
pub use queue::Queue;
pub(crate) use skills::ACW_LIMIT_MS;
pub use skills::{Missed, MissedTimes};
pub use steps::{Group, Service, TierStep};

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The commented default: also what a key that is not written means.
pub const DEFAULT: &str = include_str!("config/default.toml");

/// All of it. The keys are explained in `engine/config/default.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Config {
    #[serde(default)]
    pub site: Site,
    #[serde(default)]
    pub sip: Sip,
    #[serde(default)]
    pub dns: Dns,
    #[serde(default)]
    pub registrar: Registrar,
    #[serde(default)]
    pub media: Media,
    #[serde(default)]
    pub http: Http,
    #[serde(default)]
    pub ivr: Ivr,
    #[serde(default)]
    pub lookup: Lookup,
    #[serde(default)]
    pub acd: Acd,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default)]
    pub recordings: Recordings,
    #[serde(default)]
    pub retention: Vec<Retention>,
    #[serde(default, rename = "tier")]
    pub tiers: Vec<Tier>,
    #[serde(default)]
    pub hours: Vec<Hours>,
    #[serde(default, rename = "group")]
    pub groups: Vec<Group>,
    #[serde(default, rename = "queue")]
    pub queues: Vec<Queue>,
    #[serde(default, rename = "plan")]
    pub plans: Vec<Plan>,
    #[serde(default, rename = "disposition")]
    pub dispositions: Vec<Disposition>,
    #[serde(default, rename = "trunk")]
    pub trunks: Vec<Trunk>,
    /// The file that it was read from, if one.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($key:ident: $kind:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[expect(missing_docs, reason = "the keys are explained in the commented default")]
        pub struct $name {
            $(pub $key: $kind,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $name {
            /// The keys that have another value there.
            fn differing(&self, other: &Self) -> Vec<&'static str> {
                let mut keys = Vec::new();
                $(if self.$key != other.$key {
                    keys.push(stringify!($key));
                })*
                keys
            }
        }
    };
}

section! {
    /// `[site]`
    Site {
        id: u16 = 1,
        data: PathBuf = "hotline-data".into(),
        database: String = "sqlite".into(),
    }
}

section! {
    /// `[sip]`
    Sip {
        listen: SocketAddr = SocketAddr::from(([0, 0, 0, 0], 5060)),
        advertise: Option<IpAddr> = None,
        realm: String = "hotline".into(),
        domains: Vec<String> = Vec::new(),
        ring_all_phones: bool = true,
        trunk_digest: String = "sha256+md5".into(),
        workers: usize = 1,
        calls_max: usize = 10_000,
        session_expires_s: u32 = 1_800,
        session_min_s: u32 = 90,
        overload_after_ms: u64 = 400,
        ban_after: u32 = 500,
        ban_ms: u64 = 600_000,
        trace_mb: usize = 64,
        ws_origins: Vec<String> = Vec::new(),
        listener: Vec<SipListener> = Vec::new(),
        tls: Option<SipTls> = None,
        hep: Option<Hep> = None,
    }
}

section! {
    /// `[dns]`
    Dns {
        servers: Vec<SocketAddr> = Vec::new(),
        timeout_ms: u64 = 1_000,
        tries: usize = 3,
        cache_entries: usize = 10_000,
        ttl_max_ms: u64 = 3_600_000,
        negative_ttl_max_ms: u64 = 60_000,
        failed_for_ms: u64 = 30_000,
    }
}

section! {
    /// `[registrar]`
    Registrar {
        expires_min_ms: u64 = 60_000,
        expires_default_ms: u64 = 600_000,
        expires_max_ms: u64 = 3_600_000,
        contacts_max: usize = 4,
        phones_max: usize = 100_000,
        probe_interval_ms: u64 = 5_000,
        probe_timeout_ms: u64 = 4_000,
        probe_all: bool = false,
        codecs: Vec<String> = vec!["PCMA".into(), "PCMU".into()],
        srtp: String = "off".into(),
    }
}

/// `[sip.hep]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Hep {
    pub collector: SocketAddr,
    #[serde(default = "capture_id")]
    pub capture_id: u32,
    #[serde(default)]
    pub auth_key: Option<String>,
}

/// Homer's own default for an agent.
const fn capture_id() -> u32 {
    2_001
}

section! {
    /// `[media]`
    Media {
        ports: String = "20000-29999".into(),
        workers: usize = 1,
        tick_us: u64 = 2_000,
        silent_after_ms: u64 = 30_000,
        browsers: bool = true,
    }
}

section! {
    /// `[http]`
    Http {
        listen: SocketAddr = SocketAddr::from(([0, 0, 0, 0], 8080)),
    }
}

section! {
    /// `[ivr]`
    Ivr {
        scripts: Option<PathBuf> = None,
    }
}

section! {
    /// `[lookup]`
    Lookup {
        deadline_ms: u64 = 300,
        cache_capacity: usize = 10_000,
        cache_ttl_ms: u64 = 60_000,
    }
}

section! {
    /// `[acd]`
    Acd {
        ring_timeout_ms: u64 = 20_000,
        unreachable_after_ms: u64 = 5_000,
        acw_ms: u64 = 10_000,
        pop_timeout_ms: u64 = 300,
        announce_every_ms: u64 = 30_000,
        approval: Vec<String> = Vec::new(),
        call_choice: String = "highest_score".into(),
        missed: Missed = Missed::default(),
    }
}

section! {
    /// `[priority]`
    Priority {
        classes: BTreeMap<String, u64> = BTreeMap::new(),
        elderly_age: u8 = 65,
        elderly_ms: u64 = 0,
        open_claim_ms: u64 = 0,
        repeat_within_ms: u64 = 3_600_000,
        repeat_ms: u64 = 0,
        steward_ms: u64 = 0,
        last_agent_within_ms: u64 = 86_400_000,
        last_agent_ms: u64 = 0,
    }
}

section! {
    /// `[recordings]`
    Recordings {
        enabled: bool = true,
        folder: PathBuf = "recordings".into(),
        flush_ms: u64 = 1_000,
        pause_max_ms: u64 = 120_000,
        archive_after_days: u64 = 0,
        key_file: PathBuf = PathBuf::new(),
        key_env: String = String::new(),
    }
}

/// `[[retention]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Retention {
    pub name: String,
    #[serde(default)]
    pub queue: Option<String>,
    #[serde(default)]
    pub disposition: Option<String>,
    #[serde(default)]
    pub keep_years: u16,
    #[serde(default)]
    pub keep_days: u32,
    #[serde(default)]
    pub from: KeepFrom,
}

/// From when on the time of a `[[retention]]` counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepFrom {
    /// From the end of the customer's last policy.
    #[default]
    PolicyEnd,
    /// From the recording's end.
    Recorded,
}

/// `[[tier]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Tier {
    pub level: u8,
    pub permissions: Vec<String>,
}

/// `[[disposition]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Disposition {
    pub code: String,
    pub title: String,
}

/// `[[trunk]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Trunk {
    pub name: String,
    #[serde(default)]
    pub sources: Vec<String>,
    #[serde(default)]
    pub tls_names: Vec<String>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub calls_max: Option<u32>,
    #[serde(default)]
    pub calls_per_s_max: Option<u32>,
    pub brand: String,
    #[serde(default = "mandarin")]
    pub language: String,
    #[serde(default)]
    pub asserts_identity: bool,
    #[serde(default = "a_law_first")]
    pub codecs: Vec<String>,
    #[serde(default = "off")]
    pub srtp: String,
    #[serde(default)]
    pub requires: Vec<String>,
    #[serde(default = "not_found")]
    pub unknown_number: u16,
    #[serde(default)]
    pub numbers: BTreeMap<String, String>,
    #[serde(default)]
    pub outbound: Option<Outbound>,
}

/// As mainland China's carriers do.
fn a_law_first() -> Vec<String> {
    vec!["PCMA".to_owned(), "PCMU".to_owned()]
}

fn off() -> String {
    sdp::SrtpPolicy::Off.name().to_owned()
}

const fn not_found() -> u16 {
    404
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text: for what it was given for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn mandarin() -> String {
    "zh-CN".into()
}

impl Config {
    /// Reads and checks `text`; `file` is only for the faults' places.
    ///
    /// Lists that are not written at all (`tier`, `queue`, `disposition`) are the default's; a file
    /// without a `trunk` is a fault, for nobody could call.
    pub fn parse(file: &Path, text: &str) -> Result<Config, Faults> {
        let mut config = Self::read(file, text)?;
        if config.tiers.is_empty() || config.queues.is_empty() || config.dispositions.is_empty() {
            let default = Self::read(Path::new("default"), DEFAULT)?;
            let Config { tiers, queues, dispositions, .. } = default;
            or(&mut config.tiers, tiers);
            or(&mut config.queues, queues);
            or(&mut config.dispositions, dispositions);
        }
        let faults = checks::check(&config, &fault::Places::new(file, text));
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
    }

    /// Reads and checks the file.
    pub fn load(file: &Path) -> Result<Config, Faults> {
        let mut config = Self::parse(file, &text_of(file)?)?;
        // Wherever the engine is by then, it is the same file that is read again.
        config.file = Some(std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf()));
        Ok(config)
    }

    /// The default, without its example trunk.
    pub fn without_trunks() -> Config {
        let mut config = Self::read(Path::new("default"), DEFAULT)
            .unwrap_or_else(|faults| panic!("the built-in default is broken: {faults}"));
        config.trunks.clear();
        config
    }

    fn read(file: &Path, text: &str) -> Result<Config, Faults> {
        toml::from_str(text)
            .map_err(|error| Faults(vec![fault::Places::new(file, text).of_syntax(&error)]))
    }

    /// A fingerprint of all that is configured, for the record of what ran.
    pub fn sha256(&self) -> String {
        let nameless = Self { file: None, ..self.clone() };
        hex::encode(Sha256::digest(format!("{nameless:?}")))
    }

    /// The RTP ports, first and last.
    pub fn media_ports(&self) -> Option<(u16, u16)> {
        let (first, last) = self.media.ports.split_once('-')?;
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    }

    /// The address that others reach us at: that of the first listener.
    pub fn advertised(&self) -> IpAddr {
        let first = self.sip.listening().into_iter().next();
        first.map_or(self.sip.listen.ip(), |first| first.reached_at())
    }
}

fn text_of(file: &Path) -> Result<String, Faults> {
    std::fs::read_to_string(file).map_err(|error| {
        Faults(vec![Fault {
            file: file.display().to_string(),
            line: 0,
            key: String::new(),
            message: format!("cannot be read: {error}"),
            remedy: "name an existing file; `hotline config` prints one to begin with".into(),
        }])
    })
}

fn or<T>(list: &mut Vec<T>, default: Vec<T>) {
    if list.is_empty() {
        *list = default;
    }
}

#[cfg(test)]
mod tests;
