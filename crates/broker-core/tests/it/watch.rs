//! Watching tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use broker_core::testing::conformance::actor;
use broker_core::{
    Broker, BrokerError, Clock as _, ConsentCause, FailureKind, Generation, GrantKey, InvalidationCause,
    Lifecycle, Permit, ProviderProfile, TokenWatch, WatchRequest, WatchUpdate, Watched,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Answer, fail};
use crate::world::{World, key, key_of, profile, provider, tenant};

/// What a watcher was told.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Token(String),
    Invalid(u64, InvalidationCause),
    State(Lifecycle, u64),
}

fn token(text: &str) -> Said {
    Said::Token(text.to_owned())
}

fn said(update: WatchUpdate) -> Said {
    match update {
        WatchUpdate::Token(vended) => Said::Token(vended.access_token.expose().to_owned()),
        WatchUpdate::Invalidation(_, generation, cause) => Said::Invalid(generation.get(), cause),
        WatchUpdate::State(grant) => Said::State(grant.lifecycle, grant.generation.get()),
    }
}

fn watch_request(watched: Watched, known: Vec<(GrantKey, Generation)>) -> WatchRequest {
    WatchRequest { watched, known, admit: Box::new(|_| Ok(Permit::unlimited())) }
}

fn ada() -> Watched {
    Watched::Keys(vec![key()])
}

/// Someone who watches at a replica that hears what is told in it.
struct Watcher {
    watch: TokenWatch,
    stop: CancellationToken,
    listening: JoinHandle<()>,
}

impl Watcher {
    async fn at(broker: &Arc<Broker>, request: WatchRequest) -> Self {
        let stop = CancellationToken::new();
        let listening = tokio::spawn(broker.clone().run_news(stop.clone()));
        let watch = Arc::new(broker.vendor()).watch(request).await.unwrap();
        Self { watch, stop, listening }
    }

    async fn of(world: &World, request: WatchRequest) -> Self {
        Self::at(&world.broker, request).await
    }

    /// The next thing told, without time passing.
    async fn next(&mut self) -> Said {
        let next = tokio::time::timeout(Duration::from_secs(20), self.watch.next()).await;
        said(next.expect("it is told at once").unwrap())
    }

    /// The next thing told, while time passes; and how many seconds passed.
    async fn in_time(&mut self, world: &World) -> (Said, u64) {
        let began = world.clock.now();
        let next = self.watch.next();
        tokio::pin!(next);
        loop {
            tokio::select! {
                biased;
                update = &mut next => return (said(update.unwrap()), world.clock.now().since(began).as_secs()),
                () = tokio::time::sleep(Duration::from_millis(5)) => world.pass(1),
            }
        }
    }

    async fn leave(self) {
        self.stop.cancel();
        self.listening.await.unwrap();
    }
}

fn dying() -> ProviderProfile {
    ProviderProfile { old_access_token_dies_on_refresh: true, ..profile() }
}

#[tokio::test]
async fn a_token_is_told_at_first_and_each_new_one_when_it_is_adopted() {
    let world = World::new().await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    for generation in 2..5 {
        world.broker.refresh_grant(&key(), None).await.unwrap();
        assert_eq!(watcher.next().await, Said::Token(format!("at-{generation}")));
    }
    watcher.leave().await;
}

#[tokio::test]
async fn who_knows_the_generation_is_told_the_state_and_then_what_is_newer() {
    let world = World::new().await;
    let known = vec![(key(), Generation::new(1))];
    let mut watcher = Watcher::of(&world, watch_request(ada(), known)).await;
    assert_eq!(watcher.next().await, Said::State(Lifecycle::Active, 1));
    world.broker.refresh_grant(&key(), None).await.unwrap();
    assert_eq!(watcher.next().await, token("at-2"));
    watcher.leave().await;
}

#[tokio::test]
async fn who_is_slow_is_told_the_newest_alone() {
    let world = World::new().await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    for _ in 0..5 {
        world.broker.refresh_grant(&key(), None).await.unwrap();
    }
    assert_eq!(watcher.next().await, token("at-6"));
    world.broker.refresh_grant(&key(), None).await.unwrap();
    assert_eq!(watcher.next().await, token("at-7"), "and nothing between");
    watcher.leave().await;
}

#[tokio::test]
async fn a_revocation_is_told_and_the_consent_after_it() {
    let world = World::new().await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    world.broker.revoke_grant(&key(), &actor()).await.unwrap();
    assert_eq!(watcher.next().await, Said::Invalid(1, InvalidationCause::Revoked));
    assert_eq!(watcher.next().await, Said::State(Lifecycle::Revoking, 1));
    world.consent().await.unwrap();
    assert_eq!(watcher.next().await, token("at-2"));
    watcher.leave().await;
}

