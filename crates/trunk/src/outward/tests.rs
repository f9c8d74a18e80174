//! What may be called over which line, and how it is written there.

use super::*;
use crate::trunk_for_tests;

fn patterns(written: &[&str]) -> Vec<Pattern> {
    written.iter().map(|pattern| pattern.parse().expect("a pattern")).collect()
}

fn line(name: &str, outward: Outward) -> Trunk {
    let targets = vec!["192.0.2.10".parse().expect("a target")];
    Trunk { outward: Some(Outward { targets, ..outward }), ..trunk_for_tests(name) }
}

/// A mobile carrier that wants E.164, and one for the city of Shanghai.
fn lines() -> Trunks {
    let mobile = Outward {
        allowed: patterns(&["1[3-9]XXXXXXXXX"]),
        rewrites: vec![Rewrite {
            pattern: ".".parse().expect("a pattern"),
            strip: 0,
            prefix: "+86".to_owned(),
        }],
        access_code: "9".to_owned(),
        emergency: vec!["110".to_owned()],
        ..Outward::default()
    };
    let city = Outward {
        allowed: patterns(&["021.", "95500", "1[3-9]XXXXXXXXX"]),
        rewrites: vec![Rewrite {
            pattern: "021.".parse().expect("a pattern"),
            strip: 3,
            prefix: String::new(),
        }],
        ..Outward::default()
    };
    Trunks::new(vec![trunk_for_tests("inward"), line("mobile", mobile), line("city", city)])
}

fn ways(dialled: &str) -> Result<Vec<String>, NoWay> {
    let ways = lines().ways_out(dialled)?;
    Ok(ways.iter().map(|way| format!("{} {}", way.trunk, way.number)).collect())
}

#[test]
fn each_line_that_may_call_a_number_has_it_as_its_carrier_wants() {
    let both = vec!["mobile +8613800138000".to_owned(), "city 13800138000".to_owned()];
    for dialled in ["13800138000", "+86 138-0013-8000", "008613800138000"] {
        assert_eq!(ways(dialled), Ok(both.clone()), "{dialled}");
    }
    assert_eq!(ways("021-6888 0000"), Ok(vec!["city 68880000".to_owned()]));
}

#[test]
fn the_access_code_is_taken_off_where_the_number_is_not_allowed_with_it() {
    assert_eq!(ways("913800138000"), Ok(vec!["mobile +8613800138000".to_owned()]));
    assert_eq!(ways("95500"), Ok(vec!["city 95500".to_owned()]));
}

#[test]
fn nothing_may_be_called_that_no_list_names() {
    for dialled in ["00442079460000", "+442079460000", "95512", "12345", "110110", "*31#"] {
        assert_eq!(ways(dialled), Err(NoWay::NotAllowed), "{dialled}");
    }
    for dialled in ["", "sales", "sip:13800138000@192.0.2.1", "13800138000@evil", "+", "138\r\n"] {
        assert_eq!(ways(dialled), Err(NoWay::NotANumber), "{dialled:?}");
    }
    assert_eq!(Trunks::default().ways_out("13800138000"), Err(NoWay::NotAllowed));
}

#[test]
fn a_number_that_saves_lives_goes_out_unchanged() {
    for dialled in ["110", "9110"] {
        let way = lines().ways_out(dialled).expect("it may be called").remove(0);
        assert!(way.is_emergency, "{dialled}");
        assert_eq!(way.number, "110");
    }
    assert!(!lines().ways_out("13800138000").expect("allowed")[0].is_emergency);
}

#[test]
fn a_line_without_a_target_calls_nobody() {
    let allowed = patterns(&["."]);
    let outward = Some(Outward { allowed, ..Outward::default() });
    let trunks = Trunks::new(vec![Trunk { outward, ..trunk_for_tests("inward") }]);
    assert_eq!(trunks.ways_out("110"), Err(NoWay::NotAllowed));
}

#[test]
fn a_target_is_a_host_with_or_without_port_and_transport() {
    for (text, address, written) in [
        ("192.0.2.10", "192.0.2.10:5060", "192.0.2.10"),
        ("sip:192.0.2.10:5070", "192.0.2.10:5070", "192.0.2.10:5070"),
        ("192.0.2.10;transport=TCP", "192.0.2.10:5060", "192.0.2.10;transport=tcp"),
        ("192.0.2.10;transport=tls", "192.0.2.10:5061", "192.0.2.10;transport=tls"),
        ("[2001:db8::1]:5070", "[2001:db8::1]:5070", "[2001:db8::1]:5070"),
    ] {
        let target: Target = text.parse().expect("a target");
        assert_eq!(target.address().map(|address| address.to_string()).as_deref(), Some(address));
        assert_eq!(target.to_string(), written);
    }
    let named: Target = "gw.example.com".parse().expect("a target");
    assert_eq!((named.address(), named.host.as_str()), (None, "gw.example.com"));
    for text in
        ["", "sip:", "user@192.0.2.1", "192.0.2.1:0", "192.0.2.1;transport=sctp", "h;transport=ws"]
    {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
}
