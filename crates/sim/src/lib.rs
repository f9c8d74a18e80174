//! Tests only: a hotline in virtual time, with a carrier, phones, desktops and a network that
//! loses, delays, doubles and reorders what it carries.
//!
//! Everything below the sockets is the engine's own: the transaction layer and the call flow. Time
//! jumps from event to event, so a day of calls runs in seconds, and a seed replays any run.
//!
//! A [`World`] has the engine and its peers. Tests add [`Party`]s, let time pass by
//! [`World::run_until`], and judge the facts and what each party saw.

mod audit;
mod ears;
mod engine;
mod hotline;
mod left;
mod network;
mod party;
mod plan;
mod world;

pub use audit::{Audit, check};
pub use engine::{DesktopLog, LookupBehaviour};
pub use hotline::{CARRIER, PASSWORD, REALM, Settings, config, settings};
pub use network::Weather;
pub use party::{Media, Party, Saw};
pub use plan::{Answer, CallerPlan, PhonePlan};
pub use world::{PartyId, World};
