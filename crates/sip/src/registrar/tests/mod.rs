//! Registrations as phones make them, in virtual time.

mod extensions;
mod gruus;
mod probes;

use std::net::SocketAddr;

use model::{Mono, Transport};

use super::{Known, Registrar, RegistrarConfig, RegistrarOutput, Unbound};
use crate::{Flow, Message, Method, RequestBuilder};

fn flow(remote: &str, connection: u64) -> Flow {
    let transport = if connection == 0 { Transport::Udp } else { Transport::Tcp };
    let local = "10.0.0.1:5060".parse().unwrap();
    Flow { transport, local, remote: remote.parse().unwrap(), connection, listener: 0 }
}

fn register(call_id: &str, cseq: u32, headers: &[(&str, &str)]) -> Message {
    let request = RequestBuilder::new(Method::Register, "sip:10.0.0.1")
        .header("Via", "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1")
        .from("<sip:8001@10.0.0.1>", "a")
        .to("<sip:8001@10.0.0.1>", None)
        .call_id(call_id)
        .cseq(cseq);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).build()
}

/// What is known of a phone that takes OPTIONS from before a restart.
fn known<'a>(aor: &'a str, contact: &'a str, flow: Flow, expires_at: Mono) -> Known<'a> {
    Known {
        aor,
        contact,
        flow,
        path: Vec::new(),
        instance: None,
        reg_id: None,
        call_id: "c",
        cseq: 7,
        answers_options: true,
        expires_at,
    }
}

/// Phones are not asked whether they are there.
fn quiet() -> RegistrarConfig {
    RegistrarConfig { probe_interval_ms: 0, ..RegistrarConfig::default() }
}

struct Bench {
    registrar: Registrar,
    now: Mono,
}

impl Bench {
    fn new(config: RegistrarConfig) -> Self {
        Self { registrar: Registrar::new(config), now: Mono::from_ms(1_000) }
    }

    fn register(&mut self, cseq: u32, headers: &[(&str, &str)]) -> Message {
        self.register_from("10.0.0.9:5060", 0, "c", cseq, headers)
    }

    fn register_from(
        &mut self,
        remote: &str,
        connection: u64,
        call_id: &str,
        cseq: u32,
        headers: &[(&str, &str)],
    ) -> Message {
        let request = register(call_id, cseq, headers);
        let flow = flow(remote, connection);
        self.registrar.handle_register("8001", &request, flow, "t", self.now)
    }

    fn outputs(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.registrar.poll_output())
            .map(|output| match output {
                RegistrarOutput::Bound { contact, .. } => format!("bound {contact}"),
                RegistrarOutput::Unbound { contact, cause, left, .. } => {
                    format!("unbound {contact} {cause:?} {left}")
                }
                RegistrarOutput::Reachable { contact, reachable, left, .. } => {
                    format!("reachable {contact} {reachable} {left}")
                }
                RegistrarOutput::Probe { contact, .. } => format!("probe {contact}"),
            })
            .collect()
    }

    fn pass_ms(&mut self, ms: u64) {
        self.now = Mono::from_ms(self.now.as_ms() + ms);
        self.registrar.handle_timeout(self.now);
    }
}

fn contacts(response: &Message) -> Vec<&str> {
    assert_eq!(response.status(), Some(200));
    response.headers("Contact").collect()
}

#[test]
fn a_contact_is_bound_refreshed_listed_and_taken_back() {
    let mut bench = Bench::new(quiet());
    let response = bench.register(1, &[("Contact", "<sip:8001@10.0.0.9:5060>;expires=120")]);
    assert_eq!(contacts(&response), ["<sip:8001@10.0.0.9:5060>;expires=120"]);
    assert_eq!(response.to().unwrap().tag(), Some("t"));
    assert_eq!(bench.outputs(), ["bound sip:8001@10.0.0.9:5060"]);
    bench.pass_ms(20_000);
    assert_eq!(contacts(&bench.register(2, &[])), ["<sip:8001@10.0.0.9:5060>;expires=100"]);
    bench.register(3, &[("Contact", "<sip:8001@10.0.0.9:5060>"), ("Expires", "90")]);
    assert_eq!(bench.outputs(), [""; 0]);
    bench.pass_ms(89_000);
    assert_eq!(contacts(&bench.register(4, &[])), ["<sip:8001@10.0.0.9:5060>;expires=1"]);
    let response = bench.register(5, &[("Contact", "<sip:8001@10.0.0.9:5060>;expires=0")]);
    assert!(contacts(&response).is_empty());
    assert_eq!(bench.outputs(), ["unbound sip:8001@10.0.0.9:5060 Removed 0"]);
    assert_eq!(bench.registrar.poll_timeout(), None);
}

