//! What is certified of a recording that was deleted: what it was, by which rule and since when it
//! was due, what its file was, and when that was removed.
//!
//! A certificate is a text of `name: value` lines. It is numbered and names the hash of the one
//! before it, so that one that is missing, altered or put in is seen by those that follow; and
//! where there are master keys it is signed with the newest, so that who has not the key can make
//! none, however well they know the form. From the first that is signed on all have to be.

use std::fmt;

use model::{CallId, Certificate, Deletion, RecordingId, Wall};

use crate::header::hash;
use crate::keys::{KeyFault, Keyring, TAG_BYTES};
use crate::retention::stamp;

/// How a certificate begins: nothing else that a master key is used for does.
const TITLE: &str = "HOTLINE CERTIFICATE OF DELETION 1";
/// What the first one names as the hash of the one before.
const NONE_BEFORE: &str = "none";
/// The longest certificate that is read, in bytes.
const TEXT_MAX: usize = 4_096;

/// A recording that has come to its end.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    /// The recording.
    pub recording: RecordingId,
    /// Its call.
    pub call: CallId,
    /// Its file, relative to the recordings' folder.
    pub path: &'a str,
    /// When it began.
    pub began: Wall,
    /// Its frames and the hash of its seal, if it ever was sealed.
    pub sealed: Option<(u64, &'a str)>,
    /// Why it was deleted, and what its file was.
    pub deletion: &'a Deletion,
    /// When its file had been removed.
    pub removed: Wall,
}

/// Why a certificate is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFault {
    /// It is none.
    Unreadable,
    /// It is not what was written.
    Altered,
    /// It is of another recording, or has another number, than it is said to.
    Another,
    /// Certificates before it are missing: from this number on.
    LeftOut(u64),
    /// The one before it is not the one that it names.
    Unlinked,
    /// It is not signed, and those before it are.
    Unsigned,
    /// It is signed by one who has not the key.
    Forged,
    /// Its signature cannot be tried.
    Untried(KeyFault),
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("it is no certificate"),
            Self::Altered => f.write_str("altered"),
            Self::Another => f.write_str("the certificate of something else"),
            Self::LeftOut(number) => write!(f, "certificates are missing from number {number} on"),
            Self::Unlinked => f.write_str("the one before it was made anew"),
            Self::Unsigned => f.write_str("not signed, while those before it are"),
            Self::Forged => f.write_str("not signed with the key that it names"),
            Self::Untried(fault) => write!(f, "as written; its signature cannot be tried: {fault}"),
        }
    }
}

impl std::error::Error for CertificateFault {}

/// The certificates of one site, from the first on or from where it was left.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The number of the last one.
    number: u64,
    /// Its hash.
    previous: String,
    is_signed: bool,
}

impl Default for Chain {
    fn default() -> Self {
        Self { number: 0, previous: NONE_BEFORE.to_owned(), is_signed: false }
    }
}

impl Chain {
    /// Goes on behind `last`, which is believed.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn after(last: &Certificate) -> Result<Self, CertificateFault> {
        let read = Read::new(&last.text).ok_or(CertificateFault::Unreadable)?;
        Ok(Self {
            number: last.number,
            previous: read.hash.to_owned(),
            is_signed: read.signature.is_some(),
        })
    }

    /// The next certificate, signed if there is a master key; `nonce` is drawn at random.
    ///
    /// # Errors
    /// The cipher refused.
    pub fn certify(
        &mut self,
        ended: &Ended<'_>,
        keys: &Keyring,
        nonce: [u8; 12],
    ) -> Result<Certificate, KeyFault> {
        let number = self.number + 1;
        let key = keys.newest().unwrap_or("none");
        let mut text = body(number, &self.previous, key, ended);
        let hash = hex::encode(hash(&[text.as_bytes()]));
        text.push_str(&format!("hash: {hash}\n"));
        if let Some(tag) = keys.sign(nonce, text.as_bytes()) {
            let tag = tag?;
            text.push_str(&format!("signature: {} {}\n", hex::encode(nonce), hex::encode(tag)));
            self.is_signed = true;
        }
        (self.number, self.previous) = (number, hash);
        Ok(Certificate { number, text })
    }

    /// Whether the next certificate is what was written for `recording`. Goes on behind it in any
    /// case.
    ///
    /// # Errors
    /// Why not, or why that cannot be told.
    pub fn check(
        &mut self,
        next: &Certificate,
        recording: RecordingId,
        keys: &Keyring,
    ) -> Result<(), CertificateFault> {
        let (wanted, was_signed) = (self.number + 1, self.is_signed);
        self.number = next.number.max(self.number);
        let Some(read) = Read::new(&next.text) else {
            self.previous.clear();
            return Err(CertificateFault::Unreadable);
        };
        let previous = std::mem::replace(&mut self.previous, read.hash.to_owned());
        self.is_signed |= read.signature.is_some();
        if hex::encode(hash(&[read.body.as_bytes()])) != read.hash {
            return Err(CertificateFault::Altered);
        }
        let number = read.value("number").and_then(|number| number.parse().ok());
        let is_of = read.value("recording").and_then(|id| id.parse().ok()) == Some(recording);
        if number != Some(next.number) || !is_of || next.number < wanted {
            return Err(CertificateFault::Another);
        }
        read.has_signed(keys, was_signed)?;
        if next.number > wanted {
            return Err(CertificateFault::LeftOut(wanted));
        }
        // What was before and could not be read has been told.
        if !previous.is_empty() && read.value("previous") != Some(previous.as_str()) {
            return Err(CertificateFault::Unlinked);
        }
        Ok(())
    }
}

