//! The order of servers (RFC 2782): by priority, and within one by chance as their weights say.

use crate::Chance;

/// A server of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    pub(super) host: String,
}

/// Puts servers into the order in which they are tried: those without weight first among their
/// priority, then a running sum of weights and a number that falls on one of them.
pub(super) fn in_order(mut servers: Vec<Server>, chance: &mut Chance) -> Vec<Server> {
    servers.sort_by_key(|server| (server.priority, server.weight));
    let mut ordered = Vec::with_capacity(servers.len());
    while let Some(priority) = servers.first().map(|server| server.priority) {
        let end = servers.partition_point(|server| server.priority == priority);
        let total: u64 = servers.iter().take(end).map(|server| u64::from(server.weight)).sum();
        let mut left = chance.below(total + 1);
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
