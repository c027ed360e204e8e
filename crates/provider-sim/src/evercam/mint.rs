//! Tokens that look like JWTs. What they hold is of no use to a client.

use serde_json::json;

use super::Evercam;
use crate::clock::as_millis;
use crate::jwt;
use crate::random;
use crate::realm::{AccessOrder, Mint, Minted};

impl Mint for Evercam {
    fn access(&self, order: &AccessOrder<'_>) -> Minted {
        let expires_at = order.now.saturating_add(as_millis(self.config.access_ttl));
        let claims = json!({
            "typ": "access", "sub": order.user, "client_id": order.client_id, "scope": order.scope,
            "jti": random::hex32(), "exp": expires_at / 1_000,
        });
        Minted { text: look_alike(&claims), expires_at }
    }

    fn refresh(&self) -> String {
        look_alike(&json!({ "typ": "refresh", "jti": random::hex32() }))
    }
}

/// Three parts, the last of which is random: nothing verifies it, and nobody guesses it.
fn look_alike(claims: &serde_json::Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    format!("{}.{}.{}", jwt::part(&header), jwt::part(claims), random::text::<32>())
}
