//! Nobody has the caller's number.

use sim::LookupBehaviour;

use crate::lookup_late::told;

#[test]
fn the_screen_says_unknown() {
    assert_eq!(told(LookupBehaviour::Unknown(50)), ["pending", "unknown"]);
}
