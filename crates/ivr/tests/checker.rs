//! What the checker says about wrong scripts: file, line, key, message and remedy.

use std::collections::BTreeSet;

use ivr::{Known, Script, Value};
use model::{PromptId, QueueId};

/// A right script; each test spoils it.
const RIGHT: &str = r##"start = "menu"
exhausted = "human"

[node.menu]
type = "menu"
prompts = ["menu"]
repeat = "9"
on_wrong = ["wrong"]
on_timeout = ["none"]
exhausted = "human"
[node.menu.keys]
1 = "number"
0 = "human"

[node.number]
type = "collect"
prompts = ["number"]
accepts = ["policy_number", "identity_number"]
min = 8
max = 17
personal = true
on_wrong = ["wrong"]
on_timeout = ["none"]
exhausted = "human"
next = "lookup"

[node.lookup]
type = "lookup"
input = "number"
prompts = ["wait"]
on_unknown = ["unknown"]
found = "status"
failed = "human"

[node.status]
type = "say"
each = "policy"
prompts = ["{policy.status}", "until", "{policy.ends_on}"]
more = ["more"]
next = "menu"

[node.human]
type = "enqueue"
queue = "general"
permission = "policy.view"
"##;

fn prompts() -> BTreeSet<PromptId> {
    let plain = ["menu", "wrong", "none", "number", "wait", "unknown", "until", "more"];
    let fragments = Value::ALL.into_iter().flat_map(Value::prompts);
    plain.into_iter().map(PromptId::from).chain(fragments).collect()
}

