//! The order of servers (RFC 2782): by priority, and within one by chance as their weights say.

/// A server of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    pub(super) host: String,
}

/// Numbers that look like chance, from one that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `most`.
    fn up_to(&mut self, most: u64) -> u64 {
        self.next() % (most + 1)
    }
}

/// Puts servers into the order in which they are tried: those without weight first among their
/// priority, then a running sum of weights and a number that falls on one of them.
pub(super) fn in_order(mut servers: Vec<Server>, chance: &mut Chance) -> Vec<Server> {
    servers.sort_by_key(|server| (server.priority, server.weight));
    let mut ordered = Vec::with_capacity(servers.len());
    while let Some(priority) = servers.first().map(|server| server.priority) {
        let end = servers.partition_point(|server| server.priority == priority);
        let total: u64 = servers.iter().take(end).map(|server| u64::from(server.weight)).sum();
        let mut left = chance.up_to(total);
        let reached = servers.iter().take(end).position(|server| {
            let weight = u64::from(server.weight);
            let is_it = left <= weight;
            left = left.saturating_sub(weight);
            is_it
        });
        ordered.push(servers.remove(reached.unwrap_or(0)));
    }
    ordered
}
