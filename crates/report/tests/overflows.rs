//! A call that a queue did not take shows every queue it was sent from, and waited once.

mod story;

use model::{Fact, FactBody, LegRole, Outcome, OverflowTarget, Pii, QueueId};
use report::{CallRecord, CallRecords, Figures, FiguresConfig, Limits};
use story::{Story, agent_leg, call, recording};

fn last(facts: &[Fact]) -> CallRecord {
    let mut records = CallRecords::new(Limits::default());
    let folded: Vec<CallRecord> = facts.iter().filter_map(|fact| records.apply(fact)).collect();
    folded.last().cloned().expect("the call has ended")
}

fn overflows(story: &mut Story, from: &str, why: &str, to: OverflowTarget) {
    let (queue, why) = (from.into(), why.to_owned());
    story.tell(FactBody::Overflowed { call: call(1), queue, why, to });
}

/// In the general queue at second 0, in claims at 10, sent away at 30, over at 34.
fn sent_on() -> Story {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "general");
    let entered = story.facts.last().map(|fact| fact.mono).expect("a fact");
    story.at(10_000);
    overflows(&mut story, "general", "timed_out", OverflowTarget::Queue("claims".into()));
    let queue = "claims".into();
    story.tell(FactBody::Queued { call: call(1), queue, entered, permission: None });
    story.at(30_000);
    overflows(&mut story, "claims", "closed", OverflowTarget::Announcement("closed".into()));
    story
}

#[test]
fn the_record_names_both_queues_and_the_announcement_is_no_waiting() {
    let mut story = sent_on();
    story.at(34_000).caller_leg_ends(1).ends(1, Outcome::TurnedAway);
    let record = last(&story.facts);
    assert_eq!(record.queue, Some("claims".into()));
    let path: Vec<_> =
        record.overflows.iter().map(|sent| (sent.queue.as_str(), sent.why.as_str())).collect();
    assert_eq!(path, [("general", "timed_out"), ("claims", "closed")]);
    assert_eq!(record.waited_ms, Some(30_000));
    assert_eq!(record.outcome, Outcome::TurnedAway);
}

#[test]
fn who_hears_an_announcement_waits_in_no_queue() {
    let mut figures = Figures::new(FiguresConfig::default(), Vec::new());
    let story = sent_on();
    let waiting = |figures: &Figures| -> Vec<(String, u64)> {
        figures.queues().map(|(name, queue)| (name.to_string(), queue.waiting)).collect()
    };
    for fact in story.facts.iter().take(story.facts.len() - 1) {
        figures.apply(fact);
    }
    assert_eq!(waiting(&figures), [("claims".to_owned(), 1), ("general".to_owned(), 0)]);
    figures.apply(story.facts.last().expect("a fact"));
    assert_eq!(waiting(&figures), [("claims".to_owned(), 0), ("general".to_owned(), 0)]);
    assert_eq!(figures.open_calls(), 1);
}

#[test]
fn who_talks_with_a_number_is_settled_when_they_have_and_waited_until_they_were_sent_there() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "general").at(10_000);
    let number: Pii<String> = Pii::from("02158880000");
    overflows(&mut story, "general", "timed_out", OverflowTarget::Number(number.clone()));
    let (leg, role) = (agent_leg(1), LegRole::Number(number.clone()));
    story.tell(FactBody::Dialled { call: call(1), leg, number });
    story.at(15_000).tell(FactBody::CallTaken { call: call(1), leg, role });
    story.at(45_000).caller_leg_ends(1).ends(1, Outcome::Answered);
    let record = last(&story.facts);
    assert_eq!((record.waited_ms, record.talked_ms), (Some(10_000), Some(30_000)));
    assert_eq!(record.agent, None);
    assert!(record.settled, "there is no agent whose after-call work is awaited");
}

#[test]
fn a_message_is_part_of_its_recording_and_says_for_whom_it_is() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).answered(1).queued(1, "general");
    overflows(&mut story, "general", "full", OverflowTarget::Mailbox("claims".into()));
    let mailbox: QueueId = "claims".into();
    story.at(5_000).tell(FactBody::RecordingStarted {
        call: call(1),
        recording: recording(1),
        agent: "".into(),
        path: "2025/07/01/r1.tape".to_owned(),
        mailbox: Some(mailbox.clone()),
    });
    let left = FactBody::MessageLeft {
        call: call(1),
        recording: recording(1),
        mailbox: mailbox.clone(),
        length_ms: 9_000,
    };
    story.at(14_000).tell(left);
    story.seals(1, 1, false).caller_leg_ends(1).ends(1, Outcome::TurnedAway);
    let record = last(&story.facts);
    let message = record.recordings[0].message.clone().expect("it is one");
    assert_eq!((message.mailbox, message.done), (mailbox, None));
    assert!(message.left.is_some() && record.settled && record.waited_ms == Some(0));
}
