//! Another tenant's key finds nothing and changes nothing, in any method of any port.

use std::collections::BTreeSet;

use broker_crypto::Sealed;

use super::World;
use super::samples::{
    HOUR, NOW, after, key, key_of, provider, record, registered_secret, registration, registration_id,
    registration_key, tenant, tenant_id, tokens,
};
use crate::ports::{
    Adoption, AfterPoll, AttemptEnd, ChangeOutcome, ClaimOutcome, CreateOutcome, DueGrant, DueQuery,
    EscrowRecord, GrantFilter, Lineage, NewImport, NewSecret, PollClaim, PollEnd, RegistrationChange,
    RegistrationFilter, RegistrationKey, RetireOutcome, SecretOutcome, SecretRetirement, SentMark,
    SentOutcome, TenantChange,
};
use crate::{
    AccountDigest, Attempt, AttemptKind, Authorization, AuthorizationStatus, DeviceAuthorization, Generation,
    Grant, Import, Phase, Polling, RefreshTokenFingerprint, RowVersion, SecretId, TenantId,
};

/// Methods that take no tenant: they see every tenant's, and what they answer carries its whole key. That no method is
/// missing here and in [`Probes`] is checked against the ports' own text.
const OF_ALL_TENANTS: [&str; 9] = [
    "due_grants",
    "orphans",
    "changed_since",
    "due_polls",
    "put_off_polls",
    "unread_answers",
    "prune_attempts",
    "list_tenants",
    "prune_requests",
];

/// Calls a method, and notes its name.
macro_rules! probe {
    ($probes:expr, $port:expr, $method:ident($($argument:expr),* $(,)?)) => {{
        $probes.0.insert(stringify!($method));
        $port.$method($($argument),*).await
    }};
}

