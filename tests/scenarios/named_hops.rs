//! The other side's next hop is a name: requests of the engine go where the DNS says
//! (RFC 3261 §12.2.1.1, RFC 3263).

use sim::{CallerPlan, PhonePlan, World};
use sip::locate::{Answer, Question, Record, RecordKind};

use crate::{assert_sound, world};

const PROXY: &str = "<sip:proxy.carrier.example;lr>";

fn finds(world: &mut World, kind: RecordKind, name: &str, records: Vec<Record>) {
    let question = Question { kind, name: name.to_owned() };
    world.resolves(question, Answer::Found { records, ttl_s: 300 });
}

/// A call through a proxy that wants to stay on the way and that the agent ends.
fn call_through_proxy(world: &mut World) -> sim::PartyId {
    world.phone(0, PhonePlan { talks_ms: Some(10_000), ..PhonePlan::of("8001") });
    let headers = vec![("Record-Route", PROXY)];
    world.caller(1_000, CallerPlan { headers, ..CallerPlan::default() })
}

#[test]
fn the_bye_goes_to_the_server_that_the_routes_name_leads_to() {
    let mut world = world();
    let caller = call_through_proxy(&mut world);
    // Who is at the address that the name leads to: it knows nothing of the call.
    let proxy = world.stranger(500_000, CallerPlan::default());
    let address = world.address(proxy);
    let server = |priority, port, target: &str| Record::Srv {
        priority,
        weight: 0,
        port,
        target: target.to_owned(),
    };
    let servers =
        vec![server(2, 1, "spare.carrier.example"), server(1, address.port(), "b.example")];
    finds(&mut world, RecordKind::Srv, "_sip._udp.proxy.carrier.example", servers);
    finds(&mut world, RecordKind::A, "b.example", vec![Record::Address(address.ip())]);
    world.run_until(60_000);
    assert_eq!(world.party(proxy).saw.byes.len(), 1);
    assert_eq!(world.party(caller).saw.byes.len(), 0, "not past the proxy");
    assert_sound(&world);
}

#[test]
fn a_name_that_leads_nowhere_leaves_the_way_that_the_requests_came() {
    let mut world = world();
    let caller = call_through_proxy(&mut world);
    world.run_until(60_000);
    assert_eq!(world.party(caller).saw.byes.len(), 1);
    assert_sound(&world);
}

/// DNS servers that spread load tell the addresses of a name in another order each time, and may
/// want none of it remembered.
#[test]
fn a_name_whose_addresses_go_round_is_asked_for_once_a_hop() {
    let mut world = world();
    call_through_proxy(&mut world);
    let places = [world.stranger(500_000, CallerPlan::default())];
    let mut addresses: Vec<Record> =
        places.iter().map(|place| Record::Address(world.address(*place).ip())).collect();
    addresses.push(Record::Address("203.0.113.77".parse().unwrap()));
    let question = Question { kind: RecordKind::A, name: "proxy.carrier.example".to_owned() };
    world.resolves(question, Answer::Found { records: addresses, ttl_s: 0 });
    world.run_until(60_000);
    assert!(world.questions() <= 24, "{} questions", world.questions());
    assert_sound(&world);
}

#[test]
fn a_phone_of_ours_that_is_not_registered_is_where_its_messages_come_from() {
    let mut world = world();
    world.phone(0, PhonePlan { talks_ms: Some(10_000), ..PhonePlan::of("8001") });
    // RFC 5627 §5.1: it names a phone, and the host is ours.
    let headers = vec![("Record-Route", "<sip:8001@hotline;gr=urn:uuid:9130574a;lr>")];
    let caller = world.caller(1_000, CallerPlan { headers, ..CallerPlan::default() });
    world.run_until(60_000);
    assert_eq!(world.questions(), 0, "nobody but its registration knows where it is");
    assert_eq!(world.party(caller).saw.byes.len(), 1);
    assert_sound(&world);
}
