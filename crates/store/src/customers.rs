//! Who is insured: by phone for the screen pop, by policy and identity number for the menu.

use std::collections::BTreeMap;

use model::{AgentId, ClaimSummary, CustomerCard, Pii, PolicyCard, PolicyStatus, Wall};
use sqlx::any::AnyRow;

use crate::error::Result;
use crate::lookers::Looker;
use crate::open::Store;
use crate::policies::day_of;
use crate::sql::Columns;

/// The most policies of a card, newest first.
const POLICIES_LIMIT: i64 = 20;

/// The most claims of a policy on a card, newest first.
const CLAIMS_LIMIT: usize = 10;

impl Store {
    /// Who has this phone, in any spelling. Of several, the one whose policy began last.
    pub async fn customer_by_phone(
        &self,
        phone: &Pii<String>,
        now: Wall,
    ) -> Result<Option<CustomerCard>> {
        let Some(key) = lookup::normalise(phone.reveal()) else { return Ok(None) };
        let mut looker = self.looker().await?;
        let row = sqlx::query(
            "SELECT c.* FROM customers c WHERE c.phone_key = $1
             ORDER BY COALESCE((SELECT MAX(p.starts_on) FROM policies p
                                WHERE p.customer_id = c.customer_id), '') DESC, c.customer_id
             LIMIT 1",
        )
        .bind(key)
        .fetch_optional(&mut looker.connection)
        .await?;
        card(looker, row, now).await
    }

    /// Whose policy it is.
    pub async fn customer_by_policy_number(
        &self,
        policy_number: &str,
        now: Wall,
    ) -> Result<Option<CustomerCard>> {
        let mut looker = self.looker().await?;
        let row = sqlx::query(
            "SELECT c.* FROM customers c JOIN policies p ON p.customer_id = c.customer_id
             WHERE p.policy_number = $1",
        )
        .bind(policy_number)
        .fetch_optional(&mut looker.connection)
        .await?;
        card(looker, row, now).await
    }

    /// Whose identity number it is; a final `x` may be small.
    pub async fn customer_by_identity_number(
        &self,
        identity_number: &Pii<String>,
        now: Wall,
    ) -> Result<Option<CustomerCard>> {
        let mut looker = self.looker().await?;
        let row = sqlx::query("SELECT c.* FROM customers c WHERE c.identity_number = $1")
            .bind(identity_number.reveal().to_ascii_uppercase())
            .fetch_optional(&mut looker.connection)
            .await?;
        card(looker, row, now).await
    }

    /// The customer of that number.
    pub async fn customer(&self, customer_id: &str, now: Wall) -> Result<Option<CustomerCard>> {
        let mut looker = self.looker().await?;
        let row = sqlx::query("SELECT c.* FROM customers c WHERE c.customer_id = $1")
            .bind(customer_id)
            .fetch_optional(&mut looker.connection)
            .await?;
        card(looker, row, now).await
    }

    /// The policy of that number.
    pub async fn policy(&self, policy_number: &str, now: Wall) -> Result<Option<PolicyCard>> {
        let mut looker = self.looker().await?;
        let Some(row) = sqlx::query("SELECT * FROM policies WHERE policy_number = $1")
            .bind(policy_number)
            .fetch_optional(&mut looker.connection)
            .await?
        else {
            looker.done();
            return Ok(None);
        };
        let claims = sqlx::query(
            "SELECT * FROM claims WHERE policy_number = $1
             ORDER BY lost_on DESC, claim_number DESC",
        )
        .bind(policy_number)
        .fetch_all(&mut looker.connection)
        .await?;
        looker.done();
        let mut policy = read_policy(&row, &day_of(now))?;
        for claim in claims.iter().take(CLAIMS_LIMIT) {
            policy.claims.push(read_claim(claim)?);
        }
        Ok(Some(policy))
    }

