//! An api process proves at its start that it cannot open what rotates tokens.

use broker_e2e::{Fleet, Site, ask};

use crate::BINARY;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_for_both_purposes_keeps_an_api_process_from_starting() {
    let fleet = Fleet::plan(BINARY).replicas(1).children().start().await;
    let home = fleet.home_as("api", "api", &fleet.database);
    let (status, said) = fleet.command(&["serve", "--role", "api"], &home).await;
    assert!(!status.success(), "{said}");
    assert!(said.contains("`kek-1`") && said.contains("[keys.rotation]"), "{said}");
    assert!(said.contains("keys rotate kek"), "{said}");
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_key_of_rotators_in_the_configuration_is_refused() {
    let fleet = Fleet::plan(BINARY).roles(&["rotator", "api"]).start().await;
    let (status, said) = fleet.command(&["config", "check", "--role", "api"], fleet.home_of(0)).await;
    assert!(!status.success() && said.contains("[keys.rotation] opens refresh tokens"), "{said}");
    for (role, home) in [("rotator", 0), ("api", 1)] {
        let (status, said) = fleet.command(&["config", "check", "--role", role], fleet.home_of(home)).await;
        assert!(status.success(), "{said}");
    }
    let key = fleet.consents(Site::Strict, 0..1).await.remove(0);
    assert!(fleet.client(1).token(ask(&key)).await.is_ok());
    fleet.close().await;
}
