//! Facts folded into call records and figures.
