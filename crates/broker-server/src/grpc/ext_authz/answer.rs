//! How a request is changed before Envoy forwards it.

use broker_proto::external_authorization::check_response::HttpResponse;
use broker_proto::external_authorization::{CheckResponse, HeaderValue, HeaderValueOption, OkHttpResponse};
use broker_proto::v1::GetAccessTokenResponse;
use tonic_types::pb;

use super::naming::Naming;

/// What a workload must not say by itself to the provider.
const CREDENTIAL: &str = "authorization";

/// The request may be forwarded, with this token and without what led to it.
pub(super) fn allowed(token: &GetAccessTokenResponse, naming: &Naming) -> CheckResponse {
    let mut set: Vec<_> =
        token.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    if let Some(name) = naming.api_base_url().filter(|_| !token.api_base_url.is_empty()) {
        set.push((name.to_owned(), token.api_base_url.clone()));
    }
    let removed = naming.headers().into_iter().chain([CREDENTIAL]).chain(naming.api_base_url());
    // Envoy removes after it has set: one of both names would be gone.
    let headers_to_remove =
        removed.filter(|name| set.iter().all(|(set, _)| set != name)).map(str::to_owned).collect();
    let headers = set.into_iter().map(|(name, value)| header(&name, value)).collect();
    CheckResponse {
        status: Some(pb::Status::default()),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse { headers, headers_to_remove })),
    }
}

/// A header that takes the place of any other of its name.
pub(super) fn header(name: &str, value: String) -> HeaderValueOption {
    let header = HeaderValue { key: name.to_owned(), value, raw_value: Vec::new() };
    HeaderValueOption { header: Some(header), append: Some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ExtAuthzConfig;

    fn answer(headers: &[(&str, &str)], base_url: &str, base_url_header: Option<&str>) -> OkHttpResponse {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let token = GetAccessTokenResponse {
            headers: headers.collect(),
            api_base_url: base_url.to_owned(),
            ..Default::default()
        };
        let config = ExtAuthzConfig {
            api_base_url_header: base_url_header.map(ToOwned::to_owned),
            ..ExtAuthzConfig::default()
        };
        match allowed(&token, &Naming::new(config)).http_response {
            Some(HttpResponse::OkResponse(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn set(answer: &OkHttpResponse) -> Vec<(&str, &str)> {
        assert!(answer.headers.iter().all(|option| option.append == Some(false)));
        let headers = answer.headers.iter().filter_map(|option| option.header.as_ref());
        headers.map(|header| (header.key.as_str(), header.value.as_str())).collect()
    }

    const NAMING: [&str; 4] =
        ["x-tokenbroker-tenant", "x-tokenbroker-provider", "x-tokenbroker-user", "x-tokenbroker-account"];

    #[test]
    fn a_header_is_set_or_removed_and_never_both() {
        let bearer = answer(&[("Authorization", "Bearer t")], "", None);
        assert_eq!(set(&bearer), [("authorization", "Bearer t")]);
        assert_eq!(bearer.headers_to_remove, NAMING);

        let other = answer(&[("x-api-token", "t")], "", None);
        assert_eq!(other.headers_to_remove, [&NAMING[..], &["authorization"]].concat());
    }

    #[test]
    fn the_prefix_of_calls_is_told_where_it_is_wanted_and_never_by_the_workload() {
        let told = answer(&[("authorization", "Bearer t")], "https://c1.example", Some("x-base"));
        assert_eq!(set(&told)[1], ("x-base", "https://c1.example"));
        assert_eq!(told.headers_to_remove, NAMING);

        let without = answer(&[("authorization", "Bearer t")], "", Some("x-base"));
        assert_eq!(without.headers_to_remove, [&NAMING[..], &["x-base"]].concat());
    }

    #[test]
    fn a_token_is_not_printed() {
        assert!(!format!("{:?}", answer(&[("authorization", "Bearer SECRET")], "", None)).contains("SECRET"));
    }
}
