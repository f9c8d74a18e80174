//! RFC 4475 §3.1.1, valid messages: all of them are read. Messages of our own, one for each of the
//! RFC's sections, with the same difficulty.

use super::row::Row;
use super::row::Wanted::{Dropped, Refused, Served};

pub(crate) const ROWS: &[Row] = &[
    Row::new(
        "3.1.1.1",
        "a short tortuous INVITE",
        Served,
        r#"
INVITE sip:95512@hotline.example.com;unknownparam SIP/2.0
TO :
 sip:95512@hotline.example.com ;   tag    = 1918181833n
from   : "Wang \\\""       <sip:wang@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: tortuous.1@192.0.2.1
Content-Length   : <LENGTH>
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /<BY>
    <AT>;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:wang@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
o=wang 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"#,
    ),
    // The method is new to everybody: RFC 3261 §8.2.1 and §21.5.2.
    Row::new(
        "3.1.1.2",
        "a wide range of valid characters",
        Refused(&[405, 501]),
        r#"
!own-Method0123456789_*+`.%indeed'~ sip:1_odd.URI~(to-be!sure)&isn't+it$/mad?,/;;*<+>
:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bK-.!%66*_+`'~
To: "BEL:\<07> NUL:\<00> DEL:\<7F>" <sip:1_odd.URI~(to-be!sure)&isn't+it$/mad?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com><+>
;fromParam''~+*_!.-%="<D1><80><D0><B0><D0><B1><D0><BE><D1><82>";tag=_token~1'+`*%!-.
Call-ID: odd.word%ZK-!.*_+'@word`~)(><:\/"][?}{
CSeq: 139122385 !own-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_`'~:<EF><BB><BF><E5><A4><A7><E5><81><9C><E9><9B><BB>
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.1.3",
        "escapes where they are allowed",
        Served,
        r#"
INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: escaped.3@192.0.2.1
CSeq: 234234 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKesc3
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: <LENGTH>

<SDP>
"#,
    ),
    Row::new(
        "3.1.1.4",
        "escaped nulls in URIs",
        Served,
        r#"
REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: nulls.4@192.0.2.1
CSeq: 14398234 REGISTER
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKnull4
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

"#,
    ),
    // %47 is no escape in a method, so the method is none that is known.
    Row::new(
        "3.1.1.5",
        "a % that escapes nothing",
        Refused(&[405, 501]),
        r#"
RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: percent.5@192.0.2.1
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKpercent5
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

"#,
    ),
    Row::new(
        "3.1.1.6",
        "no space between display name and <",
        Served,
        r#"
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: tight.6@192.0.2.1
CSeq: 60 OPTIONS
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKtight6
l: 0

"#,
    ),
    Row::new(
        "3.1.1.7",
        "long values",
        Served,
        r#"
INVITE sip:user@example.com SIP/2.0
To: "I have a user name of <extreme*10> proportion"<sip:user@example.com:6000<+>
;unknownparam1=very<long*20>value;longparam<name*25>=shortvalue<+>
;very<long*25>ParameterNameWithNoValue>
F: sip:<amazinglylongcallername*5>@example.net;tag=12<982*50>424<+>
;unknownheaderparam<name*20>=unknowheaderparam<value*15><+>
;unknownValueless<paramname*10>
Call-ID: long.one<really*20>longcallid
CSeq: 3882340 INVITE
Unknown-<Long*20>-Name: unknown-<long*20>-value; unknown-<long*20>-name = unknown-<long*20>-value
Via: SIP/2.0/<BY> <AT>
v: SIP/2.0/TCP sip32.example.com
V: SIP/2.0/TCP sip31.example.com
ViA: SIP/2.0/TCP sip29.example.com
vIA: SIP/2.0/TCP sip23.example.com
V :  SIP/2.0/TCP sip22.example.com
v  : SIP/2.0/TCP sip19.example.com
Via : SIP/2.0/TCP sip18.example.com
Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very<long*50>branchvalue
Max-Forwards: 70
Contact: <sip:<amazinglylongcallername*5>@host5.example.net>
Content-Type: application/sdp
l: <LENGTH>

<SDP>
"#,
    ),
    // Over a stream what follows is the next message.
    Row::new(
        "3.1.1.8",
        "octets behind the message in its datagram",
        Served,
        r#"
REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=43251j3j324
Max-Forwards: 8
I: trailing.8@192.0.2.1
Contact: sip:user@host5.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKtrailing8
Content-Length: 0


INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334
Max-Forwards: 8
Call-ID: trailing.8b@192.0.2.1
CSeq: 8 INVITE
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKtrailing8b
Content-Length: 0

"#,
    ),
    Row::new(
        "3.1.1.9",
        "parameters of a URI's user part",
        Served,
        r#"
OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semicolon.9@192.0.2.1
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKsemicolon9
l: 0

"#,
    ),
    Row::new(
        "3.1.1.10",
        "varied and unknown transports",
        Served,
        r#"
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: transports.10@192.0.2.1
CSeq: 60 OPTIONS
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

"#,
    ),
    // It is read in full; who has no MESSAGE says so.
    Row::new(
        "3.1.1.11",
        "several parts, one of them binary",
        Refused(&[405]),
        r#"
MESSAGE sip:kumiko@example.org SIP/2.0
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bKmultipart11
Max-Forwards: 70
Route: <sip:127.0.0.1;lr>
Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuL
To: <sip:kumiko@example.org>
From: <sip:fluffy@example.com>;tag=2fb0dcc9
Call-ID: multipart.11@192.0.2.1
CSeq: 1 MESSAGE
Content-Transfer-Encoding: binary
Content-Type: multipart/mixed;boundary=7a9cbec02ceef655
MIME-Version: 1.0
Content-Length: <LENGTH>

--7a9cbec02ceef655
Content-Type: text/plain
Content-Transfer-Encoding: binary

Hello
--7a9cbec02ceef655
Content-Type: application/octet-stream
Content-Transfer-Encoding: binary

0<82><01>R<06><09>*<86>H<86><F7><00><0D><01><07><02><A0><82><01>C0<FF><FE>
--7a9cbec02ceef655--
"#,
    ),
    // The two responses belong to no request here; `responses` has them belong to one.
    Row::new(
        "3.1.1.12",
        "an unusual reason phrase",
        Dropped,
        r#"
SIP/2.0 200 = 2**3 * 5**2 <D0><BD><D0><BE> <E4><BA><8C><E7><99><BE>
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bK1324923
Call-ID: reason.12@192.0.2.1
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 0
Contact: <sip:user@host198.example.com>

"#,
    ),
    Row::new(
        "3.1.1.13",
        "an empty reason phrase",
        Dropped,
        r#"
SIP/2.0 100<20>
Via: SIP/2.0/<BY> <AT>;branch=z9hG4bK2398ndaoe
Call-ID: reason.13@192.0.2.1
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

"#,
    ),
];
