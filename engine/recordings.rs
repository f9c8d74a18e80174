//! `hotline recordings verify`: every recording against its seal.

use std::path::Path;

use net::recorder::Verdict;
use store::Store;

use crate::cli::say;

/// Compares every sealed recording's file with its seal, and names what is not as it was.
///
/// # Errors
/// The database fails, or a recording is missing or changed.
pub async fn verify(store: &Store, folder: &Path) -> anyhow::Result<()> {
    let (mut whole, mut open, mut bad) = (0_u64, 0_u64, 0_u64);
    let mut entries = store.all_recordings();
    while let Some(entry) = entries.next().await? {
        let id = entry.recording.recording;
        let Some(seal) = &entry.recording.seal else {
            open += 1;
            say(&format!(
                "{id}: not sealed: the call goes on, or the engine must start to mend it"
            ))?;
            continue;
        };
        let path = folder.join(&entry.recording.path);
        let wrong = match net::recorder::verify(&path, seal) {
            Ok(Verdict::Ok) => {
                whole += 1;
                continue;
            }
            Ok(verdict) => format!("{verdict:?}"),
            Err(error) => error.to_string(),
        };
        bad += 1;
        say(&format!("{id}: {}: {wrong}", path.display()))?;
    }
    say(&format!("{whole} recordings are as sealed, {open} not sealed, {bad} missing or changed"))?;
    anyhow::ensure!(bad == 0, "{bad} recordings are missing or changed");
    Ok(())
}
