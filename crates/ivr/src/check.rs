//! Whether the graph of a script makes sense: every node can be reached, every path ends, nobody
//! is asked without a way to a human, and nothing is said or looked up before it is known.

use std::collections::BTreeSet;

use crate::diagnostic::Findings;
use crate::parse::Lines;
use crate::piece::Piece;
use crate::script::{Accepts, Node, NodeName, Script};

/// Checks the graph of `script`, all of whose references lead to nodes.
pub(crate) fn check(script: &Script, lines: &Lines, findings: &mut Findings<'_>) {
    let graph = Graph { script };
    let reached = graph.reached(&[&script.start, &script.exhausted], |_, _| true);
    for (name, node) in &script.nodes {
        let line = lines.get(name).copied().unwrap_or(1);
        let key = format!("node.{name}");
        let mut found = |message: String, remedy: &str| findings.add(line, &key, message, remedy);
        if !reached.contains(name) {
            found("no path leads here".to_owned(), "lead a key or a 'next' here, or delete it");
            continue;
        }
        let onward = graph.reached(&[name], |_, _| true);
        let ends = |end: fn(&Node) -> bool| onward.iter().any(|n| graph.node(n).is_some_and(end));
        if !ends(|node| matches!(node, Node::Enqueue(_) | Node::HangUp)) {
            found(
                "the call never ends from here".to_owned(),
                "lead it to a node of type enqueue or hang_up",
            );
        } else if matches!(node, Node::Menu(_) | Node::Collect(_))
            && !ends(|node| matches!(node, Node::Enqueue(_)))
        {
            found(
                "no way leads from this question to a human".to_owned(),
                "lead a key or 'exhausted' to a node of type enqueue",
            );
        }
        if graph.circles(name) {
            found(
                "the call comes back here without having asked the caller".to_owned(),
                "put a menu into the circle, or lead it elsewhere",
            );
        }
        graph.check_known(name, node, &mut found);
    }
    graph.check_exhausted(lines, findings);
}

struct Graph<'a> {
    script: &'a Script,
}

impl Graph<'_> {
    fn node(&self, name: &str) -> Option<&Node> {
        self.script.nodes.get(name)
    }

    /// The nodes that are reached from `starts` along the edges that `may_pass`.
    fn reached(
        &self,
        starts: &[&NodeName],
        may_pass: impl Fn(&NodeName, &NodeName) -> bool,
    ) -> BTreeSet<NodeName> {
        let mut reached: BTreeSet<NodeName> = starts.iter().map(|name| (*name).clone()).collect();
        let mut left: Vec<NodeName> = reached.iter().cloned().collect();
        while let Some(name) = left.pop() {
            for target in self.node(&name).into_iter().flat_map(Node::targets) {
                if may_pass(&name, target) && reached.insert(target.clone()) {
                    left.push(target.clone());
                }
            }
        }
        reached
    }

    /// Whether the call can come from `name` back to it without asking the caller anything.
    fn circles(&self, name: &NodeName) -> bool {
        let automatic = |name: &NodeName| -> Vec<NodeName> {
            match self.node(name) {
                Some(Node::Say(say)) => vec![say.next.clone()],
                Some(Node::LookUp(look_up)) => {
                    vec![look_up.found.clone(), look_up.failed.clone()]
                }
                Some(Node::Menu(_) | Node::Collect(_) | Node::Enqueue(_) | Node::HangUp) | None => {
                    Vec::new()
                }
            }
        };
        let (mut seen, mut left) = (BTreeSet::new(), automatic(name));
        while let Some(next) = left.pop() {
            if next == *name {
                return true;
            }
            if seen.insert(next.clone()) {
                left.extend(automatic(&next));
            }
        }
        false
    }

    /// What a node says or looks up is known whenever the call comes to it.
    fn check_known(&self, name: &NodeName, node: &Node, found: &mut impl FnMut(String, &str)) {
        let starts = [&self.script.start, &self.script.exhausted];
        match node {
            Node::Say(say) => {
                let says_value = say.prompts.iter().any(|piece| matches!(piece, Piece::Value(_)));
                let known = |from: &NodeName, to: &NodeName| match self.node(from) {
                    Some(Node::LookUp(look_up)) => look_up.found != *to || look_up.failed == *to,
                    Some(_) | None => true,
                };
                let needs = says_value || say.each.is_some();
                if needs && self.reached(&starts, known).contains(name) {
                    found(
                        "it speaks of policies, and the call can come here without a look-up"
                            .to_owned(),
                        "lead only the 'found' of a node of type lookup here",
                    );
                }
            }
            Node::LookUp(look_up) => {
                let input = &look_up.input;
                let Some(Node::Collect(collect)) = self.node(input) else {
                    found(
                        format!("'{input}' collects nothing that can be looked up"),
                        "name a node of type collect as 'input'",
                    );
                    return;
                };
                let is_digits = |accepts: &Accepts| matches!(accepts, Accepts::Digits { .. });
                if collect.accepts.iter().any(is_digits) {
                    found(
                        format!("the digits of '{input}' name no policy"),
                        "let it accept only \"policy_number\" and \"identity_number\"",
                    );
                }
                let collected = |from: &NodeName, to: &NodeName| {
                    let is_next = *to == collect.next && *to != collect.exhausted;
                    !(from == input && is_next) && from != name
                };
                if self.reached(&starts, collected).contains(name) {
                    found(
                        format!("the call can come here before '{input}' collected anything"),
                        "lead only the 'next' of that node here",
                    );
                }
            }
            Node::Menu(_) | Node::Collect(_) | Node::Enqueue(_) | Node::HangUp => {}
        }
    }

    /// Where a call goes that used up its steps, nothing may be asked any more.
    fn check_exhausted(&self, lines: &Lines, findings: &mut Findings<'_>) {
        let exhausted = &self.script.exhausted;
        for name in self.reached(&[exhausted], |_, _| true) {
            if matches!(self.node(&name), Some(Node::Menu(_) | Node::Collect(_) | Node::LookUp(_)))
            {
                let line = lines.get(exhausted).copied().unwrap_or(1);
                let message = format!(
                    "a call that goes round in circles is led to '{exhausted}', and from there \
                     to '{name}', which asks again"
                );
                findings.add(
                    line,
                    "exhausted",
                    message,
                    "lead it to a node of type enqueue or hang_up, with nothing but say before",
                );
                return;
            }
        }
    }
}
