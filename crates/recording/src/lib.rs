//! What is taped: timeline, seals.
