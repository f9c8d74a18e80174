//! Step 4: the caller waits, with music, announcements and a place that nothing takes away.

use std::time::Duration;

use acd::Input as AcdInput;
use call::LegState;
use cti::CallPhase;
use media::MediaEvent;
use model::{
    AgentTotals, CallId, FactBody, HangupCause, LegId, LineQuality, Outcome, Permission, PromptId,
    QueueId,
};

use crate::Callflow;
use crate::calls::{Stage, Waiting};
use crate::keys::Way;
use crate::priority::Favour;
use crate::timers::Timer;

/// How a call comes to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coming {
    /// As a newcomer, whom the queue may send elsewhere.
    Anew,
    /// The queue has taken it once: as after an offer that was missed.
    Back,
}

impl Callflow {
    pub(crate) fn enter_queue(
        &mut self,
        call: CallId,
        queue: QueueId,
        permission: Option<Permission>,
    ) {
        self.wait(call, (queue, Coming::Anew), permission, 0);
    }

    /// The caller waits in a queue; `before_ms` is how long they have been in one, or in
    /// conversation, before: nobody who came later goes before them.
    pub(crate) fn wait(
        &mut self,
        call: CallId,
        (queue, coming): (QueueId, Coming),
        permission: Option<Permission>,
        before_ms: u64,
    ) {
        let rejoined = match coming {
            Coming::Anew => self.rejoin(call, &queue),
            Coming::Back => None,
        };
        let favour = match (&rejoined, coming) {
            (None, Coming::Anew) => self.favour(call),
            (Some(_), _) | (None, Coming::Back) => Favour::default(),
        };
        self.note_favour(call, &favour);
        let (entered, before_ms) = rejoined.unwrap_or((self.now, before_ms + favour.ms));
        let waiting = Waiting {
            queue: queue.clone(),
            permission,
            entered,
            before_ms,
            told: None,
            told_until: None,
            asked: None,
        };
        self.enter_stage(call, Stage::Waiting { waiting, offers: Vec::new() });
        let needs = permission.map(|permission| permission.as_str().to_owned());
        self.note(FactBody::Queued { call, queue: queue.clone(), entered, permission: needs });
        self.publish_call(call, CallPhase::Queued);
        if rejoined.is_some() {
            self.set_announcement(call);
            return self.welcome(call);
        }
        let head_start_ms = before_ms;
        let input = match coming {
            Coming::Anew => {
                let preferred = favour.preferred;
                AcdInput::Enqueue { call, queue, permission, entered, head_start_ms, preferred }
            }
            Coming::Back => AcdInput::ComeBack { call, queue, permission, entered, head_start_ms },
        };
        self.acd.handle_input(input, self.now);
        self.set_announcement(call);
        self.welcome(call);
    }

    /// What a caller hears first who is in line in the queue that they came to. Who was sent on
    /// hears what is said there.
    pub(crate) fn welcome(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Stage::Waiting { waiting, .. } = &known.stage else { return };
        if self.acd.position(call).is_some_and(|place| place.queue == waiting.queue) {
            let welcome = self.welcome_prompts(call, &waiting.queue);
            self.play(call, welcome, false);
        }
    }

    fn welcome_prompts(&self, call: CallId, queue: &QueueId) -> Vec<PromptId> {
        let prompts = &self.config.prompts;
        let agents = self.agents_of(queue);
        if !agents.is_anyone_at_work() {
            return [prompts.no_agents.clone(), self.choices_prompts(queue)].concat();
        }
        let mut welcome = prompts.welcome.get(queue).cloned().unwrap_or_default();
        if agents.idle == 0 && !self.acd.is_offered(call) {
            welcome.extend_from_slice(&prompts.all_busy);
            welcome.extend(self.choices_prompts(queue));
        }
        welcome
    }

    fn agents_of(&self, queue: &QueueId) -> AgentTotals {
        self.acd.queue_snapshot(queue).map(|view| view.agents).unwrap_or_default()
    }

    /// Tells the caller how many are before them and how long that will take, and then plays music
    /// again.
    pub(crate) fn announce_position(&mut self, call: CallId) {
        self.set_announcement(call);
        if self.is_choosing(call) {
            return;
        }
        let Some(place) = self.acd.position(call) else { return };
        let nobody = !self.agents_of(&place.queue).is_anyone_at_work();
        let wait = if nobody { Vec::new() } else { self.wait_prompts(call, &place.queue) };
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Stage::Waiting { waiting, .. } = &mut known.stage else { return };
        let is_same = waiting.told.replace(place.position) == Some(place.position);
        let prompts = &self.config.prompts;
        let choices = prompts.choices.get(&place.queue).map_or(&[][..], Vec::as_slice);
        let announcement = if nobody {
            [&prompts.no_agents, choices].concat()
        } else {
            let before = if is_same { prompts.still_busy.as_slice() } else { &[] };
            [before, &ivr::position_prompts(place.position), &wait, choices].concat()
        };
        self.play(call, announcement, false);
    }

