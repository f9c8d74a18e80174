//! Legal hold: a recording is not deleted, whatever its time, until it is released.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use model::{Permission, RecordingId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Audit;
use crate::app::App;
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::{Json, PathId, Viewer};

/// The longest reason, in bytes.
const WHY_MAX: usize = 500;

/// Why a recording is held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// The case, for whoever asks later; 1 to 500 bytes, no personal data.
    why: String,
}

/// Put a recording under legal hold. Needs `recording.hold`.
///
/// Answered when it is kept. Who held it and why is in the call's history.
#[utoipa::path(
    put,
    path = "/api/v1/recordings/{id}/hold",
    operation_id = "hold_recording",
    tag = "recordings",
    params(("id" = String, Path, description = "The recording, such as `r1-2-3`.")),
    request_body = Hold,
    responses(
        (status = 204, description = "It is held."),
        (status = 400, description = "Not JSON.", body = ErrorBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such recording, or no more.", body = ErrorBody),
        (status = 413, description = "The body is too long.", body = ErrorBody),
        (status = 415, description = "The body is not declared as JSON.", body = ErrorBody),
        (status = 422, description = "`why` is missing, empty or too long.", body = ErrorBody),
    )
)]
pub(crate) async fn hold(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(recording): PathId<RecordingId>,
    Json(Hold { why }): Json<Hold>,
) -> Result<StatusCode, ApiError> {
    viewer.require(&app, Permission::RecordingHold).await?;
    if !(1..=WHY_MAX).contains(&why.trim().len()) {
        let message = format!("'why' must have 1 to {WHY_MAX} bytes");
        return Err(ApiError::new(Code::Invalid, message));
    }
    let made = app.backend.recording(recording).await?;
    let made = made.filter(|made| !made.recording.doomed);
    let call = made.ok_or_else(|| ApiError::not_found("recording"))?.call;
    let user = viewer.session.principal.user.clone();
    app.backend.audit(Audit::Held { user, call, recording, why: why.trim().to_owned() }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Release a recording: it is deleted when its time is over. Needs `recording.hold`.
#[utoipa::path(
    delete,
    path = "/api/v1/recordings/{id}/hold",
    operation_id = "release_recording",
    tag = "recordings",
    params(("id" = String, Path, description = "The recording, such as `r1-2-3`.")),
    responses(
        (status = 204, description = "It is not held."),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such recording.", body = ErrorBody),
    )
)]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(recording): PathId<RecordingId>,
) -> Result<StatusCode, ApiError> {
    viewer.require(&app, Permission::RecordingHold).await?;
    let made = app.backend.recording(recording).await?;
    let made = made.ok_or_else(|| ApiError::not_found("recording"))?;
    if made.recording.held.is_some() {
        let user = viewer.session.principal.user.clone();
        app.backend.audit(Audit::Released { user, call: made.call, recording }).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
