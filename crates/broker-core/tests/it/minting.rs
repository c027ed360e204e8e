//! Machine credentials whose tokens are minted, in simulated time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{MachineCredentialStore as _, PauseTarget};
use broker_core::testing::MemoryRequests;
use broker_core::testing::conformance::actor;
use broker_core::{
    Broker, BrokerError, Clock as _, ConsentCause, FailureKind, GrantKey, MachineCredential,
    NewMachineCredential, Permit, Principal, ProviderFailure, StaleReason, VendRequest,
    VendedMachineCredential, VendedMinted, Vendor,
};
use tokio::task::JoinHandle;

use crate::fakes::{Answer, fail};
use crate::world::{World, key, key_of, profile, request};

type Outcome = Result<VendedMinted, BrokerError>;

fn m2m() -> GrantKey {
    key_of("m2m")
}

fn of_client() -> NewMachineCredential {
    NewMachineCredential::ClientCredentials { registration: None, scopes: vec![] }
}

fn of_ada() -> NewMachineCredential {
    let parent = key();
    let (user, account) = (parent.user, parent.account);
    NewMachineCredential::Derived { user, account, target: "00002222".into(), scopes: vec!["read".into()] }
}

async fn vend_from(vendor: &Vendor, request: VendRequest) -> Outcome {
    match vendor.vend_machine_credential(&request).await? {
        VendedMachineCredential::Token(minted) => Ok(*minted),
        VendedMachineCredential::ApiKey(_) => panic!("an API key"),
    }
}

fn ask() -> VendRequest {
    VendRequest { key: m2m(), ..request() }
}

impl World {
    async fn put(&self, new: &NewMachineCredential) -> MachineCredential {
        self.broker.create_machine_credential(&m2m(), new, &actor(), &Permit::unlimited()).await.unwrap()
    }

    async fn minted(&self) -> Outcome {
        vend_from(&self.broker.vendor(), ask()).await
    }

    async fn minted_text(&self) -> String {
        self.minted().await.unwrap().access_token.expose().to_owned()
    }

    fn minting_by(&self, broker: &Arc<Broker>, request: VendRequest) -> JoinHandle<Outcome> {
        let vendor = broker.vendor();
        tokio::spawn(async move { vend_from(&vendor, request).await })
    }

    async fn until<T>(&self, call: JoinHandle<T>) -> T {
        while !call.is_finished() {
            // The store has a thread of its own, which needs time of the machine.
            tokio::time::sleep(Duration::from_millis(2)).await;
            self.clock.advance(Duration::from_millis(100));
        }
        call.await.unwrap()
    }

    /// Mints what is due, and waits until it is.
    async fn mint_due(&self) -> usize {
        let begun = self.broker.mint_due().await.unwrap();
        self.settled().await;
        begun
    }

    async fn held(&self) -> MachineCredential {
        self.broker.machine_credential(&m2m()).await.unwrap()
    }

    /// Lets time pass until the next mint is due.
    async fn pass_to_mint(&self) {
        let due = self.held().await.minting().unwrap().mint_at;
        self.clock.advance(due.since(self.clock.now()));
    }

    async fn with_client() -> Self {
        let world = Self::empty(profile()).await;
        world.put(&of_client()).await;
        world
    }

    async fn with_derived() -> Self {
        let world = Self::new().await;
        world.put(&of_ada()).await;
        world
    }
}

#[tokio::test]
async fn a_token_is_minted_when_it_is_first_asked_for_and_then_kept() {
    let world = World::with_client().await;
    let created = world.held().await;
    let vended = world.minted().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", None));
    assert!(vended.generation > created.generation());
    assert_eq!(vended.token.scopes, ["read"], "the registration's, as the answer names none");
    assert!(vended.refresh_hint_at < vended.token.expires_at);
    assert_eq!(world.minted_text().await, "at-1");
    assert_eq!(world.provider.calls(), 1);
}

