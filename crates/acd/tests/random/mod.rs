//! Random small call centers, and the rules that must hold in them.

mod answered;
mod callbacks;
mod configured;
mod figures;
mod limits;
pub(crate) mod reference;
pub(crate) mod world;
