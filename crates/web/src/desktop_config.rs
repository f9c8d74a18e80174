//! What a desktop needs to know of the configuration.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ErrorBody;
use crate::extract::Viewer;
use crate::names::ChoiceName;
use crate::{DesktopConfig, Named};

/// The parts of the configuration that a desktop needs.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConfigBody {
    /// The hotline's numbers.
    numbers: Vec<String>,
    /// What may be chosen at wrap-up.
    dispositions: Vec<NamedBody>,
    /// What may be chosen with `not_ready`.
    not_ready_reasons: Vec<ChoiceName>,
    /// The queues.
    queues: Vec<NamedBody>,
    /// How long after-call work lasts unless it is prolonged, in milliseconds.
    acw_ms: u64,
    /// How long an agent's phone rings, in milliseconds.
    ring_timeout_ms: u64,
    /// The engine's version.
    version: String,
}

/// A code with the words that people see.
#[derive(Serialize, ToSchema)]
pub(crate) struct NamedBody {
    /// What is sent in commands and events.
    code: String,
    /// In Chinese.
    zh: String,
    /// In English.
    en: String,
}

fn named(all: &[Named]) -> Vec<NamedBody> {
    let body = |Named { code, zh, en }: &Named| NamedBody {
        code: code.clone(),
        zh: zh.clone(),
        en: en.clone(),
    };
    all.iter().map(body).collect()
}

/// What a desktop needs to know of the configuration.
#[utoipa::path(
    get,
    path = "/api/v1/config",
    tag = "config",
    responses(
        (status = 200, description = "The configuration.", body = ConfigBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
    )
)]
pub(crate) async fn config(State(app): State<Arc<App>>, _: Viewer) -> Json<ConfigBody> {
    let config: Arc<DesktopConfig> = app.backend.desktop_config();
    let reasons = model::NotReadyReason::ALL.into_iter();
    Json(ConfigBody {
        numbers: config.numbers.clone(),
        dispositions: named(&config.dispositions),
        not_ready_reasons: reasons
            .filter(|reason| reason.is_agents_choice())
            .map(ChoiceName::from)
            .collect(),
        queues: named(&config.queues),
        acw_ms: config.acw_ms,
        ring_timeout_ms: config.ring_timeout_ms,
        version: config.version.clone(),
    })
}
