//! A Postgres store is restored from a dump, elsewhere and beside the original.

use broker_e2e::{Fleet, Site, ask, http};
use broker_proto::v1::{GrantPhase, Reason};
use provider_sim::Endpoint;

use crate::BINARY;
use crate::fleet::patience::refresh_patiently;

const GRANTS: usize = 4;
const DEATH_DETECTION: &str = "2s";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restored_dump_serves_and_rotates_nothing_until_it_is_declared_the_only_copy() {
    let mut fleet = Fleet::plan(BINARY)
        .children()
        .replicas(2)
        .scheduler()
        .rotation("heartbeat", "500ms")
        .rotation("death_detection", DEATH_DETECTION)
        .rotation("tick", "200ms")
        .start()
        .await;
    let keys = fleet.consents(Site::Strict, 0..GRANTS).await;
    for key in &keys {
        fleet.client(0).refresh(key).await.unwrap();
    }
    let backup = fleet.database.restored(&fleet.postgres, "restored").await;
    // What happens after a backup is not in it: these tokens are dead at the provider.
    fleet.client(0).refresh(&keys[0]).await.unwrap();
    for replica in 0..2 {
        fleet.take(replica).stop().await;
    }
    let journal = fleet.simulator(Site::Strict).journal().clone();
    let presentations = || journal.count(|entry| entry.endpoint == Endpoint::Refresh);
    let before = presentations();

    let home = fleet.home("restored", &backup);
    let restored = fleet.start_stranger(&home).await;
    home.until_logged("refresh is paused").await;
    assert!(home.log().contains("token-broker store adopt"), "it says what to do");
    // Any tick would refresh them all.
    backup.make_all_due().await;
    for key in &keys {
        let refused = restored.client.refresh(key).await.unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::BackendUnavailable), "{refused}");
        assert_eq!(restored.client.grant(key).await.unwrap().phase(), GrantPhase::Idle);
    }
    let ready = http::get(restored.http(), "/readyz", "").await.1;
    assert!(ready.contains("refresh: paused"), "{ready}");
    assert_eq!((presentations(), backup.open_attempts().await), (before, 0), "nothing was presented");

    let (status, said) = fleet.command(&["store", "adopt"], &home).await;
    assert!(status.success(), "{said}");
    for key in &keys[1..] {
        assert!(refresh_patiently(&restored.client, key).await.unwrap().generation >= 3);
        let token = restored.client.token(ask(key)).await.unwrap();
        assert_eq!(fleet.api_status(Site::Strict, &token).await, 200);
    }
    // One that was rotated after the backup cannot be rescued: its token is spent, as the provider says.
    restored.client.refresh(&keys[0]).await.unwrap_err();
    restored.stop().await;
    fleet.close().await;
}
