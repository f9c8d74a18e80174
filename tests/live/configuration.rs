//! What is wrong with a configuration or a file to import is named so that it can be mended.

use std::fs;

use crate::demo::hotline;

/// Lets `hotline check` look at a default configuration in which one text is replaced; what it
/// says of it.
fn check(from: &str, to: &str) -> (bool, String) {
    let default = hotline(&["config"], None);
    let text = String::from_utf8(default.stdout).expect("it is text");
    assert!(text.contains(from), "the default has {from:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hotline.toml");
    // The default's `listen` needs an address to advertise.
    let text = text.replacen("# advertise =", "advertise =", 1).replacen(from, to, 1);
    fs::write(&file, text).expect("it is written");
    let checked = hotline(&["check", "--config", &file.display().to_string()], None);
    let said = [checked.stdout, checked.stderr].concat();
    (checked.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_default_configuration_is_in_order() {
    let (fine, said) = check("[site]", "[site]");
    assert!(fine && said.contains("in order"), "{said}");
}

#[test]
fn configuration_errors_name_file_line_key_and_remedy() {
    for (from, to, key) in [
        ("workers = 1", "workers = 0", "sip.workers"),
        ("calls_max = 10000", "calls_max = 0", "sip.calls_max"),
        ("ports = \"20000-29999\"", "ports = \"30000-20000\"", "media.ports"),
        ("tick_us = 2000", "tick_us = 1", "media.tick_us"),
        ("\"policy.view\", \"claim.register\"]", "\"policy.vew\"]", "tier.permissions"),
        ("{ level = 1, after_ms = 0 }", "{ level = 7, after_ms = 0 }", "queue.tiers"),
        ("sources = [\"192.0.2.0/24\"]", "sources = [\"192.0.2.0/99\"]", "trunk.sources"),
    ] {
        let (fine, said) = check(from, to);
        assert!(!fine, "{to}: {said}");
        let default = String::from_utf8(hotline(&["config"], None).stdout).expect("text");
        let line = default[..default.find(from).expect("it is there")].lines().count();
        let first = said.lines().find(|line| line.contains("hotline.toml:")).unwrap_or_default();
        let place = first.split("hotline.toml:").nth(1).and_then(|rest| rest.split(':').next());
        let place: usize = place.and_then(|line| line.parse().ok()).expect("a line");
        assert!(place.abs_diff(line) <= 1, "line {line}: {said}");
        assert!(first.contains(key), "{key}: {said}");
        assert!(said.contains("remedy: "), "{said}");
    }
}

#[test]
fn configuration_that_cannot_be_read_is_named_as_well() {
    for (from, to, wanted) in [
        ("calls_max = 10000", "calls_maxx = 10000", "calls_maxx"),
        ("calls_max = 10000", "calls_max = \"many\"", "calls_max"),
        ("[site]", "[site", "unclosed"),
    ] {
        let (fine, said) = check(from, to);
        assert!(!fine && said.contains("hotline.toml:"), "{said}");
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let missing = hotline(&["check", "--config", "/nowhere/hotline.toml"], None);
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(!missing.status.success() && said.contains("/nowhere/hotline.toml"), "{said}");
}

#[test]
fn an_import_names_bad_rows_and_takes_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policies.csv");
    let header = "customer_id,name,phone,identity_number,policy_number,product,plate,vehicle,\
                  starts_on,ends_on,premium_yuan";
    let rest = "交强险,京A12345,大众朗逸,2026-01-01,2026-12-31,950.00";
    // The check digit of the second person's identity number is wrong; the third has no day.
    let text = format!(
        "{header}\nT1,张三,13900000001,11010519491231002X,1234567890123,{rest}\n\
         T2,李四,13900000002,110105194912310021,1234567890124,{rest}\n\
         T3,王五,13900000003,440524198001010013,1234567890125,交强险,京A12346,大众朗逸,2026-02-30,\
         2026-12-31,950.00\n"
    );
    fs::write(&file, text).expect("it is written");
    let data = folder.path().join("data");
    let name = file.display().to_string();
    let done = hotline(&["policies", "--data", &data.display().to_string(), "import", &name], None);
    let said = String::from_utf8_lossy(&done.stdout);
    let wrong = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("1 imported, 2 skipped"), "{said} {wrong}");
    let row = |line: &str, column: &str| {
        let named = said.lines().any(|told| told.contains(line) && told.contains(column));
        assert!(named && said.contains(&name), "{line} {column}: {said}");
    };
    row("3", "identity_number");
    row("4", "starts_on");
}
