//! What a configuration must satisfy beyond its syntax.

use std::collections::BTreeSet;

use model::{NotReadyReason, Permission};
use trunk::Cidr;

use super::fault::{Fault, Places};
use super::{
    Config, Queue, Trunk, choices, hours, listeners, messages, outbound, overflow, plans, priority,
    skills, steps,
};

const SITE_MAX: u16 = 1023;
const WORKERS_MAX: usize = 64;
/// A day.
const SESSION_MAX_S: u32 = 86_400;

/// Reasons that somebody has to approve of are ones that agents choose.
fn approval(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let chosen =
        |name: &str| NotReadyReason::from_name(name).is_some_and(NotReadyReason::is_agents_choice);
    for name in config.acd.approval.iter().filter(|name| !chosen(name)) {
        let message = format!("{name:?} is no reason that agents choose");
        let reasons = NotReadyReason::ALL.into_iter().filter(|reason| reason.is_agents_choice());
        let reasons: Vec<&str> = reasons.map(NotReadyReason::as_str).collect();
        let remedy = format!("choose among {}", reasons.join(", "));
        faults.push(places.fault("acd", 0, "approval", message, &remedy));
    }
}

pub(super) fn check(config: &Config, places: &Places<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    numbers(config, places, &mut faults);
    sip(config, places, &mut faults);
    listeners::check(config, places, &mut faults);
    hep(config, places, &mut faults);
    ports(config, places, &mut faults);
    recording_keys(config, places, &mut faults);
    retention(config, places, &mut faults);
    tiers(config, places, &mut faults);
    queues(config, places, &mut faults);
    hours::check(config, places, &mut faults);
    approval(config, places, &mut faults);
    overflow::check(config, places, &mut faults);
    choices::check(config, places, &mut faults);
    messages::check(config, places, &mut faults);
    plans::check(config, places, &mut faults);
    priority::check(config, places, &mut faults);
    skills::check(config, places, &mut faults);
    steps::check(config, places, &mut faults);
    trunks(config, places, &mut faults);
    faults
}

fn numbers(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let mut within = |section: &str, key: &str, value: u64, least: u64, most: u64| {
        if !(least..=most).contains(&value) {
            let message = format!("{value} is out of range");
            let remedy = format!("give a number from {least} to {most}");
            faults.push(places.fault(section, 0, key, message, remedy));
        }
    };
    let count = |value: usize| value as u64;
    within("site", "id", u64::from(config.site.id), 0, u64::from(SITE_MAX));
    within("sip", "workers", count(config.sip.workers), 1, count(WORKERS_MAX));
    within("sip", "overload_after_ms", config.sip.overload_after_ms, 50, 10_000);
    within("sip", "ban_after", u64::from(config.sip.ban_after), 10, 1_000_000);
    within("sip", "ban_ms", config.sip.ban_ms, 0, 86_400_000);
    within("sip", "calls_max", count(config.sip.calls_max), 1, 1_000_000);
    within("sip", "trace_mb", count(config.sip.trace_mb), 0, 65_536);
    let dns = &config.dns;
    within("dns", "timeout_ms", dns.timeout_ms, 50, 10_000);
    within("dns", "tries", count(dns.tries), 1, 10);
    within("dns", "cache_entries", count(dns.cache_entries), 0, 1_000_000);
    within("dns", "ttl_max_ms", dns.ttl_max_ms, 0, 86_400_000);
    within("dns", "negative_ttl_max_ms", dns.negative_ttl_max_ms, 0, 10_800_000);
    within("dns", "failed_for_ms", dns.failed_for_ms, 0, 3_600_000);
    let registrar = &config.registrar;
    let most = registrar.expires_max_ms.min(604_800_000);
    within("registrar", "expires_max_ms", registrar.expires_max_ms, 1_000, 604_800_000);
    within("registrar", "expires_min_ms", registrar.expires_min_ms, 1_000, most.max(1_000));
    let least = registrar.expires_min_ms.min(most).max(1_000);
    let default_ms = registrar.expires_default_ms;
    within("registrar", "expires_default_ms", default_ms, least, most.max(least));
    within("registrar", "contacts_max", count(registrar.contacts_max), 1, 100);
    within("registrar", "phones_max", count(registrar.phones_max), 1, 1_000_000);
    if registrar.probe_interval_ms > 0 {
        within("registrar", "probe_interval_ms", registrar.probe_interval_ms, 1_000, 3_600_000);
        within("registrar", "probe_timeout_ms", registrar.probe_timeout_ms, 500, 32_000);
    }
    within("media", "workers", count(config.media.workers), 1, count(WORKERS_MAX));
    within("media", "tick_us", config.media.tick_us, 500, 10_000);
    within("media", "silent_after_ms", config.media.silent_after_ms, 1_000, 86_400_000);
    // A stop waits five seconds for the last recordings to be sealed.
    within("recordings", "flush_ms", config.recordings.flush_ms, 100, 3_000);
    let days = config.recordings.archive_after_days;
    within("recordings", "archive_after_days", days, 0, 36_600);
    within("recordings", "pause_max_ms", config.recordings.pause_max_ms, 1_000, 3_600_000);
    within("lookup", "deadline_ms", config.lookup.deadline_ms, 1, 10_000);
    within("lookup", "cache_ttl_ms", config.lookup.cache_ttl_ms, 0, 86_400_000);
    within("lookup", "cache_capacity", count(config.lookup.cache_capacity), 0, 10_000_000);
    within("acd", "ring_timeout_ms", config.acd.ring_timeout_ms, 1_000, 180_000);
    within("acd", "unreachable_after_ms", config.acd.unreachable_after_ms, 500, 32_000);
    within("acd", "acw_ms", config.acd.acw_ms, 0, 3_600_000);
    within("acd", "pop_timeout_ms", config.acd.pop_timeout_ms, 0, 10_000);
    within("acd", "announce_every_ms", config.acd.announce_every_ms, 5_000, 3_600_000);
}

