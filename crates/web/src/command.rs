//! What a desktop sends: commands as JSON, and their answers. The doc comments here are the
//! protocol's reference: OpenAPI and `docs/protocol.md` show them.

use std::fmt;

use cti::{Command, CommandError, MAX_COMMAND_ID};
use model::{AgentId, CallId, NotReadyReason, OfferId, PauseReason, Pii, QueueId, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::names::{ChoiceName, PauseReasonName};
use crate::steering::{
    AssignCallData, CancelCallbackData, DecideReasonData, MoveCallData, PreferCallData,
    SetAgentData, SwitchPlanData,
};

/// A command. The same `id` twice is done once and answered the same.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape for OpenAPI; `decode` reads it in two steps")]
pub(crate) struct CommandFrame {
    /// Of the desktop's choice, 1 to 64 bytes: a UUID, for example.
    #[schema(max_length = 64, min_length = 1)]
    id: String,
    /// What to do, and with what. `data` may be left out where it is empty.
    #[schema(inline = false)]
    #[serde(flatten)]
    body: CommandBody,
}

/// What may be asked for. Commands need `call.handle`; about the recording of a call that is named,
/// `recording.pause` instead; the last seven, from `move_call` on, `floor.steer`, and each of those
/// is a fact of the audit (`steered`, `plan_switched`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CommandBody {
    /// Take calls; ends after-call work.
    Ready(NoData),
    /// Take no calls; while busy, afterwards.
    NotReady(NotReadyData),
    /// Leave; while busy with a call, afterwards.
    SignOut(NoData),
    /// The pop is on the screen: the phone may ring.
    PopShown(PopShownData),
    /// End or decline the call.
    HangUp(NoData),
    /// Call a number outside; one's own phone rings first.
    Dial(DialData),
    /// Prolong after-call work.
    ExtendAcw(ExtendAcwData),
    /// Say what the call was about; ends after-call work.
    WrapUp(WrapUpData),
    /// Tell to whom a call could be given: `targets` follows.
    ListTargets(ListTargetsData),
    /// Give the call to someone else. The caller hears music until they answer; if they do not, the
    /// call comes back, and `transfer_ended` says why.
    Transfer(TargetData),
    /// Ask someone while the caller hears music.
    Consult(TargetData),
    /// Give the call to who is asked: at once if they have answered, else as soon as they do.
    CompleteTransfer(NoData),
    /// Talk with the caller while who is asked hears music, and the other way round.
    SwapParties(NoData),
    /// Let caller, agent and who is asked talk together.
    Conference(NoData),
    /// Take the caller back; who is asked, or should get the call, is let go.
    CancelConsult(NoData),
    /// Record silence in place of what is said, until it is resumed or for
    /// `recordings.pause_max_ms`; where the caller has `declined`, until it is resumed.
    PauseRecording(PauseData),
    /// Record again.
    ResumeRecording(ResumeData),
    /// Put a waiting call into another queue, with the time that it has waited.
    MoveCall(MoveCallData),
    /// Let a waiting call wait for one agent alone for a minute: they get it as soon as they can.
    AssignCall(AssignCallData),
    /// Have a waiting call deemed to have entered so much earlier.
    PreferCall(PreferCallData),
    /// Take a callback back: the customer is not called.
    CancelCallback(CancelCallbackData),
    /// Change an agent's status as the agent could; while they are busy, afterwards.
    SetAgent(SetAgentData),
    /// Decide on the reason for which an agent asks to be `not_ready`.
    DecideReason(DecideReasonData),
    /// Put an emergency plan on or off: at once, for all its queues.
    SwitchPlan(SwitchPlanData),
}

/// Nothing more to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoData {}

/// `not_ready`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotReadyData {
    /// Why.
    #[schema(value_type = ChoiceName)]
    reason: NotReadyReason,
}

/// `pop_shown`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PopShownData {
    /// Which pop.
    #[schema(value_type = String)]
    offer_id: OfferId,
}

/// `dial`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DialData {
    /// A colleague's number or a queue's name, which needs no right; else a number outside, with or
    /// without separators: the lines' lists say what may be called; needs `call.outbound`, but for
    /// numbers that save lives.
    #[schema(value_type = String, max_length = 64)]
    number: Number,
}

/// A telephone number, never printed in clear.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Number(String);

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `extend_acw`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendAcwData {
    /// By how much, in milliseconds: 1 to 3,600,000.
    ms: u64,
}

/// `wrap_up`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrapUpData {
    /// Which call.
    #[schema(value_type = String)]
    call_id: CallId,
    /// One of the codes of `GET /api/v1/config`.
    disposition: String,
}

/// `list_targets`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListTargetsData {
    /// Part of an agent's number or of a queue's name; left out for all.
    #[serde(default)]
    search: String,
}

