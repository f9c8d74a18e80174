//! `[trunk.outbound]`: how a line calls out, and what is wrong with that.

use serde::Deserialize;
use sip::digest::Account;
use trunk::{Outward, Pattern, Rewrite, Target};

use super::fault::{Fault, Places};
use super::{Secret, Trunk};

/// The longest that a called party may let it ring: a carrier that says nothing more to an INVITE
/// for three minutes is given up (RFC 3261 §16.6, timer C).
const RING_MAX_MS: u64 = 180_000;

/// `[trunk.outbound]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Outbound {
    pub targets: Vec<String>,
    pub caller_id: String,
    #[serde(default)]
    pub hide_caller_id: bool,
    #[serde(default)]
    pub allowed: Vec<String>,
    #[serde(default)]
    pub emergency: Vec<String>,
    #[serde(default)]
    pub access_code: String,
    #[serde(default)]
    pub rewrites: Vec<Rule>,
    #[serde(default)]
    pub domain: String,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub realm: Option<String>,
    #[serde(default = "a_minute")]
    pub ring_timeout_ms: u64,
    #[serde(default)]
    pub register: bool,
    #[serde(default = "ten_minutes")]
    pub expires_ms: u64,
    #[serde(default = "ten_seconds")]
    pub options_interval_ms: u64,
    #[serde(default = "four_seconds")]
    pub options_timeout_ms: u64,
}

const fn ten_minutes() -> u64 {
    600_000
}

const fn ten_seconds() -> u64 {
    10_000
}

const fn four_seconds() -> u64 {
    4_000
}

const fn a_minute() -> u64 {
    60_000
}

/// One of `rewrites`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Rule {
    #[serde(rename = "match")]
    pub pattern: String,
    #[serde(default)]
    pub strip: usize,
    #[serde(default)]
    pub prefix: String,
}

impl Outbound {
    /// In the call flow's terms.
    ///
    /// # Errors
    /// What [`check`] would have named.
    pub fn outward(&self) -> anyhow::Result<Outward> {
        let account = match (&self.user, &self.password, &self.realm) {
            (Some(user), Some(password), Some(realm)) => Some(Account {
                user: user.clone(),
                password: password.reveal().to_owned(),
                // Whichever realm asks, of the line's own hosts alone.
                realm: (realm != "*").then(|| realm.clone()),
            }),
            (_, _, _) => None,
        };
        let rewrite = |rule: &Rule| -> anyhow::Result<Rewrite> {
            let (pattern, prefix) = (rule.pattern.parse()?, rule.prefix.clone());
            Ok(Rewrite { pattern, strip: rule.strip, prefix })
        };
        Ok(Outward {
            targets: self.targets.iter().map(|one| one.parse()).collect::<Result<_, _>>()?,
            domain: self.domain.clone(),
            allowed: self.allowed.iter().map(|one| one.parse()).collect::<Result<_, _>>()?,
            emergency: self.emergency.clone(),
            access_code: self.access_code.clone(),
            rewrites: self.rewrites.iter().map(rewrite).collect::<Result<_, _>>()?,
            caller_id: self.caller_id.clone(),
            hides_caller_id: self.hide_caller_id,
            account,
            ring_timeout_ms: self.ring_timeout_ms,
            options_interval_ms: self.options_interval_ms,
            options_timeout_ms: self.options_timeout_ms,
            register_s: self
                .register
                .then(|| u32::try_from(self.expires_ms / 1_000))
                .transpose()?,
        })
    }
}

/// What is wrong with the `index`th trunk's way out.
pub(super) fn check(trunk: &Trunk, index: usize, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let Some(outbound) = &trunk.outbound else { return };
    let mut fault = |key: &str, message: String, remedy: &str| {
        faults.push(places.fault("trunk", index, key, message, remedy));
    };
    if outbound.targets.is_empty() {
        fault("targets", "nothing says where calls go".into(), "write targets = [\"192.0.2.10\"]");
    }
    for target in &outbound.targets {
        if let Err(error) = target.parse::<Target>() {
            fault("targets", format!("{target:?}: {error}"), "write targets = [\"192.0.2.10\"]");
        }
    }
    let rules = outbound.rewrites.iter().map(|rule| ("rewrites", &rule.pattern));
    for (key, pattern) in outbound.allowed.iter().map(|one| ("allowed", one)).chain(rules) {
        if let Err(error) = pattern.parse::<Pattern>() {
            fault(key, format!("{pattern:?}: {error}"), "write a pattern such as \"021.\"");
        }
    }
    let dialled = |text: &str| {
        text.len() <= 32 && text.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c))
    };
    let prefixes = outbound.rewrites.iter().map(|rule| ("rewrites", &rule.prefix));
    let emergency = outbound.emergency.iter().map(|one| ("emergency", one));
    let single = [("access_code", &outbound.access_code), ("caller_id", &outbound.caller_id)];
    for (key, text) in emergency.chain(single).chain(prefixes) {
        let may_be_empty = matches!(key, "access_code" | "rewrites");
        if !dialled(text) || (text.is_empty() && !may_be_empty) {
            fault(key, format!("{text:?} is no number"), "write digits alone, such as \"110\"");
        }
    }
    if outbound.domain.contains(|c: char| !(c.is_ascii_alphanumeric() || ".-:[]".contains(c))) {
        let message = format!("{:?} is no host", outbound.domain);
        fault("domain", message, "write domain = \"ims.example.com\"");
    }
    let given = [outbound.user.is_some(), outbound.password.is_some(), outbound.realm.is_some()];
    if given.contains(&true) && given.contains(&false) {
        let remedy = "write all three; the realm is what the carrier's challenges name";
        fault("targets", "`user`, `password` and `realm` go together".into(), remedy);
    }
    if outbound.register && !given.contains(&true) {
        let remedy = "write `user`, `password` and `realm`";
        fault("register", "nothing says as whom it registers".into(), remedy);
    }
    durations(outbound, &mut fault);
}

fn durations(outbound: &Outbound, fault: &mut impl FnMut(&str, String, &str)) {
    let mut within = |key: &str, value: u64, least: u64, most: u64| {
        if !(least..=most).contains(&value) {
            let remedy = format!("give a number from {least} to {most}");
            fault(key, format!("{value} is out of range"), &remedy);
        }
    };
    within("ring_timeout_ms", outbound.ring_timeout_ms, 1_000, RING_MAX_MS);
    within("expires_ms", outbound.expires_ms, 60_000, 86_400_000);
    if outbound.options_interval_ms > 0 {
        within("options_interval_ms", outbound.options_interval_ms, 1_000, 3_600_000);
        within("options_timeout_ms", outbound.options_timeout_ms, 500, 32_000);
    }
}
