//! Who is calling: query, deadline, cache, and the answers "unknown", "late" and "failed".
//!
//! [`Lookup`] is asked when an INVITE arrives, so that the answer is there when the screen pop
//! is. It never delays a call: an answer that is not there at the deadline is `late`, and only
//! fills the cache for the customer's next call. Calls from one number share one query.

mod cache;
mod lookup;
mod phone;

pub use lookup::{Config, Failed, Lookup, Output};
pub use phone::normalise;
