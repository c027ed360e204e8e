//! One request and its faults.
//!
//! The provider's work runs in a task of its own: a client that leaves does not stop it, as it does not stop a
//! real provider that has already read the request.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::site::Site;
use crate::faults::{Effect, Failure, Fault, Faults, When};
use crate::journal::{Endpoint, Entry, Outcome};
use crate::message::{Reply, Request};

/// A request that was handled.
pub(super) struct Handled {
    /// Its entry in the journal.
    pub(super) seq: u64,
    pub(super) delivery: Delivery,
}

/// What the connection is to do.
pub(super) enum Delivery {
    /// Send the reply.
    Whole(Reply),
    /// Send the head and half of the body, then close.
    Cut(Reply),
    /// Close without an answer.
    Close,
}

impl Site {
    /// Handles one request. The future may be dropped when the client leaves.
    pub(super) async fn handle(self: Arc<Self>, request: Request) -> Handled {
        let endpoint = self.provider.endpoint(&request);
        let seq = self.journal.arrive(self.entry(endpoint, &request));
        Handled { seq, delivery: self.deliver(request, endpoint, seq).await }
    }

    async fn deliver(self: Arc<Self>, request: Request, endpoint: Endpoint, seq: u64) -> Delivery {
        let cleared = self.faults.watch();
        let fault = self.faults.take(endpoint).unwrap_or_else(|| Fault::new(endpoint, Effect::None));
        if fault.effect == (Effect::Hang { when: When::BeforeCommit })
            && self.hold(cleared.clone()).await.is_none()
        {
            self.finish(seq, &Delivery::Close);
            return Delivery::Close;
        }
        let hangs_after = fault.effect == (Effect::Hang { when: When::AfterCommit });
        let work = Arc::clone(&self).work(request, endpoint, seq, fault, hangs_after);
        let mut delivery = self.tasks.spawn(work).await.unwrap_or(Delivery::Close);
        if hangs_after {
            if self.hold(cleared).await.is_none() {
                delivery = Delivery::Close;
            }
            self.finish(seq, &delivery);
        }
        delivery
    }

    async fn work(
        self: Arc<Self>,
        request: Request,
        endpoint: Endpoint,
        seq: u64,
        fault: Fault,
        hangs_after: bool,
    ) -> Delivery {
        let mut delivery = Delivery::Close;
        if self.pause(fault.delay_before_ms).await.is_some() {
            delivery = self.perform(&request, endpoint, seq, &fault.effect);
            if self.pause(fault.delay_after_ms).await.is_none() {
                delivery = Delivery::Close;
            }
        }
        if !hangs_after {
            self.finish(seq, &delivery);
        }
        delivery
    }

    fn perform(&self, request: &Request, endpoint: Endpoint, seq: u64, effect: &Effect) -> Delivery {
        match effect {
            Effect::Drop { when: When::BeforeCommit } => return Delivery::Close,
            Effect::Respond { when: When::BeforeCommit, status, body, retry_after } => {
                let failure = Failure { status: *status, body, retry_after: *retry_after };
                return Delivery::Whole(self.fail(&failure, request, endpoint, None));
            }
            _ => {}
        }
        let reply = self.commit(request, endpoint, seq);
        match effect {
            Effect::Drop { .. } => Delivery::Close,
            Effect::CutBody => Delivery::Cut(reply),
            Effect::Respond { status, body, retry_after, .. } => {
                let failure = Failure { status: *status, body, retry_after: *retry_after };
                Delivery::Whole(self.fail(&failure, request, endpoint, Some(&reply)))
            }
            Effect::Rewrite { merge } => Delivery::Whole(rewritten(reply, merge)),
            Effect::None | Effect::Hang { .. } => Delivery::Whole(reply),
        }
    }

    /// Lets the provider work and notes what came of it.
    fn commit(&self, request: &Request, endpoint: Endpoint, seq: u64) -> Reply {
        let answer = self.provider.answer(endpoint, request);
        let (committed, trace) = (answer.committed, answer.trace);
        self.journal.update(seq, |entry| {
            entry.committed = committed;
            entry.issued = trace.issued;
            entry.family = entry.family.or(trace.family);
            entry.generation = entry.generation.or(trace.generation);
        });
        answer.reply
    }

    fn fail(
        &self,
        failure: &Failure<'_>,
        request: &Request,
        endpoint: Endpoint,
        real: Option<&Reply>,
    ) -> Reply {
        let own = |status| self.provider.own_error(endpoint, request, status);
        failure.reply(own, real.map(|reply| &reply.body), self.clock.now())
    }

    fn entry(&self, endpoint: Endpoint, request: &Request) -> Entry {
        let facts = self.provider.facts(endpoint, request);
        let found = facts.token.and_then(|token| self.provider.realm().trace_refresh(&token));
        Entry {
            seq: 0,
            time: self.clock.millis(),
            endpoint,
            client_id: facts.client_id,
            grant_type: facts.grant_type,
            presented: found.map(|(serial, _)| serial),
            issued: None,
            family: found.and_then(|(_, trace)| trace.family),
            generation: found.and_then(|(_, trace)| trace.generation),
            committed: false,
            outcome: None,
            answered_micros: None,
        }
    }

    fn finish(&self, seq: u64, delivery: &Delivery) {
        let outcome = match delivery {
            Delivery::Whole(reply) | Delivery::Cut(reply) => {
                Outcome { status: Some(reply.status.as_u16()), error: reply.error.clone() }
            }
            Delivery::Close => Outcome { status: None, error: None },
        };
        self.journal.update(seq, |entry| {
            tracing::info!(
                seq,
                endpoint = ?entry.endpoint,
                committed = entry.committed,
                status = outcome.status,
                error = outcome.error,
                "request ended"
            );
            entry.outcome = Some(outcome);
        });
    }

    /// Waits until the faults are cleared; `None` when the simulator stops first.
    async fn hold(&self, cleared: watch::Receiver<u64>) -> Option<()> {
        self.stop.run_until_cancelled(Faults::until_cleared(cleared)).await
    }

    /// Waits for real time to pass; `None` when the simulator stops first.
    async fn pause(&self, millis: u64) -> Option<()> {
        if millis == 0 {
            return Some(());
        }
        self.stop.run_until_cancelled(tokio::time::sleep(Duration::from_millis(millis))).await
    }
}

/// Applies a JSON merge patch to a successful JSON reply; others stay as they are.
fn rewritten(mut reply: Reply, patch: &Value) -> Reply {
    if let Ok(mut content) = serde_json::from_slice(&reply.body)
        && reply.status.is_success()
    {
        merge(&mut content, patch);
        reply.body = serde_json::to_vec(&content).unwrap_or_default().into();
    }
    reply
}

/// JSON merge patch (RFC 7396 section 2).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;

    #[test]
    fn a_merge_patch_sets_replaces_and_removes() {
        let table = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": 1}), json!({"a": "b", "b": 1})),
            (json!({"a": "b", "c": 1}), json!({"a": null}), json!({"c": 1})),
            (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": null}}), json!({"a": {"c": 2}})),
            (json!({"a": [1]}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}})),
            (json!({"a": 1}), json!("x"), json!("x")),
        ];
        for (mut target, patch, expected) in table {
            merge(&mut target, &patch);
            assert_eq!(target, expected);
        }
    }
}
