//! Mints of machine credentials: each is one replica's, and of what was seen.

use broker_crypto::Sealed;

use super::World;
use super::machine_credentials::credential;
use super::samples::{HOUR, NOW, SECOND, key, key_of, record, registration_id, registration_key, tenant_id};
use crate::ports::{
    ChangeOutcome, DueMint, MachineCredentialOutcome, MintClaim, MintEnd, MintOutcome, RowId,
};
use crate::{
    AuditRecord, FailureKind, Generation, GrantKey, LastFailure, LineageId, MachineCredential,
    MachineCredentialHeld, MintMark, MintSource, MintedToken, Minting, RowVersion, Timestamp,
};

fn of_client() -> MintSource {
    MintSource::ClientCredentials { registration: registration_id() }
}

fn of_grant() -> MintSource {
    let parent = key("ada");
    MintSource::Derived { user: parent.user, account: parent.account, target: "00002222".into() }
}

fn minted_of(key: &GrantKey, source: MintSource) -> MachineCredential {
    let minting = Minting::new(source, vec!["read".into()], RowVersion::first(NOW), NOW);
    MachineCredential { held: MachineCredentialHeld::Minted(Box::new(minting)), ..credential(key) }
}

fn first() -> MintMark {
    let version = RowVersion::first(NOW);
    MintMark { version, generation: Generation::new(version.get()), failures: 0 }
}

fn claim_of(key: &GrantKey, mark: MintMark, at: Timestamp) -> MintClaim {
    MintClaim { key: key.clone(), mark, at, hold_until: at + 60 * SECOND }
}

fn token(issued_at: Timestamp) -> MintedToken {
    MintedToken {
        access_token: Sealed::from_bytes(b"sealed token".to_vec()),
        token_type: "Bearer".into(),
        scopes: vec!["read".into(), "write".into()],
        api_base_url: Some("https://api.example.com:443".into()),
        issued_at,
        expires_at: issued_at + HOUR,
        lineage: Some(LineageId::from_bytes([7; 16])),
    }
}

fn success(claim: &MintClaim) -> MintEnd {
    let (token, record) = (Box::new(token(claim.at)), Box::new(record()));
    MintEnd {
        claim: claim.clone(),
        outcome: MintOutcome::Minted { token, record },
        mint_at: claim.at + HOUR / 2,
    }
}

fn failure(claim: &MintClaim) -> LastFailure {
    LastFailure {
        kind: FailureKind::Throttled,
        at: claim.at,
        oauth_error: Some("slow_down".into()),
        http_status: Some(429),
        in_a_row: claim.mark.failures + 1,
        since: NOW,
    }
}

fn failed(claim: &MintClaim) -> MintEnd {
    let outcome = MintOutcome::Failed(failure(claim));
    MintEnd { claim: claim.clone(), outcome, mint_at: claim.at + 5 * SECOND }
}

impl World {
    async fn put_minted(&self, key: &GrantKey, source: MintSource) {
        let credential = minted_of(key, source);
        let created = self.machine_credentials.create_machine_credential(&credential, &record()).await;
        assert_eq!(created.unwrap(), MachineCredentialOutcome::Created);
    }

    /// With a token.
    pub(super) async fn put_with_token(&self, key: &GrantKey) {
        self.put_minted(key, of_client()).await;
        let claim = claim_of(key, first(), NOW);
        self.take_mint(&claim).await.unwrap();
        assert!(self.end_mint(&success(&claim)).await);
    }

    async fn due_mints(&self, at: Timestamp) -> Vec<DueMint> {
        self.machine_credentials.due_mints(at, 100).await.unwrap()
    }

    async fn take_mint(&self, claim: &MintClaim) -> Option<MachineCredential> {
        self.machine_credentials.claim_mint(claim).await.unwrap()
    }

    async fn end_mint(&self, end: &MintEnd) -> bool {
        self.machine_credentials.end_mint(end).await.unwrap()
    }

    async fn minting(&self, key: &GrantKey) -> Minting {
        self.held(key).await.unwrap().minting().unwrap().clone()
    }
}

pub async fn what_tokens_are_minted_of_is_kept(world: World) {
    for (user, source) in [("m2m", of_client()), ("customer", of_grant())] {
        world.put_minted(&key(user), source.clone()).await;
        let held = world.held(&key(user)).await.unwrap();
        assert_eq!(held.mint_mark(), Some(first()));
        let minting = held.minting().unwrap();
        assert_eq!((&minting.source, minting.scopes.as_slice()), (&source, ["read".to_owned()].as_slice()));
        assert_eq!((minting.mint_at, minting.minting_until), (NOW, None));
        assert!(minting.token.is_none() && minting.last_failure.is_none());
    }
}

