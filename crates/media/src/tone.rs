//! Tones, for tests and for the load generator.

/// `samples` of a sine of `hertz`, peak `amplitude`.
pub fn sine(hertz: f64, amplitude: i16, samples: usize) -> Vec<i16> {
    let step = hertz * std::f64::consts::TAU / f64::from(crate::SAMPLE_RATE);
    (0..samples).map(|at| ((step * at as f64).sin() * f64::from(amplitude)) as i16).collect()
}
