//! One line of a policies file: read, checked, and every fault named by its column.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use csv::ByteRecord;
use jiff::civil::Date;
use model::Pii;

use crate::policies::customer::{Claim, Customer, Policy};
use crate::policies::identity::is_identity_number;
use crate::policies::import::COLUMNS;

/// A line that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The line in the file, from 1; the header is line 1.
    pub line: u64,
    /// The column's name; empty where the line as a whole is wrong.
    pub column: &'static str,
    /// What is wrong. Holds no personal data.
    pub reason: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, reason } = self;
        if column.is_empty() {
            write!(f, "line {line}: {reason}")
        } else {
            write!(f, "line {line}, column {column}: {reason}")
        }
    }
}

/// Where each of [`COLUMNS`] is in the file.
#[derive(Debug)]
pub(crate) struct Header {
    places: [Option<usize>; COLUMNS.len()],
}

impl Header {
    /// Finds the columns in the header line. The error names what is missing or unknown.
    pub(crate) fn read(header: &ByteRecord) -> Result<Self, BadRow> {
        let bad = |column, reason: String| BadRow { line: 1, column, reason };
        let mut places = [None; COLUMNS.len()];
        for (at, name) in header.iter().enumerate() {
            // Spreadsheets put a byte order mark before the first name.
            let name = name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name).trim_ascii();
            let known = COLUMNS.iter().position(|(column, _, _)| column.as_bytes() == name);
            let Some(column) = known else {
                let name = String::from_utf8_lossy(name);
                return Err(bad("", format!("'{name}' is no column of a policies file")));
            };
            if places[column].replace(at).is_some() {
                return Err(bad(COLUMNS[column].0, "is there twice".to_owned()));
            }
        }
        for ((column, required, _), place) in COLUMNS.iter().zip(&places) {
            if *required && place.is_none() {
                return Err(bad(column, "is missing in the header".to_owned()));
            }
        }
        Ok(Self { places })
    }
}

/// The fields of one line by column.
struct Fields<'r> {
    header: &'r Header,
    record: &'r ByteRecord,
    line: u64,
}

/// The customer with the one policy of a line.
pub(crate) fn read(header: &Header, record: &ByteRecord, line: u64) -> Result<Customer, BadRow> {
    let fields = Fields { header, record, line };
    let identity = fields.required("identity_number")?.to_ascii_uppercase();
    if !is_identity_number(&identity) {
        let reason = "is no identity number: 17 digits, a birthday among them, and the check digit";
        return Err(fields.bad("identity_number", reason));
    }
    let phone = lookup::normalise(fields.required("phone")?)
        .ok_or_else(|| fields.bad("phone", "is no telephone number"))?;
    let class = fields.optional("class")?.unwrap_or("b");
    if !["excellent", "a", "b", "c"].contains(&class) {
        return Err(fields.bad("class", "is none of excellent, a, b, c"));
    }
    let steward = fields.optional("steward")?;
    if steward.is_some_and(|agent| agent.len() > 40) {
        return Err(fields.bad("steward", "is longer than 40 characters"));
    }
    Ok(Customer {
        customer_id: fields.bounded("customer_id", 40)?.to_owned(),
        name: Pii::from(fields.bounded("name", 100)?),
        phone: Pii::new(phone),
        identity_number: Pii::new(identity),
        class: class.to_owned(),
        city: fields.optional("city")?.unwrap_or_default().to_owned(),
        steward: steward.map(str::to_owned),
        policies: vec![policy(&fields)?],
    })
}

fn policy(fields: &Fields<'_>) -> Result<Policy, BadRow> {
    let policy_number = fields.bounded("policy_number", 17)?;
    if !policy_number.bytes().all(|b| b.is_ascii_digit()) {
        // Eighteen digits would be an identity number to the menu.
        return Err(fields.bad("policy_number", "is not at most 17 digits: a caller must key it"));
    }
    let starts_on = fields.date("starts_on")?;
    let ends_on = fields.date("ends_on")?;
    if ends_on < starts_on {
        return Err(fields.bad("ends_on", "is before starts_on"));
    }
    let premium = fields.required("premium_yuan")?;
    Ok(Policy {
        policy_number: policy_number.to_owned(),
        product: fields.bounded("product", 100)?.to_owned(),
        plate: Pii::from(fields.bounded("plate", 20)?),
        vehicle: fields.bounded("vehicle", 100)?.to_owned(),
        starts_on,
        ends_on,
        surrendered_on: match fields.optional("surrendered_on")? {
            None => None,
            Some(_) => Some(fields.date("surrendered_on")?),
        },
        premium_fen: fen(premium)
            .ok_or_else(|| fields.bad("premium_yuan", "is no amount such as 1234.50"))?,
        claims: match fields.optional("claims")? {
            None => Vec::new(),
            Some(list) => claims(list).map_err(|reason| fields.bad("claims", &reason))?,
        },
    })
}

