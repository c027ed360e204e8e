//! The events of the tenant, as its product reads them: each once, none left out.

use std::time::Duration;

use broker_e2e::{Client, house};
use broker_proto::v1::{Event, EventType, WatchEventsRequest, WatchEventsResponse};
use tonic::Streaming;

/// Everything that was told so far, and the stream that tells more.
pub(super) struct Told {
    stream: Streaming<WatchEventsResponse>,
    events: Vec<Event>,
}

impl Told {
    /// From the first event on.
    pub(super) async fn by(client: &Client) -> Self {
        Self { stream: stream(client, 0).await, events: Vec::new() }
    }

    /// The stream ended with its broker; goes on at another where it was.
    pub(super) async fn go_on(&mut self, client: &Client) {
        self.stream = stream(client, self.events.last().map_or(0, |event| event.sequence + 1)).await;
    }

    /// Waits so long for one more event.
    pub(super) async fn hears_within(&mut self, patience: Duration) -> bool {
        // Dropped while it waits, a stream loses nothing.
        let Ok(message) = tokio::time::timeout(patience, self.stream.message()).await else { return false };
        let message = message.unwrap().expect("a stream ends with a status");
        let Some(event) = message.event else { return false };
        let before = self.events.last().map_or(0, |last| last.sequence);
        assert_eq!(event.sequence, before + 1, "none is left out, and none comes twice: {event:?}");
        self.events.push(event);
        true
    }

    /// The generation that was told of last.
    pub(super) fn generation(&self) -> u64 {
        self.events.last().map_or(0, |event| event.generation)
    }

    /// All that are not of a refresh: the turns a life takes.
    pub(super) fn turns(&self) -> Vec<EventType> {
        let types = self.events.iter().map(Event::r#type);
        types.filter(|r#type| *r#type != EventType::GrantRefreshed).collect()
    }

    /// How many are of a type.
    pub(super) fn count(&self, r#type: EventType) -> usize {
        self.events.iter().filter(|event| event.r#type() == r#type).count()
    }

    /// The newest of a type.
    pub(super) fn last(&self, r#type: EventType) -> Option<&Event> {
        self.events.iter().rev().find(|event| event.r#type() == r#type)
    }

    /// Those of a type since a time in seconds.
    pub(super) fn since(&self, from: i64, r#type: EventType) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| {
            event.r#type() == r#type && event.time.is_some_and(|time| time.seconds >= from)
        })
    }
}

async fn stream(client: &Client, from_sequence: u64) -> Streaming<WatchEventsResponse> {
    let tenant_id = house::TENANT.to_owned();
    let request = WatchEventsRequest { from_sequence, tenant_id, ..Default::default() };
    client.events(request).await.unwrap()
}
