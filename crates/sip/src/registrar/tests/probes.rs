//! Asking phones whether they are there.

use model::Mono;

use super::super::{RegistrarConfig, RegistrarOutput};
use super::{Bench, Known, flow, known, register};
use crate::Registrar;

const A: &str = "sip:a@10.0.0.9";

/// All phones are asked.
fn asking() -> RegistrarConfig {
    RegistrarConfig { probe_all: true, ..RegistrarConfig::default() }
}

/// A phone that has registered; what it said so far is drained.
fn registered() -> Bench {
    let mut bench = Bench::new(asking());
    bench.register(1, &[("Contact", "<sip:a@10.0.0.9>")]);
    bench.outputs();
    bench
}

/// Lets time pass until the next thing is due; tells how long that took.
fn pass_until_due(bench: &mut Bench) -> u64 {
    let (at, _) = bench.registrar.poll_timeout().unwrap();
    let ms = (at - bench.now).as_micros().div_ceil(1_000);
    let ms = u64::try_from(ms).unwrap();
    bench.pass_ms(ms);
    ms
}

fn answer(bench: &mut Bench) {
    bench.registrar.handle_probe(("8001", A), true, bench.now, bench.now);
}

#[test]
fn a_silent_phone_is_unreachable_within_ten_seconds_of_its_last_sign_of_life() {
    let mut bench = registered();
    let first = pass_until_due(&mut bench);
    assert!((2_500..=5_000).contains(&first), "{first}");
    assert_eq!(bench.outputs(), [format!("probe {A}")]);
    bench.pass_ms(20);
    answer(&mut bench);
    assert_eq!(bench.outputs(), [""; 0], "it was reachable before");
    assert_eq!(pass_until_due(&mut bench), 5_000);
    assert_eq!(bench.outputs(), [format!("probe {A}")]);
    assert_eq!(pass_until_due(&mut bench), 4_000);
    assert_eq!(bench.outputs(), [format!("reachable {A} false 0")]);
    assert_eq!(bench.registrar.reachable("8001"), 0);
    assert!(!bench.registrar.bindings("8001")[0].reachable);
}

#[test]
fn a_late_answer_makes_it_reachable_again_and_so_does_a_refresh() {
    let mut bench = registered();
    pass_until_due(&mut bench);
    pass_until_due(&mut bench);
    bench.outputs();
    bench.pass_ms(1_000);
    answer(&mut bench);
    assert_eq!(bench.outputs(), [format!("reachable {A} true 1")]);
    assert_eq!(pass_until_due(&mut bench), 5_000);
    pass_until_due(&mut bench);
    bench.outputs();
    bench.register(2, &[("Contact", "<sip:a@10.0.0.9>")]);
    assert_eq!(bench.outputs(), [format!("reachable {A} true 1")]);
    let next = pass_until_due(&mut bench);
    assert!((2_500..=5_000).contains(&next), "its own question is anew: {next}");
}

#[test]
fn a_dead_phone_is_asked_anew_only_when_the_last_question_is_over() {
    let mut bench = registered();
    pass_until_due(&mut bench);
    pass_until_due(&mut bench);
    bench.outputs();
    assert_eq!(pass_until_due(&mut bench), 32_000);
    assert_eq!(bench.outputs(), [format!("probe {A}")]);
    assert_eq!(pass_until_due(&mut bench), 4_000);
    assert_eq!(bench.outputs(), [""; 0], "it is known to be dead");
}

#[test]
fn a_question_that_cannot_be_sent_makes_it_unreachable_at_once() {
    let mut bench = registered();
    pass_until_due(&mut bench);
    bench.outputs();
    bench.registrar.handle_probe(("8001", A), false, bench.now, bench.now);
    assert_eq!(bench.outputs(), [format!("reachable {A} false 0")]);
    assert_eq!(pass_until_due(&mut bench), 32_000);
}

#[test]
fn a_late_word_that_it_was_not_reached_is_nothing_to_a_phone_that_registered_since() {
    let mut bench = registered();
    pass_until_due(&mut bench);
    let asked_at = bench.now;
    bench.pass_ms(1_000);
    bench.register(2, &[("Contact", "<sip:a@10.0.0.9>")]);
    bench.outputs();
    bench.registrar.handle_probe(("8001", A), false, asked_at, bench.now);
    assert_eq!(bench.outputs(), [""; 0]);
    assert_eq!(bench.registrar.reachable("8001"), 1);
    bench.registrar.handle_probe(("8001", A), false, bench.now, bench.now);
    assert_eq!(bench.registrar.reachable("8001"), 0);
}

#[test]
fn nothing_is_asked_of_a_phone_that_took_itself_back() {
    let mut bench = registered();
    pass_until_due(&mut bench);
    bench.register(2, &[("Contact", "<sip:a@10.0.0.9>;expires=0")]);
    bench.outputs();
    assert_eq!(bench.registrar.poll_timeout(), None);
    answer(&mut bench);
    assert_eq!(bench.outputs(), [""; 0]);
    assert_eq!(bench.registrar.poll_timeout(), None);
}

