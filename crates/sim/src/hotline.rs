//! The hotline that scenarios run against: the demo's agents, tiers and queues, and a short menu.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use callflow::{CallbackPrompts, Choice, Config, Phone, QueuePrompts};
use ivr::{Known, Script};
use model::{AgentId, Fact, Permission, PromptId, QueueId, Tier, Wall};
use sip::digest::{Algorithm, Secrets};
use trunk::{Destination, Trunk, Trunks};

/// What a scenario may change.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Agents by number, with their tier.
    pub agents: Vec<(String, u8)>,
    /// After-call work.
    pub acw_ms: u64,
    /// How long a phone rings.
    pub ring_timeout_ms: u64,
    /// The most calls at a time.
    pub calls_max: usize,
    /// Session timers.
    pub session: call::SessionLimits,
    /// The domains that phones register in; any with none.
    pub domains: Vec<String>,
    /// Whether all phones of an agent ring.
    pub ring_all_phones: bool,
    /// How often phones are asked whether they are there; 0 for never.
    pub probe_interval_ms: u64,
    /// How much the carrier may bring.
    pub trunk_limits: trunk::Limits,
    /// What the carrier has to support.
    pub trunk_requires: Vec<String>,
    /// Whom the engine's only listener serves.
    pub side: callflow::Side,
    /// Whether the carrier is believed who calls, and whom they called first.
    pub trusts_carrier: bool,
    /// How the carrier is called, if it is.
    pub outward: Option<trunk::Outward>,
    /// The time of day at time 0.
    pub started: Wall,
    /// When queues are open; one that is not named is open always.
    pub hours: BTreeMap<QueueId, Arc<acd::Calendar>>,
    /// The steps of queues that have others than the demo's.
    pub steps: BTreeMap<QueueId, Vec<acd::TierStep>>,
    /// The limits of queues: how many may wait, and the rest.
    pub limits: BTreeMap<QueueId, (usize, acd::Limits)>,
    /// By which key who waits chooses what.
    pub choices: BTreeMap<QueueId, BTreeMap<char, Choice>>,
    /// What comes after the first place of a queue's limits.
    pub onwards: callflow::Onwards,
    /// What puts callers forward, and to whom.
    pub priorities: callflow::Priorities,
    /// How messages are taken.
    pub messages: BTreeMap<QueueId, callflow::MessageRule>,
    /// Queues that call the customer back before they ring the agent.
    pub customer_first: BTreeSet<QueueId>,
    /// How queues call back, if they do.
    pub callbacks: Option<acd::CallbackRule>,
    /// Emergency plans.
    pub plans: Vec<acd::Plan>,
    /// Reasons for which somebody has to approve of an agent being not ready.
    pub approval: BTreeSet<model::NotReadyReason>,
    /// What was so before the start, as facts said.
    pub standing: Vec<Fact>,
    /// All facts of an engine that was killed: this one takes over what it left.
    pub left: Vec<Fact>,
    /// What missed offers mean.
    pub missed: acd::MissedRules,
    /// How agents are chosen.
    pub strategy: acd::Strategy,
    /// How many ring at once, where it rings several.
    pub ring: acd::RingRule,
    /// Queues that are not configured.
    pub without: BTreeSet<QueueId>,
}

impl Settings {
    /// The steps of a queue, if it is configured.
    pub(crate) fn steps_of(&self, queue: &str) -> Option<Vec<acd::TierStep>> {
        let (_, usual) = QUEUES.iter().find(|(known, _)| *known == queue)?;
        let usual = || {
            let step = |(level, ms): &(u8, u64)| acd::TierStep::new(Tier { level: *level }, *ms);
            usual.iter().map(step).collect()
        };
        let is_there = !self.without.contains(queue);
        is_there.then(|| self.steps.get(queue).cloned().unwrap_or_else(usual))
    }
}

/// The demo's: `8001`-`8004`, `8011`-`8012`, `8021`.
pub fn settings() -> Settings {
    let agents = [("8001", 1), ("8002", 1), ("8003", 1), ("8004", 1), ("8011", 2), ("8012", 2)];
    let agents = agents.into_iter().chain([("8021", 3)]);
    Settings {
        agents: agents.map(|(agent, tier)| (agent.to_owned(), tier)).collect(),
        acw_ms: 10_000,
        ring_timeout_ms: 20_000,
        calls_max: 100_000,
        session: call::SessionLimits::default(),
        domains: Vec::new(),
        ring_all_phones: true,
        probe_interval_ms: 5_000,
        trunk_limits: trunk::Limits::default(),
        trunk_requires: Vec::new(),
        side: callflow::Side::Both,
        trusts_carrier: false,
        outward: None,
        started: Wall(1_800_000_000_000_000),
        hours: BTreeMap::new(),
        steps: BTreeMap::new(),
        limits: BTreeMap::new(),
        choices: BTreeMap::new(),
        onwards: callflow::Onwards::default(),
        priorities: callflow::Priorities::default(),
        messages: BTreeMap::new(),
        customer_first: BTreeSet::new(),
        callbacks: None,
        plans: Vec::new(),
        approval: BTreeSet::new(),
        standing: Vec::new(),
        left: Vec::new(),
        missed: acd::MissedRules::default(),
        strategy: acd::Strategy::default(),
        ring: acd::RingRule::default(),
        without: BTreeSet::new(),
    }
}

