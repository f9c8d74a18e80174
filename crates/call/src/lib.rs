//! Legs: one party's dialog and stream, from the INVITE to the end.
//!
//! A [`Leg`] knows SIP's rules of a dialog's life (RFC 3261 §12 to §15) and of offer and answer
//! (RFC 3264); what the call does with it is decided above, in `callflow`. Like every machine here
//! it is fed inputs and drained of [`Output`]s, and owns no clock.

mod cause;
mod invite;
mod leg;
mod request;
mod token;

pub use cause::{missed, reason};
pub use leg::{ALLOW, Description, Invitation, Leg, LegState, Output};
pub use token::Tokens;
