//! GRUUs (RFC 5627): URIs that lead to one phone, and to no other of its account.
//!
//! The public one is the address of record with the phone's own identity (`+sip.instance`) as `gr`.
//! A temporary one tells neither: each REGISTER gets another, and the last few of them lead to the
//! phone as long as it is registered under the same Call-ID.

use sha2::{Digest, Sha256};

use super::Binding;
use super::table::{Contact, Registrar};
use crate::{NameAddr, Uri};

/// The temporary GRUUs of one contact that lead to it; an older one leads nowhere any more.
pub(super) const TEMPORARY_MAX: usize = 8;
/// The longest identity that a GRUU is made of.
const INSTANCE_MAX: usize = 128;
/// What the user of a temporary GRUU begins with.
const TEMPORARY: &str = "tgruu.";

impl Registrar {
    /// The contact that a GRUU leads to: of several ways to the same phone one that answers, the
    /// one that was refreshed last.
    pub fn binding_of(&self, gruu: &Uri<'_>) -> Option<(&str, &Binding)> {
        let id = gruu.params().value("gr")?;
        let user = gruu.user_decoded();
        let contacts: Vec<&Contact> = match user.strip_prefix(TEMPORARY) {
            Some(_) => {
                let number = self.by_gruu.get(&*user)?;
                self.contacts.get(number).into_iter().collect()
            }
            None => {
                let is_it = |contact: &&Contact| {
                    let instance = contact.binding.instance.as_deref().and_then(identity);
                    instance.is_some_and(|instance| instance.eq_ignore_ascii_case(id))
                };
                self.of(&user).map(|(_, contact)| contact).filter(is_it).collect()
            }
        };
        let best = contacts
            .into_iter()
            .max_by_key(|contact| (contact.binding.reachable, contact.binding.refreshed_at));
        best.map(|contact| (contact.aor.as_str(), &contact.binding))
    }
}

/// The identity of a phone as `gr` has it, if it can be written there as it is.
fn identity(instance: &str) -> Option<&str> {
    let bare = instance.strip_prefix('<').and_then(|bare| bare.strip_suffix('>'));
    let bare = bare.unwrap_or(instance);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-._~!+".contains(&byte);
    let is_short = (1..=INSTANCE_MAX).contains(&bare.len());
    (is_short && bare.bytes().all(is_plain)).then_some(bare)
}

/// The user of the temporary GRUU that a REGISTER gets. Nobody but the phone and we know the
/// Call-ID and the identity that it is made of, so nobody else can tell whose it is.
pub(super) fn temporary(aor: &str, instance: &str, call_id: &str, cseq: u32) -> String {
    let digest = Sha256::new()
        .chain_update(aor)
        .chain_update([0])
        .chain_update(instance)
        .chain_update([0])
        .chain_update(call_id)
        .chain_update([0])
        .chain_update(cseq.to_be_bytes())
        .finalize();
    format!("{TEMPORARY}{}", hex::encode(digest.get(..16).unwrap_or_default()))
}

/// What the Contact of a REGISTER's 200 says of a phone that has an identity, with its GRUUs where
/// they are asked for (RFC 5627 §5.3, RFC 5626 §4.2). `to` is the address of record.
pub(super) fn described(binding: &Binding, to: Option<NameAddr<'_>>, gruus: bool) -> String {
    let Some(instance) = &binding.instance else { return String::new() };
    let Some(id) = identity(instance) else { return String::new() };
    let mut text = format!(";+sip.instance=\"{instance}\"");
    if let Some(reg_id) = binding.reg_id {
        text += &format!(";reg-id={reg_id}");
    }
    let Some(uri) = to.and_then(|to| to.uri()).filter(|_| gruus) else { return text };
    let Some(temporary) = binding.temporary.back() else { return text };
    let (scheme, _) = uri.as_str().split_once(':').unwrap_or(("sip", ""));
    let host = match uri.port() {
        Some(port) => format!("{}:{port}", uri.host()),
        None => uri.host().to_owned(),
    };
    text += &format!(";pub-gruu=\"{scheme}:{}@{host};gr={id}\"", uri.user());
    text + &format!(";temp-gruu=\"{scheme}:{temporary}@{host};gr\"")
}
