//! Legs, bridges and hang-up causes.
