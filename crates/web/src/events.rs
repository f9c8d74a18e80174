//! The event stream: one WebSocket a desktop, events out, commands in.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cti::{CloseReason, CommandError};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use utoipa::IntoParams;

use crate::app::{App, stopped};
use crate::command::{NoCommand, decode, reply};
use crate::counters::Ended;
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::{Query, UrlViewer, Viewer};
use crate::wire::{EventFrame, Sight, encode};
use crate::{
    Audit, BackendError, CommandRefused, ConnectError, Connection, MAX_FRAME_BYTES,
    MAX_MALFORMED_FRAMES, MAX_PENDING_COMMANDS, Session, ToDesktop,
};

/// Events that are sent before the desktop is listened to again.
const MAX_BURST: usize = 64;
/// How long a close frame may take to leave.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the record of an unmasked view may take before the event is sent masked instead.
const AUDIT_TIMEOUT: Duration = Duration::from_millis(500);

/// Where a desktop goes on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// The number of the last event that was seen; without it the stream begins with a snapshot.
    after: Option<u64>,
}

/// The event stream, a WebSocket (RFC 6455).
///
/// From the server come event frames and answers to commands, to the server go command frames, all
/// as JSON text. `seq` grows by one from event to event. With `after` the stream goes on behind
/// that event; where it is no longer known, the present state follows instead, numbered on from
/// `after`. The token is given as `?token=`, or in the `Authorization` header.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    params(
        StreamQuery,
        ("token" = Option<String>, Query, description = "The token, in place of the header."),
    ),
    responses(
        (status = 101, description = "Event frames and replies follow.", body = EventFrame),
        (status = 400, description = "`after` is no number of an event.", body = ErrorBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A browser's page of another origin asks.", body = ErrorBody),
        (status = 426, description = "The request asks for no WebSocket.", body = ErrorBody),
        (status = 503, description = "Too many desktops, or the engine stops.", body = ErrorBody),
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    UrlViewer(viewer): UrlViewer,
    Query(query): Query<StreamQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    same_origin(&parts.headers)?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &app).await;
    let upgrade =
        upgrade.map_err(|rejection| not_a_websocket(rejection.into_response().status()))?;
    let unavailable = |message: &str| ApiError::new(Code::Unavailable, message);
    let place = app.desktops.clone().try_acquire_owned();
    let place = place.map_err(|_| unavailable("too many desktops are connected"))?;
    let connection = app.backend.connect(&viewer.session, query.after).await;
    let connection = connection.map_err(|error| match error {
        ConnectError::Refused(cti::ConnectRefused::BadAfter) => {
            ApiError::new(Code::Malformed, cti::ConnectRefused::BadAfter.to_string())
        }
        ConnectError::Refused(refused) => unavailable(&refused.to_string()),
        ConnectError::Unavailable => unavailable("not now; try again in a moment"),
    })?;
    let upgrade = upgrade.max_message_size(MAX_FRAME_BYTES).max_frame_size(MAX_FRAME_BYTES);
    let response = upgrade.on_upgrade(move |socket| async move {
        Desktop::new(app, viewer, connection).run(socket, place).await;
    });
    Ok(response.into_response())
}

/// Refuses a browser's page that another server gave it: it could read the stream with a token
/// that it got hold of. Programs send no `Origin`.
fn same_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (origin, host) {
        (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        (_, _) => {
            let message = "the page that asks comes from another server";
            Err(ApiError::new(Code::ForeignOrigin, message))
        }
    }
}

fn not_a_websocket(status: StatusCode) -> ApiError {
    if status.is_server_error() {
        ApiError::new(Code::Internal, "the connection cannot be upgraded")
    } else {
        ApiError::new(Code::UpgradeRequired, "this is a WebSocket of version 13 (RFC 6455)")
    }
}

/// Why a WebSocket is closed: its code (RFC 6455 §7.4), its reason and what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) about: &'static str,
    ended: Ended,
}

/// Every way in which this side closes, for the reference.
pub(crate) const CLOSINGS: [Closing; 7] =
    [STOPPING, MALFORMED, TOO_LARGE, TOO_SLOW, SILENT, SESSION_OVER, REPLACED];

const STOPPING: Closing = Closing {
    code: 1001,
    reason: "stopping",
    about: "The engine stops. Connect again, with `after`, until it is back.",
    ended: Ended::Stopping,
};
const MALFORMED: Closing = Closing {
    code: 1008,
    reason: "malformed",
    about: "8 frames in a row were no commands, or one broke the WebSocket's own rules. Correct \
            the program.",
    ended: Ended::Malformed,
};
const TOO_LARGE: Closing = Closing {
    code: 1009,
    reason: "too_large",
    about: "A frame had more than 8 KiB. Correct the program.",
    ended: Ended::Malformed,
};
const TOO_SLOW: Closing = Closing {
    code: 1013,
    reason: "too_slow",
    about: "The desktop did not read what it was sent. Connect again, with `after`.",
    ended: Ended::Slow,
};
const SILENT: Closing = Closing {
    code: 4000,
    reason: "silent",
    about: "Nothing was heard for too long, not even answers to pings. Connect again, with \
            `after`.",
    ended: Ended::Silent,
};
const SESSION_OVER: Closing = Closing {
    code: 4001,
    reason: "session_over",
    about: "The session was ended or is too old. Sign in again.",
    ended: Ended::SessionOver,
};
const REPLACED: Closing = Closing {
    code: 4002,
    reason: "replaced",
    about: "The user connected more desktops than one may; this was the oldest. Connect again only \
            when a person asks for it.",
    ended: Ended::SessionOver,
};

