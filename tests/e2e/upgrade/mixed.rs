//! What the versions tell each other: wake-ups, events, revocations.

use broker_e2e::client::read;
use broker_e2e::{Client, LONGEST_WAIT, Site, ask};
use broker_proto::v1::{EventType, GrantKey, RevokeGrantRequest, WatchEventsRequest, WatchEventsResponse};
use tonic::Streaming;

use super::{current, migrate, plan, replace};
use crate::fleet::patience::{refresh_patiently, until};

const OLD: usize = 0;
const NEW: usize = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the version before: cargo xtask upgrade"]
async fn what_happens_at_one_version_is_told_and_heeded_at_the_other() {
    let mut fleet = plan().replicas(2).start().await;
    migrate(&fleet).await;
    replace(&mut fleet, NEW, &current()).await;

    for (here, there) in [(OLD, NEW), (NEW, OLD)] {
        let key = fleet.consents(Site::Strict, here..here + 1).await.remove(0);
        let mut told = events(fleet.client(there)).await;
        let grant = refresh_patiently(fleet.client(here), &key).await.unwrap();
        until_told(&mut told, &key, EventType::GrantRefreshed).await;
        fleet.until_generation(there, &key, grant.generation).await;

        let revoke = RevokeGrantRequest { key: Some(key.clone()) };
        read(fleet.client(here).consents().revoke_grant(revoke).await).unwrap();
        until_told(&mut told, &key, EventType::GrantRevoked).await;
        until("a refusal", async || fleet.client(there).token(ask(&key)).await.is_err()).await;
    }
    fleet.close().await;
}

async fn events(client: &Client) -> Streaming<WatchEventsResponse> {
    client.events(WatchEventsRequest { tenant_id: "*".to_owned(), ..Default::default() }).await.unwrap()
}

async fn until_told(told: &mut Streaming<WatchEventsResponse>, key: &GrantKey, what: EventType) {
    let listening = async {
        loop {
            let message = told.message().await.unwrap().expect("a stream ends with a status");
            let event = message.event.unwrap_or_default();
            if event.r#type() == what && event.key.is_some_and(|of| of.user_id == key.user_id) {
                return;
            }
        }
    };
    tokio::time::timeout(LONGEST_WAIT, listening).await.expect("it is told");
}
