//! Putting the engine together: configuration, accounts and scripts into the call flow's terms.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use access::{Limits, LockoutConfig, Tiers};
use anyhow::Context as _;
use callflow::{CallbackPrompts, Listener, MessageRule, Phone, QueuePrompts};
use model::{AgentId, NotReadyReason, Permission, PromptId, QueueId, Role, Tier, Transport, Wall};
use net::resolver::ResolverConfig;
use sip::RegistrarConfig;
use sip::digest::{Algorithm, Secrets};
use sip::locate::{Carrier, Family, LocateConfig};
use store::{Account, DigestAlgorithms};
use trunk::{Destination, Trunk, Trunks};
use web::{DesktopConfig, Named};

use crate::config::{ACW_LIMIT_MS, Config, Plan, Queue, Side, TierStep};
use crate::passwords;
use crate::scripts::Library;

/// How much longer than the resolver the call flow waits for its answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// The tiers as configured.
///
/// # Errors
/// A tier lacks what the tier below holds, or holds what no tier may.
pub fn tiers(config: &Config) -> anyhow::Result<Tiers> {
    let levels = config.tiers.iter().map(|tier| {
        let permissions = tier.permissions.iter();
        let permissions = permissions.filter_map(|name| Permission::from_name(name));
        (Tier { level: tier.level }, permissions.collect::<Vec<_>>())
    });
    Tiers::new(levels).context("the tiers do not fit together")
}

/// All that the call flow is told once.
///
/// # Errors
/// What does not fit together, or no randomness.
pub fn callflow(
    config: &Config,
    accounts: &[Account],
    library: &Library,
    epoch: u32,
    started: Wall,
) -> anyhow::Result<callflow::Config> {
    Ok(callflow::Config {
        site: config.site.id,
        epoch,
        started,
        secret: passwords::secret()?,
        trunks: trunks(config, library)?,
        trunk_secrets: trunk_secrets(config),
        scripts: library.scripts.clone(),
        acd: distribution(config, accounts)?,
        hours: config.calendars(),
        customer_first: config.customer_first(),
        priorities: config.priority.priorities(),
        onwards: config.onwards(),
        messages: messages(config),
        choices: config
            .queues
            .iter()
            .map(|queue| (QueueId::from(queue.name.as_str()), queue.choices()))
            .collect(),
        lookup: lookup::Config {
            deadline_ms: config.lookup.deadline_ms,
            cache_capacity: config.lookup.cache_capacity,
            cache_ttl_ms: config.lookup.cache_ttl_ms,
            ..lookup::Config::default()
        },
        cti: cti::Config { epoch, ..cti::Config::default() },
        phones: phones(accounts),
        registrar: registrar(config),
        locate: locate(config),
        lockout: lockout(),
        sip_workers: config.sip.workers,
        realm: config.sip.realm.clone(),
        domains: config.sip.domains.clone(),
        ring_all_phones: config.sip.ring_all_phones,
        default_algorithms: trunk_algorithms(config),
        dispositions: config.dispositions.iter().map(|one| one.code.clone()).collect(),
        listeners: Vec::new(),
        phone_codecs: codecs(&config.registrar.codecs),
        phone_srtp: srtp(&config.registrar.srtp),
        browsers: None,
        session: call::SessionLimits {
            expires_s: config.sip.session_expires_s,
            min_se_s: config.sip.session_min_s,
        },
        pop_timeout_ms: config.acd.pop_timeout_ms,
        unreachable_after_ms: config.acd.unreachable_after_ms,
        announce_every_ms: config.acd.announce_every_ms,
        records: config.recordings.enabled,
        pause_max_ms: config.recordings.pause_max_ms,
        calls_max: config.sip.calls_max,
        prompts: queue_prompts(config),
    })
}

/// The codecs of those names, which were checked.
fn codecs(names: &[String]) -> Vec<sdp::Codec> {
    names.iter().filter_map(|name| sdp::Codec::from_name(name)).collect()
}

