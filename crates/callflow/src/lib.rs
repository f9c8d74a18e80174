//! The order of it all: one machine over the rooms.
