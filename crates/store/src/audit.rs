//! Who signed in, who was refused what, who saw personal data, who played which recording, who
//! steered.

use model::{Fact, RefusalKind, UserId, Wall};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::facts;
use crate::open::Store;
use crate::page::{Page, PageRequest};
use crate::sql::{Columns, Sql};

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// From this time on.
    pub from: Option<Wall>,
    /// Before this time.
    pub to: Option<Wall>,
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only refusals of this kind.
    pub refusal: Option<RefusalKind>,
}

impl Store {
    /// The audit, newest first: facts `SessionOpened`, `Refused`, `Unmasked`,
    /// `Played`, `Traced`, `Steered` and `PlanSwitched`.
    pub async fn audit(&self, filter: &AuditFilter, request: &PageRequest) -> Result<Page<Fact>> {
        // The condition is the index's own, so that it is used.
        let mut sql = Sql::new(
            "SELECT * FROM facts
             WHERE kind IN ('session_opened', 'refused', 'unmasked', 'played', 'traced', 'steered',
                            'plan_switched')",
        );
        sql.and_if(" AND wall_us >= ", filter.from.map(|wall| wall.0))?
            .and_if(" AND wall_us < ", filter.to.map(|wall| wall.0))?
            .and_if(" AND subject = ", filter.user.as_ref().map(UserId::as_str))?;
        if let Some(kind) = filter.refusal {
            let kind = serde_json::json!(kind);
            sql.push(" AND kind = 'refused' AND body LIKE ").bind(format!("%\"kind\":{kind}%"))?;
        }
        if let Some((wall, key)) = request.key()? {
            let [site, epoch, seq] = numbers(&key).ok_or(Error::BadCursor(key))?;
            sql.push(" AND (wall_us, site, epoch, seq) < (")
                .bind_list([wall.0, site, epoch, seq])?;
            sql.push(")");
        }
        sql.push(" ORDER BY wall_us DESC, site DESC, epoch DESC, seq DESC LIMIT ");
        sql.bind(request.rows())?;
        let rows = sql.fetch_all(self.readers()).await?;
        let keyed = rows.iter().map(|row| Ok((row.wall("wall_us")?, key(row)?, row)));
        let page =
            request.page(keyed.collect::<Result<Vec<_>>>()?, |(wall, key, _)| (*wall, key.clone()));
        let facts = facts::read_all(page.items.into_iter().map(|(_, _, row)| row));
        Ok(Page { items: facts, next: page.next })
    }
}

/// What names a fact within a microsecond.
fn key(row: &AnyRow) -> Result<String> {
    Ok(format!("{}-{}-{}", row.int("site")?, row.int("epoch")?, row.int("seq")?))
}

/// The three numbers of a fact's key.
fn numbers(key: &str) -> Option<[i64; 3]> {
    let mut parts = key.split('-').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}