#[derive(Default)]
struct Probes(BTreeSet<&'static str>);

/// Two tenants. The first has a grant with an open attempt and a pending authorization; the second has a user of the
/// same name and nothing else, and knows every id of the first.
struct Neighbours {
    world: World,
    stranger: TenantId,
    before: Grant,
    attempt: Attempt,
    authorization: Authorization,
}

impl Neighbours {
    async fn of(world: World) -> Self {
        world.add_tenant("globex").await;
        world.grant(&key("ada")).await;
        let attempt = world.claim(&key("ada"), 1).await.attempt;
        let authorization = world.authorization(&key("ada")).await;
        let before = world.read(&key("ada")).await;
        Self { world, stranger: tenant_id("globex"), before, attempt, authorization }
    }

    /// The open attempt, as the other tenant would forge it.
    fn forged(&self) -> Attempt {
        let mut forged = self.attempt.clone();
        forged.key.tenant = self.stranger.clone();
        forged
    }

    /// The exchange of the first tenant's code, likewise.
    fn forged_exchange(&self) -> Attempt {
        Attempt { kind: AttemptKind::CodeExchange(self.authorization.id), ..self.forged() }
    }

    async fn nothing_has_changed(&self) {
        let Self { world, before, attempt, authorization, .. } = self;
        assert_eq!(world.read(&key("ada")).await, *before);
        assert_eq!(world.kept(attempt).await, *attempt);
        assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::Pending);
        assert!(world.grants.vendable(&key_of("globex", "ada")).await.unwrap().is_none());
        assert!(world.grants.unread_answers(10).await.unwrap().is_empty());
        let due = DueQuery { due_by: NOW + 9 * HOUR, limit: 10, per_lane: None };
        assert_eq!(world.grants.due_grants(&due).await.unwrap()[0].asked_at, None);
    }

    async fn read_grants(&self, probes: &mut Probes) {
        let Self { world, stranger, attempt, .. } = self;
        let theirs = key_of("globex", "ada");
        assert!(probe!(probes, world.grants, vendable(&theirs)).unwrap().is_none());
        assert!(probe!(probes, world.grants, attempt(stranger, attempt.id)).unwrap().is_none());
        assert_eq!(probe!(probes, world.grants, account_sharers(&theirs)).unwrap(), 0);
        let (lineage, account) = (attempt.lineage, AccountDigest([7; 32]));
        assert!(!probe!(probes, world.grants, note_account(&theirs, lineage, account, &record())).unwrap());
        let filter = GrantFilter {
            tenant: stranger.clone(),
            provider: None,
            user: None,
            registration: None,
            lifecycles: Vec::new(),
            after: None,
            limit: 10,
        };
        assert_eq!(probe!(probes, world.grants, list_grants(&filter)).unwrap(), []);
        let (provider, registration) = (provider(), registration_id());
        let works = probe!(
            probes,
            world.grants,
            registration_works_since(stranger, &provider, &registration, theirs.grant_id(), NOW - HOUR)
        );
        assert!(!works.unwrap());
    }

    async fn claim(&self, probes: &mut Probes) {
        let Self { world, stranger, .. } = self;
        let claim = world.claim_of(&key_of("globex", "ada"), 1);
        let claimed = probe!(probes, world.grants, claim_refresh(&claim)).unwrap();
        assert!(matches!(claimed, ClaimOutcome::Absent), "{claimed:?}");
        let mut exchange = world.exchange_of(&self.authorization);
        exchange.tenant = stranger.clone();
        assert_eq!(probe!(probes, world.grants, claim_exchange(&exchange)).unwrap().attempt(), None);
        let mark = SentMark { attempt: self.forged(), at: NOW, replay_within: None };
        assert_eq!(probe!(probes, world.grants, mark_sent(&mark)).unwrap(), SentOutcome::Overtaken);
    }

    async fn settle(&self, probes: &mut Probes) {
        let world = &self.world;
        let refresh = Adoption {
            attempt: self.forged(),
            lineage: Lineage::Present,
            base: Generation::new(1),
            tokens: tokens(2, true),
            at: NOW,
            replaced: crate::ports::ReplacedTokens::LetGo,
            overruns_window: false,
            origin: Default::default(),
        };
        let consent = Adoption {
            attempt: self.forged_exchange(),
            lineage: Lineage::New { authorization: self.authorization.id, consented_at: NOW },
            base: Generation::NONE,
            tokens: tokens(1, true),
            ..refresh.clone()
        };
        for theft in [refresh, consent] {
            probe!(probes, world.grants, adopt(&theft)).expect_err("the attempt is another tenant's");
        }
        let body = Sealed::from_bytes(b"forged".to_vec());
        let end = AttemptEnd {
            unread: Some(EscrowRecord { attempt: self.forged(), status: 200, received_at: NOW, body }),
            pause_registration_until: Some(NOW + HOUR),
            ..world.end_of(&self.forged(), Some(after(Phase::Suspect, true)))
        };
        assert!(!probe!(probes, world.grants, close_attempt(&end)).unwrap());
    }

    async fn touch(&self, probes: &mut Probes) {
        let world = &self.world;
        let due = DueQuery { due_by: NOW + 9 * HOUR, limit: 10, per_lane: None };
        let due = world.grants.due_grants(&due).await.unwrap().remove(0);
        let theirs = DueGrant { key: key_of("globex", "ada"), ..due };
        probe!(probes, world.grants, postpone(&theirs, NOW + 2 * HOUR)).unwrap();
        let asked = [(theirs.key, NOW + HOUR)];
        probe!(probes, world.grants, note_asked(&asked)).unwrap();
    }

    async fn consent(&self, probes: &mut Probes) {
        let Self { world, stranger, authorization, .. } = self;
        let (id, digest) = (authorization.id, &authorization.state_digest);
        assert!(probe!(probes, world.consents, authorization(stranger, id)).unwrap().is_none());
        assert!(probe!(probes, world.consents, authorization_by_state(stranger, digest)).unwrap().is_none());
        // The browser names no tenant: what it finds says whose it is.
        let found = probe!(probes, world.consents, authorization_of_browser(digest)).unwrap().unwrap();
        assert_eq!(found.key.tenant, authorization.key.tenant);
        let code = crate::KeptCode { code: Sealed::from_bytes(vec![1; 40]), completion_digest: [1; 32] };
        let code = crate::ports::CodeToKeep { tenant: stranger.clone(), authorization: id, code, at: NOW };
        assert!(!probe!(probes, world.consents, keep_code(&code, &record())).unwrap());
        let denied = AuthorizationStatus::Denied;
        assert!(
            !probe!(probes, world.consents, end_authorization(stranger, id, denied, NOW, &record())).unwrap()
        );
        let mut same_id = authorization.clone();
        same_id.key.tenant = stranger.clone();
        probe!(probes, world.consents, start_authorization(&same_id, &record()))
            .expect_err("the id is taken");
        let import = Import { fingerprint: RefreshTokenFingerprint([7; 32]), consented_at: NOW };
        let import = NewImport {
            authorization: Authorization { import: Some(import), ..same_id.clone() },
            may_be_shared: false,
            request: None,
            replaces: None,
        };
        probe!(probes, world.consents, start_import(&import, &record())).expect_err("the id is taken");
        self.poll(probes, &same_id).await;
    }

    async fn poll(&self, probes: &mut Probes, same_id: &Authorization) {
        let Self { world, stranger, authorization, .. } = self;
        let device = DeviceAuthorization {
            code: Sealed::from_bytes(b"forged".to_vec()),
            polling: Polling::first(HOUR, NOW - HOUR),
        };
        probe!(probes, world.consents, start_device_authorization(same_id, &device, &record()))
            .expect_err("the id is taken");
        let id = authorization.id;
        assert!(probe!(probes, world.consents, device_authorization(stranger, id)).unwrap().is_none());
        let (tenant, attempt, owner) = (stranger.clone(), world.attempt_id(), world.owner);
        let claim = PollClaim { tenant, authorization: id, attempt, owner, at: NOW, hold_until: NOW + HOUR };
        assert!(probe!(probes, world.consents, claim_poll(&claim)).unwrap().is_none());
        let end = AttemptEnd::without_grant(&self.forged_exchange(), NOW);
        let end = PollEnd { end, after: AfterPoll::Denied, record: record() };
        assert!(!probe!(probes, world.consents, end_poll(&end)).unwrap());
    }

    async fn register(&self, probes: &mut Probes) {
        let world = &self.world;
        // A third tenant, which has no registration.
        let (third, provider, id) = (tenant_id("initech"), provider(), registration_id());
        assert!(probe!(probes, world.tenants, tenant(&third)).unwrap().is_none());
        let created =
            probe!(probes, world.tenants, create_tenant(&tenant("initech"), None, &record())).unwrap();
        assert_eq!(created, CreateOutcome::Created);
        assert!(probe!(probes, world.tenants, registration(&third, &provider, &id)).unwrap().is_none());
        assert!(probe!(probes, world.tenants, first_registration(&third, &provider)).unwrap().is_none());
        self.change(probes).await;
        let theirs = registration("initech", "main", NOW);
        let created = probe!(probes, world.tenants, create_registration(&theirs, None, &record())).unwrap();
        assert_eq!(created, CreateOutcome::Created);
        let acme = world.tenants.registration(&tenant_id("acme"), &provider, &id).await.unwrap().unwrap();
        assert_eq!(acme.client_id, "client-of-acme");
        assert_eq!((acme.secrets.len(), acme.version), (1, RowVersion::first(NOW)));
        assert_eq!(acme.secrets[0].last_accepted_at, None);
        let acme = world.tenants.tenant(&tenant_id("acme")).await.unwrap().unwrap();
        assert_eq!(acme.display_name, "ACME");
    }

    /// The third tenant changes what only the first has.
    async fn change(&self, probes: &mut Probes) {
        let world = &self.world;
        let key = RegistrationKey { tenant: tenant_id("initech"), ..registration_key("main") };
        let rename = TenantChange {
            id: key.tenant.clone(),
            display_name: "stolen".to_owned(),
            expected: None,
            at: NOW,
        };
        assert_eq!(
            probe!(probes, world.tenants, update_tenant(&rename, &record())).unwrap(),
            ChangeOutcome::Changed
        );
        let change = RegistrationChange {
            key: key.clone(),
            redirect_uri: Some("https://stolen.example/".to_owned()),
            scopes: None,
            return_to: None,
            grant_window: None,
            allow_device_authorization: None,
            expected: None,
            at: NOW,
        };
        let changed = probe!(probes, world.tenants, update_registration(&change, &record())).unwrap();
        assert_eq!(changed, ChangeOutcome::Absent);
        let deleted = probe!(probes, world.tenants, delete_registration(&key, None, NOW, &record())).unwrap();
        assert_eq!(deleted, ChangeOutcome::Absent);
        let secret = registered_secret(2, NOW);
        let new = NewSecret { key: key.clone(), secret, prefer: true, most: 9, request: None };
        assert_eq!(
            probe!(probes, world.tenants, add_secret(&new, &record())).unwrap(),
            SecretOutcome::Absent
        );
        let secret = SecretId::FIRST;
        let retirement = SecretRetirement { key: key.clone(), secret, expected: None, at: NOW };
        let retired = probe!(probes, world.tenants, retire_secret(&retirement, &record())).unwrap();
        assert_eq!(retired, RetireOutcome::Absent);
        probe!(probes, world.tenants, note_secret_accepted(&key, secret, NOW)).unwrap();
        let filter = RegistrationFilter { tenant: key.tenant.clone(), provider: None, after: None, limit: 9 };
        assert_eq!(probe!(probes, world.tenants, list_registrations(&filter)).unwrap().len(), 0);
    }
}

