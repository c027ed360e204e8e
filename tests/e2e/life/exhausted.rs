//! A database that keeps every connection busy: what is in memory is served, the rest is refused in time, and nothing piles
//! up.

use std::time::{Duration, Instant};

use broker_e2e::{Fleet, Site, ask};
use broker_proto::v1::Reason;
use futures_util::future::join_all;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tonic::Code;

use super::until;
use crate::BINARY;

const CACHED: usize = 4;
const CALLERS: usize = 300;
/// As long as a caller waits, with room for a machine that is busy.
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn busy_connections_cost_only_those_who_need_one_and_only_until_there_is_one() {
    let fleet = Fleet::plan(BINARY).replicas(1).without_redis().start().await;
    let cached = fleet.consents(Site::Strict, 0..CACHED).await;
    let missing = fleet.keys(Site::Strict, 1000..1000 + CALLERS);
    let client = fleet.client(0);
    for key in &cached {
        client.token(ask(key)).await.unwrap();
    }
    let mut locker = PgConnection::connect(&fleet.database.url()).await.unwrap();
    let mut lock = locker.begin().await.unwrap();
    (&mut *lock).execute("LOCK TABLE grants IN ACCESS EXCLUSIVE MODE").await.unwrap();

    let began = Instant::now();
    let refused = join_all(missing.iter().map(|key| client.token(ask(key))));
    let served = async {
        for key in cached.iter().cycle().take(50 * CACHED) {
            assert_eq!(client.token(ask(key)).await.unwrap().generation, 1);
        }
    };
    let (refused, ()) = tokio::join!(refused, served);
    assert!(began.elapsed() < DEADLINE, "{:?}: they were kept", began.elapsed());
    for answer in refused {
        let error = answer.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::Unavailable, Some(Reason::BackendUnavailable)));
        assert!(error.retry_delay().is_some(), "it is told when to come again");
    }
    lock.rollback().await.unwrap();

    // Nothing is left of it: the next one who asks is answered of the store.
    until("an answer of the store", async || {
        client.token(ask(&missing[0])).await.unwrap_err().code() == Code::NotFound
    })
    .await;
    drop(locker);
    fleet.close().await;
}
