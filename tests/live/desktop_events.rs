//! An agent's desktop while calls come: what it is told, when, and what others are not told.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sip::Method;

use crate::api::{Client, Events, attempt, try_sign_in};
use crate::demo::{Demo, eventually};
use crate::phone::{Dialled, Phone};
use crate::sipp::ended_call;

/// How long an event may take on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// The phone rings so long after the pop where nobody says that it is shown.
const SHOWN_DEADLINE: Duration = Duration::from_millis(300);
/// The first of the sample customers.
const CUSTOMER: &str = "13800138000";

/// An agent at a desk: a phone and an event stream.
struct Desk {
    phone: Phone,
    client: Client,
    events: Events,
}

impl Desk {
    /// Registers the phone, signs in and waits until calls may come.
    fn open(demo: &Demo, agent: &str) -> Self {
        let mut phone = Phone::new(demo.sip, agent);
        assert_eq!(phone.register("demo"), 200);
        let client = Client::sign_in(demo, agent);
        let mut events = client.events();
        events.wait("agent_state", SOON, |data| {
            data["agent_id"] == agent && data["status"] == "ready" && data["state"] == "idle"
        });
        Self { phone, client, events }
    }

    fn pop(&mut self) -> crate::api::Seen {
        self.events.wait("screen_pop", SOON, |_| true)
    }

    /// Takes the call that a customer makes, until both talk; its id.
    fn take_a_call(&mut self, caller: &mut Phone) -> (String, Dialled) {
        let call = caller.dial("95500");
        let pop = self.pop().event["data"].clone();
        let shown = self.events.command("pop_shown", &json!({ "offer_id": pop["offer_id"] }));
        assert_eq!(shown["ok"], json!(true), "{shown}");
        let invite = self.phone.expect(Method::Invite, SOON).message;
        self.phone.respond(&invite, "180 Ringing", "");
        self.events.wait("agent_state", SOON, |data| data["state"] == "ringing");
        self.phone.pick_up(&invite);
        self.events.wait("agent_state", SOON, |data| data["state"] == "talking");
        (pop["call_id"].as_str().expect("an id").to_owned(), call)
    }

    /// Takes a call that the customer ends; its id. After-call work has begun.
    fn serve(&mut self, caller: &mut Phone) -> String {
        let (id, call) = self.take_a_call(caller);
        caller.hang_up(&call);
        let bye = self.phone.expect(Method::Bye, SOON).message;
        self.phone.respond(&bye, "200 OK", "");
        self.events.wait("agent_state", SOON, |data| data["state"] == "acw");
        id
    }
}

/// What a desktop knows of the customer in the end: from the pop, or from its update.
fn known(events: &mut Events, pop: &Value) -> Value {
    if pop["lookup"] != "pending" {
        return pop.clone();
    }
    let update = events.wait("screen_pop_update", SOON, |data| data["call_id"] == pop["call_id"]);
    update.event["data"].clone()
}

#[test]
fn the_pop_comes_before_the_phone_rings_and_names_the_customer() {
    let demo = Demo::start();
    let mut desk = Desk::open(&demo, "8001");
    let phone = desk.phone;
    // Reads in a thread of its own, so that neither waits for the other.
    let rings = thread::spawn(move || phone.expect(Method::Invite, SOON));
    let mut caller = Phone::new(demo.sip, CUSTOMER);
    let call = caller.dial("95500");
    let pop = desk.events.wait("screen_pop", SOON, |_| true);
    let rang = rings.join().expect("the phone rang").at;
    let between = rang.saturating_duration_since(pop.at);
    // Nobody said that it is shown. A little less, because the two sockets are read by two threads.
    assert!(between >= SHOWN_DEADLINE.mul_f64(0.8), "the phone rang {between:?} after the pop");

    let data = pop.event["data"].clone();
    assert_eq!((&data["dnis"], &data["queue"]), (&json!("95500"), &json!("general")), "{data}");
    assert_eq!(data["ani"], "138******00", "{data}");
    let known = known(&mut desk.events, &data);
    assert_eq!(known["lookup"], "found", "{known}");
    let customer = &known["customer"];
    assert_eq!(customer["phone"], "138******00", "tier 1 sees it masked: {customer}");
    for field in ["name", "identity_number"] {
        let text = customer[field].as_str().expect("a text");
        assert!(text.contains('*'), "tier 1 sees {field} masked: {customer}");
    }
    let policies = known["policies"].as_array().expect("a list");
    assert!(!policies.is_empty(), "{known}");
    for policy in policies {
        assert!(policy["plate"].as_str().is_some_and(|plate| plate.contains('*')), "{policy}");
        assert!(policy["premium_fen"].as_i64().is_some_and(|fen| fen > 0), "{policy}");
    }
    assert!(
        !format!("{:?}", desk.events.seen).contains(CUSTOMER),
        "the number is nowhere in clear"
    );
    caller.hang_up(&call);
}

