//! The introspection endpoint (RFC 7662), in JSON.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::Evercam;
use crate::message::{Reply, Request};
use crate::provider::Answer;

impl Evercam {
    pub(super) fn introspect(&self, request: &Request) -> Answer {
        self.introspected(request).map(|body| Answer::unchanged(Reply::json(StatusCode::OK, &body))).into()
    }

    /// A token that is unknown, over or another client's is not active, and no error.
    fn introspected(&self, request: &Request) -> Result<Value, Reply> {
        let params = self.body_params(request)?;
        let client = self.authenticate(&params)?;
        let bearer = self.realm.bearer(self.required(&params, "token")?);
        let own = bearer.filter(|bearer| bearer.client_id == client.client_id);
        Ok(match own {
            None => json!({ "active": false }),
            Some(bearer) => json!({
                "active": true,
                "scope": bearer.scope,
                "client_id": bearer.client_id,
                "exp": bearer.expires_at / 1000,
                "sub": bearer.user,
                "token_type": "Bearer",
            }),
        })
    }
}