/// Everyone's realm.
pub const REALM: &str = "hotline";
/// Everyone's password.
pub const PASSWORD: &str = "demo";

/// The user of the branch's line, which has no address of its own.
pub(crate) const BRANCH: &str = "branch-7";

/// How the addresses of the carrier begin, which are the trunk's.
pub const CARRIER: [u8; 2] = [10, 1];

/// The queues, and after how many milliseconds which tier's agents may be offered their calls.
pub(crate) const QUEUES: [(&str, &[(u8, u64)]); 3] = [
    ("general", &[(1, 0), (2, 20_000), (3, 40_000)]),
    ("claims", &[(1, 0), (2, 20_000), (3, 40_000)]),
    ("complaints", &[(2, 0), (3, 20_000)]),
];

/// A menu: 1 claims, 3 complaints, 0 human; wrong or no key is asked again, then a human.
const MENU: &str = r#"
start = "menu"
exhausted = "human"

[node.menu]
type = "menu"
prompts = ["welcome"]
timeout_ms = 4000
attempts = 3
on_wrong = ["wrong_key"]
on_timeout = ["no_key"]
exhausted = "human"
[node.menu.keys]
1 = "claims"
3 = "complaints"
0 = "human"

[node.claims]
type = "enqueue"
queue = "claims"
permission = "claim.register"

[node.complaints]
type = "enqueue"
queue = "complaints"
permission = "complaint.handle"

[node.human]
type = "enqueue"
queue = "general"
"#;

/// What the engine of such a hotline is configured with.
pub fn config(settings: &Settings) -> Config {
    Config {
        site: 1,
        epoch: crate::left::epoch(settings),
        started: settings.started,
        secret: [7; 32],
        trunks: trunks(settings),
        trunk_secrets: BTreeMap::from([(
            BRANCH.to_owned(),
            Secrets::from_password(&[Algorithm::Sha256, Algorithm::Md5], BRANCH, REALM, PASSWORD),
        )]),
        scripts: BTreeMap::from([("hotline".to_owned(), menu())]),
        acd: distribution(settings),
        hours: settings.hours.clone(),
        choices: settings.choices.clone(),
        onwards: settings.onwards.clone(),
        priorities: settings.priorities.clone(),
        messages: settings.messages.clone(),
        customer_first: settings.customer_first.clone(),
        lookup: lookup::Config::default(),
        cti: cti::Config { epoch: 1, ..cti::Config::default() },
        phones: phones(settings),
        registrar: sip::RegistrarConfig {
            probe_interval_ms: settings.probe_interval_ms,
            ..sip::RegistrarConfig::default()
        },
        locate: sip::locate::LocateConfig::default(),
        lockout: access::LockoutConfig::default(),
        sip_workers: 1,
        realm: REALM.to_owned(),
        domains: settings.domains.clone(),
        ring_all_phones: settings.ring_all_phones,
        default_algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
        dispositions: vec!["claim_registered".to_owned(), "enquiry_answered".to_owned()],
        listeners: vec![callflow::Listener {
            transport: model::Transport::Udp,
            local: crate::engine::Engine::address(),
            side: settings.side,
        }],
        phone_codecs: vec![sdp::Codec::Pcma, sdp::Codec::Pcmu],
        phone_srtp: sdp::SrtpPolicy::Off,
        browsers: None,
        session: settings.session,
        pop_timeout_ms: 300,
        unreachable_after_ms: 5_000,
        announce_every_ms: 30_000,
        records: true,
        pause_max_ms: 120_000,
        calls_max: settings.calls_max,
        prompts: queue_prompts(settings),
    }
}

/// What its callers hear.
fn queue_prompts(settings: &Settings) -> QueuePrompts {
    let prompts = |name: &str| vec![PromptId::from(name)];
    QueuePrompts {
        welcome: ["general", "claims", "complaints"]
            .map(|queue| (QueueId::from(queue), prompts("please_wait")))
            .into(),
        all_busy: prompts("all_busy"),
        still_busy: prompts("still_busy"),
        says_wait: ["general", "claims", "complaints"].map(QueueId::from).into(),
        no_agents: prompts("no_agents"),
        music: prompts("music"),
        ringback: prompts("ringback"),
        sorry: prompts("sorry"),
        send_off: Vec::new(),
        choices: settings
            .choices
            .keys()
            .map(|queue| (queue.clone(), prompts("wait_choices")))
            .collect(),
        message_greetings: settings
            .messages
            .keys()
            .map(|queue| (queue.clone(), prompts("mailbox_greeting")))
            .collect(),
        message_tone: prompts("mailbox_tone"),
        message_thanks: prompts("mailbox_thanks"),
        callback: CallbackPrompts {
            number: prompts("callback_number"),
            confirm: prompts("callback_confirm"),
            ask: prompts("callback_ask"),
            wrong: prompts("callback_wrong"),
            refused: prompts("callback_refused"),
            booked: prompts("callback_booked"),
            hello: prompts("callback_hello"),
        },
    }
}

