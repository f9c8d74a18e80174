//! URIs of one phone (RFC 5627), and flows that phones keep open themselves (RFC 5626).

use super::{Bench, Known, contacts, flow, known, quiet};
use crate::Uri;

const PHONE: &str = "<sip:8001@10.0.0.9:4001>;+sip.instance=\"<urn:uuid:f81d4fae>\"";
const OTHER: &str = "<sip:8001@10.0.0.9:4002>;+sip.instance=\"<urn:uuid:00000002>\"";

/// What a parameter of the 200's Contact says that has `contact` in it.
fn param(response: &crate::Message, contact: &str, name: &str) -> Option<String> {
    let value = contacts(response).into_iter().find(|value| value.contains(contact))?;
    let start = value.find(&format!(";{name}=\""))? + name.len() + 3;
    let length = value[start..].find('"')?;
    Some(value[start..start + length].to_owned())
}

/// The port of the contact that a GRUU leads to.
fn leads_to(bench: &Bench, gruu: &str) -> Option<u16> {
    let (aor, binding) = bench.registrar.binding_of(&Uri::parse(gruu).unwrap())?;
    assert_eq!(aor, "8001");
    Uri::parse(&binding.contact).unwrap().port()
}

#[test]
fn rfc5627_5_3_who_asks_gets_a_public_and_a_temporary_gruu() {
    let mut bench = Bench::new(quiet());
    let response = bench.register(1, &[("Contact", PHONE), ("Supported", "gruu, path")]);
    let public = param(&response, "4001", "pub-gruu").unwrap();
    assert_eq!(public, "sip:8001@10.0.0.1;gr=urn:uuid:f81d4fae");
    assert_eq!(param(&response, "4001", "+sip.instance").unwrap(), "<urn:uuid:f81d4fae>");
    let temporary = param(&response, "4001", "temp-gruu").unwrap();
    assert!(temporary.ends_with("@10.0.0.1;gr") && !temporary.contains("8001"), "{temporary}");
    assert!(!temporary.contains("f81d"), "{temporary}");
    // Who does not ask gets none, nor does a phone without an identity.
    let response = bench.register(2, &[("Contact", PHONE)]);
    assert_eq!(param(&response, "4001", "pub-gruu"), None);
    let plain = [("Contact", "<sip:8001@10.0.0.9:4003>"), ("Supported", "gruu")];
    assert_eq!(param(&bench.register(3, &plain), "4003", "pub-gruu"), None);
}

#[test]
fn rfc5627_a_gruu_leads_to_its_phone_and_to_no_other_of_the_account() {
    let mut bench = Bench::new(quiet());
    let ask = |bench: &mut Bench, cseq, contact| {
        bench.register(cseq, &[("Contact", contact), ("Supported", "gruu")])
    };
    let first = ask(&mut bench, 1, PHONE);
    let second = ask(&mut bench, 2, OTHER);
    for (response, port) in [(&first, "4001"), (&second, "4002")] {
        for kind in ["pub-gruu", "temp-gruu"] {
            let gruu = param(response, port, kind).unwrap();
            assert_eq!(leads_to(&bench, &gruu).unwrap().to_string(), port, "{gruu}");
        }
    }
    for gruu in ["sip:8001@h", "sip:8001@h;gr=urn:uuid:9", "sip:8002@h;gr=urn:uuid:f81d4fae"] {
        assert_eq!(leads_to(&bench, gruu), None, "{gruu}");
    }
    assert_eq!(leads_to(&bench, "sip:tgruu.0@h;gr"), None);
    // It moves, and its GRUU with it.
    ask(&mut bench, 3, &PHONE.replace("4001", "4009"));
    let public = param(&first, "4001", "pub-gruu").unwrap();
    let temporary = param(&first, "4001", "temp-gruu").unwrap();
    assert_eq!(leads_to(&bench, &public), Some(4009));
    assert_eq!(leads_to(&bench, &temporary), Some(4009));
    bench.register(4, &[("Contact", "*"), ("Expires", "0")]);
    assert_eq!(leads_to(&bench, &public), None);
}

