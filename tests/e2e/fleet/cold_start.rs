//! What a start costs does not depend on how many grants there are, but for their count.

use broker_e2e::fleet::Work;
use broker_e2e::{Fleet, Site};

use crate::BINARY;

const FEW: usize = 10;
const MANY: usize = 10_000;

/// What replicas do by themselves goes on while they start and end.
const BESIDES: i64 = 60;

/// How often the count for the metrics, which nothing waits for, may read each grant.
const COUNTED: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_start_among_many_grants_asks_and_reads_as_much_as_among_few() {
    let (few, many) = (work_of_a_start(FEW).await, work_of_a_start(MANY).await);
    eprintln!("among {FEW} grants {few:?}, among {MANY} {many:?}");
    assert!(many.transactions <= few.transactions + BESIDES, "{few:?}, {many:?}");
    assert!(many.rows <= few.rows + i64::try_from(COUNTED * MANY).unwrap(), "{few:?}, {many:?}");
}

async fn work_of_a_start(grants: usize) -> Work {
    let mut fleet = Fleet::plan(BINARY).children().replicas(1).start().await;
    fleet.consents(Site::Strict, 0..1).await;
    fleet.take(0).stop().await;
    fleet.database.multiply_grants(grants).await;
    let before = fleet.database.work().await;
    fleet.restart(0).await;
    fleet.take(0).stop().await;
    let after = fleet.database.work().await;
    fleet.close().await;
    Work { transactions: after.transactions - before.transactions, rows: after.rows - before.rows }
}
