//! Queues, tiers, agents and the distribution of calls.
