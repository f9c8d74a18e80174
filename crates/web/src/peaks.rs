//! A recording's waveform: the lowest and the highest sample of each side, as many points as a
//! picture needs, without its sound.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use model::{Permission, RecordingId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::calls::json;
use crate::error::{ApiError, Code, ErrorBody};
use crate::extract::{PathId, Query, Viewer};
use crate::{PEAK_MS, Peak};

/// Points that are given unless others are asked for.
const POINTS: usize = 2_000;
/// The most that may be asked for.
const POINTS_MAX: usize = 10_000;

/// How fine the picture is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PeaksQuery {
    /// At most so many points, 1 to 10000; 2000 unless given.
    points: Option<usize>,
}

/// What a waveform is drawn from.
#[derive(Serialize, ToSchema)]
pub(crate) struct PeaksBody {
    /// The recording.
    recording_id: String,
    /// How long a point lasts, in milliseconds: a multiple of 20.
    point_ms: u64,
    /// The caller's lowest and highest sample of each point in turn, -128 to 127.
    caller: Vec<i8>,
    /// The agent's.
    agent: Vec<i8>,
}

/// A recording's waveform. Needs `recording.play`.
///
/// Also while it is being made, as far as it is. Recordings of versions that wrote WAV files have
/// none: their audio has to be read for it.
#[utoipa::path(
    get,
    path = "/api/v1/recordings/{id}/peaks",
    operation_id = "recording_peaks",
    tag = "recordings",
    params(("id" = String, Path, description = "The recording, such as `r1-2-3`."), PeaksQuery),
    responses(
        (status = 200, description = "Its waveform.", body = PeaksBody),
        (status = 400, description = "The query cannot be read.", body = ErrorBody),
        (status = 401, description = "Not signed in.", body = ErrorBody),
        (status = 403, description = "A permission is missing.", body = ErrorBody),
        (status = 404, description = "There is no such recording or waveform.", body = ErrorBody),
        (status = 422, description = "`points` is out of bounds.", body = ErrorBody),
    )
)]
pub(crate) async fn peaks(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    PathId(id): PathId<RecordingId>,
    Query(query): Query<PeaksQuery>,
) -> Result<Response, ApiError> {
    viewer.require(&app, Permission::RecordingPlay).await?;
    let points = query.points.unwrap_or(POINTS);
    if !(1..=POINTS_MAX).contains(&points) {
        let why = format!("'points' must be from 1 to {POINTS_MAX}");
        return Err(ApiError::new(Code::Invalid, why));
    }
    let peaks = app.backend.peaks(id).await?.ok_or_else(|| ApiError::not_found("recording"))?;
    let (merged, of) = fewer(&peaks, points);
    let side = |side: fn(&Peak) -> [i8; 2]| merged.iter().flat_map(side).collect();
    Ok(json(&PeaksBody {
        recording_id: id.to_string(),
        point_ms: PEAK_MS * of as u64,
        caller: side(|peak| peak.caller),
        agent: side(|peak| peak.agent),
    }))
}

/// At most `points` peaks, each of as many others as it says.
fn fewer(peaks: &[Peak], points: usize) -> (Vec<Peak>, usize) {
    let of = peaks.len().div_ceil(points).max(1);
    let both = |one: [i8; 2], other: [i8; 2]| [one[0].min(other[0]), one[1].max(other[1])];
    let merge = |part: &[Peak]| {
        part.iter().fold(Peak::default(), |all, peak| Peak {
            caller: both(all.caller, peak.caller),
            agent: both(all.agent, peak.agent),
        })
    };
    (peaks.chunks(of).map(merge).collect(), of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_points_keep_the_lowest_and_the_highest() {
        let peaks: Vec<Peak> =
            (0..10).map(|n| Peak { caller: [-n, n], agent: [n - 9, 0] }).collect();
        assert_eq!(fewer(&peaks, 100), (peaks.clone(), 1));
        let (merged, of) = fewer(&peaks, 3);
        assert_eq!((merged.len(), of), (3, 4));
        assert_eq!(merged[0], Peak { caller: [-3, 3], agent: [-9, 0] });
        assert_eq!(merged[2], Peak { caller: [-9, 9], agent: [-1, 0] });
        assert_eq!(fewer(&[], 3), (Vec::new(), 1));
    }
}