#[tokio::test]
async fn a_watched_tenant_tells_of_grants_that_come_later() {
    let world = World::new().await;
    let all = Watched::Tenant(tenant(), provider());
    let mut watcher = Watcher::of(&world, watch_request(all, vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    world.consent_of(&key_of("bob")).await;
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, token("at-2"));
    assert!(seconds <= 2, "{seconds} s");
    watcher.leave().await;
}

#[tokio::test]
async fn what_another_replica_did_is_told_within_two_seconds_though_no_news_comes() {
    let mut world = World::new().await;
    let silent = world.broker.clone();
    world.join_beside(2).await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    silent.refresh_grant(&key(), None).await.unwrap();
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, token("at-2"));
    assert!(seconds <= 2, "{seconds} s");
    silent.revoke_grant(&key(), &actor()).await.unwrap();
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, Said::Invalid(2, InvalidationCause::Revoked));
    assert!(seconds <= 2, "{seconds} s");
    watcher.leave().await;
}

#[tokio::test]
async fn where_the_old_token_dies_it_is_held_back_until_the_refresh_is_over() {
    let world = World::with(dying()).await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    for (answer, told) in
        [(Answer::RotateWhenReleased, "at-2"), (Answer::FailWhenReleased(FailureKind::Throttled), "at-2")]
    {
        let generation = world.grant().await.generation.get();
        world.provider.next([answer]);
        let broker = world.broker.clone();
        let refreshing = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
        world.provider.reached().await;
        assert_eq!(watcher.next().await, Said::Invalid(generation, InvalidationCause::Rotating));
        world.provider.release();
        let _ = refreshing.await.unwrap();
        assert_eq!(watcher.in_time(&world).await.0, token(told));
    }
    watcher.leave().await;
}

#[tokio::test]
async fn a_token_that_expires_without_a_newer_one_is_told_to_be_dead() {
    let world = World::new().await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    world.provider.next(vec![fail(FailureKind::Unreachable); 50]);
    let life = world.grant().await.expires_at.since(world.clock.now()).as_secs();
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, Said::Invalid(1, InvalidationCause::Expired));
    assert!((life..life + 10).contains(&seconds), "{seconds} s of {life} s");
    watcher.leave().await;
}

#[tokio::test]
async fn the_end_of_a_grant_without_a_refresh_token_is_told_though_no_news_comes() {
    let mut world = World::empty(profile()).await;
    world.provider.next([Answer::KeepRefreshToken]);
    world.consent().await.unwrap();
    let silent = world.broker.clone();
    world.join_beside(2).await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    world.pass(3595);
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, Said::Invalid(1, InvalidationCause::Expired));
    assert!((5..15).contains(&seconds), "{seconds} s");
    assert_eq!(silent.give_notices().await.unwrap(), 1);
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, Said::State(Lifecycle::NeedsConsent(ConsentCause::NoOfflineAccess), 1));
    assert!(seconds < 15, "{seconds} s");
    watcher.leave().await;
}

#[tokio::test]
async fn a_token_near_its_end_is_refreshed_because_it_is_watched() {
    let world = World::new().await;
    let mut watcher = Watcher::of(&world, watch_request(ada(), vec![])).await;
    assert_eq!(watcher.next().await, token("at-1"));
    let life = world.grant().await.expires_at.since(world.clock.now()).as_secs();
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, token("at-2"));
    assert!(seconds < life, "{seconds} s of {life} s");
    watcher.leave().await;
}

#[tokio::test]
async fn a_key_without_a_grant_is_not_watched() {
    let world = World::new().await;
    let nobody = Watched::Keys(vec![key(), key_of("nobody")]);
    let refused = Arc::new(world.broker.vendor()).watch(watch_request(nobody, vec![])).await;
    assert!(matches!(refused, Err(BrokerError::GrantNotFound)));
}

#[tokio::test]
async fn each_look_asks_for_leave_and_waits_where_only_a_rate_stands_against_it() {
    let world = World::new().await;
    let (limited, denied) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (limit, deny) = (limited.clone(), denied.clone());
    let admit = Box::new(move |_: &GrantKey| match () {
        () if deny.load(Ordering::SeqCst) => Err(BrokerError::AccessDenied),
        () if limit.swap(false, Ordering::SeqCst) => {
            Err(BrokerError::TenantRateLimited(Duration::from_secs(7)))
        }
        () => Ok(Permit::unlimited()),
    });
    let request = WatchRequest { watched: ada(), known: vec![], admit };
    // The consent is no news any more.
    world.pass(30);
    let mut watcher = Watcher::of(&world, request).await;
    let (told, seconds) = watcher.in_time(&world).await;
    assert_eq!(told, token("at-1"));
    assert!((7..10).contains(&seconds), "{seconds} s");

    denied.store(true, Ordering::SeqCst);
    world.broker.refresh_grant(&key(), None).await.unwrap();
    assert!(matches!(watcher.watch.next().await, Err(BrokerError::AccessDenied)));
    watcher.leave().await;
}
