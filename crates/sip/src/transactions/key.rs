//! What a message is found by: keyed hashes, so that no peer can choose where it lands.
//!
//! A client transaction is found by its number, which its branch carries beside a seal; a server
//! transaction by the hash of what RFC 3261 §17.2.3 names.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use crate::{ClientTx, MAGIC_COOKIE, Message, Method, Via};

/// 128 bits of a keyed hash: two that are equal are taken for the same.
pub(super) type Key = u128;

/// Makes keys, seals and tags from one secret.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    one: DefaultHasher,
    other: DefaultHasher,
}

/// What a key stands for.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Purpose {
    Transaction,
    Transaction2543,
    Ack,
    Merged,
    Branch,
    Tag,
}

impl Keys {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        // SipHash with fixed keys; the secret is the first thing that it takes in.
        let seeded = |salt: u8| {
            let mut hasher = BuildHasherDefault::<DefaultHasher>::default().build_hasher();
            hasher.write(secret);
            hasher.write_u8(salt);
            hasher
        };
        Self { one: seeded(1), other: seeded(2) }
    }

    fn key(&self, purpose: Purpose, parts: &[&[u8]]) -> Key {
        let finish = |hasher: &DefaultHasher| {
            let mut hasher = hasher.clone();
            hasher.write_u8(purpose as u8);
            for part in parts {
                hasher.write_usize(part.len());
                hasher.write(part);
            }
            u128::from(hasher.finish())
        };
        finish(&self.one) << 64 | finish(&self.other)
    }

    /// The server transaction of a request (RFC 3261 §17.2.3). ACK and CANCEL find their INVITE.
    pub(super) fn server(&self, request: &Message, via: &Via<'_>) -> Key {
        let method = match request.method() {
            Method::Ack | Method::Cancel | Method::Invite => Method::Invite.as_str(),
            _ => request.method_text(),
        };
        let port = via.port().unwrap_or(5060).to_be_bytes();
        let sent_by = [via.host().as_bytes(), &port[..], method.as_bytes()];
        match via.unique_branch() {
            Some(branch) => {
                let [host, port, method] = sent_by;
                self.key(Purpose::Transaction, &[branch.as_bytes(), host, port, method])
            }
            None => {
                let [host, port, method] = sent_by;
                let number = request.cseq().map_or(0, |cseq| cseq.number).to_be_bytes();
                let from_tag = request.from().and_then(|from| from.tag()).unwrap_or("");
                let branch = via.branch().unwrap_or("");
                let parts = [
                    request.call_id().as_bytes(),
                    &number[..],
                    from_tag.as_bytes(),
                    branch.as_bytes(),
                    host,
                    port,
                    method,
                ];
                self.key(Purpose::Transaction2543, &parts)
            }
        }
    }

    /// What an ACK for a 2xx and that 2xx have in common (RFC 3261 §13.2.2.4).
    pub(super) fn ack(&self, message: &Message) -> Key {
        let number = message.cseq().map_or(0, |cseq| cseq.number).to_be_bytes();
        let from = message.from().and_then(|from| from.tag()).unwrap_or("");
        let to = message.to().and_then(|to| to.tag()).unwrap_or("");
        let parts = [message.call_id().as_bytes(), &number[..], from.as_bytes(), to.as_bytes()];
        self.key(Purpose::Ack, &parts)
    }

    /// What the copies of one INVITE that came on several ways have in common (RFC 3261 §8.2.2.2).
    pub(super) fn merged(&self, request: &Message) -> Key {
        let number = request.cseq().map_or(0, |cseq| cseq.number).to_be_bytes();
        let from = request.from().and_then(|from| from.tag()).unwrap_or("");
        let method = request.method_text().as_bytes();
        let parts = [request.call_id().as_bytes(), &number[..], method, from.as_bytes()];
        self.key(Purpose::Merged, &parts)
    }

    /// Our tag in a response that no transaction remembers: the same for a repeated request
    /// (RFC 3261 §8.2.7).
    pub(super) fn tag(&self, request: &Message) -> String {
        let number = request.cseq().map_or(0, |cseq| cseq.number).to_be_bytes();
        let from = request.from().and_then(|from| from.tag()).unwrap_or("");
        let parts = [request.call_id().as_bytes(), &number[..], from.as_bytes()];
        format!("{:016x}", self.key(Purpose::Tag, &parts) as u64)
    }

    /// The branch of a request of ours; the ACK for a 2xx has one of its own.
    pub(super) fn branch(&self, tx: ClientTx, is_ack: bool) -> Branch {
        let key = self.key(Purpose::Branch, &[&tx.0.to_be_bytes(), &[u8::from(is_ack)]]);
        Branch { tx, seal: key as u64 }
    }

    /// The client transaction that a branch of ours names.
    pub(super) fn client(&self, via: &Via<'_>) -> Option<ClientTx> {
        let (number, seal) = via.unique_branch()?.split_once('.')?;
        let tx = ClientTx(u64::from_str_radix(number, 16).ok()?);
        let seal = u64::from_str_radix(seal, 16).ok()?;
        (self.branch(tx, false).seal == seal).then_some(tx)
    }
}

