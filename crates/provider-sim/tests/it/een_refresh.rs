//! Eagle Eye, contract lines 13, 14, 15 and 17: refresh, reuse, and how grants end.

use std::time::Duration;

use provider_sim::{DocStatus, EagleEyeConfig, GrantPolicy, ReusePolicy};

use crate::een::{Een, FORM, basic, config, tokens};
use crate::http::{form, send};

const DAY: u64 = 86_400;

fn dead() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

async fn with(change: impl FnOnce(&mut EagleEyeConfig)) -> Een {
    let mut config = config();
    change(&mut config);
    Een::start(config).await
}

#[tokio::test]
async fn een_13_refresh_rotates_and_kills_the_old_pair_at_once() {
    let een = Een::demo().await;
    let (old_access, old_refresh) = een.grant().await;
    assert!(een.is_alive(&old_access).await);
    let (access, refresh) = tokens(&een.refresh(&old_refresh).await);
    assert_ne!((&access, &refresh), (&old_access, &old_refresh));
    assert!(!een.is_alive(&old_access).await);
    assert!(een.is_alive(&access).await);
    assert_eq!(een.refresh(&old_refresh).await.error(), dead());
    assert_eq!(een.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn een_13_scope_is_optional_and_must_not_widen() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    for scope in ["openid", "vms.all openid"] {
        let params = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", scope)];
        assert_eq!(een.token(&params).await.error(), (400, "invalid_scope".into()));
    }
    let params = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("scope", "vms.all")];
    assert_eq!(een.token(&params).await.text("scope"), "vms.all");
}

#[tokio::test]
async fn een_14_unknown_token_is_400_and_reuse_spares_the_family() {
    let een = Een::demo().await;
    assert_eq!(een.refresh("unknown").await.error(), dead());
    let (_, first) = een.grant().await;
    let (access, second) = tokens(&een.refresh(&first).await);
    assert_eq!(een.refresh(&first).await.error(), dead());
    assert!(een.is_alive(&access).await);
    assert_eq!(een.refresh(&second).await.status, 200);
}

#[tokio::test]
async fn een_14_documented_status_of_a_dead_token_is_401_with_the_toggle() {
    for (doc_status, error) in [(DocStatus::Labelled, "invalid_grant"), (DocStatus::Bare, "")] {
        let een = with(|config| config.doc_status = doc_status).await;
        assert_eq!(een.refresh("unknown").await.error(), (401, error.into()));
    }
}

#[tokio::test]
async fn een_14_reuse_kills_the_family_with_the_toggle() {
    let een = with(|config| config.reuse_policy = ReusePolicy::revoke_family()).await;
    let (_, first) = een.grant().await;
    let (access, second) = tokens(&een.refresh(&first).await);
    assert_eq!(een.refresh(&first).await.error(), dead());
    assert!(!een.is_alive(&access).await);
    assert_eq!(een.refresh(&second).await.error(), dead());
}

#[tokio::test]
async fn een_14_grace_answers_another_pair_until_it_is_over() {
    let een = with(|config| config.reuse_policy = ReusePolicy::grace(Duration::from_secs(30))).await;
    let (_, first) = een.grant().await;
    let (access, second) = tokens(&een.refresh(&first).await);
    een.advance(29);
    let (other_access, other) = tokens(&een.refresh(&first).await);
    assert_ne!(second, other);
    assert!(een.is_alive(&access).await && een.is_alive(&other_access).await);
    een.advance(1);
    assert_eq!(een.refresh(&first).await.error(), dead());
    assert_eq!(een.refresh(&second).await.status, 200);
    assert_eq!(een.refresh(&other).await.status, 200);
}

#[tokio::test]
async fn een_14_grace_may_end_in_the_death_of_the_family() {
    let policy = ReusePolicy::grace(Duration::from_secs(30)).then_revoking_family();
    let een = with(|config| config.reuse_policy = policy).await;
    let (_, first) = een.grant().await;
    let (_, second) = tokens(&een.refresh(&first).await);
    een.advance(30);
    assert_eq!(een.refresh(&first).await.error(), dead());
    assert_eq!(een.refresh(&second).await.error(), dead());
}

/// Refreshes at each of these days after the consent; the last one fails.
async fn dies_at(policy: GrantPolicy, days: &[u64]) {
    let een = with(|config| config.grant_policy = policy).await;
    let (_, mut refresh) = een.grant().await;
    let mut today = 0;
    for (index, day) in days.iter().enumerate() {
        een.advance((day - today) * DAY);
        today = *day;
        let answer = een.refresh(&refresh).await;
        if index + 1 == days.len() {
            assert_eq!(answer.error(), dead(), "{policy:?} on day {day}");
        } else {
            refresh = tokens(&answer).1;
        }
    }
}

#[tokio::test]
async fn een_15_idle14_abs90_ends_after_14_idle_days_or_90_in_all() {
    dies_at(GrantPolicy::idle14_abs90(), &[14]).await;
    dies_at(GrantPolicy::idle14_abs90(), &[13, 26, 40]).await;
    dies_at(GrantPolicy::idle14_abs90(), &[13, 26, 39, 52, 65, 78, 89, 90]).await;
}

#[tokio::test]
async fn een_15_fixed7_ends_7_days_after_the_consent() {
    dies_at(GrantPolicy::fixed7(), &[1, 6, 7]).await;
}

#[tokio::test]
async fn een_15_sliding7_ends_after_7_idle_days() {
    dies_at(GrantPolicy::sliding7(), &[6, 12, 18, 25]).await;
}

#[tokio::test]
async fn een_15_permanent_token_answers_the_current_access_token() {
    let een = with(|config| config.grant_policy = GrantPolicy::permanent_nonrotating()).await;
    let (access, refresh) = een.grant().await;
    een.advance(1_000);
    let early = een.refresh(&refresh).await;
    assert_eq!(tokens(&early), (access.clone(), refresh.clone()));
    assert_eq!(early.json()["expires_in"], 42_200);
    assert!(een.is_alive(&access).await);
    een.advance(42_200);
    let late = een.refresh(&refresh).await;
    assert_eq!(late.text("refresh_token"), refresh);
    assert_ne!(late.text("access_token"), access);
    assert_eq!(late.json()["expires_in"], 43_200);
    een.advance(1_000 * DAY);
    assert_eq!(een.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn een_17_refresh_token_is_bound_to_its_client() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    let other = basic("other", "other-secret");
    let params = form(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    let answer = send(&een.base, "POST", "/oauth2/token", &[FORM, ("authorization", &other)], &params).await;
    assert_eq!(answer.error(), dead());
    assert_eq!(een.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn one_of_many_simultaneous_refreshes_wins() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    let [a, b, c, d] = [(); 4].map(|()| een.refresh(&refresh));
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    assert_eq!([a, b, c, d].iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!((een.sim.journal().refreshes(), een.sim.journal().max_presentations()), (1, 4));
}
