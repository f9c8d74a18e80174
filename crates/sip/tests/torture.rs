//! Messages that are hard to read: our own, and those of RFC 4475 where they are at hand.

use std::collections::BTreeMap;
use std::path::Path;

use sip::{Message, Uri, validate};

/// What becomes of a message: dropped (`None`), or the status it is refused with, 0 if it passes.
fn outcome(bytes: &[u8]) -> Option<u16> {
    let message = Message::parse(bytes).ok()?;
    if !message.is_request() {
        return (message.defect().is_none() && message.cseq().is_some()).then_some(0);
    }
    Some(validate(&message).err().map_or(0, |refusal| refusal.status))
}

const TORTUOUS: &[u8] = b"INVITE sip:95512@hotline.example.com;unknownparam SIP/2.0\r\n\
    TO :\r\n sip:95512@hotline.example.com ;   tag    = 1918181833n\r\n\
    from   : \"Caller \\\\\\\"\"       <sip:caller@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n\
    MaX-fOrWaRdS: 0068\r\n\
    Call-ID: tortuous.1@192.0.2.1\r\n\
    Content-Length   : 5\r\n\
    cseq: 0009\r\n  INVITE\r\n\
    Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n\
    s :\r\n\
    NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n\
    UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\
    Content-Type: application/sdp\r\n\
    Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n\
    v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n \
    SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n\
    m:\"Quoted string \\\"\\\"\" <sip:caller@example.com> ; newparam =\r\n      newvalue ;\r\n  \
    secondparam ; q = 0.33\r\n\r\nv=0\r\n";

#[test]
fn a_tortuous_invite_is_read_in_full() {
    assert_eq!(outcome(TORTUOUS), Some(0));
    let message = Message::parse(TORTUOUS).unwrap();
    assert_eq!(message.to().unwrap().tag(), Some("1918181833n"));
    let from = message.from().unwrap();
    assert_eq!((from.display().as_ref(), from.tag()), ("Caller \\\"", Some("98asjd8")));
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!(message.cseq().unwrap().number, 9);
    let branches: Vec<_> = message.vias().map(|via| via.branch().unwrap().to_owned()).collect();
    assert_eq!(branches, ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]);
    assert_eq!(message.header("Subject"), Some(""));
    let contact = message.contacts().next().unwrap();
    assert_eq!(contact.display(), "Quoted string \"\"");
    assert_eq!(contact.params().value("q"), Some("0.33"));
    let route = message.routes().next().unwrap();
    assert!(route.uri().unwrap().params().has("lr"));
    assert_eq!(message.body(), b"v=0\r\n");
}

/// What becomes of a request with this first line, after changes to a plain one.
fn request(line: &str, changes: &[(&str, &str)]) -> Option<u16> {
    let method = line.split([' ', '\t']).next().unwrap_or_default();
    let mut text = format!(
        "{line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\n\
         To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n\
         Contact: <sip:a@h>\r\nContent-Length: 0\r\n\r\n"
    );
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    outcome(text.as_bytes())
}

#[test]
fn each_hard_request_line_has_its_outcome() {
    let user = "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(x)";
    for (line, wanted) in [
        (format!("OPTIONS sip:{user}@h SIP/2.0").as_str(), Some(0)),
        ("!interesting-Method0123456789_*+`.%indeed'~ sip:h SIP/2.0", Some(501)),
        ("RE%47IST%45R sip:h SIP/2.0", Some(501)),
        ("REGISTER sip:null-%00-null@h SIP/2.0", Some(0)),
        ("OPTIONS sip:user;par=u%40x@h SIP/2.0", Some(0)),
        ("OPTIONS sip:h SIP/7.0", Some(505)),
        ("OPTIONS sip:h", Some(400)),
        ("OPTIONS sip:h ", Some(400)),
        ("OPTIONS sip:h SIP/2.0 and more", Some(400)),
        ("OPTIONS sip:h HTTP/1.1", Some(400)),
        ("OPTIONS\tsip:h\tSIP/2.0", Some(400)),
        ("OPTIONS sip:h\tSIP/2.0", Some(400)),
        ("OPTIONS SIP/2.0", Some(400)),
        ("OPTIONS * RTSP/1.0", None),
        ("GET sip:h HTTP/1.1", None),
        ("OPTIONS", None),
        (" sip:h SIP/2.0", None),
        ("OPTIONS  sip:h  SIP/2.0", Some(400)),
        ("OPTIONS sip:a@h; lr SIP/2.0", Some(400)),
        ("OPTIONS sip:h SIP/2.0  ", Some(400)),
        ("OPTIONS <sip:a@h> SIP/2.0", Some(400)),
        ("OPTIONS sip:a@h?Route=%3Csip:x%3E SIP/2.0", Some(400)),
        ("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", Some(416)),
        ("OPTIONS tel:+86-95512;phone-context=+86 SIP/2.0", Some(0)),
    ] {
        assert_eq!(request(line, &[]), wanted, "{line}");
    }
}

