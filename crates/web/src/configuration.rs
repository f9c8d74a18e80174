//! The configuration, read again while the engine runs.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use model::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ReloadError;
use crate::app::App;
use crate::calls::json;
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::Viewer;

/// What came of reading the configuration again.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReloadedBody {
    /// What is otherwise from now on, such as `queue claims`, `account 8001 (new)` or
    /// `acd.ring_timeout_ms`.
    changed: Vec<String>,
    /// What differs from how the engine was started and needs a restart to take effect, such as
    /// `http.listen` or `trunk carrier`.
    restart: Vec<String>,
}

/// Refuses unless the viewer steers the floor or administers the engine.
pub(crate) async fn may_configure(app: &App, viewer: &Viewer) -> Result<(), ApiError> {
    match viewer.holds(Permission::FloorSteer) {
        true => Ok(()),
        false => viewer.require(app, Permission::Administer).await,
    }
}

/// Read the configuration file, the scripts and the accounts again, and put into force what may
/// change at run time. Needs `floor.steer` or `engine.administer`.
///
/// Answered when it is in force and on record, with who did it. No call, place in a queue, offer or
/// sign-in is lost by it. What is wrong with the file is in the error's `message`: file, line, key,
/// and remedy of each fault; nothing has changed then.
#[utoipa::path(
    post,
    path = "/api/v1/configuration/reload",
    operation_id = "reload_configuration",
    tag = "config",
    responses(
        (status = 200, description = "It is in force.", body = ReloadedBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 422, description = "It has faults; nothing has changed.", body = ErrorBody),
        (status = 503, description = "It cannot be read or put into force now.", body = ErrorBody),
    )
)]
pub(crate) async fn reload(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<Response, ApiError> {
    may_configure(&app, &viewer).await?;
    let by = viewer.session.principal.user.clone();
    let reloaded = app.backend.reload(by).await.map_err(|error| match error {
        ReloadError::Refused(why) => ApiError::new(Code::Invalid, why),
        ReloadError::Failed(why) => ApiError::new(Code::Unavailable, why),
    })?;
    let crate::Reloaded { changed, restart } = reloaded;
    Ok(json(&ReloadedBody { changed, restart }))
}
