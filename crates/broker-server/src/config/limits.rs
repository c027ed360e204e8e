//! `[limits]`: how much of this process connections may take.

use std::time::Duration;

use serde::Deserialize;

use super::rotation::too_long;

/// HTTP connections beside `http_connections`, for probes and metrics alone: browsers can take all others.
pub(crate) const HTTP_RESERVE: usize = 16;

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Connections to the gRPC listener at once.
    pub connections: usize,
    /// TLS handshakes under way at once.
    pub handshakes: usize,
    /// How long a handshake may take.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// How long a new connection may be without a call.
    #[serde(with = "humantime_serde")]
    pub first_call_timeout: Duration,
    /// How long a connection may be without a call afterwards.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// After how long a connection is ended in order.
    #[serde(with = "humantime_serde")]
    pub connection_age: Duration,
    /// How long its calls may go on then.
    #[serde(with = "humantime_serde")]
    pub connection_grace: Duration,
    /// How long a call may take to its answer, or a stream to its beginning.
    #[serde(with = "humantime_serde")]
    pub call_timeout: Duration,
    /// Calls under way at once on one connection.
    pub streams_per_connection: u32,
    /// The headers of one call, in bytes.
    pub header_bytes: u32,
    /// The message of one call, in bytes.
    pub message_bytes: usize,
    /// How often a silent connection is asked whether it is alive.
    #[serde(with = "humantime_serde")]
    pub keepalive_interval: Duration,
    /// How long it has to answer.
    #[serde(with = "humantime_serde")]
    pub keepalive_timeout: Duration,
    /// Calls that a client took back before they were looked at, on one connection.
    pub pending_resets: usize,
    /// Calls that broke the protocol, on one connection.
    pub broken_streams: usize,
    /// Connections to the HTTP listener at once.
    pub http_connections: usize,
    /// How long the headers of an HTTP request may take; the same for the pause before the next request.
    #[serde(with = "humantime_serde")]
    pub http_header_timeout: Duration,
    /// How long an HTTP request may take.
    #[serde(with = "humantime_serde")]
    pub http_request_timeout: Duration,
    /// The body of an HTTP request, in bytes.
    pub http_body_bytes: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshakes: 1024,
            handshake_timeout: Duration::from_secs(5),
            first_call_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(15 * 60),
            connection_age: Duration::from_secs(60 * 60),
            connection_grace: Duration::from_secs(65 * 60),
            call_timeout: Duration::from_secs(5 * 60),
            streams_per_connection: 1_000,
            header_bytes: 16 << 10,
            message_bytes: 1 << 20,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            pending_resets: 20,
            broken_streams: 100,
            http_connections: 256,
            http_header_timeout: Duration::from_secs(5),
            http_request_timeout: Duration::from_secs(60),
            http_body_bytes: 64 << 10,
        }
    }
}

impl LimitsConfig {
    /// Every problem, with its key. `age` is when connections are ended, whatever section says so.
    pub(super) fn problems(&self, age: Duration) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, span) in self.spans() {
            let zero = span.is_zero().then(|| "must be longer than zero".to_owned());
            problems.extend(zero.or(too_long(span)).map(|problem| format!("[limits] {key} {problem}")));
        }
        for (key, number, least, most) in self.numbers() {
            if !(least..=most).contains(&number) {
                problems.push(format!("[limits] {key} must be {least} to {most}"));
            }
        }
        if self.connection_grace < age {
            problems.push(
                "[limits] connection_grace must not be shorter than connection_age or [tls] max_connection_age: a stream may \
                 begin right before a connection is ended, and last as long"
                    .to_owned(),
            );
        }
        problems
    }

    fn spans(&self) -> [(&'static str, Duration); 10] {
        [
            ("handshake_timeout", self.handshake_timeout),
            ("first_call_timeout", self.first_call_timeout),
            ("idle_timeout", self.idle_timeout),
            ("connection_age", self.connection_age),
            ("connection_grace", self.connection_grace),
            ("call_timeout", self.call_timeout),
            ("keepalive_interval", self.keepalive_interval),
            ("keepalive_timeout", self.keepalive_timeout),
            ("http_header_timeout", self.http_header_timeout),
            ("http_request_timeout", self.http_request_timeout),
        ]
    }

    /// Key, value, least and most.
    fn numbers(&self) -> [(&'static str, usize, usize, usize); 9] {
        [
            ("connections", self.connections, 1, 1_000_000),
            ("handshakes", self.handshakes, 1, 1_000_000),
            ("streams_per_connection", self.streams_per_connection as usize, 1, 100_000),
            // A token of an issuer is a header, and so is a traced request's context.
            ("header_bytes", self.header_bytes as usize, 4 << 10, 1 << 20),
            // A batch of 256 full keys must fit.
            ("message_bytes", self.message_bytes, 256 << 10, 64 << 20),
            ("pending_resets", self.pending_resets, 1, 10_000),
            ("broken_streams", self.broken_streams, 1, 10_000),
            ("http_connections", self.http_connections, 1, 1_000_000),
            ("http_body_bytes", self.http_body_bytes, 4 << 10, 16 << 20),
        ]
    }

    /// How many files the listeners may need at once.
    pub(crate) fn most_connections(&self) -> usize {
        self.connections + self.http_connections + HTTP_RESERVE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_good_and_every_key_has_bounds() {
        let good = LimitsConfig::default();
        assert_eq!(good.problems(good.connection_age), [""; 0]);
        for (key, ..) in good.spans() {
            let config: LimitsConfig = toml::from_str(&format!("{key} = \"0s\"")).unwrap();
            let problems = config.problems(Duration::ZERO);
            assert!(problems.iter().any(|problem| problem.starts_with(&format!("[limits] {key} "))), "{key}");
        }
        for (key, _, least, most) in good.numbers() {
            for bad in [least - 1, most + 1] {
                let config: LimitsConfig = toml::from_str(&format!("{key} = {bad}")).unwrap();
                assert!(config.problems(Duration::ZERO)[0].contains(key), "{key} = {bad}");
            }
        }
    }

    #[test]
    fn a_stream_that_begins_right_before_the_end_of_its_connection_has_its_time() {
        let config = LimitsConfig { connection_grace: Duration::from_secs(59), ..LimitsConfig::default() };
        let problems = config.problems(Duration::from_secs(60));
        assert!(problems[0].starts_with("[limits] connection_grace"), "{problems:?}");
    }
}