/// RFC 5118 §4: an address without brackets is no host, one with may end in what looks like a
/// port, and `received` has it without.
#[test]
fn each_hard_ipv6_address_has_its_outcome() {
    for (line, changes, wanted) in [
        ("OPTIONS sips:[2001:db8::10]:5070 SIP/2.0", &[][..], Some(0)),
        ("OPTIONS sip:[2001:db8::10 SIP/2.0", &[], Some(400)),
        ("OPTIONS sip:2001:db8::10 SIP/2.0", &[], Some(400)),
        ("OPTIONS sip:[2001:db8::10:5070] SIP/2.0", &[], Some(0)),
        (
            "OPTIONS sip:user@[2001:db8::10] SIP/2.0",
            &[("UDP h;", "UDP [2001:db8::9:1];received=2001:db8::9:255;")],
            Some(0),
        ),
        (
            "OPTIONS sip:user@[2001:db8::10] SIP/2.0",
            &[("UDP h;", "UDP [2001:db8::9:1;")],
            Some(400),
        ),
        (
            "OPTIONS sip:h SIP/2.0",
            &[("UDP h;branch=z9hG4bKx", "UNKNOWN [::1]:5070;received=::1;branch=z9hG4bK")],
            Some(0),
        ),
    ] {
        assert_eq!(request(line, changes), wanted, "{line} {changes:?}");
    }
}

#[test]
fn each_hard_header_has_its_outcome() {
    for (from, to, wanted) in [
        ("To: <sip:b@h>", "To: \"Mr. J <sip:b@h>", Some(400)),
        ("To: <sip:b@h>", "To: Bell, A <sip:b@h>", Some(400)),
        ("<sip:b@h>", "< sip:b@h >", Some(400)),
        ("<sip:b@h>", "caller<sip:b@h>;tag=x", Some(0)),
        ("1 INVITE", "1 OPTIONS", Some(400)),
        ("gth: 0", "gth: -999", Some(400)),
        ("gth: 0", "gth: 13\r\nl: 0", Some(400)),
        ("1 INVITE", "36893488147419103232 INVITE", Some(400)),
    ] {
        assert_eq!(request("INVITE sip:h SIP/2.0", &[(from, to)]), wanted, "{from} → {to}");
    }
}

#[test]
fn each_hard_response_has_its_outcome() {
    for (response, wanted) in [
        (
            &b"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n"[..],
            Some(0),
        ),
        (b"SIP/2.0 100 \r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n", Some(0)),
        (b"SIP/2.0 4294967301 better not break\r\nCSeq: 1 INVITE\r\n\r\n", None),
        (b"SIP/2.0 503 x\r\nCSeq: 9292394834772304023312 OPTIONS\r\n\r\n", None),
    ] {
        assert_eq!(outcome(response), wanted);
    }
}

/// Where RFC 4475 leaves the choice, or asks a stricter reader for more than an endpoint needs.
const OURS: &[(&str, &str)] = &[
    ("TC_BADDATE_V.dat", "§3.1.2.12: an element that does not use Date may ignore it"),
    ("TC_SCALARLG_V.dat", "a response: it is dropped where its CSeq is read"),
];

