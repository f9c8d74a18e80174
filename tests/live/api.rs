//! The engine's HTTP and WebSocket, as a client sees them.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect};

use crate::demo::Demo;

/// Someone who is signed in.
pub struct Client {
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
    pub fn sign_in(demo: &Demo, user: &str) -> Self {
        let (status, body) = try_sign_in(demo, user, "demo");
        assert!((200..300).contains(&status), "{user} cannot sign in: {status} {body}");
        let token = body["token"].as_str().expect("there is a token").to_owned();
        Self { http: demo.http, token, agent: agent() }
    }

    /// GET: status and JSON.
    pub fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("http://{}/api/v1{path}", self.http);
        let request = self.agent.get(url).header("Authorization", format!("Bearer {}", self.token));
        let mut response = request.call().expect("an answer");
        let status = response.status().as_u16();
        (status, response.body_mut().read_json().unwrap_or(Value::Null))
    }

    /// GET: the bytes.
    pub fn download(&self, path: &str) -> Vec<u8> {
        let url = format!("http://{}/api/v1{path}", self.http);
        let request = self.agent.get(url).header("Authorization", format!("Bearer {}", self.token));
        let mut response = request.call().expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.body_mut().read_to_vec().expect("a body")
    }

    /// Opens the event stream.
    pub fn events(&self) -> Events {
        let url = format!("ws://{}/api/v1/events?token={}", self.http, self.token);
        let (socket, _) = connect(url).expect("the event stream opens");
        Events { socket, seen: Vec::new(), commands: 0 }
    }
}

/// Tries to sign in: status and JSON.
pub fn try_sign_in(demo: &Demo, user: &str, password: &str) -> (u16, Value) {
    let body = json!({ "user": user, "password": password });
    let url = format!("http://{}/api/v1/sessions", demo.http);
    let mut response = agent().post(url).send_json(body).expect("an answer");
    let status = response.status().as_u16();
    (status, response.body_mut().read_json().unwrap_or(Value::Null))
}

/// An event with the moment it came.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When it came.
    pub at: Instant,
    /// The whole message.
    pub event: Value,
}

/// A user's event stream.
pub struct Events {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    /// All events so far.
    pub seen: Vec<Seen>,
    commands: u32,
}

impl Events {
    /// Waits for an event of that type that fits; all others are kept as seen.
    pub fn wait(&mut self, kind: &str, within: Duration, fits: impl Fn(&Value) -> bool) -> Seen {
        let end = Instant::now() + within;
        loop {
            let seen = self.next(end, kind);
            if seen.event["type"] == kind && fits(&seen.event["data"]) {
                return seen;
            }
        }
    }

    /// Sends a command and waits for its answer.
    pub fn command(&mut self, kind: &str, data: &Value) -> Value {
        self.commands += 1;
        let id = format!("test-{}", self.commands);
        let text = json!({ "id": id, "type": kind, "data": data }).to_string();
        self.socket.send(Message::text(text)).expect("it is sent");
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let seen = self.next(end, kind);
            if seen.event["reply_to"] == id.as_str() {
                return seen.event;
            }
        }
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