fn sip(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    if config.sip.listener.is_empty() && config.advertised().is_unspecified() {
        let message = format!("{} is no address that others can reach", config.sip.listen.ip());
        let remedy = "give `advertise` this host's address, or `listen` on one";
        faults.push(places.fault("sip", 0, "advertise", message, remedy));
    }
    let (expires_s, min_s) = (config.sip.session_expires_s, config.sip.session_min_s);
    let least = u32::min(expires_s, SESSION_MAX_S).max(call::MIN_SE_S);
    if expires_s != 0 && !(call::MIN_SE_S..=SESSION_MAX_S).contains(&expires_s) {
        let message = format!("{expires_s} is out of range");
        let remedy = format!("give 0, or a number from {} to {SESSION_MAX_S}", call::MIN_SE_S);
        faults.push(places.fault("sip", 0, "session_expires_s", message, remedy));
    } else if !(call::MIN_SE_S..=least).contains(&min_s) {
        let message = format!("{min_s} is out of range");
        let remedy = format!("give a number from {} to {least}", call::MIN_SE_S);
        faults.push(places.fault("sip", 0, "session_min_s", message, remedy));
    }
    if config.sip.realm.is_empty() || config.sip.realm.contains(['"', '\\', '\r', '\n']) {
        let message = "a realm is a text without quotes, backslashes or line breaks";
        faults.push(places.fault("sip", 0, "realm", message, "write realm = \"hotline\""));
    }
    if store::DigestAlgorithms::from_name(&config.sip.trunk_digest).is_none() {
        let message = format!("{:?} is no choice of algorithms", config.sip.trunk_digest);
        let remedy = "write \"sha256+md5\", \"sha256\" or \"md5\"";
        faults.push(places.fault("sip", 0, "trunk_digest", message, remedy));
    }
    let is_host = |domain: &&String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        !domain.is_empty() && domain.chars().all(allowed)
    };
    if let Some(domain) = config.sip.domains.iter().find(|domain| !is_host(domain)) {
        let message = format!("{domain:?} is no host");
        let remedy = "write domains = [\"desk.example.com\"]";
        faults.push(places.fault("sip", 0, "domains", message, remedy));
    }
}

fn hep(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let Some(hep) = &config.sip.hep else { return };
    if hep.collector.port() == 0 || hep.collector.ip().is_unspecified() {
        let message = format!("{} is no address that can be sent to", hep.collector);
        let remedy = "write collector = \"192.0.2.20:9060\", with the collector's address and port";
        faults.push(places.fault("sip.hep", 0, "collector", message, remedy));
    }
}

fn ports(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    codecs(&config.registrar.codecs, ("registrar", 0), places, faults);
    srtp(&config.registrar.srtp, ("registrar", 0), places, faults);
    let enough = |(first, last): (u16, u16)| first >= 1024 && last > first;
    if !config.media_ports().is_some_and(enough) {
        let message = format!("{:?} is no range of ports", config.media.ports);
        let remedy = "write the first and the last port, as in ports = \"20000-29999\"";
        faults.push(places.fault("media", 0, "ports", message, remedy));
    }
}

/// The longest name of a `[[retention]]`, in bytes.
const RULE_NAME_MAX: usize = 64;

