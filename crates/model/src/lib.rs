//! The nouns that more than two rooms share: time, ids, names, people, facts.
//!
//! Nothing here does I/O, reads a clock or makes a random number; nothing here decides anything.
//! The `serde` feature is for the edges alone (`store`, `web`, `engine`).

mod agent;
mod customer;
mod day;
mod decision;
mod dialog;
mod fact;
mod found;
mod id;
mod name;
mod outcome;
mod permission;
mod pii;
mod quality;
mod step;
mod taping;
mod time;
mod transfer;

pub use agent::{AgentAction, AgentState, AgentStatus, AgentTotals, NotReadyReason};
pub use customer::{ClaimSummary, CustomerCard, Lookup, PolicyCard, PolicyStatus};
pub use day::AgentDay;
pub use decision::{Choice, Decision, Exclusion, MAX_NEXT, Reason, Turn};
pub use dialog::{DialogSnapshot, Transport};
pub use fact::{Fact, FactBody, LegRole, OverflowTarget, RefusalKind, SCHEMA_VERSION, Seal};
pub use found::{Found, Spread};
pub use id::{CallId, Id, IdSource, LegId, OfferId, ParseIdError, PlayId, RecordingId};
pub use name::{AgentId, PromptId, QueueId, TrunkId, UserId};
pub use outcome::{Direction, HangupCause, MissedCause, Outcome};
pub use permission::{Permission, Role, Tier};
pub use pii::{Masked, Pii, stored};
pub use quality::{LineQuality, VoiceQuality};
pub use step::{Opened, Opens};
pub use taping::{Certificate, Deletion, PauseReason, UnpauseCause};
pub use time::{Mono, Wall};
pub use transfer::{Target, TransferEnd, TransferKind};
