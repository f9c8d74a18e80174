//! The room being served, and clients of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::backend::Fake;

/// How long anything may take before a test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The room on a port of the system's choice, until dropped.
pub(crate) struct Server {
    pub(crate) fake: Arc<Fake>,
    pub(crate) address: SocketAddr,
    runtime: Runtime,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error's code; the answer must have the one shape of errors.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        let error = &body["error"];
        assert!(!error["message"].as_str().unwrap().is_empty(), "{body}");
        error["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(web::Config::default())
    }

    pub(crate) fn start_with(config: web::Config) -> Self {
        let runtime = Runtime::new().unwrap();
        let fake = Fake::new();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = runtime.spawn(web::serve(listener, fake.clone(), config, shutdown));
        let (stop, serving) = (Mutex::new(Some(stop)), Mutex::new(Some(serving)));
        Self { fake, address, runtime, stop, serving }
    }

    /// Gives the order to stop.
    pub(crate) fn stop(&self) {
        let _ = self.stop.lock().unwrap().take().unwrap().send(());
    }

    /// Waits until the room has stopped.
    pub(crate) fn stopped(&self) {
        let serving = self.serving.lock().unwrap().take().unwrap();
        self.runtime.block_on(async { timeout(PATIENCE, serving).await }).unwrap().unwrap();
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> Answer {
        self.get_with(path, token, &[])
    }

    pub(crate) fn get_with(&self, path: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, token, headers, b"")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "", &[("Content-Type", "application/json")], body.as_bytes())
    }

    /// One request on a connection of its own.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(PATIENCE));
        let agent: ureq::Agent = config.build().into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(body).unwrap()).unwrap();
        let body = response.body_mut().read_to_vec().unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    /// A bare connection.
    pub(crate) fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// What is answered to bytes as they are, until the other side closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.dial();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A reset after an answer is an end like any other.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks for the figures until `line` is among them.
    pub(crate) fn wait_for_figure(&self, line: &str) {
        let begun = Instant::now();
        loop {
            let figures = String::from_utf8(self.get("/metrics", "").body).unwrap();
            if figures.lines().any(|figure| figure == line) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no '{line}' in {figures}");
            std::thread::yield_now();
        }
    }

    /// A desktop of `user`.
    pub(crate) fn desktop(&self, user: &str) -> Desktop<'_> {
        self.desktop_at(&format!("/api/v1/events?token={}", self.fake.token(user)))
    }

    pub(crate) fn desktop_at(&self, path: &str) -> Desktop<'_> {
        self.try_desktop(path, &[]).unwrap()
    }

    pub(crate) fn try_desktop(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Desktop<'_>, Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = self.runtime.block_on(connect_async(request))?;
        Ok(Desktop { server: self, socket })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.lock().unwrap().take() {
            let _ = stop.send(());
        }
    }
}

/// A connected desktop.
pub(crate) struct Desktop<'a> {
    server: &'a Server,
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Desktop<'_> {
    pub(crate) fn frame(&mut self) -> Message {
        let next = async { timeout(PATIENCE, self.socket.next()).await };
        self.server.runtime.block_on(next).unwrap().unwrap().unwrap()
    }

    /// The next event or answer.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            match self.frame() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("no text: {other:?}"),
            }
        }
    }

    /// The code and reason with which the other side closes; what comes before is skipped.
    pub(crate) fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.frame() {
                let frame = frame.unwrap();
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    pub(crate) fn send(&mut self, message: Message) {
        let sent = async { timeout(PATIENCE, self.socket.send(message)).await };
        self.server.runtime.block_on(sent).unwrap().unwrap();
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.send(Message::text(text));
    }

    /// Sends a command and returns what comes next.
    pub(crate) fn ask(&mut self, text: &str) -> Value {
        self.say(text);
        self.next()
    }
}
