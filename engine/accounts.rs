//! Accounts: who may sign in, on the web and by phone.

use model::{Role, Tier, UserId};
use store::{Account, DigestAlgorithms, Serves, Store};

use crate::passwords::{self, Hashes};

/// Someone to be given an account.
#[derive(Debug, Clone)]
pub struct NewAccount<'a> {
    /// The number or name to sign in with.
    pub user: &'a str,
    /// The name that people see.
    pub name: &'a str,
    /// What they are employed as.
    pub role: Role,
    /// An agent's level.
    pub tier: Option<u8>,
    /// The queues that an agent serves.
    pub queues: &'a [Serves],
    /// Which digest algorithms the phone is challenged with.
    pub digest: DigestAlgorithms,
    /// Whether the agent is ready as soon as the phone registers.
    pub ready_when_registered: bool,
}

/// Adds an account, or changes the one of the same user.
///
/// # Errors
/// The store fails, or the system has no randomness.
pub async fn put(
    store: &Store,
    realm: &str,
    new: &NewAccount<'_>,
    password: &str,
) -> anyhow::Result<()> {
    let Hashes { argon2, ha1_md5, ha1_sha256 } = passwords::hash(new.user, realm, password)?;
    let has_phone = new.role == Role::Agent;
    let account = Account {
        user: UserId::from(new.user),
        name: new.name.to_owned(),
        role: new.role,
        tier: new.tier.map(|level| Tier { level }),
        password_hash: argon2,
        ha1_md5: has_phone.then_some(ha1_md5),
        ha1_sha256: has_phone.then_some(ha1_sha256),
        digest: new.digest,
        ready_when_registered: new.ready_when_registered,
        queues: new.queues.to_vec(),
        enabled: true,
    };
    Ok(store.put_account(&account).await?)
}
