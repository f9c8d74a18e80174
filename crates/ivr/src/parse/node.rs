//! Reads one node of a script.

use std::collections::BTreeMap;

use super::Reading;
use super::section::{Section, choices, telephone_key};
use crate::piece::{Piece, Value};
use crate::script::{Accepts, Collect, Each, Enqueue, LookUp, Menu, Node, NodeName, Say};

/// What a node's `type` may be.
const TYPES: [&str; 6] = ["say", "menu", "collect", "lookup", "enqueue", "hang_up"];

/// How long a key or an answer may be waited for, in milliseconds.
const WAIT_MS: std::ops::RangeInclusive<u64> = 500..=60_000;

/// How often a question may be asked.
const ATTEMPTS: std::ops::RangeInclusive<u64> = 1..=10;

/// How many digits may be asked for.
const DIGITS: std::ops::RangeInclusive<u64> = 1..=64;

/// Reads the node of `section`; nothing where it cannot be read, which is then reported.
pub(super) fn read(section: &mut Section<'_>, r: &mut Reading<'_>) -> Option<Node> {
    let kind = section.text("type", "\"say\"", r)?;
    let node = match kind {
        "say" => say(section, r).map(Node::Say),
        "menu" => menu(section, r).map(Node::Menu),
        "collect" => collect(section, r).map(Node::Collect),
        "lookup" => look_up(section, r).map(Node::LookUp),
        "enqueue" => enqueue(section, r).map(Node::Enqueue),
        "hang_up" => Some(Node::HangUp),
        _ => {
            let remedy = choices(kind, TYPES.into_iter());
            section.wrong(r, "type", format!("there is no type '{kind}'"), &remedy);
            return None;
        }
    };
    section.finish(r);
    node
}

fn say(section: &mut Section<'_>, r: &mut Reading<'_>) -> Option<Say> {
    let prompts = section.pieces("prompts", r);
    let barge_in = section.flag("barge_in", true, r);
    let next = section.target("next", r);
    let each = each(section, r);
    let of_one = |piece: &Piece| match piece {
        Piece::Prompt(_) | Piece::Value(Value::PoliciesCount) => None,
        Piece::Value(value) => Some(*value),
    };
    if let (None, Some(value)) = (&each, prompts.iter().find_map(of_one)) {
        let message = format!("'{value}' is one policy's, and there may be several");
        section.wrong(r, "prompts", message, "add each = \"policy\"");
    }
    Some(Say { prompts, each, barge_in, next: next? })
}

fn each(section: &mut Section<'_>, r: &mut Reading<'_>) -> Option<Each> {
    let of = section.optional_text("each", "\"policy\"", r)?;
    if of != "policy" {
        section.wrong(r, "each", format!("nothing is said for each '{of}'"), "write \"policy\"");
    }
    let most = crate::interpreter::MAX_POLICIES as u64;
    let limit = section.number("limit", 3, 1..=most, r) as usize;
    let more = section.prompts("more", r);
    Some(Each { limit, more })
}

fn menu(section: &mut Section<'_>, r: &mut Reading<'_>) -> Option<Menu> {
    let prompts = section.prompts("prompts", r);
    let repeat = section.key("repeat", '9', r);
    let timeout_ms = section.number("timeout_ms", 5_000, WAIT_MS, r);
    let attempts = section.number("attempts", 3, ATTEMPTS, r) as u32;
    let on_wrong = section.prompts("on_wrong", r);
    let on_timeout = section.prompts("on_timeout", r);
    let exhausted = section.target("exhausted", r);
    let keys = keys(section, repeat, r);
    Some(Menu {
        prompts,
        keys,
        repeat,
        timeout_ms,
        attempts,
        on_wrong,
        on_timeout,
        exhausted: exhausted?,
    })
}

fn keys(
    section: &mut Section<'_>,
    repeat: Option<char>,
    r: &mut Reading<'_>,
) -> BTreeMap<char, NodeName> {
    let mut keys = BTreeMap::new();
    let Some((line, table)) = section.table("keys", r) else { return keys };
    let mut inner = Section::new(&section.path("keys"), line, table);
    for (text, target) in inner.all_targets(r) {
        match telephone_key(text) {
            Some(key) if repeat == Some(key) => {
                let message = format!("key '{key}' already repeats the question");
                inner.wrong(r, text, message, "delete it here, or delete 'repeat' above");
            }
            Some(key) => {
                keys.insert(key, target);
            }
            None => {
                let message = format!("'{text}' is no key of a telephone");
                inner.wrong(r, text, message, "write one of 0-9, \"*\" and \"#\"");
            }
        }
    }
    if table.is_empty() {
        section.wrong(r, "keys", "no key leads anywhere".to_owned(), "add 1 = \"a node\"");
    }
    keys
}

