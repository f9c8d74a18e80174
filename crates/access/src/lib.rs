//! Who may do what, and how guessing passwords is stopped.
//!
//! * [`Tiers`]: the agents' levels and what each may do; level k's permissions are a subset of
//!   level k+1's, checked when the configuration is read.
//! * [`Principal`] and [`may`]: one question, one answer, one [`Refused`] to audit.
//! * [`Lockout`]: wrong passwords are slowed and then locked, by user and by source.
//!
//! Passwords themselves are verified by the engine; nothing here reads a clock.

mod lockout;
mod principal;
mod table;
mod tiers;

pub use lockout::{Limits, Lockout, LockoutConfig, Remembered, Verdict};
pub use principal::{Principal, PrincipalError, Refused, may, role_permissions};
pub use tiers::{MAX_TIERS, Tiers, TiersError, is_tier_permission};
