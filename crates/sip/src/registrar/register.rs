//! One REGISTER (RFC 3261 §10.3, steps 6 to 8): all of it is done, or nothing.

use std::collections::VecDeque;
use std::time::Duration;

use model::Mono;

use super::gruu::{TEMPORARY_MAX, described, temporary};
use super::outbound::{FLOW_TIMER_S, is_outbound, supports};
use super::table::{Number, Registrar};
use super::{Binding, Probe, Unbound};
use crate::{Flow, MAX_ROUTES, Message, Name, NameAddr, Refusal, ResponseBuilder, Scheme, Uri};

/// The most contacts that one REGISTER may name, those it takes back among them.
const NAMED_MAX: usize = 32;
/// The longest Contact: each is kept, and compared with those that come later.
const CONTACT_BYTES_MAX: usize = 2_048;

/// One Contact of the request, read.
struct Wish<'a> {
    uri: Uri<'a>,
    /// In seconds; 0 takes the contact back.
    expires_s: u32,
    q: u16,
    instance: Option<&'a str>,
    reg_id: Option<u32>,
}

/// What all contacts of one REGISTER have in common.
struct Origin<'a> {
    aor: &'a str,
    call_id: &'a str,
    cseq: u32,
    flow: Flow,
    path: Vec<String>,
    answers_options: bool,
    introduces_itself: bool,
}

impl Registrar {
    /// Takes a REGISTER whose credentials were accepted for `aor`, the user part of the address of
    /// record; gives its response, with `tag` as ours.
    pub fn handle_register(
        &mut self,
        aor: &str,
        request: &Message,
        flow: Flow,
        tag: &str,
        now: Mono,
    ) -> Message {
        match self.register(aor, request, flow, now) {
            Ok(()) => self.listing(aor, request, tag, now),
            Err(refusal) => refusal.response(request, tag),
        }
    }

    fn register(
        &mut self,
        aor: &str,
        request: &Message,
        flow: Flow,
        now: Mono,
    ) -> Result<(), Refusal> {
        let cseq = request.cseq().ok_or(Refusal::of(400))?.number;
        if request.all(Name::Contact).any(|value| value == "*") {
            return self.remove_all(aor, request, cseq);
        }
        let wishes = self.read_wishes(request)?;
        for wish in &wishes {
            for (_, known) in self.of(aor) {
                // Step 7: within one Call-ID the numbers rise, or a late packet would win.
                let old = known.binding.call_id == request.call_id() && cseq <= known.binding.cseq;
                if old && is_same(&known.binding, wish) {
                    return Err(Refusal::because(500, "Registration Out Of Order"));
                }
            }
        }
        let added = wishes.iter().filter(|wish| wish.expires_s > 0).count();
        if added > self.config.max_contacts {
            return Err(Refusal::because(403, "Too Many Contacts"));
        }
        let replaced = self
            .of(aor)
            .filter(|(_, known)| wishes.iter().any(|wish| is_same(&known.binding, wish)));
        if (self.len() - replaced.count()) + added > self.config.max_bindings {
            return Err(Refusal::of(503).with("Retry-After", "60"));
        }
        let path = read_path(request)?;
        is_outbound(request)?;
        let answers_options = answers_options(request);
        let call_id = request.call_id();
        let introduces_itself = introduces_itself(request);
        let origin = Origin { aor, call_id, cseq, flow, path, answers_options, introduces_itself };
        for wish in wishes {
            self.apply(&origin, &wish, now);
        }
        Ok(())
    }

    /// Step 6: `*` takes all back, and may only stand alone with Expires 0.
    fn remove_all(&mut self, aor: &str, request: &Message, cseq: u32) -> Result<(), Refusal> {
        let alone = request.all(Name::Contact).count() == 1;
        if !alone || request.first(Name::Expires).map(str::trim) != Some("0") {
            return Err(Refusal::because(400, "Wildcard Contact Needs Expires 0"));
        }
        let old = |binding: &Binding| binding.call_id == request.call_id() && cseq <= binding.cseq;
        if self.of(aor).any(|(_, known)| old(&known.binding)) {
            return Err(Refusal::because(500, "Registration Out Of Order"));
        }
        let numbers: Vec<_> = self.of(aor).map(|(number, _)| number).collect();
        for number in numbers {
            self.unbind(number, Unbound::Removed);
        }
        Ok(())
    }

