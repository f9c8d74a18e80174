//! What handlers take from a request: who asks, JSON bodies, queries and ids, each refused in the
//! one shape of [`crate::error`].

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use access::Refused;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use model::{AgentId, Permission, Pii};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::{Audit, Session};

/// Longest token that is looked up, in bytes.
const MAX_TOKEN_BYTES: usize = 256;
/// Characters of a path that an audit keeps.
const MAX_AUDITED_PATH: usize = 200;

/// The other end of the connection, put into every request by [`crate::serve`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The one who asks: signed in, with the permissions to be checked.
pub(crate) struct Viewer {
    pub(crate) session: Session,
    pub(crate) source: IpAddr,
    /// What they ask for, as an audit names it: method and path, never the query.
    what: String,
}

impl Viewer {
    /// The viewer of `token`.
    pub(crate) async fn of_token(
        app: &App,
        parts: &Parts,
        token: Option<Pii<String>>,
    ) -> Result<Self, ApiError> {
        let token = token.ok_or_else(ApiError::not_signed_in)?;
        let session =
            app.backend.authenticate(&token).await?.ok_or_else(ApiError::not_signed_in)?;
        let peer = parts.extensions.get::<Peer>().ok_or_else(|| {
            ApiError::new(Code::Internal, "the engine failed: a request without a source")
        })?;
        let path: String = parts.uri.path().chars().take(MAX_AUDITED_PATH).collect();
        let what = format!("{} {path}", parts.method);
        Ok(Self { session, source: peer.0, what })
    }

    /// Whether the viewer holds `permission`: for choosing what to show.
    pub(crate) fn holds(&self, permission: Permission) -> bool {
        self.session.principal.holds(permission)
    }

    /// Refuses, after the refusal is on record, unless the viewer may.
    pub(crate) async fn require(&self, app: &App, permission: Permission) -> Result<(), ApiError> {
        match access::may(&self.session.principal, permission) {
            Ok(()) => Ok(()),
            Err(refused) => Err(self.refuse(app, refused).await),
        }
    }

    async fn refuse(&self, app: &App, refused: Refused) -> ApiError {
        let entry = Audit::Refused {
            user: self.session.principal.user.clone(),
            source: self.source,
            permission: refused.permission,
            what: self.what.clone(),
        };
        match app.backend.audit(entry).await {
            Ok(()) => ApiError::forbidden(refused),
            Err(error) => error.into(),
        }
    }

    /// The viewer's own number, if an agent.
    pub(crate) fn agent(&self) -> AgentId {
        AgentId::from(self.session.principal.user.as_str())
    }

    /// Puts on record that personal data of `what` is shown in clear.
    pub(crate) async fn unmasks(&self, app: &App, what: String) -> Result<(), ApiError> {
        let user = self.session.principal.user.clone();
        Ok(app.backend.audit(Audit::Unmasked { user, what }).await?)
    }
}

impl FromRequestParts<Arc<App>> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = bearer(parts);
        Self::of_token(app, parts, token).await
    }
}

/// A viewer that may also name its token as `?token=`: for WebSockets and `<audio>`, to which a
/// browser's page can give no header.
pub(crate) struct UrlViewer(pub(crate) Viewer);

impl FromRequestParts<Arc<App>> for UrlViewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = bearer(parts).or_else(|| {
            let pairs = parts.uri.query().unwrap_or_default().split('&');
            pairs.filter_map(|pair| pair.strip_prefix("token=")).find_map(well_formed)
        });
        Viewer::of_token(app, parts, token).await.map(Self)
    }
}

/// The token of the `Authorization` header (RFC 6750 §2.1).
fn bearer(parts: &Parts) -> Option<Pii<String>> {
    let (scheme, token) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { well_formed(token.trim()) } else { None }
}

/// `token`, if a backend could have made it.
fn well_formed(token: &str) -> Option<Pii<String>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = !token.is_empty() && token.len() <= MAX_TOKEN_BYTES;
    (fits && token.bytes().all(plain)).then(|| Pii::from(token))
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = declared.unwrap_or_default().split(';').next().unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case("application/json") {
            let message = "send the body as 'Content-Type: application/json'";
            return Err(ApiError::new(Code::UnsupportedMediaType, message));
        }
        let body = Bytes::from_request(request, app).await.map_err(unreadable)?;
        serde_json::from_slice(&body).map(Self).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => ApiError::new(Code::Invalid, error.to_string()),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => {
                ApiError::new(Code::Malformed, format!("not JSON: {error}"))
            }
        })
    }
}

fn unreadable(rejection: BytesRejection) -> ApiError {
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("a body may have {} bytes", crate::MAX_BODY_BYTES);
        ApiError::new(Code::TooLarge, message)
    } else {
        ApiError::new(Code::Malformed, "the body broke off")
    }
}

/// The query of a URL.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|rejection| ApiError::new(Code::Malformed, rejection.body_text()))
    }
}

/// The one id in a path, such as `c1-2-3`. What is no id names nothing: 404.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr + Send> FromRequestParts<Arc<App>> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let text = axum::extract::Path::<String>::from_request_parts(parts, app).await;
        let id = text.ok().and_then(|path| path.0.parse().ok());
        id.map(Self).ok_or_else(|| ApiError::not_found("id"))
    }
}

/// The method of a request, for handlers that serve HEAD other than GET.
pub(crate) struct IsHead(pub(crate) bool);

impl FromRequestParts<Arc<App>> for IsHead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        Ok(Self(parts.method == Method::HEAD))
    }
}
