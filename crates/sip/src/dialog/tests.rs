//! Dialogs of both sides, as §12 of RFC 3261 wants them.

use super::{Dialog, DialogId};
use crate::{Flow, Message, Method, RequestBuilder, ResponseBuilder};
use model::Transport;

fn flow(remote: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "10.0.0.1:5060".parse().unwrap(),
        remote: remote.parse().unwrap(),
        connection: 0,
        listener: 0,
    }
}

fn invite(via: &str, headers: &[(&str, &str)]) -> Message {
    let request = RequestBuilder::new(Method::Invite, "sip:95512@10.0.0.1")
        .header("Via", format_args!("SIP/2.0/UDP {via};branch=z9hG4bK1"))
        .from("\"A\" <sip:a@far>", "theirs")
        .to("<sip:95512@10.0.0.1>", None)
        .call_id("c")
        .cseq(10);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).build()
}

fn incoming(via: &str, source: &str, headers: &[(&str, &str)]) -> Dialog {
    let flow = flow(source);
    let request = invite(via, headers).with_flow(flow);
    let response = ResponseBuilder::to(&request, 200).to_tag("ours").build();
    Dialog::uas(&request, &response, &flow).unwrap()
}

fn within(dialog: &Dialog, method: Method, cseq: u32, headers: &[(&str, &str)]) -> Message {
    let request = RequestBuilder::new(method, "sip:10.0.0.1")
        .from("<sip:a@far>", dialog.remote_tag())
        .to("<sip:95512@10.0.0.1>", Some(dialog.local_tag()))
        .call_id(dialog.call_id())
        .cseq(cseq);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).build()
}

#[test]
fn requests_of_ours_follow_the_routes_in_order() {
    let routes = "<sip:p1@10.0.0.2;lr>, \"x\" <sip:p2;lr>;own=1";
    let mut dialog = incoming(
        "10.0.0.9",
        "10.0.0.9:5060",
        &[("Record-Route", routes), ("Contact", "<sip:a@10.0.0.9:5070>")],
    );
    let bye = dialog.bye().build();
    assert_eq!((bye.uri(), bye.header("CSeq")), ("sip:a@10.0.0.9:5070", Some("1 BYE")));
    assert_eq!(bye.headers("Route").collect::<Vec<_>>(), ["<sip:p1@10.0.0.2;lr>", "<sip:p2;lr>"]);
    assert_eq!(bye.header("From"), Some("<sip:95512@10.0.0.1>;tag=ours"));
    assert_eq!(bye.header("To"), Some("\"A\" <sip:a@far>;tag=theirs"));
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.2:5060");
    assert_eq!(dialog.info().build().header("CSeq"), Some("2 INFO"));
    assert_eq!(dialog.options().build().cseq().unwrap().number, 3);
    assert_eq!(dialog.reinvite().build().cseq().unwrap().number, 4);
}

#[test]
fn a_strict_router_is_put_into_the_request_uri() {
    let mut dialog = incoming(
        "10.0.0.9",
        "10.0.0.9:5060",
        &[("Record-Route", "<sip:old@10.0.0.3>, <sip:p2;lr>"), ("Contact", "<sip:a@10.0.0.9>")],
    );
    let bye = dialog.bye().build();
    assert_eq!(bye.uri(), "sip:old@10.0.0.3");
    assert_eq!(bye.headers("Route").collect::<Vec<_>>(), ["<sip:p2;lr>", "<sip:a@10.0.0.9>"]);
}

#[test]
fn behind_a_translator_of_addresses_the_flow_is_the_way() {
    let contact = [("Contact", "<sip:a@192.168.0.9:5060>")];
    let dialog = incoming("192.168.0.9", "192.0.2.7:40000", &contact);
    assert_eq!(dialog.flow().remote.to_string(), "192.0.2.7:40000");
    let direct =
        incoming("10.0.0.9:5062", "10.0.0.9:40000", &[("Contact", "<sip:a@10.0.0.9:5062>")]);
    assert_eq!(direct.flow().remote.to_string(), "10.0.0.9:5062");
    let unusable = incoming("10.0.0.9", "10.0.0.9:40000", &[("Contact", "<sip:a@0.0.0.0>")]);
    assert_eq!(unusable.flow().remote.to_string(), "10.0.0.9:40000");
}

