//! `hotline demo`: a complete hotline with sample data, for peers on this host alone.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use model::{QueueId, Role, UserId};
use store::policies::{Plan, ensure_generated};
use store::{DigestAlgorithms, Purpose, Store};

use crate::accounts::{self, NewAccount};
use crate::callers;
use crate::config::{Config, TierStep, Trunk};
use crate::running::{self, Admit, Running};

/// How much sample data there is.
const CUSTOMERS: u32 = 100_000;
/// The seed of the sample data: everyone's demo has the same people.
const SEED: u64 = 95_512;
/// Everyone's password.
const PASSWORD: &str = "demo";

/// `hotline demo`
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where the demo keeps its data.
    #[arg(long, value_name = "DIR", default_value = "hotline-demo-data")]
    pub data: PathBuf,
    /// Where SIP is spoken, on UDP and TCP.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:5060")]
    pub sip: SocketAddr,
    /// Where the web is.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,
    /// So many simulated customers, and agents for them, call, talk and hang up.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub callers: u32,
    /// The ports for RTP, first and last.
    #[arg(long, value_name = "FIRST-LAST", default_value = "20000-29999")]
    pub rtp: String,
    /// How many sample customers there are.
    #[arg(long, value_name = "N", default_value_t = CUSTOMERS, hide = true)]
    pub customers: u32,
}

/// The demo's agents: number, name, tier.
const AGENTS: [(&str, &str, u8); 7] = [
    ("8001", "王芳", 1),
    ("8002", "李伟", 1),
    ("8003", "张敏", 1),
    ("8004", "刘洋", 1),
    ("8011", "陈静", 2),
    ("8012", "赵磊", 2),
    ("8021", "周婷", 3),
];

/// Everyone else.
const OTHERS: [(&str, &str, Role); 3] = [
    ("lead", "班长", Role::Supervisor),
    ("qa", "质检员", Role::Inspector),
    ("admin", "管理员", Role::Administrator),
];

/// The addresses of this host: the demo serves no others.
fn own_addresses() -> anyhow::Result<Vec<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs().context("this host's addresses cannot be read")?;
    Ok(interfaces.into_iter().map(|interface| interface.ip()).collect())
}

/// All of 127.0.0.0/8 is this host, beside the addresses of its interfaces.
fn is_own(own: &[IpAddr], address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || own.contains(&address)
}

