//! Keys that are heard as tones (ITU-T Q.23, Q.24): for phones that do not send them as events.
//!
//! The voice is looked at in blocks of 10 ms. A key is there in two blocks that follow each other
//! if they are almost nothing but one low and one high tone, of about the same loudness as each
//! other and in both blocks, and if the phases of the two blocks say that each tone is as near to
//! its frequency as Q.24 asks. Speech has more in it, or moves.

use std::collections::VecDeque;
use std::f32::consts::{PI, TAU};
use std::sync::LazyLock;
use std::time::Duration;

use model::Mono;
use rtp::digits::Pressed;

/// Samples of a block.
const BLOCK: usize = 80;
/// The window's mean and swing.
const MEAN: f32 = 0.54;
const SWING: f32 = 0.46;
/// The tones of Q.23, in hertz: rows, then columns.
const TONES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The keys by row and column.
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// The quietest tone that counts, as its amplitude: about −33 dBm0. Q.24 asks for −25 at most.
const QUIETEST: f32 = 500.0;
/// So much louder than the other, in power, a high tone may be (Q.24: 4 dB), and a low one (8 dB);
/// both with a margin of 2 dB.
const HIGH_LOUDER: f32 = 3.98;
const LOW_LOUDER: f32 = 10.0;
/// How much of all that is heard the two tones have to be.
const PURITY: f32 = 0.8;
/// The softer of two blocks has at least this part of the other's amplitude.
const STEADY: f32 = 0.85;
/// How far off a tone may be: between the 1.5 % and 2 Hz that Q.24 has to be taken and the 3.5 %
/// that must not.
const OFF_SHARE: f32 = 0.022;
const OFF_HERTZ: f32 = 2.0;
/// As many pairs of blocks in a row make a key: three blocks, so that 40 ms are enough and 24 not.
const ENOUGH: u32 = 2;
/// As many pairs without it end a key: 10 ms of interruption are not enough, 40 ms of pause are.
const GONE: u32 = 4;
/// Nothing came for so long: the key was let go.
const SILENT_AFTER: Duration = Duration::from_millis(200);
/// Keys that nobody took away; beyond it the oldest is dropped.
const MAX_PENDING: usize = 32;

/// One block as each tone sees it, and its whole power.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Real and imaginary part of each.
    parts: [(f32, f32); 8],
    /// The sum of all squares.
    power: f32,
}

/// A key that is held.
#[derive(Debug, Clone, Copy)]
struct Held {
    key: char,
    /// Pairs of blocks in which it was there.
    pairs: u32,
    /// Pairs since it was there last.
    missed: u32,
}

/// Listens to one voice of 8 kHz. A key is told when it was let go.
#[derive(Debug, Clone, Default)]
pub struct Inband {
    block: Vec<f32>,
    before: Seen,
    held: Option<Held>,
    heard: Mono,
    pending: VecDeque<Pressed>,
}

impl Inband {
    /// The voice goes on with these samples.
    pub fn handle_samples(&mut self, samples: impl IntoIterator<Item = i16>, now: Mono) {
        self.heard = now;
        for sample in samples {
            self.block.push(f32::from(sample));
            if self.block.len() == BLOCK {
                let seen = see(&self.block);
                self.block.clear();
                self.follow(key(&self.before, &seen));
                self.before = seen;
            }
        }
    }

    /// Nothing has come for a while: whatever was held was let go.
    pub fn handle_timeout(&mut self, now: Mono) {
        if self.poll_timeout().is_some_and(|(due, _)| due <= now) {
            self.let_go();
        }
    }

    /// When [`Self::handle_timeout`] is due, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.held.map(|_| (self.heard + SILENT_AFTER, "the end of a tone"))
    }

    /// The next key that was pressed and let go.
    pub fn poll_output(&mut self) -> Option<Pressed> {
        self.pending.pop_front()
    }

    fn follow(&mut self, heard: Option<char>) {
        match (&mut self.held, heard) {
            (Some(held), Some(key)) if held.key == key => {
                held.pairs += 1;
                held.missed = 0;
            }
            (Some(held), other) => {
                held.missed += 1;
                let (missed, is_key) = (held.missed, held.pairs >= ENOUGH);
                // What was there too shortly makes room for what is there now.
                if missed >= GONE || !is_key {
                    self.let_go();
                    self.held = other.map(|key| Held { key, pairs: 1, missed: 0 });
                }
            }
            (None, Some(key)) => self.held = Some(Held { key, pairs: 1, missed: 0 }),
            (None, None) => {}
        }
    }

    fn let_go(&mut self) {
        let Some(held) = self.held.take().filter(|held| held.pairs >= ENOUGH) else { return };
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
        }
        // n pairs are n + 1 blocks.
        let duration_ms = (held.pairs + 1) * (BLOCK / 8) as u32;
        self.pending.push_back(Pressed { digit: held.key, duration_ms });
    }
}

