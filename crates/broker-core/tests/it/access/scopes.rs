//! A permit of limited scopes and providers, at the use cases.

use std::sync::Arc;

use broker_core::testing::ManualClock;
use broker_core::testing::conformance::actor;
use broker_core::{
    Access, AccessAction, AccessRule, AccessSettings, Ask, Asked, AuthorizationProblem, BrokerError,
    CompleteRequest, Enforcement, Permit, Principal, ProviderName, Reach, StartRequest, Timestamp,
    VendRequest,
};
use broker_crypto::SeededEntropy;

use super::world::{Door, rule, scopes, settings};
use crate::world::{World, key, request, tenant};

/// What this rule gives to its caller who asks about the tenant.
fn permit(rule: AccessRule, action: AccessAction) -> Permit {
    permit_of(vec![rule], action)
}

fn permit_of(rules: Vec<AccessRule>, action: AccessAction) -> Permit {
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)));
    let access = Access::new(settings(rules), Door::to_nowhere(), clock, Arc::new(SeededEntropy::new(5)));
    ask_as("jwt:ci", &access, action)
}

fn ask_as(who: &str, access: &Arc<Access>, action: AccessAction) -> Permit {
    let (principal, tenant) = (Principal::new(who).unwrap(), tenant());
    let (tenant, provider) = (Asked::One(&tenant), Asked::Unknown);
    let ask = Ask { rpc: "Test", principal: &principal, action, tenant, provider, scopes: None };
    access.admit(&ask).unwrap()
}

fn limited(to: &[&str]) -> AccessRule {
    AccessRule { max_scopes: scopes(to), ..rule("jwt:ci") }
}

fn elsewhere() -> AccessRule {
    AccessRule { provider: Reach::One(ProviderName::new("elsewhere").unwrap()), ..rule("jwt:ci") }
}

#[tokio::test]
async fn a_token_is_vended_if_all_its_scopes_lie_within() {
    let world = World::new().await;
    for (limit, vended) in [(&["read", "live"] as &[&str], true), (&["live"], false), (&[], true)] {
        let permit = permit(limited(limit), AccessAction::Vend);
        let answer = world.broker.vend(&VendRequest { permit, ..request() }).await;
        match vended {
            true => drop(answer.unwrap()),
            false => assert!(matches!(answer, Err(BrokerError::AccessDenied)), "{limit:?} {answer:?}"),
        }
    }
}

#[tokio::test]
async fn nobody_causes_the_refresh_of_a_token_they_may_not_have() {
    let world = World::new().await;
    let calls = world.provider.calls();
    world.pass(7200);
    let permit = permit(limited(&["live"]), AccessAction::Vend);
    assert!(world.broker.vend(&VendRequest { permit, ..request() }).await.is_err());
    assert_eq!(world.provider.calls(), calls);
}

#[tokio::test]
async fn a_refresh_that_widens_the_scopes_is_noticed() {
    let world = World::new().await;
    *world.provider.scopes.lock().unwrap() = Some(vec!["read".into(), "write".into()]);
    world.pass(7200);
    let permit = permit(limited(&["read"]), AccessAction::Vend);
    let answer = world.broker.vend(&VendRequest { permit, ..request() }).await;
    assert!(matches!(answer, Err(BrokerError::AccessDenied)), "{answer:?}");
}

#[tokio::test]
async fn another_policy_may_allow_the_scopes() {
    let world = World::new().await;
    let permit = permit_of(vec![limited(&["live"]), limited(&["read"])], AccessAction::Vend);
    world.broker.vend(&VendRequest { permit, ..request() }).await.unwrap();
}

#[tokio::test]
async fn a_consent_is_started_if_all_its_scopes_lie_within() {
    let world = World::new().await;
    let start = async |limit: &[&str], scopes: &[&str]| {
        let permit = permit(limited(limit), AccessAction::Consent);
        let scopes = scopes.iter().map(ToString::to_string).collect();
        let start = StartRequest {
            key: key(),
            registration: None,
            scopes,
            login_hint: None,
            allow_account_change: false,
            hosting: Default::default(),
            permit,
        };
        world.broker.start_authorization(&start, &actor()).await.map(drop)
    };
    start(&["read", "live"], &["live"]).await.unwrap();
    start(&["read", "live"], &[]).await.unwrap();
    for (limit, scopes) in [(&["read"] as &[&str], &["live"] as &[&str]), (&["live"], &[])] {
        let answer = start(limit, scopes).await;
        assert!(matches!(answer, Err(BrokerError::AccessDenied)), "{limit:?} {scopes:?} {answer:?}");
    }
}

#[tokio::test]
async fn an_authorization_at_another_provider_looks_absent() {
    let world = World::new().await;
    let started = world.start().await;
    let permit = permit(elsewhere(), AccessAction::Consent);
    let found = world.broker.authorization(&tenant(), started.id, &permit).await;
    assert!(matches!(found, Err(BrokerError::AuthorizationNotFound)), "{found:?}");
    let complete = CompleteRequest { permit, ..world.callback(&started) };
    let completed = world.broker.complete_authorization(&complete, &actor()).await;
    let Err(BrokerError::AuthorizationInvalid(problem)) = completed else { panic!("{completed:?}") };
    assert_eq!(problem, AuthorizationProblem::UnknownState);
    world.broker.complete_authorization(&world.callback(&started), &actor()).await.unwrap();
}

#[tokio::test]
async fn shadow_mode_tells_of_each_call_once() {
    let world = World::new().await;
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)));
    let settings = AccessSettings { enforcement: Enforcement::Shadow, ..settings(vec![limited(&["live"])]) };
    let access = Access::new(settings, Door::to_nowhere(), clock, Arc::new(SeededEntropy::new(5)));
    for (who, told) in [("stranger", 1), ("jwt:ci", 2)] {
        let permit = ask_as(who, &access, AccessAction::Vend);
        world.broker.vend(&VendRequest { permit, ..request() }).await.unwrap();
        assert_eq!(access.refusals().iter().map(|count| count.count).sum::<u64>(), told, "{who}");
    }
}

#[test]
fn a_grant_whose_scopes_nobody_knows_is_within_no_limit() {
    assert!(permit(limited(&["read"]), AccessAction::Vend).extends_to_scopes(&key(), &[]).is_err());
    assert!(permit(limited(&[]), AccessAction::Vend).extends_to_scopes(&key(), &[]).is_ok());
}
