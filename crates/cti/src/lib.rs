//! What a desktop is told and may ask.
