//! Lists of calls, recordings and audit entries: filters, pages, details.

use model::{AgentId, FactBody, Outcome, QueueId, RefusalKind, UserId};
use store::{AuditFilter, CallFilter, Error, PageRequest, Store};

use crate::server::Database;
use crate::story::{Story, call, recording, wall, write};

on_both! {
    calls_are_listed_newest_first_and_filtered
    an_agents_own_calls_are_all_that_they_took_part_in
    a_list_is_read_page_by_page_while_it_grows
    a_cursor_of_another_list_is_refused
    recordings_are_listed_with_their_calls
    every_recording_is_there_to_be_verified
    the_audit_tells_who_did_what
    a_damaged_record_is_named
    who_sought_an_agent_a_short_while_ago_is_told_in_the_order_of_the_ends
}

/// Four calls: 1 and 2 answered by 8001 and 8002, 3 abandoned in `general`, 4 left in the menu.
async fn four_calls(store: &Store) -> Story {
    let mut story = Story::new(1);
    story.conversation(1, "+86 138-0013-8001", "8001", 0);
    story.conversation(2, "13800138002", "8002", 100);
    story.arrives(3, "13800138003", 200).queued(3, "general", 201);
    story.ends(3, Outcome::Abandoned, 230);
    story.arrives(4, "anonymous", 300).ends(4, Outcome::AbandonedInMenu, 301);
    write(store, &mut story).await;
    story
}

async fn listed(store: &Store, filter: CallFilter) -> Vec<u32> {
    let page = store.calls(&filter, &PageRequest::default()).await.unwrap();
    assert_eq!(page.next, None);
    page.items.iter().map(|record| record.call.0.counter()).collect()
}

async fn calls_are_listed_newest_first_and_filtered(database: Database) {
    let store = database.open().await;
    four_calls(&store).await;
    let all = CallFilter::default;
    assert_eq!(listed(&store, all()).await, [4, 3, 2, 1]);
    assert_eq!(listed(&store, CallFilter { from: Some(wall(200)), ..all() }).await, [4, 3]);
    assert_eq!(listed(&store, CallFilter { to: Some(wall(200)), ..all() }).await, [2, 1]);
    let queue = Some(QueueId::from("general"));
    assert_eq!(listed(&store, CallFilter { queue, ..all() }).await, [3]);
    let agent = Some(AgentId::from("8001"));
    assert_eq!(listed(&store, CallFilter { agent: agent.clone(), ..all() }).await, [1]);
    let outcome = Some(Outcome::Abandoned);
    assert_eq!(listed(&store, CallFilter { outcome, ..all() }).await, [3]);
    assert_eq!(listed(&store, CallFilter { agent, outcome, ..all() }).await, [0; 0]);
    for (ani, wanted) in [("13800138001", 1), ("+8613800138002", 2), ("anonymous", 4)] {
        let ani = Some(ani.to_owned());
        assert_eq!(listed(&store, CallFilter { ani, ..all() }).await, [wanted]);
    }
    for (text, wanted) in [
        ("8001380", vec![3, 2, 1]),
        ("Claim_Registered", vec![2, 1]),
        ("claimxregistered", vec![]),
        ("ANONYMOUS", vec![4]),
        ("c1-1-3", vec![3]),
        ("8002", vec![2]),
        ("%", vec![]),
        ("'; DROP TABLE facts; --", vec![]),
        ("", vec![4, 3, 2, 1]),
    ] {
        let text = Some(text.to_owned());
        assert_eq!(
            listed(&store, CallFilter { text: text.clone(), ..all() }).await,
            wanted,
            "{text:?}"
        );
    }
}

async fn an_agents_own_calls_are_all_that_they_took_part_in(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    story.conversation(1, "13800138001", "8001", 0);
    // 8001 hands the second one over to 8002; 8003 is rung for it and does not answer.
    story.arrives(2, "13800138002", 100).queued(2, "claims", 101);
    story.agent_answers(2, "8001", 105).is_rung(2, (1, "8001"), true, 105);
    story.is_rung(2, (2, "8003"), false, 110).is_rung(2, (3, "8002"), true, 120);
    story.takes(2, (3, "8002"), 120);
    story.ends(2, Outcome::Answered, 160);
    story.conversation(3, "13800138003", "8002", 200);
    write(&store, &mut story).await;
    for (agent, wanted) in
        [("8001", vec![2, 1]), ("8002", vec![3, 2]), ("8003", vec![]), ("8004", vec![])]
    {
        let agent = Some(AgentId::from(agent));
        let filter = CallFilter { agent, ..CallFilter::default() };
        assert_eq!(listed(&store, filter.clone()).await, wanted, "{filter:?}");
        let since = CallFilter { from: Some(wall(150)), ..filter.clone() };
        let late: Vec<u32> = wanted.iter().copied().filter(|call| *call == 3).collect();
        assert_eq!(listed(&store, since).await, late);
        let mut request = PageRequest { limit: 1, ..PageRequest::default() };
        let first = store.calls(&filter, &request).await.unwrap();
        request.after.clone_from(&first.next);
        if wanted.len() == 2 {
            let second = store.calls(&filter, &request).await.unwrap();
            assert_eq!(second.items[0].call, call(1, wanted[1]));
        }
    }
}