pub async fn a_mint_is_taken_by_one_and_kept(world: World) {
    world.put_minted(&key("m2m"), of_client()).await;
    let due = DueMint { key: key("m2m"), mark: first(), registration: Some(registration_id()) };
    assert!(world.due_mints(NOW - SECOND).await.is_empty());
    assert_eq!(world.due_mints(NOW).await, [due]);
    let claim = claim_of(&key("m2m"), first(), NOW);
    let claimed = world.take_mint(&claim).await.unwrap();
    assert_eq!(claimed.minting().unwrap().minting_until, Some(claim.hold_until));
    assert!(world.take_mint(&claim_of(&key("m2m"), first(), NOW + SECOND)).await.is_none());
    assert!(world.due_mints(NOW + SECOND).await.is_empty());

    assert!(world.end_mint(&success(&claim)).await);
    let minting = world.minting(&key("m2m")).await;
    assert_eq!(minting.generation, first().generation.next());
    assert_eq!((minting.mint_at, minting.minting_until), (NOW + HOUR / 2, None));
    let (held, expected) = (minting.token.unwrap(), token(NOW));
    assert_eq!(held.access_token.as_bytes(), b"sealed token");
    assert_eq!((held.token_type, held.scopes), (expected.token_type, expected.scopes));
    assert_eq!((held.issued_at, held.expires_at), (NOW, NOW + HOUR));
    assert_eq!((held.api_base_url, held.lineage), (expected.api_base_url, expected.lineage));
    assert!(!world.end_mint(&success(&claim)).await, "once");
    assert!(
        world.take_mint(&claim_of(&key("m2m"), first(), NOW + HOUR)).await.is_none(),
        "it was minted since"
    );
}

pub async fn a_failed_mint_is_due_again_later(world: World) {
    world.put_with_token(&key("m2m")).await;
    let mark = MintMark { generation: first().generation.next(), ..first() };
    let claim = claim_of(&key("m2m"), mark, NOW + HOUR);
    world.take_mint(&claim).await.unwrap();
    assert!(world.end_mint(&failed(&claim)).await);
    let minting = world.minting(&key("m2m")).await;
    assert_eq!(minting.last_failure, Some(failure(&claim)));
    assert!(minting.token.is_some(), "the token held lives on");
    assert!(world.due_mints(NOW + HOUR).await.is_empty());
    assert_eq!(world.due_mints(NOW + HOUR + 5 * SECOND).await.len(), 1);
    assert!(world.take_mint(&claim_of(&key("m2m"), mark, NOW + 2 * HOUR)).await.is_none(), "it failed since");
    let again = claim_of(&key("m2m"), MintMark { failures: 1, ..mark }, NOW + 2 * HOUR);
    world.take_mint(&again).await.unwrap();
    assert!(world.end_mint(&success(&again)).await);
    assert_eq!(world.minting(&key("m2m")).await.last_failure, None);
}

pub async fn a_mint_whose_replica_died_is_taken_by_another(world: World) {
    world.put_minted(&key("m2m"), of_client()).await;
    let dead = claim_of(&key("m2m"), first(), NOW);
    world.take_mint(&dead).await.unwrap();
    assert!(world.due_mints(dead.hold_until - SECOND).await.is_empty());
    assert_eq!(world.due_mints(dead.hold_until).await.len(), 1);
    let alive = claim_of(&key("m2m"), first(), dead.hold_until);
    world.take_mint(&alive).await.unwrap();
    assert!(!world.end_mint(&success(&dead)).await && !world.end_mint(&failed(&dead)).await, "too late");
    assert!(world.end_mint(&success(&alive)).await);
}

pub async fn a_mint_that_is_wanted_is_due_at_once(world: World) {
    world.put_with_token(&key("m2m")).await;
    let mark = MintMark { generation: first().generation.next(), ..first() };
    let want = async |mark: MintMark| {
        world.machine_credentials.want_mint(&key("m2m"), mark, NOW + SECOND).await.unwrap();
        world.minting(&key("m2m")).await.mint_at
    };
    assert_eq!(want(first()).await, NOW + HOUR / 2, "another token is held");
    assert_eq!(want(MintMark { failures: 1, ..mark }).await, NOW + HOUR / 2);
    assert_eq!(want(mark).await, NOW + SECOND);
    let later = world.machine_credentials.want_mint(&key("m2m"), mark, NOW + HOUR).await;
    later.unwrap();
    assert_eq!(world.minting(&key("m2m")).await.mint_at, NOW + SECOND, "never later than it was");
}