fn retention(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    for (nth, rule) in config.retention.iter().enumerate() {
        let mut fault = |key: &str, message: String, remedy: &str| {
            faults.push(places.fault("retention", nth, key, message, remedy));
        };
        let is_name = (1..=RULE_NAME_MAX).contains(&rule.name.len());
        if !is_name || rule.name.contains(char::is_control) || nth >= recording::RULES_MAX {
            let message = format!(
                "a rule has a name of 1 to {RULE_NAME_MAX} bytes, and there are at most {}",
                recording::RULES_MAX
            );
            fault("name", message, "name it after what it keeps: certificates tell it");
        }
        if rule.keep_years > recording::YEARS_MAX || rule.keep_days > recording::DAYS_MAX {
            let message = format!("{} years and {} days", rule.keep_years, rule.keep_days);
            fault("keep_years", message, "keep for 100 years at most");
        }
        if rule.keep_years == 0 && rule.keep_days == 0 {
            fault("keep_years", "it keeps nothing".to_owned(), "give `keep_years` or `keep_days`");
        }
        let is_queue = |name: &String| config.queues.iter().any(|queue| queue.name == *name);
        if let Some(name) = rule.queue.as_ref().filter(|name| !is_queue(name)) {
            fault("queue", format!("there is no queue '{name}'"), "name one of the queues");
        }
        let is_code = |code: &String| config.dispositions.iter().any(|known| known.code == *code);
        if let Some(code) = rule.disposition.as_ref().filter(|code| !is_code(code)) {
            fault("disposition", format!("there is no '{code}'"), "name one of the dispositions");
        }
    }
}

fn recording_keys(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let recordings = &config.recordings;
    if !recordings.key_file.as_os_str().is_empty() && !recordings.key_env.is_empty() {
        let message = "master keys come from one place, and `key_file` names another";
        let remedy = "keep one of `key_file` and `key_env`, with all keys in it";
        faults.push(places.fault("recordings", 0, "key_env", message, remedy));
    }
}

fn tiers(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let mut below: Option<(u8, BTreeSet<&str>)> = None;
    for (index, tier) in config.tiers.iter().enumerate() {
        let held: BTreeSet<&str> = tier.permissions.iter().map(String::as_str).collect();
        for unknown in held.iter().filter(|name| Permission::from_name(name).is_none()) {
            let known: Vec<&str> = Permission::ALL.iter().map(|known| known.as_str()).collect();
            let message = format!("there is no permission {unknown:?}");
            let remedy = format!("choose among {}", known.join(", "));
            faults.push(places.fault("tier", index, "permissions", message, remedy));
        }
        if let Some((level, lower)) = &below {
            if tier.level <= *level {
                let message = format!("tier {} follows tier {level}", tier.level);
                faults.push(places.fault("tier", index, "level", message, "list tiers upwards"));
            }
            let lost: Vec<&str> = lower.difference(&held).copied().collect();
            if !lost.is_empty() {
                let message = format!("tier {} lacks what tier {level} holds", tier.level);
                let remedy = format!("add {}", lost.join(", "));
                faults.push(places.fault("tier", index, "permissions", message, remedy));
            }
        }
        below = Some((tier.level, held));
    }
}