/// `transfer` and `consult`: exactly one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetData {
    /// A colleague, by number.
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    /// A queue: whoever of it is free next.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueId>,
    /// A telephone outside: digits, after a `+` perhaps.
    number: Option<String>,
}

/// `pause_recording`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseData {
    /// Of which call: needs `recording.pause`. Left out for one's own.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    call_id: Option<CallId>,
    /// Why: `secret`, `declined` or `private`.
    #[schema(value_type = PauseReasonName)]
    reason: PauseReason,
}

/// `resume_recording`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeData {
    /// Of which call: needs `recording.pause`. Left out for one's own.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    call_id: Option<CallId>,
}

impl From<TargetData> for Target {
    /// Of none or several an agent without a name is made, who is refused as `bad_target`.
    fn from(data: TargetData) -> Self {
        match (data.agent_id, data.queue, data.number) {
            (Some(agent), None, None) => Self::Agent(agent),
            (None, Some(queue), None) => Self::Queue(queue),
            (None, None, Some(number)) => Self::Number(Pii::new(number)),
            (_, _, _) => Self::Agent(AgentId::from("")),
        }
    }
}

impl From<CommandBody> for Command {
    fn from(body: CommandBody) -> Self {
        match body {
            CommandBody::Ready(NoData {}) => Self::Ready,
            CommandBody::NotReady(NotReadyData { reason }) => Self::NotReady { reason },
            CommandBody::SignOut(NoData {}) => Self::SignOut,
            CommandBody::PopShown(PopShownData { offer_id }) => Self::PopShown { offer: offer_id },
            CommandBody::HangUp(NoData {}) => Self::HangUp,
            CommandBody::Dial(DialData { number }) => Self::Dial { number: Pii::new(number.0) },
            CommandBody::ExtendAcw(ExtendAcwData { ms }) => Self::ExtendAcw { ms },
            CommandBody::WrapUp(WrapUpData { call_id, disposition }) => {
                Self::WrapUp { call: call_id, disposition }
            }
            CommandBody::ListTargets(ListTargetsData { search }) => Self::ListTargets { search },
            CommandBody::Transfer(data) => Self::Transfer { to: data.into() },
            CommandBody::Consult(data) => Self::Consult { to: data.into() },
            CommandBody::CompleteTransfer(NoData {}) => Self::CompleteTransfer,
            CommandBody::SwapParties(NoData {}) => Self::SwapParties,
            CommandBody::Conference(NoData {}) => Self::Conference,
            CommandBody::CancelConsult(NoData {}) => Self::CancelConsult,
            CommandBody::PauseRecording(PauseData { call_id, reason }) => {
                Self::PauseRecording { call: call_id, reason }
            }
            CommandBody::ResumeRecording(ResumeData { call_id }) => {
                Self::ResumeRecording { call: call_id }
            }
            CommandBody::MoveCall(MoveCallData { call_id, queue }) => {
                Self::MoveCall { call: call_id, queue }
            }
            CommandBody::AssignCall(AssignCallData { call_id, agent_id }) => {
                Self::AssignCall { call: call_id, agent: agent_id }
            }
            CommandBody::PreferCall(PreferCallData { call_id, ms }) => {
                Self::PreferCall { call: call_id, ms }
            }
            CommandBody::CancelCallback(CancelCallbackData { call_id }) => {
                Self::CancelCallback { call: call_id }
            }
            CommandBody::SetAgent(data) => data.into(),
            CommandBody::DecideReason(DecideReasonData { agent_id, approved }) => {
                Self::DecideReason { agent: agent_id, approved }
            }
            CommandBody::SwitchPlan(SwitchPlanData { plan, on }) => Self::SwitchPlan { plan, on },
        }
    }
}

/// The answer to a command.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reply<'a> {
    /// The command's `id`; null where the frame had none that could be read.
    reply_to: Option<&'a str>,
    /// Whether it was done.
    ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ReplyError<'a>>,
}

/// Why a command was not done.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplyError<'a> {
    /// For programs: one of the codes that the protocol lists.
    code: &'a str,
    /// For people, in English.
    message: &'a str,
}

