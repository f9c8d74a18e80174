//! After a restart: phones and agents as they were acknowledged, and an end to lost calls.

use std::collections::BTreeMap;

use model::{CallId, FactBody, HangupCause, LegId, Mono, Outcome, QueueId};
use report::OpenCall;
use sip::{Dialog, Known};

use crate::phones::read_flow;
use crate::{Callflow, Recovery};

impl Callflow {
    /// Begins this start of the engine and takes over what the last one left. To be called once,
    /// before any input.
    ///
    /// Calls that were in progress get their end as a fact, `engine_lost`; their phones get a BYE
    /// where a dialog is known, for nobody else would tell them.
    pub fn begin(&mut self, code_version: &str, config_sha256: &str, recovery: Recovery) {
        self.note(FactBody::EngineStarted {
            code_version: code_version.to_owned(),
            config_sha256: config_sha256.to_owned(),
        });
        self.start_lines();
        let queues =
            recovery.calls.iter().filter_map(|lost| Some((lost.call, lost.queue.clone()?)));
        let queues: BTreeMap<CallId, QueueId> = queues.collect();
        for call in &recovery.calls {
            self.end_lost(call);
        }
        for registration in recovery.registrations {
            self.restore_registration(registration);
        }
        self.restore_agents(recovery.agents, &queues);
        self.begin_hours();
        self.restore_plans(&recovery.standing);
        // Nobody is called back outside the hours.
        self.restore_callbacks(&recovery.standing);
        self.restore_recent(&recovery.recent);
        self.drain_rooms();
    }

    fn end_lost(&mut self, lost: &OpenCall) {
        for open in &lost.dialogs {
            self.end_lost_dialog(Dialog::from_snapshot(&open.dialog), open.trunk.as_ref());
        }
        for fact in lost.lost() {
            self.note(fact);
        }
    }

    fn restore_registration(&mut self, registration: FactBody) {
        let FactBody::Registered {
            aor,
            contact,
            path,
            flow,
            sip_call_id,
            cseq,
            expires,
            answers_options,
            instance,
            reg_id,
        } = registration
        else {
            return;
        };
        let left_us = expires.0 - self.wall().0;
        let (Some(flow), Ok(left_us)) = (read_flow(&flow), u64::try_from(left_us)) else { return };
        let expires_at = Mono(self.now.0 + left_us * 1_000);
        let known = Known {
            aor: &aor,
            contact: &contact,
            flow,
            path,
            instance: instance.as_deref(),
            reg_id,
            call_id: &sip_call_id,
            cseq,
            answers_options,
            expires_at,
        };
        self.registrar.restore(known, self.now);
        self.drain_registrar();
        let reachable = self.registrar.reachable(&aor) > 0;
        self.phone_reachable(&model::AgentId::from(aor), reachable);
    }

    /// Ends all calls in order; [`crate::Output::Stopped`] says when the last one is over.
    pub(crate) fn handle_stop(&mut self) {
        self.stopping = true;
        self.leave_carriers();
        self.leave_callbacks();
        let calls: Vec<(CallId, LegId)> =
            self.calls.iter().map(|(call, known)| (*call, known.caller)).collect();
        for (call, caller) in calls {
            let talks = self
                .calls
                .get(&call)
                .is_some_and(|known| matches!(known.stage, crate::calls::Stage::Connected(_)));
            if matches!(
                self.calls.get(&call).map(|known| &known.stage),
                Some(crate::calls::Stage::Dialled(_))
            ) {
                self.end_dialled(call, HangupCause::LocalBye);
            } else if talks {
                self.hang_up_leg(caller, HangupCause::LocalBye);
            } else {
                self.give_up(call, Outcome::EngineLost, HangupCause::EngineLost, 503);
            }
        }
    }
}
