//! Between menu and queue: how much earlier a caller is deemed to have come, and who should take
//! the call.
//!
//! What the number says (they called a short while ago, an agent spoke with them) counts as soon as
//! they come to a queue; what their card says (class, age, open claims, steward) as soon as it is
//! known. Each counts once in a call, whatever queues it goes through, and is a fact.

use std::collections::{BTreeMap, VecDeque};

use acd::{Day, Input as AcdInput, MAX_HEAD_START_MS, Preferred, SHANGHAI_OFFSET_S};
use model::{AgentId, CallId, CustomerCard, FactBody, Outcome, Wall};

use crate::Callflow;
use crate::calls::{Call, Stage};

/// Callers who are remembered; the one whose call is the longest ago is forgotten first.
const REMEMBERED_MAX: usize = 100_000;

/// What puts callers forward, and to whom; nothing does unless it is said here. Times that count as
/// waited are at most [`MAX_HEAD_START_MS`] together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Priorities {
    /// By the customer's class, in milliseconds.
    pub classes_ms: BTreeMap<String, u64>,
    /// Customers of this age or older, in years, and what they are put forward by, in milliseconds.
    pub elderly: Option<(u8, u64)>,
    /// Customers with an open claim, in milliseconds.
    pub open_claim_ms: u64,
    /// Who came to a queue a while ago and calls again.
    pub repeat: Option<Within>,
    /// For how long a call waits for the customer's steward alone, in milliseconds.
    pub steward_ms: u64,
    /// For how long a call waits for who spoke with the caller last, if they have no steward.
    pub last_agent: Option<Within>,
}

impl Priorities {
    /// For how long callers are remembered, in milliseconds.
    pub fn remembers_ms(&self) -> u64 {
        let both = [self.repeat, self.last_agent];
        both.into_iter().flatten().map(|one| one.within_ms).max().unwrap_or(0)
    }
}

/// What counts for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// For how long, in milliseconds.
    pub within_ms: u64,
    /// What it is worth, in milliseconds.
    pub ms: u64,
}

/// A call that is over, of somebody who may call again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The caller's number.
    pub number: model::Pii<String>,
    /// When it ended.
    pub ended: Wall,
    /// Who spoke with them, if somebody did.
    pub agent: Option<AgentId>,
}

/// Who called a short while ago, by number in its canonical spelling.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    callers: BTreeMap<String, Seen>,
    /// In the order of time. What is not a caller's newest call any more is passed over.
    order: VecDeque<(Wall, String)>,
}

#[derive(Debug)]
struct Seen {
    ended: Wall,
    spoke: Option<(AgentId, Wall)>,
}

impl Recent {
    /// A call is over; `keep_ms` is for how long that matters.
    fn note(&mut self, call: &Remembered, keep_ms: u64) {
        let Some(number) = lookup::normalise(call.number.reveal()) else { return };
        let ended = call.ended;
        let spoke = call.agent.clone().map(|agent| (agent, ended));
        let seen = self.callers.entry(number.clone()).or_insert(Seen { ended, spoke: None });
        seen.ended = ended;
        seen.spoke = spoke.or(seen.spoke.take());
        self.order.push_back((ended, number));
        while let Some((oldest, number)) = self.order.front() {
            let is_old = ended.ms_since(*oldest) > keep_ms;
            if !is_old && self.order.len() <= REMEMBERED_MAX {
                break;
            }
            if self.callers.get(number).is_some_and(|seen| seen.ended == *oldest) {
                self.callers.remove(number);
            }
            self.order.pop_front();
        }
    }

    fn get(&self, number: &str) -> Option<&Seen> {
        // Nobody is remembered where nothing comes of it.
        if self.callers.is_empty() {
            return None;
        }
        self.callers.get(&lookup::normalise(number)?)
    }
}

/// What has counted for a call already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    number: bool,
    card: bool,
}

