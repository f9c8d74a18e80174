//! Erlang C (M/M/n) in closed form and Erlang A (M/M/n+M) by the balance of births and deaths.

/// A plain queue: calls arrive, are handled and lose patience at random (exponentially).
pub(crate) struct Load {
    pub(crate) arrivals_a_s: f64,
    pub(crate) handling_s: f64,
    pub(crate) agents: usize,
    /// Mean; `None` if everyone waits for ever.
    pub(crate) patience_s: Option<f64>,
    /// The limit of "answered within".
    pub(crate) within_s: f64,
}

/// What theory says, or what was measured.
#[derive(Debug)]
pub(crate) struct Figures {
    /// The share of callers who find no agent idle.
    pub(crate) waits: f64,
    /// Of all callers, those who leave included.
    pub(crate) mean_wait_s: f64,
    /// The share of all callers who are answered within the limit.
    pub(crate) within: f64,
    /// The share who leave.
    pub(crate) leaves: f64,
    /// The share of the agents' time in which they talk.
    pub(crate) occupancy: f64,
}

impl Figures {
    /// In the order in which they are declared.
    pub(crate) fn all(&self) -> [f64; 5] {
        [self.waits, self.mean_wait_s, self.within, self.leaves, self.occupancy]
    }
}

pub(crate) fn figures(load: &Load) -> Figures {
    match load.patience_s {
        None => erlang_c(load),
        Some(patience_s) => erlang_a(load, 1.0 / patience_s),
    }
}

fn erlang_c(load: &Load) -> Figures {
    let offered = load.arrivals_a_s * load.handling_s;
    let agents = load.agents as f64;
    // Erlang B by its recursion, then C from B.
    let blocked = (1..=load.agents).fold(1.0, |blocked, n| {
        let carried = offered * blocked;
        carried / (n as f64 + carried)
    });
    let occupancy = offered / agents;
    let waits = blocked / (1.0 - occupancy * (1.0 - blocked));
    let drained_a_s = agents / load.handling_s - load.arrivals_a_s;
    Figures {
        waits,
        mean_wait_s: waits / drained_a_s,
        within: 1.0 - waits * (-drained_a_s * load.within_s).exp(),
        leaves: 0.0,
        occupancy,
    }
}

fn erlang_a(load: &Load, impatience: f64) -> Figures {
    let Load { arrivals_a_s, handling_s, agents, within_s, .. } = *load;
    let (served_a_s, most) = (agents as f64 / handling_s, agents + 4_000);
    let deaths = |present: usize| match present.checked_sub(agents) {
        None => present as f64 / handling_s,
        Some(waiting) => served_a_s + waiting as f64 * impatience,
    };
    // From the fullest likely state both ways, so that nothing overflows.
    let peak = agents.min((arrivals_a_s * handling_s) as usize);
    let mut weights = vec![0.0; most + 1];
    weights[peak] = 1.0;
    for present in (0..peak).rev() {
        weights[present] = weights[present + 1] * deaths(present + 1) / arrivals_a_s;
    }
    for present in peak..most {
        weights[present + 1] = weights[present] * arrivals_a_s / deaths(present + 1);
    }
    let total: f64 = weights.iter().sum();
    let chance = |present: usize| weights[present] / total;
    let waits: f64 = (agents..=most).map(chance).sum();
    let waiting: f64 = (agents..=most).map(|at| chance(at) * (at - agents) as f64).sum();
    let likely = (agents..=most).rev().find(|&at| chance(at) > 1e-12).unwrap() - agents + 1;
    let soon = served_within(served_a_s, impatience, within_s, likely);
    let answered: f64 = (0..likely).map(|ahead| chance(agents + ahead) * soon[ahead]).sum();
    let leaves = impatience * waiting / arrivals_a_s;
    Figures {
        waits,
        mean_wait_s: waiting / arrivals_a_s,
        within: 1.0 - waits + answered,
        leaves,
        occupancy: arrivals_a_s * handling_s * (1.0 - leaves) / agents as f64,
    }
}

/// The chance to be served within a time for a caller with 0, 1, … others ahead: the backward
/// equations of their way to the front, by Runge and Kutta's fourth order.
fn served_within(served_a_s: f64, impatience: f64, within_s: f64, likely: usize) -> Vec<f64> {
    let advance = |ahead: usize| served_a_s + ahead as f64 * impatience;
    let slope = |chances: &[f64]| -> Vec<f64> {
        (0..likely)
            .map(|ahead| {
                let next = if ahead == 0 { 1.0 } else { chances[ahead - 1] };
                advance(ahead) * next - (advance(ahead) + impatience) * chances[ahead]
            })
            .collect()
    };
    let plus = |chances: &[f64], slope: &[f64], by: f64| -> Vec<f64> {
        chances.iter().zip(slope).map(|(chance, slope)| chance + slope * by).collect()
    };
    let steps = (within_s * advance(likely) * 8.0).ceil().max(400.0);
    let dt = within_s / steps;
    let mut chances = vec![0.0; likely];
    for _ in 0..steps as usize {
        let one = slope(&chances);
        let two = slope(&plus(&chances, &one, dt / 2.0));
        let three = slope(&plus(&chances, &two, dt / 2.0));
        let four = slope(&plus(&chances, &three, dt));
        for at in 0..likely {
            let sum = one[at] + 2.0 * two[at] + 2.0 * three[at] + four[at];
            chances[at] += sum * dt / 6.0;
        }
    }
    chances
}
