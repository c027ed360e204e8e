//! Request parameters to bytes, in buffers that are wiped and never move while they grow.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{SerializeMap, Serializer};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::BodyFormat;

pub(crate) type Parameter<'a> = (&'static str, &'a str);

/// The body of a token request.
pub(crate) fn body(format: BodyFormat, parameters: &[Parameter<'_>]) -> Zeroizing<Vec<u8>> {
    match format {
        BodyFormat::Form => form(parameters),
        BodyFormat::Json => json(parameters),
    }
}

fn form(parameters: &[Parameter<'_>]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(worst_case(parameters, 3)));
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name.as_bytes());
        out.push(b'=');
        byte_serialize(value.as_bytes()).for_each(|piece| out.extend_from_slice(piece.as_bytes()));
    }
    out
}

#[expect(clippy::expect_used, reason = "never fails because the writer is memory and every key is a string")]
fn json(parameters: &[Parameter<'_>]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(worst_case(parameters, 6)));
    let mut serializer = serde_json::Serializer::new(&mut *out);
    let written = serializer.serialize_map(Some(parameters.len())).and_then(|mut map| {
        parameters.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    });
    written.expect("strings can be written as JSON");
    out
}

/// `factor` is how many bytes one byte of a value may become; the rest is punctuation.
fn worst_case(parameters: &[Parameter<'_>], factor: usize) -> usize {
    2 + parameters.iter().map(|(name, value)| name.len() + factor * value.len() + 8).sum::<usize>()
}

/// The value of an `Authorization: Basic` header.
///
/// Id and secret are form-urlencoded first (RFC 6749 §2.3.1): a `%` or `+` in them would be decoded.
pub(crate) fn basic(client_id: &str, client_secret: &str) -> Zeroizing<String> {
    const SCHEME: &str = "Basic ";
    let mut pair = Zeroizing::new(String::with_capacity(3 * (client_id.len() + client_secret.len()) + 1));
    byte_serialize(client_id.as_bytes()).for_each(|piece| pair.push_str(piece));
    pair.push(':');
    byte_serialize(client_secret.as_bytes()).for_each(|piece| pair.push_str(piece));

    let mut header = Zeroizing::new(String::with_capacity(SCHEME.len() + pair.len().div_ceil(3) * 4));
    header.push_str(SCHEME);
    STANDARD.encode_string(pair.as_bytes(), &mut header);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: BodyFormat, parameters: &[Parameter<'_>]) -> String {
        String::from_utf8(body(format, parameters).to_vec()).unwrap()
    }

    #[test]
    fn values_are_escaped() {
        let parameters = [("code", "a+b/c=&\"\n ä"), ("scope", "x y")];
        assert_eq!(
            text(BodyFormat::Form, &parameters),
            "code=a%2Bb%2Fc%3D%26%22%0A+%C3%A4&scope=x+y" // RFC 6749 appendix B
        );
        assert_eq!(text(BodyFormat::Json, &parameters), "{\"code\":\"a+b/c=&\\\"\\n ä\",\"scope\":\"x y\"}");
    }

    #[test]
    fn buffers_never_grow() {
        let all: String = (0u8..128).map(char::from).chain("äöü€😀".chars()).collect();
        let parameters = [("a", all.as_str()), ("b", "")];
        assert!(form(&parameters).len() <= worst_case(&parameters, 3));
        assert!(json(&parameters).len() <= worst_case(&parameters, 6));
        let capacity = |secret: &str| basic(secret, secret).capacity();
        assert!(basic(&all, &all).len() <= 6 + (6 * all.len() + 1).div_ceil(3) * 4);
        assert_eq!(capacity("plain"), basic("plain", "plain").len());
    }

    #[test]
    fn id_and_secret_are_encoded_before_base64() {
        // base64("ev%3A1:p%2Bq%25+r")
        assert_eq!(basic("ev:1", "p+q% r").as_str(), "Basic ZXYlM0ExOnAlMkJxJTI1K3I=");
    }
}
