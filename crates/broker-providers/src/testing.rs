//! Answers for tests.

use broker_core::Timestamp;
use broker_core::ports::RawResponse;
use broker_crypto::ProviderResponse;

/// An answer received on Sun, 06 Nov 1994 08:49:37 GMT.
pub(crate) fn answer(status: u16, body: impl AsRef<[u8]>) -> RawResponse {
    RawResponse {
        status,
        retry_after: None,
        body: ProviderResponse::new(body.as_ref().to_vec()),
        received_at: Timestamp::from_unix_seconds(784_111_777),
    }
}
