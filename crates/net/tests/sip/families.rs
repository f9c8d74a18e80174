//! IPv6 beside IPv4, advertised addresses, and the listener that a request leaves by.

use std::net::{SocketAddr, UdpSocket};

use model::Transport;
use net::sip::Listener;
use sip::{ClientTx, Flow, FromBrain, Message, Method, RequestBuilder};

use crate::stage::{Line, PATIENCE, Setting, Stage};

fn listener(transport: Transport, addr: &str, advertise: Option<&str>) -> Listener {
    let advertise = advertise.map(|ip| ip.parse().unwrap());
    Listener { transport, addr: addr.parse().unwrap(), advertise }
}

fn stage(listeners: Vec<Listener>) -> Stage {
    Stage::with(Setting { listeners, ..Setting::default() })
}

fn ask(stage: &Stage, number: u64, flow: Flow) {
    let message = RequestBuilder::new(Method::Options, "sip:phone@localhost")
        .from("<sip:95512@localhost>", "us")
        .to("<sip:phone@localhost>", None)
        .call_id(&format!("out{number}"))
        .cseq(1)
        .build();
    let tx = ClientTx::new(0, number);
    stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
}

/// The topmost Via of the next datagram.
fn via(socket: &UdpSocket) -> (String, SocketAddr) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 4_096];
    let (count, from) = socket.recv_from(&mut buffer).expect("nothing came");
    let message = Message::parse(&buffer[..count]).unwrap();
    let via = message.top_via().unwrap();
    (format!("{} {}:{}", via.transport(), via.host(), via.port().unwrap()), from)
}

