//! Reading numbers and texts one after the other.

use broker_core::Timestamp;

/// What is not read yet.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        self.bytes().map(|bytes| Timestamp::from_unix_micros(i64::from_be_bytes(bytes)))
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = u16::from_be_bytes(self.bytes()?);
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
