//! SIP: messages, transactions, dialogs, digest, registrar; one RFC concept a file.
//!
//! Pure: no socket, no clock, no thread, no randomness. Time, addresses and secrets are passed in.

mod address;
mod build;
mod chance;
mod conceal;
mod cseq;
mod cut;
mod dialog;
pub mod digest;
mod exchange;
mod flow;
mod framer;
pub mod locate;
mod message;
mod method;
mod multipart;
mod name;
mod params;
mod parse;
mod registrar;
mod registration;
mod status;
mod transactions;
mod uri;
mod validate;
mod values;
mod via;
mod writer;

pub use address::NameAddr;
pub use build::{RequestBuilder, ResponseBuilder};
pub use chance::Chance;
pub use conceal::{hide_personal, hide_secrets};
pub use cseq::CSeq;
pub use dialog::{Dialog, DialogId, MAX_ROUTES, is_hidden};
pub use exchange::{ClientTx, FromBrain, ServerTx, ToBrain, hash_of, worker_of};
pub use flow::Flow;
pub use framer::{Frame, Framer, FramingError, MAX_HEAD_BYTES};
pub use message::{Defect, Kind, MAX_HEADERS, MAX_MESSAGE_BYTES, Message};
pub use method::Method;
pub use multipart::MAX_PARTS;
pub use name::Name;
pub use params::Params;
pub use parse::ParseError;
pub use registrar::{Binding, Known, Registrar, RegistrarConfig, RegistrarOutput, Unbound};
pub use registration::{RegistrarServer, Registration, RegistrationConfig, RegistrationOutput};
pub use status::reason_phrase;
pub use transactions::{
    MAX_DATAGRAM_REQUEST, MAX_FORKS, MAX_TRANSACTIONS, T1, T1_64, T2, T4, TRYING,
    TransactionCounts, Transactions, TransactionsConfig, TxOutput, worker_of_response,
};
pub use uri::{OwnedUri, Scheme, Uri, escape_user};
pub use validate::{ALLOW, MAX_BODY_BYTES, MAX_URI_BYTES, Refusal, SUPPORTED, require, validate};
pub use via::{MAGIC_COOKIE, Via};