/// The policy of that name, which was checked.
fn srtp(name: &str) -> sdp::SrtpPolicy {
    sdp::SrtpPolicy::from_name(name).unwrap_or_default()
}

/// What waiting callers hear.
pub fn queue_prompts(config: &Config) -> QueuePrompts {
    let one = |name: &str| vec![PromptId::from(name)];
    let welcome = |queue: &Queue| (QueueId::from(queue.name.as_str()), one(&queue.wait_prompt));
    let takes_messages = mailboxes(config).next().is_some();
    let if_any = |name: &str| if takes_messages { one(name) } else { Vec::new() };
    QueuePrompts {
        welcome: config.queues.iter().map(welcome).collect(),
        all_busy: one("all_busy"),
        still_busy: one("still_busy"),
        says_wait: config
            .queues
            .iter()
            .filter(|queue| queue.say_wait)
            .map(|queue| QueueId::from(queue.name.as_str()))
            .collect(),
        no_agents: one("no_agents"),
        music: one("music"),
        ringback: one("ringback"),
        sorry: one("technical_problem"),
        send_off: config
            .queues
            .iter()
            .flat_map(Queue::announcements)
            .chain(config.plans.iter().flat_map(Plan::announcements))
            .collect(),
        choices: config
            .queues
            .iter()
            .filter(|queue| !queue.choices.is_empty())
            .map(|queue| (QueueId::from(queue.name.as_str()), one(&queue.choices_prompt)))
            .collect(),
        message_greetings: mailboxes(config)
            .map(|(id, queue)| (id, one(&queue.message.prompt)))
            .collect(),
        message_tone: if_any("mailbox_tone"),
        message_thanks: if_any("mailbox_thanks"),
        callback: match config.queues.iter().any(|queue| config.calls_back(queue)) {
            true => CallbackPrompts {
                number: one("callback_number"),
                confirm: one("callback_confirm"),
                ask: one("callback_ask"),
                wrong: one("callback_wrong"),
                refused: one("callback_refused"),
                booked: one("callback_booked"),
                hello: one("callback_hello"),
            },
            false => CallbackPrompts::default(),
        },
    }
}

/// The queues for whose people messages may be left.
fn mailboxes(config: &Config) -> impl Iterator<Item = (QueueId, &Queue)> {
    let named = config.mailboxes();
    let queues = config.queues.iter().map(|queue| (QueueId::from(queue.name.as_str()), queue));
    queues.filter(move |(id, _)| named.contains(id))
}

fn messages(config: &Config) -> BTreeMap<QueueId, MessageRule> {
    mailboxes(config).map(|(id, queue)| (id, queue.message.rule())).collect()
}

fn registrar(config: &Config) -> RegistrarConfig {
    let wanted = &config.registrar;
    let seconds = |ms: u64| u32::try_from(ms / 1_000).unwrap_or(u32::MAX);
    RegistrarConfig {
        min_expiry_s: seconds(wanted.expires_min_ms),
        default_expiry_s: seconds(wanted.expires_default_ms),
        max_expiry_s: seconds(wanted.expires_max_ms),
        max_contacts: wanted.contacts_max,
        max_bindings: wanted.phones_max,
        probe_interval_ms: wanted.probe_interval_ms,
        probe_timeout_ms: wanted.probe_timeout_ms,
        probe_all: wanted.probe_all,
    }
}

/// How servers are located whose URI has a name: by the transports and the families of addresses
/// that are listened on.
fn locate(config: &Config) -> LocateConfig {
    let dns = &config.dns;
    let listening = config.sip.listening();
    let speaks = |transport| listening.iter().any(|one| one.transport == transport);
    let carriers = [
        (Carrier::Udp, Transport::Udp),
        (Carrier::Tcp, Transport::Tcp),
        (Carrier::Tls, Transport::Tls),
    ];
    let has = |family| listening.iter().any(|one| Family::of(one.reached_at()) == family);
    LocateConfig {
        carriers: carriers.into_iter().filter(|(_, by)| speaks(*by)).map(|(one, _)| one).collect(),
        families: [Family::V4, Family::V6].into_iter().filter(|family| has(*family)).collect(),
        cache_entries: dns.cache_entries,
        ttl_max: Duration::from_millis(dns.ttl_max_ms),
        negative_ttl_max: Duration::from_millis(dns.negative_ttl_max_ms),
        failed_for: Duration::from_millis(dns.failed_for_ms),
        answer_timeout: resolver(config).patience() + PATIENCE,
        ..LocateConfig::default()
    }
}