/// The configuration of the demo: the default with one trunk, this host.
fn config(args: &Args, own: &[IpAddr]) -> Config {
    let mut config = Config::without_trunks();
    config.site.data.clone_from(&args.data);
    config.sip.listen = args.sip;
    config.http.listen = args.http;
    config.media.ports.clone_from(&args.rtp);
    if args.sip.ip().is_unspecified() {
        let outside = own.iter().copied().find(|ip| ip.is_ipv4() && !ip.is_loopback());
        config.sip.advertise = Some(outside.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
    let mut sources: Vec<String> = own.iter().map(ToString::to_string).collect();
    sources.extend(["127.0.0.0/8".to_owned(), "::1".to_owned()]);
    config.trunks.push(Trunk {
        name: "demo".to_owned(),
        sources,
        tls_names: Vec::new(),
        user: None,
        password: None,
        calls_max: None,
        calls_per_s_max: None,
        brand: "95512".to_owned(),
        language: "zh-CN".to_owned(),
        asserts_identity: true,
        codecs: vec!["PCMA".to_owned(), "PCMU".to_owned()],
        srtp: "off".to_owned(),
        requires: Vec::new(),
        unknown_number: 404,
        numbers: BTreeMap::from([
            ("95512".to_owned(), "hotline".to_owned()),
            ("95500".to_owned(), "queue:general".to_owned()),
        ]),
        outbound: None,
    });
    config
}

/// Gives everyone their account, once.
async fn ensure_accounts(store: &Store, config: &Config, callers: u32) -> anyhow::Result<()> {
    let there = async |user: &str| {
        store.account(&UserId::from(user)).await.map(|account| account.is_some())
    };
    let simulated = callers::agents(callers);
    let simulated = simulated.iter().map(|user| (user.as_str(), "模拟座席", 1));
    for (user, name, level) in AGENTS.into_iter().chain(simulated) {
        if there(user).await? {
            continue;
        }
        let serves = config.queues.iter();
        let of_tier = |step: &TierStep| step.level.is_none_or(|of| of == level);
        let serves = serves.filter(|queue| queue.tiers.iter().any(of_tier));
        let queues: Vec<store::Serves> =
            serves.map(|queue| QueueId::from(queue.name.as_str()).into()).collect();
        let account = NewAccount {
            user,
            name,
            role: Role::Agent,
            tier: Some(level),
            queues: &queues,
            // Widespread phones fail on a SHA-256 challenge.
            digest: DigestAlgorithms::Md5,
            ready_when_registered: true,
        };
        accounts::put(store, &config.sip.realm, &account, PASSWORD).await?;
    }
    for (user, name, role) in OTHERS {
        if there(user).await? {
            continue;
        }
        let account = NewAccount {
            user,
            name,
            role,
            tier: None,
            queues: &[],
            digest: DigestAlgorithms::Sha256AndMd5,
            ready_when_registered: false,
        };
        accounts::put(store, &config.sip.realm, &account, PASSWORD).await?;
    }
    Ok(())
}

/// Runs the demo until it is told to stop.
///
/// # Errors
/// What could not be started.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let most = callers::CALLERS_MAX;
    anyhow::ensure!(args.callers <= most, "--callers: at most {most}");
    let own = own_addresses()?;
    let config = config(&args, &own);
    let store = running::open_store(&config, Purpose::Engine).await?;
    ensure_accounts(&store, &config, args.callers).await?;
    let today = jiff::Zoned::now().date();
    let plan = Plan { customers: args.customers, seed: SEED, today };
    let bar = indicatif::ProgressBar::new(u64::from(args.customers));
    bar.set_message("sample customers");
    ensure_generated(&store, plan, |progress| bar.set_position(progress.customers)).await?;
    bar.finish_and_clear();

    let admit: Admit = Arc::new(move |address| is_own(&own, address));
    crate::files::allow(config.sip.calls_max);
    let engine = Running::start(&config, store.clone(), admit).await?;
    announce(&engine)?;
    let customers = (&store, config.site.data.as_path());
    let callers = callers::Callers::start(engine.sip, args.callers, PASSWORD, customers).await?;
    drop(store);
    crate::stop::wait().await?;
    callers.stop();
    engine.stop().await
}

/// Says where to dial, where to browse and who may sign in.
fn announce(engine: &Running) -> anyhow::Result<()> {
    let (sip, http) = (engine.sip, engine.http);
    let agents: Vec<&str> = AGENTS.iter().map(|(user, _, _)| *user).collect();
    let others: Vec<&str> = OTHERS.iter().map(|(user, _, _)| *user).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "dial      sip:95512@{sip} (the menu), sip:95500@{sip} (straight to a queue)")?;
    writeln!(out, "browse    http://{http}/")?;
    writeln!(out, "sign in   agents {} (their phones too: sip:8001@{sip})", agents.join(" "))?;
    writeln!(out, "          others {}", others.join(" "))?;
    writeln!(out, "          password {PASSWORD}")?;
    writeln!(out, "ready     Ctrl-C ends it")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_serves_this_host_alone() {
        let own = [IpAddr::from([10, 0, 0, 7])];
        assert!(is_own(&own, IpAddr::from([127, 0, 0, 2])));
        assert!(is_own(&own, IpAddr::from([10, 0, 0, 7])));
        assert!(!is_own(&own, IpAddr::from([10, 0, 0, 8])));
    }

    #[test]
    fn the_demos_configuration_holds_together() {
        let args = Args {
            data: "x".into(),
            sip: SocketAddr::from(([127, 0, 0, 1], 5060)),
            http: SocketAddr::from(([127, 0, 0, 1], 8080)),
            callers: 0,
            rtp: "20000-29999".to_owned(),
            customers: 10,
        };
        let config = config(&args, &[IpAddr::from([10, 0, 0, 7])]);
        let library = running::library(&config).expect("the scripts are in order");
        let made = crate::assemble::callflow(&config, &[], &library, 1, model::Wall(0));
        let made = made.expect("it holds together");
        assert!(made.trunks.identify(IpAddr::from([10, 0, 0, 7]), "95512").is_ok());
        assert_eq!(made.acd.queues.len(), 3);
    }
}
