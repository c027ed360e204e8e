//! The audit log.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{AuditFilter, AuditPrincipal};
use crate::testing::audit_log::{AuditLog, kept};
use crate::{AuditOutcome, ChainMark, KeptRecord, Principal, Timestamp, UserId};

use super::World;
use super::samples::{HOUR, NOW, provider, record};

impl World {
    fn audit_log(&self) -> AuditLog {
        AuditLog::new(self.ledger.clone(), self.keys.clone())
    }

    /// Seals what the making of this world has left in the inbox. Answers how many records that are, and the beginning
    /// of their chain.
    async fn seals_what_is_there(&self) -> u64 {
        self.audit_log().seal().await;
        self.audit_log().verify("").await.verified
    }
}

pub async fn records_come_out_of_the_inbox_as_they_went_in(world: World) {
    let full = KeptRecord {
        user: Some("u-1".into()),
        account: Some("default".into()),
        generation: Some(i64::MAX),
        purpose: "für \"the\" 'nightly' export".into(),
        fingerprint: Some((0..32).collect()),
        ..kept("acme", "jwt:ci")
    };
    let bare = KeptRecord { principal: None, provider: None, ..kept("acme", "") };
    world.seals_what_is_there().await;
    world.ledger.append(&[full.clone(), bare.clone()]).await.unwrap();
    world.ledger.append(std::slice::from_ref(&bare)).await.unwrap();
    let taken = world.ledger.unsealed(2).await.unwrap();
    assert!(taken[0].id < taken[1].id);
    assert_eq!(taken.iter().map(|taken| &taken.record).collect::<Vec<_>>(), [&full, &bare]);
    assert_eq!(world.ledger.unsealed(10).await.unwrap().len(), 3);
    world.audit_log().seal().await;
    let chained = world.ledger.chained("acme", 0, 10).await.unwrap();
    assert_eq!(
        chained.into_iter().map(|chained| chained.record).collect::<Vec<_>>(),
        [full, bare.clone(), bare]
    );
    assert!(world.ledger.unsealed(10).await.unwrap().is_empty());
}

pub async fn a_record_of_no_tenant_belongs_to_the_installation(world: World) {
    let records = [kept("acme", "a"), kept("nobody", "b"), kept("", "c")];
    world.seals_what_is_there().await;
    world.ledger.append(&records).await.unwrap();
    let taken = world.ledger.unsealed(10).await.unwrap();
    let chains: Vec<_> = taken.iter().map(|taken| taken.chain.as_str()).collect();
    assert_eq!(chains, ["acme", "", ""]);
    assert_eq!(taken[1].record.tenant, "nobody");
}

pub async fn a_sealing_that_comes_too_late_changes_nothing(world: World) {
    let log = world.audit_log();
    world.ledger.append(&[kept("acme", "a")]).await.unwrap();
    log.seal().await;
    let end = world.ledger.ends(&["acme".to_owned()]).await.unwrap().remove(0);
    let head = end.head.unwrap();
    assert_eq!((head.sequence, end.last), (1, Some(1)));
    world.ledger.append(&[kept("acme", "b")]).await.unwrap();
    let inbox = world.ledger.unsealed(10).await.unwrap();
    let ids: Vec<_> = inbox.iter().map(|record| record.id).collect();
    let next = ChainMark { sequence: 2, hash: vec![2; 32], ..head.clone() };
    let stale = ChainMark { hash: vec![9; 32], ..head.clone() };
    for (before, inbox) in
        [(None, ids.clone()), (Some(stale), ids.clone()), (Some(head.clone()), vec![ids[0], -1])]
    {
        let heads = vec![(before, next.clone())];
        let sealing = crate::ports::Sealing { inbox, heads, ..Default::default() };
        assert!(!world.ledger.seal(&sealing).await.unwrap());
        let end = world.ledger.ends(&["acme".to_owned()]).await.unwrap().remove(0);
        assert_eq!((end.head.as_ref(), world.ledger.unsealed(10).await.unwrap().len()), (Some(&head), 1));
    }
}

pub async fn of_two_sealers_each_record_is_sealed_once(world: World) {
    let logs = [world.audit_log(), world.audit_log()];
    let before = world.seals_what_is_there().await;
    for round in 0..20 {
        let records: Vec<_> =
            (0..5).map(|n| kept(if n < 3 { "acme" } else { "" }, &format!("{round}-{n}"))).collect();
        world.ledger.append(&records).await.unwrap();
        tokio::join!(logs[0].seal(), logs[1].seal());
    }
    for log in &logs {
        log.seal().await;
    }
    let verdict = logs[0].verify("acme").await;
    assert_eq!((verdict.broken, verdict.verified), (None, 60));
    let verdict = logs[1].verify("").await;
    assert_eq!(
        (verdict.broken, verdict.verified),
        (None, before + 1 + 40),
        "the beginning of acme, and the records"
    );
}