/// Every code that an answer may have, and what it means, for the reference.
pub(crate) const CODES: [(&str, &str); 43] = [
    ("malformed", "The frame is not one JSON object in a text frame."),
    ("invalid", "The frame is no command: its `id`, its `type` or a field of `data` is wrong."),
    ("busy", "More than 32 commands wait, or the engine is busy. Send it again, with the same id."),
    ("stopping", "The engine stops and takes no commands."),
    (
        "timed_out",
        "It was begun and did not come to an end in time; the state events tell what is.",
    ),
    ("forbidden", "A permission is missing; the message names it. The refusal is audited."),
    ("bad_id", "The id is empty or too long."),
    ("id_reused", "The id was given to another command before."),
    ("too_many_pending", "Too many commands of this user are still being done."),
    ("bad_reason", "The reason is one that only the engine sets."),
    ("bad_duration", "After-call work cannot be prolonged by that much."),
    ("bad_disposition", "There is no such disposition."),
    ("unknown_agent", "One who gives commands about calls must be an agent of the engine."),
    ("phone_unreachable", "The agent's phone is not registered; without it there are no calls."),
    ("not_in_acw", "There is no after-call work to prolong."),
    ("acw_limit", "After-call work has been prolonged as far as it may."),
    ("no_call", "There is no call to end."),
    ("not_your_call", "The call is not one that this agent answered last."),
    ("bad_number", "That is no telephone number."),
    ("agent_not_idle", "Only an agent who is at work and idle can call someone."),
    ("lines_full", "The engine takes no more calls now."),
    ("offer_over", "The pop belongs to an offer that is over."),
    ("bad_target", "Not exactly one agent, queue or number is named, or it cannot be one."),
    ("unknown_target", "There is no such agent or queue."),
    ("agent_not_available", "The colleague cannot be offered a call now."),
    ("yourself", "One cannot give a call to oneself."),
    ("queue_closed", "The queue takes no calls now."),
    ("queue_unstaffed", "Nobody of the queue is at work."),
    ("queue_full", "The queue has as many callers as it may."),
    ("nobody_may", "Nobody of that queue may do what the caller needs."),
    ("number_not_allowed", "No trunk takes calls to that number, or the agent may not call it."),
    ("already_transferring", "Someone is brought into the call already."),
    ("no_consult", "Nobody is brought into the call."),
    ("not_answered", "Who is asked has not answered yet."),
    ("not_recorded", "Nothing is being recorded there."),
    ("already_paused", "The recording is paused already."),
    ("not_paused", "The recording is not paused."),
    ("not_waiting", "The call does not wait in a queue."),
    ("being_offered", "The call is being offered to an agent now."),
    ("not_served", "The agent does not serve the call's queue."),
    ("no_callback", "There is no such callback."),
    ("nothing_asked", "The agent asks for nothing that could be decided on."),
    ("unknown_plan", "There is no such emergency plan."),
];

/// One JSON object that answers the command of that id.
pub(crate) fn reply(id: Option<&str>, result: &Result<(), CommandError>) -> String {
    let error = result.as_ref().err();
    let error = error.map(|error| ReplyError { code: error.code, message: &error.message });
    let reply = Reply { reply_to: id, ok: error.is_none(), error };
    // Texts always serialize.
    serde_json::to_string(&reply).unwrap_or_default()
}

/// A frame that is no command: its id, if that much could be read, and what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoCommand {
    pub(crate) id: Option<String>,
    pub(crate) error: CommandError,
}