/// The findings about `text`, one a line.
fn findings(text: &str) -> String {
    let (prompts, queues) = (prompts(), BTreeSet::from([QueueId::from("general")]));
    let known = Known { prompts: &prompts, queues: &queues };
    let (script, findings) = Script::parse("menu.toml", text, known);
    assert_eq!(script.is_some(), findings.is_empty(), "a script exactly without findings");
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The findings where `part` of the right script is replaced.
fn spoiled(part: &str, by: &str) -> String {
    assert_eq!(RIGHT.matches(part).count(), 1, "{part} is in it once");
    findings(&RIGHT.replace(part, by))
}

#[test]
fn a_right_script_has_no_findings() {
    assert_eq!(findings(RIGHT), "");
}

#[test]
fn names_that_lead_nowhere_are_found() {
    for (part, by, finding) in [
        (
            "1 = \"number\"",
            "1 = \"numbers\"",
            "menu.toml:12: node.menu.keys.1: there is no node 'numbers'; \
             write 'number' if that was meant",
        ),
        (
            "start = \"menu\"",
            "start = \"welcome\"",
            "menu.toml:1: start: there is no node 'welcome'; \
             write one of: human, lookup, menu, number, status",
        ),
        (
            "prompts = [\"menu\"]",
            "prompts = [\"menus\"]",
            "menu.toml:6: node.menu.prompts: there is no prompt 'menus'; add its text to \
             prompts.tsv and render it, or write 'menu' if that was meant",
        ),
        (
            "queue = \"general\"",
            "queue = \"claims\"",
            "menu.toml:44: node.human.queue: there is no queue 'claims'; \
             add the queue to the configuration, or write one of: general",
        ),
        (
            "permission = \"policy.view\"",
            "permission = \"policy.views\"",
            "menu.toml:45: node.human.permission: there is no permission 'policy.views'; \
             write 'policy.view' if that was meant",
        ),
        (
            "\"{policy.status}\"",
            "\"{policy.state}\"",
            "menu.toml:38: node.status.prompts: there is no value '{policy.state}'; \
             write 'policy.status' if that was meant",
        ),
        (
            "type = \"lookup\"",
            "type = \"look_up\"",
            "menu.toml:28: node.lookup.type: there is no type 'look_up'; \
             write 'lookup' if that was meant",
        ),
    ] {
        assert_eq!(spoiled(part, by), finding);
    }
}

#[test]
fn bad_values_are_found() {
    for (part, by, finding) in [
        ("repeat = \"9\"", "repeat = \"99\"", "menu.toml:7: node.menu.repeat: '99' is no key"),
        ("repeat = \"9\"", "repeat = \"0\"", "node.menu.keys.0: key '0' already repeats"),
        ("repeat = \"9\"", "timeout_ms = 5", "a whole number from 500 to 60000"),
        ("repeat = \"9\"", "attempts = \"3\"", "a whole number from 1 to 10"),
        ("repeat = \"9\"", "atempts = 3", "delete it, or write 'attempts' if that was meant"),
        ("repeat = \"9\"", "prompts = 3", "menu.toml:7: prompts: duplicate key; give each key"),
        ("1 = \"number\"", "A = \"number\"", "node.menu.keys.A: 'A' is no key of a telephone"),
        ("1 = \"number\"", "1 = 5", "node.menu.keys.1: a key leads to a node"),
        (
            "on_wrong = [\"wrong\"]\non_timeout = [\"none\"]\nexhausted = \"human\"\n[",
            "[",
            "menu.toml:4: node.menu.on_wrong: 'on_wrong' is missing; add on_wrong = [",
        ),
        ("prompts = [\"wait\"]", "prompts = []", "node.lookup.prompts: 'prompts' is empty"),
        ("prompts = [\"wait\"]", "prompts = [5]", "'prompts' must be a list of texts"),
        ("personal = true", "personal = 1", "'personal' must be true or false"),
        ("personal = true", "personal = false", "an identity number is personal"),
        ("personal = true", "personal = true\nterminator = \"*\"", "'*' ends the digits"),
        ("min = 8", "min = 18", "min 18 is more than max 17"),
        ("min = 8\n", "", "how many digits are right is not said"),
        ("\"policy_number\"", "\"number\"", "node.number.accepts: nothing is called 'number'"),
        ("each = \"policy\"\n", "", "'{policy.status}' is one policy's"),
        ("each = \"policy\"", "each = \"claim\"", "nothing is said for each 'claim'"),
        (
            "[node.status]",
            "[node]\nother = 5\n[node.status]",
            "menu.toml:36: node.other: a node is a table",
        ),
        ("queue = \"general\"", "queue = 5", "'queue' must be a text"),
        ("[node.menu.keys]\n1 = \"number\"\n0 = \"human\"\n", "", "add the table [node.menu.keys]"),
        (
            "[node.menu.keys]\n1 = \"number\"\n0 = \"human\"\n",
            "keys = {}\n",
            "no key leads anywhere",
        ),
        ("start = \"menu\"", "start = menu", "menu.toml:1:"),
        ("start = \"menu\"\n", "", "menu.toml:1: start: 'start' is missing"),
    ] {
        let findings = spoiled(part, by);
        assert!(findings.contains(finding), "{by}\nexpected: {finding}\nfound: {findings}");
    }
}

#[test]
fn graphs_that_make_no_sense_are_found() {
    let say = |name: &str, next: &str| {
        format!("[node.{name}]\ntype = \"say\"\nprompts = [\"wait\"]\nnext = \"{next}\"\n\n")
    };
    let human = "[node.human]";
    for (part, by, finding) in [
        (human, say("alone", "human") + human, "node.alone: no path leads here"),
        (
            "0 = \"human\"\n",
            "0 = \"a\"\n".to_owned() + &say("a", "b") + &say("b", "a"),
            "node.a: the call never ends from here",
        ),
        (
            "failed = \"human\"",
            "failed = \"lookup\"".to_owned(),
            "node.lookup: the call comes back here without having asked the caller",
        ),
        (
            "queue = \"general\"\npermission = \"policy.view\"",
            String::new(),
            "node.human.queue: 'queue' is missing",
        ),
        (
            "type = \"enqueue\"\nqueue = \"general\"\npermission = \"policy.view\"",
            "type = \"hang_up\"".to_owned(),
            "node.menu: no way leads from this question to a human",
        ),
        (
            "0 = \"human\"",
            "0 = \"human\"\n5 = \"status\"".to_owned(),
            "node.status: it speaks of policies, and the call can come here without a look-up",
        ),
        (
            "failed = \"human\"",
            "failed = \"status\"".to_owned(),
            "node.status: it speaks of policies",
        ),
        (
            "0 = \"human\"",
            "0 = \"human\"\n5 = \"lookup\"".to_owned(),
            "node.lookup: the call can come here before 'number' collected anything",
        ),
        ("input = \"number\"", "input = \"menu\"".to_owned(), "'menu' collects nothing"),
        (
            "\"policy_number\", \"identity_number\"",
            "\"digits\"".to_owned(),
            "node.lookup: the digits of 'number' name no policy",
        ),
        (
            "exhausted = \"human\"\n\n[node.menu]",
            "exhausted = \"menu\"\n\n[node.menu]".to_owned(),
            "exhausted: a call that goes round in circles is led to 'menu'",
        ),
    ] {
        let findings = spoiled(part, &by);
        assert!(findings.contains(finding), "{by}\nexpected: {finding}\nfound: {findings}");
    }
}

#[test]
fn every_finding_is_given_in_the_order_of_the_file() {
    let text = RIGHT
        .replace("repeat = \"9\"", "repeat = \"x\"")
        .replace("min = 8", "min = 0")
        .replace("queue = \"general\"", "queue = \"claims\"");
    let lines: Vec<String> = findings(&text)
        .lines()
        .map(|line| line.split(':').nth(1).expect("file:line: …").to_owned())
        .collect();
    assert_eq!(lines, ["7", "19", "44"]);
}

#[test]
fn what_is_too_large_is_refused() {
    let long = format!("{RIGHT}# {}", "x".repeat(Script::MAX_BYTES));
    assert!(findings(&long).contains("the script is longer than"));
    let nodes: String =
        (0..=Script::MAX_NODES).map(|n| format!("[node.n{n}]\ntype = \"hang_up\"\n")).collect();
    assert!(findings(&(RIGHT.to_owned() + &nodes)).contains("there are more than 500 nodes"));
}

#[test]
fn a_missing_fragment_is_found() {
    let mut prompts = prompts();
    prompts.remove("month_3");
    let queues = BTreeSet::from([QueueId::from("general")]);
    let (_, findings) =
        Script::parse("menu.toml", RIGHT, Known { prompts: &prompts, queues: &queues });
    assert_eq!(
        findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["menu.toml:38: node.status.prompts: '{policy.ends_on}' is read with the prompt \
          'month_3', which is missing; add its text to prompts.tsv and render it"]
    );
}
