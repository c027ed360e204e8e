//! Evercam, contract line 8: refresh and reuse.

use std::time::Duration;

use provider_sim::{GrantPolicy, ReusePolicy};

use crate::een::tokens;
use crate::evercam::Evercam;

const DAY: u64 = 86_400;

fn dead() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn evercam_08_refresh_rotates_and_the_old_access_token_lives_on() {
    let evercam = Evercam::demo().await;
    let (old_access, old_refresh) = evercam.grant().await;
    evercam.advance(1_800);
    let (access, refresh) = tokens(&evercam.refresh(&old_refresh).await);
    assert!(evercam.is_alive(&old_access).await && evercam.is_alive(&access).await);
    evercam.advance(1_799);
    assert!(evercam.is_alive(&old_access).await);
    evercam.advance(1);
    assert!(!evercam.is_alive(&old_access).await);
    assert!(evercam.is_alive(&access).await);
    assert_eq!(evercam.refresh(&old_refresh).await.error(), dead());
    assert_eq!(evercam.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn evercam_08_thirty_days_slide() {
    let evercam = Evercam::demo().await;
    let (_, mut refresh) = evercam.grant().await;
    for _ in 0..3 {
        evercam.advance(29 * DAY);
        refresh = tokens(&evercam.refresh(&refresh).await).1;
    }
    evercam.advance(30 * DAY);
    assert_eq!(evercam.refresh(&refresh).await.error(), dead());
}

#[tokio::test]
async fn evercam_08_thirty_days_are_absolute_with_the_toggle() {
    let month = GrantPolicy::fixed(Duration::from_secs(30 * DAY));
    let evercam = Evercam::with(|config| config.grant_policy = month).await;
    let (_, refresh) = evercam.grant().await;
    evercam.advance(29 * DAY);
    let (_, refresh) = tokens(&evercam.refresh(&refresh).await);
    evercam.advance(DAY);
    assert_eq!(evercam.refresh(&refresh).await.error(), dead());
}

#[tokio::test]
async fn evercam_08_reuse_policies() {
    let grace = ReusePolicy::grace(Duration::from_secs(10));
    let table =
        [(ReusePolicy::reject(), 400, 200), (ReusePolicy::revoke_family(), 400, 400), (grace, 200, 200)];
    for (policy, reused, newest) in table {
        let evercam = Evercam::with(|config| config.reuse_policy = policy).await;
        let (_, first) = evercam.grant().await;
        let (access, second) = tokens(&evercam.refresh(&first).await);
        assert_eq!(evercam.refresh(&first).await.status, reused, "{policy:?}");
        assert_eq!(evercam.is_alive(&access).await, newest == 200, "{policy:?}");
        assert_eq!(evercam.refresh(&second).await.status, newest, "{policy:?}");
    }
}

#[tokio::test]
async fn evercam_08_scope_may_narrow_and_not_widen() {
    let evercam = Evercam::with(|config| config.scope_in_token_response = true).await;
    let (_, refresh) = evercam.grant().await;
    let with = |token: &str, scope: &str| {
        [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let send = async |members: [(String, String); 3]| {
        let members: Vec<_> = members.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        evercam.post("/oauth/token", &members).await
    };
    assert_eq!(send(with(&refresh, "user:read")).await.error(), (400, "invalid_scope".into()));
    let narrow = send(with(&refresh, "camera:live_view")).await;
    assert_eq!(narrow.text("scope"), "camera:live_view");
    assert_eq!(evercam.cameras(&narrow.text("access_token")).await.status, 403);
}

#[tokio::test]
async fn evercam_15_existing_grants_keep_their_scopes() {
    let evercam = Evercam::demo().await;
    let (_, refresh) = evercam.grant().await;
    evercam.sim.set_client_scopes("ev_demo", &["user:read"]).unwrap();
    let (access, _) = tokens(&evercam.refresh(&refresh).await);
    assert!(evercam.is_alive(&access).await);
}
