//! Decisions in words, Chinese and English side by side.

use std::collections::BTreeMap;

use model::{
    AgentId, AgentState, Choice, Decision, Exclusion, NotReadyReason, Opens, Reason, Turn,
};

use super::{SaidBody, WhyMoment, WhyOffer, millis};

fn said(zh: impl Into<String>, en: impl Into<String>) -> SaidBody {
    SaidBody { zh: zh.into(), en: en.into() }
}

/// Why an offer was made.
pub(super) fn offer(offer: &WhyOffer) -> SaidBody {
    let agent = &offer.agent;
    let Some(Decision { choice, permission, .. }) = &offer.why else {
        return said(
            format!("这通电话给了座席 {agent}，不是排队分配的。"),
            format!("Offered to agent {agent}; no queue decided it."),
        );
    };
    let permission = permission.as_deref();
    match choice {
        Choice::Preferred => said(
            format!("来电在专等座席 {agent}，座席可接时就给了他。"),
            format!("The call waited for agent {agent} alone, who could take it."),
        ),
        Choice::Agents { strategy, turn, next, excluded } => {
            let (rule, own) = (rule(strategy), measure(strategy, *turn));
            let next: Vec<(String, SaidBody)> = next
                .iter()
                .map(|(agent, turn)| (agent.to_string(), measure(strategy, *turn)))
                .collect();
            let (next, out) = (after(&next), left_out(excluded, permission, Among::Agents));
            said(
                format!("按{}给了座席 {agent}（{}）。{}{}", rule.zh, own.zh, next.zh, out.zh),
                format!("{} went to agent {agent} ({}).{}{}", rule.en, own.en, next.en, out.en),
            )
        }
        Choice::Calls { score, next, excluded } => {
            let next: Vec<(String, SaidBody)> =
                next.iter().map(|(call, score)| (call.to_string(), seconds(*score))).collect();
            let (own, next) = (seconds(*score), after(&next));
            let out = left_out(excluded, permission, Among::Calls);
            said(
                format!(
                    "座席 {agent} 空闲下来，接得分最高的来电（{}）。{}{}",
                    own.zh, next.zh, out.zh
                ),
                format!(
                    "Agent {agent} became free and took the call with the highest score ({}).{}{}",
                    own.en, next.en, out.en
                ),
            )
        }
    }
}

/// What the strategies are called.
fn rule(strategy: &str) -> SaidBody {
    match strategy {
        "longest_idle" => said("最长空闲", "By longest idle it"),
        "least_occupied" => said("最低占用率", "By lowest occupancy it"),
        "skill_first" => said("技能优先", "By skill it"),
        "round_robin" => said("轮询", "By turns it"),
        "fewest_calls" => said("最少应答", "By fewest calls it"),
        "ring_all" => said("群振", "Ringing all, it"),
        "ring_progressive" => said("逐个加振", "Ringing more and more, it"),
        other => said(format!("策略 {other} "), format!("By '{other}' it")),
    }
}

/// What a strategy compared of one agent.
fn measure(strategy: &str, turn: Turn) -> SaidBody {
    let Turn { key, idle_ms } = turn;
    let idle = idle_ms / 1_000;
    let idle = said(format!("空闲 {idle} 秒"), format!("idle for {idle} s"));
    let (zh, en) = match strategy {
        "longest_idle" => return idle,
        "least_occupied" => {
            let percent = format!("{}.{}%", key / 10_000, key / 1_000 % 10);
            (format!("占用率 {percent}"), format!("{percent} occupied"))
        }
        "skill_first" | "ring_progressive" => {
            let level = 255_u64.saturating_sub(key);
            (format!("技能 {level} 级"), format!("level {level}"))
        }
        "round_robin" if key == 0 => ("还没轮到过".to_owned(), "no turn yet".to_owned()),
        "round_robin" => (format!("上次是第 {key} 次分配"), format!("last turn: decision {key}")),
        "fewest_calls" => (format!("已接 {key} 通"), format!("{key} calls answered")),
        _ => (format!("{key}"), format!("{key}")),
    };
    said(format!("{zh}，{}", idle.zh), format!("{en}, {}", idle.en))
}

fn seconds(score_ns: u64) -> SaidBody {
    let score = millis(score_ns) / 1_000;
    said(format!("{score} 分"), format!("score {score}"))
}

/// Who would have been next.
fn after(next: &[(String, SaidBody)]) -> SaidBody {
    if next.is_empty() {
        return SaidBody::default();
    }
    let zh: Vec<String> =
        next.iter().map(|(who, measured)| format!("{who}（{}）", measured.zh)).collect();
    let en: Vec<String> =
        next.iter().map(|(who, measured)| format!("{who} ({})", measured.en)).collect();
    said(format!("其次是 {}。", zh.join("、")), format!(" Next: {}.", en.join(", ")))
}

/// What was chosen from.
#[derive(Clone, Copy)]
enum Among {
    Agents,
    Calls,
}