#[test]
fn the_phone_rings_as_soon_as_the_pop_is_shown() {
    let demo = Demo::start();
    let mut desk = Desk::open(&demo, "8001");
    let mut caller = Phone::new(demo.sip, CUSTOMER);
    // The quickest of three: this machine may be busy.
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        let call = caller.dial("95500");
        let pop = desk.pop();
        let offer = json!({ "offer_id": pop.event["data"]["offer_id"] });
        assert_eq!(desk.events.command("pop_shown", &offer)["ok"], json!(true));
        let rang = desk.phone.expect(Method::Invite, SOON);
        // The reply is read first, so this is at most how long the phone took.
        quickest = quickest.min(rang.at.saturating_duration_since(pop.at));
        desk.phone.pick_up(&rang.message);
        caller.hang_up(&call);
        let bye = desk.phone.expect(Method::Bye, SOON).message;
        desk.phone.respond(&bye, "200 OK", "");
        desk.events.wait("agent_state", SOON, |data| data["state"] == "acw");
        assert_eq!(desk.events.command("ready", &json!({}))["ok"], json!(true));
        desk.events.wait("agent_state", SOON, |data| data["state"] == "idle");
    }
    assert!(quickest < SHOWN_DEADLINE.mul_f64(0.7), "the phone rang {quickest:?} after the pop");
}

#[test]
fn a_number_that_no_customer_has_is_said_to_be_unknown() {
    let demo = Demo::start();
    let mut desk = Desk::open(&demo, "8001");
    let mut caller = Phone::new(demo.sip, "02100000000");
    let call = caller.dial("95500");
    let pop = desk.pop().event["data"].clone();
    let known = known(&mut desk.events, &pop);
    assert_eq!(known["lookup"], "unknown", "{known}");
    assert_eq!((&known["customer"], &known["policies"]), (&Value::Null, &json!([])), "{known}");
    caller.hang_up(&call);
}

#[test]
fn a_desktop_sees_every_state_of_a_call_and_the_wrap_up_is_on_record() {
    let demo = Demo::start();
    let mut desk = Desk::open(&demo, "8001");
    let before = desk.events.seen.len();
    let id = desk.serve(&mut Phone::new(demo.sip, CUSTOMER));
    let wrap_up = json!({ "call_id": id, "disposition": "enquiry_answered" });
    // The same command twice, as a desktop does whose connection broke, is done once.
    let first = desk.events.command_as("wrap-1", "wrap_up", &wrap_up);
    let again = desk.events.command_as("wrap-1", "wrap_up", &wrap_up);
    assert_eq!((&first["ok"], &again["ok"]), (&json!(true), &json!(true)), "{first} {again}");
    desk.events.wait("agent_state", SOON, |data| data["state"] == "idle");

    let seen = desk.events.seen[before..].iter().map(|seen| &seen.event);
    let states = seen.filter(|event| event["type"] == "agent_state");
    let mut states: Vec<&str> =
        states.filter_map(|event| event["data"]["state"].as_str()).collect();
    states.dedup();
    assert_eq!(states, ["reserved", "ringing", "talking", "acw", "idle"]);
    let inspector = Client::sign_in(&demo, "qa");
    let (_, call) = inspector.get(&format!("/calls/{id}"));
    assert_eq!(call["disposition"], "enquiry_answered", "{call}");
    let timeline = call["timeline"].as_array().expect("a list");
    let wrapped = timeline.iter().filter(|fact| fact["type"] == "wrapped_up").count();
    assert_eq!(wrapped, 1, "{call}");
}

