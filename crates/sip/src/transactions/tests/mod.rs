//! The table in virtual time, seen from outside: what goes out, what is reported, when.

mod client;
mod large;
mod limits;
mod server;

use model::{Mono, Transport};

use super::{Transactions, TransactionsConfig, TxOutput};
use crate::{ClientTx, Flow, FromBrain, Message, Method, RequestBuilder, ResponseBuilder};
use crate::{ServerTx, ToBrain};

/// One table, its clock, and what it said.
struct Bench {
    table: Transactions,
    now: Mono,
    flow: Flow,
    /// The last request that was reported.
    request: Option<(ServerTx, Message)>,
    /// The last request of ours that was sent.
    sent: Option<Message>,
}

fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        local: "10.0.0.1:5060".parse().unwrap(),
        remote: "10.0.0.9:4000".parse().unwrap(),
        connection: if transport.is_reliable() { 7 } else { 0 },
        listener: 0,
    }
}

impl Bench {
    fn over(transport: Transport) -> Self {
        Self::with(transport, TransactionsConfig::default())
    }

    fn with(transport: Transport, config: TransactionsConfig) -> Self {
        Self {
            table: Transactions::new(config),
            now: Mono::from_ms(1_000),
            flow: flow(transport),
            request: None,
            sent: None,
        }
    }

    /// A request comes: by default one INVITE, `changes` say what is different.
    fn receive(&mut self, method: &str, changes: &[(&str, &str)]) -> Vec<String> {
        self.receive_text(&request_text(method, changes))
    }

    fn receive_text(&mut self, text: &str) -> Vec<String> {
        self.table.handle_datagram(text.as_bytes(), self.flow, self.now).unwrap();
        self.said()
    }

    /// The transaction user answers the last request.
    fn respond(&mut self, status: u16) -> Vec<String> {
        let (tx, request) = self.request.clone().expect("no request was reported");
        let message = ResponseBuilder::to(&request, status).to_tag("ours").build();
        self.table.handle_command(FromBrain::Respond { tx, message }, self.now);
        self.said()
    }

    /// A request of ours.
    fn send(&mut self, method: Method, number: u64) -> Vec<String> {
        let message = RequestBuilder::new(method, "sip:8001@10.0.0.9")
            .from("<sip:95512@10.0.0.1>", "us")
            .to("<sip:8001@10.0.0.9>", None)
            .call_id("out")
            .cseq(3)
            .header("Route", "<sip:10.0.0.9;lr>")
            .contact("<sip:10.0.0.1>")
            .build();
        let tx = ClientTx::new(0, number);
        self.command(FromBrain::Request { tx, message, flow: self.flow })
    }

    fn command(&mut self, command: FromBrain) -> Vec<String> {
        self.table.handle_command(command, self.now);
        self.said()
    }

    /// A response to the last request that was sent comes.
    fn answer(&mut self, status: u16, tag: &str) -> Vec<String> {
        let request = self.sent.clone().expect("nothing was sent");
        let response = ResponseBuilder::to(&request, status).to_tag(tag).build();
        self.table.handle_message(response, self.flow, self.now);
        self.said()
    }

    /// Time passes; what happens gets its time in milliseconds since now.
    fn pass(&mut self, ms: u64) -> Vec<String> {
        let (start, end) = (self.now, Mono::from_ms(self.now.as_ms() + ms));
        let mut said = Vec::new();
        while let Some((at, _)) = self.table.poll_timeout().filter(|(at, _)| *at <= end) {
            assert!(at >= self.now, "time goes back");
            self.now = at;
            self.table.handle_timeout(at);
            let after = at.ms_since(start);
            said.extend(self.said().into_iter().map(|what| format!("{after}: {what}")));
        }
        self.now = end;
        said
    }

    fn said(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(output) = self.table.poll_output() {
            said.push(match output {
                TxOutput::Transmit { message, .. } => {
                    let shown = match message.status() {
                        Some(status) => format!("send {status}"),
                        None => format!("send {}", message.method()),
                    };
                    if message.is_request() && message.method() != Method::Ack {
                        self.sent = Some(message);
                    }
                    shown
                }
                TxOutput::ToBrain(report) => self.shown(report),
            });
        }
        said
    }

    fn shown(&mut self, report: ToBrain) -> String {
        match report {
            ToBrain::Request { tx, message, .. } => {
                let shown = format!("request {}", message.method_text());
                self.request = Some((tx, message));
                shown
            }
            ToBrain::Ack { .. } => "ack".to_owned(),
            ToBrain::Cancelled { .. } => "cancelled".to_owned(),
            ToBrain::AckTimeout { .. } => "ack timeout".to_owned(),
            ToBrain::Response { message, .. } => {
                format!("response {}", message.status().unwrap_or(0))
            }
            ToBrain::Timeout { .. } => "timeout".to_owned(),
            ToBrain::TransportFailed { .. } => "transport failed".to_owned(),
            ToBrain::FlowClosed { .. } => "flow closed".to_owned(),
        }
    }
}

fn request_text(method: &str, changes: &[(&str, &str)]) -> String {
    let mut text = format!(
        "{method} sip:95512@10.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 10.0.0.9:4000;branch=z9hG4bKone\r\n\
         From: <sip:caller@10.0.0.9>;tag=theirs\r\n\
         To: <sip:95512@10.0.0.1>\r\n\
         Call-ID: in\r\n\
         CSeq: 1 {method}\r\n\
         Max-Forwards: 70\r\n\
         Contact: <sip:caller@10.0.0.9:4000>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}
