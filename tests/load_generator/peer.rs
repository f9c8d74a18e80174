//! A server small enough to be read: it registers agents, answers callers, calls an agent for each
//! and relays their media.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::{Mono, Transport};
use rtp::Packet;
use rtp::digits::Receiver;
use sdp::{Capabilities, Codec, Direction, Session};
use sip::digest::{Algorithm, Authenticator, Secrets, Verdict};
use sip::{
    ClientTx, Dialog, Flow, FromBrain, Message, Method, RequestBuilder, ResponseBuilder, ServerTx,
    ToBrain, Transactions, TransactionsConfig, TxOutput, Uri,
};

/// The running server.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(Vec<String>, usize)>,
}

impl Peer {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a timeout can be set");
        let address = socket.local_addr().expect("it is bound");
        let stop = Arc::new(AtomicBool::new(false));
        let server = Server {
            socket,
            address,
            start: Instant::now(),
            transactions: Transactions::new(TransactionsConfig::default()),
            authenticator: Authenticator::new("peer", [7; 32], 60_000),
            agents: BTreeMap::new(),
            calls: Vec::new(),
            dialled: Vec::new(),
            requests: 0,
        };
        let flag = stop.clone();
        Self { address, stop, thread: std::thread::spawn(move || server.run(&flag)) }
    }

    /// The numbers that were dialled, and how many agents are still registered.
    pub(crate) fn stop(self) -> (Vec<String>, usize) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the peer did not panic")
    }
}

/// One side of a call.
struct Side {
    dialog: Option<Dialog>,
    media: UdpSocket,
    remote: Option<SocketAddr>,
}

impl Side {
    fn new() -> Self {
        let media = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        media.set_nonblocking(true).expect("it can be");
        Self { dialog: None, media, remote: None }
    }

    fn can(&self) -> Capabilities {
        let address = self.media.local_addr().expect("it is bound");
        Capabilities {
            address,
            codecs: vec![Codec::Pcma],
            digits: true,
            noise: false,
            session_id: 1,
            srtp: sdp::Srtp::OFF,
            browser: None,
        }
    }
}

struct Call {
    call_id: String,
    caller: Side,
    caller_number: String,
    agent: Option<(String, ClientTx, Message, Side)>,
    keys: Receiver,
    wants_agent: bool,
}

struct Server {
    socket: UdpSocket,
    address: SocketAddr,
    start: Instant,
    transactions: Transactions,
    authenticator: Authenticator,
    /// Where each agent is, and whether it has no call.
    agents: BTreeMap<String, (SocketAddr, bool)>,
    calls: Vec<Call>,
    dialled: Vec<String>,
    requests: u64,
}

impl Server {
    fn now(&self) -> Mono {
        Mono(self.start.elapsed().as_nanos() as u64)
    }

    fn flow(&self, remote: SocketAddr) -> Flow {
        let transport = Transport::Udp;
        Flow { transport, local: self.address, remote, connection: 0, listener: 0 }
    }

    fn run(mut self, stop: &AtomicBool) -> (Vec<String>, usize) {
        let mut buffer = [0; 65_536];
        while !stop.load(Ordering::Relaxed) {
            // Waits for SIP at most a millisecond: the clock of the media.
            while let Ok((length, remote)) = self.socket.recv_from(&mut buffer) {
                let (now, flow) = (self.now(), self.flow(remote));
                let _malformed = self.transactions.handle_datagram(&buffer[..length], flow, now);
                self.drain();
            }
            self.transactions.handle_timeout(self.now());
            self.drain();
            self.relay();
            self.offer();
        }
        (self.dialled, self.agents.len())
    }

