//! How good a party's line was: what the network did to its voices, both ways.

/// What the network did to one voice on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VoiceQuality {
    /// Packets that should have come.
    pub packets: u64,
    /// Those of them that did not.
    pub lost: u64,
    /// Interarrival jitter, in microseconds (RFC 3550 §6.4.1).
    pub jitter_us: u32,
    /// The mean opinion score by the E-model (ITU-T G.107) in hundredths, 100 to 450.
    pub mos: u16,
}

impl VoiceQuality {
    /// The lost share in thousandths.
    pub const fn loss_permille(&self) -> u64 {
        match (self.lost.saturating_mul(1000)).checked_div(self.packets) {
            Some(permille) if permille < 1000 => permille,
            Some(_) => 1000,
            None => 0,
        }
    }
}

/// How good the line of one party was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LineQuality {
    /// The party's voice when it came here; `None` if nothing came.
    pub from_party: Option<VoiceQuality>,
    /// What the party was sent when it came there, as its own reports tell; `None` without any.
    pub to_party: Option<VoiceQuality>,
    /// From here to the party and back, in microseconds, if its reports tell.
    pub round_trip_us: Option<u32>,
}

impl LineQuality {
    /// The worse score of both ways, in hundredths; `None` while neither is known.
    pub fn worst_mos(&self) -> Option<u16> {
        [self.from_party, self.to_party].into_iter().flatten().map(|voice| voice.mos).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_way_is_that_of_the_line() {
        let voice = |mos| Some(VoiceQuality { mos, ..VoiceQuality::default() });
        let of = |from, to| LineQuality { from_party: from, to_party: to, round_trip_us: None };
        assert_eq!(of(voice(430), voice(310)).worst_mos(), Some(310));
        assert_eq!(of(voice(430), None).worst_mos(), Some(430));
        assert_eq!(LineQuality::default().worst_mos(), None);
    }

    #[test]
    fn a_share_is_between_nothing_and_all() {
        let lost = |lost, packets| {
            VoiceQuality { lost, packets, ..VoiceQuality::default() }.loss_permille()
        };
        assert_eq!([lost(0, 0), lost(5, 1000), lost(3, 2), lost(u64::MAX, 1)], [0, 5, 1000, 1000]);
    }
}