/// Whom to ask for names.
pub fn resolver(config: &Config) -> ResolverConfig {
    ResolverConfig {
        servers: config.dns.servers.clone(),
        timeout: Duration::from_millis(config.dns.timeout_ms),
        tries: config.dns.tries,
        ..ResolverConfig::default()
    }
}

/// Phones' wrong passwords. A branch's phones come from one address and repeat their mistakes by
/// themselves, so a source is given more than people at desktops are.
fn lockout() -> LockoutConfig {
    let config = LockoutConfig::default();
    let source = Limits { free_failures: 60, lock_after: 200, ..config.source };
    LockoutConfig { source, ..config }
}

/// The listeners as peers reach them, in the order of the workers' own: `bound` is what they are
/// bound to.
pub fn listeners(config: &Config, bound: &[SocketAddr]) -> Vec<Listener> {
    let each = config.sip.listening().into_iter().zip(bound);
    let each = each.map(|(wanted, bound)| Listener {
        transport: wanted.transport,
        local: SocketAddr::new(wanted.reached_at(), bound.port()),
        side: match wanted.side {
            Side::Carrier => callflow::Side::Carrier,
            Side::Agent => callflow::Side::Agent,
            Side::Both => callflow::Side::Both,
        },
    });
    each.collect()
}

/// Queues, agents and their rules.
///
/// # Errors
/// A tier's permissions make no sense.
pub fn distribution(config: &Config, accounts: &[Account]) -> anyhow::Result<acd::Config> {
    let tiers = tiers(config)?;
    let queues = config.queues.iter().map(|queue| {
        let steps = queue.tiers.iter().map(TierStep::step);
        acd::QueueConfig {
            max_waiting: queue.waiting_max,
            limits: queue.limits(),
            callbacks: config.callbacks(queue),
            head_start_ms: queue.head_start_ms,
            gain_permille: queue.gain_permille,
            objective_ms: queue.objective_ms,
            acw: queue.acw(),
            ring: queue.ring(),
            service: queue.service_rule(),
            strategy: acd::Strategy::from_name(&queue.strategy).unwrap_or_default(),
            ..acd::QueueConfig::new(QueueId::from(queue.name.as_str()), steps.collect())
        }
    });
    let queues: Vec<acd::QueueConfig> = queues.collect();
    let agents = accounts.iter().filter(|account| account.enabled && account.role == Role::Agent);
    let agents = agents.filter_map(|account| {
        let tier = account.tier?;
        let served = queues.iter().filter_map(|of| {
            let serves = account.queues.iter().find(|serves| serves.queue == of.queue)?;
            let level = serves.level.clamp(1, acd::MAX_LEVEL);
            let (queue, share) = (serves.queue.clone(), serves.share.max(1));
            Some(acd::Served { queue, level, share })
        });
        let agent = AgentId::from(account.user.as_str());
        let (groups, site) = (config.groups_of(&agent), config.site_of(&agent));
        let served = served.collect();
        let agent = acd::AgentConfig::new(agent, tier, served, config.acd.acw_ms);
        Some(acd::AgentConfig { groups, site, choice: config.call_choice(), ..agent })
    });
    let agents = agents.map(|agent| opened_to(agent, &queues));
    Ok(acd::Config {
        agents: agents.collect(),
        queues,
        permissions: tiers.iter().map(|(tier, held)| (tier, held.clone())).collect(),
        ring_timeout_ms: config.acd.ring_timeout_ms,
        acw_limit_ms: ACW_LIMIT_MS,
        missed: config.acd.missed.rules(),
        approval: config
            .acd
            .approval
            .iter()
            .filter_map(|name| NotReadyReason::from_name(name))
            .collect(),
        plans: config.plans.iter().map(Plan::plan).collect(),
        ..acd::Config::default()
    })
}