pub async fn another_tenants_key_finds_and_changes_nothing_in_any_method(world: World) {
    let neighbours = Neighbours::of(world).await;
    let mut probes = Probes::default();
    neighbours.read_grants(&mut probes).await;
    neighbours.claim(&mut probes).await;
    neighbours.settle(&mut probes).await;
    neighbours.touch(&mut probes).await;
    neighbours.consent(&mut probes).await;
    neighbours.register(&mut probes).await;
    neighbours.nothing_has_changed().await;

    probes.0.extend(OF_ALL_TENANTS);
    assert_eq!(probes.0, methods_of_ports(), "every method of every port is probed");
}

pub async fn what_is_of_all_tenants_carries_its_key(world: World) {
    world.add_tenant("globex").await;
    let stranger = world.incarnation();
    for tenant in ["acme", "globex"] {
        world.grant(&key_of(tenant, "ada")).await;
        world.grant(&key_of(tenant, "bob")).await;
        let claim =
            crate::ports::RefreshClaim { owner: stranger, ..world.claim_of(&key_of(tenant, "bob"), 1) };
        world.grants.claim_refresh(&claim).await.unwrap();
    }
    let due = DueQuery { due_by: NOW + HOUR / 2, limit: 10, per_lane: None };
    let due = world.grants.due_grants(&due).await.unwrap().into_iter().map(|due| due.key);
    let both = |user| BTreeSet::from(["acme", "globex"].map(|tenant| key_of(tenant, user)));
    assert_eq!(due.collect::<BTreeSet<_>>(), both("ada"));
    let orphans = world.grants.orphans(world.owner, NOW, 10).await.unwrap();
    assert_eq!(orphans.into_iter().map(|orphan| orphan.attempt.key).collect::<BTreeSet<_>>(), both("bob"));
}

