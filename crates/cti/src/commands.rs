//! The commands of one user: the same id twice is done once and answered the same.

use std::collections::BTreeMap;

use model::Mono;

use crate::session::SessionId;
use crate::{Command, CommandError};

/// Sessions (or repeats) that may wait for one command's answer.
const MAX_WAITING: usize = 16;

/// What became of a command.
#[derive(Debug)]
enum Progress {
    /// Being done; each of these is owed an answer.
    Pending { waiting: Vec<SessionId>, deadline: Mono },
    /// The answer.
    Done(Result<(), CommandError>),
}

#[derive(Debug)]
struct Known {
    command: Command,
    progress: Progress,
    /// When it was first heard of, in order of hearing: the oldest that is done is forgotten first.
    heard: u64,
}

/// What a newly heard command asks for.
#[derive(Debug)]
pub(crate) enum Heard {
    /// To be done; the answer is due at the deadline.
    Perform,
    /// To be answered with this.
    Answer(Result<(), CommandError>),
    /// Nothing: the answer comes with that of its first copy.
    Wait,
}

/// The commands of one user.
#[derive(Debug)]
pub(crate) struct Commands {
    limit: usize,
    heard: u64,
    known: BTreeMap<String, Known>,
    by_heard: BTreeMap<u64, String>,
}

impl Commands {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, heard: 0, known: BTreeMap::new(), by_heard: BTreeMap::new() }
    }

    /// A command with its id came from `session`.
    pub(crate) fn hear(
        &mut self,
        session: SessionId,
        id: &str,
        command: &Command,
        deadline: Mono,
    ) -> Heard {
        if let Some(known) = self.known.get_mut(id) {
            if known.command != *command {
                return Heard::Answer(Err(CommandError::new(
                    "id_reused",
                    "this id was given to another command; every command needs one of its own",
                )));
            }
            return match &mut known.progress {
                Progress::Done(result) => Heard::Answer(result.clone()),
                Progress::Pending { waiting, .. } if waiting.len() >= MAX_WAITING => too_many(),
                Progress::Pending { waiting, .. } => {
                    waiting.push(session);
                    Heard::Wait
                }
            };
        }
        if self.known.len() >= self.limit && !self.forget_oldest_done() {
            return too_many();
        }
        self.heard += 1;
        let progress = Progress::Pending { waiting: vec![session], deadline };
        let known = Known { command: command.clone(), progress, heard: self.heard };
        self.known.insert(id.to_owned(), known);
        self.by_heard.insert(self.heard, id.to_owned());
        Heard::Perform
    }

    /// A command is done. Who is owed the answer, and the deadline that no longer counts; `None` if
    /// nobody is, because it was answered already or is not known.
    pub(crate) fn finish(
        &mut self,
        id: &str,
        result: Result<(), CommandError>,
    ) -> Option<(Vec<SessionId>, Mono)> {
        let known = self.known.get_mut(id)?;
        // A late result replaces "timed out": whoever asks again is told the truth.
        match std::mem::replace(&mut known.progress, Progress::Done(result)) {
            Progress::Pending { waiting, deadline } => Some((waiting, deadline)),
            Progress::Done(_) => None,
        }
    }

    /// Deadlines of what is still being done.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = (Mono, &str)> {
        self.known.iter().filter_map(|(id, known)| match &known.progress {
            Progress::Pending { deadline, .. } => Some((*deadline, id.as_str())),
            Progress::Done(_) => None,
        })
    }

    /// Commands that are being done are never forgotten, or their copies would be done again.
    /// Walks past those only, of which there are few.
    fn forget_oldest_done(&mut self) -> bool {
        let oldest = self.by_heard.iter().find_map(|(&heard, id)| {
            match self.known.get(id).map(|known| &known.progress) {
                Some(Progress::Done(_)) => Some((heard, id.clone())),
                Some(Progress::Pending { .. }) | None => None,
            }
        });
        let Some((heard, id)) = oldest else { return false };
        self.by_heard.remove(&heard);
        self.known.remove(&id).is_some_and(|known| known.heard == heard)
    }
}

fn too_many() -> Heard {
    Heard::Answer(Err(CommandError::new(
        "too_many_pending",
        "too many commands are still being done; wait for their answers",
    )))
}
