//! Callers who show a certificate.

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SanType};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::RECORDER;
use super::caller::Reception::{CutOff, Known, Unknown};
use super::setting::{Setting, until};
use broker_e2e::authority::{Authority, Identity, days_from_now};

#[tokio::test]
async fn a_workload_of_the_trust_domain_is_known() {
    let authority = Authority::new();
    let setting = Setting::mtls(&authority.pem(), "").await;
    let caller = setting.caller();
    assert_eq!(caller.with_identity(authority.workload(RECORDER)).call(setting.grpc()).await, Known);

    let below = authority.below();
    let mut identity = below.workload(RECORDER);
    identity.certificate += &below.pem();
    assert_eq!(caller.with_identity(identity).call(setting.grpc()).await, Known, "an authority between");
    setting.end().await;
}

#[tokio::test]
async fn without_a_certificate_health_answers_and_nothing_else() {
    let setting = Setting::mtls(&Authority::new().pem(), "").await;
    let channel = setting.caller().channel(setting.grpc());
    assert_eq!(setting.caller().call_over(channel.clone()).await, Unknown);
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    // A token is no certificate.
    assert_eq!(setting.caller().with_token("a.b.c").call(setting.grpc()).await, Unknown);

    assert!(setting.log().contains("the client showed no certificate"), "{}", setting.log());
    let metrics = setting.page("/metrics").await;
    assert!(
        metrics.contains("token_broker_callers_turned_away_total{reason=\"no_certificate\"} 2"),
        "{metrics}"
    );
    setting.end().await;
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_turned_away() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let setting = Setting::mtls(&authority.pem(), "").await;
    let with = |change: fn(&mut CertificateParams)| authority.workload_with(RECORDER, change);
    let second_uri = |params: &mut CertificateParams| {
        params.subject_alt_names.push(SanType::URI("spiffe://prod.example/other".try_into().unwrap()));
    };
    let expired = |params: &mut CertificateParams| {
        (params.not_before, params.not_after) = (days_from_now(-3), days_from_now(-1));
    };
    let mistaken: [(&str, Identity, &str); 9] = [
        ("an unknown authority", stranger.workload(RECORDER), "UnknownIssuer"),
        (
            "another trust domain",
            authority.workload("spiffe://other.example/recorder"),
            "a trust domain that is not configured",
        ),
        (
            "another trust domain, another authority",
            stranger.workload("spiffe://other.example/recorder"),
            "a trust domain that is not configured",
        ),
        ("expired", with(expired), "expired"),
        ("not yet valid", with(|params| params.not_before = days_from_now(1)), "not valid yet"),
        ("two names", with(second_uri), "2 URI names"),
        ("no name", with(|params| params.subject_alt_names.clear()), "0 URI names"),
        ("no workload", authority.workload("spiffe://prod.example"), "it has no path"),
        (
            "a server's",
            with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            "does not allow extended key usage for client authentication",
        ),
    ];
    for (what, identity, why) in mistaken {
        let caller = setting.caller().with_identity(identity);
        assert_eq!(caller.call(setting.grpc()).await, CutOff, "{what}");
        until(&format!("{what}: {why}"), async || setting.log().contains(why)).await;
    }
    // Whoever was turned away keeps nobody else from being served.
    let good = setting.caller().with_identity(authority.workload(RECORDER));
    assert_eq!(good.call(setting.grpc()).await, Known);
    setting.end().await;
}
