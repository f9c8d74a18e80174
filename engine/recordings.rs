//! Recordings as tools see them: their master keys, `hotline recordings verify` and `export`.

mod keeper;
mod strays;

use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Subcommand;
use model::{FactBody, RecordingId};
use net::recorder::{Audio, Expected, Mended, Verdict};
use recording::{CertificateFault, Chain, Keyring};
use report::OpenRecording;
use store::{RecordingEntry, Store};
use zeroize::Zeroizing;

use crate::cli::say;
use crate::config::Config;

pub use keeper::Keeper;
pub use strays::{strays, warn_of_strays};

/// What is to be done with recordings.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare recordings with their seals, a line each, and check the certificates of those that
    /// were deleted; status 1 if anything is not as it was sealed or certified.
    Verify {
        /// Recordings by id, such as r1-2-3, or files; all recordings if none is named.
        #[arg(value_name = "ID|FILE")]
        which: Vec<String>,
    },
    /// Write a recording as 16-bit WAV, decrypted.
    Export {
        /// Its id, such as r1-2-3, or its file.
        #[arg(value_name = "ID|FILE")]
        which: String,
        /// The file to write, which must not be there.
        to: PathBuf,
    },
}

/// The master keys that a configuration names; none if it names none.
///
/// # Errors
/// They cannot be read: which key of the configuration leads there, and what to do about it.
pub fn keys(config: &Config) -> anyhow::Result<Arc<Keyring>> {
    let recordings = &config.recordings;
    let (key, place, text) = if !recordings.key_file.as_os_str().is_empty() {
        let file = &recordings.key_file;
        let text = std::fs::read_to_string(file).map_err(anyhow::Error::from);
        if let Ok(about) = std::fs::metadata(file)
            && about.permissions().mode() & 0o007 != 0
        {
            tracing::warn!(file = %file.display(), "everybody can read recordings' master keys");
        }
        ("recordings.key_file", file.display().to_string(), text)
    } else if !recordings.key_env.is_empty() {
        let name = recordings.key_env.clone();
        // What is wrong with a value is not said by showing it.
        let text = std::env::var_os(&name).ok_or_else(|| anyhow!("it is not set"));
        let text = text.and_then(|text| text.into_string().map_err(|_| anyhow!("it is no text")));
        ("recordings.key_env", name, text)
    } else {
        return Ok(Arc::default());
    };
    let remedy = "write one `name = 64 hexadecimal digits` a line, the newest last; \
                  `openssl rand -hex 32` makes the digits";
    let read = text.map(Zeroizing::new).and_then(|text| Ok(Keyring::parse(&text)?));
    let keys = read.map_err(|error| anyhow!("{key}: {place}: {error}\n  remedy: {remedy}"))?;
    Ok(Arc::new(keys))
}

/// Does what is asked for.
///
/// # Errors
/// The database or a file fails, or a recording is missing or not as sealed.
pub async fn run(
    store: &Store,
    (folder, keys): (&Path, &Keyring),
    command: Command,
) -> anyhow::Result<()> {
    match command {
        Command::Verify { which } => verify(store, folder, keys, which).await,
        Command::Export { which, to } => {
            let (from, expected) = match which.parse::<RecordingId>() {
                Ok(id) => {
                    let recording = entry(store, id).await?.recording;
                    let expected = Expected { recording: Some(id), seal: recording.seal };
                    (place(folder, &recording.path)?, expected)
                }
                Err(_) => (PathBuf::from(which), Expected::default()),
            };
            say(&export(&from, keys, &expected, &to)?)
        }
    }
}

async fn entry(store: &Store, id: RecordingId) -> anyhow::Result<RecordingEntry> {
    store.recording(id).await?.ok_or_else(|| anyhow!("there is no recording {id}"))
}

/// Where a recording lies whose path the database has.
fn place(folder: &Path, path: &str) -> anyhow::Result<PathBuf> {
    anyhow::ensure!(recording::is_safe(path), "'{path}' is not a path for recordings");
    Ok(folder.join(path))
}

