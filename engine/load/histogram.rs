//! Times, counted in buckets: any number of them in a few kilobytes, each to within 3 %.

use std::time::Duration;

use serde_json::{Value, json};

/// Buckets for each doubling.
const STEPS: usize = 32;
/// Doublings: up to 2^35 µs, nine hours.
const DOUBLINGS: usize = 31;

/// A histogram of times in microseconds.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; STEPS * DOUBLINGS], total: 0, max: 0 }
    }

    pub(super) fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let at = bucket(micros).min(self.counts.len() - 1);
        self.counts[at] += 1;
        self.total += 1;
        self.max = self.max.max(micros);
    }

    /// The time that `share` of all times do not exceed, in microseconds.
    fn quantile(&self, share: f64) -> u64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        at.map_or(0, upper_end).min(self.max)
    }

    /// Milliseconds, as the report shows them; `null` where nothing was counted.
    pub(super) fn to_json(&self) -> Value {
        if self.total == 0 {
            return Value::Null;
        }
        let ms = |micros: u64| micros as f64 / 1000.0;
        json!({
            "count": self.total,
            "p50": ms(self.quantile(0.5)),
            "p99": ms(self.quantile(0.99)),
            "max": ms(self.max),
        })
    }
}

/// The first doubling is counted one by one, each later one in as many steps.
fn bucket(micros: u64) -> usize {
    let doubling = (u64::BITS - micros.leading_zeros()).saturating_sub(STEPS.ilog2());
    let doubling = doubling.saturating_sub(1) as usize;
    doubling * STEPS + (micros >> doubling) as usize
}

/// The largest time of a bucket.
fn upper_end(at: usize) -> u64 {
    let doubling = (at / STEPS).saturating_sub(1);
    (((at - doubling * STEPS) as u64 + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_within_3_percent_of_its_bucket() {
        for micros in (0..100_000).chain((17..35).map(|bits| 1 << bits)).chain([u64::MAX >> 30]) {
            let end = upper_end(bucket(micros));
            assert!(end >= micros && end - micros <= micros / 32, "{micros} in a bucket to {end}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.to_json(), Value::Null);
        (1..=1000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        histogram.record(Duration::from_secs(1_000_000));
        let (half, most) = (histogram.quantile(0.5) as f64, histogram.quantile(0.99) as f64);
        assert!((500_000.0..516_000.0).contains(&half), "{half}");
        assert!((990_000.0..1_022_000.0).contains(&most), "{most}");
        assert_eq!(histogram.to_json()["max"], 1e9);
        assert_eq!(histogram.to_json()["count"], 1001);
    }
}
