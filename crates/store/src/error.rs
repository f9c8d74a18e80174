//! What can go wrong with the database, each with what to do about it.

use std::path::PathBuf;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another engine has this database.
    #[error(
        "database {database} is in use by another hotline{holder}: stop it, or give this one a \
         database of its own"
    )]
    LockedByAnother {
        /// The file, or the PostgreSQL database without its password.
        database: String,
        /// ` (process N)` where it is known.
        holder: String,
    },
    /// The database cannot be opened.
    #[error("cannot open database {database}: {reason}")]
    CannotOpen {
        /// The file, or the PostgreSQL database without its password.
        database: String,
        /// What the driver said, and what to do.
        reason: String,
    },
    /// A file beside the database cannot be used.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database was written by a newer hotline, or its schema was changed by hand.
    #[error("database {database} does not fit this version of hotline: {reason}")]
    Schema {
        /// The file, or the PostgreSQL database without its password.
        database: String,
        /// Which migration, and why.
        reason: String,
    },
    /// A stored value cannot be read back.
    #[error("table {table}, row {row}: {reason}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row: its key.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A page's cursor was not made by this store.
    #[error("'{0}' is not a cursor of this list: start again without one")]
    BadCursor(String),
    /// The database did not answer in time.
    #[error("database: no answer")]
    NoAnswer,
    /// The database refused or failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

/// What the store answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;
