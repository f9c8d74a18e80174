//! From a call to its dialogs' Call-IDs, and from the workers' trace to what the web shows.

use call::Tokens;
use model::{Fact, FactBody, Mono, Pii, Wall};
use net::sip::{Direction, Found, NoAnswer};
use web::{BackendError, CallTrace, TraceLeg, TraceMessage};

/// The most dialogs of a call that are looked for: a call that was offered to more agents shows
/// its first ones.
const LEGS_MAX: usize = 64;

/// The call's dialogs, in the order in which they began.
///
/// The Call-ID of a phone that was rung is not in the facts until it has answered; it is made of
/// the leg and of a secret of this start of the engine, and so is the trace.
pub(super) fn legs(facts: &[Fact], tokens: &Tokens) -> Vec<TraceLeg> {
    let mut legs: Vec<TraceLeg> = Vec::new();
    for fact in facts {
        let found = match &fact.body {
            FactBody::CallArrived { leg, sip_call_id, .. } => (*leg, None, sip_call_id.clone()),
            FactBody::Rang { leg, agent, .. } | FactBody::PhoneRung { leg, agent, .. } => {
                (*leg, Some(agent.clone()), tokens.call_id(*leg))
            }
            FactBody::Dialled { leg, .. } => (*leg, None, tokens.call_id(*leg)),
            FactBody::TrunkTried { leg, .. } => (*leg, None, tokens.call_id(*leg)),
            FactBody::DialogEstablished { leg, role, dialog, .. } => {
                (*leg, role.agent().cloned(), dialog.call_id.clone())
            }
            _ => continue,
        };
        let (leg, agent, sip_call_id) = found;
        if let Some(known) = legs.iter_mut().find(|known| known.leg == leg) {
            known.sip_call_id = sip_call_id;
        } else if legs.len() < LEGS_MAX {
            legs.push(TraceLeg { leg, agent, sip_call_id });
        }
    }
    legs
}

/// What the workers found, as the web shows it. `started` is the time of day at the clock's zero.
pub(super) fn trace(
    facts: &[Fact],
    legs: Vec<TraceLeg>,
    answer: Result<Found, NoAnswer>,
    started: Wall,
) -> Result<CallTrace, BackendError> {
    let found = match answer {
        Ok(found) => found,
        Err(NoAnswer::Off) => return Ok(CallTrace { legs, ..CallTrace::default() }),
        Err(NoAnswer::Silent) => return Err(BackendError::Unavailable),
    };
    let at = |mono: Mono| started.after(mono.since(Mono(0)));
    // A call of an earlier start arrived before everything that is traced.
    let since = at(found.complete_since);
    let is_complete = facts.first().is_some_and(|arrived| arrived.wall >= since);
    let messages = found.messages.into_iter().map(|traced| TraceMessage {
        at: at(traced.at),
        mono: traced.at,
        leg: traced.call,
        is_from_us: traced.direction == Direction::Out,
        transport: traced.transport,
        local: traced.local,
        remote: traced.remote,
        is_malformed: traced.is_malformed,
        bytes: Pii::new(traced.bytes),
    });
    let messages = messages.collect();
    Ok(CallTrace { is_enabled: true, is_complete, is_cut: found.is_cut, legs, messages })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{CallId, LegId};

    fn leg(text: &str) -> LegId {
        text.parse().expect("an id")
    }

    fn facts() -> Vec<Fact> {
        let call: CallId = "c1-1-1".parse().expect("an id");
        let rang = |leg_id: &str, agent: &str| FactBody::Rang {
            call,
            offer: "o1-1-3".parse().expect("an id"),
            agent: agent.into(),
            leg: leg(leg_id),
        };
        let bodies = [
            FactBody::CallArrived {
                call,
                leg: leg("l1-1-2"),
                trunk: "demo".into(),
                ani: Pii::from("13800138000"),
                dnis: "95512".to_owned(),
                sip_call_id: "theirs".to_owned(),
            },
            FactBody::CallAnswered { call },
            rang("l1-1-4", "8001"),
            rang("l1-1-5", "8002"),
        ];
        let fact = |(seq, body)| Fact {
            site: 1,
            epoch: 1,
            seq,
            mono: Mono::from_ms(5_000),
            wall: Wall(105_000_000),
            version: model::SCHEMA_VERSION,
            body,
        };
        (1..).zip(bodies).map(fact).collect()
    }

    #[test]
    fn a_phone_that_never_answered_has_a_dialog_as_well() {
        let tokens = Tokens::new([1; 32]);
        let legs = legs(&facts(), &tokens);
        let told: Vec<_> = legs
            .iter()
            .map(|leg| (leg.agent.as_ref().map(|agent| agent.as_str()), leg.sip_call_id.clone()))
            .collect();
        let ours = |id: &str| tokens.call_id(leg(id));
        assert_eq!(
            told,
            [
                (None, "theirs".to_owned()),
                (Some("8001"), ours("l1-1-4")),
                (Some("8002"), ours("l1-1-5")),
            ]
        );
    }

    #[test]
    fn a_trace_that_began_after_the_call_is_not_complete() {
        let complete = |started: i64, since_ms: u64| {
            let found = Found { complete_since: Mono::from_ms(since_ms), ..Found::default() };
            let made = trace(&facts(), Vec::new(), Ok(found), Wall(started));
            made.ok().map(|trace| trace.is_complete)
        };
        assert_eq!(complete(100_000_000, 0), Some(true));
        assert_eq!(complete(100_000_000, 5_001), Some(false), "messages were dropped since");
        assert_eq!(complete(106_000_000, 0), Some(false), "the engine was restarted since");
    }

    #[test]
    fn a_trace_that_is_off_says_so_and_a_silent_worker_is_no_empty_trace() {
        let off = trace(&facts(), Vec::new(), Err(NoAnswer::Off), Wall(0));
        assert!(off.is_ok_and(|trace| !trace.is_enabled && trace.messages.is_empty()));
        let silent = trace(&facts(), Vec::new(), Err(NoAnswer::Silent), Wall(0));
        assert!(matches!(silent, Err(BackendError::Unavailable)));
    }
}
