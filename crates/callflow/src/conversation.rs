//! Who is in a conversation: the caller, who has the call, and whom that one brings in.

use cti::GuestState;
use media::{Play, Source};
use model::{
    AgentAction, AgentId, CallId, LegId, LegRole, OfferId, Permission, PlayId, PromptId, QueueId,
    Target, TransferKind,
};

use crate::Callflow;
use crate::calls::{Offer, Waiting};
use crate::refer::Referred;

/// Caller and agent talk, with whom the agent brings in.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// The place in line that the call had, and has again if it comes back; none where an agent
    /// made the call.
    pub(crate) waiting: Option<Waiting>,
    /// Who has the call; nobody while a transfer is under way for which the agent did not wait.
    pub(crate) holder: Option<Party>,
    pub(crate) talk: Talk,
}

/// Who talks with whom. Whoever is left out hears music.
#[derive(Debug)]
pub(crate) enum Talk {
    /// The caller and who has the call.
    Together,
    /// Nobody: the guest gets the call by answering.
    Transferring(Guest),
    /// Who has the call and the guest, or the caller again.
    Consulting { guest: Guest, with: With },
    /// All three.
    Conference(Guest),
}

/// Whom the agent who consults hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    Guest,
    Caller,
}

/// Someone in a call beside the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) role: LegRole,
    pub(crate) leg: LegId,
}

/// Someone who is brought in.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) whom: Target,
    /// None while a queue has nobody for it.
    pub(crate) role: Option<LegRole>,
    /// What stands in the queue that is asked, until someone of it answers.
    pub(crate) queued: Option<CallId>,
    /// Who asked; nobody where a queue sent the caller on.
    pub(crate) by: Option<AgentId>,
    pub(crate) kind: TransferKind,
    pub(crate) step: Step,
    /// The agent's own leg to the guest, where the phone asks by a call of its own; by the one in
    /// the conversation they hear the caller all the time.
    pub(crate) own: Option<LegId>,
    /// The phone's REFER, where it was not the desktop that asked.
    pub(crate) referred: Option<Referred>,
}

/// How far the guest is.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Waits until a queue has someone.
    Queued,
    /// An agent whose screen pops, and whose phone rings then.
    Offered(Offer),
    /// A telephone outside that is called.
    Called {
        leg: LegId,
        /// Whether it lets us hear something before the answer.
        sends: bool,
    },
    /// Has answered.
    Answered { leg: LegId },
}

impl Talk {
    /// Who was brought in.
    pub(crate) fn into_guest(self) -> Option<Guest> {
        match self {
            Self::Together => None,
            Self::Transferring(guest)
            | Self::Consulting { guest, .. }
            | Self::Conference(guest) => Some(guest),
        }
    }

    pub(crate) const fn guest_mut(&mut self) -> Option<&mut Guest> {
        match self {
            Self::Together => None,
            Self::Transferring(guest)
            | Self::Consulting { guest, .. }
            | Self::Conference(guest) => Some(guest),
        }
    }
}

impl Guest {
    /// The guest's leg, from the moment its port is asked for.
    pub(crate) fn leg(&self) -> Option<LegId> {
        match &self.step {
            Step::Queued => None,
            Step::Offered(offer) => offer.leg(),
            Step::Called { leg, .. } | Step::Answered { leg } => Some(*leg),
        }
    }

    /// The agent who is brought in, if it is one.
    pub(crate) fn agent(&self) -> Option<&AgentId> {
        self.role.as_ref().and_then(LegRole::agent)
    }

    /// The queue that is asked and has not answered.
    pub(crate) const fn asks_queue(&self) -> Option<&QueueId> {
        match (&self.whom, self.queued) {
            (Target::Queue(queue), Some(_)) => Some(queue),
            (Target::Agent(_) | Target::Queue(_) | Target::Number(_), _) => None,
        }
    }

    pub(crate) const fn offer(&self) -> Option<&Offer> {
        match &self.step {
            Step::Offered(offer) => Some(offer),
            Step::Queued | Step::Called { .. } | Step::Answered { .. } => None,
        }
    }

