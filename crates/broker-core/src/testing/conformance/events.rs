//! Events: written with what they tell of, and sequenced without gaps.

use super::World;
use super::samples::{HOUR, NOW, key, key_of, provider, record, registration_id, tenant_id};
use super::steps::adopted;
use crate::ports::{AdoptOutcome, EventFilter, EventPage};
use crate::{ConsentCause, Event, EventGrant, EventType, GrantKey, Lifecycle};

/// The generation an event of this grant names.
fn told_generation(event: &Event, key: &GrantKey) -> Option<u64> {
    event.grant.as_ref().filter(|grant| grant.key == *key).map(|grant| grant.generation.get())
}

impl World {
    /// Every event, sequenced.
    async fn log(&self) -> Vec<Event> {
        self.sequence().await;
        self.event_page(EventFilter::default(), 0).await.events
    }

    async fn sequence(&self) {
        self.events.sequence_events(1000).await.unwrap();
    }

    async fn event_page(&self, filter: EventFilter, after: u64) -> EventPage {
        self.events.events_after(&filter, after, 1000).await.unwrap()
    }

    /// What was told of a grant, and at which generation.
    async fn told_of(&self, key: &GrantKey) -> Vec<(EventType, u64)> {
        let log = self.log().await.into_iter().filter(|event| told_generation(event, key).is_some());
        log.map(|event| (event.event_type, told_generation(&event, key).unwrap())).collect()
    }

    pub(super) async fn refresh(&self, key: &GrantKey, generation: u64) {
        let attempt = self.claim(key, generation).await.attempt;
        assert!(self.send(&attempt).await);
        assert_eq!(self.adopt_refresh(&attempt).await, adopted(generation + 1));
    }
}

pub async fn what_happens_to_a_grant_is_told_in_its_order(world: World) {
    let ada = key("ada");
    world.grant(&ada).await;
    world.refresh(&ada, 1).await;
    world.grant_with_lifecycle(&ada, Lifecycle::NeedsConsent(ConsentCause::Revoked)).await;
    world.reconsent(&ada).await;
    world.grant_with_lifecycle(&ada, Lifecycle::ConsentExpired).await;
    world.reconsent(&ada).await;
    assert_eq!(
        world.told_of(&ada).await,
        [
            (EventType::GrantCreated, 1),
            (EventType::GrantRefreshed, 2),
            (EventType::GrantNeedsConsent, 2),
            (EventType::GrantRecovered, 3),
            (EventType::GrantExpired, 3),
            (EventType::GrantRecovered, 4),
        ]
    );
    let grant = EventGrant {
        id: ada.grant_id(),
        key: ada.clone(),
        generation: crate::Generation::new(2),
        cause: Some(ConsentCause::Revoked),
        dies_at: None,
    };
    let whole = Event {
        sequence: 3,
        event_type: EventType::GrantNeedsConsent,
        at: NOW,
        tenant: Some(ada.tenant),
        provider: Some(ada.provider),
        grant: Some(grant),
        registration: Some(registration_id()),
        key_id: None,
        webhook: None,
    };
    assert_eq!(world.log().await.get(2), Some(&whole));
}

pub async fn a_revoked_grant_is_told_once_and_created_by_a_new_consent(world: World) {
    world.grant(&key("ada")).await;
    assert!(world.revoke(&key("ada")).await);
    assert_eq!(world.told_of(&key("ada")).await, [(EventType::GrantCreated, 1)], "not before it is revoked");
    assert!(world.end(&world.take_one().await).await);
    world.revoke(&key("ada")).await;
    world.reconsent(&key("ada")).await;
    assert_eq!(
        world.told_of(&key("ada")).await,
        [(EventType::GrantCreated, 1), (EventType::GrantRevoked, 1), (EventType::GrantCreated, 2)]
    );
}

pub async fn what_does_not_win_is_not_told(world: World) {
    let ada = key("ada");
    world.grant(&ada).await;
    let attempt = world.claim(&ada, 1).await.attempt;
    assert!(world.send(&attempt).await);
    assert_eq!(world.adopt_refresh(&attempt).await, adopted(2));
    assert!(matches!(world.adopt_refresh(&attempt).await, AdoptOutcome::AlreadyAdopted(_)));
    let late = world.claim(&ada, 2).await.attempt;
    assert!(world.send(&late).await);
    world.reconsent(&ada).await;
    assert_eq!(world.adopt_refresh(&late).await, AdoptOutcome::Superseded);
    assert_eq!(
        world.told_of(&ada).await,
        [(EventType::GrantCreated, 1), (EventType::GrantRefreshed, 2), (EventType::GrantRefreshed, 3)]
    );
}

pub async fn sequences_have_no_gaps_whatever_the_batches(world: World) {
    for user in ["ada", "bob", "eve", "zoe"] {
        world.grant(&key(user)).await;
    }
    let (one, two) = tokio::join!(world.events.sequence_events(2), world.events.sequence_events(1));
    assert!(one.unwrap() <= 2 && two.unwrap() <= 1);
    let sequences: Vec<_> = world.log().await.into_iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
    assert_eq!(world.events.newest_event().await.unwrap(), 4);
    let page = world.events.events_after(&EventFilter::default(), 1, 2).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((page.oldest, page.newest), (1, 4));
}

pub async fn a_tenant_reads_its_own_events_and_those_of_providers(world: World) {
    world.add_tenant("other").await;
    world.grant(&key("ada")).await;
    world.grant(&key_of("other", "bob")).await;
    world.fleet.note_bad_answer(&provider(), NOW).await.unwrap();
    assert!(world.fleet.close_breaker(&provider(), &record()).await.unwrap());
    world.sequence().await;
    let types = |page: EventPage| page.events.iter().map(|event| event.event_type).collect::<Vec<_>>();
    let of = |tenant| EventFilter { tenant: Some(tenant_id(tenant)), types: Vec::new() };
    let all = [
        EventType::GrantCreated,
        EventType::GrantCreated,
        EventType::ProviderDegraded,
        EventType::ProviderRecovered,
    ];
    assert_eq!(types(world.event_page(EventFilter::default(), 0).await), all);
    assert_eq!(types(world.event_page(of("acme"), 0).await), [all[0], all[2], all[3]]);
    assert_eq!(types(world.event_page(of("acme"), 1).await), [all[2], all[3]]);
    let only =
        EventFilter { types: vec![EventType::ProviderRecovered, EventType::GrantRevoked], ..of("other") };
    assert_eq!(types(world.event_page(only, 0).await), [EventType::ProviderRecovered]);
}

pub async fn pruned_sequences_are_not_given_again(world: World) {
    world.grant(&key("ada")).await;
    world.grant(&key("bob")).await;
    world.sequence().await;
    assert_eq!(world.events.prune_events(NOW, 10).await.unwrap(), 0, "none is older than that");
    assert_eq!(world.events.prune_events(NOW + HOUR, 1).await.unwrap(), 1);
    let left = world.event_page(EventFilter::default(), 0).await;
    assert_eq!((left.events.len(), left.oldest, left.newest), (1, 2, 2));
    assert_eq!(world.events.prune_events(NOW + HOUR, 10).await.unwrap(), 1);
    let none = world.event_page(EventFilter::default(), 0).await;
    assert_eq!((none.events.len(), none.oldest, none.newest), (0, 3, 2));
    world.grant(&key("eve")).await;
    let after: Vec<_> = world.log().await.into_iter().map(|event| event.sequence).collect();
    assert_eq!(after, [3]);
}