/// What becomes of a connection after a step.
enum Next {
    /// It goes on.
    On,
    /// This side closes it.
    Close(Closing),
    /// The other side is gone.
    Gone(Ended),
}

type Outgoing = SplitSink<WebSocket, Message>;
type Incoming = SplitStream<WebSocket>;
type Check = JoinHandle<Result<Option<Session>, BackendError>>;

/// One connected desktop.
struct Desktop {
    app: Arc<App>,
    viewer: Viewer,
    sight: Sight,
    connection: Connection,
    /// The ids of commands that were handed over and are not yet answered.
    pending: BTreeSet<String>,
    /// Malformed frames since the last good one.
    malformed: usize,
    /// When the desktop was last heard.
    heard: Instant,
    /// Whether its session is still valid: asked beside the stream, which must not wait for it.
    check: Option<Check>,
}

impl Desktop {
    fn new(app: Arc<App>, viewer: Viewer, connection: Connection) -> Self {
        let sight = Sight::of(&viewer.session.principal);
        let heard = Instant::now();
        let (pending, malformed, check) = (BTreeSet::new(), 0, None);
        Self { app, viewer, sight, connection, pending, malformed, heard, check }
    }

    /// Serves the desktop to its end. `place` is kept that long.
    async fn run(mut self, socket: WebSocket, place: OwnedSemaphorePermit) {
        self.app.counters.desktop_connected();
        let (mut outgoing, mut incoming) = socket.split();
        let (frame, ended) = match self.talk(&mut outgoing, &mut incoming).await {
            Next::Close(Closing { code, reason, ended, .. }) => {
                (Some(CloseFrame { code, reason: reason.into() }), ended)
            }
            Next::Gone(ended) => (None, ended),
            Next::On => (None, Ended::Left),
        };
        // A desktop that does not take even this is dropped without.
        let _ = timeout(CLOSE_TIMEOUT, async {
            if let Some(frame) = frame {
                let _ = outgoing.send(Message::Close(Some(frame))).await;
            }
            let _ = outgoing.close().await;
        })
        .await;
        drop(place);
        self.app.counters.desktop_ended(ended);
    }