/// The command of one text frame.
pub(crate) fn decode(text: &str) -> Result<(String, Command), NoCommand> {
    let none =
        |code, message: String| NoCommand { id: None, error: CommandError::new(code, message) };
    let mut frame: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| none("malformed", format!("expected one JSON object: {error}")))?;
    let id = match frame.remove("id") {
        Some(Value::String(id)) if (1..=MAX_COMMAND_ID).contains(&id.len()) => id,
        Some(_) | None => {
            let message = format!("'id' must be a text of 1 to {MAX_COMMAND_ID} bytes");
            return Err(none("invalid", message));
        }
    };
    if frame.get("data").is_none_or(Value::is_null) {
        frame.insert("data".to_owned(), Value::Object(Map::new()));
    }
    match serde_json::from_value::<CommandBody>(Value::Object(frame)) {
        Ok(body) => Ok((id, body.into())),
        Err(error) => {
            let error = CommandError::new("invalid", error.to_string());
            Err(NoCommand { id: Some(id), error })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::AgentStatus;
    use proptest::prelude::*;

    fn command(text: &str) -> Command {
        let (id, command) = decode(text).unwrap();
        assert_eq!(id, "7");
        command
    }

    #[test]
    fn every_command_is_read() {
        for (text, wanted) in [
            (r#"{"id":"7","type":"ready"}"#, Command::Ready),
            (r#"{"id":"7","type":"ready","data":null}"#, Command::Ready),
            (r#"{"data":{},"type":"sign_out","id":"7"}"#, Command::SignOut),
            (r#"{"id":"7","type":"hang_up","data":{}}"#, Command::HangUp),
            (
                r#"{"id":"7","type":"dial","data":{"number":"021-6888 0000"}}"#,
                Command::Dial { number: Pii::from("021-6888 0000") },
            ),
            (
                r#"{"id":"7","type":"not_ready","data":{"reason":"back_office"}}"#,
                Command::NotReady { reason: NotReadyReason::BackOffice },
            ),
            (
                r#"{"id":"7","type":"pop_shown","data":{"offer_id":"o1-2-3"}}"#,
                Command::PopShown { offer: "o1-2-3".parse().unwrap() },
            ),
            (
                r#"{"id":"7","type":"extend_acw","data":{"ms":30000}}"#,
                Command::ExtendAcw { ms: 30_000 },
            ),
            (
                r#"{"id":"7","type":"move_call","data":{"call_id":"c1-2-3","queue":"claims"}}"#,
                Command::MoveCall { call: "c1-2-3".parse().unwrap(), queue: "claims".into() },
            ),
            (
                r#"{"id":"7","type":"prefer_call","data":{"call_id":"c1-2-3","ms":5}}"#,
                Command::PreferCall { call: "c1-2-3".parse().unwrap(), ms: 5 },
            ),
            (
                r#"{"id":"7","type":"set_agent","data":{"agent_id":"8001","status":"ready"}}"#,
                Command::SetAgent { agent: "8001".into(), status: AgentStatus::Ready },
            ),
            (
                r#"{"id":"7","type":"switch_plan","data":{"plan":"flood","on":true}}"#,
                Command::SwitchPlan { plan: "flood".to_owned(), on: true },
            ),
            (
                r#"{"id":"7","type":"wrap_up","data":{"call_id":"c1-2-3","disposition":"x"}}"#,
                Command::WrapUp { call: "c1-2-3".parse().unwrap(), disposition: "x".to_owned() },
            ),
        ] {
            assert_eq!(command(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_command_says_what_is_wrong() {
        for (text, id, code, named) in [
            ("", None, "malformed", "EOF"),
            ("[]", None, "malformed", "map"),
            ("{\"id\":\"7\"", None, "malformed", "EOF"),
            ("{}", None, "invalid", "'id'"),
            (r#"{"id":7,"type":"ready"}"#, None, "invalid", "'id'"),
            (r#"{"id":"","type":"ready"}"#, None, "invalid", "'id'"),
            (r#"{"id":"7"}"#, Some("7"), "invalid", "type"),
            (r#"{"id":"7","type":"fire"}"#, Some("7"), "invalid", "fire"),
            (r#"{"id":"7","type":"ready","data":{"x":1}}"#, Some("7"), "invalid", "`x`"),
            (r#"{"id":"7","type":"ready","data":[1]}"#, Some("7"), "invalid", "length"),
            (r#"{"id":"7","type":"ready","more":1}"#, Some("7"), "invalid", "more"),
            (r#"{"id":"7","type":"not_ready"}"#, Some("7"), "invalid", "reason"),
            (
                r#"{"id":"7","type":"not_ready","data":{"reason":"lunch"}}"#,
                Some("7"),
                "invalid",
                "lunch",
            ),
            (
                r#"{"id":"7","type":"pop_shown","data":{"offer_id":"c1-2-3"}}"#,
                Some("7"),
                "invalid",
                "id",
            ),
            (r#"{"id":"7","type":"extend_acw","data":{"ms":-1}}"#, Some("7"), "invalid", "-1"),
        ] {
            let no = decode(text).unwrap_err();
            assert_eq!((no.id.as_deref(), no.error.code), (id, code), "{text}");
            assert!(no.error.message.contains(named), "{text}: {}", no.error.message);
        }
    }

    proptest! {
        #[test]
        fn no_frame_is_too_strange(text in "\\PC{0,64}|\\{(\"(id|type|data)\":.{0,12},?){0,4}\\}") {
            if let Err(no) = decode(&text) {
                prop_assert!(["malformed", "invalid"].contains(&no.error.code));
                prop_assert!(!no.error.message.is_empty());
                let answer = reply(no.id.as_deref(), &Err(no.error));
                prop_assert!(serde_json::from_str::<Value>(&answer).is_ok(), "{answer}");
            }
        }

        #[test]
        fn a_command_is_what_was_said(ms in any::<u64>(), id in "\\PC{1,16}") {
            let data = serde_json::json!({"ms": ms});
            let frame = serde_json::json!({"id": id, "type": "extend_acw", "data": data});
            prop_assert_eq!(decode(&frame.to_string()), Ok((id, Command::ExtendAcw { ms })));
        }
    }

    #[test]
    fn an_answer_names_its_command() {
        assert_eq!(reply(Some("7"), &Ok(())), r#"{"reply_to":"7","ok":true}"#);
        let refused = Err(CommandError::new("bad_reason", "no \"such\" reason"));
        let error = r#"{"code":"bad_reason","message":"no \"such\" reason"}"#;
        let wanted = format!(r#"{{"reply_to":null,"ok":false,"error":{error}}}"#);
        assert_eq!(reply(None, &refused), wanted);
    }
}
