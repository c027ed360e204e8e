//! Outgoing HTTP, by whom was called and what came of it.

use broker_egress::CallTimes;

use super::Family;

pub(super) fn families(calls: &CallTimes) -> Vec<Family> {
    let family = Family::histogram(
        "http.client.request.duration",
        "Calls to providers, issuers, key services and webhooks, until the whole answer was read",
    );
    vec![calls.read().into_iter().fold(family, |family, (call, times)| {
        let status = call.status.map_or(String::new(), |status| status.to_string());
        // An answer that is an error is named by its status, as the conventions ask.
        let error =
            if call.status.is_some_and(|status| status >= 400) { status.as_str() } else { call.error };
        let labels = [
            ("server.address", call.host.as_str()),
            ("http.request.method", call.method),
            ("http.response.status_code", &status),
            ("error.type", error),
        ];
        family.point(labels, times)
    })]
}
