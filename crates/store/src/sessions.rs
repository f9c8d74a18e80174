//! Who is signed in on the web. Sessions survive a restart and a power cut; of a token only a hash
//! is kept, so that a stolen database opens no session.

use model::{UserId, Wall};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::open::Store;
use crate::sql::Columns;

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// [`token_sha256`] of the bearer token.
    pub token_sha256: String,
    /// Who.
    pub user: UserId,
    /// Since when.
    pub opened: Wall,
    /// Until when.
    pub expires: Wall,
}

/// What is kept of a token: its SHA-256 in hexadecimal. Enough for a token that is random.
pub fn token_sha256(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

impl Store {
    /// Keeps `session`.
    pub async fn open_session(&self, session: &Session) -> Result<()> {
        sqlx::query(
            "INSERT INTO sessions (token_sha256, user_id, opened_us, expires_us)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(session.token_sha256.as_str())
        .bind(session.user.as_str())
        .bind(session.opened.0)
        .bind(session.expires.0)
        .execute(self.durable())
        .await?;
        Ok(())
    }

    /// The session of the token with that hash, if it is good at `now` and its user may sign in.
    pub async fn session(&self, token_sha256: &str, now: Wall) -> Result<Option<Session>> {
        let row = sqlx::query(
            "SELECT s.token_sha256, s.user_id, s.opened_us, s.expires_us
             FROM sessions s JOIN accounts a ON a.user_id = s.user_id
             WHERE s.token_sha256 = $1 AND s.expires_us > $2 AND a.enabled = 1",
        )
        .bind(token_sha256)
        .bind(now.0)
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Session {
            token_sha256: row.text("token_sha256")?,
            user: UserId::from(row.text("user_id")?),
            opened: row.wall("opened_us")?,
            expires: row.wall("expires_us")?,
        }))
    }

    /// Ends one session. Returns whether there was one.
    pub async fn close_session(&self, token_sha256: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM sessions WHERE token_sha256 = $1")
            .bind(token_sha256)
            .execute(self.durable())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends every session of `user`, as after a change of password. Returns how many.
    pub async fn close_sessions_of(&self, user: &UserId) -> Result<u64> {
        let done = sqlx::query("DELETE FROM sessions WHERE user_id = $1")
            .bind(user.as_str())
            .execute(self.durable())
            .await?;
        Ok(done.rows_affected())
    }

    /// Removes the sessions that are over at `now`. Returns how many.
    pub async fn drop_expired_sessions(&self, now: Wall) -> Result<u64> {
        let done = sqlx::query("DELETE FROM sessions WHERE expires_us <= $1")
            .bind(now.0)
            .execute(self.durable())
            .await?;
        Ok(done.rows_affected())
    }
}