#[test]
fn rfc5627_5_4_temporary_gruus_last_as_long_as_the_call_id_and_are_bounded() {
    let mut bench = Bench::new(quiet());
    let headers = [("Contact", PHONE), ("Supported", "gruu")];
    let mut ask = |call_id: &str, cseq| {
        let response = bench.register_from("10.0.0.9:5060", 0, call_id, cseq, &headers);
        param(&response, "4001", "temp-gruu").unwrap()
    };
    let gruus: Vec<String> = (1..=12).map(|cseq| ask("c", cseq)).collect();
    let distinct: std::collections::BTreeSet<_> = gruus.iter().collect();
    assert_eq!(distinct.len(), 12, "each REGISTER gets another");
    let good = gruus.iter().filter(|gruu| leads_to(&bench, gruu).is_some()).count();
    assert_eq!((good, leads_to(&bench, &gruus[11])), (8, Some(4001)), "the last ones");
    let response = bench.register_from("10.0.0.9:5060", 0, "another", 1, &headers);
    let newest = param(&response, "4001", "temp-gruu").unwrap();
    assert_eq!((leads_to(&bench, &gruus[11]), leads_to(&bench, &newest)), (None, Some(4001)));
}

#[test]
fn a_restart_keeps_a_phones_identity_and_its_gruus() {
    let mut before = Bench::new(quiet());
    let response = before.register(7, &[("Contact", PHONE), ("Supported", "gruu")]);
    let mut after = Bench::new(quiet());
    let ends = model::Mono::from_ms(600_000);
    let phone = known("8001", "sip:8001@10.0.0.9:4001", flow("10.0.0.9:5060", 0), ends);
    let instance = Some("<urn:uuid:f81d4fae>");
    after.registrar.restore(Known { instance, reg_id: Some(1), ..phone }, after.now);
    for kind in ["pub-gruu", "temp-gruu"] {
        let gruu = param(&response, "4001", kind).unwrap();
        assert_eq!(leads_to(&after, &gruu), Some(4001), "{kind}");
    }
    // The same phone with a new address is the same phone.
    let moved = format!("{};reg-id=1", PHONE.replace("4001", "4005"));
    after.register(8, &[("Contact", &moved)]);
    assert_eq!(after.registrar.bindings("8001").len(), 1);
}

#[test]
fn an_identity_that_no_uri_can_hold_gives_no_gruu() {
    let mut bench = Bench::new(quiet());
    let long = "x".repeat(129);
    for instance in ["<a b>", "<a;lr>", "<a>x", "", "<>", "a@b", &long] {
        let contact = format!("<sip:8001@10.0.0.9:4001>;+sip.instance=\"{instance}\"");
        let response = bench.register_from(
            "10.0.0.9:5060",
            0,
            instance,
            1,
            &[("Contact", &contact), ("Supported", "gruu")],
        );
        assert_eq!(response.status(), Some(200));
        assert_eq!(param(&response, "4001", "pub-gruu"), None, "{instance}");
    }
}

#[test]
fn rfc5626_6_flows_are_told_to_who_asks_for_them_on_a_way_that_knows_them() {
    let mut bench = Bench::new(quiet());
    let contact = format!("{PHONE};reg-id=1");
    let asks = ("Supported", "path, outbound");
    let response = bench.register(1, &[("Contact", &contact), asks]);
    assert_eq!(response.header("Require"), Some("outbound"));
    assert_eq!(response.header("Flow-Timer"), Some("120"));
    assert!(contacts(&response)[0].contains(";reg-id=1"));
    // Without `reg-id`, or who does not know of flows, is registered as ever.
    for headers in [vec![("Contact", PHONE), asks], vec![("Contact", &*contact)]] {
        let response = bench.register(2, &headers);
        assert_eq!((response.status(), response.header("Require")), (Some(200), None));
        bench.register(3, &[("Contact", "*"), ("Expires", "0")]);
        bench = Bench::new(quiet());
    }
    // Through a proxy: only if that keeps flows itself.
    let via = ("Via", "SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK2");
    let register = |bench: &mut Bench, path| {
        bench.register(4, &[("Contact", &contact), asks, via, ("Path", path)])
    };
    let core = "<sip:core@10.0.0.3;lr;ob>,<sip:edge@10.0.0.2;lr>";
    assert_eq!(register(&mut bench, core).status(), Some(439), "the edge does not");
    assert!(bench.registrar.is_empty());
    let edge = "<sip:core@10.0.0.3;lr>,<sip:edge@10.0.0.2;lr;ob>";
    assert_eq!(register(&mut bench, edge).header("Require"), Some("outbound"));
}