async fn a_list_is_read_page_by_page_while_it_grows(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    // Several arrive in the same microsecond.
    for counter in 1..=25 {
        story.arrives(counter, "13800138000", i64::from(counter / 4));
        story.ends(counter, Outcome::AbandonedInMenu, 90);
    }
    write(&store, &mut story).await;
    let mut request = PageRequest { after: None, limit: 4 };
    let mut read = Vec::new();
    loop {
        let page = store.calls(&CallFilter::default(), &request).await.unwrap();
        read.extend(page.items.iter().map(|record| record.call.0.counter()));
        let Some(next) = page.next else { break };
        assert_eq!(page.items.len(), 4);
        request.after = Some(next);
        // A call that arrives meanwhile is newer than every page to come.
        let counter = 100 + read.len() as u32;
        story.arrives(counter, "13800138000", 95).ends(counter, Outcome::AbandonedInMenu, 96);
        write(&store, &mut story).await;
    }
    let mut sorted = read.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=25).collect::<Vec<_>>(), "each once");
    let arrivals: Vec<u32> = read.iter().map(|counter| counter / 4).collect();
    assert!(arrivals.is_sorted_by(|a, b| a >= b), "{arrivals:?}");
    for (limit, items) in [(0, 1), (1_000_000, 31)] {
        let request = PageRequest { after: None, limit };
        let page = store.calls(&CallFilter::default(), &request).await.unwrap();
        assert_eq!(page.items.len(), items);
    }
}

async fn a_cursor_of_another_list_is_refused(database: Database) {
    let store = database.open().await;
    for cursor in ["", "x", "12", "x.y", "1 OR 1=1"] {
        let request = PageRequest { after: Some(cursor.to_owned()), limit: 10 };
        let error = store.calls(&CallFilter::default(), &request).await.unwrap_err();
        assert!(matches!(&error, Error::BadCursor(its) if its == cursor), "{error}");
        let error = store.audit(&AuditFilter::default(), &request).await.unwrap_err();
        assert!(matches!(&error, Error::BadCursor(_)), "{error}");
    }
}

