//! What opens a waiting call to more agents, step by step.

/// What opens a step of a queue to a call that waits: whichever of these is so first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opens {
    /// It has waited for so long since it entered.
    pub after_ms: Option<u64>,
    /// The median of its estimated wait is longer.
    pub estimate_ms: Option<u64>,
    /// The queue's service level is lower, in thousandths.
    pub service_permille: Option<u32>,
    /// No more than so many are idle of those whom the steps before it open to.
    pub idle: Option<u32>,
}

impl Opens {
    /// After a time alone.
    pub const fn after(ms: u64) -> Self {
        Self { after_ms: Some(ms), estimate_ms: None, service_permille: None, idle: None }
    }

    /// Whether nothing opens it.
    pub const fn is_never(&self) -> bool {
        let by_itself = self.after_ms.is_some() || self.idle.is_some();
        !by_itself && self.estimate_ms.is_none() && self.service_permille.is_none()
    }
}

/// What opened a step to a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Opened {
    /// The time that it had waited.
    #[default]
    Waited,
    /// Its estimated wait.
    Estimate,
    /// The queue's service level.
    Service,
    /// How few were idle.
    Idle,
    /// A later step opened, and this one with it.
    Later,
}

impl Opened {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waited => "waited",
            Self::Estimate => "estimate",
            Self::Service => "service",
            Self::Idle => "idle",
            Self::Later => "later",
        }
    }
}