#[test]
fn a_contact_ends_by_itself() {
    let mut bench = Bench::new(quiet());
    bench.register(1, &[("Contact", "<sip:8001@10.0.0.9>"), ("Expires", "60")]);
    let (at, why) = bench.registrar.poll_timeout().unwrap();
    assert_eq!((at.as_ms(), why), (61_000, "a registration ends"));
    bench.outputs();
    bench.pass_ms(59_999);
    assert_eq!(bench.outputs(), [""; 0]);
    bench.pass_ms(1);
    assert_eq!(bench.outputs(), ["unbound sip:8001@10.0.0.9 Expired 0"]);
    assert!(bench.registrar.is_empty());
}

#[test]
fn too_short_a_time_is_refused_and_too_long_a_one_is_cut() {
    let mut bench = Bench::new(quiet());
    let response = bench.register(1, &[("Contact", "<sip:a@10.0.0.9>;expires=59")]);
    assert_eq!((response.status(), response.header("Min-Expires")), (Some(423), Some("60")));
    assert!(bench.registrar.is_empty());
    let response = bench.register(2, &[("Contact", "<sip:a@10.0.0.9>;expires=999999")]);
    assert_eq!(contacts(&response), ["<sip:a@10.0.0.9>;expires=3600"]);
    let response = bench.register(3, &[("Contact", "<sip:b@10.0.0.9>;expires=x")]);
    assert_eq!(contacts(&response)[1], "<sip:b@10.0.0.9>;expires=600");
}

#[test]
fn the_wildcard_takes_all_back_but_only_alone_and_with_expires_0() {
    let mut bench = Bench::new(quiet());
    bench.register(1, &[("Contact", "<sip:a@10.0.0.9>, <sip:b@10.0.0.9>")]);
    for headers in [
        &[("Contact", "*")][..],
        &[("Contact", "*"), ("Expires", "60")],
        &[("Contact", "*, <sip:a@10.0.0.9>"), ("Expires", "0")],
    ] {
        assert_eq!(bench.register(2, headers).status(), Some(400));
    }
    let all = [("Contact", "*"), ("Expires", "0")];
    assert_eq!(bench.register(1, &all).status(), Some(500));
    assert_eq!(bench.registrar.len(), 2);
    assert!(contacts(&bench.register(2, &all)).is_empty());
    assert!(bench.registrar.is_empty());
}

#[test]
fn a_late_packet_does_not_win() {
    let mut bench = Bench::new(quiet());
    bench.register(5, &[("Contact", "<sip:a@10.0.0.9>")]);
    assert_eq!(bench.register(5, &[("Contact", "<sip:a@10.0.0.9>;expires=0")]).status(), Some(500));
    assert_eq!(bench.register(4, &[("Contact", "<sip:A@10.0.0.9>")]).status(), Some(200));
    let other_phone =
        bench.register_from("10.0.0.8:5060", 0, "d", 1, &[("Contact", "<sip:a@10.0.0.9>")]);
    assert_eq!(other_phone.status(), Some(200));
}