/// One block by Goertzel's recurrence.
fn see(block: &[f32]) -> Seen {
    let power = block.iter().map(|sample| sample * sample).sum();
    let mut seen = Seen { power, ..Seen::default() };
    for (into, hertz) in seen.parts.iter_mut().zip(TONES) {
        let step = TAU * hertz / 8_000.0;
        let turn = 2.0 * step.cos();
        let (mut last, mut before) = (0.0, 0.0);
        for (sample, weight) in block.iter().zip(WINDOW.iter()) {
            (last, before) = (sample * weight + turn * last - before, last);
        }
        *into = (last - before * step.cos(), before * step.sin());
    }
    seen
}

/// Hamming's window: a loud tone hides the other one less.
static WINDOW: LazyLock<[f32; BLOCK]> = LazyLock::new(|| {
    let weight = |at: usize| MEAN - SWING * (TAU * (at as f32 + 0.5) / BLOCK as f32).cos();
    std::array::from_fn(weight)
});

/// How strong a tone is seen that is so much off the frequency that is looked for.
fn response(hertz: f32) -> f32 {
    let bins = hertz * BLOCK as f32 / 8_000.0;
    let sinc = |bins: f32| {
        let angle = PI * bins;
        if angle.abs() < 0.01 { 1.0 } else { angle.sin() / angle }
    };
    sinc(bins) + SWING / (2.0 * MEAN) * (sinc(bins - 1.0) + sinc(bins + 1.0))
}

/// One tone in two blocks that follow each other.
struct Tone {
    /// Its power, of one sample on the mean.
    power: f32,
    is_good: bool,
}

fn tone(at: usize, one: &Seen, other: &Seen) -> Tone {
    let ((a, b), (c, d)) = (one.parts[at], other.parts[at]);
    let (first, second) = (a.hypot(b), c.hypot(d));
    // By how much the phase has turned further than the tone itself turns it in a block.
    let turned = (a * d - b * c).atan2(a * c + b * d);
    let expected = TAU * TONES[at] * BLOCK as f32 / 8_000.0;
    let off = (turned - expected).rem_euclid(TAU);
    let off = if off > PI { off - TAU } else { off };
    let hertz = off / TAU * 8_000.0 / BLOCK as f32;
    let amplitude = (first + second) / (MEAN * BLOCK as f32) / response(hertz);
    let is_steady = first.min(second) >= STEADY * first.max(second);
    let is_near = hertz.abs() <= OFF_SHARE * TONES[at] + OFF_HERTZ;
    let is_good = is_steady && is_near && amplitude >= QUIETEST;
    Tone { power: amplitude * amplitude / 2.0, is_good }
}

