//! Packets as libsrtp makes them, and what is not believed.

use super::*;
use crate::{Header, Packet, rtcp};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// That of RFC 3711 appendix B.3 and of libsrtp's own tests.
fn master() -> MasterKey {
    let key = bytes("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6");
    MasterKey::new(key.try_into().unwrap())
}

fn pair(suite: Suite) -> (Sender, Receiver) {
    (Sender::new(suite, &master()), Receiver::new(suite, &master()))
}

const SUITE: Suite = Suite::AesCm128HmacSha1_80;

/// A packet whose payload says its number.
fn plain(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0; 172];
    let header = Header { payload_type: 8, sequence, timestamp: 160, ssrc, ..Header::default() };
    header.write(&[sequence as u8; 160], &mut packet).unwrap();
    packet
}

fn protect(sender: &mut Sender, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut room = packet.to_vec();
    room.resize(packet.len() + MAX_GROWTH, 0);
    let length = sender.protect(&mut room, packet.len())?;
    room.truncate(length);
    Ok(room)
}

fn unprotect(receiver: &mut Receiver, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut room = packet.to_vec();
    let length = receiver.unprotect(&mut room)?;
    room.truncate(length);
    Ok(room)
}

#[test]
fn packets_are_those_of_libsrtp() {
    let (mut sender, mut receiver) = pair(SUITE);
    let plain = bytes("800f1234decafbadcafebabeabababababababababababababababab");
    let wanted = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
    assert_eq!(protect(&mut sender, &plain), Ok(bytes(wanted)));
    assert_eq!(unprotect(&mut receiver, &bytes(wanted)), Ok(plain));
    let report = bytes("81c8000bcafebabeabababababababababababababababab");
    let mut room = report.clone();
    room.resize(report.len() + MAX_GROWTH, 0);
    // That library begins with 1.
    assert!(sender.protect_report(&mut room, report.len()).is_ok());
    room[..report.len()].copy_from_slice(&report);
    let length = sender.protect_report(&mut room, report.len()).unwrap();
    let wanted = "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798";
    assert_eq!(room[..length], bytes(wanted));
    let length = receiver.unprotect_report(&mut room[..length]).unwrap();
    assert_eq!(room[..length], report);
}

#[test]
fn what_is_sent_comes_back_in_either_suite_over_many_rounds() {
    for (suite, tag) in [(SUITE, 10), (Suite::AesCm128HmacSha1_32, 4)] {
        let (mut sender, mut receiver) = pair(suite);
        for number in 0..150_000_u32 {
            let plain = plain((number + 65_000) as u16, 9);
            let packet = protect(&mut sender, &plain).unwrap();
            assert_eq!(packet.len(), plain.len() + tag);
            assert_eq!(packet[..12], plain[..12], "the header stays readable");
            // Every hundredth is lost.
            if number % 100 > 0 {
                assert_eq!(unprotect(&mut receiver, &packet), Ok(plain), "{number}");
            }
        }
    }
}

#[test]
fn rfc_3711_section_3_3_2_nothing_is_taken_twice_and_late_packets_are_taken_once() {
    let (mut sender, mut receiver) = pair(SUITE);
    let packets: Vec<_> = (65_500..65_536)
        .chain(0..40)
        .map(|number| protect(&mut sender, &plain(number as u16, 1)).unwrap())
        .collect();
    for (number, packet) in packets.iter().enumerate().filter(|(number, _)| number % 3 != 1) {
        assert!(unprotect(&mut receiver, packet).is_ok(), "{number}");
        assert_eq!(unprotect(&mut receiver, packet), Err(Refused::Replayed), "{number}");
    }
    // Those that were overtaken, over the wrap of their numbers.
    for (number, packet) in packets.iter().enumerate().filter(|(number, _)| number % 3 == 1) {
        assert!(unprotect(&mut receiver, packet).is_ok(), "{number}");
    }
    assert!(packets.iter().all(|it| unprotect(&mut receiver, it) == Err(Refused::Replayed)));
}

