//! A registration against a registrar that says what each test wants.

use super::*;
use crate::ResponseBuilder;
use crate::digest::{Algorithm, Authenticator, Secrets, Verdict};

const START: Mono = Mono::from_ms(1_000);

fn config(servers: usize) -> RegistrationConfig {
    RegistrationConfig {
        registrar: "sip:ims.example.com".to_owned(),
        aor: "sip:021@ims.example.com".to_owned(),
        contact: "sip:t1@192.0.2.1:5060".to_owned(),
        expires_s: 600,
        account: Account {
            user: "021".to_owned(),
            password: "sesame".to_owned(),
            realm: Some("ims".to_owned()),
        },
        servers,
        call_id: "c".to_owned(),
        tag: "t".to_owned(),
        seed: 7,
    }
}

struct Line {
    registration: Registration,
    now: Mono,
}

impl Line {
    fn of(servers: usize) -> Self {
        Self { registration: Registration::new(config(servers), START), now: START }
    }

    /// Waits for the next REGISTER: when it left, to which server, and itself.
    fn next(&mut self) -> (u64, usize, Message) {
        loop {
            match self.registration.poll_output() {
                Some(RegistrationOutput::Send { message, server }) => {
                    return (self.now.as_ms(), server, message);
                }
                Some(_) => {}
                None => {
                    let (at, _) = self.registration.poll_timeout().expect("it waits for a time");
                    self.now = self.now.max(at);
                    self.registration.handle_timeout(self.now);
                }
            }
        }
    }

    fn answer(&mut self, request: &Message, status: u16, headers: &[(&str, &str)]) {
        let response = ResponseBuilder::to(request, status).to_tag("r");
        let with =
            |response: ResponseBuilder, (name, value): &(&str, &str)| response.header(name, value);
        let response = headers.iter().fold(response, with).build();
        self.registration.handle_response(&response, self.now);
    }

    fn told(&mut self) -> Vec<String> {
        let outputs = std::iter::from_fn(|| self.registration.poll_output());
        outputs.map(|output| format!("{output:?}")).filter(|text| !text.contains("Send")).collect()
    }
}

#[test]
fn rfc_3261_section_10_2_registered_and_refreshed_before_its_end() {
    let mut line = Line::of(1);
    let (at, server, request) = line.next();
    assert_eq!((at, server), (1_000, 0));
    assert_eq!(request.uri(), "sip:ims.example.com");
    assert_eq!(request.header("Expires"), Some("600"));
    assert_eq!(request.header("Contact"), Some("<sip:t1@192.0.2.1:5060>"));
    line.answer(&request, 200, &[("Contact", "<sip:t1@192.0.2.1:5060>;expires=100")]);
    assert_eq!(line.told(), ["Registered { server: 0 }"]);
    let (later, _, again) = line.next();
    let cseq = |message: &Message| message.cseq().map(|cseq| cseq.number);
    assert_eq!((cseq(&request), cseq(&again)), (Some(1), Some(2)));
    assert_eq!(request.call_id(), again.call_id());
    assert!((71_000..=81_000).contains(&later), "{later}");
    line.answer(&again, 200, &[("Expires", "1000")]);
    assert!(line.told().is_empty(), "it was registered all the time");
    assert!((line.next().0 - later) >= 700_000);
}

#[test]
fn a_challenge_is_answered_and_its_nonce_serves_until_it_is_stale() {
    let mut registrar = Authenticator::new("ims", [1; 32], 900_000);
    let algorithms = [Algorithm::Sha256];
    let secrets = Secrets::from_password(&algorithms, "021", "ims", "sesame");
    let mut line = Line::of(1);
    let mut verdicts = Vec::new();
    for _ in 0..6 {
        let (_, _, request) = line.next();
        let verdict = registrar.verify(&request, Some(&secrets), line.now);
        verdicts.push(verdict);
        match verdict {
            Verdict::Accepted => line.answer(&request, 200, &[]),
            Verdict::Missing | Verdict::Stale | Verdict::Refused => {
                let stale = verdict == Verdict::Stale;
                let value = registrar.challenge(&algorithms, stale, line.now).remove(0);
                line.answer(&request, 401, &[("WWW-Authenticate", &value)]);
            }
        }
    }
    let (accepted, stale) = (Verdict::Accepted, Verdict::Stale);
    assert_eq!(verdicts, [Verdict::Missing, accepted, accepted, accepted, stale, accepted]);
}

