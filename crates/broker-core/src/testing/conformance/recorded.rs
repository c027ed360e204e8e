//! A change that a caller asked for is committed with its record, and without a change there is none.

use std::fmt::Debug;

use broker_crypto::{DekId, KekId, KeyPurpose, Sealed, WrappedDek, service_envelope};

use super::World;
use super::machine_credentials::credential;
use super::samples::{
    HOUR, NOW, actor, key, key_of, provider, record, registered_secret, registration, registration_key,
    tenant, tenant_id,
};
use super::webhooks::{change_of, secret, secret_change};
use crate::ports::{
    ChangeOutcome, CreateOutcome, ExchangeClaim, MachineCredentialOutcome, NewSecret, PauseTarget,
    Redelivery, RefreshPause, RegistrationChange, RetireOutcome, RotationStart, SecretOutcome,
    SecretRetirement, StartOutcome, StoreError, TenantChange, WebhookChange, WebhookKey,
};
use crate::{
    AccessPolicy, AccessRule, AuditOutcome, AuditRecord, AuthorizationStatus, InstallationId, KeyKind,
    KeyRotation, KeyRotationId, KeyRotationState, KeyRotationWalk, MachineCredential, PolicyOrigin,
    Principal, RowVersion, SecretId,
};

/// What is recorded of a change.
fn told() -> AuditRecord {
    actor().did(Some(&tenant_id("acme")), NOW + HOUR).at_provider(&provider()).resource("things/1 changed")
}

/// No store keeps a failure without a reason.
fn unwritable() -> AuditRecord {
    AuditRecord { outcome: AuditOutcome::Failed(String::new()), ..told() }
}

/// Another version than anything has.
fn stale() -> Option<RowVersion> {
    Some(RowVersion::first(NOW - HOUR))
}

impl World {
    /// What callers did, oldest first.
    async fn told(&self) -> Vec<AuditRecord> {
        let records = self.inbox.inbox_records().await;
        records.into_iter().filter(|record| record.principal.is_some()).collect()
    }

    /// Makes the change with a record that cannot be kept, which makes neither, and with one that can.
    async fn makes<T: Debug + PartialEq>(
        &self,
        change: impl AsyncFn(&AuditRecord) -> Result<T, StoreError>,
        made: T,
        recorded: &AuditRecord,
    ) {
        let before = self.told().await.len();
        change(&unwritable()).await.expect_err("a record that cannot be kept");
        assert_eq!(self.told().await.len(), before);
        assert_eq!(change(&told()).await.unwrap(), made);
        assert_eq!(self.told().await.get(before..), Some(std::slice::from_ref(recorded)));
    }

    /// Asks for what changes nothing, and so needs no record.
    async fn changes_nothing<T: Debug + PartialEq>(
        &self,
        change: impl AsyncFn(&AuditRecord) -> Result<T, StoreError>,
        outcome: T,
    ) {
        let before = self.told().await;
        assert_eq!(change(&unwritable()).await.unwrap(), outcome);
        assert_eq!(self.told().await, before);
    }
}

pub async fn a_record_is_kept_whole(world: World) {
    let pause = pause();
    let whole = AuditRecord {
        generation: Some(crate::Generation::new(7)),
        purpose: "für \"nightly\" export".to_owned(),
        ..told().about(&key("ada")).resource("pauses/providers/evercam")
    };
    world.scheduler.pause_refresh(&pause, &whole).await.unwrap();
    assert_eq!(world.told().await.last(), Some(&whole));
}

pub async fn changes_of_tenants_are_recorded(world: World) {
    let globex = tenant("globex");
    let create = async |record: &AuditRecord| world.tenants.create_tenant(&globex, None, record).await;
    world.makes(create, CreateOutcome::Created, &told()).await;
    world.changes_nothing(create, CreateOutcome::Taken).await;
    let change = |expected| TenantChange {
        id: tenant_id("globex"),
        display_name: "Globex".to_owned(),
        expected,
        at: NOW + HOUR,
    };
    let update = |expected| {
        let change = change(expected);
        let tenants = &world.tenants;
        async move |record: &AuditRecord| tenants.update_tenant(&change, record).await
    };
    world.changes_nothing(update(stale()), ChangeOutcome::Stale).await;
    world.makes(update(None), ChangeOutcome::Changed, &told()).await;
}

