//! Hotline: a call-center telephony engine for an insurer's national number.

pub mod config;