/// An agent without the queues of which no step opens to them, and whose skill no step asks for.
fn opened_to(mut agent: acd::AgentConfig, queues: &[acd::QueueConfig]) -> acd::AgentConfig {
    let opens = |served: &acd::Served| {
        let skill = acd::Skill::Of(served.queue.clone());
        let mut steps = queues.iter().flat_map(|of| of.steps.iter().map(move |step| (of, step)));
        steps.any(|(of, step)| {
            step.skill == skill || (of.queue == served.queue && step.admits(&agent, &of.queue))
        })
    };
    let served = agent.queues.iter().filter(|served| opens(served)).cloned().collect();
    agent.queues = served;
    agent
}

fn phones(accounts: &[Account]) -> BTreeMap<AgentId, Phone> {
    let with_phones = accounts.iter().filter(|account| account.enabled);
    with_phones
        .map(|account| {
            let md5 = account.ha1_md5.clone().map(|hash| (Algorithm::Md5, hash));
            let sha256 = account.ha1_sha256.clone().map(|hash| (Algorithm::Sha256, hash));
            let hashes: Vec<_> = match account.digest {
                DigestAlgorithms::Sha256AndMd5 => [sha256, md5].into_iter().flatten().collect(),
                DigestAlgorithms::Sha256 => sha256.into_iter().collect(),
                DigestAlgorithms::Md5 => md5.into_iter().collect(),
            };
            let phone = Phone {
                secrets: Secrets::from_hashes(hashes),
                ready_when_registered: account.ready_when_registered,
            };
            (AgentId::from(account.user.as_str()), phone)
        })
        .collect()
}

fn trunks(config: &Config, library: &Library) -> anyhow::Result<Trunks> {
    let mut trunks = Vec::new();
    for trunk in &config.trunks {
        let mut numbers = BTreeMap::new();
        for (number, destination) in &trunk.numbers {
            let destination = match destination.strip_prefix("queue:") {
                Some(queue) => Destination::Queue(QueueId::from(queue)),
                None if library.scripts.contains_key(destination) => {
                    Destination::Script(destination.clone())
                }
                None => {
                    let known: Vec<&str> = library.scripts.keys().map(String::as_str).collect();
                    anyhow::bail!(
                        "trunk {}: number {number} goes to script {destination:?}, which is not \
                         there; choose among {}, or write \"queue:\" and a queue's name",
                        trunk.name,
                        known.join(", ")
                    );
                }
            };
            numbers.insert(trunk::normalise(number), destination);
        }
        let sources = trunk.sources.iter().map(|source| source.parse());
        trunks.push(Trunk {
            id: trunk.name.as_str().into(),
            sources: sources.collect::<Result<_, _>>()?,
            user: trunk.user.clone(),
            tls_names: trunk.tls_names.clone(),
            numbers,
            limits: trunk::Limits { calls: trunk.calls_max, calls_per_s: trunk.calls_per_s_max },
            asserts_identity: trunk.asserts_identity,
            brand: trunk.brand.clone(),
            language: trunk.language.clone(),
            codecs: codecs(&trunk.codecs),
            srtp: srtp(&trunk.srtp),
            requires: trunk.requires.clone(),
            unknown_number: trunk.unknown_number,
            outward: trunk.outbound.as_ref().map(|outbound| outbound.outward()).transpose()?,
        });
    }
    Ok(Trunks::new(trunks))
}

/// What lines are challenged with.
fn trunk_algorithms(config: &Config) -> Vec<Algorithm> {
    match DigestAlgorithms::from_name(&config.sip.trunk_digest) {
        Some(DigestAlgorithms::Md5) => vec![Algorithm::Md5],
        Some(DigestAlgorithms::Sha256) => vec![Algorithm::Sha256],
        Some(DigestAlgorithms::Sha256AndMd5) | None => {
            vec![Algorithm::Sha256, Algorithm::Md5]
        }
    }
}