/// Makes a recording whole that a killed engine left, and says what became of it: also what is
/// damaged in one that plays.
pub fn mended(folder: &Path, left: OpenRecording) -> Vec<FactBody> {
    let OpenRecording { call, recording, path, .. } = left;
    let mended = match recording::is_safe(&path) {
        true => net::recorder::repair(&folder.join(&path), recording, call),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "its path is not safe")),
    };
    let error = match mended {
        Ok(Mended { seal, damage }) => {
            let gap = damage.map(|error| {
                tracing::error!(%recording, error, "a recording was left damaged");
                FactBody::RecordingGap { call, recording, error }
            });
            let sealed = FactBody::RecordingSealed { call, recording, seal, recovered: true };
            return gap.into_iter().chain([sealed]).collect();
        }
        Err(error) => error,
    };
    tracing::error!(%recording, %error, "a recording could not be made whole");
    let is_final = match error.kind() {
        // Unless the whole disk is not there, it never was.
        io::ErrorKind::NotFound => {
            std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
        }
        io::ErrorKind::InvalidData => true,
        _ => false,
    };
    let error = error.to_string();
    vec![match is_final {
        true => FactBody::RecordingLost { call, recording, error },
        false => FactBody::RecordingGap { call, recording, error },
    }]
}

/// How many recordings are what.
#[derive(Debug, Default)]
struct Tally {
    whole: u64,
    open: u64,
    deleted: u64,
    bad: u64,
}

async fn verify(
    store: &Store,
    folder: &Path,
    keys: &Keyring,
    which: Vec<String>,
) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    if which.is_empty() {
        let mut entries = store.all_recordings();
        while let Some(entry) = entries.next().await? {
            tally.verify(&entry, folder, keys)?;
        }
        tally.certificates(store, keys).await?;
        for file in strays(store, folder, None).await? {
            say(&format!("{}: the database knows nothing of it", file.display()))?;
        }
    }
    for name in which {
        match name.parse::<RecordingId>() {
            Ok(id) => tally.verify(&entry(store, id).await?, folder, keys)?,
            Err(_) => tally.examine(Path::new(&name), keys)?,
        }
    }
    let Tally { whole, open, deleted, bad } = tally;
    let gone = if deleted > 0 { format!(", {deleted} deleted in time") } else { String::new() };
    say(&format!(
        "{whole} recordings are as sealed, {open} not sealed, {bad} missing or changed{gone}"
    ))?;
    anyhow::ensure!(bad == 0, "{bad} recordings are missing or changed");
    Ok(())
}

impl Tally {
    /// One recording that the database knows.
    fn verify(
        &mut self,
        entry: &RecordingEntry,
        folder: &Path,
        keys: &Keyring,
    ) -> anyhow::Result<()> {
        let (id, seal) = (entry.recording.recording, entry.recording.seal.clone());
        if let Some((_, certificate)) = &entry.recording.deleted {
            let is_there = place(folder, &entry.recording.path).is_ok_and(|path| path.exists());
            let number = certificate.number;
            self.deleted += u64::from(!is_there);
            self.bad += u64::from(is_there);
            let but = if is_there { ", and its file is there" } else { "" };
            return say(&format!("{id}: deleted in time, certificate {number}{but}"));
        }
        if seal.is_none() {
            self.open += 1;
            let why = "the call goes on, or the engine must start to mend it";
            return say(&format!("{id}: not sealed: {why}"));
        }
        let path = match place(folder, &entry.recording.path) {
            Ok(path) => path,
            Err(error) => {
                self.bad += 1;
                return say(&format!("{id}: {error}"));
            }
        };
        let expected = Expected { recording: Some(id), seal };
        let what = match net::recorder::verify(&path, &expected, keys) {
            Ok(Verdict::Ok) => {
                self.whole += 1;
                return say(&format!("{id}: as sealed"));
            }
            Ok(Verdict::Undecrypted(fault)) if is_as_archived(&path, entry.archived.as_deref()) => {
                self.whole += 1;
                return say(&format!("{id}: as sealed (not decrypted: {fault})"));
            }
            Ok(Verdict::Undecrypted(fault)) => {
                format!("not the file that it was archived as (not decrypted: {fault})")
            }
            Ok(Verdict::Missing) => "missing".to_owned(),
            Ok(Verdict::Damaged(report)) => report.to_string(),
            Ok(Verdict::Changed { .. }) => "changed since it was sealed".to_owned(),
            Ok(Verdict::Unknown) => "of the old form and without a seal".to_owned(),
            Err(error) => error.to_string(),
        };
        self.bad += 1;
        say(&format!("{id}: {}: {what}", path.display()))
    }