#[test]
fn the_order_of_requests_is_kept() {
    let mut dialog = incoming("10.0.0.9", "10.0.0.9:5060", &[("Contact", "<sip:a@10.0.0.9>")]);
    let refused = |dialog: &mut Dialog, request: &Message| {
        dialog.accept_request(request).err().map_or(0, |refusal| refusal.status)
    };
    for (method, cseq, status) in [
        (Method::Info, 10, 500),
        (Method::Info, 12, 0),
        (Method::Info, 12, 500),
        (Method::Ack, 10, 0),
        (Method::Bye, 13, 0),
    ] {
        let request = within(&dialog, method, cseq, &[]);
        assert_eq!(refused(&mut dialog, &request), status, "{method} {cseq}");
    }
    let other = within(&dialog, Method::Bye, 14, &[("Subject", "x")]);
    let text = String::from_utf8(other.as_bytes().to_vec()).unwrap().replace("theirs", "not");
    assert_eq!(refused(&mut dialog, &Message::parse(text.as_bytes()).unwrap()), 481);
    let outside = DialogId::of_request(&invite("10.0.0.9", &[]));
    assert_eq!(outside, None);
}

#[test]
fn only_a_new_invite_moves_the_target() {
    let mut dialog = incoming("10.0.0.9", "10.0.0.9:5060", &[("Contact", "<sip:a@10.0.0.9>")]);
    let moved = [("Contact", "<sip:a@10.0.0.10:5080>")];
    let request = within(&dialog, Method::Info, 11, &moved);
    dialog.accept_request(&request).unwrap();
    assert_eq!(dialog.remote_target(), "sip:a@10.0.0.9");
    let request = within(&dialog, Method::Invite, 12, &moved);
    dialog.accept_request(&request).unwrap();
    assert_eq!(dialog.remote_target(), "sip:a@10.0.0.10:5080");
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.10:5080");
    let reinvite = dialog.reinvite().build();
    let response = ResponseBuilder::to(&reinvite, 200).contact("<sip:a@10.0.0.11>").build();
    dialog.accept_response(&response);
    assert_eq!(dialog.remote_target(), "sip:a@10.0.0.11");
}

#[test]
fn a_response_makes_the_dialog_of_a_request_of_ours() {
    let request = RequestBuilder::new(Method::Invite, "sip:8001@10.0.0.9")
        .from("<sip:95512@10.0.0.1>", "ours")
        .to("<sip:8001@10.0.0.9>", None)
        .call_id("out")
        .cseq(5)
        .header("Authorization", "Digest x=y")
        .build();
    let respond = |status, tag: &str| {
        let response = ResponseBuilder::to(&request, status)
            .header("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")
            .contact("<sip:8001@10.0.0.9:6000>");
        if tag.is_empty() { response.build() } else { response.to_tag(tag).build() }
    };
    let flow = flow("10.0.0.9:5060");
    for (status, tag) in [(100, "t"), (180, ""), (404, "t")] {
        assert_eq!(Dialog::uac(&request, &respond(status, tag), &flow), None, "{status}");
    }
    let mut dialog = Dialog::uac(&request, &respond(200, "t"), &flow).unwrap();
    assert_eq!(DialogId::of_response(&respond(200, "t")).as_ref(), Some(dialog.id()));
    let ack = dialog.ack(&request).build();
    assert_eq!((ack.header("CSeq"), ack.uri()), (Some("5 ACK"), "sip:8001@10.0.0.9:6000"));
    assert_eq!(ack.header("Authorization"), Some("Digest x=y"));
    assert_eq!(ack.headers("Route").collect::<Vec<_>>(), ["<sip:p1;lr>", "<sip:p2;lr>"]);
    assert_eq!(dialog.bye().build().header("CSeq"), Some("6 BYE"));
    // Their first request may have any number.
    let first = RequestBuilder::new(Method::Bye, "sip:x")
        .from("<sip:8001@10.0.0.9>", "t")
        .to("<sip:95512@10.0.0.1>", Some("ours"))
        .call_id("out")
        .cseq(0)
        .build();
    assert_eq!(dialog.accept_request(&first), Ok(()));
}

