//! Schema, migrations, queries on SQLite and PostgreSQL.
//!
//! [`Store`] is the database: SQLite in a file by default, PostgreSQL by a URL. All queries are
//! written once for both. Facts go through one [`Writer`], which tells up to which fact everything
//! is committed: kept in its [`Journal`], a file, from where the database takes them within a tenth
//! of a second, or at once where someone wants to read them ([`Settling`]); all else is a method of
//! [`Store`].
//!
//! How durable: a committed fact survives the death of the process; seals, once the database has
//! them, sessions, accounts, settings and epochs survive a power cut as well.

mod accounts;
mod audit;
mod calls;
mod checkpoint;
mod commit;
mod customers;
mod error;
mod facts;
mod journal;
mod kept;
mod lock;
mod lookers;
mod open;
mod page;
pub mod policies;
mod recent;
mod record_row;
mod recordings;
mod restart;
mod serves;
mod sessions;
mod settings;
mod sql;
mod standing;
mod unarchived;
mod writer;

pub use accounts::{Account, DigestAlgorithms};
pub use audit::AuditFilter;
pub use calls::{CallDetail, CallFilter};
pub use error::{Error, Result};
pub use journal::Journal;
pub use kept::{Certified, KeptRecording};
pub use open::{Kind, Purpose, Store};
pub use page::{Page, PageRequest};
pub use recent::RecentCall;
pub use recordings::{RecordingEntry, Recordings};
pub use restart::{AgentLast, FactKey, Registration};
pub use serves::Serves;
pub use sessions::{Session, token_sha256};
pub use unarchived::Unarchived;
pub use writer::{Full, Limits as WriterLimits, Notice, Pressure, Settling, Writer};