#[tokio::test]
async fn however_many_ask_one_token_is_asked_for() {
    let world = World::with_client().await;
    world.provider.next([Answer::RotateWhenReleased]);
    let calls: Vec<_> = (0..32).map(|_| world.minting_by(&world.broker, ask())).collect();
    world.provider.reached().await;
    world.provider.release();
    let mut tokens = BTreeSet::new();
    for call in calls {
        tokens.insert(call.await.unwrap().unwrap().access_token.expose().to_owned());
    }
    assert_eq!((tokens, world.provider.calls()), (BTreeSet::from(["at-1".to_owned()]), 1));
}

#[tokio::test]
async fn two_replicas_ask_for_one_token() {
    let mut world = World::with_client().await;
    let first = world.broker.clone();
    world.join_beside(2).await;
    world.provider.next([Answer::RotateWhenReleased]);
    let calls = [first, world.broker.clone()].map(|broker| world.minting_by(&broker, ask()));
    world.provider.reached().await;
    world.provider.release();
    for call in calls {
        assert_eq!(world.until(call).await.unwrap().access_token.expose(), "at-1");
    }
    assert_eq!(world.provider.calls(), 1);
}

#[tokio::test]
async fn a_token_is_minted_before_the_last_one_expires_although_nobody_asks() {
    let world = World::with_client().await;
    for round in 1..=3 {
        assert_eq!((world.mint_due().await, world.mint_due().await), (1, 0), "due once");
        assert_eq!(world.provider.calls(), round);
        let token = world.held().await.minting().unwrap().token.clone().unwrap();
        world.pass_to_mint().await;
        assert!(token.expires_at.since(world.clock.now()) >= Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_token_past_its_time_is_served_while_the_next_is_minted() {
    let world = World::with_client().await;
    world.minted().await.unwrap();
    world.pass_to_mint().await;
    world.provider.next([Answer::RotateWhenReleased]);
    let vended = world.minted().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", None));
    let hinted = vended.refresh_hint_at.since(world.clock.now());
    assert!(hinted <= Duration::from_secs(60), "the next is expected soon: {hinted:?}");
    world.provider.reached().await;
    world.provider.release();
    world.settled().await;
    assert_eq!(world.minted_text().await, "at-2");
}

#[tokio::test]
async fn a_token_too_old_for_the_caller_is_waited_for() {
    let world = World::with_client().await;
    let first = world.minted().await.unwrap();
    world.clock.advance(first.token.expires_at.since(world.clock.now()) - Duration::from_secs(30));
    assert_eq!(world.minted_text().await, "at-2");
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_it_says() {
    let world = World::with_client().await;
    world.provider.next([Answer::RotateWhenReleased]);
    let at_once = VendRequest { wait: Some(Duration::ZERO), ..ask() };
    let refusal = vend_from(&world.broker.vendor(), at_once).await.unwrap_err();
    assert!(matches!(refusal, BrokerError::RefreshInProgress(_)), "{refusal:?}");
    world.provider.reached().await;
    world.provider.release();
    world.settled().await;
    assert_eq!((world.minted_text().await.as_str(), world.provider.calls()), ("at-1", 1));
}

#[tokio::test]
async fn a_provider_that_is_down_is_left_alone_for_a_while() {
    let world = World::with_client().await;
    world.provider.next([Answer::Unreachable, Answer::Rotate, fail(FailureKind::Uncertain)]);
    for _ in 0..2 {
        let refusal = world.minted().await.unwrap_err();
        assert!(matches!(refusal, BrokerError::ProviderUnavailable(_)), "{refusal:?}");
        assert_eq!(world.held().await.minting().unwrap().failures(), 1, "nobody is asked while it rests");
    }
    assert_eq!(world.mint_due().await, 0);
    world.pass_to_mint().await;
    assert_eq!(world.mint_due().await, 1);
    let minted = world.minted().await.unwrap();
    assert_eq!((minted.access_token.expose(), minted.stale), ("at-1", None));

    world.pass_to_mint().await;
    assert_eq!(world.mint_due().await, 1);
    assert_eq!(world.minted().await.unwrap().stale, None, "it is still fresh enough");
    world.clock.advance(minted.token.expires_at.since(world.clock.now()) - Duration::from_secs(30));
    world.provider.next([Answer::Unreachable, Answer::Unreachable]);
    assert_eq!(world.minted().await.unwrap().stale, Some(StaleReason::RefreshFailed));
    world.pass(31);
    let refusal = world.minted().await.unwrap_err();
    assert!(matches!(refusal, BrokerError::ProviderUnavailable(_)), "{refusal:?}");
}

#[tokio::test]
async fn a_client_that_is_rejected_is_told_and_tried_again() {
    let world = World::with_client().await;
    world.provider.accept(&[]);
    let refusal = world.minted().await.unwrap_err();
    assert!(matches!(refusal, BrokerError::ClientRegistrationRejected(_)), "{refusal:?}");
    let failure = world.held().await.minting().unwrap().last_failure.clone().unwrap();
    assert_eq!((failure.kind, failure.in_a_row), (FailureKind::ClientRejected, 1));
    assert_eq!(world.provider.shown(), ["secret"]);
    world.pass(61);
    world.provider.accept(&["secret"]);
    assert_eq!(world.minted_text().await, "at-1");
}

#[tokio::test]
async fn a_refused_secret_is_followed_by_the_next() {
    let world = World::with_client().await;
    world.add("second", false).await;
    world.provider.shown();
    world.provider.accept(&["second"]);
    assert_eq!(world.minted_text().await, "at-1");
    assert_eq!(world.provider.shown(), ["secret", "second"]);
    assert_eq!(world.held().await.minting().unwrap().last_failure, None);
}

#[tokio::test]
async fn a_refusal_without_a_code_is_of_the_client_too() {
    let world = World::with_client().await;
    world.add("second", false).await;
    world.provider.next([fail(FailureKind::UnlabelledRefusal), Answer::Rotate]);
    assert_eq!(world.minted_text().await, "at-1");
    assert_eq!(world.provider.calls(), 2);
}

#[tokio::test]
async fn what_is_paused_is_looked_at_again_later() {
    let world = World::with_client().await;
    let grace = Principal::new("grace").unwrap();
    let (target, pause) = (PauseTarget::Tenant(m2m().tenant), Duration::from_secs(120));
    world.broker.pause_refresh(target, pause, "maintenance".into(), grace, &actor()).await.unwrap();
    let began = world.clock.now();
    assert_eq!(world.mint_due().await, 0);
    let looked_at_again = world.held().await.minting().unwrap().mint_at.since(began);
    assert_eq!(looked_at_again, Duration::from_secs(30));
    assert_eq!(world.provider.calls(), 0);
    world.pass(120);
    assert_eq!(world.mint_due().await, 1);
}

#[tokio::test]
async fn who_rests_after_a_pause_is_asked_for_soon_although_the_last_mint_failed() {
    let world = World::with_client().await;
    world.provider.next([Answer::Unreachable]);
    world.minted().await.unwrap_err();
    world.pass_to_mint().await;
    let (grace, hour) = (Principal::new("grace").unwrap(), Duration::from_secs(3600));
    let target = || PauseTarget::Tenant(m2m().tenant);
    world.broker.pause_refresh(target(), hour, "maintenance".into(), grace, &actor()).await.unwrap();
    assert_eq!(world.mint_due().await, 0);
    world.broker.resume_refresh(&target(), &actor()).await.unwrap();
    world.pass(31);
    assert_eq!(world.minted_text().await, "at-1");
}

#[tokio::test]
async fn a_throttled_registration_is_put_off_and_takes_no_room_in_the_budget() {
    let world = World::with_client().await;
    let throttled = ProviderFailure {
        retry_after: Some(Duration::from_secs(86_400)),
        ..ProviderFailure::of(FailureKind::Throttled)
    };
    world.provider.next([Answer::Fail(throttled)]);
    assert_eq!(world.mint_due().await, 1);
    // Another one of that registration comes due.
    let other = key_of("m2m-2");
    world
        .broker
        .create_machine_credential(&other, &of_client(), &actor(), &Permit::unlimited())
        .await
        .unwrap();
    assert_eq!(world.mint_due().await, 0);
    assert!(world.store().due_mints(world.clock.now(), 10).await.unwrap().is_empty(), "it hides no others");
    assert_eq!(world.provider.calls(), 1);
}

#[tokio::test]
async fn however_short_tokens_live_the_provider_is_left_alone_between_two() {
    let world = World::with_client().await;
    *world.provider.life.lock().unwrap() = Some(Duration::from_secs(1));
    assert_eq!(world.mint_due().await, 1);
    world.pass(2);
    assert_eq!(world.mint_due().await, 0, "not so soon");
    world.pass_to_mint().await;
    assert_eq!(world.mint_due().await, 1);
}

#[tokio::test]
async fn what_the_token_does_not_cover_is_missing() {
    let world = World::with_client().await;
    let wide = VendRequest { required_scopes: vec!["write".into()], ..ask() };
    let refusal = vend_from(&world.broker.vendor(), wide).await.unwrap_err();
    assert!(matches!(&refusal, BrokerError::MissingScopes(missing) if missing == &["write"]), "{refusal:?}");
}

#[tokio::test]
async fn a_replaced_credential_has_a_higher_generation_and_no_old_token() {
    let world = World::with_client().await;
    let before = world.minted().await.unwrap();
    let permit = Permit::unlimited();
    let next =
        world.broker.rotate_machine_credential(&m2m(), &of_client(), None, &actor(), &permit).await.unwrap();
    assert!(next.generation() > before.generation);
    let after = world.minted().await.unwrap();
    assert_eq!(after.access_token.expose(), "at-2");
    assert!(after.generation > next.generation());
}

#[tokio::test]
async fn a_process_that_only_vends_has_a_rotator_mint() {
    let world = World::with_client().await;
    let api = world.api(Arc::<MemoryRequests>::default());
    let vendor = api.vendor();
    let call = tokio::spawn(async move { vend_from(&vendor, ask()).await });
    while !call.is_finished() {
        tokio::time::sleep(Duration::from_millis(2)).await;
        world.broker.mint_due().await.unwrap();
        world.clock.advance(Duration::from_millis(100));
    }
    assert_eq!(call.await.unwrap().unwrap().access_token.expose(), "at-1");
    assert_eq!(world.provider.calls(), 1);
}

#[tokio::test]
async fn a_derived_token_is_got_with_the_token_of_its_grant() {
    let world = World::with_derived().await;
    let grant_token = world.token().await;
    let vended = world.minted().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("derived-1", None));
    assert_eq!(world.provider.derived(), [format!("{grant_token} for 00002222")]);
    assert_eq!(vended.token.lineage, Some(world.grant().await.lineage));
    world.pass_to_mint().await;
    assert_eq!((world.mint_due().await, world.provider.derived().len()), (1, 2));
    assert_eq!(world.minted_text().await, "derived-2");
}

#[tokio::test]
async fn a_derived_token_is_not_served_without_its_grant() {
    let world = World::with_derived().await;
    world.minted().await.unwrap();
    world.broker.revoke_grant(&key(), &actor()).await.unwrap();
    let refusal = world.minted().await.unwrap_err();
    assert!(matches!(refusal, BrokerError::ConsentRequired(ConsentCause::Revoked)), "{refusal:?}");
    world.pass_to_mint().await;
    assert_eq!((world.mint_due().await, world.provider.derived().len()), (1, 1), "nothing is asked for");
    world.consent().await.unwrap();
    assert_eq!(world.minted_text().await, "derived-2", "at once, and none of the earlier consent");
}

#[tokio::test]
async fn a_refusal_to_derive_is_the_providers() {
    let world = World::with_derived().await;
    world.provider.refuse_to_derive(ProviderFailure::of(FailureKind::UnlabelledRefusal));
    let refusal = world.minted().await.unwrap_err();
    assert!(matches!(refusal, BrokerError::ProviderUnavailable(_)), "{refusal:?}");
    assert_eq!(world.grant().await.last_failure, None, "the grant is as good as before");
}