    /// All certificates of deletions: whether they are what was written, and none is missing.
    async fn certificates(&mut self, store: &Store, keys: &Keyring) -> anyhow::Result<()> {
        let (mut chain, mut after) = (Chain::default(), 0);
        loop {
            let some = store.certificates(after).await?;
            for of in &some {
                after = of.certificate.number;
                match chain.check(&of.certificate, of.recording, keys) {
                    Ok(()) => {}
                    // It is what was written, as far as can be told without its key.
                    Err(fault @ CertificateFault::Untried(_)) => {
                        say(&format!("{}: certificate {after}: {fault}", of.recording))?;
                    }
                    Err(fault) => {
                        self.bad += 1;
                        say(&format!("{}: certificate {after}: {fault}", of.recording))?;
                    }
                }
            }
            if some.is_empty() {
                return Ok(());
            }
        }
    }

    /// A file of which nothing is known but what it says itself.
    fn examine(&mut self, path: &Path, keys: &Keyring) -> anyhow::Result<()> {
        let report = net::recorder::examine(path, keys);
        let Some(report) = report.with_context(|| path.display().to_string())? else {
            let what = "of the old form, which says nothing of itself: verify it by its id";
            return say(&format!("{}: {what}", path.display()));
        };
        let of = report.header.as_ref().map(|header| format!(" {}", header.recording));
        let of = of.unwrap_or_default();
        if report.is_whole() {
            self.whole += 1;
        } else {
            self.bad += 1;
        }
        say(&format!("{}:{of} {report}", path.display()))
    }
}

/// Whether a file that cannot be opened is the archive of this SHA-256, if it is an archive at all:
/// without its key its seal alone says little of what is in it.
fn is_as_archived(path: &Path, sha256: Option<&str>) -> bool {
    let Some(sha256) = sha256 else { return true };
    let found = std::fs::File::open(path).and_then(|file| net::recorder::hashed(&file));
    found.is_ok_and(|(found, _)| found == sha256)
}

