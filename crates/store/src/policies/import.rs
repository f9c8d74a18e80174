//! Reading customers and policies from a CSV file: streaming, and never half a row.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Instant;

use csv::ByteRecord;
use sqlx::{AnyConnection, Connection};

use crate::error::Result;
use crate::open::{Durability, Store};
use crate::policies::customer::Customer;
use crate::policies::load::{CUSTOMER_COLUMNS, customer_row, write_policies};
use crate::policies::row::{self, BadRow, Header};
use crate::sql::{Columns, Sql, insert_rows};

/// The columns of a policies file, in any order: name, whether it must be there, what it holds.
/// One line is one policy with its customer. UTF-8, comma, first line the names.
pub const COLUMNS: [(&str, bool, &str); 16] = [
    ("customer_id", true, "the insurer's number of the customer, up to 40 characters"),
    ("name", true, "name, up to 100 characters"),
    ("phone", true, "telephone number, in any spelling"),
    ("identity_number", true, "18 characters with a valid check digit; each customer's own"),
    ("class", false, "excellent, a, b or c; b if empty"),
    ("city", false, "province and city"),
    ("steward", false, "the number of the agent who looks after the customer"),
    ("policy_number", true, "up to 17 digits; unique"),
    ("product", true, "such as 交强险, up to 100 characters"),
    ("plate", true, "plate, up to 20 characters"),
    ("vehicle", true, "make and model, up to 100 characters"),
    ("starts_on", true, "first day, YYYY-MM-DD"),
    ("ends_on", true, "last day, YYYY-MM-DD"),
    ("surrendered_on", false, "the day from which the policy was given back, YYYY-MM-DD"),
    ("premium_yuan", true, "premium, such as 1234.50"),
    ("claims", false, "number/day/closed/yuan or number/day/open, ';' between claims"),
];

/// Lines in one transaction.
const LINES_A_TRANSACTION: usize = 500;

/// What an import tells while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportEvent {
    /// A line was skipped.
    Skipped(BadRow),
    /// So many lines are dealt with.
    Progress {
        /// Lines read, the header not counted.
        lines: u64,
        /// The file's bytes read.
        bytes: u64,
    },
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Lines read, the header not counted.
    pub lines: u64,
    /// Lines whose customer and policy are in the database now.
    pub imported: u64,
    /// Lines that were skipped.
    pub skipped: u64,
}

/// Imports `file`. A customer or policy that is there is updated, so an import can be repeated;
/// bad lines are told and skipped; a file whose header is wrong is not begun, its fault is the one
/// skipped line. After an error of the database, the lines told as progress are imported.
pub async fn import(
    store: &Store,
    file: impl Read,
    mut tell: impl FnMut(ImportEvent),
) -> Result<ImportSummary> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let mut summary = ImportSummary::default();
    let header = match reader.byte_headers() {
        Ok(header) => Header::read(header),
        Err(error) => Err(whole(1, &error)),
    };
    let header = match header {
        Ok(header) => header,
        Err(bad) => {
            summary.skipped = 1;
            tell(ImportEvent::Skipped(bad));
            return Ok(summary);
        }
    };
    let mut connection = store.connect(Durability::Process).await?;
    let mut record = ByteRecord::new();
    let mut more = true;
    while more {
        let mut rows = Vec::with_capacity(LINES_A_TRANSACTION);
        let mut skipped = Vec::new();
        while rows.len() + skipped.len() < LINES_A_TRANSACTION {
            let line = reader.position().line();
            match reader.read_byte_record(&mut record) {
                Ok(false) => {
                    more = false;
                    break;
                }
                Ok(true) => {
                    let line = record.position().map_or(line, csv::Position::line);
                    match row::read(&header, &record, line) {
                        Ok(customer) => rows.push((line, customer)),
                        Err(bad) => skipped.push(bad),
                    }
                }
                Err(error) => {
                    // The reader cannot go on from a broken file.
                    skipped.push(whole(line, &error));
                    more = false;
                    break;
                }
            }
        }
        summary.lines += (rows.len() + skipped.len()) as u64;
        let mut transaction = connection.begin_with(store.begin()).await?;
        let began = Instant::now();
        let written = write(&mut transaction, rows, &mut skipped).await?;
        transaction.commit().await?;
        store.make_way(began.elapsed()).await;
        summary.imported += written;
        summary.skipped += skipped.len() as u64;
        skipped.sort_by_key(|bad| bad.line);
        skipped.into_iter().for_each(|bad| tell(ImportEvent::Skipped(bad)));
        let bytes = reader.position().byte();
        tell(ImportEvent::Progress { lines: summary.lines, bytes });
    }
    connection.close().await?;
    Ok(summary)
}

fn whole(line: u64, error: &csv::Error) -> BadRow {
    BadRow { line, column: "", reason: format!("cannot be read: {error}") }
}

