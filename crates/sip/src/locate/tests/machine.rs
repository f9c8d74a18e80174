//! What is asked, remembered and forgotten.

use std::time::Duration;

use model::Mono;
use proptest::prelude::*;

use super::{Zone, finish, place, shown};
use crate::Uri;
use crate::locate::{
    Answer, Carrier, LocateConfig, LocateOutput, Locator, NotLocated, Place, Question, Record,
    RecordKind, Target,
};

fn zone() -> Zone {
    Zone::of(
        "_sip._udp.h.example SRV 0 0 5060 one.h.example
         _sip._udp.h.example SRV 1 0 5060 two.h.example
         one.h.example A 192.0.2.1
         two.h.example A 192.0.2.2",
    )
}

fn locator() -> Locator {
    Locator::new(LocateConfig::default())
}

fn asks(locator: &mut Locator, zone: &Zone, uri: &str, now: Mono) -> usize {
    let search = locator.locate(place(uri), 1, now);
    finish(locator, zone, search, now).1.len()
}

fn outputs(locator: &mut Locator) -> Vec<LocateOutput> {
    std::iter::from_fn(|| locator.poll_output()).collect()
}

#[test]
fn what_is_known_is_not_asked_again_until_it_is_old() {
    let (mut locator, zone, uri) = (locator(), zone(), "sip:h.example;transport=udp");
    assert_eq!(asks(&mut locator, &zone, uri, Mono::default()), 5, "SRV, two A and two AAAA");
    assert_eq!(asks(&mut locator, &zone, uri, Mono::from_ms(59_999)), 0);
    // That there is no AAAA was true for 60 seconds, the rest is for 300.
    assert_eq!(asks(&mut locator, &zone, uri, Mono::from_ms(60_000)), 2);
    assert_eq!(asks(&mut locator, &zone, uri, Mono::from_ms(300_000)), 5);
}

#[test]
fn what_does_not_exist_is_remembered_as_well_but_not_for_long() {
    let (mut locator, nothing, uri) = (locator(), Zone::of(""), "sip:h.example:5060");
    assert_eq!(asks(&mut locator, &nothing, uri, Mono::default()), 2);
    assert_eq!(asks(&mut locator, &nothing, uri, Mono::from_ms(30_000)), 0);
    assert_eq!(asks(&mut locator, &zone(), uri, Mono::from_ms(60_000)), 2);
    // An authority that says "for a day" is not believed that long.
    let question = Question { kind: RecordKind::A, name: "late.example".to_owned() };
    locator.locate(place("sip:late.example:5060"), 1, Mono::default());
    for kind in [RecordKind::A, RecordKind::Aaaa] {
        let question = Question { kind, ..question.clone() };
        locator.handle_answer(&question, Answer::Nothing { ttl_s: Some(86_400) }, Mono::default());
    }
    outputs(&mut locator);
    assert_eq!(asks(&mut locator, &nothing, "sip:late.example:5060", Mono::from_ms(60_000)), 2);
}

#[test]
fn who_failed_to_answer_is_asked_again_soon() {
    let failing = Zone::of("h.example A SERVFAIL\nh.example AAAA SERVFAIL");
    let (mut locator, uri) = (locator(), "sip:h.example:5060");
    assert_eq!(asks(&mut locator, &failing, uri, Mono::default()), 2);
    assert_eq!(asks(&mut locator, &failing, uri, Mono::from_ms(1_999)), 0);
    assert_eq!(asks(&mut locator, &zone(), uri, Mono::from_ms(2_000)), 2);
}

#[test]
fn an_answer_without_any_lifetime_serves_those_who_wait_and_nobody_else() {
    let mut locator = locator();
    let searches = [1, 2].map(|c| locator.locate(place("sip:h.example:5060"), c, Mono::default()));
    assert_eq!(outputs(&mut locator).len(), 2, "both wait for the same answers");
    for (kind, text) in [(RecordKind::A, "192.0.2.1"), (RecordKind::Aaaa, "2001:db8::1")] {
        let question = Question { kind, name: "h.example".to_owned() };
        let records = vec![Record::Address(text.parse().unwrap())];
        locator.handle_answer(&question, Answer::Found { records, ttl_s: 0 }, Mono::default());
    }
    let ended: Vec<_> = outputs(&mut locator);
    let is_end = |output: &LocateOutput, id| {
        matches!(output, LocateOutput::Located { search, targets } if *search == id
            && targets.len() == 2)
    };
    assert!(is_end(&ended[0], searches[0]) && is_end(&ended[1], searches[1]), "{ended:?}");
    assert_eq!(locator.remembered().0, 0);
}

#[test]
fn a_question_that_is_not_answered_in_time_has_failed() {
    let mut locator = locator();
    let search = locator.locate(place("sip:h.example:5060"), 1, Mono::default());
    assert_eq!(outputs(&mut locator).len(), 2);
    let (at, _) = locator.poll_timeout().unwrap();
    assert_eq!(at, Mono::from_ms(6_000));
    locator.handle_timeout(at);
    let over = LocateOutput::NotLocated { search, why: NotLocated::Unanswered };
    assert_eq!((outputs(&mut locator), locator.poll_timeout()), (vec![over], None));
    // The answer comes after all: nobody waits for it.
    let question = Question { kind: RecordKind::A, name: "h.example".to_owned() };
    let records = vec![Record::Address([192, 0, 2, 66].into())];
    locator.handle_answer(&question, Answer::Found { records, ttl_s: 300 }, at);
    assert_eq!(outputs(&mut locator), []);
}

