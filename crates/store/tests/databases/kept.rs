//! Recordings that are kept, held, and deleted.

use model::{Certificate, Deletion, FactBody, Outcome, UserId, Wall};
use store::policies::{Plan, date_of, ensure_generated};
use store::{CallFilter, Certified, KeptRecording, PageRequest, Store};

use crate::server::Database;
use crate::story::{Story, TODAY, call, recording, wall, write};

on_both! {
    what_decides_on_a_recording_is_read_with_it
    a_hold_and_a_deletion_are_part_of_the_recording
    messages_are_listed_by_mailbox_until_somebody_has_dealt_with_them
    how_late_it_was_when_the_engine_before_was_last_heard_of
    many_are_read_part_by_part_and_only_the_old_ones
}

const LATER: Wall = Wall(TODAY.0 + 86_400_000_000);

async fn kept(store: &Store) -> Vec<KeptRecording> {
    store.kept_recordings(LATER, None).await.unwrap()
}

async fn what_decides_on_a_recording_is_read_with_it(database: Database) {
    let store = database.open().await;
    let plan = Plan { customers: 0, seed: 1, today: date_of(TODAY) };
    ensure_generated(&store, plan, |_| {}).await.unwrap();
    let mut story = Story::new(1);
    let found = FactBody::LookupEnded {
        call: call(1, 1),
        result: "found".to_owned(),
        customer_id: Some("S00000001".to_owned()),
        took_ms: 3,
    };
    story.arrives(1, "13800138000", 0).tell(0, found).queued(1, "claims", 1);
    story.agent_answers(1, "8001", 5).tapes(1, "8001", 5).ends(1, Outcome::Answered, 60);
    story.seals(1, 61).wraps_up(1, "8001", "claim_registered", 66);
    story.arrives(2, "13800138099", 100).agent_answers(2, "8002", 101).tapes(2, "8002", 101);
    write(&store, &mut story).await;
    let kept = kept(&store).await;
    let [first, second] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((first.call, first.is_held, first.lost), (call(1, 1), false, false));
    assert!(first.sealed.is_some() && first.queue.is_some() && first.disposition.is_some());
    assert_eq!((&second.sealed, &second.queue, &second.policy_ends_on), (&None, &None, &None));
    let customer = store.customer("S00000001", TODAY).await.unwrap().unwrap();
    let ends = customer.policies.iter().map(|policy| policy.ends_on.clone()).max();
    assert!(ends.is_some() && first.policy_ends_on == ends, "{first:?}");
}

async fn a_hold_and_a_deletion_are_part_of_the_recording(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.conversation(1, "13800138001", "8001", 0);
    write(&store, &mut story).await;
    let of = kept(&store).await[0].clone();
    let (call, recording, by) = (of.call, of.recording, UserId::from("qa"));
    let hold = FactBody::RecordingHeld { call, recording, by: by.clone(), why: "case 7".into() };
    story.tell(1_000, hold);
    write(&store, &mut story).await;
    assert!(kept(&store).await[0].is_held);
    let found = store.recording(recording).await.unwrap().unwrap();
    assert_eq!(found.recording.held.as_deref(), Some("case 7"));
    story.tell(1_100, FactBody::RecordingReleased { call, recording, by });
    write(&store, &mut story).await;
    assert!(!kept(&store).await[0].is_held);
    let unarchived = store.unarchived_recordings(wall(10_000), None).await.unwrap();
    let [found] = &unarchived[..] else { panic!("{unarchived:?}") };
    let (frames, sha256) = of.sealed.clone().unwrap();
    assert_eq!((found.recording, &found.path), (recording, &of.path));
    assert_eq!((found.seal.frames, &found.seal.sha256), (frames, &sha256));
    let none: Vec<store::Unarchived> = Vec::new();
    assert_eq!(store.unarchived_recordings(found.started, None).await.unwrap(), none, "younger");
    assert_eq!(store.unarchived_recordings(wall(10_000), Some(found)).await.unwrap(), none);
    let archived =
        FactBody::RecordingArchived { call, recording, bytes: 9, sha256: "ab".repeat(32) };
    story.tell(1_120, archived);
    write(&store, &mut story).await;
    assert_eq!(store.unarchived_recordings(wall(10_000), None).await.unwrap(), none);
    assert!(kept(&store).await[0].sealed.is_some(), "it is kept as it was");
    let entry = store.recording(recording).await.unwrap().unwrap();
    assert_eq!(entry.archived, Some("ab".repeat(32)));
    let doom = Deletion { rule: "default".into(), due: wall(0), sha256: None, bytes: 0 };
    let deletion = Box::new(doom.clone());
    story.tell(1_150, FactBody::RecordingDoomed { call, recording, deletion: deletion.clone() });
    write(&store, &mut story).await;
    assert_eq!(kept(&store).await[0].doom, Some(doom));
    assert_eq!(store.doomed_recordings().await.unwrap(), kept(&store).await);
    assert_eq!(store.last_certificate().await.unwrap(), None);
    let certificate = Certificate { number: 1, text: "gone\n".to_owned() };
    let boxed = Box::new(certificate.clone());
    let gone = FactBody::RecordingDeleted { call, recording, deletion, certificate: boxed };
    story.tell(1_200, gone);
    write(&store, &mut story).await;
    assert!(kept(&store).await.is_empty() && store.doomed_recordings().await.unwrap().is_empty());
    assert_eq!(store.kept_recording(recording).await.unwrap(), None);
    let found = store.recording(recording).await.unwrap().unwrap().recording;
    assert_eq!((found.held, found.doomed), (None, true));
    assert_eq!(found.deleted, Some((wall(1_200), certificate.clone())));
    assert_eq!(store.last_certificate().await.unwrap(), Some(certificate.clone()));
    let path = of.path;
    assert_eq!(store.certificates(0).await.unwrap(), [Certified { recording, path, certificate }]);
    assert_eq!(store.certificates(1).await.unwrap(), []);
}

