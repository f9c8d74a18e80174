//! Health and figures, for load balancers and Prometheus. Neither needs a token, neither tells
//! anything about a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The content type of Prometheus' text format.
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");

/// How the engine is.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthBody {
    /// `ok`, `draining` (about to stop, takes no new calls) or `failing`.
    status: &'static str,
    /// Each part: `ok`, or what is wrong with it.
    parts: BTreeMap<&'static str, String>,
}

/// How the engine is.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    responses(
        (status = 200, description = "The engine takes calls.", body = HealthBody),
        (status = 503, description = "Send new calls elsewhere.", body = HealthBody),
    ),
    security(())
)]
pub(crate) async fn healthz(State(app): State<Arc<App>>) -> Response {
    let health = app.backend.health().await;
    let failing = health.parts.iter().any(|(_, wrong)| wrong.is_some());
    let (code, status) = match (failing, health.draining) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (false, false) => (StatusCode::OK, "ok"),
    };
    let part = |(name, wrong): (&'static str, Option<String>)| {
        (name, wrong.unwrap_or_else(|| "ok".to_owned()))
    };
    let body = HealthBody { status, parts: health.parts.into_iter().map(part).collect() };
    (code, Json(body)).into_response()
}

/// The engine's figures, in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = 200, description = "The figures.", body = String,
               content_type = "text/plain")),
    security(())
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let mut text = app.backend.metrics().await;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    app.counters.write(&mut text);
    ([(header::CONTENT_TYPE, PROMETHEUS)], text).into_response()
}
