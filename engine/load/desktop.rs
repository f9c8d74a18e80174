//! The agents' desktops: each signs in on the web, is shown its screen pops and says so at once.
//!
//! A pop and the ring of the same agent's phone belong together; what the desktop shows of the
//! caller may be masked, so that the phone's INVITE tells whose call it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use crossbeam_channel::{Receiver, Sender};
use futures_util::{SinkExt as _, StreamExt as _};
use model::Mono;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Clock;
use super::plan::Plan;

/// Pops on their way from the desktops; more are not counted.
const QUEUE: usize = 65_536;
/// How long a desktop may take to sign in or connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One agent's desktop was shown a caller, and its phone rang.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// The caller's call.
    pub(super) call: u32,
    /// When the pop arrived.
    pub(super) popped: Mono,
    /// When the phone's INVITE arrived.
    pub(super) rang: Mono,
}

/// A pop has arrived.
#[derive(Debug)]
struct Popped {
    agent: String,
    at: Mono,
}

/// All desktops of a run; none where no web address was given.
#[derive(Debug)]
pub(super) struct Screens {
    /// Runs the desktops; ends with this.
    runtime: Option<tokio::runtime::Runtime>,
    /// Set when the phones have registered: the agents say that they are ready.
    ready: watch::Sender<bool>,
    arriving: Receiver<Popped>,
    pairs: Pairs,
}

impl Screens {
    /// Signs all agents in and connects their desktops.
    ///
    /// # Errors
    /// One of them cannot.
    pub(super) fn open(plan: &Arc<Plan>, clock: Clock) -> anyhow::Result<Self> {
        let (tell, arriving) = crossbeam_channel::bounded(QUEUE);
        let (ready, phones) = watch::channel(false);
        let Some(web) = plan.web else {
            return Ok(Self { runtime: None, ready, arriving, pairs: Pairs::default() });
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("load-desktops")
            .enable_all()
            .build()?;
        for agent in &plan.agents {
            let named = || format!("--web {web}: agent {agent}");
            let token = sign_in(web, agent, &plan.password).with_context(named)?;
            let address = format!("ws://{web}/api/v1/events?token={token}");
            let connecting =
                async { tokio::time::timeout(CONNECT_WITHIN, connect_async(address)).await };
            let (socket, _) =
                runtime.block_on(connecting).with_context(named)?.with_context(named)?;
            let desktop = Desktop { socket, agent: agent.clone(), clock, tell: tell.clone() };
            runtime.spawn(desktop.run(phones.clone()));
        }
        Ok(Self { runtime: Some(runtime), ready, arriving, pairs: Pairs::default() })
    }

    /// The phones have registered: every agent says `ready`.
    pub(super) fn handle_registered(&self) {
        self.ready.send_replace(true);
    }

    /// An agent's phone rings for this call.
    pub(super) fn handle_rang(&mut self, agent: String, call: u32, now: Mono) -> Option<Shown> {
        // Without desktops there is no pop to wait for.
        self.runtime.as_ref()?;
        self.pairs.handle_rang(agent, call, now)
    }

    /// The next pop whose phone has rung before the pop was known here.
    pub(super) fn next_shown(&mut self) -> Option<Shown> {
        while let Ok(popped) = self.arriving.try_recv() {
            if let Some(shown) = self.pairs.handle_popped(popped) {
                return Some(shown);
            }
        }
        None
    }
}

/// Pops that wait for their ring, and rings that wait for their pop, by agent.
#[derive(Debug, Default)]
struct Pairs {
    popped: BTreeMap<String, Mono>,
    rang: BTreeMap<String, (u32, Mono)>,
}

impl Pairs {
    fn handle_rang(&mut self, agent: String, call: u32, now: Mono) -> Option<Shown> {
        match self.popped.remove(&agent) {
            Some(popped) => Some(Shown { call, popped, rang: now }),
            None => {
                self.rang.insert(agent, (call, now));
                None
            }
        }
    }

    fn handle_popped(&mut self, popped: Popped) -> Option<Shown> {
        match self.rang.remove(&popped.agent) {
            Some((call, rang)) => Some(Shown { call, popped: popped.at, rang }),
            None => {
                self.popped.insert(popped.agent, popped.at);
                None
            }
        }
    }
}

/// The token of a new session.
fn sign_in(web: SocketAddr, user: &str, password: &str) -> anyhow::Result<String> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(CONNECT_WITHIN)).build().into();
    let mut response = agent
        .post(format!("http://{web}/api/v1/sessions"))
        .send_json(json!({ "user": user, "password": password }))?;
    let session: Value = response.body_mut().read_json()?;
    let token = session["token"].as_str().unwrap_or("");
    ensure!(!token.is_empty(), "the answer to the sign-in has no token");
    Ok(token.to_owned())
}

/// One agent's desktop.
struct Desktop {
    socket: Socket,
    agent: String,
    clock: Clock,
    tell: Sender<Popped>,
}

impl Desktop {
    /// Runs until the connection or the generator ends.
    async fn run(mut self, mut phones: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        let at = self.clock.now();
                        if !self.handle_event(&text, at).await {
                            return;
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return,
                },
                changed = phones.changed() => {
                    if changed.is_err() || !self.send("ready", "ready", json!({})).await {
                        return;
                    }
                }
            }
        }
    }

    async fn handle_event(&mut self, text: &str, at: Mono) -> bool {
        let Ok(event) = serde_json::from_str::<Value>(text) else { return true };
        if event["type"] != "screen_pop" {
            return true;
        }
        let offer = event["data"]["offer_id"].as_str().unwrap_or("");
        let is_open = self.send(offer, "pop_shown", json!({ "offer_id": offer })).await;
        // A full queue only costs this one figure.
        let _full = self.tell.try_send(Popped { agent: self.agent.clone(), at });
        is_open
    }

    async fn send(&mut self, id: &str, kind: &str, data: Value) -> bool {
        let command = json!({ "id": id, "type": kind, "data": data });
        self.socket.send(Message::text(command.to_string())).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pop_and_a_ring_of_one_agent_belong_together_in_either_order() {
        let mut pairs = Pairs::default();
        let popped = |agent: &str, ms| Popped { agent: agent.into(), at: Mono::from_ms(ms) };
        let shown = |call, popped, rang| {
            let (popped, rang) = (Mono::from_ms(popped), Mono::from_ms(rang));
            Some(Shown { call, popped, rang })
        };
        assert_eq!(pairs.handle_popped(popped("8001", 5)), None);
        assert_eq!(pairs.handle_rang("8002".into(), 2, Mono::from_ms(6)), None);
        assert_eq!(pairs.handle_rang("8001".into(), 1, Mono::from_ms(7)), shown(1, 5, 7));
        assert_eq!(pairs.handle_popped(popped("8002", 8)), shown(2, 8, 6));
        assert_eq!(pairs.handle_popped(popped("8002", 9)), None);
    }
}
