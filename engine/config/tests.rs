//! Every fault is found, placed and given a remedy.

use super::*;

fn faults(text: &str) -> Vec<String> {
    match Config::parse(Path::new("hotline.toml"), text) {
        Ok(_) => Vec::new(),
        Err(Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
    }
}

const TRUNK: &str = r#"
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
        ("[sip]", "[sip]\nrealm = \"a\\\"b\"", ":3: sip.realm: ", "realm = "),
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

#[test]
fn a_trunks_password_is_never_printed() {
    let account = "user = \"branch-7\"\npassword = \"sesame\"\nbrand";
    let text = TRUNK.replacen("brand", account, 1);
    let config = Config::parse(Path::new("hotline.toml"), &text).expect("it is in order");
    let password = config.trunks[0].password.as_ref().expect("there is one");
    assert_eq!(password.reveal(), "sesame");
    assert!(!format!("{config:?}").contains("sesame"));
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
                 tiers = [{ level = 2, after_ms = 5 }, { level = 3, after_ms = 1 }]\n";
    let found = faults(&format!("{TRUNK}{queue}"));
    for word in ["no tier ever serves it", "two queues \"a\"", "out of order"] {
        assert!(found.iter().any(|fault| fault.contains(word)), "{word}: {found:?}");
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
