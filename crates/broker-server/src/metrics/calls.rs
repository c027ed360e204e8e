//! Outgoing HTTP, by whom was called and what came of it.

use std::borrow::Cow;

use broker_egress::{CallEnd, CallKind, CallTimes};

use super::Family;

/// What statuses are that nobody registered.
const OTHER: &str = "_OTHER";

pub(super) fn families(calls: &CallTimes) -> Vec<Family> {
    let family = Family::histogram(
        "http.client.request.duration",
        "Calls to providers, issuers, key services and webhooks, until the whole answer was read",
    );
    vec![calls.read().into_iter().fold(family, |family, (call, times)| {
        let (port, [status, error]) = (port(&call), status_and_error(call.end));
        let labels = [
            ("server.address", call.host.as_str()),
            ("server.port", &port),
            ("http.request.method", call.method),
            ("http.response.status_code", &status),
            ("error.type", &error),
        ];
        family.point(labels, times)
    })]
}

fn port(call: &CallKind) -> String {
    call.port.map_or_else(String::new, |port| port.to_string())
}

/// An answer that is an error is named by its status, as the conventions ask.
fn status_and_error(end: CallEnd) -> [Cow<'static, str>; 2] {
    match end {
        CallEnd::Status(status) => {
            let (text, is_error) = (status.to_string(), status >= 400);
            [text.clone().into(), if is_error { text.into() } else { "".into() }]
        }
        CallEnd::OtherStatus { is_error } => [OTHER.into(), if is_error { OTHER } else { "" }.into()],
        CallEnd::NoAnswer(why) => ["".into(), why.into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_named_by_its_status_or_by_why_there_is_none() {
        for (end, expected) in [
            (CallEnd::Status(200), ["200", ""]),
            (CallEnd::Status(399), ["399", ""]),
            (CallEnd::Status(400), ["400", "400"]),
            (CallEnd::OtherStatus { is_error: false }, ["_OTHER", ""]),
            (CallEnd::OtherStatus { is_error: true }, ["_OTHER", "_OTHER"]),
            (CallEnd::NoAnswer("timeout"), ["", "timeout"]),
        ] {
            assert_eq!(status_and_error(end), expected, "{end:?}");
        }
    }
}
