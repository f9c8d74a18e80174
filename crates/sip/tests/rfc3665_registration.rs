//! RFC 3665 §2, registration: Bob's phone, the registrar and its challenge, message by message.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use model::{Mono, Transport};
use sip::digest::{Account, Algorithm, Authenticator, Secrets, Verdict, answer};
use sip::{Flow, Message, Method, Refusal, Registrar, RegistrarConfig, RegistrarOutput, validate};

const BOB: &str = "sips:ss2.biloxi.example.com";

/// Bob's phone and the server behind its front door.
struct Stage {
    authenticator: Authenticator,
    registrar: Registrar,
    secrets: Secrets,
    password: &'static str,
    cseq: u32,
    now: Mono,
}

fn flow() -> Flow {
    Flow {
        transport: Transport::Tcp,
        local: "192.0.2.222:5060".parse().unwrap(),
        remote: "192.0.2.201:5060".parse().unwrap(),
        connection: 1,
        listener: 0,
    }
}

impl Stage {
    fn new() -> Self {
        let realm = "atlanta.example.com";
        let algorithms = [Algorithm::Sha256, Algorithm::Md5];
        Self {
            authenticator: Authenticator::new(realm, [3; 32], 60_000),
            registrar: Registrar::new(RegistrarConfig::default()),
            secrets: Secrets::from_password(&algorithms, "bob", realm, "zanzibar"),
            password: "zanzibar",
            cseq: 0,
            now: Mono::from_ms(1_000),
        }
    }

    /// One REGISTER of the phone with these lines; the server's answer.
    fn send(&mut self, lines: &str) -> Message {
        self.cseq += 1;
        let text = format!(
            "REGISTER {BOB} SIP/2.0\r\n\
             Via: SIP/2.0/TLS client.biloxi.example.com:5061;branch=z9hG4bKnashd{}\r\n\
             Max-Forwards: 70\r\n\
             From: Bob <sips:bob@biloxi.example.com>;tag=ja743ks76zlflH\r\n\
             To: Bob <sips:bob@biloxi.example.com>\r\n\
             Call-ID: 1j9FpLxk3uxtm8tn@biloxi.example.com\r\n\
             CSeq: {} REGISTER\r\n{lines}Content-Length: 0\r\n\r\n",
            self.cseq, self.cseq,
        );
        let request = Message::parse(text.as_bytes()).unwrap().with_flow(flow());
        assert_eq!(validate(&request), Ok(()));
        match self.authenticator.verify(&request, Some(&self.secrets), self.now) {
            Verdict::Accepted => {
                self.registrar.handle_register("bob", &request, flow(), "server", self.now)
            }
            Verdict::Missing | Verdict::Refused | Verdict::Stale => {
                let algorithms: Vec<_> = self.secrets.algorithms().collect();
                let challenges = self.authenticator.challenge(&algorithms, false, self.now);
                let refusal = challenges
                    .into_iter()
                    .fold(Refusal::of(401), |refusal, one| refusal.with("WWW-Authenticate", one));
                refusal.response(&request, "server")
            }
        }
    }

    /// The phone sends, is challenged, and sends again; the last answer.
    fn register(&mut self, lines: &str) -> Message {
        let challenged = self.send(lines);
        assert_eq!(challenged.status(), Some(401));
        let account =
            Account { user: "bob".to_owned(), password: self.password.to_owned(), realm: None };
        let challenges = challenged.headers("WWW-Authenticate");
        let said = answer(challenges, &account, Method::Register, BOB, 1, "0a4f113b").unwrap();
        self.send(&format!("{lines}Authorization: {said}\r\n"))
    }

    fn told(&mut self) -> Vec<RegistrarOutput> {
        std::iter::from_fn(|| self.registrar.poll_output()).collect()
    }
}

/// What a 200 lists: URI and seconds left, each.
fn contacts(response: &Message) -> Vec<(String, String)> {
    let of = |contact: sip::NameAddr<'_>| {
        let expires = contact.params().value("expires").unwrap_or_default().to_owned();
        (contact.uri_text().to_owned(), expires)
    };
    response.contacts().map(of).collect()
}

const CLIENT: &str = "Contact: <sips:bob@client.biloxi.example.com>\r\n";

fn pair(uri: &str, expires: &str) -> (String, String) {
    (uri.to_owned(), expires.to_owned())
}

#[test]
fn rfc_3665_section_2_1_successful_new_registration() {
    let mut stage = Stage::new();
    let ok = stage.register(&format!("{CLIENT}Expires: 3600\r\n"));
    assert_eq!(ok.status(), Some(200));
    assert_eq!((ok.cseq().unwrap().number, ok.to().unwrap().tag()), (2, Some("server")));
    assert_eq!(contacts(&ok), [pair("sips:bob@client.biloxi.example.com", "3600")]);
    assert!(matches!(stage.told()[..], [RegistrarOutput::Bound { .. }]));
}

#[test]
fn rfc_3665_section_2_2_update_of_contact_list() {
    let mut stage = Stage::new();
    stage.register(&format!("{CLIENT}Expires: 3600\r\n"));
    let ok = stage.register("Contact: <tel:+14085551212>;expires=600\r\n");
    // A registrar of phones binds what can be rung; whatever it says of the rest, what stood stays.
    let first = pair("sips:bob@client.biloxi.example.com", "3600");
    match ok.status() {
        Some(200) => assert!(contacts(&ok).contains(&first)),
        status => assert!(status.is_some_and(|status| (400..500).contains(&status))),
    }
    let ok = stage.register("Contact: <sips:bob@192.0.2.202>\r\nExpires: 600\r\n");
    let listed = contacts(&ok);
    assert!(listed.contains(&first), "{listed:?}");
    assert!(listed.contains(&pair("sips:bob@192.0.2.202", "600")), "{listed:?}");
}

#[test]
fn rfc_3665_section_2_3_request_for_current_contact_list() {
    let mut stage = Stage::new();
    stage.register(&format!("{CLIENT}Expires: 3600\r\n"));
    stage.told();
    let ok = stage.register("");
    assert_eq!(ok.status(), Some(200));
    assert_eq!(contacts(&ok), [pair("sips:bob@client.biloxi.example.com", "3600")]);
    assert!(stage.told().is_empty(), "asking changes nothing");
}

#[test]
fn rfc_3665_section_2_4_cancellation_of_registration() {
    let mut stage = Stage::new();
    stage.register(&format!("{CLIENT}Expires: 3600\r\n"));
    stage.told();
    let ok = stage.register("Expires: 0\r\nContact: *\r\n");
    assert_eq!((ok.status(), contacts(&ok).len()), (Some(200), 0));
    assert!(matches!(stage.told()[..], [RegistrarOutput::Unbound { left: 0, .. }]));
    assert!(stage.registrar.is_empty());
}

#[test]
fn rfc_3665_section_2_5_unsuccessful_registration() {
    let mut stage = Stage::new();
    stage.password = "wrong";
    let refused = stage.register(&format!("{CLIENT}Expires: 3600\r\n"));
    assert_eq!(refused.status(), Some(401));
    assert_eq!(refused.headers("WWW-Authenticate").count(), 2);
    assert!(stage.registrar.is_empty() && stage.told().is_empty());
}
