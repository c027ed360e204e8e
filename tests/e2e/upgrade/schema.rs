//! This version on the schema of the one before.

use std::process::Stdio;

use broker_e2e::Site;
use tokio::process::Command;

use super::{all_work, current, migrate, plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the version before: cargo xtask upgrade"]
async fn this_version_does_not_serve_before_the_schema_is_migrated() {
    let mut fleet = plan().replicas(1).start().await;
    fleet.take(0).stop().await;
    for role in ["all", "rotator"] {
        let mut serve = Command::new(current());
        serve.args(["serve", "--role", role, "--config"]).arg(&fleet.home_of(0).config);
        let output = serve.stdin(Stdio::null()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && output.stdout.is_empty(), "it has not served: {said}");
        assert!(said.contains("run `token-broker migrate` first"), "{said}");
    }

    migrate(&fleet).await;
    migrate(&fleet).await;
    fleet.restart_as(0, &current()).await;
    let keys = fleet.consents(Site::Strict, 0..1).await;
    all_work(&fleet, Site::Strict, &keys, &[0]).await;
    fleet.close().await;
}
