//! The API call that checks a grant: the user's cameras.

use hyper::header::WWW_AUTHENTICATE;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Evercam, EvercamUser};
use crate::message::{Reply, Request};
use crate::params::within;
use crate::provider::Answer;
use crate::realm::Trace;

const CAMERAS: &str = "/v2/cameras";
const CAMERAS_SCOPE: &str = "cameras:read";

impl Evercam {
    pub(super) fn api(&self, request: &Request) -> Answer {
        self.resource(request).into()
    }

    fn resource(&self, request: &Request) -> Result<Answer, Reply> {
        if request.method != Method::GET || request.path != CAMERAS {
            return Err(message(StatusCode::NOT_FOUND, "Not found"));
        }
        let (user, trace) = match request.bearer() {
            Some(token) => self.by_token(token)?,
            None => (self.by_api_key(request)?, Trace::default()),
        };
        Ok(Answer::done(Reply::json(StatusCode::OK, &cameras(user)), trace))
    }

    fn by_token(&self, token: &str) -> Result<(&EvercamUser, Trace), Reply> {
        let bearer = self.realm.bearer(token).ok_or_else(unauthorized)?;
        if !within(CAMERAS_SCOPE, &bearer.scope) {
            return Err(message(StatusCode::FORBIDDEN, "Forbidden").error("insufficient_scope"));
        }
        let user = self.user(&bearer.user).ok_or_else(unauthorized)?;
        Ok((user, bearer.trace))
    }

    fn by_api_key(&self, request: &Request) -> Result<&EvercamUser, Reply> {
        let (id, key) = (request.header("x-api-id"), request.header("x-api-key"));
        if id.is_none() && key.is_none() {
            return Err(unauthorized());
        }
        let fits = |own: &&super::ApiKey| Some(own.id.as_str()) == id && Some(own.key.as_str()) == key;
        let found = self.config.api_keys.iter().find(fits).and_then(|own| self.user(&own.user));
        found.ok_or_else(|| message(StatusCode::UNAUTHORIZED, "Invalid API keys"))
    }
}

/// `{"message":…}`.
pub(super) fn message(status: StatusCode, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message }))
}

fn unauthorized() -> Reply {
    let reply = message(StatusCode::UNAUTHORIZED, "Unauthorized");
    reply.header(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"").error("invalid_token")
}

fn cameras(user: &EvercamUser) -> Value {
    let camera = |name: &String| json!({ "id": name, "name": name, "owned": true, "is_online": true });
    json!({ "cameras": user.cameras.iter().map(camera).collect::<Vec<_>>() })
}
