//! Recordings: which there are, and their audio with the ranges of RFC 9110.

use std::io::SeekFrom;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use model::{AgentId, CallId, QueueId, RecordingId};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncSeekExt, ReadBuf};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::calls::{json, narrow, page_of, time_of};
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::{IsHead, PathId, Query, UrlViewer, Viewer};
use crate::messages::{may_hear_some, may_hear_this};
use crate::range::{self, Part};
use crate::record::{self, RecordingBody};
use crate::{Audio, AudioReader, Audit, RecordingFilter};

/// How much of a recording is read at a time, in bytes: two seconds of it.
const CHUNK_BYTES: usize = 64 * 1024;

/// Which recordings are asked for. Every field that is given narrows the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordingQuery {
    /// Recordings of this call.
    call: Option<String>,
    /// Recordings of this agent's conversations.
    agent: Option<String>,
    /// Messages for the people of this queue; with `message.handle` these alone may be asked for.
    mailbox: Option<String>,
    /// Messages with which nobody has dealt, if true.
    open: Option<bool>,
    /// Recordings that began at this time or later, RFC 3339 with offset.
    from: Option<String>,
    /// Recordings that began before this time, RFC 3339 with offset.
    until: Option<String>,
    /// At most so many items, 1 to 200; 50 unless given.
    limit: Option<usize>,
    /// The `next` of the page before; keep the other fields as they were.
    cursor: Option<String>,
}

/// A page of recordings, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordingList<'a> {
    /// The recordings.
    items: Vec<RecordingBody<'a>>,
    /// The `cursor` of the next page; null at the end.
    next: Option<String>,
}

