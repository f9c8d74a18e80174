//! Whatever is keyed, and whatever is written: nothing panics, every call ends, and nobody's
//! number is told.

mod common;

use common::{Call, script};
use ivr::interpreter::MAX_STEPS;
use ivr::{Known, Output, PolicyAnswer, Script};
use model::PolicyStatus;
use proptest::prelude::*;

/// One thing that happens to a call.
#[derive(Debug, Clone)]
enum Happening {
    Key(char),
    PlayFinished,
    Answer(PolicyAnswer),
    Wait(u64),
    Timeout,
}

fn happening() -> impl Strategy<Value = Happening> {
    let keys: Vec<char> = "0123456789*#ABCD 零\u{0}".chars().collect();
    let answers = vec![
        PolicyAnswer::Found(vec![common::policy(PolicyStatus::InForce)]),
        PolicyAnswer::Found(vec![common::policy(PolicyStatus::Expired); 40]),
        PolicyAnswer::Found(Vec::new()),
        PolicyAnswer::Unknown,
        PolicyAnswer::Failed,
    ];
    prop_oneof![
        6 => prop::sample::select(keys).prop_map(Happening::Key),
        3 => Just(Happening::PlayFinished),
        1 => prop::sample::select(answers).prop_map(Happening::Answer),
        1 => (0..10_000_u64).prop_map(Happening::Wait),
        2 => Just(Happening::Timeout),
    ]
}

impl Happening {
    fn to(self, call: &mut Call) {
        match self {
            Self::Key(key) => call.key(key),
            Self::PlayFinished => call.play_finished(),
            Self::Answer(answer) => call.answer(answer),
            Self::Wait(ms) => call.wait_ms(ms),
            Self::Timeout => {
                call.timeout();
            }
        }
    }
}

/// What the interpreter may put out in answer to one input at the very most.
const MAX_OUTPUTS: usize = 4 * MAX_STEPS as usize;

proptest! {
    #[test]
    fn any_call_ends(happenings in prop::collection::vec(happening(), 0..400)) {
        let mut call = Call::new(&script());
        for happening in happenings {
            happening.to(&mut call);
            prop_assert!(call.take().len() <= MAX_OUTPUTS);
        }
        for _ in 0..MAX_STEPS {
            call.play_finished();
            call.timeout();
        }
        prop_assert!(call.is_over());
    }

    /// A caller who goes round in circles comes to a human at last, and not too late.
    #[test]
    fn circles_end(keys in "[912]{1,4}") {
        let mut call = Call::new(&script());
        for key in keys.chars().cycle().take(4 * MAX_STEPS as usize) {
            call.play_finished();
            call.key(key);
            if key == '2' {
                "260100000015#".chars().for_each(|c| call.key(c));
                call.answer(PolicyAnswer::Found(vec![common::policy(PolicyStatus::InForce)]));
            }
        }
        for _ in 0..10 {
            call.play_finished();
            call.timeout();
        }
        prop_assert!(call.is_over());
        let ends = |output: &&Output| matches!(output, Output::Enqueue { .. });
        prop_assert_eq!(call.take().iter().filter(ends).count(), 1);
    }

    /// A number that is keyed where it is asked for appears in no output but inside `Pii`, and in
    /// nothing that is printed, whatever comes after it.
    #[test]
    fn nobodys_number_is_told(
        number in "[1-9][0-9]{16}[0-9*]|[1-9][0-9]{8,30}",
        after in prop::collection::vec(happening(), 0..10),
        ended in any::<bool>(),
    ) {
        let mut call = Call::at_number();
        let mut outputs = Vec::new();
        for key in number.chars() {
            call.key(key);
            outputs.extend(call.take());
            prop_assert!(!tells(&call.debug(), &number), "{}", call.debug());
        }
        if ended {
            call.key('#');
        } else {
            call.timeout();
        }
        outputs.extend(call.take());
        prop_assert!(!tells(&call.debug(), &number), "{}", call.debug());
        for happening in after {
            happening.to(&mut call);
            outputs.extend(call.take());
        }
        for output in outputs {
            prop_assert!(!tells(&format!("{output:?}"), &number), "{output:?}");
            if let Output::Collected { node, digits } = output {
                let is_masked = digits.contains('*') && !tells(&digits, &number);
                prop_assert!(digits.len() == 1 || &*node == "number" && is_masked, "{digits}");
            }
        }
    }

    /// Any text is read or refused, never more.
    #[test]
    fn any_text_can_be_parsed(lines in prop::collection::vec(line(), 0..30)) {
        let text = lines.concat();
        let (prompts, queues) = (["a".into()].into(), ["b".into()].into());
        let known = Known { prompts: &prompts, queues: &queues };
        let (script, findings) = Script::parse("any.toml", &text, known);
        prop_assert_eq!(script.is_some(), findings.is_empty());
        for finding in findings {
            prop_assert!(finding.line >= 1 && finding.line <= text.lines().count().max(1) + 1);
            prop_assert!(!finding.message.is_empty() && !finding.remedy.is_empty());
        }
    }
}

/// A line that a script may hold, or nonsense.
fn line() -> impl Strategy<Value = String> {
    let keys = "(start|exhausted|type|next|prompts|queue|keys|each)";
    let values = r#"("[a-c]"|\["[a-c]"\]|5|\{\}|"say"|"menu"|"enqueue"|"hang_up")"#;
    prop_oneof![
        6 => "\\[node\\.[a-c]\\]\n",
        12 => proptest::string::string_regex(&format!("{keys} = {values}\n")).expect("a pattern"),
        1 => ".{0,9}\n",
    ]
}

/// Whether `text` holds six digits of `number` in a row: more than a mask leaves.
fn tells(text: &str, number: &str) -> bool {
    let number: Vec<char> = number.chars().collect();
    number.windows(6).any(|part| text.contains(&part.iter().collect::<String>()))
}
