//! The messages of RFC 4475 and RFC 5118, in our own words, with what is to become of each: for the
//! SIP workers' tests and for those of the whole engine.

pub(crate) mod rfc4475_invalid;
pub(crate) mod rfc4475_layers;
pub(crate) mod rfc4475_valid;
pub(crate) mod rfc5118;
pub(crate) mod row;
