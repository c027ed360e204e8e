//! Where API calls go, learnt where an answer does not say: it never costs the answer.

use std::sync::Mutex;

use broker_core::Grant;
use broker_core::ports::NoBaseUrl;
use broker_core::testing::conformance::actor;
use broker_crypto::AccessToken;

use crate::fakes::Account;
use crate::world::{World, key, profile};

const CLUSTER_1: &str = "https://api.c001.example";
const CLUSTER_2: &str = "https://api.c002.example";

/// What the provider does when it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    /// It names this one.
    Named(&'static str),
    /// It answers with an error.
    Refused,
    /// It never answers.
    Hangs,
}

/// What the provider says of where API calls go: nothing, until a test has it say so.
#[derive(Debug, Default)]
pub(crate) struct BaseUrls {
    in_answers: Mutex<Option<&'static str>>,
    told: Mutex<Option<Told>>,
    asked_with: Mutex<Vec<String>>,
}

impl BaseUrls {
    /// From now on token answers name it.
    fn name_in_answers(&self, base_url: Option<&'static str>) {
        *self.in_answers.lock().unwrap() = base_url;
    }

    /// From now on it says so whenever it is asked.
    fn tell(&self, told: Told) {
        *self.told.lock().unwrap() = Some(told);
    }

    /// The access tokens it was asked with, since it was looked at last.
    fn asked_with(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked_with.lock().unwrap())
    }

    pub(crate) fn in_answers(&self) -> Option<String> {
        self.in_answers.lock().unwrap().map(str::to_owned)
    }

    pub(crate) fn are_told(&self) -> bool {
        self.told.lock().unwrap().is_some()
    }

    pub(crate) async fn ask(&self, access_token: &AccessToken) -> Result<String, NoBaseUrl> {
        self.asked_with.lock().unwrap().push(access_token.expose().to_owned());
        let told = *self.told.lock().unwrap();
        match told {
            Some(Told::Named(base_url)) => Ok(base_url.to_owned()),
            Some(Told::Hangs) => std::future::pending().await,
            Some(Told::Refused) | None => Err(NoBaseUrl::Refused(503)),
        }
    }
}

async fn world(told: Told) -> World {
    let world = World::empty(profile()).await;
    world.provider.base_urls.tell(told);
    world
}

async fn refreshed(world: &World) -> Grant {
    world.broker.refresh_grant(&key(), None).await.unwrap();
    world.grant().await
}

/// Waits until the provider is asked, and does not answer.
async fn asked(world: &World) {
    while world.provider.base_urls.asked_with.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_is_asked_for_once_the_answer_is_in_escrow_and_before_the_account() {
    let world = world(Told::Named(CLUSTER_1)).await;
    world.provider.tells(Account::Named("ada-1"));
    let grant = world.consent().await.unwrap();
    assert_eq!(grant.api_base_url.as_deref(), Some(CLUSTER_1));
    assert_eq!(world.log.taken(), ["sent", "escrow", "interpret", "discover", "identify"]);
    assert_eq!(world.provider.base_urls.asked_with(), ["at-1"]);
}

#[tokio::test]
async fn an_answer_that_names_one_is_believed_and_nobody_is_asked() {
    let world = world(Told::Named(CLUSTER_1)).await;
    world.provider.base_urls.name_in_answers(Some(CLUSTER_2));
    assert_eq!(world.consent().await.unwrap().api_base_url.as_deref(), Some(CLUSTER_2));
    assert_eq!(world.provider.base_urls.asked_with(), [""; 0]);
}

#[tokio::test]
async fn a_refusal_costs_nothing_and_the_next_refresh_asks_again() {
    let world = world(Told::Refused).await;
    assert_eq!(world.consent().await.unwrap().api_base_url, None);
    let grant = refreshed(&world).await;
    assert_eq!((grant.generation.get(), grant.api_base_url), (2, None));
    world.provider.base_urls.tell(Told::Named(CLUSTER_1));
    let grant = refreshed(&world).await;
    assert_eq!((grant.generation.get(), grant.api_base_url.as_deref()), (3, Some(CLUSTER_1)));
    assert_eq!(world.provider.base_urls.asked_with(), ["at-1", "at-2", "at-3"], "each with the new token");
}

#[tokio::test]
async fn one_that_is_known_survives_answers_that_name_none_and_is_not_asked_for() {
    let world = world(Told::Refused).await;
    world.provider.base_urls.name_in_answers(Some(CLUSTER_1));
    world.consent().await.unwrap();
    world.provider.base_urls.name_in_answers(None);
    let grant = refreshed(&world).await;
    assert_eq!((grant.generation.get(), grant.api_base_url.as_deref()), (2, Some(CLUSTER_1)));
    assert_eq!(world.provider.base_urls.asked_with(), [""; 0]);
    world.provider.base_urls.name_in_answers(Some(CLUSTER_2));
    assert_eq!(refreshed(&world).await.api_base_url.as_deref(), Some(CLUSTER_2), "an account may move");
}

#[tokio::test]
async fn a_new_consent_asks_anew() {
    let world = world(Told::Named(CLUSTER_1)).await;
    world.consent().await.unwrap();
    world.provider.base_urls.tell(Told::Named(CLUSTER_2));
    assert_eq!(world.consent().await.unwrap().api_base_url.as_deref(), Some(CLUSTER_2));
}

#[tokio::test]
async fn an_answer_waits_two_seconds_for_it_and_no_longer() {
    let world = world(Told::Hangs).await;
    let started = world.start().await;
    let (broker, callback) = (world.broker.clone(), world.callback(&started));
    let consenting = tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await });
    asked(&world).await;
    world.pass(2);
    assert_eq!(consenting.await.unwrap().unwrap().api_base_url, None);

    world.provider.base_urls.asked_with();
    let broker = world.broker.clone();
    let refreshing = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
    asked(&world).await;
    world.pass(2);
    refreshing.await.unwrap().unwrap();
    assert_eq!(world.grant().await.generation.get(), 2);
}

#[tokio::test]
async fn a_crash_while_it_is_asked_for_costs_nothing() {
    let mut world = world(Told::Hangs).await;
    let started = world.start().await;
    let (broker, callback) = (world.broker.clone(), world.callback(&started));
    let dying = tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await });
    asked(&world).await;
    dying.abort();
    world.restart();
    world.provider.base_urls.tell(Told::Named(CLUSTER_1));
    world.broker.recover().await.unwrap();
    let grant = world.grant().await;
    assert_eq!((grant.generation.get(), grant.api_base_url.as_deref()), (1, Some(CLUSTER_1)));
}
