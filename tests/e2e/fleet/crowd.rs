//! However many ask at however many replicas, the provider is shown a refresh token once.

use broker_e2e::{Client, Fleet, Site, ask};
use broker_proto::v1::batch_get_access_tokens_result::Result as BatchResult;
use broker_proto::v1::{BatchGetAccessTokensRequest, GrantKey};
use futures_util::future::join_all;
use provider_sim::Endpoint;
use test_servers::PrivateRedis;
use tokio_util::sync::CancellationToken;

use super::patience::vend_patiently;
use crate::BINARY;

const GRANTS: usize = 200;
const CALLERS_PER_REPLICA: usize = 64;
/// Each caller asks for so many tokens at once.
const GRANTS_PER_CALL: usize = 25;

/// A generation and its token, or why there is none.
type Served = Result<(u64, String), String>;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_at_three_replicas_causes_one_presentation_with_redis_on_off_and_flapping() {
    let fleet = Fleet::plan(BINARY).start().await;

    let on = fleet.expired_consents(Site::Strict, 0..GRANTS).await;
    crowd(&fleet, &on).await;

    let off = fleet.expired_consents(Site::Strict, GRANTS..2 * GRANTS).await;
    fleet.redis.kill().await;
    crowd(&fleet, &off).await;
    fleet.redis.start_again().await;

    let flapping = fleet.expired_consents(Site::Strict, 2 * GRANTS..3 * GRANTS).await;
    let over = CancellationToken::new();
    let crowded = async {
        crowd(&fleet, &flapping).await;
        over.cancel();
    };
    let ((), flaps) = tokio::join!(crowded, flap(&fleet.redis, &over));
    assert!(flaps > 1, "Redis was never away");

    fleet.close().await;
}

/// Everybody asks for a token of each of these grants, which have expired.
async fn crowd(fleet: &Fleet, keys: &[GrantKey]) {
    let (clients, journal) = (fleet.clients(), fleet.simulator(Site::Strict).journal());
    let before = journal.count(|entry| entry.endpoint == Endpoint::Refresh);
    let mut served = Vec::new();
    for some in keys.chunks(GRANTS_PER_CALL) {
        let everybody = (0..CALLERS_PER_REPLICA).flat_map(|_| &clients);
        served.push(join_all(everybody.map(|client| tokens(client, some))).await);
    }
    let refreshes = journal.count(|entry| entry.endpoint == Endpoint::Refresh) - before;
    assert_eq!((refreshes, journal.max_presentations()), (keys.len(), 1));
    for callers in served {
        for tokens in &callers {
            assert!(
                tokens.iter().all(|token| token.as_ref().unwrap().0 == 2),
                "all are served the new token"
            );
            assert_eq!(tokens, &callers[0], "all are served the same tokens");
        }
    }
}

/// What a caller is served of each grant.
async fn tokens(client: &Client, keys: &[GrantKey]) -> Vec<Served> {
    let request = BatchGetAccessTokensRequest { requests: keys.iter().map(ask).collect() };
    let answer = client.tokens().batch_get_access_tokens(request).await.unwrap().into_inner();
    let served = answer.results.into_iter().zip(keys).map(|(answered, key)| async move {
        let token = match answered.result.unwrap() {
            BatchResult::Token(token) => Ok(token),
            // On a busy machine a connection to the store may be waited for in vain. Then the caller is told so.
            BatchResult::Status(_) => vend_patiently(client, key).await,
        };
        token.map(|token| (token.generation, token.access_token)).map_err(|error| error.to_string())
    });
    join_all(served).await
}

/// Kills Redis and starts it again, over and over. Answers how often.
async fn flap(redis: &PrivateRedis, over: &CancellationToken) -> usize {
    let mut flaps = 0;
    while !over.is_cancelled() {
        redis.kill().await;
        redis.start_again().await;
        flaps += 1;
    }
    flaps
}
