//! How the interpreter behaves, one behaviour a test. Time is the test's own.

mod common;

use common::{Call, policy, script};
use ivr::PolicyAnswer;
use ivr::interpreter::{MAX_STEPS, MAX_TYPE_AHEAD, PLAY_LIMIT};
use model::PolicyStatus;

fn call() -> Call {
    Call::new(&script())
}

/// A call whose menu was just asked to its end.
fn at_menu() -> Call {
    let mut call = call();
    call.play_finished();
    call.play_finished();
    call.take();
    call
}

/// A call whose number was keyed and is being looked up.
fn looking_up() -> Call {
    let mut call = Call::at_number();
    call.keys("880100000007#");
    assert!(call.told().ends_with("at lookup, PolicyNumber(880*******07), insist wait"));
    call
}

fn found(status: PolicyStatus, policies: usize) -> PolicyAnswer {
    PolicyAnswer::Found(vec![policy(status); policies])
}

#[test]
fn a_caller_is_welcomed_and_asked() {
    let mut call = call();
    assert_eq!(call.told(), "at welcome, play welcome");
    call.play_finished();
    assert_eq!(call.told(), "at menu, play menu");
    assert_eq!(call.waits_for(), "a prompt's end");
    call.play_finished();
    assert_eq!((call.told().as_str(), call.waits_for()), ("", "the first key"));
    call.key('0');
    assert_eq!(call.told(), "keyed 0, at human, enqueue general for policy.view");
    assert!(call.is_over());
    assert_eq!(call.waits_for(), "nothing");
}

#[test]
fn a_digit_stops_the_prompt_and_answers_the_next_question() {
    let mut call = call();
    call.take();
    call.key('0');
    assert_eq!(call.told(), "stop, at menu, keyed 0, at human, enqueue general for policy.view");
    let mut call = at_menu();
    call.key('9');
    call.take();
    call.key('0');
    assert_eq!(call.told(), "stop, keyed 0, at human, enqueue general for policy.view");
}

#[test]
fn what_must_be_heard_is_heard_and_keys_wait_for_the_question() {
    let mut call = at_menu();
    call.key('1');
    assert_eq!(call.told(), "keyed 1, at notice, insist notice");
    call.keys("28801000");
    assert_eq!(call.told(), "");
    call.play_finished();
    assert_eq!(call.told(), "at menu, keyed 2, at number");
    assert_eq!(call.waits_for(), "the next key");
    call.keys("00007#");
    let told = call.told();
    assert_eq!(told, "keyed 880*******07, at lookup, PolicyNumber(880*******07), insist wait");
}

#[test]
fn keys_typed_ahead_are_bounded() {
    let mut call = at_menu();
    call.key('1');
    call.key('2');
    // Of these, all but one are kept: the first place is the menu's key.
    "1".repeat(10 * MAX_TYPE_AHEAD).chars().for_each(|key| call.key(key));
    call.take();
    call.play_finished();
    call.timeout();
    // 31 are more than the longest number.
    assert!(call.told().ends_with("keyed 111*************11, play number_wrong number"));
}

#[test]
fn wrong_or_no_key_is_asked_again_twice() {
    let mut call = at_menu();
    call.key('7');
    assert_eq!(call.told(), "keyed 7, play wrong menu");
    call.play_finished();
    assert_eq!(call.timeout(), 5_000);
    assert_eq!(call.told(), "play none menu");
    call.play_finished();
    call.key('#');
    assert_eq!(call.told(), "keyed #, at sorry, play sorry");
    call.play_finished();
    assert_eq!(call.told(), "at human, enqueue general for policy.view");
}

#[test]
fn the_repeat_key_counts_as_no_attempt() {
    let mut call = at_menu();
    for _ in 0..10 {
        call.key('9');
        assert_eq!(call.told(), "keyed 9, play menu");
        call.play_finished();
    }
    call.key('7');
    assert_eq!(call.told(), "keyed 7, play wrong menu");
}

#[test]
fn the_first_digit_may_take_longer_than_the_next() {
    let mut call = Call::at_number();
    call.play_finished();
    assert_eq!(call.waits_for(), "the first key");
    call.wait_ms(7_999);
    call.key('8');
    assert_eq!(call.waits_for(), "the next key");
    call.wait_ms(3_999);
    call.keys("8010000000");
    call.wait_ms(3_999);
    assert_eq!(call.told(), "");
    call.wait_ms(1);
    assert!(call.told().starts_with("keyed 880******00, at lookup"));
}

#[test]
fn a_digit_that_barges_in_starts_the_wait_for_the_next() {
    let mut call = Call::at_number();
    call.key('8');
    assert_eq!(call.told(), "stop");
    assert_eq!((call.waits_for(), call.timeout()), ("the next key", 4_000));
    assert_eq!(call.told(), "keyed *, play number_wrong number");
}

#[test]
fn nothing_keyed_is_told_from_wrong() {
    let mut call = Call::at_number();
    call.play_finished();
    assert_eq!(call.timeout(), 8_000);
    assert_eq!(call.told(), "play number_none number");
    call.key('#');
    assert_eq!(call.told(), "stop, play number_none number");
    call.keys("1234567#");
    assert_eq!(call.told(), "stop, keyed 123**67, at sorry, play sorry");
}