/// How many were not chosen from, and for what.
fn left_out(
    excluded: &BTreeMap<Exclusion, u32>,
    permission: Option<&str>,
    among: Among,
) -> SaidBody {
    if excluded.is_empty() {
        return SaidBody::default();
    }
    let one = |(why, count): (&Exclusion, &u32)| -> SaidBody {
        let (words, unit) = (excluded_for(*why, permission, among), unit(among));
        said(format!("{count} {unit}{}", words.zh), format!("{count} {}", words.en))
    };
    let all: Vec<SaidBody> = excluded.iter().map(one).collect();
    let zh: Vec<&str> = all.iter().map(|words| words.zh.as_str()).collect();
    let en: Vec<&str> = all.iter().map(|words| words.en.as_str()).collect();
    said(format!("未参选：{}。", zh.join("，")), format!(" Not chosen from: {}.", en.join(", ")))
}

const fn unit(among: Among) -> &'static str {
    match among {
        Among::Agents => "位",
        Among::Calls => "通",
    }
}

fn excluded_for(why: Exclusion, permission: Option<&str>, among: Among) -> SaidBody {
    match (why, among) {
        (Exclusion::SignedOut, _) => said("未签入", "signed out"),
        (Exclusion::NotReady, _) => said("示忙", "not ready"),
        (Exclusion::Busy, _) => said("正忙", "busy"),
        (Exclusion::Resting, Among::Agents) => said("漏接后暂歇", "resting after a missed offer"),
        (Exclusion::Resting, Among::Calls) => said("回呼未到时间", "callbacks not yet due"),
        (Exclusion::NotReached, Among::Agents) => {
            said("未对其开放", "to whom the call was not open")
        }
        (Exclusion::NotReached, Among::Calls) => said("未对其开放", "not open to the agent"),
        (Exclusion::NotPermitted, Among::Agents) => {
            let needed = permission.unwrap_or_default();
            said(format!("缺少权限 {needed}"), format!("without the permission {needed}"))
        }
        (Exclusion::NotPermitted, Among::Calls) => {
            said("需要座席没有的权限", "in need of a permission that the agent does not hold")
        }
        (Exclusion::Offered, _) => said("正在振其他座席", "being offered to others"),
        (Exclusion::Preferring, _) => said("在专等其他座席", "waiting for another agent alone"),
    }
}

/// Why an agent had a call or had it not, at a moment.
pub(super) fn moment(moment: &WhyMoment, agent: &AgentId) -> SaidBody {
    let winner = moment.offered.as_ref().map(|offered| offered.agent.to_string());
    let winner = winner.unwrap_or_default();
    match &moment.reason {
        Reason::Offered => moment.offered.as_ref().map_or_else(SaidBody::default, offer),
        Reason::Next { place, turn } => next(moment, agent, *place, *turn),
        Reason::FurtherBack => said(
            format!("座席 {agent} 可以接，但前面还有六位以上。"),
            format!("Agent {agent} could have taken it; six or more were before them."),
        ),
        Reason::NotPreferred => said(
            format!("来电在专等座席 {winner}。"),
            format!("The call waited for agent {winner} alone."),
        ),
        Reason::UnknownAgent => {
            said(format!("没有座席 {agent}。"), format!("There is no agent {agent}."))
        }
        Reason::NotServing => said(
            format!("座席 {agent} 不服务这个技能组。"),
            format!("Agent {agent} does not serve the queue."),
        ),
        Reason::SignedOut => {
            said(format!("座席 {agent} 未签入。"), format!("Agent {agent} was signed out."))
        }
        Reason::NotReady(reason) => {
            let why = reason_words(*reason);
            said(
                format!("座席 {agent} 示忙（{}）。", why.zh),
                format!("Agent {agent} was not ready ({}).", why.en),
            )
        }
        Reason::Busy(state, call) => busy(agent, *state, *call),
        Reason::Resting => said(
            format!("座席 {agent} 漏接来电后在暂歇。"),
            format!("Agent {agent} was left alone after a missed offer."),
        ),
        Reason::NotReached { step } => not_reached(agent, *step),
        Reason::Replaced { by } => said(
            format!("来电已到第 {by} 步，从这一步起不再对座席 {agent} 开放。"),
            format!(
                "The call had reached step {by}, from which on agent {agent} does not take it."
            ),
        ),
        Reason::NotPermitted(permission) => said(
            format!("座席 {agent} 缺少权限 {permission}。"),
            format!("Agent {agent} does not hold the permission {permission}."),
        ),
        Reason::Free => said(
            format!("座席 {agent} 当时空闲，可以接；那一刻没有给他的分配。"),
            format!("Agent {agent} was free; nothing was given to them at that moment."),
        ),
    }
}

