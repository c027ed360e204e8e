//! What a record's bytes stand in: how its end is known, and whether they are still what was written.
//!
//! Numbers are big-endian.
//!
//! ```text
//! offset  size  what
//! 0       4     FF 45 53 43
//! 4       4     length of the content, n
//! 8       4     CRC-32 (IEEE) of the length and the content
//! 12      n     the content, see `record.rs`
//! ```
//!
//! The first byte occurs in no text, so nothing that is written in the clear looks like a frame. The checksum finds
//! torn and rotten bytes. It does not guard against a forger: the seal does.

/// Everything before the content.
pub(crate) const HEADER: usize = 12;
/// What a frame begins with.
pub(crate) const START: [u8; 4] = *b"\xffESC";
/// A response body has at most 64 KiB; whatever claims to be longer than this is no record.
const MAX: usize = 1 << 20;

/// The frame around `content`. `None` if that is too long to be read back.
pub(crate) fn around(content: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(content.len()).ok().filter(|_| content.len() <= MAX)?.to_be_bytes();
    Some([&START, &length, &checksum(length, content), content].concat())
}

/// The content of the frame that `bytes` begin with; `None` if they begin with none that is whole and unharmed.
pub(crate) fn content(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(&START)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (expected, rest) = rest.split_first_chunk()?;
    let size = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|size| *size <= MAX)?;
    let content = rest.get(..size)?;
    (checksum(*length, content) == *expected).then_some(content)
}

fn checksum(length: [u8; 4], content: &[u8]) -> [u8; 4] {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&length);
    checksum.update(content);
    checksum.finalize().to_be_bytes()
}