    /// The leg of a guest who has not answered and yet lets us hear something.
    const fn sends(&self) -> Option<LegId> {
        match &self.step {
            Step::Called { leg, sends: true } => Some(*leg),
            Step::Called { sends: false, .. }
            | Step::Queued
            | Step::Offered(_)
            | Step::Answered { .. } => None,
        }
    }

    pub(crate) const fn answered(&self) -> Option<LegId> {
        match &self.step {
            Step::Answered { leg } => Some(*leg),
            Step::Queued | Step::Offered(_) | Step::Called { .. } => None,
        }
    }
}

impl Conversation {
    pub(crate) fn agent(&self) -> Option<&AgentId> {
        self.holder.as_ref().and_then(|holder| holder.role.agent())
    }

    /// What whoever takes the call must be allowed to do, if something special.
    pub(crate) fn permission(&self) -> Option<Permission> {
        self.waiting.as_ref().and_then(|waiting| waiting.permission)
    }

    pub(crate) const fn guest(&self) -> Option<&Guest> {
        match &self.talk {
            Talk::Together => None,
            Talk::Transferring(guest)
            | Talk::Consulting { guest, .. }
            | Talk::Conference(guest) => Some(guest),
        }
    }

    pub(crate) const fn guest_mut(&mut self) -> Option<&mut Guest> {
        self.talk.guest_mut()
    }

    /// Who is brought in, as desktops are told.
    pub(crate) fn guest_state(&self) -> Option<GuestState> {
        let guest = self.guest()?;
        let with_caller = match &self.talk {
            Talk::Together | Talk::Transferring(_) => false,
            Talk::Consulting { with, .. } => *with == With::Caller,
            Talk::Conference(_) => true,
        };
        let answered = guest.answered().is_some();
        // Of a queue that is asked, whoever it has.
        let whom = guest.agent().cloned().map_or_else(|| guest.whom.clone(), Target::Agent);
        let (by, kind) = (guest.by.clone()?, guest.kind);
        Some(GuestState { whom, by, kind, answered, with_caller })
    }

    pub(crate) fn offer(&self) -> Option<&Offer> {
        self.guest().and_then(Guest::offer)
    }

    pub(crate) fn offer_mut(&mut self) -> Option<&mut Offer> {
        match &mut self.guest_mut()?.step {
            Step::Offered(offer) => Some(offer),
            Step::Queued | Step::Called { .. } | Step::Answered { .. } => None,
        }
    }

    pub(crate) fn has(&self, offer: OfferId) -> bool {
        self.offer().is_some_and(|current| current.offer == offer)
    }

    /// The leg of an agent who is in the conversation.
    pub(crate) fn leg_of(&self, agent: &AgentId) -> Option<LegId> {
        let holder = self.holder.as_ref().filter(|party| party.role.agent() == Some(agent));
        let guest = self.guest().filter(|guest| guest.agent() == Some(agent));
        holder.map(|party| party.leg).or_else(|| guest.and_then(Guest::answered))
    }