pub async fn changes_of_registrations_are_recorded(world: World) {
    let second = registration("acme", "second", NOW);
    let create = async |record: &AuditRecord| world.tenants.create_registration(&second, None, record).await;
    world.makes(create, CreateOutcome::Created, &told()).await;
    world.changes_nothing(create, CreateOutcome::Taken).await;
    let update = async |expected, record: &AuditRecord| {
        let key = registration_key("second");
        let scopes = Some(vec!["live".to_owned()]);
        let (redirect_uri, return_to, at) = (None, None, NOW + HOUR);
        let change = RegistrationChange {
            key,
            redirect_uri,
            scopes,
            return_to,
            expected,
            at,
            grant_window: None,
            allow_device_authorization: None,
        };
        world.tenants.update_registration(&change, record).await
    };
    world.changes_nothing(async |record| update(stale(), record).await, ChangeOutcome::Stale).await;
    world.makes(async |record| update(None, record).await, ChangeOutcome::Changed, &told()).await;
    let delete = async |expected, record: &AuditRecord| {
        world.tenants.delete_registration(&registration_key("second"), expected, NOW + HOUR, record).await
    };
    world.changes_nothing(async |record| delete(stale(), record).await, ChangeOutcome::Stale).await;
    world.makes(async |record| delete(None, record).await, ChangeOutcome::Changed, &told()).await;
    world.changes_nothing(async |record| delete(None, record).await, ChangeOutcome::Absent).await;
}

pub async fn changes_of_secrets_are_recorded(world: World) {
    let new = NewSecret {
        key: registration_key("main"),
        secret: registered_secret(2, NOW),
        prefer: false,
        most: 3,
        request: None,
    };
    let add = async |record: &AuditRecord| world.tenants.add_secret(&new, record).await;
    world.makes(add, SecretOutcome::Added, &told()).await;
    world.changes_nothing(add, SecretOutcome::NumberTaken).await;
    let retire = async |secret, record: &AuditRecord| {
        let secret = SecretId::new(secret).unwrap();
        let key = registration_key("main");
        let retirement = SecretRetirement { key, secret, expected: None, at: NOW + HOUR };
        world.tenants.retire_secret(&retirement, record).await
    };
    world.makes(async |record| retire(1, record).await, RetireOutcome::Retired, &told()).await;
    world.changes_nothing(async |record| retire(1, record).await, RetireOutcome::NoSuchSecret).await;
    world.changes_nothing(async |record| retire(2, record).await, RetireOutcome::Last).await;
}

pub async fn changes_of_policies_are_recorded(world: World) {
    let policy = AccessPolicy {
        id: world.policy_id(),
        rule: AccessRule::everything(),
        description: String::new(),
        origin: PolicyOrigin::Created(NOW),
    };
    let create = async |record: &AuditRecord| world.access.create_policy(&policy, None, record).await;
    world.makes(create, CreateOutcome::Created, &told()).await;
    world.changes_nothing(create, CreateOutcome::Taken).await;
    let delete = async |record: &AuditRecord| world.access.delete_policy(policy.id, record).await;
    world.makes(delete, true, &told()).await;
    world.changes_nothing(delete, false).await;
}

pub async fn changes_of_machine_credentials_are_recorded(world: World) {
    let (held, store) = (credential(&key("nvr")), &world.machine_credentials);
    let create = async |record: &AuditRecord| store.create_machine_credential(&held, record).await;
    world.makes(create, MachineCredentialOutcome::Created, &told()).await;
    world.changes_nothing(create, MachineCredentialOutcome::Taken).await;
    let next = MachineCredential { version: held.version.next(), ..held.clone() };
    let replace =
        async |record: &AuditRecord| store.replace_machine_credential(&next, held.version, record).await;
    world.makes(replace, ChangeOutcome::Changed, &told()).await;
    world.changes_nothing(replace, ChangeOutcome::Stale).await;
    let delete = async |record: &AuditRecord| store.delete_machine_credential(&held.key, None, record).await;
    world.makes(delete, ChangeOutcome::Changed, &told()).await;
    world.changes_nothing(delete, ChangeOutcome::Absent).await;
}

