//! What is left of a message when personal data is hidden.

use super::hide_personal;

fn hidden(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    hide_personal(&mut bytes);
    assert_eq!(bytes.len(), text.len(), "lengths are kept");
    String::from_utf8(bytes).unwrap()
}

fn header_of(header: &str) -> String {
    let hidden = hidden(&format!("INVITE sip:95512@h SIP/2.0\r\n{header}\r\n\r\n"));
    hidden.lines().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn numbers_are_masked_wherever_an_address_may_stand() {
    let text = "INVITE sip:13800138000@192.168.100.200:5060 SIP/2.0\r\n\r\n";
    assert_eq!(hidden(text), "INVITE sip:138******00@192.168.100.200:5060 SIP/2.0\r\n\r\n");
    for (header, shown) in [
        ("From: <sip:13800138000@h>;tag=1234567890", "From: <sip:138******00@h>;tag=1234567890"),
        ("t: <tel:+86-138-0013-8000>", "t: <tel:+86-1**-****-**00>"),
        ("Contact: <sip:8001@10.20.30.40:5062>", "Contact: <sip:8001@10.20.30.40:5062>"),
        ("P-Asserted-Identity: tel:02112345678", "P-Asserted-Identity: tel:021******78"),
        ("Refer-To: <sip:%31380013800%30@h>", "Refer-To: <sip:***38******0***@h>"),
        (
            "Authorization: Digest username=\"13800138000\"",
            "Authorization: Digest username=\"138******00\"",
        ),
        ("Diversion: <sip:1234567@h>;reason=busy", "Diversion: <sip:123**67@h>;reason=busy"),
    ] {
        assert_eq!(header_of(header), shown);
    }
}

#[test]
fn names_keep_their_first_character() {
    for (header, shown) in [
        ("From: \"王小明\" <sip:8001@h>", "From: \"王******\" <sip:8001@h>"),
        ("From: Alice Lee <sip:8001@h>", "From: A**** *** <sip:8001@h>"),
        ("To: \"8001\" <sip:8001@h>", "To: \"8001\" <sip:8001@h>"),
        ("To: \"13800138000\" <sip:1@h>", "To: \"138******00\" <sip:1@h>"),
        ("To: \"a, <b>\" <sip:1@h>", "To: \"a* ***\" <sip:1@h>"),
    ] {
        assert_eq!(header_of(header), shown);
    }
}

#[test]
fn a_number_written_with_blanks_or_other_separators_is_one_number() {
    for (name, shown) in [
        ("\"138 0013 8000\"", "\"138 **** **00\""),
        ("138 0013 8000", "138 **** **00"),
        ("\"+86 138-0013-8000\"", "\"+86 1**-****-**00\""),
        ("\"138.0013.8000\"", "\"138.****.**00\""),
        ("\"(021) 1234\t5678\"", "\"(021) ****\t**78\""),
        ("\"10.20.30.40\"", "\"10.2*.**.40\""),
        ("\"1 2 3 4 5 6 7\"", "\"1 2 3 * * 6 7\""),
        ("\"80 01 (22)\"", "\"80 01 (22)\""),
        ("\"138 0013 8000 x\"", "\"1** **** **** *\""),
    ] {
        let header = format!("From: {name} <sip:8001@h>;tag=1");
        assert_eq!(header_of(&header), format!("From: {shown} <sip:8001@h>;tag=1"));
    }
    assert_eq!(
        header_of("Contact: \"138 0013 8000\" <sip:1@h>, \"139 0013 9000\" <sip:13800138000@h>"),
        "Contact: \"138 **** **00\" <sip:1@h>, \"139 **** **00\" <sip:138******00@h>"
    );
}

#[test]
fn headers_of_the_protocol_stay_and_unknown_ones_are_hidden() {
    for kept in [
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK12345678901",
        "Call-ID: 12345678901@10.0.0.1",
        "CSeq: 1234567890 INVITE",
        "User-Agent: Phone 12345678",
    ] {
        assert_eq!(header_of(kept), kept);
    }
    assert_eq!(header_of("Subject: 王 has a claim"), "Subject: *** *** * *****");
    assert_eq!(header_of("X-Identity: 110101199003070134"), "X-Identity: ******************");
    assert_eq!(header_of("no header"), "** ******");
}

#[test]
fn a_description_of_media_stays_but_for_its_people() {
    let text = "INVITE sip:95512@h SIP/2.0\r\nc: application/sdp; x=y\r\n\r\n\
                v=0\r\no=13800138000 20261121 1 IN IP4 10.0.0.1\r\ns=call\r\ni=王\r\n\
                p=+86 138\r\nc=IN IP4 10.0.0.1\r\na=ssrc:1234567890\r\n";
    assert_eq!(
        hidden(text).split_once("\r\n\r\n").unwrap().1,
        "v=0\r\no=138******00 20261121 1 IN IP4 10.0.0.1\r\ns=****\r\ni=***\r\n\
         p=*** ***\r\nc=IN IP4 10.0.0.1\r\na=ssrc:1234567890\r\n"
    );
}

#[test]
fn what_a_description_says_in_words_is_hidden_and_a_dash_is_not() {
    let sdp = |body: &str| {
        let head = "INVITE sip:h SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n";
        hidden(&format!("{head}{body}")).split_off(head.len())
    };
    for name in ["s", "i", "u", "e", "p"] {
        for (value, shown) in [
            ("Wang Xiaoming", "**** ********"),
            ("138 0013 8000", "*** **** ****"),
            ("-1", "**"),
            ("-\r\n 138 0013 8000", "*\r\n *** **** ****"),
            ("-", "-"),
            ("", ""),
        ] {
            let line = |value| format!("v=0\r\n{name}={value}\r\nt=0 0\r\n");
            assert_eq!(sdp(&line(value)), line(shown));
        }
    }
}

#[test]
fn digits_that_were_keyed_and_other_bodies_are_hidden() {
    let info = |kind: &str, body: &str| {
        let text = format!("INFO sip:h SIP/2.0\r\n{kind}\r\n\r\n{body}");
        hidden(&text).split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let digits = "Signal=5\r\nDuration=160\r\n";
    let gone = "********\r\n************\r\n";
    assert_eq!(info("Content-Type: application/dtmf-relay", digits), gone);
    assert_eq!(info("Subject: x", digits), gone);
    let twice = "Content-Type: application/sdp\r\nContent-Type: text/plain";
    assert_eq!(info(twice, "a=5"), "***");
    let fragment = "SIP/2.0 200 OK\r\nTo: <sip:13800138000@h>\r\n";
    let shown = "SIP/2.0 200 OK\r\nTo: <sip:138******00@h>\r\n";
    assert_eq!(info("Content-Type: message/sipfrag", fragment), shown);
}

#[test]
fn what_is_no_message_is_hidden() {
    assert_eq!(hidden("hello 王 13800138000\r\nx"), "***** *** ***********\r\n*");
    for text in ["", "\r\n", " ", "o=", "From:", "From: <", "%3", ";tag=", "\u{80}"] {
        hidden(text);
    }
}

#[test]
fn an_escaped_quote_ends_no_name() {
    let line = "From: \"a\\\"b<13800138000\" <sip:13800138000@h>;tag=1\r\n";
    let mut text = format!("INVITE sip:h SIP/2.0\r\n{line}\r\n").into_bytes();
    hide_personal(&mut text);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("<sip:138******00@h>"), "{text}");
    assert!(!text.contains("b<") && !text.contains("8001380"), "the name is hidden whole: {text}");
}

#[test]
fn a_number_with_blanks_in_the_origin_is_one_number() {
    let shown = |origin: &str| {
        let head = "INVITE sip:h SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n";
        let mut text = format!("{head}{origin}\r\n").into_bytes();
        hide_personal(&mut text);
        String::from_utf8(text).unwrap().lines().last().unwrap().to_owned()
    };
    let rest = "3890842807 3890842807 IN IP4 192.0.2.1";
    assert_eq!(shown(&format!("o=138 0013 8000 {rest}")), format!("o=138 **** **00 {rest}"));
    assert_eq!(shown(&format!("o=13800138000 {rest}")), format!("o=138******00 {rest}"));
    assert_eq!(shown(&format!("o=- {rest}")), format!("o=- {rest}"));
    assert_eq!(shown("o=13800138000 1"), "o=138******00 1");
    assert_eq!(shown("o="), "o=");
}