/// Who was before an agent, and by what.
fn next(moment: &WhyMoment, agent: &AgentId, place: usize, turn: Turn) -> SaidBody {
    let ahead = place.saturating_sub(1);
    let decided = moment.offered.as_ref().and_then(|offered| {
        let choice = &offered.why.as_ref()?.choice;
        match choice {
            Choice::Agents { strategy, turn, next, .. } => {
                Some((&offered.agent, strategy.as_str(), *turn, next))
            }
            Choice::Preferred | Choice::Calls { .. } => None,
        }
    });
    let Some((winner, strategy, won, others)) = decided else { return SaidBody::default() };
    let before = others.iter().take(ahead.saturating_sub(1)).map(|(agent, turn)| (agent, *turn));
    let named: Vec<(String, SaidBody)> = std::iter::once((winner, won))
        .chain(before)
        .map(|(agent, turn)| (agent.to_string(), measure(strategy, turn)))
        .collect();
    let zh: Vec<String> = named.iter().map(|(who, is)| format!("{who}（{}）", is.zh)).collect();
    let en: Vec<String> = named.iter().map(|(who, is)| format!("{who} ({})", is.en)).collect();
    let (better, own) = (better(strategy), measure(strategy, turn));
    said(
        format!(
            "{ahead} 位{}的座席在前：{}；座席 {agent}（{}）排第 {place}。",
            better.zh,
            zh.join("、"),
            own.zh
        ),
        format!(
            "{ahead} agents {} were before: {}; agent {agent} ({}) had place {place}.",
            better.en,
            en.join(", "),
            own.en
        ),
    )
}

/// What those have who go before.
fn better(strategy: &str) -> SaidBody {
    match strategy {
        "longest_idle" | "ring_all" => said("空闲更久", "idle for longer"),
        "least_occupied" => said("更空闲", "less occupied"),
        "skill_first" | "ring_progressive" => said("技能级别更高", "of a higher level"),
        "round_robin" => said("先轮到", "whose turn was earlier"),
        "fewest_calls" => said("接得更少", "with fewer calls"),
        _ => said("排序靠前", "ranked higher"),
    }
}

fn busy(agent: &AgentId, state: AgentState, call: Option<model::CallId>) -> SaidBody {
    let (zh, en) = match state {
        AgentState::Idle => ("正忙", "busy"),
        AgentState::Reserved => ("正在被分配另一通来电", "being offered another call"),
        AgentState::Ringing => ("正在振铃", "being rung"),
        AgentState::Talking => ("正在通话", "talking"),
        AgentState::Acw => ("在做话后处理", "in after-call work"),
    };
    let call = call.map(|call| format!("（{call}）")).unwrap_or_default();
    let en_call = call.replace('（', " (").replace('）', ")");
    said(format!("座席 {agent} {zh}{call}。"), format!("Agent {agent} was {en}{en_call}."))
}

fn not_reached(agent: &AgentId, step: Option<(u32, Opens)>) -> SaidBody {
    match step {
        Some((number, opens)) => {
            let SaidBody { zh, en } = opened_by(&opens);
            said(
                format!("来电要到第 {number} 步（{zh}）才对座席 {agent} 开放，当时还没到。"),
                format!(
                    "Step {number}, which opens to agent {agent}, was not open: it opens {en}."
                ),
            )
        }
        None => said(
            format!("这个技能组从不对座席 {agent} 的层级或级别开放。"),
            format!("The queue never opens to the tier or level of agent {agent}."),
        ),
    }
}

/// What opens a step, each of it enough.
fn opened_by(opens: &Opens) -> SaidBody {
    let Opens { after_ms, estimate_ms, service_permille, idle } = *opens;
    let after = after_ms
        .map(|ms| ms.div_ceil(1_000))
        .map(|s| said(format!("等满 {s} 秒"), format!("after {s} s")));
    let estimate = estimate_ms.map(|ms| ms.div_ceil(1_000)).map(|s| {
        said(format!("预计等待超过 {s} 秒"), format!("when the estimated wait is above {s} s"))
    });
    let service = service_permille.map(|permille| {
        let (whole, tenth) = (permille / 10, permille % 10);
        let percent = if tenth == 0 { whole.to_string() } else { format!("{whole}.{tenth}") };
        said(
            format!("服务水平低于 {percent}%"),
            format!("when the service level is below {percent} %"),
        )
    });
    let idle = idle.map(|most| {
        said(
            format!("前面各步的空闲座席不超过 {most} 人"),
            format!("when no more than {most} of the agents before it are idle"),
        )
    });
    let all: Vec<SaidBody> = [after, estimate, service, idle].into_iter().flatten().collect();
    let zh: Vec<&str> = all.iter().map(|words| words.zh.as_str()).collect();
    let en: Vec<&str> = all.iter().map(|words| words.en.as_str()).collect();
    said(zh.join("，或"), en.join(", or "))
}

fn reason_words(reason: NotReadyReason) -> SaidBody {
    match reason {
        NotReadyReason::SignedIn => said("刚签入", "just signed in"),
        NotReadyReason::Break => said("小休", "break"),
        NotReadyReason::Meal => said("用餐", "meal"),
        NotReadyReason::Training => said("培训", "training"),
        NotReadyReason::Meeting => said("会议", "meeting"),
        NotReadyReason::BackOffice => said("后台事务", "back office"),
        NotReadyReason::NoAnswer => said("久振不应", "did not answer"),
        NotReadyReason::Rejected => said("拒接来电", "rejected a call"),
        NotReadyReason::Busy => said("话机占线", "phone busy"),
        NotReadyReason::Unreachable => said("话机不可达", "phone unreachable"),
        NotReadyReason::Error => said("话机故障", "phone failed"),
    }
}
