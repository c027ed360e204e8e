//! A rotator whose login may do what a rotator has to, and no more.

use broker_e2e::{Fleet, Site};

use crate::BINARY;

const ROTATOR: usize = 0;

/// Of a rotator, as docs/postgres.md has them.
const ROLES: [&str; 2] = ["token_broker_rotator", "token_broker_admin"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotators_login_adopts_the_store_and_rotates() {
    let mut fleet = Fleet::plan(BINARY).roles(&["rotator", "api"]).start().await;
    let key = fleet.expired_consents(Site::Strict, 0..1).await.remove(0);
    fleet.take(ROTATOR).stop().await;
    let login = fleet.database.of_member("least_rotator", &ROLES).await;
    let home = fleet.home_as("rotator", "replica-0", &login);

    let before = fleet.database.installation().await;
    let (status, said) = fleet.command(&["store", "adopt"], &home).await;
    assert!(status.success(), "{said}");
    let after = fleet.database.installation().await;
    assert_ne!(before, after);
    assert!(said.starts_with(&format!("{after}\n")), "{said}");

    fleet.restart(ROTATOR).await;
    assert_eq!(fleet.client(ROTATOR).refresh(&key).await.unwrap().generation, 2);
    fleet.close().await;
}
