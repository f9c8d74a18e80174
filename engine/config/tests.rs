//! Every fault is found, placed and given a remedy.

use super::*;

fn faults(text: &str) -> Vec<String> {
    match Config::parse(Path::new("hotline.toml"), text) {
        Ok(_) => Vec::new(),
        Err(Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
    }
}

pub(super) const TRUNK: &str = r#"
[sip]
advertise = "192.0.2.1"

[[trunk]]
name = "carrier"
sources = ["192.0.2.0/24"]
brand = "95512"
numbers = { 95512 = "hotline" }
"#;

#[test]
fn what_the_commented_default_says_is_the_default() {
    let written = Config::read(Path::new("default"), DEFAULT).expect("it is read");
    let bare = Config::read(Path::new("empty"), "").expect("it is read");
    assert_eq!(written.site, bare.site);
    assert_eq!(written.sip, bare.sip);
    assert_eq!(written.registrar, bare.registrar);
    assert_eq!(written.media, bare.media);
    assert_eq!(written.http, bare.http);
    assert_eq!(written.ivr, bare.ivr);
    assert_eq!(written.lookup, bare.lookup);
    assert_eq!(written.acd, bare.acd);
    assert_eq!(written.priority, bare.priority);
    assert_eq!(written.recordings, bare.recordings);
}

#[test]
fn a_trunk_and_an_address_are_all_that_is_needed() {
    let config = Config::parse(Path::new("hotline.toml"), TRUNK).expect("it is enough");
    assert_eq!(config.queues.len(), 3);
    assert_eq!(config.tiers.len(), 3);
    assert_eq!(config.media_ports(), Some((20_000, 29_999)));
}

#[test]
fn a_rule_of_retention_keeps_something_of_what_there_is() {
    let rule = |text: &str| faults(&format!("{TRUNK}[[retention]]\n{text}"));
    assert_eq!(rule("name = \"a\"\nkeep_days = 1\nqueue = \"claims\""), [""; 0]);
    for (text, word) in [
        ("name = \"a\"", "it keeps nothing"),
        ("name = \"\"\nkeep_years = 1", "1 to 64 bytes"),
        ("name = \"a\\nb\"\nkeep_years = 1", "1 to 64 bytes"),
        ("name = \"a\"\nkeep_years = 101", "100 years at most"),
        ("name = \"a\"\nkeep_days = 36601", "100 years at most"),
        ("name = \"a\"\nkeep_days = 1\nqueue = \"sales\"", "no queue 'sales'"),
        ("name = \"a\"\nkeep_days = 1\ndisposition = \"x\"", "no 'x'"),
        ("name = \"a\"\nkeep_days = 1\nfrom = \"birth\"", "retention.from"),
    ] {
        let found = rule(text);
        assert!(found.len() == 1 && found[0].contains(word), "{text}: {found:?}");
    }
}

#[test]
fn each_fault_names_its_place_and_remedy() {
    for (before, after, at, word) in [
        ("advertise = \"192.0.2.1\"", "", ":2: sip.advertise: ", "advertise"),
        ("192.0.2.0/24", "192.0.2.0/99", ":7: trunk.sources: ", "192.0.2.0/24"),
        ("\"hotline\"", "\"queue:x\"", ":5: trunk.95512: ", "general, claims, complaints"),
        ("[sip]", "[sip]\nworkers = 0", ":3: sip.workers: ", "from 1 to 64"),
        ("[sip]", "[sip]\nsession_expires_s = 60", ":3: sip.session_expires_s: ", "from 90"),
        ("[sip]", "[sip]\nsession_min_s = 1801", ":3: sip.session_min_s: ", "from 90 to 1800"),
        ("[sip]", "[sip]\nworkers = \"two\"", ":3: sip.workers: ", "hotline config"),
        ("[sip]", "[sip]\nworker = 2", ":3: sip.worker: ", "hotline config"),
        ("[sip]", "[media]\nports = \"9\"\n[sip]", ":3: media.ports: ", "20000-29999"),
        ("[sip]", "[acd]\nacw_ms = -1\n[sip]", ":3: acd.acw_ms: ", "hotline config"),
        ("[sip]", "[recordings]\nflush_ms = 1\n[sip]", ":3: recordings.flush_ms: ", "from 100 to"),
        (
            "[sip]",
            "[recordings]\nkey_file = \"k\"\nkey_env = \"K\"\n[sip]",
            ":4: recordings.key_env: ",
            "keep one of",
        ),
        ("[sip]", "[sip]\nrealm = \"a\\\"b\"", ":3: sip.realm: ", "realm = "),
        ("[sip]", "[sip]\ntrunk_digest = \"md4\"", ":3: sip.trunk_digest: ", "\"md5\""),
        ("[sip]", "[sip]\ndomains = [\"a b\"]", ":3: sip.domains: ", "desk.example.com"),
        ("[sip]", "[sip]\ntrace_mb = 70000", ":3: sip.trace_mb: ", "from 0 to 65536"),
        (
            "[sip]",
            "[sip.hep]\ncollector = \"0.0.0.0:9060\"\n[sip]",
            ":3: sip.hep.collector: ",
            "192.0.2.20:9060",
        ),
        ("[sip]", "[sip", ":2: ", "hotline config"),
        ("brand = ", "# brand = ", ":5: trunk.brand: ", "hotline config"),
        ("sources = [\"192.0.2.0/24\"]", "", ":6: trunk.name: ", "`user` and `password`"),
        ("brand", "user = \"a\"\nbrand", ":8: trunk.user: ", "write both"),
        ("brand", "calls_max = 0\nbrand", ":8: trunk.calls_max: ", "at least 1"),
        ("[sip]", "[sip]\nban_after = 1", ":3: sip.ban_after: ", "from 10 to 1000000"),
        (
            "[sip]",
            "[registrar]\nprobe_interval_ms = 10\n[sip]",
            ":3: registrar.probe_interval_ms: ",
            "from 1000 to 3600000",
        ),
        (
            "[sip]",
            "[registrar]\nexpires_default_ms = 5000\n[sip]",
            ":3: registrar.expires_default_ms: ",
            "from 60000 to 3600000",
        ),
    ] {
        let text = TRUNK.replacen(before, after, 1);
        let found = faults(&text);
        assert_eq!(found.len(), 1, "{text}\n{found:?}");
        assert!(found[0].starts_with(&format!("hotline.toml{at}")), "{}", found[0]);
        let (_, remedy) = found[0].split_once("remedy: ").expect("there is a remedy");
        assert!(remedy.contains(word), "{remedy}");
    }
}

/// A file with hours, and with a queue that has all of the limits.
const LIMITED: &str = r#"
[sip]
advertise = "192.0.2.1"
[[trunk]]
name = "carrier"
sources = ["192.0.2.0/24"]
brand = "95512"
[[hours]]
name = "office"
monday = "08:30-12:00, 13:30-18:00"
holidays = ["2026-10-01..2026-10-07"]
make_up = { "2026-09-20" = "monday" }
[[queue]]
name = "general"
tiers = [{ level = 1, after_ms = 0 }]
[[queue]]
name = "claims"
tiers = [{ level = 1, after_ms = 0 }]
hours = "office"
when_closed = "say:closed"
waiting_max = 20
when_full = "queue:general"
wait_max_ms = 60000
when_waited = "queue:general"
"#;

#[test]
fn hours_and_limits_of_queues_are_read() {
    let config = Config::parse(Path::new("hotline.toml"), LIMITED).expect("it is in order");
    let calendars = config.calendars();
    assert_eq!(calendars.len(), 1, "the general queue is open always");
    let calendar = &calendars[&model::QueueId::from("claims")];
    // 2026-09-20, the Sunday that is like a Monday, at 8:30 and at 12:00 in Shanghai; 2026-10-05 is
    // a Monday, and a holiday.
    let wall = |seconds: i64| model::Wall(seconds * 1_000_000);
    assert!(calendar.is_open(wall(1_789_864_200)) && !calendar.is_open(wall(1_789_876_800)));
    assert!(!calendar.is_open(wall(1_791_160_200)));
    let limits = config.queues[1].limits();
    let general = acd::Overflow::Queue("general".into());
    assert_eq!(limits.full, Some(general.clone()));
    assert_eq!(limits.wait, Some(acd::WaitLimit { ms: 60_000, to: general }));
    let to = acd::Overflow::Announcement("closed".into());
    assert_eq!(limits.closed, Some(acd::Rule { to, waiting_too: false }));
    assert_eq!(config.queues[1].announcements().collect::<Vec<_>>(), ["closed".into()]);
}

#[test]
fn each_fault_of_hours_and_limits_names_its_place_and_remedy() {
    for (before, after, at, word) in [
        ("08:30-12:00, ", "8-12, ", ":10: hours.monday: ", "13:30-18:00"),
        ("08:30-12:00", "08:30-14:00", ":10: hours.monday: ", "apart and in order"),
        ("2026-10-07", "2026-10-32", ":11: hours.holidays: ", "2026-10-01..2026-10-07"),
        ("\"2026-09-20\"", "\"20 Sept\"", ":12: hours.make_up: ", "2026-10-01"),
        ("\"monday\" }", "\"workday\" }", ":12: hours.make_up: ", "\"monday\" to \"sunday\""),
        ("\"2026-09-20\"", "\"2026-10-01\"", ":12: hours.make_up: ", "leave one"),
        ("make_up = ", "utc_offset = \"8\"\nmake_up = ", ":12: hours.utc_offset: ", "+08:00"),
        ("hours = \"office\"", "hours = \"shop\"", ":19: queue.hours: ", "office"),
        ("when_closed = \"say:closed\"", "", ":19: queue.hours: ", "when_closed"),
        ("say:closed", "fax:claims", ":20: queue.when_closed: ", "say:PROMPT"),
        ("say:closed", "queue:sales", ":20: queue.when_closed: ", "general, claims"),
        ("waiting_max = 20", "waiting_max = 0", ":21: queue.waiting_max: ", "from 1 to 100000"),
        ("wait_max_ms = 60000", "wait_max_ms = 5", ":23: queue.wait_max_ms: ", "from 1000"),
        ("wait_max_ms = 60000", "", ":24: queue.when_waited: ", "wait_max_ms = "),
        ("when_waited = \"queue:general\"", "", ":23: queue.wait_max_ms: ", "when_waited = "),
        ("waiting_max = 20", "unstaffed_waiting_too = true", ":21: queue.unstaffed", "when_unst"),
    ] {
        let found = faults(&LIMITED.replacen(before, after, 1));
        assert_eq!(found.len(), 1, "{after}\n{found:?}");
        assert!(found[0].starts_with(&format!("hotline.toml{at}")), "{}", found[0]);
        let (_, remedy) = found[0].split_once("remedy: ").expect("there is a remedy");
        assert!(remedy.contains(word), "{remedy}");
    }
    let circle = LIMITED.replacen("[[queue]]", "[[queue]]\nwhen_unstaffed = \"queue:claims\"", 1);
    let found = faults(&circle);
    assert_eq!(found.len(), 3, "either way of claims leads back, and so does general's: {found:?}");
    assert!(found.iter().all(|fault| fault.contains("calls may come back")), "{found:?}");
}

#[test]
fn a_trunks_password_is_never_printed() {
    let account = "user = \"branch-7\"\npassword = \"sesame\"\nbrand";
    let text = TRUNK.replacen("brand", account, 1);
    let config = Config::parse(Path::new("hotline.toml"), &text).expect("it is in order");
    let password = config.trunks[0].password.as_ref().expect("there is one");
    assert_eq!(password.reveal(), "sesame");
    assert!(!format!("{config:?}").contains("sesame"));
}

/// A trunk that calls out, with `more` among its keys.
fn outbound(more: &str) -> String {
    format!("{TRUNK}[trunk.outbound]\ntargets = [\"192.0.2.9\"]\ncaller_id = \"021\"\n{more}\n")
}

#[test]
fn a_way_out_is_read_and_its_password_is_never_printed() {
    let more = "allowed = [\"1[3-9]XXXXXXXXX\"]\nrewrites = [{ match = \"0.\", strip = 1 }]\n\
                user = \"021\"\npassword = \"sesame\"\nrealm = \"ims\"";
    let config = Config::parse(Path::new("hotline.toml"), &outbound(more)).expect("in order");
    assert!(!format!("{config:?}").contains("sesame"));
    let out = config.trunks[0].outbound.as_ref().expect("there is one").outward().expect("valid");
    assert!(out.allowed[0].matches("13800138000") && out.rewrites[0].strip == 1);
    assert_eq!(out.account.expect("it has one").realm.as_deref(), Some("ims"));
    let any = outbound(&more.replace("\"ims\"", "\"*\""));
    let config = Config::parse(Path::new("hotline.toml"), &any).expect("in order");
    let out = config.trunks[0].outbound.as_ref().expect("there is one").outward().expect("valid");
    assert_eq!(out.account.expect("it has one").realm, None, "whichever asks");
}

#[test]
fn what_is_wrong_with_a_way_out_is_named() {
    for (more, key, word) in [
        ("allowed = [\"1[\"]", "trunk.allowed", "pattern"),
        ("rewrites = [{ match = \"a\" }]", "trunk.rewrites", "pattern"),
        ("emergency = [\"911 \"]", "trunk.emergency", "digits"),
        ("access_code = \"nine\"", "trunk.access_code", "digits"),
        ("domain = \"a b\"", "trunk.domain", "ims.example.com"),
        ("user = \"021\"", "trunk.targets", "all three"),
        ("ring_timeout_ms = 1", "trunk.ring_timeout_ms", "180000"),
        ("ring_timeout_ms = 180001", "trunk.ring_timeout_ms", "180000"),
        ("register = true", "trunk.register", "`realm`"),
        ("options_interval_ms = 10", "trunk.options_interval_ms", "3600000"),
    ] {
        let found = faults(&outbound(more));
        assert_eq!(found.len(), 1, "{more}: {found:?}");
        assert!(found[0].contains(key) && found[0].contains(word), "{}", found[0]);
    }
    for (line, key) in [
        ("codecs = [\"G729\"]", "trunk.codecs"),
        ("requires = [\"teleport\"]", "100rel, timer"),
        ("unknown_number = 200", "604"),
    ] {
        let found = faults(&TRUNK.replacen("brand", &format!("{line}\nbrand"), 1));
        assert!(found.len() == 1 && found[0].contains(key), "{found:?}");
    }
}

#[test]
fn tiers_must_grow() {
    let tiers = "[[tier]]\nlevel = 1\npermissions = [\"policy.view\"]\n\
                 [[tier]]\nlevel = 2\npermissions = [\"claim.settle\", \"no.such\"]\n";
    let found = faults(&format!("{TRUNK}{tiers}"));
    assert!(found.iter().any(|fault| fault.contains("add policy.view")), "{found:?}");
    assert!(found.iter().any(|fault| fault.contains("no permission \"no.such\"")), "{found:?}");
    assert!(found.iter().any(|fault| fault.contains("there is no tier 3")), "{found:?}");
}

#[test]
fn queues_are_told_apart_and_served() {
    let queue = "[[queue]]\nname = \"a\"\ntiers = []\n[[queue]]\nname = \"a\"\n\
                 tiers = [{ level = 2, after_ms = 5 }, { level = 3, after_ms = 1 }]\n\
                 strategy = \"at_random\"\nhead_start_ms = 3600001\nobjective_ms = 999\n";
    let found = faults(&format!("{TRUNK}{queue}"));
    let words = ["no tier ever serves it", "two queues \"a\"", "out of order", "no strategy"];
    for word in words.into_iter().chain(["more than an hour", "less than a second"]) {
        assert!(found.iter().any(|fault| fault.contains(word)), "{word}: {found:?}");
    }
}

#[test]
fn how_many_agents_ring_at_once_is_read_and_checked() {
    let with =
        |keys: &str| LIMITED.replace("name = \"general\"", &format!("name = \"general\"\n{keys}"));
    let rule = |keys: &str| {
        let config = Config::parse(Path::new("hotline.toml"), &with(keys)).expect("it is right");
        let acd::RingRule { at_once, add, add_after_ms } = config.queues[0].ring();
        (at_once, add, add_after_ms)
    };
    assert_eq!(rule("strategy = \"ring_all\""), (16, 1, 10_000));
    assert_eq!(rule("strategy = \"ring_all\"\nring_at_once = 4"), (4, 1, 10_000));
    let progressive = "strategy = \"ring_progressive\"";
    assert_eq!(rule(progressive), (1, 1, 10_000));
    let all = format!("{progressive}\nring_at_once = 2\nring_add = 3\nring_add_after_ms = 5000");
    assert_eq!(rule(&all), (2, 3, 5_000));
    for (keys, key, remedy) in [
        ("ring_at_once = 17", "queue.ring_at_once", "1 to 16"),
        ("ring_at_once = 0", "queue.ring_at_once", "1 to 16"),
        ("ring_add = 0", "queue.ring_add", "1 to 16"),
        ("ring_add_after_ms = 999", "queue.ring_add_after_ms", "1000 or more"),
    ] {
        let found = faults(&with(keys));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(key) && found[0].contains(remedy), "{found:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let Err(Faults(faults)) = Config::load(Path::new("/no/such.toml")) else { panic!("it is not") };
    assert!(faults[0].to_string().starts_with("/no/such.toml: cannot be read"), "{}", faults[0]);
}

#[test]
fn without_a_trunk_nobody_can_call() {
    assert!(faults("[sip]\nadvertise = \"192.0.2.1\"\n")[0].contains("nobody can call"));
}

/// The configuration above with listeners in place of `listen`.
fn with_listeners(listeners: &str) -> String {
    TRUNK.replace("[[trunk]]", &format!("{listeners}\n[[trunk]]"))
}

#[test]
fn without_listeners_udp_and_tcp_are_spoken_to_all() {
    let config = Config::parse(Path::new("hotline.toml"), TRUNK).expect("it is enough");
    let advertise = Some("192.0.2.1".parse().expect("an address"));
    let listening = config.sip.listening();
    let transports: Vec<_> = listening.iter().map(|one| one.transport.as_str()).collect();
    assert_eq!(transports, ["udp", "tcp"]);
    for one in listening {
        assert_eq!((one.address, one.advertise), (config.sip.listen, advertise));
        assert_eq!(one.side, Side::Both);
    }
    let all = "0.0.0.0".parse().expect("an address");
    assert_eq!(config.sip.media_addresses(), (all, None));
}

#[test]
fn listeners_have_their_own_transports_sides_and_addresses() {
    let text = with_listeners(
        "[[sip.listener]]\naddress = \"10.0.0.1:5060\"\nside = \"carrier\"\n\
         advertise = \"198.51.100.1\"\n\
         [[sip.listener]]\naddress = \"[2001:db8::1]:5061\"\ntransports = [\"tls\"]\n\
         side = \"agent\"\n\
         [[sip.listener]]\naddress = \"10.0.0.2:443\"\ntransports = [\"wss\"]\n\
         [sip.tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"",
    );
    let config = Config::parse(Path::new("hotline.toml"), &text).expect("it is in order");
    let listening = config.sip.listening();
    let told: Vec<String> = listening
        .iter()
        .map(|one| {
            let (transport, reached) = (one.transport.as_str(), one.reached_at());
            format!("{transport} {} {reached} {:?}", one.address, one.side)
        })
        .collect();
    let wanted = [
        "udp 10.0.0.1:5060 198.51.100.1 Carrier",
        "tcp 10.0.0.1:5060 198.51.100.1 Carrier",
        "tls [2001:db8::1]:5061 2001:db8::1 Agent",
        // What is said for all holds for those of its family that say nothing.
        "wss 10.0.0.2:443 192.0.2.1 Both",
    ];
    assert_eq!(told, wanted);
    let (four, six) = config.sip.media_addresses();
    let six = six.map(|ip| ip.to_string());
    assert_eq!((four.to_string().as_str(), six.as_deref()), ("0.0.0.0", Some("2001:db8::1")));
}

#[test]
fn listeners_that_cannot_be_are_named() {
    let tls = "[sip.tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"";
    let of = |lines: &str| format!("[[sip.listener]]\naddress = \"10.0.0.1:5060\"\n{lines}\n");
    for (listeners, key, word) in [
        (of("transports = []"), "sip.listener.transports", "one of"),
        (of("transports = [\"tcp\", \"ws\"]"), "sip.listener.transports", "one of"),
        (of("transports = [\"udp\", \"udp\"]"), "sip.listener.transports", "one of"),
        (of("transports = [\"tls\"]"), "sip.listener.transports", "[sip.tls]"),
        (of("transports = [\"sctp\"]"), "sip.listener.transports", "hotline config"),
        (of("side = \"left\""), "sip.listener.side", "hotline config"),
        (of("advertise = \"2001:db8::1\""), "sip.listener.advertise", "same family"),
        (of("advertise = \"0.0.0.0\""), "sip.listener.advertise", "same family"),
        (of("") + &of("transports = [\"udp\"]"), "sip.listener.address", "its own port"),
        (format!("{}{tls}", of("") + &of("transports = [\"tls\"]")), "sip.listener.address", "own"),
        (
            "[[sip.listener]]\naddress = \"[::]:5060\"\n".to_owned(),
            "sip.listener.address",
            "`advertise`",
        ),
    ] {
        let faults = faults(&with_listeners(&listeners));
        let named = faults.iter().any(|fault| fault.contains(key) && fault.contains(word));
        assert!(named, "{listeners}: {faults:?}");
    }
    for origin in ["desk.example", "https://desk.example/", "https://"] {
        let text = TRUNK.replace("[sip]", &format!("[sip]\nws_origins = [{origin:?}]"));
        assert!(faults(&text).iter().any(|fault| fault.contains("sip.ws_origins")), "{origin}");
    }
}

#[test]
fn what_the_default_shows_of_listeners_and_certificates_can_be_written() {
    let shown = DEFAULT.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if rest.starts_with("[[sip.listener]]") || rest.starts_with("[sip.tls]") => rest,
        Some(rest) if rest.contains(" = ") && !rest.contains("`") => rest,
        _ => line,
    });
    let keys = ["address", "transports", "side", "advertise", "certificate", "key", "client_ca"];
    let from = DEFAULT.find("# [[sip.listener]]").expect("it is shown");
    let text: Vec<&str> = shown
        .skip(DEFAULT.get(..from).unwrap_or_default().lines().count())
        .take_while(|line| !line.contains("[sip.hep]"))
        .filter(|line| line.starts_with('[') || keys.iter().any(|key| line.starts_with(key)))
        .collect();
    let config = Config::parse(Path::new("shown"), &with_listeners(&text.join("\n")));
    let config = config.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.sip.listening().len(), 3);
    assert!(config.sip.tls.is_some_and(|tls| tls.client_ca.is_some()));
}

