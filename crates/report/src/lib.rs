//! Facts folded into call records and figures.
//!
//! [`CallRecords`] makes exactly one [`CallRecord`] per call, and knows after a restart which calls
//! were in progress. [`Figures`] counts what a board and a metrics page show. Both are pure folds:
//! the same facts give the same records and figures, whenever they are folded.

mod agent_times;
mod call_records;
mod figures;
mod fold;
mod open_call;
mod record;
mod service_level;

pub use agent_times::{Doing, Done, occupancy_permille};
pub use call_records::{CallRecords, Limits, Recovered};
pub use figures::{Config as FiguresConfig, Counts, Figures, Outcomes, QueueFigures, Waits};
pub use open_call::{OpenCall, OpenDialog, OpenRecording};
pub use record::{CallLeg, CallRecord, Input, Message, Offer, Overflow, Recording, Transfer};
pub use service_level::ServiceLevel;