pub async fn changes_of_webhooks_are_recorded(world: World) {
    let (webhook, store) = (world.new_webhook("acme"), &world.webhooks);
    let of = WebhookKey { tenant: webhook.tenant.clone(), id: webhook.id };
    let create =
        async |record: &AuditRecord| store.create_webhook(&webhook, &secret(b"sealed"), None, record).await;
    world.makes(create, CreateOutcome::Created, &told()).await;
    let update = async |record: &AuditRecord| store.update_webhook(&change_of(&of), record).await;
    world.makes(update, ChangeOutcome::Changed, &told()).await;
    let change = WebhookChange { expected: stale(), ..change_of(&of) };
    let too_late = async |record: &AuditRecord| store.update_webhook(&change, record).await;
    world.changes_nothing(too_late, ChangeOutcome::Stale).await;
    let rotate =
        async |record: &AuditRecord| store.replace_webhook_secret(&secret_change(&of, 1), record).await;
    world.makes(rotate, ChangeOutcome::Changed, &told()).await;
    world.changes_nothing(rotate, ChangeOutcome::Stale).await;
    let redelivery = Redelivery { key: of.clone(), from: 1, to: None, at: NOW };
    let redeliver = async |record: &AuditRecord| store.redeliver_webhook(&redelivery, record).await;
    world.makes(redeliver, Some(0), &told()).await;
    let delete = async |record: &AuditRecord| store.delete_webhook(&of, None, record).await;
    world.makes(delete, ChangeOutcome::Changed, &told()).await;
    world.changes_nothing(delete, ChangeOutcome::Absent).await;
    world.changes_nothing(redeliver, None).await;
}

fn pause() -> RefreshPause {
    RefreshPause {
        target: PauseTarget::Provider(provider()),
        expires_at: NOW + HOUR,
        principal: Principal::new("dev:operator").unwrap(),
        note: String::new(),
        created_at: NOW,
    }
}

pub async fn pauses_are_recorded(world: World) {
    let pause = pause();
    let begin = async |record: &AuditRecord| world.scheduler.pause_refresh(&pause, record).await;
    let end = async |record: &AuditRecord| world.scheduler.resume_refresh(&pause.target, NOW, record).await;
    world.makes(begin, (), &told()).await;
    world.makes(end, true, &told()).await;
    world.changes_nothing(end, false).await;
    world.makes(begin, (), &told()).await;
    let late =
        async |record: &AuditRecord| world.scheduler.resume_refresh(&pause.target, NOW + HOUR, record).await;
    world.changes_nothing(late, false).await;
}

pub async fn a_breaker_that_an_operator_closes_is_recorded(world: World) {
    let close = async |record: &AuditRecord| world.fleet.close_breaker(&provider(), record).await;
    world.changes_nothing(close, false).await;
    world.fleet.note_bad_answer(&provider(), NOW).await.unwrap();
    world.makes(close, true, &told()).await;
}

pub async fn an_adopted_installation_is_recorded(world: World) {
    let new = InstallationId::from_bytes([9; 16]);
    let adopt = async |record: &AuditRecord| world.fleet.adopt_installation(new, NOW, record).await;
    world.makes(adopt, (), &told()).await;
}

pub async fn a_deletion_is_recorded_once(world: World) {
    let begin = async |tenant, record: &AuditRecord| {
        world.deletions.begin_deletion(&tenant_id(tenant), NOW, record).await
    };
    world.changes_nothing(async |record| begin("nobody", record).await, false).await;
    world.makes(async |record| begin("acme", record).await, true, &told()).await;
    world.changes_nothing(async |record| begin("acme", record).await, true).await;
}

pub async fn each_grant_that_is_revoked_is_recorded(world: World) {
    world.add_tenant("globex").await;
    let (ada, bob, eve) = (key("ada"), key("bob"), key_of("globex", "eve"));
    for key in [&ada, &bob, &eve] {
        world.grant(key).await;
    }
    let revoke = async |keys: &[crate::GrantKey], record: &AuditRecord| {
        world.revocations.revoke(keys, NOW, record).await
    };
    let only_ada = [ada.clone()];
    let of_ada = told().about(&ada);
    world.makes(async |record| revoke(&only_ada, record).await, vec![ada.clone()], &of_ada).await;
    world.changes_nothing(async |record| revoke(&only_ada, record).await, vec![]).await;
    let before = world.told().await.len();
    revoke(&[eve.clone(), ada, key("nobody"), bob.clone()], &told()).await.unwrap();
    let of_eve = AuditRecord { tenant: Some(eve.tenant.clone()), ..told().about(&eve) };
    assert_eq!(world.told().await.split_off(before), [of_eve, told().about(&bob)]);
}

