//! Records of the library in the terms of `sip::locate`.

use std::net::IpAddr;

use hickory_resolver::proto::rr::{Name, RData, Record as Answered, RecordType};
use sip::locate::{Answer, Record, RecordKind};

/// The most records of one answer that are read.
const RECORDS_MAX: usize = 256;

pub(super) const fn type_of(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::Naptr => RecordType::NAPTR,
        RecordKind::Srv => RecordType::SRV,
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
    }
}

/// What was answered; it is true as long as the record that goes first, an alias among them.
pub(super) fn answer(kind: RecordKind, answered: &[Answered]) -> Answer {
    let wanted = type_of(kind);
    let of_kind = answered.iter().filter(|record| record.record_type() == wanted);
    let records: Vec<Record> =
        of_kind.filter_map(|record| read(&record.data)).take(RECORDS_MAX).collect();
    let ttl_s = answered.iter().map(|record| record.ttl).min();
    match (records.is_empty(), ttl_s) {
        (false, Some(ttl_s)) => Answer::Found { records, ttl_s },
        (_, _) => Answer::Nothing { ttl_s: None },
    }
}

fn read(data: &RData) -> Option<Record> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match data {
        RData::A(address) => Some(Record::Address(IpAddr::V4(address.0))),
        RData::AAAA(address) => Some(Record::Address(IpAddr::V6(address.0))),
        RData::SRV(srv) => Some(Record::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: written(&srv.target),
        }),
        RData::NAPTR(naptr) => Some(Record::Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            regexp: text(&naptr.regexp),
            replacement: written(&naptr.replacement),
        }),
        _ => None,
    }
}

/// A name without the dot at its end; the root is empty.
fn written(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_ascii_lowercase()
}
