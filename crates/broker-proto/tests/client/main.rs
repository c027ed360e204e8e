//! The client that keeps tokens, against a broker that answers what a test says.
//!
//! Time is tokio's, paused: it moves when everybody waits.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers too")]

mod cache;
mod due;
mod fake;
mod layer;
mod outage;
mod rejected;
mod replicas;
mod watch;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use broker_proto::client::{Clock, Options, TokenClient};
use broker_proto::v1::GrantKey;
use tokio::time::Instant;

use self::fake::Fake;

/// How long a token of the fake lives.
const LIFE: Duration = Duration::from_secs(600);

/// The clock of the fake and of the client: tokio's, from 2001 on.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000) + self.0.elapsed()
    }
}

/// A client of a new fake, with retries that are not spread.
fn client() -> (TokenClient, Fake) {
    client_with(|options| options)
}

/// The same, with options that a test changes.
fn client_with(change: impl FnOnce(Options) -> Options) -> (TokenClient, Fake) {
    let clock = Arc::new(PausedClock(Instant::now()));
    let fake = Fake::new(clock.clone());
    let options = Options { clock, jitter: Arc::new(|| 0.0), ..Options::default() };
    (TokenClient::new(fake.service(), change(options)), fake)
}

fn key(user: &str) -> GrantKey {
    let [tenant_id, provider, user_id] = ["acme", "evercam", user].map(str::to_owned);
    GrantKey { tenant_id, provider, user_id, account: String::new() }
}

/// Lets so much time pass that everything due by then has happened.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds) + Duration::from_millis(1)).await;
}
