//! BYEs whose legs are gone: what a carrier that challenges one is answered (RFC 3261 §22.3).

use call::Farewell;
use model::Found;
use sip::{ClientTx, Flow, Message, ToBrain};

use crate::Callflow;

/// How many BYEs may wait for their final response with what a challenge is answered with. Each is
/// over after 64 × T1 (32 s) at the latest; one more leaves without, and ends our side all the same.
const FAREWELLS_MAX: usize = 10_000;

/// BYEs that have no final response.
#[derive(Debug, Default)]
pub(crate) struct Farewells(Found<ClientTx, Box<Farewell>>);

impl Farewells {
    fn keep(&mut self, tx: ClientTx, farewell: Box<Farewell>) {
        if self.0.len() < FAREWELLS_MAX {
            self.0.insert(tx, farewell);
        }
    }
}

impl Callflow {
    /// A leg says goodbye.
    pub(crate) fn bid_farewell(
        &mut self,
        (message, flow): (Message, Flow),
        farewell: Option<Box<Farewell>>,
    ) {
        let tx = self.send(message, flow);
        if let Some(farewell) = farewell {
            self.farewells.keep(tx, farewell);
        }
    }

    /// What became of a BYE; false if it is about something else.
    pub(crate) fn handle_farewell_event(&mut self, event: &ToBrain) -> bool {
        match event {
            ToBrain::Response { tx, message, .. } => {
                if message.status().is_some_and(|status| status < 200) {
                    return self.farewells.0.contains_key(tx);
                }
                let Some(mut farewell) = self.farewells.0.remove(tx) else { return false };
                if let Some(again) = farewell.handle_response(message) {
                    self.bid_farewell(again, Some(farewell));
                }
                true
            }
            ToBrain::Timeout { tx } | ToBrain::TransportFailed { tx } => {
                self.farewells.0.remove(tx).is_some()
            }
            ToBrain::Request { .. }
            | ToBrain::Ack { .. }
            | ToBrain::Cancelled { .. }
            | ToBrain::AckTimeout { .. }
            | ToBrain::FlowClosed { .. } => false,
        }
    }
}
