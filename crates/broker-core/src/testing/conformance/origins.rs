//! Whose account a lineage is of, and which refresh token began it.

use super::World;
use super::samples::{HOUR, NOW, key, key_of, record};
use super::steps::adopted;
use crate::ports::{
    AdoptOutcome, Adoption, ImportOutcome, Lineage, MOST_SHARERS, NewImport, Origin, ReplacedTokens,
    RequestMark,
};
use crate::{
    AccountDigest, Attempt, AuthorizationId, AuthorizationStatus, GrantKey, Import, Lifecycle,
    RefreshTokenFingerprint, RequestId,
};

const ADA: Option<AccountDigest> = Some(AccountDigest([1; 32]));
const EVE: Option<AccountDigest> = Some(AccountDigest([2; 32]));

fn of(account: Option<AccountDigest>) -> Origin {
    Origin { account, ..Origin::default() }
}

impl World {
    /// Adopts a consent of that origin as the generation after `base`.
    async fn begin(
        &self,
        (attempt, authorization): &(Attempt, AuthorizationId),
        base: u64,
        origin: Origin,
    ) -> AdoptOutcome {
        let lineage = Lineage::New { authorization: *authorization, consented_at: NOW };
        let adoption = Adoption {
            origin,
            replaced: ReplacedTokens::Revoke,
            ..self.adoption_of(attempt, lineage, base, true)
        };
        self.grants.adopt(&adoption).await.unwrap()
    }

    async fn begin_for(&self, key: &GrantKey, base: u64, origin: Origin) -> AdoptOutcome {
        let exchange = self.exchange(key).await;
        self.begin(&exchange, base, origin).await
    }
}

pub async fn a_grant_keeps_the_account_of_its_lineage(world: World) {
    assert_eq!(world.begin_for(&key("ada"), 0, of(ADA)).await, adopted(1));
    assert_eq!(world.read(&key("ada")).await.upstream_account, ADA);
    assert_eq!(world.begin_for(&key("ada"), 1, of(ADA)).await, adopted(2));
    let free = Origin { may_change_account: true, ..of(EVE) };
    assert_eq!(world.begin_for(&key("ada"), 2, free).await, adopted(3));
    assert_eq!(world.read(&key("ada")).await.upstream_account, EVE);
}

pub async fn another_account_is_refused_once_and_for_good(world: World) {
    world.begin_for(&key("ada"), 0, of(ADA)).await;
    let before = world.read(&key("ada")).await;
    for origin in [of(EVE), of(None)] {
        let exchange = world.exchange(&key("ada")).await;
        assert_eq!(world.begin(&exchange, 1, origin).await, AdoptOutcome::AccountChanged);
        let failed = AuthorizationStatus::Failed("account_changed".to_owned());
        assert_eq!(world.status_of(exchange.1).await, failed);
        let free = Origin { may_change_account: true, ..origin };
        assert_eq!(world.begin(&exchange, 1, free).await, AdoptOutcome::AccountChanged);
    }
    let after = world.read(&key("ada")).await;
    assert_eq!((after.lineage, after.generation), (before.lineage, before.generation));
    assert_eq!(after.upstream_account, ADA);
    assert_eq!(world.take_at(NOW).await.len(), 2, "both refused token sets are to be revoked, once");
}

pub async fn after_a_refusal_the_grant_is_due_at_once(world: World) {
    world.begin_for(&key("ada"), 0, of(ADA)).await;
    assert_eq!(world.read(&key("ada")).await.due_at, Some(NOW + HOUR / 2));
    world.begin_for(&key("ada"), 1, of(EVE)).await;
    assert_eq!(world.read(&key("ada")).await.due_at, Some(NOW));
}

pub async fn a_revoked_grant_is_pinned_to_no_account(world: World) {
    world.begin_for(&key("ada"), 0, of(ADA)).await;
    world.revoke(&key("ada")).await;
    assert_eq!(world.begin_for(&key("ada"), 1, of(EVE)).await, adopted(2));
}

pub async fn an_account_is_noted_once_and_on_its_lineage_only(world: World) {
    world.begin_for(&key("ada"), 0, of(None)).await;
    let old = world.read(&key("ada")).await.lineage;
    world.begin_for(&key("ada"), 1, of(None)).await;
    let lineage = world.read(&key("ada")).await.lineage;
    let (ada, eve) = (AccountDigest([1; 32]), AccountDigest([2; 32]));
    for (lineage, account, noted) in [(old, eve, false), (lineage, ada, true), (lineage, eve, false)] {
        let now = world.grants.note_account(&key("ada"), lineage, account, &record()).await.unwrap();
        assert_eq!(now, noted);
    }
    assert_eq!(world.read(&key("ada")).await.upstream_account, ADA);
}

