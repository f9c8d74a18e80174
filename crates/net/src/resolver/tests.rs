//! A resolver that asks a server of the test's own, well behaved or not.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use hickory_resolver::proto::op::{Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NAPTR, SOA, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record as ZoneRecord, RecordType};
use sip::locate::{Answer, Question, Record, RecordKind};

use super::{Resolver, ResolverConfig};

fn name(text: &str) -> Name {
    Name::from_str(text).unwrap()
}

fn zone() -> Vec<ZoneRecord> {
    let naptr = |order, service: &[u8], to: &str| {
        let (flags, services, regexp) = (Box::from(&b"s"[..]), Box::from(service), Box::default());
        RData::NAPTR(NAPTR::new(order, 50, flags, services, regexp, name(to)))
    };
    let srv = |priority, to: &str| RData::SRV(SRV::new(priority, 10, 5060, name(to)));
    let many = (0..200).map(|n| ("many.test.", 300, RData::A(A::new(192, 0, 2, n))));
    let some = [
        ("example.test.", 300, naptr(90, b"SIP+D2T", "_sip._tcp.example.test.")),
        ("example.test.", 200, naptr(50, b"SIPS+D2T", "_sips._tcp.example.test.")),
        ("_sip._tcp.example.test.", 300, srv(1, "Two.example.test.")),
        ("_sip._tcp.example.test.", 300, srv(0, "one.example.test.")),
        ("_sip._udp.example.test.", 300, srv(0, ".")),
        ("one.example.test.", 120, RData::A(A::new(192, 0, 2, 1))),
        ("one.example.test.", 300, RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
        ("alias.example.test.", 30, RData::CNAME(CNAME(name("one.example.test.")))),
        ("loop.example.test.", 30, RData::CNAME(CNAME(name("pool.example.test.")))),
        ("pool.example.test.", 30, RData::CNAME(CNAME(name("loop.example.test.")))),
    ];
    let all = some.into_iter().chain(many);
    all.map(|(owner, ttl, data)| ZoneRecord::from_rdata(name(owner), ttl, data)).collect()
}

/// What the zone says to a query.
fn respond(query: &[u8]) -> Option<Message> {
    let query = Message::from_vec(query).ok()?;
    let asked = query.queries.first()?.clone();
    let mut response = Message::response(query.metadata.id, OpCode::Query);
    response.metadata = Metadata::response_from_request(&query.metadata);
    response.add_query(asked.clone());
    assert_eq!(response.metadata.message_type, MessageType::Response);
    let (known, zone) = (name("test."), zone());
    if asked.name() == &name("broken.test.") {
        response.metadata.response_code = ResponseCode::ServFail;
        return Some(response);
    }
    let of_name = zone.into_iter().filter(|record| &record.name == asked.name());
    let of_name: Vec<ZoneRecord> = of_name.collect();
    let fits = |record: &&ZoneRecord| {
        [asked.query_type(), RecordType::CNAME].contains(&record.record_type())
    };
    let answers: Vec<ZoneRecord> = of_name.iter().filter(fits).cloned().collect();
    if answers.is_empty() {
        if of_name.is_empty() {
            response.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = SOA::new(known.clone(), known.clone(), 1, 2, 3, 4, 77);
        response.add_authority(ZoneRecord::from_rdata(known, 88, RData::SOA(soa)));
    }
    response.add_answers(answers);
    Some(response)
}

/// How a server behaves.
type Behaviour = fn(&[u8]) -> Vec<Vec<u8>>;

/// Answers by the zone; what does not fit into a datagram is cut off.
fn well(query: &[u8]) -> Vec<Vec<u8>> {
    let Some(mut response) = respond(query) else { return Vec::new() };
    let bytes = response.to_vec().unwrap();
    if bytes.len() <= 512 {
        return vec![bytes];
    }
    response.answers.clear();
    response.metadata.truncation = true;
    vec![response.to_vec().unwrap()]
}

/// A server on a port of the system's choosing, UDP and TCP. It ends with the test.
fn serve(behaviour: Behaviour) -> SocketAddr {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = udp.local_addr().unwrap();
    let tcp = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            for answer in behaviour(&buffer[..length]) {
                let _ = udp.send_to(&answer, from);
            }
        }
    });
    std::thread::spawn(move || {
        for stream in tcp.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                if stream.read_exact(&mut query).is_err() {
                    break;
                }
                let Some(response) = respond(&query) else { break };
                let bytes = response.to_vec().unwrap();
                let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
                let _ = stream.write_all(&[&length[..], &bytes].concat());
            }
        }
    });
    address
}