pub async fn authorizations_are_recorded(world: World) {
    let authorization = world.request(&key("ada"), super::samples::registration_id());
    let (tenant, id) = (&authorization.key.tenant, authorization.id);
    let start = async |record: &AuditRecord| world.consents.start_authorization(&authorization, record).await;
    world.makes(start, StartOutcome::Started, &told()).await;
    let end = async |record: &AuditRecord| {
        world.consents.end_authorization(tenant, id, AuthorizationStatus::Denied, NOW, record).await
    };
    world.makes(end, true, &told()).await;
    world.changes_nothing(end, false).await;
    let mut hosted = world.request(&key("ada"), super::samples::registration_id());
    hosted.hosted = Some(crate::HostedCallback { return_to: None, answer: None });
    world.consents.start_authorization(&hosted, &super::samples::record()).await.unwrap();
    let code = crate::KeptCode { code: Sealed::from_bytes(vec![1; 40]), completion_digest: [1; 32] };
    let code = crate::ports::CodeToKeep { tenant: tenant.clone(), authorization: hosted.id, code, at: NOW };
    let keep = async |record: &AuditRecord| world.consents.keep_code(&code, record).await;
    world.makes(keep, true, &told()).await;
    world.changes_nothing(keep, false).await;
    let used = world.authorization(&key("ada")).await;
    let claim = async |record: &AuditRecord| {
        let claim = ExchangeClaim { record: record.clone(), ..world.exchange_of(&used) };
        Ok(world.grants.claim_exchange(&claim).await?.attempt().is_some())
    };
    world.makes(claim, true, &told()).await;
    world.changes_nothing(claim, false).await;
}

fn rotation(number: u8) -> KeyRotation {
    KeyRotation {
        id: KeyRotationId::from_bytes([number; 16]),
        kind: KeyKind::Dek,
        tenant: Some(tenant_id("acme")),
        target: None,
        state: KeyRotationState::Running,
        walk: KeyRotationWalk::First,
        after: None,
        done: 0,
        remaining: 0,
        failed: 0,
        created_at: NOW,
        ended_at: None,
    }
}

pub async fn changes_of_keys_are_recorded(world: World) {
    let start = async |number, record: &AuditRecord| match world
        .keys
        .start_key_rotation(&rotation(number), None, record)
        .await?
    {
        RotationStart::Kept(kept) => Ok(kept.id),
        RotationStart::IdReused => panic!("no id was given"),
    };
    let running = rotation(1).id;
    world.makes(async |record| start(1, record).await, running, &told()).await;
    world.changes_nothing(async |record| start(2, record).await, running).await;
    let (old, new) = (KekId::new("old").unwrap(), KekId::new("new").unwrap());
    for number in [1, 2] {
        let id = DekId::from_bytes(&[number; 16]).unwrap();
        let envelope = service_envelope(&new, &number.to_string());
        let data_key = WrappedDek { id, purpose: KeyPurpose::Access, envelope };
        let by = KeyRotationId::from_bytes([number; 16]);
        assert!(world.keys.add_data_key(&tenant_id("acme"), &data_key, by, NOW).await.unwrap());
    }
    let retire = async |record: &AuditRecord| {
        let id = DekId::from_bytes(&[1; 16]).unwrap();
        world.keys.retire_data_key(&tenant_id("acme"), id, NOW, record).await
    };
    world.makes(retire, true, &told()).await;
    world.changes_nothing(retire, false).await;
    for kek in [&old, &new] {
        world.keys.note_primary_keks(std::slice::from_ref(kek), NOW).await.unwrap();
    }
    let retire = async |record: &AuditRecord| world.keys.retire_kek(&old, NOW, record).await;
    world.makes(retire, true, &told()).await;
    world.changes_nothing(retire, false).await;
}

pub async fn a_change_that_fails_leaves_no_record(world: World) {
    let before = world.told().await;
    let stray = registration("nobody", "main", NOW);
    world.tenants.create_registration(&stray, None, &record()).await.expect_err("there is no such tenant");
    let authorization = world.authorization(&key("ada")).await;
    let started = world.told().await;
    assert_eq!(started.len(), before.len() + 1);
    world.consents.start_authorization(&authorization, &record()).await.expect_err("it is there");
    assert_eq!(world.told().await, started);
}
