//! Queues, tiers, agents and the distribution of calls.
//!
//! **Which call**: the one with the highest score among those that the agent may take now. The
//! score of a call is one integer, in nanoseconds: the time since it `entered`, plus its head start
//! (that of its queue and its own). A call that comes back from a missed offer keeps its `entered`.
//! Equal scores go by the call's id. Head starts are bounded ([`MAX_HEAD_START_MS`]), so nobody
//! starves: a call is never overtaken by one that entered later than that.
//!
//! **Which agent**: the longest idle among those who may take the call now; equal times go by the
//! agent's id. An agent who was offered a call that hung up before the answer keeps the old time.
//!
//! **Who may take a call now**: an agent who is `Ready`, has nothing to do, has a phone that can be
//! rung, serves the call's queue, is of a tier that the call has reached there ([`TierStep`]), and
//! whose tier holds the permission that the call needs, if it needs one.
//!
//! After every input and every timer no such agent is left idle while such a call waits. Timers act
//! at their deadline, not when the engine comes to look: an input runs what is due before it, so
//! the same inputs at the same times give the same outputs however late `handle_timeout` is called.
//!
//! One shape as everywhere: [`Acd::handle_input`], [`Acd::handle_timeout`], [`Acd::poll_output`],
//! [`Acd::poll_timeout`]. Inputs and outputs are values that could cross a network; what comes too
//! late (an answer to an offer that was withdrawn) is ignored, what cannot be is refused by an
//! [`Output`].

mod acd;
mod agent;
mod call;
mod config;
mod engage;
mod input;
mod invite;
mod line;
mod offer;
mod output;
mod presence;
mod queue;
mod timer;
mod view;
#[cfg(test)]
mod walk_tests;

pub use acd::Acd;
pub use config::{
    AgentConfig, Config, ConfigError, MAX_HEAD_START_MS, MAX_STEPS, QueueConfig, TierStep,
};
pub use input::{Input, RestoredAcw, RestoredAgent};
pub use output::{NotEnqueued, Output, Refusal, Withdrawal};
pub use view::{AgentView, MissedCounts, Position, QueueView};