pub async fn a_list_is_filtered_and_goes_back_in_pages(world: World) {
    let at = |minutes: u64| (NOW + Duration::from_secs(60 * minutes)).as_unix_micros();
    let records = [
        KeptRecord { at: at(0), ..kept("acme", "a") },
        KeptRecord { at: at(1), principal: None, ..kept("acme", "") },
        KeptRecord { at: at(2), user: Some("u".into()), account: Some("d".into()), ..kept("acme", "a") },
        KeptRecord {
            at: at(3),
            outcome: "denied".into(),
            reason: "ACCESS_DENIED".into(),
            ..kept("acme", "b")
        },
        KeptRecord {
            at: at(4),
            outcome: "failed".into(),
            reason: "INTERNAL".into(),
            provider: None,
            ..kept("acme", "b")
        },
    ];
    world.ledger.append(&records).await.unwrap();
    world.audit_log().seal().await;
    let all = AuditFilter { chain: "acme".into(), limit: 10, ..AuditFilter::default() };
    let time = |minutes| Some(Timestamp::from_unix_micros(at(minutes)));
    let principal = |name: &str| Principal::new(name).map(AuditPrincipal::Caller);
    let cases: Vec<(AuditFilter, Vec<u64>)> = vec![
        (all.clone(), vec![5, 4, 3, 2, 1]),
        (AuditFilter { limit: 2, ..all.clone() }, vec![5, 4]),
        (AuditFilter { limit: 2, before: Some(4), ..all.clone() }, vec![3, 2]),
        (AuditFilter { provider: Some(provider()), ..all.clone() }, vec![4, 3, 2, 1]),
        (AuditFilter { user: UserId::new("u").ok(), ..all.clone() }, vec![3]),
        (AuditFilter { principal: principal("a"), ..all.clone() }, vec![3, 1]),
        (AuditFilter { principal: Some(AuditPrincipal::Broker), ..all.clone() }, vec![2]),
        (AuditFilter { outcomes: vec![AuditOutcome::Succeeded], ..all.clone() }, vec![3, 2, 1]),
        (
            AuditFilter {
                outcomes: vec![AuditOutcome::Denied(String::new()), AuditOutcome::Failed(String::new())],
                ..all.clone()
            },
            vec![5, 4],
        ),
        (AuditFilter { from: time(1), until: time(3), ..all.clone() }, vec![3, 2]),
        (AuditFilter { chain: "rival".into(), ..all }, vec![]),
    ];
    for (filter, expected) in cases {
        let listed = world.ledger.list(&filter).await.unwrap();
        assert_eq!(listed.iter().map(|record| record.sequence).collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

pub async fn a_key_of_the_audit_log_is_kept_once_and_keeps_its_wrapping_key_in_use(world: World) {
    let (one, two) = (world.audit_log(), world.audit_log());
    let first = world.keys.keep_audit_key(&one.fresh_key().await, NOW).await.unwrap();
    let second = world.keys.keep_audit_key(&two.fresh_key().await, NOW).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(world.keys.audit_keys().await.unwrap(), std::slice::from_ref(&first));
    let (old, new) = (first.wrapping_key().unwrap(), broker_crypto::KekId::new("kek-new").unwrap());
    assert_eq!(world.keys.wrapped_under(&old).await.unwrap(), 1);
    for (kek, at) in [(&old, NOW), (&new, NOW + HOUR)] {
        world.keys.note_primary_keks(std::slice::from_ref(kek), at).await.unwrap();
    }
    assert!(
        !world.keys.retire_kek(&old, NOW + HOUR, &record()).await.unwrap(),
        "it wraps a key of the audit log"
    );
    let after =
        Arc::new(AuditLog::wrapped_by(&new, world.ledger.clone(), world.keys.clone())).fresh_key().await;
    let after = broker_crypto::WrappedDek { id: first.id, ..after };
    assert!(world.keys.rewrap_audit_key(&first, &after).await.unwrap());
    assert!(!world.keys.rewrap_audit_key(&first, &after).await.unwrap(), "it is not as it was");
    assert!(world.keys.retire_kek(&old, NOW + HOUR, &record()).await.unwrap());
}