    /// How many customers and policies there are.
    pub async fn count_customers(&self) -> Result<(u64, u64)> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM customers) AS customers,
                    (SELECT COUNT(*) FROM policies) AS policies",
        )
        .fetch_one(self.readers())
        .await?;
        Ok((row.int("customers")?.unsigned_abs(), row.int("policies")?.unsigned_abs()))
    }

    /// The phones of some customers: for those who try the hotline out as one of them.
    pub async fn some_phones(&self, count: u32) -> Result<Vec<Pii<String>>> {
        let rows = sqlx::query(
            "SELECT phone_key FROM customers WHERE phone_key <> '' ORDER BY customer_id LIMIT $1",
        )
        .bind(i64::from(count))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(|row| Ok(Pii::new(row.text("phone_key")?))).collect()
    }
}

/// The card of the customer in `row`.
async fn card(
    mut looker: Looker<'_>,
    row: Option<AnyRow>,
    now: Wall,
) -> Result<Option<CustomerCard>> {
    let Some(row) = row else {
        looker.done();
        return Ok(None);
    };
    let customer_id = row.text("customer_id")?;
    let policies = sqlx::query(
        "SELECT * FROM policies WHERE customer_id = $1
         ORDER BY starts_on DESC, policy_number DESC LIMIT $2",
    )
    .bind(customer_id.as_str())
    .bind(POLICIES_LIMIT)
    .fetch_all(&mut looker.connection)
    .await?;
    let claims = sqlx::query(
        "SELECT k.* FROM claims k JOIN policies p ON p.policy_number = k.policy_number
         WHERE p.customer_id = $1 ORDER BY k.lost_on DESC, k.claim_number DESC",
    )
    .bind(customer_id.as_str())
    .fetch_all(&mut looker.connection)
    .await?;
    looker.done();
    let mut claims_of: BTreeMap<String, Vec<ClaimSummary>> = BTreeMap::new();
    for claim in &claims {
        let of = claims_of.entry(claim.text("policy_number")?).or_default();
        if of.len() < CLAIMS_LIMIT {
            of.push(read_claim(claim)?);
        }
    }
    let today = day_of(now);
    let mut cards = Vec::with_capacity(policies.len());
    for policy in &policies {
        let mut card = read_policy(policy, &today)?;
        card.claims = claims_of.remove(&card.policy_number).unwrap_or_default();
        cards.push(card);
    }
    Ok(Some(CustomerCard {
        customer_id,
        name: Pii::new(row.text("name")?),
        phone: Pii::new(row.text("phone_key")?),
        identity_number: Pii::new(row.text("identity_number")?),
        class: row.text("class")?,
        city: row.text("city")?,
        steward: row.maybe_text("steward")?.map(AgentId::from),
        policies: cards,
    }))
}

/// The policy in `row` as it is on `today`, without its claims.
fn read_policy(row: &AnyRow, today: &str) -> Result<PolicyCard> {
    let (starts_on, ends_on) = (row.text("starts_on")?, row.text("ends_on")?);
    let surrendered = row.maybe_text("surrendered_on")?;
    let status = if surrendered.is_some_and(|day| day.as_str() <= today) {
        PolicyStatus::Surrendered
    } else if today < starts_on.as_str() {
        PolicyStatus::NotYetInForce
    } else if today <= ends_on.as_str() {
        PolicyStatus::InForce
    } else {
        PolicyStatus::Expired
    };
    Ok(PolicyCard {
        policy_number: row.text("policy_number")?,
        product: row.text("product")?,
        plate: Pii::new(row.text("plate")?),
        vehicle: row.text("vehicle")?,
        status,
        starts_on,
        ends_on,
        premium_fen: row.int("premium_fen")?,
        claims: Vec::new(),
    })
}

fn read_claim(row: &AnyRow) -> Result<ClaimSummary> {
    Ok(ClaimSummary {
        claim_number: row.text("claim_number")?,
        lost_on: row.text("lost_on")?,
        status: row.text("status")?,
        paid_fen: row.int("paid_fen")?,
    })
}
