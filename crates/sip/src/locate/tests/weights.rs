//! RFC 2782: who is asked first, and how often.

use std::collections::BTreeMap;

use crate::Chance;
use crate::locate::weigh::{Server, in_order};

fn server(priority: u16, weight: u16, host: &str) -> Server {
    Server { priority, weight, port: 5060, host: host.to_owned() }
}

fn order(servers: &[Server], chance: u64) -> Vec<String> {
    let ordered = in_order(servers.to_vec(), &mut Chance(chance));
    ordered.into_iter().map(|server| server.host).collect()
}

#[test]
fn a_lower_priority_always_comes_first() {
    let servers = [server(2, 65_535, "last"), server(0, 0, "first"), server(1, 1, "middle")];
    for chance in 0..200 {
        assert_eq!(order(&servers, chance), ["first", "middle", "last"]);
    }
}

#[test]
fn weights_share_out_who_is_first() {
    let servers = [server(0, 60, "a"), server(0, 30, "b"), server(0, 10, "c"), server(0, 0, "d")];
    let mut firsts: BTreeMap<String, u32> = BTreeMap::new();
    for chance in 0..10_000 {
        let ordered = order(&servers, chance);
        assert_eq!(ordered.len(), 4, "each is tried once");
        *firsts.entry(ordered[0].clone()).or_default() += 1;
    }
    let share = |host: &str| firsts.get(host).copied().unwrap_or(0);
    assert!((5_700..=6_200).contains(&share("a")), "{firsts:?}");
    assert!((2_700..=3_200).contains(&share("b")), "{firsts:?}");
    assert!((800..=1_150).contains(&share("c")), "{firsts:?}");
    assert!((1..=250).contains(&share("d")), "seldom, but not never: {firsts:?}");
}

#[test]
fn the_same_chance_gives_the_same_order() {
    let servers = [server(0, 5, "a"), server(0, 5, "b"), server(0, 5, "c")];
    assert_eq!(order(&servers, 42), order(&servers, 42));
    let orders: std::collections::BTreeSet<_> = (0..100).map(|c| order(&servers, c)).collect();
    assert_eq!(orders.len(), 6, "all orders happen");
}

#[test]
fn the_greatest_weights_do_not_overflow() {
    let servers: Vec<Server> = (0..100).map(|n| server(0, 65_535, &n.to_string())).collect();
    assert_eq!(order(&servers, u64::MAX).len(), 100);
    assert_eq!(order(&[], 1), Vec::<String>::new());
}
