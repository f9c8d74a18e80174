//! Who is calling and what they are insured for, as a screen pop shows it.

use std::sync::Arc;

use crate::{AgentId, Pii};

/// How far the engine is with finding out who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// Asked, no answer yet.
    Pending,
    /// Known.
    Found(Arc<CustomerCard>),
    /// Asked, and nobody has this number.
    Unknown,
    /// No answer before the deadline.
    Late,
    /// The source failed.
    Failed,
}

impl Lookup {
    /// The name on the wire.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Found(_) => "found",
            Self::Unknown => "unknown",
            Self::Late => "late",
            Self::Failed => "failed",
        }
    }

    /// The customer, if known.
    pub const fn card(&self) -> Option<&Arc<CustomerCard>> {
        match self {
            Self::Found(card) => Some(card),
            Self::Pending | Self::Unknown | Self::Late | Self::Failed => None,
        }
    }
}

/// One customer with their policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerCard {
    /// The customer's number.
    pub customer_id: String,
    /// 姓名.
    pub name: Pii<String>,
    /// 手机号.
    pub phone: Pii<String>,
    /// 身份证号.
    pub identity_number: Pii<String>,
    /// 客户等级: `excellent`, `a`, `b` or `c`.
    pub class: String,
    /// Where they live: province and city, not personal enough to mask.
    pub city: String,
    /// 专属座席: the agent who looks after them, if one does.
    pub steward: Option<AgentId>,
    /// Newest first, at most 20.
    pub policies: Vec<PolicyCard>,
}

impl CustomerCard {
    /// The year, month and day of birth that the identity number tells (GB 11643-1999); whether
    /// there was such a day is not checked.
    pub fn born_on(&self) -> Option<(i32, u8, u8)> {
        let digits = self.identity_number.reveal().get(6..14)?;
        let number: u32 =
            digits.bytes().all(|digit| digit.is_ascii_digit()).then_some(digits)?.parse().ok()?;
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
        Some((year as i32, month as u8, day as u8))
    }
}

/// One policy (保单).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyCard {
    /// 保单号: digits only, so that a caller can key it.
    pub policy_number: String,
    /// 险种, such as `商业险` or `交强险`.
    pub product: String,
    /// 车牌号.
    pub plate: Pii<String>,
    /// 车型.
    pub vehicle: String,
    /// Whether it is in force.
    pub status: PolicyStatus,
    /// First day, `YYYY-MM-DD`.
    pub starts_on: String,
    /// Last day, `YYYY-MM-DD`.
    pub ends_on: String,
    /// Premium in fen (1/100 yuan).
    pub premium_fen: i64,
    /// Newest first, at most 10.
    pub claims: Vec<ClaimSummary>,
}

/// Where a policy is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum PolicyStatus {
    /// Paid, begins later.
    NotYetInForce,
    /// 有效.
    InForce,
    /// Over.
    Expired,
    /// 退保.
    Surrendered,
}

impl PolicyStatus {
    /// The name on the wire, in the store, and the stem of the prompt that says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotYetInForce => "not_yet_in_force",
            Self::InForce => "in_force",
            Self::Expired => "expired",
            Self::Surrendered => "surrendered",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::NotYetInForce, Self::InForce, Self::Expired, Self::Surrendered]
            .into_iter()
            .find(|status| status.as_str() == name)
    }
}

/// One past or open claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimSummary {
    /// 报案号.
    pub claim_number: String,
    /// The day of the loss, `YYYY-MM-DD`.
    pub lost_on: String,
    /// `open` or `closed`.
    pub status: String,
    /// Paid in fen (1/100 yuan); 0 while open.
    pub paid_fen: i64,
}
