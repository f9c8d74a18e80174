//! What a client is told when something is refused or fails: one shape for every endpoint.
//!
//! `{"error":{"code":…,"message":…}}`; the code is for programs and never changes its meaning, the
//! message is for people. [`Code`] lists all of them, and `docs/protocol.md` is checked against it.

use access::Refused;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use crate::BackendError;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident $text:literal $status:ident)*) => {
        /// Why a request was not served.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[doc = $doc])* $name,)*
        }

        impl Code {
            /// Every code.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it means, for the reference.
            pub(crate) const fn about(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*),)*
                }
            }

            /// The HTTP status that goes with it.
            pub(crate) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }
        }
    };
}

codes! {
    /// The request cannot be read: bad JSON, bad query, bad cursor.
    Malformed "malformed" BAD_REQUEST
    /// No token, or one that is unknown or over.
    NotSignedIn "not_signed_in" UNAUTHORIZED
    /// The user is unknown or the password is wrong.
    WrongCredentials "wrong_credentials" UNAUTHORIZED
    /// A permission is missing.
    Forbidden "forbidden" FORBIDDEN
    /// A browser page of another origin asked for the event stream.
    ForeignOrigin "foreign_origin" FORBIDDEN
    /// There is no such thing.
    NotFound "not_found" NOT_FOUND
    /// The path exists, the method does not.
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED
    /// The body is too long.
    TooLarge "too_large" PAYLOAD_TOO_LARGE
    /// The body is not declared as JSON.
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE
    /// The range lies outside of the content (RFC 9110 §15.5.17).
    RangeNotSatisfiable "range_not_satisfiable" RANGE_NOT_SATISFIABLE
    /// The JSON is well-formed, but a field is missing, unknown or out of bounds.
    Invalid "invalid" UNPROCESSABLE_ENTITY
    /// The event stream is a WebSocket; the request did not ask for one.
    UpgradeRequired "upgrade_required" UPGRADE_REQUIRED
    /// Too soon after a wrong password.
    Slowed "slowed" TOO_MANY_REQUESTS
    /// Too many wrong passwords.
    Locked "locked" TOO_MANY_REQUESTS
    /// Something else is being done that has to end first.
    Busy "busy" CONFLICT
    /// A bug, or damaged data. The engine's log says more.
    Internal "internal" INTERNAL_SERVER_ERROR
    /// Not now: overloaded, stopping, or the store fails.
    Unavailable "unavailable" SERVICE_UNAVAILABLE
}

/// A refusal or failure, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    message: String,
    permission: Option<Permission>,
    retry_after_ms: Option<u64>,
    content_length: Option<u64>,
}

/// The body of every refusal and failure.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What happened.
    error: ErrorDetail,
}

/// What happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// For programs: one of the codes that the protocol lists.
    code: &'static str,
    /// For people, in English.
    message: String,
    /// With `forbidden`: the permission that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'static str>,
    /// With `slowed` and `locked`: when to try again, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl ApiError {
    /// A failure of that kind, told so to people.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            permission: None,
            retry_after_ms: None,
            content_length: None,
        }
    }

    /// No token, or none that is valid.
    pub(crate) fn not_signed_in() -> Self {
        Self::new(Code::NotSignedIn, "sign in first: the token is missing, unknown or over")
    }

    /// A permission is missing.
    pub(crate) fn forbidden(refused: Refused) -> Self {
        let permission = Some(refused.permission);
        Self { permission, ..Self::new(Code::Forbidden, refused.to_string()) }
    }

    /// There is no such `thing`.
    pub(crate) fn not_found(thing: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {thing}"))
    }

    /// Sign-in is refused for a while.
    pub(crate) fn try_later(code: Code, message: &str, retry_after_ms: u64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(code, message) }
    }

    /// A range outside of content of `length` bytes.
    pub(crate) fn range_not_satisfiable(length: u64) -> Self {
        let message = format!("the content has {length} bytes");
        Self { content_length: Some(length), ..Self::new(Code::RangeNotSatisfiable, message) }
    }
}

impl From<BackendError> for ApiError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::BadCursor => {
                Self::new(Code::Malformed, "'cursor' is not one that this list gave")
            }
            BackendError::Unavailable => {
                Self::new(Code::Unavailable, "not now; try again in a moment")
            }
            BackendError::Internal(detail) => {
                tracing::error!(detail, "the backend failed");
                Self::new(Code::Internal, "the engine failed; its log says more")
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: ErrorDetail {
                code: self.code.as_str(),
                message: self.message,
                permission: self.permission.map(Permission::as_str),
                retry_after_ms: self.retry_after_ms,
            },
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.code == Code::UpgradeRequired {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        if self.code == Code::Unavailable {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(ms) = self.retry_after_ms {
            // Whole seconds, rounded up: an attempt after them is looked at (RFC 9110 §10.2.3).
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000).max(1)));
        }
        if let Some(length) = self.content_length
            && let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}"))
        {
            headers.insert(header::CONTENT_RANGE, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name_a_status_of_failure_and_a_meaning() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(code.about().trim().ends_with('.'), "{}", code.as_str());
        }
    }

    #[test]
    fn what_the_backend_says_to_the_log_is_not_told() {
        let error = BackendError::Internal("table calls: /var/lib/secret".to_owned());
        let error = ApiError::from(error);
        assert_eq!(error.code, Code::Internal);
        assert!(!error.message.contains("secret"));
    }
}
