//! How good a voice sounded: the E-model of ITU-T G.107, simplified, as a mean opinion score.
//!
//! Echo, noise and loudness are taken at their defaults, which leaves what the network does:
//! loss, weighted by how bursty it was, and delay. `R = 93.2 - Id - Ie,eff`; MOS follows from R.

/// R of a path without impairments (G.107, table 3, rounded as G.109 does).
const BEST: f64 = 93.2;
/// How well G.711 bears loss when its receiver conceals it (G.113, appendix I).
const CONCEALED_ROBUSTNESS: f64 = 25.1;
/// From this one-way delay on, in milliseconds, people begin to talk over one another.
const NOTICED_DELAY_MS: f64 = 177.3;
/// Burstier than this is not told apart.
const MAX_BURSTINESS: f64 = 8.0;

/// The best score that G.711 can have, in hundredths.
pub const BEST_MOS: u16 = 441;
/// The worst, in hundredths.
pub const WORST_MOS: u16 = 100;

/// What happened to one voice of G.711 on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quality {
    /// Packets that should have come.
    pub expected: u64,
    /// Those that did not.
    pub lost: u64,
    /// In how many runs: fewer than random loss would make is worse to hear. 0 if unknown.
    pub bursts: u64,
    /// From mouth to ear, in milliseconds, as far as it is known.
    pub delay_ms: u32,
}

impl Quality {
    /// The mean opinion score in hundredths, [`WORST_MOS`] to [`BEST_MOS`]; `None` if nothing was
    /// expected.
    pub fn mos(&self) -> Option<u16> {
        if self.expected == 0 {
            return None;
        }
        Some(mos_of(self.exact_rating()))
    }

    /// The rating that the score follows from, 0 to 100; `None` if nothing was expected.
    pub fn rating(&self) -> Option<u8> {
        (self.expected > 0).then(|| self.exact_rating().round().clamp(0.0, 100.0) as u8)
    }

    fn exact_rating(&self) -> f64 {
        BEST - self.delay_impairment() - self.loss_impairment()
    }

    /// Id (G.107 §7.4, simplified): what delay costs.
    fn delay_impairment(&self) -> f64 {
        let delay = f64::from(self.delay_ms);
        0.024 * delay + 0.11 * (delay - NOTICED_DELAY_MS).max(0.0)
    }

    /// Ie,eff (G.107 §7.5): what loss costs. G.711 itself costs nothing.
    fn loss_impairment(&self) -> f64 {
        let share = (self.lost as f64 / self.expected as f64).min(1.0);
        let percent = share * 100.0;
        95.0 * percent / (percent / self.burstiness(share) + CONCEALED_ROBUSTNESS)
    }

    /// BurstR: the mean length of a run of losses, over what random loss of that share would have.
    fn burstiness(&self, share: f64) -> f64 {
        if self.bursts == 0 || self.lost == 0 {
            return 1.0;
        }
        let length = self.lost as f64 / self.bursts.min(self.lost) as f64;
        (length * (1.0 - share)).clamp(1.0, MAX_BURSTINESS)
    }
}

/// The score of a rating (G.107, annex B), in hundredths.
fn mos_of(rating: f64) -> u16 {
    let rating = rating.clamp(0.0, 100.0);
    let mos = 1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6;
    ((mos * 100.0).round() as u16).clamp(WORST_MOS, BEST_MOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mos(lost_of_1000: u64, bursts: u64, delay_ms: u32) -> u16 {
        let quality = Quality { expected: 1_000, lost: lost_of_1000, bursts, delay_ms };
        quality.mos().expect("packets were expected")
    }

    #[test]
    fn the_scores_of_the_recommendation() {
        // G.107, annex B: R to MOS.
        for (rating, wanted) in [(93.2, 441), (90.0, 434), (80.0, 402), (70.0, 360), (60.0, 310)] {
            assert_eq!(mos_of(rating), wanted, "{rating}");
        }
        assert_eq!((mos_of(50.0), mos_of(0.0), mos_of(-20.0)), (258, 100, 100));
    }

    #[test]
    fn a_clean_way_is_the_best_and_a_dead_one_the_worst() {
        assert_eq!(mos(0, 0, 0), BEST_MOS);
        assert!(mos(1_000, 1, 0) < 150);
        assert_eq!((Quality::default().mos(), Quality::default().rating()), (None, None));
        let clean = Quality { expected: 1, ..Quality::default() };
        assert_eq!(clean.rating(), Some(93));
    }

    #[test]
    fn loss_costs_and_costs_more_in_bursts() {
        let scores = [0, 10, 20, 50, 100, 200].map(|lost| mos(lost, lost, 20));
        assert!(scores.windows(2).all(|pair| pair[1] < pair[0]), "{scores:?}");
        // 1 % at random is hardly noticed, 5 % is, 20 % is bad.
        assert!(
            scores[1] > 420 && (330..400).contains(&scores[3]) && scores[5] < 300,
            "{scores:?}"
        );
        assert!(mos(50, 10, 20) < mos(50, 50, 20));
        // More runs than losses cannot be; random loss is the least that is assumed.
        assert_eq!(mos(50, 900, 20), mos(50, 50, 20));
    }

    #[test]
    fn delay_is_noticed_beyond_its_limit() {
        let below = mos(0, 0, 20) - mos(0, 0, 170);
        let beyond = mos(0, 0, 170) - mos(0, 0, 320);
        assert!(beyond > 2 * below, "{below} {beyond}");
    }
}