#[test]
fn what_was_written_down_can_still_say_bye() {
    let mut dialog = incoming("10.0.0.9", "10.0.0.9:4000", &[("Contact", "<sip:a@10.0.0.9:4001>")]);
    dialog.info().build();
    let snapshot = dialog.snapshot(3);
    assert_eq!((snapshot.local_cseq, snapshot.sdp_version), (1, 3));
    let mut again = Dialog::from_snapshot(&snapshot);
    assert_eq!((again.id(), again.flow()), (dialog.id(), dialog.flow()));
    let bye = again.bye().build();
    assert_eq!(bye.uri(), "sip:a@10.0.0.9:4001");
    assert!(bye.cseq().unwrap().number > dialog.bye().build().cseq().unwrap().number);
}

#[test]
fn numbers_go_on_from_the_early_dialog() {
    let request = invite("10.0.0.1", &[("Contact", "<sip:us@10.0.0.1>")]);
    let answer = |status| {
        let response = ResponseBuilder::to(&request, status).to_tag("t");
        response.contact("<sip:8001@10.0.0.9:6000>").build()
    };
    let flow = flow("10.0.0.9:5060");
    let mut early = Dialog::uac(&request, &answer(180), &flow).unwrap();
    assert_eq!(early.request(Method::Prack).build().header("CSeq"), Some("11 PRACK"));
    let mut dialog = Dialog::uac(&request, &answer(200), &flow).unwrap();
    assert_eq!(early.id(), dialog.id());
    dialog.go_on(&early);
    assert_eq!(dialog.ack(&request).build().header("CSeq"), Some("10 ACK"));
    assert_eq!(dialog.bye().build().header("CSeq"), Some("12 BYE"));
}

#[test]
fn a_next_hop_with_a_name_is_where_it_was_located() {
    let contact = [("Contact", "<sip:a@phone.example>")];
    let mut dialog = incoming("10.0.0.9", "10.0.0.9:5060", &contact);
    assert_eq!(dialog.next_name(), Some("sip:a@phone.example"));
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.9:5060", "until it is");
    dialog.handle_located("sip:other@phone.example", flow("10.0.0.66:5060"));
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.9:5060", "not its name");
    dialog.handle_located("sip:a@phone.example", flow("10.0.0.10:5070"));
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.10:5070");
    let info = within(&dialog, Method::Info, 11, &[]).with_flow(flow("10.0.0.9:5060"));
    dialog.accept_request(&info).unwrap();
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.10:5070", "and stays there");
    let moved = [("Contact", "<sip:a@10.0.0.11>")];
    dialog.accept_request(&within(&dialog, Method::Invite, 12, &moved)).unwrap();
    assert_eq!((dialog.next_name(), dialog.flow().remote.port()), (None, 5060));
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.11:5060");
    // An address that no datagram is for is located as well, to be reached by what it says.
    for uri in ["sip:a@10.0.0.11;transport=tcp", "sips:a@10.0.0.11", "sip:a@x.org;maddr=10.0.0.12"]
    {
        let other = format!("<{uri}>");
        let other = incoming("10.0.0.9", "10.0.0.9:5060", &[("Contact", other.as_str())]);
        assert_eq!(other.next_name(), Some(uri));
    }
    let hidden = [("Contact", "<sip:a@10.0.0.11;transport=tcp>")];
    assert_eq!(incoming("192.0.2.7", "192.0.2.7:5060", &hidden).next_name(), None);
    // A route comes before the Contact; who is behind a translator is where it came from.
    let routes = [("Record-Route", "<sip:proxy.example;lr>"), ("Contact", "<sip:a@10.0.0.9>")];
    let routed = incoming("10.0.0.9", "10.0.0.9:5060", &routes);
    assert_eq!(routed.next_name(), Some("sip:proxy.example;lr"));
    assert_eq!(incoming("192.168.0.9", "192.0.2.7:40000", &contact).next_name(), None);
}

