//! Good clients: calls at a fixed rate, each timed from when it was due.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use broker_e2e::bench::key;
use broker_e2e::{Client, ask};
use tokio::task::JoinSet;

/// Times from when each call was due to its answer, in milliseconds, in ascending order. A call that fails is an error.
pub(crate) async fn latencies(
    clients: &[Client],
    grants: usize,
    rate: u32,
    span: Duration,
) -> Result<Vec<f64>> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
    let (end, mut calls, mut times) = (Instant::now() + span, JoinSet::new(), Vec::new());
    let turn = clients.iter().cycle().zip((0..grants).cycle());
    for (client, grant) in turn {
        let due = pace.tick().await.into_std();
        if due >= end {
            break;
        }
        let client = client.clone();
        calls.spawn(async move { client.token(ask(&key(grant))).await.map(|_| due.elapsed()) });
        while let Some(call) = calls.try_join_next() {
            times.push(read(call?)?);
        }
    }
    while let Some(call) = calls.join_next().await {
        times.push(read(call?)?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn read(call: broker_e2e::Answer<Duration>) -> Result<f64> {
    let time = call.map_err(|error| anyhow!("a good client was refused: {error}"))?;
    Ok(time.as_secs_f64() * 1e3)
}
