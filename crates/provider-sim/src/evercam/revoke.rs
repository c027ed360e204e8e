//! The revocation endpoint (RFC 7009), in JSON.

use hyper::StatusCode;
use serde_json::json;

use super::Evercam;
use crate::message::{Reply, Request};
use crate::provider::Answer;
use crate::realm::{Revocation, Trace};

impl Evercam {
    pub(super) fn revoke(&self, request: &Request) -> Answer {
        self.revoked(request).map(|trace| Answer::done(self.revocation_response(), trace)).into()
    }

    /// A token that is unknown or belongs to another client is no error.
    fn revoked(&self, request: &Request) -> Result<Trace, Reply> {
        let params = self.body_params(request)?;
        let client = self.authenticate(&params)?;
        let token = self.required(&params, "token")?;
        match self.realm.revoke(token, &client.client_id) {
            Ok(Revocation::Done(trace)) => Ok(trace),
            Ok(Revocation::Nothing | Revocation::Foreign) => Ok(Trace::default()),
            Err(_) => Err(self.storage_failed()),
        }
    }

    fn revocation_response(&self) -> Reply {
        if self.config.empty_revocation_response {
            Reply::empty(StatusCode::OK)
        } else {
            Reply::json(StatusCode::OK, &json!({}))
        }
    }
}