/// What lines are checked by that are known by their credentials.
fn trunk_secrets(config: &Config) -> BTreeMap<String, Secrets> {
    let algorithms = trunk_algorithms(config);
    let accounts = config.trunks.iter().filter_map(|trunk| {
        let (user, password) = (trunk.user.as_ref()?, trunk.password.as_ref()?);
        let realm = &config.sip.realm;
        let secrets = Secrets::from_password(&algorithms, user, realm, password.reveal());
        Some((user.clone(), secrets))
    });
    accounts.collect()
}

/// What desktops are told of the configuration.
pub fn desktop(config: &Config) -> DesktopConfig {
    let named = |code: &str, zh: &str| Named {
        code: code.to_owned(),
        zh: if zh.is_empty() { code.to_owned() } else { zh.to_owned() },
        en: code.replace('_', " "),
    };
    let mut numbers: Vec<String> =
        config.trunks.iter().flat_map(|trunk| trunk.numbers.keys().cloned()).collect();
    numbers.sort();
    numbers.dedup();
    DesktopConfig {
        numbers,
        dispositions: config.dispositions.iter().map(|one| named(&one.code, &one.title)).collect(),
        queues: config.queues.iter().map(|queue| named(&queue.name, &queue.title)).collect(),
        acw_ms: config.acd.acw_ms,
        ring_timeout_ms: config.acd.ring_timeout_ms,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use store::Serves;

    use super::*;

    fn agent(user: &str, serves: Vec<Serves>) -> Account {
        Account {
            user: user.into(),
            name: String::new(),
            role: Role::Agent,
            tier: Some(Tier { level: 1 }),
            password_hash: String::new(),
            ha1_md5: None,
            ha1_sha256: None,
            digest: DigestAlgorithms::Md5,
            ready_when_registered: false,
            queues: serves,
            enabled: true,
        }
    }

    #[test]
    fn agents_serve_with_their_skill_what_a_step_opens_to_them() {
        let text = "[sip]\nadvertise = \"192.0.2.1\"\n[acd]\ncall_choice = \"skill_first\"\n\
                    [[trunk]]\nname = \"carrier\"\nsources = [\"192.0.2.0/24\"]\n\
                    brand = \"95512\"\nnumbers = { 95512 = \"hotline\" }\n\
                    [[tier]]\nlevel = 1\npermissions = []\n\
                    [[queue]]\nname = \"general\"\ntiers = [{ level = 1, after_ms = 0 }]\n\
                    [[queue]]\nname = \"claims\"\nacw_ms = 0\n\
                    tiers = [{ level = 1, after_ms = 0, min_skill = 7 },\
                             { level = 1, after_ms = 9000, min_skill = 3 }]\n";
        let config = Config::parse(Path::new("hotline.toml"), text).expect("it is right");
        let claims = |level| Serves { level, share: 2, ..QueueId::from("claims").into() };
        let general = || QueueId::from("general").into();
        let accounts = [
            agent("8001", vec![general(), claims(7)]),
            agent("8002", vec![general(), claims(3)]),
            agent("8003", vec![general(), claims(2)]),
        ];
        let distributed = distribution(&config, &accounts).expect("it fits");
        let served = distributed.agents.iter().map(|agent| {
            assert_eq!(agent.choice, acd::CallChoice::SkillFirst);
            agent.queues.iter().map(|served| (served.level, served.share)).collect::<Vec<_>>()
        });
        let served: Vec<_> = served.collect();
        assert_eq!(served, [vec![(1, 1), (7, 2)], vec![(1, 1), (3, 2)], vec![(1, 1)]]);
        let steps = &distributed.queues[1].steps;
        assert_eq!((steps[0].min_level, steps[1].min_level), (7, 3));
        assert_eq!(distributed.queues[1].acw.map(|rule| rule.ms), Some(0));
        acd::Acd::new(&distributed, model::IdSource::new(1, 1)).expect("the room takes it");
    }
}
