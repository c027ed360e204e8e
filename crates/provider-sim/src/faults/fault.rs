//! One fault: where, how often, how slow, and with which effect.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FaultBody, RetryAfter};
use crate::journal::Endpoint;

/// How many requests a fault meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// The next one.
    #[default]
    Once,
    /// The next so many.
    Count(u32),
    /// Every one until the faults are cleared.
    Forever,
}

/// On which side of the provider's work a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The provider has done nothing.
    BeforeCommit,
    /// The provider has done everything, for example rotated the token.
    AfterCommit,
}

/// What a fault does to a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Effect {
    /// Nothing: the request is answered as usual, after the delays of the fault.
    #[default]
    None,
    /// The TCP connection is closed without an answer.
    Drop {
        /// Before or after the provider's work.
        when: When,
    },
    /// The head and half of the body of the real answer are sent, then the TCP connection is closed.
    CutBody,
    /// The connection is held until the faults are cleared (the request then goes on) or the client leaves.
    Hang {
        /// Before or after the provider's work. A request that hangs before it is never carried out when the
        /// client leaves.
        when: When,
    },
    /// Another answer is sent.
    Respond {
        /// Before or after the provider's work.
        when: When,
        /// The HTTP status.
        status: u16,
        /// The body.
        #[serde(default)]
        body: FaultBody,
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
    /// The body of a successful JSON answer is changed by a JSON merge patch (RFC 7396): `null` removes a member.
    Rewrite {
        /// The patch.
        merge: Value,
    },
}

/// A fault that waits for requests to an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The endpoint it waits at.
    pub endpoint: Endpoint,
    /// How many requests it meets.
    #[serde(default)]
    pub times: Times,
    /// Real milliseconds between the arrival and the provider's work. The work is done even if the client leaves
    /// meanwhile, as an orphaned request is.
    #[serde(default)]
    pub delay_before_ms: u64,
    /// Real milliseconds between the provider's work and the answer.
    #[serde(default)]
    pub delay_after_ms: u64,
    /// What it does.
    #[serde(default)]
    pub effect: Effect,
}

impl Fault {
    /// A fault with this effect on the next request.
    pub const fn new(endpoint: Endpoint, effect: Effect) -> Self {
        Self { endpoint, times: Times::Once, delay_before_ms: 0, delay_after_ms: 0, effect }
    }

    /// The provider is slow to start.
    pub const fn latency(endpoint: Endpoint, delay: Duration) -> Self {
        Self::new(endpoint, Effect::None).delay_before(delay)
    }

    /// The connection is closed without an answer.
    pub const fn drop_connection(endpoint: Endpoint, when: When) -> Self {
        Self::new(endpoint, Effect::Drop { when })
    }

    /// The connection is held.
    pub const fn hang(endpoint: Endpoint, when: When) -> Self {
        Self::new(endpoint, Effect::Hang { when })
    }

    /// Another answer is sent.
    pub const fn respond(endpoint: Endpoint, when: When, status: u16, body: FaultBody) -> Self {
        Self::new(endpoint, Effect::Respond { when, status, body, retry_after: None })
    }

    /// 429 before the provider's work, in the provider's own words.
    pub const fn too_many_requests(endpoint: Endpoint, retry_after: Option<RetryAfter>) -> Self {
        let (when, body) = (When::BeforeCommit, FaultBody::Provider);
        Self::new(endpoint, Effect::Respond { when, status: 429, body, retry_after })
    }

    /// The successful answer is changed by a JSON merge patch.
    pub const fn rewrite(endpoint: Endpoint, merge: Value) -> Self {
        Self::new(endpoint, Effect::Rewrite { merge })
    }

    /// The same fault for the next `count` requests.
    pub fn times(self, count: u32) -> Self {
        Self { times: Times::Count(count), ..self }
    }

    /// The same fault until the faults are cleared.
    pub fn forever(self) -> Self {
        Self { times: Times::Forever, ..self }
    }

    /// The same fault with a delay before the provider's work.
    pub const fn delay_before(mut self, delay: Duration) -> Self {
        self.delay_before_ms = delay.as_millis() as u64;
        self
    }

    /// The same fault with a delay after the provider's work.
    pub const fn delay_after(mut self, delay: Duration) -> Self {
        self.delay_after_ms = delay.as_millis() as u64;
        self
    }
}