/// The key of two blocks that follow each other.
fn key(one: &Seen, other: &Seen) -> Option<char> {
    let total = (one.power + other.power) / (2 * BLOCK) as f32;
    if total < QUIETEST * QUIETEST {
        return None;
    }
    let power = |at: &usize| {
        let ((a, b), (c, d)) = (one.parts[*at], other.parts[*at]);
        a * a + b * b + c * c + d * d
    };
    let loudest =
        |range: std::ops::Range<usize>| range.max_by(|a, b| power(a).total_cmp(&power(b)));
    let (row, column) = (loudest(0..4)?, loudest(4..8)?);
    let (low, high) = (tone(row, one, other), tone(column, one, other));
    let is_even = high.power <= low.power * HIGH_LOUDER && low.power <= high.power * LOW_LOUDER;
    let is_pure = low.power + high.power >= PURITY * total;
    (low.is_good && high.is_good && is_even && is_pure).then(|| KEYS[row][column - 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator (Marsaglia's xorshift64), from 0 to 1.
    struct Chance(u64);

    impl Chance {
        fn next(&mut self) -> f64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// Something like noise of that strength.
        fn noise(&mut self, strength: f64) -> f64 {
            ((0..6).map(|_| self.next()).sum::<f64>() - 3.0) * 2_f64.sqrt() * strength
        }
    }

    /// How a key is pressed.
    #[derive(Clone, Copy)]
    struct Press {
        ms: usize,
        /// Amplitudes of the low and the high tone.
        low: f64,
        high: f64,
        /// How far off both may be.
        off: f64,
        off_hertz: f64,
        noise: f64,
    }

    const PLAIN: Press =
        Press { ms: 40, low: 6_000.0, high: 6_000.0, off: 0.0, off_hertz: 0.0, noise: 0.0 };

    fn tones(key: usize, press: Press, chance: &mut Chance) -> Vec<i16> {
        let mut wave = |hertz: f32| {
            let side = if chance.next() < 0.5 { -1.0 } else { 1.0 };
            let hertz = f64::from(hertz) * (1.0 + side * press.off) + side * press.off_hertz;
            let phase = chance.next() * std::f64::consts::TAU;
            move |at: usize| (at as f64 * hertz * std::f64::consts::TAU / 8_000.0 + phase).sin()
        };
        let (low, high) = (wave(TONES[key / 4]), wave(TONES[4 + key % 4]));
        let sample = |at| low(at) * press.low + high(at) * press.high;
        (0..press.ms * 8).map(|at| sample(at) as i16).collect()
    }

    fn heard(samples: &[i16]) -> Vec<Pressed> {
        let mut inband = Inband::default();
        inband.handle_samples(samples.iter().copied(), Mono(0));
        inband.handle_timeout(Mono::from_ms(200));
        assert_eq!(inband.poll_timeout(), None);
        std::iter::from_fn(|| inband.poll_output()).collect()
    }

    /// How many of 480 presses, each anywhere in the blocks, are heard as that key, once.
    fn rate(press: Press) -> usize {
        let mut chance = Chance(95_512);
        let presses = (0..480).filter(|number| {
            let key = number % 16;
            let mut samples = vec![0; 80 + (chance.next() * 160.0) as usize];
            samples.extend(tones(key, press, &mut chance));
            samples.extend([0; 400]);
            for sample in &mut samples {
                *sample = (f64::from(*sample) + chance.noise(press.noise)) as i16;
            }
            let wanted = KEYS[key / 4][key % 4];
            matches!(heard(&samples).as_slice(), [one] if one.digit == wanted)
        });
        presses.count()
    }

    #[test]
    fn q_24_what_has_to_be_heard_is_heard() {
        let off = Press { off: 0.015, off_hertz: 2.0, ..PLAIN };
        for (what, press) in [
            ("40 ms", PLAIN),
            ("quiet", Press { low: 1_288.0, high: 1_288.0, ..PLAIN }),
            ("off its frequency", off),
            ("high tone louder by 4 dB", Press { high: 6_000.0 * 1.585, ..off }),
            ("low tone louder by 8 dB", Press { low: 6_000.0 * 2.512, ..off }),
            ("noise 18 dB below", Press { noise: 6_000.0 / 7.943, ..PLAIN }),
        ] {
            assert_eq!(rate(press), 480, "{what}");
        }
        assert!(rate(Press { noise: 6_000.0 / 5.623, ..PLAIN }) > 475, "noise 15 dB below");
    }

    #[test]
    fn q_24_what_must_not_be_heard_is_not() {
        for (what, press) in [
            ("23 ms", Press { ms: 23, ..PLAIN }),
            ("3.5 % off", Press { ms: 100, off: 0.035, ..PLAIN }),
            ("the low tone alone", Press { ms: 100, high: 0.0, ..PLAIN }),
            ("the high tone alone", Press { ms: 100, low: 0.0, ..PLAIN }),
            ("as loud as noise", Press { ms: 100, noise: 9_000.0, ..PLAIN }),
            ("too quiet", Press { ms: 100, low: 200.0, high: 200.0, ..PLAIN }),
        ] {
            assert_eq!(rate(press), 0, "{what}");
        }
    }

    #[test]
    fn a_short_interruption_does_not_split_a_key_and_a_pause_does() {
        let mut chance = Chance(7);
        for number in 0..160 {
            let press = Press { ms: 150, ..PLAIN };
            let mut samples = vec![0; number];
            samples.extend(tones(number % 16, press, &mut chance));
            samples.extend([0; 320]);
            let whole = heard(&samples);
            assert!(matches!(whole.as_slice(), [one] if (110..=150).contains(&one.duration_ms)));
            let mut twice = samples.clone();
            twice.extend(&samples);
            assert_eq!(heard(&twice).len(), 2);
            samples[number + 480..number + 560].fill(0);
            assert_eq!(heard(&samples).len(), 1, "10 ms are missing: {number}");
        }
    }

    #[test]
    fn keys_survive_the_loss_of_packets() {
        let mut chance = Chance(11);
        let mut one = 0;
        for number in 0..1_000 {
            let mut samples = vec![0; 320];
            samples.extend(tones(number % 16, Press { ms: 100, ..PLAIN }, &mut chance));
            samples.extend([0; 800]);
            let kept = samples.chunks(160).filter(|_| chance.next() > 0.01);
            let kept: Vec<i16> = kept.flatten().copied().collect();
            one += usize::from(heard(&kept).len() == 1);
        }
        assert!(one >= 990, "{one} of 1000 at 1 % loss");
    }

    #[test]
    fn a_key_whose_stream_ends_is_let_go_by_time_and_what_nobody_takes_is_bounded() {
        let mut chance = Chance(3);
        let mut inband = Inband::default();
        inband.handle_samples(tones(5, Press { ms: 80, ..PLAIN }, &mut chance), Mono::from_ms(10));
        assert_eq!(inband.poll_output(), None, "it is still held");
        assert_eq!(inband.poll_timeout(), Some((Mono::from_ms(210), "the end of a tone")));
        inband.handle_timeout(Mono::from_ms(209));
        assert_eq!(inband.poll_output(), None);
        inband.handle_timeout(Mono::from_ms(210));
        assert_eq!(inband.poll_output().map(|key| key.digit), Some('5'));
        for number in 0..100 {
            let mut samples = tones(number % 16, PLAIN, &mut chance);
            samples.extend([0; 400]);
            inband.handle_samples(samples, Mono::from_ms(300));
        }
        assert_eq!(std::iter::from_fn(|| inband.poll_output()).count(), MAX_PENDING);
    }
}
