//! Who may do what, with the demo's tiers.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use access::{Principal, PrincipalError, Tiers, is_tier_permission, may, role_permissions};
use model::{Permission, Role, Tier};

fn tier(level: u8) -> Tier {
    Tier { level }
}

fn demo() -> Tiers {
    let all = [
        Permission::PolicyView,
        Permission::ClaimRegister,
        Permission::PolicyEndorse,
        Permission::ComplaintHandle,
        Permission::ClaimSettle,
        Permission::CustomerUnmask,
        Permission::CallOutbound,
    ];
    let upto = |count: usize| all.into_iter().take(count).collect::<Vec<_>>();
    Tiers::new([(tier(1), upto(2)), (tier(2), upto(4)), (tier(3), upto(7))]).unwrap()
}

fn principal(role: Role, level: Option<u8>) -> Principal {
    Principal::new("someone".into(), role, level.map(tier), &demo()).unwrap()
}

/// Every permission with those who hold it, written out: a change here is a decision.
#[test]
fn everyone_holds_what_is_written_here_and_nothing_else() {
    let holders = [
        principal(Role::Agent, Some(1)),
        principal(Role::Agent, Some(2)),
        principal(Role::Agent, Some(3)),
        principal(Role::Supervisor, None),
        principal(Role::Inspector, None),
        principal(Role::Administrator, None),
    ];
    let table: [(Permission, [u8; 6]); 18] = [
        (Permission::PolicyView, [1, 1, 1, 0, 0, 0]),
        (Permission::ClaimRegister, [1, 1, 1, 0, 0, 0]),
        (Permission::PolicyEndorse, [0, 1, 1, 0, 0, 0]),
        (Permission::ComplaintHandle, [0, 1, 1, 0, 0, 0]),
        (Permission::ClaimSettle, [0, 0, 1, 0, 0, 0]),
        (Permission::CustomerUnmask, [0, 0, 1, 0, 0, 0]),
        (Permission::CallOutbound, [0, 0, 1, 0, 0, 0]),
        (Permission::CallHandle, [1, 1, 1, 0, 0, 0]),
        (Permission::CallViewOwn, [1, 1, 1, 0, 0, 0]),
        (Permission::CallViewAll, [0, 0, 0, 1, 1, 0]),
        (Permission::RecordingPlay, [0, 0, 0, 0, 1, 0]),
        (Permission::RecordingPause, [0, 0, 0, 1, 0, 0]),
        (Permission::RecordingHold, [0, 0, 0, 1, 1, 0]),
        (Permission::MessageHandle, [0, 0, 0, 1, 0, 0]),
        (Permission::CallTrace, [0, 0, 0, 1, 0, 1]),
        (Permission::FloorSteer, [0, 0, 0, 1, 0, 0]),
        (Permission::BoardView, [0, 0, 0, 1, 1, 1]),
        (Permission::Administer, [0, 0, 0, 0, 0, 1]),
    ];
    assert_eq!(table.map(|(permission, _)| permission).as_slice(), Permission::ALL);
    for (permission, expected) in table {
        let held = holders.each_ref().map(|holder| u8::from(may(holder, permission).is_ok()));
        assert_eq!(held, expected, "{permission}");
    }
}

#[test]
fn a_refusal_names_the_permission_for_the_audit() {
    let refused = may(&principal(Role::Agent, Some(1)), Permission::ClaimSettle).unwrap_err();
    assert_eq!(refused.permission, Permission::ClaimSettle);
    assert_eq!(refused.to_string(), "this needs the permission 'claim.settle'");
}

#[test]
fn a_higher_tier_may_all_that_a_lower_one_may() {
    for level in 1..3 {
        let (lower, higher) =
            (principal(Role::Agent, Some(level)), principal(Role::Agent, Some(level + 1)));
        assert!(lower.permissions.is_subset(&higher.permissions), "tier {level}");
    }
}

#[test]
fn no_role_brings_what_a_tier_is_for() {
    for role in [Role::Agent, Role::Supervisor, Role::Inspector, Role::Administrator] {
        // Messages are for a tier that has them, and for those who see that nobody is forgotten.
        let own = |permission: &&Permission| **permission != Permission::MessageHandle;
        for &permission in role_permissions(role).iter().filter(own) {
            assert!(!is_tier_permission(permission), "{} brings {permission}", role.as_str());
        }
    }
}

#[test]
fn an_account_whose_role_and_tier_do_not_go_together_is_refused_by_name() {
    let told = |role, level: Option<u8>| {
        let made = Principal::new("8001".into(), role, level.map(tier), &demo());
        made.unwrap_err().to_string()
    };
    assert!(told(Role::Agent, None).contains("agent '8001' has no tier"));
    assert!(told(Role::Agent, Some(4)).contains("agent '8001' is of tier 4, which is not"));
    let supervisor = told(Role::Supervisor, Some(1));
    assert!(supervisor.contains("'8001' has a tier but is of role 'supervisor'"), "{supervisor}");
    let error = Principal::new("qa".into(), Role::Inspector, Some(tier(3)), &demo());
    let expected = PrincipalError::TierWithoutAgent { user: "qa".into(), role: Role::Inspector };
    assert_eq!(error, Err(expected));
}
