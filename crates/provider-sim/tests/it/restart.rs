//! The state file brings a stopped simulator back.

use provider_sim::GrantPolicy;

use crate::een::{ALICE, Een, config, tokens};

#[tokio::test]
async fn codes_tokens_serials_and_revocations_are_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config();
    config.state_file = Some(directory.path().join("state"));
    let first = Een::start(config.clone()).await;
    let (code, used) = (first.code().await, first.code().await);
    let (_, old) = tokens(&first.exchange(&used).await);
    let (access, refresh) = tokens(&first.refresh(&old).await);
    first.sim.shutdown().await;

    let second = Een::start(config.clone()).await;
    assert!(second.is_alive(&access).await);
    assert_eq!(second.refresh(&old).await.error(), (400, "invalid_grant".into()));
    assert_eq!(second.sim.journal().last().unwrap().presented, Some(1));
    assert_eq!(second.refresh(&refresh).await.status, 200);
    assert_eq!(second.sim.journal().last().unwrap().issued, Some(3));
    let (access, _) = tokens(&second.exchange(&code).await);
    second.sim.revoke_all_of_user(ALICE).unwrap();
    second.sim.shutdown().await;

    let third = Een::start(config).await;
    assert!(!third.is_alive(&access).await);
    assert_eq!(third.exchange(&code).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn the_current_access_token_of_a_permanent_grant_is_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config();
    config.grant_policy = GrantPolicy::permanent_nonrotating();
    config.state_file = Some(directory.path().join("state"));
    let first = Een::start(config.clone()).await;
    let pair = first.grant().await;
    first.sim.shutdown().await;
    let second = Een::start(config).await;
    assert_eq!(tokens(&second.refresh(&pair.1).await), pair);
}

#[tokio::test]
async fn the_state_file_of_rotating_grants_holds_no_token() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = config();
    let path = directory.path().join("state");
    config.state_file = Some(path.clone());
    let een = Een::start(config).await;
    let code = een.code().await;
    let (access, refresh) = tokens(&een.exchange(&code).await);
    let state = std::fs::read_to_string(path).unwrap();
    assert!(!state.is_empty());
    for secret in [code, access, refresh] {
        assert!(!state.contains(&secret));
    }
}
