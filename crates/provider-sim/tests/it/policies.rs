//! How refresh tokens are treated is a matter of configuration.

use std::time::Duration;

use provider_sim::{EvercamConfig, GrantPolicy, ReusePolicy};

use crate::een::tokens;
use crate::evercam::Evercam;

#[tokio::test]
async fn one_simulator_can_treat_refresh_tokens_in_every_known_way() {
    let grace = ReusePolicy::grace(Duration::from_secs(30));
    let rotating = EvercamConfig::demo().grant_policy;
    // The rotated token again at once, the same after 31 s, and then the newest one.
    let table = [
        (rotating, ReusePolicy::reject(), [400, 400, 200]),
        (rotating, ReusePolicy::revoke_family(), [400, 400, 400]),
        (rotating, grace, [200, 400, 200]),
        (GrantPolicy::permanent_nonrotating(), ReusePolicy::reject(), [200, 200, 200]),
    ];
    for (grant_policy, reuse_policy, expected) in table {
        let evercam = Evercam::with(|config| {
            (config.grant_policy, config.reuse_policy) = (grant_policy, reuse_policy);
        })
        .await;
        let (_, first) = evercam.grant().await;
        let (_, newest) = tokens(&evercam.refresh(&first).await);
        let again = evercam.refresh(&first).await.status;
        evercam.advance(31);
        let late = evercam.refresh(&first).await.status;
        let last = evercam.refresh(&newest).await.status;
        assert_eq!([again, late, last], expected, "{grant_policy:?} {reuse_policy:?}");
    }
}
