//! Why a recording is paused and why it goes on; what is certified of one that is deleted.

use crate::Wall;

macro_rules! choices {
    ($(#[$about:meta])* $enum:ident: $($(#[$doc:meta])* $name:ident $text:literal)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        pub enum $enum {
            $($(#[$doc])* $name,)*
        }

        impl $enum {
            /// Every one, in the order of this page.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire and in the store.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The one of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == name)
            }
        }
    };
}

choices! {
    /// Why a recording is paused.
    PauseReason:
    /// Something is said that must not be kept: a card's number, a password.
    Secret "secret"
    /// The other side does not want to be recorded.
    Declined "declined"
    /// It is not about the call's matter.
    Private "private"
}

choices! {
    /// Why a paused recording goes on.
    UnpauseCause:
    /// Someone asked for it.
    Asked "asked"
    /// It was paused for as long as may be.
    TimeOver "time_over"
    /// It was over.
    Ended "ended"
}

/// Why a recording is deleted, and what its file was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Deletion {
    /// The rule by which it is due.
    pub rule: String,
    /// Since when.
    pub due: Wall,
    /// SHA-256 of its file before anything was done to it, in hexadecimal; `None` if that was gone
    /// already.
    pub sha256: Option<String>,
    /// The file's bytes.
    pub bytes: u64,
}

/// The certificate of a deletion, one of a site's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Certificate {
    /// Its number in the chain, from 1, gap-free.
    pub number: u64,
    /// What is certified, for people and for verifying: it names the certificate before it, its own
    /// hash and, where there are master keys, ends with their signature.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_name_and_no_other_is() {
        for reason in PauseReason::ALL {
            assert_eq!(PauseReason::from_name(reason.as_str()), Some(*reason));
        }
        for cause in UnpauseCause::ALL {
            assert_eq!(UnpauseCause::from_name(cause.as_str()), Some(*cause));
        }
        assert_eq!(PauseReason::from_name("asked"), None);
    }
}
