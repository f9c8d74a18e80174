//! RFC 3263's own examples, and each rule of §4.1 and §4.2.

use super::{Zone, locate, locate_with, place};
use crate::Uri;
use crate::locate::{Carrier, Family, LocateConfig, NotLocated, Place};

/// The zone of RFC 3263 §4.1 and §4.2, with addresses for its servers.
fn example_com() -> Zone {
    Zone::of(
        "example.com NAPTR 50 50 s SIPS+D2T \"\" _sips._tcp.example.com.
         example.com NAPTR 90 50 s SIP+D2T \"\" _sip._tcp.example.com
         example.com NAPTR 100 50 s SIP+D2U \"\" _sip._udp.example.com.
         _sips._tcp.example.com SRV 0 1 5061 server1.example.com
         _sips._tcp.example.com SRV 1 2 5061 server2.example.com
         _sip._tcp.example.com SRV 0 1 5060 server1.example.com.
         _sip._tcp.example.com SRV 1 2 5060 server2.example.com
         _sip._udp.example.com SRV 0 1 5060 server1.example.com
         server1.example.com A 192.0.2.1
         server2.example.com A 192.0.2.2
         server2.example.com AAAA 2001:db8::2
         example.com A 192.0.2.9",
    )
}

fn with(carriers: &[Carrier]) -> LocateConfig {
    LocateConfig { carriers: carriers.to_vec(), ..LocateConfig::default() }
}

#[test]
fn section_4_1_a_client_of_tcp_and_udp_uses_tcp_by_the_order_of_the_naptr_records() {
    let config = with(&[Carrier::Udp, Carrier::Tcp]);
    let found = locate_with(&config, &example_com(), "sip:user@example.com").unwrap();
    assert_eq!(found, ["Tcp 192.0.2.1:5060", "Tcp 192.0.2.2:5060", "Tcp [2001:db8::2]:5060"]);
}

#[test]
fn section_4_1_a_client_of_tls_uses_the_first_record() {
    let found = locate(&example_com(), "sip:user@example.com").unwrap();
    assert_eq!(found, ["Tls 192.0.2.1:5061", "Tls 192.0.2.2:5061", "Tls [2001:db8::2]:5061"]);
}

#[test]
fn section_4_1_sips_goes_over_tls_alone() {
    let zone = example_com();
    let found = locate(&zone, "sips:user@example.com").unwrap();
    assert!(found.iter().all(|target| target.starts_with("Tls ")), "{found:?}");
    let udp = with(&[Carrier::Udp, Carrier::Tcp]);
    assert_eq!(
        locate_with(&udp, &zone, "sips:user@example.com"),
        Err(NotLocated::Unsupported),
        "never falls back to what is not secure"
    );
    let insecure = Zone::of("h.example NAPTR 1 1 s SIP+D2U \"\" _sip._udp.h.example");
    assert_eq!(locate(&insecure, "sips:h.example"), Err(NotLocated::Unknown));
}

#[test]
fn section_4_1_a_transport_that_is_given_is_used() {
    let zone = example_com();
    assert_eq!(locate(&zone, "sip:example.com;transport=udp").unwrap(), ["Udp 192.0.2.1:5060"]);
    let tcp = locate(&zone, "sip:example.com;transport=TCP").unwrap();
    assert_eq!(tcp.first().unwrap(), "Tcp 192.0.2.1:5060");
    let tls = locate(&zone, "sips:example.com;transport=tcp").unwrap();
    assert_eq!(tls.first().unwrap(), "Tls 192.0.2.1:5061");
    assert_eq!(locate(&zone, "sip:example.com;transport=tls").unwrap().len(), 3);
}

#[test]
fn section_4_1_without_naptr_records_all_our_transports_are_asked_for() {
    let zone = Zone::of(
        "_sip._tcp.h.example SRV 1 0 5070 one.h.example
         _sip._udp.h.example SRV 1 0 5080 one.h.example
         one.h.example A 192.0.2.1",
    );
    let found = locate_with(&with(&[Carrier::Udp, Carrier::Tcp]), &zone, "sip:h.example").unwrap();
    assert_eq!(found, ["Udp 192.0.2.1:5080", "Tcp 192.0.2.1:5070"]);
    let found = locate_with(&with(&[Carrier::Tcp, Carrier::Udp]), &zone, "sip:h.example").unwrap();
    assert_eq!(found, ["Tcp 192.0.2.1:5070", "Udp 192.0.2.1:5080"]);
}

#[test]
fn section_4_2_without_any_srv_record_it_is_the_host_at_the_usual_port() {
    let zone = Zone::of("h.example A 192.0.2.1\nh.example AAAA 2001:db8::1");
    let found = locate(&zone, "sip:h.example").unwrap();
    assert_eq!(found, ["Udp 192.0.2.1:5060", "Udp [2001:db8::1]:5060"]);
    assert_eq!(locate(&zone, "sips:h.example").unwrap().first().unwrap(), "Tls 192.0.2.1:5061");
    let tcp = locate(&zone, "sip:H.Example.;transport=tcp").unwrap();
    assert_eq!(tcp.first().unwrap(), "Tcp 192.0.2.1:5060");
}

