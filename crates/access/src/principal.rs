//! Someone who signed in, and the one question that is asked about them.

use std::collections::BTreeSet;
use std::fmt;

use model::{Permission, Role, Tier, UserId};

use crate::Tiers;

/// Someone who signed in, with everything they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
    /// An agent's level; nobody else has one.
    pub tier: Option<Tier>,
    /// What the role and the level allow together.
    pub permissions: BTreeSet<Permission>,
}

/// Why an account cannot be made a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalError {
    /// An agent without a level could be offered no call.
    AgentWithoutTier {
        /// Whose account.
        user: UserId,
    },
    /// The level is not configured.
    UnknownTier {
        /// Whose account.
        user: UserId,
        /// Its level.
        tier: Tier,
    },
    /// Only agents have a level.
    TierWithoutAgent {
        /// Whose account.
        user: UserId,
        /// Its role.
        role: Role,
    },
}

impl fmt::Display for PrincipalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentWithoutTier { user } => {
                write!(f, "agent '{user}' has no tier; give it one, such as tier = 1")
            }
            Self::UnknownTier { user, tier } => write!(
                f,
                "agent '{user}' is of tier {}, which is not configured; \
                 configure tier {} or correct the agent",
                tier.level, tier.level
            ),
            Self::TierWithoutAgent { user, role } => write!(
                f,
                "'{user}' has a tier but is of role '{}'; only agents have one: remove it",
                role.as_str()
            ),
        }
    }
}

impl std::error::Error for PrincipalError {}

/// A refusal; whoever answers it also audits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What would have been needed.
    pub permission: Permission,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this needs the permission '{}'", self.permission)
    }
}

impl std::error::Error for Refused {}

/// What a role brings by itself; an agent's level adds to it.
///
/// No role brings `customer.unmask`: a supervisor steers by the board, an inspector judges the
/// conversation and an administrator keeps the engine running, none of which needs an identity
/// number in clear. Playing a recording is the inspector's alone, and the administrator sees no
/// records of calls: whoever can change the rules should not also read what they protect. What the
/// administrator does see is a call's signalling, without numbers and names, to find out why a
/// phone or a line does not work; the supervisor, to whom agents complain, sees it as well.
pub const fn role_permissions(role: Role) -> &'static [Permission] {
    match role {
        Role::Agent => &[Permission::CallHandle, Permission::CallViewOwn],
        Role::Supervisor => &[
            Permission::BoardView,
            Permission::CallViewAll,
            Permission::CallTrace,
            Permission::RecordingPause,
            Permission::RecordingHold,
            Permission::MessageHandle,
            Permission::FloorSteer,
        ],
        Role::Inspector => &[
            Permission::BoardView,
            Permission::CallViewAll,
            Permission::RecordingPlay,
            Permission::RecordingHold,
        ],
        Role::Administrator => {
            &[Permission::Administer, Permission::BoardView, Permission::CallTrace]
        }
    }
}

impl Principal {
    /// Joins what the role and the level allow.
    ///
    /// # Errors
    /// [`PrincipalError`] if an agent has no (known) level, or someone else has one.
    pub fn new(
        user: UserId,
        role: Role,
        tier: Option<Tier>,
        tiers: &Tiers,
    ) -> Result<Self, PrincipalError> {
        let mut permissions: BTreeSet<Permission> =
            role_permissions(role).iter().copied().collect();
        match (role, tier) {
            (Role::Agent, Some(tier)) => match tiers.permissions(tier) {
                Some(held) => permissions.extend(held),
                None => return Err(PrincipalError::UnknownTier { user, tier }),
            },
            (Role::Agent, None) => return Err(PrincipalError::AgentWithoutTier { user }),
            (Role::Supervisor | Role::Inspector | Role::Administrator, None) => {}
            (Role::Supervisor | Role::Inspector | Role::Administrator, Some(_)) => {
                return Err(PrincipalError::TierWithoutAgent { user, role });
            }
        }
        Ok(Self { user, role, tier, permissions })
    }

    /// Whether they hold `permission`: for choosing what to show, not for guarding it.
    pub fn holds(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}

/// Whether `principal` may do what needs `permission`.
///
/// # Errors
/// [`Refused`], which names the permission, if not.
pub fn may(principal: &Principal, permission: Permission) -> Result<(), Refused> {
    if principal.holds(permission) { Ok(()) } else { Err(Refused { permission }) }
}