pub async fn those_who_share_an_account_are_counted_within_a_tenant(world: World) {
    world.add_tenant("globex").await;
    for key in [key("ada"), key("bob"), key_of("globex", "carol")] {
        world.begin_for(&key, 0, of(ADA)).await;
    }
    world.begin_for(&key("dan"), 0, of(EVE)).await;
    let sharers = async |key: GrantKey| world.grants.account_sharers(&key).await.unwrap();
    assert_eq!((sharers(key("ada")).await, sharers(key("bob")).await), (1, 1));
    assert_eq!((sharers(key_of("globex", "carol")).await, sharers(key("dan")).await), (0, 0));
    world.revoke(&key("bob")).await;
    assert_eq!(sharers(key("ada")).await, 0);
}

pub async fn those_who_share_an_account_are_counted_up_to_a_bound(world: World) {
    let users = 0..MOST_SHARERS + 2;
    for user in users {
        world.begin_for(&key(&format!("user-{user}")), 0, of(ADA)).await;
    }
    assert_eq!(world.grants.account_sharers(&key("user-0")).await.unwrap(), MOST_SHARERS);
}

pub async fn a_token_that_began_an_active_grant_begins_no_other(world: World) {
    let token = Origin { refresh_token: Some(RefreshTokenFingerprint([3; 32])), ..Origin::default() };
    assert_eq!(world.begin_for(&key("ada"), 0, token).await, adopted(1));
    let exchange = world.exchange(&key("bob")).await;
    for _ in 0..2 {
        assert_eq!(world.begin(&exchange, 0, token).await, AdoptOutcome::DuplicateToken);
    }
    assert!(world.grants.vendable(&key("bob")).await.unwrap().is_none());
    assert!(world.take_at(NOW).await.is_empty(), "revoking it would end the other grant");
    world.grant_with_lifecycle(&key("ada"), Lifecycle::ConsentExpired).await;
    assert_eq!(world.begin_for(&key("bob"), 0, token).await, adopted(1));
}

pub async fn an_import_is_kept_with_what_recognises_its_token(world: World) {
    let import = world.import_of(&key("ada"), 3).await;
    assert_eq!(world.start_import_of(&import).await, ImportOutcome::Started);
    let authorization = &import.authorization;
    let kept = world.consents.authorization(&key("ada").tenant, authorization.id).await.unwrap().unwrap();
    assert_eq!(kept.import, authorization.import);
    assert!(kept.allow_account_change);
}

pub async fn a_token_that_began_an_active_grant_is_not_imported(world: World) {
    let token = Origin { refresh_token: Some(RefreshTokenFingerprint([3; 32])), ..Origin::default() };
    world.begin_for(&key("ada"), 0, token).await;
    for user in ["ada", "bob"] {
        let import = world.import_of(&key(user), 3).await;
        assert_eq!(world.start_import_of(&import).await, ImportOutcome::Duplicate, "{user}");
        let shared = NewImport { may_be_shared: true, ..import };
        assert_eq!(world.start_import_of(&shared).await, ImportOutcome::Started, "{user}");
    }
}

pub async fn a_repeated_import_is_recognised_and_may_replace_what_failed(world: World) {
    let mark = |text| RequestMark::new(RequestId::from_bytes([9; 16]), "ImportGrant", &[text], NOW);
    let marked =
        async |text| NewImport { request: Some(mark(text)), ..world.import_of(&key("ada"), 3).await };
    let first = marked("a").await;
    assert_eq!(world.start_import_of(&first).await, ImportOutcome::Started);
    let id = first.authorization.id;
    assert_eq!(world.start_import_of(&marked("a").await).await, ImportOutcome::Repeated(id));
    assert_eq!(world.start_import_of(&marked("b").await).await, ImportOutcome::IdReused);
    let anew = NewImport { replaces: Some(id), ..marked("a").await };
    assert_eq!(world.start_import_of(&anew).await, ImportOutcome::Started);
    let late = NewImport { replaces: Some(id), ..marked("a").await };
    assert_eq!(world.start_import_of(&late).await, ImportOutcome::Repeated(anew.authorization.id));
}

impl World {
    async fn import_of(&self, key: &GrantKey, token: u8) -> NewImport {
        let mut authorization = self.request(key, super::samples::registration_id());
        authorization.allow_account_change = true;
        authorization.import =
            Some(Import { fingerprint: RefreshTokenFingerprint([token; 32]), consented_at: NOW - HOUR });
        NewImport { authorization, may_be_shared: false, request: None, replaces: None }
    }

    async fn start_import_of(&self, import: &NewImport) -> ImportOutcome {
        self.consents.start_import(import, &record()).await.unwrap()
    }
}