/// What is wrong with how many agents a queue rings at once.
fn ringing(queue: &Queue, fault: &mut impl FnMut(&'static str, String)) {
    let numbers = [("ring_at_once", queue.ring().at_once), ("ring_add", queue.ring_add)];
    for (key, count) in numbers {
        if !(1..=acd::MAX_RINGING).contains(&count) {
            fault(key, format!("{count} agents cannot be rung"));
        }
    }
    if queue.ring_add_after_ms < acd::MIN_RING_ADD_MS {
        fault("ring_add_after_ms", format!("{} ms is too soon", queue.ring_add_after_ms));
    }
}

fn queues(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    let mut names = BTreeSet::new();
    for (index, queue) in config.queues.iter().enumerate() {
        if !names.insert(&queue.name) {
            let message = format!("there are two queues {:?}", queue.name);
            faults.push(places.fault("queue", index, "name", message, "rename one"));
        }
        if acd::Strategy::from_name(&queue.strategy).is_none() {
            let message = format!("there is no strategy {:?}", queue.strategy);
            let remedy = "write strategy = \"longest_idle\"";
            faults.push(places.fault("queue", index, "strategy", message, remedy));
        }
        ringing(queue, &mut |key, message| {
            let remedy = match key {
                "ring_add_after_ms" => format!("write {} or more", acd::MIN_RING_ADD_MS),
                _ => format!("write 1 to {}", acd::MAX_RINGING),
            };
            faults.push(places.fault("queue", index, key, message, &remedy));
        });
        if queue.head_start_ms > acd::MAX_HEAD_START_MS {
            let message = format!("{} is more than an hour", queue.head_start_ms);
            let remedy = "write 3600000 or less";
            faults.push(places.fault("queue", index, "head_start_ms", message, remedy));
        }
        if let Some(short) = queue.objective_ms.filter(|&ms| ms < acd::MIN_OBJECTIVE_MS) {
            let message = format!("{short} is less than a second");
            let remedy = "write 1000 or more";
            faults.push(places.fault("queue", index, "objective_ms", message, remedy));
        }
    }
}

fn trunks(config: &Config, places: &Places<'_>, faults: &mut Vec<Fault>) {
    if config.trunks.is_empty() {
        let remedy = "add a [[trunk]] with the carrier's addresses and your numbers";
        faults.push(places.fault("trunk", 0, "", "there is none: nobody can call", remedy));
    }
    for (index, trunk) in config.trunks.iter().enumerate() {
        for source in &trunk.sources {
            if let Err(error) = source.parse::<Cidr>() {
                let message = format!("{source:?}: {error}");
                let remedy = "write sources = [\"192.0.2.0/24\"]";
                faults.push(places.fault("trunk", index, "sources", message, remedy));
            }
        }
        let brings =
            !trunk.sources.is_empty() || !trunk.tls_names.is_empty() || trunk.user.is_some();
        if !brings && trunk.outbound.is_none() {
            let message = "nothing says which calls come over it";
            let remedy = "write sources = [\"192.0.2.0/24\"], or `user` and `password`";
            faults.push(places.fault("trunk", index, "name", message, remedy));
        }
        if trunk.user.is_some() != trunk.password.is_some() {
            let key = if trunk.user.is_some() { "user" } else { "password" };
            let message = "`user` and `password` go together";
            faults.push(places.fault("trunk", index, key, message, "write both, or neither"));
        }
        let twice = config
            .trunks
            .iter()
            .take(index)
            .any(|other| trunk.user.is_some() && other.user == trunk.user);
        if twice {
            let message = "another trunk has the same user";
            faults.push(places.fault("trunk", index, "user", message, "give each its own"));
        }
        for (key, limit) in
            [("calls_max", trunk.calls_max), ("calls_per_s_max", trunk.calls_per_s_max)]
        {
            if limit == Some(0) {
                let remedy = "give at least 1, or leave it out for no limit";
                faults.push(places.fault("trunk", index, key, "nobody could call", remedy));
            }
        }
        line(trunk, index, places, faults);
        outbound::check(trunk, index, places, faults);
        destinations(config, trunk, index, places, faults);
    }
}

/// What is spoken there.
fn codecs(
    names: &[String],
    (section, index): (&str, usize),
    places: &Places<'_>,
    faults: &mut Vec<Fault>,
) {
    let known = sdp::Codec::ALL.map(sdp::Codec::name).join(", ");
    if names.is_empty() || names.iter().any(|name| sdp::Codec::from_name(name).is_none()) {
        let message = format!("{names:?} are not all codecs");
        let remedy = format!("choose among {known}, the preferred one first");
        faults.push(places.fault(section, index, "codecs", message, remedy));
    }
}

/// Whether the voice there is protected.
fn srtp(name: &str, (section, index): (&str, usize), places: &Places<'_>, faults: &mut Vec<Fault>) {
    if sdp::SrtpPolicy::from_name(name).is_none() {
        let known = sdp::SrtpPolicy::ALL.map(sdp::SrtpPolicy::name).join(", ");
        let message = format!("'{name}' is no way to treat SRTP");
        let remedy = format!("choose among {known}");
        faults.push(places.fault(section, index, "srtp", message, remedy));
    }
}

/// What is spoken on a line, and what it refuses.
fn line(trunk: &Trunk, index: usize, places: &Places<'_>, faults: &mut Vec<Fault>) {
    codecs(&trunk.codecs, ("trunk", index), places, faults);
    srtp(&trunk.srtp, ("trunk", index), places, faults);
    if let Some(wrong) = trunk.requires.iter().find(|name| !sip::SUPPORTED.contains(&name.as_str()))
    {
        let message = format!("'{wrong}' is no extension that can be required");
        let remedy = format!("choose among {}", sip::SUPPORTED.join(", "));
        faults.push(places.fault("trunk", index, "requires", message, remedy));
    }
    if !matches!(trunk.unknown_number, 403 | 404 | 604) {
        let message = format!("{} is no answer to a wrong number", trunk.unknown_number);
        let remedy = "write 404, 403 or 604";
        faults.push(places.fault("trunk", index, "unknown_number", message, remedy));
    }
}

fn destinations(
    config: &Config,
    trunk: &Trunk,
    index: usize,
    places: &Places<'_>,
    faults: &mut Vec<Fault>,
) {
    for (number, destination) in &trunk.numbers {
        let Some(name) = destination.strip_prefix("queue:") else { continue };
        if !config.queues.iter().any(|queue| queue.name == name) {
            let known: Vec<&str> = config.queues.iter().map(|queue| queue.name.as_str()).collect();
            let message = format!("number {number} goes to queue {name:?}, which is not there");
            let remedy = format!("choose among {}", known.join(", "));
            faults.push(places.fault("trunk", index, number, message, remedy));
        }
    }
}
