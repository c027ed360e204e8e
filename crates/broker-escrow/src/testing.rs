//! Records for tests of the inside.

use broker_core::ports::EscrowRecord;
use broker_core::{
    AccountLabel, Attempt, AttemptId, AttemptKind, AttemptPhase, Generation, GrantKey, IncarnationId,
    LineageId, ProviderName, RegistrationId, TenantId, Timestamp, UserId,
};
use broker_crypto::Sealed;

use crate::record;

/// So many seconds after the tests' beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + seconds)
}

/// A success for a user of that number, received so many seconds after the beginning.
pub(crate) fn record(number: u8) -> EscrowRecord {
    EscrowRecord {
        attempt: Attempt {
            id: AttemptId::from_bytes([number; 16]),
            kind: AttemptKind::Refresh,
            key: GrantKey {
                tenant: TenantId::new("acme").unwrap(),
                provider: ProviderName::new("evercam").unwrap(),
                user: UserId::new(format!("user {number}")).unwrap(),
                account: AccountLabel::default_label(),
            },
            registration: RegistrationId::new("acme-cameras").unwrap(),
            lineage: LineageId::from_bytes([7; 16]),
            generation: Generation::new(3),
            presentation_no: 1,
            owner: IncarnationId::from_bytes([9; 16]),
            claimed_at: at(0),
            sent_at: Some(at(0)),
            phase: AttemptPhase::Sent,
        },
        status: 200,
        received_at: at(number.into()),
        body: Sealed::from_bytes(vec![number; 40]),
    }
}

/// The bytes of records numbered from 0, and where each ends.
pub(crate) fn records_of(count: u8) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for number in 0..count {
        bytes.extend(record::encode(&record(number)).unwrap());
        ends.push(bytes.len());
    }
    (bytes, ends)
}
