//! What holds for any bytes that are found where a recording should be. Shared by the fuzz target
//! and the room's replay of its corpus.

use recording::{Expected, FAULTS_MAX, Keyring, Report, Verifier};

/// The master key that the corpus is encrypted with.
const KEY: &str = "k = 0101010101010101010101010101010101010101010101010101010101010101";

fn read(file: &[u8], chunk: usize) -> Report {
    let keys = Keyring::parse(KEY).unwrap_or_default();
    let mut verifier = Verifier::new(Expected::default(), Some(&keys));
    file.chunks(chunk).for_each(|bytes| verifier.update(bytes));
    verifier.finish()
}

/// A file: it is judged the same in whatever parts it is read, a whole one ends with its seal, and
/// one that is mended has the seal that was told.
pub(crate) fn tape(data: &[u8]) {
    let report = read(data, data.len().max(1));
    assert_eq!(report, read(data, 61));
    assert!(report.faults.len() <= FAULTS_MAX);
    if report.is_whole() {
        assert_eq!(report.seal.as_ref().map(|seal| seal.bytes), Some(data.len() as u64));
    }
    if let Some((at, bytes, seal)) = report.mend() {
        let kept = usize::try_from(at).unwrap_or(usize::MAX);
        assert!(kept <= data.len());
        let mended = read(&[&data[..kept], &bytes].concat(), 4_096);
        assert_eq!(mended.seal, Some(seal));
        assert!(mended.mend().is_none());
    }
}
