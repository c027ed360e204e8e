//! Why a grant was lost.

use serde::Serialize;

use super::case::{Case, Record};

/// The point of the protocol at which a grant was lost (docs/rotation.md, "What a crash costs").
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "point", content = "detail")]
pub(crate) enum Loss {
    /// The process was killed before the last byte of the provider's answer left: irreducible.
    C4,
    /// The answer had left whole, and no record of it lay in the frozen escrow.
    C5 {
        /// How long before the kill it had left.
        left_micros: u64,
        /// How long before the kill the process was started.
        started_micros: u64,
    },
    /// A record of the answer lay in the frozen escrow, and the grant was lost all the same.
    RecordPresent(String),
    /// None of these.
    Unattributed(String),
}

/// Attributes the loss of a grant that is lost.
pub(crate) fn attribute(case: &Case, record: &Record<'_>) -> Loss {
    let unattributed = |why: &str| Loss::Unattributed(why.to_owned());
    let Some(rotation) = case.unadopted_rotation() else {
        return unattributed("the provider carried out no rotation that was not adopted");
    };
    let Some(attempt) = case.attempt_of(rotation) else {
        return unattributed("no attempt of the store fits the rotation that was not adopted");
    };
    if record.found_in(attempt).is_some() {
        return Loss::RecordPresent(format!("{rotation:?} {attempt:?}"));
    }
    let Some(death) = record.death_of(attempt) else {
        return Loss::Unattributed(format!(
            "the owner of the attempt was not killed: {attempt:?} {rotation:?}"
        ));
    };
    if attempt.closed_micros.is_some_and(|closed| closed < death.killed_micros) {
        return Loss::Unattributed(format!(
            "the attempt was closed before its owner was killed: {attempt:?}"
        ));
    }
    match rotation.answered_micros {
        Some(answered) if answered <= death.killed_micros => Loss::C5 {
            left_micros: death.killed_micros - answered,
            started_micros: death.killed_micros - death.started_micros,
        },
        Some(_) | None => Loss::C4,
    }
}
