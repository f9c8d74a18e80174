//! Reading and writing beside `rsip`, as ratios of one run: `cargo bench -p sip`.

mod ratio;

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for ratio in ratio::measure() {
        let (work, times) = (ratio.work, ratio.times());
        let (ours, theirs) = (ratio.ours_ns, ratio.theirs_ns);
        let target = if ratio.is_promised { " (promised: 10)" } else { "" };
        writeln!(
            out,
            "{work}: {ours:.0} ns, rsip {theirs:.0} ns: {times:.1} times as quick{target} {}",
            ratio.remarks
        )?;
    }
    Ok(())
}
