//! How much quicker than `rsip` a message is read and printed.

#[path = "../../crates/sip/benches/against_rsip/ratio.rs"]
mod ratio;

use crate::table::{Row, Table};

/// How many times as quick as `rsip` reading and printing should be.
const TIMES_MIN: f64 = 10.0;

/// Measures and adds a row for each piece of work.
pub(crate) fn rows(table: &mut Table) {
    for ratio in ratio::measure() {
        let times = ratio.times();
        table.add(Row {
            work: format!("an INVITE of 1,128 bytes: {}", ratio.work),
            measured: format!(
                "{:.0} ns, rsip {:.0} ns: {times:.1} × as quick",
                ratio.ours_ns, ratio.theirs_ns
            ),
            beside: String::new(),
            target: if ratio.is_promised { "≥ 10 ×" } else { "" },
            met: ratio.is_promised.then_some(times >= TIMES_MIN),
            remarks: ratio.remarks.into(),
        });
    }
}