/// How long a test waits for what the resolver tells, whatever it is: longer than any patience of
/// the resolver itself.
const PATIENCE: Duration = Duration::from_secs(60);

struct Asking {
    runtime: tokio::runtime::Runtime,
    resolver: Resolver,
    answers: Receiver<(Question, Answer)>,
}

impl Asking {
    fn of(config: &ResolverConfig) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let (tell, answers) = crossbeam_channel::unbounded();
        let tell = Arc::new(move |question, answer| tell.send((question, answer)).unwrap());
        let resolver = Resolver::start(config, runtime.handle().clone(), tell).unwrap();
        Self { runtime, resolver, answers }
    }

    /// Waits for an answer longer than a busy machine stands still.
    fn at(servers: &[SocketAddr]) -> Self {
        Self::within(Duration::from_secs(20), servers)
    }

    /// Gives up soon, where no answer is to come: what it waits for is its own patience.
    fn in_vain_at(server: SocketAddr) -> Self {
        Self::within(Duration::from_millis(200), &[server])
    }

    fn within(timeout: Duration, servers: &[SocketAddr]) -> Self {
        let servers = servers.to_vec();
        Self::of(&ResolverConfig { servers, timeout, tries: 2, ..ResolverConfig::default() })
    }

    fn ask(&self, kind: RecordKind, name: &str) -> Answer {
        let question = Question { kind, name: name.to_owned() };
        self.resolver.ask(question.clone());
        let answer = self.answers.recv_timeout(PATIENCE).expect("an answer");
        assert_eq!(answer.0, question);
        answer.1
    }
}

fn found(answer: Answer) -> (Vec<Record>, u32) {
    let Answer::Found { records, ttl_s } = answer else { panic!("{answer:?}") };
    (records, ttl_s)
}

fn address(text: &str) -> Record {
    Record::Address(text.parse::<IpAddr>().unwrap())
}

#[test]
fn every_kind_of_record_is_read() {
    let dns = Asking::at(&[serve(well)]);
    let (records, ttl_s) = found(dns.ask(RecordKind::Naptr, "example.test"));
    assert_eq!((records.len(), ttl_s), (2, 200), "as long as the record that goes first");
    let secure = Record::Naptr {
        order: 50,
        preference: 50,
        flags: "s".to_owned(),
        service: "SIPS+D2T".to_owned(),
        regexp: String::new(),
        replacement: "_sips._tcp.example.test".to_owned(),
    };
    assert!(records.contains(&secure), "{records:?}");
    let srv = |priority, weight, port, target: &str| Record::Srv {
        priority,
        weight,
        port,
        target: target.to_owned(),
    };
    let (records, _) = found(dns.ask(RecordKind::Srv, "_sip._tcp.example.test"));
    assert_eq!(records.len(), 2);
    assert!(records.contains(&srv(1, 10, 5060, "two.example.test")), "{records:?}");
    let (records, _) = found(dns.ask(RecordKind::Srv, "_sip._udp.example.test"));
    assert_eq!(records, [srv(0, 10, 5060, "")], "the root says that there is no such service");
    let (records, ttl_s) = found(dns.ask(RecordKind::A, "one.example.test"));
    assert_eq!((records, ttl_s), (vec![address("192.0.2.1")], 120));
    let (records, _) = found(dns.ask(RecordKind::Aaaa, "one.example.test"));
    assert_eq!(records, [address("2001:db8::1")]);
}

#[test]
fn an_alias_is_followed_and_lives_as_long_as_its_shortest_part() {
    let dns = Asking::at(&[serve(well)]);
    let (records, ttl_s) = found(dns.ask(RecordKind::A, "alias.example.test"));
    assert_eq!((records, ttl_s), (vec![address("192.0.2.1")], 30));
}

