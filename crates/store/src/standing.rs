//! What is still so as facts once said, so that a start of the engine need not read them all.

use std::collections::BTreeMap;

use model::{CallId, Fact, FactBody};

use crate::error::Result;
use crate::facts;
use crate::open::Store;
use crate::sql::{Batch, Value, big};

/// What a fact changes: which topics it is the last word on, and which are over with it.
enum Word {
    Stands(String),
    Over(Vec<String>),
}

/// Two facts of a callback stand side by side: that it was asked for, and its last attempt.
fn of_callback(call: CallId) -> [String; 2] {
    [format!("callback {call}"), format!("callback attempt {call}")]
}

fn of_plan(plan: &str) -> String {
    format!("plan {plan}")
}

fn word(body: &FactBody) -> Option<Word> {
    match body {
        FactBody::CallbackBooked { call, .. } => {
            let [booked, _] = of_callback(*call);
            Some(Word::Stands(booked))
        }
        FactBody::CallbackMissed { call, .. } => {
            let [_, attempt] = of_callback(*call);
            Some(Word::Stands(attempt))
        }
        FactBody::CallbackEnded { call, .. } => Some(Word::Over(of_callback(*call).into())),
        FactBody::PlanSwitched { plan, on: true, .. } => Some(Word::Stands(of_plan(plan))),
        FactBody::PlanSwitched { plan, on: false, .. } => Some(Word::Over(vec![of_plan(plan)])),
        _ => None,
    }
}

/// Keeps the last word on each topic.
pub(crate) fn write(batch: &mut Batch, facts: &[Fact]) {
    let mut last: BTreeMap<(u16, String), Option<&Fact>> = BTreeMap::new();
    for fact in facts {
        match word(&fact.body) {
            Some(Word::Stands(topic)) => {
                last.insert((fact.site, topic), Some(fact));
            }
            Some(Word::Over(topics)) => {
                last.extend(topics.into_iter().map(|topic| ((fact.site, topic), None)));
            }
            None => {}
        }
    }
    let mut rows = Vec::new();
    for ((site, topic), fact) in last {
        let key = [Value::Int(site.into()), Value::Text(topic)];
        match fact {
            Some(fact) => {
                let [site, topic] = key;
                rows.push([site, topic, Value::Int(fact.epoch.into()), Value::Int(big(fact.seq))]);
            }
            None => batch.add("DELETE FROM standing WHERE site = ? AND topic = ?", key.into()),
        }
    }
    let tail = "ON CONFLICT (site, topic) DO UPDATE SET epoch = excluded.epoch, \
         seq = excluded.seq";
    batch.insert("standing (site, topic, epoch, seq)", rows, tail);
}

impl Store {
    /// The facts of this site that are still so, oldest first.
    pub async fn standing_facts(&self) -> Result<Vec<Fact>> {
        let rows = sqlx::query(
            "SELECT facts.* FROM standing
             JOIN facts ON facts.site = standing.site AND facts.epoch = standing.epoch
                       AND facts.seq = standing.seq
             WHERE standing.site = $1 ORDER BY facts.epoch, facts.seq",
        )
        .bind(i64::from(self.site()))
        .fetch_all(self.readers())
        .await?;
        Ok(facts::read_all(&rows))
    }
}