#[test]
fn contacts_are_bounded() {
    let config = RegistrarConfig { max_contacts: 2, max_bindings: 3, ..quiet() };
    let mut bench = Bench::new(config);
    for (cseq, contact) in [(1, "<sip:a@10.0.0.9>"), (2, "<sip:b@10.0.0.9>")] {
        bench.register(cseq, &[("Contact", contact)]);
        bench.pass_ms(1);
    }
    bench.register(3, &[("Contact", "<sip:a@10.0.0.9>")]);
    bench.pass_ms(1);
    bench.outputs();
    bench.register(4, &[("Contact", "<sip:c@10.0.0.9>")]);
    let wanted = ["bound sip:c@10.0.0.9", "unbound sip:b@10.0.0.9 Replaced 2"];
    assert_eq!(bench.outputs(), wanted);
    let three = "<sip:x@h>, <sip:y@h>, <sip:z@h>";
    assert_eq!(bench.register(5, &[("Contact", three)]).status(), Some(403));
    let flow = flow("10.0.0.7:5060", 0);
    for (aor, status) in [("8002", 200), ("8003", 503)] {
        let request = register("e", 1, &[("Contact", "<sip:a@10.0.0.7>")]);
        let response = bench.registrar.handle_register(aor, &request, flow, "t", bench.now);
        assert_eq!(response.status(), Some(status));
    }
}

#[test]
fn a_phone_that_came_back_with_another_port_replaces_itself() {
    let mut bench = Bench::new(quiet());
    let instance = ";+sip.instance=\"<urn:uuid:1>\"";
    bench.register(1, &[("Contact", &format!("<sip:8001@10.0.0.9:4000>{instance}"))]);
    bench.pass_ms(10);
    let again = format!("<sip:8001@10.0.0.9:4002>{instance}");
    bench.register_from("10.0.0.9:4002", 0, "other", 1, &[("Contact", &again)]);
    assert_eq!(
        bench.outputs(),
        [
            "bound sip:8001@10.0.0.9:4000",
            "bound sip:8001@10.0.0.9:4002",
            "unbound sip:8001@10.0.0.9:4000 Replaced 1"
        ]
    );
    assert_eq!(bench.registrar.bindings("8001").len(), 1);
}

#[test]
fn a_phone_is_known_by_its_source_and_by_its_contact() {
    let mut bench = Bench::new(quiet());
    bench.register_from("192.0.2.1:6000", 0, "c", 1, &[("Contact", "<sip:x@10.0.0.9:5070>")]);
    let whose = |bench: &Bench, addr: &str| {
        bench.registrar.agent_of(addr.parse::<SocketAddr>().unwrap()).map(str::to_owned)
    };
    assert_eq!(whose(&bench, "192.0.2.1:6000").as_deref(), Some("8001"));
    assert_eq!(whose(&bench, "10.0.0.9:5070").as_deref(), Some("8001"));
    assert_eq!(whose(&bench, "10.0.0.9:5060"), None);
    assert!(bench.registrar.is_phone_of("192.0.2.1:6000".parse().unwrap(), "8001"));
    assert!(!bench.registrar.is_phone_of("192.0.2.1:6000".parse().unwrap(), "8002"));
    // Refreshed from elsewhere: the old source is nobody's.
    bench.register_from("192.0.2.1:6001", 0, "c", 2, &[("Contact", "<sip:x@10.0.0.9:5070>")]);
    assert_eq!(whose(&bench, "192.0.2.1:6000"), None);
    assert_eq!(whose(&bench, "192.0.2.1:6001").as_deref(), Some("8001"));
}

#[test]
fn a_contact_goes_with_its_connection() {
    let mut bench = Bench::new(quiet());
    bench.register_from("10.0.0.9:4000", 7, "c", 1, &[("Contact", "<sip:x@10.0.0.9:5070>")]);
    bench.outputs();
    bench.registrar.handle_flow_closed(flow("10.0.0.9:4000", 8));
    assert_eq!(bench.outputs(), [""; 0]);
    bench.registrar.handle_flow_closed(flow("10.0.0.9:4000", 7));
    assert_eq!(bench.outputs(), ["unbound sip:x@10.0.0.9:5070 FlowClosed 0"]);
}

