//! An update, one replica after the other, and the way back.

use broker_e2e::Site;
use broker_e2e::client::read;
use broker_proto::v1::VerifyAuditLogRequest;

use super::{all_work, current, migrate, plan, previous, replace};

const REPLICAS: [usize; 3] = [0, 1, 2];
const GRANTS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the version before: cargo xtask upgrade"]
async fn replicas_are_updated_one_by_one_and_put_back_and_every_one_works_at_every_moment() {
    let mut fleet = plan().scheduler().rotation("tick", "200ms").start().await;
    let mut keys = fleet.consents(Site::Strict, 0..GRANTS).await;
    all_work(&fleet, Site::Strict, &keys, &REPLICAS).await;

    migrate(&fleet).await;
    all_work(&fleet, Site::Strict, &keys, &REPLICAS).await;
    for binary in [current(), previous()] {
        for replica in REPLICAS {
            replace(&mut fleet, replica, &binary).await;
            all_work(&fleet, Site::Strict, &keys, &REPLICAS).await;
            // Users consent all the while, at replicas of either version.
            let users = keys.len()..keys.len() + 1;
            keys.extend(fleet.consents(Site::Strict, users).await);
        }
    }
    assert!(fleet.home_of(0).log().contains("the schema is newer than this version"), "it is said");

    let journal = fleet.simulator(Site::Strict).journal();
    assert_eq!(journal.max_presentations(), 1, "no token was shown twice");
    verify_audit(&fleet).await;
    fleet.close().await;
}

/// Records of both versions are one chain.
async fn verify_audit(fleet: &broker_e2e::Fleet) {
    for tenant in ["acme", ""] {
        let request = VerifyAuditLogRequest { tenant_id: tenant.to_owned(), ..Default::default() };
        let verified = read(fleet.client(0).admin().verify_audit_log(request).await).unwrap();
        assert_eq!(verified.first_broken, None, "{verified:?}");
    }
}
