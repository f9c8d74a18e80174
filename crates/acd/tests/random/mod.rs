//! Random small call centers, and the rules that must hold in them.

pub(crate) mod reference;
pub(crate) mod world;