/// What counts for a call now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Favour {
    pub(crate) ms: u64,
    pub(crate) preferred: Option<Preferred>,
    reasons: Vec<&'static str>,
}

impl Favour {
    fn add(&mut self, reason: &'static str, ms: u64) {
        if ms > 0 {
            self.ms = self.ms.saturating_add(ms).min(MAX_HEAD_START_MS);
            self.reasons.push(reason);
        }
    }

    /// Who is named first should take the call.
    fn prefer(&mut self, reason: &'static str, agent: &AgentId, for_ms: u64) {
        if for_ms > 0 && self.preferred.is_none() {
            self.preferred = Some(Preferred { agent: agent.clone(), for_ms });
            self.reasons.push(reason);
        }
    }

    fn of_card(&mut self, card: &CustomerCard, rules: &Priorities, today: Day) {
        self.add("class", rules.classes_ms.get(&card.class).copied().unwrap_or(0));
        if let Some((from_age, ms)) = rules.elderly
            && is_of_age(card, from_age, today)
        {
            self.add("elderly", ms);
        }
        let claims = card.policies.iter().flat_map(|policy| &policy.claims);
        if claims.into_iter().any(|claim| claim.status == "open") {
            self.add("open_claim", rules.open_claim_ms);
        }
        if let Some(steward) = &card.steward {
            self.prefer("steward", steward, rules.steward_ms);
        }
    }

    fn of_number(&mut self, seen: &Seen, rules: &Priorities, now: Wall) {
        let counts = |rule: &Within, at: Wall| now.ms_since(at) <= rule.within_ms;
        if let Some(rule) = rules.repeat.filter(|rule| counts(rule, seen.ended)) {
            self.add("repeat", rule.ms);
        }
        if let Some((agent, at)) = &seen.spoke
            && let Some(rule) = rules.last_agent.filter(|rule| counts(rule, *at))
        {
            self.prefer("last_agent", agent, rule.ms);
        }
    }
}

/// Whether a customer has had that birthday by the identity number (GB 11643-1999).
fn is_of_age(card: &CustomerCard, years: u8, today: Day) -> bool {
    let Some((year, month, day)) = card.born_on() else { return false };
    let year = year + i32::from(years);
    // Who was born on 29 February is a year older on 1 March where there is none.
    let birthday = Day::from_ymd(year, month, day).or_else(|| Day::from_ymd(year, 3, 1));
    birthday.is_some_and(|birthday| birthday <= today)
}

impl Callflow {
    /// What counts for a caller who comes to a queue.
    pub(crate) fn favour(&mut self, call: CallId) -> Favour {
        let (now, rules) = (self.wall(), &self.config.priorities);
        let Some(known) = self.calls.get_mut(&call) else { return Favour::default() };
        let mut favour = Favour::default();
        if let Some(card) = known.lookup.card()
            && !std::mem::replace(&mut known.counted.card, true)
        {
            favour.of_card(card, rules, Day::at(now, SHANGHAI_OFFSET_S));
        }
        if let Some(seen) = self.recent.get(outside_number(known))
            && !std::mem::replace(&mut known.counted.number, true)
        {
            favour.of_number(seen, rules, now);
        }
        favour
    }

    /// The card of a caller has come; who waits already is put forward in line.
    pub(crate) fn favour_late(&mut self, call: CallId) {
        let waits = |known: &Call| matches!(known.stage, Stage::Waiting { .. });
        if !self.calls.get(&call).is_some_and(waits) || self.acd.is_offered(call) {
            return;
        }
        let favour = self.favour(call);
        if favour.reasons.is_empty() {
            return;
        }
        self.note_favour(call, &favour);
        let Favour { ms, preferred, .. } = favour;
        if let Some(Stage::Waiting { waiting, .. }) =
            self.calls.get_mut(&call).map(|known| &mut known.stage)
        {
            waiting.before_ms = waiting.before_ms.saturating_add(ms);
        }
        self.acd.handle_input(AcdInput::Prefer { call, more_ms: ms, preferred }, self.now);
    }

