//! The description of the HTTP endpoints and of the WebSocket's frames, as OpenAPI 3.1.

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi as _};

use crate::command::{CommandFrame, Reply};
use crate::error::ErrorBody;
use crate::wire::EventFrame;

/// What is said of the whole; the endpoints add themselves in `router.rs`.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Hotline",
        description = "A call center's engine: calls, recordings, and a live event stream. \
            Times are RFC 3339 with offset, durations end in `_ms`, money is in fen (1/100 yuan). \
            Personal data is masked unless one holds `customer.unmask`."
    ),
    tags(
        (name = "sessions", description = "Signing in and out."),
        (name = "events", description = "The live event stream and its commands."),
        (name = "calls", description = "Calls that are over."),
        (name = "recordings", description = "Recordings and their audio."),
        (name = "config", description = "What a desktop needs to know."),
        (name = "operation", description = "Health and figures."),
    ),
    components(schemas(EventFrame, CommandFrame, Reply, ErrorBody)),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Description;

/// The token of `POST /api/v1/sessions`, in the `Authorization` header.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut OpenApi) {
        let components = description.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", bearer);
    }
}

/// The description before its endpoints are added.
pub(crate) fn base() -> OpenApi {
    Description::openapi()
}

/// The description as JSON.
pub(crate) fn text(description: &OpenApi) -> Bytes {
    // The description is made of texts and maps, which always serialize.
    description.to_json().unwrap_or_default().into()
}

/// The response that is the description.
pub(crate) fn json(text: Bytes) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
}
