//! What callers and phones do: data that a scenario writes down.

use std::net::SocketAddr;

use crate::hotline::{PASSWORD, REALM};

/// What a caller does.
#[derive(Debug, Clone)]
pub struct CallerPlan {
    /// The number dialled.
    pub number: &'static str,
    /// The user part of the Request-URI where that is not the number: a registered Contact's.
    pub contact: Option<String>,
    /// The parameters of the Request-URI, each with its semicolon.
    pub params: &'static str,
    /// Keys and when they are pressed, in milliseconds after the answer.
    pub keys: Vec<(u64, char)>,
    /// When the caller hangs up, in milliseconds after the INVITE; never if none.
    pub hangs_up_after_ms: Option<u64>,
    /// What a challenge is answered with; by nothing if none.
    pub account: Option<(&'static str, &'static str)>,
    /// Whether the 200 is acknowledged.
    pub acknowledges: bool,
    /// From when on nothing more leaves or arrives, in milliseconds after the INVITE.
    pub silent_after_ms: Option<u64>,
    /// Whether the INVITE brings an offer; else the answer is in the ACK, or in the PRACK.
    pub offers: bool,
    /// Further headers of the INVITE, and of what follows in the dialog.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Header lines that its INVITE has beside those, to the letter.
    pub verbatim: &'static str,
    /// Realm, user and password that its carrier asks for before it takes a BYE, a re-INVITE or an
    /// UPDATE, if it does.
    pub challenges: Option<(&'static str, &'static str, &'static str)>,
    /// The address in its Contact, where that is not its own.
    pub contact_at: Option<SocketAddr>,
}

impl Default for CallerPlan {
    fn default() -> Self {
        Self {
            number: "95500",
            contact: None,
            params: "",
            keys: Vec::new(),
            hangs_up_after_ms: None,
            account: None,
            acknowledges: true,
            silent_after_ms: None,
            offers: true,
            headers: Vec::new(),
            verbatim: "",
            challenges: None,
            contact_at: None,
        }
    }
}

/// What an agent's phone says to an INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 180, then 200 after so many milliseconds.
    After(u64),
    /// 180, then nothing.
    RingsOnly,
    /// This status after so many milliseconds.
    Refuses(u16, u64),
    /// Nothing at all.
    Silence,
}

/// What an agent's phone does.
#[derive(Debug, Clone)]
pub struct PhonePlan {
    /// The agent.
    pub agent: String,
    /// How it answers; the last entry holds for all further calls.
    pub answers: Vec<Answer>,
    /// How long it talks before it hangs up; never if none.
    pub talks_ms: Option<u64>,
    /// What it asks for in Expires.
    pub expires_s: u32,
    /// Whether it refreshes its registration.
    pub refreshes: bool,
    /// Its identity (`+sip.instance`, RFC 5626), if it tells one.
    pub instance: Option<&'static str>,
    /// Which of its own ways it registers by (`reg-id`), if it has several.
    pub reg_id: Option<u32>,
    /// Whether a CANCEL makes it stop ringing; else it answers all the same.
    pub hears_cancel: bool,
    /// Whether it rings with media (183), so that the caller hears something before the answer.
    pub rings_with_media: bool,
    /// Whether it rings reliably (RFC 3262).
    pub rings_reliably: bool,
    /// Further headers of its 200 to an INVITE, and of what follows in the dialog.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The Contacts that it names where it refuses a call by 3xx, for each call; the last entry
    /// holds for all further calls.
    pub elsewhere: Vec<Vec<&'static str>>,
    /// The domain that it registers in.
    pub domain: &'static str,
    /// What it answers challenges with.
    pub password: &'static str,
    /// Realm, user and password that it asks for before it takes an INVITE, if it does.
    pub challenges: Option<(&'static str, &'static str, &'static str)>,
    /// The password that it asks for before it takes a BYE, if it does.
    pub challenges_bye: Option<&'static str>,
}

impl PhonePlan {
    /// A phone that answers after a second and never hangs up.
    pub fn of(agent: &str) -> Self {
        Self {
            agent: agent.to_owned(),
            answers: vec![Answer::After(1_000)],
            talks_ms: None,
            expires_s: 3_600,
            refreshes: true,
            instance: None,
            reg_id: None,
            hears_cancel: true,
            rings_with_media: false,
            rings_reliably: false,
            headers: Vec::new(),
            elsewhere: Vec::new(),
            domain: REALM,
            password: PASSWORD,
            challenges: None,
            challenges_bye: None,
        }
    }
}
