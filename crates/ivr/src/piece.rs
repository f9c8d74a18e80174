//! What a script says: prompts as they are, and values read from fragments.

use std::fmt;

use model::PromptId;

use crate::fragment;

/// A part of what is said: a prompt, or a value read from fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A prompt as it is.
    Prompt(PromptId),
    /// A value, read.
    Value(Value),
}

/// What a script can read aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// `{policies.count}`: how many policies were found.
    PoliciesCount,
    /// `{policy.product}`: which of the caller's policies it is.
    PolicyProduct,
    /// `{policy.status}`: whether it is in force.
    PolicyStatus,
    /// `{policy.starts_on}`: its first day.
    PolicyStartsOn,
    /// `{policy.ends_on}`: its last day.
    PolicyEndsOn,
}

impl Value {
    /// Every value.
    pub const ALL: [Self; 5] = [
        Self::PoliciesCount,
        Self::PolicyProduct,
        Self::PolicyStatus,
        Self::PolicyStartsOn,
        Self::PolicyEndsOn,
    ];

    /// The name in a script, without its braces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PoliciesCount => "policies.count",
            Self::PolicyProduct => "policy.product",
            Self::PolicyStatus => "policy.status",
            Self::PolicyStartsOn => "policy.starts_on",
            Self::PolicyEndsOn => "policy.ends_on",
        }
    }

    /// Every fragment that reading this value can need.
    pub fn prompts(self) -> Vec<PromptId> {
        match self {
            Self::PoliciesCount => fragment::policies_vocabulary(),
            Self::PolicyProduct => fragment::product_vocabulary(),
            Self::PolicyStatus => fragment::status_vocabulary(),
            Self::PolicyStartsOn | Self::PolicyEndsOn => fragment::date_vocabulary(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.as_str())
    }
}

impl Piece {
    /// Every prompt that saying this piece can need.
    pub fn prompts(&self) -> Vec<PromptId> {
        match self {
            Self::Prompt(prompt) => vec![prompt.clone()],
            Self::Value(value) => value.prompts(),
        }
    }
}