/// Writes the recording at `from` as WAV and says what it wrote.
fn export(from: &Path, keys: &Keyring, expected: &Expected, to: &Path) -> anyhow::Result<String> {
    let audio = Audio::open(from, keys, expected);
    let mut audio = audio.with_context(|| from.display().to_string())?;
    let mut options = std::fs::OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o640).open(to);
    let mut file = made.with_context(|| to.display().to_string())?;
    let bytes = io::copy(&mut audio, &mut file).with_context(|| to.display().to_string())?;
    if bytes != audio.length() {
        bail!("{}: it became shorter while it was read", from.display());
    }
    file.sync_all()?;
    let mut faults: Vec<String> = audio.faults().iter().map(ToString::to_string).collect();
    let holes: Vec<String> = audio.holes().iter().map(u64::to_string).collect();
    if !holes.is_empty() {
        faults.push(format!(
            "what cannot be read or is not what was recorded is silence in the seconds {}",
            holes.join(", ")
        ));
    }
    if !faults.is_empty() {
        bail!("{}: written, and not whole: {}", to.display(), faults.join(", "));
    }
    let frames = bytes.saturating_sub(recording::HEADER_BYTES as u64) / recording::FRAME_BYTES;
    let open = if audio.is_sealed() { "" } else { ", not sealed: its end may be missing" };
    Ok(format!("{}: {frames} frames{open}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Config)) -> anyhow::Result<Arc<Keyring>> {
        let mut config = Config::without_trunks();
        change(&mut config);
        keys(&config)
    }

    #[test]
    fn without_a_word_about_keys_there_are_none() {
        assert!(with(|_| {}).unwrap().is_empty());
    }

    #[test]
    fn keys_come_from_a_file_and_what_is_wrong_names_the_key_and_the_remedy_but_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let missing = with(|config| config.recordings.key_file.clone_from(&file));
        let said = missing.unwrap_err().to_string();
        assert!(said.contains("recordings.key_file") && said.contains("remedy"), "{said}");
        let digits = "5a".repeat(32);
        std::fs::write(&file, format!("a = {digits}\nb = {}\n", "6b".repeat(32))).unwrap();
        let keys = with(|config| config.recordings.key_file.clone_from(&file)).unwrap();
        assert_eq!(keys.newest(), Some("b"));
        std::fs::write(&file, format!("a = {digits}5")).unwrap();
        let wrong = with(|config| config.recordings.key_file.clone_from(&file));
        let said = wrong.unwrap_err().to_string();
        assert!(said.contains("line 1") && !said.contains("5a5a"), "{said}");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let unset = with(|config| config.recordings.key_env = "HOTLINE_NO_SUCH_KEYS".to_owned());
        let said = unset.unwrap_err().to_string();
        assert!(said.contains("recordings.key_env: HOTLINE_NO_SUCH_KEYS"), "{said}");
    }

    #[test]
    fn an_export_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.wav"), folder.path().join("b.wav"));
        std::fs::write(&from, recording::header(0)).unwrap();
        let keys = Keyring::default();
        let any = Expected::default();
        assert!(export(&from, &keys, &any, &to).unwrap().ends_with(": 0 frames"));
        assert_eq!(std::fs::read(&to).unwrap(), recording::header(0));
        assert!(export(&from, &keys, &any, &to).is_err());
    }

    #[test]
    fn an_export_with_holes_is_written_and_fails_and_one_without_a_seal_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.tape"), folder.path().join("a.wav"));
        let header = recording::Header {
            recording: RecordingId(model::Id::new(1, 1, 1)),
            call: model::CallId(model::Id::new(1, 1, 2)),
            wall: model::Wall(0),
            mono: model::Mono(0),
            key: None,
        };
        let mut bytes = Vec::new();
        let mut tape = recording::Tape::new(&header, None, &mut bytes);
        (0..5).for_each(|_| tape.sound(&[9; 8_000], &mut bytes).unwrap());
        std::fs::write(&from, &bytes).unwrap();
        let (keys, any) = (Keyring::default(), Expected::default());
        let said = export(&from, &keys, &any, &to).unwrap();
        assert!(said.ends_with(": 20000 frames, not sealed: its end may be missing"), "{said}");
        std::fs::remove_file(&to).unwrap();
        tape.seal(&mut bytes).unwrap();
        bytes[192 + 3 * 16_400] ^= 1;
        std::fs::write(&from, &bytes).unwrap();
        let said = export(&from, &keys, &any, &to).unwrap_err().to_string();
        assert!(
            said.contains("not whole: altered at second 1, ") && said.ends_with(" 1"),
            "{said}"
        );
        assert_eq!(std::fs::metadata(&to).unwrap().len(), 44 + 80_000);
    }

    #[test]
    fn an_old_recording_named_by_its_file_is_neither_whole_nor_bad() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("old.wav");
        std::fs::write(&file, recording::header(0)).unwrap();
        let mut tally = Tally::default();
        tally.examine(&file, &Keyring::default()).unwrap();
        assert_eq!((tally.whole, tally.open, tally.bad), (0, 0, 0));
    }

    #[test]
    fn what_never_was_is_lost_once_and_a_disk_that_is_not_there_is_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let left = |path: &str| OpenRecording {
            call: model::CallId(model::Id::new(1, 1, 2)),
            recording: RecordingId(model::Id::new(1, 1, 1)),
            agent: "8001".into(),
            path: path.to_owned(),
        };
        let kinds = |path: &str| -> Vec<&str> {
            mended(folder.path(), left(path)).iter().map(FactBody::kind).collect()
        };
        let kind = |path: &str| kinds(path)[0];
        assert_eq!(kind("2025/01/01/r1-1-1.tape"), "recording_gap", "nothing is there at all");
        std::fs::write(folder.path().join("r1-1-2.tape"), b"").unwrap();
        assert_eq!(kind("2025/01/01/r1-1-1.tape"), "recording_lost");
        assert_eq!(kind("../r1-1-2.tape"), "recording_lost");
        std::fs::write(folder.path().join("r1-1-3.tape"), [7; 500]).unwrap();
        assert_eq!(kind("r1-1-3.tape"), "recording_lost", "it is no recording");
        assert_eq!(kind("r1-1-2.tape"), "recording_sealed");
        let mut altered = std::fs::read(folder.path().join("r1-1-2.tape")).unwrap();
        altered.splice(192..192, [5; 900]);
        std::fs::write(folder.path().join("r1-1-2.tape"), altered).unwrap();
        let told = ["recording_gap", "recording_sealed"];
        assert_eq!(kinds("r1-1-2.tape"), told, "what is damaged in what plays is a gap");
    }

    #[test]
    fn a_path_that_leads_out_of_the_folder_is_not_followed() {
        assert!(place(Path::new("recordings"), "../a.wav").is_err());
        let inside = place(Path::new("recordings"), "2025/01/01/r1-1-1.tape").unwrap();
        assert_eq!(inside, Path::new("recordings/2025/01/01/r1-1-1.tape"));
    }
}
