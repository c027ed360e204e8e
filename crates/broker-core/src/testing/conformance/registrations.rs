//! Client registrations.

use std::time::Duration;

use super::World;
use super::samples::{
    HOUR, NOW, after, key, provider, provider_named, record, registration, registration_id, registration_key,
    tenant_id,
};
use crate::ports::{
    AttemptEnd, ChangeOutcome, CreateOutcome, RegistrationChange, RegistrationFilter, StoreError,
};
use crate::{ClientRegistration, ConsentCause, GrantWindow, Lifecycle, Phase, RowVersion};

impl World {
    /// A registration of the usual tenant and provider.
    pub(super) async fn registered(&self, id: &str) -> Option<ClientRegistration> {
        let key = registration_key(id);
        self.tenants.registration(&key.tenant, &key.provider, &key.id).await.unwrap()
    }

    async fn delete(&self, id: &str, expected: Option<RowVersion>) -> ChangeOutcome {
        self.tenants
            .delete_registration(&registration_key(id), expected, NOW + HOUR, &record())
            .await
            .unwrap()
    }

    async fn page(&self, filter: &RegistrationFilter) -> Vec<ClientRegistration> {
        self.tenants.list_registrations(filter).await.unwrap()
    }
}

fn everything() -> RegistrationFilter {
    RegistrationFilter { tenant: tenant_id("acme"), provider: None, after: None, limit: 100 }
}

fn change() -> RegistrationChange {
    RegistrationChange {
        key: registration_key("main"),
        redirect_uri: None,
        scopes: None,
        return_to: None,
        grant_window: None,
        allow_device_authorization: None,
        expected: None,
        at: NOW + HOUR,
    }
}

pub async fn a_registration_is_created_once_and_kept_whole(world: World) {
    let given = registration("acme", "main", NOW);
    let again = world.tenants.create_registration(&given, None, &record()).await.unwrap();
    assert_eq!(again, CreateOutcome::Taken, "the world has made it");
    let kept = world.registered("main").await.unwrap();
    assert_eq!(
        (kept.client_id.as_str(), &kept.redirect_uri),
        (given.client_id.as_str(), &given.redirect_uri)
    );
    assert_eq!((&kept.scopes, &kept.return_to), (&given.scopes, &given.return_to));
    assert_eq!((kept.created_at, kept.updated_at, kept.version), (NOW, NOW, given.version));
    assert_eq!((kept.secrets.len(), kept.secrets_made, kept.rejected), (1, 1, false));
    let (kept, given) = (&kept.secrets[0], &given.secrets[0]);
    assert_eq!((kept.id, kept.created_at), (given.id, given.created_at));
    assert_eq!((kept.last_accepted_at, kept.refused_at), (None, None));
    assert_eq!(kept.sealed.as_bytes(), given.sealed.as_bytes());

    let public = ClientRegistration {
        secrets: Vec::new(),
        secrets_made: 0,
        scopes: Vec::new(),
        ..registration("acme", "public", NOW)
    };
    world.tenants.create_registration(&public, None, &record()).await.unwrap();
    let kept = world.registered("public").await.unwrap();
    assert!(kept.secrets.is_empty() && kept.scopes.is_empty());
}

pub async fn the_first_registration_is_used(world: World) {
    let first = async || {
        let found = world.tenants.first_registration(&tenant_id("acme"), &provider()).await.unwrap();
        found.unwrap().id.as_str().to_owned()
    };
    for (id, created_at, first_then) in [
        ("later", NOW + HOUR, "main"),
        ("earlier", NOW - HOUR, "earlier"),
        ("a-same-time", NOW - HOUR, "earlier"),
    ] {
        world
            .tenants
            .create_registration(&registration("acme", id, created_at), None, &record())
            .await
            .unwrap();
        assert_eq!(first().await, first_then);
    }
    world.delete("earlier", None).await;
    assert_eq!(first().await, "a-same-time");
}

pub async fn a_registration_needs_its_tenant(world: World) {
    let stray = registration("nobody", "main", NOW);
    let refused = world.tenants.create_registration(&stray, None, &record()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Inconsistent(_)), "{refused:?}");
}

