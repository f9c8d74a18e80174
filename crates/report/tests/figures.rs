//! What the board and the metrics page show.

mod story;

use model::{AgentState, AgentStatus, FactBody, MissedCause, Mono, Outcome, QueueId, Wall};
use report::{Counts, Figures, FiguresConfig, QueueFigures};
use story::{MIDNIGHT_US, Story, agent};

fn figures(story: &Story) -> Figures {
    let queues = ["claims", "general"].map(QueueId::from);
    let mut figures = Figures::new(FiguresConfig::default(), queues);
    story.facts.iter().for_each(|fact| figures.apply(fact));
    figures
}

fn of(figures: &Figures, queue: &str) -> QueueFigures {
    let found = figures.queues().find(|(name, _)| name.as_str() == queue);
    found.map(|(_, figures)| figures.clone()).unwrap_or_default()
}

#[test]
fn a_queue_counts_who_waits_talks_is_answered_and_leaves() {
    let mut story = Story::new(1);
    for counter in 1..=4 {
        story.at(u64::from(counter) * 100).arrives(counter).queued(counter, "claims");
    }
    story.at(1_000).arrives(5);
    story.at(5_000).offered(1, 1, "8001").missed(1, 1, "8001", MissedCause::NoAnswer);
    story.at(6_100).offered(1, 2, "8002").agent_answers(1, 2, "8002");
    story.at(30_200).offered(2, 3, "8001").agent_answers(2, 3, "8001");
    story.at(31_000).ends(3, Outcome::Abandoned);
    let figures = figures(&story);
    let claims = of(&figures, "claims");
    assert_eq!((claims.waiting, claims.talking), (1, 2));
    assert_eq!(
        claims.total,
        Counts {
            entered: 4,
            answered: 2,
            answered_in_time: 1,
            abandoned: 1,
            abandoned_in_time: 0,
            late: 2,
            missed: 1,
            waited_ms: 36_000,
        }
    );
    assert_eq!(claims.today, claims.total);
    assert_eq!(claims.total.service_level_permille(), Some(333));
    assert_eq!(claims.total.average_wait_ms(), Some(18_000));
    assert_eq!(of(&figures, "general"), QueueFigures::default(), "shown before its first call");
    assert_eq!(figures.longest_waiting_since(&QueueId::from("claims")), Some(Mono::from_ms(400)));
    assert_eq!(figures.longest_waiting_since(&QueueId::from("general")), None);
    assert_eq!((figures.open_calls(), figures.arrived()), (4, 5));
    assert_eq!(figures.outcomes().get(&Outcome::Abandoned), Some(&1));
}

#[test]
fn nobody_answered_means_no_service_level() {
    assert_eq!(Counts::default().service_level_permille(), None);
    assert_eq!(Counts::default().average_wait_ms(), None);
}

#[test]
fn an_answer_at_the_limit_is_in_time() {
    for (waited_ms, in_time) in [(20_000, 1), (20_001, 0)] {
        let mut story = Story::new(1);
        story.at(0).arrives(1).queued(1, "claims");
        story.at(waited_ms).agent_answers(1, 1, "8001");
        assert_eq!(of(&figures(&story), "claims").total.answered_in_time, in_time);
    }
}

#[test]
fn a_call_that_ends_leaves_its_queue_and_its_conversation() {
    let mut story = Story::new(1);
    story.conversation(1, 0);
    story.at(70_000).arrives(2).queued(2, "claims");
    story.at(71_000).queued(2, "general");
    story.at(72_000).ends(2, Outcome::Error);
    let figures = figures(&story);
    for queue in ["claims", "general"] {
        let queue = of(&figures, queue);
        assert_eq!((queue.waiting, queue.talking, queue.total.abandoned), (0, 0, 0));
    }
    assert_eq!(of(&figures, "general").total.entered, 1);
    assert_eq!(figures.open_calls(), 0);
}

#[test]
fn at_the_hotlines_midnight_today_begins_anew_and_totals_stay() {
    let mut story = Story::new(1);
    story.began_at(MIDNIGHT_US - 10_000_000);
    story.at(0).arrives(1).queued(1, "claims");
    story.at(1_000).ends(1, Outcome::Abandoned);
    let mut figures = figures(&story);
    figures.turn_day(Wall(MIDNIGHT_US - 1));
    assert_eq!(of(&figures, "claims").today.abandoned, 1);
    figures.turn_day(Wall(MIDNIGHT_US));
    assert_eq!(of(&figures, "claims").today, Counts::default());
    assert_eq!(of(&figures, "claims").total.abandoned, 1);
    assert!(figures.outcomes_today().is_empty());
    assert_eq!(figures.outcomes().get(&Outcome::Abandoned), Some(&1));
    // A clock that is set back does not bring yesterday back.
    figures.turn_day(Wall(MIDNIGHT_US - 1));
    assert_eq!(of(&figures, "claims").today, Counts::default());
}

#[test]
fn agents_are_shown_as_they_are_and_a_new_engine_begins_with_none() {
    let mut story = Story::new(1);
    story.at(0).arrives(1).queued(1, "claims").agent_is("8001", AgentState::Ringing, Some(1));
    let shown = figures(&story);
    let agents: Vec<_> = shown.agents().collect();
    assert_eq!(agents, [(&agent("8001"), &(AgentStatus::Ready, AgentState::Ringing))]);
    story.tell(FactBody::EngineStarted {
        code_version: "0.1.0".to_owned(),
        config_sha256: String::new(),
    });
    story.ends(1, Outcome::EngineLost);
    let shown = figures(&story);
    assert_eq!((shown.agents().count(), shown.open_calls()), (0, 0));
    assert_eq!(of(&shown, "claims").waiting, 0);
    assert_eq!(shown.outcomes().get(&Outcome::EngineLost), Some(&1));
}
