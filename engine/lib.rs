//! Hotline: a call-center telephony engine.
