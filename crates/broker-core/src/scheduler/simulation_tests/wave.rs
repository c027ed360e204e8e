//! What was issued in one second does not come due in one second ever after.

use std::collections::HashMap;

use super::super::samples::{at, key};
use super::world::{LIFE, World};
use crate::schedule::pace;

const GRANTS: usize = 10_000;

/// A bucket is 1/200 of a token's life.
const BUCKETS_PER_LIFE: u32 = 200;

/// One wave's draws span a fifth of a life.
const BUCKETS_PER_WAVE: u32 = BUCKETS_PER_LIFE / 5;

/// Lives simulated: about 20 generations.
const LIVES: u32 = 14;

#[test]
fn grants_issued_in_the_same_second_spread_and_mix() {
    let mut world = World::new(|grant, generation, _| pace(grant, generation), HashMap::new());
    for grant in 0..GRANTS {
        world.issue(key("acme", "p", &grant.to_string()), at(0));
    }
    world.run_until(at(0) + LIVES * LIFE);

    let bucket_of =
        |began: crate::Timestamp| began.since(at(0)).as_micros() / (LIFE / BUCKETS_PER_LIFE).as_micros();
    let mut waves: HashMap<(u64, u128), usize> = HashMap::new();
    let mut all: HashMap<u128, usize> = HashMap::new();
    for rotation in &world.rotations {
        *waves.entry((rotation.number, bucket_of(rotation.began))).or_default() += 1;
        *all.entry(bucket_of(rotation.began)).or_default() += 1;
    }
    let uniform = GRANTS as f64 / f64::from(BUCKETS_PER_WAVE);
    let wave_peak = *waves.values().max().unwrap() as f64 / uniform;

    // From where the twelfth generation is refreshed on average to the last whole bucket.
    let (first, last) =
        (u128::from(12 * BUCKETS_PER_LIFE * 7 / 10), u128::from(LIVES * BUCKETS_PER_LIFE - 1));
    let late: Vec<usize> = (first..last).map(|bucket| all.get(&bucket).copied().unwrap_or(0)).collect();
    let mean = late.iter().sum::<usize>() as f64 / late.len() as f64;
    let late_peak = *late.iter().max().unwrap() as f64 / mean;
    println!("wave peak {wave_peak:.2}, peak from generation 12 {late_peak:.2} of {mean:.1} per bucket");

    assert!(wave_peak <= 1.5, "a wave's peak is {wave_peak:.2} x uniform");
    assert!(late_peak <= 1.5, "from generation 12 the peak is {late_peak:.2} x the mean");
    assert!(world.rotations.iter().all(|rotation| !rotation.expired));
    assert!(
        world.grants.values().all(|grant| grant.expires_at > at(0) + LIVES * LIFE),
        "none is left behind"
    );
    let latest = world.rotations.iter().map(|r| r.began.since(r.due_at)).max().unwrap();
    assert!(latest.as_secs_f64() < 1.0, "{latest:?} late");
    assert!(world.rotations.iter().all(|r| r.began >= r.due_at), "what is read ahead starts when it is due");
}
