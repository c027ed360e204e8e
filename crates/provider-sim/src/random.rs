//! Unguessable values: codes, tokens, token ids.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    fill(&mut buffer);
    buffer
}

/// `N` random bytes in unpadded URL-safe base64.
pub(crate) fn text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<N>())
}

/// 32 lower-case hexadecimal digits.
pub(crate) fn hex32() -> String {
    format!("{:032x}", u128::from_be_bytes(bytes()))
}

#[expect(clippy::expect_used, reason = "without the operating system's entropy nothing can be issued")]
fn fill(buffer: &mut [u8]) {
    SystemRandom::new().fill(buffer).expect("the operating system's random source answers");
}
