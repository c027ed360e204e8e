//! Calls of this process, by method and status.

use super::Family;
use crate::grpc::RpcTimes;

pub(super) fn families(rpcs: &RpcTimes) -> Vec<Family> {
    let family = Family::histogram(
        "rpc.server.call.duration",
        "Calls answered, from the request to the end of the answer",
    );
    vec![rpcs.read().fold(family, |family, (method, code, times)| {
        family.point([("rpc.method", method), ("rpc.response.status_code", code)], times)
    })]
}