#[test]
fn a_contact_is_taken_over_from_before_a_restart() {
    let config = RegistrarConfig { max_bindings: 1, ..quiet() };
    let mut bench = Bench::new(config);
    let ends = Mono::from_ms(60_000);
    let flow = flow("10.0.0.9:5060", 0);
    let over = Mono::from_ms(500);
    let path = vec!["sip:edge@10.0.0.2;lr".to_owned()];
    let mut restore = |aor: &str, contact: &str, request: (&str, u32), ends: Mono| {
        let (call_id, cseq) = request;
        let path = path.clone();
        let known = Known { path, call_id, cseq, ..known(aor, contact, flow, ends) };
        bench.registrar.restore(known, bench.now);
    };
    restore("8001", "sip:late@10.0.0.9", ("c", 1), over);
    restore("8001", "sip:a@10.0.0.9", ("c", 7), ends);
    restore("8002", "sip:b@10.0.0.8", ("d", 1), ends);
    assert_eq!(bench.outputs(), ["bound sip:a@10.0.0.9"]);
    assert_eq!(bench.registrar.agent_of("10.0.0.9:5060".parse().unwrap()), Some("8001"));
    let kept = bench.registrar.bindings("8001")[0];
    assert_eq!((kept.call_id(), kept.cseq(), kept.expires_at), ("c", 7, ends));
    assert_eq!((&kept.path, kept.reachable), (&path, true), "phones are not asked here");
    let late = bench.register(7, &[("Contact", "<sip:a@10.0.0.9>;expires=0")]);
    assert_eq!(late.status(), Some(500), "an older request still does not win");
}

#[test]
fn the_preferred_contact_that_answers_comes_first() {
    let mut bench = Bench::new(quiet());
    let all = "<sip:a@10.0.0.9>;q=0.5, <sip:b@10.0.0.9>;q=0.75, <sip:c@10.0.0.9>;q=0.8";
    bench.register(1, &[("Contact", all), ("Allow", "OPTIONS")]);
    let unanswered = ("8001", "sip:c@10.0.0.9");
    bench.registrar.handle_probe(unanswered, false, bench.now, bench.now);
    let order: Vec<_> = bench
        .registrar
        .bindings("8001")
        .into_iter()
        .map(|binding| (binding.contact.as_str(), binding.q))
        .collect();
    assert_eq!(order, [("sip:b@10.0.0.9", 750), ("sip:a@10.0.0.9", 500), ("sip:c@10.0.0.9", 800)]);
}

#[test]
fn a_broken_contact_changes_nothing() {
    let mut bench = Bench::new(quiet());
    for contact in ["sip:a@10.0.0.9?Route=%3Csip:x%3E", "<tel:+861>", "nonsense", "<sip:a@h"] {
        let both = format!("<sip:good@10.0.0.9>, {contact}");
        let refused = bench.register(1, &[("Contact", &both)]);
        assert_eq!(refused.status(), Some(400), "{contact}");
        assert_eq!(refused.header("Warning").is_some(), contact.contains("tel:"), "{contact}");
    }
    assert!(bench.registrar.is_empty());
    let unbound = RegistrarOutput::Unbound {
        aor: String::new(),
        contact: String::new(),
        cause: Unbound::Expired,
        left: 0,
    };
    assert_ne!(bench.registrar.poll_output(), Some(unbound));
}

#[test]
fn contacts_that_are_too_long_or_too_many_are_refused_and_nothing_is_kept() {
    let mut bench = Bench::new(quiet());
    let long = format!("<sip:a@10.0.0.9;x={}>", "x".repeat(2_048));
    let refused = bench.register(1, &[("Contact", &long)]);
    assert_eq!((refused.status(), bench.registrar.len()), (Some(400), 0));
    let some = |number: usize| vec!["<sip:a@10.0.0.9>;expires=0"; number].join(", ");
    assert_eq!(bench.register(2, &[("Contact", &some(33))]).status(), Some(403));
    assert_eq!(bench.register(3, &[("Contact", &some(32))]).status(), Some(200));
    let fits = format!("<sip:a@10.0.0.9;x={}>", "x".repeat(2_000));
    assert_eq!(bench.register(4, &[("Contact", &fits)]).status(), Some(200));
    assert_eq!(bench.registrar.len(), 1);
}
