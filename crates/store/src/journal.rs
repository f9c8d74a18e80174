//! The journal: facts in a file, one line each, before they are in the database.
//!
//! What a caller waits for is only that a fact is never lost. Appending a line to a file costs a
//! tenth of a transaction, so facts are acknowledged when they are here, and the database takes
//! them in larger groups afterwards, even when it fails for a while. A line survives the death of
//! the process as soon as it is written. At a start the lines that the database lacks are put there
//! first.
//!
//! A line is the CRC-32 of the fact in eight hexadecimal digits, a space, and the fact as JSON. The
//! last line may have been cut: nobody was told that it is kept. A file in which another line
//! changed is not removed, so that what was in it can be looked for.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Fact, Wall};

use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::open::Store;
use crate::sql::Columns;
use crate::writer::{Limits, Writer};

/// How long a start waits for the database to take what the last engine left here.
const TAKE_OVER: Duration = Duration::from_secs(60);

/// What a file's name ends with.
const EXTENSION: &str = "facts";

/// What the name of a file ends with in which lines changed.
const DAMAGED: &str = "damaged";

/// What can never be written into the database, for whoever mends it.
const LEFT_OUT: &str = "left-out.jsonl";

/// How much of that there may be. What is beyond it is only told.
const LEFT_OUT_BYTES: u64 = 16 * 1024 * 1024;

/// The files of a folder, the last one open.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    /// Numbers of closed files, each with the last fact in it.
    closed: VecDeque<(u64, u64)>,
    number: u64,
    file: File,
    /// How much of the file is whole lines.
    length: u64,
    /// The last fact in the open file.
    last_seq: u64,
    lines: Vec<u8>,
    /// Half a line is at the file's end.
    torn: bool,
    _lock: Lock,
}

/// Where things go that the database will never take.
#[derive(Debug)]
pub(crate) struct LeftOut(PathBuf);

impl Journal {
    /// Opens the journal in `folder`, made where it is missing, and puts into `store` what an
    /// engine that was killed has left there. To be called before anything reads facts.
    ///
    /// # Errors
    /// Another process has the folder, a file cannot be used, or the database does not take what
    /// was left; then it is left still.
    pub async fn open(folder: &Path, store: &Store) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let lock = Lock::file(&folder.join("journal"))?;
        let left = files(folder).map_err(|source| failed(folder, source))?;
        let mut damaged = Vec::new();
        for number in &left {
            if take_over(&path(folder, *number), store).await? > 0 {
                damaged.push(*number);
            }
        }
        let number = left.last().map_or(1, |last| last + 1);
        let file = create(folder, number)?;
        for number in left {
            if damaged.contains(&number) {
                set_aside(folder, number);
            } else {
                remove(folder, number);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            closed: VecDeque::new(),
            number,
            file,
            length: 0,
            last_seq: 0,
            lines: Vec::new(),
            torn: false,
            _lock: lock,
        })
    }

    /// Appends `facts` of one epoch, in order: all or none. A file that has `file_bytes` is
    /// followed by the next, and those are removed whose facts are all in the database, up to
    /// `settled`.
    ///
    /// # Errors
    /// They cannot be written: a full disk, and it may be tried again, or a fact that is no JSON.
    pub(crate) fn append(&mut self, facts: &[Fact], file_bytes: u64, settled: u64) -> Result<()> {
        if self.length >= file_bytes {
            self.begin_next(settled)?;
        }
        self.lines.clear();
        if self.torn {
            self.lines.push(b'\n');
        }
        for fact in facts {
            push_line(&mut self.lines, fact)?;
        }
        if let Err(source) = self.file.write_all(&self.lines) {
            // Half a line must not stand before a whole one. Where even this fails, what comes next
            // begins a line of its own.
            if let Err(error) = self.file.set_len(self.length) {
                tracing::warn!(%error, "a journal's file cannot be cut");
                self.torn = true;
            }
            return Err(failed(&path(&self.folder, self.number), source));
        }
        self.torn = false;
        self.length += u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        self.last_seq = facts.last().map_or(self.last_seq, |last| last.seq);
        Ok(())
    }

    /// Where things go that are never to be tried again.
    pub(crate) fn left_out(&self) -> LeftOut {
        LeftOut(self.folder.join(LEFT_OUT))
    }

    /// Removes every file: the database has all that is in them.
    pub(crate) fn clear(self) {
        for (number, _) in &self.closed {
            remove(&self.folder, *number);
        }
        remove(&self.folder, self.number);
    }

    fn begin_next(&mut self, settled: u64) -> Result<()> {
        let file = create(&self.folder, self.number + 1)?;
        self.closed.push_back((self.number, self.last_seq));
        self.number += 1;
        self.file = file;
        self.length = 0;
        self.torn = false;
        while let Some((number, last_seq)) = self.closed.front().copied()
            && last_seq <= settled
        {
            remove(&self.folder, number);
            self.closed.pop_front();
        }
        Ok(())
    }
}

