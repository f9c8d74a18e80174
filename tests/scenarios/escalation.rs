//! A call does not wait for a time to pass where nobody could take it anyway.

use acd::TierStep;
use model::{FactBody, Opened, Opens, Tier};
use sim::{PhonePlan, Settings, Weather, World, settings};

use crate::{assert_sound, call, rings};

/// The general queue opens to the second tier when none of the first is idle, 20 s at the latest.
fn helped() -> Settings {
    let opens = Opens { idle: Some(0), ..Opens::after(20_000) };
    let tier = |level| Tier { level };
    let steps = vec![
        TierStep::new(tier(1), 0),
        TierStep { opens, ..TierStep::new(tier(2), 20_000) },
        TierStep::new(tier(3), 40_000),
    ];
    Settings { steps: [("general".into(), steps)].into(), ..settings() }
}

#[test]
fn the_second_caller_is_not_kept_for_twenty_seconds_while_the_second_tier_has_nothing_to_do() {
    let mut world = World::new(&helped(), Weather::FAIR, 1);
    for agent in ["8001", "8011"] {
        world.phone(0, PhonePlan::of(agent));
    }
    call(&mut world, 1_000, 60_000);
    call(&mut world, 3_000, 60_000);
    world.run_until(120_000);
    let rang = |agent: &str| rings(&world, agent)[0].as_ms();
    assert!((1_000..1_100).contains(&rang("8001")), "{}", rang("8001"));
    assert!((3_000..3_100).contains(&rang("8011")), "{}", rang("8011"));
    let opened = |fact: &model::Fact| match fact.body {
        FactBody::TierReached { tier, step, why, .. } => Some((tier.map(|t| t.level), step, why)),
        _ => None,
    };
    let opened: Vec<_> = world.facts().iter().filter_map(opened).collect();
    assert_eq!(opened, [(Some(2), 2, Opened::Idle)], "what opened it is a fact");
    assert_sound(&world);
}