fn collect(section: &mut Section<'_>, r: &mut Reading<'_>) -> Option<Collect> {
    let prompts = section.prompts("prompts", r);
    let accepts = accepts(section, r);
    let usual = if section.has("terminator") { None } else { Some('#') };
    let terminator = section.key("terminator", '#', r).or(usual);
    let personal = section.flag("personal", false, r);
    let timeout_ms = section.number("timeout_ms", 8_000, WAIT_MS, r);
    let inter_digit_ms = section.number("inter_digit_ms", 4_000, WAIT_MS, r);
    let attempts = section.number("attempts", 3, ATTEMPTS, r) as u32;
    let on_wrong = section.prompts("on_wrong", r);
    let on_timeout = section.prompts("on_timeout", r);
    let exhausted = section.target("exhausted", r);
    let next = section.target("next", r);
    if !personal && accepts.contains(&Accepts::IdentityNumber) {
        let message = "an identity number is personal, and facts and logs would hold it".to_owned();
        section.wrong(r, "personal", message, "write personal = true");
    }
    if let Some(key) = terminator
        && (key.is_ascii_digit() || key == '*' && accepts.contains(&Accepts::IdentityNumber))
    {
        let message = format!("'{key}' ends the digits, and is one of them");
        section.wrong(r, "terminator", message, "write terminator = \"#\"");
    }
    Some(Collect {
        prompts,
        accepts,
        terminator: terminator?,
        personal,
        timeout_ms,
        inter_digit_ms,
        attempts,
        on_wrong,
        on_timeout,
        exhausted: exhausted?,
        next: next?,
    })
}

/// What a collect accepts, an identity number first: it is the narrower.
fn accepts(section: &mut Section<'_>, r: &mut Reading<'_>) -> Vec<Accepts> {
    const NAMES: [&str; 3] = ["identity_number", "policy_number", "digits"];
    let names = section.texts("accepts", "\"policy_number\"", r);
    let counted = names.iter().any(|name| matches!(*name, "policy_number" | "digits"));
    let (mut min, mut max) = (0, 0);
    if counted {
        if !(section.has("min") && section.has("max")) {
            let message = "how many digits are right is not said".to_owned();
            section.wrong(r, "accepts", message, "add min = 8 and max = 24");
        }
        min = section.number("min", 8, DIGITS, r) as usize;
        max = section.number("max", 24, DIGITS, r) as usize;
        if min > max {
            section.wrong(r, "min", format!("min {min} is more than max {max}"), "exchange them");
        }
    }
    let mut accepts = Vec::new();
    for name in names {
        match name {
            "identity_number" => accepts.push(Accepts::IdentityNumber),
            "policy_number" => accepts.push(Accepts::PolicyNumber { min, max }),
            "digits" => accepts.push(Accepts::Digits { min, max }),
            _ => {
                let remedy = choices(name, NAMES.into_iter());
                section.wrong(r, "accepts", format!("nothing is called '{name}'"), &remedy);
            }
        }
    }
    accepts.sort();
    accepts
}

fn look_up(section: &mut Section<'_>, r: &mut Reading<'_>) -> Option<LookUp> {
    let input = section.target("input", r);
    let prompts = section.prompts("prompts", r);
    let on_unknown = section.prompts("on_unknown", r);
    let timeout_ms = section.number("timeout_ms", 3_000, WAIT_MS, r);
    let found = section.target("found", r);
    let failed = section.target("failed", r);
    Some(LookUp { input: input?, prompts, on_unknown, timeout_ms, found: found?, failed: failed? })
}

fn enqueue(section: &mut Section<'_>, r: &mut Reading<'_>) -> Option<Enqueue> {
    let queue = section.queue("queue", r);
    let permission = section.permission("permission", r);
    Some(Enqueue { queue: queue?, permission })
}
