//! From where a leg's packets may come, and where its own go: learnt once, then locked.
//!
//! The address that signalling agreed on counts; only the port may turn out to be another one,
//! because many phones and every address translator send from a port that they did not name. It
//! is learnt from the first packets and never again, but that the agreed one always wins: so nobody
//! can take a call over by sending to its port (RTP bleed).

use std::net::SocketAddr;

/// Packets in a row from one unexpected port until that port is the leg's.
const LEARN_PACKETS: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing came yet.
    Open,
    /// Packets came from a port that was not agreed on.
    Learning { from: SocketAddr, packets: u8 },
    /// Known for good.
    Locked { from: SocketAddr },
    /// Of a browser, whose checks say where it is: `None` while nothing is to be sent. Whose a
    /// packet is was found out before.
    Found { at: Option<SocketAddr> },
}

/// One leg's source and destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    agreed: SocketAddr,
    state: State,
}

impl Origin {
    /// The leg is at `agreed`, as its description said.
    pub(crate) const fn new(agreed: SocketAddr) -> Self {
        Self { agreed, state: State::Open }
    }

    /// What the description said.
    pub(crate) const fn agreed(&self) -> SocketAddr {
        self.agreed
    }

    /// A browser is there, as its checks say.
    pub(crate) const fn find(&mut self, at: Option<SocketAddr>) {
        self.state = State::Found { at };
    }

    /// Where packets go; `None` where none may.
    pub(crate) const fn target(&self) -> Option<SocketAddr> {
        match self.state {
            State::Open | State::Learning { .. } => Some(self.agreed),
            State::Locked { from } => Some(from),
            State::Found { at } => at,
        }
    }

    /// Whether a well-formed packet from there is the leg's; learns from it.
    pub(crate) fn admits(&mut self, from: SocketAddr) -> bool {
        match self.state {
            // What was agreed on wins at any time: a stranger on the phone's host who was quicker
            // loses the call again to the phone's first packet.
            State::Locked { from: known } if known == from => true,
            State::Found { .. } => true,
            State::Locked { .. } if from != self.agreed => false,
            State::Open | State::Learning { .. } if from.ip() != self.agreed.ip() => false,
            State::Open | State::Learning { .. } | State::Locked { .. } if from == self.agreed => {
                self.state = State::Locked { from };
                true
            }
            State::Open | State::Locked { .. } => {
                self.state = State::Learning { from, packets: 1 };
                true
            }
            State::Learning { from: known, packets } => {
                if known == from {
                    let packets = packets + 1;
                    self.state = if packets < LEARN_PACKETS {
                        State::Learning { from, packets }
                    } else {
                        State::Locked { from }
                    };
                }
                known == from
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_agreed_port_is_locked_at_once() {
        let mut origin = Origin::new(address("10.0.0.1:4000"));
        assert!(origin.admits(address("10.0.0.1:4000")));
        assert!(!origin.admits(address("10.0.0.1:4002")));
        assert!(origin.admits(address("10.0.0.1:4000")));
    }

    #[test]
    fn another_address_is_never_admitted() {
        let mut origin = Origin::new(address("10.0.0.1:4000"));
        for _ in 0..10 {
            assert!(!origin.admits(address("10.0.0.2:4000")));
        }
        assert_eq!(origin.target(), Some(address("10.0.0.1:4000")));
    }

    #[test]
    fn another_port_is_learnt_from_the_first_packets_and_then_locked() {
        let mut origin = Origin::new(address("10.0.0.1:4000"));
        for _ in 0..2 {
            assert!(origin.admits(address("10.0.0.1:61000")));
            assert_eq!(origin.target(), Some(address("10.0.0.1:4000")));
        }
        assert!(!origin.admits(address("10.0.0.1:61002")));
        assert!(origin.admits(address("10.0.0.1:61000")));
        assert_eq!(origin.target(), Some(address("10.0.0.1:61000")));
        assert!(!origin.admits(address("10.0.0.1:61002")));
    }

    #[test]
    fn the_agreed_port_wins_even_over_one_that_was_learnt() {
        let mut origin = Origin::new(address("10.0.0.1:4000"));
        for _ in 0..5 {
            assert!(origin.admits(address("10.0.0.1:61000")));
        }
        assert!(origin.admits(address("10.0.0.1:4000")));
        assert_eq!(origin.target(), Some(address("10.0.0.1:4000")));
        assert!(!origin.admits(address("10.0.0.1:61000")));
    }

    #[test]
    fn a_browser_is_where_its_checks_say() {
        let mut origin = Origin::new(address("0.0.0.0:9"));
        origin.find(None);
        assert_eq!(origin.target(), None);
        for port in ["198.51.100.1:50000", "203.0.113.1:60000"] {
            origin.find(Some(address(port)));
            assert_eq!(origin.target(), Some(address(port)));
            assert!(origin.admits(address("198.51.100.1:50000")), "who sent it was found before");
        }
    }

    #[test]
    fn the_agreed_port_wins_while_learning() {
        let mut origin = Origin::new(address("10.0.0.1:4000"));
        assert!(origin.admits(address("10.0.0.1:61000")));
        assert!(origin.admits(address("10.0.0.1:4000")));
        assert!(!origin.admits(address("10.0.0.1:61000")));
    }
}