#[test]
fn a_name_that_led_to_a_stream_can_lead_elsewhere() {
    let contact = [("Contact", "<sip:a@phone.example>")];
    let mut dialog = incoming("10.0.0.9", "10.0.0.9:5060", &contact);
    assert!(!dialog.is_located());
    let tcp = |remote, connection| Flow { transport: Transport::Tcp, connection, ..flow(remote) };
    dialog.handle_located("sip:a@phone.example", tcp("10.0.0.10:5060", 0));
    assert_eq!(dialog.flow(), tcp("10.0.0.10:5060", 0));
    // Its answer comes on the connection that we opened.
    dialog.came_by(tcp("10.0.0.10:5060", 7));
    assert_eq!(dialog.flow(), tcp("10.0.0.10:5060", 7));
    assert!(dialog.is_located());
    assert_eq!(dialog.next_name(), Some("sip:a@phone.example"), "it can be asked for again");
    dialog.handle_located("sip:a@phone.example", flow("10.0.0.11:5060"));
    assert_eq!(dialog.flow(), flow("10.0.0.11:5060"), "and another place is tried");
    let moved = [("Contact", "<sip:a@other.example>")];
    dialog.accept_request(&within(&dialog, Method::Invite, 11, &moved)).unwrap();
    assert!(!dialog.is_located(), "another name is another place");
    assert_eq!(dialog.flow().remote.to_string(), "10.0.0.9:5060");
    // A connection of the other side's own is its way as long as its name is not located.
    let info = within(&dialog, Method::Info, 12, &[]).with_flow(tcp("10.0.0.9:40000", 9));
    dialog.accept_request(&info).unwrap();
    assert_eq!(dialog.next_name(), Some("sip:a@other.example"));
    assert_eq!(dialog.flow(), tcp("10.0.0.9:40000", 9));
}

/// The dialog of a call that came over a connection, and the connection.
fn over(transport: Transport, via: &str, source: &str, contact: &str) -> (Dialog, Flow) {
    let flow = Flow { transport, connection: 7, ..flow(source) };
    let contact = format!("<{contact}>");
    let request = invite(via, &[("Contact", &contact)]).with_flow(flow);
    let response = ResponseBuilder::to(&request, 200).to_tag("ours").build();
    (Dialog::uas(&request, &response, &flow).unwrap(), flow)
}

/// RFC 3261 §12.2.1.1, §8.1.2.
#[test]
fn over_a_connection_requests_go_to_the_contact_of_another_host() {
    let (dialog, came) =
        over(Transport::Tcp, "10.0.0.9", "10.0.0.9:40000", "sip:a@10.0.0.12:5070;transport=tcp");
    let there = Flow { remote: "10.0.0.12:5070".parse().unwrap(), connection: 0, ..came };
    assert_eq!((dialog.flow(), dialog.next_name()), (there, None));
    // By what else it says, or where its name leads to.
    for uri in ["sip:a@10.0.0.12", "sip:a@pbx.example;transport=tcp", "sips:a@pbx.example"] {
        let (mut dialog, came) = over(Transport::Tcp, "10.0.0.9", "10.0.0.9:40000", uri);
        assert_eq!((dialog.next_name(), dialog.flow()), (Some(uri), came), "{uri}");
        dialog.handle_located(uri, flow("10.0.0.12:5060"));
        assert_eq!(dialog.flow(), flow("10.0.0.12:5060"), "{uri}");
        assert!(dialog.is_located());
    }
    // What its messages come on from there is the way from then on.
    let mut moved = dialog;
    moved.came_by(Flow { connection: 9, ..there });
    assert_eq!(moved.flow(), Flow { connection: 9, ..there });
    // A re-INVITE that brings another Contact takes it along.
    let elsewhere = [("Contact", "<sip:a@10.0.0.13;transport=tcp>")];
    moved.accept_request(&within(&moved, Method::Invite, 11, &elsewhere)).unwrap();
    assert_eq!(moved.flow().remote.to_string(), "10.0.0.13:5060");
}

