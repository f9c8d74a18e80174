//! Which carrier or branch sent an INVITE, and what the dialled number means.