#[test]
fn phones_are_offered_codecs_that_there_are() {
    let registrar = |codecs: &str| faults(&format!("{TRUNK}\n[registrar]\ncodecs = {codecs}\n"));
    assert_eq!(registrar("[\"G722\", \"PCMA\"]"), registrar("[\"PCMU\"]"));
    for wrong in ["[]", "[\"G729\"]"] {
        let told = registrar(wrong).into_iter().find(|fault| fault.contains("registrar.codecs"));
        assert!(
            told.is_some_and(|fault| fault.contains("PCMA, PCMU, G722, opus, L16, L16/16000")),
            "{wrong}"
        );
    }
}

#[test]
fn voice_is_protected_as_there_are_ways_to() {
    let registrar = |srtp: &str| faults(&format!("{TRUNK}\n[registrar]\nsrtp = \"{srtp}\"\n"));
    let trunk = |srtp: &str| faults(&format!("{TRUNK}\nsrtp = \"{srtp}\"\n"));
    for policy in ["off", "offer", "require"] {
        assert_eq!(registrar(policy), registrar("off"), "{policy}");
        assert_eq!(trunk(policy), trunk("off"), "{policy}");
    }
    for (told, key) in [(registrar("on"), "registrar.srtp"), (trunk("on"), "srtp")] {
        let told = told.into_iter().find(|fault| fault.contains(key));
        assert!(told.is_some_and(|fault| fault.contains("off, offer, require")), "{key}");
    }
}
