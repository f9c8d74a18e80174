//! Hotline: a call-center telephony engine for an insurer's national number.

pub mod accounts;
pub mod archiver;
pub mod assemble;
pub mod backend;
pub mod brain;
pub mod callers;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod figures;
pub mod files;
pub mod health;
pub mod load;
pub mod lookups;
pub mod passwords;
pub mod policies;
pub mod recordings;
pub mod release;
pub mod reload;
pub mod replay;
pub mod retention;
pub mod running;
pub mod scripts;
pub mod stop;
pub mod trace;
