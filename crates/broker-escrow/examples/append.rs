//! How long an append of 2 KB takes: `cargo run --release -p broker-escrow --example append -- DIR`.
//!
//! DIR is a new directory on the disk in question.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for a terminal")]

use std::path::Path;
use std::time::{Duration, Instant};

use broker_core::ports::{Durability, Escrow, EscrowRecord};
use broker_core::{
    AccountLabel, Attempt, AttemptId, AttemptKind, AttemptPhase, Generation, GrantKey, IncarnationId,
    LineageId, ProviderName, RegistrationId, TenantId, Timestamp, UserId,
};
use broker_crypto::{OsEntropy, Sealed};
use broker_escrow::{FileEscrow, Limits};

#[tokio::main]
async fn main() {
    let directory = std::env::args().nth(1).unwrap();
    let escrow = FileEscrow::open(Path::new(&directory), Limits::default(), &OsEntropy).unwrap();
    measure(&escrow, "process", Durability::Process, 20_000).await;
    measure(&escrow, "machine", Durability::Machine, 500).await;
}

async fn measure(escrow: &FileEscrow, name: &str, durability: Durability, count: u32) {
    let (mut reserves, mut appends) = (Vec::new(), Vec::new());
    for number in 0..count {
        let record = record(number);
        let start = Instant::now();
        escrow.reserve().await.unwrap();
        reserves.push(start.elapsed());
        let start = Instant::now();
        escrow.append(&record, durability).await.unwrap();
        appends.push(start.elapsed());
    }
    println!("{name} reserve {}", quantiles(reserves));
    println!("{name} append  {}", quantiles(appends));
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("p50 {:?}, p99 {:?}, longest {:?}", at(0.5), at(0.99), at(1.0))
}

/// 200 grants in turn.
fn record(number: u32) -> EscrowRecord {
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    EscrowRecord {
        attempt: Attempt {
            id: AttemptId::generate(now, &OsEntropy),
            kind: AttemptKind::Refresh,
            key: GrantKey {
                tenant: TenantId::new("acme").unwrap(),
                provider: ProviderName::new("evercam").unwrap(),
                user: UserId::new(format!("user {}", number % 200)).unwrap(),
                account: AccountLabel::default_label(),
            },
            registration: RegistrationId::new("acme-cameras").unwrap(),
            lineage: LineageId::from_bytes([7; 16]),
            generation: Generation::new(number.into()),
            presentation_no: 1,
            owner: IncarnationId::from_bytes([9; 16]),
            claimed_at: now,
            sent_at: Some(now),
            phase: AttemptPhase::Sent,
        },
        status: 200,
        received_at: now,
        body: Sealed::from_bytes(vec![7; 2000]),
    }
}
