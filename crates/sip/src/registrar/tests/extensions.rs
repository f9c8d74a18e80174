//! Registrations through proxies (RFC 3327) and of phones with several ways (RFC 5626).

use super::{Bench, contacts, quiet};

const EDGE: &str = "<sip:edge@10.0.0.2;lr>";
const CORE: &str = "<sip:core@10.0.0.3;lr>";

fn phone(port: u16, more: &str) -> String {
    format!("<sip:8001@10.0.0.9:{port}>;+sip.instance=\"<urn:uuid:1>\"{more}")
}

/// The ports of the contacts that are bound now, the oldest first.
fn ports(bench: &Bench) -> Vec<String> {
    let mut ports: Vec<_> = bench
        .registrar
        .bindings("8001")
        .into_iter()
        .map(|binding| binding.contact.rsplit(':').next().unwrap().to_owned())
        .collect();
    ports.sort();
    ports
}

#[test]
fn rfc3327_5_3_the_path_is_kept_in_order_and_told_back() {
    let mut bench = Bench::new(quiet());
    let both = format!("{EDGE},{CORE}");
    let headers = [("Contact", "<sip:a@10.0.0.9>"), ("Path", &both), ("Supported", "path")];
    let response = bench.register(1, &headers);
    assert_eq!(contacts(&response).len(), 1);
    assert_eq!(response.headers("Path").collect::<Vec<_>>(), [EDGE, CORE]);
    let path = bench.registrar.bindings("8001")[0].path.clone();
    assert_eq!(path, ["sip:edge@10.0.0.2;lr", "sip:core@10.0.0.3;lr"]);
    // Without it the phone has come home: the next refresh says how it is reached now.
    bench.register(2, &[("Contact", "<sip:a@10.0.0.9>")]);
    assert!(bench.registrar.bindings("8001")[0].path.is_empty());
}

#[test]
fn a_path_that_cannot_be_read_or_has_no_end_changes_nothing() {
    let mut bench = Bench::new(quiet());
    let endless = vec![EDGE; 33].join(",");
    for path in ["nonsense", "<tel:+861>", "<sip:", &endless] {
        let headers = [("Contact", "<sip:a@10.0.0.9>"), ("Path", path)];
        assert_eq!(bench.register(1, &headers).status(), Some(400), "{path}");
    }
    assert!(bench.registrar.is_empty());
}

#[test]
fn rfc5626_6_a_newer_contact_of_the_same_way_of_the_same_phone_takes_its_place() {
    let mut bench = Bench::new(quiet());
    for (cseq, port) in [(1, 4_001), (2, 4_002)] {
        bench.register(cseq, &[("Contact", &phone(port, ";reg-id=1"))]);
    }
    assert_eq!(ports(&bench), ["4002"]);
    bench.register(3, &[("Contact", &phone(4_003, ";reg-id=2"))]);
    assert_eq!(ports(&bench), ["4002", "4003"], "its second way stands beside the first");
    bench.register(4, &[("Contact", &phone(4_004, ";reg-id=1"))]);
    assert_eq!(ports(&bench), ["4003", "4004"]);
}

#[test]
fn rfc5626_6_a_reg_id_without_an_instance_means_nothing() {
    let mut bench = Bench::new(quiet());
    for (cseq, contact) in [(1, "<sip:8001@10.0.0.9:4001>"), (2, "<sip:8001@10.0.0.9:4002>")] {
        bench.register(cseq, &[("Contact", &format!("{contact};reg-id=1"))]);
    }
    assert_eq!(ports(&bench), ["4001", "4002"]);
    assert_eq!(bench.registrar.bindings("8001")[0].reg_id, None);
}

#[test]
fn rfc3261_10_2_3_a_register_without_a_contact_asks_and_changes_nothing() {
    let mut bench = Bench::new(quiet());
    bench.register(1, &[("Contact", "<sip:a@10.0.0.9>"), ("Expires", "100")]);
    bench.outputs();
    bench.pass_ms(40_000);
    let response = bench.register(2, &[("Expires", "600")]);
    assert_eq!(contacts(&response), ["<sip:a@10.0.0.9>;expires=60"]);
    assert_eq!(bench.outputs(), [""; 0]);
    assert!(
        contacts(&{
            bench.register(3, &[("Contact", "*"), ("Expires", "0")]);
            bench.register(4, &[])
        })
        .is_empty()
    );
}
