//! What transaction layer and transaction user say to each other.
//!
//! The layer absorbs retransmissions, answers CANCEL itself, repeats a 2xx to an INVITE until its
//! ACK has come, and repeats the ACK when a 2xx is repeated. The user sees each thing once.

use crate::{Flow, Message};

/// A server transaction: one request that came. The top 8 bits are its worker's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTx(pub u64);

/// A client transaction: one request of ours, numbered by whoever sends it. The top 8 bits are the
/// number of the worker that shall run it, and the whole number is used once while the engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientTx(pub u64);

impl ServerTx {
    /// Which worker runs it.
    pub const fn worker(self) -> u8 {
        (self.0 >> 56) as u8
    }
}

impl ClientTx {
    /// The `counter`th transaction of `worker`. Bits of the counter beyond 56 are dropped.
    pub const fn new(worker: u8, counter: u64) -> Self {
        Self((worker as u64) << 56 | counter & 0x00ff_ffff_ffff_ffff)
    }

    /// Which worker runs it.
    pub const fn worker(self) -> u8 {
        (self.0 >> 56) as u8
    }
}

/// A Call-ID as a number, by FNV-1a. The same in every worker and every run; two Call-IDs may have
/// the same.
pub fn hash_of(call_id: &str) -> u64 {
    call_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Which of `workers` has the transactions of a Call-ID. The same in every worker and every run.
pub fn worker_of(call_id: &str, workers: usize) -> u8 {
    // One more turn, for Call-IDs may differ in their last letter alone.
    let hash = hash_of(call_id);
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd) >> 33;
    let number = usize::try_from(mixed).unwrap_or(0) % workers.max(1);
    u8::try_from(number).unwrap_or(0)
}

/// What the transaction layer reports.
#[derive(Debug, Clone)]
pub enum ToBrain {
    /// A new request, validated: everything but ACK and CANCEL.
    Request {
        /// Answer it by this.
        tx: ServerTx,
        /// The request.
        message: Message,
        /// How it came.
        flow: Flow,
    },
    /// The ACK for a 2xx of ours; only the first.
    Ack {
        /// The ACK.
        message: Message,
        /// How it came.
        flow: Flow,
    },
    /// An INVITE that has no final response was cancelled; the CANCEL is answered. Answer the
    /// INVITE with 487.
    Cancelled {
        /// The INVITE.
        tx: ServerTx,
        /// The CANCEL, which may say why (RFC 3326).
        cancel: Message,
    },
    /// Our 2xx was repeated for 64 × T1 and never acknowledged (RFC 3261 §13.3.1.4): send BYE.
    AckTimeout {
        /// The INVITE.
        tx: ServerTx,
    },
    /// A response to a request of ours: each provisional one, the final one, and of an INVITE each
    /// forked 2xx once; also each 2xx, and every copy of it, that comes when the INVITE has failed
    /// or is over, as long as they are not too many.
    Response {
        /// The request.
        tx: ClientTx,
        /// The response.
        message: Message,
        /// How it came.
        flow: Flow,
    },
    /// Nobody answered (timers B and F): treat as 408.
    Timeout {
        /// The request.
        tx: ClientTx,
    },
    /// The request could not be sent or the table is full: treat as 503.
    TransportFailed {
        /// The request.
        tx: ClientTx,
    },
    /// A connection is gone.
    FlowClosed {
        /// Which.
        flow: Flow,
    },
}

/// What the transaction user asks for.
#[derive(Debug, Clone)]
pub enum FromBrain {
    /// Answer a request; provisional, then final.
    Respond {
        /// The request.
        tx: ServerTx,
        /// The response, made by [`ResponseBuilder`](crate::ResponseBuilder).
        message: Message,
    },
    /// Send a request. The layer adds the Via.
    Request {
        /// A number that was never used before.
        tx: ClientTx,
        /// The request, without Via.
        message: Message,
        /// Where to.
        flow: Flow,
    },
    /// Cancel an INVITE of ours. The layer makes the CANCEL and, where nothing has come yet, waits
    /// for a provisional response first (RFC 3261 §9.1). The INVITE's final response or a
    /// [`ToBrain::Timeout`] still comes.
    Cancel {
        /// The INVITE.
        tx: ClientTx,
        /// The value of the CANCEL's Reason header (RFC 3326); empty for none.
        reason: &'static str,
    },
    /// Acknowledge a 2xx. The layer adds the Via, keeps the ACK and repeats it with the 2xx.
    Ack {
        /// The INVITE.
        tx: ClientTx,
        /// The ACK, without Via.
        message: Message,
        /// Where to.
        flow: Flow,
    },
}

#[cfg(test)]
mod tests {
    use super::{ClientTx, worker_of};

    #[test]
    fn call_ids_are_shared_out_evenly_and_always_alike() {
        let mut shares = [0; 4];
        for number in 0..4_000 {
            let call_id = format!("{number:016x}");
            let worker = worker_of(&call_id, 4);
            assert_eq!(worker_of(&call_id, 4), worker);
            shares[usize::from(worker)] += 1;
            assert_eq!(worker_of(&call_id, 1), 0);
            assert_eq!(worker_of(&call_id, 0), 0);
        }
        assert!(shares.iter().all(|share| (800..=1_200).contains(share)), "{shares:?}");
    }

    #[test]
    fn a_transactions_number_names_its_worker() {
        assert_eq!(ClientTx::new(3, u64::MAX).worker(), 3);
        assert_ne!(ClientTx::new(3, 7), ClientTx::new(2, 7));
    }
}