#[test]
fn the_messages_of_rfc_4475_are_read_or_refused_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/rfc4475");
    let Ok(table) = std::fs::read_to_string(folder.join("expected.csv")) else {
        assert!(std::env::var_os("CI").is_none(), "RFC 4475 is not at {}", folder.display());
        println!("SKIPPED: the messages of RFC 4475 are not at {}", folder.display());
        return;
    };
    let expected: BTreeMap<&str, bool> = table
        .lines()
        .skip(1)
        .map(|line| (line.split(',').next().unwrap_or_default(), line.ends_with("Parse")))
        .collect();
    let mut must_pass = 0;
    let mut faults = Vec::new();
    for (file, passes) in &expected {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        // What the RFC wants refused after reading it (400 and others of §3.3) is read here too.
        let read = match Message::parse(&bytes) {
            Ok(message) if *passes => message.defect().is_none() || file.contains("MCL01"),
            Ok(_) => outcome(&bytes) == Some(0),
            Err(_) => false,
        };
        must_pass += usize::from(*passes);
        let excused = OURS.iter().any(|(name, _)| name == file);
        if read != *passes && !excused {
            faults.push(format!("{file}: {:?}", outcome(&bytes)));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!((expected.len(), must_pass), (50, 30));
}

/// The statuses that RFC 4475 §3 asks an endpoint to answer with, 0 where it passes on.
#[test]
fn the_messages_of_rfc_4475_get_the_answers_that_it_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/rfc4475");
    if !folder.exists() {
        assert!(std::env::var_os("CI").is_none(), "RFC 4475 is not at {}", folder.display());
        println!("SKIPPED: the messages of RFC 4475 are not at {}", folder.display());
        return;
    }
    for (file, wanted) in [
        ("TC_WSINV.dat", 0),
        ("TC_INTMETH.dat", 501),
        ("TC_ESC01_V.dat", 0),
        ("TC_ESCNULL_V.dat", 0),
        ("TC_ESC02_V.dat", 501),
        ("TC_LWSDISP_V.dat", 0),
        ("TC_LONGREQ_V.dat", 0),
        ("TC_DBLREQ.dat", 0),
        ("TC_SEMIURI_V.dat", 0),
        ("TC_TRANSPORTS_V.dat", 0),
        ("TC_MPART01.dat", 405),
        ("TC_BADINV01_I.dat", 400),
        ("TC_CLERR_I.dat", 400),
        ("TC_NCL_I.dat", 400),
        ("TC_SCALAR02_V.dat", 400),
        ("TC_QUOTBAL_I.dat", 400),
        ("TC_LTGTRURI_I.dat", 400),
        ("TC_LWSRURI_I.dat", 400),
        ("TC_ESCRURI_V.dat", 400),
        ("TC_REGBADCT_I.dat", 400),
        ("TC_BADASPEC_I.dat", 400),
        ("TC_BADDN_I.dat", 400),
        ("TC_BADVERS_V.dat", 505),
        ("TC_MISMATCH01_V.dat", 400),
        ("TC_INSUF_I.dat", 400),
        ("TC_UNKSCM_V.dat", 416),
        ("TC_NOVELSC_V.dat", 416),
        ("TC_BEXT01_V.dat", 420),
        ("TC_INVUT_V.dat", 415),
        ("TC_REGAUT01_V.dat", 0),
        ("TC_MULTI01_I.dat", 400),
        ("TC_MCL01_I.dat", 400),
        ("TC_ZEROMF_V.dat", 0),
        ("TC_CPARAM01_V.dat", 0),
        ("TC_CPARAM02_V.dat", 0),
        ("TC_REGESCRT_V.dat", 0),
        ("TC_SDP01_V.dat", 406),
        ("TC_INV2543_I.dat", 0),
    ] {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        assert_eq!(outcome(&bytes), Some(wanted), "{file}");
    }
}

#[test]
fn a_uri_is_read_the_same_inside_and_outside_of_brackets() {
    let uri = Uri::parse("sip:a;b@[::1]:5070;x").unwrap();
    assert_eq!((uri.user(), uri.port()), ("a;b", Some(5070)));
}