/// Recordings, newest first. Needs `recording.play`, or for messages `message.handle`.
#[utoipa::path(
    get,
    path = "/api/v1/recordings",
    operation_id = "list_recordings",
    tag = "recordings",
    params(RecordingQuery),
    responses(
        (status = 200, description = "A page of recordings.", body = RecordingList),
        (status = 400, description = "The query or cursor cannot be read.", body = ErrorBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 422, description = "A filter is out of bounds.", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(query): Query<RecordingQuery>,
) -> Result<Response, ApiError> {
    may_hear_this(&app, &viewer, query.mailbox.is_some()).await?;
    let call = narrow("call", query.call)?.map(|call| call.parse::<CallId>()).transpose();
    let filter = RecordingFilter {
        call: call.map_err(|error| ApiError::new(Code::Invalid, format!("'call': {error}")))?,
        agent: narrow("agent", query.agent)?.map(AgentId::from),
        mailbox: narrow("mailbox", query.mailbox)?.map(QueueId::from),
        open: query.open.unwrap_or_default(),
        from: time_of("from", query.from)?,
        until: time_of("until", query.until)?,
    };
    let page = page_of(query.limit, query.cursor)?;
    let page = app.backend.recordings(&filter, &page).await?;
    let zone = &app.config.zone;
    let items = page.items.iter().map(|made| record::recording(made.call, &made.recording, zone));
    Ok(json(&RecordingList { items: items.collect(), next: page.next }))
}

/// A recording's audio, as WAV: 8,000 Hz, 16 bit, the caller left and the agent right.
///
/// Needs `recording.play`, or for a message `message.handle`. The token may be given as `?token=`,
/// for `<audio>`. Listening is audited before the first byte leaves: once for all ranges of one
/// recording in ten minutes.
/// `Range` with one range of bytes is served with 206, `If-Range` with the `ETag` is respected,
/// several ranges are answered with the whole.
#[utoipa::path(
    get,
    path = "/api/v1/recordings/{id}/audio",
    tag = "recordings",
    params(
        ("id" = String, Path, description = "The recording, such as `r1-2-3`."),
        ("token" = Option<String>, Query, description = "The token, in place of the header."),
        ("Range" = Option<String>, Header, description = "One range, such as `bytes=0-4095`."),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the range is of."),
    ),
    responses(
        (status = 200, description = "All of it.", body = Vec<u8>, content_type = "audio/wav"),
        (status = 206, description = "The range.", body = Vec<u8>, content_type = "audio/wav"),
        (status = 304, description = "As `If-None-Match` says."),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such recording.", body = ErrorBody),
        (status = 416, description = "The range is outside of it.", body = ErrorBody),
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn audio(
    State(app): State<Arc<App>>,
    UrlViewer(viewer): UrlViewer,
    PathId(id): PathId<RecordingId>,
    IsHead(is_head): IsHead,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    may_hear_some(&app, &viewer).await?;
    let missing = || ApiError::not_found("recording");
    let made = app.backend.recording(id).await?.ok_or_else(missing)?;
    may_hear_this(&app, &viewer, made.recording.message.is_some()).await?;
    let opened = app.backend.open_audio(id).await?.ok_or_else(missing)?;
    let seal = made.recording.seal.as_ref();
    // Only sealed content never changes, so only that has a strong validator.
    let etag = seal.map(|seal| format!("\"{}\"", seal.sha256));
    if etag.as_deref().is_some_and(|etag| none_match(&headers, etag)) {
        let described = described(id, etag.as_deref());
        return Ok((StatusCode::NOT_MODIFIED, described).into_response());
    }
    // RFC 9110 §14.2: ranges are defined for GET alone.
    let part = if is_head {
        Part::Whole
    } else {
        range::requested(&headers, opened.bytes, etag.as_deref())
    };
    let total = opened.bytes;
    let (status, first, length) = match part {
        Part::Whole => (StatusCode::OK, 0, total),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Unsatisfiable => return Err(ApiError::range_not_satisfiable(total)),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = described(id, etag.as_deref());
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{total}", first + length - 1);
        if let Ok(range) = HeaderValue::from_str(&range) {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
    }
    if !is_head {
        listens(&app, &viewer, id, made.call).await?;
        *response.body_mut() = content(opened, first, length).await?;
    }
    Ok(response)
}

/// Puts on record that the viewer listens, unless this goes on with a listening that is.
async fn listens(
    app: &App,
    viewer: &Viewer,
    recording: RecordingId,
    call: CallId,
) -> Result<(), ApiError> {
    let user = viewer.session.principal.user.clone();
    if !app.listenings.goes_on(&user, recording, Instant::now()) {
        let entry = Audit::Played { user: user.clone(), call, recording };
        app.backend.audit(entry).await?;
        app.listenings.begin(user, recording, Instant::now());
    }
    Ok(())
}

/// The headers that describe a recording. Its name is made of its id, which is letters, digits and
/// dashes, so that nothing from outside reaches the header or the disk of whoever saves it.
fn described(id: RecordingId, etag: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(Ok(etag)) = etag.map(HeaderValue::from_str) {
        headers.insert(header::ETAG, etag);
    }
    if let Ok(name) = HeaderValue::from_str(&format!("inline; filename=\"{id}.wav\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    headers
}

/// Whether `If-None-Match` names `etag` (RFC 9110 §13.1.2, weak comparison).
pub(crate) fn none_match(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(','));
    tags.any(|tag| matches!(tag.trim(), tag if tag == "*" || tag.trim_start_matches("W/") == etag))
}

async fn content(audio: Audio, first: u64, length: u64) -> Result<Body, ApiError> {
    let mut reader = audio.reader;
    reader.seek(SeekFrom::Start(first)).await.map_err(|error| {
        tracing::error!(%error, "cannot position in a recording");
        ApiError::new(Code::Internal, "the recording cannot be read; the log says more")
    })?;
    Ok(Body::from_stream(Chunks { reader, left: length }))
}

/// A reader's next bytes, so many as were promised.
struct Chunks {
    reader: Box<dyn AudioReader>,
    left: u64,
}

impl Stream for Chunks {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(self.left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let mut bytes = vec![0; wanted];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.reader).poll_read(cx, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            // The length has been promised: breaking off is the only way to say that it is short.
            return Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())));
        }
        bytes.truncate(read);
        self.left -= read as u64;
        Poll::Ready(Some(Ok(Bytes::from(bytes))))
    }
}
