//! Which grant a request is about.

use std::borrow::Cow;

use broker_core::FieldViolation;
use broker_proto::external_authorization::{AttributeContext, HeaderValue, HttpRequest};
use broker_proto::v1::GetAccessTokenRequest;

use crate::config::ExtAuthzConfig;

/// The longest purpose that is recorded, in bytes.
const LONGEST_PURPOSE: usize = 256;

/// The names of headers.
pub(super) struct Naming(ExtAuthzConfig);

impl Naming {
    pub(super) fn new(config: ExtAuthzConfig) -> Self {
        Self(config)
    }

    /// The headers that name a grant.
    pub(super) fn headers(&self) -> [&str; 4] {
        self.0.naming()
    }

    /// The header for the prefix of API calls, if it is wanted.
    pub(super) fn api_base_url(&self) -> Option<&str> {
        self.0.api_base_url_header.as_deref()
    }

    /// The token asked for. What the route says goes over what the request says; a header that stands there twice says
    /// nothing.
    pub(super) fn wanted(
        &self,
        attributes: &AttributeContext,
    ) -> Result<GetAccessTokenRequest, FieldViolation> {
        let http = attributes.request.as_ref().and_then(|request| request.http.as_ref());
        let read = |name: &str| match attributes.context_extensions.get(name) {
            Some(pinned) => Ok(pinned.clone()),
            None => http.map_or(Ok(String::new()), |http| header(http, name)),
        };
        Ok(GetAccessTokenRequest {
            tenant_id: read(&self.0.tenant_header)?,
            provider: read(&self.0.provider_header)?,
            user_id: read(&self.0.user_header)?,
            account: read(&self.0.account_header)?,
            purpose: http.map_or_else(String::new, purpose),
            ..Default::default()
        })
    }
}

/// Method and host. The path is left out: whatever stands in there is not ours to keep.
fn purpose(http: &HttpRequest) -> String {
    let mut purpose = format!("ext_authz {} {}", http.method, http.host);
    purpose.truncate(purpose.floor_char_boundary(LONGEST_PURPOSE));
    purpose
}

/// The value of a header, empty where it is absent.
fn header(http: &HttpRequest, name: &str) -> Result<String, FieldViolation> {
    if let Some(value) = http.headers.get(name) {
        return Ok(value.clone());
    }
    let raw = http.header_map.iter().flat_map(|map| &map.headers);
    let mut values = raw.filter(|header| header.key.eq_ignore_ascii_case(name)).map(text);
    match (values.next(), values.next()) {
        (None, _) => Ok(String::new()),
        (Some(Some(value)), None) => Ok(value.into_owned()),
        _ => Err(FieldViolation::new(name, "must stand there once, as UTF-8")),
    }
}

fn text(header: &HeaderValue) -> Option<Cow<'_, str>> {
    match header.raw_value.is_empty() {
        true => Some(Cow::Borrowed(header.value.as_str())),
        false => std::str::from_utf8(&header.raw_value).ok().map(Cow::Borrowed),
    }
}

#[cfg(test)]
mod tests {
    use broker_proto::external_authorization::{HeaderMap, RequestAttributes};

    use super::*;

    fn attributes(http: HttpRequest, pinned: &[(&str, &str)]) -> AttributeContext {
        let pinned = pinned.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        AttributeContext {
            request: Some(RequestAttributes { http: Some(http) }),
            context_extensions: pinned.collect(),
            ..Default::default()
        }
    }

    fn http(headers: &[(&str, &str)]) -> HttpRequest {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        HttpRequest {
            method: "GET".into(),
            host: "api.example".into(),
            headers: headers.collect(),
            header_map: None,
        }
    }

    fn raw(headers: &[(&str, &[u8])]) -> HttpRequest {
        let headers = headers.iter().map(|(key, value)| HeaderValue {
            key: (*key).to_owned(),
            value: String::new(),
            raw_value: value.to_vec(),
        });
        HttpRequest { header_map: Some(HeaderMap { headers: headers.collect() }), ..http(&[]) }
    }

    fn wanted(attributes: &AttributeContext) -> Result<GetAccessTokenRequest, FieldViolation> {
        Naming::new(ExtAuthzConfig::default()).wanted(attributes)
    }

    #[test]
    fn headers_name_the_grant_and_the_route_goes_over_them() {
        let named = http(&[
            ("x-tokenbroker-tenant", "acme"),
            ("x-tokenbroker-provider", "evercam"),
            ("x-tokenbroker-user", "ada"),
        ]);
        let asked = wanted(&attributes(named.clone(), &[])).unwrap();
        assert_eq!((asked.tenant_id.as_str(), asked.provider.as_str()), ("acme", "evercam"));
        assert_eq!((asked.user_id.as_str(), asked.account.as_str()), ("ada", ""));
        assert_eq!(asked.purpose, "ext_authz GET api.example");

        let pinned = attributes(named, &[("x-tokenbroker-provider", "eagle-eye")]);
        assert_eq!(wanted(&pinned).unwrap().provider, "eagle-eye");
    }

    #[test]
    fn raw_headers_are_read_once_each() {
        let user = "x-tokenbroker-user";
        let read = |headers: &[(&str, &[u8])]| wanted(&attributes(raw(headers), &[]));
        assert_eq!(read(&[(user, "adä".as_bytes())]).unwrap().user_id, "adä");
        assert_eq!(read(&[(user, b"ada"), (user, b"ada")]).unwrap_err().field, user);
        assert_eq!(read(&[(user, b"\xff")]).unwrap_err().field, user);
        assert_eq!(read(&[]).unwrap().user_id, "");
    }

    #[test]
    fn a_purpose_is_cut_between_characters() {
        let long = HttpRequest { host: "ä".repeat(200), ..http(&[]) };
        assert!((255..=256).contains(&purpose(&long).len()));
        assert!(wanted(&AttributeContext::default()).unwrap().purpose.is_empty());
    }
}