#[test]
fn a_wrong_password_and_a_foreign_realm_are_not_tried_again_and_again() {
    for (realm, requests) in [("ims", 2), ("elsewhere", 1)] {
        let value = format!("Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"");
        let mut line = Line::of(1);
        let mut sent = Vec::new();
        for _ in 0..requests {
            let (_, _, request) = line.next();
            line.answer(&request, 401, &[("WWW-Authenticate", &value)]);
            sent.push(request.header("Authorization").is_some());
        }
        assert_eq!(sent.iter().filter(|given| **given).count(), requests - 1, "{realm}");
        assert_eq!(line.told(), ["Failed { status: Some(401) }"]);
        let (at, _, request) = line.next();
        assert!((301_000..=601_000).contains(&at), "{at}");
        assert_eq!(request.header("Authorization"), None);
    }
}

#[test]
fn rfc_3261_section_10_2_8_an_interval_that_is_too_brief_is_made_longer() {
    let mut line = Line::of(1);
    let (_, _, request) = line.next();
    line.answer(&request, 423, &[("Min-Expires", "3600")]);
    let (at, _, again) = line.next();
    assert_eq!((at, again.header("Expires")), (1_000, Some("3600")));
    line.answer(&again, 423, &[("Min-Expires", "3600")]);
    assert_eq!(line.told(), ["Failed { status: Some(423) }"], "a registrar that goes in circles");
}

#[test]
fn the_next_server_is_asked_at_once_and_all_of_them_again_after_longer_and_longer() {
    let mut line = Line::of(2);
    let mut pauses = Vec::new();
    let mut before = 0;
    for round in 0..9 {
        let (at, server, request) = line.next();
        assert_eq!(server, 0);
        pauses.push(at - before);
        line.answer(&request, 503, &[]);
        let (next, server, _) = line.next();
        assert_eq!((next, server), (at, 1), "round {round}");
        line.registration.handle_no_response(line.now);
        before = at;
    }
    let within = |pause: u64, most: u64| (most / 2..=most).contains(&pause);
    for (pause, most) in pauses.iter().skip(1).zip([15, 30, 60, 120, 240, 480, 600, 600]) {
        assert!(within(*pause, most * 1_000), "{pauses:?}");
    }
}

#[test]
fn a_registrar_that_asks_for_rest_is_given_it() {
    let mut line = Line::of(1);
    let (_, _, request) = line.next();
    line.answer(&request, 503, &[("Retry-After", "300 (maintenance)")]);
    assert_eq!(line.told(), ["Failed { status: Some(503) }"]);
    assert!(line.next().0 >= 301_000);
}

#[test]
fn a_server_that_asks_for_rest_is_passed_over_while_another_is_there() {
    let mut line = Line::of(2);
    let (_, _, request) = line.next();
    line.answer(&request, 503, &[("Retry-After", "300")]);
    let mut asked = Vec::new();
    loop {
        let (at, server, _) = line.next();
        asked.push(server);
        if server == 0 {
            assert!((301_000..=601_000 + 31_000).contains(&at), "{at}");
            break;
        }
        line.registration.handle_no_response(line.now);
    }
    assert!(asked.len() > 3, "the other one meanwhile: {asked:?}");
}

#[test]
fn a_line_that_had_moved_on_to_the_next_server_tries_the_first_again_at_once() {
    let mut line = Line::of(2);
    let (_, _, request) = line.next();
    line.answer(&request, 503, &[]);
    let (_, server, request) = line.next();
    assert_eq!(server, 1);
    line.answer(&request, 200, &[("Expires", "600")]);
    let (at, server, _) = line.next();
    assert_eq!(server, 1, "it is refreshed where it is");
    line.registration.handle_no_response(line.now);
    let (next, server, _) = line.next();
    assert_eq!((next, server), (at, 0), "no round is over yet");
}

#[test]
fn while_the_registrar_keeps_it_a_failed_refreshing_is_no_end() {
    let mut line = Line::of(1);
    let (_, _, request) = line.next();
    line.answer(&request, 200, &[("Expires", "60")]);
    assert_eq!(line.told().len(), 1);
    let (_, _, refreshing) = line.next();
    line.answer(&refreshing, 503, &[]);
    assert!(line.told().is_empty() && line.registration.is_registered());
    line.now = Mono::from_ms(61_000);
    line.registration.handle_timeout(line.now);
    assert_eq!(line.told(), ["Failed { status: None }"]);
}

#[test]
fn it_is_taken_back_at_the_end() {
    let mut line = Line::of(1);
    let (_, _, request) = line.next();
    line.answer(&request, 200, &[]);
    line.told();
    line.registration.leave();
    let Some(RegistrationOutput::Send { message, .. }) = line.registration.poll_output() else {
        panic!("nothing leaves");
    };
    assert_eq!(message.header("Expires"), Some("0"));
    line.answer(&message, 200, &[]);
    assert_eq!(line.registration.poll_timeout(), None);
    let mut never = Line::of(1);
    never.registration.leave();
    assert!(never.registration.poll_output().is_none() && never.told().is_empty());
}

#[test]
fn what_the_registrar_agrees_to_while_we_leave_is_taken_back() {
    let mut line = Line::of(1);
    let (_, _, first) = line.next();
    line.registration.leave();
    assert!(line.registration.poll_output().is_none(), "one REGISTER at a time");
    assert!(!line.registration.is_over());
    line.answer(&first, 200, &[]);
    let (_, _, last) = line.next();
    assert_eq!(last.header("Expires"), Some("0"));
    line.answer(&last, 200, &[]);
    assert!(line.registration.is_over());
    // What it only asks who we are about has made no binding, nor what nobody answers.
    let challenge = [("WWW-Authenticate", "Digest realm=\"ims\", nonce=\"n\"")];
    let mut challenged = Line::of(1);
    let (_, _, first) = challenged.next();
    challenged.registration.leave();
    challenged.answer(&first, 401, &challenge);
    assert!(challenged.registration.is_over() && challenged.registration.poll_timeout().is_none());
    let mut silent = Line::of(2);
    silent.next();
    silent.registration.leave();
    silent.registration.handle_no_response(silent.now);
    assert!(silent.registration.is_over());
}

#[test]
fn an_answer_to_an_older_request_changes_nothing() {
    let mut line = Line::of(2);
    let (_, _, first) = line.next();
    line.registration.handle_no_response(line.now);
    let (_, server, _) = line.next();
    assert_eq!(server, 1);
    line.answer(&first, 200, &[]);
    assert!(!line.registration.is_registered());
}

/// The same servers as before, with which of them are there.
fn stay<const N: usize>(up: [bool; N]) -> [RegistrarServer; N] {
    let mut was = 0..N;
    up.map(|is_up| RegistrarServer { was: was.next(), is_up })
}

#[test]
fn a_server_that_others_know_to_be_gone_is_not_asked_while_another_is_there() {
    let mut line = Line::of(3);
    line.registration.handle_servers(&stay([false, true, true]), START);
    let (_, server, request) = line.next();
    assert_eq!(server, 1, "the best of those that are there");
    line.answer(&request, 500, &[]);
    let (_, server, request) = line.next();
    assert_eq!(server, 2);
    line.answer(&request, 500, &[]);
    let (at, server, _) = line.next();
    assert!(at >= 8_500 && server == 1, "after a pause, and the first is still not asked");
}

#[test]
fn where_no_server_is_known_to_be_there_all_are_asked() {
    let mut line = Line::of(2);
    line.registration.handle_servers(&stay([false, false]), START);
    let (at, server, request) = line.next();
    assert_eq!((at, server), (1_000, 0));
    line.answer(&request, 500, &[]);
    assert_eq!(line.next().1, 1);
}

#[test]
fn a_line_whose_server_is_gone_registers_with_another_at_once() {
    let mut line = Line::of(2);
    let (_, server, request) = line.next();
    assert_eq!(server, 0);
    line.answer(&request, 200, &[]);
    line.now = START + Duration::from_secs(30);
    line.registration.handle_servers(&stay([false, true]), line.now);
    let (at, server, request) = line.next();
    assert_eq!((at, server), (31_000, 1));
    line.answer(&request, 200, &[]);
    // It stays there when the first is back.
    line.registration.handle_servers(&stay([true, true]), line.now);
    let (at, server, _) = line.next();
    assert!(at > 100_000 && server == 1);
}

#[test]
fn a_line_whose_last_server_is_gone_waits_for_its_turn() {
    let mut line = Line::of(2);
    let (_, _, request) = line.next();
    line.answer(&request, 200, &[]);
    line.registration.handle_servers(&stay([false, false]), START);
    assert!(line.next().0 > 100_000);
}

#[test]
fn a_name_that_leads_to_the_same_servers_in_another_order_changes_nothing() {
    let mut line = Line::of(2);
    let (_, _, request) = line.next();
    line.answer(&request, 503, &[("Retry-After", "3600")]);
    let (_, server, request) = line.next();
    assert_eq!(server, 1);
    line.answer(&request, 200, &[]);
    let turned = [1, 0].map(|was| RegistrarServer { was: Some(was), is_up: true });
    line.registration.handle_servers(&turned, line.now);
    let (at, server, request) = line.next();
    assert!(at > 100_000 && server == 0, "it is the same one");
    line.answer(&request, 500, &[]);
    assert!(line.next().0 > at, "the other one still wants to be left alone");
}

#[test]
fn a_line_whose_server_the_name_has_left_registers_with_another_at_once() {
    let mut line = Line::of(1);
    let (_, _, request) = line.next();
    line.answer(&request, 200, &[]);
    let new = [RegistrarServer { was: None, is_up: true }];
    line.registration.handle_servers(&new, START);
    assert_eq!(line.next().0, 1_000);
}

/// One server, which is another than all before.
const ANOTHER: [RegistrarServer; 1] = [RegistrarServer { was: None, is_up: true }];

#[test]
fn a_name_that_leads_elsewhere_each_time_does_not_have_us_register_without_end() {
    let mut line = Line::of(1);
    let (_, _, request) = line.next();
    line.answer(&request, 200, &[]);
    let mut left = Vec::new();
    for _ in 0..10 {
        line.registration.handle_servers(&ANOTHER, line.now);
        let (at, _, request) = line.next();
        left.push(at);
        line.answer(&request, 200, &[]);
    }
    assert_eq!(left[0], 1_000, "the first one at once");
    let gaps: Vec<u64> = left.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [30_000; 9]);
}

#[test]
fn a_server_that_is_gone_when_it_answers_is_left_for_another() {
    let mut line = Line::of(1);
    let (_, _, request) = line.next();
    line.registration.handle_servers(&ANOTHER, line.now);
    line.answer(&request, 200, &[]);
    assert_eq!((line.next().0, line.now.as_ms()), (1_000, 1_000), "with the other one at once");
}
