//! Binding what is listened on.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use model::Transport;
use socket2::{Domain, Protocol, Socket, Type};

use super::config::Listener;

/// What the kernel may hold of datagrams that nobody has read yet.
const RECEIVE_BUFFER: usize = 8 << 20;
/// Connections that the kernel may hold before they are accepted.
const ACCEPT_QUEUE: i32 = 1_024;
/// How often a port that is free for one transport but not for the other is given back.
const TRIES: usize = 16;

/// A socket that is listened on.
pub(super) enum Bound {
    Udp(UdpSocket),
    Tcp(TcpListener),
}

/// Binds all listeners. One that asks for port 0 gets the port of the first that asked for it on
/// the same address, so that UDP and TCP are reached alike.
pub(super) fn bind(listeners: &[Listener]) -> io::Result<(Vec<Bound>, Vec<SocketAddr>)> {
    let mut failure = io::Error::new(io::ErrorKind::InvalidInput, "no listener for SIP");
    for _ in 0..TRIES {
        match try_bind(listeners) {
            Ok(bound) if !bound.0.is_empty() => return Ok(bound),
            Ok(_) => break,
            Err(error) => failure = error,
        }
        if listeners.iter().all(|listener| listener.addr.port() != 0) {
            break;
        }
    }
    Err(failure)
}

fn try_bind(listeners: &[Listener]) -> io::Result<(Vec<Bound>, Vec<SocketAddr>)> {
    let mut bound = Vec::new();
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for listener in listeners {
        let mut wanted = listener.addr;
        let is_plain = |one: &Listener| matches!(one.transport, Transport::Udp | Transport::Tcp);
        let bound_now = || listeners.iter().zip(&addresses);
        let is_taken = |address: &SocketAddr| {
            bound_now().any(|(other, at)| at == address && other.transport == listener.transport)
        };
        let earlier = bound_now().find(|(other, address)| {
            let is_pair = is_plain(other) && is_plain(listener);
            other.addr == wanted && is_pair && !is_taken(address)
        });
        if let (0, Some((_, address))) = (wanted.port(), earlier) {
            wanted = *address;
        }
        let named = |error: io::Error| {
            let what = listener.transport;
            io::Error::new(error.kind(), format!("{what:?} on {wanted}: {error}"))
        };
        let (socket, address) = match listener.transport {
            Transport::Udp => bind_udp(wanted).map_err(named)?,
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                bind_tcp(wanted).map_err(named)?
            }
        };
        bound.push(socket);
        addresses.push(address);
    }
    Ok((bound, addresses))
}

/// IPv4 has listeners of its own: no peer is known by two addresses.
fn take_one_family(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => Ok(()),
        SocketAddr::V6(_) => socket.set_only_v6(true),
    }
}

fn bind_udp(address: SocketAddr) -> io::Result<(Bound, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    take_one_family(&socket, address)?;
    socket.set_nonblocking(true)?;
    // As much as the kernel allows; a smaller buffer only loses more in a flood.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&address.into())?;
    let socket = UdpSocket::from(socket);
    let address = socket.local_addr()?;
    Ok((Bound::Udp(socket), address))
}

fn bind_tcp(address: SocketAddr) -> io::Result<(Bound, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    take_one_family(&socket, address)?;
    // A restarted engine takes its port back although old connections linger.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(ACCEPT_QUEUE)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok((Bound::Tcp(listener), address))
}

#[cfg(test)]
mod tests {
    use super::bind;
    use crate::sip::Listener;
    use model::Transport;

    fn listeners(text: &str) -> Vec<Listener> {
        let addr = text.parse().unwrap();
        let both = [Transport::Udp, Transport::Tcp];
        both.map(|transport| Listener { transport, addr, advertise: None }).to_vec()
    }

    #[test]
    fn udp_and_tcp_share_a_port_that_the_system_chose() {
        let (bound, addresses) = bind(&listeners("127.0.0.1:0")).unwrap();
        assert_eq!((bound.len(), addresses[0]), (2, addresses[1]));
        assert_ne!(addresses[0].port(), 0);
    }

    #[test]
    fn all_of_ipv4_and_all_of_ipv6_have_the_same_port_apart() {
        let (_four, addresses) = bind(&listeners("0.0.0.0:0")).unwrap();
        let port = addresses[0].port();
        let (_six, addresses) = bind(&listeners(&format!("[::]:{port}"))).unwrap();
        assert_eq!(addresses[0].to_string(), format!("[::]:{port}"));
    }

    #[test]
    fn what_is_encrypted_has_a_port_of_its_own() {
        let addr = "127.0.0.1:0".parse().unwrap();
        let all = Transport::ALL.map(|transport| Listener { transport, addr, advertise: None });
        let (_bound, addresses) = bind(&all).unwrap();
        let ports: std::collections::BTreeSet<_> = addresses.iter().collect();
        assert_eq!((addresses[0], ports.len()), (addresses[1], 4));
    }

    #[test]
    fn an_address_that_is_taken_is_named() {
        let (_held, addresses) = bind(&listeners("127.0.0.1:0")).unwrap();
        let error = bind(&listeners(&addresses[0].to_string())).err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&format!("Udp on {}", addresses[0])), "{error}");
        assert!(bind(&[]).is_err());
    }
}
