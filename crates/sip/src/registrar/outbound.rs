//! Flows that a phone keeps open itself (RFC 5626): whether a REGISTER may have them.

use crate::{Message, Name, NameAddr, Refusal};

/// How long a phone may be silent on a flow before it could be taken for dead, in seconds: what
/// Flow-Timer says (§4.4).
pub(super) const FLOW_TIMER_S: u32 = 120;

/// Whether the contacts of a REGISTER are flows of RFC 5626: it says that it knows them and names
/// one by `reg-id`.
///
/// # Errors
/// 439 if the first proxy on the way does not know them: nothing would keep the flow open (§6).
pub(super) fn is_outbound(request: &Message) -> Result<bool, Refusal> {
    let names_flow = request.all(Name::Contact).any(|value| {
        NameAddr::parse(value).is_some_and(|contact| {
            let params = contact.params();
            params.has("reg-id") && params.value("+sip.instance").is_some()
        })
    });
    if !names_flow || !supports(request, "outbound") {
        return Ok(false);
    }
    let is_direct = request.all(Name::Via).count() == 1;
    // The proxy next to the phone is the last one of the Path (RFC 3327 §5.2).
    let first_hop = request.all(Name::Path).last().and_then(NameAddr::parse);
    let knows = first_hop.and_then(|hop| hop.uri()).is_some_and(|uri| uri.params().has("ob"));
    match is_direct || knows {
        true => Ok(true),
        false => Err(Refusal::of(439)),
    }
}

/// Whether a request says that its writer has an extension.
pub(super) fn supports(request: &Message, tag: &str) -> bool {
    [Name::Supported, Name::Require]
        .into_iter()
        .any(|name| request.all(name).any(|value| value.eq_ignore_ascii_case(tag)))
}
