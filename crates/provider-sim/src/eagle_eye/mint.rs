//! Access tokens are RS256 JWTs with the provider's claims, refresh tokens are opaque.

use serde::Serialize;

use super::EagleEye;
use crate::clock::as_millis;
use crate::random;
use crate::realm::{AccessOrder, Mint, Minted};

const KEY_ID: &str = "6861b0ca-0000-4000-8000-7e57ce271f1e";

#[derive(Serialize)]
struct Header {
    kid: &'static str,
    typ: &'static str,
    alg: &'static str,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    aud: &'static str,
    iss: &'static str,
    vms_account: &'a str,
    vms_cluster: &'a str,
    client_id: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
}

impl Mint for EagleEye {
    fn access(&self, order: &AccessOrder<'_>) -> Minted {
        let user = self.user(order.user);
        let ttl = user.and_then(|user| user.access_ttl).unwrap_or(self.config.access_ttl);
        let issued_at = order.now / 1_000;
        let expires_at = (issued_at * 1_000).saturating_add(as_millis(ttl));
        let claims = Claims {
            sub: order.user,
            aud: "vms.api",
            iss: "vms.auth.v1",
            vms_account: user.map_or("00000000", |user| &user.account_id),
            vms_cluster: cluster(&self.config.https_base_url.hostname),
            client_id: order.client_id,
            jti: random::hex32(),
            iat: issued_at,
            exp: expires_at / 1_000,
        };
        let header = Header { kid: KEY_ID, typ: "JWT", alg: "RS256" };
        Minted { text: self.signer.sign(&header, &claims), expires_at }
    }

    fn refresh(&self) -> String {
        random::text::<96>()
    }
}

/// The second label of an API host name, such as `c001`.
fn cluster(hostname: &str) -> &str {
    hostname.split('.').nth(1).unwrap_or("c000")
}
