//! RFC 4475 §3.2 to §3.4: what reads well and is hard for the layers above. Messages of our own,
//! one for each of the RFC's sections.

use super::row::Row;
use super::row::Stream::Closed;
use super::row::Wanted::{Dropped, Either, Refused, Served};

pub(crate) const ROWS: &[Row] = &[
    // A branch of the cookie alone says nothing: the request is matched as RFC 2543 does.
    Row::new(
        "3.2.1",
        "a branch without an identifier",
        Served,
        r#"
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bK
Accept: application/sdp
Call-ID: cookie.1@192.0.2.1
CSeq: 8 OPTIONS
l: 0

"#,
    ),
    Row::new(
        "3.3.1",
        "no Call-ID, From or To",
        Refused(&[400]),
        r#"
INVITE sip:user@example.com SIP/2.0
CSeq: 193942 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKmissing1
Content-Type: application/sdp
l: <LENGTH>

<SDP>
"#,
    ),
    Row::new(
        "3.3.2",
        "a Request-URI of an unknown scheme",
        Refused(&[416]),
        r#"
OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: scheme.2@192.0.2.1
CSeq: 3923423 OPTIONS
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKscheme2
Content-Length: 0

"#,
    ),
    Row::new(
        "3.3.3",
        "a Request-URI of an atypical scheme",
        Refused(&[416]),
        r#"
OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: scheme.3@192.0.2.1
CSeq: 3923423 OPTIONS
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKscheme3
Content-Length: 0

"#,
    ),
    // The registrar refuses it: To names nobody that it could have.
    Row::new(
        "3.3.4",
        "unknown schemes in headers",
        Either(&[400]),
        r#"
REGISTER sip:example.com SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=3234233
Call-ID: scheme.4@192.0.2.1
CSeq: 234902 REGISTER
Max-Forwards: 70
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKscheme4
Contact: <name:John_Smith>
l: 0

"#,
    ),
    Row::new(
        "3.3.5",
        "extensions that are required and unknown",
        Refused(&[420]),
        r#"
OPTIONS sip:user@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.net;tag=242etr
Max-Forwards: 6
Call-ID: extension.5@192.0.2.1
Require: nothingSupportsThis, nothingSupportsThisEither
Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
CSeq: 8 OPTIONS
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKextension5
Content-Length: 0

"#,
    ),
    Row::new(
        "3.3.6",
        "a body of an unknown type",
        Refused(&[415]),
        r#"
INVITE sip:user@example.com SIP/2.0
Contact: <sip:caller@host5.example.net>
To: sip:j.user@example.com
From: sip:caller@example.net;tag=8392034
Max-Forwards: 70
Call-ID: type.6@192.0.2.1
CSeq: 235448 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKtype6
Content-Type: application/unknownformat
Content-Length: <LENGTH>

<audio>
 <pcmu port="443"/>
</audio>
"#,
    ),
    // Nobody's credentials: the registrar challenges.
    Row::new(
        "3.3.7",
        "credentials of an unknown scheme",
        Served,
        r#"
REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=87321hj23128
Max-Forwards: 8
Call-ID: scheme.7@192.0.2.1
CSeq: 9338 REGISTER
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKscheme7
Authorization: NoOneKnowsThisScheme opaque-data=here
Content-Length:0

"#,
    ),
    Row::new(
        "3.3.8",
        "several values where one is allowed",
        Refused(&[400]),
        r#"
INVITE sip:user@company.example.com SIP/2.0
Contact: <sip:caller@host25.example.net>
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKseveral8
Max-Forwards: 70
CSeq: 5 INVITE
Call-ID: several.8@192.0.2.1
CSeq: 59 INVITE
Call-ID: several.8.second@192.0.2.1
From: sip:caller@example.com;tag=3413415
To: sip:user@example.com
To: sip:other@example.net
From: sip:caller@example.net;tag=2923420123
Content-Type: application/sdp
l: <LENGTH>
Contact: <sip:caller@host36.example.net>
Max-Forwards: 5

<SDP>
"#,
    ),
    Row::new(
        "3.3.9",
        "two values of Content-Length",
        Refused(&[400]),
        r#"
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKlengths9
To: sip:j.user@example.com
From: sip:nobody@example.net;tag=3434534
Max-Forwards: 5
Call-ID: lengths.9@192.0.2.1
CSeq: 493932 OPTIONS
Content-Length: 13
Content-Length: 5
Content-Type: text/plain

There's no way to know how many octets are supposed to be here.
"#,
    )
    .on_stream(Closed),
    // Its Via is nobody of ours, and nothing is sent to where it points.
    Row::new(
        "3.3.10",
        "a response whose Via is the broadcast address",
        Dropped,
        r#"
SIP/2.0 200 OK
Via: SIP/2.0/<BY> 127.0.0.1;branch=z9hG4bKbroadcast10
Via: SIP/2.0/<BY> 255.255.255.255;branch=z9hG4bK1saber23
Call-ID: broadcast.10@192.0.2.1
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 0
Contact: <sip:user@host28.example.com>

"#,
    ),
    // Who answers by itself need not pass it on.
    Row::new(
        "3.3.11",
        "a Max-Forwards of zero",
        Either(&[483]),
        r#"
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=3ghsd41
Call-ID: hops.11@192.0.2.1
CSeq: 39234321 OPTIONS
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKhops11
Max-Forwards: 0
Content-Length: 0

"#,
    ),
    Row::new(
        "3.3.12",
        "an unknown parameter of Contact",
        Served,
        r#"
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKparam12
Max-Forwards: 70
From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:watson@example.com
Call-ID: param.12@192.0.2.1
CSeq: 2 REGISTER
Contact: sip:+19725552222@gw1.example.net;unknownparam
Content-Length: 0

"#,
    ),
    Row::new(
        "3.3.13",
        "an unknown parameter of a URI in Contact",
        Served,
        r#"
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKparam13
Max-Forwards: 70
From: sip:watson@example.com;tag=838293
To: sip:watson@example.com
Call-ID: param.13@192.0.2.1
CSeq: 3 REGISTER
Contact: <sip:+19725552222@gw1.example.net;unknownparam>
Content-Length: 0

"#,
    ),
    Row::new(
        "3.3.14",
        "an escaped header of a URI in Contact",
        Served,
        r#"
REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=8
Max-Forwards: 70
Call-ID: header.14@192.0.2.1
CSeq: 14399234 REGISTER
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKheader14
Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>
L:0

"#,
    ),
    Row::new(
        "3.3.15",
        "an answer wanted in a form that nobody has",
        Refused(&[406]),
        r#"
INVITE sip:user@example.com SIP/2.0
To: sip:j_user@example.com
Contact: <sip:caller@host15.example.net>
From: sip:caller@example.net;tag=234
Max-Forwards: 5
Call-ID: accept.15@192.0.2.1
Accept: text/nobodyKnowsThis
CSeq: 8 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKaccept15
Content-Length: <LENGTH>
Content-Type: application/sdp

<SDP>
"#,
    ),
    // No Max-Forwards, no branch, no tag, no Content-Length: over a stream that cannot be served.
    Row::new(
        "3.4.1",
        "an INVITE of RFC 2543",
        Served,
        r#"
INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/<BY> <AT>
From: sip:caller@example.net
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:j.user@example.com
Call-ID: older.1@192.0.2.1
CSeq: 1 INVITE
Contact: sip:caller@example.net
Content-Type: application/sdp

v=0
o=- 1 1 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 49217 RTP/AVP 0
"#,
    )
    .on_stream(Closed),
];
