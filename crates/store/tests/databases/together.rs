//! Everybody at once: calls' facts, sign-ins, look-ups, lists, and a tool that imports.

use std::time::{Duration, Instant};

use model::{Pii, QueueId, Role, UserId};
use store::policies::{Plan, date_of, ensure_generated, generate, import};
use store::{
    Account, CallFilter, DigestAlgorithms, Notice, PageRequest, Session, Store, token_sha256,
};

use crate::server::Database;
use crate::story::{Story, TODAY, Written, wall};

on_both! {
    calls_go_on_while_a_tool_imports
    many_sign_in_and_look_up_at_once
}

/// A file of 1,500 policies.
fn file() -> String {
    let mut file = String::from(
        "customer_id,name,phone,identity_number,policy_number,product,plate,vehicle,starts_on,\
         ends_on,premium_yuan\n",
    );
    let plan = Plan { customers: 1_000, seed: 77, today: date_of(TODAY) };
    for customer in generate(plan) {
        for policy in &customer.policies {
            file.push_str(&format!(
                "{},{},{},{},{},{},{},{},{},{},1000\n",
                customer.customer_id,
                customer.name.reveal(),
                customer.phone.reveal(),
                customer.identity_number.reveal(),
                policy.policy_number,
                policy.product,
                policy.plate.reveal(),
                policy.vehicle,
                policy.starts_on,
                policy.ends_on,
            ));
        }
    }
    file
}

async fn calls_go_on_while_a_tool_imports(database: Database) {
    let store = database.open().await;
    let tool = database.open_tool().await;
    let importing = tokio::spawn(async move {
        for _ in 0..2 {
            let summary = import(&tool, file().as_bytes(), |_| {}).await.unwrap();
            assert_eq!((summary.imported, summary.skipped), (1_500, 0));
        }
        let plan = Plan { customers: 1_000, seed: 5, today: date_of(TODAY) };
        ensure_generated(&tool, plan, |_| {}).await.unwrap();
    });
    let mut written = Written::start(&store);
    let mut story = Story::new(1);
    let (mut counter, mut longest) = (0, Duration::ZERO);
    while !importing.is_finished() {
        counter += 1;
        let began = Instant::now();
        written.write(story.arrives(counter, "13800138000", 0)).await;
        longest = longest.max(began.elapsed());
    }
    importing.await.unwrap();
    written.stop().await;
    assert!(counter > 10, "{counter} facts were committed meanwhile");
    assert!(longest < Duration::from_secs(10), "one waited for {longest:?}");
    assert_eq!(database.count("SELECT COUNT(*) FROM facts").await, i64::from(counter));
}

fn account(user: &str) -> Account {
    Account {
        user: UserId::from(user),
        name: String::new(),
        role: Role::Agent,
        tier: None,
        password_hash: "$argon2id$".to_owned(),
        ha1_md5: None,
        ha1_sha256: None,
        digest: DigestAlgorithms::Md5,
        ready_when_registered: false,
        queues: vec![QueueId::from("claims").into()],
        enabled: true,
    }
}

async fn sign_in(store: Store, number: u32) {
    let session = Session {
        token_sha256: token_sha256(&format!("token {number}")),
        user: UserId::from("8001"),
        opened: wall(0),
        expires: wall(100),
    };
    store.open_session(&session).await.unwrap();
    let found = store.session(&session.token_sha256, wall(1)).await.unwrap();
    assert_eq!(found, Some(session));
    let card = store.customer_by_phone(&Pii::from("13800138000"), TODAY).await.unwrap().unwrap();
    assert_eq!(card.customer_id, "S00000001");
    let request = PageRequest::default();
    let page = store.calls(&CallFilter::default(), &request).await.unwrap();
    assert!(page.items.len() <= 50);
}

async fn many_sign_in_and_look_up_at_once(database: Database) {
    let store = database.open().await;
    store.put_account(&account("8001")).await.unwrap();
    let plan = Plan { customers: 0, seed: 1, today: date_of(TODAY) };
    ensure_generated(&store, plan, |_| {}).await.unwrap();
    let mut written = Written::start(&store);
    let mut story = Story::new(1);
    for counter in 1..=300 {
        story.conversation(counter, "13800138000", "8001", i64::from(counter));
        let (facts, records) = story.take();
        written.writer.append(facts, records).unwrap();
    }
    let last = story.next_seq - 1;
    let guests: Vec<_> = (0..200).map(|n| tokio::spawn(sign_in(store.clone(), n))).collect();
    for guest in guests {
        guest.await.unwrap();
    }
    written.until(|notice| *notice == Notice::Committed { up_to_seq: last }).await;
    let calm = written.told.iter().all(|told| matches!(told, Notice::Committed { .. }));
    assert!(calm, "{:?}", written.told);
    written.stop().await;
    assert_eq!(database.count("SELECT COUNT(*) FROM sessions").await, 200);
    assert_eq!(database.count("SELECT COUNT(*) FROM call_records").await, 300);
}