#[test]
fn a_target_that_failed_comes_last_for_a_while() {
    let (mut locator, zone) = (locator(), zone());
    let found = |locator: &mut Locator, now| {
        let search = locator.locate(place("sip:h.example;transport=udp"), 1, now);
        let targets = finish(locator, &zone, search, now).0.unwrap();
        targets.iter().map(shown).collect::<Vec<_>>()
    };
    let first = Target { carrier: Carrier::Udp, address: "192.0.2.1:5060".parse().unwrap() };
    let as_said = ["Udp 192.0.2.1:5060", "Udp 192.0.2.2:5060"];
    let turned = ["Udp 192.0.2.2:5060", "Udp 192.0.2.1:5060"];
    assert_eq!(found(&mut locator, Mono::default()), as_said);
    locator.handle_failed(first, None, Mono::default());
    assert_eq!(found(&mut locator, Mono::from_ms(29_999)), turned);
    assert_eq!(found(&mut locator, Mono::from_ms(30_000)), as_said);
    // RFC 3261 §21.5.4: as long as a 503 asks for.
    locator.handle_failed(first, Some(Duration::from_secs(5)), Mono::from_ms(30_000));
    assert_eq!(found(&mut locator, Mono::from_ms(34_999)), turned);
    locator.handle_worked(&first);
    assert_eq!(found(&mut locator, Mono::from_ms(34_999)), as_said);
}

#[test]
fn what_is_remembered_and_what_is_searched_is_bounded() {
    let config = LocateConfig {
        cache_entries: 10,
        failed_max: 3,
        searches_max: 2,
        ..LocateConfig::default()
    };
    let mut locator = Locator::new(config);
    for number in 0..50 {
        let uri = format!("sip:h{number}.example:5060");
        asks(&mut locator, &Zone::of(""), &uri, Mono::default());
        let address = format!("192.0.2.{number}:5060").parse().unwrap();
        locator.handle_failed(Target { carrier: Carrier::Udp, address }, None, Mono(number));
    }
    assert_eq!(locator.remembered(), (10, 3));
    for uri in ["sip:a.example", "sip:b.example"] {
        locator.locate(place(uri), 1, Mono::default());
    }
    outputs(&mut locator);
    let search = locator.locate(place("sip:c.example"), 1, Mono::default());
    let over = LocateOutput::NotLocated { search, why: NotLocated::TooMany };
    assert_eq!(outputs(&mut locator), [over]);
}

fn any_record() -> impl Strategy<Value = Record> {
    let text = || "(_sip\\._udp\\.|one\\.)?(h\\.example|\\PC{0,12}|\\.)";
    prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| Record::Address(ip.into())),
        any::<[u8; 16]>().prop_map(|ip| Record::Address(ip.into())),
        (any::<u16>(), any::<u16>(), any::<u16>(), text()).prop_map(
            |(priority, weight, port, target)| Record::Srv { priority, weight, port, target }
        ),
        (any::<u16>(), any::<u16>(), "s?", "SIPS?\\+D2[UT]", text()).prop_map(
            |(order, preference, flags, service, replacement)| Record::Naptr {
                order,
                preference,
                flags,
                service,
                regexp: String::new(),
                replacement,
            }
        ),
    ]
}

proptest! {
    #[test]
    fn a_hostile_zone_ends_every_search(
        answers in proptest::collection::vec(
            (proptest::collection::vec(any_record(), 0..40), any::<u32>()), 1..20),
        chance in any::<u64>(),
    ) {
        let mut locator = Locator::new(LocateConfig::default());
        locator.locate(place("sip:h.example"), chance, Mono::default());
        let mut asked = 0;
        let mut ends = 0;
        while let Some(output) = locator.poll_output() {
            match output {
                LocateOutput::Ask(question) => {
                    asked += 1;
                    let (records, ttl_s) = answers[asked % answers.len()].clone();
                    let answer = Answer::Found { records, ttl_s };
                    locator.handle_answer(&question, answer, Mono::default());
                }
                LocateOutput::Located { targets, .. } => {
                    prop_assert!((1..=32).contains(&targets.len()));
                    ends += 1;
                }
                LocateOutput::NotLocated { .. } => ends += 1,
            }
        }
        prop_assert_eq!((ends, locator.searches()), (1, 0));
        prop_assert!(asked <= 64, "{} questions", asked);
    }

    #[test]
    fn no_uri_makes_a_place_panic(text in "sips?:\\PC{0,40}") {
        if let Some(uri) = Uri::parse(&text) && let Ok(place) = Place::of(&uri) {
            let mut locator = Locator::new(LocateConfig::default());
            locator.locate(place, 1, Mono::default());
            prop_assert!(locator.poll_output().is_some());
        }
    }
}