/// RFC 5923 §1, RFC 5626 §4.3 and §5.3, RFC 7118 §5.
#[test]
fn a_connection_is_the_way_to_who_is_at_its_other_end() {
    let same = "10.0.0.9:40000";
    for (transport, via, source, contact) in [
        // Its own address, by any port: what it opened leads to it.
        (Transport::Tcp, "10.0.0.9", same, "sip:a@10.0.0.9:5062;transport=tcp"),
        (Transport::Tcp, "10.0.0.9", same, "sip:a@10.0.0.12;transport=tcp;ob"),
        (Transport::Tcp, "10.0.0.9", same, "sip:a@0.0.0.0;transport=tcp"),
        (Transport::Tcp, "192.168.0.9", "192.0.2.7:40000", "sip:a@10.0.0.12;transport=tcp"),
        (Transport::Tcp, "192.0.2.7", "192.0.2.7:40000", "sip:a@10.0.0.12;transport=tcp"),
        // No certificate proves an address, and nothing goes on in the clear.
        (Transport::Tls, "10.0.0.9", same, "sip:a@10.0.0.12;transport=tls"),
        (Transport::Tls, "10.0.0.9", same, "sip:a@pbx.example"),
        (Transport::Ws, "10.0.0.9", same, "sip:a@10.0.0.12;transport=ws"),
        (Transport::Wss, "10.0.0.9", same, "sip:a@abc.invalid;transport=ws"),
    ] {
        let (dialog, came) = over(transport, via, source, contact);
        assert_eq!((dialog.flow(), dialog.next_name()), (came, None), "{contact}");
    }
    // A name that leads to the other end of the connection opens no second one.
    let uri = "sip:a@pbx.example;transport=tls";
    let (mut dialog, came) = over(Transport::Tls, "10.0.0.9", same, uri);
    assert_eq!(dialog.next_name(), Some(uri));
    let tls = |remote| Flow { transport: Transport::Tls, ..flow(remote) };
    dialog.handle_located(uri, tls("10.0.0.9:5061"));
    assert_eq!(dialog.flow(), came);
    dialog.handle_located(uri, tls("10.0.0.12:5061"));
    assert_eq!(dialog.flow(), tls("10.0.0.12:5061"));
    // A phone is where it registered from.
    for contact in ["sip:a@10.0.0.12;transport=tcp", "sip:a@pbx.example;transport=tcp"] {
        let (dialog, came) = over(Transport::Tcp, "10.0.0.9", same, contact);
        let dialog = dialog.with_phone(true);
        assert_eq!((dialog.flow(), dialog.next_name()), (came, None), "{contact}");
    }
}

#[test]
fn a_contact_in_a_network_of_its_own_is_reached_the_way_it_came() {
    let contact = [("Contact", "<sip:a@192.168.0.9:5060>")];
    let mut dialog = incoming("192.0.2.7", "192.0.2.7:40000", &contact);
    assert_eq!(dialog.flow().remote.to_string(), "192.0.2.7:40000");
    // The translator has given it another port meanwhile.
    let info = within(&dialog, Method::Info, 11, &[]).with_flow(flow("192.0.2.7:41000"));
    dialog.accept_request(&info).unwrap();
    assert_eq!(dialog.flow().remote.to_string(), "192.0.2.7:41000");
}

#[test]
fn after_a_restart_requests_go_where_they_went_and_connections_are_opened_to_the_next_hop() {
    let contact = [("Contact", "<sip:a@10.0.0.9:5070;transport=tcp>")];
    let over_udp = incoming("10.0.0.9", "10.0.0.9:40000", &contact);
    let back = Dialog::from_snapshot(&over_udp.snapshot(1));
    assert_eq!(back.flow().remote.to_string(), "10.0.0.9:5070");
    let restarted = |remote: &str, contact: &[(&str, &str)]| {
        let tcp = Flow { transport: Transport::Tcp, connection: 7, ..flow(remote) };
        let request = invite("10.0.0.9", contact).with_flow(tcp);
        let response = ResponseBuilder::to(&request, 200).to_tag("ours").build();
        let dialog = Dialog::uas(&request, &response, &tcp).unwrap();
        assert_eq!(dialog.flow(), tcp, "the connection is the way as long as it is there");
        let flow = Dialog::from_snapshot(&dialog.snapshot(1)).flow();
        (flow.connection, flow.remote.to_string())
    };
    assert_eq!(restarted("10.0.0.9:40000", &contact), (0, "10.0.0.9:5070".to_owned()));
    // Nobody reaches a private network from outside, nor what has no address.
    assert_eq!(restarted("192.0.2.7:40000", &contact), (0, "192.0.2.7:40000".to_owned()));
    let named = [("Contact", "<sip:a@phone.invalid>")];
    assert_eq!(restarted("10.0.0.9:40000", &named), (0, "10.0.0.9:40000".to_owned()));
}

#[test]
fn a_gruu_names_a_phone_and_not_where_it_is() {
    let gruu = "sip:8001@192.0.2.1;gr=urn:uuid:9130574a";
    let contact = [("Contact", "<sip:8001@192.0.2.1;gr=urn:uuid:9130574a>")];
    let mut dialog = incoming("192.0.2.7", "192.0.2.7:40000", &contact);
    assert_eq!(dialog.flow().remote.to_string(), "192.0.2.7:40000");
    assert_eq!(dialog.next_name(), Some(gruu));
    dialog.handle_located(gruu, flow("192.0.2.7:41000"));
    assert_eq!(dialog.flow().remote.to_string(), "192.0.2.7:41000");
}
