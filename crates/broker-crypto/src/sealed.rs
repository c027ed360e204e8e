//! A secret at rest.

use std::fmt;
use std::marker::PhantomData;

use crate::DekId;
use crate::envelope;

/// An envelope that holds a `T`. The only form in which stores and journals see a secret.
pub struct Sealed<T> {
    envelope: Vec<u8>,
    holds: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// Wraps envelope bytes read back from a store. They are checked when opened.
    pub fn from_bytes(envelope: Vec<u8>) -> Self {
        Self { envelope, holds: PhantomData }
    }

    /// The envelope bytes, for a store to keep.
    pub fn as_bytes(&self) -> &[u8] {
        &self.envelope
    }

    /// The data key this value is sealed under; `None` if the bytes are not an envelope.
    pub fn key_id(&self) -> Option<DekId> {
        envelope::key_id(&self.envelope).ok().and_then(DekId::from_bytes)
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.envelope.clone())
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.envelope.len())
    }
}
