//! Whole lives of grants, from consent to death, through the real server: weeks and months of simulated time, seen as a
//! product sees them, by its tokens, its events and its lists.

mod clocks;
mod evercam;
mod life;
mod permanent;
mod reconsent;
mod seen;
mod settling;
mod told;
mod two_ends;
mod week;
mod window;

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The notices of an end that no refresh moves, in hours before it.
const NOTICES: [i64; 3] = [48, 24, 4];

/// In whole seconds, as times of the contract are compared here.
fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap()
}
