//! A phone gives a call away by itself: baresip's `transfer` is a REFER, and the customer, who has
//! heard the one agent, hears the other.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use media::tone::voice;
use serde_json::json;

use crate::api::Client;
use crate::demo::eventually;
use crate::sipp::ended_call;
use crate::sound::{Baresip, SECOND, demo_for_baresip, recording, share};

const SOON: Duration = Duration::from_secs(20);

/// Has a baresip do what one would type (its `ctrl_tcp` module: JSON in netstrings).
fn command(phone: SocketAddr, name: &str, value: &str) {
    let mut stream = TcpStream::connect(phone).expect("baresip listens");
    let text = json!({ "command": name, "params": value, "token": "test" }).to_string();
    write!(stream, "{}:{text},", text.len()).expect("it is told");
    stream.set_read_timeout(Some(SOON)).expect("a time-out");
    let (mut answer, mut buffer) = (String::new(), [0; 4_096]);
    while !answer.contains("\"response\":true") {
        let length = stream.read(&mut buffer).expect("it answers");
        assert_ne!(length, 0, "baresip hung up after {answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    assert!(answer.contains("\"ok\":true"), "{answer}");
}

#[test]
fn rfc_5359_section_2_4_baresip_gives_a_call_to_a_colleague() {
    let Some(demo) = demo_for_baresip() else { return };
    let voices = [1, 2, 3].map(|seed| voice(seed, 12_000, 30 * SECOND));
    let [first_says, second_says, caller_says] = &voices;
    let mut board = Client::sign_in(&demo, "lead").events();
    let (first, control) = Baresip::agent_to_command(demo.sip, "8001", first_says);
    let caller = Baresip::caller(demo.sip, "95500", "PCMA/8000/1", &caller_says[..22 * SECOND]);
    board.wait("call_state", SOON, |call| call["agent_id"] == "8001" && call["state"] == "talking");
    let second = Baresip::agent(demo.sip, "8002", second_says);
    board.wait("agent_state", SOON, |agent| {
        agent["agent_id"] == "8002" && agent["status"] == "ready" && agent["state"] == "idle"
    });
    eventually("caller and agent have talked", SOON, || first.has_heard(6 * SECOND).then_some(()));
    command(control, "transfer", &format!("sip:8002@{}", demo.sip));
    board.wait("call_state", SOON, |call| call["agent_id"] == "8002" && call["state"] == "talking");

    let heard_by_caller = caller.heard();
    let heard_by_second = second.heard();
    let shares = [first_says, second_says].map(|said| share(&said[..4 * SECOND], &heard_by_caller));
    assert!(shares.iter().all(|share| *share >= 0.8), "the caller heard {shares:?} of the agents");
    let heard = share(&caller_says[14 * SECOND..18 * SECOND], &heard_by_second);
    assert!(heard >= 0.8, "the second agent heard {heard} of the caller");

    let inspector = Client::sign_in(&demo, "qa");
    let call = ended_call(&inspector);
    assert_eq!((&call["agent_id"], &call["outcome"]), (&json!("8002"), &json!("answered")));
    let transfer = &call["transfers"][0];
    assert_eq!((&transfer["by"], &transfer["agent_id"]), (&json!("8001"), &json!("8002")));
    assert_eq!((&transfer["by_phone"], &transfer["end"]), (&json!(true), &json!("completed")));
    let agents = call["legs"].as_array().expect("its legs").iter();
    let answered = agents.filter(|leg| leg["role"] == "agent" && !leg["answered_at"].is_null());
    assert_eq!(answered.count(), 2, "{call}");
    let (left, right) = recording(&inspector);
    let of_caller = share(&caller_says[14 * SECOND..18 * SECOND], &left);
    assert!(of_caller >= 0.8, "the caller is left: {of_caller}");
    let taped = [first_says, second_says].map(|said| share(&said[..4 * SECOND], &right));
    assert!(taped.iter().all(|share| *share >= 0.8), "both agents are right: {taped:?}");
    drop(first);
}