    /// How long a caller of the line will wait, where the queue says so and it is known. A time
    /// that was told is kept to: that it will be sooner after all is not told, but that it will be
    /// later is.
    fn wait_prompts(&mut self, call: CallId, queue: &QueueId) -> Vec<PromptId> {
        // Who is being offered is nearly through: what is estimated is the way to the next agent.
        if !self.config.prompts.says_wait.contains(queue) || self.acd.is_offered(call) {
            return Vec::new();
        }
        let Some(acd::Estimate { median_ms, p90_ms }) = self.acd.estimate(call) else {
            return Vec::new();
        };
        let (now, limit_ms) = (self.now, self.acd.keeps_ms(call));
        let Some(known) = self.calls.get_mut(&call) else { return Vec::new() };
        let Stage::Waiting { waiting, .. } = &mut known.stage else { return Vec::new() };
        let still_ms = waiting.told_until.map_or(0, |until| until.ms_since(now));
        let p90_ms = p90_ms.max(still_ms);
        let Some(said) = ivr::WaitSaid::of(ivr::Wait { median_ms, p90_ms, limit_ms }) else {
            return Vec::new();
        };
        let left_ms = limit_ms.map_or(u64::MAX, |(_, left_ms)| left_ms);
        let most_ms = said.most_ms().map(|most_ms| most_ms.min(left_ms));
        let until = most_ms.map(|most_ms| now + Duration::from_millis(most_ms));
        // What is rounded up again is no later time.
        if still_ms < p90_ms {
            waiting.told_until = until.max(waiting.told_until);
        }
        said.prompts()
    }

    /// The call cannot wait here: the caller is told so before the line is cut.
    pub(crate) fn apologise(&mut self, call: CallId) {
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Leaving);
        self.play(call, self.config.prompts.sorry.clone(), false);
    }

    fn set_announcement(&mut self, call: CallId) {
        let every = Duration::from_millis(self.config.announce_every_ms);
        self.timers.set(call, Timer::Announcement, self.now + every);
    }

    pub(crate) fn handle_media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Digit { leg, digit, duration_ms } => {
                let held = Duration::from_millis(duration_ms.into());
                self.handle_key(leg, digit, Way::Media, held);
            }
            MediaEvent::PlayFinished { leg, play } => {
                let Some(entry) = self.legs.get(&leg) else { return };
                let call = entry.call;
                let Some(known) = self.calls.get_mut(&call) else { return };
                if known.playing != Some(play) {
                    return;
                }
                known.playing = None;
                match known.stage {
                    Stage::Greeting { .. } => self.handle_menu_play_finished(call),
                    Stage::Waiting { .. } => self.handle_waiting_play_finished(call),
                    Stage::Message(_) => self.handle_message_play_finished(call),
                    Stage::Leaving => {
                        let outcome = known.outcome_unserved();
                        self.give_up(call, outcome, HangupCause::LocalBye, 480);
                    }
                    Stage::Arriving | Stage::Connected(_) | Stage::Dialled(_) | Stage::Over => {}
                }
            }
            MediaEvent::Silent { leg, for_ms: _ } => self.handle_silent(leg),
            MediaEvent::Measured { leg, quality } => self.handle_measured(leg, quality),
            MediaEvent::Closed { call, leg, stats } => {
                self.note(FactBody::LegMeasured { call, leg, quality: stats.quality() });
            }
            MediaEvent::RecordingSealed { recording, seal } => {
                self.handle_sealed(recording, seal);
            }
            MediaEvent::RecordingQuiet { recording } => self.handle_quiet(recording),
            MediaEvent::RecordingGap { recording, error } => self.handle_gap(recording, error),
            MediaEvent::RecordingResumed { recording } => self.handle_resumed(recording),
            MediaEvent::RecordingLost { recording, error, is_left } => {
                self.handle_tape_lost(recording, error, is_left);
            }
        }
    }

    /// How good a party's line is has changed: the board and the agent see it.
    fn handle_measured(&mut self, leg: LegId, quality: LineQuality) {
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        entry.quality = quality;
        let call = entry.call;
        self.publish_again(call);
    }

    /// A party whose media has died has lost its line: the call ends and the agent is free.
    fn handle_silent(&mut self, leg: LegId) {
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        // On hold nobody has to send, and old phones do not say that they do not.
        let talks = |media: &sdp::Negotiated| media.direction == sdp::Direction::SendRecv;
        let stands = entry.leg.state() == LegState::Established;
        if stands && entry.leg.media().is_some_and(talks) {
            entry.leg.hang_up(HangupCause::MediaTimeout, 408);
            self.drain_leg(leg);
        }
    }

    /// The caller is gone while waiting or while the agent's phone rings.
    pub(crate) fn abandon(&mut self, call: CallId, cause: HangupCause) {
        self.timers.stop_all(call);
        self.withdraw_offers(call);
        self.acd.handle_input(AcdInput::Dequeue { call }, self.now);
        self.decide(call, Outcome::Abandoned, cause);
    }
}
