//! How good a party's line is, as JSON tells it.

use model::{LineQuality, VoiceQuality};
use serde::Serialize;
use utoipa::ToSchema;

/// How good the line of one party is, both ways.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineBody {
    /// The party's voice when it came here; null if nothing came.
    from_party: Option<VoiceBody>,
    /// What the party was sent when it came there, as its own reports tell; null without any.
    to_party: Option<VoiceBody>,
    /// From here to the party and back, in microseconds, if its reports tell.
    round_trip_us: Option<u32>,
}

/// What the network did to one voice on its way.
#[derive(Serialize, ToSchema)]
pub(crate) struct VoiceBody {
    /// Packets that should have come.
    packets: u64,
    /// Those of them that did not.
    lost: u64,
    /// Interarrival jitter, in microseconds.
    jitter_us: u32,
    /// The mean opinion score by the E-model (ITU-T G.107), 1 to 4.5.
    mos: f64,
}

impl From<&LineQuality> for LineBody {
    fn from(quality: &LineQuality) -> Self {
        let LineQuality { from_party, to_party, round_trip_us } = *quality;
        let voice = |voice: VoiceQuality| {
            let VoiceQuality { packets, lost, jitter_us, mos } = voice;
            VoiceBody { packets, lost, jitter_us, mos: f64::from(mos) / 100.0 }
        };
        Self { from_party: from_party.map(voice), to_party: to_party.map(voice), round_trip_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_told_in_points_and_what_is_not_known_is_null() {
        let voice = VoiceQuality { packets: 100, lost: 4, jitter_us: 2_000, mos: 387 };
        let quality =
            LineQuality { from_party: Some(voice), to_party: None, round_trip_us: Some(60_000) };
        let wanted = serde_json::json!({
            "from_party": {"packets": 100, "lost": 4, "jitter_us": 2000, "mos": 3.87},
            "to_party": null,
            "round_trip_us": 60_000,
        });
        assert_eq!(serde_json::to_value(LineBody::from(&quality)).unwrap(), wanted);
    }
}
