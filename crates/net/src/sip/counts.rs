//! What the workers count: each worker writes its own, whoever asks reads the sum.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident)*) => {
        /// What the workers counted since they started.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// One worker's counts, for others to read.
        #[derive(Debug, Default)]
        pub(super) struct Shared {
            $($name: AtomicU64,)*
        }

        impl Shared {
            pub(super) fn write(&self, counts: &Counts) {
                $(self.$name.store(counts.$name, Ordering::Relaxed);)*
            }

            pub(super) fn add_to(&self, sum: &mut Counts) {
                $(sum.$name += self.$name.load(Ordering::Relaxed);)*
            }
        }
    };
}

counts! {
    /// Datagrams and stream messages that came.
    received
    /// Datagrams and stream messages that left.
    sent
    /// Dropped because of their source.
    not_admitted
    /// Dropped because they were no SIP.
    malformed
    /// Dropped because their source is banned.
    banned
    /// Sources that are banned now.
    bans
    /// Absorbed as retransmissions.
    retransmissions
    /// Requests refused by the worker itself for a rule of SIP.
    refused
    /// Requests answered with 503 by the worker itself.
    overloaded
    /// Messages that could not be sent.
    send_failures
    /// Messages that a HEP collector was not told of: its queue was full, or they were too long.
    hep_dropped
    /// Connections closed for a limit, a time-out or broken framing.
    connections_closed
    /// Connections now.
    connections
    /// Transactions now.
    transactions
}
