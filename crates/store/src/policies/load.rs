//! Writing generated customers: many rows a statement, once.

use std::collections::BTreeSet;
use std::time::Instant;

use sqlx::{AnyConnection, Connection};

use crate::error::Result;
use crate::open::{Durability, Store};
use crate::policies::customer::Customer;
use crate::policies::generate::{Plan, generate};
use crate::policies::samples::samples;
use crate::sql::{Columns, Sql, Value, insert_rows};

/// Where the state of generating is kept.
const MARKER: &str = "policies.generated";

/// Customers in one transaction: few enough that a call's facts need not wait long for theirs.
const CUSTOMERS_A_TRANSACTION: usize = 500;

/// How far generating is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Customers written so far.
    pub customers: u64,
    /// Of how many.
    pub of: u64,
}

/// What [`ensure_generated`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// It was done before.
    AlreadyThere,
    /// It is done now.
    Made {
        /// Customers written, samples included.
        customers: u64,
        /// Their policies.
        policies: u64,
    },
}

/// Writes the [`samples`] and the customers of `plan`, if that was not done before. What an
/// interrupted run left, or another plan made, is removed first; imported customers stay.
///
/// A plan is the same if its count and seed are: the day moves on, the people stay.
pub async fn ensure_generated(
    store: &Store,
    plan: Plan,
    mut progress: impl FnMut(Progress),
) -> Result<Loaded> {
    let done = format!("done customers={} seed={}", plan.customers, plan.seed);
    let before = store.setting(MARKER).await?;
    if before.as_ref() == Some(&done) {
        return Ok(Loaded::AlreadyThere);
    }
    let mut connection = store.connect(Durability::Process).await?;
    if before.is_some() {
        remove(store, &mut connection).await?;
    }
    store.put_setting(MARKER, "running").await?;
    let of = u64::from(plan.customers.min(Plan::CUSTOMERS_LIMIT));
    let mut made = samples(plan.today).into_iter().chain(generate(plan));
    let (mut customers, mut policies) = (0, 0);
    loop {
        let some: Vec<Customer> = made.by_ref().take(CUSTOMERS_A_TRANSACTION).collect();
        if some.is_empty() {
            break;
        }
        customers += some.len() as u64;
        policies += some.iter().map(|customer| customer.policies.len() as u64).sum::<u64>();
        let mut transaction = connection.begin_with(store.begin()).await?;
        let began = Instant::now();
        write(&mut transaction, &some).await?;
        transaction.commit().await?;
        store.make_way(began.elapsed()).await;
        progress(Progress { customers: customers.min(of), of });
    }
    store.put_setting(MARKER, &done).await?;
    connection.close().await?;
    Ok(Loaded::Made { customers, policies })
}

/// Removes what was generated, in parts.
async fn remove(store: &Store, connection: &mut AnyConnection) -> Result<()> {
    loop {
        let mut transaction = connection.begin_with(store.begin()).await?;
        let began = Instant::now();
        let mut sql = Sql::new(
            "DELETE FROM customers WHERE customer_id IN
             (SELECT customer_id FROM customers WHERE source = 'generated' LIMIT ",
        );
        sql.bind(CUSTOMERS_A_TRANSACTION as i64)?.push(")");
        let removed = sql.execute(&mut *transaction).await?;
        transaction.commit().await?;
        store.make_way(began.elapsed()).await;
        if removed == 0 {
            return Ok(());
        }
    }
}

/// Writes customers whose numbers nobody has. Where an imported customer has one of them, theirs
/// stays and the made-up one is left out.
async fn write(on: &mut AnyConnection, customers: &[Customer]) -> Result<()> {
    let rows = customers.iter().map(|customer| customer_row(customer, "generated")).collect();
    let written = insert_rows(on, CUSTOMER_COLUMNS, rows, "ON CONFLICT DO NOTHING").await?;
    let there = if written == customers.len() as u64 {
        None
    } else {
        let mut sql = Sql::new(
            "SELECT customer_id FROM customers WHERE source = 'generated' AND customer_id IN (",
        );
        sql.bind_list(customers.iter().map(|customer| customer.customer_id.as_str()))?.push(")");
        let rows = sql.fetch_all(&mut *on).await?;
        Some(rows.iter().map(|row| row.text("customer_id")).collect::<Result<BTreeSet<_>>>()?)
    };
    let kept = |customer: &&Customer| {
        there.as_ref().is_none_or(|there| there.contains(&customer.customer_id))
    };
    let kept: Vec<&Customer> = customers.iter().filter(kept).collect();
    write_policies(on, kept.into_iter(), "ON CONFLICT DO NOTHING", "ON CONFLICT DO NOTHING").await
}

/// Writes the policies and claims of customers that are there.
pub(crate) async fn write_policies<'c>(
    on: &mut AnyConnection,
    customers: impl Iterator<Item = &'c Customer>,
    policies_tail: &str,
    claims_tail: &str,
) -> Result<()> {
    let (mut policies, mut claims) = (Vec::new(), Vec::new());
    for customer in customers {
        for policy in &customer.policies {
            policies.push([
                Value::Text(policy.policy_number.clone()),
                Value::Text(customer.customer_id.clone()),
                Value::Text(policy.product.clone()),
                Value::Text(policy.plate.reveal().clone()),
                Value::Text(policy.vehicle.clone()),
                Value::Text(policy.starts_on.to_string()),
                Value::Text(policy.ends_on.to_string()),
                Value::MaybeText(policy.surrendered_on.map(|day| day.to_string())),
                Value::Int(policy.premium_fen),
            ]);
            for claim in &policy.claims {
                claims.push([
                    Value::Text(claim.claim_number.clone()),
                    Value::Text(policy.policy_number.clone()),
                    Value::Text(claim.lost_on.to_string()),
                    Value::Text(if claim.closed { "closed" } else { "open" }.to_owned()),
                    Value::Int(claim.paid_fen),
                ]);
            }
        }
    }
    let head = "policies (policy_number, customer_id, product, plate, vehicle, starts_on, \
         ends_on, surrendered_on, premium_fen)";
    insert_rows(on, head, policies, policies_tail).await?;
    let head = "claims (claim_number, policy_number, lost_on, status, paid_fen)";
    insert_rows(on, head, claims, claims_tail).await?;
    Ok(())
}

/// The columns of [`customer_row`].
pub(crate) const CUSTOMER_COLUMNS: &str =
    "customers (customer_id, name, phone_key, identity_number, class, city, steward, source)";

/// `customer` as a row, without policies.
pub(crate) fn customer_row(customer: &Customer, source: &str) -> [Value; 8] {
    [
        Value::Text(customer.customer_id.clone()),
        Value::Text(customer.name.reveal().clone()),
        Value::Text(customer.phone.reveal().clone()),
        Value::Text(customer.identity_number.reveal().clone()),
        Value::Text(customer.class.clone()),
        Value::Text(customer.city.clone()),
        Value::MaybeText(customer.steward.clone()),
        Value::Text(source.to_owned()),
    ]
}
