//! A process that vends, of one version, and one that rotates, of the other.

use broker_e2e::{Site, ask};
use broker_proto::v1::ServedStaleReason;

use super::{current, migrate, plan, previous, replace, until_served};

const ROTATOR: usize = 0;
const API: usize = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the version before: cargo xtask upgrade"]
async fn a_process_that_vends_has_the_other_version_rotate_for_it() {
    let mut fleet = plan().roles(&["rotator", "api"]).start().await;
    migrate(&fleet).await;
    for (user, (rotator, api)) in [(previous(), current()), (current(), previous())].into_iter().enumerate() {
        replace(&mut fleet, ROTATOR, &rotator).await;
        replace(&mut fleet, API, &api).await;
        let key = fleet.expired_consents(Site::Strict, user..user + 1).await.remove(0);
        until_served(&fleet, API, &key).await;
        let token = fleet.client(API).token(ask(&key)).await.unwrap();
        assert_eq!((token.generation, token.served_stale_reason()), (2, ServedStaleReason::Unspecified));
        assert_eq!(fleet.api_status(Site::Strict, &token).await, 200);
    }
    assert_eq!(fleet.simulator(Site::Strict).journal().max_presentations(), 1);
    fleet.close().await;
}
