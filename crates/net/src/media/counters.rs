//! What the media workers count: written by each worker once a tick, read by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident)*) => {
        /// Counts since the start, over all workers.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The shared side of [`Counters`].
        #[derive(Debug, Default)]
        pub(crate) struct SharedCounters {
            $($name: AtomicU64,)*
        }

        impl SharedCounters {
            /// Adds what was counted since the last time, and starts again from zero.
            pub(crate) fn take(&self, counted: &mut Counters) {
                let counted = std::mem::take(counted);
                $(if counted.$name > 0 {
                    self.$name.fetch_add(counted.$name, Ordering::Relaxed);
                })*
            }

            /// What was counted up to now.
            pub(crate) fn read(&self) -> Counters {
                Counters { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Legs opened.
    legs_opened
    /// Legs closed.
    legs_closed
    /// RTP packets taken.
    packets_received
    /// RTP packets sent.
    packets_sent
    /// Datagrams from an address that is not the leg's: dropped.
    refused_source
    /// Datagrams that are neither RTP nor RTCP, or of a payload type that was not agreed: dropped.
    refused_content
    /// Datagrams to a leg whose packets are protected (SRTP) that were not, or not with its key, or
    /// that were there before: dropped.
    refused_forged
    /// Datagrams on a port for browsers that look like a check of ICE and are none with the
    /// password of a leg there: dropped, and not answered.
    refused_checks
    /// RTCP packets taken.
    reports_received
    /// RTCP packets sent.
    reports_sent
    /// Legs that found no port for RTCP.
    report_ports_missing
    /// Packets that the system did not take, or that could not be protected.
    send_errors
    /// Packets for a recording that found its recorder's queue full: silence in the file.
    taps_dropped
    /// Commands that named an unknown leg or recording, a prompt that is not there, or more
    /// parties than a mix can have.
    commands_unknown
    /// Events dropped because nobody took them for long.
    events_dropped
    /// Times a worker woke.
    ticks
    /// Frames that were not sent because a worker woke too late for them.
    frames_skipped
}