    /// What an agent may ask for beside the usual, by what goes on.
    pub(crate) fn allowed(&self, agent: &AgentId) -> &'static [AgentAction] {
        use AgentAction::{
            CancelConsult, CompleteTransfer, Conference, Consult, SwapParties, Transfer,
        };
        if self.agent() != Some(agent) {
            return &[];
        }
        match &self.talk {
            Talk::Together => &[Transfer, Consult],
            Talk::Transferring(_) => &[CancelConsult],
            Talk::Consulting { guest, .. } if guest.own.is_some() => {
                &[CompleteTransfer, CancelConsult]
            }
            Talk::Consulting { guest, .. } if guest.answered().is_some() => {
                &[CompleteTransfer, SwapParties, Conference, CancelConsult]
            }
            Talk::Consulting { .. } => &[CompleteTransfer, SwapParties, CancelConsult],
            Talk::Conference(_) => &[CompleteTransfer, CancelConsult],
        }
    }

    /// Whose voices belong on the agents' channel of the recording: of those who talk, all but the
    /// caller.
    fn agents_voices(&self) -> Vec<LegId> {
        let holder = self.holder.as_ref().map(|holder| holder.leg);
        let guest = self.guest().and_then(Guest::answered);
        match &self.talk {
            Talk::Together => holder.into_iter().collect(),
            Talk::Transferring(_) => Vec::new(),
            Talk::Consulting { guest: asked, .. } | Talk::Conference(asked) => {
                [holder, asked.own, guest].into_iter().flatten().collect()
            }
        }
    }

    /// Whom each leg hears, if that one is not on hold: the caller's leg is `caller`.
    fn heard(&self, caller: LegId) -> Vec<(LegId, Vec<LegId>)> {
        let holder = self.holder.as_ref().map(|holder| holder.leg);
        let guest = self.guest().and_then(Guest::answered);
        let own = self.guest().and_then(|guest| guest.own);
        let (caller_talks, asks) = match &self.talk {
            Talk::Together => ([Some(caller), holder, None], [None, None]),
            Talk::Transferring(_) => ([None; 3], [None, None]),
            Talk::Consulting { .. } if own.is_some() => {
                ([Some(caller), holder, None], [own, guest])
            }
            Talk::Consulting { with: With::Caller, .. } => {
                ([Some(caller), holder, None], [None, None])
            }
            Talk::Consulting { with: With::Guest, .. } => ([None; 3], [holder, guest]),
            Talk::Conference(_) => ([Some(caller), holder, guest], [None, None]),
        };
        let groups = [caller_talks.to_vec(), asks.to_vec()];
        let everyone = [Some(caller), holder, own, guest].into_iter().flatten();
        everyone
            .map(|leg| {
                let group = groups.iter().find(|group| group.contains(&Some(leg)));
                let others = group.into_iter().flatten().flatten().copied();
                let mut heard: Vec<LegId> = others.filter(|other| *other != leg).collect();
                if self.waits_for_guest(leg) {
                    heard.extend(self.guest().and_then(Guest::sends));
                }
                (leg, heard)
            })
            .collect()
    }

    /// Whether who has this leg asks someone who has not answered.
    fn waits_for_guest(&self, leg: LegId) -> bool {
        let holder = self.holder.as_ref().map(|holder| holder.leg);
        match &self.talk {
            Talk::Consulting { guest, with } if guest.answered().is_none() => match guest.own {
                Some(own) => own == leg,
                None => *with == With::Guest && holder == Some(leg),
            },
            Talk::Consulting { .. }
            | Talk::Together
            | Talk::Transferring(_)
            | Talk::Conference(_) => false,
        }
    }
}

impl Callflow {
    /// Makes everyone of a conversation hear who talks with them; who is left out, or whose other
    /// sides hold, hears music. To who holds nothing is sent, whatever there is to hear.
    pub(crate) fn bridge(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Some(conversation) = known.conversation() else { return self.ring_back(call) };
        let heard = conversation.heard(known.caller);
        let waits: Vec<LegId> = heard
            .iter()
            .map(|(leg, _)| *leg)
            .filter(|leg| conversation.waits_for_guest(*leg))
            .collect();
        for (leg, mut heard) in heard {
            heard.retain(|other| self.legs.get(other).is_some_and(|entry| !entry.holds));
            let source = match heard.as_slice() {
                [] if waits.contains(&leg) => self.ringback(leg),
                [] => self.music(leg),
                [other] => Source::Leg(*other),
                others => Source::Mix(others.into()),
            };
            self.hear(leg, source);
        }
        let conversation = self.calls.get(&call).and_then(|known| known.conversation());
        if let Some(agents) = conversation.map(Conversation::agents_voices) {
            self.follow_with_tape(call, agents);
        }
    }

    pub(crate) fn music(&mut self, leg: LegId) -> Source {
        let prompts = self.config.prompts.music.clone();
        self.goes_on(leg, prompts)
    }

    /// The tone that a telephone rings somewhere.
    pub(crate) fn ringback(&mut self, leg: LegId) -> Source {
        let prompts = self.config.prompts.ringback.clone();
        self.goes_on(leg, prompts)
    }