/// The worker that a response belongs to: that of the transaction its branch names. `None` for a
/// branch that is not ours.
pub fn worker_of_response(response: &Message) -> Option<u8> {
    let via = response.top_via()?;
    let (number, _) = via.unique_branch()?.split_once('.')?;
    Some(ClientTx(u64::from_str_radix(number, 16).ok()?).worker())
}

/// A branch of ours.
pub(super) struct Branch {
    tx: ClientTx,
    seal: u64,
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MAGIC_COOKIE}{:x}.{:x}", self.tx.0, self.seal)
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, worker_of_response};
    use crate::{ClientTx, Message, Via};

    fn request(method: &str, branch: &str) -> Message {
        let text = format!(
            "{method} sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h{branch}\r\nFrom: <sip:a@h>;tag=1\r\n\
             Call-ID: c\r\nCSeq: 1 {method}\r\n\r\n"
        );
        Message::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn requests_share_a_key_as_section_17_2_3_says() {
        let keys = Keys::new(&[1; 32]);
        let key = |method: &str, branch: &str| {
            let request = request(method, branch);
            keys.server(&request, &request.top_via().unwrap())
        };
        let new = ";branch=z9hG4bKx";
        assert_eq!(key("INVITE", new), key("ACK", new));
        assert_eq!(key("INVITE", new), key("CANCEL", new));
        assert_ne!(key("INVITE", new), key("BYE", new));
        assert_ne!(key("FOO", new), key("BAR", new));
        assert_ne!(key("INVITE", new), key("INVITE", ";branch=z9hG4bKy"));
        assert_ne!(key("INVITE", new), key("INVITE", ":5070;branch=z9hG4bKx"));
        assert_eq!(key("INVITE", ""), key("ACK", ""));
        assert_ne!(key("INVITE", ""), key("INVITE", ";branch=1"));
    }

    #[test]
    fn a_branch_leads_back_to_its_transaction_and_cannot_be_guessed() {
        let keys = Keys::new(&[1; 32]);
        let tx = ClientTx::new(3, 77);
        let read = |keys: &Keys, branch: String| {
            let text = format!("SIP/2.0/UDP h;branch={branch}");
            keys.client(&Via::parse(&text).unwrap())
        };
        let branch = keys.branch(tx, false).to_string();
        assert_eq!(read(&keys, branch.clone()), Some(tx));
        assert_eq!(read(&Keys::new(&[2; 32]), branch.clone()), None);
        assert_eq!(read(&keys, keys.branch(tx, true).to_string()), None);
        assert_eq!(read(&keys, "z9hG4bKzz.1".to_owned()), None);
        let response = request("BYE", &format!(";branch={branch}"));
        assert_eq!(worker_of_response(&response), Some(3));
    }
}
