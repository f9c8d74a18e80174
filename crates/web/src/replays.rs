//! A stored day, run again beside the calls: as it was, and with another strategy.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::calls::json;
use crate::configuration::may_configure;
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::{Json, Viewer};
use crate::time::rfc3339;
use crate::{ReplayError, ReplayFigures, ReplayReport, ReplayRequest};

/// Which day is run again, and how.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// The day, such as `2026-11-22`, in China's time.
    day: String,
    /// How agents would have been chosen: `longest_idle`, `least_occupied`, `round_robin`,
    /// `fewest_calls` or `skill_first`; without one the day runs as it was alone.
    #[serde(default)]
    strategy: Option<String>,
    /// The queue that would have chosen so; all queues where none is named.
    #[serde(default)]
    queue: Option<String>,
}

/// How far a replay is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReplayState {
    /// It runs.
    Running,
    /// `report` says what came of it.
    Done,
    /// `error` says why nothing came of it.
    Failed,
}

/// The replay that was begun last.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayedBody {
    /// What was asked.
    request: ReplayBody,
    /// How far it is.
    state: ReplayState,
    /// With `failed`: why.
    error: Option<String>,
    /// With `done`: what came of it.
    report: Option<ReportBody>,
}

/// What came of a replay.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportBody {
    /// Facts of the day.
    facts: u64,
    /// Calls that came to a queue.
    calls: u64,
    /// Offers that were made.
    offers: u64,
    /// Of how many calls not every offer went to the same agent again.
    differing: u64,
    /// The first of those calls.
    differences: Vec<DifferenceBody>,
    /// Why the day may not be the same again, such as another configuration.
    cautions: Vec<String>,
    /// By queue, what its calls came to and would have come to with the strategy; empty without.
    queues: Vec<ComparedBody>,
}

/// An offer that was not the same again.
#[derive(Serialize, ToSchema)]
pub(crate) struct DifferenceBody {
    /// When, RFC 3339 with offset.
    at: String,
    /// The call.
    call_id: String,
    /// The queue.
    queue: String,
    /// To whom it went then; null for nobody.
    then: Option<String>,
    /// To whom it went again; null for nobody.
    again: Option<String>,
}

/// What a queue's calls came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct ComparedBody {
    /// The queue.
    queue: String,
    /// As it was.
    then: FiguresBody,
    /// With the strategy.
    instead: FiguresBody,
    /// Calls that would have ended otherwise, or with another agent.
    ended_otherwise: u64,
}

/// What calls came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct FiguresBody {
    /// How many.
    calls: u64,
    /// Answered.
    answered: u64,
    /// Answered within 20 s.
    in_time: u64,
    /// Left without an answer.
    abandoned: u64,
    /// Half of the answered waited no longer, in milliseconds; null where none was.
    median_ms: Option<u64>,
    /// Nine of ten of them waited no longer, in milliseconds.
    p90_ms: Option<u64>,
}

/// Begin to run a stored day again. Needs `floor.steer` or `engine.administer`.
///
/// What `hotline replay` does: the day's facts are read and run through the distribution of calls
/// once more, on a thread that stands back for the calls; one replay at a time. `GET` says what
/// came of it. Nothing is written.
#[utoipa::path(
    post,
    path = "/api/v1/replay",
    operation_id = "begin_replay",
    tag = "operation",
    request_body = ReplayBody,
    responses(
        (status = 202, description = "It runs."),
        (status = 400, description = "Not JSON.", body = ErrorBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 409, description = "Another one runs.", body = ErrorBody),
        (status = 413, description = "The body is too long.", body = ErrorBody),
        (status = 415, description = "The body is not declared as JSON.", body = ErrorBody),
        (status = 422, description = "There is no such day, strategy or queue.", body = ErrorBody),
    )
)]
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Json(ReplayBody { day, strategy, queue }): Json<ReplayBody>,
) -> Result<StatusCode, ApiError> {
    may_configure(&app, &viewer).await?;
    let begun = app.backend.begin_replay(ReplayRequest { day, strategy, queue }).await;
    begun.map_err(|error| match error {
        ReplayError::Refused(why) => ApiError::new(Code::Invalid, why),
        ReplayError::Busy => ApiError::new(Code::Busy, "another replay runs: ask again later"),
    })?;
    Ok(StatusCode::ACCEPTED)
}

/// What came of the replay that was begun last since the engine's start. Needs `floor.steer` or
/// `engine.administer`.
#[utoipa::path(
    get,
    path = "/api/v1/replay",
    operation_id = "replay",
    tag = "operation",
    responses(
        (status = 200, description = "The replay, which may still run.", body = ReplayedBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "None was begun.", body = ErrorBody),
    )
)]
pub(crate) async fn last(
    State(app): State<Arc<App>>,
    viewer: Viewer,
) -> Result<Response, ApiError> {
    may_configure(&app, &viewer).await?;
    let replay = app.backend.replay().ok_or_else(|| ApiError::not_found("replay"))?;
    let ReplayRequest { day, strategy, queue } = replay.request;
    let (state, error, report) = match replay.came {
        None => (ReplayState::Running, None, None),
        Some(Ok(report)) => (ReplayState::Done, None, Some(told(&report, &app.config.zone))),
        Some(Err(error)) => (ReplayState::Failed, Some(error), None),
    };
    let request = ReplayBody { day, strategy, queue };
    Ok(json(&ReplayedBody { request, state, error, report }))
}

fn told(report: &ReplayReport, zone: &TimeZone) -> ReportBody {
    let differences = report.differences.iter().map(|one| DifferenceBody {
        at: rfc3339(one.at, zone),
        call_id: one.call.to_string(),
        queue: one.queue.to_string(),
        then: one.then.as_ref().map(ToString::to_string),
        again: one.again.as_ref().map(ToString::to_string),
    });
    let queues = report.queues.iter().map(|one| ComparedBody {
        queue: one.queue.to_string(),
        then: figures(&one.then),
        instead: figures(&one.instead),
        ended_otherwise: one.ended_otherwise,
    });
    ReportBody {
        facts: report.facts,
        calls: report.calls,
        offers: report.offers,
        differing: report.differing,
        differences: differences.collect(),
        cautions: report.cautions.clone(),
        queues: queues.collect(),
    }
}

const fn figures(of: &ReplayFigures) -> FiguresBody {
    let ReplayFigures { calls, answered, in_time, abandoned, median_ms, p90_ms } = *of;
    FiguresBody { calls, answered, in_time, abandoned, median_ms, p90_ms }
}
