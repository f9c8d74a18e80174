//! SIP messages, transactions, dialogs, digest, registrar.
