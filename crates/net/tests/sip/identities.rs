//! Whose a certificate is (RFC 5922), seen from both sides of a connection.

use net::sip::Tls;
use sip::ToBrain;

use crate::certificates::{Authority, Files};
use crate::secured::{OpenSsl, address, ask, options, setting, stage, tls};
use crate::stage::Stage;

/// A carrier's server: another engine.
fn carrier(authority: &Authority, certificate: &Files) -> Stage {
    let tls: Tls = tls(authority, certificate);
    Stage::with(setting(&tls))
}

/// We ask `host` at the carrier's address, and it answers.
fn asks(stage: &Stage, carrier: &Stage, number: u64, host: &str) {
    ask(stage, number, address(carrier), &format!("sip:95512@{host}"));
    let (tx, request, _) = carrier.request();
    assert_eq!(request.call_id(), format!("out{number}"));
    carrier.respond(tx, &request, 200);
    assert!(matches!(stage.report(), ToBrain::Response { .. }), "{host}");
}

#[test]
fn rfc_5922_section_7_3_two_names_at_one_address_have_one_connection_each() {
    let authority = Authority::new();
    let stage = stage(&authority);
    let both = authority.sign("theirs", &["one.example", "two.example"]);
    let carrier = carrier(&authority, &both);
    for number in 1..=6 {
        let host = ["one.example", "Two.Example"][usize::from(number % 2 == 0)];
        asks(&stage, &carrier, number, host);
    }
    let counts = stage.counts(|counts| counts.connections == 2);
    assert_eq!(counts.connections, 2, "each is taken again, whatever the other did");
    assert_eq!(carrier.counts(|counts| counts.connections == 2).connections, 2);
}

#[test]
fn rfc_5922_section_7_1_a_server_is_whom_its_sip_uris_or_else_its_dns_names_say() {
    let authority = Authority::new();
    let stage = stage(&authority);
    for (number, (names, host, is_it)) in (1..).zip([
        (&["sip:carrier.example"][..], "carrier.example", true),
        (&["sip:carrier.example", "www.example"], "carrier.example", true),
        // A DNS name says nothing beside a SIP URI; beside another URI it does.
        (&["sip:carrier.example", "www.example"], "www.example", false),
        (&["https://www.example", "carrier.example"], "carrier.example", true),
        (&["https://carrier.example"], "carrier.example", false),
        // Neither another scheme nor somebody at the domain is the domain.
        (&["sips:carrier.example"], "carrier.example", false),
        (&["sip:somebody@carrier.example"], "carrier.example", false),
        // §7.2: in any case, in full, and no wildcards.
        (&["CARRIER.example"], "Carrier.Example", true),
        (&["*.example"], "carrier.example", false),
        (&["carrier.example"], "sub.carrier.example", false),
        // What the subject is called may be believed where nothing else is said, and is not.
        (&["CN=carrier.example"], "carrier.example", false),
        (&["CN=carrier.example", "www.example"], "carrier.example", false),
    ]) {
        let carrier = carrier(&authority, &authority.sign("theirs", names));
        if is_it {
            asks(&stage, &carrier, number, host);
            continue;
        }
        ask(&stage, number, address(&carrier), &format!("sip:95512@{host}"));
        let failed = stage.report();
        let is_failure = matches!(failed, ToBrain::TransportFailed { tx } if tx.0 == number);
        assert!(is_failure, "{host} is not proved by {names:?}: {failed:?}");
        assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    }
}

#[test]
fn rfc_5922_section_7_1_what_proves_no_domain_brings_no_name() {
    let authority = Authority::new();
    let stage = stage(&authority);
    let certificates = [
        authority.sign("wild", &["*.carrier.example"]),
        authority.sign("somebody", &["sip:somebody@carrier.example"]),
        authority.sign("common", &["CN=carrier.example"]),
    ];
    for (number, certificate) in (1..).zip(&certificates) {
        let root = authority.root();
        let to = address(&stage);
        let mut carrier = OpenSsl::client(to, &root, "localhost", Some(certificate));
        carrier.send(options(&format!("named{number}")));
        let (tx, request, _) = stage.request();
        assert!(request.peer_names().is_empty(), "{:?}", request.peer_names());
        stage.respond(tx, &request, 200);
        assert_eq!(carrier.receive().status(), Some(200));
        drop(carrier);
        assert!(matches!(stage.report(), ToBrain::FlowClosed { .. }));
    }
}
