//! Authorizations whose callback comes to the broker's own page.

use std::sync::Arc;

use broker_crypto::Sealed;

use crate::ports::{CodeToKeep, ExchangeClaim, StoreError};
use crate::{Authorization, AuthorizationStatus, GrantKey, HostedCallback, KeptCode};

use super::World;
use super::samples::{HOUR, NOW, key, key_of, record, registration_id, tenant_id};

impl World {
    /// An authorization that awaits completion.
    pub(super) async fn awaiting(&self, key: &GrantKey) {
        let authorization = self.hosted_of(key).await;
        assert!(self.keep(&code(&authorization, 1)).await.unwrap());
    }

    async fn hosted(&self) -> Authorization {
        self.hosted_of(&key("ada")).await
    }

    async fn hosted_of(&self, key: &GrantKey) -> Authorization {
        let hosted = HostedCallback { return_to: Some("https://app.example/done".to_owned()), answer: None };
        let request = self.request(key, registration_id());
        let authorization = Authorization { hosted: Some(hosted), ..request };
        self.consents.start_authorization(&authorization, &record()).await.unwrap();
        authorization
    }

    async fn keep(&self, code: &CodeToKeep) -> Result<bool, StoreError> {
        self.consents.keep_code(code, &record()).await
    }

    async fn deny(&self, of: &Authorization) -> bool {
        let (tenant, denied) = (&of.key.tenant, AuthorizationStatus::Denied);
        self.consents.end_authorization(tenant, of.id, denied, NOW, &record()).await.unwrap()
    }

    async fn answer_of(&self, of: &Authorization) -> Option<KeptCode> {
        let kept = self.consents.authorization(&of.key.tenant, of.id).await.unwrap().unwrap();
        kept.hosted.unwrap().answer
    }
}

fn code(of: &Authorization, number: u8) -> CodeToKeep {
    CodeToKeep {
        tenant: of.key.tenant.clone(),
        authorization: of.id,
        code: KeptCode { code: Sealed::from_bytes(vec![number; 40]), completion_digest: [number; 32] },
        at: NOW,
    }
}

pub async fn a_browser_finds_an_authorization_by_its_state_alone(world: World) {
    let authorization = world.hosted().await;
    let found = world.consents.authorization_of_browser(&authorization.state_digest).await.unwrap().unwrap();
    assert_eq!((found.id, found.key), (authorization.id, authorization.key));
    let hosted = found.hosted.unwrap();
    assert_eq!(hosted.return_to.as_deref(), Some("https://app.example/done"));
    assert!(hosted.answer.is_none());
    assert!(world.consents.authorization_of_browser(&[0; 32]).await.unwrap().is_none());
}

pub async fn a_kept_code_awaits_completion_and_is_used_once(world: World) {
    let authorization = world.hosted().await;
    assert!(world.keep(&code(&authorization, 7)).await.unwrap());
    let kept = world.answer_of(&authorization).await.unwrap();
    assert_eq!((kept.code.as_bytes(), kept.completion_digest), ([7; 40].as_slice(), [7; 32]));
    assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::AwaitingCompletion);

    let claim = world.exchange_of(&authorization);
    assert!(world.grants.claim_exchange(&claim).await.unwrap().attempt().is_some());
    assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::Exchanging);
    assert!(world.grants.claim_exchange(&claim).await.unwrap().attempt().is_none());
    assert!(!world.keep(&code(&authorization, 8)).await.unwrap());
}

pub async fn of_browsers_with_one_state_one_wins(world: World) {
    let authorization = world.hosted().await;
    let world = Arc::new(world);
    let mut browsers = tokio::task::JoinSet::new();
    for number in 1..=16 {
        let (world, code) = (world.clone(), code(&authorization, number));
        browsers.spawn(async move { world.keep(&code).await.unwrap().then_some(number) });
    }
    let won: Vec<u8> = browsers.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(world.answer_of(&authorization).await.unwrap().completion_digest, [won[0]; 32]);
}

pub async fn a_code_is_kept_in_time_and_of_hosted_callbacks_only(world: World) {
    let hosted = world.hosted().await;
    let late = CodeToKeep { at: hosted.expires_at, ..code(&hosted, 1) };
    assert!(!world.keep(&late).await.unwrap());
    let stranger = CodeToKeep { tenant: tenant_id("globex"), ..code(&hosted, 1) };
    assert!(!world.keep(&stranger).await.unwrap());
    assert!(world.answer_of(&hosted).await.is_none());
    let of_product = world.authorization(&key("ada")).await;
    assert!(!world.keep(&code(&of_product, 1)).await.unwrap());
    assert_eq!(world.status_of(of_product.id).await, AuthorizationStatus::Pending);
}

pub async fn an_answered_authorization_is_not_ended_by_a_later_answer(world: World) {
    let authorization = world.hosted().await;
    assert!(world.keep(&code(&authorization, 1)).await.unwrap());
    assert!(!world.deny(&authorization).await);
    assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::AwaitingCompletion);
    let denied = world.hosted().await;
    assert!(world.deny(&denied).await);
    assert!(!world.keep(&code(&denied, 2)).await.unwrap());
}

pub async fn a_code_goes_when_its_authorization_is_settled(world: World) {
    let authorization = world.hosted().await;
    world.keep(&code(&authorization, 1)).await.unwrap();
    let claim = world.exchange_of(&authorization);
    let attempt = world.grants.claim_exchange(&claim).await.unwrap().attempt().unwrap();
    assert!(world.answer_of(&authorization).await.is_some(), "it may be shown again with the next secret");
    let end = world.end_of(&attempt, None);
    let end = crate::ports::AttemptEnd { authorization_failure: Some("refused"), ..end };
    assert!(world.grants.close_attempt(&end).await.unwrap());
    assert!(world.answer_of(&authorization).await.is_none());
}

pub async fn an_exchange_that_is_opened_again_awaits_completion_again(world: World) {
    let authorization = world.hosted().await;
    world.keep(&code(&authorization, 1)).await.unwrap();
    let claim = world.exchange_of(&authorization);
    let attempt = world.grants.claim_exchange(&claim).await.unwrap().attempt().unwrap();
    let end = crate::ports::AttemptEnd {
        reopens_authorization: true,
        authorization_failure: None,
        ..world.end_of(&attempt, None)
    };
    assert!(world.grants.close_attempt(&end).await.unwrap());
    assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::AwaitingCompletion);
    let late = ExchangeClaim { at: NOW + HOUR, ..world.exchange_of(&authorization) };
    assert!(world.grants.claim_exchange(&late).await.unwrap().attempt().is_none());
}

pub async fn no_two_tenants_share_a_state(world: World) {
    let first = world.hosted().await;
    let mut second = world.request(&key_of("globex", "ada"), registration_id());
    second.state_digest = first.state_digest;
    world.consents.start_authorization(&second, &record()).await.expect_err("the state is taken");
}
