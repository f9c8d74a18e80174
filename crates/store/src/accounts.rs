//! Who may sign in, on the web and by phone. Survives a power cut.

use std::fmt;

use model::{Role, Tier, UserId};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::serves::{self, Serves};
use crate::sql::Columns;

/// Someone who may sign in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The number or name to sign in with.
    pub user: UserId,
    /// The name that people see.
    pub name: String,
    /// What they are employed as.
    pub role: Role,
    /// An agent's level.
    pub tier: Option<Tier>,
    /// Argon2 in PHC string format (`$argon2id$…`), for the web.
    pub password_hash: String,
    /// HA1 by MD5 (RFC 7616 §3.4.2) in hexadecimal, for the phone.
    pub ha1_md5: Option<String>,
    /// HA1 by SHA-256 in hexadecimal, for the phone.
    pub ha1_sha256: Option<String>,
    /// Which digest algorithms the phone is offered.
    pub digest: DigestAlgorithms,
    /// Whether the agent becomes ready by registering the phone.
    pub ready_when_registered: bool,
    /// The queues that an agent serves.
    pub queues: Vec<Serves>,
    /// Whether they may sign in at all.
    pub enabled: bool,
}

impl fmt::Debug for Account {
    /// Without what a password could be guessed from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .field("role", &self.role)
            .field("tier", &self.tier)
            .field("queues", &self.queues)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// Which digest algorithms a phone is offered. Widespread phones fail on a SHA-256 challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithms {
    /// SHA-256 first, then MD5 (RFC 8760).
    Sha256AndMd5,
    /// SHA-256 alone.
    Sha256,
    /// MD5 alone.
    Md5,
}

impl DigestAlgorithms {
    const ALL: [Self; 3] = [Self::Sha256AndMd5, Self::Sha256, Self::Md5];

    /// The name in configuration and store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256AndMd5 => "sha256+md5",
            Self::Sha256 => "sha256",
            Self::Md5 => "md5",
        }
    }

    /// The algorithms of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithms| algorithms.as_str() == name)
    }
}

impl Store {
    /// Adds `account`, or replaces the one of the same user.
    pub async fn put_account(&self, account: &Account) -> Result<()> {
        sqlx::query(
            "INSERT INTO accounts (user_id, name, role, tier, password_hash, ha1_md5, ha1_sha256,
               digest, ready_when_registered, queues, enabled)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, role = excluded.role,
               tier = excluded.tier, password_hash = excluded.password_hash,
               ha1_md5 = excluded.ha1_md5, ha1_sha256 = excluded.ha1_sha256,
               digest = excluded.digest,
               ready_when_registered = excluded.ready_when_registered,
               queues = excluded.queues, enabled = excluded.enabled",
        )
        .bind(account.user.as_str())
        .bind(account.name.as_str())
        .bind(account.role.as_str())
        .bind(account.tier.map(|tier| i64::from(tier.level)))
        .bind(account.password_hash.as_str())
        .bind(account.ha1_md5.as_deref())
        .bind(account.ha1_sha256.as_deref())
        .bind(account.digest.as_str())
        .bind(i64::from(account.ready_when_registered))
        .bind(serves::to_json(&account.queues))
        .bind(i64::from(account.enabled))
        .execute(self.durable())
        .await?;
        Ok(())
    }

    /// The account of `user`.
    pub async fn account(&self, user: &UserId) -> Result<Option<Account>> {
        sqlx::query("SELECT * FROM accounts WHERE user_id = $1")
            .bind(user.as_str())
            .fetch_optional(self.readers())
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// Every account, by user.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        sqlx::query("SELECT * FROM accounts ORDER BY user_id")
            .fetch_all(self.readers())
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// Removes the account of `user` and their sessions. Returns whether there was one.
    pub async fn remove_account(&self, user: &UserId) -> Result<bool> {
        let done = sqlx::query("DELETE FROM accounts WHERE user_id = $1")
            .bind(user.as_str())
            .execute(self.durable())
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn read(row: &AnyRow) -> Result<Account> {
    let user = row.text("user_id")?;
    let corrupt = |reason: String| Error::Corrupt { table: "accounts", row: user.clone(), reason };
    let role = row.text("role")?;
    let digest = row.text("digest")?;
    let queues = serves::from_json(&row.text("queues")?)
        .map_err(|error| corrupt(format!("queues: {error}")))?;
    let tier = match row.maybe_int("tier")? {
        None => None,
        Some(level) => Some(Tier {
            level: u8::try_from(level).map_err(|_| corrupt(format!("'{level}' is no tier")))?,
        }),
    };
    Ok(Account {
        name: row.text("name")?,
        role: Role::from_name(&role).ok_or_else(|| corrupt(format!("'{role}' is no role")))?,
        tier,
        password_hash: row.text("password_hash")?,
        ha1_md5: row.maybe_text("ha1_md5")?,
        ha1_sha256: row.maybe_text("ha1_sha256")?,
        digest: DigestAlgorithms::from_name(&digest)
            .ok_or_else(|| corrupt(format!("'{digest}' is no digest setting")))?,
        ready_when_registered: row.flag("ready_when_registered")?,
        queues,
        enabled: row.flag("enabled")?,
        user: UserId::from(user),
    })
}