pub async fn registrations_are_listed_oldest_first_with_all_their_secrets(world: World) {
    world.add_tenant("globex").await;
    world.register_at("acme", &provider_named("eagle-eye")).await;
    for (id, created_at) in [("young", NOW + HOUR), ("old", NOW - HOUR), ("peer", NOW)] {
        world
            .tenants
            .create_registration(&registration("acme", id, created_at), None, &record())
            .await
            .unwrap();
    }
    world.add_secret("main", false).await;
    let mut filter = RegistrationFilter { limit: 2, ..everything() };
    let mut listed = Vec::new();
    loop {
        let page = world.page(&filter).await;
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        filter.after = Some((last.created_at, last.provider.clone(), last.id.clone()));
        listed.extend(page.iter().map(|r| (r.id.to_string(), r.provider.to_string(), r.secrets.len())));
    }
    let named = |id: &str, provider: &str, secrets| (id.to_owned(), provider.to_owned(), secrets);
    let expected = [
        named("old", "evercam", 1),
        named("main", "eagle-eye", 1),
        named("main", "evercam", 2),
        named("peer", "evercam", 1),
        named("young", "evercam", 1),
    ];
    assert_eq!(listed, expected);
    let elsewhere = RegistrationFilter { provider: Some(provider_named("eagle-eye")), ..everything() };
    assert_eq!(world.page(&elsewhere).await.len(), 1);
}

pub async fn a_registration_is_changed_where_named_and_only_in_the_version_that_was_seen(world: World) {
    let before = world.registered("main").await.unwrap();
    let scopes = RegistrationChange {
        scopes: Some(vec!["one".to_owned()]),
        expected: Some(before.version),
        ..change()
    };
    assert_eq!(world.tenants.update_registration(&scopes, &record()).await.unwrap(), ChangeOutcome::Changed);
    let after = world.registered("main").await.unwrap();
    assert_eq!((after.scopes, after.redirect_uri), (vec!["one".to_owned()], before.redirect_uri));
    assert_eq!((&after.return_to, after.secrets.len()), (&before.return_to, 1));
    assert_eq!((after.updated_at, after.version), (NOW + HOUR, before.version.next()));

    assert_eq!(world.tenants.update_registration(&scopes, &record()).await.unwrap(), ChangeOutcome::Stale);
    let emptied = RegistrationChange {
        scopes: Some(Vec::new()),
        redirect_uri: Some("https://new.example/cb".to_owned()),
        return_to: Some(Default::default()),
        allow_device_authorization: Some(false),
        ..change()
    };
    assert_eq!(world.tenants.update_registration(&emptied, &record()).await.unwrap(), ChangeOutcome::Changed);
    let after = world.registered("main").await.unwrap();
    assert!(after.scopes.is_empty() && after.return_to.is_empty());
    assert_eq!(after.redirect_uri, "https://new.example/cb");
    let nowhere = RegistrationChange { key: registration_key("none"), ..change() };
    assert_eq!(world.tenants.update_registration(&nowhere, &record()).await.unwrap(), ChangeOutcome::Absent);
}

