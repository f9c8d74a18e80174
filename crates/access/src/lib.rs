//! Roles, tiers, permissions, lock-out.