/// The ports that keep what belongs to tenants, as they are written.
const PORTS: [&str; 3] = [
    include_str!("../../ports/grant_store.rs"),
    include_str!("../../ports/consent_store.rs"),
    include_str!("../../ports/tenant_store.rs"),
];

fn methods_of_ports() -> BTreeSet<&'static str> {
    PORTS.into_iter().flat_map(methods).collect()
}

/// The names of a port's methods.
fn methods(port: &str) -> impl Iterator<Item = &str> {
    let names = port.lines().filter_map(|line| line.trim_start().strip_prefix("async fn "));
    names.filter_map(|rest| rest.split(['(', '<']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_methods_of_a_port_are_read_from_its_text() {
        let found = methods_of_ports();
        for known in ["vendable", "adopt", "registration_works_since", "end_authorization", "create_tenant"] {
            assert!(found.contains(known), "{known}: {found:?}");
        }
        assert!(found.len() >= 24, "{found:?}");
    }

    #[test]
    fn no_method_of_the_fleet_takes_a_tenant() {
        let fleet = include_str!("../../ports/fleet_store.rs");
        assert!(methods(fleet).count() >= 11);
        for tenants_own in ["TenantId", "GrantKey", "GrantId", "UserId"] {
            assert!(!fleet.contains(tenants_own), "{tenants_own}");
        }
    }
}
