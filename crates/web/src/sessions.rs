//! Signing in, who one is, and signing out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use model::Pii;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::{Json, Peer, Viewer};
use crate::names::{PermissionName, RoleName};
use crate::{Session, SignInError};

/// Longest user name that is looked up, in bytes.
const MAX_USER_BYTES: usize = 64;
/// Longest password that is looked at, in bytes: hashing it costs time.
const MAX_PASSWORD_BYTES: usize = 256;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// An agent's number, or another user's name; at most 64 bytes.
    user: String,
    /// At most 256 bytes.
    password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// What to send as `Authorization: Bearer …`. Keep it secret.
    token: String,
    /// Who is signed in.
    #[serde(flatten)]
    me: Me,
}

/// Who is signed in, and what they may do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// What one signs in as.
    user: String,
    /// The name for people.
    name: String,
    /// What one is employed as.
    role: RoleName,
    /// An agent's level, from 1 up; null for all others.
    tier: Option<u8>,
    /// What one may do.
    permissions: Vec<PermissionName>,
}

impl Me {
    fn of(session: &Session) -> Self {
        let principal = &session.principal;
        Self {
            user: principal.user.to_string(),
            name: session.name.clone(),
            role: principal.role.into(),
            tier: principal.tier.map(|tier| tier.level),
            permissions: principal.permissions.iter().copied().map(PermissionName::from).collect(),
        }
    }
}

/// Sign in.
///
/// An unknown user and a wrong password get the same answer. After wrong passwords further
/// attempts of the user, and from the address, are slowed and then locked for a while; the right
/// password is not looked at meanwhile.
#[utoipa::path(
    post,
    path = "/api/v1/sessions",
    tag = "sessions",
    request_body = SignIn,
    responses(
        (status = 201, description = "Signed in.", body = SignedIn),
        (status = 400, description = "Not JSON.", body = ErrorBody),
        (status = 401, description = "Unknown user or wrong password.", body = ErrorBody),
        (status = 413, description = "The body is too long.", body = ErrorBody),
        (status = 415, description = "The body is not declared as JSON.", body = ErrorBody),
        (status = 422, description = "A field is missing or unknown.", body = ErrorBody),
        (status = 429, description = "Slowed or locked; see `Retry-After`.", body = ErrorBody),
    ),
    security(())
)]
pub(crate) async fn sign_in(
    State(app): State<Arc<App>>,
    extensions: Extensions,
    Json(SignIn { user, password }): Json<SignIn>,
) -> Result<Response, ApiError> {
    let wrong =
        || ApiError::new(Code::WrongCredentials, "the user is unknown or the password is wrong");
    // What is too long cannot be anyone's; it costs no attempt and tells nothing.
    let fits = (1..=MAX_USER_BYTES).contains(&user.len()) && password.len() <= MAX_PASSWORD_BYTES;
    if !fits {
        return Err(wrong());
    }
    let peer = extensions.get::<Peer>().copied().ok_or_else(|| {
        ApiError::new(Code::Internal, "the engine failed: a request without a source")
    })?;
    let session = app.backend.sign_in(&user, &Pii::new(password), peer.0).await;
    let session = session.map_err(|error| match error {
        SignInError::Wrong => wrong(),
        SignInError::Slowed { retry_after_ms } => {
            ApiError::try_later(Code::Slowed, "too soon after a wrong password", retry_after_ms)
        }
        SignInError::Locked { retry_after_ms } => {
            ApiError::try_later(Code::Locked, "too many wrong passwords", retry_after_ms)
        }
        SignInError::Unavailable => {
            ApiError::new(Code::Unavailable, "not now; try again in a moment")
        }
    })?;
    let me = Me::of(&session);
    let body = SignedIn { token: session.token.into_revealed(), me };
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// Who is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "sessions",
    responses(
        (status = 200, description = "Who is signed in.", body = Me),
        (status = 401, description = "Not signed in.", body = ErrorBody),
    )
)]
pub(crate) async fn me(viewer: Viewer) -> axum::Json<Me> {
    axum::Json(Me::of(&viewer.session))
}

/// Sign out.
///
/// The token is void afterwards, and the session's event streams are closed.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/current",
    tag = "sessions",
    responses(
        (status = 204, description = "Signed out."),
        (status = 401, description = "Not signed in.", body = ErrorBody),
    )
)]
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<StatusCode, ApiError> {
    app.backend.sign_out(&viewer.session.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
