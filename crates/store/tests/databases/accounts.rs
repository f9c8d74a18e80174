//! Accounts, sessions and settings.

use model::{QueueId, Role, Tier, UserId, Wall};
use store::{Account, DigestAlgorithms, Session, Store, token_sha256};

use crate::server::Database;
use crate::story::wall;

on_both! {
    an_account_reads_back_as_it_was_put
    an_account_is_replaced_and_removed_with_its_sessions
    a_session_is_good_until_it_expires_or_is_closed
    sessions_and_settings_survive_a_restart
    a_disabled_account_has_no_session
    a_damaged_account_is_named
}

fn account(user: &str) -> Account {
    Account {
        user: UserId::from(user),
        name: "王小明".to_owned(),
        role: Role::Agent,
        tier: Some(Tier { level: 2 }),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        ha1_md5: Some("0123456789abcdef0123456789abcdef".to_owned()),
        ha1_sha256: None,
        digest: DigestAlgorithms::Md5,
        ready_when_registered: true,
        queues: ["general", "claims"].map(|queue| QueueId::from(queue).into()).to_vec(),
        enabled: true,
    }
}

fn session(token: &str, user: &str, expires: Wall) -> Session {
    let token_sha256 = token_sha256(token);
    Session { token_sha256, user: UserId::from(user), opened: wall(0), expires }
}

async fn is_open(store: &Store, token: &str, now: Wall) -> bool {
    store.session(&token_sha256(token), now).await.unwrap().is_some()
}

async fn an_account_reads_back_as_it_was_put(database: Database) {
    let store = database.open().await;
    let agent = account("8001");
    let inspector = Account {
        user: UserId::from("qa"),
        role: Role::Inspector,
        tier: None,
        ha1_md5: None,
        digest: DigestAlgorithms::Sha256AndMd5,
        queues: Vec::new(),
        ready_when_registered: false,
        ..account("qa")
    };
    store.put_account(&inspector).await.unwrap();
    store.put_account(&agent).await.unwrap();
    assert_eq!(store.account(&UserId::from("8001")).await.unwrap(), Some(agent.clone()));
    assert_eq!(store.account(&UserId::from("nobody")).await.unwrap(), None);
    assert_eq!(store.accounts().await.unwrap(), [agent.clone(), inspector]);
    let shown = format!("{agent:?}");
    assert!(!shown.contains("argon2") && !shown.contains("0123"), "{shown}");
}

async fn an_account_is_replaced_and_removed_with_its_sessions(database: Database) {
    let store = database.open().await;
    let user = UserId::from("8001");
    store.put_account(&account("8001")).await.unwrap();
    store.open_session(&session("t1", "8001", wall(100))).await.unwrap();
    let promoted = Account { tier: Some(Tier { level: 3 }), ..account("8001") };
    store.put_account(&promoted).await.unwrap();
    assert_eq!(store.accounts().await.unwrap(), [promoted]);
    assert!(is_open(&store, "t1", wall(1)).await, "a change of tier signs nobody out");
    assert!(store.remove_account(&user).await.unwrap());
    assert!(!store.remove_account(&user).await.unwrap());
    assert!(!is_open(&store, "t1", wall(1)).await);
    assert_eq!(database.count("SELECT COUNT(*) FROM sessions").await, 0);
}

async fn a_session_is_good_until_it_expires_or_is_closed(database: Database) {
    let store = database.open().await;
    store.put_account(&account("8001")).await.unwrap();
    let kept = session("t1", "8001", wall(100));
    store.open_session(&kept).await.unwrap();
    let found = store.session(&token_sha256("t1"), wall(99)).await.unwrap();
    assert_eq!(found, Some(kept));
    assert!(!is_open(&store, "t1", wall(100)).await);
    assert!(!is_open(&store, "t2", wall(1)).await);
    store.open_session(&session("t2", "8001", wall(200))).await.unwrap();
    store.open_session(&session("t3", "8001", wall(300))).await.unwrap();
    assert_eq!(store.drop_expired_sessions(wall(100)).await.unwrap(), 1);
    assert!(store.close_session(&token_sha256("t2")).await.unwrap());
    assert!(!store.close_session(&token_sha256("t2")).await.unwrap());
    assert!(is_open(&store, "t3", wall(1)).await);
    assert_eq!(store.close_sessions_of(&UserId::from("8001")).await.unwrap(), 1);
    assert!(!is_open(&store, "t3", wall(1)).await);
    assert!(store.open_session(&session("t4", "nobody", wall(9))).await.is_err());
}

async fn sessions_and_settings_survive_a_restart(database: Database) {
    let store = database.open().await;
    store.put_account(&account("8001")).await.unwrap();
    store.open_session(&session("t1", "8001", wall(100))).await.unwrap();
    assert_eq!(store.setting("colour").await.unwrap(), None);
    store.put_setting("colour", "red").await.unwrap();
    store.put_setting("colour", "green").await.unwrap();
    store.close().await;
    drop(store);
    let store = database.open().await;
    assert!(is_open(&store, "t1", wall(1)).await);
    assert_eq!(store.setting("colour").await.unwrap().as_deref(), Some("green"));
    // The token itself is nowhere.
    assert_eq!(
        database.count("SELECT COUNT(*) FROM sessions WHERE token_sha256 LIKE '%t1%'").await,
        0
    );
}

async fn a_disabled_account_has_no_session(database: Database) {
    let store = database.open().await;
    store.put_account(&account("8001")).await.unwrap();
    store.open_session(&session("t1", "8001", wall(100))).await.unwrap();
    store.put_account(&Account { enabled: false, ..account("8001") }).await.unwrap();
    assert!(!is_open(&store, "t1", wall(1)).await);
}

async fn a_damaged_account_is_named(database: Database) {
    let store = database.open().await;
    store.put_account(&account("8001")).await.unwrap();
    let mut connection = database.connect().await;
    for (damage, message) in [
        ("UPDATE accounts SET role = 'king'", "table accounts, row 8001: 'king' is no role"),
        ("UPDATE accounts SET role = 'agent', tier = 300", "'300' is no tier"),
        ("UPDATE accounts SET tier = 1, digest = 'rot13'", "'rot13' is no digest setting"),
        ("UPDATE accounts SET digest = 'md5', queues = '['", "queues: EOF"),
    ] {
        sqlx::query(damage).execute(&mut connection).await.unwrap();
        let error = store.account(&UserId::from("8001")).await.unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