fn menu() -> Arc<Script> {
    let prompts = ["welcome", "wrong_key", "no_key"].map(PromptId::from);
    let prompts: BTreeSet<PromptId> = prompts.into_iter().collect();
    let queues: BTreeSet<QueueId> =
        ["general", "claims", "complaints"].map(QueueId::from).into_iter().collect();
    let known = Known { prompts: &prompts, queues: &queues };
    let (script, findings) = Script::parse("menu.toml", MENU, known);
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Arc::new(script.unwrap_or_else(|| panic!("the menu is broken:\n{}", shown.join("\n"))))
}

fn trunks(settings: &Settings) -> Trunks {
    let [first, second] = CARRIER;
    let carrier = Trunk {
        id: "carrier".into(),
        sources: vec![format!("{first}.{second}.0.0/16").parse().expect("a network")],
        user: None,
        tls_names: Vec::new(),
        numbers: BTreeMap::from([
            ("95512".to_owned(), Destination::Script("hotline".to_owned())),
            ("95500".to_owned(), Destination::Queue("general".into())),
        ]),
        limits: settings.trunk_limits,
        asserts_identity: settings.trusts_carrier,
        brand: "95512".to_owned(),
        language: "zh-CN".to_owned(),
        codecs: vec![sdp::Codec::Pcma, sdp::Codec::Pcmu],
        srtp: sdp::SrtpPolicy::Off,
        requires: settings.trunk_requires.clone(),
        unknown_number: 404,
        outward: settings.outward.clone(),
    };
    let branch = Trunk {
        id: "branch".into(),
        sources: Vec::new(),
        user: Some(BRANCH.to_owned()),
        limits: trunk::Limits::default(),
        outward: None,
        ..carrier.clone()
    };
    Trunks::new(vec![carrier, branch])
}

fn phones(settings: &Settings) -> BTreeMap<AgentId, Phone> {
    let phone = |agent: &String| Phone {
        secrets: Secrets::from_password(&[Algorithm::Md5], agent, REALM, PASSWORD),
        ready_when_registered: true,
    };
    let agents = settings.agents.iter();
    agents.map(|(agent, _)| (AgentId::from(agent.as_str()), phone(agent))).collect()
}

fn distribution(settings: &Settings) -> acd::Config {
    let tier_one = BTreeSet::from([Permission::PolicyView, Permission::ClaimRegister]);
    let mut tier_two = tier_one.clone();
    tier_two.extend([Permission::PolicyEndorse, Permission::ComplaintHandle]);
    tier_two.extend([Permission::CallOutbound]);
    let mut tier_three = tier_two.clone();
    tier_three.extend([Permission::ClaimSettle, Permission::CustomerUnmask]);
    let level = |level: u8| Tier { level };
    let serves = |tier: u8| {
        let open = QUEUES.iter().filter(|(queue, steps)| {
            settings.steps_of(queue).is_some() && steps.iter().any(|(level, _)| *level == tier)
        });
        open.map(|(queue, _)| QueueId::from(*queue).into()).collect()
    };
    let agents = settings.agents.iter().map(|(agent, tier)| {
        let agent = AgentId::from(agent.as_str());
        acd::AgentConfig::new(agent, level(*tier), serves(*tier), settings.acw_ms)
    });
    acd::Config {
        agents: agents.collect(),
        queues: QUEUES
            .iter()
            .filter_map(|(queue, _)| Some((queue, settings.steps_of(queue)?)))
            .map(|(queue, steps)| {
                let queue = QueueId::from(*queue);
                let limits = settings.limits.get(&queue).cloned();
                let queue = acd::QueueConfig::new(queue, steps);
                let (max_waiting, limits) = limits.unwrap_or((queue.max_waiting, queue.limits));
                let Settings { callbacks, strategy, ring, .. } = *settings;
                acd::QueueConfig { max_waiting, limits, callbacks, strategy, ring, ..queue }
            })
            .collect(),
        permissions: BTreeMap::from([
            (level(1), tier_one),
            (level(2), tier_two),
            (level(3), tier_three),
        ]),
        ring_timeout_ms: settings.ring_timeout_ms,
        plans: settings.plans.clone(),
        approval: settings.approval.clone(),
        missed: settings.missed,
        ..acd::Config::default()
    }
}

/// The engine's address.
pub(crate) fn engine_ip() -> IpAddr {
    IpAddr::from([10, 0, 0, 1])
}