    fn read_wishes<'a>(&self, request: &'a Message) -> Result<Vec<Wish<'a>>, Refusal> {
        let broken = || Refusal::because(400, "Malformed Contact");
        let header = request.first(Name::Expires).and_then(|value| value.trim().parse().ok());
        let mut wishes = Vec::new();
        for value in request.all(Name::Contact) {
            if wishes.len() == NAMED_MAX {
                return Err(Refusal::because(403, "Too Many Contacts"));
            }
            if value.len() > CONTACT_BYTES_MAX {
                return Err(Refusal::because(400, "Contact Too Long"));
            }
            let contact = NameAddr::parse(value).ok_or_else(broken)?;
            let uri = contact.uri().ok_or_else(broken)?;
            match uri.scheme() {
                Scheme::Sip | Scheme::Sips => {}
                // RFC 3261 §10.2.1 lets a phone be anywhere; this one is rung by SIP alone.
                Scheme::Tel | Scheme::Other => {
                    let text = "399 hotline \"a phone is rung by its SIP Contact only\"";
                    return Err(
                        Refusal::because(400, "Contact Is No SIP URI").with("Warning", text)
                    );
                }
            }
            let own = contact.params().value("expires").and_then(|value| value.parse().ok());
            let wish = own.or(header).unwrap_or(self.config.default_expiry_s);
            if wish > 0 && wish < self.config.min_expiry_s {
                let least = self.config.min_expiry_s.to_string();
                return Err(Refusal::of(423).with("Min-Expires", least));
            }
            let expires_s = wish.min(self.config.max_expiry_s);
            let q = contact.preference();
            let instance = contact.params().value("+sip.instance");
            let reg_id = contact.params().value("reg-id").and_then(|value| value.parse().ok());
            // RFC 5626 §6: without the phone's name it means nothing.
            let reg_id = reg_id.filter(|_| instance.is_some());
            wishes.push(Wish { uri, expires_s, q, instance, reg_id });
        }
        Ok(wishes)
    }

    fn apply(&mut self, origin: &Origin<'_>, wish: &Wish<'_>, now: Mono) {
        let aor = origin.aor;
        let same: Vec<Number> = self
            .of(aor)
            .filter(|(_, known)| is_same(&known.binding, wish))
            .map(|(number, _)| number)
            .collect();
        if wish.expires_s == 0 {
            for number in same {
                self.unbind(number, Unbound::Removed);
            }
            return;
        }
        let binding = Binding {
            contact: wish.uri.as_str().to_owned(),
            flow: origin.flow,
            path: origin.path.clone(),
            expires_at: now + Duration::from_secs(wish.expires_s.into()),
            q: wish.q,
            reachable: true,
            temporary: self.temporaries(origin, wish),
            instance: wish.instance.map(str::to_owned),
            reg_id: wish.reg_id,
            answers_options: origin.answers_options || self.has_answered(&same),
            introduces_itself: origin.introduces_itself,
            refreshed_at: now,
            call_id: origin.call_id.to_owned(),
            cseq: origin.cseq,
            probe: Probe::Off,
        };
        let is_refresh = |number: &Number| {
            let known = self.contacts.get(number);
            known.is_some_and(|known| known.binding.contact == binding.contact)
        };
        let kept = same.iter().copied().find(is_refresh);
        match kept {
            Some(number) => self.refresh(number, binding, now),
            None => self.bind(aor, binding, now),
        }
        for number in same.into_iter().filter(|number| Some(*number) != kept) {
            self.unbind(number, Unbound::Replaced);
        }
        self.make_room(aor);
    }

    /// Whether the phone of one of these contacts has shown that it answers OPTIONS.
    fn has_answered(&self, numbers: &[Number]) -> bool {
        let mut known = numbers.iter().filter_map(|number| self.contacts.get(number));
        known.any(|known| known.binding.answers_options)
    }

    /// The temporary GRUUs that lead to the phone from now on: those of the same Call-ID, and one
    /// more (RFC 5627 §5.4).
    fn temporaries(&self, origin: &Origin<'_>, wish: &Wish<'_>) -> VecDeque<String> {
        let Some(instance) = wish.instance else { return VecDeque::new() };
        let known = self.of(origin.aor).map(|(_, known)| &known.binding).find(|known| {
            is_same(known, wish) && known.instance.is_some() && known.call_id == origin.call_id
        });
        let mut users = known.map(|known| known.temporary.clone()).unwrap_or_default();
        let user = temporary(origin.aor, instance, origin.call_id, origin.cseq);
        users.retain(|known| *known != user);
        users.push_back(user);
        while users.len() > TEMPORARY_MAX {
            users.pop_front();
        }
        users
    }

    fn refresh(&mut self, number: Number, binding: Binding, now: Mono) {
        self.set_reachable(number, true);
        if let Some(mut contact) = self.remove(number) {
            contact.binding = binding;
            self.insert(number, contact, now);
        }
    }

    fn make_room(&mut self, aor: &str) {
        while self.of(aor).count() > self.config.max_contacts {
            let oldest =
                self.of(aor).min_by_key(|(number, known)| (known.binding.refreshed_at, *number));
            let Some((number, _)) = oldest else {
                return;
            };
            self.unbind(number, Unbound::Replaced);
        }
    }

    /// Step 8: 200 with all contacts and the time that each has left, and the Path as it came
    /// (RFC 3327 §5.3).
    fn listing(&self, aor: &str, request: &Message, tag: &str, now: Mono) -> Message {
        let response = ResponseBuilder::to(request, 200).to_tag(tag);
        let path = request.all(Name::Path);
        let response = path.fold(response, |response, value| response.header("Path", value));
        let response = response.header("Supported", "path, outbound, gruu");
        let response = match is_outbound(request) {
            Ok(true) => response.header("Require", "outbound").header("Flow-Timer", FLOW_TIMER_S),
            Ok(false) | Err(_) => response,
        };
        let gruus = supports(request, "gruu");
        self.bindings(aor)
            .into_iter()
            .fold(response, |response, binding| {
                let left_s = (binding.expires_at - now).as_millis().div_ceil(1000);
                let more = described(binding, request.to(), gruus);
                let contact = format!("<{}>;expires={left_s}{more}", binding.contact);
                response.contact(&contact)
            })
            .build()
    }
}

