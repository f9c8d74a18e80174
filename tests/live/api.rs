//! The engine's HTTP and WebSocket, as a client sees them.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect};

use crate::demo::{Demo, eventually};

/// Someone who is signed in.
pub(crate) struct Client {
    http: SocketAddr,
    token: String,
    agent: ureq::Agent,
}

/// Answers with errors are answers, too.
fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

impl Client {
    /// Signs in with the demo's password.
    pub(crate) fn sign_in(demo: &Demo, user: &str) -> Self {
        let (status, body) = try_sign_in(demo, user, "demo");
        assert!((200..300).contains(&status), "{user} cannot sign in: {status} {body}");
        let token = body["token"].as_str().expect("there is a token").to_owned();
        Self { http: demo.http, token, agent: agent() }
    }

    /// GET: status and JSON.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("http://{}/api/v1{path}", self.http);
        let request = self.agent.get(url).header("Authorization", format!("Bearer {}", self.token));
        let mut response = request.call().expect("an answer");
        let status = response.status().as_u16();
        (status, response.body_mut().read_json().unwrap_or(Value::Null))
    }

    /// POST of JSON: status and JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("http://{}/api/v1{path}", self.http);
        let bearer = format!("Bearer {}", self.token);
        let request = self.agent.post(url).header("Authorization", bearer);
        let mut response = request.send_json(body).expect("an answer");
        let status = response.status().as_u16();
        (status, response.body_mut().read_json().unwrap_or(Value::Null))
    }

    /// GET: the bytes.
    pub(crate) fn download(&self, path: &str) -> Vec<u8> {
        let url = format!("http://{}/api/v1{path}", self.http);
        let request = self.agent.get(url).header("Authorization", format!("Bearer {}", self.token));
        let mut response = request.call().expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.body_mut().read_to_vec().expect("a body")
    }

    /// Opens the event stream, which begins with the present state.
    pub(crate) fn events(&self) -> Events {
        self.stream("")
    }

    /// Opens the event stream where it was left.
    pub(crate) fn events_after(&self, seq: u64) -> Events {
        self.stream(&format!("&after={seq}"))
    }

    fn stream(&self, more: &str) -> Events {
        let url = format!("ws://{}/api/v1/events?token={}{more}", self.http, self.token);
        let (socket, _) = connect(url).expect("the event stream opens");
        Events { socket, seen: Vec::new(), looked_at: 0, commands: 0 }
    }
}

/// Tries to sign in: status and JSON.
pub(crate) fn try_sign_in(demo: &Demo, user: &str, password: &str) -> (u16, Value) {
    let mut response = attempt(demo, user, password);
    let status = response.status().as_u16();
    (status, response.body_mut().read_json().unwrap_or(Value::Null))
}

/// Tries to sign in: the whole answer.
pub(crate) fn attempt(demo: &Demo, user: &str, password: &str) -> ureq::http::Response<ureq::Body> {
    let body = json!({ "user": user, "password": password });
    let url = format!("http://{}/api/v1/sessions", demo.http);
    agent().post(url).send_json(body).expect("an answer")
}

/// How the engine says it is: status and JSON.
pub(crate) fn health(demo: &Demo) -> (u16, Value) {
    let url = format!("http://{}/healthz", demo.http);
    let mut response = agent().get(url).call().expect("an answer");
    let status = response.status().as_u16();
    (status, response.body_mut().read_json().unwrap_or(Value::Null))
}

/// A figure without labels of the engine's metrics, which tell nothing until its first turn is
/// over.
pub(crate) fn metric(demo: &Demo, name: &str) -> u64 {
    let url = format!("http://{}/metrics", demo.http);
    eventually(name, Duration::from_secs(10), || {
        let text = agent().get(&url).call().expect("an answer").into_body().read_to_string();
        let text = text.expect("it is text");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok())
    })
}

/// An event with the moment it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When it came.
    pub(crate) at: Instant,
    /// The whole message.
    pub(crate) event: Value,
}

/// A user's event stream.
pub(crate) struct Events {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    /// All events so far.
    pub(crate) seen: Vec<Seen>,
    looked_at: usize,
    commands: u32,
}

impl Events {
    /// Waits for an event of that type that fits, after the one that was waited for before.
    pub(crate) fn wait(
        &mut self,
        kind: &str,
        within: Duration,
        mut fits: impl FnMut(&Value) -> bool,
    ) -> Seen {
        let end = Instant::now() + within;
        loop {
            // What came while a command was answered was not looked at yet.
            while let Some(seen) = self.seen.get(self.looked_at) {
                self.looked_at += 1;
                if seen.event["type"] == kind && fits(&seen.event["data"]) {
                    return seen.clone();
                }
            }
            self.next(end, kind);
        }
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn command(&mut self, kind: &str, data: &Value) -> Value {
        self.commands += 1;
        let id = format!("test-{}", self.commands);
        self.command_as(&id, kind, data)
    }

    /// Sends a command under that id and waits for its answer.
    pub(crate) fn command_as(&mut self, id: &str, kind: &str, data: &Value) -> Value {
        let text = json!({ "id": id, "type": kind, "data": data }).to_string();
        self.socket.send(Message::text(text)).expect("it is sent");
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let seen = self.next(end, kind);
            if seen.event["reply_to"] == id {
                return seen.event;
            }
        }
    }

    /// The numbers of all events so far.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.seen.iter().filter_map(|seen| seen.event["seq"].as_u64()).collect()
    }

    fn next(&mut self, end: Instant, wanted: &str) -> Seen {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {wanted} came; seen: {:#?}", self.seen);
            if let MaybeTlsStream::Plain(stream) = self.socket.get_ref() {
                stream.set_read_timeout(Some(left)).expect("a time-out");
            }
            let Ok(message) = self.socket.read() else { continue };
            let Message::Text(text) = message else { continue };
            let event = serde_json::from_str(&text).expect("it is JSON");
            let seen = Seen { at: Instant::now(), event };
            self.seen.push(seen.clone());
            return seen;
        }
    }
}