#[test]
fn ipv6_is_served_beside_ipv4() {
    let udp = listener(Transport::Udp, "[::1]:0", None);
    let stage = stage(vec![udp, Listener { transport: Transport::Tcp, ..udp }]);
    let ours = stage.workers.local_addrs()[2];
    let phone = UdpSocket::bind("[::1]:0").unwrap();
    phone.set_read_timeout(Some(PATIENCE)).unwrap();
    let from = phone.local_addr().unwrap();
    let text = |transport: &str, from: SocketAddr| {
        format!(
            "OPTIONS sip:95512@[::1] SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {from};branch=z9hG4bK{transport};rport\r\n\
             From: <sip:a@[::1]>;tag=a\r\nTo: <sip:95512@[::1]>\r\nCall-ID: {transport}\r\n\
             CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    phone.send_to(text("UDP", from).as_bytes(), ours).unwrap();
    let (tx, request, flow) = stage.request();
    assert_eq!((flow.local, flow.remote, flow.listener), (ours, from, 2));
    stage.respond(tx, &request, 200);
    let mut buffer = [0; 4_096];
    let (count, _) = phone.recv_from(&mut buffer).unwrap();
    assert_eq!(Message::parse(&buffer[..count]).unwrap().status(), Some(200));
    let mut line = Line::over(std::net::TcpStream::connect(ours).unwrap());
    line.send(text("TCP", line.stream.local_addr().unwrap()));
    let (tx, request, flow) = stage.request();
    assert_eq!((flow.local, flow.listener), (ours, 3));
    stage.respond(tx, &request, 200);
    assert_eq!(line.receive().status(), Some(200));
    ask(&stage, 1, Flow { transport: Transport::Udp, remote: from, connection: 0, ..flow });
    assert_eq!(via(&phone), (format!("UDP [::1]:{}", ours.port()), ours));
}

#[test]
fn a_flow_from_before_a_restart_leaves_by_the_listener_that_fits_it() {
    let first = listener(Transport::Udp, "127.0.0.1:0", Some("192.0.2.1"));
    let stage = stage(vec![first, listener(Transport::Udp, "[::1]:0", Some("2001:db8::7"))]);
    let addresses = stage.workers.local_addrs().to_vec();
    let (four, six) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("[::1]:0").unwrap());
    let remembered = |local: &str, port: u16, remote: &UdpSocket| Flow {
        transport: Transport::Udp,
        local: SocketAddr::new(local.parse().unwrap(), port),
        remote: remote.local_addr().unwrap(),
        connection: 0,
        // Which was another one's number then.
        listener: 1,
    };
    // What stood in Via then says which listener it was.
    ask(&stage, 1, remembered("192.0.2.1", addresses[2].port(), &four));
    let wanted = format!("UDP 192.0.2.1:{}", addresses[2].port());
    assert_eq!(via(&four), (wanted, addresses[2]));
    // Also where the number is that of another listener for such addresses: its socket and its Via
    // would be the other side's.
    ask(&stage, 3, Flow { listener: 0, ..remembered("192.0.2.1", addresses[2].port(), &four) });
    let wanted = format!("UDP 192.0.2.1:{}", addresses[2].port());
    assert_eq!(via(&four), (wanted, addresses[2]));
    // Another address of IPv6 is still one of IPv6.
    ask(&stage, 2, remembered("2001:db8::1", 5060, &six));
    let wanted = format!("UDP [2001:db8::7]:{}", addresses[3].port());
    assert_eq!(via(&six), (wanted, addresses[3]));
}

#[test]
fn a_keep_alive_of_datagrams_is_answered_with_where_it_came_from() {
    let stage = Stage::new();
    let phone = crate::stage::Phone::new(&stage);
    let request =
        [0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    phone.socket.send_to(&request, stage.addr).unwrap();
    let mut buffer = [0; 100];
    let (count, _) = phone.socket.recv_from(&mut buffer).expect("no answer");
    let [a, b] = phone.addr().port().to_be_bytes();
    assert_eq!((count, &buffer[..2]), (32, &[0x01, 0x01][..]));
    assert_eq!(buffer[24..28], [0, 1, a ^ 0x21, b ^ 0x12]);
    assert_eq!(stage.counts(|counts| counts.received > 0).malformed, 0);
}

/// An OPTIONS that no datagram carries, to where `socket` is.
fn ask_long(stage: &Stage, (worker, number): (u8, u64), remote: SocketAddr) {
    let message = RequestBuilder::new(Method::Options, "sip:phone@localhost")
        .from("<sip:95512@localhost>", "us")
        .to("<sip:phone@localhost>", None)
        .call_id(&format!("out{number}"))
        .cseq(1)
        .body("text/plain", "x".repeat(2_000).as_bytes())
        .build();
    let transport = Transport::Udp;
    let flow = Flow { transport, local: stage.addr, remote, connection: 0, listener: 0 };
    let tx = ClientTx::new(worker, number);
    stage.workers.send(FromBrain::Request { tx, message, flow }).unwrap();
}

/// Somebody who takes a long request over TCP, and hangs up; and then datagrams alone.
fn stops_taking_tcp(stage: &Stage, worker: u8, number: u64) {
    // Nobody else takes an address of its own once nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.77:0").unwrap();
    let remote = listener.local_addr().unwrap();
    let socket = UdpSocket::bind(remote).unwrap();
    ask_long(stage, (worker, number), remote);
    let mut line = Line::over(listener.accept().unwrap().0);
    let request = line.receive();
    let port = stage.addr.port();
    let seen = request.top_via().unwrap();
    assert_eq!((seen.transport(), seen.port()), ("TCP", Some(port)));
    line.send(sip::ResponseBuilder::to(&request, 200).to_tag("x").build());
    assert!(matches!(stage.report(), sip::ToBrain::Response { .. }));
    drop((line, listener));
    assert!(matches!(stage.report(), sip::ToBrain::FlowClosed { .. }));
    ask_long(stage, (worker, number + 1), remote);
    assert_eq!(via(&socket), (format!("UDP 127.0.0.1:{port}"), stage.addr));
}

#[test]
fn a_long_request_goes_over_tcp_and_by_udp_where_nobody_takes_that() {
    for workers in [1, 3] {
        let stage = Stage::with(Setting { workers, ..Setting::default() });
        // The worker that asks is told by another one that the connection is closed: the end of one
        // must never be taken for that of the next, whichever of the two hears of it first.
        for number in 0..50 {
            stops_taking_tcp(&stage, workers - 1, 2 * number + 1);
        }
    }
}
