//! How long calls took, by method and status.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use broker_core::measure::{Distribution, Histogram};
use tonic::Code;

use crate::grpc::methods::{OTHER, known};

/// In seconds; the bounds that OpenTelemetry advises for RPC, with some below and above: a token in memory is there in
/// less than a millisecond, and streams last.
const BOUNDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    30.0, 60.0,
];

/// The names of the statuses, by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Times of calls. A known method costs a look-up and no lock.
#[derive(Debug)]
pub(crate) struct RpcTimes {
    by_path: HashMap<String, usize>,
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    /// With its service and package, as in a path without the first slash.
    name: String,
    by_code: [OnceLock<Histogram>; CODES.len()],
}

impl Default for RpcTimes {
    fn default() -> Self {
        let names = known().iter().map(String::as_str).chain([OTHER]);
        let methods: Vec<_> =
            names.map(|name| Method { name: name.to_owned(), by_code: Default::default() }).collect();
        let by_path = methods.iter().enumerate().map(|(at, method)| (format!("/{}", method.name), at));
        Self { by_path: by_path.collect(), methods }
    }
}

impl RpcTimes {
    /// The place of the method with that path.
    pub(super) fn method(&self, path: &str) -> usize {
        // The last one is for all others.
        self.by_path.get(path).copied().unwrap_or(self.methods.len() - 1)
    }

    pub(super) fn observe(&self, method: usize, code: Code, time: Duration) {
        let by_code = &self.methods[method].by_code;
        by_code[code as usize].get_or_init(|| Histogram::new(BOUNDS)).observe(time);
    }

    /// Method, status and times of what was called.
    pub(crate) fn read(&self) -> impl Iterator<Item = (&str, &'static str, Distribution)> {
        self.methods.iter().flat_map(|method| {
            let times = method.by_code.iter().zip(CODES);
            times.filter_map(move |(times, code)| Some((method.name.as_str(), code, times.get()?.read())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_name() {
        for (number, name) in CODES.into_iter().enumerate() {
            let code = Code::from(i32::try_from(number).unwrap());
            let words = format!("{code:?}").to_uppercase();
            assert_eq!(name.replace('_', ""), words);
        }
    }

    #[test]
    fn methods_of_the_contract_are_told_apart_and_others_are_one() {
        let times = RpcTimes::default();
        for path in
            ["/tokenbroker.v1.TokenService/GetAccessToken", "/grpc.health.v1.Health/Check", "/a", "/b/c"]
        {
            times.observe(times.method(path), Code::Ok, Duration::from_millis(2));
        }
        let read: Vec<_> = times.read().map(|(method, code, times)| (method, code, times.count())).collect();
        let expected = [
            ("grpc.health.v1.Health/Check", "OK", 1),
            ("tokenbroker.v1.TokenService/GetAccessToken", "OK", 1),
            ("_OTHER", "OK", 2),
        ];
        assert_eq!(read, expected);
    }
}
