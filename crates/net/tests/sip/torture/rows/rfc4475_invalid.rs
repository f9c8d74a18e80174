//! RFC 4475 §3.1.2, invalid messages: none breaks anything. Messages of our own, one for each of
//! the RFC's sections, with the same fault.

use super::row::Row;
use super::row::Stream::{Closed, Waits};
use super::row::Wanted::{Dropped, Either, Refused};

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        "3.1.2.1",
        "separators without values",
        Refused(&[400]),
        r#"
INVITE sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=134161461246
Max-Forwards: 7
Call-ID: separators.1@192.0.2.1
CSeq: 8 INVITE
Via: SIP/2.0/<BY> <AT>;;,;,,
Contact: "Joe" <sip:joe@example.org>;;;;
Content-Length: <LENGTH>
Content-Type: application/sdp

<SDP>
"#,
    ),
    // A datagram is all there is; a stream may bring the rest.
    Row::new(
        "3.1.2.2",
        "a Content-Length beyond the message",
        Refused(&[400]),
        r#"
INVITE sip:user@example.com SIP/2.0
Max-Forwards: 80
To: sip:j.user@example.com
From: sip:caller@example.net;tag=93942939o2
Contact: <sip:caller@hungry.example.net>
Call-ID: beyond.2@192.0.2.1
CSeq: 8 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKbeyond2
Content-Type: application/sdp
Content-Length: 9999

v=0
o=- 1 1 IN IP4 192.0.2.1
"#,
    )
    .on_stream(Waits),
    Row::new(
        "3.1.2.3",
        "a negative Content-Length",
        Refused(&[400]),
        r#"
INVITE sip:user@example.com SIP/2.0
Max-Forwards: 254
To: sip:j.user@example.com
From: sip:caller@example.net;tag=32394234
Call-ID: negative.3@192.0.2.1
CSeq: 8 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKnegative3
Contact: <sip:caller@host5.example.net>
Content-Type: application/sdp
Content-Length: -999

v=0
o=- 1 1 IN IP4 192.0.2.1
"#,
    )
    .on_stream(Closed),
    Row::new(
        "3.1.2.4",
        "numbers of a request that are too large",
        Refused(&[400]),
        r#"
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKlarge4
To: <sip:user@example.com>
From: <sip:user@example.com>;tag=239232jh3
CSeq: 36893488147419103232 REGISTER
Call-ID: large.4@192.0.2.1
Max-Forwards: 300
Expires: 10000000000000000000000000000
Contact: <sip:user@host129.example.com>
  ;expires=280297596632815
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.5",
        "numbers of a response that are too large",
        Dropped,
        r#"
SIP/2.0 503 Service Unavailable
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129
To: <sip:user@example.com>
From: <sip:other@example.net>;tag=2easdjfejw
CSeq: 9292394834772304023312 OPTIONS
Call-ID: large.5@192.0.2.1
Retry-After: 949302838503028349304023988
Warning: 1812 overture "In Progress"
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.6",
        "a display name without its closing quote",
        Either(&[400]),
        r#"
INVITE sip:user@example.com SIP/2.0
To: "Mr. J. User <sip:j.user@example.com>
From: sip:caller@example.net;tag=93334
Max-Forwards: 10
Call-ID: quote.6@192.0.2.1
Contact: <sip:caller@host59.example.net>
CSeq: 8 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKquote6
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.7",
        "a Request-URI in <>",
        Either(&[400]),
        r#"
INVITE <sip:user@example.com> SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=39291
Max-Forwards: 23
Call-ID: brackets.7@192.0.2.1
CSeq: 1 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKbrackets7
Contact: <sip:caller@host5.example.net>
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.8",
        "a Request-URI with a space in it",
        Either(&[400]),
        r#"
INVITE sip:user@example.com; lr SIP/2.0
To: sip:user@example.com;tag=3xfe-9921883-z9f
From: sip:caller@example.net;tag=231413434
Max-Forwards: 5
Call-ID: space.8@192.0.2.1
CSeq: 2130706432 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKspace8
Contact: <sip:caller@host1.example.net>
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.9",
        "several spaces in the first line",
        Either(&[400]),
        r#"
INVITE  sip:user@example.com  SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=231413434
Max-Forwards: 8
Call-ID: spaces.9@192.0.2.1
CSeq: 2130706432 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKspaces9
Contact: <sip:caller@host1.example.net>
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.10",
        "spaces behind the first line",
        Either(&[400]),
        r#"
OPTIONS sip:remote-target@example.com SIP/2.0<20><20>
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKbehind10
To: <sip:remote-target@example.com>
From: <sip:local-resource@example.com>;tag=329429089
Call-ID: behind.10@192.0.2.1
Accept: application/sdp
CSeq: 238923 OPTIONS
Max-Forwards: 70
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.11",
        "headers in the Request-URI",
        Either(&[400]),
        r#"
INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=341518
Max-Forwards: 7
Contact: <sip:caller@host39923.example.net>
Call-ID: headers.11@192.0.2.1
CSeq: 149209342 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKheaders11
Content-Length: 0

"#,
    ),
    // Who has no use for Date may pass over it.
    Row::new(
        "3.1.2.12",
        "a Date of no allowed zone",
        Either(&[400]),
        r#"
INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=2234923
Max-Forwards: 70
Call-ID: date.12@192.0.2.1
CSeq: 392943 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKdate12
Date: Fri, 01 Jan 2010 16:00:00 EST
Contact: <sip:caller@host5.example.net>
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.13",
        "a Contact with headers and no <>",
        Refused(&[400]),
        r#"
REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=998332
Max-Forwards: 70
Call-ID: contact.13@192.0.2.1
CSeq: 1 REGISTER
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKcontact13
Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E
l: 0

"#,
    ),
    Row::new(
        "3.1.2.14",
        "spaces around an address",
        Either(&[400]),
        r#"
OPTIONS sip:user@example.org SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKaround14
Max-Forwards: 70
From: "Bell, Alexander" <sip:a.g.bell@example.com>;tag=433423
To: "Watson, Thomas" < sip:t.watson@example.org >
Call-ID: around.14@192.0.2.1
Accept: application/sdp
CSeq: 3923239 OPTIONS
l: 0

"#,
    ),
    Row::new(
        "3.1.2.15",
        "a display name that is no token",
        Either(&[400]),
        r#"
OPTIONS sip:t.watson@example.org SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKtoken15
Max-Forwards: 70
From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43
To: Watson, Thomas <sip:t.watson@example.org>
Call-ID: token.15@192.0.2.1
Accept: application/sdp
CSeq: 3923239 OPTIONS
l: 0

"#,
    ),
    Row::new(
        "3.1.2.16",
        "a version that nobody knows",
        Refused(&[505]),
        r#"
OPTIONS sip:t.watson@example.org SIP/7.0
Via: SIP/7.0/<BY> <AT>;branch=z9hG4bKversion16
Max-Forwards: 70
From: A. Bell <sip:a.g.bell@example.com>;tag=qweoiqpe
To: T. Watson <sip:t.watson@example.org>
Call-ID: version.16@192.0.2.1
CSeq: 1 OPTIONS
l: 0

"#,
    ),
    Row::new(
        "3.1.2.17",
        "a CSeq of another method",
        Refused(&[400]),
        r#"
OPTIONS sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=34525
Max-Forwards: 6
Call-ID: mismatch.17@192.0.2.1
CSeq: 8 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKmismatch17
l: 0

"#,
    ),
    // 501 says more; either will do.
    Row::new(
        "3.1.2.18",
        "an unknown method and a CSeq of another",
        Refused(&[400, 501]),
        r#"
NEWMETHOD sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=34525
Max-Forwards: 6
Call-ID: mismatch.18@192.0.2.1
CSeq: 8 INVITE
Contact: <sip:caller@host.example.net>
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKmismatch18
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.2.19",
        "a status that is too large",
        Dropped,
        r#"
SIP/2.0 4294967301 better not break the receiver
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bK2398ndaoe
Call-ID: status.19@192.0.2.1
CSeq: 353494 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

"#,
    ),
];
