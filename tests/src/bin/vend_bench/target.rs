//! What is asked, and what a right answer is.

use anyhow::{Result, ensure};
use broker_proto::v1;
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// One grant that may be asked for: its request as it goes over the wire, and the grant's id.
pub(crate) struct Question {
    pub(crate) frame: Bytes,
    grant_id: String,
}

impl Question {
    pub(crate) fn new(request: &v1::GetAccessTokenRequest, grant_id: String) -> Self {
        Self { frame: frame(request), grant_id }
    }

    /// Whether `reply`, a framed message, is a token of this grant.
    pub(crate) fn check(&self, reply: &[u8]) -> Result<()> {
        let token = decode(reply)?;
        ensure!(!token.access_token.is_empty(), "an answer without a token");
        ensure!(
            token.grant_id == self.grant_id,
            "a token of grant {} instead of {}",
            token.grant_id,
            self.grant_id
        );
        Ok(())
    }
}

/// A gRPC message on the wire: not compressed, length, bytes.
fn frame(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let mut frame = BytesMut::with_capacity(bytes.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(&bytes);
    frame.freeze()
}

fn decode(reply: &[u8]) -> Result<v1::GetAccessTokenResponse> {
    ensure!(is_framed(reply), "an answer of {} bytes is not one gRPC message", reply.len());
    Ok(v1::GetAccessTokenResponse::decode(&reply[5..])?)
}

/// Whether `reply` is exactly one uncompressed message that is not empty.
pub(crate) fn is_framed(reply: &[u8]) -> bool {
    match reply {
        [0, a, b, c, d, message @ ..] => {
            !message.is_empty() && u32::from_be_bytes([*a, *b, *c, *d]) as usize == message.len()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(grant_id: &str) -> Bytes {
        let (access_token, grant_id) = ("token".to_owned(), grant_id.to_owned());
        frame(&v1::GetAccessTokenResponse { access_token, grant_id, ..Default::default() })
    }

    #[test]
    fn only_a_whole_token_of_the_right_grant_passes() {
        let question = Question::new(&v1::GetAccessTokenRequest::default(), "a".to_owned());
        assert!(question.check(&token("a")).is_ok());
        assert!(question.check(&token("b")).is_err());
        let whole = token("a");
        assert!(question.check(&whole[..whole.len() - 1]).is_err());
        assert!(question.check(&[]).is_err());
    }
}