#[test]
fn digits_beyond_the_longest_number_reach_no_other_question() {
    let mut call = Call::at_number();
    call.keys("110105194912310020110105");
    call.timeout();
    assert_eq!(call.told(), "stop, keyed 110*************20, play number_wrong number");
    // A caller who leans on a key is not waited for.
    call.keys(&"1".repeat(18 + 32));
    assert_eq!(call.told(), "stop, keyed 111*************11, play number_wrong number");
}

#[test]
fn an_identity_number_is_keyed_with_a_star_for_its_x() {
    let mut call = Call::at_number();
    call.keys("11010519491231002*#");
    let told = call.told();
    assert!(told.ends_with("at lookup, IdentityNumber(110*************2X), insist wait"), "{told}");
}

#[test]
fn what_is_found_is_read_out() {
    let mut call = looking_up();
    call.answer(found(PolicyStatus::InForce, 1));
    assert_eq!(call.told(), "", "what is said meanwhile is heard to its end");
    call.play_finished();
    assert_eq!(call.told(), "at status, play product_commercial in_force year_2027 month_3 day_15");
    call.play_finished();
    assert_eq!(call.told(), "at count, play policies_1");
    call.play_finished();
    assert_eq!(call.told(), "at menu, play menu");
}

#[test]
fn of_many_policies_some_are_read_out() {
    let mut call = looking_up();
    call.play_finished();
    call.answer(found(PolicyStatus::Expired, 30));
    let one = "product_commercial expired year_2027 month_3 day_15";
    assert_eq!(call.told(), format!("at status, play {one} {one} more"));
    call.play_finished();
    assert_eq!(call.told(), "at count, play policies_20", "no more are kept");
}

#[test]
fn a_readout_can_be_skipped() {
    let mut call = looking_up();
    call.play_finished();
    call.answer(found(PolicyStatus::InForce, 1));
    call.take();
    call.key('0');
    let end = "keyed 0, at human, enqueue general for policy.view";
    assert_eq!(call.told(), format!("stop, at count, at menu, {end}"));
}

#[test]
fn what_is_unknown_is_asked_again_within_the_same_attempts() {
    let mut call = looking_up();
    call.play_finished();
    call.answer(PolicyAnswer::Unknown);
    assert_eq!(call.told(), "at number, play unknown number");
    call.keys("1#");
    assert_eq!(call.told(), "stop, keyed *, play number_wrong number");
    call.keys("880100000008#");
    call.play_finished();
    call.take();
    call.answer(PolicyAnswer::Found(Vec::new()));
    assert_eq!(call.told(), "at sorry, play sorry");
}

#[test]
fn a_failed_lookup_leads_on() {
    let mut call = looking_up();
    call.play_finished();
    call.answer(PolicyAnswer::Failed);
    assert_eq!(call.told(), "at goodbye, play goodbye");
    call.play_finished();
    assert_eq!(call.told(), "at over, hang up");
}

#[test]
fn a_late_answer_is_a_failure_and_is_taken_for_no_other() {
    let mut call = looking_up();
    call.play_finished();
    assert_eq!((call.waits_for(), call.timeout()), ("a look-up's answer", 3_000));
    assert_eq!(call.told(), "at goodbye, play goodbye");
    call.answer(found(PolicyStatus::InForce, 1));
    assert_eq!(call.told(), "");
    assert_eq!(call.waits_for(), "a prompt's end");
}

#[test]
fn keys_during_a_lookup_reach_no_question() {
    let mut call = looking_up();
    call.keys("880100000007#");
    call.answer(found(PolicyStatus::InForce, 1));
    call.play_finished();
    call.take();
    for _ in 0..2 {
        call.play_finished();
    }
    assert_eq!(call.told(), "at count, play policies_1, at menu, play menu");
}

#[test]
fn a_prompt_whose_end_is_never_reported_is_over_at_its_limit() {
    let mut call = call();
    call.take();
    assert_eq!(u128::from(call.timeout()), PLAY_LIMIT.as_millis());
    assert_eq!(call.told(), "stop, at menu, play menu");
}

#[test]
fn a_caller_in_circles_comes_to_a_human() {
    let mut call = at_menu();
    for _ in 0..2 * MAX_STEPS {
        call.key('9');
    }
    let told = call.told();
    assert!(told.ends_with("keyed 9, at human, enqueue general for policy.view"), "{told}");
    assert_eq!(told.matches("play menu").count() as u32, MAX_STEPS - 2);
}

#[test]
fn what_comes_early_or_after_the_end_changes_nothing() {
    let mut call = call();
    call.take();
    call.wait_ms(1);
    call.answer(PolicyAnswer::Unknown);
    call.keys("x零 \u{0}");
    assert_eq!(call.told(), "");
    call.key('0');
    call.take();
    call.key('1');
    call.play_finished();
    call.answer(PolicyAnswer::Failed);
    call.wait_ms(100_000);
    assert_eq!((call.told().as_str(), call.timeout()), ("", 0));
}