#[test]
fn a_forged_packet_changes_nothing() {
    let (mut sender, mut receiver) = pair(SUITE);
    let packet = protect(&mut sender, &plain(7, 1)).unwrap();
    for at in 0..packet.len() {
        let mut forged = packet.clone();
        forged[at] ^= 1 << (at % 8);
        let before = forged.clone();
        assert!(receiver.unprotect(&mut forged).is_err(), "{at}");
        assert_eq!(forged, before, "it is left as it came");
    }
    // One of far ahead neither, whose number would make all that follows old.
    let far = [&plain(40_000, 1)[..], &[0; 10]].concat();
    assert_eq!(unprotect(&mut receiver, &far), Err(Refused::Forged));
    assert!(receiver.0.sources.is_empty());
    assert!(unprotect(&mut receiver, &packet).is_ok());
    // That of another key is forged here.
    let mut other = Sender::new(SUITE, &MasterKey::new([9; 30]));
    let theirs = protect(&mut other, &plain(8, 1)).unwrap();
    assert_eq!(unprotect(&mut receiver, &theirs), Err(Refused::Forged));
}

#[test]
fn no_number_is_sent_twice_under_one_key() {
    let (mut sender, _) = pair(SUITE);
    for number in [10, 12, 11] {
        assert!(protect(&mut sender, &plain(number, 1)).is_ok());
    }
    for number in [10, 11, 12] {
        assert_eq!(protect(&mut sender, &plain(number, 1)), Err(Refused::Replayed), "{number}");
    }
    assert!(protect(&mut sender, &plain(10, 2)).is_ok(), "another stream has its own numbers");
}

#[test]
fn reports_are_protected_with_numbers_of_their_own() {
    let (mut sender, mut receiver) = pair(Suite::AesCm128HmacSha1_32);
    let mut report = [0; 64];
    report[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 5]);
    assert!(rtcp::is_rtcp(&report[..8]));
    let mut sent = Vec::new();
    for number in 0..3 {
        let mut packet = report;
        let length = sender.protect_report(&mut packet, 24).unwrap();
        assert_eq!(length, 24 + 14, "the tag of a report is a long one");
        assert_eq!(packet[24..28], [0x80, 0, 0, number]);
        assert_ne!(packet[8..24], report[8..24]);
        sent.push(packet[..length].to_vec());
    }
    for at in [2, 0, 1] {
        let mut packet = sent[at].clone();
        assert_eq!(receiver.unprotect_report(&mut packet), Ok(24), "{at}");
        assert_eq!(packet[..24], report[..24]);
        let mut again = sent[at].clone();
        assert_eq!(receiver.unprotect_report(&mut again), Err(Refused::Replayed));
    }
    let mut forged = sent[0].clone();
    forged[27] = 9;
    assert_eq!(receiver.unprotect_report(&mut forged), Err(Refused::Forged));
}

#[test]
fn extensions_and_contributors_stay_readable_and_what_is_no_packet_is_refused() {
    let (mut sender, mut receiver) = pair(SUITE);
    let mut packet = vec![0x91, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4];
    packet.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
    let clear = packet.len();
    packet.extend([0x55; 20]);
    let protected = protect(&mut sender, &packet).unwrap();
    assert_eq!(protected[..clear], packet[..clear]);
    assert_ne!(protected[clear..packet.len()], packet[clear..]);
    assert_eq!(unprotect(&mut receiver, &protected), Ok(packet.clone()));
    assert!(Packet::parse(&packet).is_ok());
    // An extension longer than the packet, nothing, a bit of something, no room.
    packet[19] = 200;
    assert_eq!(protect(&mut sender, &packet), Err(Refused::Malformed));
    assert_eq!(sender.protect(&mut [0x80; 12], 12), Err(Refused::Malformed));
    for length in 0..40 {
        let mut noise = vec![0x91; length];
        assert!(receiver.unprotect(&mut noise).is_err());
        assert!(receiver.unprotect_report(&mut noise).is_err());
    }
}

#[test]
fn sources_are_told_apart_and_their_number_is_bounded() {
    let (mut sender, mut receiver) = pair(SUITE);
    let packet = protect(&mut sender, &plain(1, 0)).unwrap();
    for ssrc in 0..100 {
        let packet = protect(&mut Sender::new(SUITE, &master()), &plain(1, ssrc)).unwrap();
        assert!(unprotect(&mut receiver, &packet).is_ok());
        assert!(receiver.0.sources.len() <= MAX_SOURCES);
    }
    let newest = protect(&mut Sender::new(SUITE, &master()), &plain(1, 99)).unwrap();
    assert_eq!(unprotect(&mut receiver, &newest), Err(Refused::Replayed));
    assert!(unprotect(&mut receiver, &packet).is_ok(), "that one was forgotten");
}

