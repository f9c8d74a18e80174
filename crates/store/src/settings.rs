//! What is set once for the whole installation. Survives a power cut.

use crate::error::Result;
use crate::open::Store;
use crate::sql::Columns;

impl Store {
    /// The value of `key`, if it was set.
    pub async fn setting(&self, key: &str) -> Result<Option<String>> {
        sqlx::query("SELECT value FROM settings WHERE key = $1")
            .bind(key)
            .fetch_optional(self.readers())
            .await?
            .map(|row| row.text("value"))
            .transpose()
    }

    /// Sets `key` to `value`.
    pub async fn put_setting(&self, key: &str, value: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO settings (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value)
        .execute(self.durable())
        .await?;
        Ok(())
    }
}
