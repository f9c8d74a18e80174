//! Session timers (RFC 4028): a session ends when nobody says any more that it lasts.

use std::time::Duration;

use model::Mono;
use sip::{Message, Name, ResponseBuilder};

/// The least interval that anybody may ask for, in seconds (§4).
pub const MIN_SE_S: u32 = 90;

/// What is wished of session timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// The interval that is asked for, in seconds; 0 for no session timers.
    pub expires_s: u32,
    /// The least that is agreed to, in seconds: [`MIN_SE_S`] or more.
    pub min_se_s: u32,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { expires_s: 1_800, min_se_s: MIN_SE_S }
    }
}

/// Who says that the session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresher {
    Us,
    Them,
}

/// What both sides agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) seconds: u32,
    pub(crate) refresher: Refresher,
}

/// The interval of one dialog, running.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionTimer {
    pub(crate) interval: Interval,
    /// When we say that the session lasts; `None` while we do, or where the other side does it.
    pub(crate) refresh_at: Option<Mono>,
    /// When the session is over.
    pub(crate) ends_at: Mono,
}

impl SessionTimer {
    /// Begins at the 2xx that agreed on it: refreshed at half of the interval, over a little
    /// before its end (§10).
    pub(crate) fn start(interval: Interval, now: Mono) -> Self {
        let seconds = u64::from(interval.seconds);
        let before_end = (seconds / 3).min(32);
        let refresh = now + Duration::from_millis(seconds * 500);
        Self {
            interval,
            refresh_at: (interval.refresher == Refresher::Us).then_some(refresh),
            ends_at: now + Duration::from_secs(seconds - before_end),
        }
    }
}

/// Whether a message says that its writer has the extension `tag`.
pub(crate) fn supports(message: &Message, tag: &str) -> bool {
    [Name::Supported, Name::Require]
        .into_iter()
        .any(|name| message.all(name).any(|value| value.eq_ignore_ascii_case(tag)))
}

/// The Min-SE that a request for a session is to be answered 422 with, because what it asks for is
/// too short (§9). One whose writer does not know session timers would not understand that answer.
pub fn interval_too_small(request: &Message, limits: SessionLimits) -> Option<u32> {
    let (seconds, _) = read(request)?;
    let refused = limits.expires_s > 0 && seconds < limits.min_se_s && supports(request, "timer");
    refused.then_some(limits.min_se_s)
}

/// What we answer to a request for a session, or for its refreshing (§9). Without a word on who
/// refreshes it stays with who does; in a new session with us, so that a peer that is gone is
/// noticed at half of the interval.
///
/// An interval is never made longer than was asked for; one below [`MIN_SE_S`], which nobody may
/// ask for (§4), is passed over where 422 would not be understood.
pub(crate) fn answer(
    request: &Message,
    limits: SessionLimits,
    now_by: Option<Refresher>,
) -> Option<Interval> {
    let asked = read(request).filter(|(seconds, _)| *seconds >= MIN_SE_S);
    let knows_timers = supports(request, "timer");
    if limits.expires_s == 0 || (asked.is_none() && !knows_timers) {
        return None;
    }
    let floor = min_se(request).max(limits.min_se_s);
    let most = limits.expires_s.max(floor);
    let seconds = asked.map_or(most, |(seconds, _)| seconds.min(most));
    let refresher = match asked.and_then(|(_, refresher)| refresher) {
        _ if !knows_timers => Refresher::Us,
        Some(Role::Client) => Refresher::Them,
        Some(Role::Server) => Refresher::Us,
        None => now_by.unwrap_or(Refresher::Us),
    };
    Some(Interval { seconds, refresher })
}

/// What a 2xx to our request agreed on (§7.2). An interval below what we asked for at least is not
/// followed.
pub(crate) fn agreed(response: &Message, limits: SessionLimits) -> Option<Interval> {
    let (seconds, refresher) = read(response).filter(|_| limits.expires_s > 0)?;
    let refresher = match refresher {
        Some(Role::Server) => Refresher::Them,
        Some(Role::Client) | None => Refresher::Us,
    };
    Some(Interval { seconds: seconds.max(limits.min_se_s), refresher })
}

/// The least interval that a message allows (§5).
pub(crate) fn min_se(message: &Message) -> u32 {
    let value = message.first(Name::MinSe).and_then(number);
    value.unwrap_or(MIN_SE_S).clamp(MIN_SE_S, LONGEST_S)
}

/// Session-Expires in a request of ours: who sends the request is its client.
pub(crate) fn request_value(interval: Interval) -> String {
    let role = match interval.refresher {
        Refresher::Us => "uac",
        Refresher::Them => "uas",
    };
    format!("{};refresher={role}", interval.seconds)
}

/// Says in a 2xx of ours what it agrees to; who is to refresh must know how (§9).
pub(crate) fn announce(response: ResponseBuilder, interval: Option<Interval>) -> ResponseBuilder {
    let Some(interval) = interval else { return response };
    let response = response.header("Session-Expires", response_value(interval));
    match interval.refresher {
        Refresher::Us => response,
        Refresher::Them => response.header("Require", "timer"),
    }
}