    /// What counts is a fact.
    pub(crate) fn note_favour(&mut self, call: CallId, favour: &Favour) {
        if favour.reasons.is_empty() {
            return;
        }
        self.note(FactBody::Prioritised {
            call,
            head_start_ms: favour.ms,
            why: favour.reasons.join(","),
            preferred: favour.preferred.as_ref().map(|preferred| preferred.agent.clone()),
            prefers_ms: favour.preferred.as_ref().map_or(0, |preferred| preferred.for_ms),
        });
    }

    /// A call is over: who calls again from that number is known for a while.
    pub(crate) fn remember(&mut self, known: &Call, outcome: Outcome) {
        let keep_ms = self.config.priorities.remembers_ms();
        // Who came to no queue, and whom no agent spoke with, has not sought anyone in vain.
        let came = matches!(
            outcome,
            Outcome::Answered | Outcome::Abandoned | Outcome::TurnedAway | Outcome::Error
        );
        if keep_ms == 0 || !came || known.direction == model::Direction::Internal {
            return;
        }
        let number = model::Pii::new(outside_number(known).to_owned());
        let agent = known.spoke.clone();
        self.recent.note(&Remembered { number, ended: self.wall(), agent }, keep_ms);
    }

    /// Who called before a restart, in the order of their calls' ends.
    pub(crate) fn restore_recent(&mut self, calls: &[Remembered]) {
        let keep_ms = self.config.priorities.remembers_ms();
        for call in calls {
            self.recent.note(call, keep_ms);
        }
    }
}

/// The number of the one outside.
fn outside_number(known: &Call) -> &str {
    match known.direction {
        model::Direction::Outbound => &known.dnis,
        model::Direction::Inbound | model::Direction::Internal => known.ani.reveal(),
    }
}

#[cfg(test)]
mod tests {

    use model::{ClaimSummary, Pii, PolicyCard, PolicyStatus};

    use super::*;

    const MINUTE: u64 = 60_000;

    fn card(identity_number: &str) -> CustomerCard {
        CustomerCard {
            customer_id: "1".to_owned(),
            name: Pii::from("王小明"),
            phone: Pii::from("13800138000"),
            identity_number: Pii::from(identity_number),
            class: "a".to_owned(),
            city: "上海".to_owned(),
            steward: None,
            policies: Vec::new(),
        }
    }

    fn with_claim(status: &str) -> PolicyCard {
        let claim = ClaimSummary {
            claim_number: "R1".to_owned(),
            lost_on: "2026-01-01".to_owned(),
            status: status.to_owned(),
            paid_fen: 0,
        };
        PolicyCard {
            policy_number: "1".to_owned(),
            product: "商业险".to_owned(),
            plate: Pii::from("沪A00001"),
            vehicle: String::new(),
            status: PolicyStatus::InForce,
            starts_on: "2026-01-01".to_owned(),
            ends_on: "2026-12-31".to_owned(),
            premium_fen: 0,
            claims: vec![claim],
        }
    }

    fn rules() -> Priorities {
        Priorities {
            classes_ms: [("a".to_owned(), 10)].into(),
            elderly: Some((65, 200)),
            open_claim_ms: 3_000,
            repeat: Some(Within { within_ms: MINUTE, ms: 40_000 }),
            steward_ms: 7,
            last_agent: Some(Within { within_ms: 10 * MINUTE, ms: 9 }),
        }
    }

    fn favour(card: &CustomerCard, today: (i32, u8, u8)) -> Favour {
        let today = Day::from_ymd(today.0, today.1, today.2).unwrap();
        let mut favour = Favour::default();
        favour.of_card(card, &rules(), today);
        favour
    }

