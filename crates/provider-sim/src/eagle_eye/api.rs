//! The two API calls that check a grant: who the user is, and where the user's API lives.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::{EagleEye, EagleEyeUser};
use crate::message::{Reply, Request};
use crate::provider::Answer;

const USERS_SELF: &str = "/api/v3.0/users/self";
const CLIENT_SETTINGS: &str = "/api/v3.0/clientSettings";

impl EagleEye {
    pub(super) fn api(&self, request: &Request) -> Answer {
        self.resource(request).into()
    }

    fn resource(&self, request: &Request) -> Result<Answer, Reply> {
        let path = request.path.as_str();
        let here = path == CLIENT_SETTINGS || (path == USERS_SELF && self.is_right_host(request));
        if request.method != Method::GET || !here {
            return Err(own_error(StatusCode::NOT_FOUND, path));
        }
        let bearer = request.bearer().and_then(|token| self.realm.bearer(token));
        let bearer = bearer.ok_or_else(|| own_error(StatusCode::UNAUTHORIZED, path))?;
        let user = self.user(&bearer.user).ok_or_else(|| own_error(StatusCode::UNAUTHORIZED, path))?;
        let content = if path == USERS_SELF { profile(user) } else { self.client_settings() };
        Ok(Answer::done(Reply::json(StatusCode::OK, &content), bearer.trace))
    }

    fn is_right_host(&self, request: &Request) -> bool {
        let named = request.header("host").map(|host| host.split(':').next().unwrap_or_default());
        !self.config.enforce_api_host || named == Some(&self.config.https_base_url.hostname)
    }

    fn client_settings(&self) -> Value {
        json!({ "httpsBaseUrl": self.config.https_base_url })
    }
}

/// An `ApiV3Error`.
pub(super) fn own_error(status: StatusCode, path: &str) -> Reply {
    let (name, message) = match status.as_u16() {
        401 => ("unauthenticated", "The client caller does not have a valid authentication credential"),
        403 => ("permissionDenied", "The client caller does not have permission for this operation"),
        404 => ("notFound", "The requested resource was not found"),
        429 => ("tooManyRequests", "Too many requests in a given amount of time"),
        _ => ("internal", "Internal error"),
    };
    let detail = json!({
        "type": "errorInfo", "reason": name, "domain": "apiv3", "metadata": { "path": path }
    });
    let body = json!({ "code": status.as_u16(), "status": name, "message": message, "details": [detail] });
    Reply::json(status, &body).error(name)
}

fn profile(user: &EagleEyeUser) -> Value {
    json!({
        "id": user.id,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "accountId": user.account_id,
        "email": user.email,
        "language": "en",
        "employeeId": user.id,
    })
}
