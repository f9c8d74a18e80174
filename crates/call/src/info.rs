//! INFO inside a dialog (RFC 6086): keys from phones that send none in their stream of voice.
//!
//! No Info Package is offered; keys come as the older kind of INFO, which has only a body.

use sip::{Message, Name, ServerTx};

use crate::leg::{Leg, Output};
use crate::negotiation::is_optional;

/// `Signal=5`, and how long it is held.
const RELAY: &str = "application/dtmf-relay";
/// The key alone.
const BARE: &str = "application/dtmf";
/// The bodies that an INFO may have, as Accept says them.
pub(crate) const ACCEPT: &str = "application/dtmf-relay, application/dtmf";

/// What an INFO means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A key.
    Key(char),
    /// Nothing: it has no body, one that may be passed over, or a signal that is no key.
    Nothing,
    /// It is of a package that we have not asked for.
    ForeignPackage,
    /// Its body is of a type, or in a coding, that we do not understand.
    ForeignBody,
}

impl Leg {
    /// An INFO of a dialog that stands: a key is told.
    pub(crate) fn handle_info(&mut self, tx: ServerTx, request: &Message) {
        if let Told::Key(key) = self.answer_info(tx, request) {
            self.outputs.push_back(Output::Digit(key));
        }
    }

    /// Before the answer there is nobody whom a key could mean anything to: it is only answered.
    pub(crate) fn pass_over_info(&mut self, tx: ServerTx, request: &Message) {
        self.answer_info(tx, request);
    }

    /// Whether it is understood is said at once: 200, 469 with the packages that we take, which are
    /// none, or 415 with the bodies (RFC 6086 §4.2.2, RFC 3261 §8.2.3).
    fn answer_info(&mut self, tx: ServerTx, request: &Message) -> Told {
        let told = read(request);
        match told {
            Told::Key(_) | Told::Nothing => self.answer(tx, request, 200),
            Told::ForeignPackage => {
                let message = self.response(request, 469).header("Recv-Info", "").build();
                self.outputs.push_back(Output::Respond { tx, message });
            }
            Told::ForeignBody => self.answer(tx, request, 415),
        }
        told
    }
}

fn read(request: &Message) -> Told {
    if request.header("Info-Package").is_some() {
        return Told::ForeignPackage;
    }
    let text = |body| str::from_utf8(body).unwrap_or_default();
    let is_coded = |coding: &str| !coding.eq_ignore_ascii_case("identity");
    if request.all(Name::ContentEncoding).any(is_coded) && !is_optional(request) {
        return Told::ForeignBody;
    }
    if let Some(body) = request.part(RELAY) {
        let signal = text(body).lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then_some(value)
        });
        return signal.map_or(Told::Nothing, key);
    }
    match request.part(BARE) {
        Some(body) => key(text(body)),
        None if request.body().is_empty() || is_optional(request) => Told::Nothing,
        None => Told::ForeignBody,
    }
}

/// A key by its name, or by the number of its event (RFC 4733 §3.2).
fn key(name: &str) -> Told {
    match name.trim() {
        "10" => Told::Key('*'),
        "11" => Told::Key('#'),
        name => match name.chars().next() {
            Some(key @ ('0'..='9' | '*' | '#' | 'A'..='D')) if name.len() == 1 => Told::Key(key),
            Some(_) | None => Told::Nothing,
        },
    }
}

#[cfg(test)]
mod tests {
    use sip::{Method, RequestBuilder};

    use super::*;

    fn told(headers: &[(&str, &str)], (kind, body): (&str, &str)) -> Told {
        let request = RequestBuilder::new(Method::Info, "sip:95512@192.0.2.1");
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = match kind {
            "" => request,
            kind => request.body(kind, body.as_bytes()),
        };
        read(&request.build())
    }

    #[test]
    fn a_key_is_read_in_each_way_that_phones_write_it() {
        for (kind, body, key) in [
            (RELAY, "Signal=5\r\nDuration=160\r\n", '5'),
            (RELAY, "Duration=160\r\nsignal = 11\r\n", '#'),
            (RELAY, "Signal=*", '*'),
            ("Application/DTMF-Relay; charset=utf-8", "Signal=0", '0'),
            (BARE, "7", '7'),
            (BARE, " 10\r\n", '*'),
            (BARE, "D", 'D'),
            (
                "multipart/mixed;boundary=b",
                "--b\r\nContent-Type: application/dtmf\r\n\r\n3\r\n--b--\r\n",
                '3',
            ),
        ] {
            assert_eq!(told(&[], (kind, body)), Told::Key(key), "{kind} {body:?}");
        }
    }

    #[test]
    fn a_signal_that_is_no_key_and_an_info_without_a_body_mean_nothing() {
        for (kind, body) in [("", ""), (RELAY, "Signal=Flash"), (RELAY, "x"), (BARE, "55")] {
            assert_eq!(told(&[], (kind, body)), Told::Nothing, "{kind} {body:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_told_apart_from_what_may_be_passed_over() {
        let picture = ("application/media_control+xml", "<media_control/>");
        assert_eq!(told(&[], picture), Told::ForeignBody);
        assert_eq!(told(&[], ("text/plain", "5")), Told::ForeignBody);
        assert_eq!(told(&[], ("application/dtmf-relayed", "Signal=5")), Told::ForeignBody);
        let coded = [("Content-Encoding", "gzip")];
        assert_eq!(told(&coded, (BARE, "5")), Told::ForeignBody);
        let optional = [("Content-Disposition", "render;handling=optional")];
        assert_eq!(told(&optional, picture), Told::Nothing);
        let package = [("Info-Package", "infoDtmf")];
        assert_eq!(told(&package, (BARE, "5")), Told::ForeignPackage);
    }
}
