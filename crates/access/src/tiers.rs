//! The agents' levels and what each may do (分层权限).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::{Permission, Tier};

/// How many levels there may be.
pub const MAX_TIERS: usize = 16;

/// What each level of agents may do. Checked once, when made: every level may do all that the
/// levels below it may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tiers {
    permissions: BTreeMap<Tier, BTreeSet<Permission>>,
}

/// Why a configuration of levels is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TiersError {
    /// More than [`MAX_TIERS`] levels.
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Levels count from 1.
    LevelZero,
    /// The same level is written twice.
    Twice {
        /// Which.
        tier: Tier,
    },
    /// A level may not do what a lower one may.
    NotSubset {
        /// The level that lacks it.
        tier: Tier,
        /// The level below that holds it.
        below: Tier,
        /// What is lacking.
        permission: Permission,
    },
    /// A permission that comes with a role and never with a level.
    NotForTiers {
        /// The level that it was given to.
        tier: Tier,
        /// What was given.
        permission: Permission,
    },
}

impl fmt::Display for TiersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { count } => {
                write!(f, "{count} tiers are configured; at most {MAX_TIERS} are possible")
            }
            Self::LevelZero => f.write_str("tier 0 does not exist; tiers count from 1"),
            Self::Twice { tier } => write!(f, "tier {} is configured twice", tier.level),
            Self::NotSubset { tier, below, permission } => write!(
                f,
                "tier {} lacks '{permission}', which tier {} below it holds; \
                 add it to tier {} or take it from tier {}",
                tier.level, below.level, tier.level, below.level
            ),
            Self::NotForTiers { tier, permission } => write!(
                f,
                "tier {} is given '{permission}', which comes with a role and never with a tier; \
                 remove it from tier {}",
                tier.level, tier.level
            ),
        }
    }
}

impl std::error::Error for TiersError {}

/// Whether `permission` can be given to a level of agents; the others come with a role.
pub const fn is_tier_permission(permission: Permission) -> bool {
    match permission {
        Permission::PolicyView
        | Permission::ClaimRegister
        | Permission::PolicyEndorse
        | Permission::ComplaintHandle
        | Permission::ClaimSettle
        | Permission::CustomerUnmask
        | Permission::MessageHandle
        | Permission::CallOutbound => true,
        Permission::CallHandle
        | Permission::CallViewOwn
        | Permission::CallViewAll
        | Permission::RecordingPlay
        | Permission::RecordingPause
        | Permission::RecordingHold
        | Permission::CallTrace
        | Permission::FloorSteer
        | Permission::BoardView
        | Permission::Administer => false,
    }
}

impl Tiers {
    /// The levels as configured, in any order.
    ///
    /// # Errors
    /// [`TiersError`] names the level and the permission that are wrong; levels are checked from
    /// the lowest up, so that the first error is the one to mend first.
    pub fn new<L, P>(levels: L) -> Result<Self, TiersError>
    where
        L: IntoIterator<Item = (Tier, P)>,
        P: IntoIterator<Item = Permission>,
    {
        let mut permissions = BTreeMap::new();
        for (tier, held) in levels {
            if tier.level == 0 {
                return Err(TiersError::LevelZero);
            }
            let held: BTreeSet<Permission> = held.into_iter().collect();
            if permissions.insert(tier, held).is_some() {
                return Err(TiersError::Twice { tier });
            }
        }
        let tiers = Self { permissions };
        tiers.check()?;
        Ok(tiers)
    }

    fn check(&self) -> Result<(), TiersError> {
        if self.permissions.len() > MAX_TIERS {
            return Err(TiersError::TooMany { count: self.permissions.len() });
        }
        let mut lower: Option<(Tier, &BTreeSet<Permission>)> = None;
        for (&tier, held) in &self.permissions {
            if let Some(&permission) = held.iter().find(|held| !is_tier_permission(**held)) {
                return Err(TiersError::NotForTiers { tier, permission });
            }
            // Comparing neighbours is enough: being a subset carries over.
            if let Some((below, below_held)) = lower
                && let Some(&permission) = below_held.difference(held).next()
            {
                return Err(TiersError::NotSubset { tier, below, permission });
            }
            lower = Some((tier, held));
        }
        Ok(())
    }

    /// What agents of `tier` may do; `None` if there is no such level.
    pub fn permissions(&self, tier: Tier) -> Option<&BTreeSet<Permission>> {
        self.permissions.get(&tier)
    }

    /// Every level with what it may do, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (Tier, &BTreeSet<Permission>)> {
        self.permissions.iter().map(|(&tier, held)| (tier, held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(level: u8) -> Tier {
        Tier { level }
    }

    #[test]
    fn a_tier_that_lacks_what_a_lower_one_holds_is_refused_by_name() {
        let error = Tiers::new([
            (tier(2), vec![Permission::PolicyEndorse]),
            (tier(1), vec![Permission::PolicyView]),
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "tier 2 lacks 'policy.view', which tier 1 below it holds; \
             add it to tier 2 or take it from tier 1"
        );
    }

    #[test]
    fn a_gap_between_levels_does_not_hide_a_missing_permission() {
        let error = Tiers::new([
            (tier(1), vec![Permission::PolicyView]),
            (tier(3), vec![Permission::PolicyView, Permission::ClaimSettle]),
            (tier(7), vec![Permission::PolicyView]),
        ])
        .unwrap_err();
        let permission = Permission::ClaimSettle;
        assert_eq!(error, TiersError::NotSubset { tier: tier(7), below: tier(3), permission });
    }

    #[test]
    fn no_tier_can_be_made_an_administrator() {
        let permission = Permission::Administer;
        let error = Tiers::new([(tier(3), vec![permission])]).unwrap_err();
        assert_eq!(error, TiersError::NotForTiers { tier: tier(3), permission });
        assert!(error.to_string().contains("'engine.administer'"), "{error}");
    }

    #[test]
    fn levels_count_from_one_once_each_and_are_few() {
        let none: [Permission; 0] = [];
        assert_eq!(Tiers::new([(tier(0), none)]), Err(TiersError::LevelZero));
        let twice = Tiers::new([(tier(1), none), (tier(1), none)]);
        assert_eq!(twice, Err(TiersError::Twice { tier: tier(1) }));
        let many = Tiers::new((1..=17).map(|level| (tier(level), none)));
        assert_eq!(many, Err(TiersError::TooMany { count: 17 }));
        assert!(Tiers::new((1..=16).map(|level| (tier(level), none))).is_ok());
    }

    #[test]
    fn tiers_are_walked_from_the_lowest_up() {
        let both = vec![Permission::PolicyView, Permission::ClaimRegister];
        let tiers = Tiers::new([(tier(2), both), (tier(1), vec![Permission::PolicyView])]).unwrap();
        let levels: Vec<u8> = tiers.iter().map(|(tier, _)| tier.level).collect();
        assert_eq!(levels, [1, 2]);
        assert_eq!(tiers.permissions(tier(1)).map(BTreeSet::len), Some(1));
        assert_eq!(tiers.permissions(tier(9)), None);
    }
}
