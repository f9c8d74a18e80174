//! Whether the graph of a script makes sense.
