//! Files in the recordings' folder that the database knows nothing of: a power cut can take a fact
//! whose file it left.

use std::io;
use std::path::{Path, PathBuf};

use model::{RecordingId, Wall};
use store::Store;

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// The recordings' files below `folder` that the database does not know, in the order of their
/// names; with `days` those of these days alone.
///
/// # Errors
/// The folder cannot be read, or the database fails.
pub async fn strays(
    store: &Store,
    folder: &Path,
    days: Option<&[Wall]>,
) -> anyhow::Result<Vec<PathBuf>> {
    let folders = match days {
        Some(days) => days.iter().map(|day| folder.join(day_folder(*day))).collect(),
        None => folders(folder)?,
    };
    let mut strays = Vec::new();
    for folder in folders {
        for file in names(&folder)? {
            let Some(id) = recording_of(&file) else { continue };
            if store.recording(id).await?.is_none() {
                strays.push(file);
            }
        }
    }
    Ok(strays)
}

/// Names the files of today and yesterday that an engine before the one of `epoch` left without a
/// fact.
pub async fn warn_of_strays(store: &Store, folder: &Path, now: Wall, epoch: u32) {
    let days = [Wall(now.0 - DAY_MICROS), now];
    match strays(store, folder, Some(&days)).await {
        Ok(strays) => {
            // The facts of this engine's own may not be in the database yet.
            let is_left = |file: &PathBuf| {
                recording_of(file).is_some_and(|recording| recording.0.epoch() != epoch)
            };
            for file in strays.into_iter().filter(is_left) {
                let file = file.display();
                tracing::warn!(%file, "a recording that the database knows nothing of");
            }
        }
        Err(error) => tracing::warn!(%error, "the recordings' folder could not be looked through"),
    }
}

/// `YYYY/MM/DD`, as recordings lie.
fn day_folder(day: Wall) -> PathBuf {
    let path = recording::relative_path(RecordingId(model::Id::new(0, 0, 0)), day);
    Path::new(&path).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Every day's folder, the oldest first.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut level = vec![folder.to_path_buf()];
    for _ in 0..3 {
        let mut below = Vec::new();
        for folder in level {
            below.extend(names(&folder)?.into_iter().filter(|name| name.is_dir()));
        }
        level = below;
    }
    Ok(level)
}

/// What a folder has, by name; nothing if it is not there.
fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The recording that a file is named after.
fn recording_of(file: &Path) -> Option<RecordingId> {
    let ending = file.extension()?.to_str()?;
    matches!(ending, "tape" | "wav").then(|| file.file_stem()?.to_str()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_without_a_fact_are_found_of_all_days_or_of_some() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = folder.path().join("recordings");
        let database = folder.path().join("hotline.db").display().to_string();
        let store = Store::open(&database, 1, store::Purpose::Engine).await.unwrap();
        assert!(strays(&store, &recordings, None).await.unwrap().is_empty(), "no folder yet");
        let (old, new) = (recordings.join("2024/12/31"), recordings.join("2025/01/01"));
        for (day, file) in [
            (&old, "r1-1-2.tape"),
            (&old, "README.md"),
            (&new, "r1-1-4.wav"),
            (&new, "r1-1-3.tape"),
            (&new, "notes.tape"),
        ] {
            std::fs::create_dir_all(day).unwrap();
            std::fs::write(day.join(file), b"").unwrap();
        }
        let all = strays(&store, &recordings, None).await.unwrap();
        let newer = [new.join("r1-1-3.tape"), new.join("r1-1-4.wav")];
        assert_eq!(all, [vec![old.join("r1-1-2.tape")], newer.to_vec()].concat());
        let day = Wall(1_735_689_600_000_000);
        assert_eq!(strays(&store, &recordings, Some(&[day])).await.unwrap(), newer);
    }
}
