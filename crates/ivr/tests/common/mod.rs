//! A script with every kind of node, and a call that walks it.

#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ivr::{Interpreter, Known, Output, PolicyAnswer, Script, Value};
use model::{Mono, PolicyCard, PolicyStatus, PromptId, QueueId};

const SCRIPT: &str = r#"
start = "welcome"
exhausted = "human"
[node.welcome]
type = "say"
prompts = ["welcome"]
next = "menu"
[node.menu]
type = "menu"
prompts = ["menu"]
repeat = "9"
on_wrong = ["wrong"]
on_timeout = ["none"]
exhausted = "sorry"
[node.menu.keys]
1 = "notice"
2 = "number"
0 = "human"
[node.notice]
type = "say"
prompts = ["notice"]
barge_in = false
next = "menu"
[node.number]
type = "collect"
prompts = ["number"]
accepts = ["policy_number", "identity_number"]
min = 8
max = 17
personal = true
on_wrong = ["number_wrong"]
on_timeout = ["number_none"]
exhausted = "sorry"
next = "lookup"
[node.lookup]
type = "lookup"
input = "number"
prompts = ["wait"]
on_unknown = ["unknown"]
found = "status"
failed = "goodbye"
[node.status]
type = "say"
prompts = ["{policy.product}", "{policy.status}", "{policy.ends_on}"]
each = "policy"
limit = 2
more = ["more"]
next = "count"
[node.count]
type = "say"
prompts = ["{policies.count}"]
next = "menu"
[node.sorry]
type = "say"
prompts = ["sorry"]
next = "human"
[node.human]
type = "enqueue"
queue = "general"
permission = "policy.view"
[node.goodbye]
type = "say"
prompts = ["goodbye"]
next = "over"
[node.over]
type = "hang_up"
"#;

pub(crate) fn script() -> Arc<Script> {
    let plain = [
        "welcome",
        "menu",
        "wrong",
        "none",
        "notice",
        "number",
        "number_wrong",
        "number_none",
        "wait",
        "unknown",
        "more",
        "sorry",
        "goodbye",
    ];
    let fragments = Value::ALL.into_iter().flat_map(Value::prompts);
    let prompts: BTreeSet<PromptId> =
        plain.into_iter().map(PromptId::from).chain(fragments).collect();
    let queues = BTreeSet::from([QueueId::from("general")]);
    let known = Known { prompts: &prompts, queues: &queues };
    let (script, findings) = Script::parse("common.toml", SCRIPT, known);
    assert!(findings.is_empty(), "{findings:?}");
    Arc::new(script.expect("no finding means a script"))
}

pub(crate) fn policy(status: PolicyStatus) -> PolicyCard {
    PolicyCard {
        policy_number: "880100000007".to_owned(),
        product: "商业险".to_owned(),
        plate: "粤B12345".into(),
        vehicle: "轿车".to_owned(),
        status,
        starts_on: "2026-03-16".to_owned(),
        ends_on: "2027-03-15".to_owned(),
        premium_fen: 350_000,
        claims: Vec::new(),
    }
}

/// One call with its clock.
pub(crate) struct Call {
    interpreter: Interpreter,
    pub(crate) now: Mono,
}

impl Call {
    pub(crate) fn new(script: &Arc<Script>) -> Self {
        let now = Mono::from_ms(1_000);
        Self { interpreter: Interpreter::new(script.clone(), now), now }
    }

    pub(crate) fn key(&mut self, key: char) {
        self.interpreter.handle_digit(key, self.now);
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        keys.chars().for_each(|key| self.key(key));
    }

    pub(crate) fn play_finished(&mut self) {
        self.interpreter.handle_play_finished(self.now);
    }

    pub(crate) fn answer(&mut self, answer: PolicyAnswer) {
        self.interpreter.handle_lookup(answer, self.now);
    }

    pub(crate) fn wait_ms(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
        self.interpreter.handle_timeout(self.now);
    }

    /// Lets the time pass until the next deadline; how long that was, in milliseconds.
    pub(crate) fn timeout(&mut self) -> u64 {
        let Some((at, _)) = self.interpreter.poll_timeout() else { return 0 };
        let waited = at.ms_since(self.now);
        self.now = self.now.max(at);
        self.interpreter.handle_timeout(self.now);
        waited
    }

    /// Why time is waited for.
    pub(crate) fn waits_for(&self) -> &'static str {
        self.interpreter.poll_timeout().map_or("nothing", |(_, why)| why)
    }

    pub(crate) fn take(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.interpreter.poll_output()).collect()
    }

    /// What was put out, in short words.
    pub(crate) fn told(&mut self) -> String {
        self.take().iter().map(short).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn is_over(&self) -> bool {
        self.interpreter.is_over()
    }

    pub(crate) fn debug(&self) -> String {
        format!("{:?}", self.interpreter)
    }

    /// A call where the question for the number plays.
    pub(crate) fn at_number() -> Self {
        let mut call = Self::new(&script());
        call.keys("12");
        call.play_finished();
        assert!(call.told().ends_with("at number, play number"));
        call
    }
}

fn short(output: &Output) -> String {
    match output {
        Output::Play { prompts, repeat: _, barge_in } => {
            let names: Vec<&str> = prompts.iter().map(PromptId::as_str).collect();
            format!("{} {}", if *barge_in { "play" } else { "insist" }, names.join(" "))
        }
        Output::StopPlay => "stop".to_owned(),
        Output::Lookup(query) => format!("{query:?}"),
        Output::Enqueue { queue, permission } => match permission {
            Some(permission) => format!("enqueue {queue} for {permission}"),
            None => format!("enqueue {queue}"),
        },
        Output::HangUp => "hang up".to_owned(),
        Output::Entered { node } => format!("at {node}"),
        Output::Collected { node: _, digits } => format!("keyed {digits}"),
    }
}