#[test]
fn aliases_that_lead_in_a_circle_lead_nowhere() {
    let dns = Asking::at(&[serve(well)]);
    assert!(!matches!(dns.ask(RecordKind::A, "loop.example.test"), Answer::Found { .. }));
}

#[test]
fn what_does_not_exist_is_said_with_its_lifetime() {
    let dns = Asking::at(&[serve(well)]);
    // RFC 2308 §5: the lesser of the SOA's own TTL and its minimum.
    let nothing = Answer::Nothing { ttl_s: Some(77) };
    assert_eq!(dns.ask(RecordKind::A, "nobody.test"), nothing);
    assert_eq!(dns.ask(RecordKind::Srv, "one.example.test"), nothing, "nothing of this kind");
}

#[test]
fn what_is_too_long_for_a_datagram_is_fetched_over_tcp() {
    let dns = Asking::at(&[serve(well)]);
    assert_eq!(found(dns.ask(RecordKind::A, "many.test")).0.len(), 200);
}

#[test]
fn a_server_that_fails_or_is_silent_gives_way_to_the_next() {
    let silent = serve(|_| Vec::new());
    let dns = Asking::at(&[silent, serve(well)]);
    assert_eq!(found(dns.ask(RecordKind::A, "one.example.test")).0, [address("192.0.2.1")]);
    let dns = Asking::in_vain_at(silent);
    assert_eq!(dns.ask(RecordKind::A, "one.example.test"), Answer::Failed);
    let dns = Asking::at(&[serve(well)]);
    assert_eq!(dns.ask(RecordKind::A, "broken.test"), Answer::Failed);
}

#[test]
fn hostile_answers_are_no_answers() {
    let noise: Behaviour = |query| {
        let mut bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        bytes[..2].copy_from_slice(&query[..2]);
        vec![vec![], vec![0xff; 65], bytes]
    };
    let answer = Asking::in_vain_at(serve(noise)).ask(RecordKind::A, "one.example.test");
    assert_eq!(answer, Answer::Failed);
    // An answer to another question, with the right number.
    let other: Behaviour = |query| {
        let mut response = respond(query).unwrap();
        response.queries[0].set_name(name("evil.test."));
        vec![response.to_vec().unwrap()]
    };
    let answer = Asking::in_vain_at(serve(other)).ask(RecordKind::A, "one.example.test");
    assert!(!matches!(answer, Answer::Found { .. }), "{answer:?}");
    // An answer whose number was guessed wrong before the true one.
    let forged: Behaviour = |query| {
        let mut lie = respond(query).unwrap();
        lie.metadata.id = lie.metadata.id.wrapping_add(1);
        lie.answers = vec![ZoneRecord::from_rdata(
            name("one.example.test."),
            9_999,
            RData::A(A::new(203, 0, 113, 66)),
        )];
        [vec![lie.to_vec().unwrap()], well(query)].concat()
    };
    let answer = Asking::at(&[serve(forged)]).ask(RecordKind::A, "one.example.test");
    assert_eq!(found(answer).0, [address("192.0.2.1")]);
}

#[test]
fn questions_at_one_time_are_bounded_and_each_has_an_answer() {
    let silent = serve(|_| Vec::new());
    let dns = Asking::of(&ResolverConfig {
        servers: vec![silent],
        timeout: Duration::from_millis(200),
        tries: 1,
        questions_max: 2,
    });
    for number in 0..5 {
        let name = format!("h{number}.test");
        dns.resolver.ask(Question { kind: RecordKind::A, name });
    }
    let mut names = Vec::new();
    for _ in 0..5 {
        let (question, answer) = dns.answers.recv_timeout(PATIENCE).unwrap();
        assert_eq!(answer, Answer::Failed);
        names.push(question.name);
    }
    assert_eq!(names[..3], ["h2.test", "h3.test", "h4.test"], "what finds no room fails at once");
    assert_eq!(dns.ask(RecordKind::A, "again.test"), Answer::Failed);
    drop(dns.runtime);
}