    fn drain(&mut self) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                TxOutput::Transmit { flow, message } => {
                    self.socket.send_to(message.as_bytes(), flow.remote).expect("it is sent");
                }
                TxOutput::ToBrain(ToBrain::Request { tx, message, flow }) => {
                    self.handle_request(tx, &message, flow);
                }
                TxOutput::ToBrain(ToBrain::Response { tx, message, flow }) => {
                    self.handle_response(tx, &message, flow);
                }
                TxOutput::ToBrain(_) => {}
            }
        }
    }

    fn perform(&mut self, command: FromBrain) {
        self.transactions.handle_command(command, self.now());
    }

    fn respond(&mut self, tx: ServerTx, response: ResponseBuilder) -> Message {
        let contact = format!("<sip:{}>", self.address);
        let message = response.to_tag("peer").contact(&contact).build();
        self.perform(FromBrain::Respond { tx, message: message.clone() });
        message
    }

    fn request(&mut self, message: Message, flow: Flow) -> ClientTx {
        self.requests += 1;
        let tx = ClientTx::new(0, self.requests);
        self.perform(FromBrain::Request { tx, message, flow });
        tx
    }

    fn handle_request(&mut self, tx: ServerTx, request: &Message, flow: Flow) {
        match request.method() {
            Method::Register => self.handle_register(tx, request, flow),
            Method::Invite => self.handle_invite(tx, request, flow),
            Method::Bye => {
                self.respond(tx, ResponseBuilder::to(request, 200));
                self.end(request.call_id(), true);
            }
            _ => {
                self.respond(tx, ResponseBuilder::to(request, 405));
            }
        }
    }

    fn handle_register(&mut self, tx: ServerTx, request: &Message, flow: Flow) {
        let user = request.to().and_then(|to| to.uri()).map(|uri| uri.user().to_owned());
        let user = user.expect("a user registers");
        let secrets = Secrets::from_password(&[Algorithm::Md5], &user, "peer", "demo");
        let now = self.now();
        match self.authenticator.verify(request, Some(&secrets), now) {
            Verdict::Accepted => {
                if request.header("Expires") == Some("0") {
                    self.agents.remove(&user);
                } else {
                    self.agents.insert(user, (flow.remote, true));
                }
                self.respond(tx, ResponseBuilder::to(request, 200));
            }
            _ => {
                let challenge = self.authenticator.challenge(&[Algorithm::Md5], false, now);
                let response = ResponseBuilder::to(request, 401);
                let add = |to: ResponseBuilder, value| to.header("WWW-Authenticate", value);
                self.respond(tx, challenge.into_iter().fold(response, add));
            }
        }
    }

    fn handle_invite(&mut self, tx: ServerTx, request: &Message, flow: Flow) {
        let dialled = Uri::parse(request.uri()).expect("a URI").user().to_owned();
        if dialled == "404404" {
            self.respond(tx, ResponseBuilder::to(request, 404));
            return;
        }
        self.dialled.push(dialled.clone());
        let mut caller = Side::new();
        let offer = Session::parse(request.body()).expect("an offer");
        let (answer, agreed) =
            sdp::answer(&offer, &caller.can(), 1, Direction::SendRecv).expect("common ground");
        let response = ResponseBuilder::to(request, 200);
        let response = response.body("application/sdp", answer.to_string().as_bytes());
        let response = self.respond(tx, response);
        caller.dialog = Dialog::uas(request, &response, &flow);
        caller.remote = Some(agreed.remote);
        let from = request.from().and_then(|from| from.uri()).expect("a caller");
        self.calls.push(Call {
            call_id: request.call_id().to_owned(),
            caller,
            caller_number: from.user().to_owned(),
            agent: None,
            keys: Receiver::default(),
            wants_agent: dialled == "95500",
        });
        if dialled == "95599" {
            self.end(request.call_id(), false);
        }
    }

    /// Calls a free agent for every caller who wants one.
    fn offer(&mut self) {
        for at in 0..self.calls.len() {
            if !self.calls[at].wants_agent || self.calls[at].agent.is_some() {
                continue;
            }
            let free = self.agents.iter_mut().find(|(_, (_, free))| *free);
            let Some((agent, (remote, free))) = free else { return };
            *free = false;
            let (agent, remote) = (agent.clone(), *remote);
            let flow = self.flow(remote);
            let side = Side::new();
            let offer = sdp::offer(&side.can(), 1, Direction::SendRecv).to_string();
            let target = format!("sip:{agent}@{}", flow.remote);
            let caller = format!("<sip:{}@{}>", self.calls[at].caller_number, self.address);
            let invite = RequestBuilder::new(Method::Invite, &target)
                .from(&caller, &format!("a{at}"))
                .to(&format!("<{target}>"), None)
                .call_id(&format!("agent-{}", self.calls[at].call_id))
                .cseq(1)
                .contact(&format!("<sip:{}>", self.address))
                .body("application/sdp", offer.as_bytes())
                .build();
            let tx = self.request(invite.clone(), flow);
            self.calls[at].agent = Some((agent, tx, invite, side));
        }
    }

    fn handle_response(&mut self, tx: ClientTx, response: &Message, flow: Flow) {
        let Some(200..=299) = response.status() else { return };
        let agents = self.calls.iter_mut().filter_map(|call| call.agent.as_mut());
        let Some((_, _, invite, side)) = { agents }.find(|(_, invite_tx, ..)| *invite_tx == tx)
        else {
            return;
        };
        let dialog = Dialog::uac(invite, response, &flow).expect("a dialog");
        let offer = Session::parse(invite.body()).expect("our own offer");
        let answer = Session::parse(response.body()).expect("an answer");
        side.remote = Some(sdp::accept(&offer, &answer).expect("common ground").remote);
        let message = dialog.ack(invite).build();
        side.dialog = Some(dialog);
        self.perform(FromBrain::Ack { tx, message, flow });
    }

    /// Ends the call that the dialog `call_id` belongs to; its side gets a BYE too unless it
    /// `hung_up` itself.
    fn end(&mut self, call_id: &str, hung_up: bool) {
        let belongs = |call: &Call| call_id.ends_with(&call.call_id);
        let Some(at) = self.calls.iter().position(belongs) else { return };
        let call = self.calls.remove(at);
        let agent = call.agent.map(|(number, _, _, side)| {
            if let Some((_, free)) = self.agents.get_mut(&number) {
                *free = true;
            }
            side
        });
        for side in [Some(call.caller), agent].into_iter().flatten() {
            let is_other = |dialog: &Dialog| !hung_up || dialog.call_id() != call_id;
            if let Some(mut dialog) = side.dialog.filter(is_other) {
                let flow = dialog.flow();
                self.request(dialog.bye().build(), flow);
            }
        }
    }

    fn relay(&mut self) {
        let now = self.now();
        let mut buffer = [0; 1500];
        for call in &mut self.calls {
            while let Ok((length, _)) = call.caller.media.recv_from(&mut buffer) {
                let Ok(packet) = Packet::parse(&buffer[..length]) else { continue };
                if packet.header.payload_type == 101 {
                    call.keys.handle_packet(&packet, now);
                    call.wants_agent |= call.keys.poll_output().is_some_and(|key| key.digit == '1');
                } else if let Some((.., agent)) = &call.agent {
                    send(agent, &buffer[..length]);
                }
            }
            let Some((.., agent)) = &call.agent else { continue };
            while let Ok((length, _)) = agent.media.recv_from(&mut buffer) {
                send(&call.caller, &buffer[..length]);
            }
        }
    }
}

fn send(to: &Side, packet: &[u8]) {
    if let Some(remote) = to.remote {
        to.media.send_to(packet, remote).expect("it is sent");
    }
}
