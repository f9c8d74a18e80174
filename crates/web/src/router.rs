//! Which path means what, and what every response carries.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::{
    MAX_BODY_BYTES, calls, configuration, desktop, desktop_config, docs_page, events, holds,
    messages, openapi, peaks, recordings, replays, sessions, status, trace, why,
};

/// Headers of every response: no guessing of types, no frames, no address told to other servers.
const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// The endpoints that OpenAPI describes, with their description.
pub(crate) fn described() -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(sessions::sign_in))
        .routes(routes!(sessions::sign_out))
        .routes(routes!(sessions::me))
        .routes(routes!(desktop_config::config))
        .routes(routes!(events::events))
        .routes(routes!(calls::list))
        .routes(routes!(calls::one))
        .routes(routes!(trace::ladder))
        .routes(routes!(trace::capture))
        .routes(routes!(why::offers))
        .routes(routes!(why::agent))
        .routes(routes!(recordings::list))
        .routes(routes!(recordings::audio))
        .routes(routes!(peaks::peaks))
        .routes(routes!(holds::hold, holds::release))
        .routes(routes!(messages::done))
        .routes(routes!(configuration::reload))
        .routes(routes!(replays::begin, replays::last))
        .routes(routes!(status::healthz))
        .routes(routes!(status::metrics))
        .split_for_parts()
}

/// All there is to answer.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (endpoints, description) = described();
    let page = docs_page::render(&description);
    let description = openapi::text(&description);
    endpoints
        .route("/api/v1/openapi.json", get(async move || openapi::json(description)))
        .route("/api/docs", get(async move || docs_page::html(page)))
        .fallback(desktop::serve)
        .method_not_allowed_fallback(async || {
            ApiError::new(Code::MethodNotAllowed, "this path has other methods; see 'Allow'")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(app.clone(), around))
        .with_state(app)
}

/// What happens around every request: a limit of time, the headers of every response, counting.
async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    // Never the query: it may hold a token or a telephone number.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match timeout(app.config.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(Code::Unavailable, "this took too long").into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    // Whatever says nothing else is about calls and people, and is kept nowhere.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    app.counters.responded(response.status());
    let took_ms = began.elapsed().as_millis();
    tracing::debug!(%method, path, status = response.status().as_u16(), took_ms, "answered");
    response
}
