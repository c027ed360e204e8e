//! Whether the broker is there and wants calls.

use std::time::Duration;

use broker_e2e::{House, Provider, http};
use futures_util::StreamExt as _;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::BINARY;

const SERVICES: [&str; 6] = [
    "",
    "tokenbroker.v1.TokenService",
    "tokenbroker.v1.ConsentService",
    "tokenbroker.v1.AdminService",
    "tokenbroker.v1.EventService",
    "envoy.service.auth.v3.Authorization",
];

#[tokio::test]
async fn every_service_says_that_it_serves() {
    let house = House::plan().ext_authz("").open().await;
    let mut health = HealthClient::new(house.client.channel());
    for service in SERVICES {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = health.check(HealthCheckRequest { service: "tokenbroker.v1.Other".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    house.close().await;
}

#[tokio::test]
async fn a_broker_that_stops_says_so_first_and_does_not_wait_for_watchers() {
    let mut house = House::plan().ext_authz("").child(BINARY).open().await;
    let mut health = HealthClient::new(house.client.channel());
    let mut watches = Vec::new();
    for service in SERVICES {
        let watch = health.watch(HealthCheckRequest { service: service.to_owned() }).await;
        let mut watch = watch.unwrap().into_inner();
        assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
        watches.push(watch);
    }

    tokio::time::timeout(Duration::from_secs(10), house.stop())
        .await
        .expect("it ends although it is watched");

    for (mut watch, service) in watches.into_iter().zip(SERVICES) {
        let last = watch.next().await;
        assert!(
            matches!(&last, Some(Ok(answer)) if answer.status() == ServingStatus::NotServing),
            "`{service}` said {last:?}"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn probes_answer_over_http() {
    let house = House::open().await;
    assert_eq!(http::get(house.http(), "/livez", "").await.0, 200);
    assert_eq!(http::get(house.http(), "/readyz", "").await.0, 200);
    assert_eq!(http::get(house.http(), "/elsewhere", "").await.0, 404);
    house.close().await;
}

#[tokio::test]
async fn readiness_and_metrics_tell_how_the_backends_are_and_how_attempts_ended() {
    let house = House::open().await;
    let (_, ready) = http::get(house.http(), "/readyz", "").await;
    for line in ["ready", "store: ok", "lease: ok", "refresh: ok"] {
        assert!(ready.lines().any(|told| told == line), "{ready}");
    }
    let key = house.consent(Provider::Evercam, "ada").await;
    house.client.refresh(&key).await.unwrap();

    let (status, page) = http::get(house.http(), "/metrics", "").await;

    assert_eq!(status, 200);
    for line in [
        "token_broker_store_up 1",
        "token_broker_lease_backend_up 1",
        "token_broker_refresh_paused 0",
        "token_broker_attempts_ended_total{provider=\"evercam\",conclusion=\"adopted\"} 2",
        "# EOF",
    ] {
        assert!(page.lines().any(|told| told == line), "{line} is not in:\n{page}");
    }
    assert!(!page.contains("ada") && !page.contains("acme"), "no user and no tenant: {page}");
    house.close().await;
}
