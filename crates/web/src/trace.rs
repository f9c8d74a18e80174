//! A call's SIP messages: as a list for a ladder, and as a capture.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use jiff::tz::TimeZone;
use model::{CallId, Permission, Transport};
use serde::Serialize;
use sip::Message;
use utoipa::ToSchema;

use crate::app::App;
use crate::calls::json;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{PathId, Viewer};
use crate::pcap::Pcap;
use crate::time::rfc3339;
use crate::wire::Sight;
use crate::{Audit, CallTrace, TraceLeg, TraceMessage};

/// A call's SIP messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct TraceBody {
    /// The call.
    call_id: String,
    /// Whether messages are traced at all: false where `sip.trace_mb` is 0.
    enabled: bool,
    /// Whether the trace reaches back to the call's beginning; older messages make room for newer
    /// ones, and a restart forgets all.
    complete: bool,
    /// Whether there were more messages than are told here.
    cut: bool,
    /// The call's dialogs, in the order in which they began.
    legs: Vec<LegBody>,
    /// Both sides' messages in one order of time.
    items: Vec<MessageBody>,
}

/// One party's dialog.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegBody {
    /// The leg.
    leg_id: String,
    /// Whose phone; null for the caller.
    agent_id: Option<String>,
    /// SIP's Call-ID.
    sip_call_id: String,
}

/// Whose side of the engine.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SideName {
    /// The one who called in.
    Caller,
    /// An agent's phone.
    Agent,
}

/// Which way a message went.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectionName {
    /// To the engine.
    In,
    /// From the engine.
    Out,
}

/// What carried a message.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TransportName {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

/// One SIP message.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageBody {
    /// When, RFC 3339 with offset.
    at: String,
    /// When, on the engine's clock: microseconds since it started.
    mono_us: u64,
    /// Whose side.
    leg: SideName,
    /// The leg.
    leg_id: String,
    /// Whose phone; null for the caller.
    agent_id: Option<String>,
    /// Which way.
    direction: DirectionName,
    /// What carried it.
    transport: TransportName,
    /// The engine's address, as the other side knows it.
    local: String,
    /// The other side's address.
    remote: String,
    /// What it is, such as `INVITE (SDP)` or `200 OK (INVITE, SDP)`.
    summary: String,
    /// The status of a response; null for a request.
    status: Option<u16>,
    /// For a response, how long after the request that it answers was first seen, in microseconds.
    took_us: Option<u64>,
    /// Whether the engine could not read it: `message` is its beginning.
    malformed: bool,
    /// All of it. Secrets are `*`; numbers, names and bodies other than SDP are masked without
    /// `customer.unmask`.
    message: String,
}

/// A call's SIP messages, as far back as the trace reaches; the call may still go on.
///
/// Needs `call.trace`. Looking is on record before it is answered.
#[utoipa::path(
    get,
    path = "/api/v1/calls/{id}/trace",
    operation_id = "call_trace",
    tag = "calls",
    params(("id" = String, Path, description = "The call, such as `c1-2-3`.")),
    responses(
        (status = 200, description = "The messages.", body = TraceBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such call.", body = ErrorBody),
    )
)]
pub(crate) async fn ladder(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(call): PathId<CallId>,
) -> Result<Response, ApiError> {
    let trace = seen(&app, &viewer, call).await?;
    let CallTrace { is_enabled, is_complete, is_cut, legs, messages } = trace;
    let items = items(&legs, &messages, &app.config.zone);
    let legs = legs.into_iter().map(|leg| LegBody {
        leg_id: leg.leg.to_string(),
        agent_id: leg.agent.map(|agent| agent.as_str().to_owned()),
        sip_call_id: leg.sip_call_id,
    });
    Ok(json(&TraceBody {
        call_id: call.to_string(),
        enabled: is_enabled,
        complete: is_complete,
        cut: is_cut,
        legs: legs.collect(),
        items,
    }))
}