/// Of libsrtp's own tests.
fn gcm() -> Master {
    let key = bytes("000102030405060708090a0b0c0d0e0f");
    Master::Gcm128(key.try_into().unwrap(), bytes("a0a1a2a3a4a5a6a7a8a9aaab").try_into().unwrap())
}

#[test]
fn rfc_7714_packets_are_those_of_libsrtp() {
    let (mut sender, mut receiver) = (Sender::by(&gcm()), Receiver::by(&gcm()));
    let plain = bytes("800f1234decafbadcafebabeabababababababababababababababab");
    let wanted = "800f1234decafbadcafebabec5002ede04cfdd2eb91159e0880aa06ed2976826f796b201\
                  df3131a127e8a392";
    assert_eq!(protect(&mut sender, &plain), Ok(bytes(wanted)));
    assert_eq!(unprotect(&mut receiver, &bytes(wanted)), Ok(plain));
    let report = bytes("81c8000bcafebabeabababababababababababababababab");
    let mut room = report.clone();
    room.resize(report.len() + MAX_GROWTH, 0);
    // That library begins with 1.
    assert!(sender.protect_report(&mut room, report.len()).is_ok());
    room[..report.len()].copy_from_slice(&report);
    let length = sender.protect_report(&mut room, report.len()).unwrap();
    let wanted = "81c8000bcafebabec98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123b\
                  a88ce61e80000001";
    assert_eq!(room[..length], bytes(wanted));
    assert_eq!(receiver.unprotect_report(&mut room[..length]), Ok(report.len()));
    assert_eq!(room[..report.len()], report);
}

#[test]
fn rfc_7714_what_was_changed_or_repeated_is_not_believed() {
    for master in [gcm(), Master::Gcm256([9; 32], [4; 12])] {
        let (mut sender, mut receiver) = (Sender::by(&master), Receiver::by(&master));
        let sealed = protect(&mut sender, &plain(7, 1)).unwrap();
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 1;
            assert!(unprotect(&mut receiver, &forged).is_err(), "at {at}");
        }
        assert_eq!(unprotect(&mut receiver, &sealed), Ok(plain(7, 1)));
        assert_eq!(unprotect(&mut receiver, &sealed), Err(Refused::Replayed));
        assert_eq!(protect(&mut sender, &plain(7, 1)), Err(Refused::Replayed));
        for length in 0..40 {
            assert!(unprotect(&mut receiver, &sealed[..length]).is_err());
            assert!(receiver.unprotect_report(&mut sealed[..length].to_vec()).is_err());
        }
    }
}

#[test]
fn rfc_5764_section_4_2_keys_of_a_handshake_are_parted_by_role() {
    let material: Vec<u8> = (0..88).collect();
    let [client, server] = Profile::AesCm128HmacSha1_80.masters(&material).unwrap();
    let key = |key: std::ops::Range<u8>, salt: std::ops::Range<u8>| {
        let bytes: Vec<u8> = key.chain(salt).collect();
        Master::Counter(SUITE, MasterKey::new(bytes.try_into().unwrap()))
    };
    assert_eq!((client, server), (key(0..16, 32..46), key(16..32, 46..60)));
    fn array<const N: usize>(from: u8) -> [u8; N] {
        std::array::from_fn(|at| from + at as u8)
    }
    let short = Profile::AeadAes128Gcm.masters(&material).unwrap();
    let wanted = [(0, 32), (16, 44)].map(|(key, salt)| Master::Gcm128(array(key), array(salt)));
    assert_eq!(short, wanted);
    let long = Profile::AeadAes256Gcm.masters(&material);
    assert_eq!(long.map(|[_, server]| server), { Some(Master::Gcm256(array(32), array(76))) });
    assert_eq!(Profile::AeadAes256Gcm.masters(&material[..87]), None);
    assert!(!format!("{client:?} {short:?} {long:?}").contains("32"));
}