async fn recordings_are_listed_with_their_calls(database: Database) {
    let store = database.open().await;
    let mut story = four_calls(&store).await;
    story.arrives(5, "13800138005", 400).agent_answers(5, "8001", 401).tapes(5, "8001", 402);
    write(&store, &mut story).await;
    let list = async |filter: CallFilter| {
        let page = store.recordings(&filter, &PageRequest::default()).await.unwrap();
        page.items
    };
    let all = list(CallFilter::default()).await;
    assert_eq!(
        all.iter().map(|entry| entry.call).collect::<Vec<_>>(),
        [5, 2, 1].map(|c| call(1, c))
    );
    assert_eq!((&all[0].record, &all[0].recording.seal, all[0].sealed), (&None, &None, None));
    assert_eq!(all[1].record.as_ref().unwrap().queue, Some(QueueId::from("claims")));
    assert_eq!(all[1].sealed, Some(wall(161)));
    assert_eq!(all[1].recording.path, "2025/07/01/r2.tape");
    assert_eq!(all[1].record.as_ref().unwrap().recordings, [all[1].recording.clone()]);
    let agent = Some(AgentId::from("8001"));
    let of_agent = list(CallFilter { agent, ..CallFilter::default() }).await;
    assert_eq!(of_agent.iter().map(|e| e.call).collect::<Vec<_>>(), [5, 1].map(|c| call(1, c)));
    let ani = Some("13800138002".to_owned());
    assert_eq!(list(CallFilter { ani, ..CallFilter::default() }).await[..], all[1..2]);
    let (from, to) = (Some(wall(100)), Some(wall(200)));
    assert_eq!(list(CallFilter { from, to, ..CallFilter::default() }).await[..], all[1..2]);
    assert_eq!(store.recording(recording(1, 2)).await.unwrap().as_ref(), Some(&all[1]));
    assert_eq!(store.recording(recording(1, 99)).await.unwrap(), None);
    let request = PageRequest { after: None, limit: 2 };
    let page = store.recordings(&CallFilter::default(), &request).await.unwrap();
    let request = PageRequest { after: page.next, limit: 2 };
    let page = store.recordings(&CallFilter::default(), &request).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

async fn every_recording_is_there_to_be_verified(database: Database) {
    let store = database.open().await;
    let mut story = Story::new(1);
    for counter in 1..=1_200 {
        story.conversation(counter, "13800138000", "8001", i64::from(counter / 3));
    }
    write(&store, &mut story).await;
    let mut recordings = store.all_recordings();
    let mut seen = Vec::new();
    while let Some(entry) = recordings.next().await.unwrap() {
        assert_eq!(entry.recording.seal.unwrap().bytes, 44);
        seen.push(entry.call.0.counter());
    }
    assert_eq!(recordings.next().await.unwrap(), None);
    let days: Vec<u32> = seen.iter().map(|counter| counter / 3).collect();
    assert!(days.is_sorted(), "oldest first");
    seen.sort_unstable();
    assert_eq!(seen, (1..=1_200).collect::<Vec<_>>());
}

async fn the_audit_tells_who_did_what(database: Database) {
    let store = database.open().await;
    let mut story = four_calls(&store).await;
    let refused = |user: Option<&str>, kind| FactBody::Refused {
        user: user.map(UserId::from),
        source: "10.0.0.9".to_owned(),
        kind,
        what: "calls of others, \"kind\":\"locked_out\"".to_owned(),
    };
    let user = UserId::from("qa");
    let opened = FactBody::SessionOpened { user: user.clone(), source: "10.0.0.9".to_owned() };
    story.tell(500, opened);
    story.tell(501, refused(Some("8001"), RefusalKind::Forbidden));
    story.tell(502, refused(None, RefusalKind::WrongPassword));
    story.tell(503, FactBody::Unmasked { user: user.clone(), what: "call c1-1-1".to_owned() });
    let (call, recording) = (call(1, 1), recording(1, 1));
    story.tell(504, FactBody::Played { user, recording, call });
    let by = UserId::from("lead");
    story.tell(505, FactBody::PlanSwitched { plan: "flood".to_owned(), on: true, by });
    write(&store, &mut story).await;
    let list = async |filter: AuditFilter, after: Option<String>, limit: u32| {
        let page = store.audit(&filter, &PageRequest { after, limit }).await.unwrap();
        let kinds: Vec<_> = page.items.iter().map(|fact| fact.body.kind()).collect();
        (kinds, page.next)
    };
    let all = AuditFilter::default;
    let (kinds, next) = list(all(), None, 50).await;
    assert_eq!(
        kinds,
        ["plan_switched", "played", "unmasked", "refused", "refused", "session_opened"]
    );
    assert_eq!(next, None);
    let user = Some(UserId::from("qa"));
    let (kinds, _) = list(AuditFilter { user, ..all() }, None, 50).await;
    assert_eq!(kinds, ["played", "unmasked", "session_opened"]);
    let (from, to) = (Some(wall(501)), Some(wall(503)));
    let (kinds, _) = list(AuditFilter { from, to, ..all() }, None, 50).await;
    assert_eq!(kinds, ["refused", "refused"]);
    for (kind, wanted) in
        [(RefusalKind::Forbidden, 1), (RefusalKind::WrongPassword, 1), (RefusalKind::LockedOut, 0)]
    {
        let refusal = Some(kind);
        let (kinds, _) = list(AuditFilter { refusal, ..all() }, None, 50).await;
        assert_eq!(kinds.len(), wanted, "{kind:?}");
    }
    let (mut after, mut read) = (None, Vec::new());
    loop {
        let (kinds, next) = list(all(), after, 2).await;
        read.extend(kinds);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read.len(), 6);
}

async fn a_damaged_record_is_named(database: Database) {
    let store = database.open().await;
    four_calls(&store).await;
    let mut connection = database.connect().await;
    for (damage, message) in [
        (
            "UPDATE call_records SET outcome = 'eaten' WHERE call_id = 'c1-1-1'",
            "table call_records, row c1-1-1: outcome: unknown variant `eaten`",
        ),
        (
            "UPDATE recordings SET bytes = NULL WHERE call_id = 'c1-1-2'",
            "table recordings, row r1-1-2: its seal is incomplete",
        ),
    ] {
        sqlx::query(damage).execute(&mut connection).await.unwrap();
        let calls = CallFilter::default();
        let error = store.calls(&calls, &PageRequest::default()).await.unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        let restore = "UPDATE call_records SET outcome = 'answered' WHERE call_id = 'c1-1-1'";
        sqlx::query(restore).execute(&mut connection).await.unwrap();
    }
}

async fn who_sought_an_agent_a_short_while_ago_is_told_in_the_order_of_the_ends(
    database: Database,
) {
    let store = database.open().await;
    four_calls(&store).await;
    let calls = store.recent_calls(wall(0)).await.unwrap();
    let told: Vec<(&str, Option<&str>)> = calls
        .iter()
        .map(|call| (call.number.reveal().as_str(), call.agent.as_ref().map(AgentId::as_str)))
        .collect();
    assert_eq!(
        told,
        [("+86 138-0013-8001", Some("8001")), ("13800138002", Some("8002")), ("13800138003", None)],
        "who left in the menu has sought nobody"
    );
    assert!(calls.windows(2).all(|pair| pair[0].ended <= pair[1].ended));
    let later = store.recent_calls(wall(150)).await.unwrap();
    assert_eq!((later.len(), later[0].ended), (1, wall(230)));
}
