//! Events: streamed in order and without gaps, whoever is killed meanwhile.

mod kills;

use std::time::Duration;

use broker_e2e::access::policy;
use broker_e2e::client::read;
use broker_e2e::{Client, House, LONGEST_WAIT, Provider};
use broker_proto::v1::{
    Event, EventType, GrantKey, Reason, RevokeGrantRequest, WatchEventsRequest, WatchEventsResponse,
};
use tonic::{Code, Streaming};

use crate::BINARY;

/// A reader of events, and where it goes on.
struct Reader {
    stream: Streaming<WatchEventsResponse>,
    next: u64,
}

impl Reader {
    async fn from(client: &Client, from_sequence: u64) -> Self {
        let request = WatchEventsRequest { from_sequence, tenant_id: "*".to_owned(), ..Default::default() };
        Self { stream: client.events(request).await.unwrap(), next: from_sequence }
    }

    /// The next event; bookmarks are passed over.
    async fn event(&mut self) -> Event {
        loop {
            let message = tokio::time::timeout(LONGEST_WAIT, self.stream.message()).await;
            let message = message.expect("nothing is told").unwrap().expect("a stream ends with a status");
            assert!(message.next_sequence > self.next || message.event.is_none());
            self.next = message.next_sequence;
            if let Some(event) = message.event {
                return event;
            }
        }
    }
}

/// An event names the account that a caller left out.
fn is_of(event: &Event, key: &GrantKey) -> bool {
    let whole = GrantKey { account: "default".to_owned(), ..key.clone() };
    event.key.as_ref() == Some(&whole)
}

async fn types_of(reader: &mut Reader, key: &GrantKey, count: usize) -> Vec<(EventType, u64)> {
    let mut told = Vec::new();
    while told.len() < count {
        let event = reader.event().await;
        if is_of(&event, key) {
            told.push((event.r#type(), event.generation));
        }
    }
    told
}

#[tokio::test]
async fn what_happens_to_a_grant_is_told_in_order_and_once_more_from_any_place() {
    let house = House::plan().child(BINARY).open().await;
    let mut reader = Reader::from(&house.client, 0).await;
    let key = house.consent(Provider::Evercam, "ada").await;
    house.client.refresh(&key).await.unwrap();
    let revoke = RevokeGrantRequest { key: Some(key.clone()) };
    read(house.client.consents().revoke_grant(revoke).await).unwrap();

    let whole = [(EventType::GrantCreated, 1), (EventType::GrantRefreshed, 2), (EventType::GrantRevoked, 2)];
    assert_eq!(types_of(&mut reader, &key, 3).await, whole);
    let mut again = Reader::from(&house.client, 2).await;
    assert_eq!(types_of(&mut again, &key, 2).await, whole[1..]);
    house.close().await;
}

#[tokio::test]
async fn a_place_that_is_not_there_is_refused_and_only_new_ones_begin_with_a_bookmark() {
    let house = House::plan().child(BINARY).open().await;
    house.consent(Provider::Evercam, "ada").await;
    Reader::from(&house.client, 0).await.event().await;
    let beyond = WatchEventsRequest { from_sequence: 99, tenant_id: "acme".to_owned(), ..Default::default() };
    let refused = house.client.events(beyond).await.unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Code::InvalidArgument, Some(Reason::InvalidRequest)));

    let new = WatchEventsRequest { tenant_id: "acme".to_owned(), only_new: true, ..Default::default() };
    let mut stream = house.client.events(new).await.unwrap();
    let first =
        tokio::time::timeout(Duration::from_secs(5), stream.message()).await.unwrap().unwrap().unwrap();
    assert_eq!((first.event, first.next_sequence), (None, 2));
    house.consent(Provider::EagleEye, "ada").await;
    let event = stream.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!((event.sequence, event.r#type()), (2, EventType::GrantCreated));
    house.close().await;
}

#[tokio::test]
async fn a_tenants_watcher_sees_that_tenant_alone_and_needs_a_policy_for_it() {
    let observes = policy("watcher", &["observe"], "acme", "*");
    let house = House::plan().child(BINARY).enforce(&observes).open().await;
    house.consent(Provider::Evercam, "ada").await;
    let watcher = house.client.named("watcher");
    for tenant in ["*", "other"] {
        let request = WatchEventsRequest { tenant_id: tenant.to_owned(), ..Default::default() };
        let refused = watcher.events(request).await.unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::AccessDenied), "{tenant}");
    }
    let own = WatchEventsRequest { tenant_id: "acme".to_owned(), ..Default::default() };
    let mut stream = watcher.events(own).await.unwrap();
    let event = stream.message().await.unwrap().unwrap().event.unwrap();
    assert_eq!((event.tenant_id.as_str(), event.r#type()), ("acme", EventType::GrantCreated));
    house.close().await;
}