/// Writes the rows that do not contradict what is there or each other; the others are skipped.
/// Returns how many were written.
async fn write(
    on: &mut AnyConnection,
    rows: Vec<(u64, Customer)>,
    skipped: &mut Vec<BadRow>,
) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let mut known = Known::read(on, &rows).await?;
    // Of several lines on one customer, the last one's data stay, with the policies of all.
    let mut customers: BTreeMap<String, Customer> = BTreeMap::new();
    let mut written = 0;
    for (line, customer) in rows {
        if let Err((column, reason)) = known.admit(&customer) {
            skipped.push(BadRow { line, column, reason: reason.to_owned() });
            continue;
        }
        written += 1;
        match customers.get_mut(&customer.customer_id) {
            None => {
                customers.insert(customer.customer_id.clone(), customer);
            }
            Some(before) => {
                let mut policies = std::mem::take(&mut before.policies);
                let numbers = |of: &Customer| of.policies[0].policy_number.clone();
                let number = numbers(&customer);
                policies.retain(|policy| policy.policy_number != number);
                policies.extend(customer.policies.iter().cloned());
                *before = Customer { policies, ..customer };
            }
        }
    }
    let rows = customers.values().map(|customer| customer_row(customer, "imported")).collect();
    let tail = "ON CONFLICT (customer_id) DO UPDATE SET name = excluded.name, \
         phone_key = excluded.phone_key, identity_number = excluded.identity_number, \
         class = excluded.class, city = excluded.city, steward = excluded.steward, \
         source = excluded.source";
    insert_rows(on, CUSTOMER_COLUMNS, rows, tail).await?;
    let policies_tail = "ON CONFLICT (policy_number) DO UPDATE SET product = excluded.product, \
         plate = excluded.plate, vehicle = excluded.vehicle, starts_on = excluded.starts_on, \
         ends_on = excluded.ends_on, surrendered_on = excluded.surrendered_on, \
         premium_fen = excluded.premium_fen";
    let claims_tail = "ON CONFLICT (claim_number) DO UPDATE SET lost_on = excluded.lost_on, \
         status = excluded.status, paid_fen = excluded.paid_fen";
    write_policies(on, customers.values(), policies_tail, claims_tail).await?;
    Ok(written)
}

/// Whose numbers they are, in the database and in the lines before.
struct Known {
    customer_of_policy: BTreeMap<String, String>,
    customer_of_identity: BTreeMap<String, String>,
    policy_of_claim: BTreeMap<String, String>,
}

impl Known {
    /// What the database says about the numbers in `rows`.
    async fn read(on: &mut AnyConnection, rows: &[(u64, Customer)]) -> Result<Self> {
        let customers = || rows.iter().map(|(_, customer)| customer);
        let policies = || customers().flat_map(|customer| &customer.policies);
        let claims = || policies().flat_map(|policy| &policy.claims);
        let numbers = policies().map(|policy| policy.policy_number.as_str());
        let identities = customers().map(|customer| customer.identity_number.reveal().as_str());
        let of_claims = claims().map(|claim| claim.claim_number.as_str());
        Ok(Self {
            customer_of_policy: owners(
                on,
                "SELECT policy_number AS number, customer_id AS owner FROM policies
                 WHERE policy_number IN (",
                numbers.collect(),
            )
            .await?,
            customer_of_identity: owners(
                on,
                "SELECT identity_number AS number, customer_id AS owner FROM customers
                 WHERE identity_number IN (",
                identities.collect(),
            )
            .await?,
            policy_of_claim: owners(
                on,
                "SELECT claim_number AS number, policy_number AS owner FROM claims
                 WHERE claim_number IN (",
                of_claims.collect(),
            )
            .await?,
        })
    }

    /// Takes the numbers of a line, or says which of them is another's.
    fn admit(&mut self, customer: &Customer) -> Result<(), (&'static str, &'static str)> {
        let whose = &customer.customer_id;
        let others = |owner: Option<&String>, whose: &String| owner.is_some_and(|o| o != whose);
        let identity = customer.identity_number.reveal();
        if others(self.customer_of_identity.get(identity), whose) {
            return Err(("identity_number", "belongs to a customer of another customer_id"));
        }
        for policy in &customer.policies {
            if others(self.customer_of_policy.get(&policy.policy_number), whose) {
                return Err(("policy_number", "belongs to another customer"));
            }
            for claim in &policy.claims {
                let owner = self.policy_of_claim.get(&claim.claim_number);
                if others(owner, &policy.policy_number) {
                    return Err(("claims", "has a claim of another policy"));
                }
            }
        }
        self.customer_of_identity.insert(identity.clone(), whose.clone());
        for policy in &customer.policies {
            self.customer_of_policy.insert(policy.policy_number.clone(), whose.clone());
            for claim in &policy.claims {
                self.policy_of_claim
                    .insert(claim.claim_number.clone(), policy.policy_number.clone());
            }
        }
        Ok(())
    }
}

/// The owners of `numbers` by number, those that have one.
async fn owners(
    on: &mut AnyConnection,
    select: &'static str,
    numbers: BTreeSet<&str>,
) -> Result<BTreeMap<String, String>> {
    let mut owners = BTreeMap::new();
    let numbers: Vec<&str> = numbers.into_iter().collect();
    for some in numbers.chunks(LINES_A_TRANSACTION) {
        let mut sql = Sql::new(select);
        sql.bind_list(some.iter().copied())?.push(")");
        for row in &sql.fetch_all(&mut *on).await? {
            owners.insert(row.text("number")?, row.text("owner")?);
        }
    }
    Ok(owners)
}
