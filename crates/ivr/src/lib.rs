//! The script language of menus, its checker and its interpreter.
//!
//! A script is a TOML file (`ivr-scripts/*.toml`): a graph of nodes that say, ask, look up and at
//! last put the caller into a queue or hang up. [`Script::parse`] reads and checks one;
//! [`Interpreter`] walks it for one call, without a clock, a socket or a sound of its own: digits,
//! the end of a playing, the answers of a look-up and time come in, [`Output`]s go out.
//! [`fragment`] says values (positions, dates, digits) with recorded fragments.

mod check;
mod diagnostic;
pub mod fragment;
mod input;
pub mod interpreter;
mod parse;
mod piece;
mod script;
mod waits;

pub use diagnostic::Diagnostic;
pub use fragment::position_prompts;
pub use input::{Input, identity_number_is_valid};
pub use interpreter::{Interpreter, Output, PolicyAnswer, Query};
pub use piece::{Piece, Value};
pub use script::{
    Accepts, Collect, Each, Enqueue, Known, LookUp, Menu, Node, NodeName, Say, Script,
};
pub use waits::{Wait, WaitSaid, wait_vocabulary};
