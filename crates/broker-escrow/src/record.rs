//! The content of a record: the attempt in the clear, then the sealed body.
//!
//! Numbers are big-endian, times are microseconds since 1970, a text is its length in two bytes and then itself.
//!
//! ```text
//! offset  size  what
//! 0       1     version, 0x01
//! 1       2     HTTP status
//! 3       8     received_at
//! 11      1     kind: 0 refresh, 1 code exchange
//! 12      16    authorization id of a code exchange, else zeros
//! 28      16    attempt id
//! 44      16    lineage
//! 60      8     generation
//! 68      4     presentation number
//! 72      16    owner
//! 88      1     phase: 0 claimed, 1 sent, 2 closed
//! 89      8     claimed_at
//! 97      1     1 if sent_at follows, else 0
//! 98      8     sent_at, else zeros
//! 106     *     five texts: tenant, provider, user, account, registration
//! *       *     the sealed response body, to the end
//! ```

use broker_core::ports::EscrowRecord;
use broker_core::{Attempt, Timestamp};
use broker_crypto::Sealed;

use crate::reader::Reader;
use crate::{attempt, frame};

const VERSION: u8 = 1;

/// A record where it lies, its body not copied.
pub(crate) struct View<'a> {
    pub(crate) attempt: Attempt,
    pub(crate) status: u16,
    pub(crate) received_at: Timestamp,
    pub(crate) body: &'a [u8],
}

impl View<'_> {
    pub(crate) fn into_record(self) -> EscrowRecord {
        let body = Sealed::from_bytes(self.body.to_vec());
        EscrowRecord { attempt: self.attempt, status: self.status, received_at: self.received_at, body }
    }
}

/// The bytes of a record, its frame included. `None` if it is too long to be read back.
pub(crate) fn encode(record: &EscrowRecord) -> Option<Vec<u8>> {
    let mut out = vec![VERSION];
    out.extend(record.status.to_be_bytes());
    out.extend(record.received_at.as_unix_micros().to_be_bytes());
    attempt::put(&mut out, &record.attempt)?;
    out.extend(record.body.as_bytes());
    frame::around(&out)
}

/// The record in `content`; `None` if it is none of this version.
pub(crate) fn decode(content: &[u8]) -> Option<View<'_>> {
    let mut reader = Reader(content);
    reader.bytes().filter(|version| *version == [VERSION])?;
    let status = u16::from_be_bytes(reader.bytes()?);
    let received_at = reader.time()?;
    let attempt = attempt::read(&mut reader)?;
    Some(View { attempt, status, received_at, body: reader.0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::record;
    use broker_core::{
        AccountLabel, AttemptId, AttemptKind, AttemptPhase, AuthorizationId, Generation, GrantKey,
        IncarnationId, LineageId, ProviderName, RegistrationId, TenantId, UserId,
    };

    #[test]
    fn a_body_beyond_reading_is_not_written() {
        let with = |size| EscrowRecord { body: Sealed::from_bytes(vec![0; size]), ..record(1) };
        assert!(encode(&with(1 << 20)).is_none());
        assert!(encode(&with(70 << 10)).is_some());
    }

    prop_compose! {
        fn any_key()(
            tenant in "[a-z0-9][a-z0-9._-]{0,63}",
            provider in "[a-z0-9][a-z0-9._-]{0,63}",
            user in "[^\\p{Cc}]{1,64}",
            account in "[ -~]{1,256}",
        ) -> GrantKey {
            GrantKey {
                tenant: TenantId::new(tenant).unwrap(),
                provider: ProviderName::new(provider).unwrap(),
                user: UserId::new(user).unwrap(),
                account: AccountLabel::new(account).unwrap(),
            }
        }
    }

    prop_compose! {
        fn any_attempt()(
            key in any_key(),
            registration in "[a-z0-9][a-z0-9._-]{0,63}",
            ids: [[u8; 16]; 3],
            authorization: Option<[u8; 16]>,
            generation: u64,
            presentation_no: u32,
            claimed_at: i64,
            sent_at: Option<i64>,
            phase in prop::sample::select(vec![AttemptPhase::Claimed, AttemptPhase::Sent, AttemptPhase::Closed]),
        ) -> Attempt {
            Attempt {
                id: AttemptId::from_bytes(ids[0]),
                kind: authorization.map_or(AttemptKind::Refresh, |id| {
                    AttemptKind::CodeExchange(AuthorizationId::from_bytes(id))
                }),
                key,
                registration: RegistrationId::new(registration).unwrap(),
                lineage: LineageId::from_bytes(ids[1]),
                generation: Generation::new(generation),
                presentation_no,
                owner: IncarnationId::from_bytes(ids[2]),
                claimed_at: Timestamp::from_unix_micros(claimed_at),
                sent_at: sent_at.map(Timestamp::from_unix_micros),
                phase,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            attempt in any_attempt(),
            status: u16,
            received_at: i64,
            body in proptest::collection::vec(any::<u8>(), 0..4096),
        ) {
            let received_at = Timestamp::from_unix_micros(received_at);
            let record = EscrowRecord { attempt, status, received_at, body: Sealed::from_bytes(body) };
            let bytes = encode(&record).unwrap();
            let read = decode(frame::content(&bytes).unwrap()).unwrap().into_record();
            prop_assert_eq!(&read.attempt, &record.attempt);
            prop_assert_eq!((read.status, read.received_at), (record.status, record.received_at));
            prop_assert_eq!(read.body.as_bytes(), record.body.as_bytes());
        }
    }
}