/// A call's SIP messages as a capture for Wireshark: pcap, each message as one UDP packet.
///
/// Needs `call.trace`. What it holds is what `GET /api/v1/calls/{id}/trace` shows.
#[utoipa::path(
    get,
    path = "/api/v1/calls/{id}/trace.pcap",
    operation_id = "call_capture",
    tag = "calls",
    params(("id" = String, Path, description = "The call, such as `c1-2-3`.")),
    responses(
        (status = 200, description = "The capture.", body = Vec<u8>,
            content_type = "application/vnd.tcpdump.pcap"),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such call.", body = ErrorBody),
    )
)]
pub(crate) async fn capture(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(call): PathId<CallId>,
) -> Result<Response, ApiError> {
    let trace = seen(&app, &viewer, call).await?;
    let mut pcap = Pcap::new();
    for message in &trace.messages {
        let (source, destination) = ends(message);
        pcap.push(message.at, source, destination, message.bytes.reveal());
    }
    let mut response = Response::new(Body::from(pcap.into_bytes()));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/vnd.tcpdump.pcap");
    headers.insert(header::CONTENT_TYPE, kind);
    // An id is letters, digits and dashes.
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{call}.pcap\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The trace as this viewer may see it, after it is on record that they look.
async fn seen(app: &App, viewer: &Viewer, call: CallId) -> Result<CallTrace, ApiError> {
    viewer.require(app, Permission::CallTrace).await?;
    let found = app.backend.trace(call).await?;
    let mut trace = found.ok_or_else(|| ApiError::not_found("call"))?;
    let user = viewer.session.principal.user.clone();
    app.backend.audit(Audit::Traced { user, call }).await?;
    if Sight::of(&viewer.session.principal).personal {
        viewer.unmasks(app, format!("trace {call}")).await?;
    } else {
        for message in &mut trace.messages {
            let mut bytes = std::mem::take(&mut message.bytes).into_revealed();
            sip::hide_personal(&mut bytes);
            message.bytes = model::Pii::new(bytes);
        }
    }
    Ok(trace)
}

const fn ends(message: &TraceMessage) -> (SocketAddr, SocketAddr) {
    match message.is_from_us {
        true => (message.local, message.remote),
        false => (message.remote, message.local),
    }
}

/// What a transaction is known by (RFC 3261 §17.2.3), and who asks.
type Asked = (usize, String, bool);

fn items(legs: &[TraceLeg], messages: &[TraceMessage], zone: &TimeZone) -> Vec<MessageBody> {
    let mut asked: BTreeMap<Asked, u64> = BTreeMap::new();
    let mut items = Vec::with_capacity(messages.len());
    for message in messages {
        let Some(leg) = legs.get(message.leg) else { continue };
        let parsed = match message.is_malformed {
            true => None,
            false => Message::parse(message.bytes.reveal()).ok(),
        };
        let status = parsed.as_ref().and_then(Message::status);
        let mono_us = message.mono.0 / 1_000;
        let key = |by_us: bool| -> Option<Asked> {
            let parsed = parsed.as_ref()?;
            let branch = parsed.top_via()?.branch().unwrap_or_default().to_owned();
            Some((message.leg, format!("{branch} {}", parsed.method_text()), by_us))
        };
        let took_us = match status {
            Some(_) => key(!message.is_from_us)
                .and_then(|key| asked.get(&key))
                .map(|first| mono_us.saturating_sub(*first)),
            None => {
                if let Some(key) = key(message.is_from_us) {
                    asked.entry(key).or_insert(mono_us);
                }
                None
            }
        };
        items.push(MessageBody {
            at: rfc3339(message.at, zone),
            mono_us,
            leg: if leg.agent.is_some() { SideName::Agent } else { SideName::Caller },
            leg_id: leg.leg.to_string(),
            agent_id: leg.agent.as_ref().map(|agent| agent.as_str().to_owned()),
            direction: if message.is_from_us { DirectionName::Out } else { DirectionName::In },
            transport: transport(message.transport),
            local: message.local.to_string(),
            remote: message.remote.to_string(),
            summary: parsed.as_ref().map_or_else(|| "malformed".to_owned(), summary),
            status,
            took_us,
            malformed: message.is_malformed,
            message: String::from_utf8_lossy(message.bytes.reveal()).into_owned(),
        });
    }
    items
}

const fn transport(transport: Transport) -> TransportName {
    match transport {
        Transport::Udp => TransportName::Udp,
        Transport::Tcp => TransportName::Tcp,
        Transport::Tls => TransportName::Tls,
        Transport::Ws => TransportName::Ws,
        Transport::Wss => TransportName::Wss,
    }
}

/// `INVITE (SDP)`, `200 OK (INVITE, SDP)`.
fn summary(message: &Message) -> String {
    let is_sdp = message.content_type().is_some_and(|kind| {
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/sdp")
    });
    let sdp = is_sdp && !message.body().is_empty();
    match message.kind() {
        sip::Kind::Request { .. } if sdp => format!("{} (SDP)", message.method_text()),
        sip::Kind::Request { .. } => message.method_text().to_owned(),
        sip::Kind::Response { status, reason } => {
            let method = message.method_text();
            let sdp = if sdp { ", SDP" } else { "" };
            format!("{status} {reason} ({method}{sdp})")
        }
    }
}
