//! Bodies and clients: JSON members carry the credentials, headers do not.

use hyper::StatusCode;

use super::{Evercam, FormBody};
use crate::client::ClientConfig;
use crate::message::{Reply, Request};
use crate::params::Params;

impl Evercam {
    /// The parameters of the body, in a form that the provider takes.
    pub(super) fn body_params(&self, request: &Request) -> Result<Params, Reply> {
        if request.is_json() {
            let params = Params::from_json(&request.body);
            return params.ok_or_else(|| self.invalid_request("The body must be a JSON object of strings."));
        }
        let status = match self.config.form_body {
            FormBody::Accept if request.is_form() => return Ok(request.form_params()),
            FormBody::Reject415 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            FormBody::Accept | FormBody::Reject400 => StatusCode::BAD_REQUEST,
        };
        Err(self.error(status, "invalid_request", "The body must be JSON."))
    }

    /// The client that the parameters prove to be: by its secret, or by having none.
    pub(super) fn authenticate(&self, params: &Params) -> Result<ClientConfig, Reply> {
        let id = self.single(params, "client_id")?.ok_or_else(|| self.invalid_client())?;
        let client = match self.single(params, "client_secret")? {
            Some(secret) => self.realm.authenticate(id, secret),
            None => self.realm.client(id).filter(ClientConfig::is_public),
        };
        client.ok_or_else(|| self.invalid_client())
    }

    pub(super) fn required<'a>(&self, params: &'a Params, name: &str) -> Result<&'a str, Reply> {
        let missing = || self.invalid_request(&format!("The parameter {name} is missing."));
        self.single(params, name)?.ok_or_else(missing)
    }

    pub(super) fn single<'a>(&self, params: &'a Params, name: &str) -> Result<Option<&'a str>, Reply> {
        let repeated = |_| self.invalid_request(&format!("The parameter {name} was sent more than once."));
        params.once(name).map_err(repeated)
    }
}
