//! What someone may do, and the levels of agents.

use std::fmt;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident $text:literal)*) => {
        /// Something that is allowed to some and refused to others.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Permission] = &[$(Permission::$name,)*];

            /// The name in configuration, API and audit.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Permission::$name => $text,)*
                }
            }

            /// The permission of that name.
            pub fn from_name(name: &str) -> Option<Permission> {
                Self::ALL.iter().copied().find(|permission| permission.as_str() == name)
            }
        }
    };
}

permissions! {
    /// See a policy's details.
    PolicyView "policy.view"
    /// Register a claim (报案).
    ClaimRegister "claim.register"
    /// Endorse a policy (批改).
    PolicyEndorse "policy.endorse"
    /// Handle a complaint.
    ComplaintHandle "complaint.handle"
    /// Settle a claim.
    ClaimSettle "claim.settle"
    /// See a customer's personal data unmasked.
    CustomerUnmask "customer.unmask"
    /// Call numbers outside, as far as the lines' lists allow.
    CallOutbound "call.outbound"
    /// Handle calls: have a state, be offered calls, wrap up.
    CallHandle "call.handle"
    /// See one's own calls' records.
    CallViewOwn "call.view_own"
    /// See all calls' records.
    CallViewAll "call.view_all"
    /// Play all calls' recordings.
    RecordingPlay "recording.play"
    /// Pause and resume the recordings of others' calls.
    RecordingPause "recording.pause"
    /// Put recordings under legal hold and release them.
    RecordingHold "recording.hold"
    /// Hear the messages that callers left, and deal with them.
    MessageHandle "message.handle"
    /// See the SIP messages of all calls, personal data masked.
    CallTrace "call.trace"
    /// Steer: move, assign and prefer waiting calls, change agents' states, decide on what agents
    /// ask for, and put emergency plans on and off.
    FloorSteer "floor.steer"
    /// See the live board.
    BoardView "board.view"
    /// Change the configuration.
    Administer "engine.administer"
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What someone is employed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Role {
    /// 座席.
    Agent,
    /// 班长.
    Supervisor,
    /// 质检员.
    Inspector,
    /// 管理员.
    Administrator,
}

impl Role {
    /// The name in configuration and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Inspector => "inspector",
            Self::Administrator => "administrator",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Role> {
        [Self::Agent, Self::Supervisor, Self::Inspector, Self::Administrator]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// A level of agents, from 1 up; level k's permissions are a subset of level k+1's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tier {
    /// 1 is the first line.
    pub level: u8,
}
