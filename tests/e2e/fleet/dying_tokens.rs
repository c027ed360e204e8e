//! An access token that died of a refresh at one replica is not served by another.

use std::time::{Duration, Instant};

use broker_e2e::{Fleet, Site, ask};
use broker_proto::v1::GrantKey;

use crate::BINARY;

const GRANTS: usize = 10;
/// Redis is asked every 2 s whether it is there; then nothing cached is trusted for long.
const LONGEST_DEAD: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_died_at_one_replica_is_served_by_no_other() {
    let fleet = Fleet::plan(BINARY).replicas(2).start().await;
    let keys = fleet.consents(Site::Dying, 0..GRANTS).await;
    let (on, off) = keys.split_at(GRANTS - 2);

    for key in on {
        refresh_elsewhere(&fleet, key).await;
    }
    fleet.redis.pause().await;
    refresh_elsewhere(&fleet, &off[0]).await;
    fleet.redis.resume().await;
    fleet.redis.kill().await;
    refresh_elsewhere(&fleet, &off[1]).await;
    fleet.close().await;
}

/// One replica has the token in its cache, the other refreshes it.
async fn refresh_elsewhere(fleet: &Fleet, key: &GrantKey) {
    let old = fleet.client(1).token(ask(key)).await.unwrap();
    assert_eq!((old.generation, fleet.api_status(Site::Dying, &old).await), (1, 200));
    let refreshed = fleet.client(0).refresh(key).await.unwrap();
    assert_eq!(refreshed.generation, 2);
    assert_eq!(fleet.api_status(Site::Dying, &old).await, 401, "the old token is dead");

    let adopted = Instant::now();
    let token = fleet.until_generation(1, key, 2).await;
    let dead = adopted.elapsed();
    assert!(dead < LONGEST_DEAD, "a dead token was served for {dead:?}");
    assert_eq!(fleet.api_status(Site::Dying, &token).await, 200);
}
