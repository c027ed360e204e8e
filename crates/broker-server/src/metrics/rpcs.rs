//! Calls of this process, by method and status.

use super::Family;
use crate::grpc::RpcTimes;

/// Statuses that are the server's doing, by the semantic conventions for gRPC servers. Others are the caller's.
const ERRORS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

pub(super) fn families(rpcs: &RpcTimes) -> Vec<Family> {
    let family = Family::histogram(
        "rpc.server.call.duration",
        "Calls answered, from the request to the end of the answer",
    );
    vec![rpcs.read().fold(family, |family, (method, code, times)| {
        let labels = [
            ("rpc.system.name", "grpc"),
            ("rpc.method", method),
            ("rpc.response.status_code", code),
            ("error.type", error(code)),
        ];
        family.point(labels, times)
    })]
}

fn error(code: &'static str) -> &'static str {
    if ERRORS.contains(&code) { code } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_did_is_an_error_and_what_the_caller_did_is_none() {
        let named = ["OK", "NOT_FOUND", "CANCELLED", "INTERNAL", "UNAVAILABLE"].map(error);
        assert_eq!(named, ["", "", "", "INTERNAL", "UNAVAILABLE"]);
    }
}
