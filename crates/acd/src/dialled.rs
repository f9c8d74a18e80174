//! While a customer is being called back: their call may go on under an id of its own, and the
//! agent may give up.

use model::{CallId, MissedCause};

use crate::Acd;
use crate::call::{Call, Progress};
use crate::timer::Timer;

impl Acd {
    /// A call that is in no line has the id `id` from now on.
    pub(crate) fn renamed(&mut self, call: Call, id: CallId) -> Call {
        let before = call.place.call;
        if before == id {
            return call;
        }
        self.calls.remove(&before);
        if let Some(at) = call.next_step_at {
            self.timers.cancel(at, Timer::Tier(before));
            self.timers.set(at, Timer::Tier(id));
        }
        Call { place: call.place.of(id), ..call }
    }

    /// The agent gave up before the customer was there: somebody else is sought, and nothing that
    /// the customer is due is used up.
    pub(crate) fn agent_gave_up(&mut self, id: CallId) {
        let Some((call, agent)) = self.dialing(id) else { return };
        self.stop_dialing(&call);
        self.miss_by(agent, MissedCause::Rejected);
        let call = Call { progress: Progress::Waiting, ..call };
        self.calls.insert(id, call);
        self.wait(&call);
        if !self.queues[call.queue as usize].open {
            self.rest_till_opening(&call);
        }
        self.opened.insert(call.place);
        self.returned.insert(id);
    }
}
