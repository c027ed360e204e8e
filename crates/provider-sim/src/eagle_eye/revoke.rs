//! The revocation endpoint (RFC 7009).

use hyper::StatusCode;

use super::{EagleEye, error};
use crate::message::{Reply, Request};
use crate::provider::Answer;
use crate::realm::{Revocation, Trace};

impl EagleEye {
    pub(super) fn revoke(&self, request: &Request) -> Answer {
        self.revoked(request).map(|trace| Answer::done(Reply::empty(StatusCode::OK), trace)).into()
    }

    fn revoked(&self, request: &Request) -> Result<Trace, Reply> {
        let params = self.body_params(request);
        let client = self.authenticate(request, &params)?;
        let token = params.once("token").ok().flatten();
        let token = token.ok_or_else(|| error::revocation_parameter("token"))?;
        match self.realm.revoke(token, &client.client_id) {
            Ok(Revocation::Done(trace)) => Ok(trace),
            Ok(Revocation::Nothing) => Ok(Trace::default()),
            Ok(Revocation::Foreign) => Err(error::code(StatusCode::BAD_REQUEST, "invalid_client")),
            Err(_) => Err(error::code(StatusCode::INTERNAL_SERVER_ERROR, "server_error")),
        }
    }
}
