//! What may be asked, to the letter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::engine::{Engine, Reply, refused};
use super::{KEY, MOUNT};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Encrypt {
    plaintext: String,
    associated_data: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decrypt {
    ciphertext: String,
    associated_data: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogIn {
    role: String,
    jwt: String,
}

/// The last but one part of the path of a key, or the last of a login's.
pub(super) fn action(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some("login"), _) => "login",
        (_, action) => action.unwrap_or_default(),
    }
}

/// Answers a request. What the service would not know is noted as a breach.
pub(super) fn reply(engine: &mut Engine, parts: &Parts, body: &Bytes) -> Reply {
    match try_reply(engine, parts, body) {
        Ok(reply) => reply,
        Err(breach) => {
            engine.breaches.push(format!("{} {}: {breach}", parts.method, parts.uri));
            refused("unknown to the stand-in")
        }
    }
}

fn try_reply(engine: &mut Engine, parts: &Parts, body: &Bytes) -> Result<Reply, String> {
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap());
    if header("x-vault-request") != Some("true") {
        return Err("x-vault-request is not true".to_owned());
    }
    if header("x-vault-namespace") != engine.namespace.as_deref() {
        return Ok((404, json!({ "errors": ["no handler for route"] })));
    }
    let path = parts.uri.path_and_query().ok_or("no path")?.as_str();
    if (parts.method.as_str(), path) == ("POST", "/v1/auth/kubernetes/login") {
        let LogIn { role, jwt } = read(parts, body)?;
        return Ok(engine.log_in(&role, &jwt));
    }
    let action =
        path.strip_prefix(&format!("/v1/{MOUNT}/")).and_then(|rest| rest.strip_suffix(&format!("/{KEY}")));
    if header("x-vault-token") != Some(engine.token.as_str()) {
        return Ok((403, json!({ "errors": ["permission denied"] })));
    }
    match (parts.method.as_str(), action) {
        ("GET", Some("keys")) if body.is_empty() => Ok(engine.describe()),
        ("POST", Some("encrypt")) => {
            let Encrypt { plaintext, associated_data } = read(parts, body)?;
            Ok(engine.encrypt(&bytes(&plaintext)?, &bytes(&associated_data)?))
        }
        ("POST", Some("decrypt")) => {
            let Decrypt { ciphertext, associated_data } = read(parts, body)?;
            Ok(engine.decrypt(&ciphertext, &bytes(&associated_data)?))
        }
        _ => Err("no such path, or not with this method".to_owned()),
    }
}

fn read<T: DeserializeOwned>(parts: &Parts, body: &Bytes) -> Result<T, String> {
    match parts.headers.get(CONTENT_TYPE).map(|value| value.as_bytes()) {
        Some(b"application/json") => serde_json::from_slice(body).map_err(|error| error.to_string()),
        _ => Err("not application/json".to_owned()),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
    Some(bytes).filter(|bytes| !bytes.is_empty()).ok_or_else(|| "an empty text".to_owned())
}
