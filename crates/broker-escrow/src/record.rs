//! The bytes of a record.
//!
//! Numbers are big-endian.
//!
//! ```text
//! offset  size  what
//! 0       4     length of what follows the checksum, n
//! 4       4     CRC-32 (IEEE) of those n bytes
//! 8       1     version, 0x01
//! 9       16    attempt id
//! 25      2     HTTP status
//! 27      8     when the response was read, microseconds since 1970
//! 35      1     length of the tenant id, t
//! 36      t     tenant id
//! 36+t    *     the sealed response body
//! ```
//!
//! The checksum finds torn and rotten bytes. It does not guard against a forger: the seal does, which binds
//! tenant and attempt.

use broker_core::ports::EscrowRecord;
use broker_core::{AttemptId, TenantId, Timestamp};
use broker_crypto::Sealed;

/// Length and checksum.
pub(crate) const HEADER: usize = 8;
const VERSION: u8 = 1;
/// Everything after the checksum that is not tenant or body.
const FIXED: usize = 28;
/// A response body has at most 64 KiB; whatever claims to be longer than this is no record.
const MAX: usize = 1 << 20;

/// The whole record, header included. `None` if it is too long to be read back.
pub(crate) fn encode(record: &EscrowRecord) -> Option<Vec<u8>> {
    let (tenant, body) = (record.tenant.as_str().as_bytes(), record.body.as_bytes());
    let length = FIXED + tenant.len() + body.len();
    let mut out = Vec::with_capacity(HEADER + length);
    out.extend_from_slice(&u32::try_from(length).ok().filter(|_| length <= MAX)?.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(VERSION);
    out.extend_from_slice(record.attempt.as_bytes());
    out.extend_from_slice(&record.status.to_be_bytes());
    out.extend_from_slice(&record.received_at.as_unix_micros().to_be_bytes());
    out.push(u8::try_from(tenant.len()).ok()?);
    out.extend_from_slice(tenant);
    out.extend_from_slice(body);
    let checksum = crc32fast::hash(&out[HEADER..]);
    out[4..HEADER].copy_from_slice(&checksum.to_be_bytes());
    Some(out)
}

/// What stands at the beginning of some bytes of a segment.
pub(crate) enum Found<'a> {
    /// A whole record, and what follows it.
    Record(EscrowRecord, &'a [u8]),
    /// A record that is damaged or of another version, and what follows it.
    Damaged(&'a [u8]),
    /// A torn end, or nothing that has a record's length: no telling where the next one would begin.
    Broken,
    /// Nothing more.
    End,
}

pub(crate) fn read(bytes: &[u8]) -> Found<'_> {
    if bytes.is_empty() {
        return Found::End;
    }
    let Some((length, rest)) = number(bytes) else { return Found::Broken };
    let Some((checksum, rest)) = number(rest) else { return Found::Broken };
    let length = length as usize;
    if !(FIXED..=MAX).contains(&length) {
        return Found::Broken;
    }
    let Some((content, rest)) = rest.split_at_checked(length) else { return Found::Broken };
    match (crc32fast::hash(content) == checksum).then(|| decode(content)).flatten() {
        Some(record) => Found::Record(record, rest),
        None => Found::Damaged(rest),
    }
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}

fn decode(content: &[u8]) -> Option<EscrowRecord> {
    let (&[VERSION], rest) = content.split_first_chunk()? else { return None };
    let (attempt, rest) = rest.split_first_chunk()?;
    let (status, rest) = rest.split_first_chunk()?;
    let (received_at, rest) = rest.split_first_chunk()?;
    let (&[tenant_length], rest) = rest.split_first_chunk()?;
    let (tenant, body) = rest.split_at_checked(usize::from(tenant_length))?;
    Some(EscrowRecord {
        tenant: TenantId::new(std::str::from_utf8(tenant).ok()?).ok()?,
        attempt: AttemptId::from_bytes(*attempt),
        status: u16::from_be_bytes(*status),
        received_at: Timestamp::from_unix_micros(i64::from_be_bytes(*received_at)),
        body: Sealed::from_bytes(body.to_vec()),
    })
}