/// Whether the phone says that it takes OPTIONS, as [`Binding::answers_options`] tells.
fn answers_options(request: &Message) -> bool {
    let mut allowed = request.all(Name::Allow).peekable();
    match allowed.peek() {
        Some(_) => allowed.any(|method| method.trim() == "OPTIONS"),
        None => request.all(Name::Supported).next().is_some(),
    }
}

/// Whether the phone says anything of itself, as [`Binding::introduces_itself`] tells. What says
/// nothing is most often a tool that waits for an INVITE, and fails at anything else.
fn introduces_itself(request: &Message) -> bool {
    let said = [Name::Allow, Name::Supported];
    said.into_iter().any(|name| request.first(name).is_some())
        || request.header("User-Agent").is_some()
}

/// The proxies that want to be on the way to the phone (RFC 3327 §5.3).
fn read_path(request: &Message) -> Result<Vec<String>, Refusal> {
    let values = request.all(Name::Path).map(|value| {
        let uri = NameAddr::parse(value)?.uri()?;
        matches!(uri.scheme(), Scheme::Sip | Scheme::Sips).then(|| uri.as_str().to_owned())
    });
    match values.collect::<Option<Vec<_>>>() {
        Some(path) if path.len() <= MAX_ROUTES => Ok(path),
        Some(_) => Err(Refusal::because(400, "Too Many Proxies")),
        None => Err(Refusal::because(400, "Malformed Path")),
    }
}

/// Whether a Contact names a contact that is known: the same URI, or the same way of the same phone
/// (RFC 5626 §6).
fn is_same(binding: &Binding, wish: &Wish<'_>) -> bool {
    let instance = binding.instance.as_deref();
    let same_way = instance == wish.instance && binding.reg_id == wish.reg_id;
    (instance.is_some() && same_way)
        || Uri::parse(&binding.contact).is_some_and(|known| known.is_equivalent(&wish.uri))
}
