//! A customer on the way into the database.

use jiff::civil::Date;
use model::Pii;

/// One customer with what they are insured for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// 客户编号, unique.
    pub customer_id: String,
    /// 姓名.
    pub name: Pii<String>,
    /// 手机号, in the spelling of [`lookup::normalise`].
    pub phone: Pii<String>,
    /// 身份证号: 18 characters, the last a check digit or `X`; unique.
    pub identity_number: Pii<String>,
    /// 客户等级: `excellent`, `a`, `b` or `c`.
    pub class: String,
    /// Province and city.
    pub city: String,
    /// 专属座席: the number of the agent who looks after them, if one does.
    pub steward: Option<String>,
    /// What they are insured for.
    pub policies: Vec<Policy>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// 保单号: digits only, unique.
    pub policy_number: String,
    /// 险种.
    pub product: String,
    /// 车牌号.
    pub plate: Pii<String>,
    /// 车型.
    pub vehicle: String,
    /// First day.
    pub starts_on: Date,
    /// Last day.
    pub ends_on: Date,
    /// The day from which it was given back (退保).
    pub surrendered_on: Option<Date>,
    /// Premium in fen.
    pub premium_fen: i64,
    /// What was claimed.
    pub claims: Vec<Claim>,
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// 报案号, unique.
    pub claim_number: String,
    /// The day of the loss.
    pub lost_on: Date,
    /// Whether it is settled.
    pub closed: bool,
    /// Paid in fen; 0 while open.
    pub paid_fen: i64,
}
