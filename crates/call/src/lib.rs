//! Legs: one party's dialog and stream, from the INVITE to the end.
//!
//! A [`Leg`] knows SIP's rules of a dialog's life (RFC 3261 §12 to §15), of offer and answer
//! (RFC 3264), of REFER (RFC 3515), of reliable provisional responses (RFC 3262) and of session
//! timers (RFC 4028); what the call does with it is decided above, in `callflow`. Like every
//! machine here it is fed inputs and drained of [`Output`]s, and owns no clock.

mod cause;
mod challenge;
mod early;
mod farewell;
mod ice;
mod incoming;
mod info;
mod leg;
mod negotiation;
mod ours;
mod outgoing;
mod outside;
mod reason;
mod redirect;
mod refer;
mod reliable;
mod request;
mod session;
mod token;

pub use cause::{missed, not_reached};
pub use farewell::{Farewell, Unwanted};
pub use leg::{
    ALLOW, Description, Invitation, Leg, LegState, Output, RETRY_AFTER_S, supported, tell_abilities,
};
pub use outside::Outside;
pub use reason::{reason, status_of_cause};
pub use refer::{EVENT, Referral, Replaces, is_quiet};
pub use session::{MIN_SE_S, SessionLimits, interval_too_small};
pub use token::{Tokens, tag_number};