    async fn talk(&mut self, outgoing: &mut Outgoing, incoming: &mut Incoming) -> Next {
        let mut stopping = self.app.stopping.clone();
        let period = self.app.config.ping_interval;
        let mut pings = interval_at(tokio::time::Instant::now() + period, period);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = tokio::select! {
                told = self.connection.events.recv() => self.tell(told, outgoing).await,
                frame = incoming.next() => self.hear(frame, outgoing).await,
                _ = pings.tick() => self.ping(outgoing).await,
                session = checked(&mut self.check) => self.checked(session),
                () = stopped(&mut stopping) => Next::Close(STOPPING),
            };
            match next {
                Next::On => {}
                Next::Close(_) | Next::Gone(_) => return next,
            }
        }
    }

    /// Sends what the engine told, and what it has told meanwhile, in one go.
    async fn tell(&mut self, first: Option<ToDesktop>, outgoing: &mut Outgoing) -> Next {
        let mut told = first;
        for left in (0..MAX_BURST).rev() {
            let text = match told {
                Some(ToDesktop::Event(stamped)) => self.event(&stamped).await,
                Some(ToDesktop::Reply { id, result }) => {
                    self.pending.remove(&id);
                    reply(Some(&id), &result)
                }
                Some(ToDesktop::Close(CloseReason::TooSlow)) => return Next::Close(TOO_SLOW),
                None => return Next::Close(self.let_go().await),
                Some(ToDesktop::Close(CloseReason::Replaced)) => return Next::Close(REPLACED),
                Some(ToDesktop::SessionOver) => return Next::Close(SESSION_OVER),
            };
            if let Err(error) = outgoing.feed(Message::Text(text.into())).await {
                return Next::Gone(why(&error));
            }
            if left == 0 {
                break;
            }
            told = match self.connection.events.try_recv() {
                Ok(more) => Some(more),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => None,
            };
        }
        flushed(outgoing.flush().await)
    }

    /// Why the engine has dropped its end: the desktop fell behind, or the engine is stopping.
    async fn let_go(&self) -> Closing {
        if self.app.backend.health().await.draining { STOPPING } else { TOO_SLOW }
    }

    /// An event's text: in clear only where the viewer may see it so and that is on record.
    async fn event(&self, stamped: &cti::Stamped) -> String {
        self.app.counters.event_sent();
        let zone = &self.app.config.zone;
        let encoded = encode(stamped, self.sight, zone);
        let Some(what) = encoded.unmasked else { return encoded.text };
        let user = self.viewer.session.principal.user.clone();
        let recorded = self.app.backend.audit(Audit::Unmasked { user, what });
        match timeout(AUDIT_TIMEOUT, recorded).await {
            Ok(Ok(())) => encoded.text,
            Ok(Err(_)) | Err(_) => {
                tracing::warn!("an unmasked view could not be put on record; sent masked");
                encode(stamped, Sight { personal: false, ..self.sight }, zone).text
            }
        }
    }

    /// Takes one frame of the desktop.
    async fn hear(
        &mut self,
        frame: Option<Result<Message, axum::Error>>,
        outgoing: &mut Outgoing,
    ) -> Next {
        self.heard = Instant::now();
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(_))) => {
                let error = CommandError::new("malformed", "send text frames, not binary ones");
                return self.refuse(NoCommand { id: None, error }, outgoing).await;
            }
            // The other side's pings are answered by the WebSocket itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Next::On,
            Some(Ok(Message::Close(_))) | None => return Next::Gone(Ended::Left),
            Some(Err(error)) => return unreadable(error),
        };
        let (id, command) = match decode(&text) {
            Ok(command) => command,
            Err(no) => return self.refuse(no, outgoing).await,
        };
        self.malformed = 0;
        let handed = if self.pending.len() < MAX_PENDING_COMMANDS {
            self.connection.commands.send(id.clone(), command)
        } else {
            Err(CommandRefused::Busy)
        };
        let error = match handed {
            Ok(()) => {
                self.pending.insert(id);
                return Next::On;
            }
            Err(CommandRefused::Busy) => ("busy", "too many commands are waiting; send it again"),
            Err(CommandRefused::Stopping) => ("stopping", "the engine is stopping"),
        };
        let text = reply(Some(&id), &Err(CommandError::new(error.0, error.1)));
        flushed(outgoing.send(Message::Text(text.into())).await)
    }

    /// Says what is wrong with a frame, and closes when there are too many of its kind.
    async fn refuse(&mut self, no: NoCommand, outgoing: &mut Outgoing) -> Next {
        self.malformed += 1;
        let text = reply(no.id.as_deref(), &Err(no.error));
        match flushed(outgoing.send(Message::Text(text.into())).await) {
            Next::On if self.malformed >= MAX_MALFORMED_FRAMES => Next::Close(MALFORMED),
            next => next,
        }
    }

    /// Asks whether the desktop is there, and whether its session still is.
    async fn ping(&mut self, outgoing: &mut Outgoing) -> Next {
        if self.heard.elapsed() > self.app.config.silence_timeout {
            return Next::Close(SILENT);
        }
        if self.check.is_none() {
            let (app, token) = (self.app.clone(), self.viewer.session.token.clone());
            self.check = Some(tokio::spawn(async move { app.backend.authenticate(&token).await }));
        }
        flushed(outgoing.send(Message::Ping(Bytes::new())).await)
    }

    /// Takes what became of the session. A backend that cannot tell now ends no session.
    fn checked(&mut self, session: Result<Option<Session>, BackendError>) -> Next {
        self.check = None;
        match session {
            Ok(Some(session)) => {
                self.sight = Sight::of(&session.principal);
                self.viewer.session = session;
                Next::On
            }
            Ok(None) => Next::Close(SESSION_OVER),
            Err(_) => Next::On,
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some(check) = &self.check {
            check.abort();
        }
    }
}

/// What the check that is under way finds; never, where none is.
async fn checked(check: &mut Option<Check>) -> Result<Option<Session>, BackendError> {
    match check {
        Some(check) => check.await.unwrap_or(Err(BackendError::Unavailable)),
        None => std::future::pending().await,
    }
}

fn flushed(sent: Result<(), axum::Error>) -> Next {
    match sent {
        Ok(()) => Next::On,
        Err(error) => Next::Gone(why(&error)),
    }
}

/// Why nothing more can be sent.
fn why(error: &axum::Error) -> Ended {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut) {
            return Ended::Slow;
        }
        cause = error.source();
    }
    Ended::Left
}

/// What a frame that cannot be read means.
fn unreadable(error: axum::Error) -> Next {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Next::Close(TOO_LARGE),
        Some(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
            Next::Gone(Ended::Left)
        }
        Some(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_)) => {
            Next::Close(MALFORMED)
        }
        Some(_) | None => Next::Gone(Ended::Left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_page_of_another_server_is_refused() {
        let with = |origin: Option<&'static str>, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            same_origin(&headers).is_ok()
        };
        assert!(with(None, "hotline:8080"));
        assert!(with(Some("http://hotline:8080"), "hotline:8080"));
        assert!(with(Some("https://HOTLINE"), "hotline"));
        for foreign in ["http://evil", "http://hotline", "http://hotline:8080.evil", "null", ""] {
            assert!(!with(Some(foreign), "hotline:8080"), "{foreign}");
        }
    }

    #[test]
    fn every_closing_has_its_own_code() {
        let mut codes: Vec<u16> = CLOSINGS.iter().map(|closing| closing.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CLOSINGS.len());
    }
}
