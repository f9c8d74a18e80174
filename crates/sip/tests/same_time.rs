//! Whether an account exists is not to be told by the time that its refusal takes. Work is
//! measured, not a clock's single look: the quickest of many small batches, taken in turn, which
//! neither a busy machine nor one that stands still now and then makes slower for one side alone.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use model::Mono;
use sip::digest::{Account, Algorithm, Authenticator, Secrets, Verdict, answer};
use sip::{Message, Method, RequestBuilder};

const NOW: Mono = Mono::from_ms(10_000);
/// Looks at one batch of each, and how many requests a batch has.
const ROUNDS: usize = 300;
const BATCH: usize = 20;
/// How much longer one may take than the other, in hundredths. An account that is looked for and
/// whose password is not even hashed is ten times as quick.
const MOST: u128 = 130;
/// A measurement that was disturbed all the time is made anew.
const TRIES: usize = 5;

/// A REGISTER of that user with a wrong password, for the challenge of `algorithm`.
fn guess(authenticator: &mut Authenticator, user: &str, algorithm: Algorithm) -> Message {
    let challenges = authenticator.challenge(&[algorithm], false, NOW);
    let (user, password) = (user.to_owned(), "guess".to_owned());
    let account = Account { user, password, realm: Some("hotline".to_owned()) };
    let challenges = challenges.iter().map(String::as_str);
    let value = answer(challenges, &account, Method::Register, "sip:hotline", 1, "c").unwrap();
    RequestBuilder::new(Method::Register, "sip:hotline").header("Authorization", value).build()
}

/// The quickest batch of each of the two.
fn quickest(mut of: [impl FnMut() -> Verdict; 2]) -> [Duration; 2] {
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        for (verify, best) in of.iter_mut().zip(&mut best) {
            let began = Instant::now();
            for _ in 0..BATCH {
                assert_eq!(black_box(verify()), Verdict::Refused);
            }
            *best = began.elapsed().min(*best);
        }
    }
    best
}

#[test]
fn a_wrong_password_and_a_user_that_does_not_exist_take_the_same_time() {
    for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
        let secrets = Secrets::from_password(&[algorithm], "8001", "hotline", "sesame");
        let measured: Vec<[Duration; 2]> = (0..TRIES)
            .map(|_| {
                let mut known = Authenticator::new("hotline", [7; 32], 60_000);
                let mut unknown = Authenticator::new("hotline", [7; 32], 60_000);
                let existing = guess(&mut known, "8001", algorithm);
                let missing = guess(&mut unknown, "8999", algorithm);
                let known: Box<dyn FnMut() -> Verdict> =
                    Box::new(|| known.verify(&existing, Some(&secrets), NOW));
                let unknown: Box<dyn FnMut() -> Verdict> =
                    Box::new(|| unknown.verify(&missing, None, NOW));
                quickest([known, unknown])
            })
            .collect();
        let is_alike = |[known, unknown]: &[Duration; 2]| {
            let (less, more) = (known.min(unknown).as_nanos(), known.max(unknown).as_nanos());
            more * 100 <= less * MOST
        };
        assert!(measured.iter().any(is_alike), "{algorithm:?}: {measured:?}");
    }
}
