//! Client authentication in the order in which Spring Authorization Server tries it: Basic, form, PKCE.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;

use super::{EagleEye, error};
use crate::client::ClientConfig;
use crate::message::{Reply, Request};
use crate::params::{Params, Repeated};

/// What a request offers to prove its client.
enum Offer {
    Secret {
        client_id: String,
        secret: String,
    },
    /// A public client at the code exchange: the PKCE verifier is its proof.
    Verifier {
        client_id: String,
    },
    Nothing,
}

/// The request cannot be read.
struct Malformed;

impl From<Repeated> for Malformed {
    fn from(_: Repeated) -> Self {
        Self
    }
}

impl EagleEye {
    /// The client that the request proves to be.
    pub(super) fn authenticate(&self, request: &Request, params: &Params) -> Result<ClientConfig, Reply> {
        let offer = offered(request, params)
            .map_err(|Malformed| error::code(StatusCode::BAD_REQUEST, "invalid_request"))?;
        let client = match offer {
            Offer::Nothing => return Err(Reply::empty(StatusCode::UNAUTHORIZED)),
            Offer::Secret { client_id, secret } => self.realm.authenticate(&client_id, &secret),
            Offer::Verifier { client_id } => self.realm.client(&client_id).filter(ClientConfig::is_public),
        };
        client.ok_or_else(|| error::code(StatusCode::UNAUTHORIZED, "invalid_client"))
    }
}

/// The client that the request names, for the journal.
pub(super) fn named_client(request: &Request, params: &Params) -> Option<String> {
    match offered(request, params) {
        Ok(Offer::Secret { client_id, .. } | Offer::Verifier { client_id }) => Some(client_id),
        _ => params.get("client_id").map(str::to_owned),
    }
}

fn offered(request: &Request, params: &Params) -> Result<Offer, Malformed> {
    if let Some(offer) = basic(request)? {
        return Ok(offer);
    }
    let Some(client_id) = params.once("client_id")?.map(str::to_owned) else { return Ok(Offer::Nothing) };
    if let Some(secret) = params.once("client_secret")? {
        return Ok(Offer::Secret { client_id, secret: secret.to_owned() });
    }
    let exchange = params.get("grant_type") == Some("authorization_code") && params.get("code").is_some();
    let proof = params.once("code_verifier")?.is_some();
    Ok(if exchange && proof { Offer::Verifier { client_id } } else { Offer::Nothing })
}

/// Basic credentials, both halves form-encoded (RFC 6749 section 2.3.1).
fn basic(request: &Request) -> Result<Option<Offer>, Malformed> {
    let Some(header) = request.header("authorization") else { return Ok(None) };
    let mut words = header.split_ascii_whitespace();
    if !words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic")) {
        return Ok(None);
    }
    let (Some(encoded), None) = (words.next(), words.next()) else { return Err(Malformed) };
    let bytes = STANDARD.decode(encoded).map_err(|_| Malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| Malformed)?;
    match text.split_once(':') {
        Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
            Ok(Some(Offer::Secret { client_id: form_decoded(id)?, secret: form_decoded(secret)? }))
        }
        _ => Err(Malformed),
    }
}

fn form_decoded(text: &str) -> Result<String, Malformed> {
    let escapes = text.split('%').skip(1);
    let whole = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !escapes.into_iter().all(whole) || text.contains(['&', '=']) {
        return Err(Malformed);
    }
    let decoded = url::form_urlencoded::parse(text.as_bytes()).next();
    Ok(decoded.map(|(name, _)| name.into_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::form_decoded;

    #[test]
    fn form_decoding_reads_escapes_and_refuses_broken_ones() {
        assert_eq!(form_decoded("a+b%2Bc%25").ok().as_deref(), Some("a b+c%"));
        assert_eq!(form_decoded("plain0123").ok().as_deref(), Some("plain0123"));
        for broken in ["%", "%2", "a%zz"] {
            assert!(form_decoded(broken).is_err());
        }
    }
}
