//! Opening a database: twice, wrongly, and one of another version.

use sqlx::Executor;
use store::{Error, Kind, Purpose, Store};

use crate::server::Database;
use crate::story::wall;

on_both! {
    a_database_is_opened_again_with_all_it_has
    two_engines_do_not_share_a_database
    a_tool_works_beside_an_engine
    a_schema_of_a_newer_version_is_refused
    a_migration_that_was_changed_is_refused
    an_epoch_is_never_given_twice
}

async fn a_database_is_opened_again_with_all_it_has(database: Database) {
    let store = database.open().await;
    assert_eq!(store.kind() == Kind::Postgres, database.is_postgres());
    assert_eq!(store.site(), 1);
    store.ping().await.unwrap();
    store.put_setting("a", "b").await.unwrap();
    store.close().await;
    drop(store);
    let store = database.open().await;
    assert_eq!(store.setting("a").await.unwrap().as_deref(), Some("b"));
}

async fn two_engines_do_not_share_a_database(database: Database) {
    let first = database.open().await;
    let error = Store::open(&database.url, 1, Purpose::Engine).await.unwrap_err();
    assert!(matches!(error, Error::LockedByAnother { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("in use by another hotline"), "{message}");
    if !database.is_postgres() {
        let process = format!("(process {})", std::process::id());
        assert!(message.contains(&process) && message.contains("hot line#1?.db"), "{message}");
    }
    first.close().await;
    drop(first);
    database.open().await;
}

async fn a_tool_works_beside_an_engine(database: Database) {
    let engine = database.open().await;
    let tool = database.open_tool().await;
    tool.put_setting("a", "b").await.unwrap();
    assert_eq!(engine.setting("a").await.unwrap().as_deref(), Some("b"));
}

async fn a_schema_of_a_newer_version_is_refused(database: Database) {
    drop(database.open().await);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum,
         execution_time) SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations
         WHERE version = 1";
    database.connect().await.execute(newer).await.unwrap();
    let error = Store::open(&database.url, 1, Purpose::Tool).await.unwrap_err().to_string();
    assert!(error.contains("migration 9999, which only a newer hotline knows"), "{error}");
}

async fn a_migration_that_was_changed_is_refused(database: Database) {
    drop(database.open().await);
    let sql = if database.is_postgres() {
        "UPDATE _sqlx_migrations SET checksum = '\\x00'"
    } else {
        "UPDATE _sqlx_migrations SET checksum = x'00'"
    };
    database.connect().await.execute(sql).await.unwrap();
    let error = Store::open(&database.url, 1, Purpose::Tool).await.unwrap_err().to_string();
    assert!(error.contains("migration 1 is not the one that was applied"), "{error}");
}

async fn an_epoch_is_never_given_twice(database: Database) {
    let store = database.open().await;
    assert_eq!(store.last_epoch().await.unwrap(), None);
    assert_eq!(store.begin_epoch(wall(1)).await.unwrap(), 1);
    assert_eq!(store.begin_epoch(wall(2)).await.unwrap(), 2);
    store.close().await;
    drop(store);
    let store = database.open().await;
    assert_eq!(store.last_epoch().await.unwrap(), Some(2));
    assert_eq!(store.begin_epoch(wall(3)).await.unwrap(), 3);
    // Another site counts for itself.
    let elsewhere = Store::open(&database.url, 2, Purpose::Tool).await.unwrap();
    assert_eq!(elsewhere.begin_epoch(wall(4)).await.unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/folder/hotline.db").display().to_string();
    let error = Store::open(&missing, 1, Purpose::Engine).await.unwrap_err().to_string();
    assert!(error.contains(&missing) && error.contains("folder does not exist"), "{error}");

    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "this is no database, but it is long enough to be taken for one".repeat(9),
    )
    .unwrap();
    let text = text.display().to_string();
    let error = Store::open(&text, 1, Purpose::Engine).await.unwrap_err().to_string();
    assert!(error.contains(&text) && error.contains("name another file"), "{error}");

    let url = "postgres://hotline:secret@127.0.0.1:1/hotline";
    let error = Store::open(url, 1, Purpose::Engine).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1/hotline") && !error.contains("secret"), "{error}");

    let url = "postgres://hotline:secret@127.0.0.1:70000/hotline";
    let error = Store::open(url, 1, Purpose::Engine).await.unwrap_err().to_string();
    assert!(error.contains("port") && !error.contains("secret"), "{error}");
}
