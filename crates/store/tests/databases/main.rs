//! The store on both databases: every test here runs on SQLite, and again on PostgreSQL.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "this whole crate is tests")]

/// Each test twice. A test is an async function of a [`server::Database`].
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::server::Database::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                if let Some(database) = crate::server::Database::postgres().await {
                    super::$name(database).await;
                }
            })*
        }
    };
}

mod accounts;
mod calls;
mod customers;
mod every_fact;
mod failures;
mod generated;
mod imported;
mod journal;
mod kept;
mod killed;
mod opening;
mod postgres;
mod restarts;
mod server;
mod story;
mod together;
mod writing;