/// Session-Expires in a response of ours.
fn response_value(interval: Interval) -> String {
    let role = match interval.refresher {
        Refresher::Us => "uas",
        Refresher::Them => "uac",
    };
    format!("{};refresher={role}", interval.seconds)
}

/// A day: what is longer is taken as this.
const LONGEST_S: u32 = 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

fn read(message: &Message) -> Option<(u32, Option<Role>)> {
    let value = message.first(Name::SessionExpires)?;
    let seconds = number(value)?.min(LONGEST_S);
    let params = value.split(';').skip(1).filter_map(|param| param.split_once('='));
    let refresher = params
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("refresher"))
        .find_map(|(_, role)| match role.trim().to_ascii_lowercase().as_str() {
            "uac" => Some(Role::Client),
            "uas" => Some(Role::Server),
            _ => None,
        });
    Some((seconds, refresher))
}

fn number(value: &str) -> Option<u32> {
    value.split(';').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::{Method, RequestBuilder};

    fn request(headers: &[(&str, &str)]) -> Message {
        let request = RequestBuilder::new(Method::Invite, "sip:h").call_id("c").cseq(1);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).build()
    }

    fn answered(headers: &[(&str, &str)]) -> Option<(u32, Refresher)> {
        answer(&request(headers), SessionLimits::default(), None)
            .map(|interval| (interval.seconds, interval.refresher))
    }

    #[test]
    fn rfc_4028_section_9_the_answer_follows_what_the_caller_can() {
        let timer = ("Supported", "timer");
        assert_eq!(answered(&[]), None);
        assert_eq!(answered(&[timer]), Some((1_800, Refresher::Us)));
        assert_eq!(answered(&[timer, ("Session-Expires", "600")]), Some((600, Refresher::Us)));
        assert_eq!(answered(&[timer, ("x", "7200")]), Some((1_800, Refresher::Us)));
        assert_eq!(
            answered(&[timer, ("Session-Expires", "600;refresher=uac")]),
            Some((600, Refresher::Them))
        );
        assert_eq!(answered(&[timer, ("x", "600 ; Refresher = UAS")]), Some((600, Refresher::Us)));
        assert_eq!(answered(&[timer, ("Min-SE", "3600")]), Some((3_600, Refresher::Us)));
        // A proxy asked, the caller cannot: then we do it.
        assert_eq!(answered(&[("x", "600;refresher=uac")]), Some((600, Refresher::Us)));
        assert_eq!(answered(&[timer, ("x", "soon")]), Some((1_800, Refresher::Us)));
    }

    #[test]
    fn rfc_4028_section_9_the_answer_is_never_longer_than_what_was_asked_for() {
        let limits = SessionLimits { expires_s: 1_800, min_se_s: 600 };
        let answered = |asked: &str| {
            let interval = answer(&request(&[("x", asked)]), limits, None);
            interval.map(|interval| (interval.seconds, interval.refresher))
        };
        assert_eq!(answered("300"), Some((300, Refresher::Us)), "a proxy asked for it");
        assert_eq!(answered("90"), Some((90, Refresher::Us)));
        assert_eq!(answered("3600"), Some((1_800, Refresher::Us)));
        assert_eq!(answered("30"), None, "nobody may ask for that");
    }

    #[test]
    fn rfc_4028_section_9_too_short_is_refused_where_it_is_understood() {
        let limits = SessionLimits { expires_s: 1_800, min_se_s: 120 };
        let small = |headers: &[(&str, &str)]| interval_too_small(&request(headers), limits);
        assert_eq!(small(&[("x", "100"), ("k", "timer")]), Some(120));
        assert_eq!(small(&[("x", "120"), ("k", "timer")]), None);
        assert_eq!(small(&[("x", "100")]), None);
        let off = SessionLimits { expires_s: 0, ..limits };
        assert_eq!(interval_too_small(&request(&[("x", "9"), ("k", "timer")]), off), None);
        assert_eq!(answer(&request(&[("k", "timer")]), off, None), None);
    }

    #[test]
    fn rfc_4028_section_10_refreshed_at_half_and_over_before_the_end() {
        let interval = Interval { seconds: 90, refresher: Refresher::Us };
        let timer = SessionTimer::start(interval, Mono::from_ms(1_000));
        assert_eq!(timer.refresh_at, Some(Mono::from_ms(46_000)));
        assert_eq!(timer.ends_at, Mono::from_ms(61_000));
        let theirs = Interval { seconds: 1_800, refresher: Refresher::Them };
        let timer = SessionTimer::start(theirs, Mono::default());
        assert_eq!((timer.refresh_at, timer.ends_at), (None, Mono::from_ms(1_768_000)));
    }

    #[test]
    fn who_refreshes_is_named_from_the_side_of_the_request() {
        let ours = Interval { seconds: 90, refresher: Refresher::Us };
        assert_eq!(request_value(ours), "90;refresher=uac");
        assert_eq!(response_value(ours), "90;refresher=uas");
        let response = |value| agreed(&request(&[("x", value)]), SessionLimits::default());
        assert_eq!(response("90;refresher=uac"), Some(ours));
        let theirs = Interval { seconds: 90, refresher: Refresher::Them };
        assert_eq!(response("1;refresher=uas"), Some(theirs));
    }
}