#[test]
fn section_4_2_an_address_or_a_port_needs_no_service() {
    let nothing = Zone::of("");
    assert_eq!(locate(&nothing, "sip:192.0.2.7").unwrap(), ["Udp 192.0.2.7:5060"]);
    assert_eq!(locate(&nothing, "sips:[2001:db8::7]").unwrap(), ["Tls [2001:db8::7]:5061"]);
    let maddr = "sip:example.com:5070;maddr=192.0.2.8;transport=tcp";
    assert_eq!(locate(&nothing, maddr).unwrap(), ["Tcp 192.0.2.8:5070"]);
    let zone = example_com();
    assert_eq!(locate(&zone, "sip:example.com:5070").unwrap(), ["Udp 192.0.2.9:5070"]);
    assert_eq!(locate(&zone, "sips:example.com:5070").unwrap(), ["Tls 192.0.2.9:5070"]);
}

#[test]
fn addresses_that_we_cannot_reach_are_no_targets() {
    let zone = example_com();
    let config = LocateConfig { families: vec![Family::V6], ..with(&[Carrier::Tcp]) };
    let found = locate_with(&config, &zone, "sip:example.com").unwrap();
    assert_eq!(found, ["Tcp [2001:db8::2]:5060"]);
    assert_eq!(locate_with(&config, &zone, "sip:192.0.2.1"), Err(NotLocated::Unsupported));
    let broken = Zone::of("h.example A 0.0.0.0\nh.example A 224.0.0.1");
    assert_eq!(locate(&broken, "sip:h.example:5060"), Err(NotLocated::Unknown));
}

#[test]
fn a_service_that_is_decidedly_not_offered_has_no_host_either() {
    let zone = Zone::of("_sip._udp.h.example SRV 0 0 0 .\nh.example A 192.0.2.1");
    assert_eq!(locate(&zone, "sip:h.example;transport=udp"), Err(NotLocated::NoService));
}

#[test]
fn who_asks_in_vain_is_told_why() {
    let zone = Zone::of("down.example A SERVFAIL");
    assert_eq!(locate(&zone, "sip:nobody.example"), Err(NotLocated::Unknown));
    assert_eq!(locate(&zone, "sip:down.example"), Err(NotLocated::Unanswered));
    // A server that cannot say what services there are keeps nobody from the host.
    let half = Zone::of("h.example NAPTR SERVFAIL\nh.example A 192.0.2.1");
    assert_eq!(locate(&half, "sip:h.example").unwrap(), ["Udp 192.0.2.1:5060"]);
}

#[test]
fn records_that_sip_has_no_use_for_are_passed_over() {
    let zone = Zone::of(
        "h.example NAPTR 1 1 u SIP+D2U \"\" _sip._udp.wrong.example
         h.example NAPTR 1 1 s SIP+D2U !.*!sip:x@y! _sip._udp.wrong.example
         h.example NAPTR 1 1 s E2U+sip \"\" _sip._udp.wrong.example
         h.example NAPTR 1 1 s SIP+D2S \"\" _sip._sctp.wrong.example
         h.example NAPTR 9 2 S sip+d2t \"\" _sip._tcp.h.example
         h.example NAPTR 9 1 S SIP+D2U \"\" _other._udp.far.example
         _other._udp.far.example SRV 0 0 5062 far.example
         _sip._tcp.h.example SRV 0 0 5063 far.example
         _sip._tcp.h.example SRV 0 0 0 far.example
         _sip._tcp.h.example SRV 0 0 5063 no..name
         far.example A 192.0.2.5",
    );
    let found = locate(&zone, "sip:h.example").unwrap();
    assert_eq!(found, ["Udp 192.0.2.5:5062", "Tcp 192.0.2.5:5063"], "in the order of preference");
}

#[test]
fn a_domain_with_very_many_records_is_served_by_the_first_of_them() {
    let mut lines = String::new();
    for number in 0..200 {
        lines += &format!("_sip._udp.h.example SRV 0 0 5060 s{number}.h.example\n");
        for address in 0..20 {
            lines += &format!("s{number}.h.example A 192.0.{number}.{address}\n");
        }
    }
    let found = locate(&Zone::of(&lines), "sip:h.example;transport=udp").unwrap();
    assert!(found.len() <= 32, "{}", found.len());
}

#[test]
fn what_can_be_no_host_is_not_asked_for() {
    let why = |text: &str| Place::of(&Uri::parse(text).unwrap()).err();
    let long = format!("sip:{}", "a.".repeat(200));
    for text in ["tel:+8695512", "http://h", "sip:a_b..c", "sip:x.invalid", &long, "sip:ho%20st"] {
        assert_eq!(why(text), Some(NotLocated::NoHost), "{text}");
    }
    for text in ["sip:h;transport=sctp", "sips:h;transport=udp", "sip:h;transport="] {
        assert_eq!(why(text), Some(NotLocated::Unsupported), "{text}");
    }
    assert!(place("sip:h").is_name() && !place("sip:[::1]").is_name());
}