impl LeftOut {
    /// Appends `facts`, a line each, as far as they can be written at all.
    pub(crate) fn keep(&self, facts: &[Fact]) {
        let mut lines = Vec::new();
        for fact in facts {
            match serde_json::to_vec(fact) {
                Ok(json) => lines.extend(json.into_iter().chain([b'\n'])),
                Err(error) => tracing::error!(%error, "is no JSON"),
            }
        }
        let path = &self.0;
        let kept = open(path).and_then(|mut file| match file.metadata()?.len() {
            LEFT_OUT_BYTES.. => Err(io::Error::from(io::ErrorKind::FileTooLarge)),
            _ => file.write_all(&lines),
        });
        if let Err(error) = kept {
            tracing::error!(path = %path.display(), %error, "what was left out cannot be kept");
        }
    }
}

/// Puts what a file has and the database lacks into the database. Returns how many lines changed.
async fn take_over(path: &Path, store: &Store) -> Result<usize> {
    let bytes = std::fs::read(path).map_err(|source| failed(path, source))?;
    let Lines { mut facts, damaged } = read(&bytes, path)?;
    let mut newest = BTreeMap::new();
    for fact in &facts {
        if let Entry::Vacant(unknown) = newest.entry((fact.site, fact.epoch)) {
            unknown.insert(store.newest_fact(fact.site, fact.epoch).await?);
            store.have_epoch(fact.site, fact.epoch, fact.wall).await?;
        }
    }
    // The database takes facts in order, so it lacks none before its newest.
    let newest = |fact: &Fact| newest.get(&(fact.site, fact.epoch)).copied().flatten();
    facts.retain(|fact| Some(fact.seq) > newest(fact));
    let Some(last) = facts.last() else { return Ok(damaged) };
    tracing::info!(facts = facts.len(), last.epoch, last.seq, "taken over from the journal");
    let writer = Writer::start(store, None, Limits::default(), |_| {})?;
    let count = facts.len();
    let refused = |facts: usize| Error::CannotOpen {
        database: store.name().to_owned(),
        reason: format!("it does not take {facts} facts of {}; they stay there", path.display()),
    };
    writer.append(facts, Vec::new()).map_err(|_| refused(count))?;
    writer.stop(TAKE_OVER).await.map_err(refused)?;
    Ok(damaged)
}

impl Store {
    /// The number of the newest fact of an epoch of a site.
    async fn newest_fact(&self, site: u16, epoch: u32) -> Result<Option<u64>> {
        let row = sqlx::query("SELECT MAX(seq) AS seq FROM facts WHERE site = $1 AND epoch = $2")
            .bind(i64::from(site))
            .bind(i64::from(epoch))
            .fetch_one(self.readers())
            .await?;
        Ok(row.maybe_int("seq")?.and_then(|seq| u64::try_from(seq).ok()))
    }

    /// An epoch that has facts was claimed, even if the database is a backup from before.
    async fn have_epoch(&self, site: u16, epoch: u32, began: Wall) -> Result<()> {
        sqlx::query(
            "INSERT INTO epochs (site, epoch, began_us) VALUES ($1, $2, $3)
             ON CONFLICT (site, epoch) DO NOTHING",
        )
        .bind(i64::from(site))
        .bind(i64::from(epoch))
        .bind(began.0)
        .execute(self.durable())
        .await?;
        Ok(())
    }
}

fn push_line(lines: &mut Vec<u8>, fact: &Fact) -> Result<()> {
    let json = serde_json::to_vec(fact).map_err(|error| Error::Corrupt {
        table: "journal",
        row: crate::facts::key(fact),
        reason: format!("cannot be written: {error}"),
    })?;
    lines.extend_from_slice(format!("{:08x} ", crc32fast::hash(&json)).as_bytes());
    lines.extend_from_slice(&json);
    lines.push(b'\n');
    Ok(())
}

