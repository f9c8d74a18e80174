//! Who is calling: query, deadline, cache.