/// All that is certified, but for its hash and signature.
fn body(number: u64, previous: &str, key: &str, ended: &Ended<'_>) -> String {
    let Deletion { rule, due, sha256, bytes } = ended.deletion;
    // A name from the configuration makes no lines of its own.
    let rule: String = rule.chars().filter(|letter| !letter.is_control()).collect();
    let (frames, seal) = match ended.sealed {
        Some((frames, seal)) => (frames.to_string(), seal),
        None => ("none".to_owned(), "none"),
    };
    let file = sha256.as_deref().unwrap_or("none: it was gone already");
    format!(
        "{TITLE}\nnumber: {number}\nprevious: {previous}\nkey: {key}\nrecording: {}\ncall: {}\n\
         file: {}\nbegan: {}\nframes: {frames}\nseal: {seal}\nsha256: {file}\nbytes: {bytes}\n\
         rule: {rule}\ndue: {}\nremoved: {}\n",
        ended.recording,
        ended.call,
        ended.path,
        stamp(ended.began),
        stamp(*due),
        stamp(ended.removed),
    )
}

/// A certificate taken apart.
struct Read<'a> {
    body: &'a str,
    hash: &'a str,
    /// All that is signed.
    signed: &'a str,
    signature: Option<&'a str>,
}

impl<'a> Read<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let is_one = text.len() <= TEXT_MAX && text.starts_with(TITLE) && text.ends_with('\n');
        let at = text.rfind("\nhash: ").filter(|_| is_one)? + 1;
        let end = at + text[at..].find('\n')? + 1;
        let hash = text[at..end].strip_prefix("hash: ")?.strip_suffix('\n')?;
        let signature = match &text[end..] {
            "" => None,
            rest => Some(rest.strip_prefix("signature: ")?.strip_suffix('\n')?),
        };
        Some(Self { body: &text[..at], hash, signed: &text[..end], signature })
    }

    /// The value of a line.
    fn value(&self, name: &str) -> Option<&'a str> {
        let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(": ");
        self.body.lines().find_map(value)
    }

    fn has_signed(&self, keys: &Keyring, is_wanted: bool) -> Result<(), CertificateFault> {
        let name = self.value("key").ok_or(CertificateFault::Unreadable)?;
        let Some(signature) = self.signature else {
            let is_unsigned = !is_wanted && name == "none";
            return if is_unsigned { Ok(()) } else { Err(CertificateFault::Unsigned) };
        };
        let (mut nonce, mut tag) = ([0; 12], [0; TAG_BYTES]);
        let (one, other) = signature.split_once(' ').ok_or(CertificateFault::Unreadable)?;
        hex::decode_to_slice(one, &mut nonce).map_err(|_| CertificateFault::Unreadable)?;
        hex::decode_to_slice(other, &mut tag).map_err(|_| CertificateFault::Unreadable)?;
        match keys.has_signed(name, nonce, tag, self.signed.as_bytes()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(CertificateFault::Forged),
            Err(fault) => Err(CertificateFault::Untried(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Id;

    use super::*;
    use crate::header::tests::keyring;

    fn id(counter: u32) -> RecordingId {
        RecordingId(Id::new(1, 2, counter))
    }

    fn made(count: u32, keys: &Keyring) -> Vec<Certificate> {
        let deletion = Deletion {
            rule: "two\nlines".to_owned(),
            due: Wall(1_900_000_000_000_000),
            sha256: Some("ab".repeat(32)),
            bytes: 17,
        };
        let mut chain = Chain::default();
        let mut certify = |counter| {
            let ended = Ended {
                recording: id(counter),
                call: CallId(Id::new(1, 2, 900 + counter)),
                path: "2025/01/01/a.tape",
                began: Wall(1_735_689_600_000_000),
                sealed: Some((8_000, "cd")),
                deletion: &deletion,
                removed: Wall(1_900_000_000_000_001),
            };
            chain.certify(&ended, keys, [counter as u8; 12]).unwrap()
        };
        (1..=count).map(&mut certify).collect()
    }

    fn checked(made: &[Certificate], keys: &Keyring) -> Vec<Result<(), CertificateFault>> {
        let mut chain = Chain::default();
        made.iter().map(|next| chain.check(next, id(next.number as u32), keys)).collect()
    }

    #[test]
    fn a_certificate_says_what_why_when_and_by_which_rule() {
        let text = &made(1, &Keyring::default())[0].text;
        let wanted = "HOTLINE CERTIFICATE OF DELETION 1\nnumber: 1\nprevious: none\nkey: none\n\
             recording: r1-2-1\ncall: c1-2-901\nfile: 2025/01/01/a.tape\n\
             began: 2025-01-01T08:00:00.000000+08:00\nframes: 8000\nseal: cd\nsha256: ";
        assert!(text.starts_with(wanted), "{text}");
        assert!(
            text.contains(
                "\nbytes: 17\nrule: twolines\ndue: 2030-03-18T01:46:40.000000+08:00\n\
             removed: 2030-03-18T01:46:40.000001+08:00\nhash: "
            ),
            "{text}"
        );
    }

    #[test]
    fn a_chain_is_whole_goes_on_where_it_was_left_and_a_missing_one_is_named() {
        for keys in [Keyring::default(), keyring()] {
            let all = made(5, &keys);
            assert!(checked(&all, &keys).iter().all(Result::is_ok));
            assert_eq!(
                checked(&[&all[..2], &all[3..]].concat(), &keys)[2],
                Err(CertificateFault::LeftOut(3))
            );
            let mut later = Chain::after(&all[3]).unwrap();
            assert_eq!(later.check(&all[4], id(5), &keys), Ok(()));
            assert_eq!(later.check(&all[4], id(5), &keys), Err(CertificateFault::Another), "again");
            let mut other = Chain::after(&all[2]).unwrap();
            assert_eq!(other.check(&all[3], id(9), &keys), Err(CertificateFault::Another));
        }
    }

    #[test]
    fn every_altered_letter_is_found() {
        for keys in [Keyring::default(), keyring()] {
            let all = made(3, &keys);
            for at in 0..all[1].text.len() {
                let mut bytes = all[1].text.clone().into_bytes();
                bytes[at] ^= 1;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                let altered = Certificate { number: 2, text };
                let found = checked(&[all[0].clone(), altered, all[2].clone()], &keys);
                assert!(found[1].is_err(), "letter {at}");
            }
        }
    }

    #[test]
    fn one_made_anew_is_told_by_the_next_and_without_the_key_by_itself() {
        let plain = Keyring::default();
        let (mut ours, mut theirs) = (made(3, &plain), made(3, &plain));
        let anew = theirs[1].text.replace("bytes: 17", "bytes: 18");
        let (body, _) = anew.split_at(anew.find("hash: ").unwrap());
        let hash = hex::encode(hash(&[body.as_bytes()]));
        ours[1].text = format!("{body}hash: {hash}\n");
        assert_eq!(checked(&ours, &plain)[1..], [Ok(()), Err(CertificateFault::Unlinked)]);
        // Who makes all anew from there on needs no key where there is none, and does where it is.
        let signed = made(3, &keyring());
        theirs[0] = signed[0].clone();
        let found = checked(&theirs, &keyring());
        assert_eq!(found[1], Err(CertificateFault::Unsigned));
        let wrong = Keyring::parse(&format!("k1 = {}", "5b".repeat(32))).unwrap();
        let forged = checked(&made(3, &wrong), &keyring());
        assert!(forged.iter().all(|found| *found == Err(CertificateFault::Forged)));
        let gone = checked(&signed, &Keyring::default());
        let untried = CertificateFault::Untried(KeyFault::Unknown("k1".to_owned()));
        assert!(gone.iter().all(|found| *found == Err(untried.clone())));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for text in ["", "x", "hash: \n", TITLE, "HOTLINE CERTIFICATE OF DELETION 1\nhash: a\nb\n"]
        {
            let next = Certificate { number: 1, text: text.to_owned() };
            let found = Chain::default().check(&next, id(1), &keyring());
            assert_eq!(found, Err(CertificateFault::Unreadable), "{text:?}");
        }
        let long =
            Certificate { number: 1, text: format!("{TITLE}\n{}\nhash: a\n", "x".repeat(5_000)) };
        assert!(Chain::after(&long).is_err());
    }
}