async fn how_late_it_was_when_the_engine_before_was_last_heard_of(database: Database) {
    let store = database.open().await;
    assert_eq!(store.newest_wall_before(2).await.unwrap(), None);
    let mut story = Story::new(1);
    story.conversation(1, "13800138001", "8001", 0);
    story.tell(1_000, FactBody::EngineStopped);
    write(&store, &mut story).await;
    assert_eq!(store.newest_wall_before(1).await.unwrap(), None);
    assert_eq!(store.newest_wall_before(2).await.unwrap(), Some(wall(1_000)));
}

async fn many_are_read_part_by_part_and_only_the_old_ones(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    for counter in 1..=520 {
        story.arrives(counter, "13800138001", counter.into());
        story.agent_answers(counter, "8001", counter.into());
        story.tapes(counter, "8001", counter.into());
    }
    write(&store, &mut story).await;
    let (mut all, mut last) = (Vec::new(), None);
    loop {
        let some = store.kept_recordings(wall(511), last.as_ref()).await.unwrap();
        let Some(end) = some.last().cloned() else { break };
        last = Some(end);
        all.extend(some.into_iter().map(|kept| kept.recording));
    }
    assert_eq!(all, (1..=510).map(|counter| recording(1, counter)).collect::<Vec<_>>());
}

/// The recording of a caller who speaks alone, for the people of a queue.
fn speaks(story: &mut Story, counter: u32, mailbox: &str, at_s: i64) {
    let (call, recording) = (call(1, counter), recording(1, counter));
    let begun = FactBody::RecordingStarted {
        call,
        recording,
        agent: "".into(),
        path: format!("2025/07/01/r{counter}.tape"),
        mailbox: Some(mailbox.into()),
    };
    story.arrives(counter, "13800138000", at_s).tell(at_s, begun);
}

async fn messages_are_listed_by_mailbox_until_somebody_has_dealt_with_them(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.conversation(9, "13800138001", "8001", 0);
    for (counter, mailbox) in [(1, "claims"), (2, "claims"), (3, "general"), (4, "claims")] {
        speaks(&mut story, counter, mailbox, 10 * i64::from(counter));
        let (call, recording, mailbox) = (call(1, counter), recording(1, counter), mailbox.into());
        // The last one has said too little.
        if counter < 4 {
            let left = FactBody::MessageLeft { call, recording, mailbox, length_ms: 9_000 };
            story.tell(10 * i64::from(counter) + 9, left);
        }
        story.seals(counter, 10 * i64::from(counter) + 9);
        story.ends(counter, Outcome::TurnedAway, 10 * i64::from(counter) + 9);
    }
    write(&store, &mut story).await;
    let list_of = async |mailbox: Option<&str>, open: bool| -> Vec<u32> {
        let mailbox = mailbox.map(Into::into);
        let filter = CallFilter { mailbox, open, ..CallFilter::default() };
        let page = store.recordings(&filter, &PageRequest::default()).await.unwrap();
        page.items.iter().map(|entry| entry.recording.recording.0.counter()).collect()
    };
    let list = async |mailbox: &str, open| list_of(Some(mailbox), open).await;
    assert_eq!(list_of(None, true).await, [3, 2, 1], "of all mailboxes, and no conversation");
    assert_eq!(list("claims", true).await, [2, 1], "the newest first, and no conversation");
    assert_eq!(list("general", true).await, [3]);
    let (call, recording, by) = (call(1, 2), recording(1, 2), UserId::from("8011"));
    story.tell(500, FactBody::MessageDone { call, recording, by: by.clone() });
    write(&store, &mut story).await;
    assert_eq!((list("claims", true).await, list("claims", false).await), (vec![1], vec![2, 1]));
    let found = store.recording(recording).await.unwrap().unwrap().recording;
    let message = found.message.expect("it is one");
    assert_eq!((message.mailbox.as_str(), message.left), ("claims", Some(wall(29))));
    assert_eq!(message.done, Some((by, wall(500))));
}
