//! A small zone, and searches in it.

mod examples;
mod machine;
mod weights;

use std::collections::BTreeMap;

use model::Mono;

use super::{
    Answer, LocateConfig, LocateOutput, Locator, NotLocated, Place, Question, Record, RecordKind,
    SearchId, Target,
};
use crate::Uri;

/// Records by kind and name, as a zone file has them.
pub(super) struct Zone(BTreeMap<Question, Answer>);

impl Zone {
    /// Lines of `name kind data`; `SERVFAIL` in place of data for a question that fails. All is
    /// true for 300 seconds.
    pub(super) fn of(lines: &str) -> Self {
        let mut zone: BTreeMap<Question, Answer> = BTreeMap::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (name, kind, data) = (words[0], words[1], &words[2..]);
            let kind = match kind {
                "NAPTR" => RecordKind::Naptr,
                "SRV" => RecordKind::Srv,
                "A" => RecordKind::A,
                "AAAA" => RecordKind::Aaaa,
                other => panic!("no kind of record: {other}"),
            };
            let question = Question { kind, name: name.to_owned() };
            if data == ["SERVFAIL"] {
                zone.insert(question, Answer::Failed);
                continue;
            }
            let known =
                zone.entry(question).or_insert(Answer::Found { records: Vec::new(), ttl_s: 300 });
            if let Answer::Found { records, .. } = known {
                records.push(record(kind, data));
            }
        }
        Self(zone)
    }

    pub(super) fn answer(&self, question: &Question) -> Answer {
        self.0.get(question).cloned().unwrap_or(Answer::Nothing { ttl_s: Some(60) })
    }
}

fn record(kind: RecordKind, data: &[&str]) -> Record {
    let number = |at: usize| data[at].parse().unwrap();
    match kind {
        RecordKind::Naptr => Record::Naptr {
            order: number(0),
            preference: number(1),
            flags: data[2].to_owned(),
            service: data[3].to_owned(),
            regexp: data[4].trim_matches('"').to_owned(),
            replacement: data[5].to_owned(),
        },
        RecordKind::Srv => Record::Srv {
            priority: number(0),
            weight: number(1),
            port: number(2),
            target: data[3].to_owned(),
        },
        RecordKind::A | RecordKind::Aaaa => Record::Address(data[0].parse().unwrap()),
    }
}

pub(super) fn place(uri: &str) -> Place {
    Place::of(&Uri::parse(uri).unwrap()).unwrap()
}

/// Answers what is asked from the zone until `search` is over; tells the end and what was asked.
pub(super) fn finish(
    locator: &mut Locator,
    zone: &Zone,
    search: SearchId,
    now: Mono,
) -> (Result<Vec<Target>, NotLocated>, Vec<Question>) {
    let mut asked = Vec::new();
    while let Some(output) = locator.poll_output() {
        match output {
            LocateOutput::Ask(question) => {
                let answer = zone.answer(&question);
                locator.handle_answer(&question, answer, now);
                asked.push(question);
            }
            LocateOutput::Located { search: over, targets } if over == search => {
                return (Ok(targets), asked);
            }
            LocateOutput::NotLocated { search: over, why } if over == search => {
                return (Err(why), asked);
            }
            LocateOutput::Located { .. } | LocateOutput::NotLocated { .. } => {}
        }
    }
    panic!("the search has no end");
}

/// Locates a URI with all that we may have.
pub(super) fn locate(zone: &Zone, uri: &str) -> Result<Vec<String>, NotLocated> {
    locate_with(&LocateConfig { carriers: all_carriers(), ..LocateConfig::default() }, zone, uri)
}

fn all_carriers() -> Vec<super::Carrier> {
    use super::Carrier::{Tcp, Tls, Udp};
    vec![Udp, Tcp, Tls]
}

pub(super) fn locate_with(
    config: &LocateConfig,
    zone: &Zone,
    uri: &str,
) -> Result<Vec<String>, NotLocated> {
    let mut locator = Locator::new(config.clone());
    let search = locator.locate(place(uri), 7, Mono::default());
    let (end, _) = finish(&mut locator, zone, search, Mono::default());
    assert_eq!((locator.searches(), locator.poll_timeout()), (0, None));
    end.map(|targets| targets.iter().map(shown).collect())
}

pub(super) fn shown(target: &Target) -> String {
    format!("{:?} {}", target.carrier, target.address)
}
