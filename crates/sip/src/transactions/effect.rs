//! What the machines want done. The table does it.

use std::time::Duration;

use super::timer::Timer;
use crate::{Flow, Message, ToBrain};

/// One wish of a machine.
#[derive(Debug)]
pub(super) enum Effect {
    /// Send on the transaction's way.
    Send(Message),
    /// Send on another way.
    SendTo(Message, Flow),
    /// Tell the transaction user.
    Report(ToBrain),
    /// Fire after this time.
    Arm(Timer, Duration),
    /// Do not fire any more.
    Disarm(Timer),
    /// Cancel this request of ours by a transaction of its own.
    Cancel(Message),
    /// Forget the transaction.
    End,
}

/// The wishes of one turn, in order.
pub(super) type Effects = Vec<Effect>;
