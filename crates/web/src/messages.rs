//! Messages that callers left: recordings for the people of a queue, open until one of them has
//! dealt with it. Whoever may handle messages hears them, and no conversation.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::{Permission, RecordingId};

use crate::Audit;
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{PathId, Viewer};

/// Whether the viewer may hear some recording; which, says [`may_hear_this`].
pub(crate) async fn may_hear_some(app: &App, viewer: &Viewer) -> Result<(), ApiError> {
    may_hear_this(app, viewer, true).await
}

/// Whether the viewer may hear a recording: all with `recording.play`, messages with
/// `message.handle`.
pub(crate) async fn may_hear_this(
    app: &App,
    viewer: &Viewer,
    is_message: bool,
) -> Result<(), ApiError> {
    let handles = access::may(&viewer.session.principal, Permission::MessageHandle).is_ok();
    match is_message && handles {
        true => Ok(()),
        false => viewer.require(app, Permission::RecordingPlay).await,
    }
}

/// Say that a message has been dealt with. Needs `message.handle`.
///
/// Answered when it is kept. Who did it is in the call's history; the first word counts.
#[utoipa::path(
    put,
    path = "/api/v1/recordings/{id}/done",
    operation_id = "finish_message",
    tag = "recordings",
    params(("id" = String, Path, description = "The recording, such as `r1-2-3`.")),
    responses(
        (status = 204, description = "It is done."),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such message.", body = ErrorBody),
    )
)]
pub(crate) async fn done(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(recording): PathId<RecordingId>,
) -> Result<StatusCode, ApiError> {
    viewer.require(&app, Permission::MessageHandle).await?;
    let made = app.backend.recording(recording).await?;
    let message = made.and_then(|made| Some((made.call, made.recording.message?)));
    let (call, message) = message.ok_or_else(|| ApiError::not_found("message"))?;
    if message.done.is_none() {
        let user = viewer.session.principal.user.clone();
        app.backend.audit(Audit::MessageDone { user, call, recording }).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