    #[test]
    fn class_age_and_open_claims_add_up_and_closed_claims_do_not() {
        let mut card = card("110101196111220134");
        assert_eq!(favour(&card, (2026, 11, 21)).ms, 10, "64 for one day more");
        assert_eq!(favour(&card, (2026, 11, 22)).ms, 210);
        card.policies = vec![with_claim("closed")];
        assert_eq!(favour(&card, (2026, 11, 22)).ms, 210);
        card.policies.push(with_claim("open"));
        let favour = favour(&card, (2026, 11, 22));
        assert_eq!((favour.ms, favour.reasons), (3_210, vec!["class", "elderly", "open_claim"]));
    }

    #[test]
    fn who_was_born_on_a_leap_day_has_a_birthday_every_year() {
        let card = card("110101196002290134");
        assert_eq!(favour(&card, (2025, 2, 28)).ms, 10);
        assert_eq!(favour(&card, (2025, 3, 1)).ms, 210);
        assert_eq!(favour(&self::card("nonsense"), (2025, 3, 1)).ms, 10, "of no known age");
    }

    #[test]
    fn the_steward_comes_before_who_spoke_with_them_last() {
        let mut favour = Favour::default();
        let card = CustomerCard { steward: Some(AgentId::from("8007")), ..card("") };
        favour.of_card(&card, &rules(), Day(0));
        let seen = Seen { ended: Wall(0), spoke: Some((AgentId::from("8001"), Wall(0))) };
        favour.of_number(&seen, &rules(), Wall(0));
        let preferred = Preferred { agent: AgentId::from("8007"), for_ms: 7 };
        assert_eq!(favour.preferred, Some(preferred));
        assert_eq!(favour.reasons, ["class", "steward", "repeat"]);
    }

    #[test]
    fn together_they_are_never_more_than_a_head_start_may_be() {
        let mut favour = Favour::default();
        favour.add("class", MAX_HEAD_START_MS - 1);
        favour.add("elderly", 5);
        assert_eq!(favour.ms, MAX_HEAD_START_MS);
    }

    fn at_min(minutes: i64) -> Wall {
        Wall(minutes * 60_000_000)
    }

    fn call(number: &str, minutes: i64, agent: Option<&str>) -> Remembered {
        let agent = agent.map(AgentId::from);
        Remembered { number: Pii::from(number), ended: at_min(minutes), agent }
    }

    #[test]
    fn a_caller_is_known_however_the_carrier_writes_the_number_and_forgotten_in_time() {
        let (mut recent, keep) = (Recent::default(), 10 * MINUTE);
        recent.note(&call("+8613800138000", 0, Some("8001")), keep);
        recent.note(&call("013800138000", 5, None), keep);
        let seen = recent.get("13800138000").unwrap();
        let spoke = Some((AgentId::from("8001"), at_min(0)));
        assert_eq!((seen.ended, &seen.spoke), (at_min(5), &spoke));
        let mut favour = Favour::default();
        favour.of_number(seen, &rules(), at_min(8));
        assert_eq!((favour.ms, favour.reasons), (0, vec!["last_agent"]), "a minute is long over");
        recent.note(&call("13900000000", 16, None), keep);
        assert!(recent.get("13800138000").is_none(), "its last call is 11 minutes ago");
        assert!(recent.get("anonymous").is_none());
    }

    #[test]
    fn only_so_many_callers_are_remembered() {
        let mut recent = Recent::default();
        for at in 0..REMEMBERED_MAX + 5 {
            recent.note(&call(&format!("138{at:08}"), 0, None), MINUTE);
        }
        assert_eq!((recent.callers.len(), recent.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert!(recent.get("13800000004").is_none() && recent.get("13800000005").is_some());
        // The same caller again and again takes no more room.
        for minute in 0..10 {
            recent.note(&call("13900000000", minute, None), 2 * MINUTE);
        }
        assert!(recent.order.len() <= 3, "{}", recent.order.len());
    }
}