#[test]
fn ten_thousand_phones_are_asked_evenly() {
    let mut registrar = Registrar::new(asking());
    let now = Mono::from_ms(1_000);
    for number in 0..10_000 {
        let request = register("c", 1, &[("Contact", "<sip:a@10.0.0.9>")]);
        let aor = number.to_string();
        registrar.handle_register(&aor, &request, flow("10.0.0.9:5060", 0), "t", now);
    }
    while registrar.poll_output().is_some() {}
    // Each one once in two and a half seconds: 400 in a tenth of a second, a few more or less.
    for tenth in 0..25 {
        registrar.handle_timeout(Mono::from_ms(1_000 + 2_500 + 100 * (tenth + 1)));
        let asked = std::iter::from_fn(|| registrar.poll_output()).count();
        assert!((350..=450).contains(&asked), "{asked} in tenth {tenth}");
    }
}

#[test]
fn phones_from_before_a_restart_are_asked_at_once_and_not_trusted_until_they_answer() {
    let mut bench = Bench::new(asking());
    let ends = Mono::from_ms(600_000);
    for number in 0..4_000 {
        let aor = (8_001 + number).to_string();
        let flow = flow("10.0.0.9:5060", 0);
        bench.registrar.restore(known(&aor, A, flow, ends), bench.now);
    }
    bench.outputs();
    assert_eq!(bench.registrar.reachable("8001"), 0);
    let asked = |bench: &mut Bench| {
        bench.registrar.handle_timeout(bench.now);
        let outputs = std::iter::from_fn(|| bench.registrar.poll_output());
        outputs.filter(|output| matches!(output, RegistrarOutput::Probe { .. })).count()
    };
    assert_eq!(asked(&mut bench), 1);
    answer(&mut bench);
    assert_eq!(bench.outputs(), [format!("reachable {A} true 1")]);
    bench.now = Mono::from_ms(2_000);
    assert_eq!(asked(&mut bench), 2_000, "half a millisecond each");
    bench.now = Mono::from_ms(3_000);
    assert_eq!(asked(&mut bench), 1_999);
}

#[test]
fn a_phone_is_asked_that_says_that_it_takes_options() {
    for (headers, asked) in [
        (&[("Allow", "INVITE, ACK, BYE, OPTIONS")][..], true),
        (&[("Allow", "INVITE"), ("Allow", "OPTIONS")], true),
        (&[("Allow", "INVITE, ACK, BYE"), ("Supported", "path")], false),
        (&[("Supported", "outbound, path")], true),
        (&[("k", "replaces")], true),
        (&[("User-Agent", "a phone that says little of itself")], false),
        (&[], false),
    ] {
        let mut bench = Bench::new(RegistrarConfig::default());
        let contact = [("Contact", "<sip:a@10.0.0.9>")];
        bench.register(1, &[&contact, headers].concat());
        bench.outputs();
        bench.pass_ms(5_000);
        let expected = if headers.is_empty() { vec![] } else { vec![format!("probe {A}")] };
        assert_eq!(bench.outputs(), expected, "{headers:?}");
        assert_eq!(bench.registrar.bindings("8001")[0].answers_options, asked, "{headers:?}");
        bench.pass_ms(4_000);
        assert_eq!(bench.registrar.reachable("8001") == 0, asked, "silence means something or not");
        bench.outputs();
        bench.pass_ms(60_000);
        assert_eq!(bench.outputs().is_empty(), !asked, "one that never answers is not asked on");
    }
}

#[test]
fn a_phone_that_says_little_of_itself_and_answers_once_is_missed_within_ten_seconds() {
    let mut bench = Bench::new(RegistrarConfig::default());
    let name = ("User-Agent", "a phone");
    bench.register(1, &[("Contact", "<sip:a@10.0.0.9>"), name]);
    bench.outputs();
    pass_until_due(&mut bench);
    assert_eq!(bench.outputs(), [format!("probe {A}")]);
    answer(&mut bench);
    assert!(bench.registrar.bindings("8001")[0].answers_options, "it has shown it");
    // It is remembered over its next REGISTER.
    bench.register(2, &[("Contact", "<sip:a@10.0.0.9>")]);
    bench.outputs();
    let asked = pass_until_due(&mut bench);
    let silent = pass_until_due(&mut bench);
    assert_eq!(bench.outputs(), [format!("probe {A}"), format!("reachable {A} false 0")]);
    assert!(asked + silent < 10_000, "{asked} + {silent}");
    answer(&mut bench);
    assert_eq!(bench.registrar.reachable("8001"), 1, "a late answer brings it back");
}

#[test]
fn what_cannot_be_sent_to_a_phone_that_never_answered_says_nothing_of_it() {
    let mut bench = Bench::new(RegistrarConfig::default());
    bench.register(1, &[("Contact", "<sip:a@10.0.0.9>"), ("User-Agent", "a phone")]);
    pass_until_due(&mut bench);
    bench.outputs();
    bench.registrar.handle_probe(("8001", A), false, bench.now, bench.now);
    assert_eq!((bench.outputs().len(), bench.registrar.reachable("8001")), (0, 1));
}

#[test]
fn a_phone_from_before_a_restart_that_is_not_asked_is_trusted() {
    let mut bench = Bench::new(RegistrarConfig::default());
    let (flow, ends) = (flow("10.0.0.9:5060", 0), Mono::from_ms(600_000));
    let silent = Known { answers_options: false, ..known("8001", A, flow, ends) };
    bench.registrar.restore(silent, bench.now);
    assert_eq!(bench.registrar.reachable("8001"), 1);
    bench.outputs();
    bench.pass_ms(10_000);
    assert_eq!(bench.outputs(), [""; 0]);
    assert_eq!(bench.registrar.reachable("8001"), 1);
}
