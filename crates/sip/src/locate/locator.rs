//! The searches in progress, and what they wait for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::Mono;

use super::cache::{Answers, FailedTargets, lifetime};
use super::plan::{Known, Step, step};
use super::{Answer, LocateConfig, LocateOutput, NotLocated, Place, Question, SearchId, Target};

/// The most questions of one search.
const QUESTIONS_MAX: usize = 64;

/// Locates servers.
#[derive(Debug)]
pub struct Locator {
    config: LocateConfig,
    answers: Answers,
    failed: FailedTargets,
    searches: BTreeMap<SearchId, Search>,
    asked: BTreeMap<Question, Asked>,
    deadlines: BTreeSet<(Mono, Question)>,
    next: u64,
    outputs: VecDeque<LocateOutput>,
}

/// A search that is not over.
#[derive(Debug)]
struct Search {
    place: Place,
    chance: u64,
    known: Known,
    /// Questions without an answer.
    waits: usize,
}

/// A question without an answer.
#[derive(Debug)]
struct Asked {
    deadline: Mono,
    /// Who waits for it.
    searches: Vec<SearchId>,
}

impl Locator {
    /// One that knows nothing yet.
    pub const fn new(config: LocateConfig) -> Self {
        Self {
            answers: Answers::new(config.cache_entries),
            failed: FailedTargets::new(config.failed_max),
            config,
            searches: BTreeMap::new(),
            asked: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            next: 1,
            outputs: VecDeque::new(),
        }
    }

    /// Begins a search; `chance` decides what RFC 2782 leaves to chance. Its end is told by
    /// [`Locator::poll_output`], at once where nothing has to be asked.
    pub fn locate(&mut self, place: Place, chance: u64, now: Mono) -> SearchId {
        let search = SearchId(self.next);
        self.next += 1;
        if self.searches.len() >= self.config.searches_max {
            self.outputs.push_back(LocateOutput::NotLocated { search, why: NotLocated::TooMany });
        } else {
            let begun = Search { place, chance, known: Known::new(), waits: 0 };
            self.searches.insert(search, begun);
            self.go_on(search, now);
        }
        search
    }

    /// The DNS says this. What was not asked, or not any longer, is passed over.
    pub fn handle_answer(&mut self, question: &Question, answer: Answer, now: Mono) {
        let Some(asked) = self.asked.remove(question) else { return };
        self.deadlines.remove(&(asked.deadline, question.clone()));
        let answer = Arc::new(answer);
        let until = now + lifetime(&answer, &self.config);
        if until > now {
            self.answers.expire(now);
            self.answers.insert(question.clone(), Arc::clone(&answer), until);
        }
        for search in asked.searches {
            let Some(waiting) = self.searches.get_mut(&search) else { continue };
            waiting.known.insert(question.clone(), Arc::clone(&answer));
            waiting.waits = waiting.waits.saturating_sub(1);
            if waiting.waits == 0 {
                self.go_on(search, now);
            }
        }
    }

    /// A request to `target` timed out, could not be sent, or was answered 503 (§4.3): for
    /// `retry_after`, or as long as is configured, it comes after the others.
    pub fn handle_failed(&mut self, target: Target, retry_after: Option<Duration>, now: Mono) {
        self.failed.expire(now);
        let passed_over = retry_after.unwrap_or(self.config.failed_for);
        self.failed.insert(target, (), now + passed_over.min(self.config.ttl_max));
    }

    /// A request to `target` was answered.
    pub fn handle_worked(&mut self, target: &Target) {
        self.failed.remove(target);
    }

    /// Time passed: to be called at or after [`Locator::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Mono) {
        while let Some((_, question)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            let question = question.clone();
            self.handle_answer(&question, Answer::Failed, now);
        }
    }

    /// When time is next waited for, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.deadlines.first().map(|(at, _)| (*at, "an answer of the DNS"))
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<LocateOutput> {
        self.outputs.pop_front()
    }

    /// Searches that are not over.
    pub fn searches(&self) -> usize {
        self.searches.len()
    }

    /// Reads the rules with what is known, until something has to be asked or the search is over.
    fn go_on(&mut self, search: SearchId, now: Mono) {
        loop {
            let Some(known) = self.searches.get(&search) else { return };
            let questions = match step(&known.place, &self.config, known.chance, &known.known) {
                Step::Ask(questions) => questions,
                Step::Targets(targets) => return self.finish(search, Ok(targets), now),
                Step::Nothing(why) => return self.finish(search, Err(why), now),
            };
            if known.known.len() + questions.len() > QUESTIONS_MAX {
                return self.finish(search, Err(NotLocated::TooMany), now);
            }
            let waits = questions
                .into_iter()
                .filter(|question| !self.answer_from_memory(search, question, now))
                .collect::<Vec<_>>();
            if let Some(known) = self.searches.get_mut(&search) {
                known.waits = waits.len();
            }
            if !waits.is_empty() {
                return waits.into_iter().for_each(|question| self.ask(search, question, now));
            }
        }
    }

    fn answer_from_memory(&mut self, search: SearchId, question: &Question, now: Mono) -> bool {
        let Some(answer) = self.answers.get(question, now).cloned() else { return false };
        if let Some(known) = self.searches.get_mut(&search) {
            known.known.insert(question.clone(), answer);
        }
        true
    }

    fn ask(&mut self, search: SearchId, question: Question, now: Mono) {
        if let Some(asked) = self.asked.get_mut(&question) {
            return asked.searches.push(search);
        }
        let deadline = now + self.config.answer_timeout;
        self.deadlines.insert((deadline, question.clone()));
        self.asked.insert(question.clone(), Asked { deadline, searches: vec![search] });
        self.outputs.push_back(LocateOutput::Ask(question));
    }

    /// A search is over; targets that failed of late are tried last.
    fn finish(&mut self, search: SearchId, end: Result<Vec<Target>, NotLocated>, now: Mono) {
        self.searches.remove(&search);
        self.outputs.push_back(match end {
            Ok(mut targets) => {
                targets.sort_by_key(|target| self.failed.get(target, now).is_some());
                LocateOutput::Located { search, targets }
            }
            Err(why) => LocateOutput::NotLocated { search, why },
        });
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> (usize, usize) {
        (self.answers.len(), self.failed.len())
    }
}