#[test]
fn the_same_command_twice_is_done_once() {
    let demo = Demo::start();
    let mut desk = Desk::open(&demo, "8001");
    desk.serve(&mut Phone::new(demo.sip, CUSTOMER));
    let more = json!({ "ms": 60_000 });
    for id in ["extend-1", "extend-1"] {
        assert_eq!(desk.events.command_as(id, "extend_acw", &more)["ok"], json!(true));
    }
    assert_eq!(desk.events.command_as("extend-2", "extend_acw", &more)["ok"], json!(true));
    // As begun, and prolonged by two commands, not by three. What comes last was said last.
    assert_eq!(desk.events.command("ready", &json!({}))["ok"], json!(true));
    desk.events.wait("agent_state", SOON, |data| data["state"] == "idle");
    let seen = desk.events.seen.iter().map(|seen| &seen.event["data"]["acw_until"]);
    let ends: BTreeSet<&str> = seen.filter_map(Value::as_str).collect();
    assert_eq!(ends.len(), 3, "{ends:?}");
}

#[test]
fn a_desktop_that_comes_back_misses_nothing() {
    let demo = Demo::start();
    let mut desk = Desk::open(&demo, "8001");
    let mut caller = Phone::new(demo.sip, CUSTOMER);
    let (id, call) = desk.take_a_call(&mut caller);
    let before = desk.events.numbers();
    assert!(before.windows(2).all(|pair| pair[1] == pair[0] + 1), "{before:?}");
    let last = *before.last().expect("events came");
    // The connection breaks in the middle of the call; the call ends meanwhile.
    drop(desk.events);
    caller.hang_up(&call);
    let bye = desk.phone.expect(Method::Bye, SOON).message;
    desk.phone.respond(&bye, "200 OK", "");

    let mut events = desk.client.events_after(last);
    events.wait("agent_state", SOON, |data| data["state"] == "acw" && data["call_id"] == *id);
    let after = events.numbers();
    assert_eq!(after.first(), Some(&(last + 1)), "{after:?}");
    assert!(after.windows(2).all(|pair| pair[1] == pair[0] + 1), "{after:?}");
}

#[test]
fn an_agent_sees_own_calls_only_and_refusals_are_audited() {
    let demo = Demo::start();
    let mut desk = Desk::open(&demo, "8001");
    let id = desk.serve(&mut Phone::new(demo.sip, CUSTOMER));
    ended_call(&Client::sign_in(&demo, "qa"));
    let (_, own) = desk.client.get("/calls");
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1), "{own}");

    let other = Client::sign_in(&demo, "8002");
    assert_eq!(other.get("/calls").1["items"], json!([]));
    let (status, refused) = other.get(&format!("/calls/{id}"));
    assert!([403, 404].contains(&status), "{status} {refused}");
    let (status, refused) = other.get("/recordings");
    assert_eq!(status, 403, "{refused}");
    assert_eq!(refused["error"]["code"], "forbidden", "{refused}");
    assert_eq!(refused["error"]["permission"], "recording.play", "{refused}");

    eventually("the refusal is audited", SOON, || {
        refusals(&demo, "8002").contains("recording.play").then_some(())
    });
}

/// The audited refusals of a user.
fn refusals(demo: &Demo, user: &str) -> String {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let path = demo.data().join("hotline.db").display().to_string();
        let store = store::Store::open(&path, 1, store::Purpose::Tool).await.expect("it opens");
        let filter = store::AuditFilter { user: Some(user.into()), ..Default::default() };
        let page = store.audit(&filter, &store::PageRequest::default()).await.expect("a page");
        format!("{page:?}")
    })
}

#[test]
fn wrong_passwords_are_slowed_until_not_even_the_right_one_is_looked_at() {
    let demo = Demo::start();
    let slowed = eventually("wrong passwords are slowed", SOON, || {
        let response = attempt(&demo, "8003", "wrong");
        match response.status().as_u16() {
            401 => None,
            429 => Some(response),
            status => panic!("{status}"),
        }
    });
    let seconds = slowed.headers().get("Retry-After").and_then(|value| value.to_str().ok());
    assert!(seconds.and_then(|text| text.parse::<u32>().ok()).is_some_and(|s| s > 0), "{slowed:?}");
    let (status, right) = try_sign_in(&demo, "8003", "demo");
    assert_eq!(status, 429, "{right}");
    assert!(right["error"]["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0), "{right}");
    // Others are not held up.
    let begun = Instant::now();
    assert_eq!(try_sign_in(&demo, "8004", "demo").0, 201);
    assert!(begun.elapsed() < SOON);
}
