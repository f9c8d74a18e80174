//! Who is signed in on the web: kept in the store, remembered here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Principal, Tiers};
use anyhow::Context as _;
use cti::SessionId;
use model::{Pii, Wall};
use store::{Account, Store, token_sha256};
use web::Session;

use crate::passwords;

/// Longer than a shift: nobody signs in twice a day.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3600);
/// Sessions remembered without asking the store.
const REMEMBERED_MAX: usize = 20_000;

/// Sessions by the hash of their token.
#[derive(Default)]
pub struct Sessions(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    by_token: BTreeMap<String, Known>,
    /// How many were closed: what the store said before the last one may be over.
    closed: u64,
}

struct Known {
    session: Session,
    expires: Wall,
    desktops: BTreeSet<SessionId>,
}

impl Sessions {
    fn known(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session; it is kept before this returns.
    pub(super) async fn open(
        &self,
        store: &Store,
        tiers: &Tiers,
        account: Account,
        now: Wall,
    ) -> anyhow::Result<Session> {
        let token = passwords::token()?;
        let expires = now.after(SESSION_LIFE);
        let token_sha256 = token_sha256(&token);
        let kept = store::Session {
            token_sha256: token_sha256.clone(),
            user: account.user.clone(),
            opened: now,
            expires,
        };
        let session = session(account, tiers, token)?;
        store.open_session(&kept).await?;
        self.known().remember(token_sha256, &session, expires, now);
        Ok(session)
    }

    /// Ends a session and says which desktops it had.
    pub(super) async fn close(
        &self,
        store: &Store,
        token: &Pii<String>,
    ) -> anyhow::Result<BTreeSet<SessionId>> {
        let hash = token_sha256(token.reveal());
        store.close_session(&hash).await?;
        let mut known = self.known();
        known.closed += 1;
        Ok(known.by_token.remove(&hash).map(|known| known.desktops).unwrap_or_default())
    }

    /// The session of a token that is still good.
    pub(super) async fn find(
        &self,
        store: &Store,
        tiers: &Tiers,
        token: &Pii<String>,
        now: Wall,
    ) -> anyhow::Result<Option<Session>> {
        let hash = token_sha256(token.reveal());
        let closed = {
            let known = self.known();
            if let Some(known) = known.by_token.get(&hash) {
                return Ok((known.expires > now).then(|| known.session.clone()));
            }
            known.closed
        };
        let Some(kept) = store.session(&hash, now).await? else { return Ok(None) };
        let account = store.account(&kept.user).await?.filter(|account| account.enabled);
        let Some(account) = account else { return Ok(None) };
        let session = session(account, tiers, token.reveal().clone())?;
        let mut known = self.known();
        if known.closed == closed {
            known.remember(hash, &session, kept.expires, now);
        }
        Ok(Some(session))
    }

    /// A desktop of this session is connected.
    pub(super) fn add_desktop(&self, token: &Pii<String>, desktop: SessionId) {
        if let Some(known) = self.known().by_token.get_mut(&token_sha256(token.reveal())) {
            known.desktops.insert(desktop);
        }
    }

    /// A desktop of this session is gone.
    pub(super) fn remove_desktop(&self, token: &Pii<String>, desktop: SessionId) {
        if let Some(known) = self.known().by_token.get_mut(&token_sha256(token.reveal())) {
            known.desktops.remove(&desktop);
        }
    }
}

impl Remembered {
    fn remember(&mut self, hash: String, session: &Session, expires: Wall, now: Wall) {
        if self.by_token.len() >= REMEMBERED_MAX {
            self.by_token.retain(|_, known| known.expires > now);
        }
        // What does not fit is looked up in the store each time.
        if self.by_token.len() < REMEMBERED_MAX {
            let session = session.clone();
            self.by_token.insert(hash, Known { session, expires, desktops: BTreeSet::new() });
        }
    }
}

fn session(account: Account, tiers: &Tiers, token: String) -> anyhow::Result<Session> {
    let Account { user, role, tier, name, .. } = account;
    let principal = Principal::new(user, role, tier, tiers)
        .context("the account does not fit the configuration")?;
    Ok(Session { token: Pii::new(token), principal: Arc::new(principal), name })
}