pub async fn a_registration_keeps_a_window_of_its_own(world: World) {
    let idle = GrantWindow { refresh_token_timeout: Some(HOUR), authorization_expires_in: None };
    // To the microsecond, and of more than 32 bits of it.
    let fixed = Duration::from_micros(90 * 86_400_000_001);
    let both = GrantWindow { refresh_token_timeout: Some(2 * HOUR), authorization_expires_in: Some(fixed) };
    assert_eq!(world.registered("main").await.unwrap().grant_window, None, "the provider's");
    // A permanent one is one too, and not the lack of one.
    for (id, window) in [("idle", idle), ("both", both), ("permanent", GrantWindow::PERMANENT)] {
        let given = ClientRegistration { grant_window: Some(window), ..registration("acme", id, NOW) };
        world.tenants.create_registration(&given, None, &record()).await.unwrap();
        assert_eq!(world.registered(id).await.unwrap().grant_window, Some(window), "{id}");
        let page = world.page(&everything()).await;
        let listed = page.iter().find(|listed| listed.id == registration_key(id).id).unwrap();
        assert_eq!(listed.grant_window, Some(window), "{id}");
    }
    let steps = [
        (None, Some(both)),
        (Some(Some(idle)), Some(idle)),
        (Some(Some(GrantWindow::PERMANENT)), Some(GrantWindow::PERMANENT)),
        (Some(None), None),
        (None, None),
    ];
    for (change_to, expected) in steps {
        let change =
            RegistrationChange { key: registration_key("both"), grant_window: change_to, ..change() };
        let changed = world.tenants.update_registration(&change, &record()).await.unwrap();
        assert_eq!(changed, ChangeOutcome::Changed);
        assert_eq!(world.registered("both").await.unwrap().grant_window, expected, "{change_to:?}");
    }
    assert_eq!(world.registered("idle").await.unwrap().grant_window, Some(idle), "another's is left alone");
}

pub async fn a_registration_that_grants_live_by_is_not_deleted(world: World) {
    world.grant(&key("ada")).await;
    assert_eq!(world.delete("main", None).await, ChangeOutcome::InUse);
    world.grant_with_lifecycle(&key("ada"), Lifecycle::NeedsConsent(ConsentCause::Revoked)).await;
    let version = world.registered("main").await.unwrap().version;
    assert_eq!(world.delete("main", Some(version.next())).await, ChangeOutcome::Stale);
    assert_eq!(world.delete("main", Some(version)).await, ChangeOutcome::Changed);
    assert!(world.registered("main").await.is_none());
    assert_eq!(world.page(&everything()).await.len(), 0);
    assert_eq!(
        world.read(&key("ada")).await.registration,
        registration_id(),
        "the dead grant keeps the name"
    );
    assert_eq!(world.delete("main", None).await, ChangeOutcome::Absent);
    assert_eq!(world.tenants.update_registration(&change(), &record()).await.unwrap(), ChangeOutcome::Absent);
}

pub async fn a_registration_with_an_open_attempt_is_not_deleted(world: World) {
    let (attempt, _) = world.exchange(&key("ada")).await;
    assert_eq!(world.delete("main", None).await, ChangeOutcome::InUse);
    assert!(world.close(&attempt, None).await);
    assert_eq!(world.delete("main", None).await, ChangeOutcome::Changed);
}

pub async fn no_code_is_exchanged_through_a_deleted_registration(world: World) {
    let authorization = world.authorization(&key("ada")).await;
    assert_eq!(world.delete("main", None).await, ChangeOutcome::Changed);
    let claim = world.exchange_of(&authorization);
    assert_eq!(world.grants.claim_exchange(&claim).await.unwrap().attempt(), None);
    assert_eq!(world.status_of(authorization.id).await, crate::AuthorizationStatus::Pending);
}

pub async fn a_deleted_registration_is_made_anew_under_its_name(world: World) {
    let refused = world.exchange(&key("ada")).await.0;
    let end = AttemptEnd { pause_registration_until: Some(NOW + HOUR), ..world.end_of(&refused, None) };
    assert!(world.grants.close_attempt(&end).await.unwrap());
    assert!(world.registered("main").await.unwrap().rejected);
    world.add_secret("main", false).await;
    assert_eq!(world.delete("main", None).await, ChangeOutcome::Changed);
    let anew = registration("acme", "main", NOW + 2 * HOUR);
    let created = world.tenants.create_registration(&anew, None, &record()).await.unwrap();
    assert_eq!(created, CreateOutcome::Created);
    let kept = world.registered("main").await.unwrap();
    assert_eq!((kept.secrets.len(), kept.secrets_made, kept.rejected), (1, 1, false));
    assert_eq!((kept.created_at, kept.version), (anew.created_at, anew.version));
    world.grant(&key("bob")).await;
    let attempt = world.claim(&key("bob"), 1).await.attempt;
    assert!(world.close(&attempt, Some(after(Phase::Idle, false))).await);
}
