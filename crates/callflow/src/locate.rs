//! Where a name leads (RFC 3263): what has to be sent to a host that is a name and no address.
//!
//! Who wants to send to a URI calls [`Callflow::locate`] with it and with what comes [`After`]: a
//! plain value, for the DNS may take a second, and what waited may be over then. The answer comes
//! to [`Callflow::handle_located`], in the same turn where nothing has to be asked; it names every
//! `After` and goes on there with the [`Target`]s, the best first, or with why there are none.
//! [`Callflow::flow_to`] is the flow to a target. When one fails (no response, no transport, 503),
//! [`Callflow::target_failed`] has it come last for a while, and the next of the list is tried
//! (§4.3); [`Callflow::target_worked`] takes that back.

use std::time::Duration;

use model::{LegId, LegRole, Transport};
use sip::locate::{Answer, Carrier, LocateOutput, NotLocated, Place, Question, Target};
use sip::{Flow, Message, Uri};

use crate::phones::way_to;
use crate::{Callflow, Output, Side};

/// What a search is for, and what is done when it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    /// The next hop of a leg's dialog is this URI: its requests go there from now on.
    Dialog {
        /// Whose.
        leg: LegId,
        /// Which.
        uri: String,
    },
    /// A line's target is there.
    Line {
        /// Which.
        target: trunk::Target,
    },
}

impl Callflow {
    /// Finds where `uri` is reached. `after` comes back to [`Callflow::handle_located`], with what
    /// was found or why nothing was.
    pub(crate) fn locate(&mut self, uri: &str, after: After) {
        let place = Uri::parse(uri).ok_or(NotLocated::NoHost).and_then(|uri| Place::of(&uri));
        match place {
            Ok(place) => {
                // RFC 2782's chance: nobody outside can guess it, and a replay makes it again.
                let number = self.mint_leg();
                let token = self.tokens.token(number, "locate");
                let chance = u64::from_str_radix(&token, 16).unwrap_or(0);
                let search = self.locator.locate(place, chance, self.now);
                self.searches.insert(search, after);
                self.drain_locator();
            }
            Err(why) => self.handle_located(after, Err(why)),
        }
    }

    /// What the DNS said.
    pub(crate) fn handle_resolved(&mut self, question: &Question, answer: Answer) {
        self.locator.handle_answer(question, answer, self.now);
        self.drain_locator();
    }

    pub(crate) fn drain_locator(&mut self) {
        while let Some(output) = self.locator.poll_output() {
            let (search, end) = match output {
                LocateOutput::Ask(question) => {
                    self.outputs.push_back(Output::Resolve(question));
                    continue;
                }
                LocateOutput::Located { search, targets } => (search, Ok(targets)),
                LocateOutput::NotLocated { search, why } => (search, Err(why)),
            };
            if let Some(after) = self.searches.remove(&search) {
                self.handle_located(after, end);
            }
        }
    }

    /// A search is over.
    fn handle_located(&mut self, after: After, end: Result<Vec<Target>, NotLocated>) {
        match after {
            After::Dialog { leg, uri } => self.dialog_located(leg, &uri, end),
            After::Line { target } => self.target_located(&target, end),
        }
    }

    /// From now on the dialog's requests go where its next hop's name leads. Where that is not
    /// known they go on the way that the other side's messages come.
    fn dialog_located(&mut self, leg: LegId, uri: &str, end: Result<Vec<Target>, NotLocated>) {
        let side = match self.legs.get(&leg).map(|entry| entry.leg.role()) {
            Some(LegRole::Caller | LegRole::Number(_)) => Side::Carrier,
            Some(LegRole::Agent(_)) => Side::Agent,
            None => return,
        };
        let targets = end.unwrap_or_default();
        let way = |target: &Target| Some((*target, self.flow_to(target, side)?));
        let reached = targets.iter().find_map(way);
        let Some((target, flow)) = reached else { return };
        self.with_leg(leg, |entry| {
            entry.target = Some(target);
            entry.leg.handle_located(uri, flow);
        });
    }

    /// What became of a leg's request, for those that are sent by a name: `None` for no response.
    /// A target that failed makes room for the next one.
    pub(crate) fn note_target(&mut self, leg: LegId, response: Option<&Message>) {
        let Some(entry) = self.legs.get(&leg) else { return };
        let Some(target) = entry.target else { return };
        match response {
            Some(response) if response.status() != Some(503) => self.target_worked(&target),
            Some(_) | None => {
                self.target_failed(target, response.and_then(Message::retry_after_s));
                self.locate_dialog(leg);
            }
        }
    }

    /// A target did not respond, could not be reached, or said 503: then its Retry-After counts.
    pub(crate) fn target_failed(&mut self, target: Target, retry_after_s: Option<u32>) {
        let rest = retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
        self.locator.handle_failed(target, rest, self.now);
    }

    /// A target responded.
    pub(crate) fn target_worked(&mut self, target: &Target) {
        self.locator.handle_worked(target);
    }

    /// Asks for the next hop of a leg's dialog, if that is a name that leads to it. A phone that
    /// calls itself by a GRUU of ours (RFC 5627) is where it registered.
    pub(crate) fn locate_dialog(&mut self, leg: LegId) {
        let Some(entry) = self.legs.get(&leg) else { return };
        let Some(uri) = entry.leg.next_name().map(str::to_owned) else { return };
        let parsed = Uri::parse(&uri);
        let phone = parsed.as_ref().and_then(|uri| self.registrar.binding_of(uri));
        let is_our_gruu =
            parsed.as_ref().is_some_and(|uri| uri.params().has("gr") && self.is_ours(uri));
        let is_its_own = |aor: &str| match entry.leg.role() {
            LegRole::Agent(agent) => agent.as_str() == aor,
            LegRole::Caller | LegRole::Number(_) => false,
        };
        if let Some((_, binding)) = phone.filter(|(aor, _)| is_its_own(aor)) {
            let flow = way_to(&binding.contact, binding.flow, &binding.path);
            self.with_leg(leg, |entry| entry.leg.handle_located(&uri, flow));
        } else if !is_our_gruu {
            // Where a phone of ours is nobody but its registration says: the DNS would name us, and
            // without one its requests go on the way that its messages come.
            self.locate(&uri, After::Dialog { leg, uri: uri.clone() });
        }
    }

    /// The flow to a target; `None` where no listener of ours for that side can reach it. A
    /// connection is opened with the first message.
    pub(crate) fn flow_to(&self, target: &Target, side: Side) -> Option<Flow> {
        let transport = match target.carrier {
            Carrier::Udp => Transport::Udp,
            Carrier::Tcp => Transport::Tcp,
            Carrier::Tls => Transport::Tls,
        };
        self.way_out(transport, target.address, side)
    }
}