impl<'r> Fields<'r> {
    fn bad(&self, column: &'static str, reason: &str) -> BadRow {
        BadRow { line: self.line, column, reason: reason.to_owned() }
    }

    /// The field, trimmed; `None` if it is empty or the file has no such column.
    fn optional(&self, column: &'static str) -> Result<Option<&'r str>, BadRow> {
        let place = COLUMNS
            .iter()
            .position(|(name, _, _)| *name == column)
            .and_then(|at| self.header.places[at]);
        let Some(bytes) = place.and_then(|at| self.record.get(at)) else { return Ok(None) };
        let text = std::str::from_utf8(bytes)
            .map_err(|_| self.bad(column, "is not UTF-8: save the file as UTF-8"))?
            .trim();
        if text.contains('\0') {
            return Err(self.bad(column, "has a NUL character"));
        }
        Ok((!text.is_empty()).then_some(text))
    }

    fn required(&self, column: &'static str) -> Result<&'r str, BadRow> {
        self.optional(column)?.ok_or_else(|| self.bad(column, "is empty"))
    }

    fn bounded(&self, column: &'static str, characters: usize) -> Result<&'r str, BadRow> {
        let text = self.required(column)?;
        if text.chars().count() > characters {
            return Err(self.bad(column, &format!("has more than {characters} characters")));
        }
        Ok(text)
    }

    fn date(&self, column: &'static str) -> Result<Date, BadRow> {
        parse_date(self.required(column)?)
            .ok_or_else(|| self.bad(column, "is no day such as 2025-01-31"))
    }
}

/// `YYYY-MM-DD` and nothing else: it is compared as text later.
fn parse_date(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| Date::from_str(text).ok()).flatten().filter(|day| day.year() > 0)
}

/// An amount in yuan with at most two decimals, in fen.
fn fen(text: &str) -> Option<i64> {
    let (yuan, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if yuan.is_empty() || yuan.len() > 12 || !digits(yuan) || !digits(decimals) {
        return None;
    }
    let decimals = match decimals.len() {
        1 => decimals.parse::<i64>().ok()? * 10,
        2 => decimals.parse().ok()?,
        _ => return None,
    };
    Some(yuan.parse::<i64>().ok()? * 100 + decimals)
}

/// `number/day/closed/yuan` for each claim, `;` between them; an open claim is `number/day/open`.
fn claims(list: &str) -> Result<Vec<Claim>, String> {
    let claims: Vec<Claim> = list
        .split(';')
        .map(str::trim)
        .filter(|claim| !claim.is_empty())
        .map(claim)
        .collect::<Result<_, _>>()?;
    let numbers: BTreeSet<&str> = claims.iter().map(|claim| claim.claim_number.as_str()).collect();
    if numbers.len() < claims.len() {
        return Err("has a claim twice".to_owned());
    }
    Ok(claims)
}

fn claim(text: &str) -> Result<Claim, String> {
    let parts: Vec<&str> = text.split('/').map(str::trim).collect();
    let form = || "is not a list of number/day/closed/yuan or number/day/open".to_owned();
    let (number, day, closed, paid) = match parts[..] {
        [number, day, "open"] => (number, day, false, "0"),
        [number, day, "closed", paid] => (number, day, true, paid),
        _ => return Err(form()),
    };
    if number.is_empty() || number.chars().count() > 40 {
        return Err(form());
    }
    Ok(Claim {
        claim_number: number.to_owned(),
        lost_on: parse_date(day).ok_or_else(form)?,
        closed,
        paid_fen: fen(paid).ok_or_else(form)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_to_the_fen() {
        for (text, wanted) in [
            ("1234.50", Some(123_450)),
            ("1234.5", Some(123_450)),
            ("0", Some(0)),
            ("0.01", Some(1)),
            ("1,234", None),
            ("-1", None),
            (".5", None),
            ("1.234", None),
            ("1e3", None),
            ("", None),
            ("9999999999999", None),
        ] {
            assert_eq!(fen(text), wanted, "{text}");
        }
    }

    #[test]
    fn claims_are_a_list() {
        let list = claims("RC1/2024-05-06/closed/1800.00; RC2/2024-06-01/open;").unwrap();
        assert_eq!((list.len(), list[0].paid_fen, list[1].closed), (2, 180_000, false));
        for text in [
            "RC1",
            "RC1/2024-05-06",
            "RC1/2024-05-06/open;RC1/2024-05-07/open",
            "/2024-05-06/open",
            "RC1/5.6.2024/open",
        ] {
            assert!(claims(text).is_err(), "{text}");
        }
    }
}
