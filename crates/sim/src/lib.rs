//! Tests only: seeded clock, carrier, phones, agents, callers.
