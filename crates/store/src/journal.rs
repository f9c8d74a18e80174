//! The journal: facts in a file, one line each, before they are in the database.
//!
//! What a caller waits for is only that a fact is never lost. Appending a line to a file costs a
//! tenth of a transaction, so facts are acknowledged when they are here, and the database takes
//! them in larger groups afterwards, even when it fails for a while. A line survives the death of
//! the process as soon as it is written. At a start the lines that the database lacks are put there
//! first.
//!
//! A line is the CRC-32 of the fact in eight hexadecimal digits, a space, and the fact as JSON. A
//! line that was cut, or that changed, is left out.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Fact;

use crate::error::{Error, Result};
use crate::lock::Lock;
use crate::open::Store;
use crate::sql::Columns;
use crate::writer::{Limits, Writer};

/// How long a start waits for the database to take what the last engine left here.
const TAKE_OVER: Duration = Duration::from_secs(60);

/// What a file's name ends with.
const EXTENSION: &str = "facts";

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
    _lock: Lock,
}

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
        for number in &left {
            take_over(&path(folder, *number), store).await?;
        }
        let number = left.last().map_or(1, |last| last + 1);
        let file = create(folder, number)?;
        for number in left {
            remove(folder, number);
        }
        Ok(Self {
            folder: folder.to_owned(),
            closed: VecDeque::new(),
            number,
            file,
            length: 0,
            last_seq: 0,
            lines: Vec::new(),
            _lock: lock,
        })
    }

    /// Appends `facts` of one epoch, in order: all or none. A file that has `file_bytes` is
    /// followed by the next, and those are removed whose facts are all in the database, up to
    /// `settled`.
    ///
    /// # Errors
    /// They cannot be written (a full disk); it may be tried again.
    pub(crate) fn append(&mut self, facts: &[Fact], file_bytes: u64, settled: u64) -> Result<()> {
        if self.length >= file_bytes {
            self.begin_next(settled)?;
        }
        self.lines.clear();
        for fact in facts {
            push_line(&mut self.lines, fact)?;
        }
        if let Err(source) = self.file.write_all(&self.lines) {
            // Half a line must not stand before a whole one. Where even this fails, the line's
            // checksum tells it.
            if let Err(error) = self.file.set_len(self.length) {
                tracing::warn!(%error, "a journal's file cannot be cut");
            }
            return Err(failed(&path(&self.folder, self.number), source));
        }
        self.length += u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        self.last_seq = facts.last().map_or(self.last_seq, |last| last.seq);
        Ok(())
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
        while let Some((number, last_seq)) = self.closed.front().copied()
            && last_seq <= settled
        {
            remove(&self.folder, number);
            self.closed.pop_front();
        }
        Ok(())
    }
}

/// Puts what a file has and the database lacks into the database.
async fn take_over(path: &Path, store: &Store) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|source| failed(path, source))?;
    let mut facts = read(&bytes, path);
    let mut newest = BTreeMap::new();
    for fact in &facts {
        if let Entry::Vacant(unknown) = newest.entry(fact.epoch) {
            unknown.insert(store.newest_fact(fact.epoch).await?);
        }
    }
    // The database takes facts in order, so it lacks none before its newest.
    facts.retain(|fact| Some(fact.seq) > newest.get(&fact.epoch).copied().flatten());
    let Some(last) = facts.last() else { return Ok(()) };
    tracing::info!(facts = facts.len(), last.epoch, last.seq, "taken over from the journal");
    let writer = Writer::start(store, None, Limits::default(), |_| {})?;
    let count = facts.len();
    let refused = |facts: usize| Error::CannotOpen {
        database: store.name().to_owned(),
        reason: format!("it does not take {facts} facts of {}; they stay there", path.display()),
    };
    writer.append(facts, Vec::new()).map_err(|_| refused(count))?;
    writer.stop(TAKE_OVER).await.map_err(refused)
}

impl Store {
    /// The number of the newest fact of `epoch` of this site.
    async fn newest_fact(&self, epoch: u32) -> Result<Option<u64>> {
        let row = sqlx::query("SELECT MAX(seq) AS seq FROM facts WHERE site = $1 AND epoch = $2")
            .bind(i64::from(self.site()))
            .bind(i64::from(epoch))
            .fetch_one(self.readers())
            .await?;
        Ok(row.maybe_int("seq")?.and_then(|seq| u64::try_from(seq).ok()))
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

/// The facts in a file's whole lines.
fn read(bytes: &[u8], path: &Path) -> Vec<Fact> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut facts = Vec::new();
    for (number, line) in lines.enumerate() {
        match read_line(line) {
            Some(fact) => facts.push(fact),
            None => tracing::warn!(path = %path.display(), line = number + 1, "not a whole fact"),
        }
    }
    facts
}

fn read_line(line: &[u8]) -> Option<Fact> {
    let (checksum, json) = (line.get(..8)?, line.get(9..)?);
    let checksum = u32::from_str_radix(std::str::from_utf8(checksum).ok()?, 16).ok()?;
    (crc32fast::hash(json) == checksum).then(|| serde_json::from_slice(json).ok())?
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

/// A new file, for this user's eyes: callers' numbers are in it.
fn create(folder: &Path, number: u64) -> Result<File> {
    let path = path(folder, number);
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.open(&path).map_err(|source| failed(&path, source))
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
