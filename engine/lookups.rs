//! Questions of the call flow to the store, answered through the brain's inbox.

use std::sync::Arc;

use ivr::{PolicyAnswer, Query};
use model::{CallId, Pii};
use store::Store;
use tokio::runtime;

use crate::brain::{Handle, Inbox};
use crate::clock::Clock;

/// Asks the store on the runtime's threads.
#[derive(Clone)]
pub struct Lookups {
    /// The database.
    pub store: Store,
    /// Where the questions run.
    pub runtime: runtime::Handle,
    /// Where the answers go.
    pub brain: Handle,
    /// For policies' status today.
    pub clock: Clock,
}

impl Lookups {
    /// Who has this number? An answer that finds no room is one that came too late.
    pub fn find_caller(&self, token: CallId, phone: Pii<String>) {
        let asked = self.clone();
        self.runtime.spawn(async move {
            let found = asked.store.customer_by_phone(&phone, asked.clock.wall()).await;
            let answer = match found {
                Ok(card) => Ok(card.map(Arc::new)),
                Err(error) => {
                    tracing::warn!(%error, call = %token, "the caller's look-up failed");
                    Err(lookup::Failed)
                }
            };
            asked.brain.send(Inbox::CallerFound { token, answer });
        });
    }

    /// Which policy, or whose policies?
    pub fn find_policy(&self, call: CallId, query: Query) {
        let asked = self.clone();
        self.runtime.spawn(async move {
            let now = asked.clock.wall();
            let found = match &query {
                Query::PolicyNumber(number) => {
                    let policy = asked.store.policy(number.reveal(), now).await;
                    policy.map(|policy| policy.into_iter().collect())
                }
                Query::IdentityNumber(number) => {
                    let customer = asked.store.customer_by_identity_number(number, now).await;
                    customer.map(|card| card.map_or_else(Vec::new, |card| card.policies))
                }
            };
            let answer = match found {
                Ok(policies) if policies.is_empty() => PolicyAnswer::Unknown,
                Ok(policies) => PolicyAnswer::Found(policies),
                Err(error) => {
                    tracing::warn!(%error, %call, "the policy's look-up failed");
                    PolicyAnswer::Failed
                }
            };
            asked.brain.send(Inbox::PolicyFound { call, answer });
        });
    }
}