/// What is in a file.
struct Lines {
    facts: Vec<Fact>,
    /// How many whole lines are none any more.
    damaged: usize,
}

/// Reads a file's whole lines.
///
/// # Errors
/// A line is whole, and no fact that this engine knows: a newer one wrote it.
fn read(bytes: &[u8], path: &Path) -> Result<Lines> {
    let mut read = Lines { facts: Vec::new(), damaged: 0 };
    // What follows the last line's end is cut, or nothing.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() {
        tracing::warn!(path = %path.display(), "the last line was cut");
    }
    for (number, line) in bytes[..whole].split(|byte| *byte == b'\n').enumerate() {
        match (line, checked(line)) {
            ([], _) => {}
            (_, Some(json)) => read.facts.push(serde_json::from_slice(json).map_err(|error| {
                let reason = format!(
                    "is no fact that this version of hotline knows ({error}): start the version \
                     that wrote it once more"
                );
                let row = format!("{} line {}", path.display(), number + 1);
                Error::Corrupt { table: "journal", row, reason }
            })?),
            (_, None) => {
                read.damaged += 1;
                tracing::error!(path = %path.display(), line = number + 1, "changed on the disk");
            }
        }
    }
    Ok(read)
}

/// A line's JSON, if it is what was written.
fn checked(line: &[u8]) -> Option<&[u8]> {
    let (checksum, json) = (line.get(..8)?, line.get(9..)?);
    let checksum = u32::from_str_radix(std::str::from_utf8(checksum).ok()?, 16).ok()?;
    (crc32fast::hash(json) == checksum).then_some(json)
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:08}.{EXTENSION}"))
}

/// The numbers of a folder's files, in order.
fn files(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let number: Option<u64> = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            numbers.extend(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn create(folder: &Path, number: u64) -> Result<File> {
    let path = path(folder, number);
    open(&path).map_err(|source| failed(&path, source))
}

/// A file to append to, for this user's eyes: callers' numbers are in it.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn set_aside(folder: &Path, number: u64) {
    let (from, to) = (path(folder, number), path(folder, number).with_extension(DAMAGED));
    match std::fs::rename(&from, &to) {
        Ok(()) => tracing::error!(path = %to.display(), "has lines that changed, and is kept"),
        Err(error) => {
            tracing::error!(path = %from.display(), %error, "has lines that changed, and stays");
        }
    }
}

fn remove(folder: &Path, number: u64) {
    let path = path(folder, number);
    if let Err(error) = std::fs::remove_file(&path) {
        // It is read once more at the next start, which changes nothing.
        tracing::warn!(path = %path.display(), %error, "a journal's file cannot be removed");
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::File { path: path.to_owned(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]
mod tests {
    use model::{AgentId, AgentState, AgentStatus, FactBody, Mono};

    use super::*;
    use crate::open::Purpose;

    fn fact(seq: u64) -> Fact {
        let agent = AgentId::from("8001");
        let (status, state) = (AgentStatus::Ready, AgentState::Idle);
        let body =
            FactBody::AgentChanged { agent, status, state, call: None, next: None, day: None };
        let (mono, wall, version) = (Mono(0), Wall(0), model::SCHEMA_VERSION);
        Fact { site: 1, epoch: 1, seq, mono, wall, version, body }
    }

    #[tokio::test]
    async fn a_line_after_half_a_line_that_could_not_be_cut_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/hotline.db", folder.path().display());
        let store = Store::open(&url, 1, Purpose::Engine).await.unwrap();
        let mut journal = Journal::open(folder.path(), &store).await.unwrap();
        journal.append(&[fact(1)], 1_000_000, 0).unwrap();
        journal.file.write_all(b"0123abcd {\"se").unwrap();
        journal.torn = true;
        journal.append(&[fact(2)], 1_000_000, 0).unwrap();
        journal.append(&[fact(3)], 1_000_000, 0).unwrap();
        let file = path(folder.path(), journal.number);
        let lines = read(&std::fs::read(&file).unwrap(), &file).unwrap();
        assert_eq!(lines.facts, [fact(1), fact(2), fact(3)]);
        assert_eq!(lines.damaged, 1);
    }
}