pub async fn nothing_of_a_replaced_credential_is_kept(world: World) {
    world.put_with_token(&key("m2m")).await;
    let version = RowVersion::first(NOW).next();
    let minting = Minting::new(of_grant(), vec![], version, NOW + HOUR);
    let held = MachineCredentialHeld::Minted(Box::new(minting));
    let next = MachineCredential { held, version, updated_at: NOW + HOUR, ..credential(&key("m2m")) };
    let claim = claim_of(&key("m2m"), MintMark { generation: first().generation.next(), ..first() }, NOW);
    world.take_mint(&claim).await.unwrap();
    let store = &world.machine_credentials;
    let replaced = store.replace_machine_credential(&next, RowVersion::first(NOW), &record()).await.unwrap();
    assert_eq!(replaced, ChangeOutcome::Changed);
    let minting = world.minting(&key("m2m")).await;
    assert!(minting.token.is_none() && minting.minting_until.is_none());
    assert_eq!((minting.source, minting.mint_at), (of_grant(), NOW + HOUR));
    assert!(!world.end_mint(&success(&claim)).await, "it is another one now");
    let back = MachineCredential { version: version.next(), ..credential(&key("m2m")) };
    let replaced = store.replace_machine_credential(&back, version, &record()).await.unwrap();
    assert_eq!(replaced, ChangeOutcome::Changed);
    assert!(world.held(&key("m2m")).await.unwrap().minting().is_none());
    assert!(world.due_mints(NOW + 9 * HOUR).await.is_empty(), "an API key is never due");
}

pub async fn a_mint_of_another_tenant_is_not_taken(world: World) {
    world.add_tenant("globex").await;
    world.put_minted(&key("m2m"), of_client()).await;
    let theirs = key_of("globex", "m2m");
    assert!(world.take_mint(&claim_of(&theirs, first(), NOW)).await.is_none());
    let claim = claim_of(&key("m2m"), first(), NOW);
    world.take_mint(&claim).await.unwrap();
    let stolen = MintClaim { key: theirs.clone(), ..claim.clone() };
    assert!(!world.end_mint(&success(&stolen)).await);
    world.erase(&key("m2m"), None).await;
    assert!(!world.end_mint(&success(&claim)).await, "it is gone");
}

pub async fn a_registration_that_is_minted_of_is_not_deleted(world: World) {
    world.put_minted(&key("m2m"), of_client()).await;
    let delete = async || {
        world.tenants.delete_registration(&registration_key("main"), None, NOW, &record()).await.unwrap()
    };
    assert_eq!(delete().await, ChangeOutcome::InUse);
    world.erase(&key("m2m"), None).await;
    assert_eq!(delete().await, ChangeOutcome::Changed);
}

pub async fn a_minted_token_is_resealed_unless_another_is_minted(world: World) {
    world.put_with_token(&key("m2m")).await;
    let (tenant, table) = (tenant_id("acme"), "machine_credentials");
    let under = world.sealed.sealed_under(&tenant, table, None, 10).await.unwrap();
    let ids: Vec<RowId> = under.into_iter().map(|under| under.row).collect();
    let row = world.sealed.sealed_row(&tenant, table, &ids[0]).await.unwrap().unwrap();
    assert_eq!(row.values.len(), 1);
    let (value, generation) = (&row.values[0], first().generation.next());
    assert_eq!(value.owner, MintedToken::owner(key("m2m").grant_id()));
    assert_eq!(value.generation, generation.get());
    let claim = claim_of(&key("m2m"), MintMark { generation, ..first() }, NOW + HOUR);
    world.take_mint(&claim).await.unwrap();
    assert!(world.sealed.reseal(&tenant, &row, &[b"token anew".to_vec()]).await.unwrap());
    assert_eq!(world.minting(&key("m2m")).await.token.unwrap().access_token.as_bytes(), b"token anew");
    assert!(world.end_mint(&success(&claim)).await, "a claim goes on");
}

pub async fn a_mint_is_recorded(world: World) {
    world.put_minted(&key("m2m"), of_client()).await;
    let claim = claim_of(&key("m2m"), first(), NOW);
    world.take_mint(&claim).await.unwrap();
    let marked = AuditRecord { purpose: "of the mint".into(), ..record() };
    let MintOutcome::Minted { token, .. } = success(&claim).outcome else { panic!() };
    let outcome = MintOutcome::Minted { token, record: Box::new(marked) };
    let end = MintEnd { outcome, ..success(&claim) };
    let recorded = async || {
        let inbox = world.inbox.inbox_records().await;
        inbox.iter().filter(|record| record.purpose == "of the mint").count()
    };
    assert!(world.end_mint(&end).await);
    assert!(!world.end_mint(&end).await);
    assert_eq!(recorded().await, 1, "what changed nothing is not recorded");
}

pub async fn mints_that_must_wait_hide_no_others(world: World) {
    world.add_tenant("globex").await;
    world.put_minted(&key("m2m"), of_client()).await;
    world.put_minted(&key_of("globex", "m2m"), of_client()).await;
    let mut due = world.due_mints(NOW).await;
    due.retain(|due| due.key == key("m2m"));
    assert_eq!(due[0].registration, Some(registration_id()));
    let until = NOW + HOUR;
    world.machine_credentials.put_off_mints(&due, NOW, until).await.unwrap();
    let left: Vec<_> = world.due_mints(NOW).await.into_iter().map(|due| due.key).collect();
    assert_eq!(left, [key_of("globex", "m2m")]);
    assert_eq!(world.due_mints(until).await.len(), 2);
    world.machine_credentials.put_off_mints(&due, NOW, NOW + SECOND).await.unwrap();
    assert_eq!(world.minting(&key("m2m")).await.mint_at, until, "it was not due");
}
