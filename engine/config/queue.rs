//! Queues: what a `[[queue]]` says, and what it means where it says nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::choices::{self, Callback};
use super::messages::Message;
use super::overflow;
use super::steps::{Service, TierStep};

/// `[[queue]]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the keys are explained in the commented default")]
pub struct Queue {
    pub name: String,
    #[serde(default)]
    pub title: String,
    #[serde(default = "please_wait")]
    pub wait_prompt: String,
    #[serde(default = "says_wait")]
    pub say_wait: bool,
    pub tiers: Vec<TierStep>,
    #[serde(default)]
    pub service: Option<Service>,
    #[serde(default = "longest_idle")]
    pub strategy: String,
    #[serde(default)]
    pub ring_at_once: Option<u8>,
    #[serde(default = "ring_add")]
    pub ring_add: u8,
    #[serde(default = "ring_add_after_ms")]
    pub ring_add_after_ms: u64,
    #[serde(default)]
    pub acw_ms: Option<u64>,
    #[serde(default)]
    pub acw_max_ms: Option<u64>,
    #[serde(default)]
    pub gain_permille: u64,
    #[serde(default)]
    pub head_start_ms: u64,
    #[serde(default)]
    pub objective_ms: Option<u64>,
    #[serde(default)]
    pub hours: Option<String>,
    #[serde(default = "waiting_max")]
    pub waiting_max: usize,
    #[serde(default)]
    pub wait_max_ms: Option<u64>,
    #[serde(default)]
    pub when_full: Option<String>,
    #[serde(default)]
    pub when_unstaffed: Option<String>,
    #[serde(default)]
    pub unstaffed_waiting_too: bool,
    #[serde(default)]
    pub when_closed: Option<String>,
    #[serde(default)]
    pub closed_waiting_too: bool,
    #[serde(default)]
    pub when_waited: Option<String>,
    #[serde(default)]
    pub choices: BTreeMap<String, String>,
    #[serde(default = "choices::prompt")]
    pub choices_prompt: String,
    #[serde(default)]
    pub callback: Callback,
    #[serde(default)]
    pub message: Message,
}

impl Queue {
    /// How many agents a call rings at once, where the strategy rings several.
    pub(crate) fn ring(&self) -> acd::RingRule {
        let adds = self.strategy == acd::Strategy::RingProgressive.as_str();
        let usual = if adds { 1 } else { acd::MAX_RINGING };
        acd::RingRule {
            at_once: self.ring_at_once.unwrap_or(usual),
            add: self.ring_add,
            add_after_ms: self.ring_add_after_ms,
        }
    }
}

const fn waiting_max() -> usize {
    overflow::WAITING_MAX
}

const fn says_wait() -> bool {
    true
}

fn ring_add() -> u8 {
    acd::RingRule::default().add
}

fn ring_add_after_ms() -> u64 {
    acd::RingRule::default().add_after_ms
}

fn longest_idle() -> String {
    acd::Strategy::LongestIdle.as_str().to_owned()
}

fn please_wait() -> String {
    "please_wait".to_owned()
}
