//! RFC 5118 §4, hard messages of IPv6. Messages of our own, one for each of the RFC's sections.

use super::row::Row;
use super::row::Wanted::{Either, Refused, Served};

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        "4.1",
        "addresses in brackets",
        Served,
        r#"
REGISTER sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix1
Call-ID: six.1@2001:db8::10
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

"#,
    ),
    Row::new(
        "4.2",
        "an address without brackets",
        Refused(&[400]),
        r#"
REGISTER sip:2001:db8::10 SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix2
Call-ID: six.2@2001:db8::10
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

"#,
    ),
    // What looks like a port is the end of the address.
    Row::new(
        "4.3",
        "an address that ends like a port",
        Served,
        r#"
REGISTER sip:[2001:db8::10:5070] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix3
Call-ID: six.3@2001:db8::10
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

"#,
    ),
    Row::new(
        "4.4",
        "an address and a port",
        Served,
        r#"
REGISTER sip:[2001:db8::10]:5070 SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix4
Call-ID: six.4@2001:db8::10
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

"#,
    ),
    Row::new(
        "4.5",
        "received in brackets",
        Served,
        r#"
BYE sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com;tag=bd76ya
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;received=[2001:db8::9:255];branch=z9hG4bKsix5
Call-ID: six.5@2001:db8::10
Max-Forwards: 70
CSeq: 321 BYE
Content-Length: 0

"#,
    ),
    Row::new(
        "4.5",
        "received without brackets",
        Served,
        r#"
OPTIONS sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;received=2001:db8::9:255;branch=z9hG4bKsix5b
Call-ID: six.5b@2001:db8::10
Max-Forwards: 70
CSeq: 321 OPTIONS
Content-Length: 0

"#,
    ),
    Row::new(
        "4.6",
        "addresses of a session description",
        Served,
        r#"
INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix6
Call-ID: six.6@2001:db8::20
Contact: "Caller" <sip:caller@[2001:db8::20]>
CSeq: 8612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: <LENGTH>

v=0
o=assistant 971731711378798081 0 IN IP6 2001:db8::20
s=Live video feed for today's meeting
c=IN IP6 2001:db8::20
t=3338481189 3370017201
m=audio 6000 RTP/AVP 2
a=rtpmap:2 G726-32/8000
m=video 6024 RTP/AVP 107
a=rtpmap:107 H263-1998/90000
"#,
    ),
    Row::new(
        "4.7",
        "addresses of both kinds in headers",
        Served,
        r#"
BYE sip:user@host.example.net SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix7
Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144
Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200
Call-ID: six.7@2001:db8::20
Max-Forwards: 67
CSeq: 89187 BYE
To: sip:user@example.net;tag=9817--94
From: sip:user@example.com;tag=81x2
Content-Length: 0

"#,
    ),
    Row::new(
        "4.8",
        "addresses of both kinds in a session description",
        Served,
        r#"
INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix8
Call-ID: six.8@2001:db8::20
Contact: "Caller" <sip:caller@[2001:db8::20]>
Max-Forwards: 70
CSeq: 8912 INVITE
Content-Type: application/sdp
Content-Length: <LENGTH>

v=0
o=bob 280744730 28977631 IN IP4 host.example.com
s=-
t=0 0
m=audio 22334 RTP/AVP 0
c=IN IP4 192.0.2.1
m=video 6024 RTP/AVP 107
c=IN IP6 2001:db8::1
a=rtpmap:107 H263-1998/90000
"#,
    ),
    Row::new(
        "4.9",
        "IPv4 addresses written as IPv6",
        Served,
        r#"
INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:user@east.example.com;tag=81x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix9
Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19
Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111
Call-ID: six.9@::ffff:192.0.2.2
Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>
CSeq: 612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: <LENGTH>

v=0
o=- 971731711378798081 0 IN IP6 ::ffff:192.0.2.2
s=-
c=IN IP6 ::ffff:192.0.2.2
t=0 0
m=audio 6000 RTP/AVP 0
"#,
    ),
    // The grammar of RFC 3261 let three colons through; RFC 3986 does not.
    Row::new(
        "4.10",
        "an address with a colon too many",
        Either(&[400]),
        r#"
OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0
To: sip:user@[2001:db8:::192.0.2.1]
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix10
Call-ID: six.10@2001:db8::20
CSeq: 689 OPTIONS
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8:::192.0.2.1]>
Content-Length: 0

"#,
    ),
    Row::new(
        "4.10",
        "the same address without it",
        Served,
        r#"
OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0
To: sip:user@[2001:db8::192.0.2.1]
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsix11
Call-ID: six.11@2001:db8::20
CSeq: 689 OPTIONS
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::192.0.2.1]>
Content-Length: 0

"#,
    ),
];
