//! Call flows of the RFCs, message by message: the transaction layer and a leg are one end of the
//! wire, the figure's messages are the other. Each test is named after its section.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod line;
mod random_peer;
mod rfc3262;
mod rfc3515;
mod rfc3665;
mod rfc3665_proxies;
mod rfc4028;
mod rfc5359;
