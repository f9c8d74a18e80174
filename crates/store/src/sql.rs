//! Statements put together from parts, and rows read by name.

use model::Wall;
use serde::Serialize;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{
    Any, AnyConnection, Arguments, AssertSqlSafe, Connection, Database, Encode, Executor, Row,
    Sqlite, Type,
};

use crate::error::{Error, Result};

/// A statement in the making. Values only ever enter as parameters.
pub(crate) struct Sql {
    text: String,
    arguments: AnyArguments,
}

impl Sql {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), arguments: AnyArguments::default() }
    }

    /// Adds text of our own.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter and its place, `$n`.
    pub(crate) fn bind<'t, T>(&mut self, value: T) -> Result<&mut Self>
    where
        T: Encode<'t, Any> + Type<Any>,
    {
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        self.text.push('$');
        self.text.push_str(&self.arguments.len().to_string());
        Ok(self)
    }

    /// Adds `" AND …"`, `text` followed by a parameter, if there is a value.
    pub(crate) fn and_if<'t, T>(
        &mut self,
        text: &'static str,
        value: Option<T>,
    ) -> Result<&mut Self>
    where
        T: Encode<'t, Any> + Type<Any>,
    {
        match value {
            Some(value) => self.push(text).bind(value),
            None => Ok(self),
        }
    }

    /// Adds `$1, $2, …`.
    pub(crate) fn bind_list<'t, T>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<&mut Self>
    where
        T: Encode<'t, Any> + Type<Any>,
    {
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            self.bind(value)?;
        }
        Ok(self)
    }

    pub(crate) async fn fetch_all<'c>(
        self,
        on: impl Executor<'c, Database = Any>,
    ) -> Result<Vec<AnyRow>> {
        Ok(sqlx::query_with(AssertSqlSafe(self.text), self.arguments).fetch_all(on).await?)
    }

    pub(crate) async fn execute<'c>(self, on: impl Executor<'c, Database = Any>) -> Result<u64> {
        let done = sqlx::query_with(AssertSqlSafe(self.text), self.arguments).execute(on).await?;
        Ok(done.rows_affected())
    }
}

/// The most rows that one INSERT carries: 256 rows of our widest table stay below SQLite's 32,766
/// parameters.
const ROWS_LIMIT: usize = 256;

/// A value of a row to insert. Text is cleaned of NUL, which PostgreSQL cannot store.
pub(crate) enum Value {
    /// BIGINT.
    Int(i64),
    /// BIGINT or NULL.
    MaybeInt(Option<i64>),
    /// TEXT.
    Text(String),
    /// TEXT or NULL.
    MaybeText(Option<String>),
}

impl Value {
    /// TEXT that is JSON.
    ///
    /// # Errors
    /// It is none: a map's key that is no text.
    pub(crate) fn json<T: Serialize>(value: &T) -> Result<Self> {
        let encode = |error| Error::Database(sqlx::Error::Encode(Box::new(error)));
        serde_json::to_string(value).map(Self::Text).map_err(encode)
    }
}

/// Inserts rows of `N` columns: `INSERT INTO head VALUES (…), (…) tail`, many rows a statement.
/// Statements carry powers of two of rows, so that few different texts are prepared. Returns how
/// many rows the database says were written.
pub(crate) async fn insert_rows<const N: usize>(
    connection: &mut AnyConnection,
    head: &str,
    rows: Vec<[Value; N]>,
    tail: &str,
) -> Result<u64> {
    let mut batch = Batch::for_connection(connection);
    batch.insert(head, rows, tail);
    let mut written = 0;
    for statement in batch.statements {
        written += statement.execute(connection).await?;
    }
    Ok(written)
}

/// The most values of a transaction that is executed at once.
const AT_ONCE: usize = 384;

/// The statements of one transaction.
pub(crate) struct Batch {
    numbered: bool,
    statements: Vec<Statement>,
}

struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Batch {
    pub(crate) fn for_connection(connection: &AnyConnection) -> Self {
        Self { numbered: connection.backend_name() != Sqlite::NAME, statements: Vec::new() }
    }

    /// Adds a statement of our own, with a `?` for each value.
    pub(crate) fn add(&mut self, text: &'static str, values: Vec<Value>) {
        let text = if self.numbered { number(text) } else { text.to_owned() };
        self.statements.push(Statement { text, values });
    }

    /// Adds a statement that ends with a list of all these values, or several.
    pub(crate) fn add_for_each_of(&mut self, text: &'static str, values: Vec<Value>) {
        let mut values = values.into_iter();
        while values.len() > 0 {
            let some: Vec<Value> = values.by_ref().take(ROWS_LIMIT).collect();
            let places = vec!["?"; some.len()].join(", ");
            let text = format!("{text} ({places})");
            let text = if self.numbered { number(&text) } else { text };
            self.statements.push(Statement { text, values: some });
        }
    }

    /// Adds what [`insert_rows`] does.
    pub(crate) fn insert<const N: usize>(&mut self, head: &str, rows: Vec<[Value; N]>, tail: &str) {
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        while left > 0 {
            let count = ROWS_LIMIT.min(1 << left.ilog2());
            let text = insert_text(head, count, N, tail, self.numbered);
            let values = rows.by_ref().take(count).flatten().collect();
            self.statements.push(Statement { text, values });
            left -= count;
        }
    }

    /// Executes all of it or nothing. After an error the connection is not to be used again: it may
    /// be within the transaction.
    ///
    /// SQLite gets what is small at once: sqlx serves it from a thread of its own, and each way
    /// there and back costs more than most statements. What is large would fill the connection's
    /// memory of prepared statements with texts that hardly ever come again.
    pub(crate) async fn commit(self, on: &mut AnyConnection, begin: &'static str) -> Result<()> {
        let values: usize = self.statements.iter().map(|statement| statement.values.len()).sum();
        if self.numbered || values > AT_ONCE {
            let mut transaction = on.begin_with(begin).await?;
            for statement in self.statements {
                statement.execute(&mut transaction).await?;
            }
            return Ok(transaction.commit().await?);
        }
        let mut all = Statement { text: begin.to_owned(), values: Vec::new() };
        for statement in self.statements {
            all.text.push_str("; ");
            all.text.push_str(&statement.text);
            all.values.extend(statement.values);
        }
        all.text.push_str("; COMMIT");
        all.execute(on).await?;
        Ok(())
    }
}

impl Statement {
    async fn execute(self, on: &mut AnyConnection) -> Result<u64> {
        let mut arguments = AnyArguments::default();
        arguments.reserve(self.values.len(), 0);
        for value in self.values {
            add(&mut arguments, value)?;
        }
        let query = sqlx::query_with(AssertSqlSafe(self.text), arguments);
        Ok(query.execute(on).await?.rows_affected())
    }
}

/// `$1`, `$2`, … in place of each `?`.
fn number(text: &str) -> String {
    let mut parts = text.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (at, part) in parts.enumerate() {
        numbered.push('$');
        numbered.push_str(&(at + 1).to_string());
        numbered.push_str(part);
    }
    numbered
}

/// `numbered` writes `$1, $2, …`. SQLite takes those for names, and looks up each among all: with
/// thousands of them most of the time goes there, so it is given plain `?`.
fn insert_text(head: &str, rows: usize, columns: usize, tail: &str, numbered: bool) -> String {
    let mut text = String::with_capacity(head.len() + tail.len() + 20 + rows * columns * 6);
    text.push_str("INSERT INTO ");
    text.push_str(head);
    text.push_str(" VALUES ");
    let mut number = 0;
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            number += 1;
            text.push_str(if column == 0 { "" } else { ", " });
            if numbered {
                text.push('$');
                text.push_str(&number.to_string());
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
    text.push(' ');
    text.push_str(tail);
    text
}

fn add(arguments: &mut AnyArguments, value: Value) -> Result<()> {
    match value {
        Value::Int(value) => arguments.add(value),
        Value::MaybeInt(value) => arguments.add(value),
        Value::Text(value) => arguments.add(clean(value)),
        Value::MaybeText(value) => arguments.add(value.map(clean)),
    }
    .map_err(|error| Error::Database(sqlx::Error::Encode(error)))
}

/// PostgreSQL has no NUL in text; a caller's header may.
fn clean(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Values of a row by name.
pub(crate) trait Columns {
    fn text(&self, column: &str) -> Result<String>;
    fn maybe_text(&self, column: &str) -> Result<Option<String>>;
    fn int(&self, column: &str) -> Result<i64>;
    fn maybe_int(&self, column: &str) -> Result<Option<i64>>;

    fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    fn wall(&self, column: &str) -> Result<Wall> {
        self.int(column).map(Wall)
    }

    fn maybe_wall(&self, column: &str) -> Result<Option<Wall>> {
        Ok(self.maybe_int(column)?.map(Wall))
    }

    fn maybe_ms(&self, column: &str) -> Result<Option<u64>> {
        Ok(self.maybe_int(column)?.and_then(|ms| u64::try_from(ms).ok()))
    }
}

impl Columns for AnyRow {
    fn text(&self, column: &str) -> Result<String> {
        Ok(self.try_get(column)?)
    }

    fn maybe_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn int(&self, column: &str) -> Result<i64> {
        Ok(self.try_get(column)?)
    }

    fn maybe_int(&self, column: &str) -> Result<Option<i64>> {
        Ok(self.try_get(column)?)
    }
}

/// A count or duration as the database keeps it; beyond 2^63 it stays there.
pub(crate) fn big(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{insert_text, number};

    #[test]
    fn a_statement_is_numbered_for_who_counts() {
        assert_eq!(number("UPDATE t SET a = ? WHERE b = ?"), "UPDATE t SET a = $1 WHERE b = $2");
        assert_eq!(number("COMMIT"), "COMMIT");
    }

    #[test]
    fn each_database_gets_the_parameters_it_reads_fastest() {
        let numbered = insert_text("t (a, b)", 2, 2, "ON CONFLICT DO NOTHING", true);
        assert_eq!(
            numbered,
            "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING"
        );
        let plain = insert_text("t (a, b)", 2, 2, "", false);
        assert_eq!(plain, "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ");
    }
}
