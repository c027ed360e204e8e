//! What a recorder keeps, leaves out and cuts.

use broker_core::ports::AuditFilter;
use broker_core::testing::audit_log::{AuditLog, Meddler};
use broker_core::testing::conformance::{NOW, StoreUnderTest, World, tenant_id};
use broker_core::{Actor, AuditAction, AuditOutcome, AuditRecord, KeptRecord, Recorder, RecorderSettings};
use tokio_util::sync::CancellationToken;

use crate::stores::InFile;

fn failure(purpose: &str) -> AuditRecord {
    let actor = Actor { principal: None, action: AuditAction::named("tokenbroker.v1.X/Y") };
    let outcome = AuditOutcome::Denied("ACCESS_DENIED".to_owned());
    AuditRecord { outcome, purpose: purpose.to_owned(), ..actor.did(Some(&tenant_id("acme")), NOW) }
}

/// Runs `work` with a recorder on a store, and answers what lies in a log then.
async fn recorded(store: &InFile, chain: &str, work: impl AsyncFnOnce(&Recorder)) -> Vec<KeptRecord> {
    let log = AuditLog::new(store.ledger(), store.keys());
    let (recorder, writers) = Recorder::new(store.ledger(), log.keys(), RecorderSettings::default());
    let stop = CancellationToken::new();
    tokio::join!(writers.run(stop.clone()), async {
        work(&recorder).await;
        stop.cancel();
    });
    log.seal().await;
    let filter = AuditFilter { chain: chain.to_owned(), limit: 10_000, ..AuditFilter::default() };
    store.ledger().list(&filter).await.unwrap().into_iter().map(|chained| chained.record).collect()
}

#[tokio::test]
async fn a_flood_of_failures_is_cut_and_told_of_and_stops_no_vend() {
    let store = InFile::fresh().await;
    World::of(&store).await;
    store
        .meddle("CREATE TRIGGER block BEFORE INSERT ON audit_inbox BEGIN SELECT RAISE(ABORT, 'no'); END")
        .await;
    let of_installation = recorded(&store, "", async |recorder| {
        for _ in 0..7000 {
            recorder.refused(&failure("flood"));
        }
        assert_eq!(recorder.counts().failures_dropped, 2000);
        assert!(recorder.accepts_vends().is_ok());
        store.meddle("DROP TRIGGER block").await;
        while recorder.flush().await.is_err() {}
        assert_eq!(recorder.counts().failures_written, 5001);
    })
    .await;
    let told: Vec<_> = of_installation.iter().filter(|record| record.action == "drop_records").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].resource, "2000 records");
}

#[tokio::test]
async fn what_is_left_when_the_process_ends_is_written() {
    let store = InFile::fresh().await;
    World::of(&store).await;
    let records = recorded(&store, "acme", async |recorder| {
        for _ in 0..3000 {
            recorder.refused(&failure("end"));
        }
    })
    .await;
    assert_eq!(records.len(), 3000);
}

#[tokio::test]
async fn text_of_callers_is_cut_to_what_may_be() {
    let store = InFile::fresh().await;
    World::of(&store).await;
    let long = format!("a\0b\n{}", "ä".repeat(300));
    let records = recorded(&store, "acme", async |recorder| recorder.refused(&failure(&long))).await;
    assert_eq!(records[0].purpose, format!("ab{}", "ä".repeat(127)));
}
