//! The least of RTCP (RFC 3550 §6): sender and receiver reports.
