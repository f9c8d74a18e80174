//! RTP and RTCP packets, sequence, RFC 4733 digits.