    /// Prompts again and again, going on where they play to the leg already.
    fn goes_on(&mut self, leg: LegId, prompts: Vec<PromptId>) -> Source {
        let hears = self.legs.get(&leg).map(|entry| &entry.hears);
        if let Some(Source::Play(play)) = hears
            && play.repeat
            && play.prompts == prompts
        {
            return Source::Play(play.clone());
        }
        Source::Play(Play { id: PlayId(self.ids.mint()), prompts, repeat: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Id, Mono};

    fn leg(counter: u32) -> LegId {
        LegId(Id::new(1, 1, counter))
    }

    fn guest(step: Step) -> Guest {
        let whom = Target::Agent("8002".into());
        let (role, queued) = (Some(LegRole::Agent("8002".into())), None);
        let (by, kind) = (Some("8001".into()), TransferKind::Consult);
        Guest { whom, role, queued, by, kind, step, own: None, referred: None }
    }

    fn conversation(talk: Talk) -> Conversation {
        let waiting = Waiting {
            queue: "general".into(),
            permission: None,
            entered: Mono(0),
            before_ms: 0,
            told: None,
            told_until: None,
            asked: None,
        };
        let holder = Some(Party { role: LegRole::Agent("8001".into()), leg: leg(2) });
        Conversation { waiting: Some(waiting), holder, talk }
    }

    fn answered() -> Guest {
        guest(Step::Answered { leg: leg(3) })
    }

    #[test]
    fn who_talks_hears_the_others_and_who_is_left_out_nobody() {
        let heard = |talk| -> Vec<usize> {
            let heard = conversation(talk).heard(leg(1));
            heard.iter().map(|(_, others)| others.len()).collect()
        };
        assert_eq!(heard(Talk::Together), [1, 1]);
        assert_eq!(heard(Talk::Transferring(answered())), [0, 0, 0]);
        let consults = |with| Talk::Consulting { guest: answered(), with };
        assert_eq!(heard(consults(With::Guest)), [0, 1, 1]);
        assert_eq!(heard(consults(With::Caller)), [1, 1, 0]);
        assert_eq!(heard(Talk::Conference(answered())), [2, 2, 2]);
    }

    #[test]
    fn a_phone_that_asks_by_a_call_of_its_own_hears_both_and_neither_hears_the_other() {
        let asked = Guest { own: Some(leg(4)), ..answered() };
        let consulting = conversation(Talk::Consulting { guest: asked, with: With::Guest });
        let heard = consulting.heard(leg(1));
        let pairs = [(1, 2), (2, 1), (4, 3), (3, 4)];
        assert_eq!(heard, pairs.map(|(ear, mouth)| (leg(ear), vec![leg(mouth)])));
        assert!(!consulting.allowed(&"8001".into()).contains(&AgentAction::SwapParties));
    }

    #[test]
    fn who_asks_hears_what_a_line_sends_before_the_answer() {
        for (sends, count) in [(true, 1), (false, 0)] {
            let called = guest(Step::Called { leg: leg(3), sends });
            let consulting = conversation(Talk::Consulting { guest: called, with: With::Guest });
            let heard: Vec<usize> = consulting.heard(leg(1)).iter().map(|(_, h)| h.len()).collect();
            assert_eq!(heard, [0, count]);
            assert!(consulting.waits_for_guest(leg(2)) && !consulting.waits_for_guest(leg(1)));
        }
    }

    #[test]
    fn only_who_has_the_call_may_move_it() {
        let (one, two) = (AgentId::from("8001"), AgentId::from("8002"));
        let together = conversation(Talk::Together);
        assert_eq!(together.allowed(&one), [AgentAction::Transfer, AgentAction::Consult]);
        let consulting = conversation(Talk::Consulting { guest: answered(), with: With::Guest });
        assert!(consulting.allowed(&two).is_empty());
        assert!(consulting.allowed(&one).contains(&AgentAction::Conference));
        assert_eq!(consulting.leg_of(&two), Some(leg(3)));
    }

    #[test]
    fn who_is_not_there_yet_cannot_join_a_conference() {
        let (offer, agent) = (OfferId(Id(1)), "8002".into());
        let offer = Offer::new(offer, agent, None);
        let rings = conversation(Talk::Consulting {
            guest: guest(Step::Offered(offer)),
            with: With::Guest,
        });
        assert!(rings.has(OfferId(Id(1))));
        assert!(!rings.allowed(&"8001".into()).contains(&AgentAction::Conference));
        assert_eq!(rings.leg_of(&"8002".into()), None);
    }
}
